"""The simulated venue under random scripts and models: what must hold for every order, whatever the market does."""

from collections import Counter
from collections.abc import Callable

import pytest
from attrs import frozen
from hypothesis import given, settings
from hypothesis import strategies as st
from stage import LOT, MS, TICK, Said, Stage

from adapters.simulated.clearing import Clearing
from adapters.simulated.fills import Fills, Partial, Slippage
from adapters.simulated.latency import Delay, Latency, Quantiles
from adapters.simulated.models import Models
from adapters.simulated.queue import PowerLaw, Queue, RiskAverse
from adapters.simulated.rules import SELF_CANCEL_NEWEST, SELF_PASS, SELF_TRADE, Bucket, MarketRule, Rules
from engine.kernel import codes
from engine.kernel.events import SIDE_UNKNOWN, STATUS_CLOSED
from engine.kernel.order import FLAG_POST_ONLY
from engine.kernel.policy import TIF_FAK, TIF_FOK, TIF_GTD
from engine.kernel.request import Request
from engine.kernel.rng import Draws
from engine.kernel.units import ASK, BID, BUY, SELL
from replay.adversary import worsened
from replay.adversary_config import (
    AdversaryConfig,
    CrowdingConfig,
    PartialConfig,
    RefusalsConfig,
    SlippageConfig,
)

ENDS = ("REJECTED", "CANCELLED", "EXPIRED")

ANY = st.integers(0, 4)
"""Every rule for what happens when our own orders meet."""

HOSTILE = AdversaryConfig(
    slippage=SlippageConfig(fade=0.4, impact_ticks=3),
    partial=PartialConfig(chance=0.5),
    refusals=RefusalsConfig(orders=0.25),
    crowding=CrowdingConfig(least=0.3, half_fills=3, takes=0.5, undercuts=0.3, joins=0.2),
)
"""An adversary that leaves times and cancels alone, and makes of everything else less."""

Step = Callable[[Stage], object]


@frozen
class World:
    """The models of one example, as text for people who read a failure."""

    entry_ms: int
    response_ms: int
    jitter: bool
    queue: str
    partial: bool
    self_trade: int
    orders_per_s: int
    taker_delay_ms: int
    hostile: bool

    def models(self) -> Models:
        """New ones: they have a state."""
        queues = {"conservative": Queue(), "risk_averse": RiskAverse(), "power": PowerLaw(3000)}
        rules = Rules(
            self_trade=self.self_trade,
            orders=Bucket(self.orders_per_s, 2 if self.orders_per_s else 0),
            markets=(MarketRule("*", self.taker_delay_ms * MS, 0),),
        )
        latency = Latency(
            self.delay("entry", self.entry_ms), self.delay("cancel", 2), self.delay("back", self.response_ms)
        )
        fills = Partial() if self.partial else Fills()
        models = Models(latency, queues[self.queue], fills, Slippage(), rules, Clearing())
        return worsened(models, HOSTILE, 11) if self.hostile else models

    def delay(self, purpose: str, ms: int) -> Delay:
        """Constant, or anything from nothing to three times that."""
        if self.jitter:
            return Quantiles([0, 500_000, 1_000_000], [0, ms * MS, 3 * ms * MS], Draws(7, purpose))
        return Delay(ms * MS)


def worlds(self_trade: st.SearchStrategy[int] = ANY, partial: bool | None = None) -> st.SearchStrategy[World]:
    return st.builds(
        World,
        st.sampled_from((0, 1, 40)),
        st.sampled_from((0, 1, 40)),
        st.booleans(),
        st.sampled_from(("conservative", "risk_averse", "power")),
        st.booleans() if partial is None else st.just(partial),
        self_trade,
        st.sampled_from((0, 0, 2)),
        st.sampled_from((0, 10, 10)),
        st.booleans(),
    )


def places() -> st.SearchStrategy[Step]:
    """An order of any shape, most of them near the touch."""
    return st.builds(
        lambda side, ticks, lots, tif, post_only, ttl, outcome: (
            lambda stage: stage.place(
                side,
                ticks if outcome == 0 else 100 - ticks,
                lots,
                tif=tif,
                post_only=post_only and tif in ("GTC", "GTD"),
                ttl_ns=ttl * MS if tif == "GTD" else None,
                outcome=outcome,
            )
        ),
        st.sampled_from((BUY, SELL)),
        st.integers(36, 46),
        st.integers(3, 60),
        st.sampled_from(("GTC", "GTC", "GTD", "FOK", "FAK")),
        st.booleans(),
        st.integers(1, 200),
        st.integers(0, 1),
    )


