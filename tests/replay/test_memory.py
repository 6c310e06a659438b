"""Memory stays flat: what a kernel holds depends on the markets there are, not on how many frames went through it."""

import gc
import resource
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from resimulations import write_recording
from run_maker import sample_inputs

import engine
from engine.kernel import kinds
from engine.kernel.market import Market
from engine.kernel.step import Kernel
from journal.background import Inline
from journal.disk import RealDisk
from journal.importer.run import Catalogue, import_recordings
from journal.importer.sniff import Recording
from journal.reader import open_journal
from replay.rebuild import bare_kernel
from replay.strict import StrictFold

TESTS = Path(__file__).resolve().parent.parent
ALL = 2**62
DOWN = b'{"state":"down"}'


def vec_words(kernel: Kernel) -> int:
    """Words in every packed array that a kernel may let grow."""

    def of(market: Market) -> int:
        pool = market.book.pool
        return len(pool.words) + len(pool._spare) + len(market.chain.held)

    symbols = 0
    for kind in kinds.NAMES:
        translator = kernel.translator(kind) if 0x0100 <= kind < 0x1000 else None
        if translator is not None:
            symbols += len(translator.symbols.instrument) + len(translator.symbols._slots)
    data = kernel.data
    proof = len(data._proof._ticks) + len(data._proof._lots)
    return sum(map(of, data.listings.markets)) + symbols + len(kernel.batch.rows) + proof


def play(kernel: Kernel, blocks: list[tuple[bytes, int, int]]) -> None:
    """All of a recording once more; the connection was lost in between, so every book begins anew."""
    for source in (2, 3):
        kernel.step(kernel.seq + 1, kernel.recv_ns, int(kinds.CONNECTION), source, DOWN, 0, len(DOWN))
    fold = StrictFold(kernel, False)
    for data, start, end in blocks:
        fold.fold(data, start, end, ALL, False)


def live() -> tuple[int, int]:
    """Objects that the collector knows, and blocks of memory that Python has given out."""
    gc.collect()
    gc.collect()
    return len(gc.get_objects()), sys.getallocatedblocks()


def test_live_objects_and_packed_arrays_are_the_same_at_two_points_of_a_looped_recording(tmp_path: Path) -> None:
    write_recording(tmp_path, sample_inputs(300, markets=4, disconnect_every=90))
    with open_journal(tmp_path, background=Inline()) as journal:
        blocks = [(block.data, block.start, block.end) for block in journal.blocks()]
    kernel = bare_kernel()
    found: list[tuple[tuple[int, int], int, int]] = []
    for _ in range(7):
        play(kernel, blocks)
        found.append(((0, 0), 0, 0))  # so that noting it costs no object later
    for turn in range(7):
        play(kernel, blocks)
        found[turn] = (live(), vec_words(kernel), len(kernel.checkpoint()))
    settled = list(pairwise(found[2:]))

    # What grows does so at every turn; what a plugin's thread holds meanwhile comes once, and goes once.
    assert sum(objects == later for ((objects, _), *_), ((later, _), *_) in settled) >= 2
    assert sum(abs(later - given) < 20 for ((_, given), *_), ((_, later), *_) in settled) >= 2  # caches breathe
    assert all(packed == later for (_, *packed), (_, *later) in settled)


def peak_mb() -> float:
    """The most memory this process ever had, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


@pytest.mark.nightly
@pytest.mark.skipif(not engine.COMPILED, reason="ten million frames take half an hour interpreted")
def test_ten_million_frames_move_resident_memory_by_less_than_20_mb(shared: Path, tmp_path: Path) -> None:
    recorded = shared / "binance" / "hftbacktest" / "usdm_btcusdt_20240808.gz"
    catalogue = TESTS / "adapters" / "binance" / "catalogue_2024-08-08_usdm.json"
    import_recordings(
        [Recording(recorded)], tmp_path / "j", RealDisk(), Inline(), catalogues=[Catalogue(catalogue)], sealed_ns=1
    )
    kernel, frames = bare_kernel(), 0
    warm = 0.0
    while frames < 10_000_000:
        with open_journal(tmp_path / "j") as journal:
            fold = StrictFold(kernel, False)
            for source in (2, 3):
                kernel.step(kernel.seq + 1, kernel.recv_ns, int(kinds.CONNECTION), source, DOWN, 0, len(DOWN))
            for block in journal.blocks(verify_chain=False):
                fold.fold(block.data, block.start, block.end, ALL, False)
        frames += int(fold.inputs)
        if warm == 0.0 and frames > 300_000:
            warm = peak_mb()

    assert peak_mb() - warm < 20
    assert kernel.data.listings.markets[0].valid
