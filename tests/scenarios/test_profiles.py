"""The named profiles: each can be read, is what it says, and breaks no promise of the engine, whatever the seed."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from attrs import fields, has
from resimulations import strict

import engine
from engine.kernel import kinds
from engine.kernel.derived import PLACE, decode
from engine.kernel.units import BUY
from journal.disk import RealDisk
from journal.reader import Journal, open_journal
from replay.adversary_config import AdversaryConfig
from replay.config import BadConfig, read_config
from replay.notebook import resimulate
from replay.overlay import write_base_hint
from replay.profiles import FOLDER, NONE, profile_names, read_profile
from replay.resimulation import overlay_writer
from replay.results import Run
from replay.setup import configured
from scenarios import spread
from scenarios.sample.recording import Sample
from scenarios.spread import (
    LEVEL,
    Result,
    alike,
    configured_with,
    distance,
    halves,
    likeness,
    page,
    results,
    run_with,
    simulation_of,
    write_sample,
)

DISK = RealDisk()
NAMES = profile_names(DISK)
SEEDS = range(1, 21) if engine.COMPILED else range(1, 2)
FEW = NAMES if engine.COMPILED else ["everything"]
"""Interpreted, one seed and one profile have to do: it is forty times slower."""

TELLING = ("slow-network", "jittery-network", "crowded", "toxic-flow")
"""Profiles whose mean effect three seeds show."""

SMALL = Sample(seed=7, markets=2, frames=400, disconnect_every=300)

TRADER = '''
"""Quotes, takes, cancels and holds on, as its seed says: busy enough to meet whatever a venue may do."""

from engine.kernel.strategy import BUY, Cancel, Place


class Trader:
    def __init__(self, take_ppm=250_000):
        self.take_ppm, self.memory = take_ppm, {"calls": 0}

    def decide(self, view, wake):
        self.memory["calls"] += 1
        calls, draws = self.memory["calls"], view.draws("trader")
        for number, key in enumerate(wake.instruments):
            market = view.market(key)
            bid, ask = market.best_bid, market.best_ask
            if bid is None or ask is None or view.instruments.index(key) % 2:
                continue  # a bid for the second outcome would stand in the way of takers of the first
            bids = [one for one in market.own_bids if not one.cancelling]
            for own in bids:
                if own.price_ticks != bid:
                    yield Cancel(own, why="the touch moved")
            if not bids:
                yield Place(key, BUY, bid, 20_000_000, post_only=True)
            if draws.chance(calls, number, self.take_ppm):
                tif = ("FAK", "FOK", "GTC")[draws.below(calls, 100 + number, 3)]
                yield Place(key, BUY, ask + 1, 5_000_000 * (1 + draws.below(calls, 200 + number, 9)), tif=tif)
'''

CONFIGURATION = """\
policy: simulation
strategies:
  - {name: trader, code: trader.py:Trader}
venue: {order_latency_ms: 40, report_latency_ms: 30, queue: power, fills: partial}
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small recording."""
    return write_sample(tmp_path_factory.mktemp("base") / "sample", DISK, SMALL)


@pytest.fixture(scope="module")
def trader(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where the strategy stands."""
    path = tmp_path_factory.mktemp("code") / "trader.py"
    path.write_text(TRADER)
    return CONFIGURATION.replace("trader.py", str(path))


def play(base: Path, out: Path, configuration: str, profile: str, seed: int) -> Any:
    """A run of the trader, kept at *out*."""
    with open_journal(base, DISK) as journal:
        return kept(journal, base, out, configuration, profile, seed)


def kept(journal: Journal, base: Path, out: Path, configuration: str, profile: str, seed: int) -> Any:

    chosen = configured_with(DISK, profile, configuration)
    run = run_with(DISK, journal, chosen, seed)
    simulation = simulation_of(DISK, journal, run, chosen.config)
    writer = overlay_writer(out, DISK, journal, run)
    simulation.sink = writer
    found = simulation.play()
    writer.close()
    write_base_hint(DISK, out, base)
    return found


# -- what they are -----------------------------------------------------------------------------------------------------


