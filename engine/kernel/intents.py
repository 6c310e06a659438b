"""
Reading what a strategy wants: any object in, integers and texts out.

An intent's values come from ordinary Python and may be of any type. Whatever is wrong is answered with the field's
number in a refusal, never with an exception, and the same way compiled and interpreted.
"""

from typing import Final, final

from mypy_extensions import i64, mypyc_attr

from engine.kernel.dense import DensePacker
from engine.kernel.derived import (
    CANCEL,
    CANCEL_ALL,
    CANCEL_TIMER,
    FLATTEN,
    MERGE,
    PLACE,
    SET_TIMER,
    SPLIT,
    put_texts,
)
from engine.kernel.market import Instrument
from engine.kernel.order import FLAG_POST_ONLY, FLAG_REDUCE_ONLY, OwnOrder
from engine.kernel.policy import TIF_GTC, tif_number
from engine.kernel.record import NONE
from engine.kernel.strategy import GTC, Cancel, CancelAll, CancelTimer, Detail, Flatten, Merge, Place, SetTimer, Split
from engine.kernel.units import BUY, LARGEST, SELL

# The field a malformed intent was refused for: the verdict's `detail`.
FIELD_NONE: Final[i64] = 0
FIELD_KIND: Final[i64] = 1  # no intent at all
FIELD_INSTRUMENT: Final[i64] = 2
FIELD_SIDE: Final[i64] = 3
FIELD_PRICE: Final[i64] = 4
FIELD_LOTS: Final[i64] = 5
FIELD_TIF: Final[i64] = 6
FIELD_POST_ONLY: Final[i64] = 7
FIELD_REDUCE_ONLY: Final[i64] = 8
FIELD_TTL: Final[i64] = 9
FIELD_GROUP: Final[i64] = 10
FIELD_LEG: Final[i64] = 11
FIELD_LEGS: Final[i64] = 12
FIELD_VALUE: Final[i64] = 13
FIELD_CONFIDENCE: Final[i64] = 14
FIELD_RISK_COST: Final[i64] = 15
FIELD_TAGS: Final[i64] = 16
FIELD_WHY: Final[i64] = 17
FIELD_ORDER: Final[i64] = 18
FIELD_TAG: Final[i64] = 19
FIELD_DUE: Final[i64] = 20
FIELD_EVERY: Final[i64] = 21
FIELD_NAMES: Final[tuple[str, ...]] = (
    "",
    "kind",
    "instrument",
    "side",
    "price_ticks",
    "lots",
    "tif",
    "post_only",
    "reduce_only",
    "ttl_ns",
    "group",
    "leg",
    "legs",
    "expected_value",
    "confidence",
    "risk_cost",
    "tags",
    "why",
    "order",
    "tag",
    "due",
    "every_ns",
)

_GTC: Final[object] = GTC  # compared by identity, which says yes only where equality would

_SHORT: Final = 1 << 61
"""Compared with nearer limits as machine words."""

MOST_LEGS: Final[i64] = 16
MOST_TAGS: Final[i64] = 16
LONGEST_TAG: Final[i64] = 128
LONGEST_WHY: Final[i64] = 1024


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Wanted:
    """An intent in the kernel's own terms. *bad* is the first field that is not what it must be."""

    def __init__(self, seat: i64, ordinal: i64, what: i64) -> None:
        self.seat: Final[i64] = seat
        self.ordinal: Final[i64] = ordinal
        self.what: i64 = what
        self.bad: i64 = FIELD_NONE
        self.instrument: Instrument | None = None
        self.side: i64 = BUY
        self.price_ticks: i64 = 0
        self.lots: i64 = 0
        self.tif: i64 = 0
        self.flags: i64 = 0
        self.ttl_ns: i64 = NONE
        self.group: str = ""
        self.leg: i64 = 0
        self.legs: i64 = 1
        self.target: i64 = 0
        self.due_ns: i64 = NONE
        self.every_ns: i64 = 0
        self.tag: str = ""
        self.expected_value: int = 0
        self.confidence: i64 = 0
        self.risk_cost: int = 0
        self.tags: tuple[str, ...] = ()
        self.why: str = ""

    def spoiled(self, field: i64) -> None:
        """Note the first bad field."""
        if self.bad == FIELD_NONE:
            self.bad = field

    def encode(self, intent: bytes, packer: DensePacker) -> bytes:
        """The payload of its INTENT record, schema 2, by way of an empty *packer*."""
        packer.put_id(intent)
        packer.put(self.seat)
        packer.put(self.ordinal)
        packer.put(self.what)
        packer.put(-1 if self.instrument is None else self.instrument.number)
        packer.put(self.side)
        packer.put(self.price_ticks)
        packer.put(self.lots)
        packer.put(self.tif)
        packer.put(self.flags)
        packer.put(self.ttl_ns)
        packer.put_text(self.group)
        packer.put(self.leg)
        packer.put(self.legs)
        packer.put(self.target)
        packer.put(self.due_ns)
        packer.put(self.every_ns)
        packer.put_text(self.tag)
        packer.put_big(self.expected_value)
        packer.put(self.confidence)
        packer.put_big(self.risk_cost)
        put_texts(packer, self.tags)
        packer.put_text(self.why)
        return packer.take()


