"""
The general decoder of Binance's WebSocket frames: any spelling that is JSON, any order and number of members.

It also settles what a frame is: an event, an array of them, an answer to a request, or a fact we have no use for.
"""

from typing import Final, final

from mypy_extensions import i64

from adapters.binance.wire.rows import (
    Members,
    add_levels,
    amount_of,
    best_level,
    count_of,
    is_coin_margined,
    member,
    optional_time,
    price_of,
    rate_of,
    symbol_of,
    time_of,
    truth_of,
)
from engine.kernel.codes import BAD_FRAME, BAD_NUMBER, SCHEMA
from engine.kernel.events import (
    DIFF,
    DIFF_END,
    MARK,
    RULE_PREV,
    RULE_SPOT,
    STRIDE,
    TICKER,
    TRADED,
    EventBatch,
    Symbols,
)
from engine.kernel.json_text import Refused, members_of, parse, text_of
from engine.kernel.record import NONE
from engine.kernel.units import ASK, BID, BUY, SELL

# Events that are legal and state no fact of ours. A name that stands nowhere here is SCHEMA: the venue has changed.
_SILENT: Final[dict[str, str]] = {
    "kline": "both: prices derived from trades",
    "24hrTicker": "both: a day's statistics",
    "24hrMiniTicker": "both: a day's statistics",
    "serverShutdown": "both: the connection half reconnects on it",
    "avgPrice": "spot: derived from trades",
    "1hTicker": "spot: statistics",
    "4hTicker": "spot: statistics",
    "1dTicker": "spot: statistics",
    "blockTrade": "spot: traded beside the book",
    "referencePrice": "spot: nullable, and no price to trade at",
    "forceOrder": "futures: at most one liquidation a second, not all of them",
    "continuous_kline": "futures: prices derived from trades",
    "compositeIndex": "futures: an index we do not hold",
    "contractInfo": "futures: catalogue replies state the same",
    "assetIndexUpdate": "futures: margin rates of assets",
    "tradingSession": "futures: sessions of contracts on shares",
}

_PARTIAL: Final[dict[str, str]] = {"depth5": "", "depth10": "", "depth20": ""}


