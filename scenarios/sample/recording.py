"""
The sample as a recording: a catalogue, connections that come and go, frames with the times they were received.

A reader cannot tell it from an imported one: the same source names, the same payloads, written by the same code.
"""

from collections.abc import Callable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, final

import attrs

from engine.kernel import kinds, record
from journal.background import Background
from journal.disk import Disk
from journal.importer.building import build
from journal.importer.recording import Arrival
from journal.importer.run import source_names
from journal.importer.venues import VENUES, canonical, polymarket_time
from journal.importer.writing import ImportWriter, Stream
from scenarios.sample.catalogue import pages
from scenarios.sample.chance import Chance
from scenarios.sample.venue import FRAMES_IN_8_EVENTS, SampleVenue

START_NS: Final = 1_790_265_600_000_000_000
"""2026-09-24T16:00:00Z: when every sample begins."""

VENUE: Final = "polymarket"
STREAM: Final = "polymarket-market"
NAMES: Final = source_names([VENUE], [STREAM])
CATALOGUE_SOURCE: Final = 2
STREAM_SOURCE: Final = 3

_MS: Final = 1_000_000
_US: Final = 1_000
_SETTLE_MS: Final = 150
"""From a connection's opening to its first frame."""

Input = tuple[int, int, int, int, bytes]
"""kind, source, recv_ns, src_ns, payload: an input record but for its number."""


@attrs.frozen
class Sample:
    """What a sample is made from; equal ones are equal to the last byte."""

    seed: int = 7
    markets: int = attrs.field(default=20, validator=[attrs.validators.ge(1), attrs.validators.le(5000)])
    frames: int = attrs.field(default=200_000, validator=attrs.validators.ge(1))
    """
    At least so many frames of the venue: those of one moment stay together, or the last book would end between two
    of them. Catalogue and connection records come on top.
    """
    disconnect_every: int = attrs.field(default=40_000, validator=attrs.validators.ge(0))
    """Frames between two losses of the connection, on average; 0: it never breaks."""

    @property
    def journal_id(self) -> bytes:
        """16 bytes that are the same for the same sample."""
        return blake2b(canonical(attrs.asdict(self)), digest_size=16, person=b"refold-sample-2").digest()


