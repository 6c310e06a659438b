"""Pieces between checkpoints: the answer is that of one pass, whatever runs them and whatever the checkpoints say."""

import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import attrs
import pytest
from resimulations import Setting, resimulate, write_recording
from run_maker import RUN, Derived, long_inputs, write_run

from engine.kernel.step import DIGEST_EVERY, Kernel
from journal.background import Inline
from journal.checkpoint import Head, checkpoint_path, read_checkpoint, write_checkpoint
from journal.disk import RealDisk
from journal.reader import open_journal
from replay.overlay import open_base
from replay.ranges import Piece, PieceAnswer, joined, pieces_of, replay_piece, replay_pieces
from replay.rebuild import kernel_of
from replay.resume import Checkpoints
from replay.verify import StrictReplay, replay_strictly, this_build

DISK = RealDisk()


Answers = Iterator[tuple[Piece, PieceAnswer]]


def in_order(pieces: list[Piece]) -> Answers:
    for piece in pieces:
        yield piece, replay_piece(piece, lambda raw_bytes: None)


def backwards(pieces: list[Piece]) -> Answers:
    """As a pool whose last worker is the first to finish."""
    found = [(piece, replay_piece(piece, lambda raw_bytes: None)) for piece in reversed(pieces)]
    yield from reversed(found)


def by_twos(pieces: list[Piece]) -> Answers:
    """As one that runs neighbours as one."""
    return in_order([joined(pieces[at : at + 2]) for at in range(0, len(pieces), 2)])


def one_pass(folder: Path, writing: bool = False, **bounds: int | None) -> StrictReplay:
    with open_journal(folder, background=Inline()) as journal:
        kept = Checkpoints(DISK, journal, this_build(), writing, DIGEST_EVERY)
        return replay_strictly(journal, checkpoints=kept, base=lambda run: open_base(DISK, folder, run, None), **bounds)


def in_pieces(
    folder: Path,
    jobs: int = 2,
    notes: list[str] | None = None,
    run=in_order,  # type: ignore[no-untyped-def]
    **bounds: int | None,
) -> StrictReplay:
    with open_journal(folder, background=Inline()) as journal:
        heads = Checkpoints(DISK, journal, this_build()).heads()
        pieces = pieces_of(journal, None, heads, jobs, **bounds)
        return replay_pieces(journal, pieces, run, [].append if notes is None else notes.append)


def heads(folder: Path) -> list[Head]:
    with open_journal(folder, background=Inline()) as journal:
        return list(Checkpoints(DISK, journal, this_build()).heads())


