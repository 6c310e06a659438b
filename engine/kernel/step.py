"""
The only way state moves: one input, translated, folded, decided on, admitted.

`Kernel.step` cannot tell a live run from a replay: its time is the record's, its chance the run's seed. What it
concludes lies in `out` afterwards, for the driver to append (live) or to compare (replay).
"""

from hashlib import blake2b
from typing import Final, final

from librt.vecs import vec
from mypy_extensions import i64

from engine.kernel import codes, kinds
from engine.kernel.bulk import Bulk
from engine.kernel.checkpoint import pack_market, pack_parts, part_digest, unpack_market, unpack_parts
from engine.kernel.digest import Digest
from engine.kernel.events import ORDER_ACKED, STRIDE, EventBatch, Translator
from engine.kernel.findings import alert, report
from engine.kernel.fold import MarketData
from engine.kernel.inputs import members, timer_fields
from engine.kernel.lanes import Lanes
from engine.kernel.market import WAKE_REGIME
from engine.kernel.outbox import Outbox
from engine.kernel.pack import Malformed, Packer, Unpacker
from engine.kernel.payload import PREFIXED_END
from engine.kernel.payload import UnknownKind as UnknownKind
from engine.kernel.payload import translate_payload as translate_payload
from engine.kernel.policy import Policy
from engine.kernel.streams import Streams
from engine.kernel.trading import Trading

DIGEST_EVERY: Final[i64] = 4096
STATE_DIGEST_EVERY: Final[i64] = 1 << 20

_VENUE_FIRST: Final[i64] = 0x0100
_VENUE_END: Final[i64] = 0x1000


