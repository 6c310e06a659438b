"""The back office of a run: its configuration, and its ledger against the kernel at the end of a recording."""

from pathlib import Path

import pytest
from resimulations import NOISY, Setting, names, records, resimulate, sample_recording, strict

from adapters.simulated.ledger import Ledger
from journal.background import Inline
from journal.disk import RealDisk
from journal.reader import open_journal
from replay.config import BadConfig, RunConfig, StrategyConfig, read_config
from replay.decoders import newest
from replay.feed import JournalFeed
from replay.money import office_of
from replay.money_config import FeeConfig, MoneyConfig, SettlementConfig
from replay.resimulation import Simulation
from replay.venue_config import LognormalConfig, VenueConfig
from replay.verify import this_build

TEXT = """
strategies: [{name: one, code: "mine.py:Mine"}]
venue: {order_latency_ms: 1, report_latency_ms: 2}
"""

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


def play(base: Path, setting: Setting) -> tuple[Simulation, Ledger]:
    with open_journal(base, RealDisk(), Inline()) as journal:
        run = setting.run(journal)
        feed = JournalFeed(RealDisk(), journal, run.decoders, this_build(), Inline(), lambda note: None)
        simulation = Simulation(run, setting.config, feed)
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


def test_a_run_with_settlement_and_sets_replays_strictly(tmp_path: Path) -> None:
    base = sample_recording(tmp_path / "base", frames=1_500)
    setting = Splitting(SPLITTER, "Noisy", {"ppm": 300_000})
    resimulate(base, setting, tmp_path / "out")
    found = names(records(tmp_path / "out"))

    assert strict(tmp_path / "out").identical
    assert min(found.get(kind, 0) for kind in ("SIM_SETTLED", "SIM_CONVERTED", "REVERSAL")) > 0
    resimulate(base, setting, tmp_path / "again")
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
