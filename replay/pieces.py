"""The pieces of a base that a resimulation has in memory: as many as the venue may be ahead of us, and no more."""

from collections.abc import Callable
from typing import Any

from engine.kernel.record import NONE
from replay.ahead import Ahead
from replay.decoded import AheadCursor, DecodedCursor, Piece
from replay.feed import Feed
from replay.outlook import RecordedOutlook
from replay.packed import SPARE
from replay.venue_time import END, MOST_LAG_NS, VenueTime


class Pieces:
    """
    Loads *feed* for *cursor*, and tells *ahead* how far that goes.

    An adversary's *outlook* has its say in that: what it counts is read before it is given back, and what it looks at
    is there. *progress* is told the raw bytes of each piece left behind. `clamped` counts the inputs that reached us
    longer after their venue time than the venue is let ahead.
    """

    def __init__(
        self,
        feed: Feed,
        cursor: DecodedCursor,
        ahead: Ahead,
        time: VenueTime,
        progress: Callable[[int], Any],
        outlook: RecordedOutlook | None = None,
    ) -> None:
        self.clamped = 0
        self._feed = feed
        self._coming = feed.pieces()
        self._cursor = cursor
        self._ahead = ahead
        self._time = time
        self._progress = progress
        self._outlook = outlook
        self._sight_ns = 0 if outlook is None else int(outlook.sight_ns)
        self._lags: list[int] = []  # of every piece added: the longest that one of its inputs took to reach us
        self._sizes: list[int] = []
        self._behind = 0  # how many the cursor has left

    def begin(self) -> int:
        """Load what the first moments need; returns when the venue did what the first input tells, 0 without one."""
        self.load()
        reader = AheadCursor(self._cursor)
        reader.start()
        if not reader.next():
            return max(0, self._feed.first_recv_ns)
        return max(0, int(self._time.of(reader.source, reader.recv_ns, reader.src_ns, reader.snapshot)))

    def load(self) -> None:
        """Load on until the venue's time has room to go on, or the base is all there."""
        ahead = self._ahead
        present = int(self._cursor.recv_ns)
        if self._outlook is not None:
            self._outlook.read_until(present)
        self._leave_behind()
        while ahead.horizon_ns != END:
            piece = next(self._coming, None)
            if piece is None:
                ahead.horizon_ns = END
                break
            self._take(piece)
            if len(piece.data) > SPARE:
                first_ns = int.from_bytes(piece.data[8:16], "little", signed=True)
                room_ns = first_ns - MOST_LAG_NS - self._sight_ns - 1  # what comes next may have happened just then
                if room_ns > max(present, int(ahead.horizon_ns)):
                    ahead.horizon_ns = room_ns
                    break
        ahead.most_lag_ns = max(self._lags[self._behind :], default=0)
        if self._outlook is not None:
            self._outlook.ahead.most_lag_ns = ahead.most_lag_ns

    def finish(self) -> None:
        """The cursor has passed everything."""
        for size in self._sizes[self._behind :]:
            self._progress(size)

    def _leave_behind(self) -> None:
        while self._behind < self._cursor.piece:
            self._progress(self._sizes[self._behind])
            self._behind += 1
        self._cursor.forget()

    def _take(self, piece: Piece) -> None:
        self._cursor.add(piece)
        lag = int(self._time.feed_latency_ns)
        for source, most in piece.most_lag_ns.items():
            if most != NONE:
                longest = most + int(self._time.offset(source))
                if longest > MOST_LAG_NS:
                    self._count_clamped(len(self._lags), source)
                lag = max(lag, min(longest, int(MOST_LAG_NS)))
        exact = self._is_exact(piece)
        self._ahead.expect(piece, exact)
        if self._outlook is not None:
            self._outlook.ahead.expect(piece, exact)
        self._lags.append(lag)
        self._sizes.append(int(piece.raw_bytes))

    def _is_exact(self, piece: Piece) -> bool:
        """Whether no stamp of the piece lies behind its arrival, or too long before it."""
        for source, least in piece.least_lag_ns.items():
            offset = int(self._time.offset(source))
            if least + offset < 0 or piece.most_lag_ns.get(source, NONE) + offset > MOST_LAG_NS:
                return False
        return True

    def _count_clamped(self, number: int, source: int) -> None:
        """Count the inputs of *source* in the piece *number* that came too late to be taken at their stamps."""
        reader = AheadCursor(self._cursor)
        reader.seek(number, 0)
        offset = int(self._time.offset(source))
        while reader.piece == number:
            late = not reader.snapshot and reader.src_ns != NONE and reader.source == source
            if late and reader.recv_ns - reader.src_ns + offset > MOST_LAG_NS:
                self.clamped += 1
            if not reader.next():
                break
