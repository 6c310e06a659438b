"""
A strategy's mistakes, as a person reads them: what it wanted, where in its file, at which record, and what to do.

A *fault* is an exception: it mutes the strategy. A *refusal* is an intent that admission did not let through; the first
of each strategy and code is told in full, the others are counted.
"""

import re
from typing import Any

from attrs import asdict, frozen

from engine.kernel import codes
from engine.kernel.derived import WHAT_NAMES
from engine.kernel.intents import FIELD_INSTRUMENT, FIELD_NAMES
from engine.kernel.market import Instrument
from engine.kernel.policy import TIF_NAMES
from engine.kernel.units import BUY, decimal_text
from journal.show import utc

_FRAME = re.compile(r'^  File "<strategy [^"]*>", line (\d+), in (\S+)$', re.MULTILINE)
_ERROR = re.compile(r"^\S.*", re.MULTILINE)


@frozen
class Place:
    """
    Where in a run something happened: record *seq* of the run, after record *base_seq* of the journal it stands on (0
    before the first), at *time* (UTC).
    """

    seq: int
    base_seq: int
    time: str


@frozen
class Fault:
    """An exception of a strategy. *line* counts in *file* from 1; both are unknown where it happened elsewhere."""

    strategy: str
    seq: int
    base_seq: int
    time: str
    error: str
    file: str
    line: int | None
    code: str
    """The text of that line."""
    traceback: str

    def text(self) -> str:
        """One sentence, and where."""
        where = "" if self.line is None else f"\n  {self.file}, line {self.line}: {self.code}"
        at = f"at record {self.seq:,} ({_after(self.base_seq)}, {self.time})"
        return f"strategy {self.strategy!r} raised {self.error}\n  {at}; it is muted from there on{where}"


@frozen
class Refusal:
    """Intents of one strategy that were refused for one reason: *count* of them, of which the first is told."""

    strategy: str
    code: str
    count: int
    seq: int
    base_seq: int
    time: str
    wanted: str
    file: str
    line: int | None
    why: str
    """What was wrong with it."""
    instead: str
    """What to do."""

    def text(self) -> str:
        """One paragraph."""
        where = f" by {self.file}, line {self.line}" if self.line else ""
        counted = "1 intent" if self.count == 1 else f"{self.count:,} intents"
        return (
            f"{self.code} refused {counted} of strategy {self.strategy!r}, the first at record {self.seq:,} "
            f"({_after(self.base_seq)}, {self.time}){where}:\n  {self.wanted}\n  {self.why}; {self.instead}"
        )


def _after(base_seq: int) -> str:
    return f"after record {base_seq:,} of the base" if base_seq else "before the base begins"


def as_fields(one: Fault | Refusal) -> dict[str, Any]:
    """Its members, for a document."""
    return asdict(one)


# -- faults ------------------------------------------------------------------------------------------------------------


def fault(text: str, strategy: str, place: Place, source: str, file: str) -> Fault:
    """
    The fault that *text* tells: the kernel's "NAME: TRACEBACK".

    *source* is the text of the strategy that ran, *file* what to call it.
    """
    traceback = text.partition(": ")[2]
    frames = _FRAME.findall(traceback)
    error = _ERROR.search(traceback, max(0, traceback.rfind('\n  File "')))
    line = int(frames[-1][0]) if frames else None
    lines = source.splitlines()
    code = lines[line - 1].strip() if line is not None and line <= len(lines) else ""
    said = "an exception" if error is None else error[0].removeprefix("replay.guard.")
    return Fault(strategy, place.seq, place.base_seq, place.time, said, file, line, code, traceback)


def place_of(seq: int, base_seq: int, recv_ns: int) -> Place:
    """Where that is, with its time as people read it."""
    return Place(seq, base_seq, utc(recv_ns))


# -- refusals ----------------------------------------------------------------------------------------------------------

