"""Runs of a sweep: each is the run that `engine replay` makes, however often the market data was read before it."""

from decimal import Decimal
from pathlib import Path

import orjson
import pytest
from attrs import evolve
from click.testing import CliRunner
from real_run_maker import History, write_real
from resimulations import JOINING, resimulate, write_recording
from sweeps import CONFIG, place_at, planned

from engine.runtime.cli import engine
from replay.run import TAKEN_OUT
from replay.sweep.bench import Bench, Changed
from replay.sweep.executor import InProcess
from replay.sweep.figures import SPLIT, NoMetric, checked_metric, metric, metric_names
from replay.sweep.plan import Plan
from replay.sweep.store import Result
from scenarios.sample.recording import Sample, inputs

STANDING = """
from engine.kernel.strategy import SetTimer

class Stands:
    def decide(self, view, wake):
        yield SetTimer("now", after_ns=0)
"""
SPREAD = "strategies.one.parameters.min_spread_ticks"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return place_at(tmp_path_factory.mktemp("bench"))


def results(plan: Plan, seeds: tuple[int, ...], **how: int) -> list[Result]:
    notes: list[str] = []
    with Bench(plan, notes.append, **how) as bench:
        assert len(notes) == (len(plan.markets) if how else 0)
        return [result for _, result in InProcess(bench).map_unordered(plan.tasks(seeds))]


def test_a_run_is_the_one_that_replay_makes(place: Path) -> None:
    plan = planned(place, f"{SPREAD}=2")
    (result,) = results(plan, (9,))
    words = [
        "replay",
        str(place / "one"),
        "--config",
        str(place / "config.yaml"),
        "--seed",
        "9",
        "--set",
        f"{SPREAD}=2",
    ]
    document = orjson.loads(CliRunner().invoke(engine, [*words, "--json"]).stdout)

    assert result.failure == ""
    assert document["fills"] > 0
    for name in ("fills", "orders", "cancels", "pnl", "verdicts", "accrued", "inputs", "derived"):
        assert result.figures[name] == document[name], name
    assert result.figures["faults"] == 0
    assert result.figures["state_digest"] == document["state_digest"]


def test_runs_that_share_what_was_read_are_those_that_read_it_anew(place: Path) -> None:
    plan = planned(place, f"{SPREAD}=1", f"{SPREAD}=3", journals=("one", "two"))
    kept = results(plan, (1, 2))

    assert results(plan, (1, 2), kept_bytes=0) == kept
    assert [result.failure for result in kept] == [""] * 8
    assert len({orjson.dumps(result.figures) for result in kept}) == 8


def test_an_observed_run_is_the_same_run_and_tells_more(place: Path) -> None:
    plan = planned(place)
    watched = evolve(plan, observed=True)
    (plain,), (observed,) = results(plan, (3,)), results(watched, (3,))
    (purse,) = observed.figures.pop("purses").values()
    parts = sum(Decimal(purse[name]) for name in SPLIT)

    assert observed == plain
    assert watched.made_of(0, 0, 3) != plan.made_of(0, 0, 3)
    assert Decimal(purse["max_drawdown"]) > 0
    assert abs(parts - Decimal(purse["fees"]) - Decimal(plain.figures["pnl"]["pUSD"]["total"])) < Decimal("0.0001")
    assert metric({**plain.figures, "purses": {"p": purse}}, "max_drawdown") == Decimal(purse["max_drawdown"])
    assert metric_names([{**plain.figures, "purses": {"p": purse}}])[-len(SPLIT) :] == SPLIT


def test_a_strategy_that_raises_fails_its_own_runs_and_says_where(place: Path) -> None:
    plain = CONFIG.replace("joiner.py:JoinTouch", "failing.py:Failing")
    told = plain[plain.index("{size_lots") : plain.index("}") + 1]
    for how in ("nothing", "raise", "exit"):
        (place / f"{how}.yaml").write_text(plain.replace(told, f"{{how: {how}, at: 9}}"))
    (idle,), (raised,), (left,) = (
        results(planned(place, config=f"{how}.yaml"), (1,)) for how in ("nothing", "raise", "exit")
    )

    assert idle.failure == ""
    assert raised.failure.startswith("strategy 'one' raised ValueError: no way out (record ")
    assert raised.failure.endswith(", line 13) and was muted")
    assert raised.figures["faults"] == 1
    assert left == Result({}, "a strategy called sys.exit; let it return")


def test_a_run_that_stands_still_has_failed(place: Path) -> None:
    (place / "standing.py").write_text(STANDING)
    plain = CONFIG.replace("joiner.py:JoinTouch", "standing.py:Stands")
    told = plain[plain.index("{size_lots") : plain.index("}") + 1]
    (place / "standing.yaml").write_text(plain.replace(told, "{}"))
    (result,) = results(planned(place, config="standing.yaml"), (1,))

    assert result.figures == {}
    assert result.failure.startswith("the run stands still at ")


def test_the_orders_of_a_real_run_are_taken_out_of_every_run_on_its_journal(tmp_path: Path) -> None:
    write_real(tmp_path / "real", History(1))
    place_at(tmp_path, frames=20)
    expected = resimulate(tmp_path / "real", JOINING)
    (tmp_path / "policy.yaml").write_text(JOINING.policy)
    parameters = orjson.dumps(JOINING.parameters).decode()
    (tmp_path / "real.yaml").write_text(
        "policy: policy.yaml\nvenue: {order_latency_ms: 40, report_latency_ms: 30}\n"
        f"strategies: [{{name: one, code: 'joiner.py:JoinTouch', parameters: {parameters}}}]\n"
    )
    plan = planned(tmp_path, journals=("real",), config="real.yaml")
    found = [*results(plan, (7, 8)), *results(plan, (7,), kept_bytes=0)]

    assert expected.taken is not None
    assert expected.taken.orders > 0
    assert plan.markets[0].told.own_orders == TAKEN_OUT
    for result in found:
        assert result.failure == ""
        assert result.figures["orders"] == expected.submitted > 0
        assert result.figures["verdicts"] == expected.verdicts


def test_a_journal_that_was_written_to_since_is_not_swept(place: Path, tmp_path: Path) -> None:
    plan = planned(place)
    sample = Sample(seed=1, markets=2, frames=50, disconnect_every=0)
    market = plan.markets[0]
    other = write_recording(tmp_path / "other", inputs(sample))

    with pytest.raises(Changed, match="was written to while the sweep ran"):
        Bench(evolve(plan, markets=(evolve(market, base=other),)), print)


def test_metrics_are_named_by_currency_only_where_there_are_several(place: Path) -> None:
    (result,) = results(planned(place), (1,))
    one = result.figures
    other = {**one, "pnl": {"USDT": {**one["pnl"]["pUSD"], "total": "2.5"}}}
    both = metric_names([one, other])

    assert metric_names([one])[:2] == ("pnl", "realised")
    assert metric_names([])[0] == "pnl"
    assert both[0] == "pnl.USDT"
    assert checked_metric("pnl.pUSD", metric_names([one])) == "pnl"
    assert str(metric(other, "pnl.USDT")) == "2.5"
    assert metric(one, "pnl.USDT") == 0
    assert str(metric(one, "pnl")) == one["pnl"]["pUSD"]["total"]
    with pytest.raises(NoMetric) as raised:
        checked_metric("pnl", both)
    assert "pnl.USDT" in raised.value.advice
