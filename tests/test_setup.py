"""What the build does where there is no compiler, and where there is one that the compiled group breaks."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's build files around a group of one module."""
    pytest.importorskip("mypyc")
    if not shutil.which("gcc"):
        pytest.skip("there is no compiler here")
    folder = tmp_path_factory.mktemp("house")
    for name in ("setup.py", "setup.cfg", "pyproject.toml", "README.md"):
        shutil.copyfile(ROOT / name, folder / name)
    kernel = folder / "engine" / "kernel"
    kernel.mkdir(parents=True)
    shutil.copyfile(ROOT / "engine" / "_build.py", folder / "engine" / "_build.py")
    for package in (folder / "engine", kernel):
        (package / "__init__.py").touch()
    (kernel / "one.py").write_text("def one() -> int:\n    return 1\n", encoding="utf-8")
    return folder


def built(house: Path, compiler: str, kind: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("REFOLD_")}
    environment["CC"] = compiler
    environment["REFOLD_BUILD"] = kind
    return subprocess.run(command, cwd=house, env=environment, capture_output=True, text=True, check=False)


def left_by_a_build(house: Path) -> list[str]:
    return sorted(
        path.name for path in house.rglob("*") if path.suffix == ".so" and "build" not in path.parts
    ) + sorted(path.name for path in (house / "engine").glob("_compiled_*"))


def test_without_a_compiler_the_build_says_so_and_leaves_the_sources_to_run(house: Path) -> None:
    done = built(house, "no-such-compiler")

    assert done.returncode == 0, done.stderr
    assert "no working C compiler" in done.stderr
    assert left_by_a_build(house) == []


def test_a_group_that_a_working_compiler_cannot_compile_fails_the_build(house: Path) -> None:
    wrapper = house / "choosy"
    wrapper.write_text(
        '#!/bin/sh\ncase "$*" in *refold_hot*) echo "cannot read this" >&2; exit 1;; esac\nexec gcc "$@"\n'
    )
    wrapper.chmod(0o755)
    done = built(house, str(wrapper))

    assert done.returncode != 0
    assert "cannot read this" in done.stderr
    assert "interpreted" not in done.stderr
    assert left_by_a_build(house) == []


def test_a_build_leaves_the_extensions_and_a_stamp_of_what_they_were_made_from(house: Path) -> None:
    done = built(house, "gcc")

    assert done.returncode == 0, done.stderr
    assert any(name.startswith("one.") for name in left_by_a_build(house))
    assert left_by_a_build(house)[-1].startswith("_compiled_")


def test_a_build_after_an_edit_holds_the_edit(house: Path) -> None:
    module = house / "engine" / "kernel" / "one.py"
    found = []
    for number in (21, 34):
        module.write_text(f"def one() -> int:\n    return {number}\n", encoding="utf-8")
        assert built(house, "gcc").returncode == 0
        code = "from engine.kernel import one; print(one.__file__.endswith('.so'), one.one())"
        found.append(subprocess.run([sys.executable, "-c", code], cwd=house, capture_output=True, text=True).stdout)

    assert found == ["True 21\n", "True 34\n"]


def test_a_tuned_build_is_compiled_by_what_its_first_form_counted(house: Path) -> None:
    assert built(house, "gcc", "counting").returncode == 0
    trained = [sys.executable, "-c", "from engine.kernel.one import one; one()"]
    assert subprocess.run(trained, cwd=house, check=False).returncode == 0
    counts = {path.name for path in house.rglob("*.gcda")}
    done = built(house, "gcc", "tuned")

    assert done.returncode == 0, done.stderr
    assert "refold_hot.gcda" in counts
    (stamp,) = (house / "engine").glob("_compiled_*")
    assert "TUNED = True" in stamp.read_text("utf-8")
    assert subprocess.run(trained, cwd=house, check=False).returncode == 0
    (tuned,) = house.glob("refold__mypyc*.so")
    before = tuned.read_bytes()
    assert built(house, "gcc").returncode == 0
    assert "TUNED = False" in stamp.read_text("utf-8")
    assert tuned.read_bytes() != before, "what was tuned passed for an ordinary build"


def test_a_compiler_that_is_not_gcc_is_no_compiler_of_a_tuned_build(house: Path) -> None:
    wrapper = house / "clanging"
    wrapper.write_text('#!/bin/sh\nexec gcc -D__clang__ "$@"\n')
    wrapper.chmod(0o755)
    done = built(house, str(wrapper), "counting")

    assert done.returncode == 1
    assert "a tuned build needs gcc" in done.stderr
