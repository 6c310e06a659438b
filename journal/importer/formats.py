"""
The formats of public recordings: from lines to arrivals.

Each reader takes the lines of one file in order, counts every one of them in the tally, and yields what reached the
recorder. A line that cannot be placed is counted with its number and the reason, and the reading goes on.
"""

import re
from collections.abc import Callable, Iterable
from hashlib import sha256

import orjson

from engine.kernel import kinds, record
from journal.importer.recording import Arrival, Arrivals, Tally, Unplaceable
from journal.importer.venues import Venue, venue_of

Reader = Callable[[Iterable[bytes], Venue, str, Tally], Arrivals]
"""lines, venue, symbol of depth snapshots that name none (or ""), tally"""

FRAME_LIMIT = (16 << 20) - 1024
"""The journal's payload limit, less what stands before a frame (the prefix and its meta)."""
TIMES = (("recv_ns", 1), ("received_ns", 1), ("recv_us", 1_000), ("recv_ms", 1_000_000), ("received_ms", 1_000_000))
"""Fields of a JSON line that may hold the receive time, and their unit in nanoseconds."""
PAYLOADS = ("payload", "frame", "raw")
"""Fields of a JSON line that may hold the frame's text."""
_SECONDS = re.compile(rb"(\d{1,10})(?:\.(\d{1,9}))?")
_LARGEST_NS = 2**63 - 1


def read_hftbacktest(lines: Iterable[bytes], venue: Venue, symbol: str, tally: Tally) -> Arrivals:
    """hftbacktest's collector: ``<receive time, ns> <frame>``, REST snapshots inline as bare objects."""
    number = 0
    for number, line in enumerate(lines, 1):
        stamp, space, frame = line.partition(b" ")
        try:
            if not (space and len(stamp) == 19 and stamp.isdigit()):
                raise Unplaceable("no receive time in nanoseconds before the frame" if line else "an empty line")
            recorded_ns = int(stamp)
            if recorded_ns > _LARGEST_NS:
                raise Unplaceable("a receive time beyond the year 2262")
            if len(frame) > FRAME_LIMIT:
                raise Unplaceable("a frame longer than 16 MiB")
            kind, src_ns, meta = venue.frame(frame, symbol)
        except Unplaceable as reason:
            tally.refuse(number, str(reason))
            continue
        tally.frames += 1
        yield Arrival(tally.stamp(recorded_ns), recorded_ns, kind, src_ns, meta, frame)
    tally.lines = number


def read_jsonl(lines: Iterable[bytes], venue: Venue, symbol: str, tally: Tally) -> Arrivals:
    """JSON lines: an object with a receive time and the frame's text; without time it takes that of the line before."""
    number = 0
    for number, line in enumerate(lines, 1):
        try:
            if not line.strip():
                tally.notes += 1
                continue
            recorded_ns, frame = _json_line(line)
            if recorded_ns is None and tally.last_ns == record.NONE:
                raise Unplaceable("no receive time, and no line before it to take one from")
            kind, src_ns, meta = venue.frame(frame, symbol)
        except Unplaceable as reason:
            tally.refuse(number, str(reason))
            continue
        tally.frames += 1
        if recorded_ns is None:
            tally.without_time += 1
            yield Arrival(tally.last_ns, record.NONE, kind, src_ns, meta, frame)
        else:
            yield Arrival(tally.stamp(recorded_ns), recorded_ns, kind, src_ns, meta, frame)
    tally.lines = number


def _json_line(line: bytes) -> tuple[int | None, bytes]:
    """The receive time in nanoseconds (None where there is none) and the frame's bytes. Raises Unplaceable."""
    try:
        fields = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise Unplaceable("no whole JSON document") from error
    if not isinstance(fields, dict):
        raise Unplaceable("no JSON object")
    text = next((fields[name] for name in PAYLOADS if name in fields), None)
    if not isinstance(text, str):
        raise Unplaceable("no payload as text, so the exact bytes of the frame are not recorded")
    frame = text.encode()
    if len(frame) > FRAME_LIMIT:
        raise Unplaceable("a frame longer than 16 MiB")
    digest = fields.get("sha256")
    if isinstance(digest, str) and sha256(frame).hexdigest() != digest.lower():
        raise Unplaceable("the payload does not have the sha256 that stands beside it")
    return _json_time(fields), frame


