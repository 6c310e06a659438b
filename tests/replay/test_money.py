"""The back office of a run: its configuration, and its ledger against the kernel at the end of a recording."""

from pathlib import Path

import pytest
from attrs import evolve
from resimulations import NOISY, Setting, names, of_kind, records, resimulate, sample_recording, strict

import engine
from adapters.simulated.ledger import FEES, Ledger
from engine.kernel import kinds
from engine.kernel.derived import PLACE, SPLIT, decode
from journal.background import Inline
from journal.disk import RealDisk
from journal.reader import open_journal
from replay.adversary_config import AdversaryConfig
from replay.config import BadConfig, RunConfig, StrategyConfig, read_config
from replay.decoders import newest
from replay.feed import JournalFeed
from replay.money import office_of
from replay.money_config import FeeConfig, MoneyConfig, SettlementConfig
from replay.profiles import profile_names, read_profile
from replay.resimulation import Simulation
from replay.simulate import Timeline
from replay.venue_config import LognormalConfig, VenueConfig
from replay.venue_time import END
from replay.verify import this_build

TEXT = """
strategies: [{name: one, code: "mine.py:Mine"}]
venue: {order_latency_ms: 1, report_latency_ms: 2}
"""

PROFILES = profile_names(RealDisk()) if engine.COMPILED else ["everything"]

SPLITTER = NOISY.replace("SELL, Cancel,", "SELL, Cancel, Merge, Split,").replace(
    "        elif choice == 13:\n",
    """        elif choice == 14:
            yield Split(key, lots)
        elif choice == 15:
            yield Merge(key, lots)
        elif choice == 13:
""",
)


def money(text: str) -> MoneyConfig:
    return read_config(f"{TEXT}money: {text}", "demo.yaml")[0].money


def test_left_out_polymarket_settles_and_pays_and_nothing_fails() -> None:
    left_out = read_config(TEXT, "demo.yaml")[0].money

    assert left_out == MoneyConfig() == money("{}")
    assert (left_out.settlement.venues, left_out.settlement.failure_ppm) == (("polymarket",), 0)
    assert (left_out.rebates, left_out.rewards, left_out.ledger, left_out.fees) == (True, True, False, {})


def test_every_part_is_read() -> None:
    found = money(
        "{fees: {binance-usdm: {maker_bps: -0.5, taker_bps: 4}}, rewards: false, rebates: false, ledger: true,"
        " conversion_ms: {least_ms: 1, median_ms: 2, sigma: 1, most_ms: 9},"
        " settlement: {venues: [polymarket, binance], mined_ms: 5, retry_ppm: 10, failure_ppm: 20}}"
    )

    assert found.fees == {"binance-usdm": FeeConfig(-0.5, 4.0)}
    assert found.settlement == SettlementConfig(("polymarket", "binance"), 5.0, retry_ppm=10, failure_ppm=20)
    assert found.conversion_ms == LognormalConfig(1.0, 2.0, 1.0, 9.0)
    assert (found.rewards, found.rebates, found.ledger) == (False, False, True)


