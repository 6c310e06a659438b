"""Who imports whom, and what stays out of where: the floors of the house, checked in the sources."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("engine", "adapters", "journal", "replay", "scenarios")

# Each part's floor; a module may import parts on lower floors, and its own part.
PARTS = (
    ("engine.kernel", 0),
    ("engine._build", 0),
    ("engine.strategies", 1),
    ("journal", 1),
    ("adapters.polymarket.wire", 1),
    ("adapters.binance.wire", 1),
    ("adapters.hftbacktest.wire", 1),
    ("adapters.simulated", 1),
    ("replay", 2),
    ("scenarios.venues", 3),
    ("engine.runtime", 4),
    ("engine.executor", 4),
    ("engine.governance", 4),
    ("adapters.polymarket.connection", 4),
    ("adapters.binance.connection", 4),
    ("scenarios", 5),
)

# The seams: the only places that may touch the machine.
SEAMS = {
    "journal/disk.py",
    "journal/background.py",
    "journal/lock.py",
    "engine/runtime/clock.py",
    "engine/__init__.py",
    "engine/_build.py",
}
ENTRY_POINTS = {"journal/sealer.py", "engine/runtime/program.py", "replay/notebook.py"}
MACHINE = {
    "os",
    "time",
    "threading",
    "random",
    "socket",
    "datetime",
    "secrets",
    "uuid",
    "subprocess",
    "multiprocessing",
}
FORBIDDEN_IN_KERNEL = MACHINE | {"asyncio", "logging", "pathlib", "tempfile", "shutil", "io", "concurrent"}


def sources() -> list[Path]:
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def module_name(path: Path) -> str:
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return name.removesuffix(".__init__")


def part_of(module: str) -> tuple[str, int] | None:
    return next(
        ((part, floor) for part, floor in PARTS if module == part or module.startswith(part + ".")),
        None,
    )


def imports(tree: ast.AST) -> Iterator[tuple[str, bool]]:
    """(module, whether at module level) of everything that a source imports."""
    top = set(map(id, getattr(tree, "body", [])))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, id(node) in top
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            assert node.module is not None
            yield node.module, id(node) in top
            for alias in node.names:
                yield f"{node.module}.{alias.name}", id(node) in top


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_module_imports_only_what_stands_below_it(path: Path) -> None:
    own = part_of(module_name(path))
    if own is None:
        return
    for target, at_top in imports(ast.parse(path.read_text())):
        found = part_of(target)
        if found is None or found[0] == own[0]:
            continue
        if own[0] == "engine.runtime" and found[0] == "scenarios" and not at_top:
            continue  # a command imports its scenarios inside its own function

        assert found[1] < own[1], f"{module_name(path)} (floor {own[1]}) imports {target} (floor {found[1]})"


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_only_the_seams_touch_the_machine(path: Path) -> None:
    relative = path.relative_to(ROOT).as_posix()
    tree = ast.parse(path.read_text())
    if relative in SEAMS or relative in ENTRY_POINTS or relative.startswith("engine/runtime/commands/"):
        return
    imported = {target.split(".")[0] for target, _ in imports(tree)}
    opened = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Call) and called(node) == "open"]
    touches_clock_for_dates = relative in {"journal/show.py", "engine/runtime/output.py"}
    allowed = {"datetime"} if touches_clock_for_dates else set()

    assert not (imported & MACHINE) - allowed, f"{relative} imports {sorted(imported & MACHINE)}"
    assert not opened, f"{relative} opens files in lines {opened}"


def called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else ""


def floor_below_two() -> list[Path]:
    names = (
        "engine/kernel",
        "engine/strategies",
        "adapters/polymarket/wire",
        "adapters/binance/wire",
        "adapters/hftbacktest/wire",
        "adapters/simulated",
    )
    return [path for path in sources() if path.relative_to(ROOT).as_posix().startswith(names)]


@pytest.mark.parametrize("path", floor_below_two(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_deterministic_floors_know_no_world(path: Path) -> None:
    tree = ast.parse(path.read_text())
    imported = {target.split(".")[0] for target, _ in imports(tree)}

    assert not imported & FORBIDDEN_IN_KERNEL
    for node in ast.walk(tree):
        assert not (isinstance(node, ast.Call) and called(node) in {"open", "print", "input", "id", "hash"}), (
            f"line {node.lineno} calls {called(node)}()"
        )


@pytest.mark.parametrize("path", floor_below_two(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_deterministic_floors_iterate_no_set(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        iterated = node.iter if isinstance(node, ast.For | ast.comprehension) else None
        is_set = isinstance(iterated, ast.Set | ast.SetComp) or (
            isinstance(iterated, ast.Call) and called(iterated) in {"set", "frozenset"}
        )

        assert not is_set


def test_the_kernel_loads_nothing_of_the_floors_above() -> None:
    code = (
        "import sys, engine.kernel.step\n"
        "print([m for m in sys.modules if m.split('.')[0] in ('journal', 'replay', 'scenarios', 'adapters')"
        " or m.startswith(('engine.runtime', 'engine.strategies'))])"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"


def test_no_source_is_so_long_that_it_must_be_several() -> None:
    too_long = {
        path.relative_to(ROOT).as_posix(): lines
        for path in sources()
        if (lines := len(path.read_text().splitlines())) > 450
    }

    assert too_long == {}
