"""What a look at a run writes down: its money, its positions, its quotes against the touch."""

from collections.abc import Hashable, Iterable

from engine.kernel.market import Instrument
from engine.kernel.order import LIVE, PARTIAL
from engine.kernel.portfolio import Holding, Purse
from engine.kernel.step import Kernel
from engine.kernel.units import BUY
from replay.observe.grid import Sampler
from replay.observe.ledger import Ledger
from replay.observe.marks import touch
from replay.observe.orders import Orders
from replay.observed import Calls, CurrencyTrack, Grid, InstrumentTrack, StrategyTrack

Row = dict[Hashable, int | None]

_MONEY = ("equity", "cash", "realised", "unrealised", "fees", "income", "worst")


class Samples:
    """The series of one run, over one bounded grid."""

    def __init__(self, kernel: Kernel, ledger: Ledger, orders: Orders, step_ns: int) -> None:
        self.sampler = Sampler(step_ns=step_ns)
        self._desk = kernel.trading.desk
        self._ledger = ledger
        self._orders = orders
        self._traded: dict[int, bool] = {}  # instruments that orders of ours stood in

    def sent(self, number: int) -> None:
        """An order was sent to instrument *number*."""
        self._traded[number] = True

    def look(self, now_ns: int, seq: int, base_seq: int) -> None:
        """Write down how things are at *now_ns*, an instant of the grid."""
        self.sampler.add(now_ns, seq, base_seq, self._row())

    def finish(self, now_ns: int, seq: int, base_seq: int) -> None:
        """Write down how things are at the end of the run."""
        self.sampler.end(now_ns, seq, base_seq, self._row())

    def _row(self) -> Row:
        self._ledger.look()
        row: Row = {"orders": self._orders.sent, "cancels": self._orders.cancels}
        for number in self._ledger.numbers():
            self._money(row, number)
        for purse in self._desk.portfolio.purses:
            key = int(purse.number)
            if ("equity", key) in row:
                row["cash", key] = purse.cash() - purse.opening
                row["worst", key] = self._desk.risk.accounts[key]
        for number in self._shown():
            self._quotes(row, self._desk.instruments[number])
        return row

    def _money(self, row: Row, number: int) -> None:
        """Take the instrument's profit into the sums that it belongs to."""
        holding = self._ledger.holding(number)
        key = int(holding.purse.number)
        unrealised = self._ledger.valued(number).whole - holding.cost
        whole = 0
        for seat, account, profit in self._ledger.profits(number):
            whole += profit
            _add(row, ("pnl", seat, key), profit)
            _add(row, ("fees", seat, key), account.fees)
            _add(row, ("income", seat, key), account.income)
        row["pnl of", number] = whole
        _add(row, ("equity", key), whole)
        _add(row, ("realised", key), holding.realised)
        _add(row, ("unrealised", key), unrealised)
        _add(row, ("fees", key), holding.fees)
        _add(row, ("income", key), holding.income)

    def _quotes(self, row: Row, instrument: Instrument) -> None:
        number = int(instrument.number)
        row["bid", number], row["ask", number] = touch(instrument)
        row["own bid", number], row["own ask", number] = self._own(instrument)
        row["position", number] = int(self._desk.portfolio.holdings[number].size)

    def _own(self, instrument: Instrument) -> tuple[int | None, int | None]:
        """Our best live orders, in price units of *instrument*."""
        working = self._desk.orders.working
        bids: list[int] = []
        asks: list[int] = []
        for order in working[instrument.number].orders:
            if order.state in (LIVE, PARTIAL):
                (bids if order.side == BUY else asks).append(int(order.price))
        if instrument.other >= 0:
            scale = int(instrument.market.price_scale)
            for order in working[instrument.other].orders:
                if order.state in (LIVE, PARTIAL):
                    (asks if order.side == BUY else bids).append(scale - int(order.price))
        return max(bids, default=None), min(asks, default=None)

    def _shown(self) -> list[int]:
        """The instruments that orders of ours stood in, or that matter otherwise, and of each its complement."""
        found = {**self._traded, **dict.fromkeys(self._ledger.numbers(), True)}
        for number in list(found):
            other = int(self._desk.instruments[number].other)
            if other >= 0:
                found[other] = True
        return sorted(found)

    # -- at the end ----------------------------------------------------------------------------------------------------

    @property
    def numbers(self) -> list[int]:
        """The instruments that have a track."""
        return self._shown()

    def grid(self) -> Grid:
        """When there were looks."""
        return self.sampler.grid()

    def calls(self) -> Calls:
        """Orders and cancels over time."""
        policy = self._desk.policy
        most = None if policy is None else int(policy.max_orders_per_minute)
        return Calls(self.sampler.values("orders"), self.sampler.values("cancels"), most)

    def currencies(self) -> tuple[CurrencyTrack, ...]:
        """By purse, of those in which anything happened."""
        values = self.sampler.values
        return tuple(
            CurrencyTrack(
                purse.key,
                purse.currency,
                int(purse.exponent),
                *(values((what, int(purse.number))) for what in _MONEY),
            )
            for purse in self._purses()
        )

    def by_strategy(self) -> tuple[StrategyTrack, ...]:
        """By strategy and purse."""
        seats = [0, *range(1, len(self._desk.seats) + 1)]
        pairs = [(seat, purse) for seat in seats for purse in self._purses()]
        values = self.sampler.values
        return tuple(
            StrategyTrack(
                self._orders.name(seat),
                purse.key,
                purse.currency,
                int(purse.exponent),
                *(values((what, seat, int(purse.number))) for what in ("pnl", "fees", "income")),
            )
            for seat, purse in pairs
            if seat or self._is_used(seat, purse)
        )

    def by_instrument(self) -> tuple[InstrumentTrack, ...]:
        """By instrument."""
        return tuple(self._track(self._desk.instruments[number]) for number in self._shown())

    def _track(self, instrument: Instrument) -> InstrumentTrack:
        number, listing = int(instrument.number), instrument.market.listing
        purse = self._desk.portfolio.holdings[number].purse
        quotes = ("bid", "ask", "own bid", "own ask", "position", "pnl of")
        return InstrumentTrack(
            number,
            instrument.key,
            instrument.market.key,
            instrument.outcome,
            purse.key,
            purse.currency,
            int(purse.exponent),
            int(listing.price_exponent),
            int(listing.size_exponent),
            int(instrument.market.tick),
            *(self.sampler.values((what, number)) for what in quotes),
        )

    def _purses(self) -> Iterable[Purse]:
        used = dict.fromkeys(int(self._holding(number).purse.number) for number in self._ledger.numbers())
        return [purse for purse in self._desk.portfolio.purses if int(purse.number) in used]

    def _holding(self, number: int) -> Holding:
        return self._ledger.holding(number)

    def _is_used(self, seat: int, purse: Purse) -> bool:
        return any(self.sampler.values(("pnl", seat, int(purse.number))))


def _add(row: Row, key: Hashable, value: int) -> None:
    row[key] = (row.get(key) or 0) + value
