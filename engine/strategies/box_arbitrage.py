"""
The box: one lot of each outcome pays one, whoever wins; so buy both for less than one, fees included.

`box.box` says which two orders do that now, from the touches alone. The class here states them as the legs of a group,
which the kernel carries to its end (`engine.kernel.groups`), calls back what rests too long, and merges what is whole.
What it can and cannot do on one mirrored book, docs/explanation/box-arbitrage.md says.
"""

from collections.abc import Iterator
from typing import Any, ClassVar

from attrs import define, evolve, field, frozen
from attrs.validators import deep_iterable, ge, in_, le, min_len

from engine.kernel.events import (
    ORDER_CANCELLED,
    ORDER_FILLED,
    ORDER_REFUSED,
    ORDER_REJECTED,
    SETS_CONVERTED,
    SETS_REFUSED,
)
from engine.kernel.market import WAKE_BOOK, WAKE_ORDER, WAKE_REGIME, WAKE_STATUS, WAKE_TIMER, WAKE_TOUCH
from engine.kernel.strategy import BUY, FOK, GTD, Cancel, Merge, Place, SetTimer
from engine.strategies.box import BASIS, MIXED, REST, TAKE, Box, Limits, Side, box, most_cost
from engine.strategies.complete_sets import idle_sets

MERGE = "merge"
HOLD = "hold"

MS = 1_000_000


@frozen
class Started:
    """A group we asked for: of what, when, how unlike the positions were, its style, and whether any of it filled."""

    keys: tuple[str, str]
    at_ns: int
    unlike: int
    style: str
    filled: bool = False


