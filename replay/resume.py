"""
Beginning in the middle: which checkpoints beside a journal fit it, what they hold, and new ones.

Nothing here can change what a replay finds, only where it begins: a checkpoint is believed when the journal's own
DIGEST record states the same, and when the restored state hashes to what the checkpoint says.
"""

from collections.abc import Callable
from pathlib import Path

import orjson
from attrs import define, evolve, field, frozen

from engine.kernel import kinds
from engine.kernel.events import Symbols
from engine.kernel.kinds import DIGEST, RUN_START
from engine.kernel.memory import UnfitMemory
from engine.kernel.pack import Malformed, Unpacker
from engine.kernel.step import Kernel
from journal.checkpoint import (
    BadCheckpoint,
    Head,
    checkpoint_path,
    folder_of,
    list_checkpoints,
    read_checkpoint,
    read_head,
    write_checkpoint,
)
from journal.disk import Disk
from journal.errors import JournalError
from journal.reader import Journal, Record
from replay.rebuild import kernel_of
from replay.run import RunStart, read_run_start

EVERY = 1 << 17
"""Inputs from one checkpoint to the next in a long journal."""
LEAST_EVERY = 1 << 14
MOST_SHARE = 16
"""A journal that is shorter has them closer together: this many, but never closer than LEAST_EVERY."""

_VENUE_KINDS = range(0x0100, 0x1000)
_NONSENSE = (Malformed, ValueError, TypeError, AttributeError, ArithmeticError, LookupError, AssertionError)


class Unusable(Exception):
    """A checkpoint does not fit its journal; the text says why, for a note."""


@frozen
class Resumed:
    """A kernel as it was behind the DIGEST record `head.digest_seq`."""

    head: Head
    run: RunStart
    kernel: Kernel


@frozen
class Fork:
    """Where a fold stands that could be resumed: behind *digest_seq*, the DIGEST of *input_seq*'s group."""

    run_seq: int
    input_seq: int
    digest_seq: int
    base_next: int


