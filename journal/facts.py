"""What the manifest of a sealed segment repeats of the segment itself: told by its stream, and by its file."""

from hashlib import blake2b
from typing import Any, Final

import zstandard
from attrs import frozen

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


@frozen
class Stream:
    """
    What the raw stream of a segment tells, once all of it was walked or written.

    Of its data records the first and last receive time (any two without one), the last number, and how many there are
    of each kind and source, as `tallies` gives them; *names* is the last SOURCES payload, *raw_digest* the BLAKE2b-256,
    in hex, of all of it.
    """

    last_seq: int
    first_recv_ns: int
    last_recv_ns: int
    kinds: dict[str, int]
    sources: dict[str, int]
    names: bytes
    blocks: int
    raw_bytes: int
    head: bytes
    raw_digest: str


def stream_of(checker: Checker, raw_digest: str) -> Stream:
    """What the walk of a whole segment, *checker*, tells of it."""
    kinds, sources = tallies(checker.tally().items())
    return Stream(
        last_seq=checker.last_seq,
        first_recv_ns=int(checker.first_recv_ns),
        last_recv_ns=int(checker.last_recv_ns),
        kinds=kinds,
        sources=sources,
        names=checker.sources or b"{}",
        blocks=len(checker.blocks),
        raw_bytes=checker.offset,
        head=checker.head,
        raw_digest=raw_digest,
    )


def facts_of(header: Header, told: Stream, zst_bytes: int, zst_digest: str) -> dict[str, Any]:
    """
    The fields of a manifest that its segment gives.

    Args:
        zst_digest: BLAKE2b-256, in hex, of its sealed file.
    """
    records = sum(told.kinds.values())
    return {
        "format": FORMAT,
        "journal_id": header.journal_id.hex(),
        "segment_no": header.segment_no,
        "run_epoch": header.run_epoch,
        "first_seq": header.first_seq,
        "last_seq": told.last_seq,
        "records": records,
        "records_by_kind": told.kinds,
        "records_by_source": told.sources,
        "sources": {str(number): name for number, name in decode_sources(told.names).items()},
        "blocks": told.blocks,
        "first_recv_ns": told.first_recv_ns if records else None,
        "last_recv_ns": told.last_recv_ns if records else None,
        # Logical time: wall time at the run's anchor, monotonic from there.
        "opened_ns": told.first_recv_ns if records else header.anchor_wall_ns,
        "closed_ns": told.last_recv_ns if records else header.anchor_wall_ns,
        "raw_bytes": told.raw_bytes,
        "zst_bytes": zst_bytes,
        "zstd_version": ".".join(str(part) for part in zstandard.ZSTD_VERSION),
        "prev_hash": header.prev_hash.hex(),
        "head_hash": told.head.hex(),
        "raw_blake2b": told.raw_digest,
        "zst_blake2b": zst_digest,
    }


def file_digest(file: File) -> str:
    """BLAKE2b-256, in hex, of a whole file."""
    digest = blake2b(digest_size=32)
    for at in range(0, file.size(), CHUNK):
        digest.update(file.read(at, CHUNK))
    return digest.hexdigest()
