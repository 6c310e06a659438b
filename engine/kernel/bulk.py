"""
The fold of what is plain, in one loop: inputs of levels and trades that lead to nothing but their new state.

Most of a long base is such, and `Kernel.step` spends most of its time finding that out, one input at a time. Here it is
found out once for a market, and holds until something else than a plain input is folded. Whatever is not as expected
ends the loop and is stepped over as usual: the results are the same.

A plain input is made of words of eight bytes, little-endian (`replay.packed` has the other forms):

    0  form (2 bits), zero (1), kind (12), source (16), numbers skipped before its own (8), symbol (24)
    1  recv_ns
    2  src_ns, which is the facts' venue time; NONE where the venue stated none
    3  in the form SEVERAL only: how many facts follow; in the form PLAIN one does
    two words for each fact, all of the one symbol:
       price above 3 bits: whether it is a trade (4), and the side
       size

Its levels are one change set without sequence numbers (`events.RULE_NONE`), its trades have no numbers.
"""

from typing import Final, final

from librt.vecs import vec
from mypy_extensions import i64

from engine.kernel.book import Ladder
from engine.kernel.chain import FOLLOWING
from engine.kernel.digest import MASK63, PRIME, SPREAD, Digest
from engine.kernel.events import RULE_NONE, Symbols
from engine.kernel.fold import MarketData
from engine.kernel.levels import NUMBER_AT
from engine.kernel.market import WAKE_TOUCH, WAKE_TRADE, Instrument, Market
from engine.kernel.quotes import TRADE_NUMBER_AT
from engine.kernel.record import NONE

FORM: Final[i64] = 3
PLAIN: Final[i64] = 2
SEVERAL: Final[i64] = 3
PLAIN_SIZE: Final[i64] = 40
FACT: Final[i64] = 16
"""Bytes of a fact."""
FACT_AT: Final[i64] = 24
"""Where the one of the form PLAIN stands; one word further in the form SEVERAL."""
PLAIN_WORDS: Final[i64] = 5
FACT_WORDS: Final[i64] = 2
FACT_WORD: Final[i64] = 3
"""The same in words."""
SOURCE_AT: Final[i64] = 15
SOURCE: Final[i64] = 0xFFFF
_STREAM: Final[i64] = 0x7FFFFFFE
"""Kind and source in word 0, and that the form is one of the two."""
SKIPPED_AT: Final[i64] = 31
SKIPPED: Final[i64] = 0xFF
_UNSKIPPED: Final[i64] = ~0x7F80000000
SYMBOL_AT: Final[i64] = 39
SYMBOL: Final[i64] = 0xFFFFFF
PRICE_AT: Final[i64] = 3
TRADE: Final[i64] = 4
SIDE: Final[i64] = 3