def facts() -> st.SearchStrategy[Step]:
    """A full book, one level, or a trade; some milliseconds later, or none."""

    def book(wait: int, bid: int, spread: int, lots: int) -> Step:
        bids, asks = {bid - n: lots + n for n in range(3)}, {bid + spread + n: lots for n in range(3)}

        def act(stage: Stage) -> None:
            stage.to(stage.now + wait * MS)
            stage.snapshot(bids, asks)

        return act

    def level(wait: int, side: int, away: int, lots: int) -> Step:
        def act(stage: Stage) -> None:
            stage.to(stage.now + wait * MS)
            other = stage.market.book.best_ask() if side == BID else stage.market.book.best_bid()
            stage.level(side, int(other) - away if side == BID else int(other) + away, lots)

        return act

    def trade(wait: int, tick: int, lots: int, taker: int) -> Step:
        def act(stage: Stage) -> None:
            stage.to(stage.now + wait * MS)
            stage.trade(tick, lots, taker)

        return act

    waits = st.integers(0, 60)
    return (
        st.builds(book, waits, st.integers(37, 44), st.integers(1, 3), st.integers(1, 30))
        | st.builds(level, waits, st.sampled_from((BID, ASK)), st.integers(1, 4), st.integers(1, 30))
        | st.builds(trade, waits, st.integers(36, 46), st.integers(1, 60), st.sampled_from((BUY, SELL, SIDE_UNKNOWN)))
    )


def cancels() -> st.SearchStrategy[Step]:
    """Of any order so far, or of one that never was."""
    return st.builds(
        lambda choice: lambda stage: stage.cancel(1 + choice % (len(stage.sent) + 1)), st.integers(0, 1000)
    )


def doubts() -> st.SearchStrategy[Step]:
    """The book in doubt and known again, the market closed."""
    return st.builds(
        lambda suspect: lambda stage: setattr(stage.market, "suspect", suspect), st.integers(0, 1)
    ) | st.just(lambda stage: stage.venue.status(0, STATUS_CLOSED, stage.now))


def scripts(*more: st.SearchStrategy[Step], least: int = 10, most: int = 40) -> st.SearchStrategy[list[Step]]:
    steps = places() | places() | facts() | facts() | facts() | cancels()
    for one in more:
        steps |= one
    return st.lists(steps, min_size=least, max_size=most)


def play(script: list[Step], world: World) -> Stage:
    stage = Stage(world.entry_ms, world.response_ms, world.models())
    for step in [*script, Stage.settle]:
        step(stage)
    return stage


def orders(stage: Stage) -> list[tuple[Request, list[Said]]]:
    """Every order with what was heard of it, but for refused cancels."""
    return [
        (request, [said for said in stage.of(number) if said.kind != "CANCEL_REFUSED"])
        for number, request in stage.sent.items()
        if request.target == 0
    ]


@given(scripts(doubts()), worlds())
@settings(max_examples=60)
def test_every_order_ends_once_or_rests_and_never_fills_beyond_its_size(script: list[Step], world: World) -> None:
    stage = play(script, world)
    resting = 0
    for request, found in orders(stage):
        fills = [said for said in found if said.kind == "FILLED"]
        ends = [said for said in found if said.kind in ENDS]
        filled = sum(said.value for said in fills)
        order = [said.kind for said in found]
        resting += not ends and filled < request.size

        assert order == ["REJECTED"] or order[: 1 + len(fills)] == ["ACKED"] + ["FILLED"] * len(fills)
        assert len(ends) + (filled == request.size) <= 1
        assert filled <= request.size
        assert all(said.value > 0 for said in fills)
        assert not ends or (ends[0] is found[-1] and (ends[0].kind == "REJECTED" or ends[0].value == filled))
    pit = stage.venue.pit(0)
    assert resting == len(pit.orders(BID)) + len(pit.orders(ASK))
    assert stage.venue.resting == pit.watch.count == resting + (pit.taken_high >= 0)
    assert stage.venue.trades == len([said for said in stage.heard if said.kind == "FILLED"])
    assert stage.venue.rejected == len([said for said in stage.heard if said.kind == "REJECTED"])


