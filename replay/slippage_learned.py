"""
Slippage learned from journals of runs: how much worse than the touch at the decision orders that took were filled.

An order counts if its price met the touch that its CAPSULE states: it was to take. What it took counts at its price, in
ticks beyond that touch; what it did not take counts as one tick beyond the order's limit, since nobody knows how much
worse it would have been: without that, the worst would be missing. An order's slippage is the mean of both
by size. The table tells, by how much of the touch's size the order wanted and how wide the spread was, an upper
quantile; where fewer orders than LEAST were seen, a stated penalty takes its place, and is said to.

    python -m replay.slippage_learned JOURNAL... > learned.yaml            # paste it below `adversary:`
    python -m replay.slippage_learned --table JOURNAL... > slippage.yaml   # the table itself, for a strategy

Source: the quantile is the ceil(q * (n + 1))-th of n in order, the greatest if there is none (an upper bound of the
q-quantile: J. Gibbons and S. Chakraborti, Nonparametric Statistical Inference, section 2.9).
"""

import sys
from collections.abc import Iterable, Iterator
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

from engine.kernel import kinds
from engine.kernel.derived import PLACE, decode
from engine.kernel.events import FILL_MAKER, ORDER_ACKED, ORDER_FILLED, STRIDE, EventBatch, Translator
from engine.kernel.order import FLAG_MIRRORED, FLAG_POST_ONLY
from engine.kernel.record import DERIVED
from engine.kernel.request import Request, decode_request
from engine.kernel.units import BUY
from journal.errors import JournalError
from journal.payloads import decode_venue_input
from journal.reader import Journal, open_journal
from replay.decoders import translators
from replay.run import read_run_start

LEAST = 30
"""Orders that a cell of the table needs; with fewer the penalty stands there."""
QUANTILE = Fraction(9, 10)
SIZES = (Fraction(1, 4), Fraction(1), Fraction(4), None)
"""At most so many times the size at the touch."""
SPREADS = (1, 2, 5, None)
"""At most so many ticks."""
PENALTIES = (Fraction(1), Fraction(1), Fraction(2), Fraction(4))
"""Ticks, by size: what an order is taken to slip where too little is known."""
_MILLI = 1_000


class NothingTook(JournalError):
    """Journals without an order that was to take."""

    def __init__(self) -> None:
        super().__init__("no order in the journal was to take, so that nothing of slippage can be learned")


@frozen
class Slip:
    """One order that was to take: its size in sizes of the touch, the spread, and how much worse it fared, in ticks."""

    seq: int
    size: Fraction
    spread: int
    ticks: Fraction


@frozen
class Cell:
    """
    One cell of the table: orders of at most *size* times the touch, at a spread of at most *spread* ticks.

    *ticks* is their upper quantile, or the penalty where they are too few: *learned* says which.
    """

    size: Fraction | None
    spread: int | None
    orders: int
    mean: Fraction | None
    ticks: Fraction
    learned: bool


@frozen
class Learned:
    """The table, by size and then by spread, and of how many orders."""

    cells: tuple[Cell, ...]
    orders: int
    journals: tuple[str, ...]

    @property
    def impact_ticks(self) -> Fraction:
        """What a taker of a whole level is to pay more, so that no cell's orders fare better than its ticks."""
        return max(max(cell.ticks, Fraction(0)) / min(cell.size or 1, 1) for cell in self.cells)

    def yaml(self) -> str:
        """The part `slippage:` of an adversary, with the table beside it."""
        lines = [f"# Learned from {self.orders} orders that were to take, of {', '.join(self.journals)}:"]
        lines += [f"#   {_words(cell)}" for cell in self.cells]
        return "\n".join(
            [*lines, "slippage:", f"  impact_ticks: {_decimal(min(self.impact_ticks, Fraction(1000)))}", ""]
        )

    def table(self) -> str:
        """The table as YAML: bounds are null where there is none, ticks in thousandths."""
        lines = ["slippage:"]
        for cell in self.cells:
            size = "null" if cell.size is None else _decimal(cell.size)
            spread = "null" if cell.spread is None else str(cell.spread)
            lines.append(
                f"  - {{size_at_most: {size}, spread_at_most: {spread}, milliticks: {ceil(cell.ticks * _MILLI)}, "
                f"orders: {cell.orders}, learned: {'true' if cell.learned else 'false'}}}"
            )
        return "\n".join([*lines, ""])


