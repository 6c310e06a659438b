"""Records as bytes."""

import importlib
import sys
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.kernel.record import CONTROL, DERIVED, HEAD_SIZE, NONE, REDACTED
from journal import codec
from journal.codec import MAX_GROUP, MAX_PAYLOAD, Batch, Cursor, crc32, encode
from journal.errors import Damaged, RecordRefused

I64 = st.integers(-(2**63), 2**63 - 1)
U63 = st.integers(0, 2**63 - 1)
U16 = st.integers(0, 2**16 - 1)
HEADS = st.tuples(U63, U63, I64, U63, st.integers(1, 2**16 - 1), st.integers(1, 2**16 - 1), U16, U16)
RECORDS = st.lists(st.tuples(HEADS, st.binary(max_size=60)), max_size=8)


def facts(cursor: Cursor) -> tuple[int, ...]:
    """The head fields a cursor stands on, in the order `encode` takes them."""
    return (
        cursor.seq,
        cursor.recv_ns,
        cursor.src_ns,
        cursor.cause,
        cursor.kind,
        cursor.schema,
        cursor.source,
        cursor.flags,
    )


@given(RECORDS)
def test_walking_gives_back_what_was_encoded(records):
    data = b"".join(encode(*head, payload) for head, payload in records)
    cursor = Cursor(data, 0, len(data))
    found = []
    while cursor.next():
        assert cursor.check_crc()
        assert cursor.offset % 8 == 0
        found.append((facts(cursor), cursor.payload()))

    assert records == found


@given(HEADS, st.binary(max_size=40))
def test_the_checksum_covers_everything_behind_itself_padding_included(head, payload):
    record = encode(*head, payload)

    assert zlib.crc32(record[4:]) == int.from_bytes(record[:4], "little") == crc32(record[4:])
    assert record[HEAD_SIZE + len(payload) :] == bytes(-len(payload) % 8)


