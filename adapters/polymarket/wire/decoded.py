"""
The general decoder of market frames and REST books: any member order and spacing, every event type.

It reads the whole frame with `json_text` and raises `Refused` at the first thing it does not understand; its caller
clears the batch then, so a frame counts whole or not at all. Members nobody needs are passed over.
"""

from mypy_extensions import i64

from adapters.polymarket.wire.changes import Changes
from adapters.polymarket.wire.values import (
    hash_of,
    needed,
    price_of,
    side_of,
    size_of,
    spelling_of,
    tick_of,
    time_of,
    touch_of,
)
from engine.kernel.codes import SCHEMA
from engine.kernel.events import (
    HASH_STATED,
    LAST_PRICE,
    LEVEL_SET,
    RESOLVED,
    RULE_NONE,
    SIDE_UNKNOWN,
    SNAPSHOT,
    SNAPSHOT_END,
    TICK_CHANGED,
    TOUCH_STATED,
    TRADED,
    EventBatch,
    Symbols,
)
from engine.kernel.json_text import Refused, identifier, items_of, members_of, parse
from engine.kernel.record import NONE
from engine.kernel.units import ASK, BID, BUY


def decode_stream(data: bytes, start: i64, end: i64, symbols: Symbols, changes: Changes, batch: EventBatch) -> None:
    """A frame of the market channel: an event object or an array of any mix of them; raises Refused."""
    frame = parse(data, start, end)
    for event in frame if isinstance(frame, list) else [frame]:
        _event(members_of(event), symbols, changes, batch)


def decode_books(data: bytes, start: i64, end: i64, symbols: Symbols, batch: EventBatch) -> None:
    """A REST reply: one book, or an array of books; raises Refused."""
    reply = parse(data, start, end)
    for book in reply if isinstance(reply, list) else [reply]:
        _book(members_of(book), symbols, batch)


def _event(event: dict[str, object], symbols: Symbols, changes: Changes, batch: EventBatch) -> None:
    kind = event.get("event_type")
    if kind == "price_change":
        _price_change(event, symbols, changes, batch)
    elif kind == "book":
        _book(event, symbols, batch)
    elif kind == "best_bid_ask":
        _best_bid_ask(event, symbols, batch)
    elif kind == "last_trade_price":
        _last_trade_price(event, symbols, batch)
    elif kind == "tick_size_change":
        _tick_size_change(event, symbols, batch)
    elif kind == "new_market":
        _new_market(event)
    elif kind == "market_resolved":
        _market_resolved(event, symbols, batch)
    else:
        raise Refused(SCHEMA, "an unknown or missing event_type")


def _head(event: dict[str, object], symbols: Symbols) -> i64:
    """The symbol of an event about one token, whose market id must be sound too."""
    identifier(needed(event, "market"))
    return symbols.number(identifier(needed(event, "asset_id")))


def _price_change(event: dict[str, object], symbols: Symbols, changes: Changes, batch: EventBatch) -> None:
    """
    The present form, an array `price_changes` about several tokens; before September 2025 an array `changes` about one;
    before that one change in the frame itself. The older two state a hash for the whole frame and no best prices.
    """
    changes.count = 0
    time_ns = time_of(needed(event, "timestamp"))
    if "price_changes" in event:
        identifier(needed(event, "market"))
        for item in items_of(event["price_changes"]):
            entry = members_of(item)
            _change(entry, symbols.number(identifier(needed(entry, "asset_id"))), changes)
            _hash(entry, changes)
            if "best_bid" in entry or "best_ask" in entry:
                changes.touch(touch_of(entry.get("best_bid")), touch_of(entry.get("best_ask")))
    else:
        symbol = _head(event, symbols)
        if "changes" in event:
            for item in items_of(event["changes"]):
                _change(members_of(item), symbol, changes)
        else:
            _change(event, symbol, changes)
        if changes.count > 0:
            _hash(event, changes)
    changes.emit(batch, time_ns)


def _change(entry: dict[str, object], symbol: i64, changes: Changes) -> None:
    price, size = needed(entry, "price"), needed(entry, "size")
    side = BID if side_of(needed(entry, "side")) == BUY else ASK
    changes.level(symbol, side, price_of(price), size_of(size), spelling_of(price), spelling_of(size))


