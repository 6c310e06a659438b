"""
What follows a match at the simulated venue: fees, settlement, complete sets, rebates, rewards, and the ledger.

`Office` is the `Clearing` that a venue is given when money matters to a run; each part may be left out. What is due at
one instant comes in this order: trades settle, sets are converted, a day is paid for, orders are scored for rewards.
"""

from typing import Final, final

from mypy_extensions import i64

from adapters.simulated.book import VenueBook
from adapters.simulated.clearing import Clearing, Line
from adapters.simulated.fees import Fees
from adapters.simulated.latency import Delay
from adapters.simulated.ledger import Ledger
from adapters.simulated.rebates import Payment, Rebates, payable
from adapters.simulated.resting import Fill, Pit
from adapters.simulated.rewards import Rewards
from adapters.simulated.settlement import TRADE_KEY, Settlement
from engine.kernel import codes, kinds
from engine.kernel.derived import MERGE
from engine.kernel.events import (
    CREDIT_REBATE,
    CREDIT_REWARD,
    FILL_PROVISIONAL,
    KIND_BINARY,
    TRADE_CONFIRMED,
    TRADE_FAILED,
)
from engine.kernel.fees import stated_fee
from engine.kernel.market import Instrument
from engine.kernel.record import NONE, wide
from engine.kernel.request import Request

_DAY_KEY: Final[i64] = wide(0x28000000, 0)
"""Payments draw the delay of their report by this plus their number."""
_STEP_INDEX: Final[i64] = 16
"""Indices of a trade's key from here on are the delays of its reports."""


@final
class Conversion:
    """A split or a merge that the venue carries out at *at_ns*; *key* and *index* name the draw of its answer."""

    def __init__(self, at_ns: i64, request: Request, key: i64, index: i64) -> None:
        self.at_ns: Final[i64] = at_ns
        self.request: Final[Request] = request
        self.key: Final[i64] = key
        self.index: Final[i64] = index


