"""What a recording is, by its first lines and its name; where they do not tell, the person is asked."""

import re
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import attrs
import orjson

from journal.importer.formats import PAYLOADS
from journal.importer.recording import NeedsAnswer, NotARecording
from journal.importer.venues import VENUES, Venue, venue_of

HEAD_LINES = 64
_HFTBACKTEST = re.compile(rb"\d{19} [\[{]")
_RECEIVED = re.compile(rb"\d{9,10}(\.\d+)?: ")
_ADDRESS = re.compile(rb"(\S+) (?:<->|<-|->) \d{9,10}(?:\.\d+)?(?:: |$)")
_STREAM = re.compile(rb'\d{19} \{"stream":"([^"@]+)@')
_EVENT = re.compile(r'"event_type"\s*:\s*"(\w+)"')
_NAME_SYMBOL = re.compile(r"(?:^|[_-])([a-z0-9]{4,20})_\d{8}(?:$|[._-])", re.IGNORECASE)
USER_EVENTS = frozenset({"order", "trade"})


@attrs.frozen
class Recording:
    """One recording to import. Empty fields are found out; what cannot be is asked for."""

    path: Path
    format: str = ""
    venue: str = ""
    symbol: str = ""
    """The symbol of depth snapshots that do not name it."""


@attrs.frozen
class Known:
    """A recording about which nothing is open."""

    path: Path
    format: str
    venue: Venue
    symbol: str


def sniff_array(recording: Recording) -> Known:
    """
    What *recording*, an array of hftbacktest's events, leaves open: its symbol, which may stand in its name.

    Raises:
        NotARecording: another venue or format was named.
        NeedsAnswer: it does not.
    """
    name = recording.path.name
    if recording.venue not in ("", "hftbacktest") or recording.format not in ("", "npz"):
        raise NotARecording(f"{name}: an array of events, which is of the format npz and the venue hftbacktest")
    symbol = recording.symbol or _symbol([], name)
    if not symbol:
        raise NeedsAnswer(f"{name}: neither the array nor its name tells the symbol", "--symbol")
    return Known(recording.path, "npz", VENUES["hftbacktest"], symbol)


def sniff(recording: Recording, lines: Iterable[bytes]) -> Known:
    """
    Fill in what *recording* leaves open, from its name and its first *lines*.

    Raises:
        NotARecording: the lines are of no format known here.
        NeedsAnswer: the venue, or the symbol, does not stand in it.
    """
    head = [line for line in islice(lines, HEAD_LINES) if line.strip()]
    name = recording.path.name
    if not head:
        raise NotARecording(f"{name}: holds no line")
    form = recording.format or _format(head)
    if not form:
        raise NotARecording(f"{name}: no recording of a known format (hftbacktest, jsonl, cryptofeed)")
    venue = recording.venue or _venue(form, head, name)
    if venue not in VENUES:
        raise NeedsAnswer(f"{name}: neither its name nor its content tells the venue", "--venue")
    symbol = recording.symbol or (_symbol(head, name) if form == "hftbacktest" else "")
    return Known(recording.path, form, VENUES[venue], symbol)


def _format(head: list[bytes]) -> str:
    if any(_HFTBACKTEST.match(line) for line in head):
        return "hftbacktest"
    if any(_RECEIVED.match(line) or _ADDRESS.match(line) for line in head):
        return "cryptofeed"
    if any(line.lstrip().startswith(b"{") for line in head):
        return "jsonl"
    return ""


def _venue(form: str, head: list[bytes], name: str) -> str:
    if form == "cryptofeed":
        addresses = [found[1].decode("ascii", "replace") for found in map(_ADDRESS.match, head) if found]
        hosts = [venue for venue in map(venue_of, addresses) if venue is not None]
        return hosts[0] if hosts else ""
    if form == "hftbacktest":
        if not any(_STREAM.match(line) for line in head):
            return ""
        words = re.split(r"[._-]", name.lower())
        return "binance-usdm" if "usdm" in words else "binance-spot" if "spot" in words else ""
    events = [event for line in head for event in _events(line)]
    if not events:
        return ""
    return "polymarket-user" if USER_EVENTS.issuperset(events) else "polymarket-market"


def _events(line: bytes) -> list[str]:
    """Polymarket's names of the events in one JSON line's payload."""
    try:
        fields = orjson.loads(line)
    except orjson.JSONDecodeError:
        return []
    payload = next((fields[name] for name in PAYLOADS if name in fields), None) if isinstance(fields, dict) else None
    return _EVENT.findall(payload) if isinstance(payload, str) else []


def _symbol(head: list[bytes], name: str) -> str:
    """
    The symbol in the file's name, as hftbacktest's collector writes it: ``btcusdt_20240808.gz``.

    Raises:
        NeedsAnswer: the first frames are of other symbols than the name says.
    """
    found = _NAME_SYMBOL.search(name)
    if found is None:
        return ""
    symbol = found[1].upper()
    seen = sorted({match[1].decode("ascii", "replace").upper() for match in map(_STREAM.match, head) if match})
    if seen and seen != [symbol]:
        raise NeedsAnswer(f"{name}: its name says {symbol}, its frames are of {', '.join(seen[:5])}", "--symbol")
    return symbol
