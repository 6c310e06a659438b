"""The engine's own inputs, read and written."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.kernel.inputs import MOST_DEPTH, canonical, members, timer_fields, timer_payload
from engine.kernel.pack import Malformed

DEEP_UTF_16 = ('{"\\"":' + "[" * 100_000).encode("utf-16-le")
"""Its texts seem to end elsewhere to whoever counts bytes, and its brackets to stand within them."""

numbers = st.integers(-(2**63), 2**63 - 1)
words = st.dictionaries(st.text(max_size=5), st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)))


@given(words)
def test_words_are_read_back_and_written_in_one_way_only(value: dict[str, Any]) -> None:
    data = canonical(value)

    assert members(data) == value
    assert canonical(dict(reversed(value.items()))) == data


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b"1", b'{"a":1}x', b"\xff", b"[" * 100_000, DEEP_UTF_16])
def test_a_payload_that_is_no_object_is_malformed(payload: bytes) -> None:
    with pytest.raises(Malformed):
        members(payload)


def nested(depth: int) -> bytes:
    """An object of that depth, with brackets in its texts that do not count."""
    text = b'"\\"[[{{' + b"[" * 200 + b'"'
    return b'{"a":' * (depth - 1) + b"{" + text + b":" + text + b"}" + b"}" * (depth - 1)


def test_many_brackets_are_no_depth() -> None:
    assert len(members(b'{"a":[' + b"[]," * 200 + b"0]}")["a"]) == 201  # type: ignore[arg-type]


def test_how_deep_a_payload_may_be_nested_is_fixed() -> None:
    assert list(members(nested(MOST_DEPTH))) == ["a"]
    with pytest.raises(Malformed, match="nested more than 100 deep"):
        members(nested(MOST_DEPTH + 1))


@given(numbers, numbers)
def test_a_timer_is_read_back(timer: int, due_ns: int) -> None:
    assert timer_fields(timer_payload(timer, due_ns)) == (timer, due_ns)


@pytest.mark.parametrize("size", [0, 8, 15, 17, 24])
def test_a_timer_of_another_size_is_malformed(size: int) -> None:
    with pytest.raises(Malformed, match=f"{size} bytes, expected 16"):
        timer_fields(bytes(size))
