"""exchangeInfo: markets, kinds, grids and status, from the venue's words alone."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from engine.kernel import codes, events
from engine.kernel.events import EventBatch, Listing
from engine.kernel.record import NONE

HERE = Path(__file__).parent
E8 = 10**8


def listings(binance: Any, futures: bool, reply: bytes) -> list[Listing]:
    batch = EventBatch()
    assert binance.catalogue(futures).translate(reply, 0, len(reply), batch) == codes.OK
    assert [events.LISTED] * batch.count == [int(batch.rows[at * 8]) for at in range(batch.count)]
    assert list(range(batch.count)) == [int(batch.rows[at * 8 + 2]) for at in range(batch.count)]
    return batch.objects


def reply(futures: bool, **changes: Any) -> bytes:
    """The hand-written catalogue's first market, with *changes* (a None takes a member away)."""
    name = "usdm" if futures else "spot"
    info = json.loads((HERE / f"catalogue_2024-08-08_{name}.json").read_text(encoding="utf-8"))
    entry = {**info["symbols"][0], **changes}
    info["symbols"] = [{key: value for key, value in entry.items() if value is not None}]
    return json.dumps(info).encode()


def filters(**changes: Any) -> list[dict[str, Any]]:
    made = {
        "PRICE_FILTER": {"tickSize": "0.01"},
        "LOT_SIZE": {"minQty": "0.002", "stepSize": "0.001"},
        **changes,
    }
    return [{"filterType": name, **value} for name, value in made.items() if value is not None]


def test_the_spot_catalogue_of_the_recordings_lists_two_markets(binance: Any) -> None:
    bitcoin, ether = listings(binance, False, (HERE / "catalogue_2024-08-08_spot.json").read_bytes())

    assert (bitcoin.venue, bitcoin.market, bitcoin.symbols) == ("binance-spot", "BTCUSDT", ("BTCUSDT",))
    assert (
        bitcoin.kind,
        bitcoin.base,
        bitcoin.settlement,
        bitcoin.expiry_ns,
    ) == (events.KIND_SPOT, "BTC", "USDT", NONE)
    assert (bitcoin.price_exponent, bitcoin.size_exponent, bitcoin.tick, bitcoin.lot) == (8, 8, 1_000_000, 1_000)
    assert (bitcoin.min_size, bitcoin.min_notional, bitcoin.status) == (1_000, 5 * E8, events.STATUS_TRADING)
    assert (ether.market, ether.tick, ether.lot) == ("ETHUSDT", 1_000_000, 10_000)


def test_the_futures_catalogue_of_the_recordings_lists_two_perpetuals(binance: Any) -> None:
    bitcoin, ether = listings(binance, True, (HERE / "catalogue_2024-08-08_usdm.json").read_bytes())

    assert (bitcoin.venue, bitcoin.kind, bitcoin.settlement) == ("binance-usdm", events.KIND_PERPETUAL, "USDT")
    assert (bitcoin.expiry_ns, bitcoin.multiplier, bitcoin.inverse) == (NONE, E8, False)
    assert (
        bitcoin.tick,
        bitcoin.lot,
        bitcoin.min_size,
        bitcoin.min_notional,
    ) == (10_000_000, 100_000, 100_000, 100 * E8)
    assert (ether.market, ether.tick, ether.lot) == ("ETHUSDT", 1_000_000, 100_000)


@pytest.mark.parametrize(
    ("contract", "kind"),
    [
        ("PERPETUAL", events.KIND_PERPETUAL),
        ("TRADIFI_PERPETUAL", events.KIND_PERPETUAL),
        ("CURRENT_QUARTER", events.KIND_FUTURE),
        ("NEXT_QUARTER DELIVERING", events.KIND_FUTURE),
        ("CURRENT_MONTH", events.KIND_FUTURE),
    ],
)
def test_a_contract_type_says_whether_a_contract_expires(contract: str, kind: int, binance: Any) -> None:
    (listing,) = listings(binance, True, reply(True, contractType=contract, deliveryDate=1632470400000))

    assert (kind, NONE if kind == events.KIND_PERPETUAL else 1632470400000 * 10**6) == (listing.kind, listing.expiry_ns)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("TRADING", events.STATUS_TRADING),
        ("CANCEL_ONLY", events.STATUS_CANCEL_ONLY),
        ("POST_ONLY", events.STATUS_POST_ONLY),
        ("DELIVERED", events.STATUS_CLOSED),
        ("BREAK", events.STATUS_HALTED),
        ("PENDING_TRADING", events.STATUS_HALTED),
        ("a word of tomorrow", events.STATUS_HALTED),
    ],
)
def test_any_status_that_is_not_known_to_trade_halts(word: str, status: int, binance: Any) -> None:
    (listing,) = listings(binance, False, reply(False, status=word))

    assert status == listing.status


