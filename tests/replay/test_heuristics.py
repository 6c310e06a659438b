"""Heuristics in a run: what turns them on, when they see a regime, and that a run with them replays as it was."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from resimulations import NERVOUS, ROOT, Setting, names, of_kind, records, resimulate, sample_recording, strict

import engine
from engine.kernel import codes, kinds
from engine.kernel.derived import decode
from engine.kernel.heuristics import COMPRESSION, CROWDING, HIGH, RAISED, TOXICITY
from journal.disk import RealDisk
from journal.reader import open_journal
from replay.config import BadConfig, read_config, read_heuristics
from replay.heuristics_config import settings_of
from replay.rebuild import kernel_of
from replay.verify import StrictReplay
from scenarios.sample.recording import Sample
from scenarios.spread import configured_with, run_with, simulation_of, write_sample

DISK = RealDisk()
compiled = pytest.mark.skipif(not engine.COMPILED, reason="interpreted, a minute of a market takes as long")

BASE = """\
strategies: [{name: a, code: a.py:A}]
venue: {order_latency_ms: 1, report_latency_ms: 1}
"""

TRADER = '''
"""Quotes the touch of every first outcome, or takes it now and then; and notes why it is woken."""

from engine.kernel.strategy import BUY, SELL, Cancel, Place


class Trader:
    def __init__(self, takes=False, pulls=False):
        self.takes, self.pulls, self.memory = takes, pulls, {"calls": 0, "pulled": 0}

    def decide(self, view, wake):
        self.memory["calls"] += 1
        calls, draws = self.memory["calls"], view.draws("trader")
        for number, key in enumerate(wake.instruments):
            market = view.market(key)
            bid, ask = market.best_bid, market.best_ask
            if bid is None or ask is None or view.instruments.index(key) % 2:
                continue
            if self.takes:
                if draws.chance(calls, number, 300_000):
                    side, price = ((BUY, ask), (SELL, bid))[draws.below(calls, 100 + number, 2)]
                    yield Place(key, side, price, 5_000_000, tif="FAK")
                continue
            pulled = self.pulls and market.pull_quotes
            self.memory["pulled"] += pulled
            for side, own, touch in ((BUY, market.own_bids, bid), (SELL, market.own_asks, ask)):
                for order in own:
                    if (pulled or order.price_ticks != touch) and not order.cancelling:
                        yield Cancel(order)
                if not pulled and not [one for one in own if not one.cancelling]:
                    yield Place(key, side, touch, 20_000_000, post_only=True)
'''

CONFIGURATION = """\
policy: simulation
strategies:
  - {name: trader, code: "CODE:Trader", parameters: PARAMETERS}
venue: {order_latency_ms: 40, report_latency_ms: 30, queue: power, fills: partial}
heuristics: {}
"""


# -- regimes on made-up recordings -------------------------------------------------------------------------------------


class Heard:
    """A sink that keeps the regimes and the gates of a run."""

    def __init__(self) -> None:
        self.regimes: list[dict[str, Any]] = []
        self.gates: list[tuple[int, int]] = []

    def append_input(self, *_: Any) -> None:
        """Not kept."""

    def append_derived(self, kind: int, schema: int, payload: bytes) -> None:
        """Keep it if it is of those kinds."""
        if kind == kinds.REGIME:
            self.regimes.append(decode(kind, schema, payload))
        elif kind == kinds.GATE:
            found = decode(kind, schema, payload)
            self.gates.append((int(found["code"]), int(found["closed"])))  # type: ignore[call-overload]

    def highest(self, heuristic: int) -> dict[int, int]:
        """The highest level of *heuristic* by market."""
        found: dict[int, int] = {}
        for one in self.regimes:
            if one["heuristic"] == heuristic:
                found[one["market"]] = max(found.get(one["market"], 0), one["new"])
        return found


def sample(folder: Path, seed: int) -> Path:
    """A minute and a half of three made-up markets."""
    return write_sample(folder / f"sample-{seed}", DISK, Sample(seed, 3, 16_000, 0))


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One such recording."""
    return sample(tmp_path_factory.mktemp("base"), 7)


