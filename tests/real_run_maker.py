"""
Recordings of one hidden market, with and without orders of ours in it: what a real run leaves, made of its parts.

`History` lets people move levels and trade, and orders of ours rest, fill and go. `bare` tells it as the venue would
have without us, `write_real` as a journal of the run: its kernel decides with a strategy that follows the plan, its
frames show our lots, and outcomes and private frames answer it.
"""

from collections.abc import Callable
from heapq import heappop, heappush
from pathlib import Path
from random import Random
from typing import Any, Final

import orjson
from attrs import define, evolve, field
from run_maker import append, start_input, stop_input

from adapters.polymarket.wire.decoders import VENUE
from engine.kernel import kinds
from engine.kernel.derived import PLACE
from engine.kernel.inputs import timer_payload
from engine.kernel.record import ENGINE_SOURCE, NONE
from engine.kernel.step import Kernel
from journal.background import Inline
from journal.codec import encode_outcome, encode_venue_input
from journal.disk import RealDisk
from journal.importer.venues import canonical
from journal.payloads import ACKED
from journal.writer import Writer
from replay.decoders import newest
from replay.defaults import SIMULATION, policy_text
from replay.rebuild import kernel_of
from replay.run import RunStart, StrategySource
from replay.verify import this_build
from scenarios.sample.book import ASK, BID, ONE, Book, Side, price_text, size_text
from scenarios.sample.catalogue import pages
from scenarios.sample.frames import Speaker, face_of
from scenarios.sample.market import Trade
from scenarios.sample.recording import CATALOGUE_SOURCE, NAMES, START_NS, STREAM_SOURCE, Input

MS: Final = 1_000_000
START_MS: Final = START_NS // MS
USER_SOURCE: Final = 4
SOURCES: Final = {**NAMES, USER_SOURCE: "polymarket-user/1"}
TOKENS: Final = ("1111111111", "2222222222")
KEYS: Final = tuple(f"{VENUE}:{token}" for token in TOKENS)
SENT_MS: Final = 40
"""From our decision to the venue."""

PLANNED = '''
"""Does what it was told to, when it was told to."""

from engine.kernel.strategy import BUY, Cancel, Place, SetTimer


class Planned:
    def __init__(self, plan):
        self.plan = plan
        self.memory = {"begun": False}

    def decide(self, view, wake):
        if not self.memory["begun"]:
            self.memory["begun"] = True
            for number, step in enumerate(self.plan):
                yield SetTimer(str(number), after_ns=step["at_ns"] - view.now_ns)
        for tag in wake.timers:
            step = self.plan[int(tag)]
            if step["what"] == "place":
                yield Place(step["key"], BUY, step["ticks"], step["lots"], tif=step["tif"])
            else:
                for order in view.market(step["key"]).own_orders:
                    if order.lots == step["lots"]:
                        yield Cancel(order)
'''


@define
class Life:
    """One order of ours: a bid for a token that rests on *side* of the first token's book. Sizes in hundredths."""

    number: int
    side: int
    price: int
    size: int
    placed_ms: int
    rest: int = 0
    filled: int = 0
    ended_ms: int | None = None

    @property
    def venue_id(self) -> str:
        """What the venue calls it."""
        return f"0x{self.number + 1:064x}"

    @property
    def token(self) -> int:
        """The outcome it bids for."""
        return 0 if self.side == BID else 1

    @property
    def own_price(self) -> int:
        """In its own token."""
        return self.price if self.side == BID else ONE - self.price


@define
class Event:
    """One thing that happens at the venue at *ms*: others' levels move, and ours (`life`, by signed `own`)."""

    ms: int
    levels: list[tuple[int, int, int]] = field(factory=list)
    """Side, price, others' new size."""
    trade: tuple[int, int, int] | None = None
    """Taker's side, price, what of it was others'."""
    own: list[tuple[Life, int]] = field(factory=list)
    note: str = ""


