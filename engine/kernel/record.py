"""
The head of a record, as the kernel reads it.

The kernel's input is the journal's bytes, live and in replay. `docs/reference/journal_format.md` fixes the layout: 48
bytes of head, the payload, zero padding to a multiple of 8; integers little-endian.
"""

from typing import Final

from mypy_extensions import i64

HEAD_SIZE: Final[i64] = 48


def wide(high: i64, low: i64) -> i64:
    """
    The 64-bit constant with *high* above 32 bits of *low*.

    Beyond 62 bits a compiled literal is a Python object, unpacked at each use (2 ns): a constant made here is a plain
    variable. (A shift of two literals will not do: it is compiled to C's 32-bit one.)
    """
    return (high << 32) | low


NONE: Final[i64] = wide(-0x80000000, 0)
"""Absent time, absent number: i64's least value, which no venue can state."""

OFF_CRC: Final[i64] = 0
OFF_PAYLOAD_LEN: Final[i64] = 4
OFF_SEQ: Final[i64] = 8
OFF_RECV_NS: Final[i64] = 16
OFF_SRC_NS: Final[i64] = 24
OFF_CAUSE: Final[i64] = 32
OFF_KIND: Final[i64] = 40
OFF_SCHEMA: Final[i64] = 42
OFF_SOURCE: Final[i64] = 44
OFF_FLAGS: Final[i64] = 46

CONTROL: Final[i64] = 1
DERIVED: Final[i64] = 2
LAST: Final[i64] = 4
REDACTED: Final[i64] = 8

ENGINE_SOURCE: Final[i64] = 1
"""Source 1 is the engine itself: derived records and its own inputs."""

VENUE_PREFIX: Final[i64] = 20
"""Bytes before *meta* in a venue input: i64 socket_ns, u32 connection, u32 counter, u16 HTTP status, u16 meta_len."""


def padded(payload_len: i64) -> i64:
    """The bytes a payload occupies: *payload_len* rounded up to a multiple of 8."""
    return (payload_len + 7) & ~7
