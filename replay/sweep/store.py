"""
Results that are kept: one small file for each run, under the digest of all that the run depends on.

`KEY[:2]/KEY.json` holds `schema`, `run` (what KEY is the digest of), `figures`, `failure` and `check`, the digest of
the last two. A file appears when it is whole, and one that is not what it says is as good as none: its run is computed
again.
"""

from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import orjson
from attrs import frozen

from journal.disk import Disk, read_all, write_all

SCHEMA: Final = "refold.run/1"
MOST_BYTES: Final = 16 << 20
_SIZE: Final = 16
_CANONICAL: Final = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS


@frozen
class Result:
    """
    What one run came to: *figures* by name, as JSON has them, and why it counts for nothing, or an empty text.

    A run that failed may have figures (a strategy was muted half-way), or none (it never ended).
    """

    figures: dict[str, Any]
    failure: str = ""


def canonical(value: Any) -> bytes:
    """*value* as JSON, the same bytes whatever the order of its members."""
    return orjson.dumps(value, option=_CANONICAL, default=str)


def key_of(run: dict[str, Any]) -> str:
    """The digest of all that a run depends on: BLAKE2b-128 of its canonical JSON, in hex."""
    return blake2b(canonical(run), digest_size=_SIZE, person=b"refold-result-1").hexdigest()


class Store:
    """
    The results in *folder*, which is made with the first one. *writer* tells processes apart that write at one time.
    """

    def __init__(self, disk: Disk, folder: Path, writer: str) -> None:
        self.folder = folder
        self._disk = disk
        self._temporary = folder / f"{writer}.tmp"
        self._made: dict[Path, None] = {}

    def path(self, key: str) -> Path:
        """Where the result of *key* lies, if it is there."""
        return self.folder / key[:2] / f"{key}.json"

    def get(self, key: str) -> Result | None:
        """The result of *key*; None where there is none, or the file is not whole."""
        path = self.path(key)
        if not self._disk.exists(path):
            return None
        try:
            values = orjson.loads(read_all(self._disk, path, MOST_BYTES))
            found = Result(values["figures"], values["failure"])
            whole = values["schema"] == SCHEMA and key_of(values["run"]) == key and values["check"] == _check(found)
        except (ValueError, KeyError, TypeError):
            return None
        return found if whole else None

    def put(self, key: str, run: dict[str, Any], result: Result) -> None:
        """
        Keep *result* of *run*, whose digest is *key*.

        It is not synced: what a power cut takes is computed again.
        """
        path = self.path(key)
        for folder in (self.folder, path.parent):
            if folder not in self._made:
                self._disk.make_dir(folder)
                self._made[folder] = None
        fields = {"figures": result.figures, "failure": result.failure, "check": _check(result)}
        if self._disk.exists(self._temporary):
            self._disk.unlink(self._temporary)
        file = self._disk.create(self._temporary)
        try:
            write_all(file, canonical({"schema": SCHEMA, "run": run, **fields}) + b"\n")
        finally:
            file.close()
        self._disk.rename(self._temporary, path)


def _check(result: Result) -> str:
    return blake2b(canonical([result.figures, result.failure]), digest_size=_SIZE).hexdigest()