@given(scripts(doubts()), worlds())
@settings(max_examples=60)
def test_an_order_does_what_its_time_in_force_and_its_flags_say(script: list[Step], world: World) -> None:
    stage = play(script, world)
    for request, found in orders(stage):
        fills = [said for said in found if said.kind == "FILLED"]
        filled = sum(said.value for said in fills)
        for said in fills:
            assert said.price <= request.price if request.side == BUY else said.price >= request.price
            assert said.price == request.price or not said.maker
            assert said.maker or said.venue_ns == found[0].venue_ns, "a taker trades when it arrives"
        if request.flags & FLAG_POST_ONLY:
            assert all(said.maker for said in fills)
        if request.tif in (TIF_FOK, TIF_FAK):
            assert not any(said.maker for said in fills)
        if request.tif == TIF_FOK:
            assert filled in (0, request.size)
        for said in found:
            assert request.tif != TIF_GTD or said.kind == "REJECTED" or said.venue_ns <= request.expires_ns
            assert said.kind != "EXPIRED" or said.venue_ns == request.expires_ns


def test_a_taker_whose_own_fills_crowd_the_market_is_first_at_all_levels_or_at_none() -> None:
    crowding = CrowdingConfig(least=0, most=1, half_fills=0.01, takes=1)  # nobody before our first fill, all after it
    plain = World(0, 0, False, "conservative", False, int(SELF_PASS), 0, 0, False).models()
    stage = Stage(0, 0, worsened(plain, AdversaryConfig(crowding=crowding), 11))
    stage.snapshot({40: 10}, {42: 10, 43: 10})
    for _ in range(2):
        stage.place(BUY, 43, 15, tif="FOK")
        stage.settle()

    filled = [sum(said.value for said in found if said.kind == "FILLED") for _, found in orders(stage)]
    assert filled == [15 * LOT, 0]


@given(scripts(doubts()), worlds())
@settings(max_examples=60)
def test_nothing_overtakes_anything_on_either_way(script: list[Step], world: World) -> None:
    stage = play(script, world)
    heard = stage.heard

    assert [said.at_ns for said in heard] == sorted(said.at_ns for said in heard)
    assert [said.venue_ns for said in heard] == sorted(said.venue_ns for said in heard)
    assert all(said.at_ns >= said.venue_ns for said in heard)
    assert [said.trade for said in heard if said.kind == "FILLED"] == list(range(1, stage.venue.trades + 1))
    first = [(stage.sent_ns[request.number], found[0]) for request, found in orders(stage)]
    assert all(said.venue_ns >= sent_ns for sent_ns, said in first)
    if not world.taker_delay_ms:
        assert [said.venue_ns for _, said in first] == sorted(said.venue_ns for _, said in first)
    if not world.jitter:
        assert all(said.at_ns == said.venue_ns + stage.report_ns for said in heard)


@given(scripts(), worlds(st.sampled_from((SELF_PASS, SELF_CANCEL_NEWEST))))
@settings(max_examples=60)
def test_no_fill_comes_before_its_cause(script: list[Step], world: World) -> None:
    """A maker's fill at an instant needs a trade or a level of that instant that reaches its price."""
    stage = play(script, world)
    for request, found in orders(stage):
        side, price = request.side, request.price
        if request.instrument == 1:
            side, price = 1 - side, 10_000 - price
        for said in found:
            if said.kind != "FILLED" or not said.maker:
                continue
            assert found[0].kind == "ACKED"
            assert found[0].venue_ns <= said.venue_ns
            assert any(reaches(fact, side, price) for fact in stage.facts if fact[0] == said.venue_ns)


def reaches(fact: tuple[int, str, int, int, int], side: int, price: int) -> bool:
    """Whether a fact reaches an order of ours that rests on *side* at *price*."""
    _, kind, of, at, size = fact
    beyond = at <= price if side == BID else at >= price
    if kind == "trade":
        return of != side and beyond  # a BUY takes from offers; of an unknown side, from either
    return of != side and beyond and size > 0


