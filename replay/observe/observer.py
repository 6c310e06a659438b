"""
The observer of a run: a sink that passes every record on, and a look at the kernel between its inputs.

It reads what the kernel holds and changes nothing: records, numbers and digests are those of a run that nobody watched
(`tests/replay/observe`). Before an input it sees what was so until then, behind it what became of that.
"""

from collections.abc import Callable
from struct import unpack
from typing import TYPE_CHECKING, Any, Protocol

from adapters.simulated.venue import SimulatedVenue
from engine.kernel import codes, kinds
from engine.kernel.derived import CANCEL, MERGE, PLACE, SPLIT, decode
from engine.kernel.events import CREDIT_REWARD, FILL_PROVISIONAL, TRADE_CONFIRMED
from engine.kernel.inputs import FIXED
from engine.kernel.step import Kernel
from replay.observe.controls import Controls
from replay.observe.fills import Fills
from replay.observe.grid import FINEST_NS
from replay.observe.ledger import Ledger
from replay.observe.orders import Orders
from replay.observe.payments import Payments
from replay.observe.samples import Samples
from replay.observe.scores import Scored
from replay.observe.shares import Shares
from replay.observe.summing_up import sum_up
from replay.observed import Observed
from replay.overlay import span_fields

if TYPE_CHECKING:
    from replay.resimulation import Simulation, Sink
    from replay.simulate import Timeline

HORIZON_NS = 10_000_000_000
"""How long behind a fill a move of the mid is taken for adverse selection, unless said otherwise."""


class Asked(Protocol):
    """Who lets an observer look at `observe_ns`."""

    observe_ns: Any


