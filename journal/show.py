"""How a record is shown: kind and source by name, times in UTC, the payload as named fields, JSON or hex."""

import re
import struct
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import orjson

from engine.kernel import codes, kinds, record
from engine.kernel.derived import LAYOUTS, WHAT_NAMES, decode
from engine.kernel.inputs import FIXED
from engine.kernel.modes import SCOPE_NAMES
from engine.kernel.pack import Malformed
from engine.kernel.policy import TIF_NAMES
from journal.errors import Damaged
from journal.payloads import decode_outcome, decode_venue_input

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ISO = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:?\d\d)?")
_FLAGS = (
    (record.CONTROL, "CONTROL"),
    (record.DERIVED, "DERIVED"),
    (record.LAST, "LAST"),
    (record.REDACTED, "REDACTED"),
)
OUTCOMES = ("", "ACKED", "REJECTED", "REFUSED", "EXPIRED_UNSENT", "NEVER_SENT", "ABSENT", "UNKNOWN")
"""Names of a request's outcomes, by number."""


class Shown(Protocol):
    """What this module needs of a record."""

    seq: int
    recv_ns: int
    src_ns: int
    cause: int
    kind: int
    schema: int
    source: int
    flags: int
    payload: bytes


def utc(ns: int) -> str:
    """*ns* since the epoch as ISO 8601 in UTC with nanoseconds; an absent time is ``-``."""
    if ns == record.NONE:
        return "-"
    seconds, rest = divmod(ns, 1_000_000_000)
    return f"{(_EPOCH + timedelta(seconds=seconds)).strftime('%Y-%m-%dT%H:%M:%S')}.{rest:09d}Z"


def utc_to_ns(text: str) -> int:
    """
    Nanoseconds since the epoch of an ISO 8601 date or time (UTC unless it names an offset, up to nine decimals).

    Raises:
        ValueError: *text* is neither.
    """
    found = _ISO.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"no time: {text!r}; write it like 2024-08-08T23:54:15.030314667Z")
    day, clock, fraction, zone = found.groups()
    clock = clock or "00:00:00"
    clock = clock if clock.count(":") == 2 else f"{clock}:00"
    moment = datetime.fromisoformat(f"{day}T{clock}{'+00:00' if zone in (None, 'Z') else zone}")
    seconds = (moment - _EPOCH) // timedelta(seconds=1)
    return seconds * 1_000_000_000 + int((fraction or "0").ljust(9, "0"))


def flag_names(flags: int) -> list[str]:
    """The names of the bits set in *flags*."""
    return [name for bit, name in _FLAGS if flags & bit]


def source_name(sources: dict[int, str], source: int) -> str:
    """The source's name, or its number where none was given."""
    return sources.get(source, str(source))


def content(data: bytes) -> Any:
    """
    *data* for a JSON document: JSON as it stands there, other text as a string, anything else as ``{"hex": ...}``.

    JSON of one line keeps its exact text, so that no number changes its spelling.
    """
    if data[:1] in (b"{", b"[") and b"\n" not in data and b"\r" not in data:
        with suppress(orjson.JSONDecodeError):
            orjson.loads(data)
            return orjson.Fragment(data)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return {"hex": data.hex()}


def is_venue_input(kind: int) -> bool:
    """Whether payloads of *kind* begin with the venue-input prefix."""
    return 0x0100 <= kind < 0x0F00


def frame_of(kind: int, payload: bytes) -> bytes:
    """The frame within a venue input; of any other kind the payload itself. Raises Damaged for a broken prefix."""
    return decode_venue_input(payload).frame if is_venue_input(kind) else payload


def payload_fields(kind: int, schema: int, payload: bytes) -> Any:
    """What stands in *payload*: fields by name, or its own JSON. One that cannot be read as its kind asks is hex."""
    known = numbered_fields(kind, schema, payload)
    if known is not None:
        return known
    try:
        if is_venue_input(kind):
            return _venue_fields(payload)
        if 0x1000 <= kind < 0x2000:
            outcome = decode_outcome(payload)
            name = OUTCOMES[outcome.outcome] if outcome.outcome < len(OUTCOMES) else outcome.outcome
            fields = {"request_seq": outcome.request_seq, "ledger_seq": outcome.ledger_seq, "outcome": name}
            return {**fields, "reason": outcome.reason, "reply": _venue_fields(outcome.reply)}
    except Damaged as error:
        return {"unreadable": error.reason, "hex": payload.hex()}
    return content(payload) if payload[:1] in (b"{", b"[") else {"hex": payload.hex()}


