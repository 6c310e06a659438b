"""
The trading half of the kernel, as the step calls it: own orders, risk, strategies and what they may do.

Everything here moves on journalled inputs only and is told the time with each. For every input the step folds what it
brought (`fold_order_row`, `on_outcome`, `on_timer`, `on_command`, `on_health`, `gate`, ...), then calls `decide` if a
market moved for strategies or `pending` is set. Derived records leave through the outbox in a fixed order; `requests`
holds this input's order requests as objects, for a venue in the same process.
"""

from typing import Any, Final, final

from librt.strings import read_i64_le
from mypy_extensions import i64

from engine.kernel import codes
from engine.kernel.admit import Admission
from engine.kernel.arbiter import Arbiter
from engine.kernel.checkpoint import part_digest
from engine.kernel.commands import Commands
from engine.kernel.control import Control
from engine.kernel.desk import Desk, Seat
from engine.kernel.digest import Digest
from engine.kernel.events import SETS_CONVERTED, STRIDE, EventBatch
from engine.kernel.executions import Executions
from engine.kernel.fills import Fills
from engine.kernel.groups import Groups
from engine.kernel.heuristics import HeuristicSettings
from engine.kernel.market import Instrument, Market
from engine.kernel.obey import Obey
from engine.kernel.opening import Opening
from engine.kernel.outbox import Outbox
from engine.kernel.pack import Packer, Unpacker
from engine.kernel.policy import Policy
from engine.kernel.regimes import Regimes
from engine.kernel.request import Request
from engine.kernel.seats import Seats
from engine.kernel.sender import Sender
from engine.kernel.sets import Sets
from engine.kernel.terms import Terms
from engine.kernel.timers import KERNEL
from engine.kernel.unwind import Unwinder
from engine.kernel.watch import Watch

_OUTCOME_SIZE: Final[i64] = 24


