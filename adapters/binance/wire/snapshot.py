"""
REST depth replies. They name no symbol: the request does, and the journal keeps it in the record's *meta*.

A snapshot of 5,000 levels a side arrives for every book at every resynchronisation, so it has a scanner of its own.
"""

from typing import Final, final

from mypy_extensions import i64

from adapters.binance.wire.fields import read_levels
from adapters.binance.wire.rows import Members, add_levels, count_of, member, optional_time, set_symbol, symbol_of
from adapters.binance.wire.terms import nanoseconds
from engine.kernel.codes import SCHEMA
from engine.kernel.events import RULE_PREV, RULE_SPOT, SNAPSHOT, SNAPSHOT_END, EventBatch, Symbols
from engine.kernel.json_text import Refused, members_of, parse, text_of
from engine.kernel.record import NONE
from engine.kernel.scan import Scanner
from engine.kernel.units import ASK, BID


def requested_symbol(meta: bytes) -> str:
    """
    The symbol that a depth request named: `{"symbol": ...}`, or the parameter of `{"url": ...}`.

    Raises Refused: SCHEMA if it names none, BAD_TEXT for one that is no symbol of ours.
    """
    if not meta:
        raise Refused(SCHEMA, "a depth reply without its request")
    request = members_of(parse(meta, 0, len(meta)))
    if "symbol" not in request and "url" in request:
        request = _parameters(text_of(request["url"]))
    symbol = symbol_of(request, "symbol")
    if not symbol:
        raise Refused(SCHEMA, "a book of a symbol that no text of ours can name")
    return symbol


def _parameters(url: str) -> Members:
    found: Members = {}
    for part in url.partition("?")[2].partition("#")[0].split("&"):
        key, _, value = part.partition("=")
        found[key] = value
    return found


@final
class SnapshotReader:
    """Reads depth replies of one venue."""

    def __init__(self, symbols: Symbols, futures: bool) -> None:
        self._symbols: Final[Symbols] = symbols
        self._rule: Final[i64] = RULE_PREV if futures else RULE_SPOT
        self._scanner: Final[Scanner] = Scanner(b"", 0, 0)

    def scan(self, data: bytes, start: i64, end: i64, batch: EventBatch) -> bool:
        """Whether data[start:end] was spelt as usual; else *batch* is empty again. Raises Refused for its *meta*."""
        scanner = self._scanner
        scanner.reset(data, start, end)
        if not scanner.skip(b'{"lastUpdateId":'):
            return False
        update = scanner.integer()
        venue_ns = NONE
        if scanner.sees(b',"E":'):
            venue_ns = nanoseconds(scanner.integer())
            scanner.skip(b',"T":')
            scanner.integer()
        if not scanner.skip(b',"bids":') or (venue_ns <= 0 and venue_ns != NONE):
            return False
        batch.add(SNAPSHOT, -1, update, venue_ns, self._rule, 0, 0, 0)
        read_levels(scanner, batch, -1, BID)
        scanner.skip(b',"asks":')
        read_levels(scanner, batch, -1, ASK)
        if scanner.skip(b"}") and scanner.done():
            batch.add(SNAPSHOT_END, -1, 0, 0, 0, 0, 0, 0)
            set_symbol(batch, self._symbols.number(requested_symbol(batch.meta)))
            return True
        batch.clear()
        return False

    def decode(self, data: bytes, start: i64, end: i64, batch: EventBatch) -> None:
        """Read any spelling; an error reply ("code", "msg") states nothing. Raises Refused."""
        reply = members_of(parse(data, start, end))
        if "code" in reply and "lastUpdateId" not in reply:
            return
        update = count_of(reply, "lastUpdateId")
        venue_ns = optional_time(reply, "E")
        bids = member(reply, "bids")
        asks = member(reply, "asks")
        symbol = requested_symbol(batch.meta)
        batch.add(SNAPSHOT, -1, update, venue_ns, self._rule, 0, 0, 0)
        add_levels(batch, -1, BID, bids)
        add_levels(batch, -1, ASK, asks)
        batch.add(SNAPSHOT_END, -1, 0, 0, 0, 0, 0, 0)
        set_symbol(batch, self._symbols.number(symbol))
