"""Whether memory stays where it is: one kernel, one recording in a loop, resident memory before and after."""

import gc
import json
import os
import subprocess
import sys
from pathlib import Path

from attrs import asdict, frozen

from engine import ROOT
from engine.kernel import kinds
from journal.reader import Journal, open_journal
from replay.rebuild import bare_kernel
from replay.strict import NEVER, StrictFold

LIMIT_MB = 20.0
DOWN = b'{"state":"down"}'


@frozen
class Growth:
    """Resident memory around *frames* frames, after a warm-up of one pass over the recording."""

    frames: int
    warm_mb: float
    after_mb: float
    most_mb: float

    @property
    def grown_mb(self) -> float:
        """How much more was resident at any time than after the warm-up."""
        return self.most_mb - self.warm_mb


def resident_mb() -> float:
    """Resident memory of this process in MB; 0 where the system does not say."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return 0.0
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def one_pass(journal: Journal, fold: StrictFold) -> None:
    """The whole recording through reader, chain check and fold; then its connections break, as at a real end."""
    for block in journal.blocks():
        fold.fold(block.data, block.start, block.end, NEVER, False)
    for source in sorted(journal.sources):
        fold.kernel.step(fold.seq + 1, fold.recv_ns, int(kinds.CONNECTION), source, DOWN, 0, len(DOWN))


def growth(path: Path, frames: int) -> Growth:
    """Fold the journal at *path* again and again in one kernel until *frames* frames were folded behind the warm-up."""
    fold = StrictFold(bare_kernel(), False)
    with open_journal(path) as journal:
        one_pass(journal, fold)
        gc.collect()
        start, warm = fold.inputs, resident_mb()
        most = warm
        while fold.inputs - start < frames:
            one_pass(journal, fold)
            most = max(most, resident_mb())
        return Growth(frames=int(fold.inputs - start), warm_mb=warm, after_mb=resident_mb(), most_mb=most)


def measured_apart(path: Path, frames: int) -> Growth:
    """`growth` in a process of its own, in which nothing freed earlier could hide what grows."""
    command = [sys.executable, "-m", "benchmarks.memory", str(path), str(frames)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return Growth(**json.loads(done.stdout))


if __name__ == "__main__":
    print(json.dumps(asdict(growth(Path(sys.argv[1]), int(sys.argv[2])))))
