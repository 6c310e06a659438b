"""Every recorded frame is read, by both decoders alike; the venue's own chains and grids hold on what they read."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.kernel import events
from engine.kernel.record import NONE

HERE = Path(__file__).parent
FILES = {
    "usdm-btc": ("hftbacktest/usdm_btcusdt_20240808.gz", True, "BTCUSDT", 93_954),
    "usdm-eth": ("hftbacktest/usdm_ethusdt_20240808.gz", True, "ETHUSDT", 74_655),
    "spot-btc": ("hftbacktest/spot_btcusdt_20240808.gz", False, "BTCUSDT", 41_249),
    "spot-eth": ("hftbacktest/spot_ethusdt_20240808.gz", False, "ETHUSDT", 33_618),
}
Recorded = Callable[[str], Iterator[bytes]]


def grid(futures: bool, symbol: str) -> tuple[int, int]:
    """The (tick, lot) at 1e-8 of the hand-written catalogue."""
    text = (HERE / f"catalogue_2024-08-08_{'usdm' if futures else 'spot'}.json").read_text(encoding="utf-8")
    entry = next(one for one in json.loads(text)["symbols"] if one["symbol"] == symbol)
    found = {one["filterType"]: one for one in entry["filters"]}
    return (
        round(float(found["PRICE_FILTER"]["tickSize"]) * 10**8),
        round(float(found["LOT_SIZE"]["stepSize"]) * 10**8),
    )


def off_grid(rows: list[tuple[int, ...]], tick: int, lot: int) -> list[tuple[int, int]]:
    """The (price, size) pairs of *rows* that do not lie on the grid."""
    at = {events.LEVEL_SET: (3,), events.TRADED: (2,), events.TICKER: (2, 4)}
    pairs = [(row[column], row[column + 1]) for row in rows for column in at.get(row[0], ())]
    return [(price, size) for price, size in pairs if price % tick or size % lot]


# Resting since before the venue made its steps ten times coarser: a book's sizes can be finer than an order's.
OLDER_THAN_THE_STEP = {
    "spot-btc": {
        (200_000 * 10**8, 25_42618900),
        (80_000 * 10**8, 244_56630400),
        (74_000 * 10**8, 93_75658700),
    },
    "spot-eth": {
        (5_000 * 10**8, 2292_22972000),
        (5_300 * 10**8, 47_50196000),
    },
    "usdm-btc": set(),
    "usdm-eth": set(),
}


def check_file(binance: Any, recorded: Recorded, name: str, step: int) -> set[tuple[int, int]]:
    """Check every *step*-th frame; returns the levels that lie off the grid."""
    path, futures, symbol, lines = FILES[name]
    tick, lot = grid(futures, symbol)
    frames = binance.frames(futures)
    snapshots = binance.depth(futures)
    outside: list[tuple[int, int]] = []
    seen = 0
    kinds: Counter[int] = Counter()
    for number, frame in enumerate(recorded(path)):
        seen += 1
        if number % step and not frame.startswith(b'{"lastUpdateId"'):
            continue
        translator = snapshots if frame.startswith(b'{"lastUpdateId"') else frames
        meta = b'{"symbol":"%s"}' % symbol.encode()
        code, rows = binance.read(translator, frame, meta)
        assert (0, rows) == (code, binance.decode(translator, frame, meta)[1])
        outside += off_grid(rows, tick, lot)
        kinds[rows[0][0]] += 1
    share = frames.fast / (frames.fast + frames.slow)
    print(f"{name}: {sum(kinds.values())} frames, {share:.2%} by the scanner")

    assert (lines, 1) == (seen, snapshots.fast)
    assert {events.DIFF, events.TICKER, events.TRADED, events.SNAPSHOT} == set(kinds)
    assert share > 0.99
    assert frames.ignored == 0
    return set(outside)


@pytest.mark.parametrize("name", FILES)
def test_a_seventh_of_the_recorded_frames_is_read_alike_by_both_decoders_and_five_old_orders_alone_lie_off_the_grid(
    name: str, binance: Any, recorded: Recorded
) -> None:
    assert check_file(binance, recorded, name, 7) <= OLDER_THAN_THE_STEP[name]


@pytest.mark.nightly
@pytest.mark.parametrize("name", FILES)
def test_every_recorded_frame_is_read_alike_by_both_decoders_and_five_old_orders_alone_lie_off_the_grid(
    name: str, binance: Any, recorded: Recorded
) -> None:
    found = check_file(binance, recorded, name, 1)

    assert found == OLDER_THAN_THE_STEP[name]


def check_chain(binance: Any, recorded: Recorded, name: str, most: int) -> None:
    path, futures, symbol, _ = FILES[name]
    frames = binance.frames(futures)
    last = snapshot = -1
    links = 0
    spans = []
    ticker = -1
    for frame in recorded(path):
        if links == most:
            break
        if frame.startswith(b'{"lastUpdateId"'):
            snapshot = binance.read(binance.depth(futures), frame, b'{"symbol":"%s"}' % symbol.encode())[1][0][2]
        elif b'@bookTicker"' in frame[:40]:
            update = binance.read(frames, frame)[1][0][6]
            assert update > ticker  # the id of the best prices rises strictly
            ticker = update
        elif b"@depth" in frame[:40]:
            head = binance.read(frames, frame)[1][0]
            if last >= 0:
                assert last == (head[4] if futures else head[2] - 1)
            last = head[3]
            links += 1
            spans.append((head[2], head[3]))

    assert links >= min(most, 3400)
    assert any(first <= snapshot <= last for first, last in spans)  # so that the book can start from the snapshot


@pytest.mark.parametrize("name", FILES)
def test_the_first_change_sets_follow_one_another_without_a_gap_and_bridge_the_snapshot(
    name: str, binance: Any, recorded: Recorded
) -> None:
    check_chain(binance, recorded, name, 400)


@pytest.mark.nightly
@pytest.mark.parametrize("name", FILES)
def test_all_change_sets_follow_one_another_without_a_gap(name: str, binance: Any, recorded: Recorded) -> None:
    check_chain(binance, recorded, name, 10**9)


@pytest.mark.parametrize(
    ("name", "futures", "fast"),
    [("cryptofeed_spot_ws_2021-10-12.txt", False, 0.97), ("cryptofeed_usdm_ws_2021-07-22.txt", True, 0.95)],
)
def test_the_captures_of_2021_are_read_whole_and_only_klines_state_nothing(
    name: str, futures: bool, fast: float, binance: Any, recorded: Recorded
) -> None:
    frames = binance.frames(futures)
    klines = 0
    for frame in recorded(name):
        code, rows = binance.read(frames, frame)
        assert (0, rows) == (code, binance.decode(frames, frame)[1])
        assert bool(rows) == (b"@kline" not in frame)
        klines += not rows

    assert frames.fast / (frames.fast + frames.slow) >= fast
    assert 2 * klines == frames.ignored  # once by each way


def requests(shared: Path, name: str) -> Iterator[tuple[bytes, bytes]]:
    """The (meta, reply) pairs of cryptofeed's `<url> -> <seconds>: <json>` lines."""
    for line in (shared / "binance" / name).read_bytes().splitlines():
        url, arrow, rest = line.partition(b" -> ")
        if arrow:
            yield b'{"url":"%s"}' % url, rest.partition(b": ")[2]


@pytest.mark.parametrize(
    ("name", "futures"),
    [("cryptofeed_spot_depth_http_2021-10-12.txt", False), ("cryptofeed_usdm_depth_http_2021-07-22.txt", True)],
)
def test_the_depth_replies_of_2021_name_their_symbol_by_the_address_asked(
    name: str, futures: bool, binance: Any, shared: Path
) -> None:
    depth = binance.depth(futures)
    replies = list(requests(shared, name))
    for meta, reply in replies:
        code, rows = binance.read(depth, reply, meta)
        assert (0, rows) == (code, binance.decode(depth, reply, meta)[1])
        assert (rows[0][0], rows[-1][0]) == (events.SNAPSHOT, events.SNAPSHOT_END)
        assert (rows[0][3] != NONE) == futures  # the spot venue states no time
        assert len(rows) > 600

    assert (len(replies), depth.fast) == (4, 4)
    assert [meta.partition(b"symbol=")[2].partition(b"&")[0].decode() for meta, _ in replies] == depth.symbols.texts
