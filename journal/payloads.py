"""The payloads whose bytes the journal format itself fixes: control records, venue inputs, outcomes."""

import json
from struct import Struct
from typing import Final

from journal.errors import Damaged, RecordRefused

BLOCK_END_SIZE: Final = 80
COMMIT_SIZE: Final = 16
VENUE_PREFIX_SIZE: Final = 20
OUTCOME_PREFIX_SIZE: Final = 24

# Outcomes of a request, in the order of the format's table.
ACKED: Final = 1
REJECTED: Final = 2
REFUSED: Final = 3
EXPIRED_UNSENT: Final = 4
NEVER_SENT: Final = 5
ABSENT: Final = 6
UNKNOWN: Final = 7

_BLOCK_END: Final = Struct("<IIQQQ32sqq")
_COMMIT: Final = Struct("<QQ")
_VENUE: Final = Struct("<qIIHH")
_OUTCOME: Final = Struct("<QQHHI")


class BlockEnd:
    """What a BLOCK_END states about the block it closes; *block_len* counts the bytes before that record."""

    __slots__ = (
        "block_len",
        "block_no",
        "chain",
        "data_records",
        "first_recv_ns",
        "first_seq",
        "last_recv_ns",
        "last_seq",
    )

    def __init__(
        self,
        block_no: int,
        data_records: int,
        first_seq: int,
        last_seq: int,
        block_len: int,
        chain: bytes,
        first_recv_ns: int,
        last_recv_ns: int,
    ) -> None:
        self.block_no = block_no
        self.data_records = data_records
        self.first_seq = first_seq
        self.last_seq = last_seq
        self.block_len = block_len
        self.chain = chain
        self.first_recv_ns = first_recv_ns
        self.last_recv_ns = last_recv_ns

    def encode(self) -> bytes:
        """The 80 bytes of the payload."""
        return _BLOCK_END.pack(
            self.block_no,
            self.data_records,
            self.first_seq,
            self.last_seq,
            self.block_len,
            self.chain,
            self.first_recv_ns,
            self.last_recv_ns,
        )


def decode_block_end(payload: bytes) -> BlockEnd:
    """What a BLOCK_END payload states. Raises Damaged when it is not 80 bytes long."""
    if len(payload) != BLOCK_END_SIZE:
        raise Damaged("", 0, f"a BLOCK_END payload of {len(payload)} bytes, expected {BLOCK_END_SIZE}")
    return BlockEnd(*_BLOCK_END.unpack(payload))


def encode_commit(durable_seq: int, durable_off: int) -> bytes:
    """COMMIT payload: all bytes of the segment below *durable_off*, and records up to *durable_seq*, are durable."""
    return _COMMIT.pack(durable_seq, durable_off)


def decode_commit(payload: bytes) -> tuple[int, int]:
    """(durable_seq, durable_off) of a COMMIT payload. Raises Damaged when it is not 16 bytes long."""
    if len(payload) != COMMIT_SIZE:
        raise Damaged("", 0, f"a COMMIT payload of {len(payload)} bytes, expected {COMMIT_SIZE}")
    durable_seq, durable_off = _COMMIT.unpack(payload)
    return durable_seq, durable_off


def encode_sources(sources: dict[int, str]) -> bytes:
    """SOURCES payload: a JSON object of number to name, in the order of the numbers."""
    return json.dumps({str(number): sources[number] for number in sorted(sources)}, separators=(",", ":")).encode()


def decode_sources(payload: bytes) -> dict[int, str]:
    """Number to name of a SOURCES payload. Raises Damaged when it is no such object."""
    try:
        return {int(number): str(name) for number, name in json.loads(payload).items()}
    except (ValueError, AttributeError, RecursionError) as error:
        raise Damaged("", 0, f"a SOURCES record is no JSON object of number to name ({error})") from error


class VenueInput:
    """
    A frame or reply as it came: *frame* is exactly what was received.

    *socket_ns* is when the bytes left the socket, *counter* counts per *connection*, *status* is the HTTP status or 0,
    *meta* canonical JSON (URL, parameters, collector version) or empty for WebSocket frames.
    """

    __slots__ = ("connection", "counter", "frame", "meta", "socket_ns", "status")

    def __init__(self, socket_ns: int, connection: int, counter: int, status: int, meta: bytes, frame: bytes) -> None:
        self.socket_ns = socket_ns
        self.connection = connection
        self.counter = counter
        self.status = status
        self.meta = meta
        self.frame = frame


def encode_venue_input(
    socket_ns: int, connection: int, counter: int, status: int = 0, meta: bytes = b"", frame: bytes = b""
) -> bytes:
    """Payload (schema 1) of a venue input. Raises RecordRefused when *meta* is longer than 65535 bytes."""
    if len(meta) > 0xFFFF:
        raise RecordRefused(f"meta of {len(meta)} bytes is above the limit of 65535")
    return _VENUE.pack(socket_ns, connection, counter, status, len(meta)) + meta + frame


def decode_venue_input(payload: bytes) -> VenueInput:
    """The parts of a venue input's payload (schema 1). Raises Damaged when it is too short for what it states."""
    if len(payload) < VENUE_PREFIX_SIZE:
        raise Damaged("", 0, f"a venue input of {len(payload)} bytes, shorter than its prefix of {VENUE_PREFIX_SIZE}")
    socket_ns, connection, counter, status, meta_len = _VENUE.unpack_from(payload)
    start = VENUE_PREFIX_SIZE + meta_len
    if start > len(payload):
        raise Damaged("", 0, f"a venue input of {len(payload)} bytes states {meta_len} bytes of meta")
    return VenueInput(socket_ns, connection, counter, status, payload[VENUE_PREFIX_SIZE:start], payload[start:])


class Outcome:
    """
    What became of a dispatched request, from the executor's ledger.

    *request_seq* is 0 for what the executor did by itself; *reply* is a venue-input payload (`decode_venue_input`).
    """

    __slots__ = ("ledger_seq", "outcome", "reason", "reply", "request_seq")

    def __init__(self, request_seq: int, ledger_seq: int, outcome: int, reason: int, reply: bytes) -> None:
        self.request_seq = request_seq
        self.ledger_seq = ledger_seq
        self.outcome = outcome
        self.reason = reason
        self.reply = reply


def encode_outcome(request_seq: int, ledger_seq: int, outcome: int, reason: int, reply: bytes = b"") -> bytes:
    """Payload (schema 1) of an outcome; without *reply* the prefix of a venue input stands there, all zero."""
    if not ACKED <= outcome <= UNKNOWN:
        raise RecordRefused(f"outcome {outcome} is not one of {ACKED} to {UNKNOWN}")
    return _OUTCOME.pack(request_seq, ledger_seq, outcome, reason, 0) + (reply or bytes(VENUE_PREFIX_SIZE))


def decode_outcome(payload: bytes) -> Outcome:
    """The parts of an outcome's payload (schema 1). Raises Damaged when it is too short."""
    if len(payload) < OUTCOME_PREFIX_SIZE + VENUE_PREFIX_SIZE:
        raise Damaged("", 0, f"an outcome of {len(payload)} bytes, expected at least 44")
    request_seq, ledger_seq, outcome, reason, _ = _OUTCOME.unpack_from(payload)
    return Outcome(request_seq, ledger_seq, outcome, reason, payload[OUTCOME_PREFIX_SIZE:])
