"""The command `engine`: what it prints where, and how it ends."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from interrupting import heed, waiting_at
from recordings import hftbacktest_file, hftbacktest_lines, small_journal

import engine as house
from engine.runtime import cli
from engine.runtime.cli import engine
from engine.runtime.clock import RealClock
from engine.runtime.exits import Exit
from engine.runtime.output import CommandError, Output, counted
from journal.errors import JournalError, JournalExists, Locked, NotAJournal, Taken, Unreadable, WriterFailed
from journal.labels import MarkedInvalid

ROOT = Path(__file__).resolve().parents[3]


def run(*words: object) -> Result:
    return CliRunner().invoke(engine, [str(word) for word in words])


def start(*words: object, **options) -> subprocess.Popen:
    """The same in a process of its own."""
    return started(["-m", "engine.runtime.cli"], *words, **options)


def started(program: list[str], *words: object, **options) -> subprocess.Popen:
    command = [sys.executable, *program, *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "REFOLD_PURE": "1", "REFOLD_REQUIRE": ""}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, env=environment, text=True, preexec_fn=heed, **{**pipes, **options})


def failing(monkeypatch, error: BaseException, *options: str) -> Result:
    """How `engine completion bash` ends when *error* arises in it."""

    @click.command()
    def command() -> None:
        raise error

    monkeypatch.setattr(cli.Engine, "get_command", lambda *_: command)
    return run(*options, "anything")


def test_an_installed_kernel_is_found_from_any_folder(tmp_path):
    """The module that holds the compiled group lies beside our packages, and in none of them."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def python(code: str) -> subprocess.CompletedProcess:
        command = [sys.executable, "-c", code]
        return subprocess.run(command, cwd=tmp_path, env=environment, text=True, capture_output=True, check=False)

    if python("import engine").returncode:
        pytest.skip("not installed here, only present")
    assert python("import engine.kernel.step, replay.strict").stderr == ""


def test_help_names_every_command_and_every_exit_code():
    text = run("--help").stdout

    for name in cli.COMMANDS:
        assert re.search(rf"^  {name}", text, re.M)
    for code in Exit:
        assert re.search(rf"\b{int(code)}\b", text)


@pytest.mark.parametrize("family", sorted(cli.COMMANDS))
def test_every_command_has_help_with_an_example(family):
    group = engine.get_command(click.Context(engine), family)
    names = [[family, name] for name in group.commands] if isinstance(group, click.Group) else [[family]]
    for words in names:
        text = run(*words, "--help").stdout

        assert "Example" in text, words


def test_the_version_names_the_build_and_whether_it_runs_compiled():
    text = run("--version").stdout
    mode = "compiled" if house.COMPILED else "interpreted"

    assert re.fullmatch(rf"engine \S+, build [0-9a-f]{{32}}, {mode}\n", text)


def test_an_uninstalled_tree_has_no_version(monkeypatch):
    def missing(name: str) -> str:
        raise cli.PackageNotFoundError(name)

    monkeypatch.setattr(cli, "version", missing)
    assert cli.product_version() == "unknown"


@pytest.mark.parametrize(
    ("shell", "word"), [("bash", "complete"), ("zsh", "#compdef engine"), ("fish", "--command engine")]
)
def test_completion_prints_a_script_for_the_shell(shell, word):
    found = run("completion", shell)

    assert found.exit_code == 0
    assert word in found.stdout


def test_the_shell_completes_our_commands():
    words = {"COMP_WORDS": "engine journal ver", "COMP_CWORD": "2", "_ENGINE_COMPLETE": "bash_complete"}
    found = CliRunner(env=words).invoke(engine, [])

    assert found.stdout == "plain,verify\n"


@pytest.mark.parametrize(
    "words", [["frobnicate"], ["--frobnicate"], ["journal", "cat"], ["journal", "info", "/no/such"]]
)
def test_what_cannot_be_followed_is_an_error_of_usage(words):
    found = run(*words)

    assert found.exit_code == Exit.USAGE
    assert "Error: " in found.stderr
    assert found.stdout == ""


