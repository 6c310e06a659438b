"""The tables behind the frames of a sealed file, as they stand there and as the frames themselves would have them."""

from pathlib import Path
from typing import Any

import attrs

from journal.disk import Disk, File
from journal.errors import Damaged
from journal.index import Index, encode_tables, read_index, rebuild_index
from journal.segment import Entry, Files, zst_path


@attrs.frozen
class Tables:
    """The blocks of one sealed file, and whether its stored index is good."""

    path: str
    head: str
    raw_len: int
    blocks: list[Entry]
    stored: str
    """"good" (it can be read), "equal" (and it is what the blocks give), or what is wrong with it"""

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for ``--json``; ``seek_table`` holds (compressed, raw) bytes of each frame, the index last."""
        blocks = [{name: getattr(block, name) for name in Entry.__slots__} for block in self.blocks]
        pairs = [[block.comp_len, block.raw_len] for block in self.blocks]
        index_frame = len(encode_tables(Index(bytes(32), 0, self.blocks))) - 8 - 8 * (len(pairs) + 1) - 9
        return {
            "path": self.path,
            "head": self.head,
            "raw_len": self.raw_len,
            "stored": self.stored,
            "blocks": blocks,
            "seek_table": [*pairs, [index_frame, 0]],
        }


def sealed_files(disk: Disk, path: Path) -> list[Path]:
    """The sealed files of a journal: those of a folder, or the file itself."""
    if not disk.is_dir(path):
        return [] if path.suffix == ".wal" else [path]
    return [zst_path(path, number) for number in Files(disk, path).zst]


def describe_tables(disk: Disk, path: Path, rebuild: bool) -> Tables:
    """
    The index of the sealed file at *path*; made anew from its blocks with *rebuild*, or when the stored one is broken.

    Raises:
        Damaged: the blocks themselves are damaged.
    """
    file = disk.open_read(path)
    try:
        stored, why = _stored(file, path)
        if stored is not None and not rebuild:
            return Tables(str(path), stored.head.hex(), stored.raw_len, stored.entries, "good")
        made = rebuild_index(file, path)
        if stored is not None:
            why = "equal" if encode_tables(stored) == encode_tables(made) else "it differs from what the blocks give"
        return Tables(str(path), made.head.hex(), made.raw_len, made.entries, why)
    finally:
        file.close()


def _stored(file: File, path: Path) -> tuple[Index | None, str]:
    try:
        return read_index(file, path), ""
    except Damaged as damage:
        return None, str(damage)