def numbered_fields(kind: int, schema: int, payload: bytes) -> dict[str, Any] | None:
    """The fields of a derived record or of an input of fixed width, with names for codes; None for any other."""
    found: dict[str, object]
    names = FIXED.get(kind)
    if names is not None and schema == 1 and len(payload) == 8 * len(names):
        numbers = struct.unpack(f"<{len(names)}q", payload)
        found = dict(zip(names, numbers, strict=True))
    elif (kind, schema) in LAYOUTS:
        try:
            found = decode(kind, schema, payload)
        except Malformed:
            return None
    else:
        return None
    return {name: _named(name, value) for name, value in found.items()}


def _named(name: str, value: object) -> Any:
    """A field's value for a reader: codes and choices by name, bytes as hex, what is absent as None."""
    if isinstance(value, bytes):
        return value.hex()
    if value == record.NONE:
        return None
    words = _WORDS.get(name)
    if words is not None and isinstance(value, int):
        return words(value)
    return value


def _choice(names: tuple[str, ...]) -> Callable[[int], str | int]:
    return lambda value: names[value] if 0 <= value < len(names) else value


_WORDS: dict[str, Callable[[int], str | int]] = {
    "code": codes.name,
    "what": _choice(WHAT_NAMES),
    "side": _choice(("BUY", "SELL")),
    "tif": _choice(TIF_NAMES),
    "scope": _choice(SCOPE_NAMES),
}


def _venue_fields(payload: bytes) -> dict[str, Any]:
    found = decode_venue_input(payload)
    return {
        "socket_ns": None if found.socket_ns == record.NONE else found.socket_ns,
        "connection": found.connection,
        "counter": found.counter,
        "status": found.status,
        "meta": content(found.meta) if found.meta else None,
        "frame": content(found.frame),
    }


def as_fields(shown: Shown, sources: dict[int, str]) -> dict[str, Any]:
    """A record as plain values for JSON; what its payload says stands apart from its own fields."""
    return {
        "seq": shown.seq,
        "recv": utc(shown.recv_ns),
        "recv_ns": shown.recv_ns,
        "src_ns": None if shown.src_ns == record.NONE else shown.src_ns,
        "cause": shown.cause,
        "kind": kinds.name(shown.kind),
        "schema": shown.schema,
        "source": shown.source,
        "source_name": source_name(sources, shown.source),
        "flags": flag_names(shown.flags),
        "payload": payload_fields(shown.kind, shown.schema, shown.payload),
    }


def as_line(shown: Shown, sources: dict[int, str], width: int) -> str:
    """
    A record as one readable line; control characters are escaped.

    Args:
        width: the most characters of payload to print; 0 prints all of it.
    """
    text = readable(shown.kind, shown.schema, shown.payload)
    if 0 < width < len(text):
        text = f"{text[:width]}... ({len(text) - width:,} more)"
    head = (
        f"{shown.seq:>8}  {utc(shown.recv_ns)}  {kinds.name(shown.kind):<22} {source_name(sources, shown.source):<18}"
    )
    cause = f" cause {shown.cause} " if shown.cause else " "
    return f"{head}{cause}{text}"


def readable(kind: int, schema: int, payload: bytes) -> str:
    """The payload as one line: named fields, a venue input's meta and frame, JSON, or hex."""
    known = numbered_fields(kind, schema, payload)
    if known is not None:
        return _text(" ".join(f"{name}={_shown(value)}" for name, value in known.items()).encode())
    try:
        if is_venue_input(kind):
            found = decode_venue_input(payload)
            meta = f"{_text(found.meta)} " if found.meta else ""
            return meta + _text(found.frame)
        if 0x1000 <= kind < 0x2000:
            fields = payload_fields(kind, schema, payload)
            return _text(orjson.dumps(fields))
    except Damaged as error:
        return f"(unreadable: {error.reason}) {payload.hex()}"
    return _text(payload) if payload[:1] in (b"{", b"[") else payload.hex()


def _shown(value: Any) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, str):
        return value if " " not in value else repr(value)
    return orjson.dumps(value).decode() if isinstance(value, list | tuple) else str(value)


def _text(data: bytes) -> str:
    """*data* as printable text, or as hex where it is none: what a venue sends must not steer a terminal."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return data.hex()
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")
