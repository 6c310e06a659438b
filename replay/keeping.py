"""How the records of a run reach the sink that keeps them. Compiled."""

from typing import Any, Final, final

from mypy_extensions import i64

from adapters.simulated.reports import Report
from engine.kernel.outbox import Derived
from engine.kernel.pack import Packer
from engine.kernel.record import ENGINE_SOURCE, NONE
from journal.codec import Batch


@final
class Keeper:
    """
    Gives *sink* (`replay.resimulation.Sink`) what `replay.simulate` appends.

    A sink with a `batch` (`journal.sealed_writer`) is called once a block: what lies between goes straight into that.
    """

    def __init__(self, sink: Any) -> None:
        self._sink: Final[Any] = sink
        self._packer: Final[Packer] = Packer()
        self._batch: Batch | None = getattr(sink, "batch", None)

    def input(self, kind: i64, source: i64, recv_ns: i64, payload: bytes) -> None:
        """Append an input of schema 1."""
        batch = self._batch
        if batch is not None:
            if batch.input_unless_due(kind, 1, source, recv_ns, NONE, payload, 0, 0) != 0:
                return
            self._sink.append_input(kind, 1, source, recv_ns, NONE, payload)
            self._batch = self._sink.batch
        else:
            self._sink.append_input(kind, 1, source, recv_ns, NONE, payload)

    def two(self, kind: i64, recv_ns: i64, a: i64, b: i64) -> None:
        """Append an input of the engine's own that holds two numbers: a SPAN, a TIMER."""
        packer = self._packer
        packer.put(a)
        packer.put(b)
        self.input(kind, ENGINE_SOURCE, recv_ns, packer.take())

    def report(self, report: Report, source: i64, recv_ns: i64) -> None:
        """Append a report of the simulated venue, which is *source*."""
        self.input(report.kind, source, recv_ns, report.payload(self._packer))

    def derived(self, records: list[Derived]) -> None:
        """Append what an input led to."""
        batch = self._batch
        if batch is not None:
            for record in records:
                batch.derived(record.kind, record.schema, record.payload)
        else:
            for record in records:
                self._sink.append_derived(record.kind, record.schema, record.payload)
