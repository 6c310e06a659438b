"""
One market's resting orders, and its two tokens' books as the venue writes them.

Prices are mills (thousandths, 1 to 999) of the first outcome's token, sizes hundredths of a share. Every level carries
its text for both tokens, so that a book or its hash is a join of texts that mostly stand ready.
"""

from bisect import bisect_left
from hashlib import sha1
from typing import Final, final

BID: Final = 0
ASK: Final = 1
ONE: Final = 1000
"""The price 1 in mills."""


def price_text(mills: int) -> bytes:
    """The shortest decimal text of a price: 620 is "0.62"."""
    whole, part = divmod(mills, ONE)
    return (f"{whole}." + f"{part:03d}".rstrip("0") if part else f"{whole}").encode()


def size_text(hundredths: int) -> bytes:
    """The shortest decimal text of a size: 4410 is "44.1"."""
    whole, part = divmod(hundredths, 100)
    if part == 0:
        return b"%d" % whole
    return b"%d.%d" % (whole, part // 10) if part % 10 == 0 else b"%d.%02d" % (whole, part)


PRICES: Final = [price_text(mills) for mills in range(ONE + 1)]
_LEVELS: Final = [b'{"price":"' + text + b'","size":"' for text in PRICES]


@final
class Side:
    """
    The levels of one side in wire order: the worst first, the best last.

    `keys` are ascending: prices of bids, negated prices of offers. `queues` holds each level's orders, oldest first;
    `sizes` their sums.
    """

    __slots__ = ("_own", "_own_text", "_sign", "_their_text", "_theirs", "keys", "orders", "queues", "sizes")

    def __init__(self, side: int) -> None:
        self._sign: Final = 1 if side == BID else -1
        self.keys: list[int] = []
        self.queues: list[list[int]] = []
        self.sizes: list[int] = []
        self.orders = 0
        self._own: list[bytes] = []
        self._theirs: list[bytes] = []
        self._own_text: bytes | None = None
        self._their_text: bytes | None = None

    def best(self) -> int:
        """The best price, or the end of the price range where the side is empty: 0 for bids, 1000 for offers."""
        if self.keys:
            return self.keys[-1] * self._sign
        return 0 if self._sign > 0 else ONE

    def add(self, price: int, size: int) -> int:
        """Rest another order; returns the level's new size."""
        key = price * self._sign
        at = bisect_left(self.keys, key)
        if at == len(self.keys) or self.keys[at] != key:
            self.keys.insert(at, key)
            self.queues.insert(at, [])
            self.sizes.insert(at, 0)
            self._own.insert(at, b"")
            self._theirs.insert(at, b"")
        self.queues[at].append(size)
        self.orders += 1
        return self._resize(at, self.sizes[at] + size)

    def cancel(self, at: int, order: int) -> tuple[int, int]:
        """Take one order out of level *at*; returns the level's price and its new size."""
        price = self.keys[at] * self._sign
        size = self.queues[at].pop(order)
        self.orders -= 1
        return price, self._resize(at, self.sizes[at] - size)

    def fill(self, size: int) -> tuple[int, int, int]:
        """Trade up to *size* at the best level, oldest first; returns its price, the size traded and what is left."""
        queue = self.queues[-1]
        price = self.keys[-1] * self._sign
        open_size = size
        while queue and open_size:
            taken = min(queue[0], open_size)
            open_size -= taken
            queue[0] -= taken
            if queue[0] == 0:
                del queue[0]
                self.orders -= 1
        at = len(self.keys) - 1
        traded = size - open_size
        return price, traded, self._resize(at, self.sizes[at] - traded)

    def _resize(self, at: int, size: int) -> int:
        self._own_text = self._their_text = None
        if size:
            price = self.keys[at] * self._sign
            text = size_text(size) + b'"}'
            self.sizes[at] = size
            self._own[at] = _LEVELS[price] + text
            self._theirs[at] = _LEVELS[ONE - price] + text
        else:
            del self.keys[at], self.queues[at], self.sizes[at], self._own[at], self._theirs[at]
        return size

    def own_text(self) -> bytes:
        """The levels as the first token's book lists them."""
        if self._own_text is None:
            self._own_text = b",".join(self._own)
        return self._own_text

    def their_text(self) -> bytes:
        """The levels as the second token's book lists them, on its other side."""
        if self._their_text is None:
            self._their_text = b",".join(self._theirs)
        return self._their_text


@final
class Book:
    """Both sides, and what else goes into a book's hash: the grid, the last trade, the time of the last change."""

    __slots__ = ("_heads", "asks", "bids", "changed", "last", "sides", "tick")

    def __init__(self, market: str, tokens: tuple[str, str], tick: int, last: bytes, changed: bytes) -> None:
        self._heads: Final = tuple(
            f'{{"market":"{market}","asset_id":"{token}","timestamp":"'.encode() for token in tokens
        )
        self.bids: Final = Side(BID)
        self.asks: Final = Side(ASK)
        self.sides: Final = (self.bids, self.asks)
        self.tick = tick
        self.last = last
        """The last trade's price, three decimals, as the traded token's: both books repeat it as it is."""
        self.changed = changed
        """Milliseconds, as text."""

    def hash(self, token: int) -> bytes:
        """SHA-1 of the token's book in the venue's member order (fact sheet, section 5.1), in hex."""
        bids, asks = self._texts(token)
        return (
            sha1(
                b"".join(
                    (
                        self._heads[token],
                        self.changed,
                        b'","hash":"","bids":[',
                        bids,
                        b'],"asks":[',
                        asks,
                        b'],"min_order_size":"5","tick_size":"',
                        PRICES[self.tick],
                        b'","neg_risk":false,"last_trade_price":"',
                        self.last,
                        b'"}',
                    )
                ),
                usedforsecurity=False,
            )
            .hexdigest()
            .encode()
        )

    def frame(self, token: int) -> bytes:
        """The token's `book` event, compact as the venue writes these."""
        bids, asks = self._texts(token)
        return b"".join(
            (
                self._heads[token],
                self.changed,
                b'","hash":"',
                self.hash(token),
                b'","bids":[',
                bids,
                b'],"asks":[',
                asks,
                b'],"tick_size":"',
                PRICES[self.tick],
                b'","event_type":"book","last_trade_price":"',
                self.last,
                b'"}',
            )
        )

    def _texts(self, token: int) -> tuple[bytes, bytes]:
        """Bids and asks of the token's book: the second token's bids are the first one's offers, mirrored."""
        if token == 0:
            return self.bids.own_text(), self.asks.own_text()
        return self.asks.their_text(), self.bids.their_text()