class Observer:
    """
    Watches a run of *kernel*, whose strategies' *names* are in the configured order.

    Give it to a `Simulation` as its sink and as its observer, and call `finish` behind the run. *inner* takes the
    records. *venue* and *told* (its samples of rewards) are the simulated venue's, where there is one to ask. The grid
    of the samples begins with *step_ns*.
    """

    def __init__(
        self,
        kernel: Kernel,
        names: tuple[str, ...],
        venue: SimulatedVenue | None = None,
        told: list[tuple[int, int, int, int]] | None = None,
        horizon_ns: int = HORIZON_NS,
        step_ns: int = FINEST_NS,
    ) -> None:
        self.inner: Sink | None = None
        self.last_seq = 0
        self._kernel = kernel
        self._desk = kernel.trading.desk
        shares = Shares()
        self.ledger = Ledger(self._desk.portfolio)
        self.orders = Orders(names, shares, {} if venue is None else venue.tell_queues())
        self.fills = Fills(self.orders, self.ledger, shares, horizon_ns)
        self.payments = Payments(self.orders, self.ledger, shares)
        self.samples = Samples(kernel, self.ledger, self.orders, step_ns)
        self.controls = Controls(self._desk, names)
        self.scores = Scored(kernel, told)
        self.asks: Asked | None = None
        self._behind: Callable[[], None] | None = None  # what to do once the last input is folded
        self.seq = 0
        self._now_ns = 0
        self._base_seq = 0
        self._capsules: dict[bytes, tuple[int, dict[str, Any]]] = {}
        self._seats: dict[bytes, int] = {}

    # -- looking -------------------------------------------------------------------------------------------------------

    def attach(self, line: "Timeline") -> None:
        """See `replay.resimulation.Observing`."""
        line.observer = self
        self.begin(line, int(line.now_ns))

    def begin(self, asked: "Asked", now_ns: int) -> None:
        """A run begins at *now_ns*; *asked* lets this look at the times that it is told."""
        self.asks = asked
        asked.observe_ns = self.samples.sampler.next_ns(now_ns - 1)

    def look(self, now_ns: int, seq: int, base_seq: int) -> int:
        """See `replay.resimulation.Observing`."""
        self._settle()
        self.fills.look(now_ns)
        if now_ns % self.samples.sampler.step_ns == 0:
            self.scores.look(now_ns, seq)
            self.samples.look(now_ns, seq, base_seq)
        return self._next_ns(now_ns)

    def _next_ns(self, now_ns: int) -> int:
        grid = self.samples.sampler.next_ns(now_ns)
        due = self.fills.next_ns()
        return grid if due is None else min(grid, due)

    def _ask(self) -> None:
        """A fill or an order asks for looks of its own: let them not be missed."""
        due = self.fills.next_ns()
        if self.asks is not None and due is not None and due < self.asks.observe_ns:
            self.asks.observe_ns = due

    def finish(self) -> Observed:
        """The run is over."""
        self._settle()
        self.ledger.ended = True
        self.fills.finish()
        self.orders.finish()
        self.scores.look(self._now_ns, self.seq)
        self.samples.finish(self._now_ns, self.seq, self._base_seq)
        return sum_up(self, self._kernel)

    # -- as a sink -----------------------------------------------------------------------------------------------------

    def append_input(self, kind: int, schema: int, source: int, recv_ns: int, src_ns: int, payload: bytes) -> int:
        """Append an input, which is about to be folded."""
        self._settle()
        self.last_seq += 1
        if self.inner is not None:
            self.inner.append_input(kind, schema, source, recv_ns, src_ns, payload)
        self.enter(self.last_seq, recv_ns)
        if kind == kinds.SPAN:
            self._base_seq = span_fields(payload)[1]
        elif kinds.SIM_ACKED <= kind <= kinds.SIM_CREDITED:
            words = unpack(f"<{len(payload) // 8}q", payload)
            self._reported(kind, dict(zip(FIXED[int(kind)], words, strict=True)))
        return self.last_seq

    def enter(self, seq: int, now_ns: int) -> None:
        """What is derived from now on, at *now_ns*, is derived from input *seq*."""
        self.seq, self._now_ns = seq, now_ns
        self._capsules.clear()
        self._seats.clear()

    def append_derived(self, kind: int, schema: int, payload: bytes) -> int:
        """Append a record derived from the last input, which is folded."""
        self._settle()
        self.last_seq += 1
        if self.inner is not None:
            self.inner.append_derived(kind, schema, payload)
        if kind in _TOLD:
            self._derived(kind, decode(kind, schema, payload))
        return self.last_seq

    def _settle(self) -> None:
        behind = self._behind
        if behind is not None:
            self._behind = None
            behind()

    # -- what the venue says -------------------------------------------------------------------------------------------

    def _reported(self, kind: int, said: dict[str, int]) -> None:
        """A report is about to be folded: remember what has to be known of the time before."""
        seq, now_ns = self.seq, self._now_ns
        if kind == kinds.SIM_CREDITED:
            self.ledger.open(said["instrument"])
            reason = "reward" if said["reason"] == CREDIT_REWARD else "rebate"
            self._behind = self.payments.coming(seq, now_ns, said["instrument"], reason)
            return
        if kind in (kinds.SIM_CONVERTED, kinds.SIM_CONVERSION_REFUSED):
            self._behind = self.payments.answered(seq, now_ns, said["request"], kind == kinds.SIM_CONVERTED)
            return
        if kind == kinds.SIM_SETTLED and said["status"] == TRADE_CONFIRMED:
            self.fills.settled(said["request"], f"sim-trade-{said['trade']}")
        order = self._desk.orders.find(said["request"], "")
        if order is None:
            return
        if kind == kinds.SIM_FILLED:
            flags = said["flags"]
            trade = f"sim-trade-{said['trade']}" if flags & FILL_PROVISIONAL else None
            coming = self.fills.coming(order, said["price"], said["size"], flags, said["venue_ns"], trade, seq, now_ns)
            self._behind = lambda: self._filled(coming)
        elif kind == kinds.SIM_ACKED:
            self._behind = lambda: self.orders.acked(order, seq, now_ns, said["venue_ns"])
        elif kind in _ENDS:
            if kind == kinds.SIM_CANCELLED:
                self.orders.cancelled(order, seq, now_ns, said["venue_ns"])
            self._behind = lambda: self.orders.moved(order, seq, now_ns, _ENDS[int(kind)])

    def _filled(self, coming: Any) -> None:
        self.fills.folded(coming)
        self._ask()

    # -- what the kernel concludes -------------------------------------------------------------------------------------

    def _derived(self, kind: int, said: dict[str, Any]) -> None:
        if kind == kinds.INTENT:
            self.controls.intents += 1
            self._seats[said["id"]] = said["seat"]
        elif kind == kinds.VERDICT:
            self.controls.refused += said["code"] != codes.OK
        elif kind == kinds.CAPSULE:
            self._capsules[said["id"]] = self.last_seq, said
        elif kind == kinds.REQUEST:
            self._requested(said)
        elif kind == kinds.REVERSAL:
            self.fills.taken_back(said["request"], said["trade"], self.last_seq)
        else:
            self.controls.changed(kind, said, self.last_seq, self._now_ns)

    def _requested(self, said: dict[str, Any]) -> None:
        what = said["what"]
        if what == CANCEL:
            self.orders.cancels += 1
        elif what in (SPLIT, MERGE):
            seat = self._seats.get(said["id"], 0)
            self.payments.asked(self.last_seq, seat, said["id"], said["instrument"], said["size"], what == MERGE)
        elif what == PLACE:
            order = self._desk.orders.get(self.last_seq)
            self.samples.sent(int(order.instrument.number))
            known = self.orders.sends(order, said, self._capsules.get(said["id"]))
            self.fills.sent(known, self._now_ns)
            self._ask()


def observer_of(simulation: "Simulation", horizon_ns: int = HORIZON_NS, step_ns: int = FINEST_NS) -> Observer:
    """Have *simulation*, not yet played, observed: the answer takes its records before its present sink does."""
    told: list[tuple[int, int, int, int]] | None = None
    if simulation.office.rewards is not None:
        told = []
        simulation.office.rewards.told = told
    names = tuple(one.name for one in simulation.run.strategies)
    observer = Observer(simulation.kernel, names, simulation.venue, told, horizon_ns, step_ns)
    observer.inner = simulation.sink
    simulation.sink = observer
    simulation.observer = observer
    return observer


_ENDS = {
    int(kinds.SIM_CANCELLED): "CANCELLED",
    int(kinds.SIM_EXPIRED): "EXPIRED",
    int(kinds.SIM_REJECTED): "REJECTED",
}
_TOLD = tuple(
    int(kind)
    for kind in (
        kinds.INTENT,
        kinds.VERDICT,
        kinds.CAPSULE,
        kinds.REQUEST,
        kinds.REVERSAL,
        kinds.MODE,
        kinds.GATE,
        kinds.OWNER,
        kinds.REGIME,
    )
)
