"""The manifest of a sealed segment: a JSON file whose presence commits the sealing. It repeats facts of the stream."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from engine.kernel import kinds
from journal.disk import Disk, read_all, write_all
from journal.errors import Damaged
from journal.segment import manifest_path, with_suffix

FORMAT: Final = "journal/1.0"
MOST_BYTES: Final = 1 << 24

STOP_REASONS: Final = ("size", "time", "shutdown", "recovery")
SEALED_OK: Final = "SEALED_OK"
SEALED_AFTER_RECOVERY: Final = "SEALED_AFTER_RECOVERY"
SEALED_AFTER_DISK_FULL: Final = "SEALED_AFTER_DISK_FULL"
SALVAGED: Final = "SALVAGED"
MANIFEST_RENEWED: Final = "MANIFEST_RENEWED"
"""The manifest was made anew from the blocks: what it said before of how the segment was sealed is lost."""
STATUSES: Final = (SEALED_OK, SEALED_AFTER_RECOVERY, SEALED_AFTER_DISK_FULL, SALVAGED, MANIFEST_RENEWED)

FIELDS: Final = (
    "blocks",
    "closed_ns",
    "first_recv_ns",
    "first_seq",
    "format",
    "head_hash",
    "journal_id",
    "last_recv_ns",
    "last_seq",
    "level",
    "opened_ns",
    "prev_hash",
    "raw_blake2b",
    "raw_bytes",
    "records",
    "records_by_kind",
    "records_by_source",
    "run_epoch",
    "sealed_ns",
    "segment_no",
    "sources",
    "status",
    "stop_reason",
    "torn_bytes",
    "zst_blake2b",
    "zst_bytes",
    "zstd_version",
)

Manifest = dict[str, Any]


def encode_manifest(manifest: Manifest) -> bytes:
    """Canonical bytes: sorted keys, two spaces of indent, a final newline."""
    assert tuple(sorted(manifest)) == FIELDS
    assert manifest["stop_reason"] in STOP_REASONS
    assert manifest["status"] in STATUSES
    return (json.dumps(manifest, sort_keys=True, indent=2) + "\n").encode()


def read_manifest(disk: Disk, directory: Path, number: int) -> Manifest:
    """The manifest of segment *number*. Raises Damaged when it is not one of this format, OSError when unreadable."""
    path = manifest_path(directory, number)
    try:
        found = json.loads(read_all(disk, path, MOST_BYTES))
    except (ValueError, RecursionError) as error:
        raise Damaged(path, 0, f"the manifest is no JSON ({error})") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise Damaged(path, 0, f"the manifest is not of format {FORMAT}")
    missing = [name for name in FIELDS if name not in found]
    if missing:
        raise Damaged(path, 0, f"the manifest lacks {missing[0]}")
    return found


def write_manifest(disk: Disk, directory: Path, manifest: Manifest) -> None:
    """Put the manifest in its place: written, synced, renamed, and the name made durable."""
    path = manifest_path(directory, manifest["segment_no"])
    temporary = with_suffix(path, ".tmp")
    if disk.exists(temporary):
        disk.unlink(temporary)
    file = disk.create(temporary)
    try:
        write_all(file, encode_manifest(manifest))
        file.sync()
    finally:
        file.close()
    disk.rename(temporary, path)
    disk.sync_dir(directory)


def tallies(counts: Iterable[tuple[tuple[int, int], int]]) -> tuple[dict[str, int], dict[str, int]]:
    """Records by kind and by source, keyed by decimal number, from counts by (kind, source)."""
    kinds: dict[str, int] = {}
    sources: dict[str, int] = {}
    for (kind, source), count in counts:
        kinds[str(kind)] = kinds.get(str(kind), 0) + count
        sources[str(source)] = sources.get(str(source), 0) + count
    return kinds, sources


def by_kind_name(counts: dict[str, int]) -> dict[str, int]:
    """Records by the kind's name, from those by its number as `tallies` gives them: for people and their programs."""
    return {kinds.name(int(kind)): count for kind, count in counts.items()}
