"""
One import: catalogues first, then every recording, merged by receive time into one new journal.

The journal grows in a folder beside its place and takes its name last, so that a half import never looks whole. The
same files give the same records and the same journal id, whenever and wherever they are imported.
"""

import heapq
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from typing import Any

import attrs

from engine.kernel import record
from journal.background import Background
from journal.disk import Disk
from journal.importer import arrays
from journal.importer.building import build
from journal.importer.catalogue import CatalogueInput, read_catalogue
from journal.importer.files import chunks
from journal.importer.formats import READERS
from journal.importer.lines import lines, plain
from journal.importer.recording import Arrival, NotARecording, Tally
from journal.importer.sniff import Known, Recording, sniff, sniff_array
from journal.importer.venues import canonical
from journal.importer.writing import ImportWriter, Stream
from journal.staging import refuse_taken

Advance = Callable[[int], None]
"""Called with the bytes of the input files read since the last call."""


@attrs.frozen
class Catalogue:
    """One catalogue file to import; *venue* is found out when empty."""

    path: Path
    venue: str = ""


@attrs.define
class CatalogueTally:
    """What became of one catalogue file."""

    file: str
    venue: str
    source: int
    source_name: str
    documents: int
    bytes: int


@attrs.define
class ImportReport:
    """What an import made, and what became of every line it read."""

    journal: str
    journal_id: str
    records: int
    first_ns: int
    last_ns: int
    catalogues: list[CatalogueTally]
    recordings: list[Tally]

    @property
    def frames(self) -> int:
        """Frames and replies of all recordings."""
        return sum(tally.frames + tally.replies for tally in self.recordings)

    @property
    def unplaced_lines(self) -> int:
        """Lines of all recordings that could not be placed."""
        return sum(tally.unplaced_lines for tally in self.recordings)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for ``--json``."""
        return {
            **attrs.asdict(self, recurse=False),
            "frames": self.frames,
            "unplaced_lines": self.unplaced_lines,
            "catalogues": [attrs.asdict(one) for one in self.catalogues],
            "recordings": [tally.as_dict() for tally in self.recordings],
        }


def import_recordings(
    recordings: Sequence[Recording],
    target: Path,
    disk: Disk,
    background: Background,
    *,
    catalogues: Sequence[Catalogue] = (),
    sealed_ns: int | None,
    advance: Advance | None = None,
) -> ImportReport:
    """
    Import *recordings* into a new journal at *target*, a folder that is absent or empty.

    Args:
        catalogues: journalled first, at the time of the first frame, or when they were received if that was earlier.
        sealed_ns: the wall clock, noted in the manifests; None leaves the segments unsealed.
        advance: progress, in bytes of the recordings.
    Raises:
        NotARecording: a file is damaged, or is nothing that can be imported.
        NeedsAnswer: a file leaves its venue or symbol open.
        Taken: *target* is not empty.
    """
    refuse_taken(disk, target)
    documents = [(one, read_catalogue(disk, one.path, one.venue)) for one in catalogues]
    known = [_known(disk, one) for one in recordings]
    names = source_names([found[0].venue for _, found in documents], [one.venue.name for one in known])
    streams = [Stream(number, names[number], one.venue) for number, one in enumerate(known, 2 + len(documents))]
    tallies = [
        Tally(one.path.name, one.format, one.venue.name, stream.source, stream.name)
        for one, stream in zip(known, streams, strict=True)
    ]
    arrivals = merged(disk, known, tallies, advance)
    first = next(arrivals, None)
    if first is None:
        raise NotARecording(_nothing_placed(tallies))
    journal_id = fingerprint(disk, [one.path for one in catalogues], known)
    listed = [
        CatalogueTally(
            one.path.name, found[0].venue, number, names[number], len(found), sum(len(x.frame) for x in found)
        )
        for number, (one, found) in enumerate(documents, 2)
    ]

    def fill(writer: ImportWriter) -> None:
        _append_catalogues(writer, [found for _, found in documents], first[1].at_ns)
        for number, arrival in chain([first], arrivals):
            writer.arrival(streams[number], arrival)

    records = build(target, disk, background, journal_id, first[1].at_ns, names, sealed_ns, fill)
    return ImportReport(
        journal=str(target),
        journal_id=journal_id.hex(),
        records=records,
        first_ns=min(tally.first_ns for tally in tallies if tally.first_ns != record.NONE),
        last_ns=max(tally.last_ns for tally in tallies),
        catalogues=listed,
        recordings=tallies,
    )


def merged(
    disk: Disk, known: Sequence[Known], tallies: Sequence[Tally], advance: Advance | None
) -> Iterator[tuple[int, Arrival]]:
    """Every arrival of every recording with its recording's place in *known*: by time, equal times in that order."""

    def read(number: int) -> Iterator[tuple[int, Arrival]]:
        one = known[number]
        if one.format == "npz":
            pieces = arrays.rows(disk, one.path, advance)
            return ((number, arrival) for arrival in arrays.read_arrays(pieces, one.symbol, tallies[number]))
        text = lines(plain(chunks(disk, one.path, advance), one.path.name), one.path.name)
        return ((number, arrival) for arrival in READERS[one.format](text, one.venue, one.symbol, tallies[number]))

    found = read(0)
    if len(known) > 1:
        found = heapq.merge(found, *map(read, range(1, len(known))), key=lambda entry: entry[1].at_ns)
    return arrays.begun(found) if any(one.format == "npz" for one in known) else found


