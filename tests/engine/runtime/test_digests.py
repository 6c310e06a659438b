"""`engine replay` on a run kept as its digests: it is run again, and every option means what it means elsewhere."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from resimulations import NOISY, POLICY, sample_recording

from engine.runtime.cli import engine
from engine.runtime.exits import Exit

CONFIG = """
seed: 5
policy: policy.yaml
strategies: [{name: one, code: 'one.py:Noisy', parameters: {ppm: 200000}}]
venue: {order_latency_ms: 40, report_latency_ms: 30}
"""


def command(*words: object, code: int = 0) -> Result:
    found = CliRunner().invoke(engine, ["replay", *map(str, words)])

    assert found.exit_code == code, found.output
    return found


def document(*words: object, code: int = 0) -> dict:  # type: ignore[type-arg]
    return json.loads(command(*words, "--json", code=code).stdout)  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording, a run on it kept as digests, and the same run kept whole."""
    folder = tmp_path_factory.mktemp("digests")
    sample_recording(folder / "recording", frames=200)
    (folder / "one.py").write_text(NOISY)
    (folder / "policy.yaml").write_text(POLICY)
    (folder / "config.yaml").write_text(CONFIG)
    asked = (folder / "recording", "--config", folder / "config.yaml", "--out")
    command(*asked, folder / "kept", "--sink", "digests")
    command(*asked, folder / "whole")
    return folder


def test_it_is_run_again_and_its_digests_are_compared(place: Path) -> None:
    found, whole = document(place / "kept"), document(place / "whole")

    assert (found["mode"], found["verified"], found["identical"]) == ("strict", "digests", True)
    assert found["compared"] >= 1
    assert sorted(found) == sorted(whole)
    for name in ("inputs", "derived", "last_seq", "state_digest", "seed", "markets", "unreadable_frames"):
        assert found[name] == whole[name], name
    assert "replay identical: " in command(place / "kept").stdout


def test_another_digest_is_a_divergence(place: Path, tmp_path: Path) -> None:
    for path in (place / "kept").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    kept = json.loads((tmp_path / "digests.json").read_bytes())
    payload = kept["digests"][0]["payload"]
    kept["digests"][0]["payload"] = payload[:-2] + ("00" if payload[-2:] != "00" else "01")
    (tmp_path / "digests.json").write_text(json.dumps(kept))
    found = document(tmp_path, code=Exit.DIVERGED)

    assert found["identical"] is False
    assert (found["divergence"]["after"], found["divergence"]["seq"]) == (0, kept["digests"][0]["seq"])
    assert "replay DIVERGED between seq 0 and the digest" in command(tmp_path, code=Exit.DIVERGED).stdout


def test_the_recorded_seed_alone_compares_and_another_resimulates(place: Path, tmp_path: Path) -> None:
    same, other = (
        document(place / "kept", "--seed", 5),
        document(place / "kept", "--seed", 6, "--out", tmp_path / "six"),
    )

    assert (same["mode"], same["verified"]) == ("strict", "digests")
    assert (other["mode"], other["seed"]) == ("resimulation", 6)
    assert other["state_digest"] == document(place / "whole", "--seed", 6)["state_digest"]
    assert document(tmp_path / "six")["identical"] is True
    assert command(place / "kept", "--set", "venue.order_latency_ms=1").stdout.startswith("resimulation, seed 5")


def test_resimulated_as_it_was_it_gives_the_whole_run(place: Path, tmp_path: Path) -> None:
    command(place / "kept", "--resimulate", "--out", tmp_path / "again")

    for path in sorted((place / "whole").glob("0*.zst")):
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--from", 5), "--from is for a strict replay of records, this run is kept as its digests"),
        (("--jobs", 2, "--checkpoints"), "--jobs and --checkpoints are for a strict replay of records"),
        (("--seed", 6, "--until", 9), "--until is for a strict replay of records, this is a resimulation"),
        (("--strict", "--seed", 6), "has seed 5"),
        (("--out", "x"), "this is a strict replay"),
    ],
    ids=lambda value: "",
)
def test_options_that_cannot_be_followed_are_refused(place: Path, words: tuple[object, ...], says: str) -> None:
    assert says in command(place / "kept", *words, code=Exit.USAGE).stderr


def test_a_base_that_is_gone_or_marked_invalid_is_told(place: Path, tmp_path: Path) -> None:
    (tmp_path / "digests.json").write_bytes((place / "kept" / "digests.json").read_bytes())

    assert "say with --base" in command(tmp_path, code=Exit.DAMAGED).stderr
    assert document(tmp_path, "--base", place / "recording")["identical"] is True
    moved = sample_recording(tmp_path / "moved", frames=200)
    label = {"format": "refold.label/1", "segment_no": 1, "invalid": True, "reason": "clock", "labelled": "then"}
    (moved / "00000001.label.json").write_text(json.dumps(label))
    for options in ((), ("--seed", 6)):
        assert "marked invalid" in command(tmp_path, "--base", moved, *options, code=Exit.DAMAGED).stderr
        assert document(tmp_path, "--base", moved, "--include-invalid", *options)["journal"] == str(tmp_path)