@define
class BoxArbitrage:
    """
    Box arbitrage on both outcomes of every binary market it hears of, or on the *pairs* named.

    A pair of instruments of two markets is one where exactly one of both pays: such sets cannot be merged and are held.
    No leg is bought below *least_leg_bps* of one. At most *most_lots* of either leg are held, and *most_groups* pairs
    are under way at a time, one group each. A leg that rests ends after *ttl_ms*; once a part of the pair has filled it
    is called back after *patience_ms*, and the kernel takes the rest at the touch. While nothing has filled, legs
    further than *follow_ticks* behind their touch are called back as well, though not in their first *rest_ms*. A pair
    is left alone for *cool_ms* after a group that did not fill whole, and two groups of one pair begin at least
    *every_ms* apart.
    """

    wants: ClassVar[int] = int(WAKE_TOUCH | WAKE_BOOK | WAKE_STATUS | WAKE_ORDER | WAKE_TIMER | WAKE_REGIME)

    lots: int = field(validator=ge(1))
    most_lots: int = field(validator=ge(1))
    buffer_bps: int = field(default=100, validator=[ge(0), le(BASIS)])
    styles: tuple[str, ...] = field(
        default=(TAKE, MIXED, REST), validator=[min_len(1), deep_iterable(in_((TAKE, MIXED, REST)))]
    )
    pairs: tuple[tuple[str, str], ...] = ()
    least_leg_bps: int = field(default=1_000, validator=[ge(0), le(BASIS)])
    improve_ticks: int = field(default=0, validator=ge(0))
    step_back_ticks: int = field(default=0, validator=ge(0))
    follow_ticks: int = field(default=0, validator=ge(0))
    ttl_ms: int = field(default=30_000, validator=ge(1))
    rest_ms: int = field(default=250, validator=ge(0))
    patience_ms: int = field(default=15_000, validator=ge(1))
    cool_ms: int = field(default=10_000, validator=ge(0))
    every_ms: int = field(default=1_000, validator=ge(0))
    most_groups: int = field(default=16, validator=[ge(1), le(32)])
    completed: str = field(default=MERGE, validator=in_((MERGE, HOLD)))
    merge_every_ms: int = field(default=10_000, validator=ge(0))
    memory: dict[str, dict[str, Any]] = field(init=False)

    @memory.default
    def _no_memory(self) -> dict[str, dict[str, Any]]:
        return {"started": {}, "not before": {}, "no merge before": {}}

    def decide(self, view: Any, wake: Any) -> Iterator[object]:
        """Hear what became of our orders, then look at every pair that moved."""
        mine = _by_instrument(view)
        for sides in self._woken(view, wake):
            pair = _name(*sides)
            orders = [*mine.get(sides[0].key, ()), *mine.get(sides[1].key, ())]
            yield from self._hear(view, wake, pair, sides, orders)
            if pair in wake.timers:
                yield from self._call_back(pair, orders)
            elif not self._under_way(pair, sides, orders):
                yield from self._begin(view, pair, sides, self._busy(view, mine))
            else:
                yield from self._follow(view, pair, sides, orders)
        if self.completed == MERGE:
            yield from self._merge(view, wake)

    def _woken(self, view: Any, wake: Any) -> list[tuple[Any, Any]]:
        """Both instruments of each pair that moved, or whose timer fell due."""
        moved = wake.instruments
        if self.pairs:
            known = [
                (view.market(one), view.market(two)) for one, two in self.pairs if view.listed(one) and view.listed(two)
            ]
            return [(a, b) for a, b in known if a.key in moved or b.key in moved or _name(a, b) in wake.timers]
        found = [view.market(int(tag.partition("+")[0])) for tag in wake.timers]
        firsts = [market for market in found if market.key not in moved]
        for key in moved:
            if _first_of(view, key) == key and view.market(key).complement is not None:
                firsts.append(view.market(key))
        return [(market, view.market(market.complement)) for market in firsts]

    # -- a group under way -----------------------------------------------------------------------------------------

    def _hear(self, view: Any, wake: Any, pair: str, sides: Any, orders: list[Any]) -> Iterator[object]:
        """Note fills and failures of this pair's orders; the first fill winds the clock of the other leg."""
        started = self.memory["started"].get(pair)
        for change in wake.changes:
            if started is None or change.order.instrument not in started.keys:
                continue
            if change.what == ORDER_FILLED:
                if not started.filled and orders:
                    yield SetTimer(pair, after_ns=self.patience_ms * MS)
                started = evolve(started, filled=True)
                self.memory["started"][pair] = started
            short = change.what == ORDER_CANCELLED and (started.filled or started.style != REST)
            if change.what in (ORDER_REJECTED, ORDER_REFUSED) or short:
                self._wait(pair, view.now_ns + self.cool_ms * MS)

    def _wait(self, pair: str, until_ns: int) -> None:
        before = self.memory["not before"]
        before[pair] = max(until_ns, before.get(pair, 0))

    def _under_way(self, pair: str, sides: Any, orders: list[Any]) -> bool:
        """Whether a group of this pair has not come to its end; one that has is forgotten."""
        if orders:
            return True
        started = self.memory["started"].get(pair)
        if started is None:
            return False
        if started.filled and abs(unlike(sides) - started.unlike) >= max(one.least_lots for one in sides):
            return True  # a rescue or an unwinding is between two orders
        del self.memory["started"][pair]
        return False

    def _call_back(self, pair: str, orders: list[Any]) -> Iterator[object]:
        """Patience is over: what still rests of a pair that filled in part is cancelled, and the kernel rescues it."""
        started = self.memory["started"].get(pair)
        if started is not None and started.filled:
            yield from (Cancel(order, why="the other leg filled") for order in orders if not order.cancelling)

    def _follow(self, view: Any, pair: str, sides: Any, orders: list[Any]) -> Iterator[object]:
        """Legs that rest and have not filled at all are called back where they would not be sent today."""
        started = self.memory["started"].get(pair)
        if (
            started is None
            or started.filled
            or started.style == TAKE
            or view.now_ns < started.at_ns + self.rest_ms * MS
        ):
            return
        why = self._objection(view, sides, orders)
        if why:
            yield from (Cancel(order, why=why) for order in orders if not order.cancelling)

    def _objection(self, view: Any, sides: Any, orders: list[Any]) -> str:
        """What speaks against orders that rest, "" for nothing."""
        if not _open(view, sides) or any(_pulled(side) for side in sides):
            return "the market is not fit to quote in"
        total = 0
        for order in orders:
            side = sides[0] if order.instrument == sides[0].key else sides[1]
            total += order.price_ticks * side.tick
            best = side.best_bid
            if best is not None and best - order.price_ticks > self.follow_ticks + self.step_back_ticks:
                return "the touch moved"
        first = side_of(sides[0])
        tick = max(side.tick for side in sides)
        wider = max(_wider(side) for side in sides)
        if total * first.lot >= most_cost(first, 1, self.buffer_bps, wider, tick):
            return "the buffer widened"
        return ""

    # -- a new one -------------------------------------------------------------------------------------------------

    def _busy(self, view: Any, mine: dict[str, list[Any]]) -> int:
        """How many pairs have orders out, those included that we ask for at this very input."""
        started = self.memory["started"].values()
        return sum(one.at_ns == view.now_ns or any(key in mine for key in one.keys) for one in started)

    def _begin(self, view: Any, pair: str, sides: Any, busy: int) -> Iterator[object]:
        """Ask for a box, where there is one and nothing speaks against it."""
        if view.now_ns < self.memory["not before"].get(pair, 0) or busy >= self.most_groups:
            return
        if not _open(view, sides) or not all(view.may_place(side.key) for side in sides):
            return
        limits = self.limits(self.most_lots - max(held(sides)), any(_pulled(side) for side in sides))
        if limits is None:
            return
        wider = max(_wider(side) for side in sides)
        found = box((side_of(sides[0]), side_of(sides[1])), limits, wider)
        if found is None:
            return
        self.memory["started"][pair] = Started((sides[0].key, sides[1].key), view.now_ns, unlike(sides), found.style)
        self._wait(pair, view.now_ns + self.every_ms * MS)
        yield from self._placed(found, sides, f"{pair}@{view.draw_key}")

    def limits(self, room_lots: int, quotes_pulled: bool) -> Limits | None:
        """What a box may be now; None where there is no room, or only quotes are wanted and none may rest."""
        styles = tuple(style for style in self.styles if style == TAKE) if quotes_pulled else self.styles
        if room_lots < 1 or not styles:
            return None
        lots = min(self.lots, room_lots)
        return Limits(lots, self.buffer_bps, styles, self.improve_ticks, self.step_back_ticks, self.least_leg_bps)

    def _placed(self, found: Box, sides: Any, group: str) -> Iterator[Place]:
        """The legs of *found*: what takes fills whole or not at all, what rests never takes."""
        for at, (leg, side) in enumerate(zip(found.legs, sides, strict=True)):
            yield Place(
                side.key,
                BUY,
                leg.price_ticks,
                found.lots,
                tif=FOK if leg.takes else GTD,
                post_only=not leg.takes,
                ttl_ns=None if leg.takes else self.ttl_ms * MS,
                group=group,
                leg=at,
                legs=2,
                expected_value=found.worth - found.cost,
                tags=("box", found.style),
                why="the pair costs less than it pays",
            )

    # -- whole pairs -----------------------------------------------------------------------------------------------

    def _merge(self, view: Any, wake: Any) -> Iterator[Merge]:
        """Give back what is settled of both outcomes of a market, if it is as much as the venue's least order."""
        before = self.memory["no merge before"]
        for change in wake.changes:
            if change.what == SETS_CONVERTED:
                before.pop(_first_of(view, change.order.instrument), None)
            elif change.what == SETS_REFUSED:
                before[_first_of(view, change.order.instrument)] = view.now_ns + self.merge_every_ms * MS
        for key in wake.instruments:
            market = view.market(key)
            if market.complement is None or _first_of(view, key) != key or view.now_ns < before.get(key, 0):
                continue
            lots = idle_sets(view, market)
            if lots:
                before[key] = view.now_ns + self.merge_every_ms * MS
                yield Merge(key, lots, why="both outcomes are settled")