_INSTEAD = {
    "INTENT_MALFORMED": "correct that argument",
    "UNKNOWN_INSTRUMENT": "take keys from wake.instruments or view.instruments; the market data decides what is listed",
    "NOT_PERMITTED": "see the policy's settlements, rules and tifs; `--set policy=simulation` allows nearly everything",
    "OFF_GRID": "count in ticks of view.market(key).tick, and take prices from the book",
    "OUT_OF_BAND": "keep to prices between 1 tick and whole_ticks - 1, and within the policy's band",
    "SIZE_ABOVE_MAX": "ask for less, or raise max_order_notional in the policy",
    "SIZE_BELOW_MIN": "ask for more: the venue takes no smaller order",
    "NOT_REDUCING": "look at position_lots before a reduce-only order",
    "NOT_OWNER": "let one strategy trade a market, or give this one a stronger tier",
    "MODE_FORBIDS": "look at view.mode; find in the journal what lowered it (engine journal cat --kind MODE)",
    "GATE_CLOSED": "look at market.valid before you place; gates open again by themselves",
    "TTL_INVALID": "give ttl_ns with tif GTD and with no other",
    "BOOK_INVALID": "look at market.valid before you place",
    "STALE_DATA": "look at market.venue_ns, or raise data.max_age_ms in the policy",
    "FEE_STALE": "import the journal with a catalogue that states fees, or place post-only",
    "WOULD_CROSS": "price a post-only bid below best_ask and an offer above best_bid",
    "SELF_CROSS": "cancel your own order first",
    "ORDER_RATE": "place fewer orders, or raise orders.max_open and orders.max_per_minute in the policy",
    "ORDER_TO_TRADE": "move quotes less often, or raise orders.order_to_trade in the policy",
    "RESTING": "let orders rest before you cancel them, as long as orders.min_resting_ms of the policy says",
    "STRAT_FAULT": "mend the exception of that call",
    "NOT_COVERED": "split no more than there is cash for, and merge no more sets than are held",
    "GROUP_FAILED": "see why the other leg was refused",
    "NO_SUCH_ORDER": "cancel only what own_orders still lists",
    "DUP_BLOCKED": "look at order.cancelling before you cancel",
    "MARKET_CLOSED": "look at market.status before you place",
    "VENUE_MAINT": "look at market.status before you place",
    "RISK_LIMIT": "look at position_lots, or raise the limit in the policy",
    "QUEUE_FULL": "cancel timers that you no longer need",
}
_LIMITS = ("", "lots of the instrument", "the market", "the event", "the strategy", "the account")
_NEEDS = {
    "kind": "Place, Cancel, CancelAll, Flatten, SetTimer or CancelTimer",
    "side": "BUY or SELL",
    "price_ticks": "a whole number of ticks",
    "lots": "a whole number of lots, at least 1",
    "tif": "GTC, GTD, FOK or FAK",
    "post_only": "True or False",
    "reduce_only": "True or False",
    "ttl_ns": "a whole number of nanoseconds, at least 1",
    "order": "an order of own_orders, or its number",
    "due": "at_ns or after_ns, and not both, a whole number of nanoseconds",
    "every_ns": "a whole number of nanoseconds",
    "tags": "a tuple of texts",
    "why": "a text of at most 1,024 characters",
}


@frozen
class Asked:
    """
    An intent as the journal has it, its instrument's tick and lot at that time, and, where it is known, the object that
    the strategy yielded.
    """

    fields: dict[str, Any]
    instrument: Instrument | None
    grid: tuple[int, int] = (0, 0)
    yielded: object | None = None

    @property
    def tick_text(self) -> str:
        """The tick as a decimal of the price."""
        assert self.instrument is not None
        return decimal_text(self.grid[0], self.instrument.market.listing.price_exponent)


def wanted(asked: Asked) -> str:
    """What was wanted, with prices and sizes in the venue's decimals too."""
    fields, instrument = asked.fields, asked.instrument
    what = WHAT_NAMES[fields["what"]] if fields["what"] < len(WHAT_NAMES) else "?"
    if asked.yielded is not None and what in ("?", "PLACE") and (instrument is None or _is_odd(asked.yielded)):
        return _as_yielded(asked.yielded)
    named = "" if instrument is None else f" {instrument.key}"
    if what != "PLACE" or instrument is None:
        target = f" order {fields['target']}" if fields["target"] else ""
        tag = f" {fields['tag']!r}" if fields["tag"] else ""
        return f"{what}{target}{tag}{named}"
    listing = instrument.market.listing
    price = decimal_text(fields["price_ticks"] * asked.grid[0], listing.price_exponent)
    size = decimal_text(fields["lots"] * asked.grid[1], listing.size_exponent)
    side = "BUY" if fields["side"] == BUY else "SELL"
    return (
        f"{side} {size} at {price} ({fields['price_ticks']} ticks of {asked.tick_text}), "
        f"{TIF_NAMES[fields['tif']] or 'no tif'},{named}"
    )


