"""The translators of Binance's records, by kind: stream frames, depth snapshots and catalogues of both venues."""

from typing import Final, final

from mypy_extensions import i64

from adapters.binance.wire.catalogue import list_symbols
from adapters.binance.wire.fast import FrameScanner
from adapters.binance.wire.general import FrameDecoder
from adapters.binance.wire.snapshot import SnapshotReader
from adapters.binance.wire.terms import SPOT, USDM
from engine.kernel.codes import OK
from engine.kernel.events import EventBatch, Symbols, Translator
from engine.kernel.json_text import Refused, refusal
from engine.kernel.kinds import (
    BINANCE_SPOT,
    BINANCE_SPOT_CATALOGUE,
    BINANCE_SPOT_DEPTH,
    BINANCE_USDM,
    BINANCE_USDM_CATALOGUE,
    BINANCE_USDM_DEPTH,
)


@final
class BinanceFrames(Translator):
    """WebSocket frames, combined or raw: books, best prices, trades and marks."""

    def __init__(self, name: str, symbols: Symbols) -> None:
        super().__init__(name, symbols)
        futures = symbols.venue == USDM
        self._scanner: Final[FrameScanner] = FrameScanner(symbols, futures)
        self._decoder: Final[FrameDecoder] = FrameDecoder(symbols, futures)

    def translate(self, data: bytes, start: i64, end: i64, batch: EventBatch) -> i64:
        """See `Translator.translate`."""
        if self._scanner.read(data, start, end, batch):
            self.fast += 1
            return OK
        self.slow += 1
        return self.decode(data, start, end, batch)

    def decode(self, data: bytes, start: i64, end: i64, batch: EventBatch) -> i64:
        """Translate by the general decoder alone, which gives the scanner's rows for every frame the scanner reads."""
        try:
            self._decoder.read(data, start, end, batch)
        except Refused as error:
            batch.clear()
            return refusal(error)
        self.ignored += self._decoder.ignored
        return OK


@final
class BinanceDepth(Translator):
    """REST depth replies: the full book, of the symbol that the request (the batch's `meta`) names."""

    def __init__(self, name: str, symbols: Symbols) -> None:
        super().__init__(name, symbols)
        self._reader: Final[SnapshotReader] = SnapshotReader(symbols, symbols.venue == USDM)

    def translate(self, data: bytes, start: i64, end: i64, batch: EventBatch) -> i64:
        """See `Translator.translate`."""
        try:
            if self._reader.scan(data, start, end, batch):
                self.fast += 1
                return OK
            self.slow += 1
            self._reader.decode(data, start, end, batch)
        except Refused as error:
            batch.clear()
            return refusal(error)
        if batch.count == 0:
            self.ignored += 1
        return OK

    def decode(self, data: bytes, start: i64, end: i64, batch: EventBatch) -> i64:
        """Translate by the general decoder alone."""
        try:
            self._reader.decode(data, start, end, batch)
        except Refused as error:
            batch.clear()
            return refusal(error)
        return OK


@final
class BinanceCatalogue(Translator):
    """`exchangeInfo` replies: one LISTED row for each market we could trade or follow."""

    def translate(self, data: bytes, start: i64, end: i64, batch: EventBatch) -> i64:
        """See `Translator.translate`."""
        self.slow += 1
        try:
            self.ignored += list_symbols(data, start, end, self.symbols.venue, batch)
        except Refused as error:
            batch.clear()
            return refusal(error)
        return OK


def translators(spot: Symbols, usdm: Symbols) -> dict[int, Translator]:
    """Every translator of Binance, by the kind of record it reads; one `Symbols` serves one venue's three kinds."""
    assert spot.venue == SPOT
    assert usdm.venue == USDM
    return {
        int(BINANCE_SPOT): BinanceFrames(f"{SPOT}/1", spot),
        int(BINANCE_SPOT_DEPTH): BinanceDepth(f"{SPOT}-depth/1", spot),
        int(BINANCE_SPOT_CATALOGUE): BinanceCatalogue(f"{SPOT}-catalogue/1", spot),
        int(BINANCE_USDM): BinanceFrames(f"{USDM}/1", usdm),
        int(BINANCE_USDM_DEPTH): BinanceDepth(f"{USDM}-depth/1", usdm),
        int(BINANCE_USDM_CATALOGUE): BinanceCatalogue(f"{USDM}-catalogue/1", usdm),
    }
