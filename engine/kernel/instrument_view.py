"""
One instrument as a strategy sees it: the venue's side of it, and ours.

Absent prices are None. Prices are in ticks and sizes in lots of the instrument itself; a binary market's second outcome
sees the same book from its own side.
"""

from typing import Final, final

from mypy_extensions import i64

from engine.kernel.desk import Desk
from engine.kernel.fees import taker_fee
from engine.kernel.heuristics import COMPRESSION, CROWDING, TOXICITY
from engine.kernel.market import Instrument
from engine.kernel.modes import MODE_NAMES
from engine.kernel.order import Order, OwnOrder
from engine.kernel.portfolio import mark_value
from engine.kernel.record import NONE
from engine.kernel.rewards import Estimate, RewardTerms, estimate, terms_of
from engine.kernel.strategy import Cancel, Place
from engine.kernel.units import ASK, BID, BUY, LARGEST, SELL


def _known(value: i64) -> int | None:
    return None if value == NONE else int(value)


def _ticks(price_ticks: object) -> i64:
    """What may be the price of an order, NONE for anything else."""
    return i64(price_ticks) if isinstance(price_ticks, int) and int(-LARGEST) <= price_ticks <= int(LARGEST) else NONE


@final
class InstrumentView:
    """One instrument, its book, and what we have of it."""

    def __init__(self, desk: Desk, instrument: Instrument) -> None:
        self._desk: Final[Desk] = desk
        self._instrument: Final[Instrument] = instrument
        self.key: Final[str] = instrument.key
        self.number: Final[int] = int(instrument.number)
        # Made anew only when orders came or went: each speaks of its order as it is.
        self._bids: tuple[OwnOrder, ...] = ()
        self._bids_at: i64 = -1
        self._asks: tuple[OwnOrder, ...] = ()
        self._asks_at: i64 = -1

    # -- the venue's side ------------------------------------------------------------------------------------------

    def touch(self, side: i64) -> i64:
        """
        The best price of *side* (BUY or SELL), in ticks; `record.NONE`, less than any price, without one.

        `best_bid` and `best_ask` for a compiled strategy: no object is made of it.
        """
        return self._instrument.best_bid() if side == BID else self._instrument.best_ask()

    @property
    def best_bid(self) -> int | None:
        """The highest bid, in ticks."""
        return _known(self._instrument.best_bid())

    @property
    def best_ask(self) -> int | None:
        """The lowest offer, in ticks."""
        return _known(self._instrument.best_ask())

    @property
    def bid_lots(self) -> int:
        """Lots at the best bid, 0 without one."""
        tick = self._instrument.best_bid()
        return 0 if tick == NONE else int(self._instrument.lots_at(BID, tick))

    @property
    def ask_lots(self) -> int:
        """Lots at the best offer, 0 without one."""
        tick = self._instrument.best_ask()
        return 0 if tick == NONE else int(self._instrument.lots_at(ASK, tick))

    def lots_at(self, side: int, price_ticks: int) -> int:
        """Lots resting on *side* (BUY or SELL) at that price."""
        return int(self._instrument.lots_at(side, price_ticks))

    def levels(self, side: int, depth: int) -> list[tuple[int, int]]:
        """The best *depth* (price_ticks, lots) of *side*, best first."""
        return self._instrument.levels(side, depth)

    @property
    def valid(self) -> bool:
        """Whether the book may be traded on: complete, uncontradicted, uncrossed."""
        return self._instrument.market.ready()

    @property
    def complement(self) -> str | None:
        """The key of a binary market's other outcome, None where there is none."""
        other = self._instrument.other
        return None if other == NONE else self._desk.instruments[other].key

    @property
    def status(self) -> int:
        """The venue's word on the market: an `events.STATUS_*`."""
        return int(self._instrument.market.status)

    @property
    def tick(self) -> int:
        """The size of a tick in price units (10**-price_exponent)."""
        return int(self._instrument.market.tick)

    @property
    def lot(self) -> int:
        """The size of a lot in size units (10**-size_exponent)."""
        return int(self._instrument.market.lot)

    @property
    def least_lots(self) -> int:
        """The venue's least order, in lots."""
        market = self._instrument.market
        return -int(-market.listing.min_size // market.lot)

    @property
    def whole_ticks(self) -> int:
        """A price of one, in ticks: what a binary market's two outcomes sum to."""
        market = self._instrument.market
        return int(market.price_scale // market.tick)

    def taker_fee(self, price_ticks: int, lots: int) -> int | None:
        """What taking *lots* at *price_ticks* would cost beside the price, as money; None while no rate is known."""
        market = self._instrument.market
        if market.listing.fee_ppm == NONE:
            return None
        return taker_fee(market.listing, i64(price_ticks) * market.tick, i64(lots) * market.lot)

    @property
    def last_trade(self) -> tuple[int, int] | None:
        """(price in price units, lots) of the last trade anyone made, None before the first."""
        market = self._instrument.market
        if market.trade_price == NONE:
            return None
        return self._priced(market.trade_price), int(market.trade_size // market.lot)

    @property
    def ticker(self) -> tuple[int, int, int, int] | None:
        """(bid_ticks, bid_lots, ask_ticks, ask_lots) of the venue's best-price feed, where it has one."""
        market = self._instrument.market
        if market.ticker_bid == NONE or market.ticker_ask == NONE:
            return None
        return (
            int(market.ticker_bid),
            int(market.ticker_bid_lots),
            int(market.ticker_ask),
            int(market.ticker_ask_lots),
        )

    @property
    def mark(self) -> int | None:
        """The venue's mark price in price units, where it publishes one."""
        return _known(self._instrument.market.mark)

    @property
    def funding(self) -> int | None:
        """The venue's funding rate at its own exponent, where it publishes one."""
        return _known(self._instrument.market.funding)

    @property
    def venue_ns(self) -> int | None:
        """The venue's time of the book's last change."""
        return _known(self._instrument.market.venue_ns)

    def _priced(self, price: i64) -> int:
        """A price of the market's first outcome, as this instrument's."""
        return int(self._instrument.market.price_scale - price if self._instrument.complement else price)

    # -- our side --------------------------------------------------------------------------------------------------

    @property
    def own_orders(self) -> tuple[OwnOrder, ...]:
        """Our open orders asked for on this instrument, oldest first."""
        return self._own(-1)

    @property
    def own_bids(self) -> tuple[OwnOrder, ...]:
        """Those of them that buy."""
        at = self._desk.orders.working[self._instrument.number].buy_moves
        if at != self._bids_at:
            self._bids = self._own(BID)
            self._bids_at = at
        return self._bids

    @property
    def own_asks(self) -> tuple[OwnOrder, ...]:
        """Those of them that sell, also where the complement is bought instead."""
        working = self._desk.orders.working
        at = working[self._instrument.number].sell_moves
        if self._instrument.other != NONE:
            at += working[self._instrument.other].buy_moves
        if at != self._asks_at:
            self._asks = self._own(ASK)
            self._asks_at = at
        return self._asks

    def quote(self, bid_ticks: object, ask_ticks: object, lots: object, why: object = "") -> tuple[Cancel | Place, ...]:
        """
        What leaves us one post-only bid at *bid_ticks* and one offer at *ask_ticks*, or none for None: to be yielded.

        Orders at other prices are cancelled, but for those being cancelled already. Where none stands at the price, one
        of *lots* is placed; one that stands stays, whatever is left of it.
        """
        return self._quoted(BUY, self.own_bids, bid_ticks, lots, why) + self._quoted(
            SELL, self.own_asks, ask_ticks, lots, why
        )

    def _quoted(
        self, side: int, own: tuple[OwnOrder, ...], price_ticks: object, lots: object, why: object
    ) -> tuple[Cancel | Place, ...]:
        wanted: tuple[Cancel | Place, ...] = ()
        stands = price_ticks is None
        price = _ticks(price_ticks)
        for order in own:
            if not order.cancelling:
                if not stands and order.price_ticks == price:
                    stands = True
                else:
                    wanted += (Cancel(order, why=why),)
        if not stands:
            wanted += (Place(self.key, side, price_ticks, lots, post_only=True, why=why),)
        return wanted

    def _own(self, side: i64) -> tuple[OwnOrder, ...]:
        instrument = self._instrument
        working = self._desk.orders.working
        orders = working[instrument.number].orders
        if instrument.other == NONE and side >= 0:
            only: Order | None = None
            count: i64 = 0
            for order in orders:
                if order.side == side:
                    only = order
                    count += 1
            if only is None:
                return ()
            if count == 1:
                return (OwnOrder(only),)
        found: list[OwnOrder] = []
        for order in orders:
            if not order.mirrored() and (side < 0 or order.side == side):
                found.append(OwnOrder(order))
        if instrument.other != NONE and side != BUY:
            mirrored = [order for order in working[instrument.other].orders if order.mirrored()]
            if mirrored:
                found.extend([OwnOrder(order) for order in mirrored])
                found.sort(key=by_number)
        return tuple(found)

    @property
    def position_lots(self) -> int:
        """Signed lots held, provisional fills included, rounded toward zero."""
        return _lots(self._desk.portfolio.holdings[self._instrument.number].size, self._instrument.market.lot)

    @property
    def net_lots(self) -> int:
        """As `position_lots`, less what is held of the complement: complete sets cancel out."""
        instrument = self._instrument
        holdings = self._desk.portfolio.holdings
        size = holdings[instrument.number].size
        if instrument.other != NONE:
            size -= holdings[instrument.other].size
        return _lots(size, instrument.market.lot)

    @property
    def settled_lots(self) -> int:
        """The part of the position that the venue has confirmed."""
        return _lots(self._desk.portfolio.holdings[self._instrument.number].settled, self._instrument.market.lot)

    @property
    def cost(self) -> int:
        """What the open position cost, as money (price units times size units)."""
        return self._desk.portfolio.holdings[self._instrument.number].cost

    @property
    def realised(self) -> int:
        """Profit from closed parts of the position, as money, before fees."""
        return self._desk.portfolio.holdings[self._instrument.number].realised

    @property
    def fees(self) -> int:
        """Fees paid here, as money."""
        return self._desk.portfolio.holdings[self._instrument.number].fees

    @property
    def income(self) -> int:
        """Rebates and rewards received here, as money."""
        return self._desk.portfolio.holdings[self._instrument.number].income

    @property
    def rewards(self) -> RewardTerms | None:
        """What the venue's liquidity rewards ask of quotes here, None where none can score."""
        return terms_of(self._instrument.market.listing)

    def estimate_rewards(self, quotes: list[tuple[int, int, int]]) -> Estimate:
        """What *quotes* (side, price_ticks, lots) would earn if they rested here now: see `rewards.estimate`."""
        terms = self.rewards
        if terms is None:
            return Estimate(0, 0, 0)
        tick, lot = self.tick, self.lot
        return estimate(
            terms,
            self._units(BID),
            self._units(ASK),
            [(side, price_ticks * tick, lots * lot) for side, price_ticks, lots in quotes],
        )

    def _units(self, side: i64) -> list[tuple[int, int]]:
        """All levels of *side*, in price and size units."""
        tick, lot = self.tick, self.lot
        return [(price * tick, lots * lot) for price, lots in self._instrument.levels(side, LARGEST)]

    @property
    def unrealised(self) -> int | None:
        """What the open position is worth at the mark (`portfolio.mark_value`) less its cost; None without a mark."""
        holding = self._desk.portfolio.holdings[self._instrument.number]
        if holding.size == 0:
            return 0
        value = mark_value(self._instrument, holding.size)
        return None if value is None else value - holding.cost

    @property
    def crowding(self) -> int:
        """How much others live on the same edge here: a level of `heuristics`, CALM where they are off."""
        return self._level(CROWDING)

    @property
    def compression(self) -> int:
        """How much the spread has gone, and our fills with it: a level, as `crowding`."""
        return self._level(COMPRESSION)

    @property
    def toxicity(self) -> int:
        """How much whoever trades with us knows more: a level, as `crowding`."""
        return self._level(TOXICITY)

    def _level(self, heuristic: i64) -> int:
        watch = self._desk.watch
        return 0 if watch is None else int(watch.markets[self._instrument.market.number].level(heuristic))

    @property
    def edge_buffer_ticks(self) -> int:
        """By how many ticks the buffer of an arbitrage here is to widen, 0 or more: what the three levels ask for."""
        watch = self._desk.watch
        return 0 if watch is None else int(watch.markets[self._instrument.market.number].buffer_ticks)

    @property
    def pull_quotes(self) -> bool:
        """Whether no quote should rest here now: a level says so."""
        watch = self._desk.watch
        return watch is not None and watch.markets[self._instrument.market.number].pulled

    @property
    def mode(self) -> str:
        """The least permission of account, venue, market and instrument: "ACTIVE", "REDUCE_ONLY" or "KILL"."""
        market = self._instrument.market
        desk = self._desk
        return MODE_NAMES[desk.modes.effective(desk.venue(market), market.number, self._instrument.number, 0)]


def _lots(size: i64, lot: i64) -> int:
    return int(size // lot) if size >= 0 else -int(-size // lot)


def by_number(order: OwnOrder) -> int:
    """What own orders are sorted by: the older first."""
    return order.number