def _is_odd(yielded: object) -> bool:
    """Whether a value of it is none that the journal could show."""
    odd = any(type(getattr(yielded, name, 0)) is not int for name in ("price_ticks", "lots", "side"))
    return odd or getattr(yielded, "tif", "GTC") not in TIF_NAMES


def _as_yielded(yielded: object) -> str:
    names = ("instrument", "side", "price_ticks", "lots")
    if all(hasattr(yielded, name) for name in names):
        others = [
            name for name in ("tif", "post_only", "reduce_only") if getattr(yielded, name, None) not in ("GTC", False)
        ]
        return f"Place({', '.join(f'{name}={getattr(yielded, name)!r}' for name in (*names, *others))})"[:300]
    return f"{type(yielded).__name__} {yielded!r}"[:300]


def explained(verdict: dict[str, Any], asked: Asked) -> tuple[str, str]:
    """(what was wrong, what to do) of a refused intent; *verdict* holds the VERDICT's fields."""
    name, detail = codes.name(verdict["code"]), verdict["detail"]
    instead = _INSTEAD.get(name, "see the reason codes")
    if name == "INTENT_MALFORMED" and 0 < detail < len(FIELD_NAMES):
        argument = FIELD_NAMES[detail]
        value = getattr(asked.yielded, argument, None) if argument != "kind" else asked.yielded
        given = "" if asked.yielded is None else f", not {value!r}"[:200]
        must = f"{argument} must be {_NEEDS.get(argument, 'of the type and range that the strategy contract says')}"
        if argument == "price_ticks" and asked.instrument is not None:
            instead = f"prices are counted in ticks, here of {asked.tick_text}: market.best_bid + 1, divided with //"
        return must + given, instead
    if name == "UNKNOWN_INSTRUMENT" or detail == FIELD_INSTRUMENT == verdict["check"]:
        key = getattr(asked.yielded, "instrument", None)
        return f"no catalogue lists {'that instrument' if key is None else repr(key)}", instead
    if name == "RISK_LIMIT" and 0 < detail < len(_LIMITS):
        return f"it would exceed the limit on {_LIMITS[detail]}", instead
    if name == "GATE_CLOSED":
        return f"the gate {codes.name(detail)} is closed", instead
    return _PLAIN.get(name, "admission refused it"), instead


_PLAIN = {
    "NOT_PERMITTED": "the policy does not allow it",
    "OFF_GRID": "the price is no step of the instrument's grid",
    "OUT_OF_BAND": "the price is outside of what the venue can express, or of the policy's band",
    "SIZE_ABOVE_MAX": "it is larger than the policy lets one order be",
    "SIZE_BELOW_MIN": "it is smaller than the venue's least order",
    "NOT_REDUCING": "it is reduce-only and would not reduce",
    "NOT_OWNER": "another strategy owns that market",
    "MODE_FORBIDS": "the mode allows no such order",
    "TTL_INVALID": "its time to live does not fit its time in force",
    "BOOK_INVALID": "the book may not be traded on: a change was lost, or it contradicts itself",
    "STALE_DATA": "the book's last change is older than the policy allows",
    "FEE_STALE": "it may take, and nothing says what that costs",
    "WOULD_CROSS": "it is post-only and would trade at once",
    "SELF_CROSS": "it would meet an order of our own",
    "ORDER_RATE": "too many orders are open, or were placed within a minute",
    "ORDER_TO_TRADE": "too many orders and cancels were sent for the fills there were",
    "RESTING": "it has not rested as long as the policy demands",
    "STRAT_FAULT": "it was yielded in the call in which the strategy failed",
    "NOT_COVERED": "there is less cash, or there are fewer complete sets, than it takes",
    "GROUP_FAILED": "another leg of its group was refused, or the group is not whole",
    "NO_SUCH_ORDER": "there is no such open order",
    "DUP_BLOCKED": "a cancel of it is on its way",
    "MARKET_CLOSED": "the market does not trade",
    "VENUE_MAINT": "the venue takes no such orders now",
    "QUEUE_FULL": "it has as many timers as a strategy may have",
}
