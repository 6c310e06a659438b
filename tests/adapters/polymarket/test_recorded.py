"""What other projects recorded of the venue, file by file; what they invented or edited is refused with its reason."""

import json

import pytest

from engine.kernel import codes, kinds
from engine.kernel.record import NONE
from engine.kernel.units import SELL

MARKET, BOOK, USER = kinds.POLYMARKET_MARKET, kinds.POLYMARKET_BOOK, kinds.POLYMARKET_USER
CATALOGUE = kinds.POLYMARKET_CATALOGUE
ONE_CHANGE = {"DIFF": 1, "LEVEL_SET": 1, "DIFF_END": 1, "TOUCH_STATED": 1, "HASH_STATED": 1}
TWO_CHANGES = {"DIFF": 2, "LEVEL_SET": 2, "DIFF_END": 2, "TOUCH_STATED": 2, "HASH_STATED": 2}
TRADE = {"TRADED": 1, "LAST_PRICE": 1}


def full(levels, **more):
    return {"SNAPSHOT": 1, "LEVEL_SET": levels, "SNAPSHOT_END": 1, "HASH_STATED": 1} | more


def test_the_recorded_connection_holds_one_snapshot_40_touches_and_35_price_changes(read, recorded):
    readings = [read(MARKET, frame) for frame in recorded]

    assert all(reading.code == codes.OK for reading in readings)
    assert readings[0].types() == {
        "SNAPSHOT": 2,
        "LEVEL_SET": 56,
        "LAST_PRICE": 2,
        "SNAPSHOT_END": 2,
        "HASH_STATED": 2,
    }
    assert sum(reading.types() == {"TOUCH_STATED": 1} for reading in readings) == 40
    assert sum(reading.types() == TWO_CHANGES for reading in readings) == 35


def test_a_recorded_best_bid_ask_comes_before_the_change_of_its_time_that_makes_it_true(read, recorded):
    touch, change = read(MARKET, recorded[2]), read(MARKET, recorded[4])

    assert touch.of("TOUCH_STATED") == [(0, 3400, 3800, 1790267379253000000, 0, 0, 0)]
    assert touch.symbols.texts[0] == change.symbols.texts[1]
    assert (1, 3400, 3800, 1790267379253000000, 0, 0, 0) in change.of("TOUCH_STATED")


def test_recorded_snapshots_state_tick_and_last_price_with_its_trailing_zeros(read, recorded):
    reading = read(MARKET, recorded[0])

    assert [row[1] for row in reading.of("SNAPSHOT_END")] == [100, 100]
    assert [row[1:3] for row in reading.of("LAST_PRICE")] == [(6000, 8), (6000, 8)]


CAPTURES = {
    "test_server_messages.txt": [
        full(148),
        ONE_CHANGE,
        ONE_CHANGE,
        ONE_CHANGE,
        ONE_CHANGE,
        TRADE,
        # Two changes of one token in a frame: only the later states the book after both.
        {"DIFF": 2, "LEVEL_SET": 2, "DIFF_END": 2, "TOUCH_STATED": 1, "HASH_STATED": 1},
        ONE_CHANGE,
        full(153),
        {"TICK_CHANGED": 1},
    ],
    "test_server_multi_book.txt": [
        full(148),
        full(44),
        ONE_CHANGE,
        ONE_CHANGE,
        ONE_CHANGE,
        ONE_CHANGE,
        full(45),
        ONE_CHANGE,
        ONE_CHANGE,
        TRADE,
        ONE_CHANGE,
        full(153),
    ],
    "test_server_multiple_last_trade_price.txt": [full(148), TRADE, TRADE, TRADE, ONE_CHANGE],
    # The token of the second frame is another one: a legal frame, which the fold finds unlisted.
    "test_server_wrong_asset_id.txt": [full(148), ONE_CHANGE],
}


@pytest.mark.parametrize("name", CAPTURES)
def test_each_frame_of_the_2024_captures_decodes(read, polymarket, literals, name):
    readings = [read(MARKET, frame) for frame in literals(polymarket / "polypy/stream" / name)]

    assert [reading.code for reading in readings] == [codes.OK] * len(CAPTURES[name])
    assert [reading.types() for reading in readings] == CAPTURES[name]


def test_captures_with_placeholder_touches_of_0_state_no_best_prices(read, polymarket, literals):
    change = read(MARKET, literals(polymarket / "polypy/stream/test_server_messages.txt")[1])

    assert change.of("LEVEL_SET") == [(0, 0, 5300, 1_608_180_000, 0, 0, 0)]
    assert change.of("TOUCH_STATED") == [(0, NONE, NONE, 1733411286840000000, 0, 0, 0)]


def test_an_unknown_event_type_is_refused(read, polymarket, literals):
    frames = literals(polymarket / "polypy/stream/test_server_unknown_event_type.txt")

    assert [read(MARKET, frame).code for frame in frames] == [codes.OK, codes.SCHEMA]


def test_frames_and_rest_books_of_2025_decode_and_state_equal_hashes(read, polymarket):
    text = (polymarket / "polypy/orderbook/messages_hash.txt").read_text()
    frames = [line.encode() for line in text.splitlines() if line.startswith("{")]
    readings = [read(MARKET if b"event_type" in frame else BOOK, frame) for frame in frames]

    assert [reading.types() for reading in readings] == [full(35), TWO_CHANGES, full(34), TWO_CHANGES, full(34)]
    for change, book in ((readings[1], readings[2]), (readings[3], readings[4])):
        token = book.symbols.texts[0]
        hashes = [row for row in change.of("HASH_STATED") if change.symbols.texts[row[0]] == token]
        assert [row[1:] for row in book.of("HASH_STATED")] == [row[1:] for row in hashes]
    assert readings[2].translator.fast == 1


