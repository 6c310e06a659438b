"""The rewards maker over whole runs: within its bounds, within its budget, and replayed to the last byte."""

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from maker_room import M, Watched, noisy_inputs, watching
from resimulations import POLICY, ROOT, of_kind, records, sample_recording, strict, write_recording

import engine
from engine.kernel import kinds
from engine.kernel.derived import decode
from engine.strategies.rewards_maker import RewardsMaker
from journal.disk import RealDisk
from replay import resimulate as notebook_run
from replay.config import read_config
from replay.own_source import source_of_instance
from replay.profiles import profile_names
from replay.strategies import make

MINUTE_NS = 60_000_000_000
MINUTES = 60 if engine.COMPILED else 2
MAKER: dict[str, Any] = {"size_lots": 60 * M, "max_position_lots": 150 * M}
EAGER: dict[str, Any] = {
    **{**MAKER, "calls_per_minute": 100_000, "call_burst": 100_000, "on_not_scoring": "keep"},
    **{"edit_ms": 0, "rest_ms": 0, "zone_mills": 0},
}
"""One that follows the midpoint wherever it goes, as far as calls allow."""
PROFILES = ["none", *profile_names(RealDisk())]
VENUE = {"order_latency_ms": 40, "report_latency_ms": 30}


def run(base: Path, parameters: Mapping[str, Any], **options: Any) -> tuple[Watched, Any]:
    """A resimulation of the maker, watched at each of its decisions."""
    recorded = source_of_instance(RewardsMaker(**parameters), "maker", "market_making", ())
    with watching(recorded) as watched:
        found = notebook_run(base, strategy=recorded, **{"venue": VENUE, "policy": POLICY, **options})

    assert found.faults == ()
    return watched, found


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three minutes of eight markets, one of which is settled."""
    frames = 12_000 if engine.COMPILED else 2_000
    return sample_recording(tmp_path_factory.mktemp("sample") / "base", frames, 8, 5, 4_000)


def assert_bounded(watched: Watched, found: Any, parameters: Mapping[str, Any]) -> None:
    assert max(watched.worst.values()) <= parameters["max_position_lots"]
    assert len(watched.calls_ns) >= found.stats.submitted + found.stats.cancels
    assert watched.most_calls(MINUTE_NS) <= 420  # 120 at once and 300 a minute


@pytest.mark.parametrize("profile", PROFILES)
def test_the_position_stays_within_its_bounds_whatever_fills_in_every_profile(sample: Path, profile: str) -> None:
    watched, found = run(sample, MAKER, profile=profile, seed=11)

    assert_bounded(watched, found, MAKER)
    assert found.stats.submitted > 20
    assert max(watched.worst.values()) > 100 * M  # the bound was met
    assert {one.code for one in found.refusals} <= {"STALE_DATA", "GATE_CLOSED", "ORDER_TO_TRADE", "RESTING"}


@pytest.mark.nightly
@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("seed", range(1, 21))
def test_the_position_stays_within_its_bounds_under_many_seeds(sample: Path, profile: str, seed: int) -> None:
    tight = {**MAKER, "max_position_lots": (60 + 10 * seed) * M, "edit_ms": 50 * seed, "zone_mills": seed % 6}
    watched, found = run(sample, tight, profile=profile, seed=seed)

    assert_bounded(watched, found, tight)


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An hour of one market whose midpoint jumps by up to three ticks every quarter of a second."""
    return write_recording(tmp_path_factory.mktemp("noisy") / "base", noisy_inputs(3, MINUTES, 250))


