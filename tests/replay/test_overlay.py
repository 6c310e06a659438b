"""Overlays: which journal they stand on, how that is checked, and what lets one replay alone."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from resimulations import Setting, of_kind, records, resimulate, rewritten, sample_recording, strict

from engine.kernel import kinds
from engine.kernel.pack import Malformed
from engine.runtime.cli import engine
from engine.runtime.exits import Exit
from journal.background import Inline
from journal.bundle import bundle
from journal.disk import RealDisk
from journal.errors import Taken
from journal.labels import Label, write_label
from journal.reader import Journal, Record, open_journal
from journal.seal import seal
from replay.materialise import NoOverlay, materialise
from replay.overlay import NoBase, WrongBase, open_base, span_fields, span_payload
from replay.run import read_run_start
from scenarios.sample.recording import START_NS

DISK = RealDisk()
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recording and a run on it."""
    folder = tmp_path_factory.mktemp("overlay")
    sample_recording(folder / "recording", frames=200)
    resimulate(folder / "recording", Setting(), folder / "run")
    return folder


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    """The same folder, to be spoilt; the run's hint leads to the recording beside it."""
    shutil.copytree(made, tmp_path / "made")
    (tmp_path / "made" / "run" / "base.json").write_text('{"base": "../recording"}')
    return tmp_path / "made"


def command(*words: object) -> Result:
    """`engine WORDS`."""
    return CliRunner().invoke(engine, [str(word) for word in words])


# -- the base ----------------------------------------------------------------------------------------------------------


def test_a_base_may_move_with_its_overlay(copy: Path) -> None:
    assert strict(copy / "run").identical


def test_a_base_that_is_gone_is_named_and_can_be_given(copy: Path) -> None:
    (copy / "recording").rename(copy / "elsewhere")
    with pytest.raises(NoBase, match=r"nothing stands any more at .*recording"):
        strict(copy / "run")

    assert strict(copy / "run", base=copy / "elsewhere").identical


@pytest.mark.parametrize("hint", [None, "", "[]", '{"base": 7}', "{", '{"place": "x"}'])
def test_an_overlay_without_a_readable_hint_asks_for_its_base(hint: str | None, copy: Path) -> None:
    path = copy / "run" / "base.json"
    path.unlink()
    if hint is not None:
        path.write_text(hint)
    with pytest.raises(NoBase, match=r"base\.json (is missing|cannot be read)"):
        strict(copy / "run")


def test_another_journal_is_refused_as_a_base(copy: Path, tmp_path: Path) -> None:
    """Whether it is another recording's, or the same one with a record more, or changed in one byte."""
    base = copy / "recording"
    last = records(base)[-1].seq
    wrong: dict[str, Callable[[Record], list[bytes]]] = {
        "longer": lambda record: [record.payload] * (1 + (record.seq == last)),
        "shorter": lambda record: [record.payload] * (record.seq != last),
        "changed": lambda record: [record.payload[:-1] + bytes([record.payload[-1] ^ (record.seq == last)])],
    }
    for name, change in wrong.items():
        rewritten(base, tmp_path / name, change)
        with pytest.raises(WrongBase, match="is not the base of this overlay: it holds records"):
            strict(copy / "run", base=tmp_path / name)
    resimulate(base, Setting(), copy / "other")
    with pytest.raises(WrongBase, match="it is journal"):
        strict(copy / "run", base=copy / "other")


