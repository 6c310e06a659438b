"""Quote both sides of rewarded markets around a fair price, and see to it that the quotes score."""

from collections.abc import Sequence
from typing import Any, Final

from attrs import define, field, setters

from engine.kernel.events import ORDER_ACKED, STATUS_TRADING
from engine.kernel.market import (
    WAKE_BOOK,
    WAKE_ORDER,
    WAKE_REGIME,
    WAKE_STATUS,
    WAKE_TIMER,
    WAKE_TOUCH,
    WAKE_TRADE,
)
from engine.kernel.rewards import SHARE
from engine.kernel.strategy import BUY, SELL, Cancel, Merge, Place, SetTimer
from engine.strategies.complete_sets import idle_sets
from engine.strategies.maker_parameters import MakerParameters
from engine.strategies.order_manager import after_call, calls_left, edits, exactly, has_room, interval_of, meets_own
from engine.strategies.quoting import NOTHING, PARTS, Quote, Quotes, Situation, desired_quotes
from engine.strategies.verification import MS, Entry, least_pay, new_entry, scores, verified

REVIEW: Final = "review"
_TRADING: Final = int(STATUS_TRADING)
_ACKED: Final = int(ORDER_ACKED)
_TRADED: Final = int(WAKE_TRADE)
_MOST_DOUBLINGS: Final = 6
"""Of the time between orders, while they come to nothing."""
_DEPTH: Final = 64
"""How many levels are looked at for one of the rewards' least size."""
_MERGE_NS: Final = 10_000 * MS
"""From one look for complete sets to the next: longer than a conversion takes."""