@final
class Office(Clearing):
    """
    The back office of one venue. Raises `ledger.Unbalanced` where a ledger is kept and does not add up.

    Without *settlement* every trade is final at once, as it is outside *settling* venues anyway. *conversion* is how
    long a split or merge takes at the venue. Where *rewards* or *rebates* is None, none are paid. *ledger*: whether the
    accounts of all parties are kept.
    """

    def __init__(
        self,
        fees: Fees,
        settlement: Settlement | None,
        settling: tuple[str, ...],
        conversion: Delay,
        rewards: Rewards | None,
        rebates: Rebates | None,
        ledger: bool,
    ) -> None:
        super().__init__()
        self._fees: Final[Fees] = fees
        self._settlement: Final[Settlement | None] = settlement
        self._settling: Final[tuple[str, ...]] = settling
        self._conversion: Final[Delay] = conversion
        self.rewards: Final[Rewards | None] = rewards
        self.rebates: Final[Rebates | None] = rebates
        self._keeps: Final[bool] = ledger
        self.ledger: Ledger | None = None
        self.winners: dict[int, int] = {}  # by market number
        self.sets: Final[dict[int, tuple[int, int, int]]] = {}
        """By market number, size units of complete sets: split, merged, and asked for in vain."""
        self.paid: i64 = 0
        """Rebates and rewards paid so far."""
        self._instruments: list[Instrument] = []
        self._book: VenueBook | None = None
        self._pits: list[Pit] = []
        self._conversions: list[Conversion] = []

    def join(self, line: Line, instruments: list[Instrument], book: VenueBook, pits: list[Pit]) -> None:
        """See `Clearing`."""
        self.line = line
        self._instruments = instruments
        self._book = book
        self._pits = pits
        if self._keeps:
            self.ledger = Ledger(instruments)

    def objection(self, request: Request, venue_ns: i64) -> i64:
        """See `Clearing`: nothing is objected to, but from now on an order may rest and score."""
        rewards = self.rewards
        if rewards is not None and rewards.wake(self._instruments[request.instrument].market, venue_ns):
            self._look()
        return codes.OK

    # -- trades ------------------------------------------------------------------------------------------------------

    def filled(self, fill: Fill) -> i64:
        """See `Clearing`."""
        instrument = self._instruments[fill.instrument]
        listing = instrument.market.listing
        self.fee = self._fees.stated(listing, fill.price, fill.size, fill.maker)
        day = NONE
        if fill.maker and self.rebates is not None and listing.rebate_ppm > 0:
            paid = self._fees.equivalent(listing, fill.price, fill.size)
            day = self.rebates.made(instrument, paid, fill.venue_ns)
            self._look()
        settles = self._settlement is not None and listing.venue in self._settling
        if self.ledger is not None:
            self.ledger.traded(fill, self._ours(fill), self._theirs(fill), settles)
            self.ledger.check()
        if self._settlement is None or not settles:
            return 0
        self._settlement.matched(fill, day)
        self._look()
        return FILL_PROVISIONAL

    def _ours(self, fill: Fill) -> int:
        listing = self._instruments[fill.instrument].market.listing
        return self._fees.charged(listing, fill.price, fill.size, fill.maker)

    def _theirs(self, fill: Fill) -> int:
        listing = self._instruments[fill.instrument].market.listing
        return self._fees.of_the_other(listing, fill.price, fill.size, fill.maker)

    def _settle(self, settlement: Settlement) -> None:
        """The trade that is due takes a step, and we are told of it."""
        trade = settlement.step()
        fill = trade.fill
        status = trade.status
        if status == TRADE_FAILED and fill.maker and self.rebates is not None:
            instrument = self._instruments[fill.instrument]
            paid = self._fees.equivalent(instrument.market.listing, fill.price, fill.size)
            self.rebates.unmade(instrument, paid, trade.day)
        if self.ledger is not None:
            if status == TRADE_CONFIRMED:
                self.ledger.settled(fill, self._ours(fill))
            elif status == TRADE_FAILED:
                self.ledger.reversed(fill, self._ours(fill), self._theirs(fill))
            self.ledger.check()
        key = TRADE_KEY + fill.number
        assert self.line is not None
        self.line.say(key, _STEP_INDEX + status, kinds.SIM_SETTLED, fill.request, trade.at_ns, fill.number, status)

    # -- complete sets -----------------------------------------------------------------------------------------------

    def asked(self, request: Request, key: i64, index: i64, venue_ns: i64) -> None:
        """See `Clearing`: the answer comes when the conversion is done."""
        at_ns = venue_ns + self._conversion.ns(key, index, venue_ns)
        at: i64 = len(self._conversions)
        while at > 0 and self._conversions[at - 1].at_ns > at_ns:
            at -= 1
        self._conversions.insert(at, Conversion(at_ns, request, key, index + 1))
        self._look()

    def _convert(self) -> None:
        conversion = self._conversions.pop(0)
        request = conversion.request
        market = self._instruments[request.instrument].market
        line = self.line
        assert line is not None
        key, index, at_ns = conversion.key, conversion.index, conversion.at_ns
        if market.listing.kind != KIND_BINARY:
            self._count(market.number, 0, 0, request.size)
            line.say(key, index, kinds.SIM_CONVERSION_REFUSED, request.number, at_ns, codes.NOT_PERMITTED)
        elif int(market.number) in self.winners:
            self._count(market.number, 0, 0, request.size)
            line.say(key, index, kinds.SIM_CONVERSION_REFUSED, request.number, at_ns, codes.MARKET_CLOSED)
        else:
            merged = request.size if request.what == MERGE else i64(0)
            self._count(market.number, request.size - merged, merged, 0)
            if self.ledger is not None:
                self.ledger.converted(request.instrument, request.size, request.what == MERGE)
                self.ledger.check()
            line.say(key, index, kinds.SIM_CONVERTED, request.number, at_ns)

    def _count(self, market: i64, split: i64, merged: i64, refused: i64) -> None:
        known = self.sets.get(int(market), (0, 0, 0))
        self.sets[int(market)] = (known[0] + int(split), known[1] + int(merged), known[2] + int(refused))

    def resolved(self, market: i64, winner: i64, venue_ns: i64) -> None:
        """See `Clearing`: the venue pays every token that won."""
        if winner == NONE or int(market) in self.winners:
            return
        self.winners[int(market)] = int(winner)
        if self.ledger is not None:
            self.ledger.resolved(self._instruments[winner].market, winner)
            self.ledger.check()

    # -- rebates and rewards -----------------------------------------------------------------------------------------

    def _pay(self, owed: list[Payment], reason: i64, venue_ns: i64) -> None:
        """Pay what a day came to, market by market."""
        line = self.line
        assert line is not None
        for payment in payable(owed, self._instruments):
            number = payment.instrument
            if self.ledger is not None:
                money = stated_fee(self._instruments[number].market.listing, payment.amount)
                if reason == CREDIT_REBATE:
                    self.ledger.rebated(number, money)
                else:
                    self.ledger.rewarded(number, money)
                self.ledger.check()
            self.paid += 1
            line.say(_DAY_KEY + self.paid, 0, kinds.SIM_CREDITED, number, venue_ns, payment.amount, reason)

    def accrued(self) -> list[tuple[int, int, int]]:
        """(reason, instrument, amount) of what the present day has come to so far, and is paid when it ends."""
        found: list[tuple[int, int, int]] = []
        if self.rebates is not None:
            for one in self.rebates.owed(self._instruments):
                found.append((int(CREDIT_REBATE), int(one.instrument), int(one.amount)))
        if self.rewards is not None:
            for one in self.rewards.owed():
                found.append((int(CREDIT_REWARD), int(one.instrument), int(one.amount)))
        return found

    # -- time --------------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        """Something was begun or done: when is the next thing due?"""
        due = self._own_ns()
        if self.rewards is not None:
            due = _earlier(due, self.rewards.next_ns())
        self.due_ns = due

    def _own_ns(self) -> i64:
        """When something is due beside the rewards."""
        due = self._settlement.next_ns() if self._settlement is not None else NONE
        if self._conversions:
            due = _earlier(due, self._conversions[0].at_ns)
        if self.rebates is not None:
            due = _earlier(due, self.rebates.next_ns())
        return due

    def market(self) -> i64:
        """See `Clearing`: orders are scored against their market's book."""
        rewards = self.rewards
        if rewards is None or rewards.next_ns() == NONE or rewards.ends_day(rewards.next_ns()):
            return -1
        own = self._own_ns()
        if own != NONE and own <= rewards.next_ns():
            return -1
        return rewards.turn(self._pits)

    def act(self, now_ns: i64) -> None:
        """See `Clearing`: one thing that is due."""
        settlement = self._settlement
        rebates = self.rebates
        rewards = self.rewards
        if settlement is not None and _is_due(settlement.next_ns(), now_ns):
            self._settle(settlement)
        elif self._conversions and self._conversions[0].at_ns <= now_ns:
            self._convert()
        elif rebates is not None and _is_due(rebates.next_ns(), now_ns):
            self._pay(rebates.owed(self._instruments), CREDIT_REBATE, now_ns)
            rebates.close()
        elif rewards is not None and rewards.ends_day(now_ns):
            self._pay(rewards.owed(), CREDIT_REWARD, now_ns)
            rewards.close()
        elif rewards is not None and _is_due(rewards.next_ns(), now_ns):
            assert self._book is not None
            rewards.sample(self._pits, self._book, now_ns)
        self._look()


def _is_due(at_ns: i64, now_ns: i64) -> bool:
    return at_ns != NONE and at_ns <= now_ns


def _earlier(one: i64, other: i64) -> i64:
    """The earlier of two times, each of which may be NONE."""
    if one == NONE or (other != NONE and other < one):
        return other
    return one