def test_a_base_that_is_refused_is_closed(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[Path] = []
    monkeypatch.setattr(Journal, "close", lambda journal: closed.append(journal.path))
    resimulate(copy / "recording", Setting(), copy / "other")
    (start,) = of_kind(records(copy / "run"), int(kinds.RUN_START))
    closed.clear()
    with pytest.raises(WrongBase):
        open_base(DISK, copy / "run", read_run_start(start.seq, start.payload), copy / "other")

    assert closed == [copy / "other"]


@pytest.mark.parametrize("form", ["wal", "sealed folder", "sealed file", "bundle"])
def test_a_base_may_take_any_form_a_journal_has(form: str, copy: Path) -> None:
    base = copy / "recording"
    if form != "wal":
        seal(DISK, base, 1, sealed_ns=START_NS)
    path = {"wal": base / "00000001.wal", "sealed folder": base, "sealed file": base / "00000001.zst"}.get(form)
    if path is None:
        path = copy / "day.zst"
        with open_journal(base, DISK, Inline()) as journal:
            bundle(DISK, journal.segments, path)

    assert strict(copy / "run", base=path).identical


# -- spans that do not hold --------------------------------------------------------------------------------------------


def with_span(number: int, first: int, last: int) -> Callable[[Record], list[bytes]]:
    """The span numbered *number* among all spans ends and begins otherwise."""
    met = [0]

    def change(record: Record) -> list[bytes]:
        if record.kind == kinds.SPAN:
            met[0] += 1
            if met[0] == number:
                old_first, old_last = span_fields(record.payload)
                return [span_payload(old_first + first, old_last + last)]
        return [record.payload]

    return change


@pytest.mark.parametrize(("first", "last"), [(1, 0), (-1, 0), (1, 1)])
def test_a_span_that_leaves_base_records_out_or_takes_them_twice_is_refused(
    first: int, last: int, copy: Path, tmp_path: Path
) -> None:
    def wider(record: Record) -> list[bytes]:
        if record.kind == kinds.SPAN and span_fields(record.payload)[0] > 1:
            old_first, old_last = span_fields(record.payload)
            return [span_payload(old_first + first, max(old_last, old_first + first) + last)]
        return [record.payload]

    rewritten(copy / "run", tmp_path / "made" / "wrong", wider)
    with pytest.raises(Malformed, match="expected them from"):
        strict(tmp_path / "made" / "wrong")
    found = command("replay", tmp_path / "made" / "wrong")

    assert found.exit_code == Exit.DAMAGED, found.output
    assert "Error: the journal holds an input that is none: span " in found.stderr


def test_a_span_beyond_its_base_is_refused(copy: Path, tmp_path: Path) -> None:
    spans = len(of_kind(records(copy / "run"), int(kinds.SPAN)))
    rewritten(copy / "run", tmp_path / "made" / "wrong", with_span(spans, 0, 1))
    with pytest.raises(Malformed, match="expected them from"):
        strict(tmp_path / "made" / "wrong")


def test_a_span_that_hides_a_decision_is_a_divergence(copy: Path, tmp_path: Path) -> None:
    """Two spans made into one: the first one's last record has consequences that now stand nowhere."""
    spans = of_kind(records(copy / "run"), int(kinds.SPAN))
    stored = {record.seq: record for record in records(copy / "run")}
    one = next(s for s in spans[5:] if s.seq + 1 in stored and stored[s.seq + 1].cause == s.seq)
    after = spans[spans.index(one) + 1]
    first, last = span_fields(one.payload)[0], span_fields(after.payload)[1]

    def joined(record: Record) -> list[bytes]:
        if record.seq == one.seq:
            return [span_payload(first, last)]
        return [] if one.seq < record.seq <= after.seq else [record.payload]

    rewritten(copy / "run", tmp_path / "made" / "wrong", joined)
    found = strict(tmp_path / "made" / "wrong").divergence

    assert found is not None
    assert (found.seq, found.cause) == (one.seq + 1, one.seq)
    assert found.expected != b""


@pytest.mark.parametrize("payload", [b"", bytes(15), bytes(16), span_payload(2, 1), bytes(24)])
def test_a_span_that_is_none_is_refused(payload: bytes) -> None:
    with pytest.raises(Malformed):
        span_fields(payload)

    assert span_fields(span_payload(3, 9)) == (3, 9)


# -- materialised ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["wal", "sealed folder", "bundle"])
def test_a_materialised_overlay_replays_after_its_base_is_gone(form: str, copy: Path, tmp_path: Path) -> None:
    base = copy / "recording"
    before = strict(copy / "run")
    if form != "wal":
        seal(DISK, base, 1, sealed_ns=START_NS)
        seal(DISK, copy / "run", 1, sealed_ns=START_NS)
    if form == "bundle":
        with open_journal(base, DISK, Inline()) as journal:
            bundle(DISK, journal.segments, copy / "day.zst")
        shutil.rmtree(base)
        base = copy / "day.zst"
    stored = [(record.seq, record.kind, record.payload) for record in records(copy / "run")]
    made = materialise(DISK, copy / "run", tmp_path / "whole", base)
    shutil.rmtree(copy)
    (tmp_path / "whole").rename(tmp_path / "moved")
    after = strict(tmp_path / "moved")

    assert after.identical
    assert before.kernel is not None
    assert after.kernel is not None
    assert after.kernel.checkpoint() == before.kernel.checkpoint()
    assert [(record.seq, record.kind, record.payload) for record in records(tmp_path / "moved")] == stored
    assert made.replay == str(tmp_path / "whole")
    assert made.records == len(stored)


def test_a_bundle_of_an_overlay_is_materialised_as_a_file_to_replay(copy: Path, tmp_path: Path) -> None:
    seal(DISK, copy / "run", 1, sealed_ns=START_NS)
    with open_journal(copy / "run", DISK, Inline()) as journal:
        bundle(DISK, journal.segments, copy / "run.zst")
    made = materialise(DISK, copy / "run.zst", tmp_path / "whole", copy / "recording")
    shutil.rmtree(copy)

    assert strict(Path(made.replay)).identical


def test_a_materialised_overlay_is_a_base_like_its_own(copy: Path, tmp_path: Path) -> None:
    """Resimulating from it uses the market data that lies within."""
    materialise(DISK, copy / "run", tmp_path / "whole")
    shutil.rmtree(copy)
    config = tmp_path / "other.yaml"
    config.write_text("strategies: []\nvenue: {order_latency_ms: 1, report_latency_ms: 1}\n")
    found = command("replay", tmp_path / "whole", "--config", config, "--out", tmp_path / "again", "--json")

    assert found.exit_code == 0, found.output
    assert strict(tmp_path / "again", base=tmp_path / "whole" / "base").identical


def test_materialise_refuses_what_cannot_replay_alone_and_leaves_nothing_behind(copy: Path, tmp_path: Path) -> None:
    resimulate(copy / "recording", Setting(seed=8), copy / "other")
    with pytest.raises(NoOverlay, match="replays alone"):
        materialise(DISK, copy / "recording", tmp_path / "whole")
    with pytest.raises(WrongBase):
        materialise(DISK, copy / "run", tmp_path / "whole", copy / "other")
    with pytest.raises(Taken):
        materialise(DISK, copy / "run", copy / "other")

    assert not (tmp_path / "whole").exists()


KILLED = """
import os, signal, sys
from pathlib import Path
from journal.disk import RealDisk
from replay.materialise import materialise

class Dying(RealDisk):
    def create(self, path):
        if path.name == sys.argv[1]:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().create(path)

materialise(Dying(), *map(Path, sys.argv[2:]))
"""


@pytest.mark.parametrize("at", ["00000001.manifest.json", "day.zst", "base.json"])
def test_a_materialising_that_was_killed_leaves_nothing_that_looks_whole_and_is_done_again(
    at: str, copy: Path, tmp_path: Path
) -> None:
    seal(DISK, copy / "recording", 1, sealed_ns=START_NS)
    seal(DISK, copy / "run", 1, sealed_ns=START_NS)
    write_label(DISK, copy / "run", Label(1, False, "looked at", "then"))
    with open_journal(copy / "recording", DISK, Inline()) as journal:
        bundle(DISK, journal.segments, copy / "day.zst")
    words = (copy / "run", tmp_path / "whole", copy / "day.zst")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "REFOLD_PURE": "1", "REFOLD_REQUIRE": ""}
    ended = subprocess.run([sys.executable, "-c", KILLED, at, *map(str, words)], env=environment, check=False)

    assert ended.returncode == -signal.SIGKILL
    assert not (tmp_path / "whole").exists()
    assert (tmp_path / "whole.unfinished").exists()
    made = materialise(DISK, *words)
    assert not (tmp_path / "whole.unfinished").exists()
    assert made.files == len([path for path in (tmp_path / "whole").rglob("*") if path.is_file()]) == 5
    assert strict(Path(made.replay)).identical


