"""
The only way state moves: one input, translated, folded, decided on, admitted.

`Kernel.step` cannot tell a live run from a replay: its time is the record's, its chance the run's seed. What it
concludes lies in `out` afterwards, for the driver to append (live) or to compare (replay).
"""

from hashlib import blake2b
from typing import Final, final

from librt.strings import read_i64_le
from mypy_extensions import i64

from engine.kernel import codes, kinds
from engine.kernel.checkpoint import (
    pack_market,
    pack_parts,
    pack_unknown,
    part_digest,
    unpack_market,
    unpack_parts,
    unpack_unknown,
)
from engine.kernel.digest import Digest
from engine.kernel.events import EventBatch, Translator
from engine.kernel.fold import MarketData
from engine.kernel.inputs import members, timer_fields
from engine.kernel.listings import Finding
from engine.kernel.outbox import Outbox
from engine.kernel.pack import Malformed, Packer, Unpacker
from engine.kernel.record import VENUE_PREFIX

DIGEST_EVERY: Final[i64] = 4096
STATE_DIGEST_EVERY: Final[i64] = 1 << 20

_VENUE_FIRST: Final[i64] = 0x0100
_VENUE_END: Final[i64] = 0x1000
_PREFIXED_END: Final[i64] = 0x0F00  # the simulated venue's reports have no prefix


class UnknownKind(Exception):
    """A data record of a kind this build has no meaning for: a replay cannot go on past it."""

    def __init__(self, seq: i64, kind: i64) -> None:
        super().__init__(f"record {seq} is of kind {kinds.name(kind)}, which this build does not know")
        self.seq: Final[i64] = seq
        self.kind: Final[i64] = kind


