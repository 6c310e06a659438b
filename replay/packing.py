"""From a journal's records to packed inputs: for a sidecar, and on the fly where there is none. Compiled."""

from typing import Final, final

from mypy_extensions import i64

from engine.kernel import codes
from engine.kernel.events import EventBatch, Translator
from engine.kernel.payload import translate_payload
from engine.kernel.record import CONTROL, DERIVED, NONE
from journal.codec import Cursor
from replay.decoded import Piece
from replay.packed import Packed
from replay.strict import is_kept


@final
class InputPacker:
    """
    Packs what a resimulation keeps of the records it is shown; `take` hands out a piece.

    *translators* are its own, so that symbols are numbered as it meets them; *last_seq* is the record before the first.
    What they cannot read, or what numbers cannot say, stays raw. `fast` and `slow` count the frames that their two
    paths read for it, `size` the bytes of the inputs since the last `take`; `last_seq` is the last record looked at.
    """

    def __init__(self, translators: dict[int, Translator], last_seq: i64) -> None:
        self._translators: Final[dict[int, Translator]] = translators
        self._packed: Final[Packed] = Packed(last_seq)
        self._batch: Final[EventBatch] = EventBatch()
        self._raw_bytes: i64 = 0
        self._first_seq: i64 = last_seq + 1
        self.symbols: Final[dict[str, list[str]]] = {
            one.symbols.venue: one.symbols.texts for one in translators.values()
        }
        self.fast: i64 = 0
        self.slow: i64 = 0
        self.last_seq: i64 = last_seq
        self.size: i64 = 0

    def add(self, data: bytes, start: i64, end: i64, most: i64) -> i64:
        """Pack the records data[start:end] until there are *most* bytes; returns where the next one begins."""
        cursor = Cursor(data, start, end)
        while self.size < most and cursor.next():
            self._raw_bytes += cursor.next_offset - cursor.offset
            if cursor.flags & CONTROL == 0:
                self.last_seq = cursor.seq
            if cursor.flags & (CONTROL | DERIVED) == 0 and is_kept(cursor.kind):
                self._pack(cursor)
        return cursor.next_offset

    def take(self) -> Piece:
        """The piece of the records looked at since the last call."""
        least: dict[int, int] = {}
        most: dict[int, int] = {}
        for source, lag in self._packed.lags.items():
            least[source] = lag.least_ns
            if lag.most_ns != NONE:
                most[source] = lag.most_ns
        data = self._packed.take(self.last_seq)
        piece = Piece(data, self.symbols, self._first_seq, self.last_seq, self._raw_bytes, least, most, False)
        self._first_seq = self.last_seq + 1
        self._raw_bytes = 0
        self.size = 0
        return piece

    def skip(self, last_seq: i64) -> None:
        """The next record looked at follows *last_seq*: those before it came from elsewhere."""
        assert self.size == 0
        self.last_seq = last_seq
        self.take()

    def _pack(self, cursor: Cursor) -> None:
        packed = self._packed
        batch = self._batch
        kind = cursor.kind
        translator = self._translators.get(kind)
        if translator is not None:
            fast = translator.fast
            slow = translator.slow
            batch.clear()
            start = cursor.payload_start
            code = translate_payload(translator, kind, cursor.data, start, cursor.payload_end, batch)
            if code == codes.OK and packed.events(
                cursor.seq, cursor.recv_ns, cursor.src_ns, kind, cursor.source, batch
            ):
                self.fast += translator.fast - fast
                self.slow += translator.slow - slow
                self.size = packed.size
                return
        packed.raw(cursor.seq, cursor.recv_ns, cursor.src_ns, kind, cursor.source, cursor.payload())
        self.size = packed.size
