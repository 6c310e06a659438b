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

from librt.vecs import append, vec
from mypy_extensions import i64

from engine.kernel.book import IN_PAGE, MOVES, PAGE_BITS, Ladder
from engine.kernel.digest import MASK63, PRIME, SPREAD, Digest
from engine.kernel.fold import MarketData
from engine.kernel.lanes import Lane, Lanes
from engine.kernel.market import WAKE_TRADE
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
UNSKIPPED: Final[i64] = ~0x7F80000000
"""All of word 0 but how many numbers were skipped."""
SYMBOL_AT: Final[i64] = 39
SYMBOL: Final[i64] = 0xFFFFFF
PRICE_AT: Final[i64] = 3
TRADE: Final[i64] = 4
SIDE: Final[i64] = 3


@final
class Bulk:
    """
    The loop, and what it keeps between its runs. `turn` moves on with whatever else moves the markets.

    `seq` and `recv_ns` are those of the last input folded, `left` is how many more it was allowed to fold.
    """

    def __init__(self, data: MarketData, digest: Digest) -> None:
        self._data: Final[MarketData] = data
        self._digest: Final[Digest] = digest
        self._lanes: vec[Lane] = vec[Lane]()  # by instrument
        self._ladders: vec[Ladder] = vec[Ladder]()  # bids and offers of each, as it was when last looked at
        self.turn: i64 = 1
        self.seq: i64 = 0
        self.recv_ns: i64 = 0
        self.left: i64 = 0

    def settle(self, wants: list[int]) -> None:
        """The instruments are these now, and strategies want *wants*: wake reasons by market number."""
        for instrument in self._data.listings.instruments[len(self._lanes) :]:
            lane = Lane(instrument)
            self._lanes = append(self._lanes, lane)
            self._ladders = append(append(self._ladders, lane.sides[0]), lane.sides[1])
        for lane in self._lanes:
            lane.listen(i64(wants[lane.market.number]))

    def _find(self, lanes: Lanes, symbol: i64) -> i64:
        """The instrument of a symbol that was not met before; -1 where it is not listed, or not met either."""
        if symbol >= i64(len(lanes.found)):
            return -1
        index = lanes.symbols.instrument[lanes.to[symbol]]
        lanes.found[symbol] = index
        return index

    def _look(self, number: i64) -> None:
        lane = self._lanes[number]
        lane.look()
        self._ladders[2 * number] = lane.sides[0]
        self._ladders[2 * number + 1] = lane.sides[1]

    def _lane(self, lanes: Lanes, symbol: i64) -> i64:
        """The lane of a symbol, looked at; -1 where the loop may not fold its inputs."""
        number: i64 = -1
        if symbol < i64(len(lanes.found)):
            number = lanes.found[symbol]
        if number < 0:
            number = self._find(lanes, symbol)
            if number < 0:
                return -1
        lane = self._lanes[number]
        if lane.moves != lane.words[MOVES]:
            self._look(number)
        if lane.fits:
            return number
        return -1

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
        several = True
        while self.left > 0 and at + PLAIN_WORDS <= end:
            before = at
            if words[at] & 1 != 0:
                at = self._fold_several(words, at, end, until_ns, span_seq, lanes, stream)
                several = True
            elif several:
                at = self._fold_ones(words, at, end, until_ns, span_seq, lanes, stream)
                several = False
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
        key: i64 = -1
        none = NONE
        found = lanes.found
        symbols: i64 = len(found)
        all_lanes = self._lanes
        ladders = self._ladders
        lane = all_lanes[0]
        cells = lane.words
        place: i64 = 0  # of the lane's bids among the ladders
        latest = none  # venue time of the lane's levels
        levels = False  # whether there were any
        while at <= stop:
            first = words[at]
            skipped = first ^ key  # by an input of the same symbol: nothing else of word 0 may differ
            if skipped & UNSKIPPED != 0:
                if levels:
                    lane.market.levels_told((stream >> SOURCE_AT) & SOURCE, latest)
                    levels = False
                key = first & UNSKIPPED
                skipped = first ^ key
                symbol = first >> SYMBOL_AT
                number: i64 = -1
                if symbol < symbols:
                    number = found[symbol]
                if number < 0:
                    number = self._find(lanes, symbol)
                if number < 0 or first & (_STREAM | 1) != stream:  # the last bit: not one of several facts
                    break
                lane = all_lanes[number]
                if lane.moves != lane.words[MOVES]:
                    self._look(number)
                if not lane.fits:
                    break
                cells = lane.words
                place = 2 * number
                latest = none
            if words[at + 1] > until_ns:
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
                refused = (price & lane.tick_refused) | (size & lane.lot_refused) | (side & 2)
                if refused != 0 or tick > lane.most_tick or lots > lane.most_lots:
                    break
                if lane.mirror:
                    tick = lane.whole - tick
                    side = 1 - side
                # Sides come in no order that a processor foresees: so there is no branch for them.
                ladder = ladders[place + side]
                level = (tick ^ -side) + side
                i = level - ladder.base
                page: i64 = 0
                # Behind the best price, or at it where it stays: see `Ladder.set`.
                if level - (((lots - 1) >> 63) | lane.at_touch) <= ladder.best:
                    if i >= 0:
                        page = cells[ladder.table + (i >> PAGE_BITS)]
                elif lane.ends(level, lots, side):
                    break
                if page > 0:
                    cells[page + (i & IN_PAGE)] = lots
                else:
                    lane.set(side, level, lots)
                    cells = lane.words
                venue_ns = words[at + 2]
                if venue_ns > latest:  # a choice of value, not of way: such stamps cannot be predicted
                    latest = venue_ns
                levels = True
                change = lane.level_mark ^ ((tick << 1) | side) ^ ((lots * spread) & mask)
            seq += 1 + (skipped >> SKIPPED_AT)
            told = span_seq
            if told == 0:
                told = seq
            # `Digest.mix` of what is told, and `Digest.mix_pair` of the change, with its value in a register.
            value = ((value ^ told) * prime) & mask
            value ^= value >> 29
            value = ((value ^ change) * prime) & mask
            value ^= value >> 29
            at += PLAIN_WORDS
        if levels:
            lane.market.levels_told((stream >> SOURCE_AT) & SOURCE, latest)
        self._digest.value = value
        self.seq = seq
        if at > start:
            self.recv_ns = words[at - PLAIN_WORDS + 1]
        self.left -= (at - start) // PLAIN_WORDS
        return at

    def _fold_several(
        self, words: vec[i64], start: i64, end: i64, until_ns: i64, span_seq: i64, lanes: Lanes, stream: i64
    ) -> i64:
        """Fold the input of the form SEVERAL at *start*, as `fold` does: all its facts, or none."""
        first = words[start]
        number = self._lane(lanes, first >> SYMBOL_AT)
        now_ns = words[start + 1]
        fact = start + FACT_WORD + 1
        follows = fact + words[start + FACT_WORD] * FACT_WORDS
        if number < 0 or first & _STREAM != stream or now_ns > until_ns or follows > end:
            return start
        lane = self._lanes[number]
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
