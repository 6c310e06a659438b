"""Slippage learned from the orders that took, with a penalty where too little is known."""

from fractions import Fraction
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from resimulations import sample_recording

from journal.reader import open_journal
from replay import resimulate
from replay.config import read_config
from replay.slippage_learned import LEAST, PENALTIES, SIZES, SPREADS, NothingTook, Slip, learn, main, slips

TAKER = '''
"""Takes at the touch, two ticks through it, of a random part of what is there."""

from engine.kernel.strategy import BUY, SELL, Place


class Taker:
    def __init__(self, through=2):
        self.through = through
        self.memory = [0]

    def decide(self, view, wake):
        self.memory = [self.memory[0] + 1]
        draws = view.draws("taker")
        for number, key in enumerate(wake.instruments):
            market = view.market(key)
            if market.best_ask is None or not draws.chance(self.memory[0], number, 300_000):
                continue
            lots = 5_000_000 * (1 + draws.below(self.memory[0], 100 + number, 20))
            yield Place(key, BUY, market.best_ask + self.through, lots, tif="FAK")
'''


def run_of(tmp_path: Path, name: str, **how: object) -> Path:
    """An overlay of a strategy that takes."""
    base = tmp_path / "base"
    if not base.exists():
        sample_recording(base, frames=1_200)
    (tmp_path / "taker.py").write_text(TAKER)
    out = tmp_path / name
    venue = {"order_latency_ms": 150, "report_latency_ms": 30}
    resimulate(base, strategy=f"{tmp_path / 'taker.py'}:Taker", venue=venue, out=out, seed=3, **how)  # type: ignore[arg-type]
    return out


def test_slips_are_what_an_observer_saw_of_the_same_run(tmp_path: Path) -> None:
    base = sample_recording(tmp_path / "base", frames=1_200)
    (tmp_path / "taker.py").write_text(TAKER)
    venue = {"order_latency_ms": 150, "report_latency_ms": 30}
    strategy = f"{tmp_path / 'taker.py'}:Taker"
    run = resimulate(base, strategy=strategy, venue=venue, out=tmp_path / "run", seed=3, observe=True)
    with open_journal(tmp_path / "run") as journal:
        found = {slip.seq: slip for slip in slips(journal)}

    fills = [one for one in run.observed.fills if not one.maker]
    ticks = {track.number: track.tick for track in run.observed.by_instrument}
    whole = 0
    for order in run.observed.orders:
        mine = [one for one in fills if one.order == order.seq]
        if order.seq in found and mine and sum(one.size for one in mine) == order.size:
            assert mine[0].ask is not None
            paid = sum((one.price - mine[0].ask) * one.size for one in mine)
            assert found[order.seq].ticks == Fraction(paid, order.size * ticks[order.instrument])
            whole += 1
        elif order.seq in found:
            assert found[order.seq].ticks > 0  # what was not to be had counts as worse than the limit
    assert whole > 20
    assert set(found) == {order.seq for order in run.observed.orders if order.side == "BUY"}


def test_what_is_printed_can_be_pasted_into_a_configuration_and_makes_it_worse(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = run_of(tmp_path, "plain")
    assert main([str(plain)]) == 0
    printed = capsys.readouterr().out
    adversary = yaml.safe_load(printed)
    config, _ = read_config(
        yaml.safe_dump(
            {"strategies": [], "venue": {"order_latency_ms": 1, "report_latency_ms": 1}, "adversary": adversary}
        ),
        "learned",
    )
    assert config.adversary is not None
    assert config.adversary.slippage is not None
    assert config.adversary.slippage.impact_ticks >= 1

    worse = run_of(tmp_path, "worse", profile=adversary)
    means = []
    for path in (plain, worse):
        with open_journal(path) as journal:
            found = [slip.ticks for slip in slips(journal)]
            means.append(sum(found, Fraction(0)) / len(found))
    assert means[1] > means[0]
    assert main(["--table", str(plain), str(worse)]) == 0
    table = yaml.safe_load(capsys.readouterr().out)["slippage"]
    assert len(table) == len(SIZES) * len(SPREADS)
    assert {(one["milliticks"], one["learned"]) for one in table if one["orders"] == 0} <= {
        (1_000 * int(penalty), False) for penalty in PENALTIES
    }


def test_a_journal_in_which_nothing_took_teaches_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recording = sample_recording(tmp_path / "recording", frames=60)

    assert main([str(recording)]) == 1
    assert "no order" in capsys.readouterr().err
    assert main([]) == main(["--tables", str(recording)]) == 2
    with pytest.raises(NothingTook):
        learn([])


@given(st.lists(st.fractions(-5, 20), min_size=1, max_size=80))
def test_a_cell_tells_a_quantile_that_is_never_below_nine_tenths_of_its_orders(ticks: list[Fraction]) -> None:
    learned = learn(Slip(seq, Fraction(1, 8), 1, one) for seq, one in enumerate(ticks))
    cell = learned.cells[0]

    assert (cell.orders, cell.learned) == (len(ticks), len(ticks) >= LEAST)
    assert 10 * sum(one <= cell.ticks for one in ticks) >= 9 * len(ticks)
    if not cell.learned:
        assert cell.ticks == max(PENALTIES[0], *ticks)
    for other in learned.cells[1:]:
        assert (other.orders, other.learned, other.ticks) == (0, False, PENALTIES[SIZES.index(other.size)])
    for each in learned.cells:
        reach = Fraction(1) if each.size is None else min(each.size, Fraction(1))
        assert learned.impact_ticks * reach >= each.ticks
