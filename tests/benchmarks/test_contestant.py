"""The contest: our answers are those of a model that shares no code with them, whatever the feed."""

import json
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

import pytest
from contract_differ import differences, log_of
from contract_model import Contract

import engine
from benchmarks import contestant
from benchmarks.contestants import contract
from benchmarks.contestants.feeds import Feed, packed, read_feed
from benchmarks.contestants.made import make_rows, write_feed
from engine.kernel import kinds
from replay.resimulation import Simulated, Simulation

LOWEST, HIGHEST = 1, 2  # no range of a known grid: tick and lot are 1


def model_answers(played: Contract) -> contract.Answers:
    return contract.Answers(
        steps=played.steps,
        nsub=played.count("submit"),
        ncan=played.count("cancel"),
        fills=played.count("fill"),
        position=float(played.position_lots),
        equity=played.doubled_equity() / 2,
    )


def simulated(feed: Feed, strategy: contract.Strategy = "mm_python") -> Simulated:
    run, config = contract.run_of(strategy, feed.start_ns)
    return Simulation(run, config, packed(feed)).play()


@pytest.fixture
def feed(tmp_path: Path) -> tuple[Contract, Feed]:
    rows = make_rows(2)
    return Contract(rows).play(), read_feed(write_feed(rows, tmp_path / "feed.bin"), LOWEST, HIGHEST)


@pytest.mark.parametrize("seed", [1, 2, 3, pytest.param(4, marks=pytest.mark.slow)])
def test_our_answers_are_the_models(tmp_path, seed):
    rows = make_rows(seed)
    feed = read_feed(write_feed(rows, tmp_path / "feed.bin"), LOWEST, HIGHEST)
    found = simulated(feed)

    assert found.faults == []
    assert contract.answers(found, feed.start_ns) == model_answers(Contract(rows).play())
    assert set(found.verdicts) == {"OK"}
    assert found.fills > 10


@pytest.mark.parametrize("strategy", ["mm", "mm_loop"])
def test_a_compiled_strategy_and_those_in_ordinary_python_come_to_the_same(feed, strategy):
    _, rows = feed
    one, other = simulated(rows, strategy), simulated(rows)

    assert contract.answers(one, rows.start_ns) == contract.answers(other, rows.start_ns)
    assert one.counts == other.counts


def test_every_order_and_every_fill_has_the_models_time(feed):
    played, rows = feed

    assert differences(log_of(rows).happened, played.log) == []


def test_the_contest_runs_through_admission_and_the_simulated_venue(feed):
    """Nothing is left out for speed: each order has its intent, verdict, capsule, request and the venue's answers."""
    played, rows = feed
    counted = Counter(log_of(rows).kinds)
    orders = played.count("submit") + played.count("cancel")

    assert counted[kinds.INTENT] == counted[kinds.VERDICT] == orders + 1  # and the timer
    assert counted[kinds.REQUEST] == orders
    assert counted[kinds.CAPSULE] == played.count("submit")
    assert counted[kinds.SIM_ACKED] + counted[kinds.SIM_REJECTED] == played.count("submit")
    assert counted[kinds.SIM_FILLED] == played.count("fill")
    assert counted[kinds.TIMER] == played.steps
    assert counted[kinds.DIGEST] >= 1


@pytest.mark.skipif(engine.COMPILED, reason="compiled functions are not seen being called")
def test_the_contest_is_a_resimulation_as_anyone_runs_it_and_passes_no_part_by(feed):
    """What the command times is `replay.resimulate`, through kernel step, arbiter, admission and simulated venue."""
    played, rows = feed
    called: set[str] = set()

    def see(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            called.add(
                f"{Path(frame.f_code.co_filename).as_posix().removeprefix(f'{engine.ROOT}/')}:{frame.f_code.co_name}"
            )

    told = contestant.parser().parse_args(["feed.bin", "mm_loop", "1", "2", "1"])
    inputs = packed(rows)
    sys.setprofile(see)
    try:
        _, made = contestant.simulate(told, inputs, rows.start_ns)
    finally:
        sys.setprofile(None)

    assert contract.answers(made, rows.start_ns) == model_answers(played)
    assert {
        "replay/notebook.py:resimulate",
        "engine/kernel/step.py:step_timer",
        "engine/kernel/step.py:step_order",
        "engine/kernel/step.py:fold_plain",
        "engine/kernel/arbiter.py:kept_out_by",
        "engine/kernel/admit.py:_allowed",
        "adapters/simulated/venue.py:submit",
        "adapters/simulated/venue.py:arrive",
        "adapters/simulated/matching.py:level_set",
        "adapters/simulated/matching.py:traded",
        "adapters/simulated/queue.py:joined",
    } <= called


def test_the_command_prints_one_line_and_fails_on_wrong_answers(tmp_path, capsys, monkeypatch):
    rows = make_rows(5, 4_000)
    path = write_feed(rows, tmp_path / "feed.bin")
    arguments = [str(path), "mm_python", str(LOWEST), str(HIGHEST), "1"]
    right = model_answers(Contract(rows).play())
    digest = read_feed(path, LOWEST, HIGHEST).digest

    assert contestant.main(arguments) == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["n"], printed["nsub"], printed["equity"]) == (4_000, right.nsub, right.equity)
    monkeypatch.setitem(contract.KNOWN, digest, right)
    for more, label in (
        (["--sink", "none"], " none"),
        (["--journal"], " journal"),
        (["--sink", "overlay"], " overlay"),
    ):
        assert contestant.main([*arguments, *more]) == 0
        assert json.loads(capsys.readouterr().out)["label"].endswith(label)
    wrong = contract.Answers(right.steps, right.nsub, right.ncan, right.fills + 1, right.position, right.equity)
    monkeypatch.setitem(contract.KNOWN, digest, wrong)
    assert contestant.main(arguments) == 1
    assert f"fills is {right.fills}, known is {right.fills + 1}" in capsys.readouterr().err


def test_a_fresh_process_resimulates_the_sealed_journal_to_the_same_answers(tmp_path, capsys):
    rows = make_rows(5, 4_000)
    path = write_feed(rows, tmp_path / "feed.bin")

    assert contestant.main([str(path), "cold", str(LOWEST), str(HIGHEST), "1", "--folder", str(tmp_path / "kept")]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert contract.Answers(**{name: printed[name] for name in contract.Answers.__slots__ if name in printed}) == (
        model_answers(Contract(rows).play())
    )
    assert {one.suffix for one in (tmp_path / "kept").rglob("*") if one.is_file()} >= {".json"}
    assert not list(tmp_path.glob("feed.bin.journal"))


def test_the_same_rows_spread_over_several_assets_are_all_folded(tmp_path, capsys):
    path = write_feed(make_rows(2, 4_000), tmp_path / "feed.bin")

    assert contestant.main([str(path), "fold_multi", "4", str(LOWEST), str(HIGHEST), "1"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["n"], printed["assets"]) == (4_000, 4)