def _known(disk: Disk, recording: Recording) -> Known:
    """*recording*, and what its name and its beginning tell of it. Raises what `sniff` and `sniff_array` raise."""
    path = recording.path
    if arrays.is_array(next(chunks(disk, path), b"")):
        return sniff_array(recording)
    return sniff(recording, lines(plain(chunks(disk, path), path.name), path.name))


def source_names(catalogues: Sequence[str], recordings: Sequence[str]) -> dict[int, str]:
    """
    A name for each file's source, by its number: 1 is the engine, then the catalogues, then the recordings.

    The venue names them; a second file of the same venue gets ``-2`` behind its name, and so on.
    """
    names = {int(record.ENGINE_SOURCE): "engine"}
    taken: dict[str, int] = {}
    for number, name in enumerate([*(f"{venue}-catalogue" for venue in catalogues), *recordings], 2):
        taken[name] = taken.get(name, 0) + 1
        names[number] = name if taken[name] == 1 else f"{name}-{taken[name]}"
    return names


def fingerprint(disk: Disk, catalogues: Sequence[Path], known: Sequence[Known]) -> bytes:
    """A journal id (16 bytes) that is the same whenever the same files are imported in the same way."""
    digest = blake2b(digest_size=16, person=b"refold-import-1")
    for path, said in [*((path, "catalogue") for path in catalogues), *((one.path, repr_of(one)) for one in known)]:
        digest.update(canonical({"file": path.name, "as": said}))
        for piece in chunks(disk, path):
            digest.update(piece)
    return digest.digest()


def repr_of(known: Known) -> str:
    """How a recording was read, as text."""
    return f"{known.format} {known.venue.name} {known.symbol}"


def _append_catalogues(writer: ImportWriter, catalogues: Sequence[list[CatalogueInput]], start_ns: int) -> None:
    """Append all catalogue documents in the order of their times; none stands after the first frame."""
    placed = [
        (start_ns if one.recorded_ns == record.NONE else min(one.recorded_ns, start_ns), source, number, one)
        for source, found in enumerate(catalogues, 2)
        for number, one in enumerate(found, 1)
    ]
    for at_ns, source, number, one in sorted(placed, key=lambda entry: entry[:3]):
        writer.catalogue(source, one.kind, at_ns, one.recorded_ns, number, one.meta, one.frame)


def _nothing_placed(tallies: Sequence[Tally]) -> str:
    tally = tallies[0]
    why = f" (line {tally.unplaced[0].first:,}: {tally.unplaced[0].reason})" if tally.unplaced else ""
    return f"{tally.file}: not one of {tally.lines:,} lines could be placed as {tally.format} of {tally.venue}{why}"