@final
class Trading:
    """The facade."""

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
        desk = Desk(markets, instruments, policy, out, digest, run_epoch, seed)
        self.desk: Final[Desk] = desk
        self.seats: Final[list[Seat]] = desk.seats
        self._control: Final[Control] = Control(desk)
        self._fills: Final[Fills] = Fills(desk, self._control)
        self._executions: Final[Executions] = Executions(desk, self._control, self._fills)
        arbiter = Arbiter(desk)
        self._admission: Final[Admission] = Admission(desk, arbiter)
        self._sender: Final[Sender] = Sender(desk, self._admission, arbiter)
        self._unwinder: Final[Unwinder] = Unwinder(desk, self._sender, self._control)
        self._groups: Final[Groups] = Groups(desk, self._sender, self._unwinder)
        self._strategies: Final[Seats] = Seats(desk, self._control)
        self._sets: Final[Sets] = Sets(desk, self._sender, arbiter)
        self._obey: Final[Obey] = Obey(desk, self._admission, self._sender, self._groups, self._sets)
        self._commands: Final[Commands] = Commands(
            desk, self._control, self._executions, self._sender, self._groups, self._strategies
        )
        self._wants: i64 = 0  # the reasons that wake any of them
        self._opening: Final[Opening] = Opening(desk, self._strategies, self._sets)
        self.regimes: Regimes | None = None
        """What looks at the others in every market; None unless `watch_others` was asked for."""

    @property
    def pending(self) -> bool:
        """Whether `decide` has something to do even if no market moved."""
        return self.desk.pending

    @property
    def requests(self) -> list[Request]:
        """The order requests of the last input that was decided on, as a list of its own."""
        return self.desk.requests[: int(self.desk.asked)]

    @property
    def faults(self) -> list[str]:
        """
        Tracebacks of the exceptions strategies raised, one for each STRAT_FAULT and in their order: never part of a
        record. Who drives the kernel takes them out.
        """
        return self._strategies.faults

    @property
    def last_fault(self) -> str:
        """The last of `faults`, empty without one."""
        faults = self._strategies.faults
        return faults[-1] if faults else ""

    def be_silent(self, silent: bool) -> None:
        """
        Whether the records of decisions are emitted with empty payloads and ids stay unformed.

        Their number and kinds stay the same, and so do sequence numbers, digests and state: for a resimulation that
        keeps no records. With `desk.out.brief` they are not even listed, but only counted.
        """
        self.desk.silent = silent

    def add_strategy(self, name: str, strategy: Any, tier: i64, instruments: tuple[str, ...]) -> None:
        """
        Give *strategy* the next place in the configured order; no *instruments* means it listens to all.

        Optional attributes: `memory` (see `memory`), and `wants`, an int of the `market.WAKE_*` bits that wake it. Its
        timers always do; of its orders it is told nothing unless WAKE_ORDER is among them.

        Raises:
            UnfitMemory: its memory has no canonical bytes.
        """
        seat = self._strategies.add(name, strategy, tier, instruments)
        self._wants |= seat.wants

    def watch_others(self, settings: HeuristicSettings) -> None:
        """Turn the heuristics on, before anything is listed."""
        assert not self.desk.terms
        self.desk.watch = Watch(settings)
        self.regimes = Regimes(self.desk, self._control, self.desk.watch)

    # -- what the step folds ---------------------------------------------------------------------------------------

    def instrument_added(self, number: i64) -> None:
        """The catalogue listed instrument *number*, the next one."""
        instrument = self.desk.instruments[number]
        self.desk.add_instrument(instrument)
        self._strategies.instrument_added(instrument)
        self._opening.instrument_added(instrument)

    def relisted(self, markets: list[Market]) -> None:
        """The catalogue says of *markets* now what other limits follow from: work these out as for a new listing."""
        desk = self.desk
        for market in markets:
            for leg in range(len(market.listing.symbols)):
                number = market.first_instrument + leg
                desk.terms[number] = Terms(desk.instruments[number], desk.policy)
        owners = [exposure.owner for exposure in desk.risk.markets]
        desk.measure_again()
        for at, owner in enumerate(owners):
            desk.risk.own(at, owner)

    def resolved(self, market: Market) -> None:
        """*market* settled; `market.winner` is the winning instrument. Winning tokens pay one each."""
        self.desk.portfolio.pay_out(market)
        leg: i64 = 0
        legs: i64 = len(market.listing.symbols)
        while leg < legs:
            self.desk.position_moved(market.first_instrument + leg)
            leg += 1

    def fold_order_row(self, seq: i64, recv_ns: i64, batch: EventBatch, row: i64) -> i64:
        """
        Fold row number *row* of *batch*: ORDER_ACKED to CREDITED.

        Returns OK, or NO_SUCH_ORDER for an order that is not known (yet): a fact with a venue order id waits for it.
        """
        self._at(seq, recv_ns)
        if batch.rows[row * STRIDE] >= SETS_CONVERTED:
            return self._sets.fold_row(batch, row)
        return self._executions.fold_row(batch, row)

    def fold_order_words(self, seq: i64, recv_ns: i64, kind: i64, number: i64, a: i64, b: i64, c: i64, d: i64) -> i64:
        """As `fold_order_row` for one of ORDER_ACKED, ORDER_CANCELLED and ORDER_FILLED that holds no text."""
        self._at(seq, recv_ns)
        return self._executions.fold_words(kind, number, a, b, c, d)

    def on_outcome(self, seq: i64, recv_ns: i64, data: bytes, start: i64, end: i64) -> i64:
        """
        Fold an OUTCOME or EXECUTOR_ACTION payload data[start:end] (`docs/reference/journal_format.md`, section 4.2).

        The venue's reply behind it is the wire module's to translate. Returns OK, NO_SUCH_ORDER or BAD_FRAME.
        """
        self._at(seq, recv_ns)
        if end - start < _OUTCOME_SIZE:
            return codes.BAD_FRAME
        number = read_i64_le(data, start)
        words = read_i64_le(data, start + 16)
        if number == 0:
            # The executor acted by itself; what it did to orders the venue will say.
            self.desk.digest.mix(words)
            return codes.OK
        if self._sets.pending and self._sets.outcome(number, words & 0xFFFF, (words >> 16) & 0xFFFF):
            return codes.OK
        return self._executions.outcome(number, words & 0xFFFF, (words >> 16) & 0xFFFF)

    def on_timer(self, seq: i64, recv_ns: i64, timer_id: i64, due_ns: i64) -> i64:
        """Fire a timer; OP_REFUSED if it is unknown or early."""
        self._at(seq, recv_ns)
        desk = self.desk
        timer = desk.timers.fire(timer_id, due_ns, recv_ns)
        if timer is None:
            return codes.OP_REFUSED
        desk.digest.mix(timer_id)
        desk.pending = True
        if timer.owner == KERNEL:
            if self.regimes is None or not self.regimes.fired(timer.tag):
                self._control.latch(timer.tag)
            return codes.OK
        seat = desk.seats[timer.owner - 1]
        seat.timers = seat.timers + timer.tags if seat.timers else timer.tags
        return codes.OK

    def on_command(self, seq: i64, recv_ns: i64, payload: bytes) -> i64:
        """Obey an operator's COMMAND input (see `commands`); OK or OP_REFUSED."""
        self._at(seq, recv_ns)
        self.desk.pending = True
        return self._commands.command(payload)

    def on_health(self, seq: i64, recv_ns: i64, payload: bytes) -> i64:
        """Fold a HEALTH input (see `commands`); OK or OP_REFUSED."""
        self._at(seq, recv_ns)
        return self._commands.health(payload)

    def gate(self, code: i64, scope: i64, number: i64, closed: bool, now_ns: i64) -> None:
        """Close or open a gate: *scope* is one of modes.ACCOUNT, VENUE, MARKET, INSTRUMENT, STRATEGY."""
        self._control.gate(code, scope, number, closed, now_ns)

    def _at(self, seq: i64, recv_ns: i64) -> None:
        desk = self.desk
        if desk.seq != seq or desk.now_ns != recv_ns:
            desk.seq = seq
            desk.now_ns = recv_ns
            desk.ordinal = 0
            desk.asked = 0

    # -- deciding --------------------------------------------------------------------------------------------------

    def wanted(self, moved: list[Market]) -> bool:
        """Whether anyone wants to know of what *moved*: only then, or while `pending`, `decide` does anything."""
        wants = self._wants
        if self.desk.unwinding and wants != 0:
            wants = -1
        return any(market.wake & wants != 0 for market in moved)

    def decide(self, seq: i64, recv_ns: i64, moved: list[Market]) -> None:
        """
        Wake, decide, arbitrate, admit. The `wake` of the markets that *moved* says why, 0 that nobody need look.

        First the kernel acts for itself (kill, queued cancels, groups, unwindings), then every strategy concerned is
        called once, in configured order, and only when all have answered their intents are taken up: by tier, then in
        configured order, then as they were yielded.
        """
        if self.desk.seq != seq or self.desk.now_ns != recv_ns:
            self._at(seq, recv_ns)
        desk = self.desk
        desk.pending = False
        self._act()
        strategies = self._strategies
        wanted = False
        for seat in desk.seats:
            wake = strategies.wake(seat, moved)
            if wake is not None:
                seat.answer = strategies.call(seat, wake)
                wanted = wanted or len(seat.answer) > 0
        if strategies.fallen:
            fallen = strategies.fallen
            strategies.fallen = []
            for seat in fallen:
                self._sender.cancel_all_of(seat.number)
        if wanted:
            self._obey.take_up()
            self._admission.last_seq = seq

    def _act(self) -> None:
        fills = self._fills
        if self._control.killing:
            self._control.killing = False
            self._commands.cancel_killed()
        if fills.queued:
            queued = fills.queued
            fills.queued = []
            self._sender.cancel_queued(queued)
        if fills.ended:
            fills.ended = []
            self._groups.step()
        if self.desk.unwinding:
            self._unwinder.step()
            self._groups.step()

    # -- timers ----------------------------------------------------------------------------------------------------

    def next_due(self) -> i64:
        """When the next timer is due, NONE without one."""
        return self.desk.timers.next_due()

    def next_timer(self) -> i64:
        """The number of that timer, 0 without one."""
        return self.desk.timers.next_number()

    # -- checkpoints and runs --------------------------------------------------------------------------------------

    def parts(self) -> list[tuple[str, bytes]]:
        """
        The canonical parts of this half's state, in a fixed order.

        Encoded anew each time: a few hundred orders and positions, once in a hundred thousand inputs.

        Raises:
            UnfitMemory: a strategy put something into its memory that has no canonical bytes.
        """
        return [("orders", self.desk.orders.pack()), *self._other_parts()]

    def digests(self) -> list[tuple[str, bytes]]:
        """The digest of each of `parts`, under its name."""
        found = [("orders", self.desk.orders.digest())]
        for name, part in self._other_parts():
            found.append((name, part_digest(part)))
        return found

    def _other_parts(self) -> list[tuple[str, bytes]]:
        """All of `parts` but the orders, which come first and may be many."""
        desk = self.desk
        groups = Packer()
        groups.put_data(self._groups.pack())
        groups.put_data(self._unwinder.pack())
        parts = [
            ("portfolio", desk.portfolio.pack()),
            ("timers", desk.timers.pack()),
            ("modes", desk.modes.pack()),
            ("groups", groups.finish()),
            ("sets", self._sets.pack()),
        ]
        parts.append(("arbiter", self._pack_arbiter()))
        if desk.watch is not None:
            parts.append(("heuristics", desk.watch.pack()))
        for seat in desk.seats:
            parts.append((f"memory/{seat.name}", self._strategies.remember(seat)))
        return parts

    def restore(self, parts: list[tuple[str, bytes]]) -> None:
        """Become what `parts` gave; markets, instruments and strategies stand already, the latter as configured."""
        desk = self.desk
        found = dict(parts)
        desk.orders.unpack(found["orders"], desk.instruments)
        desk.portfolio.unpack(found["portfolio"], desk.instruments)
        desk.timers.unpack(found["timers"])
        desk.modes.unpack(found["modes"])
        groups = Unpacker(found["groups"])
        self._groups.unpack(groups.take_data())
        self._unwinder.unpack(groups.take_data())
        groups.done()
        self._sets.unpack(found["sets"])
        desk.measure_again()
        self._unpack_arbiter(found["arbiter"])
        if desk.watch is not None:
            desk.watch.unpack(found["heuristics"])
        for seat in desk.seats:
            self._strategies.recall(seat, found[f"memory/{seat.name}"])

    def _pack_arbiter(self) -> bytes:
        packer = Packer()
        packer.put(self._admission.last_seq)
        self._admission.rate.pack(packer)
        self.desk.churn.pack(packer)
        for seat in self.desk.seats:
            packer.put(1 if seat.muted else 0)
        for exposure in self.desk.risk.markets:
            packer.put(exposure.owner)
            self.desk.stakes[exposure.market.number].pack(packer)
        packer.put_data(self._executions.pack())
        packer.put_data(self._opening.pack())
        return packer.finish()

    def _unpack_arbiter(self, data: bytes) -> None:
        unpacker = Unpacker(data)
        self._admission.last_seq = unpacker.take()
        self._admission.rate.unpack(unpacker)
        self.desk.churn.unpack(unpacker)
        for seat in self.desk.seats:
            seat.muted = unpacker.take() == 1
        for exposure in self.desk.risk.markets:
            self.desk.risk.own(exposure.market.number, unpacker.take())
            self.desk.stakes[exposure.market.number].unpack(unpacker)
        self._executions.unpack(unpacker.take_data())
        self._opening.unpack(unpacker.take_data())
        unpacker.done()

    def restore_opening(self, payload: bytes) -> None:
        """Take the OPENING input (canonical JSON, see `opening`); what names an unlisted instrument waits for it."""
        self._opening.take(payload)

    def opening_payload(self) -> bytes:
        """This state as the OPENING of the next run."""
        return self._opening.payload([self.desk.seat_name(group.seat) for group in self._groups.active])
