"""
Getting out of a position, deterministically: one order at a time, at the touch, until nothing is left.

A job is started by a Flatten intent, by the operator, or by a group whose legs did not all fill. It cancels what stands
in its way, sends one order that takes what there is, waits for its end, and tries again at most once a second; after
eight orders it gives up and says so. No order of it is larger than the position it gets out of.
"""

from typing import Final, final

from mypy_extensions import i64

from engine.kernel import codes, kinds
from engine.kernel.control import Control
from engine.kernel.derived import PLACE
from engine.kernel.desk import Desk
from engine.kernel.intents import Wanted
from engine.kernel.market import Instrument
from engine.kernel.modes import REDUCE_ONLY, STRATEGY
from engine.kernel.order import FLAG_UNWIND
from engine.kernel.pack import Packer, Unpacker
from engine.kernel.policy import TIF_FAK, TIF_GTC
from engine.kernel.record import NONE
from engine.kernel.sender import Sender
from engine.kernel.timers import KERNEL
from engine.kernel.units import BUY, LARGEST, SELL

MOST_ORDERS: Final[i64] = 8
RETRY_NS: Final[i64] = 1_000_000_000
TIMER: Final = "unwind"


@final
class Job:
    """Trade *rest* of *instrument* on *side*; *group* is the group it belongs to, 0 for a flatten."""

    def __init__(self, instrument: Instrument, side: i64, rest: i64, seat: i64, group: i64, leg: i64) -> None:
        self.instrument: Final[Instrument] = instrument
        self.side: Final[i64] = side
        self.rest: i64 = rest
        self.seat: Final[i64] = seat
        self.group: Final[i64] = group
        self.leg: Final[i64] = leg
        self.sent: i64 = 0
        self.order: i64 = 0  # the number of the one on its way
        self.blocked: i64 = 0  # the number of our own order that stood in its way
        self.next_ns: i64 = NONE


