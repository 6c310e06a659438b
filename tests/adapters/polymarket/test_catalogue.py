"""Listings from the market objects of Gamma and of the CLOB."""

import gzip
import json

import pytest

from engine.kernel import codes, kinds
from engine.kernel.events import KIND_BINARY, STATUS_CLOSED, STATUS_HALTED, STATUS_TRADING
from engine.kernel.record import NONE

KIND = kinds.POLYMARKET_CATALOGUE
CONDITION = "0x" + "cd" * 32
TERSE = {
    "t": [{"t": "71", "o": "Yes"}, {"t": "52", "o": "No"}],
    "mos": 5,
    "mts": 0.001,
    "nr": None,
    "mbf": 1000,
    "fd": {"r": 0.07, "e": 1, "to": True},
}
URL = json.dumps({"url": f"https://clob.example/clob-markets/{CONDITION}"}).encode()


@pytest.fixture
def gamma(polymarket):
    path = polymarket / "ligengxin96_btc5m/BTC-5m-markets-2026-07-24.jsonl.gz"
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]


def dumps(message):
    return json.dumps(message).encode()


def raw(row):
    return json.loads(row["raw"]) if isinstance(row["raw"], str) else row["raw"]


def test_each_of_292_gamma_markets_is_listed_with_the_tokens_its_row_names(read, gamma):
    reading = read(KIND, dumps([raw(row) for row in gamma]))

    assert (reading.code, len(reading.batch.objects)) == (codes.OK, 292)
    for row, listing in zip(gamma, reading.batch.objects, strict=True):
        assert (listing.market, list(listing.symbols)) == (row["condition_id"], row["token_ids"])
        assert listing.outcomes == ("Up", "Down")
        assert listing.tick == round(10_000 * raw(row)["orderPriceMinTickSize"])
        assert (listing.fee_ppm, listing.fee_exponent, listing.status) == (70_000, 1, STATUS_CLOSED)
    assert {listing.tick for listing in reading.batch.objects} == {10, 100}


def test_a_listing_holds_what_the_venue_states_in_the_venue_s_units(read, gamma):
    listing = read(KIND, dumps(raw(gamma[0]))).batch.objects[0]

    assert (listing.venue, listing.kind, listing.settlement) == ("polymarket", KIND_BINARY, "pUSD")
    assert (listing.price_exponent, listing.size_exponent) == (4, 6)
    assert (listing.lot, listing.min_size) == (1, 5_000_000)
    assert (listing.neg_risk, listing.event, listing.expiry_ns) == (False, "", NONE)


def test_the_page_of_100_clob_markets_lists_the_99_that_have_tokens(read, polymarket):
    page = (polymarket / "nautilus_trader/http_responses/markets.json").read_bytes()
    reading = read(KIND, page)
    markets = [market for market in json.loads(page)["data"] if market["tokens"][0]["token_id"]]

    assert (reading.code, len(reading.batch.objects), len(markets)) == (codes.OK, 99, 99)
    for market, listing in zip(markets, reading.batch.objects, strict=True):
        assert list(listing.symbols) == [token["token_id"] for token in market["tokens"]]
        assert list(listing.outcomes) == [token["outcome"] for token in market["tokens"]]
        assert listing.min_size == round(1_000_000 * market["minimum_order_size"])
        assert listing.fee_ppm == NONE
    assert [listing.status for listing in reading.batch.objects].count(STATUS_TRADING) == 1


@pytest.mark.parametrize(
    ("name", "count", "first"),
    [
        ("http_responses/market.json", 1, (10, STATUS_TRADING, NONE, True)),
        ("rust_test_data/clob_market_closed_binary_accepting_false.json", 1, (10, STATUS_CLOSED, NONE, False)),
        ("rust_test_data/clob_market_closed_binary_accepting_true.json", 1, (100, STATUS_CLOSED, NONE, False)),
        ("rust_test_data/gamma_event.json", 2, (10, STATUS_TRADING, 0, True)),
        ("rust_test_data/gamma_market.json", 1, (100, STATUS_TRADING, NONE, False)),
        ("rust_test_data/gamma_market_closed_binary_accepting_false.json", 1, (10, STATUS_CLOSED, 0, False)),
        ("rust_test_data/gamma_market_closed_binary_accepting_true.json", 1, (100, STATUS_CLOSED, 0, False)),
        ("rust_test_data/gamma_market_sports_market_map_handicap.json", 1, (10, STATUS_CLOSED, 30_000, False)),
        ("rust_test_data/gamma_market_sports_market_money_line.json", 1, (10, STATUS_CLOSED, 30_000, False)),
        ("rust_test_data/search_response.json", 1, (10, STATUS_TRADING, 0, False)),
    ],
)
def test_a_fixture_of_markets_is_listed(read, polymarket, name, count, first):
    reading = read(KIND, (polymarket / "nautilus_trader" / name).read_bytes())
    listing = reading.batch.objects[0]

    assert (reading.code, reading.types()) == (codes.OK, {"LISTED": count})
    assert (listing.tick, listing.status, listing.fee_ppm, listing.neg_risk) == first
    assert listing.neg_risk == (listing.event.startswith("0x"))


