"""The ladder against a slow, obvious book."""

from hypothesis import example, given
from hypothesis import strategies as st
from librt.vecs import vec
from mypy_extensions import i64

from engine.kernel.book import WINDOW, Book, Ladder, Pool
from engine.kernel.record import NONE
from engine.kernel.units import ASK, BID


class SlowBook:
    """Two dictionaries, sorted whenever somebody asks."""

    def __init__(self) -> None:
        self.sides: dict[int, dict[int, int]] = {BID: {}, ASK: {}}

    def set_level(self, side: int, tick: int, lots: int) -> None:
        if lots:
            self.sides[side][tick] = lots
        else:
            self.sides[side].pop(tick, None)

    def levels(self, side: int) -> list[tuple[int, int]]:
        return sorted(self.sides[side].items(), reverse=side == BID)


# Near moves, moves to the edge of the window and far beyond it, so that the window has to be laid anew.
far_ticks = st.one_of(
    st.integers(0, 300),
    st.integers(5_000, 30_000),
    st.integers(5_000, 5_000 + 2 * WINDOW),
    st.integers(0, 60_000_000),
)
changes = st.lists(st.tuples(st.sampled_from([BID, ASK]), far_ticks, st.sampled_from([0, 0, 1, 7])), max_size=60)
near_changes = st.lists(
    st.tuples(st.sampled_from([BID, ASK]), st.integers(0, 200), st.sampled_from([0, 0, 1, 7])), max_size=80
)


def assert_same(slow: SlowBook, book: Book) -> None:
    for side in (BID, ASK):
        expected = slow.levels(side)
        ladder = book.bids if side == BID else book.asks

        assert expected == book.levels(side)
        assert expected[:3] == book.top(side, 3)
        assert len(expected) == ladder.count()
        assert all(lots == book.lots_at(side, tick) for tick, lots in expected)
    bids, asks = slow.levels(BID), slow.levels(ASK)
    assert (bids[0][0] if bids else NONE) == book.best_bid()
    assert (asks[0][0] if asks else NONE) == book.best_ask()
    assert bool(bids and asks and bids[0][0] >= asks[0][0]) == book.crossed()


@given(changes)
@example([(ASK, 0, 1), (ASK, WINDOW, 1), (ASK, 0, 0)])  # the last dense level goes, and the best lies far behind it
def test_an_unbounded_book_holds_what_a_dictionary_would(steps: list[tuple[int, int, int]]) -> None:
    slow, book = SlowBook(), Book(0)
    for side, tick, lots in steps:
        slow.set_level(side, tick, lots)
        book.set_level(side, tick, lots)
        assert (slow.levels(side)[0] if slow.levels(side) else None) == (book.top(side, 1) or [None])[0]
    assert_same(slow, book)


@given(near_changes)
def test_a_bounded_book_holds_what_a_dictionary_would(steps: list[tuple[int, int, int]]) -> None:
    slow, book = SlowBook(), Book(200)
    for side, tick, lots in steps:
        slow.set_level(side, tick, lots)
        book.set_level(side, tick, lots)
    assert_same(slow, book)


@given(changes)
def test_a_cleared_book_is_a_new_one(steps: list[tuple[int, int, int]]) -> None:
    book, slow = Book(0), SlowBook()
    for side, tick, lots in steps:
        book.set_level(side, tick, lots)
    book.clear()
    assert_same(slow, book)
    for side, tick, lots in steps:
        slow.set_level(side, tick, lots)
        book.set_level(side, tick, lots)
    assert_same(slow, book)


@given(st.lists(st.tuples(far_ticks, st.integers(1, 9)), max_size=40), far_ticks)
def test_the_next_level_below_any_price_is_the_best_of_the_worse(levels: list[tuple[int, int]], key: int) -> None:
    ladder = Ladder(0, 128, False, Pool(2))
    held: dict[int, int] = {}
    for tick, lots in levels:
        ladder.set(tick, lots)
        held[tick] = lots
    worse = [tick for tick in held if tick < key]

    assert (max(worse) if worse else NONE) == ladder.next_below(key)


def test_a_level_that_nobody_set_holds_nothing() -> None:
    book = Book(0)

    assert book.lots_at(BID, 61_797) == 0
    assert book.lots_at(BID, 10 * WINDOW) == 0
    book.set_level(BID, 61_797, 0)  # removing an unknown level is normal at every venue
    assert book.best_bid() == NONE
    assert not book.crossed()


def test_far_levels_are_held_and_counted_and_come_back_when_the_touch_comes_to_them() -> None:
    book = Book(0)
    far = [(ASK, WINDOW * n, n) for n in range(1, 6)]
    book.set_level(ASK, 5, 9)
    for side, tick, lots in far:
        book.set_level(side, tick, lots)
    book.set_level(ASK, WINDOW * 3, 0)

    assert book.lots_at(ASK, WINDOW * 4) == 4
    assert book.lots_at(ASK, WINDOW * 3) == 0
    assert book.lots_at(ASK, 6) == 0
    assert book.asks.count() == 5
    book.set_level(ASK, 5, 0)
    assert book.levels(ASK) == [(tick, lots) for _, tick, lots in far if tick != WINDOW * 3]
    assert book.best_ask() == WINDOW


def test_emptied_pages_are_used_again() -> None:
    ladder = Ladder(0, WINDOW, False, Pool(4))
    for round_ in range(40):
        for page in range(20):
            ladder.set(round_ * 1000 + page * 128, 1)
        for page in range(20):
            ladder.set(round_ * 1000 + page * 128, 0)

    assert ladder.count() == 0
    assert len(ladder.pool.words) <= (64 + 32) * 128


def test_pages_that_levels_left_behind_the_touch_are_used_again() -> None:
    ladder = Ladder(0, WINDOW, False, Pool(4))
    ladder.set(4_000 * 128, 1)
    for page in range(4_000):
        ladder.set(page * 128, 1)
        ladder.set(page * 128, 0)

    assert ladder.occupied() == [4_000 * 128]
    assert len(ladder.pool.words) <= (64 + 32) * 128


def test_a_pool_that_is_nearly_full_of_levels_grows_by_half() -> None:
    ladder = Ladder(0, WINDOW, False, Pool(32 + 16))
    sizes = set()
    for page in range(200):
        ladder.set(page * 128, 1)
        if page % 8 == 7:
            ladder.set((page - 3) * 128, 0)
        sizes.add(len(ladder.pool.words) // 128)

    assert ladder.count() == 175
    assert len(sizes) < 7
    assert [ladder.lots_at(page * 128) for page in range(200)] == [int(page % 8 != 4) for page in range(200)]


@given(near_changes)
def test_the_levels_of_the_window_are_copied_best_first(steps: list[tuple[int, int, int]]) -> None:
    book, keys, lots = Book(200), vec[i64]([0] * 1000), vec[i64]([0] * 1000)
    for side, tick, size in steps:
        book.set_level(side, tick, size)
    end = book.bids.copy_dense(keys, lots, 3)

    assert [(keys[at], lots[at]) for at in range(3, end)] == book.levels(BID)