@pytest.fixture(scope="module")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The trader's, without its parameters."""
    code = tmp_path_factory.mktemp("code") / "trader.py"
    code.write_text(TRADER)
    return CONFIGURATION.replace("CODE", str(code))


def heard(recording: Path, configuration: str, profile: str, parameters: str) -> tuple[Heard, Any]:
    """What a run of the trader under *profile* said of regimes, and the run's kernel."""
    chosen = configured_with(DISK, profile, configuration.replace("PARAMETERS", parameters))
    with open_journal(recording, DISK) as journal:
        simulation = simulation_of(DISK, journal, run_with(DISK, journal, chosen, 7), chosen.config)
        sink = Heard()
        simulation.sink = sink
        simulation.play()
    return sink, simulation.kernel


@compiled
@pytest.mark.parametrize("profile", ["none", "calm"])
def test_nothing_is_crowded_for_takers_and_nothing_toxic_for_quotes_on_a_calm_day(
    profile: str, recording: Path, configuration: str
) -> None:
    takers, _ = heard(recording, configuration, profile, "{takes: true}")
    makers, _ = heard(recording, configuration, profile, "{}")

    assert takers.regimes == []
    assert makers.highest(CROWDING) == makers.highest(TOXICITY) == {}


@compiled
def test_the_crowded_profile_is_seen_as_crowding_in_every_market_by_its_takers(
    recording: Path, configuration: str
) -> None:
    found, _ = heard(recording, configuration, "crowded", "{takes: true}")

    assert found.highest(CROWDING) == {0: HIGH, 1: HIGH, 2: HIGH}
    assert {one["heuristic"] for one in found.regimes} == {CROWDING}
    assert all(one["partial"] == one["score"] for one in found.regimes)
    assert (int(codes.CROWDED), 1) in found.gates


@compiled
def test_toxic_flow_is_seen_as_toxicity_in_every_market_by_its_quotes(recording: Path, configuration: str) -> None:
    found, _ = heard(recording, configuration, "toxic-flow", "{}")

    assert found.highest(TOXICITY).keys() == {0, 1, 2}
    assert HIGH in found.highest(TOXICITY).values()
    assert found.highest(CROWDING) == {}
    assert (int(codes.TOXIC_FLOW), 1) in found.gates


@compiled
@pytest.mark.nightly
def test_over_many_markets_few_alarms_are_false_and_few_are_missed(tmp_path: Path, configuration: str) -> None:
    raised = Counter[str]()
    for seed in range(7, 15):
        base = sample(tmp_path, seed)
        for profile, parameters, heuristic in (
            ("calm", "{takes: true}", CROWDING),
            ("crowded", "{takes: true}", CROWDING),
            ("calm", "{}", TOXICITY),
            ("toxic-flow", "{}", TOXICITY),
        ):
            found, _ = heard(base, configuration, profile, parameters)
            raised[f"{profile}: {heuristic}"] += len(found.highest(heuristic))

    assert (raised["calm: 1"], raised["crowded: 1"]) == (0, 24)
    assert raised["calm: 3"] <= 4
    assert raised["toxic-flow: 3"] >= 21


@compiled
def test_pulling_quotes_while_it_is_toxic_leaves_fewer_to_be_picked_off(recording: Path, configuration: str) -> None:
    ungated = configuration.replace("heuristics: {}", "heuristics: {toxicity: {gates: never, pulls: raised}}")
    fills = {}
    for pulls in ("true", "false"):
        _, kernel = heard(recording, ungated, "toxic-flow", f"{{pulls: {pulls}}}")
        memory = kernel.trading.seats[0].strategy.memory
        fills[pulls] = sum(order.filled for order in kernel.trading.desk.orders.by_number.values())
        assert (memory["pulled"] > 0) == (pulls == "true")

    assert fills["true"] < 0.9 * fills["false"]


