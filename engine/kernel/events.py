"""
The closed list of facts a frame can state, and the packed columns they travel in.

A wire module's `translate` fills an `EventBatch`, all of a frame or nothing; the kernel folds it. A row is eight i64:
the event's type, its symbol number, and six fields whose meaning the type fixes (below). Prices and sizes are integers
at the venue's decimal exponents. Rare facts that do not fit integers (a listing) stand in `objects`, and texts such as
a venue's order id in `texts`, both by index and both for this frame only.
"""

from typing import Final, final

from librt.vecs import append, vec
from mypy_extensions import i64

from engine.kernel.codes import OK
from engine.kernel.record import NONE

STRIDE: Final[i64] = 8

# type, symbol, then:                                     [2]        [3]       [4]      [5]       [6]        [7]
SNAPSHOT: Final[i64] = 1  # a full book begins            update_id  venue_ns  rule     -         -          -
LEVEL_SET: Final[i64] = 2  # a level now holds size       side       price     size     price_sp  size_sp    -
SNAPSHOT_END: Final[i64] = 3  # the full book is complete -          -         -        -         -          -
DIFF: Final[i64] = 4  # a change set begins               first      last      previous venue_ns  rule       -
DIFF_END: Final[i64] = 5  # the change set is complete    -          -         -        -         -          -
TOUCH_STATED: Final[i64] = 6  # the venue's own touch     bid        ask       venue_ns -         -          -
HASH_STATED: Final[i64] = 7  # the venue's book hash      hex 0-14   hex 15-29 hex30-39 venue_ns  -          -
LAST_PRICE: Final[i64] = 8  # last trade price, as spelt  price      price_sp  venue_ns -         -          -
TRADED: Final[i64] = 9  # anyone's trade                  price      size      side     venue_ns  trade_id   -
TICKER: Final[i64] = 10  # best bid and offer feed        bid        bid_size  ask      ask_size  update_id  venue_ns
MARK: Final[i64] = 11  # mark and index price             mark       index     funding  next_ns   venue_ns   -
TICK_CHANGED: Final[i64] = 12  # a new price grid         old_tick   new_tick  venue_ns -         -          -
LISTED: Final[i64] = 13  # a market object                object     -         -        -         -          -
RESOLVED: Final[i64] = 14  # the symbol's market settled; symbol is the winner (or -1)
#                                                         market txt venue_ns  -        -         -          -
STATUS: Final[i64] = 15  # trading status of the symbol   status     venue_ns  -        -         -          -
# Own orders; [1] is the request's sequence number where the source knows it, else 0. `order` and `trade` index texts.
ORDER_ACKED: Final[i64] = 32  #                           order      venue_ns  -        -         -          -
ORDER_REJECTED: Final[i64] = 33  #                        order      reason    venue_ns -         -          -
ORDER_REFUSED: Final[i64] = 34  #                         outcome    reason    ledger   -         -          -
ORDER_UNKNOWN: Final[i64] = 35  #                         reason     ledger    -        -         -          -
ORDER_CANCELLED: Final[i64] = 36  #                       order      filled    venue_ns reason    -          -
ORDER_FILLED: Final[i64] = 37  #                          order      price     size     fee       flags      trade
TRADE_STATUS: Final[i64] = 38  # settlement of a fill     order      trade     status   venue_ns  -          -
CANCEL_REFUSED: Final[i64] = 39  #                        order      reason    venue_ns -         -          -
# Our money beside orders; [1] as above. CREDITED states the instrument's number, and its amount in 10**-size_exponent.
SETS_CONVERTED: Final[i64] = 40  # split or merged        venue_ns   -         -        -         -          -
SETS_REFUSED: Final[i64] = 41  # neither                  reason     venue_ns  -        -         -          -
CREDITED: Final[i64] = 42  # rebate or reward, in cash    instrument amount    reason   venue_ns  -          -

# Field values.
RULE_NONE: Final[i64] = 0  # no sequence numbers: Polymarket
RULE_SPOT: Final[i64] = 1  # Binance spot: first == previous last + 1
RULE_PREV: Final[i64] = 2  # Binance USD-M (pu) and Deribit (prev_change_id): previous == last applied

SIDE_UNKNOWN: Final[i64] = 2  # aggressor of a trade; otherwise units.BUY / units.SELL

STATUS_TRADING: Final[i64] = 1
STATUS_HALTED: Final[i64] = 2
STATUS_CLOSED: Final[i64] = 3
STATUS_CANCEL_ONLY: Final[i64] = 4
STATUS_POST_ONLY: Final[i64] = 5

FILL_MAKER: Final[i64] = 1  # bits of ORDER_FILLED flags
FILL_PROVISIONAL: Final[i64] = 2

TRADE_MATCHED: Final[i64] = 1
TRADE_MINED: Final[i64] = 2
TRADE_CONFIRMED: Final[i64] = 3
TRADE_RETRYING: Final[i64] = 4
TRADE_FAILED: Final[i64] = 5

CREDIT_REBATE: Final[i64] = 1
CREDIT_REWARD: Final[i64] = 2

