"""
One merged time order: what reaches us, what we are answered, what falls due, and what the venue does. Compiled.

A resimulation has two clocks. We see the recorded market at our receive times; the simulated venue acts at its own,
earlier ones. `Timeline` runs each side to the next moment at which the other, or a timer, matters. Within one instant
the market data that reaches us comes first, then a report, then a timer, then what the venue does: the market's facts,
its own (an order that expires), and last the requests that arrive.
"""

from typing import Any, Final, final

from librt.vecs import vec
from mypy_extensions import i64

from adapters.simulated.reports import Report
from adapters.simulated.venue import SimulatedVenue
from engine.kernel import kinds
from engine.kernel.codes import OK
from engine.kernel.events import FILL_PROVISIONAL, ORDER_ACKED, ORDER_CANCELLED, ORDER_FILLED
from engine.kernel.record import NONE
from engine.kernel.step import Kernel
from replay.ahead import Ahead
from replay.decoded import AT_END, CONCLUDED, DecodedCursor
from replay.keeping import Keeper
from replay.venue_time import END

MOST_AT_ONCE: Final[i64] = 100_000
"""Inputs of a run's own at one instant; more can only be a strategy that never lets time go on."""

NEEDS_MORE: Final[i64] = 1  # of the base, before time may go on
ENDED: Final[i64] = 2
STANDS_STILL: Final[i64] = 3  # timers and reports were due again and again at one instant


