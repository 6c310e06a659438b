"""The payloads of derived records, both ways."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.kernel import kinds
from engine.kernel.derived import LAYOUTS, decode, encode
from engine.kernel.pack import Malformed, Packer, Unpacker
from engine.kernel.request import Request, decode_request

NUMBER = st.integers(-(2**63), 2**63 - 1)
FORMS = {
    "i": NUMBER,
    "b": st.integers(),
    "t": st.text(),
    "d": st.binary(),
    "T": st.lists(st.text(), max_size=3).map(tuple),
    "L": st.lists(st.tuples(NUMBER, NUMBER), max_size=3),
}


@given(st.data())
def test_every_payload_comes_back_as_it_was(data):
    kind, schema = data.draw(st.sampled_from(sorted(LAYOUTS)))
    fields = {name: data.draw(FORMS[form], label=name) for name, form in LAYOUTS[(kind, schema)]}
    payload = encode(kind, schema, fields)

    assert decode(kind, schema, payload) == fields
    assert encode(kind, schema, decode(kind, schema, payload)) == payload


@given(st.data())
def test_a_cut_payload_is_refused(data):
    kind, schema = data.draw(st.sampled_from(sorted(LAYOUTS)))
    payload = encode(kind, schema, {name: data.draw(FORMS[form], label=name) for name, form in LAYOUTS[(kind, schema)]})
    with pytest.raises(Malformed):
        decode(kind, schema, payload[: data.draw(st.integers(0, len(payload) - 1))])
    with pytest.raises(Malformed):
        decode(kind, schema, payload + bytes(8))


def test_a_kind_of_others_has_no_layout_here():
    with pytest.raises(Malformed, match="TIMER"):
        decode(kinds.TIMER, 1, b"")


@given(st.data())
def test_a_request_comes_back_from_its_record(data):
    fields = {name: data.draw(FORMS[form], label=name) for name, form in LAYOUTS[(kinds.REQUEST, 1)]}
    fields["what"] = data.draw(st.sampled_from([1, 2]))
    payload = encode(kinds.REQUEST, 1, fields)
    request = decode_request(41, payload)

    assert request.encode(Packer()) == payload
    assert request.number == 41
    assert (request.symbol, request.price, request.target) == (fields["symbol"], fields["price"], fields["target"])


def test_a_request_is_to_place_or_to_cancel():
    with pytest.raises(AssertionError):
        Request(1, 3, b"", "", 0, "v", "s", 0, 0, 1, 4, 1, 6, 1, 0, 0)


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
