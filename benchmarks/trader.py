"""A kernel that trades with the simulated venue one input at a time, each step timed alone."""

import time
from typing import Any

from adapters.simulated.venue import SimulatedVenue
from benchmarks.material import Input
from engine.kernel import kinds
from engine.kernel.record import ENGINE_SOURCE, NONE
from engine.kernel.request import decode_request
from replay.config import RunConfig
from replay.rebuild import kernel_of
from replay.run import RunStart

VENUE_SOURCE = 99


class Trader:
    """A run on *inputs* as a live loop would see it; `took_ns` holds the time of each step that decided something."""

    def __init__(self, run: RunStart, config: RunConfig, inputs: list[Input]) -> None:
        self.kernel = kernel_of(run)
        self.venue = SimulatedVenue(
            self.kernel.data.listings.instruments, config.venue.order_latency_ns, config.venue.report_latency_ns
        )
        self.inputs = inputs
        self.took_ns: list[int] = []
        self.last_seq = 0
        self.now_ns = inputs[0].recv_ns
        self.step(int(kinds.RUN_START), ENGINE_SOURCE, run.payload())
        self.step(int(kinds.OPENING), ENGINE_SOURCE, self.kernel.trading.opening_payload())

    def play(self) -> None:
        """All inputs, and what the venue answers meanwhile; only the inputs' steps are timed."""
        for one in self.inputs:
            self.answers(one.recv_ns)
            self.now_ns = one.recv_ns
            took = self.step(one.kind, one.source, one.payload)
            if self.kernel.out.records:
                self.took_ns.append(took)
            self.venue.observe(self.kernel.data.moved, self.now_ns)

    def answers(self, before_ns: int) -> None:
        """What the venue does and says before *before_ns*."""
        while True:
            due = int(self.venue.next_ns())
            if due == NONE or due >= before_ns:
                return
            self.now_ns = due
            report: Any = self.venue.take_report(due)
            if report is None:
                self.venue.advance(due)
            else:
                self.step(int(report.kind), VENUE_SOURCE, report.payload)

    def step(self, kind: int, source: int, payload: bytes) -> int:
        """One input at the present time, its requests on their way; returns the nanoseconds that the kernel took."""
        kernel = self.kernel
        seq = self.last_seq + 1
        started = time.perf_counter_ns()
        kernel.step(seq, self.now_ns, kind, source, payload, 0, len(payload))
        took = time.perf_counter_ns() - started
        for number, record in enumerate(kernel.out.records, seq + 1):
            if record.kind == kinds.REQUEST:
                self.venue.submit(decode_request(number, record.payload), self.now_ns)
        self.last_seq = seq + len(kernel.out.records)
        return took