def _name(first: Any, second: Any) -> str:
    """A pair's name in the memory, of its timer, and at the beginning of its groups' names."""
    return f"{first.number}+{second.number}"


def _by_instrument(view: Any) -> dict[str, list[Any]]:
    """This strategy's open orders, by the instrument asked about."""
    found: dict[str, list[Any]] = {}
    for order in view.own_orders:
        found.setdefault(order.instrument, []).append(order)
    return found


def _first_of(view: Any, key: str) -> str:
    """The first outcome of the market of that instrument."""
    market = view.market(key)
    other = market.complement
    return key if other is None or market.number < view.market(other).number else other


def _open(view: Any, sides: Any) -> bool:
    """Whether new risk may be taken in both legs' markets."""
    return view.mode == "ACTIVE" and all(side.valid and side.mode == "ACTIVE" and side.status == 1 for side in sides)


def _pulled(side: Any) -> bool:
    return bool(side.pull_quotes)


def _wider(side: Any) -> int:
    return int(side.edge_buffer_ticks)


def side_of(market: Any) -> Side:
    """What `box` has to know of an instrument."""
    return Side(
        market.best_bid,
        market.best_ask,
        market.ask_lots,
        market.tick,
        market.whole_ticks,
        market.lot,
        market.least_lots,
        market.taker_fee,
    )


def unlike(sides: Any) -> int:
    """By how many lots more of the first leg than of the second we have, through whichever token."""
    first, second = sides
    return int(first.net_lots if first.complement == second.key else first.net_lots - second.net_lots)


def held(sides: Any) -> tuple[int, int]:
    """What we hold of each leg, in lots."""
    first, second = sides
    if first.complement == second.key:
        return first.position_lots, second.position_lots
    return first.net_lots, second.net_lots
