"""
exp, log and tanh that give the same bits on every machine.

libm differs between platforms in the last place; these use only + - * and /, which IEEE 754 fixes, in a fixed order
(the build forbids contraction into fused operations). Within 2 ulp of the true value: `exp` over its whole range,
`log` for every positive float, `tanh` everywhere. Infinities, NaN and signed zero behave as in `math`, except that
nothing raises: exp overflows to inf, log(0) is -inf, log of a negative number is NaN.

Method: arguments are reduced by powers of two with the two-part constant ln 2 (Cody and Waite), then a series with its
exact rational coefficients.
"""

from typing import Final

from mypy_extensions import i64

_INF: Final[float] = 1e308 * 10.0
_NAN: Final[float] = _INF - _INF

_LN2_HIGH: Final[float] = 6.93147180369123816490e-01  # ln 2 with its last 32 bits zero
_LN2_LOW: Final[float] = 1.90821492927058770002e-10
_INVERSE_LN2: Final[float] = 1.44269504088896338700e00
_EXP_MOST: Final[float] = 709.782712893384
_EXP_LEAST: Final[float] = -745.1332191019412
_SQRT_HALF: Final[float] = 0.7071067811865476
_SMALLEST_NORMAL: Final[float] = 2.2250738585072014e-308
_TWO_54: Final[float] = 18014398509481984.0


def _scale(x: float, k: i64) -> float:
    """x * 2**k, in steps that do not leave the range of floats early."""
    while k > 1000:
        x = x * 1.0715086071862673e301  # 2**1000
        k -= 1000
    while k < -1000:
        # The last step rounds once: all before it are exact as long as x stays normal.
        x = x * 9.332636185032189e-302  # 2**-1000
        k += 1000
    return x * _power(k)


def _power(k: i64) -> float:
    """2**k for -1000 <= k <= 1000."""
    base = 2.0 if k >= 0 else 0.5
    left = k if k >= 0 else -k
    power = 1.0
    while left > 0:
        if left & 1:
            power = power * base
        base = base * base
        left >>= 1
    return power


def _exp_tail(r: float) -> float:
    """exp(r) - 1 for |r| <= ln 2 / 2, as r + r**2 * (1/2 + r/6 + ...): the leading term is exact."""
    s = r * (1.0 / 87178291200.0) + 1.0 / 6227020800.0
    s = r * s + 1.0 / 479001600.0
    s = r * s + 1.0 / 39916800.0
    s = r * s + 1.0 / 3628800.0
    s = r * s + 1.0 / 362880.0
    s = r * s + 1.0 / 40320.0
    s = r * s + 1.0 / 5040.0
    s = r * s + 1.0 / 720.0
    s = r * s + 1.0 / 120.0
    s = r * s + 1.0 / 24.0
    s = r * s + 1.0 / 6.0
    s = r * s + 0.5
    return r * r * s


def _turns(x: float) -> i64:
    """The k for which x - k ln 2 is smallest."""
    n = x * _INVERSE_LN2
    return int(n + 0.5) if n >= 0.0 else -int(0.5 - n)


def _exp_rest(x: float, k: i64) -> float:
    """exp(x - k ln 2) - 1, for the k of `_turns`."""
    high = x - float(k) * _LN2_HIGH
    low = float(k) * _LN2_LOW
    r = high - low
    # What rounding took from r comes back with the tail, while both are small.
    error = (high - r) - low
    return r + (_exp_tail(r) + error)


def exp(x: float) -> float:
    """e to the power *x*."""
    if x != x:
        return x
    if x > _EXP_MOST:
        return _INF
    if x < _EXP_LEAST:
        return 0.0
    k = _turns(x)
    return _scale(1.0 + _exp_rest(x, k), k)


def _expm1(x: float) -> float:
    """exp(x) - 1 for 0 <= x <= 2, without cancellation near zero."""
    k = _turns(x)
    power = _power(k)
    return power * _exp_rest(x, k) + (power - 1.0)


def log(x: float) -> float:
    """The natural logarithm of *x*."""
    if x != x or x == _INF:
        return x
    if x < 0.0:
        return _NAN
    if x == 0.0:
        return -_INF
    k: i64 = 0
    if x < _SMALLEST_NORMAL:
        x = x * _TWO_54
        k = -54
    step: i64 = 512
    while step > 0:
        if x >= _power(step):
            x = x * _power(-step)
            k += step
        elif x < _power(-step):
            x = x * _power(step)
            k -= step
        step >>= 1
    while x > 1.4142135623730951:
        x = x * 0.5
        k += 1
    while x < _SQRT_HALF:
        x = x * 2.0
        k -= 1
    f = x - 1.0
    # log(1 + f) = 2 atanh(s) with s = f / (2 + f); written so that f itself is the exact leading term.
    s = f / (2.0 + f)
    z = s * s
    t = z * (2.0 / 27.0) + 2.0 / 25.0
    t = z * t + 2.0 / 23.0
    t = z * t + 2.0 / 21.0
    t = z * t + 2.0 / 19.0
    t = z * t + 2.0 / 17.0
    t = z * t + 2.0 / 15.0
    t = z * t + 2.0 / 13.0
    t = z * t + 2.0 / 11.0
    t = z * t + 2.0 / 9.0
    t = z * t + 2.0 / 7.0
    t = z * t + 2.0 / 5.0
    t = z * t + 2.0 / 3.0
    half = 0.5 * f * f
    tail = s * (half + z * t)
    if k == 0:
        return f - (half - tail)
    n = float(k)
    return n * _LN2_HIGH - ((half - (tail + n * _LN2_LOW)) - f)


def tanh(x: float) -> float:
    """The hyperbolic tangent of *x*."""
    if x != x:
        return x
    if x > 20.0:
        return 1.0
    if x < -20.0:
        return -1.0
    a = x if x >= 0.0 else -x
    if a < 1e-8:
        return x
    if a < 1.0:
        e = _expm1(2.0 * a)
        t = e / (e + 2.0)
    else:
        t = 1.0 - 2.0 / (exp(2.0 * a) + 1.0)
    return t if x >= 0.0 else -t
