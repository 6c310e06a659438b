"""The compiled half of the build: one mypyc group over the kernel and the wire modules.

Metadata stands in setup.cfg. mypycify type-checks and writes C each time it is called, and pip runs this file several
times an install, so it is called only by the commands that build.
"""

import os
import re
import runpy
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from setuptools import setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CCompilerError

ROOT = Path(__file__).resolve().parent
# By path: importing the package would check the very stamp that a build is about to renew.
_house = runpy.run_path(str(ROOT / "engine" / "_build.py"))
COMPILED_PATTERNS, compiled_sources = _house["COMPILED_PATTERNS"], _house["compiled_sources"]
source_digest, stamp_path = _house["source_digest"], _house["stamp_path"]

BUILD = os.environ.get("REFOLD_BUILD", "")
BUILDS = {"build_ext", "bdist_wheel", "editable_wheel", "build", "develop"}
# Modules whose C is compiled apart from the rest: reading frames, the journal's bytes, and what is done seldom.
APART = (
    "___wire___",
    "___scan",
    "___json_text",
    "___book_hash",
    "___proof",
    "___journal___",
    "___native_journal",
    "___opening",
    "___unwind",
    "___commands",
    "___control",
    "___memory",
    "___checkpoint",
    "___policy",
    "___sets",
    "___groups",
    "___ledger",
    "___office",
    "___settlement",
    "___rewards",
    "___rebates",
    "___adversary",
    "___crowding",
    "___strict",
    "___packing",
)
# -fno-semantic-interposition lets small calls be inlined: without it a method call costs 2 ns more. With
# -fvisibility=hidden (Python exports the init functions by itself) globals are found without a table of addresses.
FLAGS = [
    *("-O3", "-fwrapv", "-ffp-contract=off", "-fno-semantic-interposition", "-fvisibility=hidden"),
    *("-Wno-error", "-g0"),
]
# A tuned build is compiled twice: to count what a training does (`make tuned`), and by these counts, which lie beside
# the objects. What no training did is compiled as it would be without them.
COUNTING, TUNED = "counting", "tuned"
MORE_FLAGS = {
    COUNTING: ["-fprofile-generate", "-fprofile-update=single"],
    TUNED: ["-fprofile-use", "-fprofile-partial-training", "-fprofile-correction", "-Wno-missing-profile"],
}
ONLY_GCC = "#if defined(__clang__) || !defined(__GNUC__)\n#error\n#endif\n"
# What runs only when something fails. Told so, the compiler keeps the way there out of the instruction cache's way.
COLD = """\
#include <Python.h>
#if defined(__GNUC__)
#define REFOLD_COLD __attribute__((cold))
REFOLD_COLD void CPy_AddTraceback(const char *, const char *, int, PyObject *);
REFOLD_COLD void CPy_TypeErrorTraceback(const char *, const char *, int, PyObject *, const char *, PyObject *);
REFOLD_COLD void CPy_AttributeError(const char *, const char *, const char *, const char *, int, PyObject *);
REFOLD_COLD void CPy_TypeError(const char *, PyObject *);
REFOLD_COLD void CPy_Raise(PyObject *);
REFOLD_COLD void CPyError_OutOfMemory(void);
REFOLD_COLD PyAPI_FUNC(void) PyErr_SetString(PyObject *, const char *);
REFOLD_COLD PyAPI_FUNC(void) PyErr_SetNone(PyObject *);
REFOLD_COLD PyAPI_FUNC(PyObject *) PyErr_Format(PyObject *, const char *, ...);
#endif
"""
# How interpreted code calls what is compiled: out of the way of the loops too, which call one another directly. What a
# strategy in ordinary Python calls stays, for it does so at every step.
WRAPPER = re.compile(r"\b(CPyPy_(?!view___|instrument_view___|order___|strategy___)\w+)\(")


