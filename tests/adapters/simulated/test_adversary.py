"""The adversary of the simulated venue, by example: each stress does what it says, and nothing else."""

from itertools import pairwise

import pytest
from stage import LOT, MS, TICK, Said, Stage

from adapters.simulated.adversary import Windows
from adapters.simulated.crowding import MILLION, Crowding, Footprint, halved_ppm, part
from adapters.simulated.models import plain
from engine.kernel import codes
from engine.kernel.record import NONE
from engine.kernel.rng import Draws
from engine.kernel.units import BID, BUY, SELL
from replay.adversary import adversary_of, worsened
from replay.adversary_config import (
    AdversaryConfig,
    CrowdingConfig,
    DelaysConfig,
    OutagesConfig,
    PartialConfig,
    RefusalsConfig,
    RegimesConfig,
    SlippageConfig,
    StressConfig,
)
from replay.venue_config import LognormalConfig

SECOND = 1_000 * MS


def hostile(config: AdversaryConfig, seed: int = 7, order_ms: int = 40, report_ms: int = 30) -> Stage:
    """A stage whose venue has this adversary."""
    return Stage(order_ms, report_ms, worsened(plain(order_ms * MS, report_ms * MS), config, seed))


def kinds(found: list[Said]) -> list[str]:
    return [said.kind for said in found]


# -- delays -----------------------------------------------------------------------------------------------------------


def test_each_kind_of_message_has_a_delay_of_its_own() -> None:
    stage = hostile(AdversaryConfig(delays=DelaysConfig(order_ms=100, cancel_ms=10, report_ms=5)))
    order = stage.place(BUY, 39, 10)
    stage.settle()
    stage.cancel(order)
    sent = stage.now
    stage.settle()

    assert stage.of(order)[0] == Said(175 * MS, "ACKED", order, 140 * MS)
    assert stage.of(order)[1] == Said(sent + 85 * MS, "CANCELLED", order, sent + 50 * MS)


def test_a_delay_is_drawn_for_each_message_from_the_seed() -> None:
    jitter = LognormalConfig(least_ms=0, median_ms=20, sigma=1.0, most_ms=500)

    def arrivals(seed: int) -> list[int]:
        stage = hostile(AdversaryConfig(delays=DelaysConfig(order_ms=jitter)), seed)
        found = []
        for _ in range(40):
            number, sent = stage.place(BUY, 39, 10), stage.now
            stage.settle()
            found.append(stage.of(number)[0].venue_ns - sent)
        return found

    assert arrivals(7) == arrivals(7)
    assert len(set(arrivals(7))) > 30
    assert arrivals(7) != arrivals(8)
    assert all(40 * MS <= ns <= 540 * MS for ns in arrivals(7))


# -- takers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lots", "filled"), [(10, 10), (250, 250), (400, 300), (500, 250), (900, 250)])
def test_the_more_a_taker_wants_of_a_level_the_less_of_it_is_there(lots: int, filled: int) -> None:
    stage = hostile(AdversaryConfig(slippage=SlippageConfig(fade=0.5)))
    number = stage.place(BUY, 42, lots, tif="FAK")
    stage.settle()

    assert sum(said.value for said in stage.of(number) if said.kind == "FILLED") == filled * LOT


@pytest.mark.parametrize(("side", "lots", "limit", "paid"), [
    (BUY, 500, 50, 46), (BUY, 250, 50, 44), (BUY, 500, 43, 43), (SELL, 500, 30, 36), (SELL, 500, 39, 39),
])  # fmt: skip
def test_a_taker_pays_for_its_size_and_never_more_than_its_limit(side: int, lots: int, limit: int, paid: int) -> None:
    stage = hostile(AdversaryConfig(slippage=SlippageConfig(impact_ticks=4)))
    number = stage.place(side, limit, lots, tif="FAK")
    stage.settle()

    assert [said.price for said in stage.of(number) if said.kind == "FILLED"] == [paid * TICK]


