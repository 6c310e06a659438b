"""
What the trading half shares: one object that its parts are given, instead of a dozen arguments each.

It holds state and the two things every part needs: a place for derived records, and the digest that each change moves.
"""

from typing import Any, Final, final

from mypy_extensions import i64

from engine.kernel import identity, kinds
from engine.kernel.churn import Churn
from engine.kernel.dense import DensePacker
from engine.kernel.digest import Digest
from engine.kernel.market import Instrument, Market
from engine.kernel.modes import STRATEGY, Modes
from engine.kernel.money import Money
from engine.kernel.order import Order
from engine.kernel.orders import Orders
from engine.kernel.outbox import Outbox
from engine.kernel.pack import Packer
from engine.kernel.policy import Policy
from engine.kernel.portfolio import Portfolio
from engine.kernel.request import Request
from engine.kernel.risk import Risk
from engine.kernel.stakes import Stakes
from engine.kernel.strategy import Change, CompiledStrategy
from engine.kernel.terms import Terms
from engine.kernel.timers import Timers
from engine.kernel.watch import Watch

NOTHING: Final[list[object]] = []
"""No intents at all: never added to."""


@final
class Seat:
    """
    One strategy's place in the configured order, numbered from 1.

    *instruments* are the keys it listens to, none for all; *wants* the wake reasons that call it (`market.WAKE_*`).
    """

    def __init__(self, number: i64, name: str, strategy: Any, tier: i64, instruments: tuple[str, ...]) -> None:
        self.number: Final[i64] = number
        self.name: Final[str] = name
        self.strategy: Final[Any] = strategy
        self.tier: Final[i64] = tier
        self.instruments: Final[tuple[str, ...]] = instruments
        self.native: Final[CompiledStrategy | None] = strategy if isinstance(strategy, CompiledStrategy) else None
        self.all_markets: Final[bool] = len(instruments) == 0
        self.wants: i64 = -1
        self.hears: bool = True  # it is called for what happens to its orders
        self.markets: dict[int, bool] = {}  # numbers of the markets it listens to, unless it listens to all
        self.muted: bool = False
        self.fresh: bytes = b""  # its memory as it was configured, to restart from
        self.timers: tuple[str, ...] = ()  # fired by this input
        self.changes: tuple[Change, ...] = ()  # to its orders, by this input
        self.answer: list[object] = NOTHING  # the intents of this input, until they are taken up

    def told(self, change: Change) -> None:
        """Something happened to one of its orders."""
        if self.hears:
            self.changes = (*self.changes, change) if self.changes else (change,)

    def listens(self, market: i64) -> bool:
        """Whether it is woken for *market*."""
        return self.all_markets or market in self.markets


