"""Calling strategies: who is woken, what a failing one costs, and what each remembers."""

import sys
import traceback
from typing import Any, Final, cast, final

from mypy_extensions import i64

from engine.kernel import codes, kinds
from engine.kernel.control import Control
from engine.kernel.desk import NOTHING, Desk, Seat
from engine.kernel.instrument_view import InstrumentView
from engine.kernel.market import WAKE_ORDER, Instrument, Market
from engine.kernel.memory import UnfitMemory, decode_memory, encode_memory
from engine.kernel.modes import ACCOUNT, KILL, REDUCE_ONLY, STRATEGY
from engine.kernel.pack import Packer
from engine.kernel.strategy import Wake
from engine.kernel.view import View

BLAMED: Final = "raised by the strategy "
"""How the note begins that an error carries which ends the process: a person is told whose it is."""

_NO_MARKETS: Final[list[Market]] = []
_NO_BITS: Final[list[int]] = []


@final
class Seats:
    """The strategies in configured order, with the view of each."""

    def __init__(self, desk: Desk, control: Control) -> None:
        self._desk: Final[Desk] = desk
        self._control: Final[Control] = control
        self._instruments: Final[list[InstrumentView]] = []
        self._views: Final[list[View]] = []
        self.faults: list[str] = []
        self.fallen: list[Seat] = []
        """Those that this input muted: their orders are still to be cancelled."""

    def add(self, name: str, strategy: Any, tier: i64, instruments: tuple[str, ...]) -> Seat:
        """
        Give *strategy* the next place.

        Raises:
            UnfitMemory: its memory cannot be encoded.
        """
        desk = self._desk
        seat = Seat(len(desk.seats) + 1, name, strategy, tier, instruments)
        wants = getattr(strategy, "wants", None)
        if wants is not None:
            seat.wants = i64(wants)
            seat.hears = seat.wants & WAKE_ORDER != 0
        seat.fresh = self.remember(seat)
        for instrument in desk.instruments[: len(desk.terms)]:
            if instrument.key in instruments:
                seat.markets[instrument.market.number] = True
        desk.seats.append(seat)
        self._views.append(View(desk, seat, self._instruments))
        return seat

    def instrument_added(self, instrument: Instrument) -> None:
        """Let strategies see the next instrument."""
        self._instruments.append(InstrumentView(self._desk, instrument))

    def wake(self, seat: Seat, moved: list[Market]) -> Wake | None:
        """Why *seat* is to be called, None if nothing concerns it. What was waiting for it is handed over."""
        markets = _NO_MARKETS
        bits = _NO_BITS
        wants = seat.wants
        for market in moved:
            reasons = market.wake & wants
            if reasons != 0 and seat.listens(market.number):
                if markets is _NO_MARKETS:
                    markets = []
                    bits = []
                markets.append(market)
                bits.append(int(reasons))
        timers = seat.timers
        changes = seat.changes
        if not markets and not timers and not changes:
            return None
        if timers:
            seat.timers = ()
        if changes:
            seat.changes = ()
        desk = self._desk
        return Wake(desk.seq, markets, bits, timers, changes, desk.instruments, desk.by_key)

    def call(self, seat: Seat, wake: Wake) -> list[object]:
        """
        What *seat* wants, drained before anything acts on it; nothing if it is muted or killed.

        A failing strategy is muted, and what it wanted by then is returned to be refused. MemoryError, RecursionError
        and whatever is no Exception end the process, the first two with a note that names the strategy.
        """
        modes = self._desk.modes
        if seat.muted:
            return NOTHING
        if not modes.is_open() and KILL in (modes.mode(ACCOUNT, 0), modes.mode(STRATEGY, seat.number)):
            return NOTHING
        native = seat.native
        wanted = NOTHING
        try:
            if native is not None:
                return native.decide(self._views[seat.number - 1], wake)
            answer = seat.strategy.decide(self._views[seat.number - 1], wake)
            if type(answer) is list:
                return cast(list[object], answer)
            if type(answer) is tuple and len(answer) == 0:
                return NOTHING
            wanted = []
            for intent in answer:
                wanted.append(intent)
            return wanted
        except (MemoryError, RecursionError) as error:
            error.add_note(f"{BLAMED}{seat.name}, called for input {self._desk.seq}")
            raise
        except Exception:  # noqa: BLE001 - whatever a strategy raises mutes that strategy, and no other
            self.faults.append(f"{seat.name}, called for input {self._desk.seq}: {traceback.format_exc()}")
            self._fault(seat)
            return wanted

    def _fault(self, seat: Seat) -> None:
        seat.muted = True
        self.fallen.append(seat)
        packer = Packer()
        packer.put(seat.number)
        packer.put_text(seat.name)
        packer.put(self._desk.seq)
        self._desk.emit(kinds.STRAT_FAULT, packer.finish())
        self._desk.digest.mix(-seat.number)
        self._control.lower(STRATEGY, seat.number, REDUCE_ONLY, codes.STRAT_FAULT)

    # -- memory ----------------------------------------------------------------------------------------------------

    def remember(self, seat: Seat) -> bytes:
        """
        The canonical bytes of its memory, empty if it keeps none.

        Raises:
            UnfitMemory: it has none; the message names the strategy and the input.
        """
        strategy = seat.strategy
        if getattr(strategy, "memory", None) is None:
            return b""
        try:
            return encode_memory(strategy.memory)
        except UnfitMemory as error:
            when = f", at input {self._desk.seq}" if self._desk.seq > 0 else ""
            unfit = UnfitMemory(f"strategy {seat.name}{when}: {error}")
            unfit.__cause__ = error
            raise unfit

    def recall(self, seat: Seat, memory: bytes) -> None:
        """Give it the memory whose bytes these are."""
        if memory:
            seat.strategy.memory = decode_memory(memory, _classes(seat.strategy))

    def restart(self, seat: Seat) -> None:
        """An operator restarts it: fresh memory, no timers, nothing waiting."""
        self.recall(seat, seat.fresh)
        seat.muted = False
        seat.timers = ()
        seat.changes = ()
        self._desk.timers.cancel_owner(seat.number)
        self._desk.digest.mix(seat.number)


def _classes(strategy: Any) -> dict[str, Any]:
    """The classes its memory may hold: those of the module it was defined in, by qualified name."""
    decide = getattr(type(strategy), "decide", None)
    names: Any = getattr(decide, "__globals__", None)
    if names is None:
        module = sys.modules.get(type(strategy).__module__)
        names = vars(module) if module is not None else {}
    found: dict[str, Any] = {}
    for value in list(names.values()):
        if isinstance(value, type):
            found[value.__qualname__] = value
    return found
