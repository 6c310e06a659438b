"""
Labels: what people found out about a segment after it was written, beside it and never in it.

A label marks a bad artifact without touching its bytes, so that nobody trusts it by accident and nothing is lost.
"""

import re
from pathlib import Path
from typing import final

import orjson

from journal.disk import Disk, read_all, write_all
from journal.errors import JournalError

FORMAT = "refold.label/1"
MOST_BYTES = 64 << 10
MOST_REASON = 4_000
_NAME = re.compile(r"(\d{8})\.label\.json")


class MarkedInvalid(JournalError):
    """A segment carries a label that says not to trust it."""

    def __init__(self, path: Path, segment: int, reason: str) -> None:
        super().__init__(f"{path}: segment {segment} is marked invalid ({reason})")
        self.path, self.segment, self.reason = path, segment, reason


class BadLabel(JournalError):
    """A label file that cannot be read as one, so that nobody knows what it warned of."""


@final
class Label:
    """What is said about one segment: that it is *invalid*, why, and since when (*labelled*, UTC as text)."""

    __slots__ = ("invalid", "labelled", "reason", "segment")

    def __init__(self, segment: int, invalid: bool, reason: str, labelled: str) -> None:
        self.segment, self.invalid, self.reason, self.labelled = segment, invalid, reason, labelled

    def as_dict(self) -> dict[str, object]:
        """Plain values, as they stand in the file."""
        return {
            "format": FORMAT,
            "segment_no": self.segment,
            "invalid": self.invalid,
            "reason": self.reason,
            "labelled": self.labelled,
        }


def label_path(directory: Path, segment: int) -> Path:
    """Where the label of *segment* stands."""
    return directory / f"{segment:08d}.label.json"


def write_label(disk: Disk, directory: Path, label: Label) -> Path:
    """Put *label* beside its segment, in one step; it replaces an earlier one. Returns its path."""
    path = label_path(directory, label.segment)
    temporary = path.with_name(path.name + ".tmp")
    if disk.exists(temporary):
        disk.unlink(temporary)
    file = disk.create(temporary)
    try:
        write_all(file, orjson.dumps(label.as_dict(), option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2) + b"\n")
        file.sync()
    finally:
        file.close()
    disk.rename(temporary, path)
    disk.sync_dir(directory)
    return path


def read_labels(disk: Disk, directory: Path) -> dict[int, Label]:
    """The labels of a journal's folder, by segment number. Raises BadLabel."""
    names = [(name, _NAME.fullmatch(name)) for name in disk.names(directory)]
    return {int(found[1]): _read(disk, directory / name, int(found[1])) for name, found in names if found}


def refuse_invalid(disk: Disk, path: Path) -> None:
    """Raise MarkedInvalid if the journal at *path*, a folder or a segment's file, holds a segment so labelled."""
    directory = path if disk.is_dir(path) else path.parent
    only = None if directory == path else re.match(r"\d{8}\.", path.name)
    if directory != path and only is None:
        return
    for label in read_labels(disk, directory).values():
        if label.invalid and (only is None or path.name.startswith(f"{label.segment:08d}.")):
            raise MarkedInvalid(path, label.segment, label.reason)


def _read(disk: Disk, path: Path, segment: int) -> Label:
    try:
        fields = orjson.loads(read_all(disk, path, MOST_BYTES))
    except (OSError, orjson.JSONDecodeError) as error:
        raise BadLabel(f"{path}: no readable label ({error})") from error
    if not isinstance(fields, dict) or fields.get("format") != FORMAT or fields.get("segment_no") != segment:
        raise BadLabel(f"{path}: no label of segment {segment} of the format {FORMAT}")
    invalid, reason, labelled = fields.get("invalid"), fields.get("reason"), fields.get("labelled")
    if not isinstance(invalid, bool) or not isinstance(reason, str) or not isinstance(labelled, str):
        raise BadLabel(f"{path}: a label needs invalid (true or false), reason and labelled (text)")
    return Label(segment, invalid, reason, labelled)
