"""The simulated venue: what becomes of an order, by example."""

import pytest
from stage import LOT, MS, TICK, Said, Stage

from engine.kernel import codes
from engine.kernel.events import SIDE_UNKNOWN, STATUS_CLOSED, STATUS_HALTED, STATUS_POST_ONLY
from engine.kernel.record import NONE
from engine.kernel.units import ASK, BID, BUY, SELL


def kinds(found: list[Said]) -> list[str]:
    return [said.kind for said in found]


# -- time -------------------------------------------------------------------------------------------------------------


def test_an_order_is_acknowledged_both_latencies_after_it_was_sent(stage: Stage) -> None:
    number = stage.place(BUY, 39, 10)

    assert stage.wait(70 * MS - 1) == []
    assert stage.wait(70 * MS) == [Said(70 * MS, "ACKED", number, 40 * MS)]
    assert not stage.venue.busy()


def test_an_order_meets_the_market_as_it_is_when_it_arrives(stage: Stage) -> None:
    """Sent as a passive bid, it would cross by the time it is there; sent as a taker, it finds nothing to take."""
    late = stage.place(BUY, 41, 10, post_only=True)
    taker = stage.place(BUY, 42, 10, tif="FAK")
    stage.frame(39 * MS, bid=40, ask=41)
    stage.frame(40 * MS, bid=44, ask=46)
    stage.settle()

    assert stage.of(late) == [Said(70 * MS, "ACKED", late, 40 * MS)]
    assert kinds(stage.of(taker)) == ["ACKED", "CANCELLED"]


def test_without_latency_everything_happens_at_once_but_in_order() -> None:
    stage = Stage(0, 0)
    number = stage.place(BUY, 42, 10)

    assert stage.wait(0) == [
        Said(0, "ACKED", number, 0),
        Said(0, "FILLED", number, 0, 10 * LOT, 42 * TICK, False, 1),
    ]


# -- resting ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "bid", "ask", "traded", "fills"),
    [
        (BUY, 38, 40, None, False),
        (BUY, 38, 39, None, True),
        (BUY, 37, 38, None, True),
        (BUY, None, None, 40, False),
        (BUY, None, None, 39, True),
        (BUY, None, None, 38, True),
        (SELL, 42, 45, None, False),
        (SELL, 43, 45, None, True),
        (SELL, 44, 45, None, True),
        (SELL, None, None, 42, False),
        (SELL, None, None, 43, True),
        (SELL, None, None, 44, True),
    ],
)
@pytest.mark.parametrize("outcome", [0, 1])
@pytest.mark.parametrize("known", [False, True])
def test_an_order_first_in_line_fills_whole_by_a_touch_at_its_price_or_a_trade_at_it_or_through_it(
    side: int, bid: int | None, ask: int | None, traded: int | None, fills: bool, outcome: int, known: bool
) -> None:
    """Bid at 39, offer at 43; the same for the complement, whose prices are one minus these."""
    stage = Stage()
    ticks = 39 if side == BUY else 43
    other = SELL if side == BUY else BUY
    number = stage.place(side if outcome == 0 else other, ticks if outcome == 0 else 100 - ticks, 7, outcome=outcome)
    stage.wait(100 * MS)
    taker = SIDE_UNKNOWN if not known else other
    stage.frame(200 * MS, bid=bid, ask=ask, traded=traded, taker=taker)
    stage.settle()
    price = ticks * TICK if outcome == 0 else (100 - ticks) * TICK
    filled = [Said(230 * MS, "FILLED", number, 200 * MS, 7 * LOT, price, True, 1)]

    assert stage.of(number)[1:] == (filled if fills else [])


@pytest.mark.parametrize(("side", "ticks", "taker"), [(BUY, 39, BUY), (SELL, 43, SELL)])
def test_a_trade_that_took_from_the_other_side_fills_nothing(side: int, ticks: int, taker: int, stage: Stage) -> None:
    number = stage.place(side, ticks, 7)
    stage.wait(100 * MS)
    stage.frame(200 * MS, traded=ticks, taker=taker)
    stage.settle()

    assert kinds(stage.of(number)) == ["ACKED"]


