"""A base's inputs as pieces: all of them, in order, with what a driver has to know of them beforehand."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from resimulations import write_recording
from run_maker import sample_inputs

from engine.kernel import kinds
from engine.kernel.record import NONE
from journal.background import Inline, Stepped
from journal.disk import RealDisk
from journal.reader import Journal, open_journal
from journal.seal import seal
from replay import feed as feed_module
from replay.decoded import AheadCursor, DecodedCursor, Piece
from replay.decoders import newest
from replay.feed import Feed, JournalFeed, MemoryFeed
from replay.packed import Packed
from replay.rebuild import bare_kernel
from replay.sidecar import Sidecar, write_sidecar
from replay.strict import is_kept
from scenarios.sample.recording import START_NS, Input

BUILD = "this build"
LAG_NS = 3_000_000


@pytest.fixture(scope="module")
def given_inputs() -> list[Input]:
    """Frames that reached us 3 ms and more after their stamp, the tenth after 1 ms; commands between them."""
    inputs: list[Input] = []
    for number, (kind, source, recv_ns, _, payload) in enumerate(sample_inputs(200, markets=3, disconnect_every=70)):
        lag_ns = 1_000_000 if number == 10 else LAG_NS + number
        inputs.append((kind, source, recv_ns, recv_ns - lag_ns if kind >= 0x0100 else NONE, payload))
        if number % 40 == 5:
            inputs.append((int(kinds.COMMAND), 1, recv_ns, recv_ns - 5, b"{}"))
    return inputs


@pytest.fixture
def folder(given_inputs: list[Input], tmp_path: Path) -> Path:
    """A recording of some sealed segments."""
    made = tmp_path / "recording"
    write_recording(made, given_inputs, block_target=8_000, segment_bytes=60_000)
    for path in sorted(made.glob("*.wal"))[:-1]:
        seal(RealDisk(), made, int(path.stem), sealed_ns=START_NS)
    return made


def index(journal: Journal, segments: int) -> None:
    for segment in journal.segments[:segments]:
        write_sidecar(RealDisk(), journal, segment, None, BUILD)


def feed_of(journal: Journal) -> JournalFeed:
    return JournalFeed(RealDisk(), journal, newest(), BUILD, Inline(), pytest.fail)


def heads(feed: Feed) -> list[tuple[int, ...]]:
    """Every input of *feed*."""
    cursor = DecodedCursor(bare_kernel())
    found: list[tuple[int, ...]] = []
    for piece in feed.pieces():
        cursor.add(piece)
    reader = AheadCursor(cursor)
    while reader.next():
        found.append((reader.seq, reader.recv_ns, reader.src_ns, reader.kind, reader.source))
    return found


@pytest.mark.parametrize("indexed", [0, 1, 2])
def test_a_feed_is_what_is_kept_of_the_journal_wherever_it_comes_from(folder: Path, indexed: int) -> None:
    with open_journal(folder, background=Inline()) as journal:
        assert len(journal.segments) > 2
        index(journal, indexed)
        kept = [
            (record.seq, record.recv_ns, record.src_ns, record.kind, record.source)
            for record in journal.records()
            if is_kept(record.kind)
        ]

        assert heads(feed_of(journal)) == kept


@pytest.mark.parametrize("indexed", [0, 2])
def test_pieces_cover_every_record_and_every_byte(folder: Path, indexed: int) -> None:
    with open_journal(folder, background=Inline()) as journal:
        index(journal, indexed)
        feed = feed_of(journal)
        pieces = list(feed.pieces())
        raw = sum(block.end - block.start for block in journal.blocks())
        covered = [number for piece in pieces for number in range(piece.first_seq, piece.last_seq + 1)]

        assert covered == list(range(feed.first_seq, feed.last_seq + 1))
        assert sum(piece.raw_bytes for piece in pieces) == raw
        assert any(piece.decoded for piece in pieces) == (indexed > 0)


def test_a_feed_knows_its_ends(folder: Path, given_inputs: list[Input]) -> None:
    with open_journal(folder, background=Inline()) as journal:
        feed = feed_of(journal)

        assert (feed.first_seq, feed.last_seq) == (1, len(given_inputs))
        assert feed.first_recv_ns == given_inputs[0][2]


def test_a_feed_counts_the_frames_it_translates(folder: Path, given_inputs: list[Input]) -> None:
    frames = sum(kind == kinds.POLYMARKET_MARKET for kind, *_ in given_inputs)
    with open_journal(folder, background=Inline()) as journal:
        feed = feed_of(journal)
        assert feed.path_counts == (0, 0)
        cursor = DecodedCursor(bare_kernel())
        for piece in feed.pieces():
            cursor.add(piece)
        assert sum(feed.path_counts) == frames
        cursor.fold_until(2**62)

    assert sum(cursor.kernel.path_counts()) > 0  # the catalogue, which no numbers can say


@pytest.mark.parametrize("indexed", [0, 1, 2])
def test_the_least_lag_of_each_source_is_known_before_anything_is_folded(folder: Path, indexed: int) -> None:
    with open_journal(folder, background=Inline()) as journal:
        index(journal, indexed)
        feed = feed_of(journal)
        pieces = list(feed.pieces())
        least = min(lag for piece in pieces for lag in piece.least_lag_ns.values())

        assert min(feed.least_lags().values()) == least == 1_000_000
        assert all(lag >= LAG_NS for piece in pieces for lag in piece.most_lag_ns.values())


class Begun(Stepped):
    """Whatever is asked for is under way until somebody waits for its end; the wait for the *last* is interrupted."""

    def __init__(self) -> None:
        super().__init__()
        self.last = 0
        self.futures: list[Future[Any]] = []

    def run(self, function: Callable[[], Any], then: Callable[[], None] | None = None) -> Future[Any]:
        future = super().run(function, then)
        self.futures.append(future)
        future.cancel = lambda: future.cancelled()  # type: ignore[method-assign]
        if len(self.futures) == self.last:
            future.result = self._interrupted  # type: ignore[method-assign]
        return future

    def _interrupted(self, timeout: float | None = None) -> Any:
        raise KeyboardInterrupt


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_feed_that_is_left_waits_for_what_still_reads_its_sidecar(
    folder: Path, interrupted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it was given up behind its first piece, or interrupted while it waited for the last one."""
    monkeypatch.setattr("replay.sidecar.PIECE", 2000)
    loading, held = feed_module._ahead, []

    def kept(sidecar: Sidecar, background: Begun) -> Iterator[Piece]:
        held.append(loading(sidecar, background))  # whoever shows a traceback may hold it longer than the feed does
        background.last = len(sidecar.contents.parts)
        return held[-1]

    monkeypatch.setattr(feed_module, "_ahead", kept)
    background = Begun()
    with open_journal(folder, background=Inline()) as journal:
        index(journal, 1)
        found = JournalFeed(RealDisk(), journal, newest(), BUILD, background, pytest.fail).pieces()
        first = next(found)
        if interrupted:
            with pytest.raises(KeyboardInterrupt):
                list(found)
        else:
            found.close()

    assert 1 < len(background.futures) <= background.last
    assert (len(background.futures) == background.last) is interrupted
    assert [future.exception() for future in background.futures] == [None] * len(background.futures)
    assert first.first_seq == 1


def test_a_feed_in_memory_gives_its_pieces_again() -> None:
    packed = Packed(0)
    pieces = []
    for seq in (1, 2):
        packed.raw(seq, 100 * seq, 90 * seq, int(kinds.CONNECTION), 3, b"{}")
        data = packed.take(seq)
        pieces.append(Piece(data, {}, seq, seq, len(data), {3: 10 * seq, seq + 3: 7}, {}, False))
    feed: Feed = MemoryFeed(pieces, 100, {3: "three"})

    assert [head[:3] for head in heads(feed)] == [(1, 100, 90), (2, 200, 180)]
    assert (feed.first_seq, feed.last_seq, feed.first_recv_ns, feed.path_counts) == (1, 2, 100, (0, 0))
    assert feed.least_lags() == {3: 10, 4: 7, 5: 7}
