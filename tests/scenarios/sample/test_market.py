"""What people do to a market: always a book that a venue could have."""

import pytest

from scenarios.sample.book import BID, ONE, Book
from scenarios.sample.chance import Chance
from scenarios.sample.market import COARSE, FINE, Change, Character, SampleMarket

CALM = Character(500, 0, 0, 300)
RISING = Character(930, 990, 200, 800)
FALLING = Character(70, 9, 200, 800)


def market_of(seed: int, character: Character) -> SampleMarket:
    book = Book("0x" + "ab" * 32, ("11", "22"), COARSE, b"0.500", b"1790265600000")
    return SampleMarket(book, character, Chance(seed, "market"))


def check(market: SampleMarket, changes: list[Change]) -> None:
    book = market.book
    assert book.bids.best() < book.asks.best()
    for _, price, size in changes:
        assert 0 < price < ONE
        assert price % book.tick == 0
        assert size >= 0
    for side, price, size in {change[:2]: change for change in changes}.values():  # a level's last change holds
        resting = book.sides[side]
        sizes = dict(zip(resting.keys, resting.sizes, strict=True))
        assert sizes.get(price if side == BID else -price, 0) == size


@pytest.mark.parametrize("character", [CALM, RISING, FALLING])
@pytest.mark.parametrize("seed", range(3))
def test_a_book_stays_uncrossed_on_its_grid_and_says_what_the_changes_say(seed: int, character: Character) -> None:
    market = market_of(seed, character)
    for number in range(1500):
        changes = market.burst() if number % 20 == 19 else market.next()[0]
        check(market, changes)
        if market.wants_fine_grid():
            market.book.tick = FINE


def test_trades_take_what_the_changes_say_is_gone() -> None:
    market = market_of(1, CALM)
    trades = 0
    for _ in range(3000):
        before = [dict(zip(side.keys, side.sizes, strict=True)) for side in market.book.sides]
        changes, fills = market.next()
        trades += len(fills)
        for (side, price, size), fill in zip(changes, fills, strict=False):
            assert (side, price) == (1 - fill.side, fill.price)
            assert before[side][price if side == BID else -price] == size + fill.size
            assert fill.size > 0

    assert trades > 50


@pytest.mark.parametrize("character", [RISING, FALLING])
def test_a_market_that_runs_to_an_end_of_the_range_wants_the_fine_grid_once(character: Character) -> None:
    market = market_of(2, character)
    waited = 0
    while not market.wants_fine_grid():
        market.next()
        waited += 1
    market.book.tick = FINE

    assert waited > 10
    assert not market.wants_fine_grid()


def test_a_calm_market_keeps_a_book_worth_reading() -> None:
    market = market_of(4, CALM)
    for _ in range(5000):
        market.next()

    assert all(5 <= len(side.keys) <= 60 for side in market.book.sides)
    assert not market.wants_fine_grid()
