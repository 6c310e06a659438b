"""
Polymarket's values as integers: prices at 1e-4, sizes at 1e-6, times in nanoseconds, book hashes in three parts.

Members of a general JSON frame come as `engine.kernel.json_text` gives them; whatever is not plainly readable raises
`Refused` with the code of the reason.
"""

from typing import Final

from mypy_extensions import i64

from engine.kernel.codes import BAD_NUMBER, BAD_TEXT, SCHEMA
from engine.kernel.json_text import Number, Refused, decimal_of, number_text
from engine.kernel.record import NONE
from engine.kernel.units import BAD, BUY, SELL, spelling

PRICE_EXPONENT: Final[i64] = 4
SIZE_EXPONENT: Final[i64] = 6
ONE: Final[i64] = 10_000
"""The price 1: what a winning token pays, and what YES and NO add up to."""

MAX_SIZE: Final[i64] = 10**16
"""Ten thousand million shares: far above any level seen, and the sum of a whole book still fits i64."""

MAX_NUMBER_TEXT: Final[i64] = 40
"""Longer price and size texts are refused: their spelling would have to be kept."""

MAX_MILLIS: Final[i64] = 9_000_000_000_000
HASH_DIGITS: Final[i64] = 40


def needed(members: dict[str, object], key: str) -> object:
    """A member that the venue always states; raises Refused(SCHEMA) where it is absent or null."""
    value = members.get(key)
    if value is None:
        raise Refused(SCHEMA, f"the member {key} is missing")
    return value


def price_of(value: object) -> i64:
    """A price between 0 and 1, both allowed, at 1e-4."""
    price = decimal_of(value, PRICE_EXPONENT)
    if price > ONE:
        raise Refused(BAD_NUMBER, "a price above 1")
    return price


def size_of(value: object) -> i64:
    """A number of shares at 1e-6, at most MAX_SIZE."""
    size = decimal_of(value, SIZE_EXPONENT)
    if size > MAX_SIZE:
        raise Refused(BAD_NUMBER, "a size beyond all books")
    return size


def spelling_of(value: object) -> i64:
    """The spelling code (`engine.kernel.units.spelling`) of a price or size already read."""
    text = number_text(value).encode()
    if len(text) > MAX_NUMBER_TEXT:
        raise Refused(BAD_NUMBER, "a number text of more than 40 characters")
    code = spelling(text, 0, len(text))
    if code == BAD:
        raise Refused(BAD_NUMBER, "a number with leading zeros")
    return code


def touch_of(value: object) -> i64:
    """A best price; NONE for an absent or empty text and for 0 and 1, at which no order can stand."""
    if value is None or value == "":
        return NONE
    price = price_of(value)
    return NONE if price == 0 or price == ONE else price


def tick_of(value: object) -> i64:
    """A tick size at 1e-4: above 0, below 1."""
    tick = price_of(value)
    if tick == 0 or tick == ONE:
        raise Refused(BAD_NUMBER, "a tick of 0 or 1")
    return tick


def nanoseconds(digits: i64, value: i64) -> i64:
    """A time of 10 digits (seconds) or 13 digits (milliseconds) in nanoseconds; BAD for any other length."""
    if digits == 13 and value <= MAX_MILLIS:
        return value * 1_000_000
    if digits == 10 and value <= MAX_MILLIS // 1000:
        return value * 1_000_000_000
    return BAD


def time_of(value: object) -> i64:
    """
    A timestamp in nanoseconds since the Unix epoch.

    The venue writes milliseconds, in old captures of the user channel seconds, quoted or not: the length tells.
    """
    text = value.text if isinstance(value, Number) else value
    if not isinstance(text, str) or not (text.isascii() and text.isdigit()) or len(text) > 17 or text[0] == "0":
        raise Refused(BAD_NUMBER, "a timestamp in seconds or milliseconds was expected")
    time_ns = nanoseconds(len(text), int(text))
    if time_ns == BAD:
        raise Refused(BAD_NUMBER, f"{text} is no timestamp in seconds or milliseconds")
    return time_ns


def side_of(value: object) -> i64:
    """BUY or SELL; any other word raises Refused(SCHEMA)."""
    if value == "BUY":
        return BUY
    if value == "SELL":
        return SELL
    raise Refused(SCHEMA, "a side that is neither BUY nor SELL")


def hash_of(value: object) -> tuple[i64, i64, i64]:
    """
    A book hash of 40 lower-case hex digits as three integers of 15, 15 and 10 digits.

    Any other text raises Refused(BAD_TEXT): a hash that cannot be checked means the venue changed its formula, and a
    book that silently lost its proof would be worse than a gated one.
    """
    if not isinstance(value, str) or len(value) != HASH_DIGITS:
        raise Refused(BAD_TEXT, "a book hash of 40 digits was expected")
    for c in value:
        if c not in "0123456789abcdef":
            raise Refused(BAD_TEXT, "a book hash in lower-case hex was expected")
    return i64(int(value[:15], 16)), i64(int(value[15:30], 16)), i64(int(value[30:], 16))