@pytest.mark.parametrize(
    ("path", "kind", "types"),
    [
        ("nautilus_trader/ws_messages/book.json", MARKET, full(162)),
        ("nautilus_trader/ws_messages/last_trade_price.json", MARKET, TRADE),
        (
            "nautilus_trader/ws_messages/price_change.json",
            MARKET,
            {"DIFF": 1, "LEVEL_SET": 1, "DIFF_END": 1, "HASH_STATED": 1},
        ),
        (
            "nautilus_trader/ws_messages/price_change_v2.json",
            MARKET,
            {"DIFF": 3, "LEVEL_SET": 3, "DIFF_END": 3, "TOUCH_STATED": 1, "HASH_STATED": 1},
        ),
        ("nautilus_trader/ws_messages/tick_size_change.json", MARKET, {"TICK_CHANGED": 1}),
        ("nautilus_trader/rust_test_data/ws_market_best_bid_ask_msg.json", MARKET, {"TOUCH_STATED": 1}),
        (
            "nautilus_trader/rust_test_data/ws_market_book_msg.json",
            MARKET,
            {"SNAPSHOT": 1, "LEVEL_SET": 4, "SNAPSHOT_END": 1},
        ),
        ("nautilus_trader/rust_test_data/ws_market_last_trade_msg.json", MARKET, TRADE),
        ("nautilus_trader/rust_test_data/ws_market_new_market_msg.json", MARKET, {}),
        ("nautilus_trader/rust_test_data/ws_market_resolved_msg.json", MARKET, {"RESOLVED": 1}),
        ("nautilus_trader/rust_test_data/ws_market_tick_size_msg.json", MARKET, {"TICK_CHANGED": 1}),
        ("nautilus_trader/http_responses/book.json", BOOK, full(12)),
        ("polypy/orderbook/ws_msg_book_yes.json", BOOK, full(18)),
    ],
)
def test_a_fixture_of_market_data_decodes(read, polymarket, path, kind, types):
    reading = read(kind, (polymarket / path).read_bytes())

    assert (reading.code, reading.types()) == (codes.OK, types)


def test_the_values_of_fixtures_are_those_in_their_texts(read, polymarket):
    folder = polymarket / "nautilus_trader/ws_messages"
    trade = read(MARKET, (folder / "last_trade_price.json").read_bytes())
    change = read(MARKET, (folder / "price_change.json").read_bytes())
    tick = read(MARKET, (folder / "tick_size_change.json").read_bytes())

    assert trade.of("TRADED") == [(0, 4910, 85_360_000, SELL, 1724564136087000000, NONE, 0)]
    assert change.of("LEVEL_SET") == [(0, 1, 5140, 21_574_080_000, 0, 0, 0)]
    assert tick.of("TICK_CHANGED") == [(0, 100, 10, 1739068041853000000, 0, 0, 0)]


@pytest.mark.parametrize("name", ["a", "b"])
def test_the_full_books_of_2024_decode(read, polymarket, name):
    book = json.loads((polymarket / f"polypy/order/book_data_{name}.txt").read_text())["book"]
    reading = read(BOOK, json.dumps(book, separators=(",", ":")).encode())

    assert reading.types() == full(len(book["bids"]) + len(book["asks"]))


@pytest.mark.parametrize(
    ("name", "kind", "code"),
    [
        # Invented: no event type, or a hash that is none.
        ("ws_book_snapshot.json", MARKET, codes.SCHEMA),
        ("ws_last_trade.json", MARKET, codes.SCHEMA),
        ("ws_quotes.json", MARKET, codes.SCHEMA),
        ("ws_tick_size_change.json", MARKET, codes.SCHEMA),
        ("ws_market_price_change_msg.json", MARKET, codes.BAD_TEXT),
        ("clob_book_response.json", BOOK, codes.BAD_TEXT),
        # Other replies of the venue are no books, no catalogues and no user events.
        ("clob_fee_rate_response_zero.json", BOOK, codes.SCHEMA),
        ("http_order_response_error_500.json", BOOK, codes.SCHEMA),
        ("clob_fee_rate_response_nonzero.json", CATALOGUE, codes.SCHEMA),
        ("gamma_tags.json", CATALOGUE, codes.SCHEMA),
        ("http_open_order.json", CATALOGUE, codes.SCHEMA),
        ("http_open_orders_page.json", CATALOGUE, codes.SCHEMA),
        ("http_trades_page.json", CATALOGUE, codes.SCHEMA),
        ("http_balance_allowance_collateral.json", CATALOGUE, codes.SCHEMA),
        ("http_batch_cancel_response.json", USER, codes.SCHEMA),
        ("http_order_response_ok.json", USER, codes.SCHEMA),
        ("http_signed_order.json", USER, codes.SCHEMA),
        ("data_api_trades_response.json", USER, codes.SCHEMA),
        ("data_api_positions_response.json", USER, codes.SCHEMA),
        ("rtds_crypto_prices_update.json", MARKET, codes.SCHEMA),
        ("rtds_equity_prices_subscribe.json", MARKET, codes.SCHEMA),
    ],
)
def test_a_fixture_that_is_no_such_frame_is_refused(read, polymarket, name, kind, code):
    reading = read(kind, (polymarket / "nautilus_trader/rust_test_data" / name).read_bytes())

    assert (reading.code, reading.rows) == (code, [])
