"""A run kept as its digests: what is kept, and that running again finds every difference between two of them."""

from pathlib import Path

import pytest
from attrs import evolve
from resimulations import JOINING, Setting, resimulate, sample_recording

from journal.disk import RealDisk
from replay.digests import FILE, BadDigests, first_difference, holds_digests, read_digests, write_digests
from replay.resimulation import Simulated


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """More inputs than lie between two digests."""
    return sample_recording(tmp_path_factory.mktemp("base") / "recording", frames=4_500)


@pytest.fixture(scope="module")
def made(recording: Path) -> Simulated:
    """A run on it."""
    return resimulate(recording, JOINING)


def kept_in(folder: Path, recording: Path, made: Simulated) -> Path:
    """*made*, kept in a new *folder*."""
    folder.mkdir()
    with_run = JOINING.run_on(recording)
    write_digests(RealDisk(), folder, with_run, made, {"fills": made.fills})
    return folder


def test_what_was_kept_is_read_again(recording: Path, made: Simulated, tmp_path: Path) -> None:
    folder = kept_in(tmp_path / "run", recording, made)
    kept = read_digests(RealDisk(), folder)

    assert holds_digests(RealDisk(), folder)
    assert not holds_digests(RealDisk(), recording)
    assert kept.run == JOINING.run_on(recording)
    assert list(kept.digests) == made.digests
    assert len(kept.digests) >= 2
    assert kept.result == {"fills": made.fills}


def test_the_same_run_has_the_same_digests_and_another_seed_parts_at_the_first(
    recording: Path, made: Simulated, tmp_path: Path
) -> None:
    kept = read_digests(RealDisk(), kept_in(tmp_path / "run", recording, made))
    other = resimulate(recording, Setting())

    assert first_difference(kept, resimulate(recording, JOINING)) is None
    found = first_difference(kept, other)
    assert found is not None
    assert found.after == 0
    assert found.seq == min(kept.digests[0][0], other.digests[0][0])


def test_a_run_that_ends_early_or_goes_on_is_another_one(recording: Path, made: Simulated, tmp_path: Path) -> None:
    kept = read_digests(RealDisk(), kept_in(tmp_path / "run", recording, made))
    shorter = evolve(made, digests=made.digests[:-1])

    found = first_difference(kept, shorter)
    assert found is not None
    assert (found.after, found.seq) == (made.digests[-2][0], made.digests[-1][0])
    assert (found.expected, found.found) == (made.digests[-1][1], b"")
    longer = first_difference(evolve(kept, digests=kept.digests[:-1]), made)
    assert longer is not None
    assert (longer.expected, longer.found) == (b"", made.digests[-1][1])


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"schema": "refold.other/1"}', '{"schema": "refold.digests/1", "run": {}, "digests": []}'],
)
def test_another_file_of_that_name_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(text)

    with pytest.raises(BadDigests, match=FILE):
        read_digests(RealDisk(), tmp_path)
