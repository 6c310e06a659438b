"""The user channel: acks, cancels, fills and the settlement of trades."""

import json

import pytest

from engine.kernel import codes, kinds
from engine.kernel.events import (
    FILL_MAKER,
    FILL_PROVISIONAL,
    TRADE_CONFIRMED,
    TRADE_FAILED,
    TRADE_MATCHED,
    TRADE_MINED,
    TRADE_RETRYING,
)
from engine.kernel.record import NONE

KIND = kinds.POLYMARKET_USER


@pytest.fixture
def trade(polymarket):
    return json.loads((polymarket / "polypy/stream/test_trade_info_maker_buy_matched.json").read_text())


@pytest.fixture
def order(polymarket):
    return json.loads((polymarket / "nautilus_trader/ws_messages/order_placement.json").read_text())


def dumps(message):
    return json.dumps(message).encode()


def test_a_placement_acknowledges_the_order(read, order):
    reading = read(KIND, dumps(order))

    assert reading.rows == [("ORDER_ACKED", 0, 0, 1725842520990000000, 0, 0, 0, 0)]
    assert reading.batch.texts == [order["id"]]


@pytest.mark.parametrize(
    ("path", "filled", "time_ns", "reason"),
    [
        ("ws_messages/order_cancel.json", 5_000_000, 1725841743272000000, codes.OK),
        ("rust_test_data/ws_user_order_cancellation.json", 0, 1703875205000000000, codes.OK),
        ("rust_test_data/ws_user_order_fok_killed.json", NONE, 1777824065000000000, codes.OK),
        ("rust_test_data/ws_user_order_venue_cancel.json", 0, 1774378800285000000, codes.VENUE_ERROR),
    ],
)
def test_a_cancellation_states_what_was_filled_and_why_it_happened(read, polymarket, path, filled, time_ns, reason):
    reading = read(KIND, (polymarket / "nautilus_trader" / path).read_bytes())

    assert reading.rows == [("ORDER_CANCELLED", 0, 0, filled, time_ns, reason, 0, 0)]


def test_orders_of_a_resolved_market_are_cancelled_for_that_reason(read, order):
    cancelled = order | {"type": "CANCELLATION", "status": "CANCELED_MARKET_RESOLVED"}

    assert read(KIND, dumps(cancelled)).rows[0][5] == codes.MARKET_CLOSED


@pytest.mark.parametrize(
    "path",
    [
        "nautilus_trader/rust_test_data/ws_user_order_update.json",
        "nautilus_trader/rust_test_data/ws_user_order_matched.json",
        "polypy/stream/test_order_info_maker_buy_update.json",
        "polypy/stream/test_order_info_maker_buy_unmatched.json",
    ],
)
def test_an_update_is_a_legal_frame_that_adds_nothing_to_the_trades(read, polymarket, path):
    reading = read(KIND, (polymarket / path).read_bytes())

    assert (reading.code, reading.rows, reading.translator.ignored) == (codes.OK, [], 1)


def test_a_match_fills_the_taker_and_each_maker_at_its_own_price(read, trade):
    reading = read(KIND, dumps(trade))
    time_ns = 1737763207722000000

    assert reading.rows == [
        ("ORDER_FILLED", 0, 1, 4000, 5_000_000, NONE, FILL_PROVISIONAL, 0),
        ("TRADE_STATUS", 0, 1, 0, TRADE_MATCHED, time_ns, 0, 0),
        ("ORDER_FILLED", 0, 2, 6000, 5_000_000, NONE, FILL_PROVISIONAL | FILL_MAKER, 0),
        ("TRADE_STATUS", 0, 2, 0, TRADE_MATCHED, time_ns, 0, 0),
    ]
    assert reading.batch.texts == [trade["id"], trade["taker_order_id"], trade["maker_orders"][0]["order_id"]]


@pytest.mark.parametrize(
    ("status", "number", "flags"),
    [
        ("MATCHED", TRADE_MATCHED, FILL_PROVISIONAL),
        ("MINED", TRADE_MINED, FILL_PROVISIONAL),
        ("TRADE_STATUS_CONFIRMED", TRADE_CONFIRMED, 0),
        ("RETRYING", TRADE_RETRYING, FILL_PROVISIONAL),
    ],
)
def test_a_fill_is_provisional_until_its_trade_is_confirmed(read, trade, status, number, flags):
    reading = read(KIND, dumps(trade | {"status": status}))

    assert [row[3] for row in reading.of("TRADE_STATUS")] == [number, number]
    assert [row[5] for row in reading.of("ORDER_FILLED")] == [flags, flags | FILL_MAKER]


