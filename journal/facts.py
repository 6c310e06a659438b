"""What the manifest of a sealed segment repeats of the segment itself: told by its stream, and by its file."""

from hashlib import blake2b
from typing import Any, Final

import zstandard

from journal.check import Checker
from journal.disk import File
from journal.manifest import FORMAT, tallies
from journal.payloads import decode_sources
from journal.segment import Header
from journal.stored import CHUNK

TOLD: Final = (
    "segment_no",
    "journal_id",
    "run_epoch",
    "first_seq",
    "last_seq",
    "records",
    "records_by_kind",
    "records_by_source",
    "blocks",
    "first_recv_ns",
    "last_recv_ns",
    "raw_bytes",
    "zst_bytes",
    "prev_hash",
    "head_hash",
    "raw_blake2b",
    "zst_blake2b",
)
"""What is compared, in this order, when a segment is verified."""


def facts_of(header: Header, checker: Checker, raw_digest: str, zst_bytes: int, zst_digest: str) -> dict[str, Any]:
    """
    The fields of a manifest that its segment gives, the walk of the whole of it being *checker*.

    Args:
        raw_digest, zst_digest: BLAKE2b-256, in hex, of its raw bytes and of its sealed file.
    """
    kinds, sources = tallies(checker.tally().items())
    first_recv_ns, last_recv_ns = int(checker.first_recv_ns), int(checker.last_recv_ns)
    return {
        "format": FORMAT,
        "journal_id": header.journal_id.hex(),
        "segment_no": header.segment_no,
        "run_epoch": header.run_epoch,
        "first_seq": header.first_seq,
        "last_seq": checker.last_seq,
        "records": checker.records,
        "records_by_kind": kinds,
        "records_by_source": sources,
        "sources": {str(n): name for n, name in decode_sources(checker.sources or b"{}").items()},
        "blocks": len(checker.blocks),
        "first_recv_ns": first_recv_ns if checker.records else None,
        "last_recv_ns": last_recv_ns if checker.records else None,
        # Logical time: wall time at the run's anchor, monotonic from there.
        "opened_ns": first_recv_ns if checker.records else header.anchor_wall_ns,
        "closed_ns": last_recv_ns if checker.records else header.anchor_wall_ns,
        "raw_bytes": checker.offset,
        "zst_bytes": zst_bytes,
        "zstd_version": ".".join(str(part) for part in zstandard.ZSTD_VERSION),
        "prev_hash": header.prev_hash.hex(),
        "head_hash": checker.head.hex(),
        "raw_blake2b": raw_digest,
        "zst_blake2b": zst_digest,
    }


def file_digest(file: File) -> str:
    """BLAKE2b-256, in hex, of a whole file."""
    digest = blake2b(digest_size=32)
    for at in range(0, file.size(), CHUNK):
        digest.update(file.read(at, CHUNK))
    return digest.hexdigest()
