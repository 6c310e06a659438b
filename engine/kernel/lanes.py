"""What the fold of plain inputs (`engine.kernel.bulk`) knows of an instrument, so that it looks at nothing else."""

from typing import Final, final

from librt.vecs import extend, vec
from mypy_extensions import i64

from engine.kernel.book import MOVES, Ladder, Pool
from engine.kernel.chain import FOLLOWING
from engine.kernel.digest import MASK63, SPREAD
from engine.kernel.events import RULE_NONE, Symbols
from engine.kernel.levels import NUMBER_AT
from engine.kernel.market import WAKE_TOUCH, Instrument, Market
from engine.kernel.quotes import TRADE_NUMBER_AT
from engine.kernel.record import NONE


@final
class Lane:
    """One instrument as the loop sees it, with what it needs of the market at hand; `look` keeps it true."""

    def __init__(self, instrument: Instrument) -> None:
        market = instrument.market
        # What the loop reads for each level stands together.
        self.tick_shift: i64 = 0
        self.tick_inverse: i64 = 0
        self.tick_refused: i64 = 0
        self.most_tick: i64 = 0
        self.lot_shift: Final[i64] = market.by_lot.shift
        self.lot_inverse: Final[i64] = market.by_lot.inverse
        self.lot_refused: Final[i64] = market.by_lot.refused
        self.most_lots: Final[i64] = market.by_lot.most
        self.level_mark: Final[i64] = market.number << NUMBER_AT
        self.at_touch: i64 = 0  # -1: a level at the touch is none for the loop, somebody is to be told
        self.wants: i64 = 0
        self.mirror: Final[bool] = instrument.complement
        self.fits: bool = False
        self.moves: i64 = -1  # those of the book that it was looked at after
        self.market: Final[Market] = market
        self.pool: Pool = market.book.pool
        self.words: vec[i64] = market.book.pool.words
        self.whole: i64 = 0
        self.sides: vec[Ladder] = vec[Ladder]([market.book.bids, market.book.asks])
        self.trade_mark: Final[i64] = market.number << TRADE_NUMBER_AT

    def listen(self, wants: i64) -> None:
        """Strategies want to be woken for these reasons."""
        self.wants = wants
        self.at_touch = 0
        if wants & WAKE_TOUCH != 0:
            self.at_touch = -1

    def look(self) -> None:
        """Find out whether plain inputs of this instrument may be folded in the loop."""
        market = self.market
        self.moves = market.book.pool.words[MOVES]
        chain = market.chain
        follows = market.valid and chain.rule == RULE_NONE and chain.state == FOLLOWING
        self.fits = follows and market.suspect == 0 and market.crossed_ns == NONE and not market.odd
        if self.fits:
            market.unsaved = True
            market.touch_unseen = True
            self.sides = vec[Ladder]([market.book.bids, market.book.asks])
            self.pool = market.book.pool
            self.words = self.pool.words
            self.whole = market.whole
            self.most_tick = market.most_tick(self.mirror)
            self.tick_refused = market.by_tick.refused
            self.tick_shift = market.by_tick.shift
            self.tick_inverse = market.by_tick.inverse

    def set(self, side: i64, key: i64, lots: i64) -> None:
        """A level of the book."""
        self.sides[side].set(key, lots)
        if len(self.words) != len(self.pool.words):
            self.words[MOVES] += 1  # another lane of the market holds these too
            self.words = self.pool.words

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
        return (tick ^ -side) + side < self.sides[side].best

    def ends(self, key: i64, lots: i64, side: i64) -> bool:
        """Whether a level at the touch or better is none for the loop: someone is to be told, or it would cross."""
        if self.wants & WAKE_TOUCH != 0:
            return True
        other = self.sides[1 - side].best
        return key > self.sides[side].best and lots > 0 and other != NONE and key + other >= 0

    def level(self, price: i64, size: i64, side: i64) -> i64:
        """Set a level that fits; returns what moves the digest."""
        tick = ((price >> self.tick_shift) * self.tick_inverse) & MASK63
        lots = ((size >> self.lot_shift) * self.lot_inverse) & MASK63
        if self.mirror:
            tick = self.whole - tick
            side = 1 - side
        self.set(side, (tick ^ -side) + side, lots)
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
        """If the book is crossed now, note it: no lane of it fits any more."""
        bid = self.sides[0].best
        ask = self.sides[1].best
        if bid != NONE and ask != NONE and bid + ask >= 0:
            self.market.crossed_ns = now_ns
            self.market.moved()


@final
class Lanes:
    """The lanes of a stream's symbols, by the numbers they have in its inputs; `to` gives the kernel's numbers."""

    def __init__(self, symbols: Symbols) -> None:
        self.symbols: Final[Symbols] = symbols
        self.to: vec[i64] = vec[i64]()
        self.found: vec[i64] = vec[i64]()  # their instruments' numbers, -1 while not known

    def grow(self, texts: list[str]) -> None:
        """The symbols are *texts* now, those known before among them in their places."""
        self.to = vec[i64]([self.symbols.number(text) for text in texts])
        self.found = extend(self.found, vec[i64]([-1] * (len(texts) - len(self.found))))