def _words(cell: Cell) -> str:
    size = "more" if cell.size is None else f"up to {_decimal(cell.size)}"
    spread = "wider" if cell.spread is None else f"up to {cell.spread}"
    mean = "" if cell.mean is None else f", mean {_decimal(cell.mean)}"
    how = f"{_decimal(cell.ticks)} ticks of {cell.orders} orders{mean}"
    if not cell.learned:
        how = f"{_decimal(cell.ticks)} ticks, a penalty: {cell.orders} orders are fewer than {LEAST}{mean}"
    return f"{size} times the touch, spread {spread}: {how}"


def _decimal(value: Fraction | int) -> str:
    """Three digits at most, rounded up."""
    return f"{ceil(Fraction(value) * _MILLI) / _MILLI:g}"


def learn(slips: Iterable[Slip], journals: Iterable[str] = ()) -> Learned:
    """
    The table of *slips*.

    Raises:
        NothingTook: there is none.
    """
    found: dict[tuple[int, int], list[Fraction]] = {}
    count = 0
    for slip in slips:
        count += 1
        found.setdefault((_place(slip.size, SIZES), _place(slip.spread, SPREADS)), []).append(slip.ticks)
    if not count:
        raise NothingTook
    cells = tuple(
        _cell(size, spread, sorted(found.get((at, beside), [])), PENALTIES[at])
        for at, size in enumerate(SIZES)
        for beside, spread in enumerate(SPREADS)
    )
    return Learned(cells, count, tuple(journals))


def _place(value: Fraction | int, bounds: Iterable[Fraction | int | None]) -> int:
    return next(at for at, bound in enumerate(bounds) if bound is None or value <= bound)


def _cell(size: Fraction | None, spread: int | None, ticks: list[Fraction], penalty: Fraction) -> Cell:
    count = len(ticks)
    mean = sum(ticks, Fraction(0)) / count if count else None
    if count < LEAST:
        return Cell(size, spread, count, mean, max([penalty, *ticks]), False)
    rank = min(ceil(QUANTILE * (count + 1)), count)
    return Cell(size, spread, count, mean, ticks[rank - 1], True)


# -- reading a journal -------------------------------------------------------------------------------------------------


@define
class _Order:
    """An order that was to take: *touch* in price units and what was *there*, and what it took by now."""

    request: Request
    tick: int
    touch: int
    spread: int
    there: int
    took: int = 0
    paid: int = 0

    def slip(self) -> Slip:
        """How it fared: what it did not take counts as a tick beyond its limit."""
        request = self.request
        size = int(request.size)
        paid = self.paid + (size - self.took) * (
            int(request.price) + (self.tick if request.side == BUY else -self.tick)
        )
        beyond = paid - size * self.touch if request.side == BUY else size * self.touch - paid
        return Slip(int(request.number), Fraction(size, self.there), self.spread, Fraction(beyond, size * self.tick))


@frozen
class _Reading:
    """What is known of a journal so far; intents and capsules are those of the last input."""

    intents: dict[object, dict[str, Any]] = field(factory=dict)
    capsules: dict[object, dict[str, Any]] = field(factory=dict)
    orders: dict[int, _Order] = field(factory=dict)
    names: dict[str, int] = field(factory=dict)  # the venue's names of orders
    trades: dict[tuple[int, str], bool] = field(factory=dict)  # fills told by now, which may be told again


