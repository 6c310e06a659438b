"""
What an adversary sees of the recorded market: how much reached us of late, where the touch is about to be. Compiled.

It reads the base twice more than a run without it: once behind our present, to count, and a stretch ahead of it at each
look. So only a run whose adversary asks for either has one.
"""

from typing import Final, final

from librt.vecs import vec
from mypy_extensions import i64

from adapters.simulated.book import VenueBook
from adapters.simulated.outlook import Outlook
from adapters.simulated.venue import SimulatedVenue
from engine.kernel import events
from engine.kernel.market import Instrument
from engine.kernel.record import NONE
from engine.kernel.step import Kernel
from replay.ahead import Ahead
from replay.decoded import AheadCursor, DecodedCursor
from replay.venue_time import VenueTime

_SECOND: Final[i64] = 1_000_000_000


@final
class Rush:
    """Whether more than *most* things happened within one second; 0: however many, that is no rush."""

    def __init__(self, most: i64) -> None:
        assert most >= 0
        self._times: Final[vec[i64]] = vec[i64]([NONE] * int(most))
        self._at: i64 = 0

    def one(self, at_ns: i64) -> bool:
        """One more at *at_ns*, which does not go back; whether it is one too many."""
        times = self._times
        most: i64 = len(times)
        if most == 0:
            return False
        before = times[self._at]
        times[self._at] = at_ns
        self._at += 1
        if self._at == most:
            self._at = 0
        return before != NONE and at_ns - before < _SECOND


@final
class Pulse:
    """One market's rushes, of trades and of changed levels."""

    def __init__(self, trades: i64, changes: i64) -> None:
        self.trades: Final[Rush] = Rush(trades)
        self.changes: Final[Rush] = Rush(changes)
        self.hectic_until_ns: i64 = NONE


@final
class Thresholds:
    """
    From how many facts a second on a moment counts, and how long it lasts then. 0 a second: never.

    *facts* of all markets together make the venue busy; *trades* or changed levels (*changes*) of one market, of
    snapshots none, make that market hectic.
    """

    def __init__(self, facts: i64, busy_ns: i64, trades: i64, changes: i64, hectic_ns: i64) -> None:
        self.facts: Final[i64] = facts
        self.busy_ns: Final[i64] = busy_ns
        self.trades: Final[i64] = trades
        self.changes: Final[i64] = changes
        self.hectic_ns: Final[i64] = hectic_ns

    def any(self) -> bool:
        """Whether there is anything to count."""
        return self.facts > 0 or self.trades > 0 or self.changes > 0


@final
class RecordedOutlook(Outlook):
    """
    The outlook on the base that *cursor* moves along. `ahead` is its own, and kept true by who loads the base.

    Rushes are counted when they reach us. Whoever gives back pieces of the base lets it `read_until` the present first.
    """

    def __init__(
        self,
        kernel: Kernel,
        venue: SimulatedVenue,
        cursor: DecodedCursor,
        time: VenueTime,
        thresholds: Thresholds,
        sight_ns: i64,
    ) -> None:
        super().__init__()
        self.sight_ns: Final[i64] = sight_ns
        """How far ahead of the present `look` is asked to look, at most."""
        self.ahead: Final[Ahead] = Ahead(kernel, venue, cursor, time)
        self._kernel: Final[Kernel] = kernel
        self._book: Final[VenueBook] = VenueBook()
        self._reader: Final[AheadCursor] = AheadCursor(cursor)
        self._begun: bool = False
        self._pending: bool = False  # the reader stands on an input that is not counted yet
        self._thresholds: Final[Thresholds] = thresholds
        self._counts: Final[bool] = thresholds.any()
        self._facts: Final[Rush] = Rush(thresholds.facts)
        self._busy_until_ns: i64 = NONE
        self._pulses: Final[list[Pulse]] = []

    def busy(self, now_ns: i64) -> bool:
        """See `Outlook`."""
        self.read_until(now_ns)
        return self._busy_until_ns != NONE and now_ns < self._busy_until_ns

    def hectic(self, market: i64, now_ns: i64) -> bool:
        """See `Outlook`."""
        self.read_until(now_ns)
        if market >= i64(len(self._pulses)):
            return False
        until_ns = self._pulses[market].hectic_until_ns
        return until_ns != NONE and now_ns < until_ns

    def look(self, market: i64, at_ns: i64) -> bool:
        """See `Outlook`."""
        book = self._book
        self.ahead.prepare(book, market, at_ns)
        if not book.ready():
            return False
        self.bid = book.best_bid()
        self.ask = book.best_ask()
        return self.bid != NONE and self.ask != NONE

    def read_until(self, now_ns: i64) -> None:
        """Count what reached us by *now_ns*."""
        if not self._counts:
            return
        reader = self._reader
        if not self._begun:
            reader.start()
            self._begun = True
        while True:
            if not self._pending and not reader.next():
                return
            self._pending = reader.recv_ns > now_ns
            if self._pending:
                return
            self._count(reader)

    def _count(self, reader: AheadCursor) -> None:
        """Count the facts of the input that the reader stands on."""
        if reader.raw or reader.snapshot:
            return
        at_ns = reader.recv_ns
        if reader.plain != 0:
            self._one(at_ns, reader.plain, self._find(reader))
            return
        instrument: Instrument | None = None
        while reader.row():
            kind = reader.row_kind
            if kind != events.LEVEL_SET:
                instrument = self._find(reader)
            if kind == events.LEVEL_SET or kind == events.TRADED:
                self._one(at_ns, kind, instrument)

    def _one(self, at_ns: i64, kind: i64, instrument: Instrument | None) -> None:
        """Count one fact: a trade or a level."""
        limits = self._thresholds
        if self._facts.one(at_ns):
            self._busy_until_ns = at_ns + limits.busy_ns
        if instrument is None:
            return
        number = instrument.market.number
        while number >= i64(len(self._pulses)):
            self._pulses.append(Pulse(limits.trades, limits.changes))
        pulse = self._pulses[number]
        rush = pulse.trades if kind == events.TRADED else pulse.changes
        if rush.one(at_ns):
            pulse.hectic_until_ns = at_ns + limits.hectic_ns

    def _find(self, reader: AheadCursor) -> Instrument | None:
        """Whose the row is that the reader stands on; None where no market's rushes count."""
        if self._thresholds.trades == 0 and self._thresholds.changes == 0:
            return None
        translator = self._kernel.translator(reader.kind)
        if translator is None or reader.symbol < 0:
            return None
        return self._kernel.data.listings.find(translator.symbols, reader.symbol)
