"""The bulk fold: the same state, digests, records and wakes as one step for each input, whatever comes."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from row_room import RowRoom, binary, contract
from run_maker import RUN, concluded_by

from engine.kernel import events, kinds
from engine.kernel.events import KIND_PERPETUAL, RULE_NONE, RULE_PREV, EventBatch, Listing
from engine.kernel.market import WAKE_BOOK, WAKE_TOUCH, WAKE_TRADE
from engine.kernel.record import NONE
from engine.kernel.step import DIGEST_EVERY, Kernel
from replay.decoded import AT_END, CONCLUDED, AheadCursor, DecodedCursor, Piece
from replay.packed import Packed
from replay.rebuild import kernel_of

MS = 1_000_000
POLYMARKET = int(kinds.POLYMARKET_MARKET)
ARRAYS = int(kinds.HFTBACKTEST_EVENTS)
TEXTS = {"polymarket": ["NO-M", "YES-M", "elsewhere"], "hftbacktest": ["A", "B", "C", "nowhere"]}
Input = tuple[int, int, int, int, int, list[tuple[int, ...]]]
"""seq, recv_ns, src_ns, kind, source, rows."""


def listings() -> list[Listing]:
    """A binary market and three contracts, one of them on a coarse grid, one counting in thirds."""
    grids = (("A", 10, 100), ("B", 1, 1), ("C", 3, 12))
    return [binary("M"), *(contract(name, tick, lot, venue="hftbacktest") for name, tick, lot in grids)]


class Listener:
    """Wants to be told, and writes down what of."""

    def __init__(self, wants: int) -> None:
        self.wants = wants
        self.told: list[Any] = []

    def decide(self, view: Any, wake: Any) -> Iterator[Any]:
        for key in wake.instruments:
            market = view.market(key)
            prices = market.best_bid, market.best_ask, market.last_trade_price
            self.told.append((int(wake.seq), key, wake.reasons(key), *prices))
        return iter(())


def kernel(wants: list[tuple[int, tuple[str, ...]]], inputs: int) -> tuple[Kernel, list[Listener]]:
    """A kernel in a run, that has so many inputs behind it, with its listeners."""
    made = kernel_of(RUN)
    listeners = [Listener(bits) for bits, _ in wants]
    for place, (_, keys) in enumerate(wants):
        made.trading.add_strategy(f"listener {place}", listeners[place], 3, keys)
    made.step(1, 1, kinds.RUN_START, 1, RUN.payload(), 0, len(RUN.payload()))
    made.inputs = inputs
    made.batch.clear()
    for listing in listings():
        made.batch.listed(listing)
    made.step_decoded(2, 1, POLYMARKET, 3)
    return made, listeners


def packed(inputs: list[Input], pieces: int, texts: dict[str, list[str]] = TEXTS) -> list[Piece]:
    """*inputs*, in so many pieces."""
    out, found, batch = Packed(2), [], EventBatch()
    each = max(1, len(inputs) // pieces)
    first_seq = 3
    for start in range(0, len(inputs), each):
        some = inputs[start : start + each]
        for seq, recv_ns, src_ns, kind, source, rows in some:
            batch.clear()
            for row in rows:
                batch.add(*row)
            assert out.events(seq, recv_ns, src_ns, kind, source, batch)
        last_seq = some[-1][0]
        found.append(Piece(out.take(last_seq), texts, first_seq, last_seq, 1, {}, {}, False))
        first_seq = last_seq + 1
    return found


def one_by_one(made: Kernel, pieces: list[Piece], span_seq: int, until: list[int]) -> list[Any]:
    """A step for each input; what it led to, and a checkpoint at each time in *until*."""
    cursor = DecodedCursor(made)
    for piece in pieces:
        cursor.add(piece)
    reader, found, times = AheadCursor(cursor), [], list(until)
    while reader.next():
        while times and reader.recv_ns > times[0]:
            found.append((times.pop(0), made.checkpoint()))
        made.batch.clear()
        while reader.row():
            fields = [reader.field(column) for column in (5, 6, 7)]
            made.batch.add(reader.row_kind, reader.symbol, reader.a, reader.b, reader.c, *fields)
        number, base = (span_seq, reader.seq) if span_seq else (reader.seq, 0)
        made.step_decoded(number, reader.recv_ns, reader.kind, reader.source, base)
        if made.out.records:
            found.append((int(reader.seq), concluded_by(made)))
    return found + [(time, made.checkpoint()) for time in times]


def in_bulk(made: Kernel, pieces: list[Piece], span_seq: int, until: list[int]) -> list[Any]:
    """The same, by the cursor."""
    cursor, found = DecodedCursor(made), []
    cursor.span_seq = span_seq
    for piece in pieces:
        cursor.add(piece)
    for time in [*until, 2**62]:
        while True:
            stopped = cursor.fold_until(time)
            if stopped != CONCLUDED:
                break
            found.append((int(cursor.seq), concluded_by(made)))
        if time < 2**62:
            found.append((time, made.checkpoint()))
    assert stopped == AT_END
    return found


# -- whatever may come -------------------------------------------------------------------------------------------------


def plain_level(symbol: int, side: int, price: int, size: int, src_ns: int) -> list[tuple[int, ...]]:
    return [
        (int(events.DIFF), symbol, NONE, NONE, NONE, src_ns, int(RULE_NONE), 0),
        (int(events.LEVEL_SET), symbol, side, price, size, 0, 0, 0),
        (int(events.DIFF_END), symbol, 0, 0, 0, 0, 0, 0),
    ]


def levels(symbol: int, src_ns: int, *stated: tuple[int, int, int]) -> list[tuple[int, ...]]:
    """A change set of several (side, price, size)."""
    rows = plain_level(symbol, 0, 0, 0, src_ns)
    return [rows[0], *((int(events.LEVEL_SET), symbol, *one, 0, 0, 0) for one in stated), rows[2]]


def trade(symbol: int, price: int, size: int, side: int, src_ns: int) -> list[tuple[int, ...]]:
    return [(int(events.TRADED), symbol, price, size, side, src_ns, NONE, 0)]


def snapshot(symbol: int, levels: list[tuple[int, int, int]], src_ns: int, rule: int) -> list[tuple[int, ...]]:
    sides = [(int(events.LEVEL_SET), symbol, *level, 0, 0, 0) for level in levels]
    first = (int(events.SNAPSHOT), symbol, 5, src_ns, rule, 0, 0, 0)
    return [first, *sides, (int(events.SNAPSHOT_END), symbol, 0, 0, 0, 0, 0, 0)]


@st.composite
def feeds(draw: st.DrawFn) -> list[Input]:
    """Mostly plain inputs of books around a price of 5,000, sometimes crossed, off their grid, oddly spelt, or lost."""
    inputs: list[Input] = []
    seq, now = 2, 10 * MS
    prices = st.integers(40, 60).map(lambda tick: tick * 100)
    sizes = st.sampled_from([0, 0, 100, 1_200, 2_400, 12_000_000])
    odd = st.sampled_from([0, 0, 0, 0, 1, 7, -100, 2**59])
    for symbol in range(2):
        rows = snapshot(symbol, [(0, 4_000, 1_200), (1, 6_000, 1_200)], now, int(RULE_NONE))
        seq += 1
        inputs.append((seq, now, now, POLYMARKET, 3, rows))
    for symbol in range(3):
        seq += 1
        inputs.append((seq, now, now, ARRAYS, 4, snapshot(symbol, [], now, int(RULE_NONE))))
    for _ in range(draw(st.integers(0, 60))):
        seq += draw(st.sampled_from([1, 1, 1, 2, 200, 300]))
        now += draw(st.sampled_from([0, 1, MS, 700 * MS]))
        kind, source = draw(st.sampled_from([(POLYMARKET, 3), (ARRAYS, 4), (ARRAYS, 4), (ARRAYS, 5)]))
        symbol = draw(st.integers(0, 2 if kind == POLYMARKET else 3))
        src_ns = draw(st.sampled_from([now - MS, now, NONE, MS]))
        price, size, side = draw(prices) + draw(odd), draw(sizes) + draw(odd), draw(st.integers(0, 1))
        case = draw(st.integers(0, 24))
        if case < 10:
            rows = plain_level(symbol, side, price, size, src_ns)
        elif case < 15:
            stated = st.tuples(st.integers(0, 1), st.tuples(prices, odd).map(sum), st.tuples(sizes, odd).map(sum))
            rows = levels(symbol, src_ns, *draw(st.lists(stated, min_size=1, max_size=4)))
            for _ in range(draw(st.integers(0, 2))):
                at = draw(st.sampled_from([0, len(rows) - 1]))
                rows[at:at] = trade(symbol, draw(prices), draw(sizes), draw(st.integers(0, 2)), src_ns)
        elif case < 19:
            rows = trade(symbol, price, size, draw(st.integers(0, 2)), src_ns)
        elif case == 19:
            rows = snapshot(symbol, [(0, price, 2_400), (1, price + 300, 1_200)], now, int(RULE_NONE))
        elif case == 20:  # a rule with numbers: from here on this book knows gaps
            rows = [
                (int(events.DIFF), symbol, 6, draw(st.integers(5, 8)), 5, now, int(RULE_PREV), 0),
                (int(events.DIFF_END), symbol, 0, 0, 0, 0, 0, 0),
            ]
        elif case == 21:  # a level spelt with a zero too many
            rows = plain_level(symbol, side, price, size, src_ns)
            rows[1] = (*rows[1][:5], 1, 0, 0)
        elif case == 22:
            rows = [(int(events.TOUCH_STATED), symbol, price, price + 100, now, 0, 0, 0)]
        elif case == 23:
            rows = [(int(events.TICK_CHANGED), symbol, 100, draw(st.sampled_from([10, 50, 100])), now, 0, 0, 0)]
        else:
            rows = plain_level(symbol, side, price, size, src_ns) + trade(symbol, price, size, 0, src_ns)
        inputs.append((seq, now, src_ns, kind, source, rows))
    return inputs


wants = st.lists(
    st.tuples(
        st.sampled_from([0, WAKE_TOUCH, WAKE_TRADE, WAKE_TOUCH | WAKE_TRADE, WAKE_BOOK, -1]).map(int),
        st.sampled_from([(), ("hftbacktest:A",), ("polymarket:YES-M", "hftbacktest:B")]),
    ),
    max_size=2,
)


@settings(max_examples=150)
@given(feeds(), wants, st.integers(1, 4), st.sampled_from([0, 77]), st.integers(0, 60), st.data())
def test_the_bulk_fold_comes_to_what_single_steps_come_to(
    feed: list[Input], listening: list[tuple[int, tuple[str, ...]]], pieces: int, span: int, left: int, data: Any
) -> None:
    until = sorted({feed[data.draw(st.integers(0, len(feed) - 1), label="at")][1] for _ in range(3)})
    before = int(DIGEST_EVERY) - 8 - left
    single, told_singly = kernel(listening, before)
    bulk, told_in_bulk = kernel(listening, before)
    expected = one_by_one(single, packed(feed, pieces), span, until)

    assert in_bulk(bulk, packed(feed, pieces), span, until) == expected
    assert bulk.checkpoint() == single.checkpoint()
    assert bulk.state_digest() == single.state_digest()
    assert [one.told for one in told_in_bulk] == [one.told for one in told_singly]
    restored, _ = kernel_of_checkpoint(single.checkpoint(), listening)
    assert restored.checkpoint() == bulk.checkpoint()


def kernel_of_checkpoint(state: bytes, wants: list[tuple[int, tuple[str, ...]]]) -> tuple[Kernel, list[Listener]]:
    made = kernel_of(RUN)
    listeners = [Listener(bits) for bits, _ in wants]
    for place, (_, keys) in enumerate(wants):
        made.trading.add_strategy(f"listener {place}", listeners[place], 3, keys)
    made.restore(state)
    return made, listeners


# -- what ends the loop ------------------------------------------------------------------------------------------------


def ready(wants: int = 0) -> tuple[Kernel, list[Input]]:
    """A kernel whose contract A has a book of 4,000 to 6,000, and the inputs that made it so."""
    made, _ = kernel([(wants, ())] if wants else [], 0)
    return made, [(3, MS, MS, ARRAYS, 4, snapshot(0, [(0, 4_000, 100), (1, 6_000, 100)], MS, int(RULE_NONE)))]


def in_one_go(
    made: Kernel, feed: list[Input], from_seq: int = 3, kind: int = ARRAYS, texts: list[str] | None = None
) -> int:
    """How many of the inputs behind the first *from_seq* records the bulk fold takes at once."""
    cursor = DecodedCursor(made)
    (piece,) = packed(feed, 1, TEXTS if texts is None else {**TEXTS, "polymarket": texts})
    cursor.add(piece)
    before = [one for one in feed if one[0] <= from_seq]
    for _ in before:
        cursor.fold_until(before[-1][1])
    loaded = cursor.pieces[0]
    numbers = loaded.numbers[kind]
    assert numbers is not None
    start = int(cursor.offset) >> 3
    follows = int(made.fold_plain(loaded.words, start, int(loaded.end) >> 3, 2**62, from_seq, 0, numbers.lanes))
    return int(made.plain_inputs) if follows > start else 0


def more(feed: list[Input], *rows: list[tuple[int, ...]], source: int = 4) -> list[Input]:
    seq, now = feed[-1][0], feed[-1][1]
    return feed + [(seq + 1 + at, now + 1 + at, 9, ARRAYS, source, one) for at, one in enumerate(rows)]


QUIET = plain_level(0, 0, 3_000, 100, 9)
BEST = plain_level(0, 0, 4_000, 200, 9)
BETTER = plain_level(0, 1, 5_990, 200, 9)
TRADE = trade(0, 5_000, 100, 0, 9)
SOME = levels(0, 9, (0, 3_000, 100), (1, 7_000, 200), (1, 7_000, 0))


@pytest.mark.parametrize(
    ("wants", "rows", "taken"),
    [
        (0, [QUIET, BEST, BETTER, TRADE, QUIET], 5),
        (WAKE_TOUCH, [QUIET, TRADE, BEST, QUIET], 2),
        (WAKE_TOUCH, [QUIET, BETTER], 1),
        (WAKE_TRADE, [QUIET, BEST, BETTER, TRADE], 3),
        (WAKE_BOOK, [QUIET, BEST, TRADE], 3),
        (0, [QUIET, plain_level(0, 0, 6_000, 100, 9), QUIET], 1),
        (0, [QUIET, plain_level(0, 1, 4_000, 100, 9), QUIET], 1),
        (0, [QUIET, plain_level(0, 1, 4_000, 0, 9)], 2),
        (0, [QUIET, plain_level(0, 1, 4_005, 100, 9)], 1),
        (0, [QUIET, plain_level(0, 1, 7_000, 150, 9)], 1),
        (0, [QUIET, plain_level(0, 1, -10, 100, 9)], 1),
        (0, [QUIET, plain_level(0, 1, 7_000, -100, 9)], 1),
        (0, [QUIET, plain_level(1, 1, 7_000, 100, 9)], 1),
        (0, [QUIET, plain_level(3, 1, 7_000, 100, 9)], 1),
        (0, [QUIET, plain_level(0, 0, 3_000, 100, 9) * 2], 1),
        (0, [QUIET, TRADE + TRADE + TRADE, QUIET], 3),
        (0, [TRADE + SOME[:2] + TRADE + SOME[2:], QUIET], 2),
        (WAKE_TRADE, [QUIET, SOME, QUIET, TRADE + SOME], 3),
        (WAKE_TOUCH, [QUIET, TRADE + SOME, levels(0, 9, (0, 3_000, 100), (1, 6_000, 0))], 2),
        (WAKE_TOUCH, [QUIET, levels(0, 9, (1, 7_000, 100), (0, 4_000, 0))], 1),
        (0, [QUIET, levels(0, 9, (0, 3_000, 100), (1, 6_005, 0))], 1),
        (0, [QUIET, levels(0, 9, (0, 3_000, 100), (1, 6_010, 1))], 1),
        (0, [levels(0, 9, (0, 5_990, 100), (1, 5_990, 100), (0, 5_990, 0)), QUIET], 2),
        (0, [levels(0, 9, (0, 5_990, 100), (1, 5_980, 100)), QUIET], 1),
        (0, [QUIET, plain_level(0, 1, 999_990, 100, 9), plain_level(0, 1, 9_999_990, 0, 9)], 3),
        (0, [], 0),
    ],
    ids=[
        "nobody listens",
        "a level at the touch",
        "a better one",
        "a trade",
        "other wakes",
        "a bid that crosses",
        "an offer that crosses",
        "nothing that would cross",
        "between ticks",
        "between lots",
        "a negative price",
        "a negative size",
        "a book without snapshot",
        "an unlisted symbol",
        "two change sets",
        "several trades",
        "trades and levels",
        "a trade among several facts",
        "one of several at the touch",
        "one bid of several at the touch",
        "one of several between ticks",
        "one of several between lots",
        "crossed and uncrossed again",
        "several that cross",
        "far behind the touch",
        "the end",
    ],
)
def test_the_loop_ends_at_what_it_does_not_expect(wants: int, rows: list[Any], taken: int) -> None:
    made, feed = ready(int(wants))

    assert in_one_go(made, more(feed, *rows)) == taken


def test_the_loop_ends_at_another_stream_and_before_a_digest() -> None:
    made, feed = ready()
    assert in_one_go(made, [*more(feed, QUIET), *more(more(feed, QUIET), QUIET, source=5)[2:]]) == 1
    made, feed = ready()
    made.inputs = DIGEST_EVERY - 4
    assert in_one_go(made, more(feed, QUIET, QUIET, QUIET, QUIET)) == 2
    assert made.inputs == DIGEST_EVERY - 1


@pytest.mark.parametrize(
    "why", ["a stream could not be read", "something waits to be decided", "no instrument", "idle"]
)
def test_the_loop_does_not_begin_where_a_step_has_more_to_do(why: str) -> None:
    made, feed = ready()
    if why == "a stream could not be read":
        feed = [*feed, *more(feed, QUIET)]
        made.step(3, MS, ARRAYS, 9, b"nothing", 0, 7)
    elif why == "something waits to be decided":
        made.trading.desk.pending = True
    elif why == "no instrument":
        made = RowRoom().kernel
    cursor = DecodedCursor(made)
    feed = more(feed, QUIET)
    (piece,) = packed(feed[-1:], 1)
    cursor.add(piece)
    numbers = cursor.pieces[0].numbers[ARRAYS]
    assert numbers is not None

    assert made.fold_plain(piece.words(), 0, 5, 2**62, 2, 0, numbers.lanes) == 0


def test_a_touch_that_moved_in_bulk_is_no_news_of_the_next_step() -> None:
    made, feed = ready()
    assert in_one_go(made, more(feed, BEST, BETTER)) == 2
    made.batch.clear()
    for row in TRADE:
        made.batch.add(*row)
    made.step_decoded(9, 9 * MS, ARRAYS, 4)
    market = made.data.listings.markets[1]

    assert market.wake == WAKE_TRADE
    assert (market.touch_bid, market.touch_bid_lots, market.touch_ask) == (400, 2, 599)


def test_a_book_of_the_complement_takes_several_levels_mirrored() -> None:
    made, _ = kernel([(WAKE_TOUCH, ())], 0)
    feed = [
        (3, MS, MS, POLYMARKET, 3, snapshot(1, [(0, 4_000, 100), (1, 6_000, 100)], MS, int(RULE_NONE))),
        (4, MS, MS, POLYMARKET, 3, trade(0, 5_000, 1, 0, MS)),
        (5, 2 * MS, 9, POLYMARKET, 3, levels(0, 9, (0, 3_900, 700), (1, 6_200, 800))),
        (6, 3 * MS, 9, POLYMARKET, 3, levels(0, 9, (0, 3_900, 700), (1, 6_000, 800))),
    ]
    assert in_one_go(made, feed, 4, POLYMARKET) == 1
    book = made.data.listings.markets[0].book

    assert (book.levels(0), book.levels(1)) == ([(40, 100), (38, 800)], [(60, 100), (61, 700)])


def test_what_crosses_a_book_is_seen_by_its_complement_too() -> None:
    made, _ = kernel([], 0)
    feed = [
        (3, MS, MS, POLYMARKET, 3, snapshot(1, [(0, 4_000, 100), (1, 6_000, 100)], MS, int(RULE_NONE))),
        (4, MS, MS, POLYMARKET, 3, trade(0, 5_000, 1, 0, MS)),
        (5, 2 * MS, 9, POLYMARKET, 3, plain_level(0, 0, 3_000, 100, 9)),
        (6, 3 * MS, 9, POLYMARKET, 3, levels(1, 9, (0, 3_900, 700), (0, 6_000, 800))),
        (7, 4 * MS, 9, POLYMARKET, 3, plain_level(0, 0, 3_100, 100, 9)),
    ]

    assert in_one_go(made, feed, 4, POLYMARKET) == 2


@pytest.mark.parametrize("several", [False, True])
def test_a_book_that_needs_more_room_is_the_same_for_both_of_its_outcomes(several: bool) -> None:
    made, _ = kernel([], 0)
    made.batch.clear()
    made.batch.listed(binary("W", tick=1))
    made.step_decoded(3, 1, POLYMARKET, 3)
    feed = [
        (4, MS, MS, POLYMARKET, 3, snapshot(3, [(0, 4_999, 100), (1, 5_001, 100)], MS, int(RULE_NONE))),
        (5, MS, MS, POLYMARKET, 3, trade(2, 5_000, 1, 0, MS)),
    ]
    bids, asks = [(4_999, 100)], [(5_001, 100)]
    for page in range(38):
        at, bid, ask = len(feed) + 4, 4_900 - 128 * page, 5_100 + 128 * page
        stated = ((0, bid, 200), (1, ask, 300)) if page % 2 == 0 else ((1, 10_000 - bid, 200), (0, 10_000 - ask, 300))
        bids.append((bid, 200))
        asks.append((ask, 300))
        if several:
            feed.append((at, at * MS, 9, POLYMARKET, 3, levels(3 - page % 2, 9, *stated)))
        else:
            feed += [
                (at + i, at * MS, 9, POLYMARKET, 3, plain_level(3 - page % 2, *one, 9)) for i, one in enumerate(stated)
            ]
    texts = [*TEXTS["polymarket"][:2], "NO-W", "YES-W"]

    assert in_one_go(made, feed, 5, POLYMARKET, texts) == len(feed) - 2
    book = made.data.listings.markets[-1].book
    assert (book.levels(0), book.levels(1)) == (bids, asks)


@pytest.mark.parametrize("side", [0, 1, 2])
def test_a_trade_of_the_complement_is_mirrored(side: int) -> None:
    made, _ = kernel([], 0)
    feed = [
        (3, MS, MS, POLYMARKET, 3, snapshot(1, [(0, 4_000, 100)], MS, int(RULE_NONE))),
        (4, 2 * MS, 9, POLYMARKET, 3, trade(0, 3_800, 700, side, 9)),
    ]
    cursor = DecodedCursor(made)
    cursor.add(packed(feed, 1)[0])
    assert cursor.fold_until(MS) == CONCLUDED
    assert cursor.fold_until(2 * MS) == AT_END
    market = made.data.listings.markets[0]

    assert (market.trade_price, market.trade_size, market.trade_side) == (6_200, 700, {0: 1, 1: 0, 2: 2}[side])


def test_a_kernel_outside_a_run_counts_no_inputs() -> None:
    made, feed = ready()
    made.running = False
    made.inputs = 5

    assert in_one_go(made, more(feed, QUIET, QUIET)) == 2
    assert made.inputs == 5


def test_a_symbol_that_the_stream_does_not_have_is_left_to_the_step() -> None:
    made, feed = ready()
    feed = more(feed, QUIET, plain_level(9, 0, 3_000, 100, 9))

    assert in_one_go(made, feed) == 1


def test_a_contract_listed_later_is_taken_too() -> None:
    made, feed = ready()
    feed = more(feed, QUIET)
    assert in_one_go(made, feed) == 1
    listing = contract("nowhere", 10, 100, venue="hftbacktest")
    assert listing.kind == KIND_PERPETUAL
    made.batch.clear()
    made.batch.listed(listing)
    made.step_decoded(5, 9 * MS, ARRAYS, 4)
    first = (6, 10 * MS, MS, ARRAYS, 4, snapshot(3, [(0, 4_000, 100)], MS, int(RULE_NONE)))

    assert in_one_go(made, more([first], plain_level(3, 0, 3_000, 100, 9)), 6) == 1