KIND_SPOT: Final[i64] = 1
KIND_PERPETUAL: Final[i64] = 2
KIND_FUTURE: Final[i64] = 3
KIND_OPTION: Final[i64] = 4
KIND_BINARY: Final[i64] = 5

CALL: Final[i64] = 1
PUT: Final[i64] = 2


@final
class Listing:
    """
    What a venue's catalogue says of one market: everything ticks, lots and pairings are taken from.

    *symbols* holds one text, or two for a binary market (YES first: its price is the book's; the other is 1 - p).
    *tick* and *band* are price units at 10**-price_exponent, *lot* and *min_size* size units at 10**-size_exponent.
    *tick_steps* lists (from_price, tick) above the base tick, ascending, for price-dependent grids. *expiry_ns* is NONE
    without expiry. *strike* is in price units, 0 if none. *multiplier* is underlying per contract in size units.
    *fee_ppm* is the taker rate in parts per million (of the venue's own formula), NONE if the catalogue does not say.
    *rebate_ppm* is the share of takers' fees that goes back to makers, 0 if none or not stated. Liquidity rewards:
    *reward_rate* a day in size units of the settlement currency (NONE if not stated), for orders of *reward_min_size*
    within *reward_spread* price units of the midpoint (0: none score) that are older than *reward_age_ns*.
    """

    def __init__(
        self,
        venue: str,
        market: str,
        symbols: tuple[str, ...],
        outcomes: tuple[str, ...],
        kind: i64,
        price_exponent: i64,
        size_exponent: i64,
        tick: i64,
        lot: i64,
        min_size: i64,
        settlement: str,
        status: i64 = STATUS_TRADING,
        neg_risk: bool = False,
        event: str = "",
        inverse: bool = False,
        multiplier: i64 = 0,
        expiry_ns: i64 = NONE,
        strike: i64 = 0,
        option_type: i64 = 0,
        tick_steps: tuple[tuple[int, int], ...] = (),
        fee_ppm: i64 = NONE,
        fee_exponent: i64 = 1,
        min_notional: i64 = 0,
        base: str = "",
        rebate_ppm: i64 = 0,
        reward_rate: i64 = NONE,
        reward_min_size: i64 = 0,
        reward_spread: i64 = 0,
        reward_age_ns: i64 = 0,
    ) -> None:
        self.venue: Final[str] = venue
        self.market: Final[str] = market
        self.symbols: Final[tuple[str, ...]] = symbols
        self.outcomes: Final[tuple[str, ...]] = outcomes
        self.kind: Final[i64] = kind
        self.price_exponent: Final[i64] = price_exponent
        self.size_exponent: Final[i64] = size_exponent
        self.tick: Final[i64] = tick
        self.lot: Final[i64] = lot
        self.min_size: Final[i64] = min_size
        self.settlement: Final[str] = settlement
        self.status: Final[i64] = status
        self.neg_risk: Final[bool] = neg_risk
        self.event: Final[str] = event
        self.inverse: Final[bool] = inverse
        self.multiplier: Final[i64] = multiplier
        self.expiry_ns: Final[i64] = expiry_ns
        self.strike: Final[i64] = strike
        self.option_type: Final[i64] = option_type
        self.tick_steps: Final[tuple[tuple[int, int], ...]] = tick_steps
        self.fee_ppm: Final[i64] = fee_ppm
        self.fee_exponent: Final[i64] = fee_exponent
        self.min_notional: Final[i64] = min_notional
        self.base: Final[str] = base
        self.rebate_ppm: Final[i64] = rebate_ppm
        self.reward_rate: Final[i64] = reward_rate
        self.reward_min_size: Final[i64] = reward_min_size
        self.reward_spread: Final[i64] = reward_spread
        self.reward_age_ns: Final[i64] = reward_age_ns


def same_bytes(whole: bytes, data: bytes, start: i64, end: i64) -> bool:
    """Whether data[start:end] is *whole*."""
    size: i64 = len(whole)
    if size != end - start:
        return False
    at: i64 = 0
    while at < size:
        if whole[at] != data[start + at]:
            return False
        at += 1
    return True


