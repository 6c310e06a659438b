"""The decoders of Polymarket's records, by kind of record and version."""

from collections.abc import Mapping
from typing import Final

from adapters.polymarket.wire.catalogue import CATALOGUE_DECODER, CatalogueTranslator
from adapters.polymarket.wire.market import BOOK_DECODER, MARKET_DECODER, BookTranslator, MarketTranslator
from adapters.polymarket.wire.user import USER_DECODER, UserTranslator
from engine.kernel.events import Symbols, Translator
from engine.kernel.kinds import POLYMARKET_BOOK, POLYMARKET_CATALOGUE, POLYMARKET_MARKET, POLYMARKET_USER

VENUE: Final = "polymarket"

VERSIONS: Final[dict[int, str]] = {
    POLYMARKET_MARKET: MARKET_DECODER,
    POLYMARKET_USER: USER_DECODER,
    POLYMARKET_BOOK: BOOK_DECODER,
    POLYMARKET_CATALOGUE: CATALOGUE_DECODER,
}
"""The decoder that new runs use for each kind of record."""


def translators(symbols: Symbols, versions: Mapping[int, str] = VERSIONS) -> dict[int, Translator]:
    """
    One decoder for each kind of record in *versions*, all numbering their tokens in *symbols*.

    *versions* comes from RUN_START when a journal is replayed; a decoder this build does not have is a ValueError.
    """
    assert symbols.venue == VENUE
    return {kind: _translator(kind, name, symbols) for kind, name in versions.items()}


def _translator(kind: int, name: str, symbols: Symbols) -> Translator:
    if VERSIONS.get(kind) != name:
        raise ValueError(f"no decoder {name} for records of kind 0x{kind:04x}")
    if kind == POLYMARKET_MARKET:
        return MarketTranslator(symbols)
    if kind == POLYMARKET_USER:
        return UserTranslator(symbols)
    if kind == POLYMARKET_BOOK:
        return BookTranslator(symbols)
    return CatalogueTranslator(symbols)
