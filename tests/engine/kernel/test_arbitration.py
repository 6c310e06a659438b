"""Several strategies at random: who places, what becomes of every intent, and that whoever wants out gets out."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trading_room import Room, Says, a_policy, binary, contract

from engine.kernel import codes
from engine.kernel.derived import CANCEL, MERGE, PLACE, SPLIT, WHAT_NAMES
from engine.kernel.events import ORDER_ACKED, ORDER_CANCELLED, ORDER_FILLED, ORDER_UNKNOWN, SETS_CONVERTED, SETS_REFUSED
from engine.kernel.modes import ACCOUNT, INSTRUMENT, MARKET, REDUCE_ONLY, STRATEGY, VENUE, is_safety
from engine.kernel.order import CANCEL_NONE, FLAG_UNWIND, LIVE, PENDING, gets_out
from engine.kernel.strategy import (
    BUY,
    SELL,
    Cancel,
    CancelAll,
    CancelTimer,
    Flatten,
    Merge,
    Place,
    SetTimer,
    Split,
)
from engine.kernel.view import View

KEYS = ("polymarket:YES-M", "polymarket:NO-M", "polymarket:YES-N", "polymarket:NO-N", "binance-usdm:BTC")
LOT = 10_000
Intent = dict[str, Any]


class Draw:
    """Small choices out of one number, so that an example is cheap to make and shrinks."""

    def __init__(self, number: int) -> None:
        self.number = number

    def below(self, most: int) -> int:
        self.number, found = divmod(self.number, most)
        return found

    def of(self, *choices: Any) -> Any:
        return choices[self.below(len(choices))]


class Chatty:
    """Says what the test tells it to, notes what the market looked like then, and raises if it is told to."""

    def __init__(self, tier: int, floor: "Floor") -> None:
        self.tier = tier
        self.floor = floor
        self.next: list[Any] = []
        self.said = 0
        self.fails = False

    def decide(self, view: View, wake: Any) -> Any:
        self.floor.look()
        intents, self.next = self.next, []
        for intent in intents:
            self.said += 1
            yield intent
        if self.fails:
            raise ValueError("as the test wants")


class Floor:
    """A room with strategies of these tiers, and what must hold after each of its inputs."""

    def __init__(self, tiers: list[int]) -> None:
        self.strategies = [Chatty(tier, self) for tier in tiers]
        self.room = Room(binary(), binary("N"), contract(), policy=a_policy(), strategies=tuple(self.strategies))
        for market in range(2):
            self.room.touch(50, 52, market=market)
        self.room.touch(1000, 1002, market=2)
        self.holders: list[dict[int, bool]] = []
        self.owners: list[int] = []
        self.free: dict[int, bool] = {}
        self.looked = False
        self.trades = 0

    # -- what there is -------------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Note what everyone decides upon: who holds what, whose markets are, which orders may be cancelled."""
        if self.looked:
            return
        self.looked = True
        self.holders = [{} for _ in self.room.markets]
        trading = self.room.trading
        for order in self.room.desk.orders.all_open():
            if not gets_out(order.flags):
                self.holders[order.instrument.market.number][order.seat] = True
        for group in trading._groups.active:
            for leg in group.legs:
                self.holders[leg.instrument.market.number][group.seat] = True
        for conversion in trading._sets.pending:
            if not conversion.merges:
                self.holders[conversion.instrument.market.number][conversion.seat] = True
        for number, stakes in enumerate(self.room.desk.stakes):
            for seat, _ in stakes.sizes():
                self.holders[number][seat] = True
        self.owners = self.owned()
        self.free = {
            int(order.number): True for order in self.room.desk.orders.all_open() if order.cancel == CANCEL_NONE
        }

    def owned(self) -> list[int]:
        return [int(exposure.owner) for exposure in self.room.desk.risk.markets]

    # -- inputs --------------------------------------------------------------------------------------------------------

    def intents(self, draw: Draw) -> list[Any]:
        """One intent, or the legs of a group."""
        key = draw.of(*KEYS)
        price = draw.of(1000, 1004, 995) if key == KEYS[4] else draw.of(50, 45, 40, 52, 55)
        lots = draw.of(1000, 600, 2000)
        side = draw.of(BUY, SELL)
        kind = draw.below(14)
        if kind < 6:
            tif = draw.of("GTC", "GTC", "FAK", "FOK", "GTD")
            more: dict[str, Any] = {"post_only": draw.below(4) == 1, "reduce_only": draw.below(5) == 1}
            return [Place(key, side, price, lots, tif=tif, ttl_ns=10**9 if tif == "GTD" else None, **more)]
        if kind == 6:
            legs = 2 + draw.below(2)
            stated = legs + (draw.below(8) == 7)
            places = [draw.of(*KEYS[:4]) for _ in range(legs)]
            label = draw.of("g", "h")
            return [
                Place(key, BUY, draw.of(52, 40), 600, tif=draw.of("GTC", "FAK"), group=label, leg=leg, legs=stated)
                for leg, key in enumerate(places)
            ]
        if kind == 7:
            known = self.room.desk.orders.all_open()
            return [Cancel(known[draw.below(len(known))].number if known and draw.below(8) else draw.below(40) + 1)]
        if kind == 8:
            return [CancelAll(draw.of(None, key))]
        if kind == 9:
            return [Flatten(key)]
        if kind == 10:
            return [draw.of(Split, Merge)(key, lots)]
        if kind == 11:
            return [draw.of(SetTimer("t", after_ns=10**9), CancelTimer("t"))]
        if kind == 12:
            return [draw.of(object(), "text", Place(key, side, "dear", lots), Cancel(None), Flatten("unheard of"))]
        return []

    def tell(self, draw: Draw) -> None:
        """One fact about an open order, or about a conversion."""
        known = self.room.desk.orders.all_open()
        pending = self.room.trading._sets.pending
        kind = draw.below(8)
        if pending and (kind == 0 or not known):
            number = pending[draw.below(len(pending))].number
            self.room.facts((SETS_CONVERTED, number, 9) if draw.below(3) else (SETS_REFUSED, number, 28, 9))
            return
        if not known:
            self.decide()
            return
        order = known[draw.below(len(known))]
        name = f"v{order.number}"
        if kind < 3:
            self.room.facts((ORDER_ACKED, order.number, name))
        elif kind == 3:
            self.room.facts((ORDER_CANCELLED, order.number, name, order.filled))
        elif kind == 4 and order.state == PENDING:
            self.room.facts((ORDER_UNKNOWN, order.number, 0))
        else:
            lot = int(order.instrument.market.lot)
            size = int(order.rest()) // lot // draw.of(1, 1, 2, 3) * lot or int(order.rest())
            self.trades += 1
            fill = (ORDER_FILLED, order.number, name, order.price, size, 0, draw.of(0, 0, 2), f"t{self.trades}")
            self.room.facts(fill)

    def decide(self) -> None:
        self.room.decide(0, 1, 2, wait_ns=10**8)

    def input(self, kind: int, one: Draw, other: Draw) -> None:
        """One input, and all that must hold behind it."""
        self.looked = False
        before = self.owned()
        for strategy in self.strategies:
            strategy.said = 0
            strategy.next = []
            strategy.fails = False
        modes = self.room.desk.modes
        if kind in (0, 1, 2):
            self.tell(one)
        elif kind == 3:
            scope, number = one.of((ACCOUNT, 0), (STRATEGY, 1), (STRATEGY, 2), (MARKET, 0), (INSTRUMENT, 2), (VENUE, 0))
            if one.below(3):
                self.room.input()
                code = one.of(codes.STALE_DATA, codes.META_CHANGED)
                self.room.trading.gate(code, scope, number, one.below(2) == 0, self.room.now)
                self.room.trading.decide(self.room.seq, self.room.now, [])
            elif modes.mode(scope, number) == 0:
                names = {ACCOUNT: "account", STRATEGY: f"strategy:s{number}", MARKET: "market:polymarket:M"}
                word = one.of(b"reduce_only", b"reduce_only", b"kill")
                scope_name = names.get(scope, "venue:polymarket").encode()
                self.room.command(b'{"command":"%s","scope":"%s","reason":"r"}' % (word, scope_name))
            else:
                modes.raise_one(scope, number)
                self.decide()
        else:
            for draw in (one, other):
                strategy = draw.of(*self.strategies)
                strategy.next += [intent for _ in range(1 + draw.below(3)) for intent in self.intents(draw)]
                strategy.fails = kind == 11 and draw is other
            self.decide()
            for seat in self.room.desk.seats:
                seat.muted = False
        self.check(before)

    # -- what must hold ------------------------------------------------------------------------------------------------

    def check(self, before: list[int]) -> None:
        records = self.room.records()
        intents = {fields["id"]: fields for kind, fields in records if kind == "INTENT"}
        verdicts = [fields for kind, fields in records if kind == "VERDICT"]
        assert sorted(intents) == sorted(fields["id"] for fields in verdicts)
        assert len(intents) == len([kind for kind, _ in records if kind == "INTENT"])
        own = [fields for fields in intents.values() if fields["flags"] & FLAG_UNWIND == 0]
        for number, strategy in enumerate(self.strategies, 1):
            assert len([fields for fields in own if fields["seat"] == number]) == strategy.said

        admitted = [intents[fields["id"]] for fields in verdicts if fields["code"] == codes.OK]
        self.check_requests(records, admitted)
        if self.looked:
            self.check_owners(intents, verdicts)
            self.check_cancels(intents, verdicts)
        self.check_hand_overs(records, before)
        self.check_displaced()
        self.check_stakes()
        self.check_unwindings(admitted)

    def check_requests(self, records: list[tuple[str, Intent]], admitted: list[Intent]) -> None:
        """What leaves was admitted, and what was admitted leaves; only cancels need no admission."""
        asked = [fields["id"] for fields in admitted if fields["what"] in (PLACE, SPLIT, MERGE)]
        requests = [fields for kind, fields in records if kind == "REQUEST"]
        assert [fields["id"] for fields in requests if fields["what"] != CANCEL] == asked
        assert {WHAT_NAMES[fields["what"]] for fields in requests} <= {"PLACE", "CANCEL", "SPLIT", "MERGE"}

    def check_owners(self, intents: dict[bytes, Intent], verdicts: list[Intent]) -> None:
        """One strategy places in a market, and nobody whom a rival should have kept out, nor the other way round."""
        placed: dict[int, int] = {}
        tiers = [0] + [strategy.tier for strategy in self.strategies]
        for verdict in verdicts:
            intent = intents[verdict["id"]]
            if intent["what"] not in (PLACE, SPLIT, MERGE) or intent["flags"] & FLAG_UNWIND:
                continue
            seat = intent["seat"]
            market = intent["instrument"] // 2
            holders = self.holders[market]
            rivals = []
            for rival in holders:
                equal = tiers[rival] == tiers[seat] and (rival == self.owners[market] or seat not in holders)
                if rival != seat and (tiers[rival] < tiers[seat] or equal):
                    rivals.append(rival)
            if verdict["code"] == codes.NOT_OWNER:
                assert verdict["detail"] in rivals
                assert seat != self.owners[market]
            if verdict["code"] == codes.OK:
                assert seat == self.owners[market] or rivals == []
            if verdict["code"] == codes.OK and intent["what"] != MERGE:
                assert placed.setdefault(market, seat) == seat
                self.owners[market] = seat
                holders[seat] = True

    def check_cancels(self, intents: dict[bytes, Intent], verdicts: list[Intent]) -> None:
        """Whoever asks, an order that is open is cancelled once."""
        for verdict in verdicts:
            intent = intents[verdict["id"]]
            if intent["what"] == CANCEL and intent["target"] in self.free and verdict["code"] != codes.STRAT_FAULT:
                order = self.room.desk.orders.get(intent["target"])
                assert verdict["code"] in (codes.OK, codes.DUP_BLOCKED)
                assert order.cancel != CANCEL_NONE

    def check_hand_overs(self, records: list[tuple[str, Intent]], before: list[int]) -> None:
        """Each hand-over is a record, and no other change of owner happens."""
        after = list(before)
        for kind, fields in records:
            if kind == "OWNER":
                assert after[fields["market"]] == fields["old"] > 0
                assert fields["old"] != fields["new"]
                after[fields["market"]] = fields["new"]
        for was, now, owner in zip(before, after, self.owned(), strict=True):
            assert owner == now or was == 0

    def check_displaced(self) -> None:
        """What others than the owner have open in its market is being cancelled."""
        owners = self.owned()
        for order in self.room.desk.orders.all_open():
            if order.seat != owners[order.instrument.market.number] and not gets_out(order.flags):
                assert order.cancel != CANCEL_NONE

    def check_unwindings(self, admitted: list[Intent]) -> None:
        """What gets out never gets in: all such orders together are no larger than the position they leave."""
        desk = self.room.desk
        for intent in admitted:
            if gets_out(intent["flags"]):
                market = desk.instruments[intent["instrument"]].market
                leaning = desk.leaning(market)
                rest = 0
                for order in desk.orders.all_open():
                    if order.instrument.market is market and gets_out(order.flags):
                        assert ((order.side == SELL) != order.instrument.complement) == (leaning > 0)
                        rest += order.rest()
                assert 0 < rest <= abs(leaning)

    def check_stakes(self) -> None:
        """The position is somebody's to the last unit."""
        desk = self.room.desk
        for market, stakes in zip(self.room.markets, desk.stakes, strict=True):
            assert sum(size for _, size in stakes.sizes()) == desk.leaning(market)


