"""
An order as canonical bytes: some eight words, since tens of thousands are packed at once for a digest of the state.

The first word holds the numbers that are small and says which of the others follow; left out is what most orders do not
have. Where a number is too large for its place there, all of the small ones follow as words of their own.
"""

from typing import Final

from librt.strings import write_i64_le
from mypy_extensions import i64

from engine.kernel.market import Instrument
from engine.kernel.order import FLAG_MIRRORED, Fill, Order
from engine.kernel.pack import Packer, Unpacker
from engine.kernel.record import NONE

# The first word: bits for state (4, never 0), cancel (2), side (1), tif (3), flags (6), seat (6), ordinal (6) and
# instrument (5), then a bit for each of these, and how many records before its request the trigger stands (14).
_SPELT: Final[i64] = 1 << 33
_EXPIRES: Final[i64] = 1 << 34
_GROUP: Final[i64] = 1 << 35
_LEG: Final[i64] = 1 << 36
_CODE: Final[i64] = 1 << 37
_VENUE_ID: Final[i64] = 1 << 38
_FILLED: Final[i64] = 1 << 39
_RESERVED: Final[i64] = 1 << 40
_CANCEL_NUMBER: Final[i64] = 1 << 41
_CANCEL_NS: Final[i64] = 1 << 42
_REFUSALS: Final[i64] = 1 << 43
_CLOSED: Final[i64] = 1 << 44
_LIVE: Final[i64] = 1 << 45
_FILLS: Final[i64] = 1 << 46
_BACK_AT: Final[i64] = 47


def pack_order(packer: Packer, order: Order) -> None:
    """Append *order*, with its fills."""
    writer = packer.writer
    none = NONE
    has: i64 = 0
    if order.expires_ns != none:
        has |= _EXPIRES
    if order.group != 0:
        has |= _GROUP
    if order.leg != 0:
        has |= _LEG
    if order.code != 0:
        has |= _CODE
    if order.venue_id:
        has |= _VENUE_ID
    if order.filled != 0:
        has |= _FILLED
    if order.reserved != 0:
        has |= _RESERVED
    if order.cancel_number != 0:
        has |= _CANCEL_NUMBER
    if order.cancel_ns != none:
        has |= _CANCEL_NS
    if order.cancel_refusals != 0:
        has |= _REFUSALS
    if order.closed_ns != none:
        has |= _CLOSED
    if order.live_ns != none:
        has |= _LIVE
    if order.fills or order.unsettled != 0:
        has |= _FILLS

    state, cancel, side, tif, flags = order.state, order.cancel, order.side, order.tif, order.flags
    seat, ordinal, instrument, back = order.seat, order.ordinal, order.instrument.number, order.number - order.trigger
    over = (state >> 4) | (cancel >> 2) | (side >> 1) | (tif >> 3) | (flags >> 6) | (seat >> 6) | (ordinal >> 6)
    if over | (instrument >> 5) | (back >> 14) == 0:
        has |= state | (cancel << 4) | (side << 6) | (tif << 7) | (flags << 10) | (seat << 16) | (ordinal << 22)
        write_i64_le(writer, has | (instrument << 28) | (back << _BACK_AT))
    else:
        write_i64_le(writer, has | _SPELT)
        for word in (state, cancel, side, tif, flags, seat, ordinal, instrument, back):
            packer.put(word)
    write_i64_le(writer, order.number)
    write_i64_le(writer, order.price)
    write_i64_le(writer, order.size)
    if has & _EXPIRES:
        write_i64_le(writer, order.expires_ns)
    if has & _GROUP:
        write_i64_le(writer, order.group)
    if has & _LEG:
        write_i64_le(writer, order.leg)
    if has & _CODE:
        write_i64_le(writer, order.code)
    if has & _VENUE_ID:
        packer.put_text(order.venue_id)
    if has & _FILLED:
        write_i64_le(writer, order.filled)
    if has & _RESERVED:
        write_i64_le(writer, order.reserved)
    if has & _CANCEL_NUMBER:
        write_i64_le(writer, order.cancel_number)
    if has & _CANCEL_NS:
        write_i64_le(writer, order.cancel_ns)
    if has & _REFUSALS:
        write_i64_le(writer, order.cancel_refusals)
    if has & _CLOSED:
        write_i64_le(writer, order.closed_ns)
    if has & _LIVE:
        write_i64_le(writer, order.live_ns)
    if has & _FILLS:
        _pack_fills(packer, order)


def pack_end(packer: Packer) -> None:
    """No more orders follow."""
    packer.put(0)  # no first word is 0: no state is


def _pack_fills(packer: Packer, order: Order) -> None:
    packer.put(order.unsettled)
    fills = order.fills
    if fills is None:
        packer.put(0)
        return
    packer.put(len(fills))
    for fill in fills.values():
        packer.put_text(fill.trade)
        packer.put(fill.price)
        packer.put(fill.size)
        packer.put_big(fill.fee)
        packer.put(fill.status)


def unpack_order(unpacker: Unpacker, instruments: list[Instrument]) -> Order | None:
    """Read what `pack_order` wrote, or None where it was `pack_end`."""
    take = unpacker.take
    has = take()
    if has == 0:
        return None
    if has & _SPELT:
        state, cancel, side, tif, flags = take(), take(), take(), take(), take()
        seat, ordinal, number_there, back = take(), take(), take(), take()
    else:
        state, cancel, side, tif, flags = has & 15, has >> 4 & 3, has >> 6 & 1, has >> 7 & 7, has >> 10 & 63
        seat, ordinal, number_there, back = has >> 16 & 63, has >> 22 & 63, has >> 28 & 31, has >> _BACK_AT
    number, price, size = take(), take(), take()
    expires_ns = take() if has & _EXPIRES else NONE
    group = take() if has & _GROUP else 0
    leg = take() if has & _LEG else 0
    instrument = instruments[number_there]
    asked = instruments[instrument.other] if flags & FLAG_MIRRORED else instrument
    order = Order(
        number, seat, number - back, ordinal, instrument, asked, side, price, size, tif, flags, expires_ns, group, leg
    )
    order.state = state
    order.cancel = cancel
    if has & _CODE:
        order.code = take()
    if has & _VENUE_ID:
        order.venue_id = unpacker.take_text()
    if has & _FILLED:
        order.filled = take()
    if has & _RESERVED:
        order.reserved = take()
    if has & _CANCEL_NUMBER:
        order.cancel_number = take()
    if has & _CANCEL_NS:
        order.cancel_ns = take()
    if has & _REFUSALS:
        order.cancel_refusals = take()
    if has & _CLOSED:
        order.closed_ns = take()
    if has & _LIVE:
        order.live_ns = take()
    if has & _FILLS:
        order.unsettled = take()
        _unpack_fills(unpacker, order)
    return order


def _unpack_fills(unpacker: Unpacker, order: Order) -> None:
    take = unpacker.take
    for _ in range(take()):
        trade = unpacker.take_text()
        price, size = take(), take()
        fee = unpacker.take_big()
        if order.fills is None:
            order.fills = {}
        order.fills[trade] = Fill(trade, price, size, fee, take())
