"""A trading half with listed markets, for the tests of its parts: no journal, no wire, every fact by hand."""

from typing import Any

from engine.kernel import kinds
from engine.kernel.derived import LAYOUTS, decode
from engine.kernel.digest import Digest
from engine.kernel.events import KIND_BINARY, KIND_PERPETUAL, KIND_SPOT, EventBatch, Listing
from engine.kernel.heuristics import Gauge, HeuristicSettings
from engine.kernel.market import WAKE_TOUCH, Instrument, Market
from engine.kernel.outbox import Outbox
from engine.kernel.policy import Limits, Policy, Rule
from engine.kernel.record import NONE
from engine.kernel.strategy import MARKET_MAKING
from engine.kernel.trading import Trading

S = 1_000_000_000
MS = 1_000_000
TIFS = ("GTC", "GTD", "FOK", "FAK")


def a_policy(**changes: Any) -> Policy:
    """Wide limits; *changes* replace any argument of `Policy`, or of `Limits` by its name."""
    limits: dict[str, int] = {
        "max_account_notional": 10**12,
        "max_event_notional": 10**12,
        "max_market_notional": 10**12,
        "max_strategy_notional": 10**12,
        "max_order_notional": 10**12,
    }
    for name in list(limits):
        if name in changes:
            limits[name] = changes.pop(name)
    fields: dict[str, Any] = {
        "version": "test-1",
        "settlements": {"pUSD": Limits(**limits), "USDT": Limits(**limits)},
        "rules": (Rule("*", 10**9, 0, 10**13, TIFS),),
        "max_open_orders": 100,
        "max_orders_per_minute": 1000,
        "max_ttl_ns": 3600 * S,
        "max_data_age_ns": 0,
        "flatten_ticks": 5,
        "rescue_ticks": 2,
        "latch_ns": 60 * S,
        "self_cross_refused": True,
        "min_resting_ns": 0,
        "message_window_ns": 0,
        "free_messages": 0,
        "messages_per_fill": 0,
    }
    fields.update(changes)
    return Policy(**fields)


def binary(name: str = "M", event: str = "", neg_risk: bool = False, **changes: Any) -> Listing:
    """A Polymarket condition: tokens YES-name and NO-name, price in 1e-4, size in 1e-6, tick 0.01, lot 0.01."""
    fields: dict[str, Any] = {
        "venue": "polymarket",
        "market": name,
        "symbols": (f"YES-{name}", f"NO-{name}"),
        "outcomes": ("Yes", "No"),
        "kind": KIND_BINARY,
        "price_exponent": 4,
        "size_exponent": 6,
        "tick": 100,
        "lot": 10_000,
        "min_size": 5_000_000,
        "settlement": "pUSD",
        "neg_risk": neg_risk,
        "event": event,
        "fee_ppm": 0,
    }
    fields.update(changes)
    return Listing(**fields)


def contract(name: str = "BTC", kind: int = KIND_PERPETUAL, **changes: Any) -> Listing:
    """A Binance contract: price in 1e-8 with tick 0.1, size in 1e-8 with lot 0.001."""
    fields: dict[str, Any] = {
        "venue": "binance" if kind == KIND_SPOT else "binance-usdm",
        "market": name,
        "symbols": (name,),
        "outcomes": (),
        "kind": kind,
        "price_exponent": 8,
        "size_exponent": 8,
        "tick": 10_000_000,
        "lot": 100_000,
        "min_size": 100_000,
        "settlement": "USDT",
        "fee_ppm": 0,
    }
    fields.update(changes)
    return Listing(**fields)


def some_heuristics(**changes: Any) -> HeuristicSettings:
    """Steps of 100 ms, half-lives of 2, 20 and 3 s, a dwell of 5 s, edges from 3 ticks, a horizon of 1 s."""
    gauge = Gauge(500, 750, 100, 1, 3, 2, 2)
    values = {
        "sample_ns": 100 * MS,
        "recent_ns": 2000 * MS,
        "long_ns": 20_000 * MS,
        "events_ns": 3000 * MS,
        "dwell_ns": 5000 * MS,
        "evidence": 2,
        "edge_ticks": 3,
        "edge_ns": 200 * MS,
        "horizon_ns": 1000 * MS,
        "least_half_ticks": 1,
        "crowding": gauge,
        "compression": gauge,
        "toxicity": gauge,
    }
    return HeuristicSettings(**{**values, **changes})


