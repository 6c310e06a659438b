"""The payloads that the format itself fixes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal.errors import Damaged, RecordRefused
from journal.payloads import (
    ACKED,
    UNKNOWN,
    BlockEnd,
    decode_block_end,
    decode_commit,
    decode_outcome,
    decode_sources,
    decode_venue_input,
    encode_commit,
    encode_outcome,
    encode_sources,
    encode_venue_input,
)

I64 = st.integers(-(2**63), 2**63 - 1)
U64 = st.integers(0, 2**64 - 1)
U32 = st.integers(0, 2**32 - 1)
U16 = st.integers(0, 2**16 - 1)


@given(st.tuples(U32, U32, U64, U64, U64, st.binary(min_size=32, max_size=32), I64, I64))
def test_a_block_end_says_what_was_put_in(fields):
    payload = BlockEnd(*fields).encode()
    found = decode_block_end(payload)

    assert len(payload) == 80
    assert fields == (
        found.block_no,
        found.data_records,
        found.first_seq,
        found.last_seq,
        found.block_len,
        found.chain,
        found.first_recv_ns,
        found.last_recv_ns,
    )


@given(U64, U64)
def test_a_commit_says_what_was_put_in(seq, offset):
    assert (seq, offset) == decode_commit(encode_commit(seq, offset))


@given(st.dictionaries(st.integers(0, 65535), st.text()))
def test_sources_keep_numbers_and_names(sources):
    assert sources == decode_sources(encode_sources(sources))


def test_sources_are_written_in_the_order_of_their_numbers():
    assert encode_sources({10: "b", 9: "a"}) == b'{"9":"a","10":"b"}'


@given(st.tuples(I64, U32, U32, U16, st.binary(max_size=50), st.binary(max_size=50)))
def test_a_venue_input_keeps_the_frame_exactly(fields):
    found = decode_venue_input(encode_venue_input(*fields))

    assert fields == (found.socket_ns, found.connection, found.counter, found.status, found.meta, found.frame)


@given(U64, U64, st.integers(ACKED, UNKNOWN), U16)
def test_an_outcome_carries_the_reply_as_a_venue_input(request, ledger, outcome, reason):
    reply = encode_venue_input(7, 1, 2, 200, b"{}", b"ok")
    found = decode_outcome(encode_outcome(request, ledger, outcome, reason, reply))

    assert (request, ledger, outcome, reason) == (found.request_seq, found.ledger_seq, found.outcome, found.reason)
    assert decode_venue_input(found.reply).frame == b"ok"


def test_an_outcome_without_reply_has_an_empty_prefix():
    payload = encode_outcome(1, 2, ACKED, 0)

    assert len(payload) == 44
    assert decode_venue_input(decode_outcome(payload).reply).frame == b""


@pytest.mark.parametrize(
    ("decode", "payload"),
    [
        (decode_block_end, bytes(79)),
        (decode_commit, bytes(17)),
        (decode_sources, b"[1]"),
        (decode_sources, b"{"),
        (decode_sources, b'{"x":"y"}'),
        (decode_sources, b"[" * 100_000),
        (decode_venue_input, bytes(19)),
        (decode_venue_input, bytes(18) + b"\xff\xff"),
        (decode_outcome, bytes(43)),
    ],
)
def test_a_payload_of_the_wrong_shape_is_damage(decode, payload):
    with pytest.raises(Damaged):
        decode(payload)


def test_what_does_not_fit_its_field_is_refused():
    with pytest.raises(RecordRefused, match="meta of 65536"):
        encode_venue_input(0, 0, 0, 0, bytes(65536), b"")
    with pytest.raises(RecordRefused, match="outcome 8"):
        encode_outcome(0, 0, 8, 0)
