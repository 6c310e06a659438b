"""What the journal costs: append, sync, seal, walk, recover, import, and finding a place in it."""

import random
from collections.abc import Callable
from pathlib import Path
from shutil import rmtree
from typing import Any

from benchmarks import bounds
from benchmarks.case import Case
from benchmarks.material import GENERATED_NS, SEALED_NS, Input, Material
from benchmarks.measure import LINES_S, MB_S, MS, NS_A_RECORD, RECORDS_S, US, Budget, Work
from engine.runtime.clock import RealClock
from journal.background import Threads
from journal.codec import Cursor
from journal.frames import LEVEL
from journal.reader import Journal, open_journal
from journal.recovery import CLEAN, recover
from journal.seal import seal
from journal.settings import SEGMENT_BYTES
from journal.writer import Writer

POLL_EVERY = 32
"""Records between two polls of the writer: a loop polls when it is idle, so at most so often under load."""


def _writer(material: Material, background: Threads) -> tuple[Path, Writer]:
    path = material.new_folder()
    sources = dict.fromkeys(range(2, 16), "source")
    writer = Writer.create(path, material.disk, background, journal_id=bytes(16), wall_ns=GENERATED_NS, sources=sources)
    return path, writer


def append(material: Material) -> Work:
    """Recorded inputs through the real writer: batches written, synced in the helper thread, the end waited for."""
    inputs = material.inputs(material.mix())
    records = bounds.record_bytes([one.payload for one in inputs])
    total = sum(map(len, records))
    made: list[tuple[Path, Writer, Threads]] = []

    def begin() -> Callable[[], Any]:
        while made:
            path, writer, background = made.pop()
            writer.close()
            background.close()
            rmtree(path)
        background = Threads("benchmark-append")
        path, writer = _writer(material, background)
        made.append((path, writer, background))
        return lambda: append_all(writer, inputs)

    return Work(
        begin,
        len(inputs),
        {
            "CRC": bounds.checksummed(records),
            "BLAKE2b": bounds.hashed(records),
            "write + fsync": bounds.written(material.folder, total, 1),
        },
        f"{total / len(inputs):.0f} bytes a record; the last sync included",
    )


def append_all(writer: Writer, inputs: list[Input]) -> None:
    """Append all of *inputs* as a busy loop would, and wait until they are durable."""
    clock = RealClock()
    until = POLL_EVERY
    for one in inputs:
        writer.append_input(one.kind, 1, one.source, one.recv_ns, one.recv_ns, one.payload)
        until -= 1
        if not until:
            until = POLL_EVERY
            writer.poll(clock.mono_ns())
    writer.sync()