STEPS = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 2**62), st.integers(0, 2**62)), min_size=1, max_size=14)
TIERS = st.lists(st.integers(1, 4), min_size=2, max_size=4)


def played(tiers: list[int], steps: list[tuple[int, int, int]]) -> None:
    """All that `Floor` checks holds behind every input, and a checkpoint at the end changes nothing."""
    floor = Floor(tiers)
    for kind, one, other in steps:
        floor.input(kind, Draw(one), Draw(other))
    again = Floor(tiers)
    again.room.trading.restore(floor.room.trading.parts())

    assert again.room.trading.parts() == floor.room.trading.parts()


@settings(max_examples=200)
@given(TIERS, STEPS)
def test_one_strategy_places_in_a_market_and_every_intent_has_one_verdict(tiers, steps):
    played(tiers, steps)


@pytest.mark.nightly
@settings(max_examples=10_000)
@given(TIERS, STEPS)
def test_arbitration_holds_in_ten_thousand_runs(tiers, steps):
    played(tiers, steps)


# -- reductions --------------------------------------------------------------------------------------------------------

POLICY_GATES = [code for code in codes.NAMES if 0 < code < 80 and not is_safety(code)]


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.sampled_from(POLICY_GATES), st.sampled_from([ACCOUNT, VENUE, MARKET, INSTRUMENT, STRATEGY]))),
    st.sampled_from([ACCOUNT, VENUE, MARKET, INSTRUMENT, STRATEGY, None]),
    st.lists(st.integers(500, 1500), max_size=3),
    st.integers(500, 3000),
    st.integers(1, 99),
)
def test_no_caution_of_ours_stops_a_reduction(gates, lowered, offered, lots, price):
    strategy = Says()
    churn = {"message_window_ns": 10**9, "free_messages": 1, "messages_per_fill": 0, "max_open_orders": 1}
    room = Room(binary(min_size=0), policy=a_policy(**churn), strategies=(strategy,))
    room.touch(50, 52)
    strategy.next = [Place(KEYS[0], BUY, 50, 3000)]
    room.decide(0)
    (request,) = room.trading.requests
    room.facts((ORDER_FILLED, request.number, "v", request.price, request.size, 0, 0, "t"))
    strategy.next = [Place(KEYS[0], SELL, 99, size) for size in offered]
    room.decide(0)
    left = 3000 * LOT - int(room.desk.orders.working[0].sell_size)

    numbers = {ACCOUNT: 0, VENUE: 0, MARKET: 0, INSTRUMENT: 0, STRATEGY: 1}
    for code, scope in gates:
        room.trading.gate(code, scope, numbers[scope], True, room.now)
    if lowered is not None:
        room.desk.modes.lower(lowered, numbers[lowered], REDUCE_ONLY)
    room.markets[0].valid = False
    strategy.next = [Place(KEYS[0], SELL, price, lots)]
    room.decide(0)
    code = room.verdicts()[0]["code"]

    assert (code == codes.OK) == (lots * LOT <= left)


