"""
A first simulated venue: it fills what the recorded market would have reached.

Its clock is the journal's receive time. An order arrives a fixed latency after it was sent and its answer a fixed
latency after that. A resting order fills whole, at its own price, when the opposite touch comes to its price or a trade
passes it; an order that may take fills against the recorded levels at once. The recorded market does not react: it
knows neither our orders nor our fills. While a market's book is invalid, nothing fills there; when trading ends, what
rests there is cancelled. `README.md` beside this file says it at length.
"""

from typing import Final, final

from mypy_extensions import i64

from adapters.simulated.reports import Report, ended, filled, short
from engine.kernel import codes, kinds
from engine.kernel.derived import CANCEL
from engine.kernel.events import STATUS_CLOSED, STATUS_POST_ONLY, STATUS_TRADING
from engine.kernel.market import WAKE_TRADE, Instrument, Market
from engine.kernel.order import FLAG_POST_ONLY
from engine.kernel.policy import TIF_FAK, TIF_FOK, TIF_GTD
from engine.kernel.record import NONE
from engine.kernel.request import Request
from engine.kernel.units import ASK, BID, BUY

MOST_LEVELS: Final[i64] = 100
"""How many levels of a book an order that takes is filled against."""


@final
class Arrival:
    """A request on its way to the venue."""

    def __init__(self, at_ns: i64, request: Request) -> None:
        self.at_ns: Final[i64] = at_ns
        self.request: Final[Request] = request


@final
class Resting:
    """An order in the venue's book: *price* and *size* as requested, *filled* of it already gone."""

    def __init__(self, request: Request, instrument: Instrument, filled_size: i64) -> None:
        self.request: Final[Request] = request
        self.instrument: Final[Instrument] = instrument
        self.filled: i64 = filled_size