@define(on_setattr=setters.frozen)
class RewardsMaker(MakerParameters):
    """
    A bid and an offer in every binary market it hears of that rewards liquidity (`docs/explanation/rewards-maker.md`).

    It quotes the first outcome it is told of; the other one's book is the same. What it wants is worked out by
    `quoting`, what has to be done for that by `order_manager`, whether it scores by `verification`; here all are asked,
    and what may not be done yet is done later.
    """

    memory: dict[str, Any] = field(
        init=False, factory=lambda: {"timer": False, "full_ns": 0, "markets": {}}, on_setattr=setters.NO_OP
    )
    wants = int(WAKE_TOUCH | WAKE_TRADE | WAKE_ORDER | WAKE_TIMER | WAKE_BOOK | WAKE_STATUS | WAKE_REGIME)

    def decide(self, view, wake) -> list[object]:  # type: ignore[no-untyped-def]
        """Look at the markets that moved, and every *review_ms* at those where something waits or is to be checked."""
        wanted: list[object] = []
        markets = self.memory["markets"]
        for change in wake.changes:
            if change.what == _ACKED and markets.get(change.order.instrument):
                known = markets[change.order.instrument]
                known["acked_ns"][change.order.side] = view.now_ns
                known["refused"][change.order.side] = 0
        for key in wake.instruments:
            known = markets.get(key)
            if known is None:
                known = self._meet(view.market(key), key)
            if known:
                market = view.market(key)
                if wake.reasons(key) & _TRADED:
                    self._note_trade(market, known, view.now_ns)
                self._quote(view, market, known, wanted)
        if wake.timers:
            self._review(view, wake.instruments, wanted)
        elif not self.memory["timer"]:
            self.memory["timer"] = True
            wanted.append(SetTimer(REVIEW, after_ns=self.review_ms * MS, every_ns=self.review_ms * MS))
        return wanted

    # -- what is known -------------------------------------------------------------------------------------------------

    def _meet(self, market: Any, key: str) -> Entry:
        """Begin to remember a market; nothing of the second outcome of one that is known, nor of one without a pair."""
        markets = self.memory["markets"]
        other = market.complement
        known: Entry = {} if other is None or markets.get(other) else new_entry()
        markets[key] = known
        return known

    def _note_trade(self, market: Any, known: Entry, now_ns: int) -> None:
        """The mean price of trades, which a trade of *trade_lots* moves half of the way to its own."""
        trade = market.last_trade
        if trade is not None:
            price, lots = trade[0] * PARTS, trade[1]
            before = known["trade"]
            known["trade"] = price if before == 0 else before + (price - before) * lots // (lots + self.trade_lots)
            known["trade_ns"] = now_ns

    def _situation(self, market: Any, known: Entry, now_ns: int) -> Situation:
        """What quotes depend on, in a market that has a touch."""
        bid, ask = market.best_bid, market.best_ask
        bid_lots, ask_lots = market.bid_lots, market.ask_lots
        tick, whole = market.tick, market.whole_ticks
        middle = (bid + ask) * PARTS // 2
        spread = least = 0
        terms = market.rewards
        if terms is not None and terms.rate != 0:
            spread = terms.spread * PARTS // tick
            least = -(-terms.min_size // market.lot)
            if bid_lots < least or ask_lots < least:
                middle = _middle(market, least, middle)
        fresh_ns = known["trade_ns"] + self.trade_ms * MS - now_ns
        return Situation(
            whole,
            bid,
            bid_lots,
            ask,
            ask_lots,
            middle,
            spread,
            least,
            market.least_lots,
            market.net_lots,
            known["trade"] // tick,
            self.trade_percent * fresh_ns // (self.trade_ms * MS) if fresh_ns > 0 else 0,
            self._widening(market) * whole,
            known["nearer"] * self.adjust_mills * whole,
        )

    def _widening(self, market: Any) -> int:
        """By how many mills what others do here lets us stay farther away: so many for each level of each heuristic."""
        return int(
            market.crowding * self.crowding_mills
            + market.compression * self.compression_mills
            + market.toxicity * self.toxicity_mills
        )

    # -- what is done --------------------------------------------------------------------------------------------------

    def _quote(self, view: Any, market: Any, known: Entry, wanted: list[object]) -> None:
        """Add what has to be done in one market, and note whether something has to wait."""
        now_ns = view.now_ns
        safe = market.status == _TRADING and market.mode == "ACTIVE"
        if safe and not (market.valid and market.best_bid is not None and market.best_ask is not None):
            since_ns = known["unfit_ns"] = known["unfit_ns"] or now_ns
            if now_ns - since_ns < self.grace_ms * MS:
                known["waits"] = True
                return
            safe = False
        elif safe:
            known["unfit_ns"] = 0
        quotes: Quotes = NOTHING
        if safe and now_ns >= known["left_until_ns"] and not market.pull_quotes:
            quotes = desired_quotes(self._situation(market, known, now_ns), self)
        if quotes == NOTHING:
            known["quotes"] = False
        elif not known["quotes"]:
            known["quotes"] = True
            known["check_ns"] = now_ns + max(self.verify_ms * MS, _least_age(market))
        if known["renew"]:
            quotes = (exactly(quotes[0]), exactly(quotes[1]))
        own = (market.own_bids, market.own_asks)
        placing: list[int] = []
        waits = False
        for side in (BUY, SELL):
            live = [order for order in own[side] if not order.cancelling]
            superfluous, missing = edits(quotes[side], live)
            if not superfluous and not missing:
                continue
            if not view.may_place(market.key):
                waits = True
                continue
            done = not superfluous or self._cancel(view, superfluous, quotes[side], (side, not safe), known, wanted)
            if done and missing:
                done = self._may_place(view, own, quotes[side], side, known, len(wanted) + len(placing))
                if done:
                    placing.append(side)
            waits = waits or not done
        if placing:
            _place(market, quotes, placing, wanted)
        known["waits"] = waits
        if not waits:
            known["renew"] = False

    def _cancel(
        self,
        view: Any,
        orders: list[Any],
        quote: Quote | None,
        at: tuple[int, bool],
        known: Entry,
        wanted: list[object],
    ) -> bool:
        """
        Cancel *orders* of one side, as far as they are this strategy's; False if one has to wait.

        An order rests for *rest_ms*, and one that is to be replaced until *edit_ms* after the last was placed; where it
        is not safe to be in the market, neither counts. A cancel that was refused is not repeated for *edit_ms*.
        """
        side, at_once = at
        now_ns = view.now_ns
        mine = [order.number for order in view.own_orders]
        edit_ns = self.edit_ms * MS
        early = now_ns - known["acked_ns"][side] < self.rest_ms * MS
        early = early or (quote is not None and now_ns - known["placed_ns"][side] < edit_ns)
        done = True
        for order in orders:
            if order.number not in mine:
                continue  # of a weaker tier: taking over the market ends it
            again = order.number == known["cancelled"][side] and now_ns - known["cancelled_ns"][side] < edit_ns
            if again or (not at_once and (early or not order.live)) or not self._call(now_ns, 0):
                done = False
                continue
            known["cancelled"][side] = order.number
            known["cancelled_ns"][side] = now_ns
            wanted.append(Cancel(order, why="not safe" if at_once else "no quote" if quote is None else "moved"))
        return done

    def _may_place(
        self, view: Any, own: tuple[Sequence[Any], Sequence[Any]], quote: Any, side: int, known: Entry, calls: int
    ) -> bool:
        """
        Whether the quote of one side may be placed now, as which it then counts; False if it has to wait.

        For *edit_ms* after the last one (twice as long for each in a row that came to nothing), for room within the
        bounds, for an own order in its way, or for a call beside the *calls* of this answer. One is kept back for each
        order that rests, so that a cancel never has to wait for one.
        """
        now_ns = view.now_ns
        failed = known["placed_ns"][side] > known["acked_ns"][side]
        refused = min(known["refused"][side] + failed, _MOST_DOUBLINGS)
        if now_ns - known["placed_ns"][side] < self.edit_ms * MS << refused or not has_room(quote, own[side]):
            return False
        if meets_own(side == BUY, quote.price_ticks, own[1 - side]):
            return False
        resting = len([order for order in view.own_orders if not order.cancelling])
        if not self._call(now_ns, resting + calls + 1):
            return False
        known["placed_ns"][side] = now_ns
        known["refused"][side] = refused
        return True

    def _call(self, now_ns: int, kept_back: int) -> bool:
        """Take one call from the budget if more than *kept_back* are left."""
        memory = self.memory
        interval_ns = interval_of(self.calls_per_minute)
        if calls_left(memory["full_ns"], now_ns, interval_ns, self.call_burst) <= kept_back:
            return False
        memory["full_ns"] = after_call(memory["full_ns"], now_ns, interval_ns)
        return True

    # -- review --------------------------------------------------------------------------------------------------------

    def _review(self, view: Any, seen: Sequence[str], wanted: list[object]) -> None:
        """Do what had to wait, and check quotes whose time has come, where that was not just *seen* to."""
        now_ns = view.now_ns
        for key, known in self.memory["markets"].items():
            if not known or key in seen:
                continue
            market = view.market(key)
            if known["quotes"] and now_ns >= known["check_ns"] and self._check(view, market, known, now_ns):
                known["waits"] = True
            if known["waits"] or 0 < known["left_until_ns"] <= now_ns:
                if known["left_until_ns"] <= now_ns:
                    known["left_until_ns"] = 0
                self._quote(view, market, known, wanted)
            if self.merge_lots > 0 and now_ns >= known["merge_ns"]:
                known["merge_ns"] = now_ns + _MERGE_NS
                lots = idle_sets(view, market)
                if lots >= self.merge_lots and market.mode == "ACTIVE" and view.may_place(key):
                    wanted.append(Merge(key, lots, why="complete sets lie idle"))

    def _check(self, view: Any, market: Any, known: Entry, now_ns: int) -> bool:
        """
        Verify what rests in one market, and is old enough to score; whether that changes what is wanted there.

        A market where we are not let in says nothing about our quotes.
        """
        known["check_ns"] = now_ns + self.verify_ms * MS
        if market.rewards is None or not view.may_place(market.key):
            return False
        born_ns = now_ns - _least_age(market)
        resting = [
            (order.side, order.price_ticks, order.rest_lots)
            for order in market.own_orders
            if order.live and not order.cancelling and known["acked_ns"][order.side] <= born_ns
        ]
        low = market.estimate_rewards(resting).low
        return verified(known, scores(low, self), now_ns, self) != ""


def _least_age(market: Any) -> int:
    """How long an order has to rest before it scores, in ns; 0 where nothing does."""
    terms = market.rewards
    return 0 if terms is None else int(terms.age_ns)


def _middle(market: Any, least_lots: int, otherwise: int) -> int:
    """The midpoint of levels of at least *least_lots*, in parts; *otherwise* where a side has none."""
    found: list[int] = []
    for side in (BUY, SELL):
        for price, lots in market.levels(side, _DEPTH):
            if lots >= least_lots:
                found.append(price)
                break
    return (found[0] + found[1]) * PARTS // 2 if len(found) == 2 else otherwise


def _place(market: Any, quotes: Quotes, sides: list[int], wanted: list[object]) -> None:
    """Add orders for the quotes of *sides*, with what the pair of quotes would be paid."""
    pair = [(side, one.price_ticks, one.lots) for side, one in enumerate(quotes) if one is not None]
    low = int(market.estimate_rewards(pair).low)
    terms = market.rewards
    pay = 0 if terms is None else least_pay(low, int(terms.rate), int(terms.scale))
    tags = (f"share {low * 1_000_000 // SHARE} ppm",)
    for side, price_ticks, lots in pair:
        if side in sides:
            wanted.append(
                Place(market.key, side, price_ticks, lots, post_only=True, expected_value=pay, tags=tags, why="quote")
            )