def append_synced(material: Material) -> Work:
    """One record, durable before the next: what a request waits for."""
    inputs = material.inputs(material.mix())[: max(20, material.size.frames // 1000)]
    background = Threads("benchmark-sync")
    _, writer = _writer(material, background)

    def once() -> None:
        for one in inputs:
            writer.append_input(one.kind, 1, one.source, writer.last_recv_ns + 1, one.recv_ns, one.payload)
            writer.sync()

    writer.append_input(inputs[0].kind, 1, inputs[0].source, inputs[0].recv_ns, 0, inputs[0].payload)
    size = sum(len(one.payload) for one in inputs)
    note = "the disk decides; on a memory file system the figure says nothing"
    return Work(lambda: once, len(inputs), {"write + fsync": bounds.written(material.folder, size, len(inputs))}, note)


def sealing(material: Material) -> Work:
    """A complete segment checked, compressed, read back, compared and hashed."""
    base = material.mix(sealed=False)
    with open_journal(base) as journal:
        blocks = bounds.raw_blocks(journal)
    total = sum(map(len, blocks))
    wal = (base / "00000001.wal").read_bytes()

    def begin() -> Callable[[], Any]:
        folder = material.new_folder()
        folder.mkdir()
        (folder / "00000001.wal").write_bytes(wal)
        return lambda: seal(material.disk, folder, 1, sealed_ns=SEALED_NS)

    return Work(begin, total, {f"zstd -{LEVEL}": bounds.compressed(blocks), "BLAKE2b": bounds.hashed(blocks)})


def walking(material: Material, checked: bool) -> Work:
    """The cursor over every record, from an interpreted loop; *checked* with each record's checksum."""
    with open_journal(material.mix()) as journal:
        blocks = [(block.data, block.start, block.end) for block in journal.blocks(verify_chain=False)]
        records = journal.last_seq - journal.first_seq + 1
        frames = bounds.stored_frames(journal)
    raw = [data for data, _, _ in blocks]

    def walk() -> None:
        for data, start, end in blocks:
            cursor = Cursor(data, start, end)
            if checked:
                while cursor.next():
                    assert cursor.check_crc()
            else:
                while cursor.next():
                    pass

    found = {"zstd": bounds.decompressed(frames)}
    if checked:
        found = {"CRC": bounds.checksummed(raw), **found}
    return Work(lambda: walk, records, found, "called from an interpreted loop")


def recovery(material: Material) -> Work:
    """A segment as a crash leaves it, walked and checked to its end."""
    inputs = material.inputs(material.mix())
    background = Threads("benchmark-recovery")
    folder, writer = _writer(material, background)
    append_all(writer, inputs)  # and no close: the final block is missing
    total = (folder / "00000001.wal").stat().st_size
    data = (folder / "00000001.wal").read_bytes()

    def once() -> None:
        assert recover(material.disk, folder).verdict == CLEAN

    pieces = [data[at : at + (1 << 18)] for at in range(0, len(data), 1 << 18)]
    return Work(
        lambda: once,
        total,
        {"BLAKE2b + CRC": _both(bounds.hashed(pieces), bounds.checksummed(pieces)), "BLAKE2b": bounds.hashed(pieces)},
        "the live segment only: sealed ones are not read again. The budget is 256 MiB in 10 s (aim 2 s)",
    )


def _both(first: bounds.Bound, second: bounds.Bound) -> bounds.Bound:
    def run() -> None:
        first()
        second()

    return run


def importing(material: Material) -> Work:
    """Recordings read, placed, merged by time and appended; not sealed."""
    files = material.recordings()
    lines = material.import_mix(material.new_folder(), sealed=False)
    return Work(
        lambda: lambda: material.import_mix(material.new_folder(), sealed=False),
        lines,
        {"gunzip": bounds.gunzipped(files)},
    )


LOOKS = 40


def looking(material: Material, by_time: bool) -> Work:
    """Records of a sealed journal found by number or by time, at places that chance names."""
    path = material.mix()
    journal: Journal = open_journal(path)
    inputs = material.inputs(path)
    chance = random.Random(7)
    places = [chance.randrange(len(inputs)) for _ in range(LOOKS)]
    frames = bounds.stored_frames(journal)
    one_each = [frames[chance.randrange(len(frames))] for _ in range(LOOKS)]

    def by_number() -> None:
        for place in places:
            seq = journal.first_seq + place
            assert next(journal.records(seq, seq)).seq == seq

    def by_moment() -> None:
        for place in places:
            seq = journal.seq_at(inputs[place].recv_ns)
            assert seq is not None
            assert seq <= journal.first_seq + place

    return Work(
        lambda: by_moment if by_time else by_number, LOOKS, {"zstd, a block each": bounds.decompressed(one_each)}
    )


def opening(material: Material) -> Work:
    """A sealed journal opened: its index, its first and its last block."""
    path = material.mix()
    with open_journal(path) as journal:
        frames = bounds.stored_frames(journal)
    ends = [frames[0], frames[-1]]

    def once() -> None:
        open_journal(path).close()

    return Work(lambda: once, 1, {"zstd, two blocks": bounds.decompressed(ends)})


FULL_SEGMENT_MB_S = SEGMENT_BYTES / 1e6

CASES = (
    Case("append", "append, real disk", RECORDS_S, append, budget=Budget(300_000, 1_000_000)),
    Case("append-synced", "append, a sync each", US, append_synced),
    Case("seal", "seal a segment", MB_S, sealing),
    Case("walk", "walk, Cursor.next", NS_A_RECORD, lambda material: walking(material, False)),
    Case("walk-checked", "walk with checksums", NS_A_RECORD, lambda material: walking(material, True)),
    Case(
        "recover",
        "recover a live segment",
        MB_S,
        recovery,
        budget=Budget(FULL_SEGMENT_MB_S / 10, FULL_SEGMENT_MB_S / 2),
    ),
    Case("import", "import, hftbacktest files", LINES_S, importing),
    Case("open", "open a sealed journal", MS, opening),
    Case("seek-seq", "find a record by number", MS, lambda material: looking(material, False), cores=2),
    Case("seek-time", "find a record by time", MS, lambda material: looking(material, True), cores=2),
)