@final
class Desk:
    """The state of the trading half, and its way out."""

    def __init__(
        self,
        markets: list[Market],
        instruments: list[Instrument],
        policy: Policy | None,
        out: Outbox,
        digest: Digest,
        run_epoch: i64,
        seed: i64,
    ) -> None:
        self.markets: Final[list[Market]] = markets
        self.instruments: Final[list[Instrument]] = instruments
        self.policy: Final[Policy | None] = policy
        self.out: Final[Outbox] = out
        self.digest: Final[Digest] = digest
        self.run_epoch: Final[i64] = run_epoch
        self.seed: Final[i64] = seed

        self.by_key: Final[dict[str, Instrument]] = {}
        self.market_by_key: Final[dict[str, Market]] = {}
        self.venues: Final[list[str]] = []
        self.venue_of: Final[list[int]] = []  # of each market
        self.terms: Final[list[Terms]] = []  # of each instrument
        self.orders: Final[Orders] = Orders()
        self.portfolio: Final[Portfolio] = Portfolio()
        self.risk: Risk = Risk(self.portfolio, self.orders)
        self.stakes: Final[list[Stakes]] = []  # of each market
        self.modes: Final[Modes] = Modes()
        self.timers: Final[Timers] = Timers()
        self.churn: Final[Churn] = Churn(policy)
        self.seats: Final[list[Seat]] = []
        self.watch: Watch | None = None  # only where the configuration turns heuristics on

        self.seq: i64 = 0
        self.draw_key: i64 = 0  # unlike that of any other input
        self.now_ns: i64 = 0
        self.pending: bool = False
        self.unwinding: bool = False  # a position is being traded away: each input that moves a market may help
        self.silent: bool = False
        self.asked: i64 = 0
        """How many requests this input has led to: the first of `requests`."""
        self.requests: Final[list[Request]] = []
        """They stand in places that are used again: a list that is emptied finds room anew each time."""
        self.packer: Final[Packer] = Packer()  # of payloads: each takes what it put there
        self.dense: Final[DensePacker] = DensePacker()  # of those that every order leaves
        self.scratch: Final[Money] = Money()  # for a sum that is used at once
        self.ordinal: i64 = 0  # of the next intent of this input that is the kernel's own

    # -- instruments -----------------------------------------------------------------------------------------------

    def add_instrument(self, instrument: Instrument) -> None:
        """Make room for the next instrument everywhere."""
        market = instrument.market
        if not instrument.complement:
            self.market_by_key[market.key] = market
            venue = market.listing.venue
            if venue not in self.venues:
                self.venues.append(venue)
            self.venue_of.append(self.venues.index(venue))
            self.risk.market_added(market)
            if self.watch is not None:
                self.watch.market_added(market)
            self.stakes.append(Stakes())
        self.by_key[instrument.key] = instrument
        self.orders.instrument_added()
        self.portfolio.instrument_added(instrument)
        self.terms.append(Terms(instrument, self.policy))
        for seat in self.seats:
            if instrument.key in seat.instruments:
                seat.markets[market.number] = True

    def measure_again(self) -> None:
        """Positions and orders were replaced as a whole: lay out the risk anew, without owners."""
        self.risk = Risk(self.portfolio, self.orders)
        for market in self.markets:
            self.risk.market_added(market)
        self.risk.rebuild()

    def attentive(self) -> bool:
        """Whether even an input that moves nothing but a book may lead to something."""
        return self.pending or self.unwinding or self.watch is not None

    def venue(self, market: Market) -> i64:
        """The number of *market*'s venue, the `modes.VENUE` scope's."""
        return i64(self.venue_of[market.number])

    # -- seats -----------------------------------------------------------------------------------------------------

    def seat_name(self, seat: i64) -> str:
        """The strategy's name; the kernel's own orders and the operator's carry an empty one."""
        return self.seats[seat - 1].name if seat > 0 else ""

    def tell(self, order: Order, what: i64, price: i64, size: i64) -> None:
        """Let the order's strategy know, if it wants to; *price* and *size* are a fill's, of the instrument sent."""
        if self.unwinding or order.pinned:
            self.pending = True
        if order.seat > 0:
            seat = self.seats[order.seat - 1]
            if not seat.hears:
                return
            self.pending = True
            if size > 0:
                market = order.instrument.market
                if order.mirrored():
                    price = market.price_scale - price
                price //= market.tick
                size //= market.lot
            seat.told(Change(what, order, price, size))

    def strategy_mode(self, seat: i64) -> i64:
        """The mode of that strategy's own scope."""
        return self.modes.mode(STRATEGY, seat)

    # -- records ---------------------------------------------------------------------------------------------------

    def ask(self, request: Request) -> None:
        """Add a request of this input."""
        if self.asked < i64(len(self.requests)):
            self.requests[self.asked] = request
        else:
            self.requests.append(request)
        self.asked += 1

    def next_number(self) -> i64:
        """The sequence number the next derived record of this input will have."""
        return self.seq + 1 + self.out.count

    def emit(self, kind: i64, payload: bytes) -> None:
        """Add a derived record of schema 1."""
        self.out.emit(kind, 1, payload)

    def alert(self, code: i64, text: str) -> None:
        """Add an ALERT: *code* happened, *text* says to what."""
        packer = Packer()
        packer.put(code)
        packer.put_text(text)
        self.out.emit(kinds.ALERT, 1, packer.finish())
        self.digest.mix(code)

    def emit_two(self, kind: i64, a: i64, b: i64) -> None:
        """Add a record of two numbers."""
        packer = Packer()
        packer.put(a)
        packer.put(b)
        self.out.emit(kind, 1, packer.finish())

    def intent_id(self, seat: i64, trigger: i64, ordinal: i64) -> bytes:
        """The id of an intent; a silent kernel forms none."""
        if self.silent:
            return b""
        return identity.intent_id(self.run_epoch, self.seat_name(seat), trigger, ordinal)

    def order_moved(self, order: Order) -> None:
        """Take an order's new state into the digest."""
        digest = self.digest
        digest.mix(order.number)
        digest.mix(order.state)
        digest.mix(order.filled)
        digest.mix(order.reserved)

    def position_moved(self, instrument: i64) -> None:
        """Take an instrument's new position and purse into the digest, and measure its market's risk again."""
        holding = self.portfolio.holdings[instrument]
        digest = self.digest
        digest.mix(instrument)
        digest.mix(holding.size)
        digest.mix(holding.settled)
        holding.cost_money.mix(digest)
        holding.realised_money.mix(digest)
        holding.fees_money.mix(digest)
        holding.purse.settled_money.mix(digest)
        holding.purse.provisional_money.mix(digest)
        market = holding.instrument.market
        self.risk.refresh(market.number)
        if self.leaning(market) == 0:
            self.stakes[market.number].flat()

    def leaning(self, market: Market) -> i64:
        """Our position in *market* without complete sets, in size units of its first outcome."""
        holdings = self.portfolio.holdings
        first = market.first_instrument
        if len(market.listing.symbols) == 2:
            return holdings[first].size - holdings[first + 1].size
        return holdings[first].size
