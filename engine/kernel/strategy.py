"""
The contract between a strategy and the kernel: what it may want, and why it is woken.

A strategy is any object with `decide(view, wake)`, which yields intents. It is duck-typed: a compiled class must never
be subclassed by code compiled elsewhere, so `Strategy` is a protocol for type checkers and nothing at run time. Intents
take their values unchecked, because a compiled and an interpreted kernel must treat a wrong type alike: admission
answers it with a refusal that names the field.
"""

from collections.abc import Iterable
from typing import Any, Final, Protocol, final

from mypy_extensions import i64, mypyc_attr

from engine.kernel import units
from engine.kernel.market import WAKE_ORDER, Instrument, Market
from engine.kernel.order import Order, OwnOrder

BUY: Final = 0
SELL: Final = 1
assert BUY == units.BUY
assert SELL == units.SELL

# Tiers of the arbiter: the lower number wins a market that two strategies want.
BOX_ARBITRAGE: Final = 1
EVENT_ARBITRAGE: Final = 2
MARKET_MAKING: Final = 3
DIRECTIONAL: Final = 4

GTC: Final = "GTC"
"""Rests until cancelled."""
GTD: Final = "GTD"
"""Rests until `ttl_ns` after the decision."""
FOK: Final = "FOK"
"""Fills whole at once, or not at all."""
FAK: Final = "FAK"
"""Fills what it can at once; the rest is cancelled."""


# What a `Place` is given where nothing is: compared by identity, which says yes only where equality would.
_NO_TEXT: Final[object] = ""
_NO_TAGS: Final[object] = ()
_ZERO: Final[object] = 0
_ONE: Final[object] = 1


