"""Frames as the venue spells them: the recorded ones again, byte for byte, and the documented shapes."""

import json
from pathlib import Path
from typing import Any

import pytest

from scenarios.sample.book import ASK, BID, Book
from scenarios.sample.frames import Speaker, face_of
from scenarios.sample.market import Trade

TOKENS = ("111", "222")
AT = b"1790267378390"


def speaker(market: str = "0x" + "ab" * 32, tokens: tuple[str, str] = TOKENS) -> Speaker:
    return Speaker(3, market, tokens, ("Yes", "No"), "A title?")


def set_level(book: Book, side: int, price: int, size: int) -> None:
    """Make one order of *size* (hundredths) all there is at *price*; 0 leaves nothing."""
    resting = book.sides[side]
    key = price if side == BID else -price
    while key in resting.keys:
        resting.cancel(resting.keys.index(key), 0)
    if size:
        resting.add(price, size)


class Recorded:
    """The recorded market whose first books are known, followed frame by frame."""

    def __init__(self, first: list[dict[str, Any]]) -> None:
        yes, no = first
        self.tokens = (yes["asset_id"], no["asset_id"])
        self.book = Book(yes["market"], self.tokens, 10, b"0.600", yes["timestamp"].encode())
        self.speaker = speaker(yes["market"], self.tokens)
        for side, levels in ((BID, yes["bids"]), (ASK, yes["asks"])):
            for level in levels:
                set_level(self.book, side, mills(level["price"]), hundredths(level["size"]))

    def again(self, frame: dict[str, Any]) -> bytes:
        """What we would have written for a recorded price_change."""
        at = frame["timestamp"].encode()
        entries = frame["price_changes"]
        changes = []
        for entry in entries:
            if entry["asset_id"] == self.tokens[0]:
                side = BID if entry["side"] == "BUY" else ASK
                changes.append((side, mills(entry["price"]), hundredths(entry["size"])))
                set_level(self.book, *changes[-1])
        self.book.changed = at
        first = self.tokens.index(entries[0]["asset_id"])
        return self.speaker.price_change(changes, face_of(self.book), first, at)


def mills(text: str) -> int:
    return round(float(text) * 1000)


def hundredths(text: str) -> int:
    return round(float(text) * 100)


def test_the_recorded_changes_are_written_byte_for_byte_with_their_hashes(shared: Path) -> None:
    with (shared / "polymarket" / "ws_market_20260924_exactarb_frames.jsonl").open() as lines:
        payloads = [json.loads(line)["payload"] for line in lines]
    recorded = Recorded(json.loads(payloads[0]))
    compared = {"price_change": 0, "best_bid_ask": 0}
    waiting: list[str] = []
    for payload in payloads[1:]:
        frame = json.loads(payload)
        if frame["market"] != recorded.speaker.market:
            continue
        compared[frame["event_type"]] += 1
        if frame["event_type"] == "best_bid_ask":  # it comes before the change that it tells of
            waiting.append(payload)
            continue

        assert payload.encode() == recorded.again(frame)
        if waiting:
            told = recorded.speaker.best_bid_ask(recorded.book, frame["timestamp"].encode())
            assert waiting == [text.decode() for text in told]
            waiting.clear()

    assert compared == {"price_change": 26, "best_bid_ask": 40}


@pytest.mark.parametrize(
    ("side", "token", "told"),
    [
        (BID, 0, ("0.600", "BUY", "111")),
        (BID, 1, ("0.400", "SELL", "222")),
        (ASK, 0, ("0.600", "SELL", "111")),
        (ASK, 1, ("0.400", "BUY", "222")),
    ],
)
def test_a_trade_is_told_in_the_token_it_was_taken_in(side: int, token: int, told: tuple[str, str, str]) -> None:
    frame, spelt = speaker().last_trade_price(Trade(side, 600, 1050), token, b"0xfe", AT)
    fields = json.loads(frame)

    assert told == (fields["price"], fields["side"], fields["asset_id"])
    assert told[0].encode() == spelt
    assert ("10.5", "0xfe", AT.decode()) == (fields["size"], fields["transaction_hash"], fields["timestamp"])


def test_a_trade_without_transaction_leaves_the_member_out() -> None:
    frame, _ = speaker().last_trade_price(Trade(BID, 600, 1050), 0, b"", AT)

    assert "transaction_hash" not in json.loads(frame)


def test_a_new_grid_is_told_for_both_tokens() -> None:
    frames = [json.loads(frame) for frame in speaker().tick_size_change(10, 1, AT)]

    assert [frame["asset_id"] for frame in frames] == ["111", "222"]
    assert {("0.01", "0.001")} == {(frame["old_tick_size"], frame["new_tick_size"]) for frame in frames}


def test_rare_frames_have_the_documented_members(shared: Path) -> None:
    documented = shared / "polymarket" / "nautilus_trader" / "rust_test_data"
    for name, ours in (
        ("ws_market_resolved_msg.json", speaker().market_resolved(1, AT)),
        ("ws_market_new_market_msg.json", speaker().new_market(AT)),
    ):
        theirs = json.loads((documented / name).read_text())
        frame = json.loads(ours)

        assert set(theirs) <= set(frame)
        assert {key: type(value) for key, value in theirs.items()} == {key: type(frame[key]) for key in theirs}