class History:
    """What happens, drawn from *seed*. *busy*: how much of it is ours, in percent."""

    def __init__(self, seed: int, steps: int = 120, busy: int = 45) -> None:
        self.random = Random(seed)
        self.ms = 1_000
        self.events: list[Event] = []
        self.lives: list[Life] = []
        self.others: tuple[dict[int, int], dict[int, int]] = (
            dict.fromkeys(range(400, 481, 10), 5000),
            dict.fromkeys(range(520, 601, 10), 5000),
        )
        self.first = tuple(dict(side) for side in self.others)
        self._met: dict[tuple[int, int], int] = {}
        for _ in range(steps):
            self.ms += self.random.choice((0, 0, 0, 1, 4, 30, 250))
            act = self._ours if self.random.randrange(100) < busy else self._theirs
            act()
        self.ms += 3_000
        self.events.append(Event(self.ms, [(BID, 400, 6_000)]))

    def best(self, side: int) -> int:
        """The best price, ours among them."""
        prices = [price for price, size in self.others[side].items() if size]
        prices += [life.price for life in self.lives if life.side == side and life.rest]
        return max(prices) if side == BID else min(prices)

    def _at(self, side: int, price: int) -> None:
        """A level changes once a millisecond, so that what states it is not ambiguous."""
        if self._met.get((side, price)) == self.ms:
            self.ms += 1
        self._met[(side, price)] = self.ms

    def _price(self, side: int) -> int:
        """One that does not cross."""
        if side == BID:
            return self.random.randrange(410, min(self.best(ASK), 560), 10)
        return self.random.randrange(max(self.best(BID) + 10, 450), 600, 10)

    def _theirs(self) -> None:
        side = self.random.randrange(2)
        if self.random.random() < 0.25:
            return self._trade(side)
        price = self._price(side)
        self._at(side, price)
        self.others[side][price] = 1_000 * self.random.randrange(5)
        self.events.append(Event(self.ms, [(side, price, self.others[side][price])]))
        return None

    def _ours(self) -> None:
        live = [life for life in self.lives if life.rest and self.ms > life.placed_ms + 700]
        turn = self.random.random()
        if not live or turn < 0.4:
            side = self.random.randrange(2)
            price = self._price(side)
            self._at(side, price)
            number = len(self.lives)
            size = 501 + 13 * number
            life = Life(number, side, price, size, self.ms, size)
            self.lives.append(life)
            self.events.append(Event(self.ms, own=[(life, size)], note="place"))
        elif turn < 0.6:
            life = self.random.choice(live)
            self._at(life.side, life.price)
            self.events.append(Event(self.ms, own=[(life, -life.rest)], note="cancel"))
            life.rest, life.ended_ms = 0, self.ms
        else:
            self._trade(self.random.randrange(2))

    def _trade(self, side: int) -> None:
        """A taker meets the best level of *side*: others' lots, ours, or both."""
        price = self.best(side)
        self._at(side, price)
        owns: list[tuple[Life, int]] = []
        for life in self.lives:
            if life.side == side and life.price == price and life.rest and self.ms > life.placed_ms:
                part = life.rest if self.random.random() < 0.4 else self.random.randrange(1, life.rest + 1)
                owns.append((life, -part))
        there = self.others[side].get(price, 0)
        taken = min(there, 1_000 * self.random.randrange(3)) if price not in (400, 600) else 0
        if owns and self.random.random() < 0.4:
            taken = 0
        if not owns and not taken:
            return
        for life, part in owns:
            life.rest += part
            life.filled -= part
        levels = []
        if taken:
            self.others[side][price] = there - taken
            levels.append((side, price, there - taken))
        self.events.append(Event(self.ms, levels, (1 - side, price, taken), owns, "trade"))


# -- as the venue tells it ---------------------------------------------------------------------------------------------


class Teller:
    """Says what happens in frames of the market channel; with *ours*, of the market that holds our orders."""

    def __init__(self, history: History, ours: bool) -> None:
        self.history, self.ours = history, ours
        self.speaker = Speaker(1, "0x" + "ab" * 32, TOKENS, ("Yes", "No"), "A market")
        self.book = Book(self.speaker.market, TOKENS, 10, b"0.500", b"%d" % START_MS)
        self.others = tuple(dict(side) for side in history.first)
        self.own: dict[int, int] = {}
        for side, levels in enumerate(self.others):
            for price, size in levels.items():
                self.book.sides[side].add(price, size)

    def frames(self, event: Event) -> list[bytes]:
        """Those of one event, of one millisecond; none where nothing of it concerns this market."""
        book, at = self.book, b"%d" % (START_MS + event.ms)
        levels = {(side, price): 0 for side, price, _ in event.levels}
        for side, price, size in event.levels:
            self.others[side][price] = size
        own_size = 0
        if self.ours:
            for life, change in event.own:
                self.own[life.number] = self.own.get(life.number, 0) + change
                levels[(life.side, life.price)] = 0
                own_size -= change
        if not levels:
            return []
        before = (book.bids.best(), book.asks.best())
        book.changed = at
        for side, price in levels:
            size = self.others[side].get(price, 0)
            size += sum(self.own.get(life.number, 0) for life in self._lives(side, price))
            levels[(side, price)] = size
            set_level(book.sides[side], side, price, size)
        found = []
        if event.trade is not None and event.trade[2] + own_size:
            side, price, others = event.trade
            frame, book.last = self.speaker.last_trade_price(
                Trade(side, price, others + own_size), event.ms % 2, b"", at
            )
            found.append(frame)
        if before != (book.bids.best(), book.asks.best()):
            found += self.speaker.best_bid_ask(book, at)
        changes = [(side, price, size) for (side, price), size in levels.items()]
        found.append(self.speaker.price_change(changes, face_of(book), event.ms % 2, at))
        if event.trade is not None and event.trade[2]:
            # After a trade that was all ours too, in truth. But full books bear no time of their own, so they hold back
            # what the simulated venue does: one more of them, and it acts some milliseconds later.
            found += [book.frame(0), book.frame(1)]
        return found

    def _lives(self, side: int, price: int) -> list[Life]:
        return [life for life in self.history.lives if (life.side, life.price) == (side, price)]

    def inputs(self) -> list[Input]:
        """Catalogue, first books, and every event, with the times they reach us: equal ones with and without us."""
        (url, body), *_ = pages([self.speaker])
        meta = canonical({"url": url, "venue": VENUE})
        found = [
            (
                int(kinds.POLYMARKET_CATALOGUE),
                CATALOGUE_SOURCE,
                START_NS,
                START_NS,
                encode_venue_input(START_NS, 0, 1, 200, meta, body),
            )
        ]
        books = b"[" + self.book.frame(0) + b"," + self.book.frame(1) + b"]\n"
        found.append(market_input(START_NS + 4 * MS, START_MS, books))
        for number, event in enumerate(self.history.events):
            recv_ns = START_NS + (event.ms + 5) * MS + 20_000 * number
            found += [market_input(recv_ns, START_MS + event.ms, frame) for frame in self.frames(event)]
        return found


