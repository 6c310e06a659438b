"""Box arbitrage from end to end: whole runs, what becomes of every pair, and what crowding does to the edge."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from click.testing import CliRunner
from resimulations import of_kind, records, strict

import engine
from engine.kernel import kinds
from engine.kernel.derived import decode
from engine.kernel.groups import FAILED, FILLED, STATE_NAMES
from engine.runtime.cli import engine as command
from journal.disk import RealDisk
from journal.reader import open_journal
from replay.outcome import simulated_fields
from replay.overlay import write_base_hint
from replay.profiles import NONE
from replay.resimulation import Simulated, Simulation, overlay_writer
from scenarios.gaps import Gaps, Pair, write_gaps
from scenarios.sample.recording import Sample
from scenarios.spread import (
    LEVEL,
    Result,
    configured_with,
    likeness,
    mean,
    results,
    run_with,
    simulation_of,
    write_sample,
)

ROOT = Path(__file__).resolve().parents[3]
DISK = RealDisk()
CROWDED = "crowded"

FRAMES = 6000
SEEDS = range(1, 13) if engine.COMPILED else range(1, 4)
GAPS = Gaps()

VENUE = "venue: {order_latency_ms: 40, report_latency_ms: 30, queue: power, fills: partial, gtd_step_ms: 1000}\n"
RESTING = """\
policy: simulation
strategies:
  - name: box
    code: engine.strategies.box_arbitrage:BoxArbitrage
    tier: box_arbitrage
    parameters: {lots: 20_000_000, most_lots: 100_000_000, buffer_bps: 50, patience_ms: 5_000, COMPLETED}
money: {ledger: true}
"""
TAKING = """\
policy: simulation
strategies:
  - name: box
    code: engine.strategies.box_arbitrage:BoxArbitrage
    tier: box_arbitrage
    parameters:
      {lots: 20_000_000, most_lots: 100_000_000_000, buffer_bps: BUFFER, styles: [take], pairs: [PAIR], cool_ms: 100}
"""
WIDENING = """\
heuristics:
  crowding: {raised_ticks: 3, high_ticks: 5, pulls: never, gates: never}
  compression: {pulls: never, gates: never}
  toxicity: {raised_ticks: 0, high_ticks: 0, pulls: never, gates: never}
