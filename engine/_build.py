"""Which sources are compiled, and what they looked like when they were: used by setup.py and at import."""

import sys
from hashlib import blake2b
from pathlib import Path

COMPILED_PATTERNS = (
    "engine/kernel/*.py",
    "engine/strategies/steady_maker.py",
    "adapters/*/wire/*.py",
    "adapters/simulated/*.py",
    "journal/check.py",
    "journal/codec.py",
    "replay/ahead.py",
    "replay/course.py",
    "replay/decoded.py",
    "replay/forward.py",
    "replay/hits.py",
    "replay/keeping.py",
    "replay/outlook.py",
    "replay/own_market.py",
    "replay/own_orders.py",
    "replay/own_placed.py",
    "replay/packed.py",
    "replay/packing.py",
    "replay/rows.py",
    "replay/simulate.py",
    "replay/strict.py",
    "replay/venue_time.py",
    "replay/taking_out.py",
)


def compiled_sources(root: Path) -> list[str]:
    """The files of the compiled group, relative to *root*, in one fixed order."""
    found = [path for pattern in COMPILED_PATTERNS for path in sorted(root.glob(pattern))]
    return [path.relative_to(root).as_posix() for path in found if path.name != "__init__.py"]


def source_digest(root: Path) -> str:
    """BLAKE2b-128, in hex, of the names and bytes of the compiled group's sources below *root*."""
    digest = blake2b(digest_size=16)
    for name in compiled_sources(root):
        digest.update(name.encode() + b"\0" + (root / name).read_bytes() + b"\0")
    return digest.hexdigest()


def stamp_path(root: Path) -> Path:
    """Where the build of the running Python version notes what it compiled: one file for each ABI."""
    tag = (sys.implementation.cache_tag or "unknown").replace("-", "_")
    return root / "engine" / f"_compiled_{tag}.py"