def test_an_order_behind_others_fills_when_more_traded_than_stood_before_it(stage: Stage) -> None:
    """To the last lot: what used up the queue exactly left us first in line, untouched."""
    number = stage.place(BUY, 40, 7)
    stage.wait(100 * MS)
    stage.frame(110 * MS, traded=40, traded_lots=300, taker=SELL)
    stage.frame(120 * MS, traded=40, traded_lots=200, taker=SELL)
    stage.wait(150 * MS)
    assert kinds(stage.of(number)) == ["ACKED"]
    stage.frame(160 * MS, traded=40, traded_lots=1, taker=SELL)
    stage.settle()

    assert [(said.kind, said.venue_ns) for said in stage.of(number)[1:]] == [("FILLED", 160 * MS)]


def test_a_level_that_shrinks_below_what_stood_ahead_brings_us_forward(stage: Stage) -> None:
    number = stage.place(BUY, 40, 7)
    stage.wait(100 * MS)
    stage.to(110 * MS)
    stage.level(BID, 40, 20)
    stage.level(BID, 40, 900)
    stage.frame(120 * MS, traded=40, traded_lots=20, taker=SELL)
    stage.wait(150 * MS)
    assert kinds(stage.of(number)) == ["ACKED"]
    stage.frame(160 * MS, traded=40, traded_lots=1, taker=SELL)
    stage.settle()

    assert kinds(stage.of(number)) == ["ACKED", "FILLED"]


def test_better_prices_fill_first_and_older_orders_before_younger_ones(stage: Stage) -> None:
    numbers = [stage.place(BUY, ticks, 7) for ticks in (38, 39, 38, 39)]
    stage.wait(100 * MS)
    stage.frame(200 * MS, traded=30)
    stage.settle()

    assert [said.request for said in stage.heard if said.kind == "FILLED"] == [numbers[at] for at in (1, 3, 0, 2)]


@pytest.mark.parametrize("doubt", ["invalid", "suspect", "crossed"])
def test_nothing_fills_while_the_book_is_in_doubt_and_what_was_missed_is_made_up_for(doubt: str, stage: Stage) -> None:
    number = stage.place(BUY, 39, 10)
    gone = stage.place(BUY, 35, 10)
    stage.wait(100 * MS)
    market = stage.market
    market.valid, market.suspect = doubt != "invalid", int(doubt == "suspect")
    market.crossed_ns = 100 * MS if doubt == "crossed" else NONE
    taker = stage.place(BUY, 60, 10, tif="FAK")
    stage.frame(200 * MS, traded=30)
    stage.level(ASK, 35, 5)
    stage.level(ASK, 39, 5)
    stage.level(ASK, 35, 0)
    stage.wait(300 * MS)
    assert kinds(stage.of(number)) == kinds(stage.of(gone)) == ["ACKED"]
    assert kinds(stage.of(taker)) == ["ACKED", "CANCELLED"]
    assert stage.venue.unready == 4
    market.valid, market.suspect, market.crossed_ns = True, 0, NONE
    stage.to(400 * MS)
    stage.level(BID, 20, 5)
    stage.settle()

    assert [(said.kind, said.venue_ns) for said in stage.of(number)[1:]] == [("FILLED", 400 * MS)]
    assert kinds(stage.of(gone)) == ["ACKED"]


def test_a_full_book_fills_what_it_reaches_before_we_have_heard_of_it(stage: Stage) -> None:
    """The kernel's book is invalid until the snapshot arrives; the venue's never was."""
    number = stage.place(BUY, 39, 10)
    stage.wait(100 * MS)
    stage.market.valid = False
    stage.frame(200 * MS, bid=37, ask=38)
    stage.settle()

    assert kinds(stage.of(number)) == ["ACKED", "FILLED"]


def test_a_level_that_a_full_book_does_not_name_leaves_us_first_in_line(stage: Stage) -> None:
    number = stage.place(BUY, 40, 10)
    stage.wait(100 * MS)
    stage.frame(200 * MS, bid=38, ask=42)
    stage.frame(210 * MS, traded=40, traded_lots=1, taker=SELL)
    stage.settle()

    assert kinds(stage.of(number)) == ["ACKED", "FILLED"]


