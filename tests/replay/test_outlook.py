"""What an adversary sees of the recorded market: the same, in whichever of the two ways the base is read ahead."""

from pathlib import Path

import pytest
from attrs import evolve

from benchmarks.contestants import contract
from benchmarks.contestants.feeds import packed, read_feed
from benchmarks.contestants.made import make_rows, write_feed
from replay.adversary_config import AdversaryConfig, ToxicConfig
from replay.pieces import Pieces
from replay.resimulation import Simulated, Simulation

TOXIC = AdversaryConfig(toxic=ToxicConfig(picked_off=0.7, withheld=0.5, horizon_ms=300))


def toxic_run(feed: Path) -> Simulated:
    """The contract of the contestants against informed counterparties."""
    read = read_feed(feed, 1, 2)
    run, config = contract.run_of("mm", read.start_ns)
    return Simulation(run, evolve(config, adversary=TOXIC), packed(read)).play()


@pytest.mark.parametrize("seed", [1, 2])
def test_informed_counterparties_know_the_same_however_the_base_is_read_ahead(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A feed in the order of its stamps is read ahead input by input, any other one by what each market did before."""
    feed = write_feed(make_rows(seed, 4_000), tmp_path / "feed.bin")
    short = toxic_run(feed)
    monkeypatch.setattr(Pieces, "_is_exact", lambda pieces, piece: False)
    long = toxic_run(feed)

    assert short.counts == long.counts
    assert short.kernel.state_digest() == long.kernel.state_digest()
    assert short.fills > 20
