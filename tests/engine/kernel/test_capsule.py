"""What a truth capsule keeps: the book from the side of the instrument that was sent, its position and its risk."""

import pytest
from trading_room import Room, S, Says, binary, contract

from engine.kernel.events import FILL_PROVISIONAL, ORDER_ACKED, ORDER_FILLED
from engine.kernel.record import NONE
from engine.kernel.strategy import BUY, SELL, Place
from engine.kernel.units import ASK, BID

YES, NO = "polymarket:YES-M", "polymarket:NO-M"


def capsule_of(room, strategy, intent):
    strategy.next = [intent]
    (found,) = [fields for kind, fields in room.decide(0) if kind == "CAPSULE"]
    return found


@pytest.mark.parametrize("levels", [0, 2, 5])
@pytest.mark.parametrize("side", [BUY, SELL])
def test_it_holds_the_best_three_levels_of_each_side_as_the_instrument_sent_sees_them(levels, side):
    strategy = Says()
    room = Room(binary(), strategies=(strategy,))
    book = room.markets[0].book
    for at in range(levels):
        book.set_level(BID, 50 - at, 10 + at)
        book.set_level(ASK, 52 + at, 20 + at)
    found = capsule_of(room, strategy, Place(YES, side, 51, 1000))
    sent = room.instruments[found["instrument"]]

    assert sent.key == (YES if side == BUY else NO)  # an offer without inventory is sent as a bid for the complement
    assert (found["bids"], found["asks"]) == (sent.levels(BID, 3), sent.levels(ASK, 3))
    assert len(found["bids"]) == min(3, levels)


def test_it_holds_cash_of_both_layers_and_what_the_order_may_cost():
    strategy = Says()
    room = Room(contract(settlement="USDT"), strategies=(strategy,))
    room.touch(50, 52)
    strategy.next = [Place("binance-usdm:BTC", BUY, 50, 10)]
    room.decide(0)
    number = room.trading.requests[0].number
    price, size = 50 * 10_000_000, 5 * 100_000
    for trade, flags in (("a", 0), ("b", FILL_PROVISIONAL)):
        room.facts((ORDER_ACKED, number, "v"), (ORDER_FILLED, number, "v", price, size, NONE, flags, trade))
    room.input(S)
    found = capsule_of(room, strategy, Place("binance-usdm:BTC", BUY, 49, 2))
    exposure, purse = room.desk.risk.markets[0], room.desk.portfolio.purses[0]

    assert purse.provisional == purse.settled == -price * size
    assert found["cash"] == -2 * price * size
    assert found["first"] == exposure.first == 2 * price * size + 49 * 10_000_000 * 200_000
    assert (found["second"], found["event"]) == (0, 0)
    assert found["strategy"] == found["account"] == exposure.worst