@final
@mypyc_attr(acyclic=True)
class Detail:
    """What a `Place` says of its group and its reasons, where it says anything of them."""

    def __init__(
        self,
        group: object,
        leg: object,
        legs: object,
        expected_value: object,
        confidence: object,
        risk_cost: object,
        tags: object,
        why: object,
    ) -> None:
        self.group: Final = group
        self.leg: Final = leg
        self.legs: Final = legs
        self.expected_value: Final = expected_value
        self.confidence: Final = confidence
        self.risk_cost: Final = risk_cost
        self.tags: Final = tags
        self.why: Final = why


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Place:
    """
    Send one limit order.

    *instrument* is a key ("polymarket:TOKEN") or a number, *price_ticks* and *lots* are ints in that instrument's own
    grid. *ttl_ns* ends a GTD order. Orders of one *group* (a text of the strategy's choosing, unique in its run) are
    admitted all or not at all: each states its *leg* (from 0) and the number of *legs*. *expected_value* and
    *risk_cost* are ints in the settlement currency's money units, *confidence* in parts per million; with *tags* and
    *why* they only explain.
    """

    def __init__(
        self,
        instrument: object,
        side: object,
        price_ticks: object,
        lots: object,
        *,
        post_only: object = False,  # first, since it is given most: a call from Python pays for each one before it
        tif: object = GTC,
        reduce_only: object = False,
        ttl_ns: object = None,
        group: object = "",
        leg: object = 0,
        legs: object = 1,
        expected_value: object = 0,
        confidence: object = 0,
        risk_cost: object = 0,
        tags: object = (),
        why: object = "",
    ) -> None:
        self.instrument: Final = instrument
        self.side: Final = side
        self.price_ticks: Final = price_ticks
        self.lots: Final = lots
        self.tif: Final = tif
        self.post_only: Final = post_only
        self.reduce_only: Final = reduce_only
        self.ttl_ns: Final = ttl_ns
        detail: Detail | None = None  # most orders have none, and are made and forgotten the quicker for it
        if not (
            why is _NO_TEXT
            and group is _NO_TEXT
            and legs is _ONE
            and leg is _ZERO
            and expected_value is _ZERO
            and confidence is _ZERO
            and risk_cost is _ZERO
            and tags is _NO_TAGS
        ):
            detail = Detail(group, leg, legs, expected_value, confidence, risk_cost, tags, why)
        self.detail: Final[Detail | None] = detail

    @property
    def group(self) -> object:
        """Its group, "" for none."""
        return "" if self.detail is None else self.detail.group

    @property
    def leg(self) -> object:
        """Its place in the group."""
        return 0 if self.detail is None else self.detail.leg

    @property
    def legs(self) -> object:
        """The orders of the group."""
        return 1 if self.detail is None else self.detail.legs

    @property
    def expected_value(self) -> object:
        """What it is thought to bring."""
        return 0 if self.detail is None else self.detail.expected_value

    @property
    def confidence(self) -> object:
        """How sure of that the strategy is."""
        return 0 if self.detail is None else self.detail.confidence

    @property
    def risk_cost(self) -> object:
        """What its risk is thought to cost."""
        return 0 if self.detail is None else self.detail.risk_cost

    @property
    def tags(self) -> object:
        """Words of the strategy's own."""
        return () if self.detail is None else self.detail.tags

    @property
    def why(self) -> object:
        """A sentence for people."""
        return "" if self.detail is None else self.detail.why


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Cancel:
    """Cancel one order: an `OwnOrder` of the view, or its request's number. Any strategy may cancel any order."""

    def __init__(self, order: object, *, why: object = "") -> None:
        self.order: Final = order
        self.why: Final = why


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class CancelAll:
    """Cancel every working order on *instrument* and its complement, or with None every order of this strategy."""

    def __init__(self, instrument: object = None, *, why: object = "") -> None:
        self.instrument: Final = instrument
        self.why: Final = why


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Flatten:
    """Cancel every working order of *instrument*'s market and sell (or buy back) its position at the touch, at once."""

    def __init__(self, instrument: object, *, why: object = "") -> None:
        self.instrument: Final = instrument
        self.why: Final = why


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Split:
    """
    Lock one unit of currency for each of *lots* complete sets of *instrument*'s market: lots of every outcome.

    The venue answers seconds later, with a `Change` of SETS_CONVERTED or SETS_REFUSED whose *order* is an `OwnSets`.
    One conversion of a market may be under way at a time.
    """

    def __init__(self, instrument: object, lots: object, *, why: object = "") -> None:
        self.instrument: Final = instrument
        self.lots: Final = lots
        self.why: Final = why


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Merge:
    """Give *lots* of every outcome of *instrument*'s market back for one unit of currency each; see `Split`."""

    def __init__(self, instrument: object, lots: object, *, why: object = "") -> None:
        self.instrument: Final = instrument
        self.lots: Final = lots
        self.why: Final = why


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class SetTimer:
    """
    Wake me at *at_ns*, or *after_ns* from now; *every_ns* > 0 repeats it from there without another intent.

    *tag* names it: a strategy has one timer of a tag, and setting it again replaces it.
    """

    def __init__(self, tag: object, *, at_ns: object = None, after_ns: object = None, every_ns: object = 0) -> None:
        self.tag: Final = tag
        self.at_ns: Final = at_ns
        self.after_ns: Final = after_ns
        self.every_ns: Final = every_ns


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class CancelTimer:
    """Forget the timer *tag*."""

    def __init__(self, tag: object) -> None:
        self.tag: Final = tag


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Change:
    """
    Something happened to one of the strategy's own orders.

    *what* is the event's number in `events` (ORDER_ACKED, ORDER_FILLED, ...), *order* its `OwnOrder`; *price_ticks* and
    *lots* belong to a fill, as asked, and are 0 otherwise. Of SETS_CONVERTED and SETS_REFUSED *order* is an `OwnSets`.
    """

    def __init__(self, what: i64, order: object, price_ticks: i64, lots: i64) -> None:
        self.what: Final[i64] = what
        self.price_ticks: Final[i64] = price_ticks
        self.lots: Final[i64] = lots
        self._order: Final[object] = order

    @property
    def order(self) -> Any:
        """The order, as the strategy sees it."""
        order = self._order
        return OwnOrder(order) if isinstance(order, Order) else order


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Wake:
    """
    Why the strategy is called: markets with their reason bits (`market.WAKE_*`), its timers, its orders' changes.

    The market of an order that changed is among them without being listed: that is worked out for whoever asks.
    """

    def __init__(
        self,
        seq: i64,
        markets: list[Market],
        bits: list[int],
        timers: tuple[str, ...],
        changes: tuple[Change, ...],
        instruments: list[Instrument],
        by_key: dict[str, Instrument],
    ) -> None:
        self.seq: Final[i64] = seq
        """The sequence number of the input that woke it: a draw's key (`rng`), and the order's cause."""
        self.timers: Final[tuple[str, ...]] = timers
        self.changes: Final[tuple[Change, ...]] = changes
        self._markets: Final[list[Market]] = markets
        self._bits: Final[list[int]] = bits
        self._instruments: Final[list[Instrument]] = instruments
        self._by_key: Final[dict[str, Instrument]] = by_key

    def reasons(self, instrument: str) -> int:
        """The reason bits of that instrument's market, 0 if it did not move."""
        found = self._by_key.get(instrument)
        bits: i64 = 0
        if found is not None:
            for at, market in enumerate(self._markets):
                if market is found.market:
                    bits |= i64(self._bits[at])
            for change in self.changes:
                if self._by_key[change.order.instrument].market is found.market:
                    bits |= WAKE_ORDER
        return int(bits)

    @property
    def instruments(self) -> tuple[str, ...]:
        """Keys of the instruments whose markets moved, in order of listing within each market."""
        keys: list[str] = []
        markets = list(self._markets)
        for change in self.changes:
            market = self._by_key[change.order.instrument].market
            if market not in markets:
                markets.append(market)
        for market in markets:
            for leg in range(len(market.listing.symbols)):
                keys.append(self._instruments[market.first_instrument + leg].key)
        return tuple(keys)


class CompiledStrategy:
    """
    A strategy that is compiled with the kernel: it is called as one function calls another.

    Nothing compiled elsewhere may derive from it, since that would be laid out for another kernel.
    """

    def decide(self, view: Any, wake: Wake) -> list[object]:
        """See `Strategy.decide`."""
        return []


class Strategy(Protocol):
    """What the kernel asks of a strategy. `memory`, `instruments` and `wants` are optional attributes."""

    def decide(self, view: Any, wake: Wake) -> Iterable[object]:
        """Yield Place, Cancel, CancelAll, Flatten, Split, Merge, SetTimer and CancelTimer intents."""
        ...
