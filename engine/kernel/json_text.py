"""
JSON with numbers as their text, for the wire modules' general decoders.

Slower than a C library, and used for the few frames a fast scanner leaves: it keeps the exact spelling of numbers,
refuses what JSON forbids and what would be ambiguous (duplicate keys, NaN, Infinity), and bounds depth before parsing.
"""

import json
from typing import Final

from mypy_extensions import i64

from engine.kernel.codes import BAD_FRAME, BAD_NUMBER, BAD_TEXT, OK
from engine.kernel.units import BAD, decimal

MAX_DEPTH: Final[i64] = 32
MAX_NUMBER_DIGITS: Final[i64] = 12
MAX_ID: Final[i64] = 128


class Number:
    """A JSON number that was sent unquoted, as its text."""

    def __init__(self, text: str) -> None:
        self.text: Final[str] = text


class Refused(Exception):
    """The frame cannot be read; `code` says why."""

    def __init__(self, code: i64, message: str) -> None:
        super().__init__(message)
        self.code: Final[i64] = code


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Refused(BAD_FRAME, "an object repeats a key")
    return members


def _constant(text: str) -> object:
    raise Refused(BAD_NUMBER, f"{text} is no number")


def _depth_allowed(data: bytes, start: i64, end: i64) -> bool:
    depth: i64 = 0
    quoted = False
    at = start
    while at < end:
        c: i64 = data[at]
        if quoted:
            if c == 92:
                at += 1
            elif c == 34:
                quoted = False
        elif c == 34:
            quoted = True
        elif c == 91 or c == 123:
            depth += 1
            if depth > MAX_DEPTH:
                return False
        elif c == 93 or c == 125:
            depth -= 1
        at += 1
    return True


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_members, parse_float=Number, parse_int=Number, parse_constant=_constant
)


def parse(data: bytes, start: i64, end: i64) -> object:
    """
    The JSON value data[start:end]: dict, list, str, bool, None, and `Number` for unquoted numbers.

    Raises:
        Refused: BAD_FRAME for bytes that are no JSON of ours, BAD_NUMBER for NaN and Infinity.
    """
    if not _depth_allowed(data, start, end):
        raise Refused(BAD_FRAME, "nested deeper than 32")
    try:
        return _DECODER.decode(data[start:end].decode("utf-8"))
    except ValueError as error:
        refused = Refused(BAD_FRAME, f"not JSON: {error}")
        refused.__cause__ = error
    raise refused


def plain_decimal(text: str, exponent: i64) -> i64:
    """*text* as `units.decimal`; raises Refused(BAD_NUMBER) where that gives BAD."""
    raw = text.encode("utf-8", "replace")
    value = decimal(raw, 0, len(raw), exponent)
    if value == BAD:
        raise Refused(BAD_NUMBER, f"{text[:40]!r} is no decimal at 1e-{exponent}")
    return value


def number_text(value: object) -> str:
    """
    The decimal text of a quoted or unquoted number.

    An unquoted one goes through its shortest decimal text: "1e-3" is "0.001" and "0.0100" is "0.01"; more than 12
    significant digits, or an exponent beyond +-20, is BAD_NUMBER.
    """
    if isinstance(value, str):
        return value
    if not isinstance(value, Number):
        raise Refused(BAD_NUMBER, "a number was expected")
    text = value.text
    mantissa, _, power_text = text.lower().partition("e")
    power = int(power_text) if power_text and len(power_text) <= 4 else 0
    if (power_text and len(power_text) > 4) or abs(power) > 20:
        raise Refused(BAD_NUMBER, f"{text[:40]} is out of range")
    negative = mantissa.startswith("-")
    whole, _, part = mantissa.removeprefix("-").partition(".")
    digits = (whole + part).lstrip("0").rstrip("0")
    if len(digits) > MAX_NUMBER_DIGITS:
        raise Refused(BAD_NUMBER, f"{text[:40]} has more than 12 significant digits")
    point = len(whole) + power
    padded = (whole + part).ljust(max(point, 0), "0")
    if point < 0:
        padded = "0" * -point + padded
        point = 0
    plain = (padded[:point].lstrip("0") or "0") + "." + padded[point:]
    plain = plain.rstrip("0").rstrip(".")
    return f"-{plain}" if negative else plain


def decimal_of(value: object, exponent: i64) -> i64:
    """A quoted or unquoted number as an integer at 10**-*exponent*; raises Refused(BAD_NUMBER)."""
    return plain_decimal(number_text(value), exponent)


def integer_of(value: object) -> i64:
    """An unquoted run of digits below 10**18, such as an id or a time; raises Refused(BAD_NUMBER)."""
    if not isinstance(value, Number):
        raise Refused(BAD_NUMBER, "an integer was expected")
    text = value.text
    if len(text) > 18 or not text.isdigit():
        raise Refused(BAD_NUMBER, f"{text[:40]} is no integer of ours")
    return i64(int(text))


def identifier(value: object) -> str:
    """A venue's id: [A-Za-z0-9_.:-]{1,128}; raises Refused(BAD_TEXT)."""
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_ID:
        raise Refused(BAD_TEXT, "an id of 1 to 128 characters was expected")
    for c in value:
        if not (c.isascii() and (c.isalnum() or c in "_.:-")):
            raise Refused(BAD_TEXT, f"{value[:40]!r} holds a character no id has")
    return value


def text_of(value: object) -> str:
    """A string; raises Refused(BAD_FRAME), or BAD_TEXT for half a surrogate pair, which no file of ours could hold."""
    if not isinstance(value, str):
        raise Refused(BAD_FRAME, "a text was expected")
    if not value.isascii():
        for c in value:
            if 0xD800 <= ord(c) <= 0xDFFF:
                raise Refused(BAD_TEXT, "half a surrogate pair")
    return value


def members_of(value: object) -> dict[str, object]:
    """An object's members; raises Refused(BAD_FRAME)."""
    if not isinstance(value, dict):
        raise Refused(BAD_FRAME, "an object was expected")
    return value


def items_of(value: object) -> list[object]:
    """An array's items; raises Refused(BAD_FRAME)."""
    if not isinstance(value, list):
        raise Refused(BAD_FRAME, "an array was expected")
    return value


def refusal(error: Refused) -> i64:
    """The code of *error*, which is never OK."""
    assert error.code != OK
    return error.code