def test_a_new_grid_leaves_what_rests_and_asks_for_a_full_book(stage: Stage) -> None:
    number = stage.place(BUY, 39, 10)
    stage.wait(100 * MS)
    stage.to(200 * MS)
    stage.venue.tick_changed(0, TICK // 10, stage.now)
    stage.level(ASK, 35, 5)
    stage.venue.snapshot_end(0, stage.now)
    assert kinds(stage.settle()) == ["ACKED"]
    stage.frame(300 * MS, bid=38, ask=39)
    stage.settle()

    assert kinds(stage.of(number)) == ["ACKED", "FILLED"]


def test_a_post_only_order_rests_in_a_book_that_says_nothing(stage: Stage) -> None:
    stage.market.valid = False
    number = stage.place(BUY, 60, 10, post_only=True)
    stage.settle()

    assert kinds(stage.of(number)) == ["ACKED"]
    assert stage.venue.unready == 1


@pytest.mark.parametrize("how", ["closed", "resolved"])
def test_what_rests_is_cancelled_when_trading_ends(how: str, stage: Stage) -> None:
    number, offer = stage.place(BUY, 39, 10), stage.place(SELL, 45, 10)
    stage.wait(100 * MS)
    stage.to(200 * MS)
    stage.venue.status(0, STATUS_HALTED, stage.now)
    if how == "closed":
        stage.venue.status(0, STATUS_CLOSED, stage.now)
    else:
        stage.venue.resolved(0, 1, stage.now)
    stage.settle()

    for one in (number, offer):
        assert stage.of(one)[1:] == [Said(230 * MS, "CANCELLED", one, 200 * MS, 0)]
    assert stage.venue.resting == stage.venue.watch(0).count == 0


# -- taking -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tif", "lots", "expected"),
    [
        ("GTC", 25, ["ACKED", "FILLED", "FILLED"]),
        ("FAK", 25, ["ACKED", "FILLED", "FILLED"]),
        ("FOK", 25, ["ACKED", "FILLED", "FILLED"]),
        ("GTC", 35, ["ACKED", "FILLED", "FILLED"]),
        ("FAK", 35, ["ACKED", "FILLED", "FILLED", "CANCELLED"]),
        ("FOK", 35, ["ACKED", "CANCELLED"]),
        ("FOK", 30, ["ACKED", "FILLED", "FILLED"]),
    ],
)
def test_a_taker_fills_level_by_level_within_its_limit(tif: str, lots: int, expected: list[str]) -> None:
    stage = Stage()
    stage.levels({40: 5}, {42: 10, 43: 20, 44: 50})
    number = stage.place(BUY, 43, lots, tif=tif)
    stage.settle()
    found = stage.of(number)
    fills = [(said.price // TICK, said.value // LOT, said.maker) for said in found if said.kind == "FILLED"]

    assert kinds(found) == expected
    if fills:
        assert fills == [(42, 10, False), (43, min(lots - 10, 20), False)]
    if expected[-1] == "CANCELLED":
        assert found[-1].value == sum(lots for _, lots, _ in fills) * LOT


def test_the_rest_of_a_taker_rests_and_fills_as_a_maker(stage: Stage) -> None:
    stage.levels({40: 5}, {42: 10})
    number = stage.place(BUY, 43, 25)
    stage.wait(100 * MS)
    stage.frame(200 * MS, bid=40, ask=43)
    stage.settle()

    assert [(said.price // TICK, said.value // LOT, said.maker) for said in stage.of(number)[1:]] == [
        (42, 10, False),
        (43, 15, True),
    ]


def test_an_offer_of_the_complement_takes_the_first_outcomes_offers(stage: Stage) -> None:
    """Selling No at 0.58 is buying Yes at 0.42."""
    stage.levels({40: 10}, {42: 10})
    number = stage.place(SELL, 58, 10, tif="FOK", outcome=1)
    stage.settle()

    assert stage.of(number)[1] == Said(70 * MS, "FILLED", number, 40 * MS, 10 * LOT, 58 * TICK, False, 1)


# -- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        ({"ticks": 0, "price": 4050}, codes.OFF_GRID),
        ({"ticks": 0}, codes.OFF_GRID),
        ({"ticks": 100}, codes.OFF_GRID),
        ({"ticks": 40, "lots": 1}, codes.SIZE_BELOW_MIN),
        ({"ticks": 42, "post_only": True}, codes.WOULD_CROSS),
        ({"ticks": 60, "post_only": True}, codes.WOULD_CROSS),
        ({"ticks": 40, "tif": "GTD", "ttl_ns": 40 * MS}, codes.TTL_INVALID),
        ({"ticks": 40, "tif": "GTD", "ttl_ns": 1}, codes.TTL_INVALID),
    ],
)
def test_an_order_the_venue_does_not_take_is_rejected_and_nothing_else(order: dict, reason: int) -> None:  # type: ignore[type-arg]
    stage = Stage()
    number = stage.place(BUY, **{"lots": 1000, **order})
    stage.settle()

    assert stage.of(number) == [Said(70 * MS, "REJECTED", number, 40 * MS, int(reason))]


@pytest.mark.parametrize("status", [STATUS_CLOSED, STATUS_HALTED])
def test_a_market_that_does_not_trade_takes_no_order(status: int, stage: Stage) -> None:
    stage.market.status = status
    number = stage.place(BUY, 39, 1000)
    stage.settle()

    assert stage.of(number) == [Said(70 * MS, "REJECTED", number, 40 * MS, int(codes.MARKET_CLOSED))]


def test_a_market_that_opens_takes_orders_that_rest_and_no_others(stage: Stage) -> None:
    stage.market.status = STATUS_POST_ONLY
    resting, taking = stage.place(BUY, 39, 1000, post_only=True), stage.place(BUY, 39, 1000)
    stage.settle()

    assert kinds(stage.of(resting)) == ["ACKED"]
    assert kinds(stage.of(taking)) == ["REJECTED"]


# -- cancels and expiry -----------------------------------------------------------------------------------------------


def test_a_cancel_ends_what_rests(stage: Stage) -> None:
    number = stage.place(BUY, 39, 1000)
    stage.wait(100 * MS)
    stage.cancel(number)
    stage.settle()

    assert stage.of(number)[1:] == [Said(170 * MS, "CANCELLED", number, 140 * MS, 0)]


@pytest.mark.parametrize(("filled_at", "expected"), [(139, "FILLED"), (140, "FILLED"), (141, "CANCELLED")])
def test_a_cancel_that_meets_its_fill_loses_the_race_only_when_it_comes_later(filled_at: int, expected: str) -> None:
    """At the same instant the market comes first: what it had done, our cancel cannot undo."""
    stage = Stage()
    number = stage.place(BUY, 39, 1000)
    stage.wait(100 * MS)
    stage.cancel(number)
    stage.frame(filled_at * MS, bid=30, ask=35)
    stage.settle()

    assert kinds(stage.of(number)[1:]) == ([expected, "CANCEL_REFUSED"] if expected == "FILLED" else [expected])
    assert stage.of(number)[-1].value == (codes.NO_SUCH_ORDER if expected == "FILLED" else 0)


def test_a_second_cancel_and_one_for_nothing_are_refused(stage: Stage) -> None:
    number = stage.place(BUY, 39, 1000)
    stage.wait(100 * MS)
    stage.cancel(number)
    stage.cancel(number)
    stage.cancel(999)
    stage.settle()

    assert kinds(stage.of(number)) == ["ACKED", "CANCELLED", "CANCEL_REFUSED"]
    assert kinds(stage.of(999)) == ["CANCEL_REFUSED"]
    assert (stage.venue.submitted, stage.venue.cancels) == (1, 3)


def test_a_gtd_order_ends_at_its_time_and_not_before(stage: Stage) -> None:
    number = stage.place(BUY, 39, 1000, tif="GTD", ttl_ns=500 * MS)
    stage.wait(530 * MS - 1)
    assert kinds(stage.of(number)) == ["ACKED"]
    stage.wait(530 * MS)

    assert stage.of(number)[1:] == [Said(530 * MS, "EXPIRED", number, 500 * MS, 0)]
    assert not stage.venue.busy()


def test_a_gtd_order_that_took_some_expires_with_what_it_took(stage: Stage) -> None:
    stage.levels({40: 5}, {42: 100})
    number = stage.place(BUY, 42, 1000, tif="GTD", ttl_ns=500 * MS)
    stage.wait(600 * MS)

    assert kinds(stage.of(number)) == ["ACKED", "FILLED", "EXPIRED"]
    assert stage.of(number)[-1].value == 100 * LOT


def test_a_cancel_at_the_instant_of_expiry_comes_too_late(stage: Stage) -> None:
    number = stage.place(BUY, 39, 1000, tif="GTD", ttl_ns=140 * MS)
    stage.wait(100 * MS)
    stage.cancel(number)
    stage.settle()

    assert kinds(stage.of(number)) == ["ACKED", "EXPIRED", "CANCEL_REFUSED"]
