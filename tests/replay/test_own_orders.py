"""Which orders a journal's real runs had at the venue: from what left, and from what came back."""

from typing import Any

import orjson
import pytest
from attrs import evolve
from real_run_maker import KEYS, MS, TOKENS, USER_SOURCE
from run_maker import RUN

from engine.kernel import kinds
from engine.kernel.dense import DensePacker
from engine.kernel.derived import CANCEL, PLACE
from engine.kernel.events import TICKER, EventBatch
from engine.kernel.executions import OUTCOME_ABSENT, OUTCOME_ACKED, OUTCOME_REJECTED, OUTCOME_UNKNOWN
from engine.kernel.inputs import canonical
from engine.kernel.policy import TIF_FAK, TIF_GTC
from engine.kernel.record import DERIVED, ENGINE_SOURCE, NONE
from engine.kernel.request import Request
from journal.codec import encode, encode_outcome, encode_venue_input
from replay.decoded import Piece
from replay.decoders import translators
from replay.own_orders import GUARD_NS, OwnInstrument, OwnOrders
from replay.packed import Packed
from replay.run import RunStart
from replay.taking_out import TakingOut
from scenarios.sample.catalogue import pages
from scenarios.sample.frames import Speaker
from scenarios.sample.recording import START_NS

KEY = KEYS[0]
SIZE = 9_000_000