@pytest.mark.parametrize(
    "name",
    [
        "rust_test_data/gamma_market_closed_nonbinary_legacy.json",
        "rust_test_data/gamma_market_closed_zero_zero_legacy.json",
        "http_responses/event.json",
        "http_responses/events_list.json",
        "http_responses/market_slug.json",
        "http_responses/markets_list.json",
        "http_responses/trades.json",
    ],
)
def test_objects_without_what_a_listing_needs_are_refused(read, polymarket, name):
    reading = read(KIND, (polymarket / "nautilus_trader" / name).read_bytes())

    assert (reading.code, reading.rows) == (codes.SCHEMA, [])


def test_a_terse_object_is_the_market_that_was_asked_for(read):
    reading = read(KIND, dumps(TERSE), meta=URL)
    listing = reading.batch.objects[0]

    assert (listing.market, listing.symbols, listing.outcomes) == (CONDITION, ("71", "52"), ("Yes", "No"))
    assert (listing.tick, listing.min_size, listing.fee_ppm, listing.neg_risk) == (10, 5_000_000, 70_000, False)
    assert read(KIND, dumps(TERSE | {"c": "0x12"})).batch.objects[0].market == "0x12"
    assert read(KIND, dumps(TERSE)).code == codes.SCHEMA


def test_an_event_and_a_keyset_page_list_the_markets_within(read, gamma):
    market = raw(gamma[0])

    assert read(KIND, dumps({"markets": [market, market], "next_cursor": "MTAw"})).types() == {"LISTED": 2}
    assert read(KIND, dumps([{"id": "1", "markets": [market]}, {"id": "2", "markets": []}])).types() == {"LISTED": 1}
    assert read(KIND, dumps({"markets": [], "events": []})).code == codes.SCHEMA


def test_newer_markets_name_position_ids_and_unready_ones_nothing(read, gamma):
    market = raw(gamma[0])
    positions = market | {"clobTokenIds": None, "positionIds": ["11", "12"], "version": "v2"}
    unready = market | {"clobTokenIds": "", "enableOrderBook": False}

    assert read(KIND, dumps(positions)).batch.objects[0].symbols == ("11", "12")
    assert (read(KIND, dumps(unready)).code, read(KIND, dumps(unready)).rows) == (codes.OK, [])


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"closed": False, "acceptingOrders": True}, (STATUS_TRADING, 70_000)),
        ({"closed": False, "acceptingOrders": False}, (STATUS_HALTED, 70_000)),
        ({"closed": False, "acceptingOrders": True, "archived": True}, (STATUS_CLOSED, 70_000)),
        ({"feeSchedule": None, "feesEnabled": False}, (STATUS_CLOSED, 0)),
        ({"feeSchedule": None}, (STATUS_CLOSED, NONE)),
    ],
)
def test_status_and_fee_follow_the_flags(read, gamma, changed, expected):
    listing = read(KIND, dumps(raw(gamma[0]) | changed)).batch.objects[0]

    assert (listing.status, listing.fee_ppm) == expected


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"clobTokenIds": None}, codes.SCHEMA),
        ({"clobTokenIds": '["1"]'}, codes.SCHEMA),
        ({"clobTokenIds": '["1", "1"]'}, codes.SCHEMA),
        ({"clobTokenIds": '["1", '}, codes.BAD_FRAME),
        ({"clobTokenIds": '["1", "2 "]'}, codes.BAD_TEXT),
        ({"outcomes": '["Up", ""]'}, codes.BAD_TEXT),
        ({"outcomes": '["Up", "D\\u0007"]'}, codes.BAD_TEXT),
        ({"outcomes": '["Up", "\\ud800"]'}, codes.BAD_TEXT),
        ({"conditionId": "0x 1"}, codes.BAD_TEXT),
        ({"orderPriceMinTickSize": 0}, codes.BAD_NUMBER),
        ({"orderPriceMinTickSize": 1e-05}, codes.BAD_NUMBER),
        ({"orderPriceMinTickSize": None}, codes.SCHEMA),
        ({"orderMinSize": -5}, codes.BAD_NUMBER),
        ({"negRisk": "false"}, codes.SCHEMA),
        ({"closed": "true"}, codes.SCHEMA),
        ({"feeSchedule": {"rate": 0.07, "exponent": 1.5, "takerOnly": True}}, codes.BAD_NUMBER),
        ({"feeSchedule": {"rate": 0.07, "exponent": 1, "takerOnly": False}}, codes.SCHEMA),
        ({"feeSchedule": {"exponent": 1}}, codes.SCHEMA),
    ],
)
def test_one_bad_market_refuses_the_whole_reply(read, gamma, changed, code):
    good = raw(gamma[0])
    reading = read(KIND, dumps([good, good | changed]))

    assert (reading.code, reading.rows, reading.batch.objects) == (code, [], [])


