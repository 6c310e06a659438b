"""The payloads of derived records, both ways."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.kernel import kinds
from engine.kernel.dense import DensePacker
from engine.kernel.derived import DENSE, LAYOUTS, decode, encode, intent_head
from engine.kernel.identity import client_id
from engine.kernel.pack import Malformed, Packer, Unpacker
from engine.kernel.request import Request, decode_request

NUMBER = st.integers(-(2**63), 2**63 - 1)
FORMS = {
    "i": NUMBER,
    "b": st.integers(),
    "t": st.text(),
    "c": st.text(),
    "d": st.binary(),
    "h": st.binary(min_size=16, max_size=16),
    "T": st.lists(st.text(), max_size=3).map(tuple),
    "L": st.lists(st.tuples(NUMBER, NUMBER), max_size=3),
}


def drawn(data, kind, schema):
    """Fields of any values."""
    fields = {name: data.draw(FORMS[form], label=name) for name, form in LAYOUTS[(kind, schema)]}
    if "client_id" in fields and (kind, schema) in DENSE:
        fields["client_id"] = client_id(fields["id"])
    return fields


@given(st.data())
def test_every_payload_comes_back_as_it_was(data):
    kind, schema = data.draw(st.sampled_from(sorted(LAYOUTS)))
    fields = drawn(data, kind, schema)
    payload = encode(kind, schema, fields)

    assert decode(kind, schema, payload) == fields
    assert encode(kind, schema, decode(kind, schema, payload)) == payload


@given(st.data())
def test_a_cut_payload_is_refused(data):
    kind, schema = data.draw(st.sampled_from(sorted(LAYOUTS)))
    payload = encode(kind, schema, drawn(data, kind, schema))
    with pytest.raises(Malformed):
        decode(kind, schema, payload[: data.draw(st.integers(0, len(payload) - 1))])
    with pytest.raises(Malformed):
        decode(kind, schema, payload + bytes(8))


@given(st.data())
def test_the_dense_form_says_what_the_wide_one_says(data):
    kind = data.draw(st.sampled_from(sorted(kind for kind, _ in DENSE)))
    fields = drawn(data, kind, 2)

    assert decode(kind, 1, encode(kind, 1, fields)) == decode(kind, 2, encode(kind, 2, fields))


@given(st.data())
def test_an_intent_can_be_read_up_to_what_it_is_about(data):
    fields = drawn(data, kinds.INTENT, 2)
    head = intent_head(encode(kinds.INTENT, 2, fields))

    assert head == tuple(fields[name] for name in ("id", "seat", "ordinal", "instrument", "flags"))


def test_a_kind_of_others_has_no_layout_here():
    with pytest.raises(Malformed, match="TIMER"):
        decode(kinds.TIMER, 1, b"")


@given(st.data())
def test_a_request_comes_back_from_its_record(data):
    fields = drawn(data, kinds.REQUEST, 2)
    fields["what"] = data.draw(st.sampled_from([1, 2]))
    payload = encode(kinds.REQUEST, 2, fields)
    request = decode_request(41, 2, payload)

    assert request.encode(DensePacker()) == payload
    assert request.number == 41
    assert (request.symbol, request.price, request.target) == (fields["symbol"], fields["price"], fields["target"])
    assert request.client_id == fields["client_id"]
    assert decode_request(41, 1, encode(kinds.REQUEST, 1, fields)).encode(DensePacker()) == payload


def test_a_request_is_to_place_or_to_cancel():
    with pytest.raises(AssertionError):
        Request(1, 3, b"", 0, "v", "s", 0, 0, 1, 4, 1, 6, 1, 0, 0)


@given(
    st.one_of(st.integers(), st.integers(0, 130).map(lambda bit: 2**bit), st.integers(0, 130).map(lambda b: -(2**b)))
)
def test_an_integer_of_any_size_is_its_sign_size_and_magnitude(value):
    packer = Packer()
    packer.put_big(value)
    size = (abs(value).bit_length() + 7) // 8
    signed = (size if value >= 0 else -size).to_bytes(8, "little", signed=True)

    assert packer.finish() == signed + abs(value).to_bytes(size, "little")
    assert Unpacker(packer.finish()).take_big() == value
