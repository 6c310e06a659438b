"""Interrupted from the keyboard: exit code 130, one sentence, and nothing half made that looks whole."""

import os
import pty
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from interrupting import heed, waiting_at
from recordings import hftbacktest_lines
from resimulations import JOINING, resimulate, sample_recording

from engine.runtime.exits import Exit
from journal.background import Inline
from journal.disk import RealDisk
from journal.seal import seal
from journal.verify import verify
from scenarios.sample.recording import Sample, write_sample

ROOT = Path(__file__).resolve().parents[3]
BAR = "rich.progress:Progress.advance"


def interrupted(at: str, *words: object, cwd: Path, call: str = BAR) -> tuple[str, str]:
    """Run `engine WORDS`, interrupt it in *call* while its progress bar says *at*; returns stdout and stderr."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", waiting_at(call, 1), *map(str, words)],
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "REFOLD_PURE": "1",
            "REFOLD_REQUIRE": "",
            "TERM": "xterm",
            "COLUMNS": "100",
        },
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=theirs,
        preexec_fn=heed,
    )
    os.close(theirs)
    said = b""
    while b"here" not in said:
        piece = read(ours)
        assert piece, f"it ended before it was {at}: {said.decode()}"
        said += piece
    process.send_signal(signal.SIGINT)
    while piece := read(ours):
        said += piece
    os.close(ours)
    out, _ = process.communicate(timeout=60)

    assert at in said.decode()
    assert process.returncode == Exit.INTERRUPTED, said.decode()
    return out.decode(), said.decode()


def read(terminal: int) -> bytes:
    """What was said since, empty when nobody holds the other end any more."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of several blocks, sealed and unsealed, and what an import and a resimulation need."""
    folder = tmp_path_factory.mktemp("interrupts")
    disk = RealDisk()
    write_sample(Sample(frames=12_000), folder / "unsealed", disk, Inline(), sealed_ns=None)
    shutil.copytree(folder / "unsealed", folder / "sealed")
    seal(disk, folder / "sealed", 1, sealed_ns=1)
    resimulate(sample_recording(folder / "small", frames=3000), JOINING, folder / "run")
    (folder / "usdm_btcusdt_20240808.txt").write_bytes(hftbacktest_lines(20_000))
    (folder / "policy").symlink_to(ROOT / "config")
    return folder


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ("recording", ("sample", "-o", "OUT")),
        ("importing", ("journal", "import", "PLACE/usdm_btcusdt_20240808.txt", "-o", "OUT")),
        ("resimulating", ("replay", "PLACE/sealed", "--config", "PLACE/policy/demo.yaml", "--out", "OUT")),
        ("exporting", ("journal", "export", "PLACE/sealed", "-o", "OUT.jsonl")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_was_to_be_made_is_not_there_afterwards(
    place: Path, tmp_path: Path, at: str, words: tuple[str, ...]
) -> None:
    typed = [word.replace("PLACE", str(place)).replace("OUT", str(tmp_path / "new")) for word in words]
    out, err = interrupted(at, *typed, cwd=tmp_path)

    assert list(tmp_path.iterdir()) == []
    assert err.count("Error: interrupted") == 1
    assert "Traceback" not in err
    assert len(out.splitlines()) <= 1  # the title of a resimulation


@pytest.mark.parametrize(
    ("at", "words"),
    [("replaying", ("replay", "run", "--json")), ("verifying", ("journal", "verify", "sealed"))],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_was_only_looked_at_says_nothing_as_a_result(place: Path, at: str, words: tuple[str, ...]) -> None:
    before = sorted(place.rglob("*"))
    out, err = interrupted(at, *words, cwd=place)

    assert err.count("Error: interrupted.") == 1
    assert "Traceback" not in err
    assert sorted(place.rglob("*")) == before
    if "--json" in words:
        assert '"exit_code": 130' in out
    else:
        assert out == ""


def test_an_interrupted_sealing_leaves_the_segment_and_is_done_again(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "unsealed", tmp_path / "journal")
    original = (tmp_path / "journal" / "00000001.wal").read_bytes()
    out, err = interrupted(
        "sealing", "journal", "seal", "journal", cwd=tmp_path, call="journal.frames:Compressor.frame"
    )

    assert (out, err.count("Error: interrupted.")) == ("", 1)
    assert (tmp_path / "journal" / "00000001.wal").read_bytes() == original
    assert verify(RealDisk(), tmp_path / "journal").verdict == "CLEAN"
    seal(RealDisk(), tmp_path / "journal", 1, sealed_ns=1)
    assert verify(RealDisk(), tmp_path / "journal").verdict == "CLEAN"
