"""A report appears when it is whole, where nothing stood before."""

from pathlib import Path

import pytest

from journal.disk import RealDisk
from journal.errors import Taken
from journal.staging import PARTIAL
from replay.report.write import NoFolder, refuse_target, write_page


def test_a_page_is_written_whole_and_nothing_else_is_left(tmp_path: Path) -> None:
    (tmp_path / f"r.html{PARTIAL}").write_text("of a process that was killed")
    write_page(RealDisk(), tmp_path / "r.html", b"<p>all</p>")

    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("r.html", b"<p>all</p>")]


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "r.html").write_text("mine")
    for target in (tmp_path / "r.html", tmp_path):
        with pytest.raises(Taken):
            write_page(RealDisk(), target, b"x")

    assert (tmp_path / "r.html").read_text() == "mine"


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoFolder, match=r"there is no folder .*missing"):
        refuse_target(RealDisk(), tmp_path / "missing" / "r.html")


def test_a_disk_that_refuses_leaves_no_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("replay.report.write.write_all", full)
    with pytest.raises(OSError, match="No space"):
        write_page(RealDisk(), tmp_path / "r.html", b"x")

    assert list(tmp_path.iterdir()) == []