@final
class Symbols:
    """
    A venue's symbol texts, numbered in order of first appearance; one table belongs to one kernel.

    `find` looks a text up in place, without making a Python object: an open-addressed table keyed by the text's
    length, first and last eight bytes, and confirmed byte by byte.
    """

    def __init__(self, venue: str) -> None:
        self.venue: Final[str] = venue
        self.texts: list[str] = []
        self.encoded: list[bytes] = []
        self.instrument: vec[i64] = vec[i64]()  # the kernel's resolution of each number; -1 until resolved
        self.missed: vec[i64] = vec[i64]()  # the listing generation at which resolving last failed
        self._slots: vec[i64] = vec[i64]([-1] * 64)
        self._mask: i64 = 63

    def _place(self, data: bytes, start: i64, end: i64) -> i64:
        h: i64 = end - start
        first_end = start + 8 if end - start > 8 else end
        at = start
        while at < first_end:
            h = (h * 31 + i64(data[at])) & 0xFFFFFFFFFF
            at += 1
        at = end - 8 if end - start > 16 else first_end
        while at < end:
            h = (h * 31 + i64(data[at])) & 0xFFFFFFFFFF
            at += 1
        return (h ^ (h >> 17)) & self._mask

    def find(self, data: bytes, start: i64, end: i64) -> i64:
        """The number of the text data[start:end]; a new text is given the next number."""
        slot = self._place(data, start, end)
        while True:
            number = self._slots[slot]
            if number < 0:
                return self._add(data[start:end], slot)
            if same_bytes(self.encoded[number], data, start, end):
                return number
            slot = (slot + 1) & self._mask

    def known(self, data: bytes, start: i64, end: i64) -> i64:
        """The number of the text data[start:end], or -1 if it has none: scanners ask, and number nothing."""
        slot = self._place(data, start, end)
        while True:
            number = self._slots[slot]
            if number < 0:
                return -1
            if same_bytes(self.encoded[number], data, start, end):
                return number
            slot = (slot + 1) & self._mask

    def number(self, text: str) -> i64:
        """The number of *text*, given now if it is new."""
        data = text.encode()
        return self.find(data, 0, len(data))

    def _add(self, encoded: bytes, slot: i64) -> i64:
        number: i64 = len(self.texts)
        self.texts.append(encoded.decode())
        self.encoded.append(encoded)
        self.instrument = append(self.instrument, i64(-1))
        self.missed = append(self.missed, i64(-1))
        self._slots[slot] = number
        if 2 * (number + 1) > self._mask:
            self._grow()
        return number

    def _grow(self) -> None:
        size = 2 * (self._mask + 1)
        self._slots = vec[i64]([-1] * size)
        self._mask = size - 1
        for number, known in enumerate(self.encoded):
            slot = self._place(known, 0, len(known))
            while self._slots[slot] >= 0:
                slot = (slot + 1) & self._mask
            self._slots[slot] = number


@final
class EventBatch:
    """One frame's events as packed rows. `count` rows are valid; `clear` forgets them, `rows` keeps its room."""

    def __init__(self) -> None:
        self.rows: vec[i64] = vec[i64]([0] * (64 * STRIDE))
        self.room: i64 = 64
        self.count: i64 = 0
        self.texts: list[str] = []
        self.objects: list[Listing] = []
        self.meta: bytes = b""
        """The venue input's *meta* (canonical JSON, mostly empty): set before `translate`, for replies to requests."""

    def clear(self) -> None:
        """Forget the frame."""
        self.count = 0
        if self.texts:
            self.texts = []
        if self.objects:
            self.objects = []

    def add(self, kind: i64, symbol: i64, a: i64, b: i64, c: i64, d: i64, e: i64, f: i64) -> None:
        """Append one row."""
        if self.count == self.room:
            self._grow()
        at = self.count * STRIDE
        rows = self.rows
        rows[at] = kind
        rows[at + 1] = symbol
        rows[at + 2] = a
        rows[at + 3] = b
        rows[at + 4] = c
        rows[at + 5] = d
        rows[at + 6] = e
        rows[at + 7] = f
        self.count += 1

    def text(self, text: str) -> i64:
        """Keep *text* for this frame and return its index."""
        self.texts.append(text)
        return len(self.texts) - 1

    def listed(self, listing: Listing) -> None:
        """Append a LISTED row for *listing*."""
        self.objects.append(listing)
        self.add(LISTED, -1, len(self.objects) - 1, 0, 0, 0, 0, 0)

    def field(self, row: i64, column: i64) -> i64:
        """One value, for tests and printing; the fold reads `rows` itself."""
        assert 0 <= row < self.count
        return self.rows[row * STRIDE + column]

    def _grow(self) -> None:
        bigger = vec[i64]([0] * (2 * self.room * STRIDE))
        at: i64 = 0
        end = self.count * STRIDE
        while at < end:
            bigger[at] = self.rows[at]
            at += 1
        self.rows = bigger
        self.room *= 2


class Translator:
    """
    A pure function of (bytes, decoder version), with counters beside it.

    A wire module subclasses it (in the compiled group), one class for each kind of record. `name` is the decoder's
    versioned name, such as "polymarket-market/1", as RUN_START records it.
    """

    def __init__(self, name: str, symbols: Symbols) -> None:
        self.name: Final[str] = name
        self.symbols: Final[Symbols] = symbols
        self.fast: i64 = 0  # frames read by the scanner
        self.slow: i64 = 0  # frames that needed the general decoder
        self.ignored: i64 = 0  # legal frames, or rows of one, that state no fact of ours

    def translate(self, data: bytes, start: i64, end: i64, batch: EventBatch) -> i64:
        """
        Add what the frame data[start:end] says to the empty *batch*.

        Returns:
            OK, or the reason code (BAD_FRAME, BAD_NUMBER, BAD_TEXT, SCHEMA) for which the frame cannot be read whole;
            the caller then discards the batch, so that such a frame changes nothing.
        """
        return OK
