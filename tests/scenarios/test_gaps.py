"""The recording of two markets of one question: the same every time, believable, and cheap only in its gaps."""

from pathlib import Path

import attrs

from journal.disk import RealDisk
from journal.reader import open_journal
from replay.config import StrategyConfig
from replay.notebook import resimulate
from scenarios.gaps import Gaps, Pair, inputs, write_gaps
from scenarios.sample.book import ASK

GAPS = Gaps(gaps=24, wide_every=6)

WATCHER = '''
"""Counts what both offers cost together; orders nothing."""


class Watcher:
    def __init__(self, pair=()):
        self.pair, self.memory = pair, {}

    def decide(self, view, wake):
        one, two = (view.market(key) for key in self.pair)
        if one.valid and two.valid:
            cost = one.best_ask + two.best_ask
            self.memory[cost] = self.memory.get(cost, 0) + 1
        return ()
'''


def test_the_same_gaps_are_the_same_recording_and_another_seed_is_another() -> None:
    assert inputs(GAPS) == inputs(GAPS)
    assert inputs(GAPS) != inputs(attrs.evolve(GAPS, seed=8))
    assert GAPS.journal_id != attrs.evolve(GAPS, seed=8).journal_id


def test_both_together_cost_more_than_one_but_for_the_gaps() -> None:
    pair = Pair(GAPS)
    costs = []
    for _ in pair.happenings():
        costs.append(sum(stall.book.sides[ASK].best() for stall in pair.stalls) // 10)

    assert costs[0::3] == costs[2::3] == [102] * 24
    assert [cost for cost in costs[1::3] if cost == 97] == [97] * 20  # five ticks lower
    assert all(102 - 13 <= cost <= 102 - 11 for cost in costs[16::18])


def test_the_kernel_believes_every_book_of_it(tmp_path: Path) -> None:
    base = write_gaps(tmp_path / "base", RealDisk(), GAPS)
    (tmp_path / "watcher.py").write_text(WATCHER)
    code = f"{tmp_path / 'watcher.py'}:Watcher"
    watcher = StrategyConfig("watcher", code, parameters={"pair": list(Pair(GAPS).first_outcomes)})
    run = resimulate(base, strategy=watcher)
    (seat,) = run.kernel.trading.desk.seats
    with open_journal(base, RealDisk()) as journal:
        frames = sum(1 for _ in journal.records())

    assert frames == len(inputs(GAPS))
    assert run.kernel.unreadable == 0
    assert not seat.muted
    assert {102, 97} <= set(seat.strategy.memory)
    assert all(market.ready() and market.suspect == 0 for market in run.kernel.data.listings.markets)