def test_there_is_a_profile_for_every_stress_and_each_explains_itself() -> None:
    used: Counter[str] = Counter()
    for name in NAMES:
        profile = read_profile(DISK, name)
        assert profile.adversary is not None
        assert profile.about
        assert profile.text.startswith("# ")
        assert profile.text.count("#") >= 2 + (name != "everything")
        used.update(list(profile.adversary))

    assert len(NAMES) >= 9
    assert read_profile(DISK, "thin-books").about != read_profile(DISK, "calm").about
    assert set(used) == {
        *("name", "delays", "slippage", "partial", "refusals", "thinning", "toxic", "crowding"),
        *("busy", "hectic", "outages", "regimes"),
    }


def test_every_value_of_an_adversary_is_documented() -> None:
    page = (FOLDER.parent.parent / "docs" / "reference" / "configuration.md").read_text("utf-8")
    parts = {one.name: one.type for one in fields(AdversaryConfig)}
    missing = [
        f"adversary.{part}.{value.name}"
        for part, kind in parts.items()
        for inner in getattr(kind, "__args__", ())
        if has(inner)
        for value in fields(inner)
        if f"`adversary.{part}.{value.name}`" not in page
    ]

    assert missing == []
    assert all(f"`adversary.{part}" in page for part in parts)


def test_every_profile_has_a_row_on_the_page_of_results() -> None:
    page = (FOLDER.parent.parent / "docs" / "reference" / "profiles.md").read_text("utf-8")

    assert [name for name in (NONE, *NAMES) if f"\n| {name} |" not in page] == []
    assert all(read_profile(DISK, name).about in page for name in NAMES)


def test_a_file_of_ones_own_is_a_profile_too(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        (FOLDER / "crowded.yaml").read_text().replace("half_fills: 10", "half_fills: 3")
    )
    mine = read_profile(DISK, str(tmp_path / "mine.yaml"))

    assert mine.name == "mine"
    assert mine.adversary is not None
    assert mine.adversary["crowding"]["half_fills"] == 3