def _json_time(fields: dict[str, object]) -> int | None:
    for name, unit in TIMES:
        value = fields.get(name)
        if value is None:
            continue
        if isinstance(value, str) and value.isdecimal() and value.isascii() and len(value) <= 19:
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value * unit <= _LARGEST_NS:
            raise Unplaceable(f"a receive time that is none ({name})")
        return value * unit
    return None


def read_cryptofeed(lines: Iterable[bytes], venue: Venue, symbol: str, tally: Tally) -> Arrivals:
    """
    cryptofeed's raw text, times in seconds with a fraction: ``t: frame`` received, ``address <-> t`` connection opened,
    ``address <- t: text`` sent, ``address -> t: body`` answer to a request, ``configuration: ...`` the recorder's own.
    """
    number = 0
    for number, line in enumerate(lines, 1):
        try:
            arrival = _cryptofeed_line(line, venue, symbol, tally)
        except Unplaceable as reason:
            tally.refuse(number, str(reason))
            continue
        if arrival is not None:
            yield arrival
    tally.lines = number


def _cryptofeed_line(line: bytes, venue: Venue, symbol: str, tally: Tally) -> Arrival | None:
    """What one line says; None where that is no input. Raises Unplaceable."""
    if not line or line.startswith(b"configuration: "):
        tally.notes += 1
        return None
    if line[:1].isdigit():
        recorded_ns, frame = _timed(line)
        kind, src_ns, meta = venue.frame(frame, symbol)
        tally.frames += 1
        return Arrival(tally.stamp(recorded_ns), recorded_ns, kind, src_ns, meta, frame)
    address, arrow, rest = [*line.split(b" ", 2), b"", b""][:3]
    if arrow not in (b"<->", b"<-", b"->"):
        raise Unplaceable("neither a frame nor news of a connection")
    try:
        url = address.decode("ascii")
        theirs = venue_of(url)
    except ValueError as error:
        raise Unplaceable("an address that is none") from error
    if theirs is not None and theirs != venue.name:
        raise Unplaceable(f"an address of {theirs}, in a recording of {venue.name}")
    if arrow == b"<->":
        recorded_ns = seconds_to_ns(rest)
        tally.connections += 1
        return Arrival(tally.stamp(recorded_ns), recorded_ns, int(kinds.CONNECTION), record.NONE, b"", b"")
    recorded_ns, body = _timed(rest)
    if arrow == b"<-":
        tally.sent += 1
        return None
    kind, src_ns, meta = venue.reply(url, body)
    if len(meta) > 1000:
        raise Unplaceable("an address longer than can be kept")
    tally.replies += 1
    return Arrival(tally.stamp(recorded_ns), recorded_ns, kind, src_ns, meta, body)


def _timed(text: bytes) -> tuple[int, bytes]:
    """Split ``<unix seconds>: <bytes>``."""
    stamp, colon, frame = text.partition(b": ")
    if not colon:
        raise Unplaceable("no receive time before the frame")
    if len(frame) > FRAME_LIMIT:
        raise Unplaceable("a frame longer than 16 MiB")
    return seconds_to_ns(stamp), frame


def seconds_to_ns(text: bytes) -> int:
    """Unix seconds with at most nine decimals, as text, in nanoseconds: exact. Raises Unplaceable."""
    found = _SECONDS.fullmatch(text)
    if found is None:
        raise Unplaceable("a receive time that is none")
    ns = int(found[1]) * 1_000_000_000 + int((found[2] or b"0").ljust(9, b"0"))
    if not 0 < ns <= _LARGEST_NS:
        raise Unplaceable("a receive time that is none")
    return ns


READERS: dict[str, Reader] = {"hftbacktest": read_hftbacktest, "jsonl": read_jsonl, "cryptofeed": read_cryptofeed}
"""Every format that can be imported, by name."""
