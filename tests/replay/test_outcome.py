"""What a resimulation's positions and profit are worth in a person's eyes."""

from decimal import Decimal
from pathlib import Path

import pytest
from resimulations import JOINING, resimulate, sample_recording

from engine.kernel.events import KIND_SPOT, Listing
from engine.kernel.market import Instrument, Market
from engine.kernel.step import Kernel
from engine.kernel.units import BUY, SELL
from replay.outcome import pnl_fields, position_fields
from scenarios.sample.recording import STREAM_SOURCE


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    """The end of a run that holds something."""
    return resimulate(sample_recording(tmp_path / "base", frames=1500, losses=0), JOINING).kernel


def test_the_sum_is_that_of_the_positions(kernel: Kernel) -> None:
    positions = position_fields(kernel)
    pnl = pnl_fields(kernel)["pUSD"]

    assert len(positions) >= 2
    assert pnl["unmarked"] == 0
    for name in ("realised", "unrealised", "fees", "income"):
        total = sum(Decimal(one[name]) for one in positions)
        assert abs(total - Decimal(pnl[name])) <= Decimal("0.0001") * len(positions)


def test_a_position_without_a_mark_has_no_unrealised_figure_and_is_counted(kernel: Kernel) -> None:
    held = [one["number"] for one in position_fields(kernel) if one["position"] != "0"]
    kernel.data.disconnected(STREAM_SOURCE)
    after = position_fields(kernel)

    assert held
    assert [one["number"] for one in after if one["unrealised"] is None] == held
    assert pnl_fields(kernel)["pUSD"]["unmarked"] == len(held)
    assert pnl_fields(kernel)["pUSD"]["unrealised"] == "0.0000"


def test_a_flat_position_has_nothing_unrealised_whether_or_not_it_has_a_mark(kernel: Kernel) -> None:
    portfolio = kernel.trading.desk.portfolio
    held = next(holding for holding in portfolio.holdings if holding.size > 0)
    portfolio.fill(held.instrument.number, SELL, 1000, held.size, 0, False)
    kernel.data.disconnected(STREAM_SOURCE)
    flat = next(one for one in position_fields(kernel) if one["number"] == held.instrument.number)

    assert (flat["position"], flat["cost"], flat["unrealised"]) == ("0", "0.0000", "0.0000")


def test_two_venues_that_count_a_currency_in_other_units_are_added_up(kernel: Kernel) -> None:
    before = Decimal(pnl_fields(kernel)["pUSD"]["realised"])
    portfolio = kernel.trading.desk.portfolio
    listing = Listing("elsewhere", "X", ("X",), (), KIND_SPOT, 2, 2, 1, 1, 1, "pUSD")
    holding = portfolio.instrument_added(Instrument(len(portfolio.holdings), Market(99, listing), 0))
    portfolio.fill(holding.instrument.number, BUY, 100, 100, 0, False)
    portfolio.fill(holding.instrument.number, SELL, 300, 100, 0, False)

    assert holding.purse.exponent == 4
    assert Decimal(pnl_fields(kernel)["pUSD"]["realised"]) == before + 2


def test_what_the_venue_paid_beside_trades_is_in_the_total(kernel: Kernel) -> None:
    before = Decimal(pnl_fields(kernel)["pUSD"]["total"])
    portfolio = kernel.trading.desk.portfolio
    next(holding for holding in portfolio.holdings if holding.traded).income += 3 * 10**10
    after = pnl_fields(kernel)["pUSD"]

    assert portfolio.holdings[0].purse.exponent == 10
    assert (Decimal(after["income"]), Decimal(after["total"])) == (3, before + 3)


def test_what_is_paid_where_nothing_was_traded_counts_too(kernel: Kernel) -> None:
    before = Decimal(pnl_fields(kernel)["pUSD"]["total"])
    portfolio = kernel.trading.desk.portfolio
    listing = Listing("polymarket", "X", ("X",), (), KIND_SPOT, 4, 6, 1, 1, 1, "pUSD")
    portfolio.instrument_added(Instrument(len(portfolio.holdings), Market(99, listing), 0))
    portfolio.credit(len(portfolio.holdings) - 1, 25 * 10**9)

    assert Decimal(pnl_fields(kernel)["pUSD"]["total"]) == before + Decimal("2.5")
    assert position_fields(kernel)[-1]["income"] == "2.5000"
