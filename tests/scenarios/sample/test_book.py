"""The book's two faces: texts, mirror and hash, against the venue's own frames and against the kernel's hash."""

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from librt.vecs import vec
from mypy_extensions import i64

from engine.kernel.book_hash import stated
from scenarios.sample.book import ASK, BID, ONE, Book, price_text, size_text

TOKENS = ("35599907049186982879557420969598528789434547136942253652554709047485665633870", "1805")
MARKET = "0x" + "1f" * 32

orders = st.lists(st.tuples(st.integers(1, 99), st.integers(1, 1_000_000)), max_size=30)


def book_of(bids: list[tuple[int, int]], asks: list[tuple[int, int]], last: bytes = b"0.600") -> Book:
    """A book of orders (price in hundredths, size in hundredths of a share), crossed or not."""
    book = Book(MARKET, TOKENS, 10, last, b"1790267378390")
    for side, found in ((BID, bids), (ASK, asks)):
        for price, size in found:
            book.sides[side].add(10 * price, size)
    return book


def test_prices_and_sizes_are_spelt_as_short_as_they_can_be() -> None:
    assert [price_text(n) for n in (0, 5, 600, 620, 975, 1000)] == [b"0", b"0.005", b"0.6", b"0.62", b"0.975", b"1"]
    assert [size_text(n) for n in (3000, 4410, 6575, 5)] == [b"30", b"44.1", b"65.75", b"0.05"]


def test_a_recorded_book_is_written_byte_for_byte_as_the_venue_wrote_it(shared: Path) -> None:
    with (shared / "polymarket" / "ws_market_20260924_exactarb_frames.jsonl").open() as lines:
        frame = json.loads(next(lines))["payload"]
    first, second = json.loads(frame)
    book = Book(first["market"], (first["asset_id"], second["asset_id"]), 10, b"0.600", first["timestamp"].encode())
    for side, levels in ((BID, first["bids"]), (ASK, first["asks"])):
        for level in levels:
            book.sides[side].add(round(float(level["price"]) * 1000), round(float(level["size"]) * 100))

    assert first["hash"].encode() == book.hash(0)
    assert second["hash"].encode() == book.hash(1)
    assert frame.encode() == b"[" + book.frame(0) + b"," + book.frame(1) + b"]"


@given(orders, orders)
def test_the_kernel_computes_the_same_hash(bids: list[tuple[int, int]], asks: list[tuple[int, int]]) -> None:
    book = book_of(bids, asks)
    levels = [
        (abs(key) // 10, size)
        for side in book.sides
        for key, size in zip(reversed(side.keys), reversed(side.sizes), strict=True)
    ]
    prices = vec[i64]([price for price, _ in levels])
    lots = vec[i64]([size for _, size in levels])
    counts = len(book.bids.keys), len(book.asks.keys)
    told = [
        stated(
            MARKET, token, 1790267378390, prices, lots, *counts, 100, 10_000, {}, token == TOKENS[1], "5", "0.01",
            False, "0.600",
        )
        for token in TOKENS
    ]  # fmt: skip

    assert [digest.hex().encode() for digest in told] == [book.hash(0), book.hash(1)]


@given(orders, orders)
def test_the_second_tokens_book_is_the_first_ones_mirror(
    bids: list[tuple[int, int]], asks: list[tuple[int, int]]
) -> None:
    book = book_of(bids, asks)
    first, second = json.loads(book.frame(0)), json.loads(book.frame(1))

    for side, mirrored in (("bids", "asks"), ("asks", "bids")):
        assert [(round(1 - float(level["price"]), 3), level["size"]) for level in first[side]] == [
            (float(level["price"]), level["size"]) for level in second[mirrored]
        ]


@given(orders, st.integers(1, 2_000_000))
def test_a_fill_takes_the_oldest_orders_of_the_best_level_first(found: list[tuple[int, int]], size: int) -> None:
    side = book_of([], found or [(50, 100)]).asks
    queue = list(side.queues[-1])
    price, traded, left = side.fill(size)

    assert traded == min(size, sum(queue))
    assert left == sum(queue) - traded
    assert price == 10 * min(price for price, _ in found or [(50, 100)])
    if left:
        assert side.queues[-1][1:] == queue[len(queue) - len(side.queues[-1]) + 1 :]


@given(orders, st.data())
def test_a_side_counts_its_orders_and_adds_up_its_levels(found: list[tuple[int, int]], data: st.DataObject) -> None:
    side = book_of(found, []).bids
    while side.keys:
        assert sum(map(len, side.queues)) == side.orders
        assert [sum(queue) for queue in side.queues] == side.sizes
        assert side.keys == sorted(set(side.keys))
        at = data.draw(st.integers(0, len(side.keys) - 1))
        side.cancel(at, data.draw(st.integers(0, len(side.queues[at]) - 1)))

    assert side.orders == 0
    assert b"" == side.own_text() == side.their_text()


def test_an_empty_side_is_stated_as_the_end_of_the_price_range() -> None:
    book = book_of([], [])

    assert (book.bids.best(), book.asks.best()) == (0, ONE)