@final
class Unwinder:
    """Every job under way, in order of their start."""

    def __init__(self, desk: Desk, sender: Sender, control: Control) -> None:
        self._desk: Final[Desk] = desk
        self._sender: Final[Sender] = sender
        self._control: Final[Control] = control
        self.jobs: list[Job] = []

    def start(self, instrument: Instrument, side: i64, size: i64, seat: i64, group: i64, leg: i64) -> None:
        """Begin a job, and take its first step."""
        job = Job(instrument, side, size, seat, group, leg)
        self.jobs.append(job)
        if self._advance(job):
            self.jobs.remove(job)
        self._desk.unwinding = len(self.jobs) > 0

    def flatten(self, instrument: Instrument, seat: i64) -> None:
        """Cancel every order of the market and trade its position away; complete sets are kept, they pay one."""
        desk = self._desk
        market = instrument.market
        for leg in range(len(market.listing.symbols)):
            for order in list(desk.orders.working[market.first_instrument + leg].orders):
                self._sender.cancel(order, b"")
        if any(job.instrument.market is market and job.group == 0 for job in self.jobs):
            return
        sets = desk.portfolio.complete_sets(market)
        for leg in range(len(market.listing.symbols)):
            held = desk.portfolio.holdings[market.first_instrument + leg]
            size = held.size - sets if held.size > 0 else held.size
            if size != 0:
                self.start(held.instrument, SELL if size > 0 else BUY, size if size > 0 else -size, seat, 0, 0)

    def running(self, group: i64) -> bool:
        """Whether a job of *group* is under way."""
        return any(job.group == group for job in self.jobs)

    def step(self) -> None:
        """Take every job a step further."""
        for job in list(self.jobs):
            if self._advance(job):
                self.jobs.remove(job)
        self._desk.unwinding = len(self.jobs) > 0

    def _advance(self, job: Job) -> bool:
        """One step; True when the job is over."""
        desk = self._desk
        if job.order != 0:
            order = desk.orders.get(job.order)
            if order.open() or order.reserved > 0:
                return False
            job.rest -= order.filled
            order.pinned = False
            job.order = 0
        market = job.instrument.market
        if self._over(job):
            return True
        if job.blocked != 0:
            blocking = desk.orders.find(job.blocked, "")
            if blocking is not None and blocking.open():
                return False
            job.blocked = 0
        elif job.next_ns != NONE and desk.now_ns < job.next_ns:
            return False
        if job.sent >= MOST_ORDERS or market.winner != NONE:
            self._give_up(job)
            return True
        if not self._bound(job):
            return False
        if self._over(job):
            return True
        job.next_ns = desk.now_ns + RETRY_NS
        desk.timers.set(KERNEL, TIMER, job.next_ns)
        touch = job.instrument.best_bid() if job.side == SELL else job.instrument.best_ask()
        if touch != NONE:
            self._try(job, touch)
        return False

    def _over(self, job: Job) -> bool:
        """Whether nothing is left of *job* that the venue would take."""
        listing = job.instrument.market.listing
        if job.rest >= listing.min_size and job.rest >= job.instrument.market.lot:
            return False
        if job.rest > 0:
            self._desk.emit_two(kinds.DUST, 0, job.rest)
        return True

    def _bound(self, job: Job) -> bool:
        """
        Cut *job* to the position there is: others may have traded it away meanwhile, and what gets out never gets in.
        False, and it has to wait, while an order of another job may still do so.
        """
        there = self._there(job.instrument, job.side)
        others: i64 = 0
        for other in self.jobs:
            if other is not job and other.order != 0 and other.instrument.market is job.instrument.market:
                order = self._desk.orders.get(other.order)
                others += order.rest() if self._there(order.instrument, order.side) > 0 else i64(0)
        if job.rest <= there - others:
            return True
        if others > 0:
            return False
        job.rest = there if there > 0 else i64(0)
        return True

    def _there(self, instrument: Instrument, side: i64) -> i64:
        """How much of our position an order for *instrument* on *side* would get out of, in size units."""
        leaning = self._desk.leaning(instrument.market)
        return leaning if (side == SELL) != instrument.complement else -leaning

    def _try(self, job: Job, touch: i64) -> None:
        desk = self._desk
        market = job.instrument.market
        policy = desk.policy
        through = policy.flatten_ticks if policy is not None else i64(0)
        price = touch - through if job.side == SELL else touch + through
        highest = market.price_scale // market.tick - 1 if market.binary else LARGEST // market.tick
        price = 1 if price < 1 else (highest if price > highest else price)
        wanted = Wanted(job.seat, desk.ordinal, PLACE)
        desk.ordinal += 1
        wanted.instrument = job.instrument
        wanted.side = job.side
        wanted.price_ticks = price
        wanted.lots = job.rest // market.lot
        rule = desk.terms[job.instrument.number].rule
        wanted.tif = TIF_FAK if rule is None or rule.allows(TIF_FAK) else TIF_GTC
        wanted.flags = FLAG_UNWIND
        wanted.leg = job.leg
        wanted.why = "unwind"
        order = self._sender.place(wanted)
        if order is not None:
            order.pinned = True
            job.order = order.number
            job.sent += 1
            return
        job.blocked = self._sender.blocked_by()
        if job.blocked != 0:
            self._sender.cancel(desk.orders.get(job.blocked), b"")

    def _give_up(self, job: Job) -> None:
        desk = self._desk
        packer = Packer()
        packer.put(job.group)
        packer.put(job.seat)
        packer.put(job.leg)
        packer.put(job.rest)
        desk.emit(kinds.LEG_RISK, packer.finish())
        if job.seat > 0:
            self._control.lower(STRATEGY, job.seat, REDUCE_ONLY, codes.LEG_RISK)

    def pack(self) -> bytes:
        """The canonical bytes of all jobs."""
        packer = Packer()
        packer.put(len(self.jobs))
        for job in self.jobs:
            packer.put(job.instrument.number)
            packer.put(job.side)
            packer.put(job.rest)
            packer.put(job.seat)
            packer.put(job.group)
            packer.put(job.leg)
            packer.put(job.sent)
            packer.put(job.order)
            packer.put(job.blocked)
            packer.put(job.next_ns)
        return packer.finish()

    def unpack(self, data: bytes) -> None:
        """Become what `pack` wrote."""
        unpacker = Unpacker(data)
        take = unpacker.take
        jobs: list[Job] = []
        for _ in range(take()):
            instrument = self._desk.instruments[take()]
            side, rest, seat, group, leg = take(), take(), take(), take(), take()
            job = Job(instrument, side, rest, seat, group, leg)
            job.sent = take()
            job.order = take()
            job.blocked = take()
            job.next_ns = take()
            if job.order != 0:
                self._desk.orders.get(job.order).pinned = True
            jobs.append(job)
        unpacker.done()
        self.jobs = jobs
        self._desk.unwinding = len(jobs) > 0