@final
class Reader:
    """Reads intents over the instruments that are listed."""

    def __init__(self, instruments: list[Instrument], by_key: dict[str, Instrument]) -> None:
        self._instruments: Final[list[Instrument]] = instruments
        self._by_key: Final[dict[str, Instrument]] = by_key
        self._last_key: object = None  # the key that was read last, and what it stands for
        self._last: Instrument | None = None

    def read(self, intent: object, seat: i64, ordinal: i64, now_ns: i64) -> Wanted:
        """What *intent* says; `bad` names the field where it cannot be read."""
        wanted = Wanted(seat, ordinal, 0)
        if isinstance(intent, Place):
            wanted.what = PLACE
            self._place(intent, wanted)
        elif isinstance(intent, Cancel):
            wanted.what = CANCEL
            order = intent.order
            if isinstance(order, OwnOrder):
                wanted.target = i64(order.number)
            else:
                wanted.target = _number(wanted, FIELD_ORDER, order, 1, LARGEST)
            wanted.why = _text(wanted, FIELD_WHY, intent.why, LONGEST_WHY)
        elif isinstance(intent, CancelAll):
            wanted.what = CANCEL_ALL
            if intent.instrument is not None:
                self._find(wanted, intent.instrument)
            wanted.why = _text(wanted, FIELD_WHY, intent.why, LONGEST_WHY)
        elif isinstance(intent, Flatten):
            wanted.what = FLATTEN
            self._find(wanted, intent.instrument)
            wanted.why = _text(wanted, FIELD_WHY, intent.why, LONGEST_WHY)
        elif isinstance(intent, (Split, Merge)):
            wanted.what = SPLIT if isinstance(intent, Split) else MERGE
            self._find(wanted, intent.instrument)
            wanted.lots = _number(wanted, FIELD_LOTS, intent.lots, 1, LARGEST)
            wanted.why = _text(wanted, FIELD_WHY, intent.why, LONGEST_WHY)
        elif isinstance(intent, SetTimer):
            wanted.what = SET_TIMER
            _timer(intent, wanted, now_ns)
        elif isinstance(intent, CancelTimer):
            wanted.what = CANCEL_TIMER
            wanted.tag = _text(wanted, FIELD_TAG, intent.tag, LONGEST_TAG)
        else:
            wanted.spoiled(FIELD_KIND)
        return wanted

    def _find(self, wanted: Wanted, named: object) -> None:
        if named is self._last_key and self._last is not None:
            wanted.instrument = self._last
            return
        if isinstance(named, str):
            wanted.instrument = self._by_key.get(named)
            if wanted.instrument is not None:
                self._last_key = named
                self._last = wanted.instrument
        elif isinstance(named, int) and not isinstance(named, bool) and 0 <= named < len(self._instruments):
            wanted.instrument = self._instruments[named]
        if wanted.instrument is None:
            wanted.spoiled(FIELD_INSTRUMENT)

    def _place(self, intent: Place, wanted: Wanted) -> None:
        self._find(wanted, intent.instrument)
        wanted.side = _number(wanted, FIELD_SIDE, intent.side, BUY, SELL)
        wanted.price_ticks = _number(wanted, FIELD_PRICE, intent.price_ticks, -LARGEST, LARGEST)
        wanted.lots = _number(wanted, FIELD_LOTS, intent.lots, 1, LARGEST)
        tif = intent.tif
        if tif is _GTC:
            wanted.tif = TIF_GTC
        elif isinstance(tif, str):
            wanted.tif = tif_number(tif)
        if wanted.tif == 0:
            wanted.spoiled(FIELD_TIF)
        if _flag(wanted, FIELD_POST_ONLY, intent.post_only):
            wanted.flags |= FLAG_POST_ONLY
        if _flag(wanted, FIELD_REDUCE_ONLY, intent.reduce_only):
            wanted.flags |= FLAG_REDUCE_ONLY
        if intent.ttl_ns is not None:
            wanted.ttl_ns = _number(wanted, FIELD_TTL, intent.ttl_ns, 1, LARGEST)
        if intent.detail is not None:
            _explain(intent.detail, wanted)


