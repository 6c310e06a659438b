"""
What the venue has to be told, noted ahead of time: the recorded market's facts that concern an order of ours. Compiled.

Facts of plain inputs are kept as such, those of others by where their input stands. Most only move an order of ours in
its queue. Such a *quiet* one makes the venue say nothing, whenever it is told, as long as that is before anything else
happens to the venue; so time need not stop for it.
"""

from typing import Final, final

from librt.vecs import vec
from mypy_extensions import i64

from adapters.simulated.book import longer
from engine.kernel.record import NONE
from replay.venue_time import END

QUIET: Final[i64] = 8  # what: above a plain fact's bits, as `engine.kernel.bulk` has them
ROWS: Final[i64] = 16  # what: look at the rows of the input at (price: piece, size: offset)
ALL: Final[i64] = -1  # market, of ROWS: the facts of every market

_WORDS: Final[i64] = 5  # of a hit: venue time, market, what, price, size


@final
class Hits:
    """
    Facts by venue time, then as recorded. `take` moves past the next one and states it in the attributes.

    Attributes:
        vt, market, what, price, size: of the fact taken. Price and side (in *what*) are the first outcome's.
    """

    def __init__(self) -> None:
        self._words: vec[i64] = vec[i64]([0] * int(64 * _WORDS))
        # Where hits stand in it:
        self._next: i64 = 0
        self._quiet: i64 = 0  # from the next one up to here all are quiet
        self._end: i64 = 0
        self._latest_ns: i64 = NONE  # nothing noted happened later
        self.vt: i64 = 0
        self.market: i64 = 0
        self.what: i64 = 0
        self.price: i64 = 0
        self.size: i64 = 0

    def forget(self) -> None:
        """None is noted any more."""
        self._next = 0
        self._quiet = 0
        self._end = 0
        self._latest_ns = NONE

    def note(self, vt: i64, market: i64, what: i64, price: i64, size: i64) -> None:
        """One more: it may have happened before others that were noted already."""
        if self._next == self._end:
            self.forget()
        at = self._end
        self._end = at + _WORDS
        words = self._words
        if self._end > i64(len(words)):
            words = longer(words)
            self._words = words
        if vt >= self._latest_ns:
            self._latest_ns = vt
        else:
            at = self._among(vt)
        words[at] = vt
        words[at + 1] = market
        words[at + 2] = what
        words[at + 3] = price
        words[at + 4] = size

    def _among(self, vt: i64) -> i64:
        """Where the last one, for which there is room at the end, goes by its time *vt*: later ones make way."""
        words = self._words
        at = self._end - _WORDS
        while at > self._quiet and words[at - _WORDS] > vt:
            i: i64 = 0
            while i < _WORDS:
                words[at + i] = words[at + i - _WORDS]
                i += 1
            at -= _WORDS
        return at

    def next_ns(self, until_ns: i64) -> i64:
        """When the next one happened, END if none did up to *until_ns*."""
        if self._next < self._end and self._words[self._next] <= until_ns:
            return self._words[self._next]
        return END

    def next_loud_ns(self, until_ns: i64) -> i64:
        """The same of those that are not quiet."""
        words = self._words
        at = self._quiet
        end = self._end
        found = END
        while at < end:
            vt = words[at]
            if vt > until_ns:
                break
            if words[at + 2] & QUIET == 0:
                found = vt
                break
            at += _WORDS
        self._quiet = at
        return found

    def take(self, until_ns: i64) -> bool:
        """Move past the next one; False, and nothing moves, if none happened up to *until_ns*."""
        if self._next == self._end:
            return False
        words = self._words
        at = self._next
        vt = words[at]
        if vt > until_ns:
            return False
        self._next = at + _WORDS
        if self._quiet < self._next:
            self._quiet = self._next
        self.vt = vt
        self.market = words[at + 1]
        self.what = words[at + 2]
        self.price = words[at + 3]
        self.size = words[at + 4]
        return True
