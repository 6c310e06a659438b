"""
Own orders: what we asked the venue for, each named by its request's sequence number.

    PENDING ── acked ──► LIVE ── fill ──► PARTIAL ──► FILLED, CANCELLED
       │                                              (late fills are applied to these too)
       ├── REJECTED (the venue's no), REFUSED (our executor's), EXPIRED_UNSENT, NEVER_SENT
       └── UNKNOWN ── found ──► LIVE;  proven away ──► REJECTED, ABSENT, RELEASED

An order reserves what may still fill: its whole rest while it is open or UNKNOWN, and what the venue says it filled but
has not yet told us in full. UNKNOWN is never ended by time.
"""

from typing import Final, final

from mypy_extensions import i64, mypyc_attr

from engine.kernel.market import Instrument
from engine.kernel.record import NONE
from engine.kernel.units import SELL

PENDING: Final[i64] = 1
LIVE: Final[i64] = 2
PARTIAL: Final[i64] = 3
UNKNOWN: Final[i64] = 4
FILLED: Final[i64] = 8
CANCELLED: Final[i64] = 9
REJECTED: Final[i64] = 10
REFUSED: Final[i64] = 11
EXPIRED_UNSENT: Final[i64] = 12
NEVER_SENT: Final[i64] = 13
ABSENT: Final[i64] = 14
RELEASED: Final[i64] = 15

STATE_NAMES: Final[dict[int, str]] = {
    1: "PENDING",
    2: "LIVE",
    3: "PARTIAL",
    4: "UNKNOWN",
    8: "FILLED",
    9: "CANCELLED",
    10: "REJECTED",
    11: "REFUSED",
    12: "EXPIRED_UNSENT",
    13: "NEVER_SENT",
    14: "ABSENT",
    15: "RELEASED",
}

# Whether a cancel was asked for, and how far it got.
CANCEL_NONE: Final[i64] = 0
CANCEL_QUEUED: Final[i64] = 1  # wanted before the venue order id was known
CANCEL_SENT: Final[i64] = 2

FLAG_POST_ONLY: Final[i64] = 1
FLAG_REDUCE_ONLY: Final[i64] = 2
FLAG_MIRRORED: Final[i64] = 4
FLAG_UNWIND: Final[i64] = 8  # the kernel's own: a flatten, a rescue or an unwinding
FLAG_RESCUE: Final[i64] = 16  # of these a rescue: it completes a group, the others only get out


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Fill:
    """One trade of one order. *fee* is money; *status* is an `events.TRADE_*`, TRADE_CONFIRMED when settled."""

    def __init__(self, trade: str, price: i64, size: i64, fee: int, status: i64) -> None:
        self.trade: Final[str] = trade
        self.price: Final[i64] = price
        self.size: Final[i64] = size
        self.fee: Final[int] = fee
        self.status: i64 = status