@settings(max_examples=40)
@given(TIERS, STEPS, st.integers(0, 3))
def test_whoever_flattens_a_market_gets_us_out_of_it(tiers, steps, asker):
    floor = Floor(tiers)
    for kind, first, second in steps:
        floor.input(kind if kind != 3 else 4, Draw(first), Draw(second))
    room = floor.room
    for at, one in enumerate(floor.strategies, 1):
        one.fails = False
        while room.desk.modes.mode(STRATEGY, at) > 0:
            room.desk.modes.raise_one(STRATEGY, at)
    strategy = floor.strategies[asker % len(floor.strategies)]
    for _ in range(40):
        if room.desk.leaning(room.markets[0]) == 0 and not room.desk.orders.all_open():
            break
        strategy.next = [Flatten(KEYS[0])]
        floor.decide()
        for order in room.desk.orders.all_open():
            if gets_out(order.flags):
                room.facts((ORDER_FILLED, order.number, "v", order.price, order.rest(), 0, 0, f"f{order.number}"))
            elif order.state == LIVE or order.cancel != CANCEL_NONE:
                room.facts((ORDER_CANCELLED, order.number, f"v{order.number}", order.filled))

    rest = abs(int(room.desk.leaning(room.markets[0])))
    assert rest < room.markets[0].listing.min_size