@pytest.fixture(scope="module")
def brief(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four minutes like it."""
    return write_recording(tmp_path_factory.mktemp("brief") / "base", noisy_inputs(4, 4, 250))


def test_an_hour_of_a_trembling_midpoint_takes_no_more_calls_than_the_budget(noisy: Path) -> None:
    starved = {**EAGER, "calls_per_minute": 20, "call_burst": 10}
    watched, found = run(noisy, starved, policy="simulation")

    assert watched.calls_ns[-1] - watched.calls_ns[0] > (MINUTES - 1) * MINUTE_NS
    for minutes in (1, 10, 60):
        assert watched.most_calls(minutes * MINUTE_NS) <= 10 + 20 * minutes
    assert len(watched.calls_ns) > 19 * MINUTES  # it would have liked more
    assert max(watched.worst.values()) <= MAKER["max_position_lots"]
    assert found.stats.fills > MINUTES


def test_with_its_defaults_a_trembling_midpoint_does_not_even_exhaust_the_budget(noisy: Path) -> None:
    watched, _ = run(noisy, MAKER, policy="simulation")

    assert len(watched.calls_ns) > MINUTES
    assert watched.most_calls(MINUTE_NS) <= 4 * 60  # a replacement of each side a second


@pytest.mark.parametrize("calmer", [{"zone_mills": 10}, {"edit_ms": 2_000}, {"rest_ms": 2_000}])
def test_the_do_nothing_zone_and_the_least_times_spare_calls(brief: Path, calmer: dict[str, int]) -> None:
    eager, calm = (len(run(brief, {**EAGER, **changed}, policy="simulation")[0].calls_ns) for changed in ({}, calmer))

    assert calm < eager * 9 // 10


def test_no_two_orders_of_a_side_are_nearer_in_time_than_was_asked_for(brief: Path) -> None:
    _, found = run(brief, {**MAKER, "edit_ms": 3_000}, policy="simulation")
    placed: dict[str, list[int]] = {}
    for order in found.orders:
        placed.setdefault(order["side"] + order["instrument"] + str(order["mirrored"]), []).append(order["time"])
    gaps = [later - before for times in placed.values() for before, later in pairwise(times)]

    assert len(gaps) > 10
    assert min(gaps) >= 3_000 * M


def test_its_run_replays_to_the_last_byte_with_the_heuristics_on(sample: Path, tmp_path: Path) -> None:
    text = (ROOT / "config" / "rewards_maker.yaml").read_text() + "heuristics: {}\n"
    config, _ = read_config(text, "rewards_maker.yaml")
    strategy = evolve(config.strategies[0], parameters=MAKER)
    out = tmp_path / "run"
    found = notebook_run(sample, strategy=strategy, venue=VENUE, policy=POLICY, profile="everything", out=out)

    assert found.faults == ()
    assert strict(out).identical
    assert set(found.start.strategies[0].modules) == {
        f"engine.strategies.{name}"
        for name in ("complete_sets", "maker_parameters", "order_manager", "quoting", "verification")
    }
    assert make(found.start.strategies[0]).size_lots == 60 * M


def least_held(found: Any) -> int:
    """The least that was held of any token at any time, in size units: fills and complete sets in their order."""
    moves: list[tuple[int, int, int]] = []
    for fill in found.observed.fills:
        moves.append((fill.seq, fill.instrument, fill.size if fill.side == "BUY" else -fill.size))
    for sets in found.observed.sets:
        size = -sets.size if sets.merges else sets.size
        moves += [(sets.seq, sets.instrument, size), (sets.seq, sets.instrument + 1, size)]
    held: dict[int, int] = {}
    least = 0
    for _, instrument, size in sorted(moves):
        held[instrument] = held.get(instrument, 0) + size
        least = min(least, held[instrument])
    return least


@pytest.mark.nightly
def test_no_token_is_sold_twice_while_trades_are_slow_to_be_confirmed(tmp_path: Path) -> None:
    base = sample_recording(tmp_path / "base", 200_000, 20, 7, 30_000)
    text = (ROOT / "config" / "both.yaml").read_text()
    slow = tmp_path / "slow.yaml"
    slow.write_text(text + "money: {settlement: {mined_ms: 5000, confirmed_ms: 20000}}\n", encoding="utf-8")
    (tmp_path / "trading_policy.yaml").write_text(POLICY, encoding="utf-8")
    config, _ = read_config(text, "both.yaml")
    run = notebook_run(base, strategy=config.strategies, venue=slow, observe=True)

    assert [fill.side for fill in run.observed.fills].count("SELL") > 50
    assert least_held(run) >= 0


def test_beside_box_arbitrage_it_touches_its_own_orders_only_and_the_run_replays(sample: Path, tmp_path: Path) -> None:
    config, _ = read_config((ROOT / "config" / "both.yaml").read_text(), "both.yaml")
    out = tmp_path / "run"
    found = notebook_run(
        sample, strategy=config.strategies, venue=config.venue, policy=POLICY, seed=7, observe=True, out=out
    )
    owner = {order["order"]: order["strategy"] for order in found.orders}
    intents = [decode(int(kinds.INTENT), 2, one.payload) for one in of_kind(records(out), int(kinds.INTENT))]
    cancelled = [owner.get(one["target"]) for one in intents if one["what"] == 2 and one["seat"] == 2]

    assert found.faults == ()
    assert dict.fromkeys(owner.values()) == {"box": None, "maker": None}
    assert len(cancelled) > 10
    assert set(cancelled) == {"maker"}
    assert least_held(found) >= 0
    assert {one.code for one in found.refusals if one.strategy == "maker"} <= {"NOT_OWNER", "DUP_BLOCKED", "STALE_DATA"}
    assert strict(out).identical
