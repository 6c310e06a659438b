"""The fast path of market frames: the exact member order the venue uses, read once from left to right."""

from typing import Final, final

from mypy_extensions import i64

from adapters.polymarket.wire.changes import Changes
from adapters.polymarket.wire.reader import Reader
from engine.kernel.events import (
    HASH_STATED,
    LAST_PRICE,
    LEVEL_SET,
    RULE_NONE,
    SNAPSHOT,
    SNAPSHOT_END,
    TOUCH_STATED,
    TRADED,
    EventBatch,
    Symbols,
)
from engine.kernel.record import NONE
from engine.kernel.units import ASK, BID, BUY

_ARRAY: Final = b"["
_ARRAY_END: Final = b"]"
_OBJECT_END: Final = b"}"
_MARKET: Final = b'{"market":"'
_ASSET: Final = b'"asset_id":"'
_CHANGES: Final = b'"price_changes":['
_ENTRY: Final = b'{"asset_id":"'
_PRICE: Final = b'"price":"'
_SIZE: Final = b'"size":"'
_SIDE: Final = b'"side":"'
_HASH: Final = b'"hash":"'
_BEST_BID: Final = b'"best_bid":"'
_BEST_ASK: Final = b'"best_ask":"'
_SPREAD: Final = b'"spread":"'
_TIME: Final = b'"timestamp":'
_IS_CHANGE: Final = b'"event_type":"price_change"}'
_IS_TOUCH: Final = b'"event_type":"best_bid_ask"}'
_IS_TRADE: Final = b'"event_type":"last_trade_price"'
_IS_BOOK: Final = b'"event_type":"book"'
_FEE: Final = b'"fee_rate_bps":"'
_TRANSACTION: Final = b'"transaction_hash":"'
_BIDS: Final = b'"bids":['
_ASKS: Final = b'"asks":['
_LEVEL: Final = b'{"price":"'
_TICK: Final = b'"tick_size":"'
_MIN_SIZE: Final = b'"min_order_size":"'
_NEG_RISK: Final = b'"neg_risk":'
_TRUE: Final = b"true"
_FALSE: Final = b"false"
_LAST: Final = b'"last_trade_price":"'

# Members behind a book's levels, as bits: each at most once.
_SAW_TICK: Final[i64] = 1
_SAW_KIND: Final[i64] = 2
_SAW_LAST: Final[i64] = 4
_SAW_MIN_SIZE: Final[i64] = 8
_SAW_NEG_RISK: Final[i64] = 16


