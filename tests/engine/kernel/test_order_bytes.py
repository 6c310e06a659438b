"""An order's canonical bytes: they say all of it, and briefly what is as with most orders."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trading_room import Room, binary

from engine.kernel.events import TRADE_CONFIRMED
from engine.kernel.order import CANCEL_SENT, CANCELLED, FLAG_MIRRORED, FLAG_POST_ONLY, Fill, Order
from engine.kernel.order_bytes import pack_end, pack_order, unpack_order
from engine.kernel.pack import Malformed, Packer, Unpacker
from engine.kernel.policy import TIF_GTC
from engine.kernel.record import NONE
from engine.kernel.units import BUY

MOST = 2**63 - 1
words = st.one_of(st.just(0), st.integers(0, 70), st.integers(-MOST, MOST), st.sampled_from((2**14 - 1, 2**14, -1)))
times = st.one_of(st.just(NONE), words)
ROOM = Room(binary())
FIXED = ("number", "seat", "trigger", "ordinal", "side", "price", "size", "tif", "flags", "expires_ns", "group", "leg")
MOVING = ("state", "code", "venue_id", "filled", "reserved", "cancel", "cancel_number", "cancel_ns", "cancel_refusals")
LATER = ("closed_ns", "live_ns", "unsettled")


@st.composite
def orders(draw: st.DrawFn) -> Order:
    instrument = draw(st.sampled_from(ROOM.instruments))
    flags = draw(st.one_of(st.integers(0, 63), words))
    asked = ROOM.instruments[instrument.other] if flags & FLAG_MIRRORED else instrument
    number = draw(st.integers(1, 2**62))
    trigger = draw(st.one_of(st.integers(max(0, number - 2**14), number), st.integers(0, number)))
    seat, ordinal, side = draw(st.tuples(words, words, st.sampled_from((0, 0, 1, 1, 2))))
    price, size, tif, expires_ns, group, leg = draw(st.tuples(words, words, words, times, words, words))
    order = Order(
        number, seat, trigger, ordinal, instrument, asked, side, price, size, tif, flags, expires_ns, group, leg
    )
    order.state, order.code, order.venue_id = draw(st.tuples(st.integers(1, 16), words, st.text(max_size=3)))
    order.filled, order.reserved, order.cancel = draw(st.tuples(words, words, st.integers(0, 4)))
    order.cancel_number, order.cancel_ns, order.cancel_refusals = draw(st.tuples(words, times, words))
    order.closed_ns, order.live_ns, order.unsettled = draw(st.tuples(times, times, words))
    fills = st.builds(Fill, st.text(max_size=3), words, words, st.integers(-(2**80), 2**80), words)
    found = {fill.trade: fill for fill in draw(st.lists(fills, max_size=2))}
    order.fills = found or draw(st.sampled_from((None, {})))
    return order


def told(order: Order) -> list[Any]:
    """All of *order* that is part of the state."""
    fills = [(key, one.trade, one.price, one.size, one.fee, one.status) for key, one in (order.fills or {}).items()]
    numbers = [getattr(order, name) for name in (*FIXED, *MOVING, *LATER)]
    return [order.instrument.number, order.asked.number, *numbers, fills]


def packed(*some: Order) -> bytes:
    packer = Packer()
    for order in some:
        pack_order(packer, order)
    pack_end(packer)
    return packer.finish()


def unpacked(data: bytes) -> list[Order]:
    unpacker, found = Unpacker(data), list[Order]()
    while (order := unpack_order(unpacker, ROOM.instruments)) is not None:
        found.append(order)
    unpacker.done()
    return found


@given(st.lists(orders(), max_size=3))
def test_an_order_comes_back_as_it_was_and_gives_the_same_bytes_again(some: list[Order]) -> None:
    data = packed(*some)
    back = unpacked(data)

    assert [told(order) for order in some] == [told(order) for order in back]
    assert data == packed(*back)


@given(orders(), orders())
def test_orders_that_differ_have_other_bytes(one: Order, other: Order) -> None:
    assert (told(one) == told(other)) == (packed(one) == packed(other))


@given(orders(), st.data())
def test_bytes_that_end_early_are_no_order(order: Order, data: st.DataObject) -> None:
    whole = packed(order)
    cut = data.draw(st.integers(0, len(whole) - 1))

    with pytest.raises(Malformed):
        unpacked(whole[:cut])


def test_an_order_that_was_cancelled_takes_eight_words() -> None:
    here = ROOM.instruments[0]
    order = Order(1_224, 1, 1_217, 1, here, here, BUY, 5_999_950_000_000, 10**6, TIF_GTC, FLAG_POST_ONLY, NONE, 0, 0)
    order.state, order.cancel, order.cancel_number = CANCELLED, CANCEL_SENT, 1_234
    order.cancel_ns, order.closed_ns, order.live_ns = 10**18, 10**18 + 10, 10**18 - 10

    assert len(packed(order)) == 8 * (8 + 1)

    order.fills = {"t": Fill("t", 5, 7, 0, TRADE_CONFIRMED)}

    assert len(packed(order)) == 8 * (8 + 1 + 7) + 1
