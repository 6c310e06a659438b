"""The importer's end of the journal: venue inputs with their prefix, connections, and one clock that never turns."""

from typing import Protocol, final

from engine.kernel import kinds, record
from journal.importer.recording import Arrival
from journal.importer.venues import Venue, canonical
from journal.payloads import encode_venue_input


class Appender(Protocol):
    """The end of a journal that takes inputs: a `Writer`, or what stands for one where no disk is wanted."""

    def append_input(self, kind: int, schema: int, source: int, recv_ns: int, src_ns: int, payload: bytes) -> int:
        """As `Writer.append_input`."""


@final
class Stream:
    """One recording on its way into the journal: which connection is open, and how many frames came over it."""

    def __init__(self, source: int, name: str, venue: Venue) -> None:
        self.source, self.name, self.venue = source, name, venue
        self.connection = 0
        self.connected = False
        self.counter = 0
        self.replies = 0


@final
class ImportWriter:
    """Appends what a recording holds, in the order given."""

    def __init__(self, writer: Appender) -> None:
        self._writer = writer
        self._last_ns = 0
        self.records = 0

    def catalogue(
        self, source: int, kind: int, at_ns: int, recorded_ns: int, number: int, meta: bytes, frame: bytes
    ) -> None:
        """Append document *number* of a catalogue, received at *recorded_ns* (or NONE), in place at *at_ns*."""
        payload = encode_venue_input(recorded_ns, 0, number, 0, meta, frame)
        self._append(kind, source, at_ns, record.NONE, payload)

    def arrival(self, stream: Stream, arrival: Arrival) -> None:
        """Append one arrival; a stream's first frame without a recorded connection opens one."""
        if arrival.kind == kinds.CONNECTION:
            self._connect(stream, arrival.at_ns)
            return
        if arrival.kind == stream.venue.stream:
            if not stream.connected:
                self._connect(stream, arrival.at_ns)
            stream.counter += 1
            connection, counter = stream.connection, stream.counter
        else:
            stream.replies += 1
            connection, counter = 0, stream.replies
        payload = encode_venue_input(arrival.socket_ns, connection, counter, 0, arrival.meta, arrival.frame)
        self._append(arrival.kind, stream.source, arrival.at_ns, arrival.src_ns, payload)

    def closed(self, stream: Stream, at_ns: int) -> None:
        """The stream's connection ended at *at_ns*; without one there is nothing to say."""
        if stream.connected:
            stream.connected = False
            self._connection(stream, "down", at_ns)

    def _connect(self, stream: Stream, at_ns: int) -> None:
        """The recording shows a new connection: the one before it, if any, is over."""
        if stream.connected:
            self._connection(stream, "down", at_ns)
        stream.connected = True
        stream.connection += 1
        stream.counter = 0
        self._connection(stream, "up", at_ns)

    def _connection(self, stream: Stream, state: str, at_ns: int) -> None:
        payload = canonical({"connection": stream.connection, "source": stream.name, "state": state})
        self._append(int(kinds.CONNECTION), stream.source, at_ns, record.NONE, payload)

    def _append(self, kind: int, source: int, at_ns: int, src_ns: int, payload: bytes) -> None:
        self._last_ns = max(self._last_ns, at_ns)
        self._writer.append_input(kind, 1, source, self._last_ns, src_ns, payload)
        self.records += 1