class BuildKernel(build_ext):
    """Build all or nothing: an old extension must never shadow an edited source, and the stamp says what was built."""

    def build_extensions(self) -> None:
        """Compile extensions side by side, and within one its sources: the group is two, and its modules are shims."""
        compile_one = self.compiler.compile

        def compile_all(sources: list[str], **settings: object) -> list[str]:
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                made = pool.map(lambda source: compile_one([source], **settings), sources)
                return [found for several in made for found in several]

        self.compiler.compile = compile_all
        self.parallel = self.parallel or os.cpu_count()
        works = self.can_compile()
        if works and BUILD in (COUNTING, TUNED) and not self.can_compile(ONLY_GCC):
            raise SystemExit("refold: a tuned build needs gcc, whose counts other compilers cannot read")
        for extension in self.extensions:
            extension.optional = not works
        if works:
            super().build_extensions()

    def can_compile(self, text: str = "#include <Python.h>\n") -> bool:
        """Whether this machine compiles *text* for this Python. If it does any, C of the group that fails is broken."""
        with TemporaryDirectory() as folder:
            probe = Path(folder, "probe.c")
            probe.write_text(f"{text}int probe(void) {{ return 0; }}\n", encoding="utf-8")
            try:
                objects = self.compiler.compile([str(probe)], output_dir=folder)
                self.compiler.link_shared_object(objects, str(Path(folder, "probe.so")))
            except CCompilerError:
                return False
            return True

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
        text = f'"""{words}"""\n\nDIGEST = "{source_digest(ROOT)}"\nTUNED = {BUILD == TUNED}\n'
        target = stamp if self.inplace or self.editable_mode else Path(self.build_lib) / stamp.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


def halves(sources: list[str]) -> list[str]:
    """
    The group's C files as two, which two cores compile in half the time.

    What calls each other in the hot loops stands in one of them: the compiler inlines within a file. (As one file in
    mypyc's own way each module's would repeat the declarations of all others: five times the text.)
    """
    modules = [source for source in sources if Path(source).name.startswith("__native_")]
    folder = Path(modules[0]).parent
    runtime = [source for source in sources if source not in modules and Path(source).parent == folder]
    apart = [source for source in modules if any(part in Path(source).name for part in APART)]
    made: list[str] = []
    for name, members in (("hot", runtime + [one for one in modules if one not in apart]), ("apart", apart)):
        path = folder / f"refold_{name}.c"
        # What was compiled in another way is not up to date: the first line says in which.
        text = f"// {BUILD or 'ordinary'}\n" + COLD + (away(folder) if name == "hot" else "")
        text += "".join(f'#include "{Path(member).name}"\n' for member in members)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
        made.append(str(path))
    return made + [source for source in sources if source not in modules and source not in runtime]


def away(folder: Path) -> str:
    """C that declares the wrappers of the group, whose C stands in *folder*, again: as seldom called."""
    header = folder / "__native_internal_refold.h"
    found = sorted(set(WRAPPER.findall(header.read_text(encoding="utf-8"))))
    lines = ['#include "__native_refold.h"\n', f'#include "{header.name}"\n', "#if defined(__GNUC__)\n"]
    lines.extend(f"extern __typeof__({name}) {name} REFOLD_COLD;\n" for name in found)
    return "".join([*lines, "#endif\n"])


def extensions() -> list:
    if os.environ.get("REFOLD_PURE") == "1" or not BUILDS & set(sys.argv):
        return []
    from mypyc.build import mypycify

    separate = BUILD == "dev"  # quick rebuilds while developing; never for figures
    built = mypycify(
        ["--config-file", str(ROOT / "setup.cfg"), *compiled_sources(ROOT)],
        opt_level="3",
        group_name=None if separate else "refold",
        separate=separate,
        multi_file=not separate,
    )
    if not separate:
        group = built[0]
        group.depends = [*group.depends, *group.sources]  # the two files only include them, and so stay as they are
        group.sources = halves(group.sources)
    # What the determinism matrix compiles for other Pythons: in two thirds of the time, and optimised otherwise.
    flags = ["-O1", *FLAGS[1:]] if BUILD == "quick" else list(FLAGS)
    for extension in built:
        extension.extra_compile_args = [*flags, *MORE_FLAGS.get(BUILD, [])]
        extension.extra_link_args = ["-fprofile-generate"] if BUILD == COUNTING else []
    return built


if "sdist" in sys.argv or not BUILDS & set(sys.argv):
    setup()
else:
    try:
        modules = extensions()
    except subprocess.CalledProcessError as error:  # pragma: no cover - a broken tool chain at install time
        raise SystemExit(f"refold: the compiled group could not be generated: {error}") from error
    setup(ext_modules=modules, cmdclass={"build_ext": BuildKernel})