@given(HEADS, st.binary(max_size=40), st.data())
def test_any_flipped_bit_fails_the_checksum_or_the_structure(head, payload, data):
    record = bytearray(encode(*head, payload))
    bit = data.draw(st.integers(0, len(record) * 8 - 1))
    record[bit // 8] ^= 1 << bit % 8
    cursor = Cursor(bytes(record), 0, len(record))
    try:
        passes = cursor.next() and cursor.check_crc() and not cursor.next()
    except Damaged:
        passes = False

    assert not passes


@given(st.binary(max_size=200))
def test_walking_any_bytes_ends_or_says_where_they_are_damaged(data):
    cursor = Cursor(data, 0, len(data))
    damage = None
    try:
        while cursor.next():
            assert cursor.payload_end <= len(data)
    except Damaged as error:
        damage = error

    assert damage is None or damage.offset == cursor.next_offset < len(data)


@pytest.mark.parametrize(
    ("bytes_", "reason"),
    [
        (bytes(47), "fewer than the 48 of a record head"),
        (b"\0\0\0\0\1\0\0\1" + bytes(40), "above the limit"),
        (b"\0\0\0\0\1\0\0\0" + bytes(40), "a record of 56 bytes where 48 are left"),
    ],
)
def test_a_record_that_cannot_stand_here_is_named(bytes_, reason):
    with pytest.raises(Damaged, match=reason):
        Cursor(bytes_, 0, len(bytes_)).next()


@pytest.mark.parametrize(("start", "end"), [(-8, 0), (8, 0), (0, 17)])
def test_a_cursor_stays_inside_its_data(start, end):
    with pytest.raises(ValueError, match="no range"):
        Cursor(bytes(16), start, end)


@pytest.mark.parametrize(
    "change",
    [
        {"seq": -1},
        {"recv_ns": -1},
        {"cause": -1},
        {"kind": 0},
        {"kind": 65536},
        {"schema": 0},
        {"schema": 65536},
        {"source": -1},
        {"source": 65536},
        {"flags": -1},
        {"flags": 65536},
        {"payload": bytes(MAX_PAYLOAD + 1)},
    ],
)
def test_a_field_out_of_range_is_refused(change):
    good = {"seq": 1, "recv_ns": 0, "src_ns": NONE, "cause": 0, "kind": 1, "schema": 1, "source": 0, "flags": 0}
    with pytest.raises(RecordRefused):
        encode(**{**good, "payload": b"", **change})


def test_a_batch_numbers_its_records_and_repeats_the_input_in_its_outputs():
    batch = Batch(10, 500)
    batch.input(0x100, 1, 2, 600, 5, b"in", 0, REDACTED)
    batch.derived(0x2000, 1, b"out")
    batch.control(2, 0, bytes(16))
    data = batch.take()
    cursor = Cursor(data, 0, len(data))
    heads = []
    while cursor.next():
        heads.append(facts(cursor))

    assert heads == [
        (11, 600, 5, 0, 0x100, 1, 2, REDACTED),
        (12, 600, NONE, 11, 0x2000, 1, 1, DERIVED),
        (12, 600, NONE, 0, 2, 1, 0, CONTROL),
    ]
    assert (batch.waiting, batch.block_len, batch.block_records) == (0, len(data), 2)
    assert (batch.block_first_seq, batch.block_first_recv_ns) == (11, 600)
    assert batch.take() == b""


def test_a_batch_refuses_what_breaks_the_order_and_appends_nothing():
    batch = Batch(0, 100, 64)
    with pytest.raises(RecordRefused, match="needs an input before it"):
        batch.derived(0x2000, 1, b"")
    with pytest.raises(RecordRefused, match="lies before"):
        batch.input(0x100, 1, 2, 99, 0, b"", 0, 0)
    with pytest.raises(RecordRefused, match="may carry REDACTED"):
        batch.input(0x100, 1, 2, 100, 0, b"", 0, DERIVED)
    with pytest.raises(RecordRefused, match="cause 1"):
        batch.input(0x100, 1, 2, 100, 0, b"", 1, 0)
    with pytest.raises(RecordRefused, match="limit of 64"):
        batch.input(0x100, 1, 2, 100, 0, bytes(65), 0, 0)
    with pytest.raises(RecordRefused, match="out of range"):
        batch.input(0, 1, 2, 100, 0, b"", 0, 0)

    assert (batch.last_seq, batch.waiting, batch.take()) == (0, 0, b"")


def test_a_batch_takes_no_input_where_a_block_end_or_a_rotation_comes_first():
    batch = Batch(0, 0)
    given = (1, 1, 2, 5, 5, b"payload", 0, 0)

    assert batch.input_unless_due(*given) == 1
    batch.block_limit = batch.block_len
    assert batch.input_unless_due(*given) == 0
    batch.block_limit = batch.block_len + 1
    batch.turn_ns = 5
    assert batch.input_unless_due(*given) == 0
    batch.turn_ns = 6
    assert batch.input_unless_due(*given) == 2
    assert (batch.last_seq, batch.block_records) == (2, 2)


def test_a_group_stays_below_the_limit_of_a_block():
    batch = Batch(0, 0)
    batch.input(0x100, 1, 2, 0, 0, b"", 0, 0)
    batch.block_len = MAX_GROUP - 3
    with pytest.raises(RecordRefused, match="above the limit"):
        batch.derived(0x2000, 1, bytes(8))


def test_without_isal_the_same_checksum_comes_from_zlib(monkeypatch):
    if not str(codec.__file__).endswith(".py"):
        pytest.skip("the compiled module cannot be loaded twice")
    for name in [name for name in sys.modules if name.split(".")[0] == "isal"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "isal.isal_zlib", None)
    specification = importlib.util.spec_from_file_location("codec_without_isal", codec.__file__)
    other = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(other)

    assert other.crc32 is zlib.crc32
    assert encode(1, 2, 3, 0, 5, 1, 2, 0, b"x") == other.encode(1, 2, 3, 0, 5, 1, 2, 0, b"x")