def _hash(entry: dict[str, object], changes: Changes) -> None:
    stated = entry.get("hash")
    if stated is not None and stated != "":
        first, second, third = hash_of(stated)
        changes.hash(first, second, third)


def _book(book: dict[str, object], symbols: Symbols, batch: EventBatch) -> None:
    """A full book. `min_order_size` and `neg_risk` are checked only: instruments take them from the catalogue."""
    symbol = _head(book, symbols)
    time_ns = time_of(needed(book, "timestamp"))
    batch.add(SNAPSHOT, symbol, NONE, time_ns, RULE_NONE, 0, 0, 0)
    _levels(needed(book, "bids"), symbol, BID, batch)
    _levels(needed(book, "asks"), symbol, ASK, batch)
    last = book.get("last_trade_price")
    if last is not None and last != "":
        batch.add(LAST_PRICE, symbol, price_of(last), spelling_of(last), time_ns, 0, 0, 0)
    if book.get("min_order_size") is not None:
        size_of(book["min_order_size"])
    if not isinstance(book.get("neg_risk", False), bool):
        raise Refused(SCHEMA, "neg_risk is neither true nor false")
    tick: i64 = tick_of(book["tick_size"]) if book.get("tick_size") is not None else 0
    batch.add(SNAPSHOT_END, symbol, tick, 0, 0, 0, 0, 0)
    stated = book.get("hash")
    if stated is not None and stated != "":
        first, second, third = hash_of(stated)
        batch.add(HASH_STATED, symbol, first, second, third, time_ns, 0, 0)


def _levels(levels: object, symbol: i64, side: i64, batch: EventBatch) -> None:
    for item in items_of(levels):
        level = members_of(item)
        price, size = needed(level, "price"), needed(level, "size")
        batch.add(LEVEL_SET, symbol, side, price_of(price), size_of(size), spelling_of(price), spelling_of(size), 0)


def _best_bid_ask(event: dict[str, object], symbols: Symbols, batch: EventBatch) -> None:
    symbol = _head(event, symbols)
    if "best_bid" not in event or "best_ask" not in event:
        raise Refused(SCHEMA, "a best price is missing")
    bid, ask = touch_of(event["best_bid"]), touch_of(event["best_ask"])
    batch.add(TOUCH_STATED, symbol, bid, ask, time_of(needed(event, "timestamp")), 0, 0, 0)


def _last_trade_price(event: dict[str, object], symbols: Symbols, batch: EventBatch) -> None:
    symbol = _head(event, symbols)
    time_ns = time_of(needed(event, "timestamp"))
    text = needed(event, "price")
    price = price_of(text)
    size = size_of(needed(event, "size"))
    taker = event.get("side")
    side = SIDE_UNKNOWN if taker is None or taker == "" else side_of(taker)
    batch.add(TRADED, symbol, price, size, side, time_ns, NONE, 0)
    batch.add(LAST_PRICE, symbol, price, spelling_of(text), time_ns, 0, 0, 0)


def _tick_size_change(event: dict[str, object], symbols: Symbols, batch: EventBatch) -> None:
    symbol = _head(event, symbols)
    old, new = tick_of(needed(event, "old_tick_size")), tick_of(needed(event, "new_tick_size"))
    batch.add(TICK_CHANGED, symbol, old, new, time_of(needed(event, "timestamp")), 0, 0, 0)


def _new_market(event: dict[str, object]) -> None:
    """An announcement: it states no minimum size and no neg-risk grouping, so listing waits for the catalogue."""
    identifier(needed(event, "market"))
    time_of(needed(event, "timestamp"))
    for token in items_of(needed(event, "assets_ids")):
        identifier(token)


def _market_resolved(event: dict[str, object], symbols: Symbols, batch: EventBatch) -> None:
    market = identifier(needed(event, "market"))
    time_ns = time_of(needed(event, "timestamp"))
    tokens = [identifier(token) for token in items_of(event.get("assets_ids", []))]
    won = event.get("winning_asset_id")
    winner: i64 = -1
    if won is not None and won != "":
        token = identifier(won)
        if tokens and token not in tokens:
            raise Refused(SCHEMA, "the winner is none of the market's tokens")
        winner = symbols.number(token)
    batch.add(RESOLVED, winner, batch.text(market), time_ns, 0, 0, 0, 0)