class Told:
    """A journal's records, one after the other, and what they say was ours."""

    def __init__(self, run: RunStart | None = None) -> None:
        self.data = b""
        self.seq = 0
        start = run or evolve(RUN, executor="venue")
        self.add(kinds.RUN_START, start.payload(), 0)

    def add(
        self, kind: int, payload: bytes, ms: int, flags: int = 0, src_ms: int | None = None, schema: int = 1
    ) -> int:
        """One more record; returns its number."""
        self.seq += 1
        source = USER_SOURCE if kind == kinds.POLYMARKET_USER else ENGINE_SOURCE
        src_ns = NONE if src_ms is None else START_NS + src_ms * MS
        self.data += encode(self.seq, START_NS + ms * MS, src_ns, 0, kind, schema, source, flags, payload)
        return self.seq

    def request(self, ms: int, what: int = PLACE, target: int = 0, tif: int = TIF_GTC) -> int:
        """A REQUEST for a bid at 0.40, or a cancel of *target*; returns its number."""
        made = Request(
            self.seq + 1, what, bytes(16), 0, "polymarket", TOKENS[0], 0, 0, 4_000, 4, SIZE, 6, tif, 0, 0, NONE, target
        )
        return self.add(kinds.REQUEST, made.encode(DensePacker()), ms, int(DERIVED), schema=2)

    def outcome(self, number: int, outcome: int, ms: int, name: str = "") -> None:
        """An OUTCOME; the reply calls the order *name*."""
        reply = encode_venue_input(0, 9, 1, 200, b"", orjson.dumps({"orderID": name})) if name else b""
        self.add(kinds.OUTCOME, encode_outcome(number, 1, int(outcome), 0, reply), ms)

    def user(self, ms: int, told_ms: int, **members: Any) -> None:
        """A frame of the user channel about something at *ms*, that reaches us at *told_ms*."""
        stamp = str((START_NS + ms * MS) // MS)
        frame = orjson.dumps({"market": "0xab", "asset_id": TOKENS[0], "side": "BUY", "timestamp": stamp, **members})
        self.add(kinds.POLYMARKET_USER, encode_venue_input(0, 2, 1, 0, b"", frame), told_ms, 0, ms)

    def order(self, ms: int, told_ms: int, sort: str, name: str = "0x1", matched: str = "0") -> None:
        """A PLACEMENT or CANCELLATION."""
        said = {"price": "0.4", "original_size": "9", "size_matched": matched, "status": "CANCELED"}
        self.user(ms, told_ms, event_type="order", type=sort, id=name, **said)

    def trade(self, ms: int, told_ms: int, makers: dict[str, str], taker: str = "0xt", name: str = "t1") -> None:
        """A MATCHED trade at 0.40, of so much with each of *makers*."""
        each = [
            {"order_id": order, "asset_id": TOKENS[0], "price": "0.4", "matched_amount": size}
            for order, size in makers.items()
        ]
        said = {"id": name, "taker_order_id": taker, "price": "0.4", "size": "3", "status": "MATCHED"}
        self.user(ms, told_ms, event_type="trade", type="TRADE", maker_orders=each, **said)

    def read(self) -> tuple[OwnOrders, OwnInstrument]:
        """What it comes to."""
        own = OwnOrders(translators(None))
        own.read(self.data, 0, len(self.data))
        own.finish()
        return own, own.instruments.get(KEY, OwnInstrument())


def changes(of: OwnInstrument) -> list[tuple[int, float, float]]:
    """Size, and the milliseconds between which it happened."""
    return [(int(c.size), (c.at_ns - START_NS) / MS, (c.until_ns + 1 - START_NS) / MS) for c in of.changes]


def test_an_order_rests_from_the_venues_own_time_though_told_later() -> None:
    told = Told()
    told.outcome(told.request(10), OUTCOME_ACKED, 90, "0x1")
    told.order(51, 300, "PLACEMENT")
    told.trade(701, 720, {"0x1": "2", "0xother": "5"})
    told.trade(701, 900, {"0x1": "2", "0xother": "5"})
    told.order(803, 950, "CANCELLATION", matched="2")
    own, found = told.read()

    assert changes(found) == [(SIZE, 51, 52), (-2_000_000, 701, 702), (2_000_000 - SIZE, 803, 804)]
    assert found.guards == [(START_NS + 10 * MS, START_NS + 950 * MS + GUARD_NS)]
    assert (own.orders, own.fills, own.uncertain) == (1, 1, 0)
    assert [(one.side, one.size) for one in found.executions] == [(1, 2_000_000)]


def test_without_a_stamp_an_order_rests_some_time_between_sending_and_hearing_of_it() -> None:
    told = Told()
    number = told.request(10)
    told.outcome(number, OUTCOME_ACKED, 90)
    told.outcome(told.request(500, CANCEL, number), OUTCOME_ACKED, 600)
    own, found = told.read()

    assert changes(found) == [(SIZE, 10, 90 + 1e-6), (-SIZE, 10, 600 + 1e-6)]
    assert own.uncertain == 0


@pytest.mark.parametrize(
    ("outcome", "uncertain"), [(None, 1), (OUTCOME_UNKNOWN, 1), (OUTCOME_REJECTED, 0), (OUTCOME_ABSENT, 0)]
)
def test_an_order_that_nothing_showed_never_rested(outcome: int | None, uncertain: int) -> None:
    told = Told()
    number = told.request(10)
    if outcome is not None:
        told.outcome(number, outcome, 90)
    own, found = told.read()

    assert changes(found) == []
    assert (own.orders, own.uncertain) == (0, uncertain)


def test_an_unknown_order_that_is_shown_later_rested_all_the_time() -> None:
    told = Told()
    number = told.request(10)
    told.outcome(number, OUTCOME_UNKNOWN, 90)
    told.outcome(number, OUTCOME_ACKED, 5_000, "0x1")
    told.order(51, 6_000, "PLACEMENT")
    own, found = told.read()

    assert changes(found) == [(SIZE, 51, 52)]
    assert own.uncertain == 0


def test_what_takes_never_rests_and_what_it_took_first_does_not_rest_with_the_remainder() -> None:
    told = Told()
    told.outcome(told.request(10, tif=TIF_FAK), OUTCOME_ACKED, 90, "0x1")
    told.trade(51, 80, {"0xother": "3"}, "0x1", "t1")
    told.outcome(told.request(100), OUTCOME_ACKED, 190, "0x2")
    told.trade(151, 180, {"0xother": "3"}, "0x2", "t2")
    told.order(151, 190, "PLACEMENT", "0x2")
    _, found = told.read()

    assert changes(found) == [(SIZE - 3_000_000, 151, 152)]
    assert [(one.side, one.maker) for one in found.executions] == [(0, False), (0, False)]


def test_a_trade_between_two_orders_of_ours_is_one_trade_of_the_market() -> None:
    told = Told()
    for number, name in ((told.request(10), "0x1"), (told.request(20), "0x2")):
        told.outcome(number, OUTCOME_ACKED, 90, name)
    told.trade(151, 180, {"0x1": "3"}, "0x2")
    own, found = told.read()

    assert own.fills == 2
    assert [one.maker for one in found.executions] == [False]


def test_orders_of_an_opening_rest_from_the_start_unless_this_journal_had_them() -> None:
    told = Told()
    number = told.request(10)
    told.outcome(number, OUTCOME_ACKED, 90, "0x1")

    def left(name: str, state: int) -> dict[str, Any]:
        where = {"instrument": KEY, "side": 0, "price": 4_000, "size": SIZE, "filled": 1_000_000, "tif": 1}
        return {"number": 7, "venue_id": name, "state": state, **where}

    told.add(kinds.RUN_START, evolve(RUN, executor="venue").payload(), 500)
    told.add(kinds.OPENING, canonical({"orders": [left("0x1", 2), left("0xold", 2), left("0xlost", 4)]}), 500)
    own, found = told.read()

    assert sorted(int(change.size) for change in found.changes) == [SIZE - 1_000_000, SIZE]
    assert (own.orders, own.uncertain) == (2, 1)


def test_requests_of_a_run_that_only_recorded_or_simulated_are_nobodys() -> None:
    for executor in ("record", "simulated"):
        told = Told(evolve(RUN, executor=executor))
        told.outcome(told.request(10), OUTCOME_ACKED, 90, "0x1")

        assert told.read()[0].instruments == {}


def test_a_ticker_is_reduced_like_a_level_and_dropped_where_it_was_all_ours() -> None:
    told = Told()
    told.outcome(told.request(10), OUTCOME_ACKED, 90, "0x1")
    told.order(51, 300, "PLACEMENT")
    kind, symbols = int(kinds.POLYMARKET_MARKET), {"polymarket": [TOKENS[0]]}
    packed, batch = Packed(0), EventBatch()
    (url, body), *_ = pages([Speaker(1, "0x" + "ab" * 32, TOKENS, ("Yes", "No"), "A market")])
    listing = encode_venue_input(0, 0, 1, 200, canonical({"url": url, "venue": "polymarket"}), body)
    packed.raw(1, START_NS, START_NS, int(kinds.POLYMARKET_CATALOGUE), 3, listing)
    for seq, bid_size in enumerate((SIZE + 4, SIZE, SIZE), 2):
        batch.clear()
        at_ns = START_NS + (60 + seq) * MS
        if seq == 2:
            batch.add(4, 0, NONE, NONE, NONE, START_NS + 51 * MS, 0, 0)
            batch.add(2, 0, 0, 4_000, SIZE, 0, 0, 0)
            batch.add(5, 0, 0, 0, 0, 0, 0, 0)
        batch.add(int(TICKER), 0, 4_000, bid_size, 4_200, 8, seq, at_ns)
        assert packed.events(seq, at_ns, at_ns, kind, 3, batch)
    piece = Piece(packed.take(4), symbols, 1, 4, 100, {}, {}, False)
    out = TakingOut(told.read()[0], translators(None))
    left = out.piece(piece)

    assert len(left.data) < len(piece.data)
    assert out.statements == 2
    assert (4).to_bytes(8, "little") in left.data
