"""
Beside the rival itself, where it is installed (`tox -e peers`): the same answers to the same feeds, our arrays read.

The rival's scripts run as they stand in `../shared/peers`, in processes of their own.
"""

import json
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from struct import Struct
from typing import Any

import pytest
from contract_model import Contract, Row

from benchmarks.contestants import contract
from benchmarks.contestants.feeds import packed, read_feed
from engine.kernel.units import ASK, BID
from journal.background import Inline
from journal.disk import RealDisk
from journal.reader import open_journal
from replay.arrays import write_array
from replay.rebuild import bare_kernel
from replay.resimulation import Simulation
from replay.strict import is_kept
from scenarios.sample.recording import Sample, write_sample

ROOT = Path(__file__).resolve().parent.parent.parent
RANGES = {"wide": (590_000, 610_000), "pm": (1, 99)}
RECORD = Struct("<qqiiBb6x")

pytestmark = [
    pytest.mark.peers,
    pytest.mark.skipif(find_spec("hftbacktest") is None, reason="hftbacktest is not installed: run `tox -e peers`"),
]

READ_BOOK = """
import json, sys
import hftbacktest as H
asset = (H.BacktestAsset().data(sys.argv[1]).linear_asset(1.0).constant_order_latency(0, 0).risk_adverse_queue_model()
         .no_partial_fill_exchange().trading_value_fee_model(0.0, 0.0).tick_size(0.001).lot_size(0.01)
         .last_trades_capacity(10_000))
hbt = H.HashMapMarketDepthBacktest([asset])
hbt.elapse(10**17)
depth = hbt.depth(0)
sides = (depth.bid_qty_at_tick, depth.ask_qty_at_tick)
levels = [[[tick, round(at(tick), 2)] for tick in range(1, 1000) if at(tick) > 0] for at in sides]
print(json.dumps({"sides": levels, "trades": len(hbt.last_trades(0))}))
"""


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the rivals' scripts, to run them in."""
    scripts = ROOT.parent / "shared" / "peers"
    if not scripts.is_dir():
        pytest.skip("the rivals' scripts (../shared/peers) are not on this machine")
    folder = tmp_path_factory.mktemp("peers")
    for script in scripts.glob("*.py"):
        shutil.copyfile(script, folder / script.name)
    return folder


def told(lab: Path, *words: str) -> dict[str, Any]:
    done = subprocess.run([sys.executable, *words], cwd=lab, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith('{"')]
    return json.loads(lines[-1]) if lines else {}


def made(lab: Path, kind: str, count: int, seed: int) -> Path:
    """A feed as the rivals have it; its `.bin` lies beside."""
    feed = lab / f"{kind}_{count}_{seed}.npz"
    told(lab, "make_feed.py", kind, str(count), str(seed), str(feed))
    told(lab, "to_bin.py", str(feed), str(feed.with_suffix(".bin")))
    return feed


def ours(path: Path, kind: str) -> contract.Answers:
    feed = read_feed(path, *RANGES[kind])
    run, config = contract.run_of("mm", feed.start_ns)
    return contract.answers(Simulation(run, config, packed(feed)).play(), feed.start_ns)


def modelled(path: Path) -> tuple[int, ...]:
    rows = [Row(e, l, t, s, p, q) for e, l, p, q, t, s in RECORD.iter_unpack(path.read_bytes())]  # noqa: E741
    played = Contract(rows).play()
    return played.steps, played.count("submit"), played.count("cancel"), played.count("fill")


@pytest.mark.parametrize("kind", RANGES)
def test_the_model_and_we_know_the_known_answers(lab, kind):
    path = made(lab, kind, 200_000, 7).with_suffix(".bin")
    known = contract.KNOWN[read_feed(path, *RANGES[kind]).digest]

    assert modelled(path) == (known.steps, known.nsub, known.ncan, known.fills)
    assert ours(path, kind) == known


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("kind", RANGES)
def test_hftbacktest_comes_to_the_same_answers_on_the_same_feed(lab, kind, seed):
    feed = made(lab, kind, 100_000, seed)
    rival = told(lab, "bench_hft.py", str(feed), "mm", "roi", "1")
    submitted, cancelled, steps = rival["r"]
    found = ours(feed.with_suffix(".bin"), kind)

    assert (found.steps, found.nsub, found.ncan, found.fills) == (steps, submitted, cancelled, rival["fills"])
    assert found.position == pytest.approx(rival["position"], abs=1e-9)
    assert found.equity == pytest.approx(rival["equity"], abs=1e-5)


def test_hftbacktest_builds_our_book_from_the_array_we_export(lab, tmp_path):
    disk, sample = RealDisk(), tmp_path / "sample"
    write_sample(Sample(seed=5, markets=1, frames=3000, disconnect_every=700), sample, disk, Inline(), sealed_ns=None)
    kernel = bare_kernel()
    with open_journal(sample) as journal:
        for one in journal.records():
            if is_kept(one.kind):
                kernel.step(one.seq, one.recv_ns, one.kind, one.source, one.payload, 0, len(one.payload))
        instrument = kernel.data.listings.instruments[0]
        written = write_array(journal.records(), instrument.key, tmp_path / "x.npz", disk, lambda records: None)
    (lab / "read_book.py").write_text(READ_BOOK)
    rival = told(lab, "read_book.py", str(tmp_path / "x.npz"))
    scale = instrument.market.tick // 10  # ticks of 0.001 in one of ours: prices are in 1e-4
    sides = [
        sorted([tick * scale, lots * instrument.market.lot / 10**6] for tick, lots in instrument.levels(side, 10_000))
        for side in (BID, ASK)
    ]

    assert instrument.market.valid
    assert rival["sides"] == sides
    assert rival["trades"] == written.trades > 0
