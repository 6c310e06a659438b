"""
Folding market data: from a frame's event rows to books, touches, trades and listings.

One `MarketData` holds every market of a kernel. What needs a word beside the new state (a gap, a book found wrong, a
new grid) is left in `findings`, in order; the kernel's step turns these into derived records and gates.
"""

from typing import Final, final

from mypy_extensions import i64

from engine.kernel import codes, events
from engine.kernel.chain import APPLY, FOLLOWING, GAP, HELD_HEAD, HELD_LEVEL, HOLD, IGNORE, WAITING
from engine.kernel.digest import Digest
from engine.kernel.events import EventBatch, Listing, Symbols
from engine.kernel.listings import Finding, Listings
from engine.kernel.market import WAKE_BOOK, WAKE_STATUS, WAKE_TOUCH, WAKE_TRADE, Instrument, Market
from engine.kernel.proof import MIRROR, HashProof, check_touch
from engine.kernel.record import NONE
from engine.kernel.units import ASK, BID

CROSSED_GRACE_NS: Final[i64] = 1_000_000_000
"""A crossed book is normal for some frames after a trade; one that stays crossed longer is wrong."""


@final
class MarketData:
    """Every listed market and instrument, and the fold that moves them."""

    def __init__(self, digest: Digest, hash_every: i64 = 1) -> None:
        self.listings: Final[Listings] = Listings()
        self.hash_every: Final[i64] = hash_every
        self.hash_turn: i64 = 0

        self.moved: list[Market] = []  # by this input
        self.findings: list[Finding] = []
        self.listed: list[Instrument] = []
        self.resolved: list[Market] = []

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
            self.moved = []
        if self.findings:
            self.findings = []
        if self.listed:
            self.listed = []
        if self.resolved:
            self.resolved = []

    def fold(self, batch: EventBatch, symbols: Symbols, source: i64, recv_ns: i64) -> None:
        """Move every market past *batch*. Rows of own orders are left to the trading half."""
        rows = batch.rows
        count = batch.count
        row: i64 = 0
        self._applying = False
        self._holding = False
        while row < count:
            at = row * events.STRIDE
            row += 1
            kind = rows[at]
            if kind == events.LEVEL_SET:
                if self._applying:
                    self._level(rows[at + 2], rows[at + 3], rows[at + 4], rows[at + 5], rows[at + 6])
                elif self._holding:
                    market = self._market
                    assert market is not None
                    market.chain.hold_level(rows[at + 2], rows[at + 3], rows[at + 4])
                continue
            if kind > events.STATUS:
                continue
            if kind == events.LISTED:
                self._list(batch.objects[rows[at + 2]])
                continue
            if kind == events.RESOLVED:
                self._resolve_market(batch.texts[rows[at + 2]], symbols, rows[at + 1])
                continue
            instrument = self._find(symbols, rows[at + 1])
            if instrument is None:
                self._applying = False
                self._holding = False
                continue
            market = instrument.market
            if not market.touched:
                market.touched = True
                market.unsaved = True
                self.moved.append(market)
            if kind == events.DIFF:
                self._diff(instrument, source, rows[at + 2], rows[at + 3], rows[at + 4], rows[at + 5], rows[at + 6])
            elif kind == events.DIFF_END:
                self._diff_end(market)
            elif kind == events.TOUCH_STATED:
                self._advance(market, rows[at + 4])
                if market.valid:
                    check_touch(market, instrument.complement, rows[at + 2], rows[at + 3], rows[at + 4])
            elif kind == events.HASH_STATED:
                self._hash(instrument, rows[at + 2], rows[at + 3], rows[at + 4], rows[at + 5])
            elif kind == events.TICKER:
                self._ticker(market, rows[at + 2], rows[at + 3], rows[at + 4], rows[at + 5], rows[at + 6], rows[at + 7])
            elif kind == events.TRADED:
                self._traded(instrument, rows[at + 2], rows[at + 3], rows[at + 4], rows[at + 5])
            elif kind == events.SNAPSHOT:
                self._snapshot(instrument, source, rows[at + 2], rows[at + 3], rows[at + 4])
            elif kind == events.SNAPSHOT_END:
                self._snapshot_end(market, rows[at + 2])
            elif kind == events.LAST_PRICE:
                self._last_price(market, rows[at + 2], rows[at + 3])
            elif kind == events.MARK:
                self._mark(market, rows[at + 2], rows[at + 3], rows[at + 4], rows[at + 5])
            elif kind == events.TICK_CHANGED:
                self._tick_changed(market, rows[at + 3])
            else:
                assert kind == events.STATUS
                self._status(market, rows[at + 2])
        for market in self.moved:
            self._settle(market, recv_ns)

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
            market.source = source
            if venue_ns > market.venue_ns:
                market.venue_ns = venue_ns
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

    def _level(self, side: i64, price: i64, size: i64, price_spelling: i64, size_spelling: i64) -> None:
        market = self._market
        assert market is not None
        tick = price // market.tick
        lots = size // market.lot
        if tick * market.tick != price:
            self._off_grid(market, side, price, size)
            return
        if lots * market.lot != size:
            # Orders older than the venue's present step rest on: whole lots of them count, at least one.
            market.off_lot += 1
            if lots == 0:
                lots = 1
        book = market.book
        if self._complement:
            tick = market.price_scale // market.tick - tick
            side = ASK if side == BID else BID
        if book.highest_tick > 0 and (tick < 0 or tick > book.highest_tick):
            self._invalidate(market, codes.DATA_SUSPECT, price, size)
            self._applying = False
            return
        book.set_level(side, tick, lots)
        key = (tick << 1) | side
        self._digest.mix((market.number << 40) ^ key)
        self._digest.mix(lots)
        if market.odd:
            market.odd.pop(key, None)
        if (price_spelling | size_spelling) != 0 and lots > 0:
            market.odd[key] = (price_spelling, size_spelling)

    def _off_grid(self, market: Market, side: i64, price: i64, size: i64) -> None:
        """A price between ticks: on a prediction market a grid we missed, elsewhere an order older than the grid."""
        if market.binary:
            self._invalidate(market, codes.DATA_SUSPECT, price, size)
            self._applying = False
            return
        # No order of today can stand there or trade there first, so it is kept beside the ladder, exactly.
        key = (price << 1) | side
        if size > 0:
            market.off_grid[key] = size
        else:
            market.off_grid.pop(key, None)
        self._digest.mix(key)
        self._digest.mix(size)

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
                self._level(held[at], held[at + 1], held[at + 2], 0, 0)
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
        if self.hash_turn % self.hash_every == 0:
            self._proof.check_hash(market, instrument, high, middle, low, venue_ns)

    def _last_price(self, market: Market, price: i64, spelling: i64) -> None:
        if price != market.last_price or spelling != market.last_price_spelling:
            market.set_last_price(price, spelling)
            market.hash_proven = False
            self._digest.mix(price)

    # -- trades, tickers, marks ---------------------------------------------------------------------------------------

    def _traded(self, instrument: Instrument, price: i64, size: i64, side: i64, venue_ns: i64) -> None:
        market = instrument.market
        if instrument.complement:
            price = market.price_scale - price
            side = 1 - side if side < 2 else side
        market.trade_price = price
        market.trade_size = size
        market.trade_side = side
        first = market.wake & WAKE_TRADE == 0
        if first or price < market.trade_low:
            market.trade_low = price
        if first or price > market.trade_high:
            market.trade_high = price
        market.wake |= WAKE_TRADE
        self._digest.mix(price)
        self._digest.mix(size)

    def _ticker(
        self, market: Market, bid: i64, bid_size: i64, ask: i64, ask_size: i64, update_id: i64, venue_ns: i64
    ) -> None:
        if update_id <= market.ticker_id:
            return
        market.ticker_id = update_id
        market.ticker_bid = bid // market.tick
        market.ticker_bid_lots = bid_size // market.lot
        market.ticker_ask = ask // market.tick
        market.ticker_ask_lots = ask_size // market.lot
        market.wake |= WAKE_TOUCH
        self._digest.mix(update_id)
        self._digest.mix(market.ticker_bid ^ (market.ticker_ask << 32))
        self._digest.mix(market.ticker_bid_lots ^ (market.ticker_ask_lots << 32))

    def _mark(self, market: Market, mark: i64, index: i64, funding: i64, next_ns: i64) -> None:
        market.mark = mark
        market.index = index
        market.funding = funding
        market.next_funding_ns = next_ns
        self._digest.mix(mark)
        self._digest.mix(index)

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
        bid_lots = book.bids.lots_at(bid) if bid != NONE else 0
        ask_lots = book.asks.lots_at(-ask) if ask != NONE else 0
        if (
            bid != market.touch_bid
            or ask != market.touch_ask
            or bid_lots != market.touch_bid_lots
            or ask_lots != market.touch_ask_lots
        ):
            market.touch_bid = bid
            market.touch_ask = ask
            market.touch_bid_lots = bid_lots
            market.touch_ask_lots = ask_lots
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
        if listing.symbols != market.listing.symbols or listing.lot != market.lot:
            self.findings.append(Finding(codes.META_CHANGED, market.number, True, listing.lot, market.lot, ""))
            return
        market.listing = listing
        market.hash_proven = False
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

    def _touch(self, market: Market) -> None:
        market.unsaved = True
        if not market.touched:
            market.touched = True
            self.moved.append(market)


def levels_of(market: Market) -> list[tuple[int, int]]:
    """Every level of the market's book, bids then offers, best first."""
    return market.book.levels(BID) + market.book.levels(ASK)