def test_materialise_finds_damage_in_what_it_copies(copy: Path, tmp_path: Path) -> None:
    seal(DISK, copy / "recording", 1, sealed_ns=START_NS)
    sealed = copy / "recording" / "00000001.zst"
    data = bytearray(sealed.read_bytes())
    data[len(data) // 3] ^= 0x40
    sealed.write_bytes(bytes(data))
    found = command("journal", "materialise", copy / "run", "-o", tmp_path / "whole")

    assert found.exit_code == Exit.DAMAGED, found.output
    assert [path.name for path in tmp_path.iterdir()] == [copy.name]


def test_the_command_says_what_it_made_and_what_comes_next(copy: Path, tmp_path: Path) -> None:
    person = command("journal", "materialise", copy / "run", "-o", tmp_path / "whole")
    program = command("journal", "materialise", copy / "run", "-o", tmp_path / "other", "--json")
    document = json.loads(program.stdout)
    wrong = command("journal", "materialise", copy / "recording", "-o", tmp_path / "third")

    assert person.exit_code == program.exit_code == 0
    assert f"Next: engine replay {tmp_path / 'whole'}" in person.stderr
    assert document["schema"] == "refold.journal.materialise/1"
    assert document["files"] == 4  # the recording, the run and its manifest, and where its base lies
    assert wrong.exit_code == Exit.USAGE
    assert "this is no overlay" in wrong.stderr
