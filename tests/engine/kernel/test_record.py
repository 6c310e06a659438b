"""The head of a record, as the page on the format fixes it."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from engine.kernel import record


@given(st.integers(0, 1 << 24))
def test_a_payload_is_padded_to_the_next_eight_bytes(length: int) -> None:
    padded = record.padded(length)

    assert padded % 8 == 0
    assert 0 <= padded - length < 8


def test_the_offsets_are_those_of_the_layout() -> None:
    layout = "<IIQqqQHHHH"  # crc, payload_len, seq, recv_ns, src_ns, cause, kind, schema, source, flags
    offsets = [struct.calcsize(layout[: at + 1]) for at in range(len(layout))]

    assert offsets == [
        record.OFF_CRC,
        record.OFF_PAYLOAD_LEN,
        record.OFF_SEQ,
        record.OFF_RECV_NS,
        record.OFF_SRC_NS,
        record.OFF_CAUSE,
        record.OFF_KIND,
        record.OFF_SCHEMA,
        record.OFF_SOURCE,
        record.OFF_FLAGS,
        record.HEAD_SIZE,
    ]


def test_absent_is_the_least_number_of_all_and_flags_are_single_bits() -> None:
    assert struct.pack("<q", record.NONE) == b"\0" * 7 + b"\x80"
    assert [record.CONTROL, record.DERIVED, record.LAST, record.REDACTED] == [1, 2, 4, 8]
    assert struct.calcsize("<qIIHH") == record.VENUE_PREFIX


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_wide_number_is_made_of_its_two_halves(value: int) -> None:
    assert value == record.wide(value >> 32, value & 0xFFFFFFFF)
