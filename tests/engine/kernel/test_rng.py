"""The generator against its authors' vectors, and the shape of what is drawn from it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.kernel.rng import MOST, Draws, philox, purpose_key

FULL = 0xFFFFFFFF
SEQUENCES = st.integers(0, 2**63 - 1)


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [  # Random123's known answers for philox4x32-10
        ((0, 0, 0, 0), (0, 0), "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ((FULL, FULL, FULL, FULL), (FULL, FULL), "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            "d16cfe09 94fdcceb 5001e420 24126ea1",
        ),
    ],
)
def test_philox_gives_the_published_answers(counter, key, expected):
    block = philox(*counter, *key)

    assert expected == " ".join(f"{word:08x}" for word in (block.a, block.b, block.c, block.d))


def test_a_purpose_is_hashed_by_fnv_1a():
    assert purpose_key("") == 0x811C9DC5
    assert purpose_key("foobar") == 0xBF9CF968


@given(st.integers(-(2**62), 2**62), SEQUENCES, st.integers(0, 2**32 - 1))
def test_a_draw_depends_on_nothing_but_its_key(seed, seq, index):
    assert Draws(seed, "fills").bits63(seq, index) == Draws(seed, "fills").bits63(seq, index)
    assert Draws(seed, "fills").bits63(seq, index) != Draws(seed, "latency").bits63(seq, index)
    assert Draws(seed, "fills").bits63(seq, index) != Draws(seed + 1, "fills").bits63(seq, index)


@given(SEQUENCES, st.integers(1, MOST))
def test_a_choice_lies_below_its_bound(seq, n):
    assert 0 <= Draws(3, "choice").below(seq, 0, n) < n


def test_a_choice_rejects_what_would_favour_low_numbers():
    # With n just above 2**61, almost half of all 63-bit values lie beyond the last multiple of n.
    draws = Draws(1, "bias")
    n = 2**61 + 2**60 - 1
    chosen = [draws.below(seq, 0, n) for seq in range(2000)]
    retried = sum(draws.bits63(seq, 0) % n != chosen[seq] for seq in range(2000))

    assert retried > 100
    assert abs(sum(value < n // 2 for value in chosen) - 1000) < 120


@given(SEQUENCES)
def test_a_uniform_float_lies_in_the_unit_interval(seq):
    assert 0.0 <= Draws(3, "unit").uniform(seq, 0) < 1.0


def test_uniform_floats_fill_the_interval_evenly():
    draws = Draws(9, "unit")
    counts = [0] * 10
    for seq in range(10_000):
        counts[int(draws.uniform(seq, 0) * 10)] += 1

    assert all(abs(count - 1000) < 130 for count in counts)


def test_a_chance_comes_true_as_often_as_it_says():
    draws = Draws(5, "drop")

    assert 220 < sum(draws.chance(seq, 0, 250_000) for seq in range(1000)) < 280


@pytest.mark.parametrize("n", [0, MOST + 1])
def test_an_impossible_choice_is_an_error(n):
    with pytest.raises(AssertionError):
        Draws(1, "x").below(1, 0, n)
