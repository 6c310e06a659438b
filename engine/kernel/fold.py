"""
Folding market data: from a frame's event rows to books, touches, trades and listings.

One `MarketData` holds every market of a kernel. What needs a word beside the new state (a gap, a book found wrong, a
new grid) is left in `findings`, in order; the kernel's step turns these into derived records and gates.
"""

from typing import Final, final

from librt.vecs import vec
from mypy_extensions import i64

from engine.kernel import codes, events
from engine.kernel.chain import APPLY, FOLLOWING, GAP, HELD_HEAD, HELD_LEVEL, HOLD, IGNORE, WAITING
from engine.kernel.digest import Digest
from engine.kernel.events import EventBatch, Listing, Symbols
from engine.kernel.levels import levels_of, set_level, set_levels
from engine.kernel.listings import Finding, Listings
from engine.kernel.market import WAKE_BOOK, WAKE_STATUS, WAKE_TOUCH, Instrument, Market
from engine.kernel.proof import MIRROR, HashProof, check_touch
from engine.kernel.quotes import last_price, mark, ticker, traded
from engine.kernel.record import NONE

CROSSED_GRACE_NS: Final[i64] = 1_000_000_000
"""A crossed book is normal for some frames after a trade; one that stays crossed longer is wrong."""


@final
class MarketData:
    """Every listed market and instrument, and the fold that moves them."""

    def __init__(self, digest: Digest, hash_every: i64 = 1) -> None:
        self.listings: Final[Listings] = Listings()
        self.hash_every: Final[i64] = hash_every
        self.hash_turn: i64 = 0

        self._none: Final[list[Market]] = []
        self._several: list[Market] = []
        self.moved: list[Market] = self._none  # by this input; never changed in place by others
        self.findings: list[Finding] = []
        self.listed: list[Instrument] = []
        self.resolved: list[Market] = []
        self.relisted: list[Market] = []  # of another event than before, or traded on other terms

        self._digest: Final[Digest] = digest
        self._proof: Final[HashProof] = HashProof()
        self._market: Market | None = None  # the target of the level rows being read
        self._complement: bool = False
        self._applying: bool = False
        self._holding: bool = False
        self._mirror: list[tuple[int, int]] | None = None  # levels that the complement's snapshot has to repeat
        self._last: i64 = NONE  # id the open change set or snapshot ends at

    # -- one frame -------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Forget what the last input left."""
        if self.moved:
            for market in self.moved:
                market.touched = False
                market.wake = 0
            self.moved = self._none
        if self.findings:
            self.findings = []
        if self.listed:
            self.listed = []
        if self.resolved:
            self.resolved = []
        if self.relisted:
            self.relisted = []

    def fold(self, batch: EventBatch, symbols: Symbols, source: i64, recv_ns: i64) -> None:
        """Move every market past *batch*. Rows of own orders are left to the trading half."""
        rows = batch.rows
        end = batch.count * events.STRIDE
        at: i64 = 0
        self._applying = False
        self._holding = False
        while at < end:
            kind = rows[at]
            if kind == events.LEVEL_SET:
                if self._applying:
                    market = self._market
                    assert market is not None
                    at = set_levels(market, self._complement, self._digest, rows, at, end)
                    if at < end and rows[at] == events.LEVEL_SET:
                        self._refuse_level(market, rows[at + 3], rows[at + 4])
                        at += events.STRIDE
                    continue
                if self._holding:
                    market = self._market
                    assert market is not None
                    market.chain.hold_level(rows[at + 2], rows[at + 3], rows[at + 4])
            elif kind == events.LISTED:
                self._list(batch.objects[rows[at + 2]])
            elif kind == events.RESOLVED:
                self._resolve_market(batch.texts[rows[at + 2]], symbols, rows[at + 1])
            elif kind <= events.STATUS:
                instrument = self._find(symbols, rows[at + 1])
                if instrument is None:
                    self._applying = False
                    self._holding = False
                else:
                    self._fact(kind, instrument, source, rows, at)
            at += events.STRIDE
        for market in self.moved:
            self._settle(market, recv_ns)

    def _fact(self, kind: i64, instrument: Instrument, source: i64, rows: vec[i64], at: i64) -> None:
        """Fold the row at *at*, which is about *instrument*'s market."""
        market = instrument.market
        self._touch(market)
        if kind == events.TICKER:
            ticker(market, self._digest, rows[at + 2], rows[at + 3], rows[at + 4], rows[at + 5], rows[at + 6])
        elif kind == events.TRADED:
            traded(market, instrument.complement, self._digest, rows[at + 2], rows[at + 3], rows[at + 4])
        elif kind == events.DIFF:
            self._diff(instrument, source, rows[at + 2], rows[at + 3], rows[at + 4], rows[at + 5], rows[at + 6])
        elif kind == events.DIFF_END:
            self._diff_end(market)
        elif kind == events.TOUCH_STATED:
            self._advance(market, rows[at + 4])
            if market.valid:
                check_touch(market, instrument.complement, rows[at + 2], rows[at + 3], rows[at + 4])
        elif kind == events.HASH_STATED:
            self._hash(instrument, rows[at + 2], rows[at + 3], rows[at + 4], rows[at + 5])
        elif kind == events.LAST_PRICE:
            last_price(market, self._digest, rows[at + 2], rows[at + 3])
        elif kind == events.SNAPSHOT:
            self._snapshot(instrument, source, rows[at + 2], rows[at + 3], rows[at + 4])
        elif kind == events.SNAPSHOT_END:
            self._snapshot_end(market, rows[at + 2])
        elif kind == events.MARK:
            mark(market, self._digest, rows[at + 2], rows[at + 3], rows[at + 4], rows[at + 5])
        elif kind == events.TICK_CHANGED:
            self._tick_changed(market, rows[at + 3])
        else:
            assert kind == events.STATUS
            self._status(market, rows[at + 2])

    def disconnected(self, source: i64) -> None:
        """The stream *source* is down: every book it fed waits for a snapshot."""
        for market in self.listings.markets:
            if market.source == source and (market.valid or market.chain.state != WAITING):
                self._touch(market)
                market.chain.forget()
                self._invalidate(market, codes.CONN_LOST, 0, 0)

    # -- books -----------------------------------------------------------------------------------------------------

    def _diff(
        self, instrument: Instrument, source: i64, first: i64, last: i64, previous: i64, venue_ns: i64, rule: i64
    ) -> None:
        market = instrument.market
        self._market = market
        self._complement = instrument.complement
        self._last = last
        self._advance(market, venue_ns)
        chain = market.chain
        if chain.rule != rule:
            chain.rule = rule
        verdict = chain.judge(first, last, previous)
        self._applying = verdict == APPLY
        self._holding = verdict == HOLD
        if verdict == APPLY:
            market.levels_told(source, venue_ns)
            return
        if verdict == GAP:
            self._invalidate(market, codes.SEQ_GAP, chain.last, first if rule != events.RULE_NONE else NONE)
            self._holding = True
        elif verdict == IGNORE and chain.state == FOLLOWING:
            self.findings.append(Finding(codes.DUP_BLOCKED, market.number, True, last, chain.last, ""))
        if self._holding:
            chain.hold(first, last, previous, venue_ns)
            self._digest.mix(last)

    def _diff_end(self, market: Market) -> None:
        if self._applying and market is self._market:
            if market.chain.rule != events.RULE_NONE:
                market.chain.follow(self._last)
                self._digest.mix(self._last)
        self._applying = False
        self._holding = False

    def _refuse_level(self, market: Market, price: i64, size: i64) -> None:
        """A level that cannot stand on this grid: the book is not what the venue means, or the grid is not."""
        self._invalidate(market, codes.DATA_SUSPECT, price, size)
        self._applying = False

    def _snapshot(self, instrument: Instrument, source: i64, update_id: i64, venue_ns: i64, rule: i64) -> None:
        market = instrument.market
        chain = market.chain
        chain.rule = rule
        self._market = market
        self._complement = instrument.complement
        self._last = update_id
        self._advance(market, venue_ns)
        self._holding = False
        self._applying = not chain.outdates(update_id)
        if not self._applying:
            return
        # The two tokens of a binary market send one book each: at one venue time they must be mirror images.
        mirrored = market.valid and market.binary and venue_ns == market.venue_ns and rule == events.RULE_NONE
        self._mirror = levels_of(market) if mirrored else None
        market.book.clear()
        market.odd = {}
        market.off_grid = {}
        market.source = source
        market.venue_ns = venue_ns
        market.hash_proven = False
        market.suspect = 0
        self._digest.mix(update_id)

    def _snapshot_end(self, market: Market, tick: i64) -> None:
        if market is not self._market:
            return
        applied = self._applying
        self._applying = False
        if tick > 0 and tick != market.tick:
            # The grid changed while nobody listened. Levels may have been refused on the old one already, so this book
            # only tells of the new one, and the next (the complement's comes along) is taken.
            self._tick_changed(market, tick)
            return
        if not applied:
            return
        was_valid = market.valid
        market.chain.snapped(self._last)
        market.valid = True
        market.crossed_ns = NONE
        if self._mirror is not None and self._mirror != levels_of(market):
            market.suspect |= MIRROR
            market.suspect_ns = market.venue_ns
        self._replay_held(market)
        if market.valid and not was_valid:
            market.wake |= WAKE_BOOK
            self.findings.append(Finding(codes.OK, market.number, False, self._last, 0, ""))

    def _replay_held(self, market: Market) -> None:
        """Apply the change sets that arrived before the snapshot and are newer than it."""
        chain = market.chain
        end = chain.held_end
        if end == 0:
            return
        held = chain.held
        at: i64 = 0
        self._complement = False
        while at < end and market.valid:
            first = held[at]
            last = held[at + 1]
            levels = held[at + 4]
            verdict = chain.judge(first, last, held[at + 2])
            if verdict == GAP:
                self._stale_snapshot(market, first)
                return
            at += HELD_HEAD
            i: i64 = 0
            self._applying = verdict == APPLY
            while i < levels and self._applying:
                if not set_level(market, False, self._digest, held[at], held[at + 1], held[at + 2], 0, 0):
                    self._refuse_level(market, held[at + 1], held[at + 2])
                at += HELD_LEVEL
                i += 1
            at += (levels - i) * HELD_LEVEL
            if self._applying:
                chain.follow(last)
                self._digest.mix(last)
        self._applying = False
        chain.forget()

    def _stale_snapshot(self, market: Market, first: i64) -> None:
        """The snapshot is older than everything held: wait for a newer one, and keep what is held."""
        self._invalidate(market, codes.SEQ_GAP, self._last, first)

    def _invalidate(self, market: Market, code: i64, expected: i64, found: i64) -> None:
        market.chain.lose()
        market.suspect = 0
        market.crossed_ns = NONE
        market.hash_proven = False
        self._digest.mix(-2 - code)
        if market.valid:
            market.valid = False
            market.wake |= WAKE_BOOK
            self.findings.append(Finding(code, market.number, True, expected, found, ""))

    # -- what the venue states beside its levels ----------------------------------------------------------------------

    def _advance(self, market: Market, venue_ns: i64) -> None:
        """A statement of a later venue time: what was suspect until then stays contradicted, and the book is wrong."""
        if market.suspect != 0 and venue_ns > market.suspect_ns:
            self._invalidate(market, codes.DATA_SUSPECT, market.suspect_ns, market.suspect)

    def _hash(self, instrument: Instrument, high: i64, middle: i64, low: i64, venue_ns: i64) -> None:
        market = instrument.market
        if not market.valid or self.hash_every == 0:
            return
        self.hash_turn += 1
        if self.hash_turn % self.hash_every == 0 or market.suspect != 0:  # whatever may clear a suspicion is heard
            self._proof.check_hash(market, instrument, high, middle, low, venue_ns)

    def _settle(self, market: Market, recv_ns: i64) -> None:
        """After the whole frame: is the book crossed, and did the touch move?"""
        book = market.book
        bid = book.bids.best
        ask = book.best_ask()
        if bid != NONE and ask != NONE and bid >= ask:
            if market.crossed_ns == NONE:
                market.crossed_ns = recv_ns
            elif market.valid and recv_ns - market.crossed_ns > CROSSED_GRACE_NS:
                self._invalidate(market, codes.DATA_SUSPECT, bid, ask)
        elif market.crossed_ns != NONE:
            market.crossed_ns = NONE
        if market.see_touch():
            market.wake |= WAKE_TOUCH

    # -- listings ------------------------------------------------------------------------------------------------------

    def _list(self, listing: Listing) -> None:
        key = f"{listing.venue}:{listing.market}"
        known = self.listings.market_by_key.get(key)
        if known is not None:
            self._relist(known, listing)
            return
        market = Market(len(self.listings.markets), listing)
        self.listings.adopt(market)
        for instrument in self.listings.instruments[market.first_instrument :]:
            self.listed.append(instrument)
            self._digest.mix_bytes(instrument.key.encode())
        self._touch(market)
        market.wake |= WAKE_STATUS

    def _relist(self, market: Market, listing: Listing) -> None:
        self._touch(market)
        if not market.is_like(listing):
            self.findings.append(Finding(codes.META_CHANGED, market.number, True, listing.lot, market.lot, ""))
            return
        if market.is_limited_otherwise(listing):
            self.relisted.append(market)
            self._digest.mix_bytes(listing.event.encode())
        market.relist(listing)
        if listing.tick != market.tick:
            self._tick_changed(market, listing.tick)
        self._status(market, listing.status)

    def _tick_changed(self, market: Market, tick: i64) -> None:
        if tick <= 0 or (market.price_scale % tick != 0 and market.binary):
            self._invalidate(market, codes.DATA_SUSPECT, market.tick, tick)
            return
        if tick == market.tick:
            return
        old = market.tick
        market.chain.lose()
        was_valid = market.valid
        market.regrid(tick)
        market.suspect = 0
        market.crossed_ns = NONE
        market.wake |= WAKE_BOOK if was_valid else WAKE_STATUS
        self._digest.mix(tick)
        self.findings.append(Finding(codes.META_CHANGED, market.number, was_valid, old, tick, ""))

    def _status(self, market: Market, status: i64) -> None:
        if status == market.status:
            return
        market.status = status
        market.wake |= WAKE_STATUS
        self._digest.mix(status)
        closed = status != events.STATUS_TRADING
        self.findings.append(Finding(codes.MARKET_CLOSED, market.number, closed, status, 0, ""))

    def _resolve_market(self, text: str, symbols: Symbols, winner: i64) -> None:
        market = self.listings.market_by_key.get(f"{symbols.venue}:{text}")
        if market is None:
            return
        self._touch(market)
        if winner >= 0:
            won = self._find(symbols, winner)
            if won is not None and won.market is market and market.winner == NONE:
                market.winner = won.number
                self._digest.mix(won.number)
                self.resolved.append(market)
        self._status(market, events.STATUS_CLOSED)

    def _find(self, symbols: Symbols, number: i64) -> Instrument | None:
        found = self.listings.find(symbols, number)
        if found is None:
            key = f"{symbols.venue}:{symbols.texts[number]}"
            if self.listings.passed_over(key) == 1:
                self.findings.append(Finding(codes.UNKNOWN_INSTRUMENT, -1, True, 0, 0, key))
        return found

    def wake(self, markets: list[Market], reason: i64) -> None:
        """Let strategies look at *markets* for a *reason* that does not come from their data."""
        for market in markets:
            self._touch(market)
            market.wake |= reason

    def _touch(self, market: Market) -> None:
        if market.touched:
            return
        market.touched = True
        market.unsaved = True
        market.moved()
        if market.touch_unseen:  # nobody was to be told of it; of what this input does to it, perhaps
            market.see_touch()
        if not self.moved:
            self.moved = market.alone  # most inputs move one market: no list is made for it
        elif self.moved is self._several:
            self.moved.append(market)
        else:
            self._several = [self.moved[0], market]
            self.moved = self._several
