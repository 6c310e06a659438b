"""Attribution adds up to the kernel's portfolio, to the last unit, whatever a run went through."""

from collections import Counter
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from attribution_room import Log, Room
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from two_clocks_room import make_room

from engine.kernel import kinds
from engine.kernel.step import Kernel
from replay.attribution import TERMS, Attribution, Terms, attribute, halves
from replay.attribution.split import split
from replay.observe import observer_of
from replay.observed import MARKOUTS_NS, Fill, Observed
from replay.outcome import unrealised_of
from replay.resimulation import Simulation
from scenarios.sample.recording import STREAM_SOURCE


def played(seed: int, frames: int = 300, day: bool = False, alone: bool = False) -> tuple[Kernel, Observed, Log]:
    """A run of every kind of thing; at the end of some no book says what positions are worth."""
    with TemporaryDirectory() as folder:
        log = Log()
        found, observer = Room(seed, Path(folder) / "base", frames, day, alone).play(log, observed=True)
        assert observer is not None
        if seed % 3 == 0:
            found.kernel.data.disconnected(STREAM_SOURCE)
        return found.kernel, observer.finish(), log


def check(kernel: Kernel, observed: Observed) -> Attribution:
    """The terms are the kernel's portfolio, in each instrument, each purse and each strategy's sum."""
    found = attribute(observed)
    portfolio: Counter[str] = Counter()
    for holding in kernel.trading.desk.portfolio.holdings:
        profit = holding.realised + (unrealised_of(holding) or 0) - holding.fees + holding.income
        of_it = [one.terms for one in found.parts if one.instrument == holding.instrument.number]
        portfolio[holding.purse.key] += profit

        assert sum(one.total for one in of_it) == 2 * profit
    for one in found.by_purse:
        assert one.terms.total == 2 * portfolio.pop(one.purse)
        assert one.terms == sum((other.terms for other in found.by_strategy if other.purse == one.purse), Terms())
        assert one.terms == sum((other.terms for other in found.by_instrument if other.purse == one.purse), Terms())
    assert not any(portfolio.values())
    assert found.unexplained == {}
    check_fills(found, observed)
    return found


def check_fills(found: Attribution, observed: Observed) -> None:
    """Fills have the trading terms of their parts; the rest is conversions, openings and credits."""
    for part in found.parts:
        mine = [
            one.terms
            for one in found.fills
            if (one.fill.strategy, one.fill.instrument) == (part.strategy, part.instrument)
        ]
        whole = sum(mine, Terms())
        for name in ("spread", "slippage", "drift", "adverse", "fees"):
            assert getattr(part.terms, name) == getattr(whole, name)
        assert (whole.conversion, whole.carried, whole.rebates, whole.rewards) == (0, 0, 0, 0)
    assert [one.fill for one in found.fills] == list(observed.fills)
    assert all(one.terms == Terms() for one in found.fills if one.fill.reversed is not None)


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.booleans())
def test_the_terms_are_the_portfolio_where_trades_fail_sets_are_made_and_markets_resolve(
    seed: int, alone: bool
) -> None:
    kernel, observed, _ = played(seed, 120, alone=alone)

    check(kernel, observed)


@pytest.mark.nightly
@settings(max_examples=10_000)
@given(st.integers(0, 2**32), st.integers(40, 400), st.integers(0, 9))
def test_the_terms_are_the_portfolio_of_ten_thousand_runs(seed: int, frames: int, draw: int) -> None:
    kernel, observed, _ = played(seed, frames, day=draw == 0, alone=draw % 3 == 0)

    check(kernel, observed)


@settings(max_examples=15)
@given(st.integers(0, 2**32), st.booleans())
def test_the_terms_are_the_portfolio_at_several_venues(seed: int, wild: bool) -> None:
    room = make_room(seed, 120, wild)
    simulation = Simulation(room.run, room.config, room.feed)
    observer = observer_of(simulation, 300_000_000, 100_000_000)
    kernel = simulation.play().kernel

    check(kernel, observer.finish())


def test_those_runs_have_all_that_moves_a_profit() -> None:
    seen: Counter[str] = Counter()
    whole = Terms()
    for seed, alone in ((2, False), (4, False), (15, False), (16, False), (17, True), (18, True)):
        kernel, observed, log = played(seed, 300, day=alone, alone=alone)
        found = check(kernel, observed)
        seen.update(kinds.name(kind) for kind, _, _ in log.records)
        seen["resolved"] += any(one.payoff is not None for one in observed.ended)
        seen["unmarked"] += sum(one.unrealised is None for one in observed.ended)
        seen["opened"] += any(one.size for one in observed.opened)
        seen["fills"] += len(observed.fills)
        seen["attributed"] += found.attributed
        whole += sum((one.terms for one in found.by_purse), Terms())

    assert seen["attributed"] == seen["fills"] > 0
    for what in ("REVERSAL", "SIM_CONVERTED", "SIM_CREDITED", "GROUP", "resolved", "unmarked", "opened"):
        assert seen[what] > 0, what
    for name in TERMS:
        assert name == "conversion" or getattr(whole, name) != 0, name
    assert whole.conversion == 0  # both outcomes are one book: what one is worth more the other is worth less


# -- the terms themselves ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def observed() -> Observed:
    """A run, whose facts tests exchange."""
    return played(4)[1]


def alone(observed: Observed, fill: Fill, mark: int = 5_000, per: int = 1) -> Terms:
    """The terms of *fill*, were it all that the run did."""
    ends = tuple(evolve(one, mark=mark, per=per, size=0) for one in observed.ended)
    changed = evolve(observed, fills=(fill,), opened=(), sets=(), credits=(), ended=ends)
    parts, fills = split(changed)
    assert [one.terms for one in parts] == [fills[0].terms]
    return fills[0].terms


