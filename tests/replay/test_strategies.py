"""Strategies made from their recorded source."""

import pytest

from replay.run import BadRunStart, RunStart, StrategySource, read_run_start
from replay.strategies import BadStrategy, make, tier_number

SOURCE = """
from attrs import frozen

@frozen
class Mine:
    size: int
    def decide(self, view, wake):
        return ()

@frozen
class Picky:
    size: int
    def __attrs_post_init__(self):
        if self.size < 1:
            raise ValueError(f"size is {self.size}, expected 1 or more")
    def decide(self, view, wake):
        return ()

class Plain:
    def __init__(self, size=1):
        if size < 0:
            raise ValueError("size is negative")
        self.size = size
    def decide(self, view, wake):
        return ()

class Mute:
    pass
"""


def recorded(class_name: str, source: str = SOURCE, **parameters: object) -> StrategySource:
    return StrategySource("one", class_name, source, "directional", (), parameters)


def test_a_strategy_gets_its_parameters() -> None:
    assert make(recorded("Mine", size=3)).size == 3
    assert make(recorded("Plain", size=4)).size == 4
    assert make(recorded("Plain")).size == 1


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (recorded("Mine", size="x"), "size"),
        (recorded("Mine", size="3"), "size"),
        (recorded("Mine", size=2.9), "size"),
        (recorded("Mine", size=True), "size"),
        (recorded("Mine", size=1, speed=2), "speed"),
        (recorded("Mine"), "size"),
        (recorded("Picky", size=0), "size is 0, expected 1 or more"),
        (recorded("Plain", speed=2), "speed"),
        (recorded("Plain", size=-1), "negative"),
        (recorded("Nobody"), "no class Nobody"),
        (recorded("Mute"), "decide"),
        (recorded("Mine", "raise OSError('x')"), "OSError"),
        (recorded("Mine", "class"), "SyntaxError"),
    ],
)
def test_a_strategy_that_cannot_be_made_says_why(source: StrategySource, says: str) -> None:
    with pytest.raises(BadStrategy, match=says):
        make(source)


def test_the_tiers_have_names() -> None:
    assert tier_number("box_arbitrage") < tier_number("market_making") < tier_number("directional")
    with pytest.raises(BadStrategy, match="no tier"):
        tier_number("magic")


def test_a_run_reads_back_from_its_record() -> None:
    run = RunStart(
        "id",
        1,
        "build",
        {"POLYMARKET_MARKET": "polymarket-market/1"},
        (recorded("Mine", size=1),),
        "c",
        "p",
        "d",
        7,
        "DEV",
        "simulated",
        "linux",
        "base",
    )

    assert read_run_start(1, run.payload()) == run


@pytest.mark.parametrize("payload", [b"", b"{}", b'{"run_id": 1}', b"[]"])
def test_a_run_that_does_not_say_what_it_needs_is_refused(payload: bytes) -> None:
    with pytest.raises(BadRunStart, match="record 3"):
        read_run_start(3, payload)
