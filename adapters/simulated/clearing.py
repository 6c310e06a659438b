"""Reports on their way to us, and what becomes of a trade after it was matched."""

from typing import Final, final

from mypy_extensions import i64

from adapters.simulated.book import VenueBook
from adapters.simulated.latency import Delay
from adapters.simulated.reports import Report
from adapters.simulated.resting import Fill, Pit
from engine.kernel import codes, kinds
from engine.kernel.market import Instrument
from engine.kernel.record import NONE
from engine.kernel.request import Request


@final
class Line:
    """One connection from the venue to us: what leaves it first reaches us first, however its delays were drawn."""

    def __init__(self, response: Delay) -> None:
        self._response: Final[Delay] = response
        self._first: Report | None = None
        self._last: Report | None = None
        self._taken: Report | None = None  # the last that was taken, before it those that may be used again
        self._last_ns: i64 = NONE
        self.next_ns: i64 = NONE
        """When the next report reaches us; NONE while none is on its way."""

    def say(
        self,
        key: i64,
        index: i64,
        kind: i64,
        request: i64,
        venue_ns: i64,
        a: i64 = 0,
        b: i64 = 0,
        c: i64 = 0,
        d: i64 = 0,
        e: i64 = 0,
    ) -> None:
        """Send a `Report` at *venue_ns*; *key* and *index* name the draw of its delay."""
        at_ns = venue_ns + self._response.ns(key, index, venue_ns)
        if at_ns < self._last_ns:
            at_ns = self._last_ns
        self._last_ns = at_ns
        taken = self._taken
        report = taken.behind if taken is not None else None
        if taken is None or report is None:
            report = Report(at_ns, kind, request, venue_ns, a, b, c, d, e)
        else:
            taken.behind = report.behind
            report.behind = None
            report.state(at_ns, kind, request, venue_ns, a, b, c, d, e)
        last = self._last
        self._last = report
        if last is None:
            self._first = report
            self.next_ns = at_ns
        else:
            last.behind = report

    def take(self, now_ns: i64) -> Report | None:
        """The oldest report that has reached us by *now_ns*: good until the next one is taken."""
        next_ns = self.next_ns
        if next_ns == NONE or next_ns > now_ns:
            return None
        first = self._first
        assert first is not None
        behind = first.behind
        self._first = behind
        if behind is None:
            self._last = None
            self.next_ns = NONE
        else:
            self.next_ns = behind.at_ns
        first.behind = self._taken
        self._taken = first
        return first


class Clearing:
    """
    What follows a match: here nothing, a trade is final at once. Settlement, payouts and rewards derive from it.

    The venue asks `objection` before it takes an order, tells `filled` before it reports a fill, and lets it `act` when
    `due_ns` says. Whatever it has to tell us goes through *line*, which the venue hands to `join`.
    """

    def __init__(self) -> None:
        self.line: Line | None = None
        self.fee: i64 = NONE
        """What the report of the fill last told states as our fee, in size units of the currency (NONE: as listed)."""
        self.due_ns: i64 = NONE
        """When it next does something by itself; NONE if nothing is due."""

    def join(self, line: Line, instruments: list[Instrument], book: VenueBook, pits: list[Pit]) -> None:
        """
        The venue that this belongs to speaks to us through *line*.

        *instruments* is the kernel's own list, *pits* our resting orders by market number: both grow with the
        catalogue. *book* is that of `market` when `act` is called.
        """
        self.line = line

    def objection(self, request: Request, venue_ns: i64) -> i64:
        """Why the account may not send *request* (a reason code), or OK."""
        return codes.OK

    def asked(self, request: Request, key: i64, index: i64, venue_ns: i64) -> None:
        """
        A request that is no matter of the book arrived: complete sets to split or merge.

        *key* and *index* name the draw of an answer's delay; the next 65,535 indices are the request's too.
        """
        assert self.line is not None
        self.line.say(key, index, kinds.SIM_CONVERSION_REFUSED, request.number, venue_ns, codes.NOT_PERMITTED)

    def filled(self, fill: Fill) -> i64:
        """One trade more; returns what its report says beside maker or taker: 0, or FILL_PROVISIONAL."""
        return 0

    def resolved(self, market: i64, winner: i64, venue_ns: i64) -> None:
        """Market number *market* was settled in favour of instrument *winner* (NONE: of neither)."""

    def market(self) -> i64:
        """The number of the market whose book it needs at `due_ns`; -1 for none."""
        return -1

    def act(self, now_ns: i64) -> None:
        """Do what is due at *now_ns*."""
