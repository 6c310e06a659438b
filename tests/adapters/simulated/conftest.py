"""A simulated venue on markets moved by hand, and a driver that keeps time as a resimulation does."""

import pytest
from stage import Stage


@pytest.fixture
def stage() -> Stage:
    """One market at 0.40 to 0.42, orders 40 ms on their way and reports 30."""
    return Stage()
