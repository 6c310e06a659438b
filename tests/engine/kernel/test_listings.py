"""Finding instruments: by a symbol number, once it is listed, and counting those that are not."""

import pytest
from row_room import binary, contract

from engine.kernel.events import Symbols
from engine.kernel.listings import Listings
from engine.kernel.market import Market


def test_a_symbol_is_found_once_its_market_is_listed_and_never_before() -> None:
    listings, symbols = Listings(), Symbols("polymarket")
    number = symbols.number("NO-M")

    assert listings.find(symbols, number) is None
    assert listings.find(symbols, number) is None  # known to be missing: not looked up again
    listings.adopt(Market(0, contract()))
    assert listings.find(symbols, number) is None
    listings.adopt(Market(1, binary()))
    found = listings.find(symbols, number)
    assert found is not None
    assert found.key == "polymarket:NO-M"
    assert listings.find(symbols, number) is found


def test_the_same_symbol_of_another_venue_is_another_instrument() -> None:
    listings, symbols = Listings(), Symbols("elsewhere")
    listings.adopt(Market(0, binary()))

    assert listings.find(symbols, symbols.number("NO-M")) is None


def test_markets_are_numbered_without_gap() -> None:
    listings = Listings()
    with pytest.raises(AssertionError):
        listings.adopt(Market(1, binary()))


def test_events_of_unlisted_symbols_are_counted() -> None:
    listings = Listings()

    assert [listings.passed_over("a"), listings.passed_over("a"), listings.passed_over("b")] == [1, 2, 1]
    assert listings.unknown == {"a": 2, "b": 1}
