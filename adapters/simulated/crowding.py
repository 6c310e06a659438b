"""Crowding: others find the edge that we live on, and the sooner the more of it we have taken."""

from typing import Final, final

from librt.vecs import append, vec
from mypy_extensions import i64

from engine.kernel.record import NONE

MILLION: Final[i64] = 1_000_000
_MOST_HALVINGS: Final[i64] = 40_000  # thousandths: behind that nothing is left of a million


@final
class Crowding:
    """
    How crowded a market becomes, and what that does to us: parts per million.

    A market is *least_ppm* crowded when we first trade in it, and on the way to *most_ppm*: half of what is missing is
    gone after every *half_fills_milli* thousandths of a fill of ours there, and after every *half_ns* since our first
    (0: by this alone never). Of that crowd, *takes_ppm* comes before a taker of ours, *undercuts_ppm* before a fill of
    our quotes; and of the size of a level that we join, *joins_ppm* comes to stand before us.
    """

    def __init__(
        self,
        least_ppm: i64 = 0,
        most_ppm: i64 = 0,
        half_fills_milli: i64 = 0,
        half_ns: i64 = 0,
        takes_ppm: i64 = 0,
        undercuts_ppm: i64 = 0,
        joins_ppm: i64 = 0,
    ) -> None:
        assert 0 <= least_ppm <= most_ppm <= MILLION
        assert half_fills_milli >= 0
        assert half_ns >= 0
        self.least_ppm: Final[i64] = least_ppm
        self.most_ppm: Final[i64] = most_ppm
        self.half_fills_milli: Final[i64] = half_fills_milli
        self.half_ns: Final[i64] = half_ns
        self.takes_ppm: Final[i64] = takes_ppm
        self.undercuts_ppm: Final[i64] = undercuts_ppm
        self.joins_ppm: Final[i64] = joins_ppm

    def ppm(self, fills: i64, since_ns: i64) -> i64:
        """How crowded it is after *fills* of ours, the first of them *since_ns* ago (NONE: there was none)."""
        halvings: i64 = 0
        if self.half_fills_milli > 0:
            halvings += fills * MILLION // self.half_fills_milli
        if self.half_ns > 0 and since_ns > 0:
            halvings += since_ns // (self.half_ns // 1000 + 1)
        return self.most_ppm - part(self.most_ppm - self.least_ppm, halved_ppm(halvings))


@final
class Footprint:
    """What the others have seen us do: our fills by market, and when each market's first was."""

    def __init__(self) -> None:
        self._fills: vec[i64] = vec[i64]()
        self._first_ns: vec[i64] = vec[i64]()

    def filled(self, market: i64, now_ns: i64) -> None:
        """An order of ours traded in market number *market*."""
        while market >= i64(len(self._fills)):
            self._fills = append(self._fills, i64(0))
            self._first_ns = append(self._first_ns, NONE)
        if self._fills[market] == 0:
            self._first_ns[market] = now_ns
        self._fills[market] += 1

    def fills(self, market: i64) -> i64:
        """How many fills we had there."""
        return self._fills[market] if market < i64(len(self._fills)) else 0

    def since_ns(self, market: i64, now_ns: i64) -> i64:
        """How long ago the first of them was, or NONE."""
        if self.fills(market) == 0:
            return NONE
        return now_ns - self._first_ns[market]


def halved_ppm(halvings_milli: i64) -> i64:
    """A million, halved so often: 2 ** -x in parts per million, in straight lines between whole numbers of halvings."""
    if halvings_milli >= _MOST_HALVINGS:
        return 0
    return (MILLION - 500 * (halvings_milli % 1000)) >> (halvings_milli // 1000)


def part(size: i64, ppm: i64) -> i64:
    """*ppm* millionths of *size*, rounded down, for every size there is."""
    return size // MILLION * ppm + size % MILLION * ppm // MILLION
