"""The market channel: what each kind of frame says, and what is refused."""

import json

import pytest

from engine.kernel import codes, kinds
from engine.kernel.events import SIDE_UNKNOWN
from engine.kernel.record import NONE
from engine.kernel.units import ASK, BID, SELL

KIND = kinds.POLYMARKET_MARKET
MARKET = "0x" + "ab" * 32
YES, NO = "7" * 77, "1" + "8" * 76
HASH = "3186624ddd90c0cbd180a76243f9770d770efddd"
HASH_PARTS = (0x3186624DDD90C0C, 0xBD180A76243F977, 0x0D770EFDDD)
MS = 1790267378390
NS = MS * 1_000_000


def dumps(message):
    return json.dumps(message, separators=(",", ":")).encode()


def book(**changed):
    message = {
        "market": MARKET,
        "asset_id": YES,
        "timestamp": str(MS),
        "hash": HASH,
        "bids": [{"price": "0.01", "size": "7199.64"}, {"price": "0.6", "size": "5"}],
        "asks": [{"price": "0.99", "size": "44.10"}],
        "tick_size": "0.01",
        "event_type": "book",
        "last_trade_price": "0.600",
    }
    return message | changed


def entry(**changed):
    message = {
        "asset_id": YES,
        "price": "0.62",
        "size": "65.75",
        "side": "BUY",
        "hash": HASH,
        "best_bid": "0.62",
        "best_ask": "0.66",
    }
    return message | changed


def change(*entries, **changed):
    return {
        "market": MARKET,
        "price_changes": list(entries),
        "timestamp": str(MS),
        "event_type": "price_change",
    } | changed


def test_a_book_is_a_snapshot_with_its_levels_in_wire_order(read):
    reading = read(KIND, dumps(book()))

    assert reading.code == codes.OK
    assert reading.rows == [
        ("SNAPSHOT", 0, NONE, NS, 0, 0, 0, 0),
        ("LEVEL_SET", 0, BID, 100, 7_199_640_000, 0, 0, 0),
        ("LEVEL_SET", 0, BID, 6000, 5_000_000, 0, 0, 0),
        ("LEVEL_SET", 0, ASK, 9900, 44_100_000, 0, 4, 0),
        ("LAST_PRICE", 0, 6000, 8, NS, 0, 0, 0),
        ("SNAPSHOT_END", 0, 100, 0, 0, 0, 0, 0),
        ("HASH_STATED", 0, *HASH_PARTS, NS, 0, 0),
    ]
    assert reading.symbols.texts == [YES]


def test_each_change_is_its_own_set_and_statements_follow_all_levels(read):
    mirrored = entry(asset_id=NO, price="0.38", side="SELL", best_bid="0.34", best_ask="0.38")
    reading = read(KIND, dumps(change(entry(), mirrored)))

    assert reading.rows == [
        ("DIFF", 0, NONE, NONE, NONE, NS, 0, 0),
        ("LEVEL_SET", 0, BID, 6200, 65_750_000, 0, 0, 0),
        ("DIFF_END", 0, 0, 0, 0, 0, 0, 0),
        ("DIFF", 1, NONE, NONE, NONE, NS, 0, 0),
        ("LEVEL_SET", 1, ASK, 3800, 65_750_000, 0, 0, 0),
        ("DIFF_END", 1, 0, 0, 0, 0, 0, 0),
        ("TOUCH_STATED", 0, 6200, 6600, NS, 0, 0, 0),
        ("HASH_STATED", 0, *HASH_PARTS, NS, 0, 0),
        ("TOUCH_STATED", 1, 3400, 3800, NS, 0, 0, 0),
        ("HASH_STATED", 1, *HASH_PARTS, NS, 0, 0),
    ]
    assert reading.translator.fast == 1


def test_of_two_entries_for_one_token_only_the_last_states_the_book(read):
    reading = read(KIND, dumps(change(entry(best_bid="0.5"), entry(price="0.61", best_bid="0.61"))))

    assert reading.of("TOUCH_STATED") == [(0, 6100, 6600, NS, 0, 0, 0)]
    assert len(reading.of("HASH_STATED")) == 1
    assert len(reading.of("LEVEL_SET")) == 2


