"""
The user channel: what became of our orders and trades.

Order events: PLACEMENT acknowledges, CANCELLATION ends with what was filled so far. UPDATE adds nothing to the trades
it follows and yields no row; a missed trade is found by reconciliation, not here. Trade events: every order of the
trade is reported filled, the taker's and each maker's, because the frame does not say in a checkable way which of them
are ours: the kernel knows its order ids. One trade is sent again for each state it passes, so the same fill is stated
again; (order, trade) names it once.
"""

from typing import Final, final

from mypy_extensions import i64

from adapters.polymarket.wire.values import needed, price_of, side_of, size_of, time_of
from engine.kernel.codes import MARKET_CLOSED, OK, SCHEMA, VENUE_ERROR
from engine.kernel.events import (
    FILL_MAKER,
    FILL_PROVISIONAL,
    ORDER_ACKED,
    ORDER_CANCELLED,
    ORDER_FILLED,
    TRADE_CONFIRMED,
    TRADE_FAILED,
    TRADE_MATCHED,
    TRADE_MINED,
    TRADE_RETRYING,
    TRADE_STATUS,
    EventBatch,
    Symbols,
    Translator,
)
from engine.kernel.json_text import Refused, identifier, items_of, members_of, parse, refusal, text_of
from engine.kernel.record import NONE

USER_DECODER: Final = "polymarket-user/1"

_PONG: Final = b"PONG"
_ORDER_TYPES: Final = ("PLACEMENT", "UPDATE", "CANCELLATION")


@final
class UserTranslator(Translator):
    """Frames of `/ws/user`: an event object or an array of them; `PONG` says nothing."""

    def __init__(self, symbols: Symbols) -> None:
        super().__init__(USER_DECODER, symbols)

    def translate(self, data: bytes, start: i64, end: i64, batch: EventBatch) -> i64:
        """As `Translator.translate`."""
        if end - start == 4 and data[start:end] == _PONG:
            self.fast += 1
            self.ignored += 1
            return OK
        self.slow += 1
        try:
            frame = parse(data, start, end)
            for event in frame if isinstance(frame, list) else [frame]:
                _event(members_of(event), batch)
        except Refused as error:
            batch.clear()
            return refusal(error)
        if batch.count == 0:
            self.ignored += 1
        return OK


def _event(event: dict[str, object], batch: EventBatch) -> None:
    """Captures without `event_type` exist; `type` tells orders from trades as well."""
    kind = event.get("event_type")
    sort = event.get("type")
    if kind == "order" or (kind is None and sort in _ORDER_TYPES):
        _order(event, batch)
    elif kind == "trade" or (kind is None and sort == "TRADE"):
        _trade(event, batch)
    else:
        raise Refused(SCHEMA, "neither an order nor a trade event")


def _order(event: dict[str, object], batch: EventBatch) -> None:
    order = identifier(needed(event, "id"))
    identifier(needed(event, "market"))
    identifier(needed(event, "asset_id"))
    price_of(needed(event, "price"))
    side_of(needed(event, "side"))
    size_of(needed(event, "original_size"))
    time_ns = time_of(needed(event, "timestamp"))
    matched = event.get("size_matched")
    # A killed order states an empty size: nothing is known from it, and the fills received stand.
    filled: i64 = NONE if matched is None or matched == "" else size_of(matched)
    sort = event.get("type")
    if sort == "PLACEMENT":
        batch.add(ORDER_ACKED, 0, batch.text(order), time_ns, 0, 0, 0, 0)
    elif sort == "CANCELLATION":
        reason = _cancel_reason(text_of(needed(event, "status")), event.get("order_type"))
        batch.add(ORDER_CANCELLED, 0, batch.text(order), filled, time_ns, reason, 0, 0)
    elif sort != "UPDATE":
        raise Refused(SCHEMA, "an unknown type of order event")


def _cancel_reason(status: str, order_type: object) -> i64:
    """OK for a cancel that was asked for (by request, or by a FOK or FAK order's nature), else why the venue did it."""
    if status == "CANCELED" or order_type == "FOK" or order_type == "FAK":
        return OK
    if status == "CANCELED_MARKET_RESOLVED":
        return MARKET_CLOSED
    return VENUE_ERROR


def _trade(event: dict[str, object], batch: EventBatch) -> None:
    trade = batch.text(identifier(needed(event, "id")))
    identifier(needed(event, "market"))
    identifier(needed(event, "asset_id"))
    side_of(needed(event, "side"))
    time_ns = time_of(needed(event, "timestamp"))
    status = _trade_status(text_of(needed(event, "status")))
    flags: i64 = 0 if status == TRADE_CONFIRMED else FILL_PROVISIONAL
    taker = identifier(needed(event, "taker_order_id"))
    price, size = price_of(needed(event, "price")), size_of(needed(event, "size"))
    seen: dict[str, bool] = {taker: True}
    _fill(taker, trade, price, size, flags, status, time_ns, batch)
    for item in items_of(event.get("maker_orders", [])):
        maker = members_of(item)
        order = identifier(needed(maker, "order_id"))
        identifier(needed(maker, "asset_id"))
        if order in seen:
            raise Refused(SCHEMA, "a trade names an order twice")
        seen[order] = True
        price, size = price_of(needed(maker, "price")), size_of(needed(maker, "matched_amount"))
        _fill(order, trade, price, size, flags | FILL_MAKER, status, time_ns, batch)


def _fill(
    order: str, trade: i64, price: i64, size: i64, flags: i64, status: i64, time_ns: i64, batch: EventBatch
) -> None:
    """The fill, unless the trade has failed (then its state alone is news), and the state of its settlement."""
    text = batch.text(order)
    if status != TRADE_FAILED:
        batch.add(ORDER_FILLED, 0, text, price, size, NONE, flags, trade)
    batch.add(TRADE_STATUS, 0, text, trade, status, time_ns, 0, 0)


def _trade_status(status: str) -> i64:
    """REST and some pages put TRADE_STATUS_ before the word."""
    word = status.removeprefix("TRADE_STATUS_")
    if word == "MATCHED":
        return TRADE_MATCHED
    if word == "MINED":
        return TRADE_MINED
    if word == "CONFIRMED":
        return TRADE_CONFIRMED
    if word == "RETRYING":
        return TRADE_RETRYING
    if word == "FAILED":
        return TRADE_FAILED
    raise Refused(SCHEMA, "an unknown state of a trade")
