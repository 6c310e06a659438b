"""
The trading half of the kernel, as the step calls it: own orders, risk, strategies and what they may do.

Everything here moves on journalled inputs only and is told the time with each. Derived records leave through the
outbox in a fixed order.
"""

from collections.abc import Iterable
from typing import Any, Final, final

from mypy_extensions import i64

from engine.kernel import codes, kinds
from engine.kernel.digest import Digest
from engine.kernel.events import EventBatch
from engine.kernel.market import Instrument, Market
from engine.kernel.outbox import Outbox
from engine.kernel.pack import Packer
from engine.kernel.policy import Policy
from engine.kernel.strategy import Wake
from engine.kernel.timers import Timers


@final
class Seat:
    """One strategy's place in the configured order."""

    def __init__(self, number: i64, name: str, strategy: Any, tier: i64, instruments: tuple[str, ...]) -> None:
        self.number: Final[i64] = number
        self.name: Final[str] = name
        self.strategy: Any = strategy
        self.tier: Final[i64] = tier
        self.instruments: Final[tuple[str, ...]] = instruments
        self.muted: bool = False


@final
class Trading:
    """The facade. `pending` says that `decide` has something to do even if no market moved."""

    def __init__(
        self,
        markets: list[Market],
        instruments: list[Instrument],
        policy: Policy | None,
        out: Outbox,
        digest: Digest,
        run_epoch: i64,
        seed: i64,
    ) -> None:
        self.markets: Final[list[Market]] = markets
        self.instruments: Final[list[Instrument]] = instruments
        self.policy: Final[Policy | None] = policy
        self.out: Final[Outbox] = out
        self.digest: Final[Digest] = digest
        self.run_epoch: Final[i64] = run_epoch
        self.seed: Final[i64] = seed
        self.by_key: Final[dict[str, Instrument]] = {}
        self.seats: Final[list[Seat]] = []
        self.timers: Final[Timers] = Timers()
        self.pending: bool = False
        self.silent: bool = False
        self.last_fault: str = ""
        self._fired: list[tuple[int, str]] = []

    def add_strategy(self, name: str, strategy: Any, tier: i64, instruments: tuple[str, ...]) -> None:
        """Give *strategy* the next place in the configured order; no *instruments* means it listens to all."""
        self.seats.append(Seat(len(self.seats) + 1, name, strategy, tier, instruments))

    def instrument_added(self, number: i64) -> None:
        """The catalogue listed instrument *number*."""
        instrument = self.instruments[number]
        self.by_key[instrument.key] = instrument

    def tick_changed(self, market: Market) -> None:
        """*market* has a new price grid."""

    def resolved(self, market: Market) -> None:
        """*market* settled; `market.winner` is the winning instrument."""

    def fold_order_row(self, seq: i64, recv_ns: i64, batch: EventBatch, row: i64) -> i64:
        """Fold row number *row* of *batch*: ORDER_ACKED to CANCEL_REFUSED or TRADE_STATUS."""
        return codes.OK

    def on_outcome(self, seq: i64, recv_ns: i64, data: bytes, start: i64, end: i64) -> i64:
        """Fold an OUTCOME input's payload data[start:end]; returns OK or BAD_FRAME."""
        return codes.OK

    def on_timer(self, seq: i64, recv_ns: i64, timer_id: i64, due_ns: i64) -> i64:
        """Fire a timer; OP_REFUSED if it is unknown or early."""
        timer = self.timers.fire(timer_id, due_ns, recv_ns)
        if timer is None:
            return codes.OP_REFUSED
        self._fired.append((timer.owner, timer.tag))
        self.pending = True
        return codes.OK

    def on_command(self, seq: i64, recv_ns: i64, payload: bytes) -> i64:
        """Obey an operator's COMMAND input (canonical JSON)."""
        return codes.OK

    def on_health(self, seq: i64, recv_ns: i64, payload: bytes) -> i64:
        """Fold a HEALTH input (canonical JSON)."""
        return codes.OK

    def gate(self, code: i64, scope: i64, number: i64, closed: bool, now_ns: i64) -> None:
        """Close or open a gate: *scope* is one of modes.ACCOUNT, VENUE, MARKET, INSTRUMENT, STRATEGY."""

    def decide(self, seq: i64, recv_ns: i64, dirty: list[int]) -> None:
        """Wake, decide, arbitrate, admit. *dirty* lists the numbers of the markets whose `wake` is not 0."""
        self.pending = False
        fired = self._fired
        self._fired = []
        for seat in self.seats:
            if seat.muted:
                continue
            markets = [self.markets[number] for number in dirty]
            bits = [int(market.wake) for market in markets]
            tags = tuple([tag for owner, tag in fired if owner == seat.number])
            if not markets and not tags:
                continue
            wake = Wake(seq, markets, bits, tags, (), self.instruments, self.by_key)
            try:
                found: Iterable[object] = seat.strategy.decide(self, wake)
                tuple(found)
            except (MemoryError, RecursionError):
                raise
            except Exception as fault:  # noqa: BLE001 - whatever a strategy raises mutes that strategy alone
                seat.muted = True
                self.last_fault = f"{seat.name}: {fault!r}"
                packer = Packer()
                packer.put(seat.number)
                packer.put(seq)
                self.out.emit(kinds.STRAT_FAULT, 1, packer.finish())

    def next_due(self) -> i64:
        """When the next timer is due, NONE without one."""
        return self.timers.next_due()

    def next_timer(self) -> i64:
        """The number of that timer."""
        return self.timers.next_number()

    def parts(self) -> list[tuple[str, bytes]]:
        """The canonical parts of this half's state, in a fixed order."""
        return [("timers", self.timers.pack())]

    def restore(self, parts: list[tuple[str, bytes]]) -> None:
        """Become what `parts` gave; markets, instruments and strategies stand already."""
        for name, data in parts:
            if name == "timers":
                self.timers.unpack(data)

    def restore_opening(self, payload: bytes) -> None:
        """Take the OPENING input (canonical JSON); positions of instruments not listed yet wait for their listing."""

    def opening_payload(self) -> bytes:
        """This state as an OPENING input."""
        return b"{}"
