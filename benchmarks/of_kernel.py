"""What the kernel costs: reading frames, folding events, one step, its state as bytes."""

from collections.abc import Callable
from hashlib import blake2b
from itertools import islice
from typing import Any

from librt.vecs import vec
from mypy_extensions import i64

from benchmarks import bounds
from benchmarks.case import Case
from benchmarks.material import POLYMARKET, USDM, Input, Material
from benchmarks.measure import MS, NS_A_FRAME, NS_AN_EVENT, US, Budget, Work
from benchmarks.of_replay import demo_run, simulated_run
from benchmarks.trader import Trader, steps_of
from engine.kernel import codes
from engine.kernel.digest import Digest
from engine.kernel.events import STRIDE, EventBatch, Symbols
from engine.kernel.fold import MarketData
from engine.kernel.step import Kernel
from journal.reader import open_journal
from replay.decoders import translators
from replay.rebuild import bare_kernel

MOST_FRAMES = 40_000


def chosen(material: Material, which: str) -> tuple[int, list[bytes]]:
    """(record kind, frames) of one sort of frame: "price_change", "book", "bookTicker", "trade", "depthUpdate"."""
    if which in ("price_change", "book"):
        frames = material.frames(material.sample(), POLYMARKET)
        word = b'"price_changes":' if which == "price_change" else b'"event_type":"book"'
        return POLYMARKET, [one for one in frames if one[:1] == b"{" and word in one][:MOST_FRAMES]
    frames = material.frames(material.mix(), USDM)
    return USDM, [one for one in frames if b'"e":"%s"' % which.encode() in one[:90]][:MOST_FRAMES]


def translating(material: Material, which: str) -> Work:
    """Frames to event rows, by the decoder that replay uses; the first repetition has numbered every symbol."""
    kind, frames = chosen(material, which)
    translator = translators(None)[kind]
    batch = EventBatch()

    def once() -> None:
        for frame in frames:
            batch.clear()
            code = translator.translate(frame, 0, len(frame), batch)
            assert code == codes.OK

    once()
    translator.fast = translator.slow = 0
    once()
    share = int(translator.fast) / int(translator.fast + translator.slow)
    size = sum(map(len, frames)) / len(frames)
    origin = "generated" if kind == POLYMARKET else material.origin
    note = (
        f"{len(frames):,} {origin} frames of {size:.0f} bytes, fast path {100 * share:.2f} %; from an interpreted loop"
    )
    return Work(lambda: once, len(frames), {"C-like scan": bounds.scan(frames)}, note)


def kept(batch: EventBatch) -> EventBatch:
    """A copy of *batch* that takes no more room than its rows."""
    copy = EventBatch()
    copy.rows = vec[i64]([batch.rows[at] for at in range(batch.count * STRIDE)])
    copy.room = copy.count = batch.count
    copy.texts, copy.objects = list(batch.texts), list(batch.objects)
    return copy


def folding(material: Material) -> Work:
    """Decoded batches into the books: what is left of a replay when nothing has to be read."""
    inputs = [one for one in material.inputs(material.mix()) if 0x0100 <= one.kind < 0x0F00][:MOST_FRAMES]
    decoders = translators(None)
    decoded: list[tuple[EventBatch, Symbols, int, int]] = []
    kernel = Kernel(decoders)
    for number, one in enumerate(inputs, 1):
        step(kernel, number, one)
        decoded.append((kept(kernel.batch), decoders[one.kind].symbols, one.source, one.recv_ns))
    events = sum(int(batch.count) for batch, _, _, _ in decoded)
    rows = [bytes(batch.count * STRIDE * 8) for batch, _, _, _ in decoded]

    def begin() -> Callable[[], Any]:
        data = MarketData(Digest())
        for symbols in {id(symbols): symbols for _, symbols, _, _ in decoded}.values():
            for number in range(len(symbols.texts)):
                symbols.instrument[number] = symbols.missed[number] = -1

        def once() -> None:
            for batch, symbols, source, recv_ns in decoded:
                data.begin()
                data.fold(batch, symbols, source, recv_ns)

        return once

    note = f"{events / len(decoded):.1f} events a frame; from an interpreted loop"
    return Work(begin, events, {"C-like scan of the rows": bounds.scan(rows)}, note)


