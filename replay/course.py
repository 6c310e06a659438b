"""How the packed inputs of a piece follow one another: found once for each piece, and kept with it. Compiled."""

from typing import Final, final

from librt.vecs import vec
from mypy_extensions import i64

from engine.kernel.bulk import FORM, PLAIN, PLAIN_WORDS
from engine.kernel.record import NONE
from replay.packed import SPARE
from replay.rows import end_of

_STREAM: Final[i64] = 0x7FFFFFFE  # kind and source in an input's first word, and that it is plain


@final
class Course:
    """
    Whether all inputs of the piece *data*, which are these *words*, are plain (one fact or several), of one source, and
    stamped in the order they reached us; and of which source, from which stamp to which.

    Raises:
        Damaged: an input ends behind the piece.
    """

    def __init__(self, data: bytes, words: vec[i64]) -> None:
        at: i64 = 0
        end = (i64(len(data)) - SPARE) >> 3
        stream: i64 = NONE
        latest_ns: i64 = 0
        if end > 0:
            stream = words[0] & _STREAM
        while at < end:
            first = words[at]
            src_ns = words[at + 2]
            if first & FORM < PLAIN or first & _STREAM != stream or src_ns < latest_ns:
                stream = NONE
                break
            latest_ns = src_ns
            if first & FORM == PLAIN:
                at += PLAIN_WORDS
            else:
                at = end_of(data, at << 3, first, end << 3) >> 3
        self.stream: Final[i64] = stream  # NONE: it is not so, or there are none
        self.first_ns: Final[i64] = NONE if stream == NONE else words[2]
        self.latest_ns: Final[i64] = latest_ns

    def follows(self, before: "Course") -> bool:
        """Whether that is so of the inputs of *before* and then these."""
        return self.stream != NONE and self.stream == before.stream and self.first_ns >= before.latest_ns
