"""
A run kept as its digests: what it was made of, the DIGESTs it passed, and what it came to. Checked by running again.

The folder holds `digests.json`: `schema`, `run` (the payload of RUN_START), `digests` (for each DIGEST its `seq` in the
run, and its payload in hex) and `result`; and, as an overlay does, `base.json`.
"""

from pathlib import Path
from typing import Any

import orjson
from attrs import frozen

from journal.disk import Disk, write_all
from journal.errors import JournalError
from replay.resimulation import Simulated
from replay.run import BadRunStart, RunStart, read_run_start

FILE = "digests.json"
SCHEMA = "refold.digests/1"
MOST_BYTES = 1 << 30


class BadDigests(JournalError):
    """A file of digests that cannot be read."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} holds no digests of a run: {reason}")
        self.path = path


@frozen
class Kept:
    """What a folder of digests says. *digests* pairs each DIGEST's number with its payload."""

    run: RunStart
    digests: tuple[tuple[int, bytes], ...]
    result: dict[str, Any]


@frozen
class DigestDivergence:
    """The first DIGEST that is not the kept one: the runs part behind record *after* and not behind record *seq*."""

    after: int
    seq: int
    expected: bytes
    found: bytes


def holds_digests(disk: Disk, path: Path) -> bool:
    """Whether *path* is a folder that holds a run's digests."""
    return disk.is_dir(path) and disk.exists(path / FILE)


def write_digests(disk: Disk, folder: Path, run: RunStart, found: Simulated, result: dict[str, Any]) -> None:
    """Keep *found* in *folder*, with its *result* as the command prints it."""
    kept = {
        "schema": SCHEMA,
        "run": orjson.loads(run.payload()),
        "digests": [{"seq": seq, "payload": payload.hex()} for seq, payload in found.digests],
        "result": result,
    }
    file = disk.create(folder / FILE)
    try:
        write_all(file, orjson.dumps(kept, option=orjson.OPT_INDENT_2) + b"\n")
        file.sync()
    finally:
        file.close()


def read_digests(disk: Disk, folder: Path) -> Kept:
    """
    What *folder* keeps.

    Raises:
        BadDigests: it cannot be read as such.
    """
    path = folder / FILE
    file = disk.open_read(path)
    try:
        data = file.read(0, MOST_BYTES)
    finally:
        file.close()
    try:
        values = orjson.loads(data)
        if values["schema"] != SCHEMA:
            raise BadDigests(path, f"its schema is {values['schema']!r}, expected {SCHEMA!r}")
        run = read_run_start(1, orjson.dumps(values["run"]))
        digests = tuple((int(one["seq"]), bytes.fromhex(one["payload"])) for one in values["digests"])
        return Kept(run, digests, dict(values["result"]))
    except (ValueError, KeyError, TypeError, BadRunStart) as error:
        raise BadDigests(path, " ".join(str(error).split()) or type(error).__name__) from error


def first_difference(kept: Kept, found: Simulated) -> DigestDivergence | None:
    """The first DIGEST at which *found* is not the *kept* run; None where all are equal."""
    after = 0
    for at in range(max(len(kept.digests), len(found.digests))):
        seq, expected = kept.digests[at] if at < len(kept.digests) else (found.digests[at][0], b"")
        number, payload = found.digests[at] if at < len(found.digests) else (seq, b"")
        if (seq, expected) != (number, payload):
            return DigestDivergence(after, min(seq, number), expected, payload)
        after = seq
    return None