class Room:
    """Listed markets, a trading half, and short words for what happens to them."""

    def __init__(self, *listings: Listing, policy: Policy | None = None, strategies: tuple[Any, ...] = ()) -> None:
        self.markets: list[Market] = []
        self.instruments: list[Instrument] = []
        self.out = Outbox()
        self.digest = Digest()
        self.trading = Trading(
            self.markets, self.instruments, a_policy() if policy is None else policy, self.out, self.digest, 1, 7
        )
        self.desk = self.trading.desk
        self.seq = 0
        self.now = 1_700_000_000 * S
        for at, strategy in enumerate(strategies):
            self.trading.add_strategy(f"s{at + 1}", strategy, getattr(strategy, "tier", MARKET_MAKING), ())
        for listing in listings:
            self.add(listing)

    def add(self, listing: Listing) -> None:
        """List one more market, with an empty but valid book."""
        market = Market(len(self.markets), listing)
        market.first_instrument = len(self.instruments)
        market.valid = True
        self.markets.append(market)
        for leg in range(len(listing.symbols)):
            instrument = Instrument(len(self.instruments), market, leg)
            if len(listing.symbols) == 2:
                instrument.other = market.first_instrument + 1 - leg
            self.instruments.append(instrument)
            self.trading.instrument_added(instrument.number)

    def touch(self, bid: int, ask: int, lots: int = 1000, market: int = 0) -> None:
        """The book of *market* becomes one level a side, in ticks of its first outcome."""
        book = self.markets[market].book
        book.clear()
        book.set_level(0, bid, lots)
        book.set_level(1, ask, lots)

    def input(self, wait_ns: int = 0) -> None:
        """Begin the next input."""
        self.seq += 1 + len(self.out.records)
        self.now += wait_ns
        self.out.clear()

    def decide(self, *dirty: int, wait_ns: int = 0, bits: int = WAKE_TOUCH) -> list[tuple[str, dict[str, Any]]]:
        """One input that moved the markets *dirty*, decided on; the records it led to."""
        self.input(wait_ns)
        for number in dirty:
            self.markets[number].wake = bits
        self.trading.decide(self.seq, self.now, [self.markets[number] for number in dirty])
        for number in dirty:
            self.markets[number].wake = 0
        return self.records()

    def facts(self, *rows: tuple[Any, ...], decide: bool = True) -> list[tuple[str, dict[str, Any]]]:
        """One input with rows (kind, request, six fields; a text among them is put beside), and what followed."""
        self.input()
        batch = EventBatch()
        for kind, request, *fields in rows:
            values = [batch.text(value) if isinstance(value, str) else value for value in fields]
            values += [0] * (6 - len(values))
            batch.add(kind, request, *values)
        for row in range(batch.count):
            self.trading.fold_order_row(self.seq, self.now, batch, row)
        if decide and self.trading.pending:
            self.trading.decide(self.seq, self.now, [])
        return self.records()

    def command(self, payload: bytes) -> int:
        """One COMMAND input, decided on; its code."""
        self.input()
        code = self.trading.on_command(self.seq, self.now, payload)
        self.trading.decide(self.seq, self.now, [])
        return code

    def records(self) -> list[tuple[str, dict[str, Any]]]:
        """(kind, fields) of this input's derived records."""
        found = []
        for record in self.out.records:
            assert (record.kind, record.schema) in LAYOUTS
            found.append((kinds.name(record.kind), decode(record.kind, record.schema, record.payload)))
        return found

    def verdicts(self) -> list[dict[str, Any]]:
        """The VERDICTs of this input."""
        return [fields for kind, fields in self.records() if kind == "VERDICT"]


class Says:
    """A strategy that yields what a test put into `next`, once."""

    def __init__(self) -> None:
        self.next: list[Any] = []
        self.wakes: list[Any] = []
        self.view: Any = None

    def decide(self, view: Any, wake: Any) -> list[Any]:
        """Note the wake, and say it."""
        self.view = view
        self.wakes.append(wake)
        said, self.next = self.next, []
        return said


ABSENT_TEXT = -1
UNSTATED = NONE
