"""Series and lists that stay within a bound, however long a run is."""

from collections.abc import Hashable, Mapping
from typing import Generic, TypeVar

from replay.observed import MOST_SAMPLES, Grid, Values

FINEST_NS = 10_000_000
"""The first distance of a grid's instants."""


def step_for(span_ns: int, most: int = MOST_SAMPLES) -> int:
    """The step that a grid over *span_ns* comes to in the end: beginning with it spares looks that would be dropped."""
    step_ns = FINEST_NS
    while span_ns // step_ns >= most:
        step_ns *= 2
    return step_ns


One = TypeVar("One")


class Sampler:
    """
    Columns over one grid of instants, which are multiples of `step_ns`.

    When there would be more than *most*, every second one is dropped and the step doubles.
    """

    def __init__(self, most: int = MOST_SAMPLES, step_ns: int = FINEST_NS) -> None:
        self.step_ns = step_ns
        self._most = most
        self._times: list[tuple[int, int, int]] = []
        self._columns: dict[Hashable, list[int | None]] = {}

    def __len__(self) -> int:
        return len(self._times)

    def next_ns(self, now_ns: int) -> int:
        """The first instant of the grid after *now_ns*."""
        return (now_ns // self.step_ns + 1) * self.step_ns

    def add(self, now_ns: int, seq: int, base_seq: int, row: Mapping[Hashable, int | None]) -> None:
        """At *now_ns*, an instant of the grid, the columns had the values of *row*, and those not in it none."""
        if len(self._times) >= self._most:
            self._halve()
            if now_ns % self.step_ns != 0:  # not of the coarser grid
                return
        self._append(now_ns, seq, base_seq, row)

    def _append(self, now_ns: int, seq: int, base_seq: int, row: Mapping[Hashable, int | None]) -> None:
        for key, column in self._columns.items():
            column.append(row.get(key))
        for key, value in row.items():
            if key not in self._columns:
                self._columns[key] = [*self._nothing(), value]
        self._times.append((now_ns, seq, base_seq))

    def end(self, now_ns: int, seq: int, base_seq: int, row: Mapping[Hashable, int | None]) -> None:
        """The run ended at *now_ns*, wherever that lies: instants that are not before it give way to it."""
        while self._times and self._times[-1][0] >= now_ns:
            self._times.pop()
            for column in self._columns.values():
                column.pop()
        if len(self._times) >= self._most:
            self._halve()
        self._append(now_ns, seq, base_seq, row)

    def _nothing(self) -> list[int | None]:
        return [None] * len(self._times)

    def _halve(self) -> None:
        self.step_ns *= 2
        kept = [at for at, (now_ns, _, _) in enumerate(self._times) if now_ns % self.step_ns == 0]
        self._times = [self._times[at] for at in kept]
        for key, column in self._columns.items():
            self._columns[key] = [column[at] for at in kept]

    def grid(self) -> Grid:
        """The instants."""
        return Grid(
            self.step_ns,
            tuple(now_ns for now_ns, _, _ in self._times),
            tuple(seq for _, seq, _ in self._times),
            tuple(base_seq for _, _, base_seq in self._times),
        )

    def values(self, key: Hashable) -> Values:
        """The column *key*: one value for each instant."""
        return tuple(self._columns[key] if key in self._columns else self._nothing())


class Thinned(Generic[One]):
    """A list that keeps each `every`-th of what it is told, starting with the first: at most *most*."""

    def __init__(self, most: int = MOST_SAMPLES) -> None:
        self.every = 1
        self.told = 0
        self.found: list[One] = []
        self._most = most

    def add(self, one: One) -> None:
        """One more, kept if it is its turn."""
        if self.told % self.every == 0 and len(self.found) == self._most:
            self.found = self.found[::2]
            self.every *= 2
        if self.told % self.every == 0:
            self.found.append(one)
        self.told += 1


class First(Generic[One]):
    """A list that keeps the first *most* of what it is told, and counts the others."""

    def __init__(self, most: int = 5 * MOST_SAMPLES) -> None:
        self.found: list[One] = []
        self.more = 0
        self._most = most

    def add(self, one: One) -> None:
        """One more."""
        if len(self.found) < self._most:
            self.found.append(one)
        else:
            self.more += 1