@final
class Kernel:
    """
    The state of one run, and the function that moves it.

    *translators* maps a record kind to its decoder; the driver chooses their versions. `out.records` holds what the
    last input led to, in order.
    """

    def __init__(self, translators: dict[int, Translator], hash_every: i64 = 1) -> None:
        self.out: Final[Outbox] = Outbox()
        self.digest: Final[Digest] = Digest()
        self.data: Final[MarketData] = MarketData(self.digest, hash_every)
        self.batch: Final[EventBatch] = EventBatch()
        self.seq: i64 = 0
        self.recv_ns: i64 = 0
        self.inputs: i64 = 0  # since RUN_START
        self.running: bool = False  # between RUN_START and RUN_STOP
        self.unreadable: i64 = 0  # frames that could not be read whole
        self._bad_sources: dict[int, int] = {}  # streams whose last frame could not be read: the code
        self._translators: Final[list[Translator | None]] = [translators.get(kind) for kind in range(_VENUE_END)]
        self._part_digests: dict[str, bytes] = {}

    def step(self, seq: i64, recv_ns: i64, kind: i64, source: i64, data: bytes, start: i64, end: i64) -> None:
        """
        Move past the input record (*seq*, *recv_ns*, *kind*, *source*) whose payload is data[start:end].

        Raises:
            UnknownKind: this build has no meaning for *kind*; the state has not moved.
            Malformed: an engine input whose payload is not what its schema says.
        """
        if _VENUE_FIRST <= kind < _VENUE_END:
            translator = self._translators[kind]
            if translator is None:
                raise UnknownKind(seq, kind)
            self._begin(seq, recv_ns)
            batch = self.batch
            batch.clear()
            code = self._translate(translator, kind, data, start, end)
            self._frame(translator, code, kind, source)
        else:
            self._begin(seq, recv_ns)
            self._control(kind, source, data[start:end])
        self._finish(kind)

    def step_decoded(self, seq: i64, recv_ns: i64, kind: i64, source: i64) -> None:
        """As `step`, for a venue input whose events already stand in `batch` (the decoded sidecar)."""
        translator = self._translators[kind]
        if translator is None:
            raise UnknownKind(seq, kind)
        self._begin(seq, recv_ns)
        self._frame(translator, codes.OK, kind, source)
        self._finish(kind)

    # -- one input -------------------------------------------------------------------------------------------------

    def _begin(self, seq: i64, recv_ns: i64) -> None:
        self.seq = seq
        self.recv_ns = recv_ns
        self.out.clear()
        self.data.begin()
        self.digest.mix(seq)

    def _translate(self, translator: Translator, kind: i64, data: bytes, start: i64, end: i64) -> i64:
        batch = self.batch
        if kind >= _PREFIXED_END:
            return translator.translate(data, start, end, batch)
        if end - start < VENUE_PREFIX:
            return codes.BAD_FRAME
        meta_len = (read_i64_le(data, start + 12) >> 48) & 0xFFFF
        frame = start + VENUE_PREFIX + meta_len
        if frame > end:
            return codes.BAD_FRAME
        if meta_len > 0:
            batch.meta = data[start + VENUE_PREFIX : frame]
            code = translator.translate(data, frame, end, batch)
            batch.meta = b""
            return code
        return translator.translate(data, frame, end, batch)

    def _frame(self, translator: Translator, code: i64, kind: i64, source: i64) -> None:
        if code != codes.OK:
            self.batch.clear()
            self._unreadable(code, source)
            return
        if self._bad_sources:
            self._readable_again(source)
        self.data.fold(self.batch, translator.symbols, source, self.recv_ns)
        if self.data.findings:
            self._report()

    def _control(self, kind: i64, source: i64, payload: bytes) -> None:
        if kind == kinds.RUN_START:
            self.running = True
            self.inputs = 0
            self.digest.mix_bytes(payload)
        elif kind == kinds.CONNECTION:
            if members(payload).get("state") == "down":
                self.data.disconnected(source)
                self._report()
        elif kind == kinds.TIMER:
            timer_fields(payload)
        elif kind in _WORDS:
            self.digest.mix_bytes(payload)
        else:
            raise UnknownKind(self.seq, kind)

    def _finish(self, kind: i64) -> None:
        if not self.running:
            return
        self.inputs += 1
        if self.inputs & (DIGEST_EVERY - 1) == 0 or kind == kinds.RUN_STOP:
            self._emit_digest(kind == kinds.RUN_STOP or self.inputs & (STATE_DIGEST_EVERY - 1) == 0)
        if kind == kinds.RUN_STOP:
            self.running = False

    # -- what is said beside the state -------------------------------------------------------------------------------

    def _report(self) -> None:
        for finding in self.data.findings:
            self._finding(finding)

    def _finding(self, finding: Finding) -> None:
        packer = Packer()
        packer.put(finding.market)
        if finding.code == codes.SEQ_GAP:
            packer.put(finding.a)
            packer.put(finding.b)
            self.out.emit(kinds.GAP, 1, packer.finish())
        elif finding.code == codes.OK:
            packer.put(finding.a)
            self.out.emit(kinds.RESYNC, 1, packer.finish())
        elif finding.code == codes.META_CHANGED:
            packer.put(finding.a)
            packer.put(finding.b)
            self.out.emit(kinds.META, 1, packer.finish())
        elif finding.code == codes.DUP_BLOCKED:
            packer.put(finding.a)
            self.out.emit(kinds.DEDUP, 1, packer.finish())
        elif finding.code == codes.MARKET_CLOSED:
            packer.put(finding.a)
            self.out.emit(kinds.VENUE_STATE, 1, packer.finish())
        elif finding.code == codes.UNKNOWN_INSTRUMENT:
            packer.put(finding.code)
            packer.put_text(finding.text)
            self.out.emit(kinds.ALERT, 1, packer.finish())

    def _unreadable(self, code: i64, source: i64) -> None:
        self.unreadable += 1
        self._bad_sources[source] = code
        packer = Packer()
        packer.put(source)
        packer.put(code)
        self.out.emit(kinds.UNPARSED, 1, packer.finish())
        self.digest.mix(-1000 - code)

    def _readable_again(self, source: i64) -> None:
        code = self._bad_sources.pop(source, 0)
        if code:
            self.digest.mix(code)

    # -- digests and checkpoints --------------------------------------------------------------------------------------

    def _emit_digest(self, with_state: bool) -> None:
        packer = Packer()
        packer.put(self.inputs)
        packer.put(self.digest.value)
        packer.put_data(self.state_digest() if with_state else b"")
        self.out.emit(kinds.DIGEST, 1, packer.finish())

    def state_digest(self) -> bytes:
        """BLAKE2b-256 over the names and digests of the state's parts; only parts changed since are hashed again."""
        digests = self._part_digests
        for market in self.data.listings.markets:
            if market.unsaved:
                digests[_market_part(market.number)] = part_digest(pack_market(market))
                market.unsaved = False
        digests["symbols"] = part_digest(self._pack_streams())
        whole = blake2b(digest_size=32)
        for name in sorted(digests):
            whole.update(name.encode() + b"\0" + digests[name])
        return whole.digest()

    def checkpoint(self) -> bytes:
        """The whole state in canonical bytes: the counters, then every part."""
        head = Packer()
        head.put(self.seq)
        head.put(self.recv_ns)
        head.put(self.inputs)
        head.put(1 if self.running else 0)
        head.put(self.digest.value)
        parts: list[tuple[str, bytes]] = [("head", head.finish()), ("symbols", self._pack_streams())]
        parts.extend([(_market_part(market.number), pack_market(market)) for market in self.data.listings.markets])
        return pack_parts(parts)

    def restore(self, data: bytes) -> None:
        """
        Take over a checkpoint; this kernel must not have stepped yet.

        Raises:
            Malformed: the bytes are no checkpoint of this build.
        """
        assert self.seq == 0
        assert not self.data.listings.markets
        parts = unpack_parts(data)
        if len(parts) < 2 or parts[0][0] != "head" or parts[1][0] != "symbols":
            raise Malformed("a checkpoint begins with its counters")
        head = Unpacker(parts[0][1])
        self.seq = head.take()
        self.recv_ns = head.take()
        self.inputs = head.take()
        self.running = head.take() == 1
        self.digest.value = head.take()
        head.done()
        self._unpack_streams(parts[1][1])
        for name, part in parts[2:]:
            number: i64 = len(self.data.listings.markets)
            if name != _market_part(number):
                raise Malformed(f"a checkpoint holds {name!r} where {_market_part(number)!r} was expected")
            self.data.listings.adopt(unpack_market(number, part))

    def _pack_streams(self) -> bytes:
        packer = Packer()
        packer.put(self.unreadable)
        packer.put(len(self._bad_sources))
        for source in sorted(self._bad_sources):
            packer.put(source)
            packer.put(self._bad_sources[source])
        packer.put_data(pack_unknown(self.data))
        return packer.finish()

    def _unpack_streams(self, data: bytes) -> None:
        unpacker = Unpacker(data)
        self.unreadable = unpacker.take()
        for _ in range(unpacker.take()):
            source = unpacker.take()
            self._bad_sources[source] = unpacker.take()
        unpack_unknown(self.data, unpacker.take_data())
        unpacker.done()


# Inputs that are words of people and processes: they move the digest; what else they do, the trading half says.
_WORDS: Final = (
    int(kinds.OPENING),
    int(kinds.RUN_STOP),
    int(kinds.CLOCK),
    int(kinds.COMMAND),
    int(kinds.GOVERNANCE),
    int(kinds.CONFIG),
    int(kinds.HEALTH),
    int(kinds.RECOVERED),
    int(kinds.DROP),
    int(kinds.VERIFY_FAIL),
)


def _market_part(number: i64) -> str:
    return f"market/{int(number):08d}"