@final
@mypyc_attr(acyclic=True)
class Order:
    """
    One order as sent: *price* in price units, *size* in size units, of the instrument that the request names.

    A *mirrored* order was asked as an offer of the complement and sent as a bid here, at one minus its price.
    """

    def __init__(
        self,
        number: i64,
        seat: i64,
        trigger: i64,
        ordinal: i64,
        instrument: Instrument,
        asked: Instrument,
        side: i64,
        price: i64,
        size: i64,
        tif: i64,
        flags: i64,
        expires_ns: i64,
        group: i64,
        leg: i64,
    ) -> None:
        self.number: Final[i64] = number
        self.seat: Final[i64] = seat
        self.trigger: Final[i64] = trigger
        self.ordinal: Final[i64] = ordinal
        self.instrument: Final[Instrument] = instrument
        self.asked: Final[Instrument] = asked
        self.side: Final[i64] = side
        self.price: Final[i64] = price
        self.size: Final[i64] = size
        self.tif: Final[i64] = tif
        self.flags: Final[i64] = flags
        self.expires_ns: Final[i64] = expires_ns
        self.group: Final[i64] = group  # 0: none
        self.leg: Final[i64] = leg

        self.state: i64 = PENDING
        self.code: i64 = 0  # why it ended, or is UNKNOWN
        self.venue_id: str = ""
        self.filled: i64 = 0  # size units, less what was reversed
        self.reserved: i64 = 0
        self.cancel: i64 = CANCEL_NONE
        self.cancel_number: i64 = 0  # the cancel request's sequence number
        self.cancel_ns: i64 = NONE  # when it was last requested
        self.cancel_refusals: i64 = 0
        self.closed_ns: i64 = NONE
        self.live_ns: i64 = NONE  # when the venue first showed it to this run
        self.unsettled: i64 = 0  # fills that are neither settled nor reversed
        self.pinned: bool = False  # a group or an unwinding still asks for it
        self.forgotten: bool = False  # nobody will speak of it again: `orders` holds it no more
        self.fills: dict[str, Fill] | None = None

    def open(self) -> bool:
        """Whether it may still rest or trade at the venue, as far as we can prove."""
        return self.state < FILLED

    def rest(self) -> i64:
        """What is not filled of it, in size units."""
        return self.size - self.filled

    def asked_price(self) -> i64:
        """Its price in price units of the instrument asked for."""
        return self.instrument.market.price_scale - self.price if self.mirrored() else self.price

    def mirrored(self) -> bool:
        """Whether it was asked as an offer of the complement."""
        return self.flags & FLAG_MIRRORED != 0


def gets_out(flags: i64) -> bool:
    """Whether an order of these flags is a flatten's or an unwinding's."""
    return flags & (FLAG_UNWIND | FLAG_RESCUE) == FLAG_UNWIND


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class OwnOrder:
    """
    One of our orders as a strategy sees it: as it was asked, whatever was sent.

    An offer without inventory is sent as a bid for the complement; here it stays the offer it was meant as.
    """

    def __init__(self, order: Order) -> None:
        self._order: Final[Order] = order

    def __eq__(self, other: object) -> bool:
        """Whether both speak of the same order."""
        return isinstance(other, OwnOrder) and other._order.number == self._order.number

    def __hash__(self) -> int:
        return self._order.number

    @property
    def number(self) -> int:
        """Its request's sequence number."""
        return self._order.number

    @property
    def instrument(self) -> str:
        """Key of the instrument asked for."""
        return self._order.asked.key

    @property
    def side(self) -> int:
        """BUY or SELL, as asked."""
        return SELL if self._order.mirrored() else self._order.side

    @property
    def price_ticks(self) -> int:
        """Its price in today's ticks of that instrument (rounded down, should the grid have changed)."""
        market = self._order.instrument.market
        return self._order.asked_price() // market.tick

    @property
    def lots(self) -> int:
        """Its whole size."""
        return self._order.size // self._order.instrument.market.lot

    @property
    def filled_lots(self) -> int:
        """What traded of it."""
        return self._order.filled // self._order.instrument.market.lot

    @property
    def rest_lots(self) -> int:
        """What did not trade of it yet."""
        return (self._order.size - self._order.filled) // self._order.instrument.market.lot

    @property
    def state(self) -> str:
        """Its place in the life cycle: "PENDING", "LIVE", ..."""
        return STATE_NAMES[self._order.state]

    @property
    def live(self) -> bool:
        """Whether the venue has acknowledged it and has not said that it ended."""
        return self._order.state == LIVE or self._order.state == PARTIAL

    @property
    def open(self) -> bool:
        """Whether it may still rest or trade, as far as we can prove."""
        return self._order.open()

    @property
    def cancelling(self) -> bool:
        """Whether a cancel was asked for already."""
        return self._order.cancel != CANCEL_NONE

    @property
    def leg(self) -> int:
        """Its leg within its group."""
        return self._order.leg
