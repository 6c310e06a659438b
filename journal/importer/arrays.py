"""
hftbacktest's normalised event arrays: `.npz` and `.npy` files as numpy writes them, in bounded memory.

Both formats are documented and small (a zip of arrays; a header, then the rows), so that no numpy is needed to read
them. A record is made of each run of rows that happened and were received together.
"""

import ast
import io
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from struct import Struct
from typing import IO, Final, final

import orjson

from engine.kernel import kinds, record
from journal.disk import Disk, File
from journal.importer.formats import FRAME_LIMIT
from journal.importer.recording import Arrival, Arrivals, NotARecording, Tally
from journal.importer.venues import canonical

ZIP_MAGIC: Final = b"PK\x03\x04"
NPY_MAGIC: Final = b"\x93NUMPY"
MEMBER: Final = "data.npy"
ROW: Final = 64
MOST_ROWS: Final = FRAME_LIMIT // ROW
_LAYOUT: Final = [
    ("ev", "<u8"),
    ("exch_ts", "<i8"),
    ("local_ts", "<i8"),
    ("px", "<f8"),
    ("qty", "<f8"),
    ("order_id", "<u8"),
    ("ival", "<i8"),
    ("fval", "<f8"),
]
_HEAD: Final = Struct("<Qqq40x")
_LOCAL: Final = 1 << 30
_EXCH: Final = 1 << 31
_PIECE: Final = ROW << 14
_LONGEST_HEADER: Final = 1 << 16


def is_array(start: bytes) -> bool:
    """Whether a file that begins with *start* is a `.npz` or a `.npy`."""
    return start.startswith((ZIP_MAGIC, NPY_MAGIC))


def rows(disk: Disk, path: Path, advance: Callable[[int], None] | None = None) -> Iterator[bytes]:
    """
    The rows of the array in *path*, as pieces of whole rows; of a `.npz` that of the member `data`.

    Raises:
        NotARecording: the file is damaged, or holds no array of events.
    """
    file = disk.open_read(path)
    try:
        with io.BufferedReader(_Stream(file, advance), _PIECE) as whole:
            if whole.peek(len(NPY_MAGIC)).startswith(NPY_MAGIC):
                yield from _array(whole, path.name)
                return
            with zipfile.ZipFile(whole) as archive:
                if MEMBER not in archive.namelist():
                    raise NotARecording(f"{path.name}: has no array called data, only {archive.namelist()[:5]}")
                with archive.open(MEMBER) as member:
                    yield from _array(member, path.name)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise NotARecording(
            f"{path.name}: damaged, or no archive of arrays ({error})", "fetch the file again"
        ) from error
    finally:
        file.close()


def _array(stream: IO[bytes], name: str) -> Iterator[bytes]:
    count = _count(stream, name)
    left = count * ROW
    while left:
        piece = stream.read(min(left, _PIECE))
        if not piece or len(piece) % ROW:
            raise NotARecording(
                f"{name}: ends early, {left // ROW:,} rows before its {count:,}", "fetch the file again"
            )
        left -= len(piece)
        yield piece


def _count(stream: IO[bytes], name: str) -> int:
    """How many rows the header announces; raises NotARecording unless it announces rows of events."""
    head = stream.read(8)
    if not head.startswith(NPY_MAGIC):
        raise NotARecording(f"{name}: holds no numpy array")
    length = int.from_bytes(stream.read(2 if head[6:7] == b"\x01" else 4), "little")
    try:
        header = ast.literal_eval(stream.read(min(length, _LONGEST_HEADER)).decode("utf-8").strip())
        layout, shape, fortran = header["descr"], header["shape"], header["fortran_order"]
    except (ValueError, SyntaxError, TypeError, KeyError) as error:
        raise NotARecording(f"{name}: a numpy array with a header that cannot be read") from error
    if layout != _LAYOUT or fortran or len(shape) != 1:
        raise NotARecording(f"{name}: an array of {str(layout)[:200]}, none of hftbacktest's events")
    return int(shape[0])


@final
class _Stream(io.RawIOBase):
    """A file of the Disk seam, as `zipfile` wants to read it."""

    def __init__(self, file: File, advance: Callable[[int], None] | None) -> None:
        self._file, self._advance = file, advance
        self._size, self._at = file.size(), 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go there."""
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill *buffer* from here on."""
        piece = self._file.read(self._at, len(buffer))
        buffer[: len(piece)] = piece
        self._at += len(piece)
        if self._advance is not None:
            self._advance(len(piece))
        return len(piece)


def read_arrays(pieces: Iterator[bytes], symbol: str, tally: Tally) -> Arrivals:
    """
    The rows of one array, those of equal times together, every row counted in *tally*.

    Rows at the beginning without a receive time (a book that hftbacktest saved) take the time of the first that has
    one. Rows for the exchange side only are left out: the client never saw them.

    Raises:
        NotARecording: no row has a receive time.
    """
    meta = canonical({"symbol": symbol})
    times, early, group = (0, 0), bytearray(), bytearray()
    for piece in pieces:
        for at, (flags, exch_ns, local_ns) in enumerate(_HEAD.iter_unpack(piece)):
            row = piece[at * ROW : (at + 1) * ROW]
            tally.lines += 1
            if not flags & _LOCAL:
                if flags & _EXCH:
                    tally.venue_only += 1
                else:
                    tally.refuse(tally.lines, "a row neither for the client nor for the exchange")
            elif local_ns <= 0:
                if group:
                    tally.refuse(tally.lines, "a row without receive time, after rows that have one")
                else:
                    early += row
            elif group and (exch_ns, local_ns) == times and len(group) < MOST_ROWS * ROW:
                group += row
            else:
                yield from _arrivals(times if group else (0, local_ns), group or early, meta, tally)
                times, group = (exch_ns, local_ns), bytearray(row)
    if early and not group:
        raise NotARecording(f"{tally.file}: no row has a receive time", "put these rows before those of their day")
    tally.without_time = len(early) // ROW
    yield from _arrivals(times, group, meta, tally)


def _arrivals(times: tuple[int, int], group: bytearray, meta: bytes, tally: Tally) -> Arrivals:
    exch_ns, local_ns = times
    for start in range(0, len(group), MOST_ROWS * ROW):
        frame = bytes(group[start : start + MOST_ROWS * ROW])
        tally.frames += 1
        tally.joined += len(frame) // ROW - 1
        src_ns = exch_ns if exch_ns > 0 else record.NONE
        yield Arrival(tally.stamp(local_ns), local_ns, int(kinds.HFTBACKTEST_EVENTS), src_ns, meta, frame)


def begun(arrivals: Iterator[tuple[int, Arrival]]) -> Iterator[tuple[int, Arrival]]:
    """*arrivals*, where the first record of each symbol says that its book begins: a second file goes on with it."""
    known: dict[bytes, None] = {}
    for number, one in arrivals:
        if one.kind == kinds.HFTBACKTEST_EVENTS and one.meta not in known:
            known[one.meta] = None
            meta = canonical({**orjson.loads(one.meta), "begins": True})
            yield number, Arrival(one.at_ns, one.socket_ns, one.kind, one.src_ns, meta, one.frame)
        else:
            yield number, one
