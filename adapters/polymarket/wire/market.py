"""The market channel and the REST books: a fast path for the usual frames, the general decoder behind it."""

from typing import Final, final

from mypy_extensions import i64

from adapters.polymarket.wire.changes import Changes
from adapters.polymarket.wire.decoded import decode_books, decode_stream
from adapters.polymarket.wire.scanned import Scanned
from engine.kernel.codes import OK
from engine.kernel.events import EventBatch, Symbols, Translator
from engine.kernel.json_text import Refused, refusal

MARKET_DECODER: Final = "polymarket-market/1"
BOOK_DECODER: Final = "polymarket-book/1"

_PONG: Final = b"PONG"


@final
class MarketTranslator(Translator):
    """Frames of `/ws/market`. The answer `PONG` to our keep-alive is a legal frame that says nothing."""

    def __init__(self, symbols: Symbols) -> None:
        super().__init__(MARKET_DECODER, symbols)
        self.changes: Final[Changes] = Changes()
        self.scanned: Final[Scanned] = Scanned(symbols, self.changes, True)

    def translate(self, data: bytes, start: i64, end: i64, batch: EventBatch) -> i64:
        """As `Translator.translate`."""
        if self.scanned.frame(data, start, end, batch):
            self.fast += 1
            return OK
        batch.clear()
        if end - start == 4 and data[start:end] == _PONG:
            self.fast += 1
            self.ignored += 1
            return OK
        self.slow += 1
        return self.general(data, start, end, batch)

    def general(self, data: bytes, start: i64, end: i64, batch: EventBatch) -> i64:
        """What `translate` does with a frame the fast path leaves; the tests compare the two."""
        try:
            decode_stream(data, start, end, self.symbols, self.changes, batch)
        except Refused as error:
            batch.clear()
            return refusal(error)
        if batch.count == 0:
            self.ignored += 1
        return OK


@final
class BookTranslator(Translator):
    """Replies of `GET /book` and `POST /books`."""

    def __init__(self, symbols: Symbols) -> None:
        super().__init__(BOOK_DECODER, symbols)
        self.scanned: Final[Scanned] = Scanned(symbols, Changes(), False)

    def translate(self, data: bytes, start: i64, end: i64, batch: EventBatch) -> i64:
        """As `Translator.translate`."""
        if self.scanned.frame(data, start, end, batch):
            self.fast += 1
            return OK
        batch.clear()
        self.slow += 1
        return self.general(data, start, end, batch)

    def general(self, data: bytes, start: i64, end: i64, batch: EventBatch) -> i64:
        """What `translate` does with a reply the fast path leaves."""
        try:
            decode_books(data, start, end, self.symbols, batch)
        except Refused as error:
            batch.clear()
            return refusal(error)
        if batch.count == 0:
            self.ignored += 1
        return OK