def set_level(book: Side, side: int, price: int, size: int) -> None:
    """Let a level hold *size* in one order."""
    key = price if side == BID else -price
    while key in book.keys:
        book.cancel(book.keys.index(key), 0)
    if size:
        book.add(price, size)


def market_input(recv_ns: int, ms: int, frame: bytes) -> Input:
    """A frame of the market channel."""
    payload = encode_venue_input(recv_ns, 1, 1, 0, b"", frame)
    return int(kinds.POLYMARKET_MARKET), STREAM_SOURCE, recv_ns, ms * MS, payload


def bare(history: History) -> list[Input]:
    """The recording without us."""
    return Teller(history, False).inputs()


# -- as we were told of our own ----------------------------------------------------------------------------------------


def private_inputs(history: History, stamp: Callable[[int], str]) -> list[Input]:
    """Frames of the user channel, which takes its own time; *stamp* spells a time in milliseconds."""
    chance = Random(len(history.events))
    filled: dict[int, int] = {}
    found: list[Input] = []

    def say(ms: int, told_ms: int, members: dict[str, Any]) -> None:
        recv_ns = START_NS + (told_ms + chance.choice((1, 3, 8, 60, 300))) * MS + 777
        frame = orjson.dumps({"market": "0x" + "ab" * 32, "timestamp": stamp(START_MS + ms), **members})
        payload = encode_venue_input(recv_ns, 2, 1, 0, b"", frame)
        found.append((int(kinds.POLYMARKET_USER), USER_SOURCE, recv_ns, (START_MS + ms) * MS, payload))

    for number, event in enumerate(history.events):
        for life, change in event.own:
            order: dict[str, Any] = {
                "event_type": "order",
                "id": life.venue_id,
                "asset_id": TOKENS[life.token],
                "side": "BUY",
                "price": price_text(life.own_price).decode(),
                "original_size": size_text(life.size).decode(),
                "order_type": "GTC",
            }
            if event.note == "place":
                say(event.ms, event.ms, {**order, "type": "PLACEMENT", "size_matched": "0", "status": "LIVE"})
            elif event.note == "cancel":
                matched = size_text(filled.get(life.number, 0)).decode()
                say(
                    event.ms, event.ms, {**order, "type": "CANCELLATION", "size_matched": matched, "status": "CANCELED"}
                )
            else:
                filled[life.number] = filled.get(life.number, 0) - change
        if event.note == "trade" and event.own:
            assert event.trade is not None
            side, price, others = event.trade
            makers = [
                {
                    "order_id": life.venue_id,
                    "asset_id": TOKENS[life.token],
                    "price": price_text(life.own_price).decode(),
                    "matched_amount": size_text(-change).decode(),
                }
                for life, change in event.own
            ]
            trade = {
                "event_type": "trade",
                "type": "TRADE",
                "id": f"trade-{number}",
                "taker_order_id": f"0xtaker{number}",
                "asset_id": TOKENS[0],
                "side": "BUY" if side == BID else "SELL",
                "price": price_text(price).decode(),
                "size": size_text(others - sum(change for _, change in event.own)).decode(),
                "maker_orders": makers,
            }
            say(event.ms, event.ms, {**trade, "status": "MATCHED"})
            say(event.ms + 2_000, event.ms + 2_000, {**trade, "status": "CONFIRMED"})
    return found