def spacing(inputs: int) -> int:
    """Inputs from one checkpoint to the next for a journal of so many *inputs*, so that it can be cut into pieces."""
    return max(LEAST_EVERY, min(EVERY, inputs // MOST_SHARE))


def base_records(recorded: RunStart | None) -> int:
    """How many records the base of a run has; 0 where it stands on none."""
    base = None if recorded is None else recorded.base
    return 0 if base is None else base.last_seq - base.first_seq + 1


@define
class Checkpoints:
    """
    The checkpoints beside one open journal.

    Args:
        build: this build's digest: a checkpoint of another is passed over.
        writing: whether new ones may be written, and unusable ones removed.
        every: inputs from one to the next.
        note: told, in a sentence, of each one passed over, and when none can be written.
    """

    disk: Disk
    journal: Journal
    build: str
    writing: bool = False
    every: int = EVERY
    note: Callable[[str], None] = lambda text: None
    written: int = 0
    _heads: list[Head] | None = field(default=None, init=False)

    @property
    def folder(self) -> Path:
        """Where they lie."""
        return folder_of(self.disk, self.journal.path)

    def heads(self) -> list[Head]:
        """Those whose head fits the journal, ascending; their states are not read yet."""
        if self._heads is None:
            self._heads = []
            reasons: dict[str, list[int]] = {}  # an update of the program makes all of them useless at once: one note
            for number in self._numbers():
                try:
                    self._heads.append(self._head(number))
                except Unusable as error:
                    reasons.setdefault(str(error), []).append(number)
            for reason, numbers in reasons.items():
                self._pass_over(numbers, reason)
        return self._heads

    def before(self, seq: int) -> Resumed | None:
        """The last one that stands wholly before record *seq*, restored; None without one."""
        for head in reversed([head for head in self.heads() if head.digest_seq < seq]):
            try:
                return self.resume(head)
            except Unusable as error:
                self._pass_over([head.input_seq], str(error))
                self.heads().remove(head)
        return None

    def resume(self, head: Head) -> Resumed:
        """
        The kernel that the checkpoint with *head* holds.

        Raises:
            Unusable: its bytes are damaged, or the restored state is not the one it states.
        """
        run = self._run(head.run_seq)
        kernel = kernel_of(run)
        try:
            found, state, beside = read_checkpoint(self.disk, checkpoint_path(self.folder, head.input_seq))
            kernel.restore(state)
            meet(kernel, beside)
            stands = kernel.state_digest().hex()
        except (OSError, BadCheckpoint) as error:
            raise Unusable(str(error)) from error
        except _NONSENSE as error:
            # Whatever nonsense bytes may say of markets and orders fails in the constructors' own checks.
            raise Unusable(f"its state cannot be restored ({error!r})") from error
        counters = (kernel.seq, kernel.recv_ns, kernel.inputs, f"{int(kernel.digest.value):016x}", stands)
        if found != head or counters != (head.input_seq, head.recv_ns, head.inputs, head.rolling, head.state):
            raise Unusable("the state it holds is not the one it states")
        return Resumed(head, run, kernel)

    def write(self, fork: Fork, kernel: Kernel) -> None:
        """Keep *kernel*'s state, if that can be done; the first failure ends writing, with a note."""
        assert self.writing
        try:
            head = Head(
                journal_id=self.journal.journal_id.hex(),
                build=self.build,
                run_seq=fork.run_seq,
                input_seq=fork.input_seq,
                digest_seq=fork.digest_seq,
                recv_ns=kernel.recv_ns,
                inputs=kernel.inputs,
                rolling=f"{int(kernel.digest.value):016x}",
                state=kernel.state_digest().hex(),
                base_next=fork.base_next,
            )
            if self._stands(head):
                return
            write_checkpoint(self.disk, self.folder, head, kernel.checkpoint(), met(kernel))
            self.written += 1
        except (OSError, ValueError, UnfitMemory) as error:
            self.writing = False
            self.note(f"no checkpoints are kept: {error}")

    def _stands(self, head: Head) -> bool:
        """Whether the file is there already, from an earlier replay."""
        path = checkpoint_path(self.folder, head.input_seq)
        if not self.disk.exists(path):
            return False
        try:
            found = read_head(self.disk, path)
        except BadCheckpoint:
            return False
        return evolve(found, state_bytes="", size=0, beside=0) == head

    def _numbers(self) -> list[int]:
        try:
            return list_checkpoints(self.disk, self.folder)
        except OSError as error:
            self.note(f"the checkpoints cannot be listed: {error}")
            return []

    def _head(self, number: int) -> Head:
        """The head of the file for input *number*, held against the journal. Raises Unusable."""
        try:
            head = read_head(self.disk, checkpoint_path(self.folder, number))
        except (OSError, BadCheckpoint) as error:
            raise Unusable(str(error)) from error
        if head.journal_id != self.journal.journal_id.hex():
            raise Unusable(f"it belongs to journal {head.journal_id}")
        if head.build != self.build:
            raise Unusable(f"build {head.build} wrote it, this is {self.build}")
        if head.input_seq != number:
            raise Unusable(f"it states input {head.input_seq}")
        if not self.journal.first_seq <= head.run_seq < head.input_seq < head.digest_seq <= self.journal.last_seq:
            raise Unusable("it lies outside the journal")
        record = self._record(head.digest_seq)
        if record is None or record.kind != DIGEST or record.cause != head.input_seq or record.recv_ns != head.recv_ns:
            raise Unusable(f"record {head.digest_seq} of the journal is not the DIGEST it was taken behind")
        try:
            unpacker = Unpacker(record.payload)
            inputs, rolling, state = unpacker.take(), unpacker.take(), unpacker.take_data().hex()
        except Malformed as error:
            raise Unusable(f"the journal's DIGEST {head.digest_seq} cannot be read ({error})") from error
        if inputs != head.inputs or f"{int(rolling):016x}" != head.rolling or state not in ("", head.state):
            raise Unusable(f"the journal's DIGEST {head.digest_seq} states another state")
        return head

    def _run(self, seq: int) -> RunStart:
        record = self._record(seq)
        if record is None or record.kind != RUN_START:
            raise Unusable(f"record {seq} of the journal starts no run")
        return read_run_start(seq, record.payload)

    def _record(self, seq: int) -> Record | None:
        try:
            return next(self.journal.records(seq, seq, verify_chain=False), None)
        except JournalError as error:
            raise Unusable(f"record {seq} of the journal cannot be read ({error})") from error

    def _pass_over(self, numbers: list[int], reason: str) -> None:
        paths = [checkpoint_path(self.folder, number) for number in numbers]
        if len(paths) == 1:
            self.note(f"checkpoint {paths[0].name} is not used: {reason}")
        else:
            self.note(f"{len(paths):,} checkpoints are not used: {reason}")
        for path in paths if self.writing else ():
            try:
                self.disk.unlink(path)
            except OSError as error:
                self.note(f"checkpoint {path.name} cannot be removed: {error}")


def symbol_tables(kernel: Kernel) -> dict[str, Symbols]:
    """The symbols that *kernel*'s decoders have met, by venue."""
    found: dict[str, Symbols] = {}
    for kind in filter(_VENUE_KINDS.__contains__, kinds.NAMES):
        translator = kernel.translator(kind)
        if translator is not None:
            found[translator.symbols.venue] = translator.symbols
    return found


def met(kernel: Kernel) -> bytes:
    """
    The symbols of `symbol_tables`, as JSON.

    They are no state: which text has which number changes nothing. But a scanner leaves a symbol it has not met to the
    general decoder, and a replay that begins in the middle is to count the same frames as fast.
    """
    return orjson.dumps({venue: symbols.texts for venue, symbols in symbol_tables(kernel).items()})


def meet(kernel: Kernel, beside: bytes) -> None:
    """Let *kernel*'s decoders know the symbols that `met` gave. Raises ValueError where these are none."""
    tables = symbol_tables(kernel)
    texts = orjson.loads(beside)
    if not isinstance(texts, dict) or list(texts) != list(tables):
        raise ValueError("the symbols beside the state are not of this build's venues")
    for venue, symbols in tables.items():
        for text in texts[venue]:
            symbols.number(text)
