"""
The simulated venue's reports: fixed-width integers, written by the venue and read back by their translators.

Every field is an i64, in this order (schema 1 of each kind); `README.md` beside this file says what they mean.

    SIM_ACKED           request, venue_ns
    SIM_FILLED          request, venue_ns, price, size, flags, trade, fee
    SIM_CANCELLED       request, venue_ns, filled
    SIM_REJECTED        request, venue_ns, reason
    SIM_EXPIRED         request, venue_ns, filled
    SIM_CANCEL_REFUSED  request, venue_ns, reason
    SIM_SETTLED         request, venue_ns, trade, status
    SIM_CONVERTED       request, venue_ns
    SIM_CONVERSION_REFUSED  request, venue_ns, reason
    SIM_CREDITED        instrument, venue_ns, amount, reason

An order is named by its request alone: the venue has no other name for it, so that a report needs no text. A trade has
one only while it may still fail (FILL_PROVISIONAL), because a later report has to name it then.
"""

from typing import Final, final

from librt.strings import read_i64_le
from librt.vecs import vec
from mypy_extensions import i64, mypyc_attr

from engine.kernel import codes, kinds
from engine.kernel.events import (
    CANCEL_REFUSED,
    CREDITED,
    FILL_PROVISIONAL,
    ORDER_ACKED,
    ORDER_CANCELLED,
    ORDER_FILLED,
    ORDER_REJECTED,
    SETS_CONVERTED,
    SETS_REFUSED,
    TRADE_STATUS,
    EventBatch,
    Symbols,
    Translator,
)
from engine.kernel.pack import Packer

VENUE: Final = "simulated"

_FIELDS: Final[dict[int, int]] = {
    int(kinds.SIM_ACKED): 2,
    int(kinds.SIM_FILLED): 7,
    int(kinds.SIM_CANCELLED): 3,
    int(kinds.SIM_REJECTED): 3,
    int(kinds.SIM_EXPIRED): 3,
    int(kinds.SIM_CANCEL_REFUSED): 3,
    int(kinds.SIM_SETTLED): 4,
    int(kinds.SIM_CONVERTED): 2,
    int(kinds.SIM_CONVERSION_REFUSED): 3,
    int(kinds.SIM_CREDITED): 4,
}


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Report:
    """
    What the venue says of the order *request*, and when (*at_ns*) we hear of it.

    *request* and *venue_ns* are the first two fields (a SIM_CREDITED names an instrument first), *a* to *e* those
    behind them; a kind that has fewer ignores the rest.
    """

    def __init__(
        self,
        at_ns: i64,
        kind: i64,
        request: i64,
        venue_ns: i64,
        a: i64 = 0,
        b: i64 = 0,
        c: i64 = 0,
        d: i64 = 0,
        e: i64 = 0,
    ) -> None:
        self.at_ns: i64 = at_ns
        self.kind: i64 = kind
        self.request: i64 = request
        self.venue_ns: i64 = venue_ns
        self.a: i64 = a
        self.b: i64 = b
        self.c: i64 = c
        self.d: i64 = d
        self.e: i64 = e
        self.behind: Report | None = None  # the next one on its way to us

    def state(self, at_ns: i64, kind: i64, request: i64, venue_ns: i64, a: i64, b: i64, c: i64, d: i64, e: i64) -> None:
        """Say something else, once this was heard."""
        self.at_ns = at_ns
        self.kind = kind
        self.request = request
        self.venue_ns = venue_ns
        self.a = a
        self.b = b
        self.c = c
        self.d = d
        self.e = e

    def payload(self, packer: Packer) -> bytes:
        """The payload of its record, by way of an empty *packer*."""
        packer.put(self.request)
        packer.put(self.venue_ns)
        kind = self.kind
        if kind != kinds.SIM_ACKED and kind != kinds.SIM_CONVERTED:
            packer.put(self.a)
            if kind == kinds.SIM_FILLED or kind == kinds.SIM_SETTLED or kind == kinds.SIM_CREDITED:
                packer.put(self.b)
        if kind == kinds.SIM_FILLED:
            packer.put(self.c)
            packer.put(self.d)
            packer.put(self.e)
        return packer.take()

    def fill(self, batch: EventBatch) -> None:
        """Make *batch* what its translator would make of its payload."""
        batch.clear()
        put(batch, self.kind, self.request, self.venue_ns, self.a, self.b, self.c, self.d, self.e)


def put(batch: EventBatch, kind: i64, request: i64, venue_ns: i64, a: i64, b: i64, c: i64, d: i64, e: i64) -> None:
    """Append the event that a report of *kind* states; the fields are those of `Report`."""
    unnamed: i64 = -1
    if kind == kinds.SIM_ACKED:
        batch.add(ORDER_ACKED, request, unnamed, venue_ns, 0, 0, 0, 0)
    elif kind == kinds.SIM_FILLED:
        trade = unnamed
        if c & FILL_PROVISIONAL:
            trade = batch.text(f"sim-trade-{d}")
        batch.add(ORDER_FILLED, request, unnamed, a, b, e, c, trade)
    elif kind == kinds.SIM_REJECTED:
        batch.add(ORDER_REJECTED, request, unnamed, a, venue_ns, 0, 0, 0)
    elif kind == kinds.SIM_CANCEL_REFUSED:
        batch.add(CANCEL_REFUSED, request, unnamed, a, venue_ns, 0, 0, 0)
    elif kind == kinds.SIM_SETTLED:
        batch.add(TRADE_STATUS, request, unnamed, batch.text(f"sim-trade-{a}"), b, venue_ns, 0, 0)
    elif kind == kinds.SIM_CONVERTED:
        batch.add(SETS_CONVERTED, request, venue_ns, 0, 0, 0, 0, 0)
    elif kind == kinds.SIM_CONVERSION_REFUSED:
        batch.add(SETS_REFUSED, request, a, venue_ns, 0, 0, 0, 0)
    elif kind == kinds.SIM_CREDITED:
        batch.add(CREDITED, 0, request, a, b, venue_ns, 0, 0)
    else:
        assert kind == kinds.SIM_CANCELLED or kind == kinds.SIM_EXPIRED
        batch.add(ORDER_CANCELLED, request, unnamed, a, venue_ns, codes.OK, 0, 0)


@final
class ReportTranslator(Translator):
    """Reads the reports of one kind."""

    def __init__(self, kind: i64, symbols: Symbols) -> None:
        super().__init__(f"{kinds.name(kind).lower().replace('_', '-')}/1", symbols)
        self._kind: Final[i64] = kind
        self._size: Final[i64] = 8 * i64(_FIELDS[kind])

    def translate(self, data: bytes, start: i64, end: i64, batch: EventBatch) -> i64:
        """See `Translator.translate`; BAD_FRAME for a report of another length."""
        size = self._size
        if end - start != size:
            return codes.BAD_FRAME
        self.fast += 1
        fields = vec[i64]([0, 0, 0, 0, 0, 0, 0])
        at: i64 = 0
        while at < size:
            fields[at >> 3] = read_i64_le(data, start + at)
            at += 8
        put(batch, self._kind, fields[0], fields[1], fields[2], fields[3], fields[4], fields[5], fields[6])
        return codes.OK


def translators(symbols: Symbols) -> dict[int, Translator]:
    """One translator for each kind of report."""
    assert symbols.venue == VENUE
    return {kind: ReportTranslator(kind, symbols) for kind in _FIELDS}
