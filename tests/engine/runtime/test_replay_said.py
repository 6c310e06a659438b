"""What a strict replay says of how much it proves: a person must not read "identical" as "the whole file"."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from resimulations import JOINING, resimulate, sample_recording, write_recording
from run_maker import long_inputs, sample_inputs, write_run

from engine.kernel.step import DIGEST_EVERY
from engine.runtime.cli import engine
from journal.background import Inline
from journal.disk import RealDisk
from journal.reader import open_journal
from journal.seal import seal
from replay import resume

WAL = "00000001.wal"


def replayed(*words: object, code: int = 0) -> Result:
    found = CliRunner().invoke(engine, ["replay", *map(str, words)])

    assert found.exit_code == code, found.output
    return found


def document(*words: object) -> dict:  # type: ignore[type-arg]
    return json.loads(replayed(*words, "--json").stdout)  # type: ignore[no-any-return]


def last_seq(path: Path) -> int:
    with open_journal(path, background=Inline()) as journal:
        return journal.last_seq


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """A run that nobody has sealed."""
    write_run(tmp_path / "run", sample_inputs(300))
    return tmp_path / "run"


def test_a_whole_journal_is_identical_without_reserve(journal: Path) -> None:
    said = replayed(journal).stdout

    assert "\nreplay identical: " in said
    assert "NOT replayed" not in said
    assert document(journal)["tail"] is None


def test_bytes_behind_the_last_record_that_holds_are_told_of(journal: Path) -> None:
    path = journal / WAL
    whole = path.read_bytes()
    half = len(whole) // 2
    path.write_bytes(whole[:half] + bytes([whole[half] ^ 1]) + whole[half + 1 :])
    said = replayed(journal).stdout
    tail = document(journal)["tail"]
    good = last_seq(journal)

    assert f"\nreplay identical up to record {good:,}: " in said
    assert (
        f"\nNOT replayed: the last {tail['bytes']:,} bytes are no records (segment 1, byte {tail['offset']}: " in said
    )
    assert tail["segment"] == 1
    assert tail["offset"] + tail["bytes"] == len(whole)
    assert "checksum" in tail["reason"]


def test_a_record_that_is_still_being_written_is_told_of(journal: Path) -> None:
    path = journal / WAL
    path.write_bytes(path.read_bytes()[:-20])

    assert document(journal)["tail"]["bytes"] == 108  # of the BLOCK_END
    assert document(journal)["identical"] is True


def test_a_recording_without_a_run_tells_of_its_tail_too(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "recording", sample_inputs(20)) / WAL
    path.write_bytes(path.read_bytes()[:-300])

    assert "bytes verified up to record" in replayed(path).stdout
    assert "NOT replayed: the last" in replayed(path).stdout


def test_a_replay_of_a_part_names_the_part(journal: Path) -> None:
    end = last_seq(journal)

    assert "replay identical up to record 100: " in replayed(journal, "--until", 100).stdout
    assert "replay identical: " in replayed(journal, "--until", end).stdout
    assert "replay identical: " in replayed(journal, "--until", end + 5).stdout
    assert document(journal, "--until", 100)["last_seq"] == 100


def test_a_settled_market_is_no_invalid_book(tmp_path: Path) -> None:
    settled = sample_inputs(4000, markets=8)
    path = write_recording(tmp_path / "recording", settled)
    markets = document(path)["markets"]
    paid = [market for market in markets if market["winner"] is not None]
    said = replayed(path).stdout

    assert len(paid) == sum(b'"market_resolved"' in payload for *_, payload in settled) >= 1
    assert all(market["winner"] in market["outcomes"] for market in paid)
    assert said.count(" settled ") == len(paid)
    assert " invalid " not in said


# -- files that are not as a writer left them, though every record is there --------------------------------------------


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    """A run that is sealed."""
    write_run(tmp_path / "run", sample_inputs(300), sealed=True)
    return tmp_path / "run"


def without_index(path: Path) -> None:
    """Spoil the seek table."""
    whole = bytearray(path.read_bytes())
    whole[-3] ^= 1
    path.write_bytes(whole)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (without_index, "the index was made anew from the blocks: no seek table ends the file"),
        (
            lambda path: path.write_bytes(path.read_bytes() + b"more"),
            "the last 4 bytes belong to no block and no index, and were ignored",
        ),
    ],
    ids=["a seek table", "bytes behind"],
)
def test_what_had_to_be_done_without_is_told(sealed: Path, spoil: Callable[[Path], None], says: str) -> None:
    path = sealed / "00000001.zst"
    spoil(path)
    note = f"{path}: {says}"

    for words in ((sealed,), (sealed, "--jobs", 2, "--no-checkpoints")):
        assert f"note: {note}\n" in replayed(*words).stderr
        assert document(*words)["notes"][0] == note
        assert document(*words)["identical"] is True
    for words in (("cat", sealed, "--limit", 1), ("info", sealed), ("export", sealed, "-o", sealed / "out.jsonl")):
        assert f"note: {note}\n" in CliRunner().invoke(engine, ["journal", *map(str, words)]).output


def test_what_is_wrong_with_a_base_is_told_too(tmp_path: Path) -> None:
    base = sample_recording(tmp_path / "base")
    seal(RealDisk(), base, 1, sealed_ns=1)
    resimulate(base, JOINING, tmp_path / "run")
    without_index(base / "00000001.zst")
    note = f"{base / '00000001.zst'}: the index was made anew from the blocks: no seek table ends the file"
    (tmp_path / "config.yaml").write_text("strategies: []\nvenue: {order_latency_ms: 1, report_latency_ms: 1}\n")
    resimulated = ("--config", tmp_path / "config.yaml")

    assert document(tmp_path / "run")["notes"] == [note]
    assert f"note: {note}\n" in replayed(tmp_path / "run").stderr
    assert document(base, *resimulated)["notes"] == [note]
    assert f"note: {note}\n" in replayed(base, *resimulated).stderr


@pytest.mark.usefixtures("short")
def test_what_is_wrong_with_a_base_is_told_once_by_several_processes(tmp_path: Path) -> None:
    base = write_recording(tmp_path / "base", long_inputs(2 * DIGEST_EVERY + 500, 300, kept=True))
    seal(RealDisk(), base, 1, sealed_ns=1)
    resimulate(base, JOINING, tmp_path / "run")
    document(tmp_path / "run")
    without_index(base / "00000001.zst")
    notes = document(tmp_path / "run", "--jobs", 2)["notes"]

    assert len(list((tmp_path / "run" / "checkpoints").iterdir())) == 2
    assert [note.partition(": ")[2] for note in notes] == [
        "the index was made anew from the blocks: no seek table ends the file"
    ]


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Journals of this file are long."""
    monkeypatch.setattr(resume, "EVERY", DIGEST_EVERY)
    monkeypatch.setattr(resume, "LEAST_EVERY", DIGEST_EVERY)
