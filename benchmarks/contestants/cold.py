"""
`python -m benchmarks.contestants.cold JOURNAL START_NS`: a fresh process, from a sealed journal to the result.

`prepare` makes that journal of a feed: the rows as hftbacktest's array, imported as anyone's would be, sealed, with
decoded sidecars beside.
"""

import json
import subprocess
import sys
import time
from array import array
from pathlib import Path
from typing import Any

from attrs import asdict

import engine
from benchmarks.contestants import contract
from benchmarks.contestants.feeds import Feed, catalogue, symbol_of
from journal.background import Threads
from journal.disk import RealDisk
from journal.importer.run import Catalogue, import_recordings
from journal.importer.sniff import Recording
from journal.reader import open_journal
from replay.arrays import header
from replay.decoders import newest
from replay.sidecar import NoSidecar, open_sidecar, write_sidecar
from replay.verify import this_build

_BOTH = 0xC0000000
_FLAGS = {
    0x0100: 1 | 1 << 29 | _BOTH,
    0xFF00: 1 | 1 << 28 | _BOTH,
    0x0101: 2 | 1 << 29 | _BOTH,
    0xFF01: 2 | 1 << 28 | _BOTH,
}
"""`ev` of hftbacktest's rows, by type and side of a feed's records."""


def write_array(feed: Feed, path: Path) -> None:
    """*feed* as the `.npy` file that hftbacktest's users would have of it."""
    tick, lot = float(feed.grid.tick), float(feed.grid.lot)
    words = array("q", bytes(64 * feed.count))
    words[0::8] = array("q", [_FLAGS[mark & 0xFFFF] for mark in feed.marks])
    words[1::8] = feed.exch_ns
    words[2::8] = feed.local_ns
    prices = array("d", [round((level & 0xFFFFFFFF) * tick, 8) for level in feed.levels])
    sizes = array("d", [round((level >> 32) * lot, 8) for level in feed.levels])
    for place, column in ((3, prices), (4, sizes)):
        bits = array("q")
        bits.frombytes(column.tobytes())
        words[place::8] = bits
    path.write_bytes(header(feed.count) + words.tobytes())


def prepare(feed: Feed, folder: Path) -> Path:
    """The sealed journal of *feed* in *folder*, with sidecars of this build; made only if it is not there."""
    disk, target, background = RealDisk(), folder / feed.digest, Threads("cold")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        if not target.exists():
            rows, listed = folder / f"{feed.digest}.npy", folder / f"{feed.digest}.json"
            write_array(feed, rows)
            listed.write_bytes(catalogue(feed.grid, 1))
            recordings, described = [Recording(rows, symbol=symbol_of(0))], [Catalogue(listed)]
            import_recordings(recordings, target, disk, background, catalogues=described, sealed_ns=feed.start_ns)
            rows.unlink()
        with open_journal(target, disk) as journal:
            for segment in journal.segments:
                try:
                    open_sidecar(disk, segment, newest(), this_build()).close()
                except NoSidecar:
                    write_sidecar(disk, journal, segment, None, this_build())
    finally:
        background.close()
    return target


def timed(journal: Path, start_ns: int) -> tuple[float, dict[str, Any]]:
    """One fresh process: (seconds from its start to its answers, the answers)."""
    command = [sys.executable, "-m", "benchmarks.contestants.cold", str(journal), str(start_ns)]
    started = time.perf_counter()
    done = subprocess.run(command, cwd=engine.ROOT, capture_output=True, text=True, check=False)
    took = time.perf_counter() - started
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return took, json.loads(done.stdout)


def main(path: str, start_ns: int) -> None:
    """Run the contract on the journal *path*, as anyone would, and print the answers."""
    found = contract.played(Path(path), contract.strategy_of("mm", start_ns))
    print(json.dumps(asdict(contract.answers(found, start_ns))), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
