"""What the simulated venue sampled of our orders for rewards."""

from engine.kernel.step import Kernel
from replay.observe.grid import Thinned
from replay.observed import Score, Scores


class Scored:
    """The samples of one run, by market. *told* is the list that the venue appends to; None where there is none."""

    def __init__(self, kernel: Kernel, told: list[tuple[int, int, int, int]] | None) -> None:
        self._kernel = kernel
        self._told = told
        self._found: dict[int, Thinned[Score]] = {}
        self._scored: dict[int, int] = {}

    def look(self, now_ns: int, seq: int) -> None:
        """Take what the venue has told since."""
        if not self._told:
            return
        for market, venue_ns, ours, others in self._told:
            score = Score(seq, now_ns, venue_ns, market, ours, others)
            self._found.setdefault(market, Thinned()).add(score)
            self._scored[market] = self._scored.get(market, 0) + (ours > 0)
        self._told.clear()

    def scores(self) -> tuple[Scores, ...]:
        """By market."""
        markets = self._kernel.data.listings.markets
        return tuple(
            Scores(market, markets[market].key, one.every, one.told, self._scored[market], tuple(one.found))
            for market, one in sorted(self._found.items())
        )
