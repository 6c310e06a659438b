"""A kernel fed with event rows instead of frames: every situation of the fold, without a venue's spelling of it."""

from collections.abc import Sequence
from typing import Any

from run_maker import RUN, concluded_by

from engine.kernel import events, kinds
from engine.kernel.events import KIND_BINARY, KIND_PERPETUAL, RULE_NONE, RULE_PREV, Listing
from engine.kernel.listings import Finding
from engine.kernel.market import Market
from engine.kernel.step import Kernel
from engine.kernel.units import ASK, BID
from replay.rebuild import kernel_of
from replay.run import RunStart

MS = 1_000_000
SECOND = 1_000 * MS
Row = tuple[int, ...]
Levels = Sequence[tuple[int, int]]
"""(price, size) in venue units."""


def contract(symbol: str = "BTCUSDT", tick: int = 10, lot: int = 100, **changes: Any) -> Listing:
    """A perpetual whose price range is unbounded."""
    fields: dict[str, Any] = {
        "venue": "binance-usdm",
        "market": symbol,
        "symbols": (symbol,),
        "outcomes": (),
        "kind": KIND_PERPETUAL,
        "price_exponent": 8,
        "size_exponent": 8,
        "tick": tick,
        "lot": lot,
        "min_size": lot,
        "settlement": "USDT",
    }
    return Listing(**{**fields, **changes})


def binary(market: str = "M", tick: int = 100, **changes: Any) -> Listing:
    """A market of two outcomes, prices from 0 to 1 in units of 1e-4."""
    fields: dict[str, Any] = {
        "venue": "polymarket",
        "market": market,
        "symbols": (f"YES-{market}", f"NO-{market}"),
        "outcomes": ("Yes", "No"),
        "kind": KIND_BINARY,
        "price_exponent": 4,
        "size_exponent": 6,
        "tick": tick,
        "lot": 1,
        "min_size": 5_000_000,
        "settlement": "USDC",
    }
    return Listing(**{**fields, **changes})


class RowRoom:
    """One running kernel; each call of `fold` is one input of one frame."""

    def __init__(self, *listings: Listing, running: bool = True, run: RunStart = RUN) -> None:
        self.kernel: Kernel = kernel_of(run)
        futures = bool(listings) and listings[0].venue == "binance-usdm"
        self.kind = int(kinds.BINANCE_USDM if futures else kinds.POLYMARKET_MARKET)
        self.rule = int(RULE_PREV if futures else RULE_NONE)
        self.seq = 0
        self.now = SECOND
        self.source = 3
        if running:
            self.engine_input(kinds.RUN_START, run.payload())
        if listings:
            self.catalogue(*listings)

    # -- rows ----------------------------------------------------------------------------------------------------------

    def number(self, symbol: str) -> int:
        """The symbol's number in its venue's table; a new text gets one."""
        translator = self.kernel.translator(self.kind)
        assert translator is not None
        return int(translator.symbols.number(symbol))

    def row(self, event: int, symbol: str, *fields: int) -> Row:
        """One row of *symbol*; the fields left out are 0."""
        return (int(event), self.number(symbol), *fields, *(0,) * (6 - len(fields)))

    def levels(self, symbol: str, bids: Levels = (), asks: Levels = ()) -> list[Row]:
        """A LEVEL_SET row each."""
        sides = [(BID, level) for level in bids] + [(ASK, level) for level in asks]
        return [self.row(events.LEVEL_SET, symbol, side, price, size) for side, (price, size) in sides]

    def snapshot(
        self, symbol: str, update_id: int = 1, bids: Levels = (), asks: Levels = (), venue_ns: int = 0, tick: int = 0
    ) -> list[Row]:
        """A full book."""
        first = self.row(events.SNAPSHOT, symbol, update_id, venue_ns, self.rule)
        return [first, *self.levels(symbol, bids, asks), self.row(events.SNAPSHOT_END, symbol, tick)]

    def diff(
        self,
        symbol: str,
        last: int = 0,
        previous: int = 0,
        bids: Levels = (),
        asks: Levels = (),
        venue_ns: int = 0,
        first: int | None = None,
    ) -> list[Row]:
        """A change set from *first* (default: behind *previous*) to *last*."""
        begin = previous + 1 if first is None else first
        head = self.row(events.DIFF, symbol, begin, last, previous, venue_ns, self.rule)
        return [head, *self.levels(symbol, bids, asks), self.row(events.DIFF_END, symbol)]

    # -- inputs --------------------------------------------------------------------------------------------------------

    def fold(self, *rows: Row | list[Row], texts: Sequence[str] = (), wait: int = MS) -> None:
        """One input of all these rows."""
        self._begin(wait)
        batch = self.kernel.batch
        for text in texts:
            batch.text(text)
        for one in rows:
            for row in one if isinstance(one, list) else [one]:
                batch.add(*row)
        self.kernel.step_decoded(self.seq, self.now, self.kind, self.source)

    def catalogue(self, *listings: Listing) -> None:
        """One catalogue input."""
        self._begin(0)
        for listing in listings:
            self.kernel.batch.listed(listing)
        self.kernel.step_decoded(self.seq, self.now, self.kind, self.source)

    def engine_input(self, kind: int, payload: bytes, source: int = 1, wait: int = 0) -> None:
        """One input that is no venue's."""
        self.seq += 1
        self.now += wait
        self.kernel.step(self.seq, self.now, int(kind), source, payload, 0, len(payload))

    def frame(self, kind: int, payload: bytes, wait: int = MS) -> None:
        """One raw venue input, its prefix included."""
        self.seq += 1
        self.now += wait
        self.kernel.step(self.seq, self.now, int(kind), self.source, payload, 0, len(payload))

    def _begin(self, wait: int) -> None:
        self.seq += 1
        self.now += wait
        self.kernel.batch.clear()

    # -- what came of it -----------------------------------------------------------------------------------------------

    def market(self, number: int = 0) -> Market:
        """A market by its number."""
        return self.kernel.data.listings.markets[number]

    @property
    def findings(self) -> list[Finding]:
        """What the last input found."""
        return self.kernel.data.findings

    @property
    def codes(self) -> list[int]:
        """Their codes."""
        return [int(finding.code) for finding in self.findings]

    @property
    def derived(self) -> list[tuple[int, int, bytes]]:
        """What the last input led to."""
        return concluded_by(self.kernel)

    @property
    def derived_kinds(self) -> list[str]:
        """The names of its kinds."""
        return [kinds.name(kind) for kind, _, _ in self.derived]

    def bids(self, number: int = 0) -> list[tuple[int, int]]:
        """(tick, lots) of the market's bids, best first."""
        return self.market(number).book.levels(BID)

    def asks(self, number: int = 0) -> list[tuple[int, int]]:
        """(tick, lots) of the market's offers, best first."""
        return self.market(number).book.levels(ASK)
