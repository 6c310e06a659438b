"""A folder that appears when it is whole, and of which nothing is left when it does not become so."""

from pathlib import Path

import pytest
from journal_maker import create
from simulated_disk import SimulatedDisk

from journal.disk import RealDisk
from journal.errors import Locked, Taken
from journal.lock import WriterLock
from journal.staging import SUFFIX, refuse_taken, staged

DISK = RealDisk()


def test_what_is_made_stands_under_its_name_when_the_block_ends_and_not_before(tmp_path: Path) -> None:
    target = tmp_path / "new"
    with staged(DISK, target) as folder:
        folder.mkdir()
        (folder / "00000001.wal").write_bytes(b"x")

        assert not target.exists()
    assert [path.name for path in target.iterdir()] == ["00000001.wal"]
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_nothing_is_left_when_the_block_is_ended_early(tmp_path: Path, error: type[BaseException]) -> None:
    def begin() -> None:
        with staged(DISK, tmp_path / "new") as folder:
            folder.mkdir()
            for name in ("00000001.wal", "00000001.zst.tmp", "base.json", "journal.lock"):
                (folder / name).write_bytes(b"x")
            raise error

    with pytest.raises(error):
        begin()

    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_where_nothing_was_begun(tmp_path: Path) -> None:
    with pytest.raises(ValueError), staged(DISK, tmp_path / "new"):
        raise ValueError

    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_command_left_makes_way(tmp_path: Path) -> None:
    left = tmp_path / f"new{SUFFIX}"
    left.mkdir()
    (left / "00000001.wal").write_bytes(b"half")
    with staged(DISK, tmp_path / "new") as folder:
        assert not folder.exists()
        folder.mkdir()

    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_what_is_made_may_have_folders_and_names_of_its_own(tmp_path: Path) -> None:
    left = tmp_path / f"new{SUFFIX}"
    for folder in (left, left / "base"):
        folder.mkdir()
        for name in ("00000001.zst", "00000001.label.json", "day.bundle"):
            (folder / name).write_bytes(b"half")
    with pytest.raises(Taken, match=r"day\.bundle"), staged(DISK, tmp_path / "new"):
        pass
    assert len(list(left.rglob("*"))) == 8, "the lock and what was there"
    with staged(DISK, tmp_path / "new", ["day.bundle"]) as folder:
        assert not folder.exists()
        folder.mkdir()

    assert list(tmp_path.rglob("*")) == [tmp_path / "new"]


def test_a_command_at_work_is_not_disturbed(tmp_path: Path) -> None:
    left = tmp_path / f"new{SUFFIX}"
    left.mkdir()
    lock = WriterLock(DISK, left)
    with pytest.raises(Locked), staged(DISK, tmp_path / "new"):
        pass
    lock.release()

    assert left.is_dir()


def test_a_persons_files_are_never_removed(tmp_path: Path) -> None:
    left = tmp_path / f"new{SUFFIX}"
    left.mkdir()
    (left / "thesis.txt").write_text("mine")
    with pytest.raises(Taken, match=r"thesis\.txt"), staged(DISK, tmp_path / "new"):
        pass

    assert (left / "thesis.txt").read_text() == "mine"


def test_what_holds_something_is_refused_and_an_empty_folder_is_not(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "note").write_text("mine")
    refuse_taken(DISK, tmp_path / "absent")
    refuse_taken(DISK, tmp_path / "empty")

    for path, says in (
        (tmp_path / "full", "the folder is not empty"),
        (tmp_path / "full" / "note", "it exists already"),
        (Path(), "a name of its own"),
        (tmp_path / "empty" / "..", "a name of its own"),
    ):
        with pytest.raises(Taken, match=says):
            refuse_taken(DISK, path)


def test_a_journal_that_is_renamed_survives_a_crash() -> None:
    disk = SimulatedDisk()
    with staged(disk, Path("/new")) as folder:
        create(disk, folder).close()
    after = disk.crash(lambda n: 0)

    assert after.names(Path("/new")) == ["00000001.wal", "journal.lock"]
