"""`exchangeInfo`: which markets there are, and the grids of their prices and sizes."""

from typing import Final

from mypy_extensions import i64

from adapters.binance.wire.rows import (
    Members,
    amount_of,
    is_coin_margined,
    member,
    symbol_of,
    time_of,
)
from adapters.binance.wire.terms import EXPONENT, USDM
from engine.kernel.codes import SCHEMA
from engine.kernel.events import (
    KIND_FUTURE,
    KIND_PERPETUAL,
    KIND_SPOT,
    STATUS_CANCEL_ONLY,
    STATUS_CLOSED,
    STATUS_HALTED,
    STATUS_POST_ONLY,
    STATUS_TRADING,
    EventBatch,
    Listing,
)
from engine.kernel.json_text import Refused, identifier, items_of, members_of, parse, text_of
from engine.kernel.record import NONE

_ONE: Final[i64] = 100_000_000  # a futures contract is one of its base asset, in size units

# Every other status (BREAK, HALT, AUCTION_MATCH, PENDING_TRADING, PRE_DELIVERING, SETTLING...) is "not now": HALTED.
_STATUS: Final[dict[str, int]] = {
    "TRADING": int(STATUS_TRADING),
    "CANCEL_ONLY": int(STATUS_CANCEL_ONLY),
    "POST_ONLY": int(STATUS_POST_ONLY),
    "DELIVERED": int(STATUS_CLOSED),
    "CLOSE": int(STATUS_CLOSED),
}


def list_symbols(data: bytes, start: i64, end: i64, venue: str, batch: EventBatch) -> i64:
    """
    Add a LISTED row for each market of the reply data[start:end]; returns how many objects were passed over.

    Raises Refused. An object that is whole but of no use to us (no price or lot grid, no contract type yet, settled in
    another currency than its price's, a name beyond ASCII) is passed over; one that cannot be read refuses the reply.
    """
    reply = members_of(parse(data, start, end))
    if "code" in reply and "symbols" not in reply:
        return 1
    passed: i64 = 0
    for entry in items_of(member(reply, "symbols")):
        listing = _listing(members_of(entry), venue)
        if listing is None:
            passed += 1
        else:
            batch.listed(listing)
    return passed


def _listing(entry: Members, venue: str) -> Listing | None:
    symbol = symbol_of(entry, "symbol")
    filters = _filters(entry)
    if not symbol or "PRICE_FILTER" not in filters or "LOT_SIZE" not in filters or is_coin_margined(entry):
        return None
    tick = amount_of(filters["PRICE_FILTER"], "tickSize")
    lot = amount_of(filters["LOT_SIZE"], "stepSize")
    kind: i64 = KIND_SPOT
    settlement = member(entry, "quoteAsset")
    expiry_ns: i64 = NONE
    if venue == USDM:
        kind = _contract(text_of(member(entry, "contractType")))
        margin = member(entry, "marginAsset")
        if margin != settlement:
            return None  # an inverse contract: its money is not price times size
        if kind == KIND_FUTURE:
            expiry_ns = time_of(entry, "deliveryDate")
    if tick == 0 or lot == 0 or kind == 0:
        return None
    base = text_of(member(entry, "baseAsset"))
    if not base.isascii():
        return None
    return Listing(
        venue=venue,
        market=symbol,
        symbols=(symbol,),
        outcomes=(),
        kind=kind,
        price_exponent=EXPONENT,
        size_exponent=EXPONENT,
        tick=tick,
        lot=lot,
        min_size=amount_of(filters["LOT_SIZE"], "minQty"),
        settlement=identifier(settlement),
        status=_STATUS.get(text_of(member(entry, "status")), int(STATUS_HALTED)),
        multiplier=0 if kind == KIND_SPOT else _ONE,
        expiry_ns=expiry_ns,
        min_notional=_min_notional(filters),
        base=identifier(base),
    )


def _filters(entry: Members) -> dict[str, Members]:
    found: dict[str, Members] = {}
    for item in items_of(member(entry, "filters")):
        one = members_of(item)
        name = text_of(member(one, "filterType"))
        if name in found:
            raise Refused(SCHEMA, f"two filters {name[:40]!r}")
        found[name] = one
    return found


def _contract(name: str) -> i64:
    """KIND_PERPETUAL or KIND_FUTURE; 0 for a contract that has no type (yet) or one of another kind."""
    if "PERPETUAL" in name:
        return KIND_PERPETUAL
    if "QUARTER" in name or "MONTH" in name:
        return KIND_FUTURE
    return 0


def _min_notional(filters: dict[str, Members]) -> i64:
    """The least value of an order in quote units at 1e-8, whichever of the venue's spellings states it; 0 if none."""
    if "NOTIONAL" in filters:
        return amount_of(filters["NOTIONAL"], "minNotional")
    if "MIN_NOTIONAL" not in filters:
        return 0
    least = filters["MIN_NOTIONAL"]
    return amount_of(least, "notional" if "notional" in least else "minNotional")