@given(scripts(), worlds(st.just(int(SELF_PASS)), partial=True))
@settings(max_examples=60)
def test_partial_fills_of_an_instant_are_no_more_than_what_came_in_it(script: list[Step], world: World) -> None:
    stage = play(script, world)
    made: Counter[int] = Counter()
    came: Counter[int] = Counter()
    for said in stage.heard:
        if said.kind == "FILLED" and said.maker:
            made[said.venue_ns] += said.value
    for at_ns, kind, taker, _, size in stage.facts:
        came[at_ns] += 2 * size if kind == "trade" and taker == SIDE_UNKNOWN else size

    assert all(made[at_ns] <= came[at_ns] for at_ns in made)


@given(scripts(), worlds(st.just(int(SELF_TRADE))))
@settings(max_examples=60)
def test_every_trade_with_ourselves_has_two_equal_sides(script: list[Step], world: World) -> None:
    """What no fact of the market explains was between our own orders: as much bought as sold, at one price."""
    stage = play(script, world)
    told = {fact[0] for fact in stage.facts}
    makers = Counter(
        (said.venue_ns, outcome_price(stage, said), said.value)
        for said in stage.heard
        if said.kind == "FILLED" and said.maker and said.venue_ns not in told
    )
    takers = Counter(
        (said.venue_ns, outcome_price(stage, said), said.value)
        for said in stage.heard
        if said.kind == "FILLED" and not said.maker
    )

    assert makers <= takers


def outcome_price(stage: Stage, said: Said) -> int:
    return said.price if stage.sent[said.request].instrument == 0 else 10_000 - said.price


@given(scripts(), worlds())
@settings(max_examples=60)
def test_every_cancel_is_answered_once(script: list[Step], world: World) -> None:
    """By the end of the order it names, or by a refusal; only prevention of self-trades cancels unasked."""
    stage = play(script, world)
    cancels = [request for request in stage.sent.values() if request.target]
    refused = [said for said in stage.heard if said.kind == "CANCEL_REFUSED"]
    ended = [
        said
        for said in stage.heard
        if said.kind == "CANCELLED" and stage.sent[said.request].tif not in (TIF_FOK, TIF_FAK)
    ]

    assert all(said.value in (codes.NO_SUCH_ORDER, codes.CANCEL_FAILED) for said in refused)
    assert len(refused) <= len(cancels) <= len(refused) + len(ended)
    assert world.self_trade > SELF_TRADE or len(cancels) == len(refused) + len(ended)
    assert stage.venue.cancels == len(cancels)
    assert stage.venue.submitted == len(stage.sent) - len(cancels)


@given(scripts(doubts()), worlds())
@settings(max_examples=20)
def test_the_same_script_under_the_same_models_is_heard_the_same(script: list[Step], world: World) -> None:
    assert play(script, world).heard == play(script, world).heard


@pytest.mark.nightly
@given(scripts(doubts(), least=100, most=200), worlds())
@settings(max_examples=100)
def test_long_scripts_hold_to_all_of_this(script: list[Step], world: World) -> None:
    for check in (
        test_every_order_ends_once_or_rests_and_never_fills_beyond_its_size,
        test_an_order_does_what_its_time_in_force_and_its_flags_say,
        test_nothing_overtakes_anything_on_either_way,
        test_the_same_script_under_the_same_models_is_heard_the_same,
    ):
        check.hypothesis.inner_test(script, world)  # type: ignore[attr-defined]


def test_the_scripts_reach_what_they_are_meant_to() -> None:
    """A property over scripts in which nothing fills would prove nothing."""
    met: Counter[str] = Counter()

    @given(scripts(doubts()), worlds())
    @settings(max_examples=300, derandomize=True)
    def gather(script: list[Step], world: World) -> None:
        stage = play(script, world)
        met.update(said.kind + ("+" if said.maker else "") for said in stage.heard)
        met.update(codes.name(said.value) for said in stage.heard if said.kind in ("REJECTED", "CANCEL_REFUSED"))

    gather()

    assert {"ACKED", "FILLED", "FILLED+", "CANCELLED", "REJECTED", "EXPIRED", "CANCEL_REFUSED"} <= set(met)
    assert {
        "VENUE_ERROR",
        "WOULD_CROSS",
        "SIZE_BELOW_MIN",
        "TTL_INVALID",
        "RATE_LIMIT",
        "NO_SUCH_ORDER",
        "CANCEL_FAILED",
    } <= set(met)
    assert TICK * LOT == 1_000_000
