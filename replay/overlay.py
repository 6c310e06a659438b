"""
Overlays: a resimulation keeps its own records and stands on its base for the market data.

A SPAN record stands for the kept base records in a closed range of base sequence numbers; `docs/reference/
journal_format.md`, section 7.1, gives the rules.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import orjson

from engine.kernel.pack import Malformed
from engine.kernel.record import CONTROL, NONE
from journal.disk import Disk
from journal.errors import JournalError
from journal.reader import Block, Journal, open_journal
from replay.decoded import DecodedCursor, Piece
from replay.decoders import translators
from replay.packing import InputPacker
from replay.run import Base, RunStart
from replay.strict import AT_UNTIL, GOING, StrictFold
from replay.without_own import pieces_of, takes_out, treatment_of

BASE_FILE = "base.json"
"""Beside an overlay: where its base lay when it was made. A hint only; RUN_START says which journal it has to be."""

SPAN_SIZE = 16


class WrongBase(JournalError):
    """The journal given as an overlay's base is not the one its run was made on; *advice* is what to do about it."""

    def __init__(self, path: Path, reason: str, advice: str) -> None:
        super().__init__(f"{path} is not the base of this overlay: {reason}")
        self.path, self.advice = path, advice


class NoBase(JournalError):
    """Nobody says where an overlay's base lies, or nothing stands there; *advice* is what to do about it."""

    def __init__(self, overlay: Path, reason: str) -> None:
        super().__init__(f"{overlay} is an overlay, and {reason}")
        self.path = overlay
        self.advice = "say with --base where the journal is that the run was made on"


def span_payload(first: int, last: int) -> bytes:
    """A SPAN input, schema 1: u64 base_first, u64 base_last."""
    return first.to_bytes(8, "little") + last.to_bytes(8, "little")


def span_fields(payload: bytes) -> tuple[int, int]:
    """(base_first, base_last) of a SPAN; raises Malformed."""
    if len(payload) != SPAN_SIZE:
        raise Malformed(f"a span has {len(payload)} bytes, expected {SPAN_SIZE}")
    first, last = int.from_bytes(payload[:8], "little"), int.from_bytes(payload[8:], "little")
    if not 1 <= first <= last:
        raise Malformed(f"a span of {first} to {last} holds nothing")
    return first, last


def base_of(journal: Journal) -> Base:
    """What RUN_START says of *journal* when it is a run's base; the orders of its real runs are to be taken out."""
    return _base_of(journal, treatment_of(journal))


def _base_of(journal: Journal, own_orders: str) -> Base:
    return Base(journal.journal_id.hex(), journal.first_seq, journal.last_seq, journal.head.hex(), own_orders)


class BaseFeed:
    """The base's records in order, folded span by span: as they are."""

    def __init__(self, journal: Journal, base: Base) -> None:
        found = _base_of(journal, base.own_orders)
        if found.journal_id != base.journal_id:
            raise WrongBase(
                journal.path,
                f"it is journal {found.journal_id}, expected {base.journal_id}",
                f"give with --base the journal that the run was made on: its id is {base.journal_id}",
            )
        if (found.first_seq, found.last_seq) != (base.first_seq, base.last_seq) or found.head_hash != base.head_hash:
            raise WrongBase(
                journal.path,
                f"it holds records {found.first_seq} to {found.last_seq} with head {found.head_hash[:16]}, "
                f"expected {base.first_seq} to {base.last_seq} with head {base.head_hash[:16]}",
                "it was written to, or changed, after the run was made: give with --base a copy of it from then",
            )
        self.journal = journal
        self.progress: Callable[[int], object] = lambda raw_bytes: None
        """Told the raw bytes of each block of the base that is begun."""
        self._blocks = journal.blocks()
        self._block: Block | None = None
        self._offset = 0
        self.next_seq = journal.first_seq

    def seek(self, next_seq: int) -> None:
        """Let the next span begin with base record *next_seq*: those before it are in the state already."""
        self.next_seq = next_seq
        self._blocks = self.journal.blocks(next_seq)
        self._block = None

    def _enter(self, block: Block) -> Block:
        """Stand on *block*, at the first of its records that was not folded yet."""
        self._block = block
        self._offset = block.start
        self.progress(len(block.data))
        if block.first_seq < self.next_seq:
            cursor = block.cursor()
            while cursor.next():
                if not cursor.flags & CONTROL and cursor.seq >= self.next_seq:
                    break
                self._offset = cursor.next_offset
        return block

    def fold_span(self, fold: StrictFold, span_seq: int, payload: bytes) -> None:
        """
        Fold what the SPAN record *span_seq* stands for; a difference within it is left in *fold*.

        Raises:
            Malformed: the span does not continue the one before it, or goes beyond the base.
        """
        first, last = span_fields(payload)
        if first != self.next_seq or last > self.journal.last_seq:
            raise Malformed(
                f"span {span_seq} covers base records {first} to {last}, expected them from {self.next_seq}"
            )
        self._fold(fold, span_seq, last)
        self.next_seq = last + 1
        if fold.stopped == AT_UNTIL:
            fold.stopped = GOING

    def _fold(self, fold: StrictFold, span_seq: int, last: int) -> None:
        block = self._block or self._enter(next(self._blocks))
        while True:
            self._offset = fold.fold_base(block.data, self._offset, block.end, last, span_seq)
            if fold.stopped != GOING:
                break
            block = self._enter(next(self._blocks))

    @property
    def path_counts(self) -> tuple[int, int]:
        """How many frames were translated for the kernel, by a fast path and by a general one."""
        return 0, 0

    def close(self) -> None:
        """Close the base journal."""
        self.journal.close()