@pytest.mark.parametrize(
    ("text", "names_it"),
    [
        ("{settlement: {retry_ppm: 600000, failure_ppm: 600000}}", "a million at most together"),
        ("{settlement: {failure_ppm: 1000001}}", "failure_ppm"),
        ("{settlement: {venues: polymarket}}", "venues"),
        ("{fees: {binance: {maker_bps: 10001, taker_bps: 0}}}", "maker_bps"),
        ("{fees: {binance: {taker_bps: 1}}}", "maker_bps"),
        ("{conversion_ms: soon}", "conversion_ms"),
        ("{ledger: 1}", "ledger"),
        ("{tips: 1}", "tips"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(text: str, names_it: str) -> None:
    with pytest.raises(BadConfig, match=names_it):
        money(text)


def test_parts_that_are_not_wanted_are_not_built() -> None:
    bare = office_of(MoneyConfig(settlement=SettlementConfig(venues=()), rewards=False, rebates=False), 7)

    assert (bare.rewards, bare.rebates, bare.ledger) == (None, None, None)
    assert office_of(MoneyConfig(), 7).rewards is not None


class Splitting(Setting):
    """A strategy that also splits and merges, at a venue where trades fail."""

    money = MoneyConfig(settlement=SettlementConfig(retry_ppm=200_000, failure_ppm=200_000), ledger=True)

    @property
    def config(self) -> RunConfig:
        strategy = StrategyConfig("one", f"one.py:{self.class_name}", parameters=self.parameters)
        return RunConfig((strategy,), VenueConfig(self.order_ms, self.report_ms), money=self.money, seed=self.seed)


def play(
    base: Path, setting: Setting, adversary: AdversaryConfig | None = None, auditor: "Auditor | None" = None
) -> tuple[Simulation, Ledger]:
    with open_journal(base, RealDisk(), Inline()) as journal:
        run = setting.run(journal)
        feed = JournalFeed(RealDisk(), journal, run.decoders, this_build(), Inline(), lambda note: None)
        simulation = Simulation(run, evolve(setting.config, adversary=adversary), feed)
        if auditor is not None:
            auditor.sent_to(simulation)
        simulation.play()
    ledger = simulation.office.ledger
    assert ledger is not None
    return simulation, ledger


def hear_the_rest(simulation: Simulation) -> None:
    """Reports that were on their way when the recording ended reach the kernel as well."""
    kernel, source = simulation.kernel, 99
    while (report := simulation.venue.take_report(2**62)) is not None:
        report.fill(kernel.batch)
        kernel.step_decoded(kernel.seq + 1 + len(kernel.out.records), kernel.recv_ns + 1, report.kind, source)


@pytest.mark.parametrize("seed", range(4))
def test_when_all_is_told_the_ledger_adds_up_and_has_of_us_what_the_kernel_has(tmp_path: Path, seed: int) -> None:
    base = sample_recording(tmp_path / "base", frames=1_500, markets=3, seed=seed)
    simulation, ledger = play(base, Splitting(SPLITTER, "Noisy", {"ppm": 300_000}, seed))

    ledger.check()
    hear_the_rest(simulation)
    assert ledger.differences(simulation.kernel.trading.desk.portfolio) == []
    assert simulation.venue.trades > 0
    assert ledger.entries > simulation.venue.trades


class Auditor:
    """
    Looks at a run's books whenever it keeps a record, and at each instant at which the venue does something.

    Attributes:
        looks: how often all parties summed to zero: always, or it would have raised.
        compared: how often no report was on its way, so that the kernel's portfolio had to have what the ledger has.
    """

    EVERY_NS = 50_000_000

    def __init__(self) -> None:
        self.looks = self.compared = self.count = 0

    def sent_to(self, simulation: Simulation) -> None:
        self._simulation = simulation
        simulation.sink = self
        simulation.observer = self

    def append_input(self, kind: int, schema: int, source: int, recv_ns: int, src_ns: int, payload: bytes) -> int:
        return self._add_up()

    def append_derived(self, kind: int, schema: int, payload: bytes) -> int:
        return self._add_up()

    def _add_up(self) -> int:
        ledger = self._simulation.office.ledger
        assert ledger is not None
        ledger.check()
        self.looks += 1
        self.count += 1
        return self.count

    def attach(self, line: Timeline) -> None:
        line.observer, line.observe_ns = self, 0

    def look(self, now_ns: int, seq: int, base_seq: int) -> int:
        simulation = self._simulation
        ledger, venue = simulation.office.ledger, simulation.venue
        assert ledger is not None
        ledger.check()
        self.looks += 1
        if not venue.busy():
            assert ledger.differences(simulation.kernel.trading.desk.portfolio) == []
            self.compared += 1
        now_ns = max(now_ns, int(simulation.kernel.recv_ns))
        due_ns = int(venue.next_ns())
        return min(due_ns if due_ns > now_ns else END, now_ns + self.EVERY_NS)


@pytest.mark.parametrize("name", PROFILES)
def test_under_every_profile_all_parties_sum_to_zero_throughout_and_the_ledger_has_of_us_what_the_kernel_has(
    name: str, tmp_path: Path
) -> None:
    """With trades that fail and complete sets; `test_conservation` has markets that resolve as well."""
    base = sample_recording(tmp_path / "base", frames=1_500, markets=3, seed=5)
    adversary = read_config(TEXT, "it", adversaries=(read_profile(RealDisk(), name).adversary,))[0].adversary
    trades = 0
    for seed in range(3):
        auditor = Auditor()
        simulation, ledger = play(base, Splitting(SPLITTER, "Noisy", {"ppm": 300_000}, seed), adversary, auditor)

        ledger.check()
        hear_the_rest(simulation)
        assert ledger.differences(simulation.kernel.trading.desk.portfolio) == []
        assert simulation.venue.adversary is not None
        assert auditor.looks > 2 * auditor.compared > 1_000
        assert any(cash.held[FEES] for cash in ledger.cash.values())
        trades += int(simulation.venue.trades)
    assert trades > 20


def test_a_run_with_settlement_and_sets_replays_strictly(tmp_path: Path) -> None:
    base = sample_recording(tmp_path / "base", frames=1_500)
    setting = Splitting(SPLITTER, "Noisy", {"ppm": 300_000})
    resimulate(base, setting, tmp_path / "out")
    found = names(records(tmp_path / "out"))

    assert strict(tmp_path / "out").identical
    assert min(found.get(kind, 0) for kind in ("SIM_SETTLED", "SIM_CONVERTED", "REVERSAL")) > 0
    again = resimulate(base, setting, tmp_path / "again")
    asked = of_kind(records(tmp_path / "out"), int(kinds.REQUEST))
    requests = [decode(one.kind, one.schema, one.payload)["what"] for one in asked]
    assert again.submitted == requests.count(PLACE)
    assert requests.count(SPLIT) > 0  # which are no orders
    assert [one.payload for one in records(tmp_path / "out")] == [one.payload for one in records(tmp_path / "again")]


def test_the_ledger_changes_nothing_of_what_happens(tmp_path: Path) -> None:
    base = sample_recording(tmp_path / "base", frames=800)
    setting = Splitting(SPLITTER, "Noisy", {"ppm": 300_000})
    simulation, _ = play(base, setting)
    again = Splitting(SPLITTER, "Noisy", {"ppm": 300_000})
    with open_journal(base, RealDisk(), Inline()) as journal:
        run = again.run(journal)
        feed = JournalFeed(RealDisk(), journal, newest(), this_build(), Inline(), lambda note: None)
        without = RunConfig(
            again.config.strategies, again.config.venue, MoneyConfig(settlement=Splitting.money.settlement), seed=7
        )
        bare = Simulation(run, without, feed)
        bare.play()

    assert bare.office.ledger is None
    assert bare.kernel.state_digest() == simulation.kernel.state_digest()