@final
class FrameDecoder:
    """
    Reads one frame at a time. Symbols are numbered when the whole frame has been read: until then a row's symbol is an
    index into the frame's own names, so that a refused frame leaves no trace in the table.
    """

    def __init__(self, symbols: Symbols, futures: bool) -> None:
        self._symbols: Final[Symbols] = symbols
        self._futures: Final[bool] = futures
        self._names: list[str] = []
        self.ignored: i64 = 0

    def read(self, data: bytes, start: i64, end: i64, batch: EventBatch) -> None:
        """Add the rows of data[start:end] to the empty *batch*. Raises Refused; the batch is then half filled."""
        self._names = []
        self.ignored = 0
        value = parse(data, start, end)
        stream = ""
        if isinstance(value, dict) and "stream" in value:
            envelope = members_of(value)
            stream = text_of(envelope["stream"])
            value = member(envelope, "data")
            if stream == "":
                raise Refused(BAD_FRAME, "a stream without name")
        if isinstance(value, list):
            for row in value:
                self._one(stream, members_of(row), batch)
        else:
            self._one(stream, members_of(value), batch)
        self._number(batch)

    def _number(self, batch: EventBatch) -> None:
        numbers = [self._symbols.number(name) for name in self._names]
        rows = batch.rows
        at: i64 = 1
        end = batch.count * STRIDE
        while at < end:
            rows[at] = numbers[rows[at]]
            at += STRIDE

    def _name(self, symbol: str) -> i64:
        self._names.append(symbol)
        return len(self._names) - 1

    def _one(self, stream: str, data: Members, batch: EventBatch) -> None:
        """One object: an event with or without its name, a partial book, or an answer."""
        before = batch.count
        if "e" in data:
            self._event(stream, text_of(data["e"]), data, batch)
        elif "lastUpdateId" in data:
            self._partial(stream, data, batch)
        elif stream == "" and (("result" in data and "id" in data) or "error" in data or "code" in data):
            pass  # an answer to the connection half, which reads it; an error among them states no fact either
        elif not self._futures:
            self._ticker(stream, data, batch)
        else:
            raise Refused(SCHEMA, "an object that names no event")
        if batch.count == before:
            self.ignored += 1

    def _event(self, stream: str, event: str, data: Members, batch: EventBatch) -> None:
        if event in _SILENT or is_coin_margined(data):
            return
        if event == "depthUpdate":
            self._depth(stream, data, batch)
        elif event == "bookTicker":
            self._ticker(stream, data, batch)
        elif event == "trade":
            self._trade(stream, event, "t", data, batch)
        elif event == "aggTrade":
            self._trade(stream, event, "a", data, batch)
        elif event == "markPriceUpdate" and self._futures:
            self._mark(stream, data, batch)
        else:
            raise Refused(SCHEMA, f"unknown event {event[:40]!r}")

    def _depth(self, stream: str, data: Members, batch: EventBatch) -> None:
        """A change set; or, as the stream's name says, the top of the book in the same clothes, or a wider book."""
        channel = _channel(stream)
        if channel == "rpiDepth":
            return  # it holds orders that the books of the other streams do not
        if channel in _PARTIAL:
            self._top(stream, data, "b", "a", count_of(data, "u"), time_of(data, "E"), batch)
            return
        symbol = self._symbol(stream, "depth", data)
        first = count_of(data, "U")
        last = count_of(data, "u")
        if first > last:
            raise Refused(BAD_FRAME, "U is above u")
        previous = count_of(data, "pu") if self._futures else NONE
        venue_ns = time_of(data, "E")
        bids = member(data, "b")
        asks = member(data, "a")
        if symbol:
            number = self._name(symbol)
            batch.add(DIFF, number, first, last, previous, venue_ns, RULE_PREV if self._futures else RULE_SPOT, 0)
            add_levels(batch, number, BID, bids)
            add_levels(batch, number, ASK, asks)
            batch.add(DIFF_END, number, 0, 0, 0, 0, 0, 0)

    def _partial(self, stream: str, data: Members, batch: EventBatch) -> None:
        """The spot form of a partial book has no symbol: only the stream's name says whose it is."""
        if self._futures or _channel(stream) not in _PARTIAL:
            raise Refused(SCHEMA, "a partial book without the name of its stream")
        named: Members = {"s": stream.partition("@")[0].upper(), **data}
        self._top(stream, named, "bids", "asks", count_of(data, "lastUpdateId"), NONE, batch)

    def _top(
        self, stream: str, data: Members, bids: str, asks: str, update: i64, venue_ns: i64, batch: EventBatch
    ) -> None:
        """A partial book gives its best levels as a TICKER: the others must never reach a book kept by changes."""
        symbol = self._symbol(stream, _channel(stream), data)
        bid, bid_size = best_level(member(data, bids), True)
        ask, ask_size = best_level(member(data, asks), False)
        if symbol:
            batch.add(TICKER, self._name(symbol), bid, bid_size, ask, ask_size, update, venue_ns)

    def _ticker(self, stream: str, data: Members, batch: EventBatch) -> None:
        symbol = self._symbol(stream, "bookTicker", data)
        update = count_of(data, "u")
        venue_ns = time_of(data, "E") if self._futures else optional_time(data, "E")
        bid = amount_of(data, "b")
        bid_size = amount_of(data, "B")
        ask = amount_of(data, "a")
        ask_size = amount_of(data, "A")
        if symbol:
            batch.add(TICKER, self._name(symbol), bid, bid_size, ask, ask_size, update, venue_ns)

    def _trade(self, stream: str, event: str, id_key: str, data: Members, batch: EventBatch) -> None:
        symbol = self._symbol(stream, event, data)
        trade_id = count_of(data, id_key)
        count_of(data, "E")
        venue_ns = time_of(data, "T")
        side = SELL if truth_of(data, "m") else BUY  # m: the buyer was the maker, so the seller took
        price = amount_of(data, "p")
        size = amount_of(data, "q")
        if self._futures and (size == 0 or data.get("X", "MARKET") != "MARKET"):
            return  # the insurance fund, auto-deleveraging, or "NA" with zeros: not a trade in the book
        if price == 0 or size == 0:
            raise Refused(BAD_NUMBER, "a trade of zero")
        if symbol:
            batch.add(TRADED, self._name(symbol), price, size, side, venue_ns, trade_id, 0)

    def _mark(self, stream: str, data: Members, batch: EventBatch) -> None:
        symbol = self._symbol(stream, "markPrice", data)
        price = price_of(data, "p")
        index = amount_of(data, "i")
        funding = rate_of(data, "r")
        next_ns = optional_time(data, "T")
        venue_ns = time_of(data, "E")
        if symbol:
            batch.add(MARK, self._name(symbol), price, index, funding, next_ns, venue_ns, 0)

    def _symbol(self, stream: str, channel: str, data: Members) -> str:
        """The event's symbol, which the stream's name must confirm; empty for one that no text of ours can name."""
        symbol = symbol_of(data, "s")
        if stream == "":
            return symbol
        if _channel(stream) != channel:
            raise Refused(BAD_FRAME, f"a {channel} event on the stream {stream[:80]!r}")
        if not stream.startswith("!") and symbol and stream.partition("@")[0] != symbol.lower():
            raise Refused(BAD_FRAME, f"{symbol} on the stream {stream[:80]!r}")
        return symbol


def _channel(stream: str) -> str:
    """ "depth" of "btcusdt@depth@100ms", "markPrice" of "!markPrice@arr@1s"; empty for a raw frame."""
    if stream.startswith("!"):
        return stream[1:].partition("@")[0]
    return stream.partition("@")[2].partition("@")[0]
