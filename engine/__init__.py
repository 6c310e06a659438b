"""Decides: the kernel, the strategies, and the processes that run them.

Importing this package settles, before any other module of ours loads, whether the kernel runs compiled or from source:
``REFOLD_PURE=1`` forces the source, ``REFOLD_REQUIRE=compiled`` refuses anything else.
"""

import importlib
import os
import sys
from importlib.machinery import FileFinder, SourceFileLoader
from pathlib import Path

from engine._build import compiled_sources, source_digest, stamp_path

ROOT = Path(__file__).resolve().parent.parent
HOUSE = ("engine", "adapters", "journal", "replay", "scenarios")


def _source_only(path: str) -> FileFinder:
    """A path hook that finds only the Python sources of our packages, so that debuggers and coverage see them."""
    if not any(Path(path).resolve().is_relative_to(ROOT / name) for name in HOUSE):
        raise ImportError(path)
    return FileFinder(path, (SourceFileLoader, [".py"]))


def _settle() -> bool:
    """True when the kernel runs compiled. Raises ImportError when the compiled files do not fit the sources."""
    pure = os.environ.get("REFOLD_PURE") == "1"
    stamp = stamp_path(ROOT)
    if pure:
        sys.path_hooks.insert(0, _source_only)
        sys.path_importer_cache.clear()
    compiled = not pure and stamp.exists()
    if compiled:
        built_from = importlib.import_module(f"engine.{stamp.stem}").DIGEST
        if compiled_sources(ROOT) and built_from != source_digest(ROOT):
            raise ImportError(
                "the compiled kernel was built from other sources than those present: "
                "run `make build`, or set REFOLD_PURE=1 to run the sources interpreted"
            )
    if os.environ.get("REFOLD_REQUIRE") == "compiled" and not compiled:
        raise ImportError("REFOLD_REQUIRE=compiled, but no compiled kernel is installed: run `make build`")
    return compiled


COMPILED = _settle()
TUNED: bool = COMPILED and getattr(importlib.import_module(f"engine.{stamp_path(ROOT).stem}"), "TUNED", False)
"""Whether it was compiled by the counts of a training (`make tuned`), which changes nothing but the speed."""
