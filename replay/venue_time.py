"""When the venue did what an input tells: by its stamp, and by what is known of its clock. Compiled."""

from typing import Final, final

from librt.strings import read_i64_le
from librt.vecs import vec
from mypy_extensions import i64

from engine.kernel.bulk import FORM, PLAIN, PLAIN_SIZE
from engine.kernel.record import NONE, wide
from replay.packed import SPARE
from replay.rows import end_of

END: Final[i64] = wide(0x7FFFFFFF, 0xFFFFFFFF)
MOST_LAG_NS: Final[i64] = 2_000_000_000
"""How far the venue may be ahead of us: what reached us later than that is taken as having happened so long before."""

_STREAM: Final[i64] = 0x7FFFFFFE  # kind and source in an input's first word, and that it is plain


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
        self._stream: i64 = NONE  # of the last piece, where it is in order; and when its last input happened
        self._latest_ns: i64 = 0

    def holds(self, piece: i64, pieces: i64) -> bool:
        """Whether that is so from piece number *piece* on, of *pieces* that there are. Never of pieces not taken."""
        return self.since <= piece and self._taken == pieces

    def take(self, data: bytes, exact: bool) -> None:
        """
        The next piece holds these packed inputs; *exact*: none of them is taken as earlier or later than stamped.

        Raises:
            Damaged: an input ends behind the piece.
        """
        if not exact or i64(len(data)) <= SPARE:
            self._stream = NONE
            self.since = self._taken + 1
        elif not self._goes_on(data):
            self.since = self._taken if self._stream != NONE else self._taken + 1
        self._taken += 1

    def _goes_on(self, data: bytes) -> bool:
        """Whether the inputs of *data* are in order, and go on where the last piece ended: one look at each."""
        at: i64 = 0
        end = i64(len(data)) - SPARE
        stream = read_i64_le(data, 0) & _STREAM
        goes_on = stream == self._stream and read_i64_le(data, 16) >= self._latest_ns
        self._stream = NONE
        latest_ns: i64 = 0
        while at < end:
            first = read_i64_le(data, at)
            src_ns = read_i64_le(data, at + 16)
            if first & FORM < PLAIN or first & _STREAM != stream or src_ns < latest_ns:
                return False
            latest_ns = src_ns
            if first & FORM == PLAIN:
                at += PLAIN_SIZE
            else:
                at = end_of(data, at, first, end)
        self._stream = stream
        self._latest_ns = latest_ns
        return goes_on