@compiled
def test_a_market_with_a_spread_of_a_tick_whose_quotes_are_not_filled_is_compressed(
    recording: Path, configuration: str
) -> None:
    found, _ = heard(recording, configuration, "none", "{}")
    compressed = [one for one in found.regimes if one["heuristic"] == COMPRESSION and one["new"] > one["old"]]

    assert compressed
    assert all(one["tight"] * one["unfilled"] // 1000 == one["score"] >= 900 for one in compressed)
    assert int(codes.SPREAD_COMPRESSED) not in [code for code, _ in found.gates]


# -- a run with them ---------------------------------------------------------------------------------------------------

LISTENER = '''
class Listener:
    """Counts what it is woken for, and wants to know of regimes alone."""

    wants = 64

    def __init__(self):
        self.memory = {"calls": 0, "others": 0, "raised": 0}

    def decide(self, view, wake):
        self.memory["calls"] += 1
        for key in wake.instruments:
            market = view.market(key)
            self.memory["others"] += wake.reasons(key) != 64
            self.memory["raised"] += market.crowding + market.compression + market.toxicity > 0
        return ()
'''

WATCHING = Setting(parameters={"ppm": 400_000}, heuristics=NERVOUS)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recording, and a run on it whose heuristics are nervous."""
    folder = tmp_path_factory.mktemp("nervous")
    sample_recording(folder / "recording", frames=400)
    resimulate(folder / "recording", WATCHING, folder / "run")
    return folder


def replayed(run: Path, **variables: str) -> dict[str, Any]:
    """What `engine replay --json` says of *run* in a process of its own."""
    command = [sys.executable, "-m", "engine.runtime.cli", "replay", str(run), "--json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    done = subprocess.run(command, env=environment, capture_output=True, check=True)
    return dict(json.loads(done.stdout))


def test_a_run_with_heuristics_journals_their_changes_and_replays_identically(made: Path) -> None:
    found = records(made / "run")
    replay = strict(made / "run")
    changes = [decode(one.kind, one.schema, one.payload) for one in of_kind(found, kinds.REGIME)]

    assert replay.identical
    assert len(changes) > 20
    assert {one["heuristic"] for one in changes} == {CROWDING, COMPRESSION, TOXICITY}
    assert {(one["old"], one["new"]) for one in changes} >= {(0, 1), (1, 2), (2, 1), (1, 0)}
    assert names(found)["TIMER"] > 0


def test_a_level_in_the_journal_follows_from_the_one_before_it(made: Path) -> None:
    levels: dict[tuple[int, int], int] = {}
    for one in of_kind(records(made / "run"), kinds.REGIME):
        fields: dict[str, Any] = decode(one.kind, one.schema, one.payload)
        key = fields["market"], fields["heuristic"]
        assert fields["old"] == levels.get(key, 0) != fields["new"]
        levels[key] = fields["new"]
        crowding = max(fields["edge"], fields["depth"], fields["partial"])
        compression = fields["tight"] * fields["unfilled"] // 1000
        toxicity = max(fields["adverse"], fields["imbalance"])
        assert fields["score"] == (crowding, compression, toxicity)[fields["heuristic"] - 1]


def test_interpreted_and_compiled_come_to_the_same_state(made: Path) -> None:
    here: StrictReplay = strict(made / "run")
    there = replayed(made / "run", REFOLD_PURE="1", REFOLD_REQUIRE="")

    assert there["identical"] is True
    assert here.kernel is not None
    assert there["state_digest"] == here.kernel.state_digest().hex()


def test_the_same_run_without_them_has_no_trace_of_them(made: Path) -> None:
    plain = Setting(parameters=WATCHING.parameters)
    resimulate(made / "recording", plain, made / "plain")

    assert "REGIME" not in names(records(made / "plain"))
    assert strict(made / "plain").identical


def test_a_change_wakes_a_strategy_that_wants_to_know_of_nothing_else(made: Path, tmp_path: Path) -> None:
    resimulate(made / "recording", Setting(LISTENER, "Listener", {}, heuristics=NERVOUS), tmp_path / "run")
    replay = strict(tmp_path / "run")
    assert replay.kernel is not None
    memory = replay.kernel.trading.seats[0].strategy.memory

    assert memory["calls"] > 0
    assert memory["raised"] > 0
    assert memory["others"] == 0


# -- configuration -----------------------------------------------------------------------------------------------------


def test_they_are_off_without_the_part_and_on_with_an_empty_one() -> None:
    off = read_config(BASE, "x")[0]
    on = read_config(BASE + "heuristics: {}\n", "x")[0]

    assert off.heuristics is None
    assert on.heuristics is not None
    assert on.heuristics == read_heuristics(BASE + "heuristics: {}\n")
    assert on.heuristics.crowding.high_ticks == 3
    assert read_heuristics(BASE) is None
    assert read_heuristics("# heuristics are off") is None
    assert read_heuristics(BASE + "heuristics: null") is None


def test_an_override_turns_them_on_and_its_text_says_so() -> None:
    config, text = read_config(BASE, "x", ("heuristics.toxicity.horizon_ms=500",))

    assert config.heuristics is not None
    assert config.heuristics.toxicity.horizon_ms == 500
    assert read_heuristics(text) == config.heuristics


def test_what_is_written_reaches_the_kernel_in_its_units() -> None:
    text = "heuristics: {sample_ms: 20, dwell_s: 1.5, toxicity: {least_ticks: 2.5, pulls: never, gates: raised}}"
    config = read_heuristics(text)
    assert config is not None
    found = settings_of(config)

    assert (found.sample_ns, found.dwell_ns, found.least_half_ticks) == (20_000_000, 1_500_000_000, 5)
    assert (found.gauges[2].pulls, found.gauges[2].gates) == (HIGH + 1, RAISED)


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ("{sample_ms: 5}", "sample_ms is 5, expected milliseconds from 10 to 60,000"),
        ("{recent_s: 100, long_s: 50}", "recent_s and long_s are 100.0 and 50.0, expected in that order"),
        ("{crowding: {raised: 800, high: 700}}", "raised and high are 800 and 700, expected in that order"),
        ("{crowding: {raised: 1002}}", "raised is 1002, expected a whole number from 1 to 1,001"),
        ("{crowding: {edge_ticks: 1}}", "edge_ticks is 1, expected ticks from 2 to 10,000"),
        ("{toxicity: {pulls: sometimes}}", "pulls is 'sometimes', expected one of raised, high, never"),
        ("{toxicity: {horizon_ms: 0}}", "horizon_ms is 0, expected milliseconds from 1 to 600,000"),
        ("{toxic: {}}", "toxic"),
        ("{evidence: 1.5}", "evidence"),
        ("on", "heuristics"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_name(part: str, said: str) -> None:
    for read in (lambda text: read_config(text, "x"), read_heuristics):
        with pytest.raises(BadConfig) as caught:
            read(BASE + f"heuristics: {part}\n")

        assert said in str(caught.value)


def test_a_recorded_configuration_that_is_no_yaml_any_more_is_refused() -> None:
    with pytest.raises(BadConfig, match="the recorded configuration"):
        read_heuristics("heuristics: {")


def test_a_kernel_is_made_as_its_run_says(made: Path) -> None:
    with open_journal(made / "recording", DISK) as journal:
        watching, plain = kernel_of(WATCHING.run(journal)), kernel_of(Setting().run(journal))

    assert watching.trading.regimes is not None
    assert plain.trading.regimes is None