@final
class Lane:
    """One instrument as the loop sees it, with what it needs of the market at hand; `look` keeps it true."""

    def __init__(self, instrument: Instrument) -> None:
        market = instrument.market
        self.market: Final[Market] = market
        self.mirror: Final[bool] = instrument.complement
        self.wants: i64 = 0
        self.bids: Ladder = market.book.bids
        self.asks: Ladder = market.book.asks
        self.whole: i64 = 0
        self.most_tick: i64 = 0
        self.tick_refused: i64 = 0
        self.tick_shift: i64 = 0
        self.tick_inverse: i64 = 0
        self.most_lots: Final[i64] = market.by_lot.most
        self.lot_refused: Final[i64] = market.by_lot.refused
        self.lot_shift: Final[i64] = market.by_lot.shift
        self.lot_inverse: Final[i64] = market.by_lot.inverse
        self.level_mark: Final[i64] = market.number << NUMBER_AT
        self.trade_mark: Final[i64] = market.number << TRADE_NUMBER_AT
        self.fits: bool = False
        self.turn: i64 = 0

    def look(self, turn: i64) -> None:
        """Find out, in turn number *turn*, whether plain inputs of this instrument may be folded in the loop."""
        self.turn = turn
        market = self.market
        chain = market.chain
        follows = market.valid and chain.rule == RULE_NONE and chain.state == FOLLOWING
        self.fits = follows and market.suspect == 0 and market.crossed_ns == NONE and not market.odd
        if self.fits:
            market.unsaved = True
            market.touch_unseen = True
            self.bids = market.book.bids
            self.asks = market.book.asks
            self.whole = market.whole
            self.most_tick = market.most_tick(self.mirror)
            self.tick_refused = market.by_tick.refused
            self.tick_shift = market.by_tick.shift
            self.tick_inverse = market.by_tick.inverse

    def fit(self, price: i64, size: i64, side: i64) -> bool:
        """Whether a level is on the grid, and away from the touch if anybody is to be told of that."""
        tick = ((price >> self.tick_shift) * self.tick_inverse) & MASK63
        lots = ((size >> self.lot_shift) * self.lot_inverse) & MASK63
        refused = (price & self.tick_refused) | (size & self.lot_refused)
        if refused != 0 or tick > self.most_tick or lots > self.most_lots or side > 1:
            return False
        if self.wants & WAKE_TOUCH == 0:
            return True
        if self.mirror:
            tick = self.whole - tick
            side = 1 - side
        if side == 0:
            return tick < self.bids.best
        return -tick < self.asks.best

    def ends(self, key: i64, lots: i64, ladder: Ladder, other: Ladder) -> bool:
        """Whether a level at the touch or better is none for the loop: someone is to be told, or it would cross."""
        if self.wants & WAKE_TOUCH != 0:
            return True
        return key > ladder.best and lots > 0 and other.best != NONE and key + other.best >= 0

    def level(self, price: i64, size: i64, side: i64) -> i64:
        """Set a level that fits; returns what moves the digest."""
        tick = ((price >> self.tick_shift) * self.tick_inverse) & MASK63
        lots = ((size >> self.lot_shift) * self.lot_inverse) & MASK63
        if self.mirror:
            tick = self.whole - tick
            side = 1 - side
        if side == 0:
            self.bids.set(tick, lots)
        else:
            self.asks.set(-tick, lots)
        return self.level_mark ^ ((tick << 1) | side) ^ ((lots * SPREAD) & MASK63)

    def trade(self, price: i64, size: i64, side: i64) -> i64:
        """Take note of a trade; returns what moves the digest."""
        market = self.market
        if self.mirror:
            price = market.price_scale - price
            if side < 2:
                side = 1 - side
        market.trade_price = price
        market.trade_size = size
        market.trade_side = side
        return self.trade_mark ^ ((price << 2) | side) ^ ((size * SPREAD) & MASK63)

    def see_crossed(self, now_ns: i64) -> None:
        """If the book is crossed now, note it: the lane fits no more."""
        bid = self.bids.best
        ask = self.asks.best
        if bid != NONE and ask != NONE and bid + ask >= 0:
            self.market.crossed_ns = now_ns
            self.fits = False


@final
class Lanes:
    """The lanes of a stream's symbols, by the numbers they have in its inputs; `to` gives the kernel's numbers."""

    def __init__(self, symbols: Symbols) -> None:
        self.symbols: Final[Symbols] = symbols
        self.to: vec[i64] = vec[i64]()
        self.found: list[Lane | None] = []

    def grow(self, texts: list[str]) -> None:
        """The symbols are *texts* now, those known before among them in their places."""
        self.to = vec[i64]([self.symbols.number(text) for text in texts])
        self.found.extend([None] * (len(texts) - len(self.found)))


