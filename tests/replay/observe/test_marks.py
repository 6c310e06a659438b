"""What parts of positions count as: what the kernel says of the whole, and something sensible where it says nothing."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from resimulations import JOINING, resimulate, sample_recording

from engine.kernel.portfolio import mark_value
from engine.kernel.step import Kernel
from replay.observe.marks import mid2, payoff, rate_of, touch, valued
from scenarios.sample.recording import STREAM_SOURCE


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Kernel:
    """The end of a run that holds something."""
    return resimulate(sample_recording(tmp_path_factory.mktemp("marks") / "base", 800, losses=0), JOINING).kernel


@given(st.integers(-(10**12), 10**12))
def test_every_size_is_worth_what_the_kernel_says(kernel: Kernel, size: int) -> None:
    for holding in kernel.trading.desk.portfolio.holdings:
        rate = rate_of(holding.instrument)

        assert rate is not None
        assert size * rate[0] // rate[1] == mark_value(holding.instrument, size)
        assert valued(holding, None, True).whole == mark_value(holding.instrument, holding.size)


def test_the_mid_lies_in_the_middle_of_the_touch_and_of_both_outcomes(kernel: Kernel) -> None:
    for instrument in kernel.data.listings.instruments:
        bid, ask = touch(instrument)
        mid, other = mid2(instrument), mid2(kernel.data.listings.instruments[instrument.other])

        assert bid is not None
        assert ask is not None
        assert mid == bid + ask
        assert other == 2 * int(instrument.market.price_scale) - mid
        assert payoff(instrument) is None


def test_parts_of_a_position_that_nothing_values_are_not_valued_by_what_a_rest_of_it_cost(tmp_path: Path) -> None:
    kernel = resimulate(sample_recording(tmp_path / "base", 800, losses=0), JOINING).kernel
    kernel.data.disconnected(STREAM_SOURCE)
    holding = kernel.trading.desk.portfolio.holdings[0]
    holding.size, holding.cost = 1, 9_999_999  # what rounding left of a position that is as good as flat
    known = valued(holding, (5_000, 1), True)

    assert known.worth(10**6) == 5_000 * 10**6
    assert known.worth(1) == known.whole == 9_999_999
    assert known.worth(0) == 0
    assert valued(holding, (5_000, 1), False).whole == 5_000  # while the run goes on
    holding.size, holding.cost = -3, -12
    assert [valued(holding, None, True).worth(size) for size in (-3, -1, 3)] == [-12, -4, 12]
    holding.size, holding.cost = 0, 0
    assert [valued(holding, None, True).worth(size) for size in (-3, 0, 3)] == [0, 0, 0]