def told(found: StrictReplay) -> dict[str, object]:
    """Everything of an answer that people see."""
    names = ("start_seq", "inputs", "derived", "compared", "last_seq", "divergence", "unfinished", "runs", "identical")
    names += ("fast", "slow")
    assert found.kernel is not None
    return {name: getattr(found, name) for name in names} | {
        "state": found.kernel.checkpoint(),
        "digest": found.kernel.state_digest(),
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with four checkpoints."""
    folder = tmp_path_factory.mktemp("ranges") / "run"
    write_run(folder, long_inputs(4 * DIGEST_EVERY + 800, 500, disconnect_every=90), block_target=8192, sealed=True)
    one_pass(folder, writing=True)
    return folder


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    """A copy of it, to spoil."""
    return Path(shutil.copytree(made, tmp_path / "run"))


@pytest.mark.parametrize(("jobs", "pieces"), [(1, 4), (2, 5), (3, 5), (16, 5)])
def test_a_journal_is_cut_at_checkpoints_into_at_most_four_pieces_a_job(made: Path, jobs: int, pieces: int) -> None:
    with open_journal(made, background=Inline()) as journal:
        found = pieces_of(journal, None, heads(made), jobs)

    assert len(found) == pieces
    assert (found[0].start, found[-1].end) == (None, None)
    assert all(piece.end == follows.start for piece, follows in pairwise(found))


def test_of_an_overlay_the_records_of_the_base_count_as_its_own(made: Path) -> None:
    """Else one that trades at the beginning only would be cut there only."""
    with open_journal(made, background=Inline()) as journal:
        own = journal.last_seq
        early = [attrs.evolve(heads(made)[0], digest_seq=at * own // 100, base_next=at * own) for at in range(1, 10)]
        found = pieces_of(journal, None, early, 1, base_records=10 * own)

    assert [piece.end.base_next // own for piece in found if piece.end is not None] == [3, 6, 9]


@pytest.mark.parametrize("runner", [in_order, backwards, by_twos])
def test_the_answer_is_that_of_one_pass(made: Path, runner) -> None:  # type: ignore[no-untyped-def]
    assert told(in_pieces(made, run=runner)) == told(one_pass(made))


@pytest.mark.parametrize("place", [-1, 0, 1, 5000, 10**9])
def test_bounds_mean_the_same_in_pieces(made: Path, place: int) -> None:
    bounds = {"from_seq": 2 * DIGEST_EVERY, "until_seq": heads(made)[2].digest_seq + place}

    assert told(in_pieces(made, **bounds)) == told(one_pass(made, **bounds))


def liar(tmp_path: Path, first: int, second: int) -> Path:
    """A run whose derived records differ behind two of its inputs."""
    left = [first, second]

    def lie(seq: int, kernel: Kernel, concluded: list[Derived]) -> list[Derived]:
        if left and seq >= left[0] and concluded:
            left.pop(0)
            return [(kind, schema, payload[:-1] + bytes([payload[-1] ^ 1])) for kind, schema, payload in concluded]
        return concluded

    write_run(tmp_path, long_inputs(4 * DIGEST_EVERY + 800, 500, disconnect_every=90), change=lie, block_target=8192)
    return tmp_path


def test_the_first_difference_is_reported_whichever_piece_ends_first(made: Path, tmp_path: Path) -> None:
    folder = liar(tmp_path / "liar", DIGEST_EVERY + 900, 3 * DIGEST_EVERY + 900)
    shutil.copytree(made / "checkpoints", folder / "checkpoints")  # as a verifier of the honest run left them
    expected = one_pass(folder)
    found = in_pieces(folder, run=backwards)

    assert expected.divergence is not None
    assert told(found) == told(expected)


# -- checkpoints that are not what they say ----------------------------------------------------------------------------


def rewrite(folder: Path, head: Head, other: Head | None = None, **changes: object) -> None:
    """Replace a checkpoint by one that says something else, or holds the state of *other*."""
    path = checkpoint_path(folder / "checkpoints", head.input_seq)
    _, kept, beside = read_checkpoint(DISK, checkpoint_path(folder / "checkpoints", (other or head).input_seq))
    path.unlink()
    write_checkpoint(DISK, folder / "checkpoints", attrs.evolve(head, **changes), kept, beside)


@pytest.mark.parametrize("which", [0, 1, 3])
def test_a_checkpoint_whose_state_is_another_one_is_passed_over(run: Path, which: int) -> None:
    found = heads(run)
    rewrite(run, found[which], other=found[which - 1])
    notes: list[str] = []

    assert told(in_pieces(run, jobs=3, notes=notes)) == told(one_pass(run))
    assert len(notes) == 1
    assert f"behind input {found[which].input_seq} is not used" in notes[0]


def forged(folder: Path, head: Head) -> str:
    """A checkpoint that is all right in itself, but holds one level more than the run had."""

    path = checkpoint_path(folder / "checkpoints", head.input_seq)
    kernel = kernel_of(RUN)
    _, kept, beside = read_checkpoint(DISK, path)
    kernel.restore(kept)
    kernel.data.listings.markets[0].book.set_level(0, 3, 123_456)
    path.unlink()
    state = kernel.state_digest().hex()
    write_checkpoint(DISK, folder / "checkpoints", attrs.evolve(head, state=state), kernel.checkpoint(), beside)
    return state


def test_a_forged_checkpoint_is_found_out_by_the_piece_that_should_end_in_it(run: Path) -> None:
    middle = heads(run)[1]
    forged(run, middle)
    notes: list[str] = []

    assert told(in_pieces(run, jobs=3, notes=notes)) == told(one_pass(run))
    assert notes == [
        f"the checkpoint behind input {middle.input_seq} is not used: it states another state",
    ]


def test_a_first_checkpoint_that_cannot_be_used_sends_the_replay_to_the_start(run: Path) -> None:
    found = heads(run)
    rewrite(run, found[1], other=found[0])
    notes: list[str] = []
    answer = in_pieces(run, notes=notes, from_seq=found[1].digest_seq + 5)

    assert told(answer) == told(one_pass(run))
    assert not answer.from_checkpoint
    assert len(notes) == 1


def test_without_a_checkpoint_there_is_one_piece(run: Path) -> None:
    shutil.rmtree(run / "checkpoints")

    assert told(in_pieces(run)) == told(one_pass(run))


def test_a_recording_is_one_piece(tmp_path: Path) -> None:
    write_recording(tmp_path, long_inputs(300))

    assert told(in_pieces(tmp_path)) == told(one_pass(tmp_path))


def test_an_overlay_in_pieces_takes_up_its_base_where_each_begins(tmp_path: Path) -> None:
    base, run = tmp_path / "base", tmp_path / "run"
    write_recording(base, long_inputs(2 * DIGEST_EVERY + 500, 500, disconnect_every=150, kept=True))
    resimulate(base, Setting(parameters={"ppm": 60_000}), run)
    expected = one_pass(run, writing=True)
    found = in_pieces(run)

    assert len(heads(run)) == 2
    assert told(found) == told(expected)
    assert found.identical