def _explain(detail: Detail, wanted: Wanted) -> None:
    wanted.group = _text(wanted, FIELD_GROUP, detail.group, LONGEST_TAG)
    wanted.legs = _number(wanted, FIELD_LEGS, detail.legs, 1, MOST_LEGS)
    wanted.leg = _number(wanted, FIELD_LEG, detail.leg, 0, wanted.legs - 1)
    wanted.expected_value = _money(wanted, FIELD_VALUE, detail.expected_value)
    wanted.confidence = _number(wanted, FIELD_CONFIDENCE, detail.confidence, 0, 1_000_000)
    wanted.risk_cost = _money(wanted, FIELD_RISK_COST, detail.risk_cost)
    wanted.tags = _tags(wanted, detail.tags)
    wanted.why = _text(wanted, FIELD_WHY, detail.why, LONGEST_WHY)


def _timer(intent: SetTimer, wanted: Wanted, now_ns: i64) -> None:
    wanted.tag = _text(wanted, FIELD_TAG, intent.tag, LONGEST_TAG)
    wanted.every_ns = _number(wanted, FIELD_EVERY, intent.every_ns, 0, LARGEST)
    at, after = intent.at_ns, intent.after_ns
    if at is not None and after is None:
        wanted.due_ns = _number(wanted, FIELD_DUE, at, 0, 4 * LARGEST)
    elif after is not None and at is None:
        wanted.due_ns = now_ns + _number(wanted, FIELD_DUE, after, 0, LARGEST)
    else:
        wanted.spoiled(FIELD_DUE)


def _number(wanted: Wanted, field: i64, value: object, low: i64, high: i64) -> i64:
    """*value* if it is an int in [low, high]; otherwise *low*, and the field is bad. A bool is no number."""
    if isinstance(value, int) and not isinstance(value, bool):
        if -_SHORT < value < _SHORT:
            number = i64(value)
            if low <= number <= high:
                return number
        elif int(low) <= value <= int(high):
            return i64(value)
    wanted.spoiled(field)
    return low


def _money(wanted: Wanted, field: i64, value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() <= 126:
        return int(value)
    wanted.spoiled(field)
    return 0


def _flag(wanted: Wanted, field: i64, value: object) -> bool:
    if isinstance(value, bool):
        return value
    wanted.spoiled(field)
    return False


def _text(wanted: Wanted, field: i64, value: object, longest: i64) -> str:
    """*value* if it is a text of at most *longest* characters that UTF-8 can spell; else "", and the field is bad."""
    if isinstance(value, str) and i64(len(value)) <= longest:
        if len(value) == 0:
            return ""
        if value.isascii() or _encodable(value):
            return value
    wanted.spoiled(field)
    return ""


def _encodable(text: str) -> bool:
    """Whether no half of a surrogate pair stands alone in it."""
    return not any(0xD800 <= ord(character) <= 0xDFFF for character in text)


def _tags(wanted: Wanted, value: object) -> tuple[str, ...]:
    if not isinstance(value, tuple) or i64(len(value)) > MOST_TAGS:
        wanted.spoiled(FIELD_TAGS)
        return ()
    if len(value) == 0:
        return ()
    return tuple([_text(wanted, FIELD_TAGS, tag, LONGEST_TAG) for tag in value])
