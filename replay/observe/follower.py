"""Observing a strict replay: the same observer, told by the fold instead of by a sink."""

from engine.kernel.record import NONE
from replay.observe.grid import FINEST_NS
from replay.observe.observer import HORIZON_NS, Observer
from replay.observed import Observed
from replay.run import RunStart
from replay.strict import StrictFold


class Follower:
    """
    Follows *fold* through *run*, whose RUN_START is the next input, and keeps what an `Observer` of it would have.

    What only the simulated venue knew is missing: queues and samples of rewards.
    """

    def __init__(self, fold: StrictFold, run: RunStart, horizon_ns: int = HORIZON_NS, step_ns: int = FINEST_NS) -> None:
        names = tuple(one.name for one in run.strategies)
        self._observer = Observer(fold.kernel, names, None, None, horizon_ns, step_ns)
        self._fold = fold
        fold.observer = self

    def input(self, seq: int, kind: int, schema: int, source: int, recv_ns: int, payload: bytes) -> None:
        """Input *seq*, which is no market data, is about to be folded; a span has been."""
        observer = self._observer
        if observer.asks is None:
            observer.begin(self._fold, recv_ns)
        observer.last_seq = seq - 1
        observer.append_input(kind, schema, source, recv_ns, int(NONE), payload)

    def derived(self, seq: int, kind: int, schema: int, payload: bytes) -> None:
        """The record *seq* was derived from the last input, which is folded."""
        observer, fold = self._observer, self._fold
        if observer.seq != fold.input_seq:  # that was market data, of which nobody spoke
            observer.enter(int(fold.input_seq), int(fold.recv_ns))
        observer.last_seq = seq - 1
        observer.append_derived(kind, schema, payload)

    def look(self, now_ns: int, seq: int, base_seq: int) -> int:
        """See `Observer.look`."""
        return self._observer.look(now_ns, seq, base_seq)

    def finish(self) -> Observed:
        """The run is over, or no more of it is there."""
        return self._observer.finish()
