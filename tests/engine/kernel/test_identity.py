"""Ids that replay gives again."""

import re
from base64 import b32encode

from hypothesis import given
from hypothesis import strategies as st

from engine.kernel.identity import client_id, intent_id, salt

NUMBERS = st.integers(0, 2**62)
KEYS = st.tuples(NUMBERS, st.text(max_size=8), NUMBERS, NUMBERS)


@given(KEYS, KEYS)
def test_two_intents_share_an_id_only_if_they_are_one(one, other):
    assert (intent_id(*one) == intent_id(*other)) == (one == other)


@given(st.binary(min_size=16, max_size=16))
def test_names_made_of_an_id_fit_the_venues(intent):
    assert re.fullmatch(r"t1-[A-Z2-7]{26}", client_id(intent))
    assert 0 <= salt(intent) < 2**53


def test_ids_are_these_for_ever():
    intent = intent_id(3, "maker", 41, 2)

    assert intent.hex() == "870fbbd4761b5e54d325266e6b695d61"
    assert client_id(intent) == "t1-Q4H3XVDWDNPFJUZFEZXGW2K5ME"
    assert salt(intent) == 4396297472303056


@given(st.binary(max_size=20))
def test_a_client_id_is_base32_without_padding(data):
    assert client_id(data) == "t1-" + b32encode(data).decode().rstrip("=")
