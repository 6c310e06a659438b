"""
Everything a journal's bytes can be asked: checksums, chain, sequence, index, manifests. Reads only; changes nothing.

The verdict is that of recovery (CLEAN, TORN, CORRUPT), but here every block of every sealed segment is unpacked and
walked, and the first place that does not hold is named.
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
from journal.frames import Decompressor, stated_size
from journal.index import data_frames, read_index
from journal.labels import Label, read_labels
from journal.manifest import Manifest, by_kind_name, read_manifest, tallies
from journal.recovery import CLEAN, CORRUPT, TORN, commit_beyond
from journal.seal import file_digest
from journal.segment import HEADER_SIZE, Files, wal_path, zst_path
from journal.stored import Segment, block_end, join, open_sealed, open_wal

Advance = Callable[[int], None]
"""Called with the raw bytes checked since the last call."""


@attrs.define
class SegmentFound:
    """What the walk of one segment showed."""

    number: int
    file: str
    state: str
    """"sealed", "closed" (a complete WAL) or "open" (a WAL whose last block is not closed)"""
    records: int
    first_seq: int
    last_seq: int
    first_recv_ns: int | None
    last_recv_ns: int | None
    blocks: int
    raw_bytes: int
    stored_bytes: int
    run_epoch: int
    head: str
    manifest: str
    """"fits", "missing", or "none" where there is none by design (a WAL, a bundle, a segment's file alone)"""
    by_kind: dict[str, int]
    by_source: dict[str, int]


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

    @property
    def records(self) -> int:
        """Data records in all segments that hold."""
        return sum(one.records for one in self.segments)

    @property
    def invalid(self) -> list[Label]:
        """The labels that say not to trust a segment."""
        return [label for label in self.labels if label.invalid]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for ``--json``; kinds by name."""
        fields = {name: value for name, value in attrs.asdict(self).items() if name != "labels"}
        for one in fields["segments"]:
            one["by_kind"] = by_kind_name(one["by_kind"])
        return {**fields, "records": self.records, "labels": [label.as_dict() for label in self.labels]}


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


class _Walk:
    """One pass over the segments, in order; the first thing that does not hold ends it."""

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
                manifest = read_manifest(self._disk, directory, number) if number in files.manifest else None
                self.sealed(segment, last_recv_ns, manifest, "missing")
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
            self.sealed(segment, last_recv_ns, None, "none")
            previous = segment
        for segment in segments:
            segment.close()

    def sealed(self, segment: Segment, last_recv_ns: int, manifest: Manifest | None, without: str) -> None:
        """Unpack and check every block of a sealed segment, then compare it with its manifest. Raises Damaged."""
        header = segment.header
        start = segment.raw(0)[:HEADER_SIZE]
        checker = Checker(start, header.first_seq, last_recv_ns, header.prev_hash, header.max_payload)
        digest = blake2b(digest_size=32)
        for number in range(len(segment.entries)):
            raw = segment.raw(number)
            digest.update(raw)
            checker.feed(raw if number else raw[HEADER_SIZE:], True)
            self._found.last_good_seq = checker.last_seq
            self._refuse(segment, checker)
            segment.check(number, raw, None)
            self._advance(len(raw))
        assert checker.complete, "a sealed file whose last block carries no LAST does not open"
        found = self._describe(segment, checker, "sealed")
        found.manifest = without
        if manifest is not None:
            self._compare(segment, found, manifest, digest.hexdigest())
            found.manifest = "fits"

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

    def _refuse(self, segment: Segment, checker: Checker) -> None:
        if checker.reason:
            raise Damaged(segment.path, checker.offset, checker.reason)
        if checker.fault:
            raise Damaged(segment.path, checker.fault_offset, checker.fault)

    def _only(self, path: Path) -> Segment:
        """The one segment of a sealed file, its tables checked. Raises Damaged when it holds several."""
        segments = open_sealed(self._disk, path)
        self._check_tables(path)
        if len(segments) != 1:
            raise Damaged(path, 0, f"it holds {len(segments)} segments, expected one")
        return segments[0]

    def _check_tables(self, path: Path) -> None:
        """Readers make a broken index anew; here it is damage. Raises Damaged."""
        file = self._disk.open_read(path)
        try:
            read_index(file, path)
        finally:
            file.close()

    def _describe(self, segment: Segment, checker: Checker, state: str) -> SegmentFound:
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
            manifest="none",
            by_kind=by_kind,
            by_source=by_source,
        )
        self._found.journal_id = segment.header.journal_id.hex()
        self._found.segments.append(found)
        return found

    def _compare(self, segment: Segment, found: SegmentFound, manifest: Manifest, raw_digest: str) -> None:
        """Raise Damaged at the first statement of the manifest that the segment does not bear out."""
        path = segment.path.with_name(f"{segment.number:08d}.manifest.json")
        file = self._disk.open_read(segment.path)
        facts = {
            "segment_no": found.number,
            "journal_id": self._found.journal_id,
            "run_epoch": found.run_epoch,
            "first_seq": found.first_seq,
            "last_seq": found.last_seq,
            "records": found.records,
            "records_by_kind": found.by_kind,
            "records_by_source": found.by_source,
            "blocks": found.blocks,
            "first_recv_ns": found.first_recv_ns,
            "last_recv_ns": found.last_recv_ns,
            "raw_bytes": found.raw_bytes,
            "zst_bytes": found.stored_bytes,
            "prev_hash": segment.header.prev_hash.hex(),
            "head_hash": found.head,
            "raw_blake2b": raw_digest,
            "zst_blake2b": file_digest(file),
        }
        file.close()
        for name, fact in facts.items():
            if manifest[name] != fact:
                raise Damaged(path, 0, f"the manifest states {name} {manifest[name]!r}, the segment has {fact!r}")
