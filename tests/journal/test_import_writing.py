"""The importer's end of the journal: what it says of connections."""

import orjson

from engine.kernel import kinds
from journal.importer.venues import VENUES
from journal.importer.writing import ImportWriter, Stream


class Kept:
    """An appender that keeps what it was given."""

    def __init__(self) -> None:
        self.inputs: list[tuple[int, int, bytes]] = []

    def append_input(self, kind: int, schema: int, source: int, recv_ns: int, src_ns: int, payload: bytes) -> int:
        self.inputs.append((kind, recv_ns, payload))
        return len(self.inputs)


def test_a_stream_without_a_connection_has_none_to_close() -> None:
    kept = Kept()
    writer = ImportWriter(kept)
    stream = Stream(2, "polymarket-market", VENUES["polymarket-market"])
    writer.closed(stream, 10)

    assert kept.inputs == []
    stream.connection, stream.connected = 1, True
    writer.closed(stream, 20)
    writer.closed(stream, 30)

    assert [(kind, at_ns) for kind, at_ns, _ in kept.inputs] == [(kinds.CONNECTION, 20)]
    assert orjson.loads(kept.inputs[0][2])["state"] == "down"
