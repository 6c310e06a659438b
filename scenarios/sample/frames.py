"""
The frames of `/ws/market`, spelled as the venue spells them.

`book` events are compact; all others put a blank behind the commas between members, and none behind colons. Changes
come as pairs, one entry for each token, and every entry states its token's book after the whole frame.
"""

from typing import Final, NamedTuple, final

import orjson

from scenarios.sample.book import BID, ONE, PRICES, Book, size_text
from scenarios.sample.market import Change, Trade

_SIDES: Final = (b'", "side":"BUY", "hash":"', b'", "side":"SELL", "hash":"')
_WORDS: Final = (b"BUY", b"SELL")


class Face(NamedTuple):
    """What every `price_change` entry of one moment states: each token's book hash, best bid and best offer."""

    hashes: tuple[bytes, bytes]
    touches: tuple[bytes, bytes]


def face_of(book: Book) -> Face:
    """The *book* as it stands, stated for both tokens."""
    bid, ask = book.bids.best(), book.asks.best()
    return Face(
        (book.hash(0), book.hash(1)),
        (
            b'", "best_bid":"' + PRICES[bid] + b'", "best_ask":"' + PRICES[ask] + b'"}',
            b'", "best_bid":"' + PRICES[ONE - ask] + b'", "best_ask":"' + PRICES[ONE - bid] + b'"}',
        ),
    )


@final
class Speaker:
    """Writes the frames of one market."""

    def __init__(
        self, number: int, market: str, tokens: tuple[str, str], outcomes: tuple[str, str], title: str
    ) -> None:
        self.market: Final = market
        self.tokens: Final = tokens
        self.outcomes: Final = outcomes
        self.number: Final = number
        self.title: Final = title
        ids = [token.encode() for token in tokens]
        self._head: Final = b'{"market":"' + market.encode() + b'", '
        self._changes: Final = self._head + b'"price_changes":['
        self._about: Final = [self._head + b'"asset_id":"' + token + b'", ' for token in ids]
        self._entries: Final = [b'{"asset_id":"' + token + b'", "price":"' for token in ids]

    def price_change(self, changes: list[Change], face: Face, first: int, at: bytes) -> bytes:
        """Levels that hold new sizes; of each pair the entry of token *first* comes first."""
        parts: list[bytes] = []
        entries = self._entries
        for side, price, size in changes:
            text = b'", "size":"' + size_text(size)
            one = b"".join((entries[0], PRICES[price], text, _SIDES[side], face.hashes[0], face.touches[0]))
            two = b"".join((entries[1], PRICES[ONE - price], text, _SIDES[1 - side], face.hashes[1], face.touches[1]))
            parts += (two, one) if first else (one, two)
        return b"".join((self._changes, b", ".join(parts), b'], "timestamp":"', at, b'", "event_type":"price_change"}'))

    def best_bid_ask(self, book: Book, at: bytes) -> list[bytes]:
        """The touch of both tokens, one frame each."""
        bid, ask = book.bids.best(), book.asks.best()
        tail = b"".join(
            (b'", "spread":"', PRICES[ask - bid], b'", "timestamp":"', at, b'", "event_type":"best_bid_ask"}')
        )
        return [
            b"".join((self._about[token], b'"best_bid":"', PRICES[low], b'", "best_ask":"', PRICES[high], tail))
            for token, low, high in ((0, bid, ask), (1, ONE - ask, ONE - bid))
        ]

    def last_trade_price(self, trade: Trade, token: int, transaction: bytes, at: bytes) -> tuple[bytes, bytes]:
        """The frame of a *trade* that was taken in *token*, and the price as it is spelt there."""
        price = trade.price if token == 0 else ONE - trade.price
        side = trade.side if token == 0 else 1 - trade.side
        spelt = b"%d.%03d" % divmod(price, ONE)
        told = b'", "transaction_hash":"' + transaction if transaction else b""
        frame = b"".join(
            (
                self._about[token],
                b'"price":"',
                spelt,
                b'", "size":"',
                size_text(trade.size),
                b'", "fee_rate_bps":"0", "side":"',
                _WORDS[side != BID],
                b'", "timestamp":"',
                at,
                b'", "event_type":"last_trade_price',
                told,
                b'"}',
            )
        )
        return frame, spelt

    def tick_size_change(self, old: int, new: int, at: bytes) -> list[bytes]:
        """The new grid of both tokens, one frame each."""
        tail = b"".join(
            (
                b'"old_tick_size":"',
                PRICES[old],
                b'", "new_tick_size":"',
                PRICES[new],
                b'", "timestamp":"',
                at,
                b'", "event_type":"tick_size_change"}',
            )
        )
        return [about + tail for about in self._about]

    def market_resolved(self, winner: int, at: bytes) -> bytes:
        """The market is settled: one share of token *winner* pays 1."""
        return orjson.dumps(
            {
                "event_type": "market_resolved",
                "id": str(self.number),
                "market": self.market,
                "assets_ids": self.tokens,
                "winning_asset_id": self.tokens[winner],
                "winning_outcome": self.outcomes[winner],
                "timestamp": at.decode(),
                "tags": ["sample"],
            }
        )

    def new_market(self, at: bytes) -> bytes:
        """This market was created; the venue tells every subscriber."""
        slug = f"sample-{self.number}"
        return orjson.dumps(
            {
                "event_type": "new_market",
                "id": str(self.number),
                "question": self.title,
                "market": self.market,
                "slug": slug,
                "description": f"{self.title} A made-up market.",
                "assets_ids": self.tokens,
                "outcomes": self.outcomes,
                "event_message": {"id": str(self.number), "ticker": slug, "slug": slug, "title": self.title},
                "timestamp": at.decode(),
                "tags": ["sample"],
                "condition_id": self.market,
                "active": True,
                "clob_token_ids": self.tokens,
                "sports_market_type": "",
                "line": "",
                "game_start_time": "",
                "order_price_min_tick_size": "0.01",
                "group_item_title": "",
                "taker_base_fee": 1000,
                "fees_enabled": True,
                "fee_schedule": {"exponent": 1, "rate": 0.04, "taker_only": True, "rebate_rate": 0.25},
            }
        )