def slips(journal: Journal) -> Iterator[Slip]:
    """
    How each order of *journal* fared that was to take: an own journal of a run (of an overlay, not its base).

    Orders that the kernel itself sends to get out state no price in ticks, and are left out.

    Raises:
        JournalError: it is damaged, or recorded by decoders that this build does not have.
    """
    reading = _Reading()
    decoders = translators(None)
    for block in journal.blocks():
        cursor = block.cursor()
        while cursor.next():
            kind = int(cursor.kind)
            payload = cursor.data[cursor.payload_start : cursor.payload_end]
            if cursor.flags & DERIVED:
                if kind in (kinds.INTENT, kinds.CAPSULE):
                    said = decode(kind, cursor.schema, payload)
                    (reading.intents if kind == kinds.INTENT else reading.capsules)[said["id"]] = said
                elif kind == kinds.REQUEST:
                    _sent(reading, decode_request(cursor.seq, cursor.schema, payload))
                continue
            reading.intents.clear()
            reading.capsules.clear()
            if kind == kinds.RUN_START:
                decoders = translators(read_run_start(int(cursor.seq), payload).decoders)
            elif kind in decoders and reading.orders:
                _told(reading, decoders[kind], kind, payload)
    for order in reading.orders.values():
        yield order.slip()


def _sent(reading: _Reading, request: Request) -> None:
    """Take up the order of a REQUEST, if it was to take."""
    intent, capsule = reading.intents.get(request.intent), reading.capsules.get(request.intent)
    if request.what != PLACE or intent is None or capsule is None or intent["what"] != PLACE:
        return
    price, scale = int(request.price), 10 ** int(request.price_exponent)
    asked = scale - price if request.flags & FLAG_MIRRORED else price
    tick, lot = asked // intent["price_ticks"], int(request.size) // intent["lots"]
    facing = capsule["asks"] if request.side == BUY else capsule["bids"]
    other = capsule["bids"] if request.side == BUY else capsule["asks"]
    if not facing or request.flags & FLAG_POST_ONLY:
        return
    touch = facing[0][0] * tick
    if price < touch if request.side == BUY else price > touch:
        return
    spread = abs(facing[0][0] - other[0][0]) if other else scale
    reading.orders[int(request.number)] = _Order(request, tick, touch, spread, max(1, facing[0][1] * lot))


def _told(reading: _Reading, translator: Translator, kind: int, payload: bytes) -> None:
    """The fills that a frame or a report tells of."""
    batch = EventBatch()
    frame = payload
    if kind < kinds.SIM_ACKED:  # the simulated venue's reports have no prefix
        received = decode_venue_input(payload)
        batch.meta, frame = received.meta, received.frame
    translator.translate(frame, 0, len(frame), batch)
    for at in range(0, int(batch.count) * int(STRIDE), int(STRIDE)):
        row, number, named, price, size, _, flags, trade = (int(batch.rows[at + column]) for column in range(8))
        if row not in (ORDER_ACKED, ORDER_FILLED):
            continue
        name = batch.texts[named] if named >= 0 else ""
        if number > 0 and name:
            reading.names[name] = number
        order = reading.orders.get(number or reading.names.get(name, 0))
        if row != ORDER_FILLED or order is None or flags & FILL_MAKER:
            continue
        once = (int(order.request.number), batch.texts[trade]) if trade >= 0 else None
        if once is None or once not in reading.trades:
            order.took += size
            order.paid += price * size
        if once is not None:
            reading.trades[once] = True


def main(arguments: list[str]) -> int:
    """Print what the journals named in *arguments* teach; returns the exit code."""
    table = arguments[:1] == ["--table"]
    paths = arguments[1:] if table else arguments
    if not paths or any(path.startswith("-") for path in paths):
        print("usage: python -m replay.slippage_learned [--table] JOURNAL...", file=sys.stderr)
        return 2
    try:
        found: list[Slip] = []
        for path in paths:
            with open_journal(Path(path)) as journal:
                found.extend(slips(journal))
        learned = learn(found, [Path(path).name for path in paths])
    except JournalError as error:
        print(error, file=sys.stderr)
        return 1
    sys.stdout.write(learned.table() if table else learned.yaml())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
