"""
Everything a journal's bytes can be asked: checksums, chain, sequence, index, manifests. Reads only; changes nothing.

The verdict is that of recovery (CLEAN, TORN, CORRUPT), but here every block of every sealed segment is unpacked and
walked, and the first place that does not hold is named. What stands beside the blocks, index and manifest, only repeats
what they say: where it is wrong the walk goes on, and every record is still vouched for.
"""

from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any

import attrs

from engine.kernel.record import NONE
from journal.check import UNKNOWN_TIME, Checker
from journal.disk import Disk
from journal.errors import Damaged, JournalError, NotAJournal, reading
from journal.facts import TOLD, facts_of, file_digest, stream_of
from journal.figures import SegmentFigures, plain
from journal.frames import Decompressor, stated_size
from journal.index import data_frames, read_index
from journal.labels import Label, read_labels
from journal.manifest import read_manifest, tallies
from journal.recovery import CLEAN, CORRUPT, TORN, commit_beyond
from journal.segment import HEADER_SIZE, Files, manifest_path, wal_path, zst_path
from journal.stored import Segment, block_end, join, open_sealed, open_wal

Advance = Callable[[int], None]
"""Called with the raw bytes checked since the last call."""


@attrs.define(kw_only=True)
class SegmentFound(SegmentFigures):
    """What the walk of one segment showed."""

    head: str
    manifest: str = "none"
    """"fits", "bad", "missing", or "none" where there is none by design (a WAL, a bundle, a segment's file alone)"""


@attrs.frozen
class Fault:
    """Something beside the blocks that does not fit them, in which file, at which byte."""

    file: str
    offset: int
    reason: str