def test_the_form_before_september_2025_states_one_hash_for_all_its_changes(read):
    message = {
        "asset_id": YES,
        "changes": [
            {"price": "0.4", "side": "SELL", "size": "3300"},
            {"price": "0.5", "side": "SELL", "size": "0"},
        ],
        "event_type": "price_change",
        "hash": HASH,
        "market": MARKET,
        "timestamp": "1729084877448",
    }
    reading = read(KIND, dumps(message))

    assert reading.types() == {"DIFF": 2, "LEVEL_SET": 2, "DIFF_END": 2, "HASH_STATED": 1}
    assert reading.of("LEVEL_SET") == [(0, ASK, 4000, 3_300_000_000, 0, 0, 0), (0, ASK, 5000, 0, 0, 0, 0)]


def test_a_trade_is_followed_by_the_last_price_as_it_is_spelled(read):
    trade = {
        "market": MARKET,
        "asset_id": YES,
        "price": "0.450",
        "size": "219.2",
        "fee_rate_bps": "0",
        "side": "SELL",
        "timestamp": str(MS),
        "event_type": "last_trade_price",
        "transaction_hash": "",
    }
    reading = read(KIND, dumps(trade))
    no_side = read(KIND, dumps(trade | {"side": ""}))

    assert reading.rows == [
        ("TRADED", 0, 4500, 219_200_000, SELL, NS, NONE, 0),
        ("LAST_PRICE", 0, 4500, 4, NS, 0, 0, 0),
    ]
    assert reading.translator.fast == 1
    assert no_side.of("TRADED")[0][3] == SIDE_UNKNOWN


@pytest.mark.parametrize(
    ("bid", "ask", "stated"),
    [("0.34", "0.38", (3400, 3800)), ("", "0.38", (NONE, 3800)), ("0", "1", (NONE, NONE)), ("0.99", "", (9900, NONE))],
)
def test_an_empty_side_has_no_best_price_however_it_is_spelled(read, bid, ask, stated):
    message = {
        "market": MARKET,
        "asset_id": YES,
        "best_bid": bid,
        "best_ask": ask,
        "spread": "0.04",
        "timestamp": str(MS),
        "event_type": "best_bid_ask",
    }
    reading = read(KIND, dumps(message))

    assert [("TOUCH_STATED", 0, *stated, NS, 0, 0, 0)] == reading.rows
    assert reading.translator.fast == 1


def test_a_new_tick_size_is_a_row(read):
    message = {
        "event_type": "tick_size_change",
        "asset_id": YES,
        "market": MARKET,
        "old_tick_size": "0.01",
        "new_tick_size": "0.0025",
        "timestamp": str(MS),
    }

    assert read(KIND, dumps(message)).rows == [("TICK_CHANGED", 0, 100, 25, NS, 0, 0, 0)]


def test_a_resolution_names_the_winner_and_the_market(read):
    message = {
        "event_type": "market_resolved",
        "market": MARKET,
        "assets_ids": [YES, NO],
        "winning_asset_id": NO,
        "timestamp": str(MS),
    }
    reading = read(KIND, dumps(message))

    assert reading.rows == [("RESOLVED", 0, 0, NS, 0, 0, 0, 0)]
    assert (reading.symbols.texts, reading.batch.texts) == ([NO], [MARKET])
    assert read(KIND, dumps(message | {"winning_asset_id": ""})).rows[0][1] == -1
    assert read(KIND, dumps(message | {"winning_asset_id": "12"})).code == codes.SCHEMA


@pytest.mark.parametrize("frame", [b"PONG", b"[]", b"[]\n"])
def test_a_frame_may_say_nothing(read, frame):
    reading = read(KIND, frame)

    assert reading.translator.ignored == 1
    assert (reading.code, reading.rows) == (codes.OK, [])


def test_an_array_may_mix_events(read):
    reading = read(KIND, dumps([book(), change(entry())]) + b"\n")

    assert reading.translator.fast == 1
    assert reading.types() == {
        "SNAPSHOT": 1,
        "LEVEL_SET": 4,
        "LAST_PRICE": 1,
        "SNAPSHOT_END": 1,
        "HASH_STATED": 2,
        "DIFF": 1,
        "DIFF_END": 1,
        "TOUCH_STATED": 1,
    }