def test_a_failed_trade_states_its_failure_and_fills_nothing(read, trade):
    reading = read(KIND, dumps(trade | {"status": "FAILED"}))

    assert reading.types() == {"TRADE_STATUS": 2}
    assert {row[3] for row in reading.of("TRADE_STATUS")} == {TRADE_FAILED}


@pytest.mark.parametrize(
    ("path", "orders"),
    [
        ("nautilus_trader/ws_messages/user_trade1.json", 7),
        ("nautilus_trader/ws_messages/user_trade2.json", 2),
        ("nautilus_trader/ws_messages/user_trade3.json", 2),
        ("nautilus_trader/ws_messages/user_trade4.json", 4),
        ("nautilus_trader/rust_test_data/ws_user_trade.json", 2),
        ("nautilus_trader/rust_test_data/ws_user_trade_msg.json", 1),
        ("polypy/stream/test_trade_info_maker_buy_confirmed.json", 2),
        ("polypy/stream/test_trade_info_taker_buy_matched.json", 2),
        ("polypy/stream/test_trade_info_partitioned_maker_fill.json", 3),
    ],
)
def test_a_recorded_trade_names_each_of_its_orders_once(read, polymarket, path, orders):
    reading = read(KIND, (polymarket / path).read_bytes())

    assert (reading.code, reading.types()) == (codes.OK, {"ORDER_FILLED": orders, "TRADE_STATUS": orders})
    assert len(set(reading.batch.texts)) == orders + 1


def test_the_other_placements_of_the_fixtures_are_acks(read, polymarket):
    for path in (
        "nautilus_trader/rust_test_data/ws_user_order_msg.json",
        "nautilus_trader/rust_test_data/ws_user_order_placement.json",
        "polypy/stream/test_order_info_maker_buy_placement.json",
    ):
        assert read(KIND, (polymarket / path).read_bytes()).types() == {"ORDER_ACKED": 1}


def test_a_frame_may_hold_several_events_or_be_the_answer_to_a_ping(read, order, trade):
    both = read(KIND, dumps([order, trade]))

    assert both.types() == {"ORDER_ACKED": 1, "ORDER_FILLED": 2, "TRADE_STATUS": 2}
    assert both.rows[1][2:3] + both.rows[1][7:] == (2, 1)
    assert read(KIND, b"PONG").code == codes.OK


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"status": "SETTLED"}, codes.SCHEMA),
        ({"id": None}, codes.SCHEMA),
        ({"id": "a b"}, codes.BAD_TEXT),
        ({"price": "1.2"}, codes.BAD_NUMBER),
        ({"price": "0.49999"}, codes.BAD_NUMBER),
        ({"size": "-1"}, codes.BAD_NUMBER),
        ({"timestamp": "yesterday"}, codes.BAD_NUMBER),
        ({"maker_orders": {}}, codes.BAD_FRAME),
        ({"maker_orders": [{"order_id": "0x1", "asset_id": "1", "price": "0.5"}]}, codes.SCHEMA),
        ({"type": "SOMETHING"}, codes.SCHEMA),
    ],
)
def test_a_trade_with_one_bad_member_says_nothing(read, order, trade, changed, code):
    reading = read(KIND, dumps([order, trade | changed]))

    assert (reading.code, reading.rows, reading.batch.texts) == (code, [], [])


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"type": "EXPIRY"}, codes.SCHEMA),
        ({"size_matched": "some"}, codes.BAD_NUMBER),
        ({"side": "HOLD"}, codes.SCHEMA),
        ({"asset_id": "é"}, codes.BAD_TEXT),
    ],
)
def test_an_order_event_with_one_bad_member_says_nothing(read, order, changed, code):
    reading = read(KIND, dumps(order | changed))

    assert (reading.code, reading.rows) == (code, [])


def test_a_trade_that_names_an_order_twice_is_refused(read, trade):
    twice = trade | {"maker_orders": trade["maker_orders"] * 2}

    assert read(KIND, dumps(twice)).code == codes.SCHEMA
