"""Which markets and instruments exist: numbered in order of listing, found by key or by a symbol number."""

from typing import Final, final

from mypy_extensions import i64

from engine.kernel.events import Symbols
from engine.kernel.market import Instrument, Market


@final
class Finding:
    """Something about *market* (or -1) that concerns more than its state: a reason *code*, set or lifted."""

    def __init__(self, code: i64, market: i64, closed: bool, a: i64, b: i64, text: str) -> None:
        self.code: Final[i64] = code
        self.market: Final[i64] = market
        self.closed: Final[bool] = closed
        self.a: Final[i64] = a
        self.b: Final[i64] = b
        self.text: Final[str] = text


@final
class Listings:
    """Every listed market and instrument. Numbers are places in the lists, and never change."""

    def __init__(self) -> None:
        self.markets: list[Market] = []
        self.instruments: list[Instrument] = []
        self.market_by_key: dict[str, Market] = {}
        self.instrument_by_key: dict[str, Instrument] = {}
        self.unknown: dict[str, int] = {}  # symbols without a listing: how many events were passed over
        self._generation: i64 = 0  # so that failed look-ups are tried again after a listing

    def adopt(self, market: Market) -> None:
        """Take *market*, new or restored, and its instruments under the next numbers."""
        assert market.number == len(self.markets)
        listing = market.listing
        market.first_instrument = len(self.instruments)
        self.markets.append(market)
        self.market_by_key[market.key] = market
        legs: i64 = len(listing.symbols)
        leg: i64 = 0
        while leg < legs:
            instrument = Instrument(len(self.instruments), market, leg)
            if legs == 2:
                instrument.other = market.first_instrument + 1 - leg
            self.instruments.append(instrument)
            self.instrument_by_key[instrument.key] = instrument
            leg += 1
        self._generation += 1

    def find(self, symbols: Symbols, number: i64) -> Instrument | None:
        """The instrument of *symbols*' text *number*, or None where no catalogue input listed it."""
        index = symbols.instrument[number]
        if index >= 0:
            return self.instruments[index]
        if symbols.missed[number] == self._generation:
            return None
        found = self.instrument_by_key.get(f"{symbols.venue}:{symbols.texts[number]}")
        if found is not None:
            symbols.instrument[number] = found.number
        else:
            symbols.missed[number] = self._generation
        return found

    def passed_over(self, key: str) -> i64:
        """Count one more event of the unlisted *key*; returns how many there were."""
        seen: i64 = self.unknown.get(key, 0) + 1
        self.unknown[key] = seen
        return seen
