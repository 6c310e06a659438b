"""
A sink that looks at what a run writes: a strategy's mistakes with a first example of each, and, if asked, every record
that its tables are made of. It passes all on to another sink, or keeps the numbers where there is none.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import define, evolve, frozen

from engine.kernel import codes, kinds
from engine.kernel.derived import decode, intent_head
from engine.kernel.order import FLAG_UNWIND
from engine.kernel.portfolio import Holding
from engine.kernel.step import Kernel
from replay.guard import Guard
from replay.mistakes import Asked, Fault, Refusal, explained, fault, place_of, wanted
from replay.overlay import span_fields
from replay.resimulation import Sink
from replay.run import StrategySource

_DERIVED = (int(kinds.INTENT), int(kinds.VERDICT), int(kinds.REQUEST))
_ID_END = 16
"""Where the id ends that an INTENT and a VERDICT begin with."""
_ADMITTED = 1
"""The byte behind it in a VERDICT: the code OK, in the dense form."""


Grid = tuple[int, int]
"""The tick and the lot of an instrument, which may change during a run."""


@frozen
class Kept:
    """A record that a table is made of. *fee* is what a fill cost, as money; *grid* an intent's tick and lot then."""

    seq: int
    cause: int
    recv_ns: int
    kind: int
    schema: int
    payload: bytes
    fee: int | None = None
    grid: Grid = (0, 0)


@frozen
class _Intent:
    """An INTENT: its payload, what that begins with, and its instrument's tick and lot then."""

    payload: bytes
    seat: int
    ordinal: int
    unwinds: bool
    grid: Grid

    def is_own(self, seat: int) -> bool:
        """Whether the strategy in *seat* yielded it itself: the kernel unwinds in its name."""
        return self.seat == seat and not self.unwinds


@define
class _Count:
    """Refusals of one strategy and code: how many, and the first."""

    count: int
    seq: int
    base_seq: int
    recv_ns: int
    intent: _Intent
    verdict: bytes
    yielded: object | None
    line: int | None