@final
class Bulk:
    """
    The loop, and what it keeps between its runs. `turn` moves on with whatever else moves the markets.

    `seq` and `recv_ns` are those of the last input folded, `left` is how many more it was allowed to fold.
    """

    def __init__(self, data: MarketData, digest: Digest) -> None:
        self._data: Final[MarketData] = data
        self._digest: Final[Digest] = digest
        self._lanes: Final[list[Lane]] = []  # by instrument
        self.turn: i64 = 1
        self.seq: i64 = 0
        self.recv_ns: i64 = 0
        self.left: i64 = 0

    def settle(self, wants: list[int]) -> None:
        """The instruments are these now, and strategies want *wants*: wake reasons by market number."""
        lanes = self._lanes
        for instrument in self._data.listings.instruments[len(lanes) :]:
            lanes.append(Lane(instrument))
        for lane in lanes:
            lane.wants = i64(wants[lane.market.number])

    def _find(self, lanes: Lanes, symbol: i64) -> Lane | None:
        """The lane of a symbol that was not met before; None where its instrument is not listed, or not met either."""
        if symbol >= i64(len(lanes.found)):
            return None
        index = lanes.symbols.instrument[lanes.to[symbol]]
        if index < 0:
            return None
        lanes.found[symbol] = self._lanes[index]
        return self._lanes[index]

    def _lane(self, lanes: Lanes, symbol: i64) -> Lane | None:
        """The lane of a symbol; None where the loop may not fold its inputs."""
        lane: Lane | None = None
        if symbol < i64(len(lanes.found)):
            lane = lanes.found[symbol]
        if lane is None:
            lane = self._find(lanes, symbol)
            if lane is None:
                return None
        if lane.turn != self.turn:
            lane.look(self.turn)
        if lane.fits:
            return lane
        return None

    def fold(
        self,
        words: vec[i64],
        start: i64,
        end: i64,
        most: i64,
        until_ns: i64,
        seq: i64,
        span_seq: i64,
        lanes: Lanes,
    ) -> i64:
        """
        Fold plain inputs of one stream, the first of which stands at *start*; returns where it stopped.

        Args:
            words: the inputs, and others behind them.
            end: where the inputs end, as *start* an index of *words*.
            most: how many inputs to fold at most.
            until_ns: the latest receive time.
            seq: the sequence number before the first input's.
            span_seq: the number that the state is told, 0 for each input's own.
            lanes: those of the stream's symbols.
        """
        self.seq = seq
        self.left = most
        stream = words[start] & _STREAM
        at = start
        while self.left > 0 and at + PLAIN_WORDS <= end:
            before = at
            if words[at] & 1 == 0:
                at = self._fold_ones(words, at, end, until_ns, span_seq, lanes, stream)
            else:
                at = self._fold_several(words, at, end, until_ns, span_seq, lanes, stream)
            if at == before:
                break
        return at

    def _fold_ones(
        self, words: vec[i64], start: i64, end: i64, until_ns: i64, span_seq: i64, lanes: Lanes, stream: i64
    ) -> i64:
        """Fold inputs of the form PLAIN, as `fold` does. Here every instruction counts: nothing is called in vain."""
        value = self._digest.value
        mask = MASK63
        prime = PRIME
        spread = SPREAD
        stop = start + self.left * PLAIN_WORDS
        if stop > end:
            stop = end
        stop -= PLAIN_WORDS
        at = start
        seq = self.seq
        recv_ns = self.recv_ns
        key: i64 = -1
        lane = self._lanes[0]
        market = lane.market
        bids = lane.bids
        asks = lane.asks
        levels: i64 = 0  # of the lane, and the latest venue time of one
        latest: i64 = NONE
        while at <= stop:
            first = words[at]
            if first & _UNSKIPPED != key:
                if levels > 0:
                    market.levels_told((stream >> SOURCE_AT) & SOURCE, latest)
                    levels = 0
                key = first & _UNSKIPPED
                found = self._lane(lanes, first >> SYMBOL_AT)
                if found is None or first & (_STREAM | 1) != stream:  # the last bit: not one of several facts
                    break
                lane = found
                market = lane.market
                bids = lane.bids
                asks = lane.asks
                latest = NONE
            now_ns = words[at + 1]
            if now_ns > until_ns:
                break
            word = words[at + 3]
            size = words[at + 4]
            price = word >> PRICE_AT
            side = word & SIDE
            if word & TRADE != 0:
                if lane.wants & WAKE_TRADE != 0:
                    break
                change = lane.trade(price, size, side)
            else:
                tick = ((price >> lane.tick_shift) * lane.tick_inverse) & mask
                lots = ((size >> lane.lot_shift) * lane.lot_inverse) & mask
                refused = (price & lane.tick_refused) | (size & lane.lot_refused)
                if refused != 0 or tick > lane.most_tick or lots > lane.most_lots or side > 1:
                    break
                if lane.mirror:
                    tick = lane.whole - tick
                    side = 1 - side
                if side == 0:
                    if tick >= bids.best and lane.ends(tick, lots, bids, asks):
                        break
                    bids.set(tick, lots)
                else:
                    if -tick >= asks.best and lane.ends(-tick, lots, asks, bids):
                        break
                    asks.set(-tick, lots)
                venue_ns = words[at + 2]
                if venue_ns > latest:  # a choice of value, not of way: such stamps cannot be predicted
                    latest = venue_ns
                levels += 1
                change = lane.level_mark ^ ((tick << 1) | side) ^ ((lots * spread) & mask)
            seq += 1 + ((first >> SKIPPED_AT) & SKIPPED)
            recv_ns = now_ns
            told = span_seq
            if told == 0:
                told = seq
            # `Digest.mix` of what is told, and `Digest.mix_pair` of the change, with its value in a register.
            value = ((value ^ told) * prime) & mask
            value ^= value >> 29
            value = ((value ^ change) * prime) & mask
            value ^= value >> 29
            at += PLAIN_WORDS
        if levels > 0:
            market.levels_told((stream >> SOURCE_AT) & SOURCE, latest)
        self._digest.value = value
        self.seq = seq
        self.recv_ns = recv_ns
        self.left -= (at - start) // PLAIN_WORDS
        return at

    def _fold_several(
        self, words: vec[i64], start: i64, end: i64, until_ns: i64, span_seq: i64, lanes: Lanes, stream: i64
    ) -> i64:
        """Fold the input of the form SEVERAL at *start*, as `fold` does: all its facts, or none."""
        first = words[start]
        lane = self._lane(lanes, first >> SYMBOL_AT)
        now_ns = words[start + 1]
        fact = start + FACT_WORD + 1
        follows = fact + words[start + FACT_WORD] * FACT_WORDS
        if lane is None or first & _STREAM != stream or now_ns > until_ns or follows > end:
            return start
        if not self._fit(lane, words, fact, follows):
            return start
        self.seq += 1 + ((first >> SKIPPED_AT) & SKIPPED)
        self.recv_ns = now_ns
        self.left -= 1
        digest = self._digest
        digest.mix(self.seq if span_seq == 0 else span_seq)
        venue_ns = words[start + 2]
        while fact < follows:
            word = words[fact]
            size = words[fact + 1]
            if word & TRADE != 0:
                digest.mix(lane.trade(word >> PRICE_AT, size, word & SIDE))
            else:
                digest.mix(lane.level(word >> PRICE_AT, size, word & SIDE))
                lane.market.levels_told((stream >> SOURCE_AT) & SOURCE, venue_ns)
            fact += FACT_WORDS
        lane.see_crossed(now_ns)
        return follows

    def _fit(self, lane: Lane, words: vec[i64], start: i64, end: i64) -> bool:
        """Whether every fact of an input is as the loop expects it: it cannot stop between two of them."""
        at = start
        while at < end:
            word = words[at]
            if word & TRADE != 0:
                if lane.wants & WAKE_TRADE != 0:
                    return False
            elif not lane.fit(word >> PRICE_AT, words[at + 1], word & SIDE):
                return False
            at += FACT_WORDS
        return start < end