@final
class Scanned:
    """
    Reads whole frames, or gives up with the batch half filled: the caller then clears it and decodes in general.

    *stream* says which channel this is: on the WebSocket every book names its event type, in REST replies none does.
    """

    def __init__(self, symbols: Symbols, changes: Changes, stream: bool) -> None:
        self.reader: Final[Reader] = Reader(symbols)
        self.changes: Final[Changes] = changes
        self.stream: Final[bool] = stream

    def frame(self, data: bytes, start: i64, end: i64, batch: EventBatch) -> bool:
        """Whether the frame data[start:end], an object or an array of objects, was read whole."""
        reader = self.reader
        reader.begin(data, start, end)
        if reader.sees(_ARRAY):
            self._object(batch)
            while reader.ok and not reader.sees(_ARRAY_END):
                reader.comma()
                self._object(batch)
        else:
            self._object(batch)
        return reader.done()

    def _object(self, batch: EventBatch) -> None:
        reader = self.reader
        if not reader.skip(_MARKET):
            return
        reader.market()
        reader.comma()
        if not reader.ok:
            return
        if self.stream and reader.sees(_CHANGES):
            self._price_change(batch)
            return
        if not reader.skip(_ASSET):
            return
        symbol = reader.token()
        reader.comma()
        if not reader.ok:
            return
        if reader.sees(_TIME):
            self._book(symbol, batch)
        elif self.stream and reader.sees(_BEST_BID):
            self._best_bid_ask(symbol, batch)
        elif self.stream and reader.sees(_PRICE):
            self._last_trade_price(symbol, batch)
        else:
            reader.ok = False

    def _price_change(self, batch: EventBatch) -> None:
        reader = self.reader
        changes = self.changes
        changes.count = 0
        self._change()
        while reader.ok and not reader.sees(_ARRAY_END):
            reader.comma()
            self._change()
        if not reader.ok or not reader.member(_TIME):
            return
        time_ns = reader.time()
        if reader.ok and reader.member(_IS_CHANGE):
            changes.emit(batch, time_ns)

    def _change(self) -> None:
        """One entry: level, side, hash of the book it leads to, best prices of that book."""
        reader = self.reader
        if not reader.ok or not reader.skip(_ENTRY):
            return
        symbol = reader.token()
        if not reader.member(_PRICE):
            return
        price = reader.price()
        if not reader.member(_SIZE):
            return
        size = reader.size()
        if not reader.member(_SIDE):
            return
        side = reader.side()
        if not reader.member(_HASH):
            return
        reader.hash()
        if not reader.member(_BEST_BID):
            return
        bid = reader.touch()
        if not reader.member(_BEST_ASK):
            return
        ask = reader.touch()
        if not reader.skip(_OBJECT_END):
            return
        changes = self.changes
        changes.level(symbol, BID if side == BUY else ASK, price >> 8, size >> 8, price & 255, size & 255)
        changes.hash(reader.hash_0, reader.hash_1, reader.hash_2)
        changes.touch(bid, ask)

    def _best_bid_ask(self, symbol: i64, batch: EventBatch) -> None:
        reader = self.reader
        bid = reader.touch()
        if not reader.member(_BEST_ASK):
            return
        ask = reader.touch()
        if not reader.member(_SPREAD):
            return
        reader.text()
        if not reader.member(_TIME):
            return
        time_ns = reader.time()
        if reader.ok and reader.member(_IS_TOUCH):
            batch.add(TOUCH_STATED, symbol, bid, ask, time_ns, 0, 0, 0)

    def _last_trade_price(self, symbol: i64, batch: EventBatch) -> None:
        reader = self.reader
        price = reader.price()
        if not reader.member(_SIZE):
            return
        size = reader.size()
        reader.comma()
        if reader.sees(_FEE):
            reader.text()
            reader.comma()
        if not reader.skip(_SIDE):
            return
        side = reader.side()
        if not reader.member(_TIME):
            return
        time_ns = reader.time()
        if not reader.member(_IS_TRADE):
            return
        if not reader.sees(_OBJECT_END):
            if not reader.member(_TRANSACTION):
                return
            reader.text()
            if not reader.skip(_OBJECT_END):
                return
        if reader.ok:
            batch.add(TRADED, symbol, price >> 8, size >> 8, side, time_ns, NONE, 0)
            batch.add(LAST_PRICE, symbol, price >> 8, price & 255, time_ns, 0, 0, 0)

    def _book(self, symbol: i64, batch: EventBatch) -> None:
        reader = self.reader
        time_ns = reader.time()
        if not reader.member(_HASH):
            return
        reader.hash()
        if not reader.ok or not reader.member(_BIDS):
            return
        batch.add(SNAPSHOT, symbol, NONE, time_ns, RULE_NONE, 0, 0, 0)
        self._levels(symbol, BID, batch)
        if not reader.ok or not reader.member(_ASKS):
            return
        self._levels(symbol, ASK, batch)
        self._book_end(symbol, time_ns, batch)

    def _levels(self, symbol: i64, side: i64, batch: EventBatch) -> None:
        reader = self.reader
        if reader.sees(_ARRAY_END):
            return
        while True:
            if not reader.skip(_LEVEL):
                return
            price = reader.price()
            if not reader.member(_SIZE):
                return
            size = reader.size()
            if not reader.ok or not reader.skip(_OBJECT_END):
                return
            batch.add(LEVEL_SET, symbol, side, price >> 8, size >> 8, price & 255, size & 255, 0)
            if reader.sees(_ARRAY_END):
                return
            reader.comma()

    def _book_end(self, symbol: i64, time_ns: i64, batch: EventBatch) -> None:
        """The members behind the levels, in any order, each at most once."""
        reader = self.reader
        saw: i64 = 0
        tick: i64 = 0
        while reader.ok and not reader.sees(_OBJECT_END):
            reader.comma()
            member: i64 = 0
            if reader.sees(_TICK):
                member = _SAW_TICK
                tick = reader.price() >> 8
                reader.ok = reader.ok and 0 < tick < 10_000
            elif self.stream and reader.sees(_IS_BOOK):
                member = _SAW_KIND
            elif reader.sees(_LAST):
                member = _SAW_LAST
                price = reader.price()
                batch.add(LAST_PRICE, symbol, price >> 8, price & 255, time_ns, 0, 0, 0)
            elif reader.sees(_MIN_SIZE):
                member = _SAW_MIN_SIZE
                reader.size()
            elif reader.sees(_NEG_RISK):
                member = _SAW_NEG_RISK
                reader.ok = reader.ok and (reader.sees(_TRUE) or reader.sees(_FALSE))
            if member == 0 or saw & member != 0:
                reader.ok = False
            saw |= member
        if self.stream and saw & _SAW_KIND == 0:
            reader.ok = False
        if reader.ok:
            batch.add(SNAPSHOT_END, symbol, tick, 0, 0, 0, 0, 0)
            batch.add(HASH_STATED, symbol, reader.hash_0, reader.hash_1, reader.hash_2, time_ns, 0, 0)