"""
THIN, WIDE = 20, 300


@frozen
class Played:
    """A run that was kept, and what came of it."""

    path: Path
    simulation: Simulation
    simulated: Simulated
    fields: dict[str, Any]

    def groups(self) -> dict[int, list[tuple[str, int]]]:
        """The states of each group in their order, with the leg that each concerns."""
        found: dict[int, list[tuple[str, int]]] = {}
        for record in of_kind(records(self.path), kinds.GROUP):
            fields = decode(record.kind, record.schema, record.payload)
            found.setdefault(fields["group"], []).append((STATE_NAMES[fields["state"]], fields["leg"]))
        return found

    def reasons(self) -> dict[str, int]:
        """How many intents were asked for, by why."""
        found: dict[str, int] = {}
        for record in of_kind(records(self.path), kinds.INTENT):
            why = decode(record.kind, record.schema, record.payload)["why"]
            found[why] = found.get(why, 0) + 1
        return found


def played(base: Path, out: Path, configuration: str, profile: str = NONE, seed: int = 7) -> Played:
    with open_journal(base, DISK) as journal:
        chosen = configured_with(DISK, profile, configuration + VENUE)
        run = run_with(DISK, journal, chosen, seed)
        simulation = simulation_of(DISK, journal, run, chosen.config)
        writer = overlay_writer(out, DISK, journal, run)
        simulation.sink = writer
        simulated = simulation.play()
        writer.close()
        write_base_hint(DISK, out, base)
        return Played(out, simulation, simulated, simulated_fields("", run, simulated))


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample(tmp_path_factory.mktemp("sample") / "base", DISK, Sample(7, 3, FRAMES, 0))


@pytest.fixture(scope="module")
def gaps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_gaps(tmp_path_factory.mktemp("gaps") / "base", DISK, GAPS)


@pytest.fixture(scope="module")
def merging(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Played:
    """A run that merges what is whole."""
    return played(sample, tmp_path_factory.mktemp("merging") / "run", RESTING.replace("COMPLETED", "completed: merge"))


def taking(buffer_bps: int, more: str = "") -> str:
    pair = ", ".join(f'"{key}"' for key in Pair(GAPS).first_outcomes)
    return TAKING.replace("BUFFER", str(buffer_bps)).replace("PAIR", f"[{pair}]") + VENUE + more


# -- pairs that rest ---------------------------------------------------------------------------------------------------


def test_pairs_are_completed_and_merged_and_the_run_says_so(merging: Played) -> None:
    sets = merging.fields["sets"]

    assert sum(Decimal(one["merged"]) for one in sets) >= 20
    assert {one["refused"] for one in sets} == {"0"}
    assert "FILLED" in [states[-1][0] for states in merging.groups().values()]


@pytest.mark.parametrize("completed", ["merge", "hold"])
def test_the_configuration_that_comes_along_completes_pairs(completed: str, sample: Path) -> None:
    words = ["replay", str(sample), "--seed", "7", "--config", str(ROOT / "config" / "box_arb.yaml")]
    words += ["--set", f"strategies.box.parameters.completed={completed}"]
    said = CliRunner().invoke(command, words)
    told = CliRunner().invoke(command, [*words, "--json"])
    document = json.loads(told.stdout)
    sums = {name: sum(Decimal(one[name]) for one in document["sets"]) for name in ("merged", "held")}

    assert (said.exit_code, told.exit_code, document["faults"]) == (0, 0, [])
    assert set(document["verdicts"]) == {"OK"}
    assert sums["merged"] + sums["held"] >= 20
    assert (sums["merged"] > 0) == (completed == "merge")
    assert f"{sums['held']:f} held to resolution\n" in said.stdout
    assert (f"complete sets: {sums['merged']:f} merged" in said.stdout) == (completed == "merge")


def test_no_money_is_made_or_lost(merging: Played) -> None:
    ledger = merging.simulation.office.ledger
    assert ledger is not None
    ledger.check()
    (purse,) = merging.simulated.kernel.trading.desk.portfolio.purses
    pnl = merging.fields["pnl"]["pUSD"]
    held = sum(Decimal(one["cost"]) for one in merging.fields["positions"])
    kept = Decimal(pnl["realised"]) - held - Decimal(pnl["fees"]) + Decimal(pnl["income"])

    assert ledger.differences(merging.simulated.kernel.trading.desk.portfolio) == []
    assert abs(Decimal(purse.cash()) / 10 ** int(purse.exponent) - kept) <= Decimal("0.001")


def test_every_group_ends_whole_rescued_or_unwound(merging: Played) -> None:
    groups = merging.groups()
    open_at_the_end = {group.number for group in merging.simulated.kernel.trading._groups.active}
    ended = {number: states for number, states in groups.items() if number not in open_at_the_end}
    halves = [states for states in ended.values() if ("WORKING", 0) in states or ("WORKING", 1) in states]

    assert {states[-1][0] for states in ended.values()} <= {STATE_NAMES[FILLED], STATE_NAMES[FAILED]}
    assert halves  # first-leg-only pairs, that the kernel rescued
    assert merging.reasons()["rescue"] >= len(halves)


def test_nothing_is_left_but_pairs_and_what_is_too_little_to_trade(merging: Played) -> None:
    kernel = merging.simulated.kernel
    busy = {leg.instrument.market.key for group in kernel.trading._groups.active for leg in group.legs}
    for market in kernel.data.listings.markets:
        yes, no = (kernel.trading.desk.portfolio.holdings[market.first_instrument + leg].size for leg in (0, 1))
        if market.key not in busy:
            assert abs(yes - no) < market.listing.min_size


def test_the_run_replays_from_its_own_records(merging: Played) -> None:
    assert strict(merging.path).identical


def test_pairs_that_are_held_are_not_merged_and_the_run_says_so(sample: Path, tmp_path: Path) -> None:
    held = played(sample, tmp_path / "run", RESTING.replace("COMPLETED", "completed: hold"))
    sets = held.fields["sets"]

    assert {one["merged"] for one in sets} == {"0"}
    assert sum(Decimal(one["held"]) for one in sets) >= 20


# -- pairs that are taken, alone and in company ------------------------------------------------------------------------


def pnl(base: Path, profile: str, configuration: str, seeds: range = SEEDS) -> list[Result]:
    with open_journal(base, DISK) as journal:
        return results(DISK, journal, profile, seeds, configuration)


def average(found: list[Result]) -> float:
    return mean([one.pnl for one in found])


def test_two_markets_of_one_question_are_bought_below_one_and_held(gaps: Path, tmp_path: Path) -> None:
    run = played(gaps, tmp_path / "run", taking(THIN).replace(VENUE, ""))
    held = [Decimal(one["position"]) for one in run.fields["positions"]]
    cost = sum((Decimal(one["cost"]) + Decimal(one["fees"]) for one in run.fields["positions"]), Decimal(0))

    assert (held[0], run.fields["sets"]) == (held[1], [])
    # One of each pays one: what both cost with their fees stayed below that by the buffer.
    assert 0 < cost < held[0] * (1 - Decimal(THIN) / 10_000)
    assert strict(run.path).identical


@pytest.mark.skipif(not engine.COMPILED, reason="means over seeds take their time interpreted")
def test_crowding_takes_the_edge_away_unless_the_buffer_widens(gaps: Path) -> None:
    alone = average(pnl(gaps, NONE, taking(THIN), range(1, 2)))
    crowded = average(pnl(gaps, CROWDED, taking(THIN)))
    wide = pnl(gaps, CROWDED, taking(WIDE))

    assert alone > 20
    assert crowded <= 0
    assert average(wide) > 5
    assert min(one.pnl for one in wide) > 0


@pytest.mark.skipif(not engine.COMPILED, reason="means over seeds take their time interpreted")
def test_the_heuristics_widen_the_buffer_in_time(gaps: Path) -> None:
    alone = average(pnl(gaps, NONE, taking(THIN, WIDENING), range(1, 2)))
    without = average(pnl(gaps, CROWDED, taking(THIN)))
    crowded = average(pnl(gaps, CROWDED, taking(THIN, WIDENING)))

    assert alone == average(pnl(gaps, NONE, taking(THIN), range(1, 2)))  # nobody is there, and nothing widens
    assert without <= 0 < crowded


@pytest.mark.nightly
def test_over_two_hundred_seeds_the_edge_goes_and_comes_back_and_two_halves_are_alike(gaps: Path) -> None:
    seeds = range(1, 201)
    thin, wide, widening = (pnl(gaps, CROWDED, taking(*one), seeds) for one in ((THIN,), (WIDE,), (THIN, WIDENING)))

    assert average(thin) <= 0 < average(widening)
    assert average(wide) > 5
    for runs in (thin, wide, widening):
        for figure in ("pnl", "fills"):
            halves = [[float(getattr(one, figure)) for one in part] for part in (runs[:100], runs[100:])]

            assert likeness(*halves) >= LEVEL