def test_unquoted_numbers_and_times_in_seconds_are_read(read):
    reading = read(KIND, dumps(change(entry(price=0.62, size=65.75), timestamp=MS // 1000)))

    assert reading.of("LEVEL_SET") == [(0, BID, 6200, 65_750_000, 0, 0, 0)]
    assert reading.of("DIFF")[0][4] == MS // 1000 * 1_000_000_000


BAD = [
    (change(entry(price="-0.5")), codes.BAD_NUMBER),
    (change(entry(price="1.01")), codes.BAD_NUMBER),
    (change(entry(price="0.12345")), codes.BAD_NUMBER),
    (change(entry(price="NaN")), codes.BAD_NUMBER),
    (change(entry(price="00.5")), codes.BAD_NUMBER),
    (change(entry(price=".")), codes.BAD_NUMBER),
    (change(entry(price="0." + "5" + "0" * 60)), codes.BAD_NUMBER),
    (change(entry(price=float("nan"))), codes.BAD_NUMBER),
    (change(entry(size=float("inf"))), codes.BAD_NUMBER),
    (change(entry(size="10000000001")), codes.BAD_NUMBER),
    (change(entry(size="99999999999999999999999")), codes.BAD_NUMBER),
    (change(entry(size="0.0000001")), codes.BAD_NUMBER),
    (change(entry(size="")), codes.BAD_NUMBER),
    (change(entry(size=1234567890.123)), codes.BAD_NUMBER),
    (change(entry(best_bid="1.5")), codes.BAD_NUMBER),
    (change(entry(), timestamp="179026737839"), codes.BAD_NUMBER),
    (change(entry(), timestamp="9790267378390"), codes.BAD_NUMBER),
    (change(entry(), timestamp="0790267378390"), codes.BAD_NUMBER),
    (change(entry(), timestamp=1.5), codes.BAD_NUMBER),
    (change(entry(side="buy")), codes.SCHEMA),
    (change(entry(), event_type="test"), codes.SCHEMA),
    (change(entry(), event_type=None), codes.SCHEMA),
    ({"market": MARKET, "timestamp": str(MS), "event_type": "price_change"}, codes.SCHEMA),
    (change(entry(hash="0xabc")), codes.BAD_TEXT),
    (change(entry(hash=HASH.upper())), codes.BAD_TEXT),
    (change(entry(hash=HASH[:39] + "g")), codes.BAD_TEXT),
    (change(entry(asset_id="7 7")), codes.BAD_TEXT),
    (change(entry(asset_id="")), codes.BAD_TEXT),
    (change(entry(asset_id="7" * 129)), codes.BAD_TEXT),
    (change(entry(), market="0x\x00"), codes.BAD_TEXT),
    (change(entry(), market="0\ud800"), codes.BAD_TEXT),
    (book(bids={}), codes.BAD_FRAME),
    (book(asks=[[]]), codes.BAD_FRAME),
    (book(bids=None), codes.SCHEMA),
    (book(tick_size="0"), codes.BAD_NUMBER),
    (book(neg_risk="no"), codes.SCHEMA),
    ([book(), 7], codes.BAD_FRAME),
    ("PONG", codes.BAD_FRAME),
]


@pytest.mark.parametrize(("message", "code"), [(json.dumps(message), code) for message, code in BAD])
def test_a_frame_with_one_bad_member_says_nothing_at_all(read, message, code):
    for text in (message, f"[{json.dumps(book())},{message}]"):
        reading = read(KIND, text.encode())

        assert (code, []) == (reading.code, reading.rows)
        assert reading.batch.texts == []


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"", codes.BAD_FRAME),
        (b"PONG ", codes.BAD_FRAME),
        (b"INVALID OPERATION", codes.BAD_FRAME),
        (b"\xff", codes.BAD_FRAME),
        (b"[" * 100_000, codes.BAD_FRAME),
        (dumps(book())[:-1], codes.BAD_FRAME),
        (dumps(book()) + b"}", codes.BAD_FRAME),
        (dumps(book()).replace(b'"hash"', b'"market":"0x","hash"'), codes.BAD_FRAME),
        (dumps(book()).replace(b'"tick_size"', b'"last_trade_price":"0.5","tick_size"'), codes.BAD_FRAME),
        (dumps(change(entry(price=0.5))).replace(b"0.5,", b"1e400,"), codes.BAD_NUMBER),
    ],
)
def test_bytes_that_are_no_frame_are_refused(read, frame, code):
    reading = read(KIND, frame)

    assert (code, []) == (reading.code, reading.rows)


def test_a_number_s_spelling_is_kept_beside_it(read):
    reading = read(KIND, dumps(change(entry(price=".48", size="65.750"), entry(price="1.", size="0.0"))))

    assert reading.of("LEVEL_SET") == [(0, BID, 4800, 65_750_000, 1, 4, 0), (0, BID, 10_000, 0, 2, 4, 0)]
    assert reading.translator.fast == 1