def test_an_outcome_may_be_named_in_any_language(read, gamma):
    market = raw(gamma[0]) | {"outcomes": '["Żółw", "東京 🐢"]'}

    assert read(KIND, dumps(market)).batch.objects[0].outcomes == ("Żółw", "東京 🐢")


def test_each_of_292_gamma_markets_states_its_rebate_and_what_its_rewards_ask_for(read, gamma):
    for listing in read(KIND, dumps([raw(row) for row in gamma])).batch.objects:
        assert listing.rebate_ppm == 200_000
        assert (listing.reward_rate, listing.reward_min_size, listing.reward_spread) == (NONE, 50_000_000, 450)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("http_responses/market.json", (0, 750_000_000, 200_000_000, 150)),
        ("rust_test_data/clob_market_closed_binary_accepting_false.json", (0, 0, 50_000_000, 450)),
        ("rust_test_data/clob_market_closed_binary_accepting_true.json", (0, 30_000_000, 200_000_000, 350)),
        ("rust_test_data/gamma_market_closed_binary_accepting_true.json", (0, 30_000_000, 200_000_000, 350)),
        ("rust_test_data/gamma_event.json", (0, 1_000, 20_000_000, 350)),
        ("rust_test_data/gamma_market_sports_market_money_line.json", (250_000, NONE, 500_000_000, 250)),
    ],
)
def test_a_fixture_states_what_makers_are_paid(read, polymarket, name, expected):
    found = read(KIND, (polymarket / "nautilus_trader" / name).read_bytes()).batch.objects
    paid = [(one.rebate_ppm, one.reward_rate, one.reward_min_size, one.reward_spread) for one in found]

    assert expected in paid


def test_the_rates_of_several_reward_programmes_add_up_and_further_decimals_are_cut(read, gamma):
    rewards = [{"rewardsDailyRate": 1.5}, {"rewardsDailyRate": "0.0000019"}, {}]
    changed = {"clobRewards": rewards, "rewardsMaxSpread": 4.567, "rewardsMinSize": None}
    listing = read(KIND, dumps(raw(gamma[0]) | changed)).batch.objects[0]

    assert (listing.reward_rate, listing.reward_spread, listing.reward_min_size) == (1_500_001, 456, 0)


def test_a_terse_object_says_how_long_an_order_has_to_rest_and_a_clob_object_without_rewards_nothing(read, polymarket):
    page = json.loads((polymarket / "nautilus_trader/http_responses/markets.json").read_bytes())
    market = next(one for one in page["data"] if one["tokens"][0]["token_id"]) | {"rewards": None}

    assert read(KIND, dumps(TERSE | {"oas": 3.5}), meta=URL).batch.objects[0].reward_age_ns == 3_500_000_000
    assert read(KIND, dumps(TERSE), meta=URL).batch.objects[0].reward_age_ns == 0
    assert read(KIND, dumps(market)).batch.objects[0].reward_rate == NONE


@pytest.mark.parametrize(
    "changed", [{"clobRewards": [{"rewardsDailyRate": -1}]}, {"rewardsMaxSpread": "wide"}, {"rewardsMinSize": True}]
)
def test_a_reward_that_is_no_number_refuses_the_reply(read, gamma, changed):
    assert read(KIND, dumps(raw(gamma[0]) | changed)).code == codes.BAD_NUMBER
