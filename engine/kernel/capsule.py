"""The truth capsule: what was known when an order was admitted, so that nobody has to reconstruct it."""

from typing import Final

from mypy_extensions import i64

from engine.kernel.derived import put_levels
from engine.kernel.desk import Desk
from engine.kernel.order import Order
from engine.kernel.pack import Packer
from engine.kernel.units import ASK, BID

DEPTH: Final[i64] = 3
"""Levels of each side that a capsule keeps."""


def capsule(desk: Desk, order: Order, intent: bytes) -> bytes:
    """The payload of *order*'s CAPSULE record, schema 1: the book, position and risk of the instrument as sent."""
    instrument = order.instrument
    market = instrument.market
    holding = desk.portfolio.holdings[instrument.number]
    working = desk.orders.working[instrument.number]
    exposure = desk.risk.markets[market.number]
    event = exposure.event
    packer = Packer()
    packer.put_data(intent)
    packer.put(desk.seq)
    packer.put(instrument.number)
    put_levels(packer, instrument.levels(BID, DEPTH))
    put_levels(packer, instrument.levels(ASK, DEPTH))
    packer.put(market.trade_price)
    packer.put(market.mark)
    packer.put(holding.size)
    packer.put(holding.settled)
    packer.put(working.buy_size)
    packer.put(working.sell_size)
    packer.put_big(exposure.first)
    packer.put_big(exposure.second)
    packer.put_big(event.worst if event is not None else 0)
    packer.put_big(desk.risk.strategy(order.seat, exposure.purse).value())
    packer.put_big(exposure.account.value())
    packer.put_big(holding.purse.cash())
    packer.put(desk.orders.open_count)
    packer.put(desk.orders.unknown_count)
    packer.put_text(desk.policy.version if desk.policy is not None else "")
    return packer.finish()
