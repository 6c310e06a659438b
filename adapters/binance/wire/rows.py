"""
Members of decoded JSON as the numbers of event rows, for the general decoders; what does not fit is Refused.

A member that must be there and is not, or has a value no venue document knows, is SCHEMA; one that is no number of
ours is BAD_NUMBER; one of another JSON type is BAD_FRAME.
"""

from mypy_extensions import i64

from adapters.binance.wire.terms import EXPONENT, nanoseconds
from engine.kernel.codes import BAD_FRAME, BAD_NUMBER, BAD_TEXT, SCHEMA
from engine.kernel.events import LEVEL_SET, STRIDE, EventBatch
from engine.kernel.json_text import (
    MAX_ID,
    Refused,
    decimal_of,
    identifier,
    integer_of,
    items_of,
    number_text,
    plain_decimal,
    text_of,
)
from engine.kernel.record import NONE

Members = dict[str, object]


def member(data: Members, key: str) -> object:
    """The value of *key*; SCHEMA without it."""
    if key not in data:
        raise Refused(SCHEMA, f"no member {key}")
    return data[key]


def price_of(data: Members, key: str) -> i64:
    """A number above zero at 1e-8."""
    value = amount_of(data, key)
    if value == 0:
        raise Refused(BAD_NUMBER, f"{key} is zero")
    return value


def amount_of(data: Members, key: str) -> i64:
    """A number at 1e-8 that may be zero."""
    return decimal_of(member(data, key), EXPONENT)


def count_of(data: Members, key: str) -> i64:
    """An id, or another integer that the venue sends unquoted."""
    return integer_of(member(data, key))


def time_of(data: Members, key: str) -> i64:
    """A venue time in nanoseconds."""
    time = nanoseconds(count_of(data, key))
    if time < 0:
        raise Refused(BAD_NUMBER, f"{key} is no time")
    return time


def optional_time(data: Members, key: str) -> i64:
    """A venue time, or NONE where the venue does not say or says zero."""
    if key not in data:
        return NONE
    time = time_of(data, key)
    return NONE if time == 0 else time


def truth_of(data: Members, key: str) -> bool:
    """True or false."""
    value = member(data, key)
    if not isinstance(value, bool):
        raise Refused(BAD_FRAME, f"{key} is neither true nor false")
    return value


def rate_of(data: Members, key: str) -> i64:
    """A signed rate at 1e-8; NONE for the empty text that delivery contracts send."""
    value = member(data, key)
    if value == "":
        return NONE
    text = number_text(value)
    if text.startswith("-"):
        return -plain_decimal(text[1:], EXPONENT)
    return plain_decimal(text, EXPONENT)


def symbol_of(data: Members, key: str) -> str:
    """
    A symbol; empty for one with characters beyond ASCII.

    The venue lists a few instruments under Chinese names. No symbol of ours can name them, so what is said of them is
    passed over, while other text that is no symbol refuses the frame.
    """
    text = text_of(member(data, key))
    if not text.isascii() and len(text) <= MAX_ID:
        if text.isprintable():
            return ""
        raise Refused(BAD_TEXT, "a symbol holds a character no id has")
    return identifier(text)


def is_coin_margined(data: Members) -> bool:
    """Whether a row of an all-market stream belongs to the other futures venue (`st` 2)."""
    if "st" not in data:
        return False
    kind = integer_of(data["st"])
    if kind != 1 and kind != 2:
        raise Refused(SCHEMA, f"st is {kind}")
    return kind == 2


def add_levels(batch: EventBatch, symbol: i64, side: i64, levels: object) -> None:
    """A LEVEL_SET row for each [price, size], in the venue's order; size 0 removes."""
    for level in items_of(levels):
        pair = items_of(level)
        if len(pair) < 2:
            raise Refused(SCHEMA, "a level without size")
        price = decimal_of(pair[0], EXPONENT)
        if price == 0:
            raise Refused(BAD_NUMBER, "a level at price zero")
        batch.add(LEVEL_SET, symbol, side, price, decimal_of(pair[1], EXPONENT), 0, 0, 0)


def best_level(levels: object, highest: bool) -> tuple[int, int]:
    """The (price, size) of the best level of one side; (0, 0) for an empty side, as bookTicker spells it."""
    best: tuple[int, int] = (0, 0)
    for level in items_of(levels):
        pair = items_of(level)
        if len(pair) < 2:
            raise Refused(SCHEMA, "a level without size")
        price: int = decimal_of(pair[0], EXPONENT)
        size: int = decimal_of(pair[1], EXPONENT)
        if price == 0 or size == 0:
            raise Refused(BAD_NUMBER, "a level of zero")
        if best[0] == 0 or (price > best[0]) == highest:
            best = (price, size)
    return best


def set_symbol(batch: EventBatch, symbol: i64) -> None:
    """Give every row *symbol*, once the whole reply has been read."""
    rows = batch.rows
    at: i64 = 1
    end = batch.count * STRIDE
    while at < end:
        rows[at] = symbol
        at += STRIDE
