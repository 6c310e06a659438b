"""The engine's own inputs: canonical JSON for people's and processes' words, fixed integers for timers."""

import json
from typing import Final

from librt.strings import read_i64_le
from mypy_extensions import i64

from engine.kernel import kinds
from engine.kernel.pack import Malformed

# Inputs of fixed width: the names of their i64 fields, schema 1 of each kind. The simulated venue's reports: see
# `adapters/simulated/README.md`.
FIXED: Final[dict[int, tuple[str, ...]]] = {
    int(kinds.TIMER): ("timer", "due_ns"),
    int(kinds.SPAN): ("base_first", "base_last"),
    int(kinds.SIM_ACKED): ("request", "venue_ns"),
    int(kinds.SIM_FILLED): ("request", "venue_ns", "price", "size", "flags", "trade", "fee"),
    int(kinds.SIM_CANCELLED): ("request", "venue_ns", "filled"),
    int(kinds.SIM_REJECTED): ("request", "venue_ns", "code"),
    int(kinds.SIM_EXPIRED): ("request", "venue_ns", "filled"),
    int(kinds.SIM_CANCEL_REFUSED): ("request", "venue_ns", "code"),
    int(kinds.SIM_SETTLED): ("request", "venue_ns", "trade", "status"),
    int(kinds.SIM_CONVERTED): ("request", "venue_ns"),
    int(kinds.SIM_CONVERSION_REFUSED): ("request", "venue_ns", "code"),
    int(kinds.SIM_CREDITED): ("instrument", "venue_ns", "amount", "reason"),
}

TIMER_SIZE: Final[i64] = 16
MOST_DEPTH: Final[i64] = 100


def members(payload: bytes) -> dict[str, object]:
    """
    The members of a JSON object payload.

    Raises:
        Malformed: the payload is no JSON object.
    """
    if payload.count(b"[") + payload.count(b"{") > MOST_DEPTH and _depth(payload) > MOST_DEPTH:
        # How deep a parser can go depends on the Python version; what is legal must not.
        raise Malformed(f"an engine input is nested more than {MOST_DEPTH} deep")
    try:
        # Decoded here, since `json` would take UTF-16 too, whose brackets `_depth` cannot count.
        value = json.loads(payload.decode("utf-8"))
    except ValueError as error:
        malformed = Malformed(f"an engine input is not JSON: {error}")
        malformed.__cause__ = error
        raise malformed
    if not isinstance(value, dict):
        raise Malformed("an engine input is not a JSON object")
    return value


def _depth(payload: bytes) -> i64:
    """How deep the objects and arrays of a JSON text are nested; brackets within texts do not count."""
    deepest: i64 = 0
    depth: i64 = 0
    text = False
    escaped = False
    size: i64 = len(payload)
    at: i64 = 0
    while at < size:
        c: i64 = payload[at]
        at += 1
        if text:
            text = escaped or c != 0x22  # "
            escaped = not escaped and c == 0x5C  # backslash
        elif c == 0x22:
            text = True
        elif c == 0x5B or c == 0x7B:  # [ or {
            depth += 1
            if depth > deepest:
                deepest = depth
        elif c == 0x5D or c == 0x7D:  # ] or }
            depth -= 1
    return deepest


def canonical(value: dict[str, object]) -> bytes:
    """*value* as canonical JSON: sorted keys, no spaces, ASCII. It may hold no floats."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def timer_payload(timer: i64, due_ns: i64) -> bytes:
    """A TIMER input, schema 1: i64 id, i64 due_ns."""
    return int(timer).to_bytes(8, "little", signed=True) + int(due_ns).to_bytes(8, "little", signed=True)


def timer_fields(payload: bytes) -> tuple[i64, i64]:
    """(id, due_ns) of a TIMER input; raises Malformed where it is not 16 bytes."""
    if i64(len(payload)) != TIMER_SIZE:
        raise Malformed(f"a timer input has {len(payload)} bytes, expected 16")
    return read_i64_le(payload, 0), read_i64_le(payload, 8)
