"""
The stresses that know the market, each alone; and every stress: the stronger, the more there is of its effect.

What would happen without an adversary is known to the lot (`stress_room`), so what a stress does is all that differs.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from stress_room import (
    BEAT_AT,
    DEEP,
    LOTS,
    ORDER_NS,
    REPORT_NS,
    SECOND,
    SECONDS,
    Told,
    feed_of,
    is_hectic,
    middles,
    played,
)

import engine
from engine.kernel.units import BUY
from replay.adversary_config import (
    AdversaryConfig,
    BusyConfig,
    CrowdingConfig,
    DelaysConfig,
    HecticConfig,
    OutagesConfig,
    PartialConfig,
    RefusalsConfig,
    RegimesConfig,
    SlippageConfig,
    StressConfig,
    ThinningConfig,
    ToxicConfig,
)
from replay.feed import MemoryFeed

SEEDS = range(1, 4) if engine.COMPILED else range(1, 2)
EACH = 110
"""Lots that fill of a quote without an adversary."""
BUSY = BusyConfig(facts_per_s=20, lasts_ms=280)
HECTIC = HecticConfig(changes_per_s=20, lasts_ms=900)
ARRIVES = BEAT_AT + ORDER_NS


@pytest.fixture(scope="module")
def feeds(tmp_path_factory: pytest.TempPathFactory) -> dict[int, MemoryFeed]:
    folder = tmp_path_factory.mktemp("feeds")
    return {seed: feed_of(folder, seed) for seed in SEEDS}


def by_turn(told: Told, at_least_ns: int = 0) -> dict[tuple[int, int], int]:
    """Lots filled, by second and side, of fills at *at_least_ns* in their second or later."""
    found: dict[tuple[int, int], int] = {}
    for one in told.fills:
        if one.at_ns % SECOND >= at_least_ns:
            turn = one.at_ns // SECOND, one.side
            found[turn] = found.get(turn, 0) + one.lots
    return found


def steps(seed: int, side: int) -> list[int]:
    """By second, by how many ticks the middle moves the way of an order of *side* when it is over."""
    sign = 1 if side == BUY else -1
    return [sign * (after - before) for before, after in pairwise(middles(seed))]


def turns(seed: int, wanted: Callable[[int], bool]) -> set[tuple[int, int]]:
    """Seconds and sides behind which the middle moves so that *wanted*."""
    return {(second, side) for side in (0, 1) for second, step in enumerate(steps(seed, side)) if wanted(step)}


def test_without_an_adversary_every_quote_and_every_taker_fills_alike(feeds: dict[int, MemoryFeed]) -> None:
    made, taken = played(feeds[1], None), played(feeds[1], None, takes=True)

    assert by_turn(made) == dict.fromkeys(turns(1, lambda step: True), EACH)
    assert by_turn(taken) == dict.fromkeys(turns(1, lambda step: True), DEEP)
    assert {one.at_ns % SECOND for one in taken.fills} == {ARRIVES}
    assert set(made.arrivals.values()) == set(made.cancels.values()) == {ORDER_NS}
    assert set(made.reports) == {REPORT_NS}
    assert len(made.cancels) == len(made.asked) == 2 * (SECONDS - 1)
    assert any(is_hectic(second) for second in range(SECONDS))


# -- those that know the market, alone ---------------------------------------------------------------------------------


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.8])
def test_thinning_leaves_a_part_of_levels_and_of_what_reaches_us_while_a_market_is_hectic(
    keep: float, feeds: dict[int, MemoryFeed]
) -> None:
    thin = AdversaryConfig(hectic=HECTIC, thinning=ThinningConfig(keep))
    made, taken = by_turn(played(feeds[1], thin)), by_turn(played(feeds[1], thin, takes=True))

    for turn in turns(1, lambda step: True):
        hectic = is_hectic(turn[0])
        assert made.get(turn, 0) == (round(EACH * keep) if hectic else EACH)
        assert taken.get(turn, 0) == (round(DEEP * keep) if hectic else DEEP)


@pytest.mark.parametrize("times", [1.5, 4])
def test_a_busy_venue_takes_longer_for_everything_and_no_longer_than_it_is_busy(
    times: float, feeds: dict[int, MemoryFeed]
) -> None:
    told = played(feeds[1], AdversaryConfig(busy=BUSY, delays=DelaysConfig(busy_times=times)))
    slow = {
        number for number, ns in told.sent_ns.items() if is_hectic(ns // SECOND - min(told.sent_ns.values()) // SECOND)
    }

    assert {told.arrivals[number] for number in slow} == {round(times * ORDER_NS)}
    assert {ns for number, ns in told.arrivals.items() if number not in slow} == {ORDER_NS}
    assert set(told.cancels.values()) == {ORDER_NS, round(times * ORDER_NS)}
    assert set(told.reports) == {REPORT_NS, round(times * REPORT_NS)}


def test_a_quote_is_picked_off_exactly_where_the_market_is_about_to_leave_it(feeds: dict[int, MemoryFeed]) -> None:
    """It is looked at when it comes to rest, and fills whole, though 500 lots stand before it."""
    for seed in SEEDS:
        told = played(feeds[seed], AdversaryConfig(toxic=ToxicConfig(picked_off=1, horizon_ms=900)))
        picked = [one for one in told.fills if one.at_ns % SECOND == ARRIVES]

        assert {(one.at_ns // SECOND, one.side) for one in picked} == turns(seed, lambda step: step < 0)
        assert {one.lots for one in picked} == {LOTS}
        assert all(one.maker and one.tick == told.orders[one.request][1] for one in picked)
        assert by_turn(told, ARRIVES + 1) == dict.fromkeys(turns(seed, lambda step: step >= 0), EACH)


def test_a_fill_is_withheld_exactly_where_the_market_is_about_to_move_our_way(feeds: dict[int, MemoryFeed]) -> None:
    for seed in SEEDS:
        told = played(feeds[seed], AdversaryConfig(toxic=ToxicConfig(withheld=1, horizon_ms=900)))

        assert by_turn(told) == dict.fromkeys(turns(seed, lambda step: step <= 0), EACH)


def test_informed_counterparties_do_nothing_about_moves_that_are_too_small_or_too_far(
    feeds: dict[int, MemoryFeed],
) -> None:
    plain = played(feeds[1], None)
    small = ToxicConfig(picked_off=1, withheld=1, horizon_ms=900, least_ticks=4)

    assert played(feeds[1], AdversaryConfig(toxic=small)) == plain
    assert played(feeds[1], AdversaryConfig(toxic=ToxicConfig(withheld=1, horizon_ms=190))) == plain


# -- all of them -------------------------------------------------------------------------------------------------------


def picks(told: Told) -> int:
    return sum(one.at_ns % SECOND == ARRIVES for one in told.fills)


def missing(told: Told) -> int:
    return -told.lots


def paid(told: Told) -> int:
    return sum(one.lots * (one.tick if one.side == BUY else -one.tick) for one in told.fills)


def hot(strength: float) -> AdversaryConfig:
    """Every order is refused for so many of eight seconds."""
    stress = StressConfig(refusals=RefusalsConfig(orders=1))
    return AdversaryConfig(regimes=RegimesConfig(calm_s=8 - strength, hot_s=strength, hot=stress))


def delays(**given: Any) -> AdversaryConfig:
    return AdversaryConfig(busy=BUSY, delays=DelaysConfig(**given))


def crowd(**given: Any) -> AdversaryConfig:
    return AdversaryConfig(crowding=CrowdingConfig(**given))


def toxic(**given: Any) -> AdversaryConfig:
    return AdversaryConfig(toxic=ToxicConfig(**{"horizon_ms": 900, **given}))


def thinned(**given: Any) -> AdversaryConfig:
    return AdversaryConfig(
        hectic=HecticConfig(**{"changes_per_s": 20, "lasts_ms": 900, **given}), thinning=ThinningConfig(0)
    )


STRESSES: dict[str, tuple[bool, Callable[[Any], AdversaryConfig], list[Any], Callable[[Told], int]]] = {
    "delays.order_ms": (False, lambda x: delays(order_ms=x), [0, 5, 60], lambda told: sum(told.arrivals.values())),
    "delays.cancel_ms": (False, lambda x: delays(cancel_ms=x), [0, 5, 60], lambda told: sum(told.cancels.values())),
    "delays.report_ms": (False, lambda x: delays(report_ms=x), [0, 5, 60], lambda told: max(told.reports)),
    "delays.busy_times": (False, lambda x: delays(busy_times=x), [1, 2, 7], lambda told: sum(told.arrivals.values())),
    "busy.facts_per_s": (
        False,
        lambda x: AdversaryConfig(busy=BusyConfig(x), delays=DelaysConfig(busy_times=2)),
        [0, 100, 20, 2],
        lambda told: sum(told.arrivals.values()),
    ),
    "busy.lasts_ms": (
        False,
        lambda x: AdversaryConfig(busy=BusyConfig(20, x), delays=DelaysConfig(busy_times=2)),
        [0, 50, 900, 3000],
        lambda told: sum(told.arrivals.values()),
    ),
    "slippage.fade": (True, lambda x: AdversaryConfig(slippage=SlippageConfig(fade=x)), [0, 0.2, 0.7, 1], missing),
    "slippage.impact_ticks": (
        True,
        lambda x: AdversaryConfig(slippage=SlippageConfig(impact_ticks=x)),
        [0, 0.5, 1.5, 4],
        paid,
    ),
    "partial.chance": (False, lambda x: AdversaryConfig(partial=PartialConfig(x)), [0, 0.2, 0.6, 1], missing),
    "partial.least": (False, lambda x: AdversaryConfig(partial=PartialConfig(1, x)), [1, 0.8, 0.3, 0], missing),
    "refusals.orders": (
        False,
        lambda x: AdversaryConfig(refusals=RefusalsConfig(orders=x)),
        [0, 0.2, 0.6, 1],
        lambda told: len(told.refused),
    ),
    "refusals.cancels": (
        False,
        lambda x: AdversaryConfig(refusals=RefusalsConfig(cancels=x)),
        [0, 0.2, 0.6, 1],
        lambda told: 1000 * len(told.kept) // len(told.asked),
    ),
    "thinning.keep, of quotes": (
        False,
        lambda x: AdversaryConfig(hectic=HECTIC, thinning=ThinningConfig(x)),
        [1, 0.7, 0.2, 0],
        missing,
    ),
    "thinning.keep, of takers": (
        True,
        lambda x: AdversaryConfig(hectic=HECTIC, thinning=ThinningConfig(x)),
        [1, 0.7, 0.2, 0],
        missing,
    ),
    "hectic.changes_per_s": (True, lambda x: thinned(changes_per_s=x), [0, 100, 20, 3], missing),
    "hectic.trades_per_s": (
        True,
        lambda x: thinned(changes_per_s=0, trades_per_s=x, lasts_ms=3000),
        [0, 4, 3, 1],
        missing,
    ),
    "hectic.lasts_ms": (True, lambda x: thinned(lasts_ms=x), [0, 200, 3000], missing),
    "toxic.picked_off": (False, lambda x: toxic(picked_off=x), [0, 0.2, 0.6, 1], picks),
    "toxic.withheld": (False, lambda x: toxic(withheld=x), [0, 0.2, 0.6, 1], missing),
    "toxic.least_ticks": (False, lambda x: toxic(picked_off=1, least_ticks=x), [4, 1, 0.5], picks),
    "crowding.takes": (True, lambda x: crowd(least=1, takes=x), [0, 0.2, 0.6, 1], missing),
    "crowding.undercuts": (False, lambda x: crowd(least=1, undercuts=x), [0, 0.2, 0.6, 1], missing),
    "crowding.joins": (False, lambda x: crowd(least=1, joins=x), [0, 0.02, 0.1, 0.2], missing),
    "crowding.least": (True, lambda x: crowd(least=x, takes=1), [0, 0.2, 0.6, 1], missing),
    "crowding.most": (True, lambda x: crowd(most=x, half_fills=1, takes=1), [0, 0.2, 0.6, 1], missing),
    "crowding.half_fills": (True, lambda x: crowd(half_fills=x, takes=1), [0, 40, 10, 1], missing),
    "crowding.half_hours": (True, lambda x: crowd(half_hours=x, takes=1), [0, 0.02, 0.004, 0.001], missing),
    "outages.lasts_s, refusing": (
        False,
        lambda x: AdversaryConfig(outages=OutagesConfig(10, x, "refuse")),
        [0.001, 1, 4, 10],
        missing,
    ),
    "outages.lasts_s, late": (
        False,
        lambda x: AdversaryConfig(outages=OutagesConfig(10, x, "late")),
        [0.001, 1, 4, 9],
        lambda told: sum(told.arrivals.values()),
    ),
    "outages.every_s": (
        False,
        lambda x: AdversaryConfig(outages=OutagesConfig(x, 1, "refuse")),
        [10_000_000, 20, 5, 1],
        lambda told: len(told.refused),
    ),
    "regimes.hot_s": (False, hot, [0.001, 2, 5, 7.5], lambda told: len(told.refused)),
}
"""By stress: whether takers meet it, an adversary of such a strength alone, strengths from none, and what it does."""


@pytest.mark.parametrize("name", STRESSES)
def test_more_of_a_stress_has_more_of_its_effect_and_none_of_it_changes_nothing(
    name: str, feeds: dict[int, MemoryFeed]
) -> None:
    takes, adversary, strengths, effect = STRESSES[name]
    plain = [played(feed, None, takes=takes) for feed in feeds.values()]
    found = [[played(feed, adversary(one), seed, takes) for seed, feed in feeds.items()] for one in strengths]
    effects = [sum(map(effect, runs)) for runs in found]

    assert found[0] == plain
    assert effects == sorted(effects)
    assert effects[0] < effects[-1]
