"""What the books say something is worth: the touch, the mid, and the rate at which a position is marked."""

from attrs import frozen

from engine.kernel.events import KIND_BINARY
from engine.kernel.market import Instrument
from engine.kernel.portfolio import Holding
from engine.kernel.record import NONE
from engine.kernel.units import ASK, BID

Rate = tuple[int, int]
"""Money for so many size units: a position of n is worth n * money // size units."""


def touch(instrument: Instrument) -> tuple[int | None, int | None]:
    """The best bid and offer in price units, None where there is none, or the book may not be traded on."""
    market = instrument.market
    if not market.ready():
        return None, None
    bid, ask, tick = int(instrument.best_bid()), int(instrument.best_ask()), int(market.tick)
    return None if bid == NONE else bid * tick, None if ask == NONE else ask * tick


def mid2(instrument: Instrument) -> int | None:
    """Twice the mid in price units, of a book fit to be traded on that has both sides; else None."""
    bid, ask = touch(instrument)
    return None if bid is None or ask is None else bid + ask


def payoff(instrument: Instrument) -> int | None:
    """What one token is paid out at, in price units; None while its market is not resolved."""
    market = instrument.market
    if market.winner == NONE:
        return None
    return int(market.price_scale) if instrument.number == market.winner else 0


def reference2(instrument: Instrument) -> int | None:
    """Twice what it is worth at a mark-out: what it was paid out at, else the mid; None where nothing says."""
    paid = payoff(instrument)
    return mid2(instrument) if paid is None else 2 * paid


def rate_of(instrument: Instrument) -> Rate | None:
    """The rate by which `portfolio.mark_value` values any size of *instrument*; None where that answers None."""
    market = instrument.market
    if market.mark != NONE and market.listing.kind != KIND_BINARY:
        return int(market.mark), 1
    if not market.ready():
        return None
    bid, ask, tick = int(instrument.best_bid()), int(instrument.best_ask()), int(market.tick)
    if bid == NONE and ask == NONE:
        return None
    if bid == NONE or ask == NONE:
        return (bid if ask == NONE else ask) * tick, 1
    bid_lots, ask_lots = int(instrument.lots_at(BID, bid)), int(instrument.lots_at(ASK, ask))
    return tick * (bid * ask_lots + ask * bid_lots), bid_lots + ask_lots


@frozen
class Valuation:
    """
    What any part of one position counts as: n of it as n * money // per, rounded down, and the whole as *whole*.

    They differ only at the end of a run, where nothing values the position: the whole then counts as what it cost, as
    in the kernel's profit, and parts by the last rate that was known.
    """

    money: int
    per: int
    size: int
    whole: int

    def worth(self, size: int) -> int:
        """What *size* of it counts as."""
        return self.whole if size == self.size else size * self.money // self.per


def valued(holding: Holding, last: Rate | None, ended: bool) -> Valuation:
    """
    What is held, valued at the payoff or at its mark; *last* is the last rate that was known, None if none was.

    While a run goes on, a position that nothing values just now (its connection is down) counts by that rate: a profit
    that leapt to what it cost and back would be a drawdown that never was. Once it has *ended*, no rate will come.
    """
    size = int(holding.size)
    paid = payoff(holding.instrument)
    rate = (paid, 1) if paid is not None else rate_of(holding.instrument)
    if rate is not None:
        return Valuation(*rate, size, size * rate[0] // rate[1])
    if last is None:
        last = (abs(holding.cost), abs(size)) if size else (0, 1)
    return Valuation(*last, size, holding.cost if ended else size * last[0] // last[1])
