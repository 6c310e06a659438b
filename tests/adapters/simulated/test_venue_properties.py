"""The first simulated venue under random scripts: what must hold for every order, whatever the market does."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st
from stage import LOT, TICK, Said, Stage

from engine.kernel import codes
from engine.kernel.events import STATUS_CLOSED, STATUS_TRADING
from engine.kernel.order import FLAG_POST_ONLY
from engine.kernel.policy import TIF_FAK, TIF_FOK, TIF_GTD
from engine.kernel.record import NONE
from engine.kernel.request import Request
from engine.kernel.units import BUY

MS = 1_000_000
ENDS = ("REJECTED", "CANCELLED", "EXPIRED")

Step = Callable[[Stage], None]


def places() -> st.SearchStrategy[Step]:
    """An order of any shape, most of them near the touch."""
    return st.builds(
        lambda side, ticks, lots, tif, post_only, ttl, outcome: (
            lambda stage: stage.place(
                side,
                ticks,
                lots,
                tif=tif,
                post_only=post_only and tif in ("GTC", "GTD"),
                ttl_ns=ttl * MS if tif == "GTD" else None,
                outcome=outcome,
            )
        ),
        st.integers(0, 1),
        st.integers(35, 65),
        st.integers(3, 60),
        st.sampled_from(("GTC", "GTC", "GTD", "FOK", "FAK")),
        st.booleans(),
        st.integers(1, 200),
        st.integers(0, 1),
    )


def frames() -> st.SearchStrategy[Step]:
    """A touch, some levels behind it, or a trade; some milliseconds later, or none."""

    def step(wait: int, bid: int, spread: int, lots: int, traded: int | None) -> Step:
        def act(stage: Stage) -> None:
            stage.frame(stage.now + wait * MS, bid, bid + spread, lots, traded)
            bids, asks = {bid - n: lots + n for n in range(3)}, {bid + spread + n: lots for n in range(3)}
            stage.levels(bids, asks)

        return act

    return st.builds(step, st.integers(1, 60), st.integers(38, 60), st.integers(1, 4), st.integers(1, 30), trades())


def trades() -> st.SearchStrategy[int | None]:
    return st.none() | st.integers(36, 64)


def others() -> st.SearchStrategy[Step]:
    """Cancels of any order so far, the book lost and found, the market closed and opened."""

    def cancel(choice: int) -> Step:
        return lambda stage: stage.cancel(1 + choice % max(1, len(stage.sent))) and None

    def set_valid(valid: bool) -> Step:
        return lambda stage: setattr(stage.market, "valid", valid)

    def set_status(status: int) -> Step:
        return lambda stage: setattr(stage.market, "status", status)

    return (
        st.builds(cancel, st.integers(0, 1000))
        | st.builds(set_valid, st.sampled_from((True, True, False)))
        | st.builds(set_status, st.sampled_from((STATUS_TRADING,) * 7 + (STATUS_CLOSED,)))
    )


def scripts() -> st.SearchStrategy[list[Step]]:
    return st.lists(places() | places() | frames() | frames() | frames() | others(), min_size=20, max_size=60)


def play(script: list[Step], order_ms: int, report_ms: int) -> tuple[Stage, list[bool]]:
    """The stage at the end, and for every fill whether the book could be traded on when it was made."""
    stage = Stage(order_ms, report_ms)
    ready: list[bool] = []
    for step in [*script, Stage.settle]:
        step(stage)  # no step lets time pass and changes whether the book is ready
        ready += [stage.market.ready()] * (stage.venue.trades - len(ready))
    return stage, ready


latencies = st.sampled_from((0, 1, 40))


@given(scripts(), latencies, latencies)
def test_every_order_ends_once_or_rests_and_never_fills_beyond_its_size(
    script: list[Step], order_ms: int, report_ms: int
) -> None:
    stage, _ = play(script, order_ms, report_ms)
    for number, request in stage.sent.items():
        if request.target == 0:
            check_life(request, [said for said in stage.of(number) if said.kind != "CANCEL_REFUSED"])


def check_life(request: Request, found: list[Said]) -> None:
    """ACKED, fills, and at most one end behind them; or REJECTED alone."""
    fills = [said for said in found if said.kind == "FILLED"]
    ends = [said for said in found if said.kind in ENDS]
    filled = sum(said.value for said in fills)
    order = [said.kind for said in found]

    assert order == (
        ["REJECTED"] if order == ["REJECTED"] else ["ACKED"] + ["FILLED"] * len(fills) + order[1 + len(fills) :]
    )
    assert len(ends) + (filled == request.size) <= 1
    assert filled <= request.size
    assert all(said.value > 0 for said in fills)
    for end in ends:
        assert end is found[-1]
        assert end.kind == "REJECTED" or end.value == filled


@given(scripts(), latencies, latencies)
def test_an_order_does_what_its_time_in_force_and_its_flags_say(
    script: list[Step], order_ms: int, report_ms: int
) -> None:
    stage, _ = play(script, order_ms, report_ms)
    for number, request in stage.sent.items():
        if request.target:
            continue
        arrived = stage.sent_ns[number] + stage.order_ns
        fills = [said for said in stage.of(number) if said.kind == "FILLED"]
        filled = sum(said.value for said in fills)
        for said in fills:
            within = said.price <= request.price if request.side == BUY else said.price >= request.price
            assert within
            assert said.price == request.price or not said.maker
            assert said.maker or said.venue_ns == arrived
        if request.flags & FLAG_POST_ONLY:
            assert all(said.maker for said in fills)
        if request.tif in (TIF_FOK, TIF_FAK):
            assert not any(said.maker for said in fills)
        if request.tif == TIF_FOK:
            assert filled in (0, request.size)
        if request.tif == TIF_GTD:
            assert all(said.venue_ns <= request.expires_ns for said in fills)
        for said in stage.of(number):
            if said.kind == "EXPIRED":
                assert said.venue_ns == request.expires_ns != NONE


@given(scripts(), latencies, latencies)
def test_reports_take_exactly_their_latency_and_come_in_order(
    script: list[Step], order_ms: int, report_ms: int
) -> None:
    stage, ready = play(script, order_ms, report_ms)
    heard = stage.heard

    assert [said.at_ns for said in heard] == sorted(said.at_ns for said in heard)
    assert all(said.at_ns == said.venue_ns + stage.report_ns for said in heard)
    assert [said.trade for said in heard if said.kind == "FILLED"] == list(range(1, len(ready) + 1))
    for number, request in stage.sent.items():
        if request.target == 0:
            assert stage.of(number)[0].venue_ns == stage.sent_ns[number] + stage.order_ns


@given(scripts(), latencies, latencies)
def test_nothing_fills_while_the_book_may_not_be_traded_on(script: list[Step], order_ms: int, report_ms: int) -> None:
    _, ready = play(script, order_ms, report_ms)

    assert all(ready)


@given(scripts(), latencies, latencies)
def test_every_cancel_is_answered_once(script: list[Step], order_ms: int, report_ms: int) -> None:
    """By the end of the order it names, or by a refusal; only a market's end cancels unasked."""
    stage, _ = play(script, order_ms, report_ms)
    cancels = [request for request in stage.sent.values() if request.target]
    refused = [said for said in stage.heard if said.kind == "CANCEL_REFUSED"]
    asked = [said for said in stage.heard if said.kind == "CANCELLED" and rests(stage.sent[said.request])]

    assert all(said.value == codes.NO_SUCH_ORDER for said in refused)
    assert len(refused) <= len(cancels) <= len(refused) + len(asked)
    assert stage.venue.cancels == len(cancels)
    assert stage.venue.submitted == len(stage.sent) - len(cancels)


def rests(request: Request) -> bool:
    return request.tif not in (TIF_FOK, TIF_FAK)


def test_the_scripts_reach_what_they_are_meant_to() -> None:
    """A property over scripts in which nothing fills would prove nothing."""
    met: set[str] = set()

    @given(scripts())
    def gather(script: list[Step]) -> None:
        stage, _ = play(script, 40, 30)
        met.update(said.kind + ("+" if said.maker else "") for said in stage.heard)

    gather()

    assert met == {"ACKED", "FILLED", "FILLED+", "CANCELLED", "REJECTED", "EXPIRED", "CANCEL_REFUSED"}
    assert TICK * LOT == 1_000_000
