"""The venue's book: the kernel's, what is on its way to us, and what our takers took."""

from hypothesis import given
from hypothesis import strategies as st
from trading_room import Room, binary, contract

from adapters.simulated.book import VenueBook, whole_lots
from engine.kernel.events import STATUS_HALTED
from engine.kernel.market import Market
from engine.kernel.record import NONE
from engine.kernel.units import ASK, BID

TICK, LOT = 100, 10_000

Level = tuple[int, int, int]
"""Side, tick, lots."""


def a_market() -> Market:
    return Room(binary()).markets[0]


def put(book: VenueBook, levels: list[Level]) -> None:
    for side, tick, lots in levels:
        book.set_level(side, tick * TICK, lots * LOT)


class Plain:
    """The same book as two dictionaries."""

    def __init__(self) -> None:
        self.levels: dict[int, dict[int, int]] = {BID: {}, ASK: {}}
        self.taken: dict[tuple[int, int], int] = {}

    def top(self, side: int) -> list[tuple[int, int]]:
        """(price, size) of every level that holds something, best first."""
        left = {
            tick: lots - self.taken.get((side, tick), 0)
            for tick, lots in self.levels[side].items()
            if lots > self.taken.get((side, tick), 0)
        }
        return [(tick * TICK, left[tick] * LOT) for tick in sorted(left, reverse=side == BID)]


levels = st.lists(st.tuples(st.sampled_from((BID, ASK)), st.integers(1, 99), st.integers(0, 9)), max_size=90)
takes = st.lists(st.tuples(st.sampled_from((BID, ASK)), st.integers(1, 99), st.integers(1, 9)), max_size=20)


@given(levels, levels, takes, takes, st.booleans())
def test_it_is_the_kernels_book_overlaid_with_what_is_under_way_less_what_was_taken(
    known: list[Level], coming: list[Level], before: list[Level], after: list[Level], snapshot: bool
) -> None:
    market, plain = a_market(), Plain()
    book = VenueBook()
    for side, tick, lots in known:
        market.book.set_level(side, tick, lots)
        plain.levels[side][tick] = lots
    for side, tick, lots in before:
        book.take(market, side, tick * TICK, lots * LOT)
    book.begin(market)
    if snapshot:
        book.clear()
        plain.levels = {BID: {}, ASK: {}}
    put(book, coming)
    for side, tick, lots in coming:
        plain.levels[side][tick] = lots
    for side, tick, lots in after:
        book.take(market, side, tick * TICK, lots * LOT)
    for side, tick, lots in before + after:
        plain.taken[side, tick] = plain.taken.get((side, tick), 0) + lots

    for side, best in ((BID, book.best_bid()), (ASK, book.best_ask())):
        expected = plain.top(side)
        assert book.levels(side, 200) == expected
        assert book.levels(side, 2) == expected[:2]
        assert best == (expected[0][0] if expected else NONE)
        sizes = dict(expected)
        assert all(book.size_at(side, tick * TICK) == sizes.get(tick * TICK, 0) for tick in range(100))
        for price, following in zip([NONE, *sizes], [*sizes, NONE], strict=True):
            assert book.next_price(side, price) == following
    assert [market.book.levels(side) for side in (BID, ASK)] == [
        [(tick, lots) for tick, lots in sorted(last(known, side).items(), reverse=side == BID) if lots]
        for side in (BID, ASK)
    ], "the kernel's own is untouched"


def last(known: list[Level], side: int) -> dict[int, int]:
    return {tick: lots for of, tick, lots in known if of == side}


def test_every_book_begins_anew_but_for_what_was_taken() -> None:
    room = Room(binary("M"), binary("N"))
    for market in room.markets:
        market.book.set_level(BID, 40, 10)
    book = VenueBook()
    book.begin(room.markets[0])
    put(book, [(BID, 41, 5)])
    book.take(room.markets[0], BID, 40 * TICK, 4 * LOT)
    book.set_status(STATUS_HALTED)
    book.begin(room.markets[1])
    assert (book.levels(BID, 9), book.status) == ([(40 * TICK, 10 * LOT)], room.markets[1].status)
    book.begin(room.markets[0])

    assert (book.levels(BID, 9), book.status) == ([(40 * TICK, 6 * LOT)], room.markets[0].status)


def test_what_was_taken_is_forgotten_level_by_level_or_as_a_whole() -> None:
    market = a_market()
    book = VenueBook()
    for tick in (42, 43):
        market.book.set_level(ASK, tick, 10)
        book.take(market, ASK, tick * TICK, 10 * LOT)
    book.begin(market)
    assert book.best_ask() == NONE
    assert book.stated(market, BID, 42 * TICK)
    assert book.stated(market, ASK, 42 * TICK)
    assert book.best_ask() == 42 * TICK
    assert not book.stated(market, ASK, 43 * TICK)
    assert not book.stated(Room(binary("N"), binary("O")).markets[1], ASK, 43 * TICK)
    book.take(market, ASK, 42 * TICK, 10 * LOT)
    book.forget_taken(market.number)
    book.forget_taken(99)

    assert book.levels(ASK, 9) == [(42 * TICK, 10 * LOT), (43 * TICK, 10 * LOT)]


def test_a_new_grid_is_unknown_until_a_snapshot_and_then_its_own() -> None:
    market = a_market()
    market.book.set_level(BID, 40, 10)
    book = VenueBook()
    book.begin(market)
    assert book.ready()
    book.set_tick(10)
    assert not book.ready()
    assert book.best_bid() == NONE
    book.clear()
    book.set_level(BID, 4010, 5 * LOT)

    assert book.ready()
    assert book.levels(BID, 9) == [(4010, 5 * LOT)]
    assert book.tick == 10


def test_a_level_between_two_ticks_is_passed_over() -> None:
    book = VenueBook()
    book.begin(a_market())
    book.set_level(BID, 4050, 5 * LOT)

    assert book.best_bid() == NONE


def test_a_doubtful_book_is_known_again_by_a_snapshot_under_way() -> None:
    market = a_market()
    market.valid = False
    book = VenueBook()
    book.begin(market)
    assert not book.ready()
    book.clear()

    assert book.ready()


def test_prices_without_bound_are_found_too() -> None:
    market = Room(contract()).markets[0]
    book = VenueBook()
    for tick in (600_000, 100, 5_000_000):
        market.book.set_level(BID, tick, 7)
    book.begin(market)
    book.set_level(BID, 600_000 * 10_000_000, 0)

    assert book.levels(BID, 9) == [(tick * 10_000_000, 7 * 100_000) for tick in (5_000_000, 100)]


def test_there_is_room_for_every_change_under_way() -> None:
    market = Room(contract()).markets[0]
    book = VenueBook()
    for _ in range(2):
        book.begin(market)
        for tick in range(1, 500):
            book.set_level(ASK, tick * 10_000_000, tick * 100_000)
            book.set_level(BID, tick * 10_000_000, 0)

        assert book.levels(ASK, 1000) == [(tick * 10_000_000, tick * 100_000) for tick in range(1, 500)]
        assert book.best_bid() == NONE


def test_sizes_count_in_whole_lots_and_never_as_none() -> None:
    assert [whole_lots(size, 10) for size in (0, 1, 9, 10, 19, 20)] == [0, 1, 1, 1, 1, 2]