@pytest.mark.parametrize(
    ("rule", "least"),
    [
        ({"NOTIONAL": {"minNotional": "5.5"}}, 550_000_000),
        ({"MIN_NOTIONAL": {"minNotional": "10.00000000"}}, 10 * E8),
        ({"MIN_NOTIONAL": {"notional": "20"}}, 20 * E8),
        ({}, 0),
    ],
)
def test_the_least_order_value_has_three_spellings(rule: dict[str, Any], least: int, binance: Any) -> None:
    (listing,) = listings(binance, False, reply(False, filters=filters(**rule)))

    assert (least, 200_000, 100_000) == (listing.min_notional, listing.min_size, listing.lot)


PASSED = {
    "no price grid": (False, {"filters": filters(PRICE_FILTER=None)}),
    "no lot grid": (True, {"filters": filters(LOT_SIZE=None)}),
    "no filters": (False, {"filters": []}),
    "a tick of zero": (False, {"filters": filters(PRICE_FILTER={"tickSize": "0.00000000"})}),
    "a lot of zero": (False, {"filters": filters(LOT_SIZE={"stepSize": "0", "minQty": "0"})}),
    "no contract type yet": (True, {"contractType": ""}),
    "a coin-margined contract": (True, {"marginAsset": "BTC", "quoteAsset": "USD"}),
    "a contract of the other venue": (True, {"st": 2}),
    "a name beyond ASCII": (True, {"symbol": "币安人生USDT", "baseAsset": "币安人生"}),
    "a base beyond ASCII": (False, {"baseAsset": "币安人生"}),
}


@pytest.mark.parametrize("name", PASSED)
def test_a_market_of_no_use_to_us_is_passed_over_and_counted(name: str, binance: Any) -> None:
    futures, changes = PASSED[name]

    assert listings(binance, futures, reply(futures, **changes)) == []
    assert binance.catalogue(futures).ignored == 1


def test_an_error_reply_lists_nothing(binance: Any) -> None:
    assert listings(binance, True, b'{"code":-1003,"msg":"Too many requests."}') == []
    assert binance.catalogue(True).ignored == 1


REFUSED = {
    "no JSON": (False, b"{", codes.BAD_FRAME),
    "no symbols": (False, b"{}", codes.SCHEMA),
    "symbols that are none": (False, b'{"symbols":{}}', codes.BAD_FRAME),
    "a symbol that is no text": (False, reply(False, symbol=5), codes.BAD_FRAME),
    "a symbol with a space": (False, reply(False, symbol="BTC USDT"), codes.BAD_TEXT),
    "no status": (False, reply(False, status=None), codes.SCHEMA),
    "no contract type": (True, reply(True, contractType=None), codes.SCHEMA),
    "no delivery date": (True, reply(True, contractType="CURRENT_QUARTER", deliveryDate=None), codes.SCHEMA),
    "two price grids": (False, reply(False, filters=filters() + filters()), codes.SCHEMA),
    "a negative tick": (False, reply(False, filters=filters(PRICE_FILTER={"tickSize": "-1"})), codes.BAD_NUMBER),
    "a tick finer than 1e-8": (
        False,
        reply(False, filters=filters(PRICE_FILTER={"tickSize": "1e-9"})),
        codes.BAD_NUMBER,
    ),
    "a settlement with a space": (False, reply(False, quoteAsset="US DT"), codes.BAD_TEXT),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_catalogue_that_cannot_be_read_whole_lists_nothing(name: str, binance: Any) -> None:
    futures, data, code = REFUSED[name]

    assert (code, []) == binance.read(binance.catalogue(futures), data)


@pytest.mark.parametrize(
    ("name", "futures", "listed", "passed", "example"),
    [
        ("cryptofeed_spot_exchangeInfo_2021-10-12", False, 1695, 0, ("LRCBTC", 1, E8, "BTC")),
        ("cryptofeed_usdm_exchangeInfo_2021-07-22", True, 121, 1, ("SUSHIUSDT", 100_000, E8, "USDT")),
    ],
)
def test_the_recorded_catalogues_are_listed(
    name: str, futures: bool, listed: int, passed: int, example: tuple[Any, ...], binance: Any, shared: Path
) -> None:
    with gzip.open(shared / "binance" / f"{name}.txt.gz", "rb") as file:
        line = file.readline().rstrip(b"\n")
    found = listings(binance, futures, line.partition(b": ")[2])

    assert (listed, passed) == (len(found), binance.catalogue(futures).ignored)
    assert example in [(one.market, one.tick, one.lot, one.settlement) for one in found]


def test_the_documented_catalogue_has_no_filters_and_so_lists_nothing(binance: Any, shared: Path) -> None:
    info = (shared / "binance" / "nautilus_fixtures" / "spot_http_exchange_info_response.json").read_bytes()

    assert listings(binance, False, info) == []


def test_each_kind_of_record_has_one_translator_with_a_versioned_name(binance: Any) -> None:
    assert {kind: translator.name for kind, translator in binance.by_kind.items()} == {
        0x0110: "binance-spot/1",
        0x0111: "binance-spot-depth/1",
        0x0112: "binance-spot-catalogue/1",
        0x0120: "binance-usdm/1",
        0x0121: "binance-usdm-depth/1",
        0x0122: "binance-usdm-catalogue/1",
    }