@pytest.mark.parametrize(
    "words",
    [
        ("journal", "info", "--json", "/no/such"),
        ("journal", "info", "/no/such", "--json"),
        ("journal", "info", "/", "--bogus", "--json"),
        ("replay", "/", "--jobs", 0, "--json"),
        ("journal", "cat", "/", "--limit", 0, "--json"),
    ],
)
def test_an_error_of_usage_is_a_document_too_when_json_was_asked_for(words):
    found = run(*words)
    document = json.loads(found.stdout)

    assert (document["schema"], document["exit_code"]) == ("refold.error/1", 2)


@pytest.mark.parametrize(
    ("error", "code", "word"),
    [
        (CommandError("it is so", "do this", Exit.VENUE_UNREACHABLE), Exit.VENUE_UNREACHABLE, "Next:  do this"),
        (CommandError("it is so."), Exit.DAMAGED, "Error: it is so.\n"),
        (Locked(Path("x")), Exit.USAGE, "another process"),
        (JournalExists(Path("x")), Exit.USAGE, "x: it holds a journal already, and nothing is written over"),
        (Taken(Path("x")), Exit.USAGE, "choose another place"),
        (MarkedInvalid(Path("x"), 3, "clock"), Exit.DAMAGED, "--include-invalid"),
        (WriterFailed("JRN_DISK_FULL", Path("x"), "full"), Exit.DAMAGED, "look at the disk"),
        (NotAJournal(Path("x"), "why"), Exit.DAMAGED, "name a journal's folder"),
        (Unreadable(Path("x"), "why"), Exit.DAMAGED, "Error: x: cannot be read: why."),
        (JournalError("bad"), Exit.DAMAGED, "engine journal verify"),
        (OSError(13, "Permission denied", "/x"), Exit.DAMAGED, "Error: /x: Permission denied."),
        (OSError("strange"), Exit.DAMAGED, "Error: strange."),
        (click.ClickException("odd"), Exit.DAMAGED, "Error: odd."),
        (KeyboardInterrupt(), Exit.INTERRUPTED, "Error: interrupted.\n"),
        (click.Abort(), Exit.INTERRUPTED, "Error: interrupted.\n"),
        (ZeroDivisionError("oops"), Exit.BUG, "this is a bug in refold: ZeroDivisionError: oops"),
        (AssertionError("never"), Exit.BUG, "run it again with --debug"),
        (click.exceptions.Exit(5), 5, ""),
        (SystemExit(4), 4, ""),
        (SystemExit(), 0, ""),
        (BrokenPipeError(), Exit.OK, ""),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_end_has_its_code_one_sentence_and_no_traceback(monkeypatch, error, code, word):
    found = failing(monkeypatch, error)

    assert found.exit_code == code
    assert word in found.stderr
    assert "Traceback" not in found.stderr


def test_debug_prints_the_traceback(monkeypatch):
    found = failing(monkeypatch, ZeroDivisionError("oops"), "--debug")

    assert found.exit_code == Exit.BUG
    assert "Traceback" in found.stderr
    assert "raise error" in found.stderr


def test_debug_may_stand_behind_the_command_too(tmp_path):
    assert "Traceback" in run("journal", "info", "--debug", tmp_path).stderr


def test_a_package_of_the_same_name_from_elsewhere_stops_the_start(monkeypatch):
    monkeypatch.setattr(house, "HOUSE", ("engine", "json"))
    found = run("completion", "bash")

    assert found.exit_code == Exit.PREFLIGHT_REFUSED
    assert "the package 'json' comes from" in found.stderr


def test_a_missing_package_stops_the_start(monkeypatch):
    monkeypatch.setattr(house, "HOUSE", ("engine", "nowhere_at_all"))

    assert run("completion", "bash").exit_code == Exit.PREFLIGHT_REFUSED


def test_a_result_goes_to_stdout_and_remarks_to_stderr(tmp_path):
    path = hftbacktest_file(tmp_path, 5)
    process = start("journal", "import", path, "-o", tmp_path / "journal")
    out, err = process.communicate(timeout=60)

    assert process.returncode == 0
    assert "6 records" in out
    assert "Next: engine journal info" in err
    assert "importing" not in err, "no progress bar where stderr is no terminal"


def test_a_reader_that_leaves_early_is_no_error(tmp_path):
    journal = small_journal(tmp_path / "journal", records=3000, segments=1)
    process = start("journal", "cat", journal, "--width", 0)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    process.stdout = None
    _, err = process.communicate(timeout=60)

    assert (err, process.returncode) == ("", 0)


def test_an_interrupted_import_says_how_to_go_on_and_leaves_nothing(tmp_path):
    path = tmp_path / "usdm_btcusdt_20240808.txt"
    path.write_bytes(hftbacktest_lines(2000))
    program = waiting_at("journal.importer.writing:ImportWriter.arrival", 1000)
    process = started(["-c", program], "journal", "import", path, "-o", tmp_path / "journal")
    assert process.stderr is not None
    assert process.stderr.readline() == "here\n"
    assert (tmp_path / "journal.unfinished").exists()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)

    assert process.returncode == Exit.INTERRUPTED
    assert "interrupted; no journal was made" in err
    assert "run the same command again" in err
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_the_machines_clocks_run_forwards():
    clock = RealClock()
    earlier = clock.mono_ns()

    assert clock.mono_ns() >= earlier
    assert clock.wall_ns() > 1_700_000_000_000_000_000


def test_output_aligns_tables_and_counts_in_words(capsysbinary):
    Output().table([("name", "n"), ("a", "10"), ("bcdef", "7")], right=frozenset({1}))

    assert capsysbinary.readouterr().out == b"name    n\na      10\nbcdef   7\n"
    assert (counted(1, "line"), counted(0, "line"), counted(1000, "line")) == ("1 line", "0 lines", "1,000 lines")


def test_a_table_too_wide_for_the_terminal_loses_the_middle_of_its_last_column(monkeypatch, capsysbinary):
    rows = [("#", "market"), ("1", "polymarket:0x8865569d3def2154f521c22768e5681ebcd"), ("2", "short")]
    whole = b"#  market\n1  polymarket:0x8865569d3def2154f521c22768e5681ebcd\n2  short\n"
    monkeypatch.setenv("COLUMNS", "24")
    output = Output()
    output.table(rows, names_last=True)
    assert capsysbinary.readouterr().out == whole, "a file has no width"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    output.table(rows, names_last=True)
    assert capsysbinary.readouterr().out.decode() == "#  market\n1  polymarket…8e5681ebcd\n2  short\n"
    monkeypatch.setenv("COLUMNS", "5")
    output.table(rows, names_last=True)
    assert capsysbinary.readouterr().out.decode().splitlines()[1] == "1  polymark…681ebcd", "not cut to nothing"
    output.wide = True
    output.table(rows, names_last=True)
    assert capsysbinary.readouterr().out == whole


@pytest.mark.parametrize(
    ("unit", "total", "says"),
    [
        ("bytes", 2000, "1.0/2.0 kB"),
        ("bytes", None, "1.0/? kB"),
        ("frames", 2000, "1,000 of 2,000 frames"),
        ("frames", 900, "1,000 of 1,000 frames"),
        ("frames", None, "1,000 frames"),
    ],
)
def test_a_terminal_sees_a_progress_bar(monkeypatch, capsys, unit, total, says):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    with Output().progress("sealing things", total, unit) as advance:
        advance(1000)

    said = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", capsys.readouterr().err)
    assert "sealing things" in said
    assert says in said
