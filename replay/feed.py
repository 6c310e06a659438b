"""
What a resimulation reads: a base's market data as packed inputs, from sidecars where they can be used.

Without the orders of the base's own runs, where it has real ones: `replay.without_own`.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import Future
from contextlib import closing
from functools import partial
from typing import Final, Protocol

from engine.kernel.record import CONTROL, DERIVED
from journal.background import Background
from journal.disk import Disk
from journal.errors import Damaged
from journal.reader import Journal
from journal.stored import Segment
from replay.blocks import behind
from replay.decoded import Piece
from replay.decoders import translators
from replay.packing import InputPacker
from replay.sidecar import PIECE, NoSidecar, Sidecar, open_sidecar, sidecar_path
from replay.strict import is_kept
from replay.taken import Taken

AHEAD: Final = 4
"""Parts of a sidecar loaded ahead of the one in use."""


class Feed(Protocol):
    """A base's inputs in journal order. `pieces` is run once."""

    @property
    def first_seq(self) -> int:
        """Number of the base's first record."""

    @property
    def last_seq(self) -> int:
        """Number of the base's last record."""

    @property
    def first_recv_ns(self) -> int:
        """When the first record reached us; 0 where there is none."""

    @property
    def sources(self) -> dict[int, str]:
        """The names of its sources, by their numbers."""

    @property
    def path_counts(self) -> tuple[int, int]:
        """How many frames were translated on the way, by a fast path and by a general one."""

    @property
    def taken(self) -> Taken | None:
        """What was taken out of the base so far; None where its own orders, if it has any, are kept."""

    def pieces(self) -> Iterator[Piece]:
        """All of the base. Raises JournalError where it is damaged, after what stands before."""

    def least_lags(self) -> dict[int, int]:
        """The least recv_ns - src_ns of each source whose inputs bear stamps."""


class JournalFeed:
    """
    The inputs of *journal*, decoded already where a sidecar says so, else translated and packed block by block.

    *decoders* names the decoder of each kind, as RUN_START does, *build* this build. *background* loads sidecars ahead;
    it and the journal stay the caller's. Why a sidecar is passed over goes to *note*, unless there is none.
    """

    def __init__(
        self,
        disk: Disk,
        journal: Journal,
        decoders: Mapping[str, str],
        build: str,
        background: Background,
        note: Callable[[str], None],
    ) -> None:
        self._disk = disk
        self._journal = journal
        self._decoders = dict(decoders)
        self._build = build
        self._background = background
        self._note = note
        self._packer = InputPacker(translators(decoders), journal.first_seq - 1)
        self.taken = None

    @property
    def first_seq(self) -> int:
        """See `Feed`."""
        return self._journal.first_seq

    @property
    def last_seq(self) -> int:
        """See `Feed`."""
        return self._journal.last_seq

    @property
    def first_recv_ns(self) -> int:
        """See `Feed`."""
        return max(0, self._journal.segments[0].first_recv_ns)

    @property
    def sources(self) -> dict[int, str]:
        """See `Feed`."""
        return self._journal.sources

    @property
    def path_counts(self) -> tuple[int, int]:
        """See `Feed`."""
        return int(self._packer.fast), int(self._packer.slow)

    def pieces(self) -> Iterator[Piece]:
        """See `Feed`. Raises what `Journal.blocks` raises."""
        for segment in self._journal.segments:
            from_seq = segment.first_seq
            if segment.last_seq < from_seq:
                continue
            try:
                with self._sidecar(segment) as sidecar, closing(_ahead(sidecar, self._background)) as loaded:
                    for piece in loaded:
                        yield piece
                        from_seq = int(piece.last_seq) + 1
                continue
            except NoSidecar as error:
                if segment.sealed and self._disk.exists(sidecar_path(segment)):
                    self._note(f"sidecar not used: {error}")
            except Damaged as damage:
                self._note(f"sidecar not used from record {from_seq} on: {damage}")
            yield from self._packed(segment, from_seq)
        if self._journal.damage is not None:
            raise self._journal.damage

    def least_lags(self) -> dict[int, int]:
        """See `Feed`. Segments without a sidecar are passed over once for it, their heads only."""
        found: dict[int, int] = {}
        for segment in self._journal.segments:
            if segment.last_seq < segment.first_seq:
                continue
            try:
                with self._sidecar(segment) as sidecar:
                    lags = sidecar.least_lags()
            except NoSidecar:
                lags = self._least_lags_of_heads(segment)
            for source, lag in lags.items():
                found[source] = min(lag, found.get(source, lag))
        return found

    def _sidecar(self, segment: Segment) -> Sidecar:
        return open_sidecar(self._disk, segment, self._decoders, self._build)

    def _packed(self, segment: Segment, from_seq: int) -> Iterator[Piece]:
        """The records of *segment* from *from_seq* on, translated here."""
        return packed(self._journal, self._packer, from_seq, segment.last_seq)

    def _least_lags_of_heads(self, segment: Segment) -> dict[int, int]:
        found: dict[int, int] = {}
        for block in self._journal.blocks(segment.first_seq, segment.last_seq, verify_chain=False):
            cursor = block.cursor()
            while cursor.next():
                if cursor.flags & (CONTROL | DERIVED) or cursor.src_ns < 0 or not is_kept(cursor.kind):
                    continue
                lag, source = int(cursor.recv_ns - cursor.src_ns), int(cursor.source)
                found[source] = min(lag, found.get(source, lag))
        return found


class MemoryFeed:
    """The feed of *pieces* that are in memory, in order; at least one. *sources* names their sources by number."""

    def __init__(self, pieces: list[Piece], first_recv_ns: int, sources: dict[int, str]) -> None:
        self._pieces = pieces
        self.first_recv_ns = first_recv_ns
        self.sources = sources
        self.path_counts = 0, 0
        self.taken = None

    @property
    def first_seq(self) -> int:
        """See `Feed`."""
        return int(self._pieces[0].first_seq)

    @property
    def last_seq(self) -> int:
        """See `Feed`."""
        return int(self._pieces[-1].last_seq)

    def pieces(self) -> Iterator[Piece]:
        """See `Feed`."""
        yield from self._pieces

    def least_lags(self) -> dict[int, int]:
        """See `Feed`."""
        found: dict[int, int] = {}
        for piece in self._pieces:
            for source, lag in piece.least_lag_ns.items():
                found[source] = min(lag, found.get(source, lag))
        return found


def packed(journal: Journal, packer: InputPacker, from_seq: int, until_seq: int) -> Iterator[Piece]:
    """The records *from_seq* to *until_seq* of *journal*, from their frames. Raises what `Journal.blocks` raises."""
    packer.skip(from_seq - 1)
    for block in journal.blocks(from_seq, until_seq):
        at = behind(block, from_seq - 1)
        while at < block.end:
            at = packer.add(block.data, at, block.end, PIECE)
            yield packer.take()


def _ahead(sidecar: Sidecar, background: Background) -> Generator[Piece, None, None]:
    """Every piece of *sidecar*, loaded ahead. To be closed before the sidecar is: then nobody reads it any more."""
    waiting: deque[Future[Piece]] = deque()
    parts = len(sidecar.contents.parts)
    asked = 0
    try:
        for _ in range(parts):
            while asked < parts and len(waiting) < AHEAD:
                waiting.append(background.run(partial(sidecar.piece, asked)))
                asked += 1
            piece = waiting[0].result()  # one that was not waited for to its end stays here
            waiting.popleft()
            yield piece
    finally:
        for future in waiting:
            if not future.cancel():
                future.exception()  # it reads the file, which is closed next