@final
class Timeline:
    """
    Runs *kernel* and *venue* along one base, whose packed inputs *cursor* and *ahead* share.

    *sink* takes every record (`replay.resimulation.Sink`), or is None: then records are only numbered, and what they
    would say is not formed. *source* is the simulated venue's. The counters are for whoever drives it.
    """

    def __init__(
        self, kernel: Kernel, venue: SimulatedVenue, cursor: DecodedCursor, ahead: Ahead, sink: Any, source: i64
    ) -> None:
        self.kernel: Final[Kernel] = kernel
        self.venue: Final[SimulatedVenue] = venue
        self.cursor: Final[DecodedCursor] = cursor
        self.ahead: Final[Ahead] = ahead
        self._keeper: Final[Keeper | None] = None if sink is None else Keeper(sink)
        self.source: Final[i64] = source
        self.last_seq: i64 = 0
        self.now_ns: i64 = 0
        self.last_base_ns: i64 = 0  # when the last base input reached us
        self.own_inputs: i64 = 0
        self.derived: i64 = 0
        self.faults: list[str] = []
        self.digests: list[tuple[int, bytes]] = []  # number and payload of each DIGEST
        self.drain_ns: i64 = 0  # how long answers are waited for behind the base's end
        self._first_base: i64 = 0
        self._at_once: i64 = 0
        self._asked: i64 = 0  # requests so far
        self.observer: Any = None  # `replay.observe.Observer`: it looks, and changes nothing
        self.observe_ns: i64 = END  # when it next wants to
        kernel.out.brief = sink is None

    @property
    def counts(self) -> vec[i64]:
        """Derived records by kind."""
        return self.kernel.out.tally

    @property
    def verdicts(self) -> vec[i64]:
        """Verdicts by code."""
        return self.kernel.out.verdicts

    def begin(self, first_base: i64, now_ns: i64) -> None:
        """The first span opens: the base's records are numbered from *first_base*, time begins at *now_ns*."""
        self.now_ns = now_ns
        self._first_base = first_base
        self.cursor.span_seq = self.last_seq + 1

    def run(self) -> i64:
        """Go on until more of the base is needed, or all is done: NEEDS_MORE, ENDED or STANDS_STILL."""
        cursor = self.cursor
        ahead = self.ahead
        due = self._due()
        while True:
            horizon = ahead.horizon_ns
            limit = due if due < horizon else horizon
            stop = ahead.next_stop(limit)
            if stop < limit:
                limit = stop
            observing = self.observe_ns < limit
            if observing:  # behind `next_stop`, whose reading ahead shall be the same with and without
                limit = self.observe_ns
            stopped = cursor.fold_until(limit)
            if cursor.recv_ns > self.now_ns:
                self.now_ns = cursor.recv_ns
                self._at_once = 0
            if stopped == CONCLUDED:
                for market in self.kernel.data.resolved:
                    self.venue.resolved(market.number, market.winner, self.now_ns)
                self._conclude(self.close_span())
                self._open_span()
                due = self._due()
                continue
            if stopped == AT_END and horizon == END:
                self.last_base_ns = cursor.recv_ns
                if due == END or (due > cursor.recv_ns and not self._is_awaited(due)):
                    if stop == END:
                        return ENDED
                    limit = stop
            if observing:
                ahead.tell_until(self.observe_ns)  # nothing up to then stops: what is left moves queues
                self._observe()
                due = self._due()
                continue
            if limit == END:
                continue
            if limit > self.now_ns:
                self.now_ns = limit
                self._at_once = 0
            if due > limit and stop > limit:
                due = self._due()  # what was folded may have set a timer
            if due > limit and stop > limit:
                if limit >= horizon:
                    return NEEDS_MORE
                continue
            due = self._instant(limit, due, stop <= limit)
            if self._at_once > MOST_AT_ONCE:
                return STANDS_STILL

    def _due(self) -> i64:
        """When the venue or a timer has something to do next; END when neither has."""
        due = self.venue.next_ns()
        timer = self.kernel.trading.next_due()
        if due == NONE or (timer != NONE and timer < due):
            due = timer
        return END if due == NONE else due

    def _is_awaited(self, due: i64) -> bool:
        """Behind the base's end: whether something of ours is still on its way, and not for too long."""
        return self.venue.busy() and due <= self.last_base_ns + self.drain_ns

    def _instant(self, now_ns: i64, due: i64, stops: bool) -> i64:
        """
        Do all that falls on *now_ns*, in the order that a single instant has; returns when something is due next.

        *due* is when something is due first, *stops* whether a fact stops time here. No market data can reach us at
        this instant any more.
        """
        venue = self.venue
        ahead = self.ahead
        trading = self.kernel.trading
        prepared: i64 = -1
        while due <= now_ns or stops:
            self._at_once += 1
            if self._at_once > MOST_AT_ONCE:
                break
            report = venue.take_report(now_ns)
            timer = trading.next_due() if report is None else NONE
            if report is not None:
                self._report(report)
                prepared = -1
            elif timer != NONE and timer <= now_ns:
                self._timer(trading.next_timer(), timer)
                prepared = -1
            elif stops:
                ahead.tell_stop()
                stops = ahead.next_stop(now_ns) != END
                prepared = -1
            else:
                prepared = self._at_venue(now_ns, prepared)
            due = self._due()
        return due

    def _at_venue(self, now_ns: i64, prepared: i64) -> i64:
        """
        The venue does what it does by itself at *now_ns*, or else takes the request that arrives there.

        *prepared* is the market whose book the venue has been given at this instant (-1: none's), and so is the result.
        """
        venue = self.venue
        ahead = self.ahead
        own = venue.next_own_ns()
        acts = own != NONE and own <= now_ns
        ahead.tell_until(now_ns)
        market = venue.own_market() if acts else venue.arrival_market()
        if market >= 0 and market != prepared:
            ahead.prepare(venue.book, market, now_ns)
            prepared = market
        if acts:
            venue.act(own)
            prepared = -1
        else:
            venue.arrive(now_ns)
        ahead.forget(now_ns)
        return prepared

    def _observe(self) -> None:
        """All that reached us until `observe_ns` is folded: let the observer look, and say when it wants to again."""
        seq = self.last_seq
        if self.cursor.seq >= self._first_base:
            seq += 1  # the number that the open span will have
        self.observe_ns = self.observer.look(self.observe_ns, seq, self.cursor.seq)

    # -- records -----------------------------------------------------------------------------------------------------

    def input(self, kind: i64, source: i64, payload: bytes) -> None:
        """Append and fold one input of the run's own at the present time."""
        self.close_span()
        self.last_seq += 1
        if self._keeper is not None:
            self._keeper.input(kind, source, self.now_ns, payload)
        self.own_inputs += 1
        self.kernel.step(self.last_seq, self.now_ns, kind, source, payload, 0, len(payload))
        self._conclude(self.last_seq)
        self._open_span()

    def _timer(self, number: i64, due_ns: i64) -> None:
        """A timer falls due."""
        self.close_span()
        self.last_seq += 1
        if self._keeper is not None:
            self._keeper.two(kinds.TIMER, self.now_ns, number, due_ns)
        self.own_inputs += 1
        self.kernel.step_timer(self.last_seq, self.now_ns, number, due_ns)
        self._conclude(self.last_seq)
        self._open_span()

    def _report(self, report: Report) -> None:
        """A report of the venue reaches us: folded from its fields, which its payload only spells."""
        self.close_span()
        self.last_seq += 1
        seq = self.last_seq
        kind = report.kind
        if self._keeper is not None:
            self._keeper.report(report, self.source, self.now_ns)
        self.own_inputs += 1
        kernel = self.kernel
        source = self.source
        now_ns = self.now_ns
        request = report.request
        if kind == kinds.SIM_ACKED:
            kernel.step_order(seq, now_ns, kind, source, ORDER_ACKED, request, report.venue_ns, 0, 0, 0)
        elif kind == kinds.SIM_CANCELLED:
            kernel.step_order(seq, now_ns, kind, source, ORDER_CANCELLED, request, report.a, report.venue_ns, OK, 0)
        elif kind == kinds.SIM_FILLED and report.c & FILL_PROVISIONAL == 0:
            a, b, c = report.a, report.b, report.c
            kernel.step_order(seq, now_ns, kind, source, ORDER_FILLED, request, a, b, report.e, c)
        else:
            report.fill(kernel.batch)
            kernel.step_decoded(seq, now_ns, kind, source)
        self._conclude(seq)
        self._open_span()

    def close_span(self) -> i64:
        """Write the open span, if it holds anything; returns its number, 0 without one."""
        last = self.cursor.seq
        if last < self._first_base:
            return 0
        self.last_seq += 1
        if self._keeper is not None:
            self._keeper.two(kinds.SPAN, self.cursor.recv_ns, self._first_base, last)
        self._first_base = last + 1
        return self.last_seq

    def _open_span(self) -> None:
        self.cursor.span_seq = self.last_seq + 1

    def _conclude(self, seq: i64) -> None:
        """Append what the kernel derived from input *seq*, and send its requests on their way."""
        kernel = self.kernel
        out = kernel.out
        count = out.count
        if count == 0:
            return
        if out.records:
            if self._keeper is not None:
                self._keeper.derived(out.records)
            first = self.last_seq + 1
            for record in out.records:
                if record.kind == kinds.DIGEST:
                    self.digests.append((int(first + record.at), record.payload))
        self.last_seq += count
        self.derived += count
        faults = kernel.trading.faults
        if faults:
            self.faults.extend(faults)
            faults.clear()
        asked = out.tally[kinds.REQUEST]
        if asked != self._asked:
            self._asked = asked
            # Not the request's number, which depends on all that a strategy did before: with the input's own key, two
            # variants of a strategy that decide the same on the same market data meet the same delays.
            desk = kernel.trading.desk
            key = desk.draw_key
            at: i64 = 0
            while at < desk.asked:
                self.venue.submit(desk.requests[at], self.now_ns, key)
                at += 1
