"""
Which kind of record a venue's frame is, and the time the venue states in it.

Only shapes decide here, never values: ticks, lots, pairing and symbols come from catalogues, addresses and file names.
Whether a frame makes sense is the wire module's question at replay; any whole JSON document of a stream is kept.
"""

import re
from typing import Protocol, final
from urllib.parse import parse_qs, urlsplit

import orjson

from engine.kernel import kinds, record
from journal.importer.recording import Unplaceable

Placed = tuple[int, int, bytes]
"""kind, src_ns (nanoseconds, or NONE), meta (canonical JSON, or empty)"""

_POLYMARKET_TIME = re.compile(rb'"timestamp"\s*:\s*"?(\d{13})"?[,\s}]')
_POLYMARKET_EVENT = re.compile(rb'"event_type"\s*:')


class Venue(Protocol):
    """One stream of one venue: what its frames and replies are."""

    name: str
    stream: int
    catalogue: int

    def frame(self, frame: bytes, symbol: str) -> Placed:
        """Place a frame of the stream. Raises Unplaceable."""

    def reply(self, url: str, body: bytes) -> Placed:
        """Place the answer to a request for *url*. Raises Unplaceable."""


def canonical(fields: dict[str, object]) -> bytes:
    """The one JSON text of *fields*: keys sorted, no spaces."""
    return orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)


def whole_json(frame: bytes) -> bool:
    """
    Whether *frame* begins and ends as a JSON object or array does; a line cut short does not.

    Polymarket ends its arrays of books with a newline, which belongs to the frame.
    """
    last = frame[-2:-1] if frame[-1:] == b"\n" else frame[-1:]
    return (frame[:1] == b"{" and last == b"}") or (frame[:1] == b"[" and last == b"]")


def binance_time(frame: bytes) -> int:
    """The event time ``E`` in nanoseconds (Binance sends milliseconds, on request microseconds), or NONE."""
    at = frame.find(b'"E":')
    if at < 0:
        return record.NONE
    digits = frame[at + 4 : at + 17]
    if not digits.isdigit() or len(digits) != 13:
        return record.NONE
    following = frame[at + 17 : at + 20]
    if not following[:1].isdigit():
        return int(digits) * 1_000_000
    if following.isdigit() and len(following) == 3 and not frame[at + 20 : at + 21].isdigit():
        return int(digits + following) * 1_000
    return record.NONE


def polymarket_time(frame: bytes) -> int:
    """The first ``timestamp`` (milliseconds, as text) in nanoseconds, or NONE."""
    found = _POLYMARKET_TIME.search(frame)
    return record.NONE if found is None else int(found[1]) * 1_000_000


@final
class Binance:
    """Combined or raw market streams of Binance, and REST depth snapshots, which carry no symbol of their own."""

    def __init__(self, name: str, stream: int, depth: int, catalogue: int) -> None:
        self.name, self.stream, self.depth, self.catalogue = name, stream, depth, catalogue

    def frame(self, frame: bytes, symbol: str) -> Placed:
        """A stream frame, or a depth snapshot that the recorder put between them; that needs *symbol*."""
        if not whole_json(frame):
            raise Unplaceable("no whole JSON document")
        if frame.startswith(b'{"lastUpdateId":'):
            if not symbol:
                raise Unplaceable("a depth snapshot without symbol; say --symbol")
            return self.depth, binance_time(frame), canonical({"symbol": symbol})
        return self.stream, binance_time(frame), b""

    def reply(self, url: str, body: bytes) -> Placed:
        """A depth snapshot or an exchangeInfo, by the address it was asked at."""
        if not whole_json(body):
            raise Unplaceable("no whole JSON document")
        parts = urlsplit(url)
        last = parts.path.rsplit("/", 1)[-1]
        if last == "depth":
            symbol = parse_qs(parts.query).get("symbol", [""])[0]
            if not symbol:
                raise Unplaceable("a depth snapshot whose address names no symbol")
            return self.depth, binance_time(body), canonical({"symbol": symbol, "url": url})
        if last == "exchangeInfo":
            return self.catalogue, record.NONE, canonical({"url": url, "venue": self.name})
        raise Unplaceable(f"a reply of a kind that is not journalled ({parts.path})")


