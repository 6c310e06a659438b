"""The venue as a whole: whose turn it is, what is told, and what silence hides."""

import json
from collections import Counter
from typing import Any

from scenarios.sample.venue import SampleVenue

START_MS = 1_790_265_600_000


def events(venue: SampleVenue, count: int) -> list[list[dict[str, Any]]]:
    return [[json.loads(frame) for frame in venue.next()] for _ in range(count)]


def test_few_markets_have_most_of_the_traffic() -> None:
    told = events(SampleVenue(1, 20, 5000, START_MS), 5000)
    busy = [count for _, count in Counter(frame["market"] for frames in told for frame in frames).most_common()]

    assert len(busy) >= 20
    assert sum(busy[:4]) > sum(busy) // 2
    assert busy[19] > 20


def test_everything_of_one_event_has_one_time_and_time_never_turns() -> None:
    venue = SampleVenue(2, 5, 2000, START_MS)
    last = START_MS
    shared_ms = 0
    for _ in range(2000):
        frames = [json.loads(frame) for frame in venue.next()]
        assert {str(venue.now_ms)} >= {frame["timestamp"] for frame in frames}
        assert venue.now_ms >= last
        shared_ms += venue.now_ms == last
        last = venue.now_ms

    assert 200 < shared_ms < 800


def test_a_moved_touch_is_told_before_the_change_that_moved_it() -> None:
    touched = 0
    for frames in events(SampleVenue(3, 3, 1000, START_MS), 1000):
        kinds = [frame["event_type"] for frame in frames]
        if "best_bid_ask" in kinds:
            touched += 1
            first = kinds.index("best_bid_ask")
            assert kinds[first : first + 3] == ["best_bid_ask", "best_bid_ask", "price_change"]
            told = {frame["asset_id"]: (frame["best_bid"], frame["best_ask"]) for frame in frames[first : first + 2]}
            change = frames[first + 2]["price_changes"]
            assert told == {entry["asset_id"]: (entry["best_bid"], entry["best_ask"]) for entry in change}

    assert touched > 50


def test_trades_are_followed_by_the_change_and_both_books_with_their_price() -> None:
    traded = 0
    for frames in events(SampleVenue(3, 3, 1000, START_MS), 1000):
        trades = [frame for frame in frames if frame["event_type"] == "last_trade_price"]
        if trades:
            traded += 1
            books = [frame for frame in frames if frame["event_type"] == "book"]
            changes = [frame for frame in frames if frame["event_type"] == "price_change"]
            assert len(books) >= 2
            assert len(changes) == 1
            assert 2 * len(trades) == len(changes[0]["price_changes"])
            assert {trades[-1]["price"]} == {book["last_trade_price"] for book in books}
            stated = {entry["asset_id"]: entry["hash"] for entry in changes[0]["price_changes"]}
            assert stated == {book["asset_id"]: book["hash"] for book in books[:2]}

    assert traded > 20


def test_a_settled_market_says_nothing_more_and_has_no_book() -> None:
    venue = SampleVenue(5, 8, 3000, START_MS)
    settled: dict[str, str] = {}
    for frames in events(venue, 3000):
        for frame in frames:
            assert frame["market"] not in settled
            if frame["event_type"] == "market_resolved":
                assert frame["winning_asset_id"] in frame["assets_ids"]
                settled[frame["market"]] = frame["winning_asset_id"]
    dumped = {book["market"] for book in json.loads(venue.dump())}

    assert len(settled) == 2
    assert not dumped & set(settled)
    assert len(dumped) == 6


def test_what_happens_in_silence_shows_in_the_next_dump() -> None:
    heard, deaf = (SampleVenue(6, 4, 1000, START_MS) for _ in range(2))
    for _ in range(400):
        heard.next()
        assert deaf.next(silent=True) == []

    assert heard.dump() == deaf.dump()


def test_a_dump_states_each_book_at_its_own_last_change() -> None:
    venue = SampleVenue(7, 12, 1000, START_MS)
    events(venue, 50)
    times = {book["timestamp"] for book in json.loads(venue.dump())}

    assert venue.dump().endswith(b"]\n")
    assert len(times) > 4
    assert all(int(time) <= venue.now_ms for time in times)
