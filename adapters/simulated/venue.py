"""
The simulated venue: it takes requests, is told the facts of the recorded market, and says what became of our orders.

It acts at venue time. The driver keeps that time: it tells facts and lets requests arrive in one merged order, and
makes `book` the market's before a request arrives there. The recorded market does not react: it knows neither our
orders nor our fills. `README.md` beside this file says it at length.
"""

from typing import Final, final

from mypy_extensions import i64

from adapters.simulated.adversary import Adversary
from adapters.simulated.book import VenueBook
from adapters.simulated.clearing import Clearing, Line
from adapters.simulated.gate import Gate
from adapters.simulated.latency import Latency
from adapters.simulated.matching import Matching
from adapters.simulated.models import Models
from adapters.simulated.orders import Orders
from adapters.simulated.reports import Report
from adapters.simulated.resting import Pit, Resting, Watch
from adapters.simulated.rules import Rules
from adapters.simulated.taking import Taking
from engine.kernel import codes, kinds
from engine.kernel.derived import CANCEL, PLACE
from engine.kernel.events import STATUS_CLOSED
from engine.kernel.market import Instrument
from engine.kernel.record import NONE
from engine.kernel.request import Request

__all__ = ["SimulatedVenue", "Watch"]


@final
class SimulatedVenue:
    """
    One venue. *instruments* is the kernel's own list, which grows with the catalogue; *models* belong to this venue.

    Prices and sizes of markets are those of the first outcome; market and instrument numbers are the kernel's.
    """

    def __init__(self, instruments: list[Instrument], models: Models) -> None:
        self._instruments: Final[list[Instrument]] = instruments
        self._latency: Final[Latency] = models.latency
        self._rules: Final[Rules] = models.rules
        self._clearing: Final[Clearing] = models.clearing
        self.adversary: Final[Adversary | None] = models.adversary
        self._line: Final[Line] = Line(models.latency.response)
        self.book: Final[VenueBook] = VenueBook()
        self._orders: Final[Orders] = Orders(instruments, models, self._line)
        self._matching: Final[Matching] = Matching(models, self._orders, self.book)
        self._taking: Final[Taking] = Taking(models, self._orders, self.book)
        self._gate: Final[Gate] = Gate(models, self._orders, self._taking, self.book)
        self._first: Request | None = None
        self._last: Request | None = None
        self._last_arrival_ns: i64 = NONE
        self._next_request_ns: i64 = NONE
        self._held: Final[list[Request]] = []  # takers that wait, by when they may trade
        self._draw_key: i64 = NONE
        self._ordinal: i64 = 0
        self.submitted: i64 = 0
        self.cancels: i64 = 0
        self.rejected: i64 = 0
        self._clearing.join(self._line, instruments, self.book, self._orders.pits)
        if models.adversary is not None:
            models.adversary.join(self._orders.pits)

    @property
    def resting(self) -> i64:
        """How many orders rest, and markets of which something counts as taken: 0 while no fact can concern us."""
        return self._orders.resting

    @property
    def trades(self) -> i64:
        """How many fills there were."""
        return self._orders.trades

    @property
    def unready(self) -> i64:
        """Facts and arrivals that met a book not fit to be traded on, where they might have led to a trade."""
        return self._orders.unready

    def tell_queues(self) -> dict[int, int]:
        """From now on tells, in the dict returned, what stands before an order as it comes to rest, by its request."""
        if self._orders.queued is None:
            self._orders.queued = {}
        return self._orders.queued

    # -- what is on its way ------------------------------------------------------------------------------------------

    def submit(self, request: Request, now_ns: i64, draw_key: i64) -> None:
        """
        *request* leaves us at *now_ns*; its draws of chance are keyed by *draw_key*, and by which of that key it is.

        It never overtakes an earlier one: both go over one connection.
        """
        if draw_key != self._draw_key:
            self._draw_key = draw_key
            self._ordinal = 0
        ordinal = self._ordinal
        self._ordinal += 1
        if request.what == CANCEL:
            self.cancels += 1
            at_ns = now_ns + self._latency.cancel.ns(draw_key, ordinal, now_ns)
        else:
            if request.what == PLACE:  # splits and merges are no orders
                self.submitted += 1
            at_ns = now_ns + self._latency.entry.ns(draw_key, ordinal, now_ns)
        if at_ns < self._last_arrival_ns:
            at_ns = self._last_arrival_ns
        self._last_arrival_ns = at_ns
        request.at_ns = at_ns
        request.key = draw_key
        request.ordinal = ordinal
        last = self._last
        self._last = request
        if last is None:
            self._first = request
            self._next_request_ns = at_ns
        else:
            last.behind = request

    def busy(self) -> bool:
        """Whether requests or reports are on their way, or a taker waits."""
        return self._next_request_ns != NONE or self._line.next_ns != NONE or len(self._held) > 0

    def next_ns(self) -> i64:
        """When something is next due: a report, an arrival, or the venue's own; NONE when nothing is."""
        return earlier(earlier(self._line.next_ns, self.next_arrival_ns()), self.next_own_ns())

    def next_report_ns(self) -> i64:
        """When the next report reaches us, or NONE."""
        return self._line.next_ns

    def take_report(self, now_ns: i64) -> Report | None:
        """The oldest report that has reached us by *now_ns*."""
        return self._line.take(now_ns)

    def next_arrival_ns(self) -> i64:
        """When the next request arrives, or a taker has waited long enough; NONE if nothing is on its way."""
        if self._held:
            return earlier(self._held[0].at_ns, self._next_request_ns)
        return self._next_request_ns

    def arrival_market(self) -> i64:
        """The number of the market whose book the next arrival needs; -1 if it needs none."""
        request = self._next_held() if self._held else None
        if request is None:
            request = self._first
        assert request is not None
        if request.what != PLACE:
            return -1
        return self._instruments[request.instrument].market.number

    def next_own_ns(self) -> i64:
        """When the venue next does something by itself (an order expires, a trade settles), or NONE."""
        due = earlier(self._orders.next_expiry_ns, self._clearing.due_ns)
        if self.adversary is not None:
            due = earlier(due, self.adversary.next_ns)
        return due

    def own_market(self) -> i64:
        """The number of the market whose book `act` needs next; -1 if it needs none."""
        return self._clearing.market()

    def act(self, now_ns: i64) -> None:
        """Do what is due by itself at *now_ns*: expiries, then what follows matches, then an adversary's next look."""
        due = self._orders.next_expiry_ns
        if due != NONE and due <= now_ns:
            self._orders.expire(now_ns)
        due = self._clearing.due_ns
        if due != NONE and due <= now_ns:
            self._clearing.act(now_ns)
        adversary = self.adversary
        if adversary is not None and adversary.next_ns != NONE and adversary.next_ns <= now_ns:
            order = adversary.picked(now_ns)
            if order is not None:
                self._orders.make(self._orders.pit(order.market), order, order.left(), now_ns)

    # -- markets -----------------------------------------------------------------------------------------------------

    def watch(self, market: i64) -> Watch:
        """What to watch market number *market* for."""
        return self._orders.pit(market).watch

    def pit(self, market: i64) -> Pit:
        """Our orders in market number *market*."""
        return self._orders.pit(market)

    def hold(self, instrument: i64, size: i64) -> None:
        """We hold *size* (signed) of instrument number *instrument* from before: what reduces is judged by it."""
        self._orders.pit(self._instruments[instrument].market.number)
        self._orders.positions[instrument] = size

    def open_with(self, positions: dict[str, int]) -> None:
        """We hold *positions* (signed, by instrument key) from before, of markets that are listed from now on."""
        self._orders.opening = positions

    def level_set(self, market: i64, side: i64, price: i64, size: i64, vt: i64) -> None:
        """At venue time *vt* the level at *price* on *side* came to hold *size*."""
        self._matching.level_set(market, side, price, size, vt)

    def queue_set(self, market: i64, side: i64, price: i64, size: i64, vt: i64) -> None:
        """The same, of a level that stands before every order of ours on the other side."""
        self._matching.queue_set(market, side, price, size, vt)

    def traded(self, market: i64, price: i64, size: i64, side: i64, vt: i64) -> None:
        """At venue time *vt* someone took *size* at *price*; *side* is the taker's: BUY, SELL or SIDE_UNKNOWN."""
        self._matching.traded(market, price, size, side, vt)

    def snapshot(self, market: i64, vt: i64) -> None:
        """A full book begins; it counts when it is complete."""
        self._matching.snapshot(market)

    def snapshot_end(self, market: i64, vt: i64) -> None:
        """The full book is complete: levels that it does not name hold nothing."""
        self._matching.snapshot_end(market, vt)

    def status(self, market: i64, status: i64, vt: i64) -> None:
        """The market's trading status became *status*; where trading ended, what rests is cancelled."""
        if status == STATUS_CLOSED:
            self._orders.cancel_all(market, vt)

    def tick_changed(self, market: i64, tick: i64, vt: i64) -> None:
        """The market has another grid: what rests on the old one stays, and the book is unknown until a snapshot."""
        self._matching.lose(market)

    def resolved(self, market: i64, winner: i64, vt: i64) -> None:
        """The market was settled in favour of instrument *winner* (NONE: of neither): what rests is cancelled."""
        self._orders.cancel_all(market, vt)
        self._clearing.resolved(market, winner, vt)

    # -- arrivals ----------------------------------------------------------------------------------------------------

    def arrive(self, now_ns: i64) -> None:
        """The next request arrives, or the next taker that waited may trade; `book` is its market's."""
        if self._held:
            held = self._next_held()
            if held is not None:
                assert held.at_ns <= now_ns
                del self._held[0]
                self._arrive(held, now_ns, True)
                return
        request = self._first
        assert request is not None
        assert request.at_ns <= now_ns
        behind = request.behind
        self._first = behind
        if behind is None:
            self._last = None
            self._next_request_ns = NONE
        else:
            self._next_request_ns = behind.at_ns
            request.behind = None
        what = request.what
        if what == CANCEL:
            self._cancel(request, now_ns)
        elif what == PLACE:
            self._arrive(request, now_ns, False)
        else:
            self._clearing.asked(request, request.key, request.ordinal << 16, now_ns)

    def _next_held(self) -> Request | None:
        """The first of the takers that wait, if it comes before the next request."""
        held = self._held[0]
        if self._next_request_ns != NONE and self._next_request_ns < held.at_ns:
            return None
        return held

    def _arrive(self, request: Request, now_ns: i64, waited: bool) -> None:
        instrument = self._instruments[request.instrument]
        order = Resting(request, instrument, now_ns, request.key, request.ordinal, self._rules.gtd_step_ns)
        reason = codes.OK
        if not waited and not self._rules.orders.take(now_ns):
            reason = codes.RATE_LIMIT
        if self.adversary is not None and not waited and reason == codes.OK:
            reason = self.adversary.objection(request.number, False, now_ns)
        if reason == codes.OK:
            reason = self._gate.objection(order, now_ns)
        if reason != codes.OK:
            self.rejected += 1
            self._orders.say(order, kinds.SIM_REJECTED, now_ns, reason)
            return
        if not waited:
            delay = self._gate.taker_delay_ns(order)
            if delay > 0:
                request.at_ns = now_ns + delay
                self._hold(request)
                return
        self._orders.say(order, kinds.SIM_ACKED, now_ns, 0)
        self._taking.enter(order, now_ns)

    def _hold(self, request: Request) -> None:
        at: i64 = len(self._held)
        while at > 0 and self._held[at - 1].at_ns > request.at_ns:
            at -= 1
        self._held.insert(at, request)

    def _waits(self, number: i64) -> bool:
        """Whether the order of request *number* is held back."""
        return any(held.number == number for held in self._held)

    def _cancel(self, request: Request, now_ns: i64) -> None:
        reason = codes.OK
        if not self._rules.cancels.take(now_ns):
            reason = codes.RATE_LIMIT
        elif self.adversary is not None:
            reason = self.adversary.objection(request.number, True, now_ns)
        if reason == codes.OK:
            if self._held and self._waits(request.target):
                reason = codes.CANCEL_FAILED  # what waits to trade cannot be taken back
            elif not self._orders.cancel(self._instruments[request.instrument].market.number, request.target, now_ns):
                reason = codes.NO_SUCH_ORDER
        if reason != codes.OK:
            index = request.ordinal << 16
            self._line.say(request.key, index, kinds.SIM_CANCEL_REFUSED, request.target, now_ns, reason)


def earlier(a: i64, b: i64) -> i64:
    """The earlier of two times, NONE being never."""
    if a == NONE or (b != NONE and b < a):
        return b
    return a
