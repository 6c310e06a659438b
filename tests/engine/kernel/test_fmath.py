"""exp, log and tanh against 60-digit arithmetic, and the edges of their ranges."""

import math
from decimal import Context, Decimal
from hashlib import blake2b

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.kernel import fmath

MANY = Context(prec=60)


def ulps(found: float, true: Decimal) -> Decimal:
    return abs(Decimal(found) - true) / Decimal(math.ulp(float(true)))


@given(st.floats(-745, 709.7))
@example(-744.9)
@example(0.34657359027997264)
@example(0.0)
def test_exp_is_within_two_ulp(x):
    assert ulps(fmath.exp(x), MANY.exp(Decimal(x))) < 2


@given(st.floats(min_value=0, exclude_min=True, allow_infinity=False))
@example(5e-324)
@example(1.0 + 2**-52)
@example(1.7976931348623157e308)
def test_log_is_within_two_ulp(x):
    true = MANY.ln(Decimal(x))

    assert fmath.log(x) == 0.0 if true == 0 else ulps(fmath.log(x), true) < 2


@given(st.floats(-25, 25))
@example(1e-300)
@example(0.9999999999999999)
def test_tanh_is_within_two_ulp(x):
    twice = MANY.exp(MANY.multiply(Decimal(2), Decimal(x)))
    # Near zero the quotient itself cancels; the series is exact there.
    small = Decimal(x) - Decimal(x) ** 3 / 3 if abs(x) < 1e-9 else None
    true = small if small is not None else MANY.divide(twice - 1, twice + 1)

    assert fmath.tanh(x) == 0.0 if true == 0 else ulps(fmath.tanh(x), true) < 2


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (fmath.exp(710.0), math.inf),
        (fmath.exp(math.inf), math.inf),
        (fmath.exp(-746.0), 0.0),
        (fmath.exp(-math.inf), 0.0),
        (fmath.log(0.0), -math.inf),
        (fmath.log(math.inf), math.inf),
        (fmath.log(1.0), 0.0),
        (fmath.tanh(math.inf), 1.0),
        (fmath.tanh(-21.0), -1.0),
        (fmath.exp(0.0), 1.0),
    ],
)
def test_the_edges_are_where_they_belong(found, expected):
    assert found == expected


@pytest.mark.parametrize("function", [fmath.exp, fmath.log, fmath.tanh])
def test_nan_stays_nan(function):
    assert math.isnan(function(math.nan))


def test_the_logarithm_of_a_negative_number_is_nan():
    assert math.isnan(fmath.log(-1.0))


def test_tanh_keeps_the_sign_of_zero():
    assert math.copysign(1.0, fmath.tanh(-0.0)) == -1.0


def test_the_bits_are_these_on_every_machine():
    points = [x / 7 for x in range(-140, 141)]
    bits = [fmath.exp(x).hex() + fmath.tanh(x).hex() + fmath.log(abs(x) + 0.1).hex() for x in points]

    assert blake2b("".join(bits).encode(), digest_size=4).hexdigest() == "61ba36ef"
