"""The environments of the determinism matrix: one for each CPython found here, with a copy of the tree of its own."""

import configparser
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VERSIONS = ("3.11", "3.12", "3.13")
HOUSES = ("engine", "adapters", "journal", "replay", "scenarios")
BUILD_FILES = ("setup.py", "setup.cfg", "pyproject.toml")
NOT_NEEDED = ("pyarrow",)
"""Dependencies that no command of the matrix loads."""

RUNNING = f"{sys.version_info[0]}.{sys.version_info[1]}"


class Broken(Exception):
    """An environment cannot be made; the text holds what the failing command said."""


@dataclass(frozen=True)
class Environment:
    """A Python of *version*, and the tree it runs: compiled for it, or only interpreted."""

    version: str
    python: str
    tree: Path
    compiled: bool

    def variables(self, compiled: bool) -> dict[str, str]:
        """Environment variables that make it run this tree, *compiled* or interpreted, and nothing else."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        choice = {"REFOLD_REQUIRE": "compiled"} if compiled else {"REFOLD_PURE": "1"}
        return {**kept, "PYTHONPATH": str(self.tree), "PYTHONSAFEPATH": "1", **choice}


def ask(command: list[str], **options: object) -> str | None:
    """What *command* prints, or None where it does not run or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def interpreter(version: str) -> str | None:
    """The path of a CPython of *version* that really runs: on PATH, or one that pyenv keeps."""
    if version == RUNNING:
        return sys.executable
    say = "import sys, json; print(json.dumps([sys.implementation.name, sys.executable, *sys.version_info[:2]]))"
    candidates = [f"python{version}"]
    for name in (ask(["pyenv", "versions", "--bare"]) or "").split():
        if name.startswith(f"{version}."):
            found = ask(["pyenv", "which", f"python{version}"], env={**os.environ, "PYENV_VERSION": name})
            candidates += [found] if found else []
    for candidate in candidates:
        said = ask([candidate, "-c", say])
        if said is not None:
            name, path, major, minor = json.loads(said)
            if name == "cpython" and f"{major}.{minor}" == version:
                return str(path)
    return None


def run(command: list[str], where: Path, variables: dict[str, str] | None = None) -> None:
    """Run one step of a build; raises Broken with the end of what it said."""
    environment = {**os.environ, **(variables or {})}
    done = subprocess.run(command, cwd=where, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines()[-15:]
        raise Broken(f"{' '.join(command)} ended with {done.returncode}:\n" + "\n".join(said))


def copy_tree(target: Path) -> None:
    """The sources, and what building them needs; nothing that was built here."""
    target.mkdir(parents=True)
    for name in BUILD_FILES:
        shutil.copy(ROOT / name, target / name)
    leave = shutil.ignore_patterns("__pycache__", "*.so", "_compiled_*.py")
    for house in HOUSES:
        shutil.copytree(ROOT / house, target / house, ignore=leave)


def requirements(compiling: bool) -> list[str]:
    """What the cells import, and what compiling needs beside."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    wanted = setup["options"]["install_requires"].split()
    found = [one for one in wanted if not one.startswith(NOT_NEEDED)]
    return [*found, "mypy", "setuptools"] if compiling else found


def install(python: str, folder: Path, packages: list[str]) -> str:
    """A virtual environment of *python* in *folder* with *packages*, pinned as in CI; returns its interpreter."""
    own = str(folder / "bin" / "python")
    pinned = ["--constraint", str(ROOT / "constraints.txt"), *packages]
    beside = Path(sys.executable).with_name("uv")
    uv = str(beside) if beside.exists() else shutil.which("uv")
    if uv is not None:
        run([uv, "venv", "--quiet", "--no-project", "--python", python, str(folder)], ROOT)
        run([uv, "pip", "install", "--quiet", "--no-config", "--python", own, *pinned], folder)
    else:
        run([python, "-m", "venv", str(folder)], ROOT)
        run([own, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *pinned], folder)
    return own


def build(version: str, folder: Path, compiling: bool, quick: bool) -> Environment:
    """
    The environment of *version* below *folder*; the running Python's own is taken as it is.

    *quick* compiles with less optimisation than what is shipped.

    Raises:
        Broken: a step of it failed.
    """
    if version == RUNNING:
        say = "import engine; print(engine.COMPILED)"
        return Environment(version, sys.executable, ROOT, ask([sys.executable, "-c", say], cwd=ROOT) == "True")
    python = interpreter(version)
    assert python is not None
    tree = folder / f"tree-{version}"
    copy_tree(tree)
    own = install(python, folder / f"venv-{version}", requirements(compiling))
    if compiling:
        way = {"REFOLD_BUILD": "quick" if quick else "", "REFOLD_PURE": "", "REFOLD_REQUIRE": "", "PYTHONPATH": "."}
        run([own, "setup.py", "--quiet", "build_ext", "--inplace"], tree, way)
    return Environment(version, own, tree, compiling)
