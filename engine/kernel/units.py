"""
Prices, sizes and money as integers.

A venue's price text becomes an integer at that venue's fixed decimal exponent ("0.52" at 1e-4 is 5200); an instrument's
tick and lot are integers in the same units. Money is price units times size units: exact, in Python's unbounded `int`,
because a Binance notional at 1e-16 does not fit 64 bits.
"""

from typing import Final

from mypy_extensions import i64

BAD: Final[i64] = -1
"""What the decimal readers return for text that is no number of ours."""

LARGEST: Final[i64] = 1 << 60
"""Values stay below this, so that sums and differences of two never leave i64."""

BUY: Final[i64] = 0
SELL: Final[i64] = 1
BID: Final[i64] = 0
ASK: Final[i64] = 1

_TENTH: Final[i64] = (1 << 60) // 10
_ZERO: Final[i64] = 48
_DOT: Final[i64] = 46


def decimal(data: bytes, start: i64, end: i64, exponent: i64) -> i64:
    """
    The decimal text data[start:end] as an integer at 10**-*exponent*: "12.5" at 3 is 12500.

    Returns BAD for a sign, an exponent, an empty text, any other character, more decimals than *exponent* that are not
    zero, or a value of 2**60 or more. ".48" and "1." are read, as venues write them.
    """
    value: i64 = 0
    decimals: i64 = -1
    digits: i64 = 0
    at = start
    while at < end:
        c: i64 = data[at]
        at += 1
        if c == _DOT:
            if decimals >= 0:
                return BAD
            decimals = 0
            continue
        c -= _ZERO
        if c < 0 or c > 9:
            return BAD
        digits += 1
        if decimals >= 0:
            if decimals == exponent:
                if c != 0:
                    return BAD
                continue
            decimals += 1
        if value > _TENTH:  # before the product, which would leave i64
            return BAD
        value = value * 10 + c
        if value >= LARGEST:
            return BAD
    if digits == 0:
        return BAD
    if decimals < 0:
        decimals = 0
    while decimals < exponent:
        if value > _TENTH:
            return BAD
        value *= 10
        decimals += 1
    return value


def decimal_text(value: i64, exponent: i64) -> str:
    """The shortest decimal text of *value* at 10**-*exponent*: 12500 at 3 is "12.5"."""
    sign = "-" if value < 0 else ""
    whole, part = divmod(abs(int(value)), 10 ** int(exponent))
    if part == 0:
        return f"{sign}{whole}"
    return f"{sign}{whole}." + str(part).rjust(int(exponent), "0").rstrip("0")


def spelling(data: bytes, start: i64, end: i64) -> i64:
    """
    How a decimal text differs from its shortest form: 0 for the shortest form.

    Bit 0: the zero before the dot is missing (".48"). Bit 1: a dot without decimals ("1."). Bits 2 and up: the number
    of trailing zeros after the dot beyond the shortest form. `spelled` undoes it. Leading zeros ("00.5") are not
    representable and give BAD.
    """
    dot: i64 = -1
    at = start
    while at < end:
        c: i64 = data[at]
        if c == _DOT:
            dot = at
        at += 1
    whole_end = end if dot < 0 else dot
    if whole_end - start > 1 and data[start] == _ZERO:
        return BAD
    if dot < 0:
        return 0
    code: i64 = 1 if dot == start else 0
    if dot + 1 == end:
        return code | 2
    zeros: i64 = 0
    at = end - 1
    while at > dot and data[at] == _ZERO:
        zeros += 1
        at -= 1
    return code | (zeros << 2)


def spelled(value: i64, exponent: i64, code: i64) -> str:
    """The text of *value* at 10**-*exponent* as `spelling` recorded it."""
    text = decimal_text(value, exponent)
    if code == 0:
        return text
    zeros = code >> 2
    if zeros > 0 or code & 2:
        if "." not in text:
            text += "."
        text += "0" * int(zeros)
    if code & 1 and text.startswith("0."):
        text = text[1:]
    return text


def ratio_text(numerator: int, denominator: int, digits: int) -> str:
    """numerator / denominator rounded half to even at *digits* decimals, for people; denominator > 0."""
    scaled, rest = divmod(abs(numerator) * 10**digits, denominator)
    if 2 * rest > denominator or (2 * rest == denominator and scaled % 2 == 1):
        scaled += 1
    sign = "-" if numerator < 0 and scaled else ""
    if digits == 0:
        return f"{sign}{scaled}"
    whole, part = divmod(scaled, 10**digits)
    return f"{sign}{whole}.{str(part).rjust(digits, '0')}"