def test_a_fraction_of_a_tick_is_paid_as_often() -> None:
    def paid(seed: int) -> int:
        stage = hostile(AdversaryConfig(slippage=SlippageConfig(impact_ticks=1)), seed)
        stage.place(BUY, 50, 125, tif="FAK")  # a quarter of the level
        stage.settle()
        return (stage.heard[1].price - 42 * TICK) // TICK

    found = [paid(seed) for seed in range(400)]

    assert set(found) == {0, 1}
    assert 60 < sum(found) < 140


# -- resting orders ---------------------------------------------------------------------------------------------------


def test_a_partial_fill_leaves_a_part_between_the_least_and_all() -> None:
    shares = []
    for seed in range(200):
        stage = hostile(AdversaryConfig(partial=PartialConfig(chance=0.5, least=0.4)), seed)
        number = stage.place(BUY, 40, 100, post_only=True)
        stage.settle()
        stage.frame(stage.now + MS, bid=38, ask=40)
        stage.settle()
        fills = [said.value for said in stage.of(number) if said.kind == "FILLED"]
        shares.append(sum(fills) / (100 * LOT))

    assert all(0.4 <= share <= 1 for share in shares)
    assert 60 < sum(share == 1 for share in shares) < 140
    assert len(set(shares)) > 30


def test_refusals_come_as_often_as_they_are_asked_for() -> None:
    stage = hostile(AdversaryConfig(refusals=RefusalsConfig(orders=0.25, cancels=0.5)))
    for _ in range(200):
        stage.cancel(stage.place(BUY, 39, 10))
    stage.settle()
    refused = [said for said in stage.heard if said.kind == "REJECTED"]
    kept = [said for said in stage.heard if said.kind == "CANCEL_REFUSED" and said.value == codes.VENUE_ERROR]

    assert 30 < len(refused) < 70
    assert {said.value for said in refused} == {codes.VENUE_ERROR}
    assert 75 < len(kept) < 125


def test_a_refusal_more_leaves_all_others_as_they_were() -> None:
    def refused(chance: float) -> set[int]:
        stage = hostile(AdversaryConfig(refusals=RefusalsConfig(orders=chance)))
        for _ in range(100):
            stage.place(BUY, 39, 10)
        stage.settle()
        return {said.request for said in stage.heard if said.kind == "REJECTED"}

    found = [refused(chance) for chance in (0.0, 0.1, 0.3, 0.6, 1.0)]

    assert all(few < many for few, many in pairwise(found))
    assert [len(found[0]), len(found[-1])] == [0, 100]


# -- outages and regimes ----------------------------------------------------------------------------------------------


def test_in_every_stretch_there_is_one_window_wherever_one_looks_first() -> None:
    def window(stretch: int) -> range:
        windows = Windows(1000, 100, Draws(7, "test"))
        inside = [at for at in range(1000 * stretch, 1000 * (stretch + 1)) if windows.end_ns(at) != NONE]
        return range(inside[0], inside[-1] + 1)

    found = {stretch: window(stretch) for stretch in (5, 0, 3, 1)}

    assert all(len(one) == 100 for one in found.values())
    assert len({one.start % 1000 for one in found.values()}) == 4
    assert Windows(1000, 100, Draws(7, "test")).end_ns(found[3].start) == found[3].stop
    assert Windows(1000, 1000, Draws(7, "test")).end_ns(4_321) == 5_000


@pytest.mark.parametrize("answer", ["refuse", "late"])
def test_in_an_outage_the_venue_answers_nothing_but_refusals_or_when_it_is_over(answer: str) -> None:
    config = AdversaryConfig(outages=OutagesConfig(every_s=10, lasts_s=10, answer=answer))
    stage = hostile(config)
    number = stage.place(BUY, 39, 10)
    heard = stage.settle()[0]

    if answer == "refuse":
        assert (heard.kind, heard.value, heard.venue_ns) == ("REJECTED", codes.VENUE_MAINT, 40 * MS)
    else:
        assert (heard.kind, heard.request, heard.venue_ns) == ("ACKED", number, 10 * SECOND)


