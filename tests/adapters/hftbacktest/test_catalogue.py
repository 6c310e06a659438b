"""What a person says of hftbacktest's assets."""

import json

import pytest

from adapters.hftbacktest.wire.terms import VENUE
from adapters.hftbacktest.wire.translators import CATALOGUE_DECODER, translators
from engine.kernel import codes, kinds
from engine.kernel.events import KIND_PERPETUAL, KIND_SPOT, EventBatch, Symbols
from engine.kernel.record import NONE

BTC = {"symbol": "BTCUSDT", "kind": "perpetual", "tick_size": "0.1", "lot_size": "0.001", "settlement": "USDT"}


def listed(*markets: dict[str, object], venue: str = VENUE) -> tuple[int, EventBatch]:
    translator = translators(Symbols(VENUE))[int(kinds.HFTBACKTEST_CATALOGUE)]
    batch = EventBatch()
    data = json.dumps({"venue": venue, "markets": list(markets)}).encode()
    code = translator.translate(data, 0, len(data), batch)
    assert translator.name == CATALOGUE_DECODER
    return code, batch


def test_a_market_needs_its_symbol_kind_grids_and_settlement_only() -> None:
    code, batch = listed(BTC)
    (listing,) = batch.objects

    assert code == codes.OK
    assert (listing.venue, listing.market, listing.symbols) == (VENUE, "BTCUSDT", ("BTCUSDT",))
    assert (listing.kind, listing.multiplier, listing.inverse) == (KIND_PERPETUAL, 100_000_000, False)
    assert (listing.tick, listing.lot, listing.min_size) == (10_000_000, 100_000, 100_000)
    assert (listing.settlement, listing.base, listing.fee_ppm) == ("USDT", "", NONE)


def test_a_market_may_say_more() -> None:
    spot = {**BTC, "kind": "spot", "base": "BTC", "min_size": 0.01, "fee_ppm": 0}
    inverse = {**BTC, "symbol": "BTCUSD", "inverse": True, "contract_size": "100"}
    _, batch = listed(spot, inverse)
    first, second = batch.objects

    assert (first.kind, first.multiplier, first.base, first.min_size) == (KIND_SPOT, 0, "BTC", 1_000_000)
    assert first.fee_ppm == 0
    assert (second.inverse, second.multiplier) == (True, 10_000_000_000)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"kind": "option"}, codes.SCHEMA),
        ({"tick": "0.1"}, codes.SCHEMA),
        ({"tick_size": "0"}, codes.BAD_NUMBER),
        ({"lot_size": "-1"}, codes.BAD_NUMBER),
        ({"symbol": "a b"}, codes.BAD_TEXT),
        ({"inverse": 1}, codes.BAD_FRAME),
    ],
)
def test_a_catalogue_that_says_anything_else_lists_nothing(change: dict[str, object], code: int) -> None:
    assert (listed(BTC, {**BTC, **change})[0], listed(BTC, {**BTC, **change})[1].count) == (code, 0)


def test_a_member_that_is_missing_refuses_the_catalogue() -> None:
    for name in BTC:
        assert listed({key: value for key, value in BTC.items() if key != name})[0] == codes.SCHEMA


def test_a_catalogue_of_another_venue_is_refused() -> None:
    assert listed(BTC, venue="binance-spot")[0] == codes.SCHEMA
