"""One Binance to translate with, and the recorded frames."""

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from adapters.binance.wire.translators import BinanceDepth, BinanceFrames, translators
from engine.kernel import kinds
from engine.kernel.events import STRIDE, EventBatch, Symbols, Translator

Row = tuple[int, ...]


class Binance:
    """Both venues' translators over fresh symbol tables, with rows as tuples."""

    def __init__(self) -> None:
        self.spot = Symbols("binance-spot")
        self.usdm = Symbols("binance-usdm")
        self.by_kind = translators(self.spot, self.usdm)

    def frames(self, futures: bool) -> BinanceFrames:
        translator = self.by_kind[int(kinds.BINANCE_USDM if futures else kinds.BINANCE_SPOT)]
        assert isinstance(translator, BinanceFrames)
        return translator

    def depth(self, futures: bool) -> BinanceDepth:
        translator = self.by_kind[int(kinds.BINANCE_USDM_DEPTH if futures else kinds.BINANCE_SPOT_DEPTH)]
        assert isinstance(translator, BinanceDepth)
        return translator

    def catalogue(self, futures: bool) -> Translator:
        return self.by_kind[int(kinds.BINANCE_USDM_CATALOGUE if futures else kinds.BINANCE_SPOT_CATALOGUE)]

    def read(self, translator: Translator, frame: bytes, meta: bytes = b"") -> tuple[int, list[Row]]:
        """The code and rows of *frame*, translated inside other bytes, as it stands in a journal."""
        batch = EventBatch()
        batch.meta = meta
        code = translator.translate(b"{" + frame + b'"}', 1, 1 + len(frame), batch)
        return int(code), rows_of(batch)

    def decode(
        self, translator: BinanceFrames | BinanceDepth, frame: bytes, meta: bytes = b""
    ) -> tuple[int, list[Row]]:
        """The same by the general decoder alone."""
        batch = EventBatch()
        batch.meta = meta
        return int(translator.decode(frame, 0, len(frame), batch)), rows_of(batch)


def rows_of(batch: EventBatch) -> list[Row]:
    return [tuple(int(batch.rows[r * STRIDE + c]) for c in range(STRIDE)) for r in range(batch.count)]


@pytest.fixture
def binance() -> Binance:
    return Binance()


def _frames(path: Path) -> Iterator[bytes]:
    """hftbacktest: `<ns> <frame>`, cryptofeed: `<seconds>: <frame>`; other lines of cryptofeed hold no frame."""
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
        for line in file:
            stamp, _, frame = line.partition(b" ")
            if stamp.removesuffix(b":").replace(b".", b"").isdigit():
                yield frame.rstrip(b"\n")


@pytest.fixture(scope="session")
def recorded(shared: Path) -> Callable[[str], Iterator[bytes]]:
    """The frames of a file below `shared/data/binance`."""
    return lambda name: _frames(shared / "binance" / name)
