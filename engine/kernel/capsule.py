"""The truth capsule: what was known when an order was admitted, so that nobody has to reconstruct it."""

from typing import Final

from mypy_extensions import i64

from engine.kernel.dense import DensePacker
from engine.kernel.desk import Desk
from engine.kernel.market import Instrument
from engine.kernel.order import Order
from engine.kernel.record import NONE
from engine.kernel.units import ASK, BID

DEPTH: Final[i64] = 3
"""Levels of each side that a capsule keeps."""


def capsule(desk: Desk, order: Order, intent: bytes) -> bytes:
    """The payload of *order*'s CAPSULE record, schema 2: the book, position and risk of the instrument as sent."""
    instrument = order.instrument
    market = instrument.market
    holding = desk.portfolio.holdings[instrument.number]
    working = desk.orders.working[instrument.number]
    exposure = desk.risk.markets[market.number]
    event = exposure.event
    packer = desk.dense
    packer.put_id(intent)
    packer.put(desk.seq)
    packer.put(instrument.number)
    _put_side(packer, instrument, BID)
    _put_side(packer, instrument, ASK)
    packer.put(market.trade_price)
    packer.put(market.mark)
    packer.put(holding.size)
    packer.put(holding.settled)
    packer.put(working.buy_size)
    packer.put(working.sell_size)
    packer.put_money(exposure.first_money)
    packer.put_money(exposure.second_money)
    if event is not None:
        packer.put_money(event.worst_money)
    else:
        packer.put(0)  # nothing: of no bytes
    packer.put_money(desk.risk.strategy(order.seat, exposure.purse))
    packer.put_money(exposure.account)
    cash = desk.scratch
    cash.copy(holding.purse.settled_money)
    cash.add(holding.purse.provisional_money.high, holding.purse.provisional_money.low)
    packer.put_money(cash)
    packer.put(desk.orders.open_count)
    packer.put(desk.orders.unknown_count)
    packer.put_name(desk.policy.version if desk.policy is not None else "")
    return packer.take()


def _put_side(packer: DensePacker, instrument: Instrument, side: i64) -> None:
    """As `put_levels` of `Instrument.levels`, without making a list of them."""
    market = instrument.market
    bids = (side == BID) != instrument.complement
    ladder = market.book.asks
    if bids:
        ladder = market.book.bids
    at = packer.size()
    packer.put(0)
    count: i64 = 0
    key = ladder.best
    while key != NONE and count < DEPTH:
        tick = -key
        if bids:
            tick = key
        if instrument.complement:
            tick = market.price_scale // market.tick - tick
        packer.put(tick)
        packer.put(ladder.lots_at(key))
        key = ladder.next_below(key)
        count += 1
    packer.count(at, count)