def a_fill(observed: Observed, **figures: object) -> Fill:
    base: dict[str, object] = {
        **{"side": "BUY", "price": 4_900, "limit": 4_900, "size": 10, "fee": 7, "maker": True, "reversed": None},
        **{"bid": 4_900, "ask": 5_100, "mid2": 10_000, "later2": 9_960},
    }
    return evolve(observed.fills[0], **{**base, **figures})


def test_an_order_that_made_earns_the_spread_and_loses_to_who_knew_more(observed: Observed) -> None:
    terms = alone(observed, a_fill(observed), mark=4_950)

    assert (terms.spread, terms.slippage, terms.drift) == (2 * 10 * 100, 0, 0)
    assert terms.adverse == 2 * 10 * -20
    assert terms.holding == 2 * 10 * -30
    assert terms.fees == 14
    assert terms.total == 2 * (10 * (4_950 - 4_900) - 7)
    sold = alone(observed, a_fill(observed, side="SELL", price=5_100, limit=5_100), mark=4_950)
    assert (sold.spread, sold.adverse, sold.holding) == (2 * 10 * 100, 2 * 10 * 20, 2 * 10 * 30)


def test_an_order_that_took_pays_the_spread_slips_and_drifts(observed: Observed) -> None:
    taken = a_fill(observed, price=5_300, limit=5_400, maker=False, mid2=10_300)
    terms = alone(observed, taken)

    assert terms.spread == 2 * 10 * (5_000 - 5_100)
    assert terms.slippage == 2 * 10 * (5_100 - 5_300)
    assert terms.drift == 2 * 10 * 150
    assert terms.adverse == 2 * 10 * (4_980 - 5_150)
    assert terms.total == 2 * (10 * (5_000 - 5_300) - 7)


def test_an_order_that_met_no_touch_when_decided_is_held_to_its_own_price(observed: Observed) -> None:
    late = a_fill(observed, price=4_950, limit=5_000, maker=False)

    assert alone(observed, late).slippage == 2 * 10 * (5_000 - 4_950)
    assert alone(observed, evolve(late, ask=None)).slippage == 2 * 10 * (5_000 - 4_950)


def test_what_no_book_said_moves_nothing(observed: Observed) -> None:
    unknown = a_fill(observed, mid2=None, later2=None, bid=None, ask=None)
    terms = alone(observed, unknown, mark=4_950)

    assert (terms.spread, terms.slippage, terms.drift, terms.adverse) == (0, 0, 0, 0)
    assert terms.holding == 2 * 10 * 50


@given(st.integers(-(10**6), 10**6), st.integers(1, 10**6), st.lists(st.integers(1, 10**6), min_size=1, max_size=6))
def test_parts_of_a_position_are_worth_the_whole_however_marks_are_rounded(
    observed: Observed, mark: int, per: int, sizes: list[int]
) -> None:
    fills = tuple(
        a_fill(observed, seq=seq, size=size, side="BUY" if seq % 3 else "SELL") for seq, size in enumerate(sizes, 1)
    )
    ends = tuple(evolve(one, mark=mark, per=per) for one in observed.ended)
    changed = evolve(observed, fills=fills, opened=(), sets=(), credits=(), ended=ends)
    whole = sum(one.size if one.side == "BUY" else -one.size for one in fills)
    cash = sum(-one.size * one.price if one.side == "BUY" else one.size * one.price for one in fills)
    parts, _ = split(changed)

    assert sum(one.terms.total for one in parts) == 2 * (cash + whole * mark // per - 7 * len(fills))


def test_mark_outs_and_hits_are_of_the_fills_that_stand(observed: Observed) -> None:
    good = a_fill(observed, seq=1, mids2=(9_900, None, None), later2=10_200)
    bad = a_fill(observed, seq=2, side="SELL", size=30, mids2=(9_900, 9_800, None), later2=10_200)
    gone = evolve(bad, seq=3, reversed=9)
    parts, _ = split(evolve(observed, fills=(good, bad, gone), opened=(), sets=(), credits=()))
    (part,) = parts

    assert (part.fills, part.hits, part.turnover) == (2, 1, 40 * 4_900)
    assert [one.after_ns for one in part.markouts] == list(MARKOUTS_NS)
    assert [one.made for one in part.markouts] == [10 * 100 - 30 * 100, 0, 0]
    assert [(one.fills, one.size, one.unknown) for one in part.markouts] == [(2, 40, 0), (1, 30, 1), (0, 0, 2)]


def test_a_drawdown_is_shared_out_in_full(observed: Observed) -> None:
    found = attribute(observed)

    for fall in found.drawdowns:
        mine = [one.drawdown for one in found.by_strategy if one.purse == fall.purse]
        tokens = [one.drawdown for one in found.by_instrument if one.purse == fall.purse]
        equity = next(one.equity for one in observed.currencies if one.purse == fall.purse)

        assert sum(mine) == sum(tokens) == -fall.fell < 0
        assert (equity[fall.peak] or 0) - (equity[fall.trough] or 0) == fall.fell
        assert max((value or 0) for value in equity[: fall.peak + 1]) == (equity[fall.peak] or 0)
    assert found.drawdowns


def test_money_is_shown_with_every_digit() -> None:
    assert halves(-3, 2) == Decimal("-0.015")
    assert Terms(spread=3, fees=1).decimals(4)["total"] == Decimal("0.00010")