@pytest.mark.parametrize(("text", "said"), [
    ("about: x", "a part adversary"),
    ("adversary: {toxic: {picked_off: 1.5}}", "picked_off is 1.5, expected a part from 0 to 1"),
    ("adversary: {toxic: {pickedoff: 1}}", "pickedoff"),
    ("adversary: {thinning: {keep: 0.5}}", "thinning needs hectic"),
    ("adversary: {delays: {busy_times: 2}}", "delays.busy_times needs busy"),
    ("adversary: {crowding: {least: 0.5, most: 0.1}}", "least and most are 0.5 and 0.1"),
    ("adversary: {outages: {every_s: 10, lasts_s: 20}}", "lasts_s is 20"),
    ("adversary: [1]", "a mapping"),
    ("adversary: {a: 1, a: 2}", "twice"),
])  # fmt: skip
def test_a_profile_that_does_not_hold_is_refused_with_the_field(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(BadConfig, match=said):
        read_profile(DISK, str(path))


def test_a_profile_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(BadConfig, match="calm, crowded, everything"):
        read_profile(DISK, "nowhere")


def test_a_value_of_any_stress_may_be_set_beside_a_profile_or_without_one() -> None:
    alone = read_config(CONFIGURATION, "it", ("adversary.slippage.fade=0.25",))[0]
    beside = read_config(
        CONFIGURATION,
        "it",
        ("adversary.toxic.picked_off=0.25",),
        adversaries=(read_profile(DISK, "crowded").adversary,),
    )[0]

    assert alone.adversary is not None
    assert beside.adversary is not None
    assert beside.adversary.toxic is not None
    assert beside.adversary.crowding is not None
    assert (alone.adversary.slippage.fade, beside.adversary.toxic.picked_off) == (0.25, 0.25)  # type: ignore[union-attr]
    assert beside.adversary.name == "crowded"


# -- runs --------------------------------------------------------------------------------------------------------------


def test_no_adversary_and_one_that_does_nothing_are_bit_for_bit_the_same(
    base: Path, trader: str, tmp_path: Path
) -> None:
    (tmp_path / "nothing.yaml").write_text("adversary: {}")
    without = play(base, tmp_path / "without", trader, NONE, 7)
    nothing = play(base, tmp_path / "nothing", trader, str(tmp_path / "nothing.yaml"), 7)

    assert without.fills > 2
    assert without.kernel.state_digest() == nothing.kernel.state_digest()
    assert wal(tmp_path / "without", without) == wal(tmp_path / "nothing", nothing)


def wal(overlay: Path, found: Any) -> list[tuple[int, int, bytes]]:
    """What a run's records say, but for those that name the run."""
    with open_journal(overlay, DISK) as journal:
        return [(r.seq, r.kind, r.payload) for r in journal.records() if r.kind not in (kinds.RUN_START, kinds.DIGEST)]


@pytest.mark.parametrize("name", FEW)
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(
    name: str, base: Path, trader: str, tmp_path: Path
) -> None:
    for out, seed in (("one", 7), ("two", 7), ("other", 8)):
        play(base, tmp_path / out, trader, name, seed)
    one, two, other = ((tmp_path / out / "00000001.zst").read_bytes() for out in ("one", "two", "other"))

    assert one == two
    assert one != other


@pytest.mark.parametrize("name", NAMES)
def test_every_profile_runs_under_twenty_seeds_with_every_invariant_held(
    name: str, base: Path, trader: str, tmp_path: Path
) -> None:
    for seed in SEEDS:
        out = tmp_path / str(seed)
        found = play(base, out, trader, name, seed)

        assert found.faults == []
        assert found.submitted > 0
        lives_are_right(out, found)
        if seed == 1:
            assert strict(out).identical


def lives_are_right(overlay: Path, found: Any) -> None:
    """Every order's life as its reports tell it, and what we hold as the sum of all fills."""
    placed: dict[int, Any] = {}
    told: dict[int, list[tuple[int, tuple[int, ...]]]] = {}
    with open_journal(overlay, DISK) as journal:
        for record in journal.records():
            if record.kind == kinds.REQUEST:
                request = decode(record.kind, record.schema, record.payload)
                if request["what"] == PLACE:
                    placed[record.seq] = request
            elif record.kind >= kinds.SIM_ACKED and record.kind <= kinds.SIM_EXPIRED:
                fields = tuple(
                    int.from_bytes(record.payload[at : at + 8], "little", signed=True)
                    for at in range(0, len(record.payload), 8)
                )
                told.setdefault(fields[0], []).append((record.kind, fields))
    held: Counter[int] = Counter()
    for number, reports in told.items():
        request = placed[number]
        fills = [fields for kind, fields in reports if kind == kinds.SIM_FILLED]
        ends = [kind for kind, _ in reports if kind in (kinds.SIM_CANCELLED, kinds.SIM_EXPIRED)]
        filled = sum(fields[3] for fields in fills)
        buys = request["side"] == BUY
        held[request["instrument"]] += filled if buys else -filled

        assert reports[0][0] in (kinds.SIM_ACKED, kinds.SIM_REJECTED)
        assert len(reports) == 1 or reports[0][0] == kinds.SIM_ACKED
        assert len(ends) + (filled == request["size"]) <= 1
        assert not ends or reports[-1][0] == ends[0]
        assert filled <= request["size"]
        assert all(fields[3] > 0 for fields in fills)
        assert all(fields[2] <= request["price"] if buys else fields[2] >= request["price"] for fields in fills)
    holdings = found.kernel.trading.desk.portfolio.holdings
    assert {int(one.instrument.number): int(one.size) for one in holdings if one.size} == {
        instrument: size for instrument, size in held.items() if size
    }


def test_a_run_keeps_its_profile_and_needs_the_file_no_more(base: Path, trader: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text((FOLDER / "everything.yaml").read_text())
    made = play(base, tmp_path / "run", trader, str(path), 7)
    path.unlink()
    again = resimulate(tmp_path / "run", seed=7)
    without = resimulate(tmp_path / "run", seed=7, profile=NONE)
    named = resimulate(tmp_path / "run", seed=7, profile="everything")

    assert digest(again) == made.kernel.state_digest().hex() == digest(named)
    assert digest(without) != digest(again)
    with open_journal(tmp_path / "run", DISK) as journal:
        from replay.choose import recorded_run

        chosen = configured(DISK, recorded_run(journal), None, None, ())
    assert chosen.config.adversary is not None
    assert chosen.config.adversary.name == "mine"


def digest(run: Run) -> str:
    return run.stats.state_digest


# -- what they do ------------------------------------------------------------------------------------------------------


def mean(found: list[Result], figure: str) -> float:
    return sum(float(getattr(one, figure)) for one in found) / len(found)


@pytest.mark.skipif(not engine.COMPILED, reason="means over seeds take their time interpreted")
def test_a_profile_does_to_a_strategy_what_it_is_about(tmp_path: Path) -> None:
    with open_journal(write_sample(tmp_path / "sample", DISK, Sample(7, 3, 3000, 0)), DISK) as base:
        found = {name: results(DISK, base, name, range(1, 4)) for name in (NONE, *TELLING)}
    fills, pnl, orders = (
        {name: mean(runs, what) for name, runs in found.items()} for what in ("fills", "pnl", "orders")
    )

    assert orders["slow-network"] < orders[NONE]
    assert orders["jittery-network"] < orders[NONE]
    assert fills["crowded"] < fills[NONE]
    assert fills["toxic-flow"] > fills[NONE]
    assert pnl["toxic-flow"] < pnl[NONE]


# -- two sets of seeds -------------------------------------------------------------------------------------------------


def test_the_distance_of_two_samples_is_that_of_their_distribution_functions() -> None:
    one, other = [float(n) for n in range(100)], [float(n) for n in range(30, 130)]

    assert distance(one, one) == 0
    assert distance(one, other) == pytest.approx(0.3)
    assert distance(one, [value + 1000 for value in one]) == 1
    assert likeness(one, one) == 1
    assert likeness(one, other) == pytest.approx(0.0001742, rel=0.01)
    assert likeness(one, [value + 1000 for value in one]) < 1e-40


def fallen(seeds: range, by: float = 0.0) -> list[Result]:
    """Results as they may be: all different, and less by *by*."""
    return [Result(seed, pnl=seed * 37 % 101 - by, fills=seed % 5, orders=9) for seed in seeds]


def test_the_page_has_every_profile_twice_and_its_halves_are_those_of_the_seeds() -> None:
    found = {"calm": fallen(range(1, 203)), "moved": fallen(range(1, 102)) + fallen(range(1, 102), 40)}
    text = page(found)

    assert halves(found["calm"], "pnl") == ([one.pnl for one in found["calm"][:101]],) * 2
    assert text.count("\n| calm | ") == text.count("\n| moved | ") == 2
    assert "| calm | 101 + 101 | 0.000 | 1.000 | " in text
    assert alike(found)["calm", "pnl"] == 1
    assert alike(found)["moved", "pnl"] < LEVEL


@pytest.mark.skipif(not engine.COMPILED, reason="ten profiles take their time interpreted")
def test_the_nightly_command_writes_its_page_unless_halves_are_unlike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written = tmp_path / "page.md"
    monkeypatch.setattr(spread, "SAMPLE", SMALL)

    assert spread.main(["--seeds", "2", "--page", str(written)]) == 0
    assert capsys.readouterr().out.startswith(f"{2 * len(NAMES) + 2} runs of {len(NAMES) + 1} profiles, halves of")
    text = written.read_text()
    monkeypatch.setattr(spread, "LEVEL", 1.1)
    assert spread.main(["--seeds", "2", "--page", str(written)]) == 1
    assert "unlike: pnl under none: p = 1" in capsys.readouterr().err
    assert written.read_text() == text


@pytest.mark.nightly
@pytest.mark.parametrize("name", NAMES)
def test_two_hundred_seeds_hold_every_invariant(name: str, base: Path, trader: str, tmp_path: Path) -> None:
    for seed in range(1, 201):
        out = tmp_path / str(seed)
        found = play(base, out, trader, name, seed)

        assert found.faults == []
        lives_are_right(out, found)
        if seed % 20 == 0:
            assert strict(out).identical
