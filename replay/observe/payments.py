"""What the venue pays beside trades, and the complete sets that it splits and merges."""

from collections.abc import Callable

from attrs import define

from replay.observe.ledger import Ledger
from replay.observe.marks import reference2
from replay.observe.orders import Orders
from replay.observe.shares import Shares
from replay.observed import Credit, Sets


@define
class Asked:
    """A split or merge that the venue has not answered."""

    seat: int
    intent: str
    instrument: int
    size: int
    merges: bool


class Payments:
    """The credits and conversions of one run."""

    def __init__(self, orders: Orders, ledger: Ledger, shares: Shares) -> None:
        self.credits: list[Credit] = []
        self.sets: list[Sets] = []
        self._orders = orders
        self._ledger = ledger
        self._shares = shares
        self._asked: dict[int, Asked] = {}

    def asked(self, number: int, seat: int, intent: bytes, instrument: int, size: int, merges: bool) -> None:
        """Request *number* asks for a split or a merge."""
        self._asked[number] = Asked(seat, intent.hex(), instrument, size, merges)

    def answered(self, seq: int, now_ns: int, number: int, converted: bool) -> Callable[[], None] | None:
        """The venue's answer to it is about to be folded: what to do behind that."""
        asked = self._asked.pop(number, None)
        if asked is None or not converted:
            return None
        market = self._ledger.holding(asked.instrument).instrument.market
        first = int(market.first_instrument)
        self._ledger.open(first)
        self._ledger.open(first + 1)
        yes, no = (reference2(self._ledger.holding(number).instrument) for number in (first, first + 1))

        def behind() -> None:
            self._ledger.convert(market, asked.seat, asked.size, asked.merges)
            name = self._orders.name(asked.seat)
            self.sets.append(Sets(seq, now_ns, name, first, number, asked.intent, (yes, no), asked.merges, asked.size))

        return behind

    def coming(self, seq: int, now_ns: int, number: int, reason: str) -> Callable[[], None]:
        """A credit for instrument *number* is about to be folded: what to do behind that."""
        holding = self._ledger.holding(number)
        before = holding.income

        def behind() -> None:
            amount = holding.income - before
            market = int(holding.instrument.market.number)
            if reason == "rebate":
                parts = self._shares.rebate(market, amount)
            else:
                parts = self._shares.reward(market, amount, now_ns)
            for seat, part in parts.items():
                self._ledger.account(number, seat).income += part
            shares = tuple((self._orders.name(seat), part) for seat, part in parts.items())
            self.credits.append(Credit(seq, now_ns, number, reason, amount, shares))

        return behind