@attrs.define
class SampleReport:
    """What `write_sample` made."""

    journal: str
    journal_id: str
    seed: int
    markets: int
    frames: int
    disconnects: int
    records: int
    first_ns: int
    last_ns: int

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for ``--json``."""
        return attrs.asdict(self)


@final
class Network:
    """The way from the venue to us: a latency with jitter, never a frame before the one it follows."""

    def __init__(self, seed: int, start_ns: int) -> None:
        self.last_ns = start_ns
        self._chance: Final = Chance(seed, "network")
        self._stalled_until = 0

    def receive(self, sent_ms: int, follows: bool) -> int:
        """When a frame sent at *sent_ms* is received; with *follows*, right behind the one before it."""
        chance = self._chance
        if follows:
            self.last_ns += (15 + chance.below(120)) * _US
            return self.last_ns
        sent_ns = sent_ms * _MS
        if chance.one_in(4000):  # a stall: what is sent meanwhile arrives in one go at its end
            self._stalled_until = sent_ns + chance.between(60, 400) * _MS
        delay_us = 2_000 + chance.waiting(5_000) + chance.below(6_000)
        arrived = max(sent_ns + min(delay_us, 40_000) * _US, self._stalled_until)
        self.last_ns = max(self.last_ns + 2 * _US, arrived)
        return self.last_ns


@final
class Recorder:
    """Listens to a `SampleVenue` and tells an `ImportWriter` what arrives."""

    def __init__(self, sample: Sample) -> None:
        self.sample: Final = sample
        self.frames = 0
        self.disconnects = 0
        self.venue: Final = SampleVenue(
            sample.seed, sample.markets, sample.frames * 8 // FRAMES_IN_8_EVENTS, START_NS // _MS + _SETTLE_MS
        )
        self.network: Final = Network(sample.seed, START_NS)
        self._chance: Final = Chance(sample.seed, "recorder")
        self._stream: Final = Stream(STREAM_SOURCE, STREAM, VENUES[STREAM])
        self._kind: Final = VENUES[STREAM].stream
        self._next_loss = self._loss()

    def steps(self, writer: ImportWriter) -> Iterator[int]:
        """Write the whole sample, step by step; each yields the number of frames so far."""
        for number, (url, body) in enumerate(pages(self.venue.speakers), 1):
            meta = canonical({"url": url, "venue": VENUE})
            writer.catalogue(CATALOGUE_SOURCE, int(kinds.POLYMARKET_CATALOGUE), START_NS, START_NS, number, meta, body)
        self._connect(writer, START_NS)
        yield self.frames
        most = self.sample.frames
        while self.frames < most:
            frames = self.venue.next()
            src_ns = self.venue.now_ms * _MS
            for place, frame in enumerate(frames):
                at_ns = self.network.receive(self.venue.now_ms, place > 0)
                writer.arrival(self._stream, Arrival(at_ns, at_ns, self._kind, src_ns, b"", frame))
                self.frames += 1
            if self.frames >= self._next_loss and self.frames < most:
                self._reconnect(writer)
            yield self.frames

    def _connect(self, writer: ImportWriter, at_ns: int) -> None:
        """The connection opens, and every book comes in one frame; the oldest books state times long past."""
        self.network.last_ns = at_ns
        writer.arrival(self._stream, Arrival(at_ns, at_ns, int(kinds.CONNECTION), int(record.NONE), b"", b""))
        dump = self.venue.dump()
        received = self.network.receive(at_ns // _MS + _SETTLE_MS, False)
        writer.arrival(self._stream, Arrival(received, received, self._kind, polymarket_time(dump), b"", dump))
        self.frames += 1

    def _reconnect(self, writer: ImportWriter) -> None:
        """The connection is lost; the venue goes on without us, and tells us nothing of what we missed."""
        lost_ns = self.network.receive(self.venue.now_ms, False)
        writer.closed(self._stream, lost_ns)
        back_ms = lost_ns // _MS + self._chance.between(1_000, 12_000)
        while self.venue.now_ms < back_ms + _SETTLE_MS:
            self.venue.next(silent=True)
        self.disconnects += 1
        self._connect(writer, self.venue.now_ms * _MS - _SETTLE_MS * _MS)
        self._next_loss = self.frames + self._loss()

    def _loss(self) -> int:
        every = self.sample.disconnect_every
        return self._chance.between(every // 2, every * 3 // 2) if every else self.sample.frames + 1


@final
class Held:
    """What an `ImportWriter` appends, kept in memory."""

    def __init__(self) -> None:
        self.inputs: list[Input] = []

    def append_input(self, kind: int, schema: int, source: int, recv_ns: int, src_ns: int, payload: bytes) -> int:
        """As `Writer.append_input`, without numbers."""
        self.inputs.append((kind, source, recv_ns, src_ns, payload))
        return 0


def inputs(sample: Sample) -> Iterator[Input]:
    """Every input of *sample* in order, made in memory as they are asked for."""
    held = Held()
    for _ in Recorder(sample).steps(ImportWriter(held)):
        yield from held.inputs
        held.inputs.clear()


def write_sample(
    sample: Sample,
    target: Path,
    disk: Disk,
    background: Background,
    *,
    sealed_ns: int | None,
    advance: Callable[[int], None] | None = None,
) -> SampleReport:
    """
    Write *sample* as a new journal at *target*, a folder that is absent or empty.

    Args:
        sealed_ns: the wall clock, noted in the manifests; None leaves the segments unsealed.
        advance: progress, in frames since the last call.
    Raises:
        Taken: *target* is not empty.
    """
    recorder = Recorder(sample)

    def fill(writer: ImportWriter) -> None:
        told = 0
        for frames in recorder.steps(writer):
            if advance is not None and (frames - told >= 1000 or frames >= sample.frames):
                advance(frames - told)
                told = frames

    records = build(target, disk, background, sample.journal_id, START_NS, NAMES, sealed_ns, fill)
    return SampleReport(
        journal=str(target),
        journal_id=sample.journal_id.hex(),
        seed=sample.seed,
        markets=sample.markets,
        frames=recorder.frames,
        disconnects=recorder.disconnects,
        records=records,
        first_ns=START_NS,
        last_ns=recorder.network.last_ns,
    )