@attrs.define
class Verification:
    """The verdict on a journal, and the first damage: in which file, at which byte of it, behind which record."""

    path: str
    verdict: str = CLEAN
    file: str | None = None
    offset: int | None = None
    last_good_seq: int = 0
    reason: str = ""
    journal_id: str = ""
    segments: list[SegmentFound] = attrs.field(factory=list)
    labels: list[Label] = attrs.field(factory=list)
    torn_files: list[str] = attrs.field(factory=list)
    """Evidence that recoveries kept beside the segments."""
    beside: list[Fault] = attrs.field(factory=list)
    """Indexes and manifests that do not fit; CORRUPT for nothing else means that every record is good."""

    @property
    def records(self) -> int:
        """Data records in all segments that hold."""
        return sum(one.records for one in self.segments)

    @property
    def whole(self) -> bool:
        """Whether every record holds, whatever stands beside the blocks."""
        return self.verdict == CLEAN or (self.verdict == CORRUPT and self.reason in [one.reason for one in self.beside])

    @property
    def invalid(self) -> list[Label]:
        """The labels that say not to trust a segment."""
        return [label for label in self.labels if label.invalid]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for ``--json``; kinds by name."""
        fields = {name: value for name, value in attrs.asdict(self).items() if name != "labels"}
        labels = [label.as_dict() for label in self.labels]
        return {**fields, "segments": plain(self.segments), "records": self.records, "labels": labels}


def verify(disk: Disk, path: Path, advance: Advance | None = None) -> Verification:
    """
    Check all of the journal at *path*: a folder, a `.wal`, a `.zst`, or a bundle.

    Damage is what this reports, a file that cannot be read too: it raises nothing.
    """
    found = Verification(str(path))
    walk = _Walk(disk, found, advance or (lambda done: None))
    try:
        with reading(path):
            if disk.is_dir(path):
                walk.folder(path)
            elif path.name.endswith(".wal"):
                walk.wal(open_wal(disk, path, UNKNOWN_TIME), highest=True)
            else:
                walk.sealed_file(path)
    except JournalError as error:
        found.verdict, found.reason = CORRUPT, str(error)
        found.file = str(getattr(error, "path", "") or path)
        found.offset = error.offset if isinstance(error, Damaged) else 0
        if isinstance(error, Damaged) and found.file.endswith(".zst"):
            found.last_good_seq = max(found.last_good_seq, last_whole_block(disk, Path(found.file)))
    if found.verdict == CLEAN and found.beside:
        first = found.beside[0]
        found.verdict, found.file, found.offset, found.reason = CORRUPT, first.file, first.offset, first.reason
    return found


def last_whole_block(disk: Disk, path: Path) -> int:
    """The last record of the blocks that still unpack at the start of a sealed file whose index is lost; 0 for none."""
    file = disk.open_read(path)
    context = Decompressor()
    seq = 0
    try:
        for offset, frame in data_frames(file, path):
            raw = context.block(frame, stated_size(frame, path, offset), path, offset)
            seq = max(seq, block_end(raw, path, offset)[0].last_seq)
    except Damaged:
        return seq
    finally:
        file.close()
    return seq


def walked(segment: Segment, last_recv_ns: int, good: Callable[[int], None], advance: Advance) -> tuple[Checker, str]:
    """
    Every block of a sealed *segment* unpacked and checked; *good* is told the last record of each.

    Returns the walk, and the BLAKE2b-256 of the raw bytes in hex. Raises Damaged at the first rule that is broken.
    """
    header = segment.header
    start = segment.raw(0)[:HEADER_SIZE]
    checker = Checker(start, header.first_seq, last_recv_ns, header.prev_hash, header.max_payload)
    digest = blake2b(digest_size=32)
    for number in range(len(segment.entries)):
        raw = segment.raw(number)
        digest.update(raw)
        checker.feed(raw if number else raw[HEADER_SIZE:], True)
        good(checker.last_seq)
        if checker.reason:
            raise Damaged(segment.path, checker.offset, checker.reason)
        if checker.fault:
            raise Damaged(segment.path, checker.fault_offset, checker.fault)
        segment.check(number, raw, None)
        advance(len(raw))
    assert checker.complete, "a sealed file whose last block carries no LAST does not open"
    return checker, digest.hexdigest()


def check_manifest(disk: Disk, segment: Segment, checker: Checker, raw_digest: str) -> None:
    """Raise Damaged unless the manifest of *segment* states what the segment has. Raises OSError where unreadable."""
    path = manifest_path(segment.path.parent, segment.number)
    manifest = read_manifest(disk, path.parent, segment.number)
    file = disk.open_read(segment.path)
    try:
        facts = facts_of(segment.header, stream_of(checker, raw_digest), file.size(), file_digest(file))
    finally:
        file.close()
    for name in TOLD:
        if manifest[name] != facts[name]:
            raise Damaged(path, 0, f"the manifest states {name} {manifest[name]!r}, the segment has {facts[name]!r}")


class _Walk:
    """One pass over the segments, in order; the first record that does not hold ends it."""

    def __init__(self, disk: Disk, found: Verification, advance: Advance) -> None:
        self._disk = disk
        self._found = found
        self._advance = advance

    def folder(self, directory: Path) -> None:
        """Check every segment of a journal's folder, and how they join."""
        files = Files(self._disk, directory)
        self._found.labels = [label for _, label in sorted(read_labels(self._disk, directory).items())]
        self._found.torn_files = [path.name for _, path in files.torn]
        if not files.segments:
            raise NotAJournal(directory, "it holds no segment")
        previous: Segment | None = None
        for number in files.segments:
            last_recv_ns = -1 if previous is None else max(0, previous.last_recv_ns)
            if files.is_sealed(number):
                segment = self._only(zst_path(directory, number))
                join(segment, previous, number)
                checker, raw_digest = self.sealed(segment, last_recv_ns)
                self._found.segments[-1].manifest = "missing"
                if number in files.manifest:
                    self._found.segments[-1].manifest = self._manifest(segment, checker, raw_digest)
            else:
                segment = open_wal(self._disk, wal_path(directory, number), last_recv_ns)
                join(segment, previous, number)
                self.wal(segment, highest=number == files.segments[-1])
            segment.close()
            if self._found.verdict != CLEAN:
                return
            previous = segment

    def sealed_file(self, path: Path) -> None:
        """Check a `.zst` or a bundle by itself."""
        previous: Segment | None = None
        segments = open_sealed(self._disk, path)
        self._check_tables(path)
        for segment in segments:
            if previous is not None:
                join(segment, previous, previous.number + 1)
            last_recv_ns = UNKNOWN_TIME if previous is None else max(0, previous.last_recv_ns)
            self.sealed(segment, last_recv_ns)
            previous = segment
        for segment in segments:
            segment.close()

    def sealed(self, segment: Segment, last_recv_ns: int) -> tuple[Checker, str]:
        """Check and describe a sealed segment; see `walked`."""
        checker, raw_digest = walked(segment, last_recv_ns, self._good, self._advance)
        self._describe(segment, checker, "sealed")
        return checker, raw_digest

    def _good(self, seq: int) -> None:
        self._found.last_good_seq = seq

    def _manifest(self, segment: Segment, checker: Checker, raw_digest: str) -> str:
        """Hold the manifest against the segment: "fits", or "bad" and a fault noted."""
        try:
            with reading(manifest_path(segment.path.parent, segment.number)):
                check_manifest(self._disk, segment, checker, raw_digest)
        except JournalError as error:
            self._note(error)
            return "bad"
        return "fits"

    def _note(self, error: JournalError) -> None:
        """Something beside the blocks is wrong."""
        file = str(getattr(error, "path", ""))
        self._found.beside.append(Fault(file, error.offset if isinstance(error, Damaged) else 0, str(error)))

    def wal(self, segment: Segment, highest: bool) -> None:
        """Judge the walk of a WAL: it may end torn, or lack its final block, only if it is the *highest* segment."""
        checker = segment.checker
        assert checker is not None
        found = self._found
        found.last_good_seq = checker.last_seq
        self._advance(checker.offset)
        if checker.fault and not checker.reason:
            raise Damaged(segment.path, checker.fault_offset, checker.fault)
        self._describe(segment, checker, "closed" if checker.complete else "open")
        if checker.reason:
            torn = highest and not commit_beyond(self._disk, segment.path, checker.offset)
            found.verdict = TORN if torn else CORRUPT
            found.file, found.offset, found.reason = str(segment.path), checker.offset, checker.reason
        elif not checker.complete and not highest:
            raise Damaged(segment.path, checker.offset, "the segment lacks its final block, but a later one exists")

    def _only(self, path: Path) -> Segment:
        """The one segment of a sealed file, its tables checked. Raises Damaged when it holds several."""
        segments = open_sealed(self._disk, path)
        self._check_tables(path)
        if len(segments) != 1:
            raise Damaged(path, 0, f"it holds {len(segments)} segments, expected one")
        return segments[0]

    def _check_tables(self, path: Path) -> None:
        """Readers make a broken index anew; here it is noted."""
        file = self._disk.open_read(path)
        try:
            read_index(file, path)
        except Damaged as damage:
            self._note(damage)
        finally:
            file.close()

    def _describe(self, segment: Segment, checker: Checker, state: str) -> None:
        file = self._disk.open_read(segment.path)
        stored_bytes = file.size()
        file.close()
        by_kind, by_source = tallies(checker.tally().items())
        found = SegmentFound(
            number=segment.number,
            file=segment.path.name,
            state=state,
            records=checker.records,
            first_seq=segment.header.first_seq,
            last_seq=checker.last_seq,
            first_recv_ns=None if checker.first_recv_ns == NONE else checker.first_recv_ns,
            last_recv_ns=checker.last_recv_ns if checker.records else None,
            blocks=len(checker.blocks),
            raw_bytes=checker.offset,
            stored_bytes=stored_bytes,
            run_epoch=segment.header.run_epoch,
            head=checker.head.hex(),
            by_kind=by_kind,
            by_source=by_source,
        )
        self._found.journal_id = segment.header.journal_id.hex()
        self._found.segments.append(found)
