"""Canonical state bytes: the same state gives the same bytes, and broken ones are refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from row_room import MS, RowRoom, binary, contract
from run_maker import RUN, sample_inputs, start_input

from engine.kernel.book import WINDOW
from engine.kernel.checkpoint import pack_market, pack_parts, part_digest, unpack_market, unpack_parts
from engine.kernel.events import TICK_CHANGED, Listing
from engine.kernel.market import Market
from engine.kernel.pack import Malformed, Packer
from engine.kernel.record import NONE
from engine.kernel.step import Kernel
from engine.kernel.units import ASK, BID
from replay.rebuild import kernel_of

prices = st.one_of(st.integers(0, 300), st.integers(3 * WINDOW, 4 * WINDOW))
sizes = st.one_of(st.integers(0, 3), st.integers(2**42 - 1, 2**42), st.just(2**60 - 1))
levels = st.lists(st.tuples(st.sampled_from([BID, ASK]), prices, sizes), max_size=30)
pairs = st.dictionaries(st.integers(0, 500), st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=4)


@given(levels, levels, pairs, st.dictionaries(st.integers(0, 500), st.integers(1, 9), max_size=4))
def test_a_market_s_bytes_tell_what_it_holds_and_not_how_it_came_about(
    before: list[tuple[int, int, int]],
    after: list[tuple[int, int, int]],
    odd: dict[int, tuple[int, int]],
    off_grid: dict[int, int],
) -> None:
    market = Market(0, contract())
    for side, tick, lots in [*before, *[(side, tick, 0) for side, tick, _ in before], *after]:
        market.book.set_level(side, tick, lots)
    market.odd, market.off_grid = odd, off_grid
    other = Market(0, contract())
    held = {(side, tick): lots for side, tick, lots in after}
    for (side, tick), lots in reversed(held.items()):
        other.book.set_level(side, tick, lots)
    other.odd = dict(reversed(odd.items()))
    other.off_grid = dict(reversed(off_grid.items()))

    assert pack_market(market) == pack_market(other)
    restored = unpack_market(0, pack_market(market))
    assert pack_market(restored) == pack_market(market)
    assert [restored.book.levels(side) for side in (BID, ASK)] == [market.book.levels(side) for side in (BID, ASK)]


@pytest.mark.parametrize(
    "listing",
    [
        binary(),
        binary(event="E", neg_risk=True, base="B", fee_ppm=7, fee_exponent=2),
        contract(inverse=True, expiry_ns=9, strike=5, option_type=1, multiplier=3, min_notional=8),
        contract(tick_steps=((100, 20), (1000, 50))),
        binary(rebate_ppm=1, reward_rate=2, reward_min_size=3, reward_spread=4, reward_age_ns=5),
    ],
)
def test_a_listing_is_kept_whole(listing: Listing) -> None:
    kept = unpack_market(0, pack_market(Market(0, listing))).listing

    for name in dir(Listing):
        if not name.startswith("_"):
            assert getattr(kept, name) == getattr(listing, name), name


def fields_of(room: RowRoom) -> list[dict[str, Any]]:
    """Everything a market says of itself, but for what is told of one input only."""
    transient = {"wake", "touched", "unsaved", "alone", "book", "chain", "listing", "by_tick", "by_lot"}
    return [
        {name: getattr(market, name) for name in dir(Market) if not name.startswith("_") and name not in transient}
        | {"book": (market.book.levels(BID), market.book.levels(ASK), market.book.highest_tick)}
        | {"divisors": (market.by_tick.step, market.by_lot.step)}
        for market in room.kernel.data.listings.markets
    ]


def test_a_restored_market_is_the_same_in_every_field_also_after_a_new_grid_and_a_new_listing() -> None:
    room = RowRoom(binary("A"), binary("B"), binary("C"))
    room.fold(room.snapshot("YES-A", bids=((4_000, 1),), asks=((6_000, 2),), venue_ns=MS))
    room.fold(room.row(TICK_CHANGED, "YES-B", 100, 10))
    room.fold(room.snapshot("YES-B", bids=((4_010, 1),), venue_ns=MS))
    room.catalogue(binary("C", min_size=15_000_000, tick=10))
    restored = RowRoom(running=False)
    restored.kernel.restore(room.kernel.checkpoint())

    def methods_aside(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{name: value for name, value in one.items() if not callable(value)} for one in found]

    assert methods_aside(fields_of(restored)) == methods_aside(fields_of(room))
    assert [market.min_size_text for market in restored.kernel.data.listings.markets] == ["5", "5", "15"]
    assert [market.tick_text for market in restored.kernel.data.listings.markets] == ["0.01", "0.001", "0.001"]


def test_a_market_listed_again_under_an_event_is_limited_by_it_at_once_as_after_a_restore() -> None:
    room = RowRoom(binary("A"), binary("B"))
    room.kernel.trading.desk.risk.own(1, 1)
    room.catalogue(binary("A", event="E", neg_risk=True), binary("B", event="E", neg_risk=True))
    restored = RowRoom(running=False)
    restored.kernel.restore(room.kernel.checkpoint())

    for kernel in (room.kernel, restored.kernel):
        risk = kernel.trading.desk.risk
        assert [exposure.owner for exposure in risk.markets] == [0, 1]
        assert [(event.key, event.neg_risk, event.markets) for event in risk.events] == [
            ("polymarket:E@0", True, [0, 1])
        ]


def test_parts_are_read_back_in_order() -> None:
    parts = [("b", b"1"), ("a", b""), ("b", b"2")]

    assert unpack_parts(pack_parts(parts)) == parts
    assert part_digest(b"1") != part_digest(b"2")
    assert len(part_digest(b"")) == 32


def test_fewer_than_no_parts_are_malformed() -> None:
    packer = Packer()
    packer.put(-1)

    with pytest.raises(Malformed, match="fewer than no parts"):
        unpack_parts(packer.finish())


# -- whole kernels -----------------------------------------------------------------------------------------------------


def some_kernel() -> Kernel:
    kernel = kernel_of(RUN)
    for seq, (kind, source, recv_ns, _, payload) in enumerate([start_input(RUN), *sample_inputs(40, 2)], 1):
        kernel.step(seq, recv_ns, kind, source, payload, 0, len(payload))
    broken = b"x" * 30
    kernel.step(99, kernel.recv_ns, 0x0100, 5, broken, 0, len(broken))
    return kernel


def test_a_restored_kernel_has_the_same_bytes_digest_and_counters() -> None:
    kernel, restored = some_kernel(), kernel_of(RUN)
    restored.restore(kernel.checkpoint())

    assert restored.checkpoint() == kernel.checkpoint()
    assert restored.state_digest() == kernel.state_digest()
    for name in ("seq", "recv_ns", "inputs", "running", "unreadable"):
        assert getattr(restored, name) == getattr(kernel, name)
    assert restored.digest.value == kernel.digest.value
    assert kernel.unreadable == 1


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [("head", bytes(40))],
        [("streams", b""), ("head", bytes(40))],
        [("head", bytes(32)), ("streams", bytes(40))],
        [("head", bytes(48)), ("streams", bytes(40))],
        [("head", bytes(40)), ("streams", bytes(8))],
    ],
)
def test_bytes_that_are_no_checkpoint_are_malformed(parts: list[tuple[str, bytes]]) -> None:
    with pytest.raises(Malformed):
        kernel_of(RUN).restore(pack_parts(parts))


@given(st.data())
def test_a_checkpoint_cut_anywhere_is_malformed(data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(WHOLE) - 1), label="cut")

    with pytest.raises(Malformed):
        kernel_of(RUN).restore(WHOLE[:cut])


WHOLE = some_kernel().checkpoint()


def test_a_kernel_that_has_stepped_cannot_be_restored() -> None:
    with pytest.raises(AssertionError):
        some_kernel().restore(WHOLE)


def test_absent_numbers_survive() -> None:
    market = unpack_market(0, pack_market(Market(0, binary())))

    assert (market.venue_ns, market.mark, market.winner, market.last_price) == (NONE, NONE, NONE, NONE)
    assert market.last_price_text == ""
