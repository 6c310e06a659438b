"""The opponents in every market, for whoever has news of our orders, and for the views."""

from typing import Final, final

from mypy_extensions import i64

from engine.kernel.heuristics import HeuristicSettings
from engine.kernel.market import Market
from engine.kernel.opponents import Opponents
from engine.kernel.order import Order
from engine.kernel.pack import Packer, Unpacker


@final
class Watch:
    """The opponents in every market, by its number; `stirred` are those to be looked at though their book stood."""

    def __init__(self, settings: HeuristicSettings) -> None:
        self.settings: Final[HeuristicSettings] = settings
        self.markets: Final[list[Opponents]] = []
        self.stirred: list[Opponents] = []

    def market_added(self, market: Market) -> None:
        """Make room for the next market."""
        self.markets.append(Opponents(market, self.settings))

    def filled(self, order: Order, price: i64, flags: i64, now_ns: i64) -> None:
        """See `Opponents.filled`."""
        found = self.markets[order.instrument.market.number]
        found.filled(order, price, flags, now_ns)
        self.stirred.append(found)

    def ended(self, order: Order, unfilled: i64, now_ns: i64) -> None:
        """See `Opponents.ended`."""
        found = self.markets[order.instrument.market.number]
        found.ended(order, unfilled, now_ns)
        self.stirred.append(found)

    def pack(self) -> bytes:
        """The canonical bytes of all markets."""
        packer = Packer()
        packer.put(len(self.markets))
        for market in self.markets:
            market.pack(packer)
        return packer.finish()

    def unpack(self, data: bytes) -> None:
        """Become what `pack` wrote, over the same markets."""
        unpacker = Unpacker(data)
        count = unpacker.take()
        assert count == len(self.markets)
        for market in self.markets:
            market.unpack(unpacker)
        unpacker.done()