class BaseWithoutOwn(BaseFeed):
    """The base's records in order, folded span by span: without the orders of its own runs."""

    def __init__(self, journal: Journal, base: Base, decoders: Mapping[str, str]) -> None:
        super().__init__(journal, base)
        self._decoders = decoders
        self._packer = InputPacker(translators(decoders), journal.first_seq - 1)
        self._pieces: Iterator[Piece] = pieces_of(journal, decoders, self._packer)
        self._cursor: DecodedCursor | None = None

    def seek(self, next_seq: int) -> None:
        """See `BaseFeed`. The base is read from its start even so: what was ours of a level is known from there."""
        self.next_seq = next_seq
        self._packer = InputPacker(translators(self._decoders), self.journal.first_seq - 1)
        self._pieces = pieces_of(self.journal, self._decoders, self._packer)
        self._cursor = None

    def _fold(self, fold: StrictFold, span_seq: int, last: int) -> None:
        cursor = self._cursor
        if cursor is None or cursor.kernel is not fold.kernel:
            cursor = DecodedCursor(fold.kernel)
            self._cursor = cursor
        while True:
            fold.fold_packed(cursor, last, span_seq)
            if fold.stopped != GOING:
                break
            self._add(cursor, next(self._pieces))

    def _add(self, cursor: DecodedCursor, piece: Piece) -> None:
        if piece.last_seq < self.next_seq:
            return
        cursor.forget()
        cursor.add(piece)
        while NONE != cursor.next_seq() < self.next_seq:
            cursor.skip()

    @property
    def path_counts(self) -> tuple[int, int]:
        """See `BaseFeed`."""
        return int(self._packer.fast), int(self._packer.slow)


def write_base_hint(disk: Disk, overlay: Path, base: Path) -> None:
    """Note beside *overlay* where its base lies: absolute, or relative to *overlay*."""
    text = orjson.dumps({"base": str(base)}, option=orjson.OPT_INDENT_2)
    file = disk.create(overlay / BASE_FILE)
    file.write(text)
    file.close()


def carry_base_hint(disk: Disk, overlay: Path, target: Path) -> str:
    """
    Note beside *target*, which holds a copy of *overlay*, where the base lies, if that is noted beside *overlay*.

    Returns why it could not be noted, or an empty text: a journal can be saved without it.
    """
    folder = overlay if disk.is_dir(overlay) else overlay.parent
    try:
        if disk.exists(folder / BASE_FILE):
            write_base_hint(disk, target, (folder / _read_hint(disk, folder / BASE_FILE)).resolve())
    except NoBase as error:
        return str(error)
    return ""


def open_base(disk: Disk, overlay: Path, run: RunStart, given: Path | None) -> BaseFeed:
    """
    The base that *run* stands on: *given*, or where the hint beside *overlay* says.

    Raises:
        NoBase: nothing is given, and no hint stands there that leads to a journal.
        WrongBase: the journal found is another one.
        UnknownTreatment: what was done with the base's own orders is not known here.
    """
    assert run.base is not None
    without = takes_out(run.base)
    journal = open_journal(base_path(disk, overlay, given), disk)
    try:
        return BaseWithoutOwn(journal, run.base, run.decoders) if without else BaseFeed(journal, run.base)
    except BaseException:
        journal.close()
        raise


def base_path(disk: Disk, overlay: Path, given: Path | None) -> Path:
    """Where *overlay*'s base lies: *given*, or what the hint beside it says. Raises NoBase."""
    if given is not None:
        return given
    hint = (overlay if disk.is_dir(overlay) else overlay.parent) / BASE_FILE
    if not disk.exists(hint):
        raise NoBase(overlay, f"{hint.name} is missing")
    stated = _read_hint(disk, hint)
    path = stated if stated.is_absolute() else hint.parent / stated
    if not disk.exists(path):
        raise NoBase(overlay, f"nothing stands any more at {path}")
    return path


def _read_hint(disk: Disk, hint: Path) -> Path:
    file = disk.open_read(hint)
    text = file.read(0, 1 << 16)
    file.close()
    try:
        stated = orjson.loads(text)
    except ValueError:
        stated = None
    if not isinstance(stated, dict) or not isinstance(stated.get("base"), str):
        raise NoBase(hint.parent, f"{hint.name} cannot be read")
    return Path(stated["base"])