@final
class Kernel:
    """
    The state of one run, and the function that moves it.

    *translators* maps a record kind to its decoder; the driver chooses their versions. `out.records` holds what the
    last input led to, in order.
    """

    def __init__(
        self,
        translators: dict[int, Translator],
        policy: Policy | None = None,
        run_epoch: i64 = 0,
        seed: i64 = 0,
        hash_every: i64 = 1,
    ) -> None:
        self.out: Final[Outbox] = Outbox()
        self.digest: Final[Digest] = Digest()
        self.data: Final[MarketData] = MarketData(self.digest, hash_every)
        self.trading: Final[Trading] = Trading(
            self.data.listings.markets, self.data.listings.instruments, policy, self.out, self.digest, run_epoch, seed
        )
        self.batch: Final[EventBatch] = EventBatch()
        self.seq: i64 = 0
        self.recv_ns: i64 = 0
        self.inputs: i64 = 0  # since RUN_START
        self.running: bool = False  # between RUN_START and RUN_STOP
        self.streams: Final[Streams] = Streams(self.data, self.trading, self.out, self.digest)
        self._translators: Final[list[Translator | None]] = [translators.get(kind) for kind in range(_VENUE_END)]
        self._market_digests: Final[dict[str, bytes]] = {}  # of markets that have not changed since
        self._bulk: Final[Bulk] = Bulk(self.data, self.digest)
        self.plain_inputs: i64 = 0
        self._listeners: i64 = -1  # strategies and instruments that the bulk fold knows of
        self._settled: i64 = 0  # the turn of the bulk fold that it was made ready for, and nothing is left

    def step(
        self, seq: i64, recv_ns: i64, kind: i64, source: i64, data: bytes, start: i64, end: i64, base_seq: i64 = 0
    ) -> None:
        """
        Move past the input record (*seq*, *recv_ns*, *kind*, *source*) whose payload is data[start:end].

        Records of a resimulation's base share the number of their span; *base_seq* is their own in the base, so that
        draws may differ between them.

        Raises:
            UnknownKind: this build has no meaning for *kind*; the state has not moved.
            Malformed: an engine input whose payload is not what its schema says.
        """
        if _VENUE_FIRST <= kind < _VENUE_END:
            translator = self._translators[kind]
            if translator is None:
                raise UnknownKind(seq, kind)
            self._begin(seq, recv_ns, base_seq)
            batch = self.batch
            batch.clear()
            code = translate_payload(translator, kind, data, start, end, batch)
            self._frame(translator, code, kind, source)
        else:
            if kind not in _CONTROL:
                raise UnknownKind(seq, kind)
            self._begin(seq, recv_ns, base_seq)
            self._control(kind, source, data, start, end)
        self._decide()
        self._finish(kind)

    def step_decoded(self, seq: i64, recv_ns: i64, kind: i64, source: i64, base_seq: i64 = 0) -> None:
        """As `step`, for a venue input whose events already stand in `batch` (the decoded sidecar)."""
        translator = self._translators[kind]
        if translator is None:
            raise UnknownKind(seq, kind)
        self._begin(seq, recv_ns, base_seq)
        self._frame(translator, codes.OK, kind, source)
        self._decide()
        self._finish(kind)

    def step_order(
        self, seq: i64, recv_ns: i64, kind: i64, source: i64, event: i64, number: i64, a: i64, b: i64, c: i64, d: i64
    ) -> None:
        """
        As `step_decoded`, for a venue input that says one thing of the order of request *number*, and no text.

        *event* is ORDER_ACKED, ORDER_CANCELLED or ORDER_FILLED, and *a* to *d* are fields 3 to 6 of its row.
        """
        self._begin(seq, recv_ns, 0)
        if self.streams.bad:
            self.streams.recovered(source, self.recv_ns)
        self.trading.fold_order_words(seq, recv_ns, event, number, a, b, c, d)
        self._decide()
        self._finish(kind)

    def step_timer(self, seq: i64, recv_ns: i64, timer: i64, due_ns: i64) -> None:
        """As `step`, for a TIMER input with these fields."""
        self._begin(seq, recv_ns, 0)
        code = self.trading.on_timer(seq, recv_ns, timer, due_ns)
        if code != codes.OK:
            alert(code, kinds.name(kinds.TIMER), self.out)
        self._decide()
        self._finish(kinds.TIMER)

    def fold_plain(
        self, words: vec[i64], start: i64, end: i64, until_ns: i64, seq: i64, span_seq: i64, lanes: Lanes
    ) -> i64:
        """
        Move past plain inputs (see `bulk`) as `step_decoded` would, as far as they lead to nothing but new state.

        Takes what `Bulk.fold` takes, and returns where it stopped: at *start*, perhaps, and then nothing has moved.
        Otherwise `plain_inputs` is how many it moved past, and `plain_seq` the last one's own number.
        """
        desk = self.trading.desk
        if self.streams.bad or desk.attentive() or not self.data.listings.instruments:
            return start
        most = DIGEST_EVERY
        if self.running:
            most = DIGEST_EVERY - 1 - (self.inputs & (DIGEST_EVERY - 1))
        self._settle_bulk()
        bulk = self._bulk
        at = bulk.fold(words, start, end, most, until_ns, seq, span_seq, lanes)
        folded = most - bulk.left
        if folded == 0:
            return start
        self.plain_inputs = folded
        self.seq = bulk.seq
        desk.draw_key = bulk.seq << 1
        if span_seq != 0:
            self.seq = span_seq
            desk.draw_key |= 1
        self.recv_ns = bulk.recv_ns
        if self.running:
            self.inputs += folded
        return at

    @property
    def unreadable(self) -> i64:
        """Frames that could not be read whole."""
        return self.streams.unreadable

    @property
    def plain_seq(self) -> i64:
        """The own number of the last input that `fold_plain` moved past."""
        return self._bulk.seq

    def translator(self, kind: i64) -> Translator | None:
        """The decoder that reads records of *kind*."""
        return self._translators[kind]

    def path_counts(self) -> tuple[i64, i64]:
        """How many frames the scanners read, and how many needed a general decoder: not state, only told."""
        fast: i64 = 0
        slow: i64 = 0
        for translator in self._translators:
            if translator is not None:
                fast += translator.fast
                slow += translator.slow
        return fast, slow

    # -- one input -------------------------------------------------------------------------------------------------

    def _begin(self, seq: i64, recv_ns: i64, base_seq: i64) -> None:
        self.seq = seq
        self.trading.desk.draw_key = (base_seq << 1) | 1 if base_seq > 0 else seq << 1
        self.recv_ns = recv_ns
        if self._settled != self._bulk.turn:
            self.out.clear()
            self.data.begin()
        self._bulk.turn += 1
        self.digest.mix(seq)

    def _settle_bulk(self) -> None:
        """Before the bulk fold: nothing is left of the last input, and who listens to what is known."""
        if self._settled == self._bulk.turn:
            return
        self._settled = self._bulk.turn
        self.out.clear()
        self.data.begin()
        seats = self.trading.seats
        listeners = (i64(len(seats)) << 32) + i64(len(self.data.listings.instruments))
        if listeners == self._listeners:
            return
        self._listeners = listeners
        wants = [0] * len(self.data.listings.markets)
        for seat in seats:
            for number in range(len(wants)):
                if seat.listens(number):
                    wants[number] |= seat.wants
        self._bulk.settle(wants)

    def _frame(self, translator: Translator, code: i64, kind: i64, source: i64) -> None:
        if code != codes.OK:
            self.batch.clear()
            self.streams.failed(code, source, self.recv_ns)
            return
        if self.streams.bad:
            self.streams.recovered(source, self.recv_ns)
        data = self.data
        data.fold(self.batch, translator.symbols, source, self.recv_ns)
        if data.listed:
            for instrument in data.listed:
                self.trading.instrument_added(instrument.number)
        if data.relisted:
            self.trading.relisted(data.relisted)
        if data.resolved:
            for market in data.resolved:
                self.trading.resolved(market)
        if data.findings:
            self._report()
        if kind == kinds.POLYMARKET_USER or kind >= PREFIXED_END:
            self._own_orders()

    def _own_orders(self) -> None:
        batch = self.batch
        row: i64 = 0
        while row < batch.count:
            if batch.rows[row * STRIDE] >= ORDER_ACKED:
                self.trading.fold_order_row(self.seq, self.recv_ns, batch, row)
            row += 1

    def _control(self, kind: i64, source: i64, data: bytes, start: i64, end: i64) -> None:
        trading = self.trading
        code: i64 = codes.OK
        if kind == kinds.OUTCOME or kind == kinds.EXECUTOR_ACTION:
            code = trading.on_outcome(self.seq, self.recv_ns, data, start, end)
            if code != codes.OK:
                self.streams.failed(code, source, self.recv_ns)
            elif self.streams.bad:
                self.streams.recovered(source, self.recv_ns)
            return
        payload = data[start:end]
        if kind == kinds.TIMER:
            timer, due_ns = timer_fields(payload)
            code = trading.on_timer(self.seq, self.recv_ns, timer, due_ns)
        elif kind == kinds.RUN_START:
            self.running = True
            self.inputs = 0
            self.digest.mix_bytes(payload)
        elif kind == kinds.OPENING:
            self.digest.mix_bytes(payload)
            trading.restore_opening(payload)
        elif kind == kinds.CONNECTION or kind == kinds.DROP:
            if kind == kinds.DROP or members(payload).get("state") == "down":
                self.data.disconnected(source)
                self._report()
        elif kind == kinds.COMMAND:
            code = trading.on_command(self.seq, self.recv_ns, payload)
        elif kind == kinds.HEALTH:
            code = trading.on_health(self.seq, self.recv_ns, payload)
        else:  # words to people and processes: the state only remembers, in its digest, that they were said
            self.digest.mix_bytes(payload)
        if code != codes.OK:
            alert(code, kinds.name(kind), self.out)

    def _decide(self) -> None:
        """Let the strategies look, if there are any and something happened that they may want to know."""
        trading = self.trading
        if trading.regimes is not None:
            self.data.wake(trading.regimes.look(self.data.moved, self.recv_ns), WAKE_REGIME)
        moved = self.data.moved
        if trading.desk.pending or (moved and trading.wanted(moved)):
            trading.decide(self.seq, self.recv_ns, moved)

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
            report(finding, self.out, self.trading, self.recv_ns)

    # -- digests and checkpoints --------------------------------------------------------------------------------------

    def _emit_digest(self, with_state: bool) -> None:
        packer = Packer()
        packer.put(self.inputs)
        packer.put(self.digest.value)
        packer.put_data(self.state_digest() if with_state else b"")
        self.out.emit(kinds.DIGEST, 1, packer.finish())

    def state_digest(self) -> bytes:
        """BLAKE2b-256 over the names and digests of the state's parts; only parts changed since are hashed again."""
        known = self._market_digests
        for market in self.data.listings.markets:
            if market.unsaved:
                known[_market_part(market.number)] = part_digest(pack_market(market))
                market.unsaved = False
                market.moved()
        digests = dict(known)
        digests["streams"] = part_digest(self.streams.pack())
        digests.update(self.trading.digests())
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
        parts: list[tuple[str, bytes]] = [("head", head.finish()), ("streams", self.streams.pack())]
        parts.extend([(_market_part(market.number), pack_market(market)) for market in self.data.listings.markets])
        parts.extend(self.trading.parts())
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
        if len(parts) < 2 or parts[0][0] != "head" or parts[1][0] != "streams":
            raise Malformed("a checkpoint begins with its counters")
        head = Unpacker(parts[0][1])
        self.seq = head.take()
        self.recv_ns = head.take()
        self.inputs = head.take()
        self.running = head.take() == 1
        digest = head.take()
        head.done()
        self.streams.unpack(parts[1][1])
        listings = self.data.listings
        rest: list[tuple[str, bytes]] = []
        for name, part in parts[2:]:
            if name.startswith("market/"):
                listings.adopt(unpack_market(len(listings.markets), part))
            else:
                rest.append((name, part))
        for instrument in listings.instruments:
            self.trading.instrument_added(instrument.number)
        self.trading.restore(rest)
        self.digest.value = digest  # last: what is listed again above has been mixed in already


# Every input that is no venue's. A SPAN is its driver's to unfold, and never reaches a kernel.
_CONTROL: Final[tuple[int, ...]] = (
    int(kinds.RUN_START),
    int(kinds.OPENING),
    int(kinds.RUN_STOP),
    int(kinds.TIMER),
    int(kinds.CLOCK),
    int(kinds.COMMAND),
    int(kinds.GOVERNANCE),
    int(kinds.CONFIG),
    int(kinds.HEALTH),
    int(kinds.RECOVERED),
    int(kinds.DROP),
    int(kinds.VERIFY_FAIL),
    int(kinds.CONNECTION),
    int(kinds.OUTCOME),
    int(kinds.EXECUTOR_ACTION),
)


def _market_part(number: i64) -> str:
    return f"market/{int(number):08d}"
