"""The command behind `make nightly`: what it writes, and what it does when a part fails."""

import re
import sys
from pathlib import Path

import pytest
import run as runner

RUNS = "2000 runs of 10 profiles, halves of the seeds alike (p 0.015 or more)"
SAYS = "import sys; print('CPython 3.11, 3.13 found; running 3.11'); print('== 7 passed, 1 skipped in 2.5s ==')"


@pytest.fixture(autouse=True)
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing has run yet, and the page lies elsewhere."""
    monkeypatch.setattr(runner, "NIGHTLY_PAGE", tmp_path / "nightly.md")
    for told in ("done", "failed", "versions"):
        monkeypatch.setattr(runner, told, [])
    return tmp_path / "nightly.md"


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_the_page_names_the_commit_the_pythons_and_every_figure(page: Path) -> None:
    runner.run("something", python(SAYS))
    runner.run("something silent", python("pass"))
    runner.run("something of many runs", python(f"print({RUNS!r})"))
    runner.write_nightly_page()
    text = page.read_text()

    assert "| something | 7 passed, 1 skipped | " in text
    assert "| something silent | done | " in text
    assert f"| something of many runs | {RUNS} | " in text
    assert "the matrix with CPython 3.11, 3.13; " in text
    assert runner.commit() in text


def test_a_part_that_fails_ends_the_run_or_is_remembered(capsys: pytest.CaptureFixture[str]) -> None:
    runner.run("later", python("raise SystemExit(3)"), last=False)
    with pytest.raises(SystemExit) as ended:
        runner.run("now", python("raise SystemExit(4)"))

    assert ended.value.code == 4
    assert runner.failed == ["later", "now"]
    assert re.search(r"== later: \d+ s", capsys.readouterr().out)


def test_nightly_runs_its_other_parts_though_one_fails_and_leaves_the_page(
    page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.write_text("as it was")
    monkeypatch.setattr(runner, "suite", lambda jobs: None)
    monkeypatch.setattr(runner, "pytest", lambda jobs, *more: python("raise SystemExit(1)"))
    ran: list[str] = []
    run = runner.run

    def instead(title: str, command: list[str], **more: object) -> None:
        ran.append(title)
        run(title, python(SAYS) if "matrix" in title or "profile" in title else command, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(runner, "run", instead)
    with pytest.raises(SystemExit, match="failed: what is too long for CI"):
        runner.nightly(1)

    assert ran == ["what is too long for CI", "results under every profile", "determinism matrix, full"]
    assert page.read_text() == "as it was"