@final
class SimulatedVenue:
    """
    Takes requests, watches the markets, and says what became of the orders.

    The driver asks `next_ns` when something is due, calls `advance` at that time, and takes the reports that are due
    from `take_report`. *instruments* is the kernel's own list, which grows with the catalogue.
    """

    def __init__(self, instruments: list[Instrument], order_latency_ns: i64, report_latency_ns: i64) -> None:
        assert order_latency_ns >= 0
        assert report_latency_ns >= 0
        self._instruments: Final[list[Instrument]] = instruments
        self._order_latency_ns: Final[i64] = order_latency_ns
        self._report_latency_ns: Final[i64] = report_latency_ns
        self._arrivals: list[Arrival] = []
        self._reports: list[Report] = []
        self._resting: list[Resting] = []
        self.trades: i64 = 0
        self.submitted: i64 = 0
        self.cancels: i64 = 0

    def submit(self, request: Request, now_ns: i64) -> None:
        """*request* leaves us at *now_ns*."""
        if request.what == CANCEL:
            self.cancels += 1
        else:
            self.submitted += 1
        self._arrivals.append(Arrival(now_ns + self._order_latency_ns, request))

    def busy(self) -> bool:
        """Whether requests or reports are on their way."""
        return len(self._arrivals) > 0 or len(self._reports) > 0

    def next_ns(self) -> i64:
        """When the next arrival, report or expiry is due; NONE when nothing is."""
        due = NONE
        if self._reports:
            due = self._reports[0].at_ns
        if self._arrivals and (due == NONE or self._arrivals[0].at_ns < due):
            due = self._arrivals[0].at_ns
        for resting in self._resting:
            expires = resting.request.expires_ns
            if resting.request.tif == TIF_GTD and expires != NONE and (due == NONE or expires < due):
                due = expires
        return due

    def take_report(self, now_ns: i64) -> Report | None:
        """The oldest report that has reached us by *now_ns*. Client responses come before what the venue does then."""
        if self._reports and self._reports[0].at_ns <= now_ns:
            return self._reports.pop(0)
        return None

    def advance(self, now_ns: i64) -> None:
        """Let the venue handle what is due at *now_ns*: expiries, then the orders that arrive."""
        self._expire(now_ns)
        while self._arrivals and self._arrivals[0].at_ns <= now_ns:
            self._arrive(self._arrivals.pop(0).request, now_ns)

    def observe(self, moved: list[Market], now_ns: i64) -> None:
        """The frame of *now_ns* moved *moved*: fill what it reached, cancel what rests where trading ended."""
        if not self._resting or not moved:
            return
        gone: list[Resting] = []
        for resting in self._resting:
            market = resting.instrument.market
            if market.touched and (market.status == STATUS_CLOSED or (market.ready() and self._is_reached(resting))):
                gone.append(resting)
        for resting in gone:
            self._resting.remove(resting)
            request = resting.request
            if resting.instrument.market.status == STATUS_CLOSED:
                at_ns = now_ns + self._report_latency_ns
                self._reports.append(ended(kinds.SIM_CANCELLED, at_ns, request.number, now_ns, resting.filled))
            else:
                self._fill(request, request.price, request.size - resting.filled, True, now_ns)

    def _is_reached(self, resting: Resting) -> bool:
        request = resting.request
        instrument = resting.instrument
        market = instrument.market
        if request.side == BUY:
            touch = instrument.best_ask()
            if touch != NONE and touch * market.tick <= request.price:
                return True
        else:
            touch = instrument.best_bid()
            if touch != NONE and touch * market.tick >= request.price:
                return True
        if market.wake & WAKE_TRADE == 0:
            return False
        # A trade passed the order: at a price worse for whoever traded than ours.
        if request.side == BUY:
            lowest = market.price_scale - market.trade_high if instrument.complement else market.trade_low
            return lowest < request.price
        highest = market.price_scale - market.trade_low if instrument.complement else market.trade_high
        return highest > request.price

    def _arrive(self, request: Request, now_ns: i64) -> None:
        at_ns = now_ns + self._report_latency_ns
        if request.what == CANCEL:
            self._cancel(request, now_ns, at_ns)
            return
        instrument = self._instruments[request.instrument]
        market = instrument.market
        reason = self._objection(request, market, now_ns)
        if (
            reason == codes.OK
            and request.flags & FLAG_POST_ONLY
            and market.ready()
            and self._crosses(request, instrument)
        ):
            reason = codes.WOULD_CROSS
        if reason != codes.OK:
            self._reports.append(ended(kinds.SIM_REJECTED, at_ns, request.number, now_ns, reason))
            return
        self._reports.append(short(kinds.SIM_ACKED, at_ns, request.number, now_ns))
        taken = self._take(request, instrument, now_ns)
        if taken == request.size:
            return
        if request.tif == TIF_FOK or request.tif == TIF_FAK:
            self._reports.append(ended(kinds.SIM_CANCELLED, at_ns, request.number, now_ns, taken))
        else:
            self._resting.append(Resting(request, instrument, taken))

    def _objection(self, request: Request, market: Market, now_ns: i64) -> i64:
        """Why the venue refuses the order, or OK."""
        resting_only = market.status == STATUS_POST_ONLY and request.flags & FLAG_POST_ONLY != 0
        if market.status != STATUS_TRADING and not resting_only:
            return codes.MARKET_CLOSED
        if request.tif == TIF_GTD and request.expires_ns != NONE and request.expires_ns <= now_ns:
            return codes.TTL_INVALID
        if request.price % market.tick != 0 or request.price <= 0:
            return codes.OFF_GRID
        if market.binary and request.price >= market.price_scale:
            return codes.OFF_GRID
        if request.size < market.listing.min_size or request.size <= 0:
            return codes.SIZE_BELOW_MIN
        return codes.OK

    def _crosses(self, request: Request, instrument: Instrument) -> bool:
        if request.side == BUY:
            touch = instrument.best_ask()
            return touch != NONE and touch * instrument.market.tick <= request.price
        touch = instrument.best_bid()
        return touch != NONE and touch * instrument.market.tick >= request.price

    def _take(self, request: Request, instrument: Instrument, now_ns: i64) -> i64:
        """Fill against the recorded levels within the limit price; returns the size filled."""
        market = instrument.market
        if request.flags & FLAG_POST_ONLY or not market.ready() or not self._crosses(request, instrument):
            return 0
        levels: list[tuple[i64, i64]] = []
        left = request.size
        for tick, lots in instrument.levels(ASK if request.side == BUY else BID, MOST_LEVELS):
            price = i64(tick) * market.tick
            beyond = price > request.price if request.side == BUY else price < request.price
            if beyond or left == 0:
                break
            size = i64(lots) * market.lot
            if size > left:
                size = left
            levels.append((price, size))
            left -= size
        if request.tif == TIF_FOK and left > 0:
            return 0
        for price, size in levels:
            self._fill(request, price, size, False, now_ns)
        return request.size - left

    def _fill(self, request: Request, price: i64, size: i64, maker: bool, now_ns: i64) -> None:
        self.trades += 1
        at_ns = now_ns + self._report_latency_ns
        self._reports.append(filled(at_ns, request.number, now_ns, price, size, maker, self.trades))

    def _cancel(self, request: Request, now_ns: i64, at_ns: i64) -> None:
        for resting in self._resting:
            if resting.request.number == request.target:
                self._resting.remove(resting)
                self._reports.append(ended(kinds.SIM_CANCELLED, at_ns, request.target, now_ns, resting.filled))
                return
        report = ended(kinds.SIM_CANCEL_REFUSED, at_ns, request.target, now_ns, codes.NO_SUCH_ORDER)
        self._reports.append(report)

    def _expire(self, now_ns: i64) -> None:
        gone: list[Resting] = []
        for resting in self._resting:
            expires = resting.request.expires_ns
            if resting.request.tif == TIF_GTD and expires != NONE and expires <= now_ns:
                gone.append(resting)
        at_ns = now_ns + self._report_latency_ns
        for resting in gone:
            self._resting.remove(resting)
            self._reports.append(ended(kinds.SIM_EXPIRED, at_ns, resting.request.number, now_ns, resting.filled))
