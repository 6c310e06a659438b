"""`engine sample`, as typed: what it makes, what it says, and how it ends when it cannot."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from engine.kernel import kinds
from engine.runtime.cli import engine
from engine.runtime.exits import Exit
from journal.disk import RealDisk
from journal.reader import open_journal
from journal.verify import verify

SMALL = ("--markets", 3, "--frames", 500, "--seed", 5)


def run(*words: object) -> Result:
    return CliRunner().invoke(engine, ["sample", *(str(word) for word in words)])


def test_a_sample_is_a_sealed_journal_with_its_catalogue_first(tmp_path: Path) -> None:
    result = run("-o", tmp_path / "sample", *SMALL)
    with open_journal(tmp_path / "sample") as journal:
        found = [one.kind for one in journal.records()]

    assert result.exit_code == Exit.OK, result.output
    assert "500 frames of 3 markets, seed 5, the connection lost 0 times" in result.stdout
    assert found[:2] == [kinds.POLYMARKET_CATALOGUE, kinds.CONNECTION]
    assert found[2:] == [kinds.POLYMARKET_MARKET] * 500
    assert verify(RealDisk(), tmp_path / "sample").verdict == "CLEAN"
    assert sorted(path.suffix for path in (tmp_path / "sample").glob("0*")) == [".json", ".zst"]


def test_without_sealing_the_journal_stays_as_a_writer_leaves_it(tmp_path: Path) -> None:
    result = run("-o", tmp_path / "sample", *SMALL, "--no-seal")

    assert result.exit_code == Exit.OK, result.output
    assert [path.name for path in (tmp_path / "sample").glob("0*")] == ["00000001.wal"]


def test_the_document_says_what_was_made(tmp_path: Path) -> None:
    result = run("-o", tmp_path / "sample", *SMALL, "--disconnect-every", 100, "--json")
    told = json.loads(result.stdout)
    with open_journal(tmp_path / "sample") as journal:
        records = list(journal.records())

    assert told["schema"] == "refold.sample/1"
    assert (told["seed"], told["markets"]) == (5, 3)
    assert told["frames"] == sum(one.kind == kinds.POLYMARKET_MARKET for one in records) >= 500
    assert told["disconnects"] == (sum(one.kind == kinds.CONNECTION for one in records) - 1) // 2 > 1
    assert told["records"] == len(records)
    assert (told["first_ns"], told["last_ns"]) == (records[0].recv_ns, records[-1].recv_ns)
    assert told["journal_id"] == verify(RealDisk(), tmp_path / "sample").journal_id


def test_the_same_options_make_the_same_raw_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert run("-o", tmp_path / name, *SMALL, "--no-seal").exit_code == Exit.OK
    one, two = ((tmp_path / name / "00000001.wal").read_bytes() for name in ("one", "two"))

    assert one == two


def test_a_folder_in_use_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "note").write_text("mine")
    result = run("-o", tmp_path, *SMALL)

    assert result.exit_code == Exit.USAGE
    assert "choose another place" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["note"]


@pytest.mark.parametrize("words", [("--markets", 0), ("--frames", 0), ("--seed", -1), ("--disconnect-every", -1)])
def test_numbers_that_make_no_sample_are_a_usage_error(tmp_path: Path, words: tuple[object, ...]) -> None:
    result = run("-o", tmp_path / "sample", *words)

    assert result.exit_code == Exit.USAGE
    assert not (tmp_path / "sample").exists()


def test_an_interrupted_sample_leaves_no_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from scenarios.sample.venue import SampleVenue

    calls = iter(range(100))

    def interrupted(self: SampleVenue, silent: bool = False) -> list[bytes]:
        if next(calls) == 50:
            raise KeyboardInterrupt
        return []

    monkeypatch.setattr(SampleVenue, "next", interrupted)
    result = run("-o", tmp_path / "sample", *SMALL)

    assert result.exit_code == Exit.INTERRUPTED
    assert not (tmp_path / "sample").exists()
