"""When the venue did what an input tells: by its stamp, and by what is known of its clock. Compiled."""

from typing import Final, final

from librt.vecs import vec
from mypy_extensions import i64

from engine.kernel.record import NONE, wide
from replay.course import Course

END: Final[i64] = wide(0x7FFFFFFF, 0xFFFFFFFF)
MOST_LAG_NS: Final[i64] = 2_000_000_000
"""How far the venue may be ahead of us: what reached us later than that is taken as having happened so long before."""


@final
class VenueTime:
    """
    When the venue did what an input tells: its stamp, less what its clock is ahead of ours.

    An input without a stamp, and a snapshot (whose stamp is the last change's), happened *feed_latency_ns* before it
    reached us. Nothing happened after it reached us, or more than MOST_LAG_NS before.
    """

    def __init__(self, feed_latency_ns: i64, sources: i64) -> None:
        self.feed_latency_ns: Final[i64] = feed_latency_ns
        self._offset: Final[vec[i64]] = vec[i64]([0] * (sources + 1))

    def set_offset(self, source: i64, offset_ns: i64) -> None:
        """The clock of *source* runs *offset_ns* ahead of ours."""
        self._offset[source] = offset_ns

    def offset(self, source: i64) -> i64:
        """How far the clock of *source* runs ahead of ours, in nanoseconds; 0 where nobody said so."""
        if source >= i64(len(self._offset)):
            return 0
        return self._offset[source]

    def of(self, source: i64, recv_ns: i64, src_ns: i64, snapshot: bool) -> i64:
        """The venue time of an input, in nanoseconds of our clock."""
        if snapshot:
            return recv_ns - self.feed_latency_ns
        return self.at(src_ns, self.offset(source), recv_ns)

    def at(self, src_ns: i64, offset_ns: i64, recv_ns: i64) -> i64:
        """The same for an input that holds no snapshot, of a source whose clock runs *offset_ns* ahead."""
        if src_ns == NONE:
            return recv_ns - self.feed_latency_ns
        at_ns = src_ns - offset_ns
        if at_ns > recv_ns:
            return recv_ns
        if at_ns < recv_ns - MOST_LAG_NS:
            return recv_ns - MOST_LAG_NS
        return at_ns


@final
class Order:
    """
    Since which of the pieces taken all inputs are plain (one fact or several), of one source, stamped in the order they
    reached us, and happened when their stamps say.
    """

    def __init__(self) -> None:
        self.since: i64 = 0
        self._taken: i64 = 0
        self._last: Course | None = None  # of the last piece, where it is in order

    def holds(self, piece: i64, pieces: i64) -> bool:
        """Whether that is so from piece number *piece* on, of *pieces* that there are. Never of pieces not taken."""
        return self.since <= piece and self._taken == pieces

    def take(self, course: Course | None) -> None:
        """The next piece runs this *course*; None: some of its inputs are taken as earlier or later than stamped."""
        last = self._last
        if course is None or course.stream == NONE:
            self._last = None
            self.since = self._taken + 1
        else:
            self._last = course
            if last is None or not course.follows(last):
                self.since = self._taken
        self._taken += 1
