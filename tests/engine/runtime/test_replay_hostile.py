"""`engine replay` of what is no journal: one sentence, exit code 3, no more memory than a journal takes."""

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from click.testing import CliRunner
from resimulations import sample_recording

from engine.runtime.cli import engine
from engine.runtime.exits import Exit
from journal.disk import RealDisk
from journal.seal import seal

ROOT = Path(__file__).resolve().parents[3]
MOST_MEMORY = 700 << 20
ZEROS = bytes(1 << 20)


def stated_bomb() -> bytes:
    """A gigabyte of zeros in a frame that says so."""
    return zstandard.ZstdCompressor().compress(bytes(1 << 30))


def silent_bomb() -> bytes:
    """The same in a frame that does not."""
    packer = zstandard.ZstdCompressor().compressobj()
    return b"".join(packer.compress(ZEROS) for _ in range(1 << 10)) + packer.flush()


def folder(path: Path) -> None:
    path.mkdir()
    (path / "notes.txt").write_text("no segment")


def linked(path: Path) -> None:
    path.symlink_to("/etc/hostname")


def damaged_inside(path: Path) -> None:
    path.mkdir()
    (path / "00000001.zst").write_bytes(stated_bomb())


HOSTILE: dict[str, Callable[[Path], object]] = {
    "empty.zst": lambda path: path.write_bytes(b""),
    "empty.wal": lambda path: path.write_bytes(b""),
    "random.zst": lambda path: path.write_bytes(os.urandom(5000)),
    "random.wal": lambda path: path.write_bytes(os.urandom(5000)),
    "random": lambda path: path.write_bytes(b"JRNLSEG1" + os.urandom(5000)),
    "stated.zst": lambda path: path.write_bytes(stated_bomb()),
    "silent.zst": lambda path: path.write_bytes(silent_bomb()),
    "link.zst": linked,
    "pipe.zst": os.mkfifo,
    "folder": folder,
    "bombs": damaged_inside,
}


def bounded() -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_is_no_journal_gets_one_sentence_and_bounded_memory(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    HOSTILE[name](path)
    done = subprocess.run(
        [sys.executable, "-m", "engine.runtime.cli", "replay", str(path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        preexec_fn=bounded if sys.platform == "linux" else None,  # elsewhere no such limit is kept
    )
    said = done.stderr.splitlines()

    assert done.returncode == Exit.DAMAGED, done.stderr
    assert done.stdout == ""
    assert [line[:7] for line in said] == ["Error: ", "Next:  "], done.stderr


def test_a_link_is_called_a_link(tmp_path: Path) -> None:
    linked(tmp_path / "link.zst")

    assert (
        "a symbolic link, which is not followed"
        in CliRunner().invoke(engine, ["replay", str(tmp_path / "link.zst")]).stderr
    )


@pytest.mark.parametrize("size", [0.1, 0.5, 0.9])
def test_a_sealed_segment_cut_off_is_damaged_and_never_a_shorter_journal(tmp_path: Path, size: float) -> None:
    journal = sample_recording(tmp_path / "recording", frames=100)
    seal(RealDisk(), journal, 1, sealed_ns=1)
    data = (journal / "00000001.zst").read_bytes()
    (journal / "00000001.zst").write_bytes(data[: int(len(data) * size)])
    for path in (journal, journal / "00000001.zst"):
        found = CliRunner().invoke(engine, ["replay", str(path)])

        assert found.exit_code == Exit.DAMAGED
        assert found.stdout == ""
        assert found.stderr.count("Error: ") == 1
