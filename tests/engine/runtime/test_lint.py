"""`engine lint`: what it prints and how it ends."""

import json
from pathlib import Path

from click.testing import CliRunner, Result

from engine.runtime.cli import engine
from engine.runtime.exits import Exit

CLOCK = "import time\n\n\nclass Mine:\n    def decide(self, view, wake):\n        time.time()\n        return ()\n"
ALLOWED = CLOCK.replace("time.time()", "time.time()  # refold: allow CLOCK a test")


def lint(*words: object, code: int) -> Result:
    """`engine lint WORDS`, which has to end with *code*."""
    found = CliRunner().invoke(engine, ["lint", *map(str, words)])

    assert found.exit_code == code, found.output
    return found


def test_a_finding_has_its_place_its_rule_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(CLOCK)
    found = lint(tmp_path / "mine.py", code=Exit.PREFLIGHT_REFUSED)

    assert found.stdout == (
        f"{tmp_path / 'mine.py'}:6:9: CLOCK time.time reads a clock: a replay runs at another time, so it would decide "
        "otherwise\n"
        "    view.now_ns is the time of the input being answered; SetTimer wakes you later\n"
        "1 finding in 1 file\n"
    )


def test_a_clean_file_ends_with_0_and_says_what_it_allows(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(ALLOWED)

    assert lint(tmp_path / "mine.py", code=0).stdout == "nothing found in 1 file; 1 allowed\n"


def test_the_document_lists_every_finding_of_every_file(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.py").write_text(CLOCK)
    (tmp_path / "c.py").write_text(ALLOWED)
    files = [str(tmp_path / f"{name}.py") for name in ("a", "b", "c")]
    found = json.loads(lint(*files, "--json", code=Exit.PREFLIGHT_REFUSED).stdout)

    assert found["schema"] == "refold.lint/1"
    assert found["files"] == files
    assert found["allowed"] == 1
    assert [(one["file"], one["line"], one["column"], one["code"]) for one in found["findings"]] == [
        (files[0], 6, 9, "CLOCK"),
        (files[1], 6, 9, "CLOCK"),
    ]
    assert sorted(found["findings"][0]) == ["code", "column", "file", "instead", "line", "message"]


def test_what_is_no_file_is_an_error_of_usage(tmp_path: Path) -> None:
    assert "nowhere.py" in lint(tmp_path / "nowhere.py", code=Exit.USAGE).stderr
    (tmp_path / "binary.py").write_bytes(b"\xff\xfe")
    assert "is no UTF-8 text" in lint(tmp_path / "binary.py", code=Exit.USAGE).stderr
    assert lint(code=Exit.USAGE).stderr