class Watch:
    """
    Give it to a `Simulation` of *kernel* as its sink, and call `finish` after the run.

    *guard* knows what the strategies yielded, *files* what to call each one's file. *inner* may be set before the run.
    """

    def __init__(
        self,
        kernel: Kernel,
        guard: Guard,
        strategies: Sequence[StrategySource],
        files: Mapping[str, str],
        tables: bool,
    ) -> None:
        self.inner: Sink | None = None
        self.last_seq = 0
        self.kept: list[Kept] = []
        self.faults: list[Fault] = []
        self._guard = guard
        self._strategies = strategies
        self._files = files
        self.tables = tables
        self._counts: dict[tuple[int, int], _Count] = {}
        self._cause = 0
        self._base_seq = 0
        self._recv_ns = 0
        self._intents: dict[bytes, _Intent] = {}
        self._yielded: dict[int, list[tuple[int, object]]] = {}
        self._unplaced: list[_Count] = []
        self._filling: tuple[Holding, int, int] | None = None
        self._kernel = kernel

    # -- as a sink -----------------------------------------------------------------------------------------------------

    def append_input(self, kind: int, schema: int, source: int, recv_ns: int, src_ns: int, payload: bytes) -> int:
        """Append an input."""
        self._settle()
        self.last_seq += 1
        if self.inner is not None:
            self.inner.append_input(kind, schema, source, recv_ns, src_ns, payload)
        self._cause, self._recv_ns = self.last_seq, recv_ns
        if kind == kinds.SPAN:
            self._base_seq = span_fields(payload)[1]
        elif self.tables and kinds.SIM_ACKED <= kind < kinds.SIM_ACKED + 256:
            self.kept.append(Kept(self.last_seq, 0, recv_ns, int(kind), schema, payload))
            if kind == kinds.SIM_FILLED:
                self._note_fees(payload)
        return self.last_seq

    def append_derived(self, kind: int, schema: int, payload: bytes) -> int:
        """Append a record derived from the last input."""
        self.last_seq += 1
        if self.inner is not None:
            self.inner.append_derived(kind, schema, payload)
        grid = (0, 0)
        if kind == kinds.INTENT:
            _, seat, ordinal, instrument, flags = intent_head(payload)
            grid = self._grid(instrument)
            self._intents[payload[:_ID_END]] = _Intent(payload, seat, ordinal, flags & FLAG_UNWIND != 0, grid)
            self._remember(seat)
        elif kind == kinds.VERDICT:
            self._judged(payload)
        elif kind == kinds.STRAT_FAULT:
            self._failed(payload)
        if self.tables and kind in _DERIVED:
            self.kept.append(Kept(self.last_seq, self._cause, self._recv_ns, int(kind), schema, payload, grid=grid))
        return self.last_seq

    def finish(self) -> None:
        """The run is over: settle what its last input left open."""
        self._settle()

    # -- mistakes ------------------------------------------------------------------------------------------------------

    @property
    def refusals(self) -> list[Refusal]:
        """What was refused, by strategy and in order of the first of each code."""
        found: list[Refusal] = []
        for (seat, code), one in sorted(self._counts.items(), key=lambda item: (item[0][0], item[1].seq)):
            intent = decode(kinds.INTENT, 2, one.intent.payload)
            verdict = decode(kinds.VERDICT, 2, one.verdict)
            number: Any = intent["instrument"]
            instrument = self._kernel.data.listings.instruments[number] if number >= 0 else None
            asked = Asked(intent, instrument, one.intent.grid, one.yielded)
            why, instead = explained(verdict, asked)
            place = place_of(one.seq, one.base_seq, one.recv_ns)
            name, file = self._name(seat)
            found.append(
                Refusal(
                    name,
                    codes.name(code),
                    one.count,
                    place.seq,
                    place.base_seq,
                    place.time,
                    wanted(asked),
                    file,
                    one.line,
                    why,
                    instead,
                )
            )
        return found

    def _name(self, seat: int) -> tuple[str, str]:
        """Name and file of the strategy in *seat*; the kernel's own intents have neither."""
        if not 0 < seat <= len(self._strategies):
            return "", ""
        name = self._strategies[seat - 1].name
        return name, self._files.get(name, name)

    def _remember(self, seat: int) -> None:
        """What the strategy yielded this time: before the next input is known it may have been called again."""
        if seat not in self._yielded and 0 < seat <= len(self._strategies):
            self._yielded[seat] = self._guard.yielded(self._kernel.trading.seats[seat - 1].strategy)

    def _grid(self, instrument: int) -> Grid:
        if instrument < 0:
            return 0, 0
        market = self._kernel.data.listings.instruments[instrument].market
        return int(market.tick), int(market.lot)

    def _judged(self, verdict: bytes) -> None:
        intent = self._intents.get(verdict[:_ID_END])
        if verdict[_ID_END] == _ADMITTED or intent is None:
            return
        fields: Any = decode(kinds.VERDICT, 2, verdict)
        seat, code = intent.seat, fields["code"]
        known = self._counts.get((seat, code))
        if known is not None:
            known.count += 1
            return
        one = _Count(1, self._cause, self._base_seq, self._recv_ns, intent, verdict, None, None)
        self._counts[seat, code] = one
        self._unplaced.append(one)

    def _failed(self, payload: bytes) -> None:
        seat: Any = decode(kinds.STRAT_FAULT, 1, payload)["seat"]
        name, file = self._name(seat)
        place = place_of(self._cause, self._base_seq, self._recv_ns)
        source = self._strategies[seat - 1].source
        # Several strategies may fail at one input: each traceback begins with the name of the one it is of.
        text = next(text for text in self._kernel.trading.faults if text.startswith(f"{name}, called for input "))
        self.faults.append(fault(text, name, place, source, file))

    def _settle(self) -> None:
        """The group of the last input is whole, and the kernel has folded it."""
        if self._unplaced:
            for one in self._unplaced:
                self._find_line(one)
            self._unplaced = []
        if self._intents:
            self._intents, self._yielded = {}, {}
        if self._filling is not None:
            holding, before, at = self._filling
            self._filling = None
            self.kept[at] = evolve(self.kept[at], fee=holding.fees - before)

    def _find_line(self, one: _Count) -> None:
        """Which of the intents that the strategy yielded it was: they were numbered in that order."""
        seat = one.intent.seat
        numbers = sorted(intent.ordinal for intent in self._intents.values() if intent.is_own(seat))
        yielded = self._yielded.get(seat, [])
        if len(yielded) == len(numbers) and one.intent.is_own(seat):
            line, one.yielded = yielded[numbers.index(one.intent.ordinal)]
            one.line = line or None

    def _note_fees(self, payload: bytes) -> None:
        """What a fill costs is what its instrument's fees are more once it is folded."""
        order = self._kernel.trading.desk.orders.find(_word(payload, 0), "")
        if order is not None:
            holding = self._kernel.trading.desk.portfolio.holdings[order.instrument.number]
            self._filling = holding, holding.fees, len(self.kept) - 1


def _word(payload: bytes, at: int) -> int:
    return int.from_bytes(payload[at : at + 8], "little", signed=True)
