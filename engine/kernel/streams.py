"""Streams that cannot be read: a frame of theirs may have said anything of any book they feed."""

from typing import Final, final

from mypy_extensions import i64

from engine.kernel import kinds
from engine.kernel.checkpoint import pack_unknown, unpack_unknown
from engine.kernel.digest import Digest
from engine.kernel.fold import MarketData
from engine.kernel.modes import MARKET
from engine.kernel.outbox import Outbox
from engine.kernel.pack import Packer, Unpacker
from engine.kernel.trading import Trading


@final
class Streams:
    """Which of them, since when not: `bad` maps the source of one whose last frame could not be read to the code."""

    def __init__(self, data: MarketData, trading: Trading, out: Outbox, digest: Digest) -> None:
        self._data: Final[MarketData] = data
        self._trading: Final[Trading] = trading
        self._out: Final[Outbox] = out
        self._digest: Final[Digest] = digest
        self.unreadable: i64 = 0  # frames that could not be read whole
        self.bad: dict[int, int] = {}

    def failed(self, code: i64, source: i64, recv_ns: i64) -> None:
        """A frame of *source* could not be read whole, for the reason *code*."""
        self.unreadable += 1
        self.bad[source] = code
        packer = Packer()
        packer.put(source)
        packer.put(code)
        self._out.emit(kinds.UNPARSED, 1, packer.finish())
        self._digest.mix(-1000 - code)
        self._gate(code, source, True, recv_ns)

    def recovered(self, source: i64, recv_ns: i64) -> None:
        """A frame of *source* was read, perhaps the first one again."""
        code = self.bad.pop(source, 0)
        if code:
            self._digest.mix(code)
            self._gate(code, source, False, recv_ns)

    def _gate(self, code: i64, source: i64, closed: bool, recv_ns: i64) -> None:
        for market in self._data.listings.markets:
            if market.source == source:
                self._trading.gate(code, MARKET, market.number, closed, recv_ns)

    def pack(self) -> bytes:
        """The canonical bytes of this part of the state, and of the symbols that were met but never listed."""
        packer = Packer()
        packer.put(self.unreadable)
        packer.put(len(self.bad))
        for source in sorted(self.bad):
            packer.put(source)
            packer.put(self.bad[source])
        packer.put_data(pack_unknown(self._data))
        return packer.finish()

    def unpack(self, data: bytes) -> None:
        """Become what `pack` gave."""
        unpacker = Unpacker(data)
        self.unreadable = unpacker.take()
        for _ in range(unpacker.take()):
            source = unpacker.take()
            self.bad[source] = unpacker.take()
        unpack_unknown(self._data, unpacker.take_data())
        unpacker.done()
