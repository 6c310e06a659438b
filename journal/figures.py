"""One segment in figures: what `info` tells from the manifests, and `verify` from the records themselves."""

from collections.abc import Iterable
from typing import Any

import attrs

from journal.manifest import by_kind_name


@attrs.define(kw_only=True)
class SegmentFigures:
    """What is told of every segment."""

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
    by_kind: dict[str, int]
    by_source: dict[str, int]


def plain(segments: Iterable[SegmentFigures]) -> list[dict[str, Any]]:
    """Plain values, for ``--json``; kinds by name."""
    return [{**attrs.asdict(one), "by_kind": by_kind_name(one.by_kind)} for one in segments]
