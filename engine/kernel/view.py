"""
What a strategy sees: the state, live and read-only, through cheap properties.

A view is valid during the call it was given to. Absent prices are None. Prices are in ticks and sizes in lots of the
instrument asked about; a binary market's second outcome sees the same book from its own side.
"""

from typing import Final, final

from engine.kernel.arbiter import Arbiter
from engine.kernel.desk import Desk, Seat
from engine.kernel.instrument_view import InstrumentView
from engine.kernel.modes import MODE_NAMES
from engine.kernel.order import OwnOrder
from engine.kernel.risk import NOBODY
from engine.kernel.rng import Draws


@final
class View:
    """All of it, as one strategy may see it."""

    def __init__(self, desk: Desk, seat: Seat, instruments: list[InstrumentView]) -> None:
        self._desk: Final[Desk] = desk
        self._seat: Final[Seat] = seat
        self._instruments: Final[list[InstrumentView]] = instruments
        self._arbiter: Final[Arbiter] = Arbiter(desk)
        self._last_key: object = None  # the key that was asked for last, and what it stands for
        self._last: InstrumentView | None = None

    @property
    def now_ns(self) -> int:
        """The time of the input being answered."""
        return int(self._desk.now_ns)

    @property
    def seq(self) -> int:
        """The sequence number of the input being answered. In a resimulation, market data of one span share it."""
        return int(self._desk.seq)

    @property
    def draw_key(self) -> int:
        """A number that no other input of the run has: the key of random draws."""
        return int(self._desk.draw_key)

    @property
    def mode(self) -> str:
        """The least permission of the account and of this strategy."""
        modes = self._desk.modes
        account = modes.mode(0, 0)
        own = self._desk.strategy_mode(self._seat.number)
        return MODE_NAMES[account if account > own else own]

    def market(self, instrument: str | int) -> InstrumentView:
        """The instrument of that key or number; raises KeyError where no catalogue input listed it yet."""
        if instrument is self._last_key and self._last is not None:
            return self._last
        if isinstance(instrument, str):
            view = self._instruments[self._desk.by_key[instrument].number]
            self._last_key = instrument
            self._last = view
            return view
        if 0 <= instrument < len(self._instruments):
            return self._instruments[instrument]
        raise KeyError(instrument)

    def may_place(self, instrument: str) -> bool:
        """Whether no other strategy keeps this one out of that instrument's market (`arbiter`)."""
        market = self._desk.by_key[instrument].market
        return self._arbiter.kept_out_by(self._seat.number, market) == NOBODY

    def listed(self, instrument: str) -> bool:
        """Whether the instrument of that key is listed."""
        return instrument in self._desk.by_key

    @property
    def instruments(self) -> tuple[str, ...]:
        """The keys of all instruments listed, in order of their numbers."""
        return tuple([view.key for view in self._instruments])

    def cash(self, currency: str) -> int:
        """Cash in a settlement currency, provisional fills included, in millionths of it, rounded down."""
        total = 0
        for purse in self._desk.portfolio.purses:
            if purse.currency == currency:
                total += purse.cash() * 1_000_000 // int(10 ** int(purse.exponent))
        return total

    @property
    def own_orders(self) -> tuple[OwnOrder, ...]:
        """This strategy's open orders, oldest first."""
        seat = self._seat.number
        return tuple([OwnOrder(order) for order in self._desk.orders.all_open() if order.seat == seat])

    @property
    def timers(self) -> dict[str, int]:
        """This strategy's timers: when each is due, by its tag, the next one first."""
        seat = self._seat.number
        return {timer.tag: int(timer.due_ns) for timer in self._desk.timers.all() if timer.owner == seat}

    def draws(self, purpose: str) -> Draws:
        """Random draws under the run's seed for *purpose*; key them by `draw_key` (see `rng`)."""
        return Draws(self._desk.seed, f"{self._seat.name}/{purpose}")