def step(kernel: Kernel, seq: int, one: Input) -> None:
    """One input into *kernel*."""
    kernel.step(seq, one.recv_ns, one.kind, one.source, one.payload, 0, len(one.payload))


def stepping(material: Material, of_sample: bool) -> Work:
    """`Kernel.step` for each input, called from an interpreted loop: translate, fold, settle, digest."""
    inputs = material.inputs(material.sample() if of_sample else material.mix())

    def begin() -> Callable[[], Any]:
        kernel = bare_kernel()

        def once() -> None:
            for seq, one in enumerate(inputs, 1):
                step(kernel, seq, one)

        return once

    payloads = [one.payload for one in inputs]
    note = f"{sum(map(len, payloads)) / len(payloads):.0f} bytes a payload"
    return Work(begin, len(inputs), {"C-like scan": bounds.scan(payloads)}, note)


def deciding(material: Material) -> Work:
    """Each step that decides something timed alone: the kernel's share of "frame received to intent decided"."""
    base = material.sample()
    with open_journal(base) as journal:
        run, _ = demo_run(material, journal)
    steps = list(islice(steps_of(material, base, simulated_run(material)), MOST_FRAMES))
    traders: list[Trader] = []

    def begin() -> Callable[[], Any]:
        traders[:] = [Trader(run, steps)]
        return traders[0].play

    def percentile() -> float:
        taken = sorted(traders[0].took_ns)
        return taken[len(taken) * 99 // 100] / 1e9

    return Work(begin, 1, {}, "the kernel and a strategy in Python; socket, journal and loop come on top", percentile)


def checkpointing(material: Material, what: str) -> Work:
    """The whole state after a journal of 20 markets as canonical bytes, back again, or hashed anew."""
    kernel = bare_kernel()
    for seq, one in enumerate(material.inputs(material.sample()), 1):
        step(kernel, seq, one)
    state = kernel.checkpoint()

    def begin() -> Callable[[], Any]:
        if what == "encode":
            return kernel.checkpoint
        fresh = bare_kernel()
        if what == "restore":
            return lambda: fresh.restore(state)
        for market in kernel.data.listings.markets:
            market.unsaved = True
        return kernel.state_digest

    levels = sum(market.book.bids.count() + market.book.asks.count() for market in kernel.data.listings.markets)
    note = f"{len(state):,} bytes, {len(kernel.data.listings.markets)} markets, {levels:,} levels"
    return Work(begin, 1, {"BLAKE2b": lambda: blake2b(state).digest()}, note)


def _translate_case(name: str, what: str, which: str) -> Case:
    return Case(name, what, NS_A_FRAME, lambda material: translating(material, which))


CASES = (
    _translate_case("translate-price-change", "translate price_change", "price_change"),
    _translate_case("translate-book", "translate book", "book"),
    _translate_case("translate-book-ticker", "translate bookTicker", "bookTicker"),
    _translate_case("translate-trade", "translate trade", "trade"),
    _translate_case("translate-depth", "translate depthUpdate", "depthUpdate"),
    Case("fold", "fold decoded Binance events", NS_AN_EVENT, folding),
    Case("step-mix", "step, Binance mix", NS_A_FRAME, lambda material: stepping(material, False)),
    Case("step-sample", "step, Polymarket sample", NS_A_FRAME, lambda material: stepping(material, True)),
    Case("decide-p99", "step that decides, p99", US, deciding, budget=Budget(1000.0, 100.0)),
    Case("checkpoint-encode", "checkpoint, encode", MS, lambda material: checkpointing(material, "encode")),
    Case("checkpoint-restore", "checkpoint, restore", MS, lambda material: checkpointing(material, "restore")),
    Case("state-digest", "state digest, all anew", MS, lambda material: checkpointing(material, "digest")),
)