def test_hot_times_have_the_stresses_named_for_them_and_keep_the_others() -> None:
    hot = StressConfig(refusals=RefusalsConfig(orders=1.0))
    config = AdversaryConfig(slippage=SlippageConfig(fade=0.5), regimes=RegimesConfig(calm_s=50, hot_s=10, hot=hot))
    adversary = adversary_of(config, 7)
    seen = [adversary.stress(at * SECOND) for at in range(600)]
    refusing = [one.orders_ppm == MILLION for one in seen]

    assert sum(refusing) == 100
    assert sum(before != after for before, after in pairwise(refusing)) in (19, 20)
    assert {one.fade_ppm for one in seen} == {MILLION // 2}


# -- the crowd --------------------------------------------------------------------------------------------------------


def test_a_market_gets_more_crowded_with_every_fill_and_with_time() -> None:
    crowding = Crowding(100_000, 900_000, half_fills_milli=10_000, half_ns=3600 * SECOND)
    by_fills = [crowding.ppm(fills, 0) for fills in range(0, 200, 5)]
    by_time = [crowding.ppm(1, hour * 3600 * SECOND) for hour in range(20)]

    assert by_fills[0] == 100_000
    assert by_fills[2] == 500_000
    assert all(before < after for before, after in pairwise(by_fills[:20]))
    assert all(before < after for before, after in pairwise(by_time[:15]))
    assert by_fills[-1] > 899_000
    assert crowding.ppm(0, NONE) == 100_000
    assert Crowding().ppm(1000, SECOND) == 0


def test_halving_is_exact_at_whole_numbers_and_falls_between_them() -> None:
    found = [halved_ppm(milli) for milli in range(0, 41_000, 100)]

    assert [halved_ppm(1000 * n) for n in range(4)] == [1_000_000, 500_000, 250_000, 125_000]
    assert found == sorted(found, reverse=True)
    assert halved_ppm(1 << 40) == 0
    assert part(3_000_000_000_000_000_001, 500_000) == 1_500_000_000_000_000_000


def test_the_others_see_our_fills_by_market() -> None:
    seen = Footprint()
    seen.filled(3, 50)
    seen.filled(3, 90)

    assert [seen.fills(market) for market in (0, 3, 4)] == [0, 2, 0]
    assert [seen.since_ns(market, 100) for market in (0, 3, 4)] == [NONE, 50, NONE]


def test_the_more_we_have_taken_in_a_market_the_more_often_others_were_there_first() -> None:
    lost = [0] * 30
    for seed in range(60):
        stage = hostile(AdversaryConfig(crowding=CrowdingConfig(half_fills=5, takes=1.0)), seed)
        for turn in range(30):
            number = stage.place(BUY, 42, 5, tif="FAK")
            stage.settle()
            lost[turn] += "FILLED" not in kinds(stage.of(number))
    early, middle, late = sum(lost[:5]), sum(lost[10:15]), sum(lost[25:])

    assert lost[0] == 0
    assert early < middle < late


def test_rivals_stand_before_us_until_they_are_traded_through() -> None:
    """500 lots rest at 40, and as many of others come to stand before us: 1,000 have to trade first."""
    stage = hostile(AdversaryConfig(crowding=CrowdingConfig(least=1.0, joins=1.0)))
    number = stage.place(BUY, 40, 10, post_only=True)
    stage.settle()
    stage.trade(40, 900, SELL)
    stage.level(BID, 40, 500)
    stage.trade(40, 100, SELL)
    before = int(stage.venue.trades)
    stage.trade(40, 1, SELL)
    stage.settle()

    assert before == 0
    assert kinds(stage.of(number)) == ["ACKED", "FILLED"]


def test_a_quote_that_is_undercut_does_not_fill() -> None:
    stage = hostile(AdversaryConfig(crowding=CrowdingConfig(least=1.0, undercuts=1.0)))
    number = stage.place(BUY, 40, 10, post_only=True)
    stage.settle()
    stage.frame(stage.now + MS, bid=38, ask=39)
    stage.settle()

    assert kinds(stage.of(number)) == ["ACKED"]


def test_an_adversary_of_nothing_changes_nothing() -> None:
    def heard(stage: Stage) -> list[Said]:
        stage.place(BUY, 40, 10, post_only=True)
        stage.place(BUY, 42, 700, tif="GTC")
        stage.frame(100 * MS, bid=38, ask=40)
        stage.place(SELL, 38, 10)
        return stage.settle()

    assert heard(hostile(AdversaryConfig())) == heard(Stage())