def plan_of(history: History) -> list[dict[str, Any]]:
    """What the strategy is to do, in order of time."""
    steps = []
    for event in history.events:
        if event.note in ("place", "cancel"):
            life = event.own[0][0]
            steps.append(
                {
                    "what": event.note,
                    "at_ns": START_NS + (event.ms - SENT_MS) * MS,
                    "key": KEYS[life.token],
                    "ticks": life.own_price // 10,
                    "lots": life.size * 10_000,
                    "tif": "GTC",
                }
            )
    return steps


def real_run(history: History) -> RunStart:
    """The RUN_START of the run that has these orders."""
    planned = StrategySource("planned", "Planned", PLANNED, "market_making", (), {"plan": plan_of(history)})
    policy = policy_text(RealDisk(), SIMULATION, Path()).replace("self_cross: refuse", "self_cross: venue")
    return RunStart(
        run_id="real",
        run_epoch=1,
        build=this_build(),
        decoders=newest(),
        strategies=(planned,),
        config="strategies: []\nvenue: {order_latency_ms: 40, report_latency_ms: 30}\n",
        policy=policy,
        policy_digest="",
        seed=1,
        environment="LIVE",
        executor="venue",
        platform="test",
        clock_source="journal",
    )


class RealRun:
    """A run as its journal has it, written input by input with the kernel that decided."""

    def __init__(self, folder: Path, history: History, run: RunStart, opening: bytes | None, outcomes: bool) -> None:
        self.outcomes = outcomes
        self.kernel: Kernel = kernel_of(run)
        self.writer = Writer.create(
            folder,
            RealDisk(),
            Inline(),
            journal_id=bytes(range(16)),
            wall_ns=START_NS,
            sources=SOURCES,
            block_target=20_000,
        )
        self.history = history
        self.placed = 0
        self.now_ns = START_NS
        self._waiting: list[tuple[int, int, Input]] = []
        self._put = 0
        append(self.writer, self.kernel, start_input(run))
        if opening is None:
            opening = self.kernel.trading.opening_payload()
        append(self.writer, self.kernel, (int(kinds.OPENING), int(ENGINE_SOURCE), START_NS, int(NONE), opening))

    def put(self, item: Input) -> None:
        """*item* reaches us at its time."""
        self._put += 1
        heappush(self._waiting, (item[2], self._put, item))

    def play(self) -> None:
        """Everything in order, with what the kernel concludes, and the executor's outcomes."""
        while self._waiting:
            due = self.kernel.trading.next_due()
            if due != NONE and due <= self._waiting[0][0]:
                payload = timer_payload(self.kernel.trading.next_timer(), due)
                self._append((int(kinds.TIMER), int(ENGINE_SOURCE), max(int(due), self.now_ns), int(NONE), payload))
            else:
                self._append(heappop(self._waiting)[2])
        append(self.writer, self.kernel, stop_input(self.now_ns))
        self.writer.close()

    def _append(self, item: Input) -> None:
        self.now_ns = item[2]
        append(self.writer, self.kernel, item)
        if any(record.kind == kinds.REQUEST for record in self.kernel.out.records):
            for request in self.kernel.trading.requests:
                reply = b""
                if request.what == PLACE:
                    life = self.history.lives[self.placed]
                    self.placed += 1
                    frame = orjson.dumps({"success": True, "orderID": life.venue_id, "status": "live"})
                    reply = encode_venue_input(self.now_ns, 9, 1, 200, b"", frame)
                payload = encode_outcome(int(request.number), self.placed, ACKED, 0, reply)
                at_ns = self.now_ns + (SENT_MS + 35 + self.placed % 50) * MS
                if self.outcomes:
                    self.put((int(kinds.OUTCOME), int(ENGINE_SOURCE), at_ns, int(NONE), payload))


def in_ms(ms: int) -> str:
    """A time as the user channel spells it now."""
    return str(ms)


def write_real(
    folder: Path,
    history: History,
    stamp: Callable[[int], str] = in_ms,
    drop: Callable[[Input], bool] = lambda item: False,
    outcomes: bool = True,
    fillers: int = 0,
    **changes: Any,
) -> Path:
    """
    The journal of the run with our orders. *changes* are of its RUN_START; what *drop* picks is lost on its way.

    *fillers* cheap inputs, which a resimulation keeps, make it long.
    """
    opening = changes.pop("opening_payload", None)
    made = RealRun(folder, history, evolve(real_run(history), **changes), opening, outcomes)
    for item in (*Teller(history, True).inputs(), *private_inputs(history, stamp)):
        if not drop(item):
            made.put(item)
    span_ms = history.events[-1].ms
    for number in range(fillers):
        at_ns = START_NS + (1_000 + span_ms * number // fillers) * MS
        made.put((int(kinds.CONNECTION), STREAM_SOURCE, at_ns, int(NONE), b'{"n":%d,"state":"up"}' % number))
    made.play()
    assert made.placed == len(history.lives)
    return folder
