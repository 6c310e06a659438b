"""Which decoder reads which kind of record: this build's newest, or those a RUN_START names."""

from collections.abc import Mapping

from adapters.binance.wire import terms as binance_venues
from adapters.binance.wire import translators as binance
from adapters.hftbacktest.wire import terms as hftbacktest_venue
from adapters.hftbacktest.wire import translators as hftbacktest
from adapters.polymarket.wire import decoders as polymarket
from adapters.simulated import reports as simulated
from engine.kernel import kinds
from engine.kernel.events import Symbols, Translator
from journal.errors import JournalError

_NUMBERS = {name: kind for kind, name in kinds.NAMES.items()}


class NoDecoder(JournalError):
    """A run was recorded with a decoder that this build does not have."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(
            f"this build has no decoder {name} for {kind} records: replay with the build that recorded them"
        )


def newest() -> dict[str, str]:
    """Kind name to decoder name, as new runs record them."""
    return {kinds.name(kind): found.name for kind, found in translators(None).items()}


def translators(versions: Mapping[str, str] | None) -> dict[int, Translator]:
    """
    One translator for each kind, sharing a symbol table for each venue.

    Args:
        versions: kind name to decoder name, from RUN_START; None takes this build's newest.
    Raises:
        NoDecoder: a named decoder is not in this build.
    """
    found: dict[int, Translator] = {}
    found.update(polymarket.translators(Symbols(polymarket.VENUE)))
    found.update(binance.translators(Symbols(binance_venues.SPOT), Symbols(binance_venues.USDM)))
    found.update(hftbacktest.translators(Symbols(hftbacktest_venue.VENUE)))
    found.update(simulated.translators(Symbols(simulated.VENUE)))
    if versions is not None:
        for kind, name in versions.items():
            present = found.get(_NUMBERS.get(kind, -1))
            if present is None or present.name != name:
                raise NoDecoder(kind, name)
    return found
