"""What a journal holds, in figures: from the manifests where they stand, counted from the records where they do not."""

from pathlib import Path
from typing import Any

import attrs

from engine.kernel.record import CONTROL
from journal.codec import Cursor
from journal.disk import Disk
from journal.errors import Damaged
from journal.figures import SegmentFigures, plain
from journal.labels import Label, read_labels
from journal.manifest import Manifest, by_kind_name, read_manifest, tallies
from journal.reader import Journal, open_journal
from journal.segment import HEADER_SIZE, Files, wal_path, zst_path
from journal.select import source_names
from journal.show import source_name
from journal.stored import Segment, open_sealed


@attrs.define(kw_only=True)
class SegmentSummary(SegmentFigures):
    """One segment, in figures."""

    status: str | None
    """Of the manifest: SEALED_OK and the like; None without manifest."""
    label: str | None
    """Why a label marks it invalid; None when none does."""


@attrs.define
class SourceSummary:
    """One source and how many records came from it."""

    number: int
    name: str
    records: int


@attrs.define
class Summary:
    """A whole journal, in figures."""

    path: str
    form: str
    """"folder", "segment" or "bundle" """
    journal_id: str
    records: int
    first_seq: int
    last_seq: int
    first_recv_ns: int | None
    last_recv_ns: int | None
    by_kind: dict[str, int]
    sources: list[SourceSummary]
    segments: list[SegmentSummary]
    notes: list[str]
    """What a reader should know: torn tails, damage, evidence, labels."""

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for ``--json``; kinds by name."""
        return {**attrs.asdict(self), "segments": plain(self.segments)}


def summarise(disk: Disk, path: Path) -> Summary:
    """
    The figures of the journal at *path*, whatever form it has.

    Raises:
        JournalError: nothing of it can be read. What stops reading further on is told in the notes.
    """
    with open_journal(path, disk) as journal:
        folder = path if disk.is_dir(path) else None
        manifests: dict[int, Manifest] = {}
        labels: dict[int, Label] = {}
        notes: list[str] = []
        if folder is not None:
            files = Files(disk, folder)
            for number in files.manifest:
                try:
                    manifests[number] = read_manifest(disk, folder, number)
                except Damaged as damage:
                    notes.append(f"counted from the records: {damage}")
            labels = read_labels(disk, folder)
            notes += [f"{torn.name} holds what a recovery cut off" for _, torn in files.torn]
        segments = [
            _segment(
                disk,
                one,
                folder is not None or len(journal.segments) == 1,
                manifests.get(one.number),
                labels.get(one.number),
            )
            for one in journal.segments
        ]
        notes += _notes(journal, labels)
        by_kind = _added([one.by_kind for one in segments])
        by_source = _added([one.by_source for one in segments])
        names = source_names(journal)
        return Summary(
            path=str(path),
            form="folder" if folder is not None else "bundle" if len(segments) > 1 else "segment",
            journal_id=journal.journal_id.hex(),
            records=sum(one.records for one in segments),
            first_seq=journal.first_seq,
            last_seq=journal.last_seq,
            first_recv_ns=next((one.first_recv_ns for one in segments if one.records), None),
            last_recv_ns=next((one.last_recv_ns for one in reversed(segments) if one.records), None),
            by_kind=by_kind_name(by_kind),
            sources=[
                SourceSummary(number, source_name(names, number), by_source.get(str(number), 0))
                for number in sorted({*names, *map(int, by_source)})
            ],
            segments=segments,
            notes=notes,
        )


def raw_bytes(journal: Journal) -> int:
    """The raw bytes in the closed blocks of an open *journal*."""
    return sum(entry.raw_len for segment in journal.segments for entry in segment.entries)


def raw_bytes_at(disk: Disk, path: Path) -> int:
    """About as many raw bytes as the journal at *path* has, read without walking it. Raises JournalError, OSError."""
    if disk.is_dir(path):
        files = Files(disk, path)
        paths = [zst_path(path, n) if files.is_sealed(n) else wal_path(path, n) for n in files.segments]
    else:
        paths = [path]
    found = 0
    for one in paths:
        if one.suffix == ".wal":
            file = disk.open_read(one)
            found += file.size()
            file.close()
        else:
            found += sum(entry.raw_len for segment in open_sealed(disk, one) for entry in segment.entries)
    return found


def _notes(journal: Journal, labels: dict[int, Label]) -> list[str]:
    notes = list(journal.remarks)
    if journal.damage is not None:
        notes.append(f"only what stands before the damage is counted: {journal.damage}")
    checker = journal.segments[-1].checker
    if checker is not None and checker.reason and journal.damage is None:
        notes.append(f"{journal.segments[-1].path.name} ends in an unfinished batch at byte {checker.offset}")
    for label in labels.values():
        notes.append(f"segment {label.segment} is {'marked invalid' if label.invalid else 'labelled'}: {label.reason}")
    return notes


def _segment(
    disk: Disk, segment: Segment, alone: bool, manifest: Manifest | None, label: Label | None
) -> SegmentSummary:
    if segment.sealed and manifest is not None:
        by_kind, by_source = manifest["records_by_kind"], manifest["records_by_source"]
    else:
        by_kind, by_source = tallies(_counts(segment).items())
    checker = segment.checker
    records = sum(by_kind.values())
    entries = segment.entries
    stored = sum(entry.comp_len for entry in entries) if checker is None else checker.offset
    if checker is None and alone:
        file = disk.open_read(segment.path)
        stored = file.size()
        file.close()
    return SegmentSummary(
        number=segment.number,
        file=segment.path.name,
        state="sealed" if segment.sealed else "closed" if segment.complete else "open",
        records=records,
        first_seq=segment.first_seq,
        last_seq=segment.last_seq,
        first_recv_ns=segment.first_recv_ns if records else None,
        last_recv_ns=segment.last_recv_ns if records else None,
        blocks=len(entries),
        raw_bytes=sum(entry.raw_len for entry in entries) if checker is None else checker.offset,
        stored_bytes=stored,
        run_epoch=segment.header.run_epoch,
        status=None if manifest is None else manifest["status"],
        label=label.reason if label is not None and label.invalid else None,
        by_kind=by_kind,
        by_source=by_source,
    )


def _counts(segment: Segment) -> dict[tuple[int, int], int]:
    """Data records by (kind, source). A WAL was walked when it was opened; a sealed segment is walked here."""
    if segment.checker is not None:
        return segment.checker.tally()
    counts: dict[tuple[int, int], int] = {}
    for number in range(len(segment.entries)):
        raw = segment.raw(number)
        cursor = Cursor(raw, 0 if number else HEADER_SIZE, len(raw), segment.header.max_payload)
        try:
            while cursor.next():
                if not cursor.flags & CONTROL:
                    key = (int(cursor.kind), int(cursor.source))
                    counts[key] = counts.get(key, 0) + 1
        except Damaged as damage:
            raise Damaged(segment.path, segment.entries[number].raw_off + damage.offset, damage.reason) from damage
    return counts


def _added(counts: list[dict[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for one in counts:
        for name, count in one.items():
            total[name] = total.get(name, 0) + count
    return dict(sorted(total.items(), key=lambda item: int(item[0])))
