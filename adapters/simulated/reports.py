"""
The simulated venue's reports: fixed-width integers, written by the venue and read back by their translators.

Every field is an i64, in this order (schema 1 of each kind); `README.md` beside this file says what they mean.

    SIM_ACKED           request, venue_ns
    SIM_FILLED          request, venue_ns, price, size, flags, trade
    SIM_CANCELLED       request, venue_ns, filled
    SIM_REJECTED        request, venue_ns, reason
    SIM_EXPIRED         request, venue_ns, filled
    SIM_CANCEL_REFUSED  request, venue_ns, reason
"""

from typing import Final, final

from librt.strings import read_i64_le
from mypy_extensions import i64

from engine.kernel import codes, kinds
from engine.kernel.events import (
    CANCEL_REFUSED,
    FILL_MAKER,
    ORDER_ACKED,
    ORDER_CANCELLED,
    ORDER_FILLED,
    ORDER_REJECTED,
    EventBatch,
    Symbols,
    Translator,
)
from engine.kernel.pack import Packer
from engine.kernel.record import NONE

VENUE: Final = "simulated"

_FIELDS: Final[dict[int, int]] = {
    int(kinds.SIM_ACKED): 2,
    int(kinds.SIM_FILLED): 6,
    int(kinds.SIM_CANCELLED): 3,
    int(kinds.SIM_REJECTED): 3,
    int(kinds.SIM_EXPIRED): 3,
    int(kinds.SIM_CANCEL_REFUSED): 3,
}


@final
class Report:
    """What the venue says of one order, and when we hear of it."""

    def __init__(self, at_ns: i64, kind: i64, payload: bytes) -> None:
        self.at_ns: Final[i64] = at_ns
        self.kind: Final[i64] = kind
        self.payload: Final[bytes] = payload


def short(kind: i64, at_ns: i64, request: i64, venue_ns: i64) -> Report:
    """A SIM_ACKED."""
    packer = Packer()
    packer.put(request)
    packer.put(venue_ns)
    return Report(at_ns, kind, packer.finish())


def ended(kind: i64, at_ns: i64, request: i64, venue_ns: i64, value: i64) -> Report:
    """A SIM_CANCELLED or SIM_EXPIRED (*value*: size filled), a SIM_REJECTED or SIM_CANCEL_REFUSED (a reason code)."""
    packer = Packer()
    packer.put(request)
    packer.put(venue_ns)
    packer.put(value)
    return Report(at_ns, kind, packer.finish())


def filled(at_ns: i64, request: i64, venue_ns: i64, price: i64, size: i64, maker: bool, trade: i64) -> Report:
    """A SIM_FILLED; *price* and *size* in the instrument's units, *trade* numbers the venue's trades from 1."""
    packer = Packer()
    packer.put(request)
    packer.put(venue_ns)
    packer.put(price)
    packer.put(size)
    packer.put(FILL_MAKER if maker else 0)
    packer.put(trade)
    return Report(at_ns, kinds.SIM_FILLED, packer.finish())


@final
class ReportTranslator(Translator):
    """Reads the reports of one kind. The venue's name for an order is "sim-" and its request's number."""

    def __init__(self, kind: i64, symbols: Symbols) -> None:
        super().__init__(f"{kinds.name(kind).lower().replace('_', '-')}/1", symbols)
        self._kind: Final[i64] = kind
        self._size: Final[i64] = 8 * i64(_FIELDS[kind])

    def translate(self, data: bytes, start: i64, end: i64, batch: EventBatch) -> i64:
        """See `Translator.translate`; BAD_FRAME for a report of another length."""
        if end - start != self._size:
            return codes.BAD_FRAME
        self.fast += 1
        kind = self._kind
        request = read_i64_le(data, start)
        venue_ns = read_i64_le(data, start + 8)
        order = batch.text(f"sim-{request}")
        absent = NONE
        if kind == kinds.SIM_ACKED:
            batch.add(ORDER_ACKED, request, order, venue_ns, 0, 0, 0, 0)
        elif kind == kinds.SIM_FILLED:
            trade = batch.text(f"sim-trade-{read_i64_le(data, start + 40)}")
            price = read_i64_le(data, start + 16)
            size = read_i64_le(data, start + 24)
            batch.add(ORDER_FILLED, request, order, price, size, absent, read_i64_le(data, start + 32), trade)
        elif kind == kinds.SIM_REJECTED:
            batch.add(ORDER_REJECTED, request, order, read_i64_le(data, start + 16), venue_ns, 0, 0, 0)
        elif kind == kinds.SIM_CANCEL_REFUSED:
            batch.add(CANCEL_REFUSED, request, order, read_i64_le(data, start + 16), venue_ns, 0, 0, 0)
        else:
            batch.add(ORDER_CANCELLED, request, order, read_i64_le(data, start + 16), venue_ns, codes.OK, 0, 0)
        return codes.OK


def translators(symbols: Symbols) -> dict[int, Translator]:
    """One translator for each kind of report."""
    assert symbols.venue == VENUE
    return {kind: ReportTranslator(kind, symbols) for kind in _FIELDS}
