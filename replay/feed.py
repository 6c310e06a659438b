"""What a resimulation reads: a journal's inputs, decoded already where a sidecar says so."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from functools import partial
from typing import Final

from attrs import frozen

from journal.background import Background
from journal.disk import Disk
from journal.errors import Damaged
from journal.reader import Journal
from replay.sidecar import NoSidecar, Sidecar, open_sidecar, sidecar_path
from replay.verify import behind

AHEAD: Final = 4
"""Parts of a sidecar loaded ahead of the one in use."""


@frozen
class Stretch:
    """Inputs in one piece: packed ones where *sidecar* is given, else the records of a raw block, data[start:end]."""

    data: bytes
    start: int
    end: int
    sidecar: Sidecar | None


def stretches(
    disk: Disk,
    journal: Journal,
    decoders: Mapping[str, str],
    build: str,
    background: Background,
    note: Callable[[str], None],
) -> Iterator[Stretch]:
    """
    All of *journal*, from sidecars where they can be used and from its own blocks where not, in order.

    *background* loads sidecars ahead, and stays the caller's. Why a sidecar is passed over goes to *note*, unless there
    is none. Raises what `Journal.blocks` raises.
    """
    for segment in journal.segments:
        from_seq = segment.first_seq
        if segment.last_seq < from_seq:
            continue
        try:
            with open_sidecar(disk, segment, decoders, build) as sidecar:
                for number, raw in _ahead(sidecar, background):
                    yield Stretch(raw, 0, len(raw), sidecar)
                    from_seq = sidecar.contents.parts[number].last_seq + 1
            continue
        except NoSidecar as error:
            if segment.sealed and disk.exists(sidecar_path(segment)):
                note(f"sidecar not used: {error}")
        except Damaged as damage:
            note(f"sidecar not used from record {from_seq} on: {damage}")
        for block in journal.blocks(from_seq, segment.last_seq):
            yield Stretch(block.data, behind(block, from_seq - 1), block.end, None)
    if journal.damage is not None:
        raise journal.damage


def _ahead(sidecar: Sidecar, background: Background) -> Iterator[tuple[int, bytes]]:
    """Every part of *sidecar* with its number, loaded ahead."""
    waiting: deque[Future[bytes]] = deque()
    parts = len(sidecar.contents.parts)
    asked = 0
    try:
        for number in range(parts):
            while asked < parts and len(waiting) < AHEAD:
                waiting.append(background.run(partial(sidecar.part, asked)))
                asked += 1
            yield number, waiting.popleft().result()
    finally:
        for future in waiting:
            if not future.cancel():
                future.exception()  # it reads the file, which is closed next