@final
class Polymarket:
    """The market or the user channel of Polymarket, and REST books."""

    def __init__(self, name: str, stream: int) -> None:
        self.name, self.stream, self.catalogue = name, stream, int(kinds.POLYMARKET_CATALOGUE)

    def frame(self, frame: bytes, symbol: str) -> Placed:
        """A frame of the channel, or a REST book (it names no event) that the recorder put between them."""
        if frame == b"PONG":
            return self.stream, record.NONE, b""
        if not whole_json(frame):
            raise Unplaceable("no whole JSON document")
        if b'"bids"' in frame and _POLYMARKET_EVENT.search(frame) is None:
            return int(kinds.POLYMARKET_BOOK), polymarket_time(frame), b""
        return self.stream, polymarket_time(frame), b""

    def reply(self, url: str, body: bytes) -> Placed:
        """A book or market objects, by the address it was asked at."""
        if not whole_json(body):
            raise Unplaceable("no whole JSON document")
        path = urlsplit(url).path.rstrip("/")
        if path in ("/book", "/books"):
            return int(kinds.POLYMARKET_BOOK), polymarket_time(body), canonical({"url": url})
        if path.startswith(("/markets", "/clob-markets", "/events", "/sampling-markets")):
            return self.catalogue, record.NONE, canonical({"url": url, "venue": self.name})
        raise Unplaceable(f"a reply of a kind that is not journalled ({path})")


@final
class Hftbacktest:
    """hftbacktest's event arrays (`importer.arrays`), which are read by row; there are no frames and no replies."""

    def __init__(self) -> None:
        self.name = "hftbacktest"
        self.stream, self.catalogue = int(kinds.HFTBACKTEST_EVENTS), int(kinds.HFTBACKTEST_CATALOGUE)

    def frame(self, frame: bytes, symbol: str) -> Placed:
        """None can be placed."""
        raise Unplaceable("a frame, where hftbacktest has rows of arrays")

    def reply(self, url: str, body: bytes) -> Placed:
        """None can be placed."""
        raise Unplaceable("a reply, where hftbacktest has rows of arrays")


def _venues() -> dict[str, Venue]:
    spot = Binance(
        "binance-spot", int(kinds.BINANCE_SPOT), int(kinds.BINANCE_SPOT_DEPTH), int(kinds.BINANCE_SPOT_CATALOGUE)
    )
    usdm = Binance(
        "binance-usdm", int(kinds.BINANCE_USDM), int(kinds.BINANCE_USDM_DEPTH), int(kinds.BINANCE_USDM_CATALOGUE)
    )
    market = Polymarket("polymarket-market", int(kinds.POLYMARKET_MARKET))
    user = Polymarket("polymarket-user", int(kinds.POLYMARKET_USER))
    return {venue.name: venue for venue in (spot, usdm, market, user, Hftbacktest())}


VENUES = _venues()
"""Every stream that can be imported, by the name that its record source takes."""

HOSTS = {
    "stream.binance.com": "binance-spot",
    "data-stream.binance.vision": "binance-spot",
    "api.binance.com": "binance-spot",
    "data-api.binance.vision": "binance-spot",
    "fstream.binance.com": "binance-usdm",
    "fapi.binance.com": "binance-usdm",
    "ws-subscriptions-clob.polymarket.com": "polymarket-market",
    "clob.polymarket.com": "polymarket-market",
    "gamma-api.polymarket.com": "polymarket-market",
}


def venue_of(address: str) -> str | None:
    """The stream that *address* (a URL) belongs to, or None for a host that is not known here."""
    parts = urlsplit(address)
    if parts.hostname == "ws-subscriptions-clob.polymarket.com" and parts.path.endswith("/user"):
        return "polymarket-user"
    return HOSTS.get(parts.hostname or "")
