"""The compiled half of the build: one mypyc group over the kernel and the wire modules.

Metadata stands in setup.cfg. mypycify type-checks and writes C each time it is called, and pip runs this file several
times an install, so it is called only by the commands that build.
"""

import os
import runpy
import subprocess
import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).resolve().parent
# By path: importing the package would check the very stamp that a build is about to renew.
_house = runpy.run_path(str(ROOT / "engine" / "_build.py"))
COMPILED_PATTERNS, compiled_sources = _house["COMPILED_PATTERNS"], _house["compiled_sources"]
source_digest, stamp_path = _house["source_digest"], _house["stamp_path"]

BUILDS = {"build_ext", "bdist_wheel", "editable_wheel", "build", "develop"}
# -fno-semantic-interposition lets small calls be inlined: without it a method call costs 2 ns more.
FLAGS = ["-O3", "-fwrapv", "-ffp-contract=off", "-fno-semantic-interposition", "-Wno-error", "-g0"]


class BuildKernel(build_ext):
    """Build all or nothing: an old extension must never shadow an edited source, and the stamp says what was built."""

    def run(self) -> None:
        tag = sys.implementation.cache_tag
        stamp = stamp_path(ROOT)
        stamp.unlink(missing_ok=True)
        houses = sorted({pattern.split("/")[0] for pattern in COMPILED_PATTERNS})
        for old in [*ROOT.glob("*.so"), *(path for house in houses for path in (ROOT / house).rglob("*.so"))]:
            if f".{tag}-" in old.name:  # the files of other Python versions share the tree
                old.unlink()
        super().run()
        built = [Path(self.get_ext_fullpath(extension.name)) for extension in self.extensions]
        missing = [path.name for path in built if not path.exists()]
        if missing:
            for path in built:
                path.unlink(missing_ok=True)
            print(
                "refold: no working C compiler, the kernel will run interpreted (20 to 40 times slower)",
                file=sys.stderr,
            )
            return
        words = "Written by the build: what the compiled modules were made from."
        text = f'"""{words}"""\n\nDIGEST = "{source_digest(ROOT)}"\n'
        target = stamp if self.inplace or self.editable_mode else Path(self.build_lib) / stamp.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


def extensions() -> list:
    if os.environ.get("REFOLD_PURE") == "1" or not BUILDS & set(sys.argv):
        return []
    from mypyc.build import mypycify

    separate = os.environ.get("REFOLD_BUILD") == "dev"  # quick rebuilds while developing; never for figures
    built = mypycify(
        ["--config-file", str(ROOT / "setup.cfg"), *compiled_sources(ROOT)],
        opt_level="3",
        group_name=None if separate else "refold",
        separate=separate,
    )
    # What the determinism matrix compiles for other Pythons: in two thirds of the time, and optimised otherwise.
    flags = ["-O1", *FLAGS[1:]] if os.environ.get("REFOLD_BUILD") == "quick" else list(FLAGS)
    for extension in built:
        extension.extra_compile_args = list(flags)
        extension.optional = True
    return built


if "sdist" in sys.argv or not BUILDS & set(sys.argv):
    setup()
else:
    try:
        modules = extensions()
    except subprocess.CalledProcessError as error:  # pragma: no cover - a broken tool chain at install time
        raise SystemExit(f"refold: the compiled group could not be generated: {error}") from error
    setup(ext_modules=modules, cmdclass={"build_ext": BuildKernel})
