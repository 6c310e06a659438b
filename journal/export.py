"""
A journal as tables and lines for other tools: JSON lines, CSV, Parquet and Arrow IPC, a batch of records at a time.

One row a record. Memory stays bounded by a batch, and the file takes its name only when it is whole.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol, final

import orjson
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.csv  # type: ignore[import-untyped]
import pyarrow.ipc  # type: ignore[import-untyped]
import pyarrow.parquet  # type: ignore[import-untyped]

from engine.kernel import kinds, record
from journal.disk import Disk, File, write_all
from journal.errors import Damaged, JournalError, Taken
from journal.payloads import decode_venue_input
from journal.show import Shown, as_fields, flag_names, is_venue_input, source_name
from journal.staging import staged_file

SUFFIXES = {".jsonl": "jsonl", ".jsonl.gz": "jsonl.gz", ".csv": "csv", ".parquet": "parquet", ".arrow": "arrow"}
"""Ending of a file's name to its format."""
BATCH_ROWS = 16_384
BATCH_BYTES = 16 << 20

_TIME = pa.timestamp("ns", tz="UTC")
COLUMNS = pa.schema(
    [
        pa.field("seq", pa.int64(), nullable=False),
        pa.field("recv_time", _TIME, nullable=False),
        pa.field("src_time", _TIME),
        pa.field("cause", pa.int64(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("schema", pa.int32(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("flags", pa.string(), nullable=False),
        pa.field("socket_time", _TIME),
        pa.field("connection", pa.int64()),
        pa.field("counter", pa.int64()),
        pa.field("status", pa.int32()),
        pa.field("meta", pa.string()),
        pa.field("payload", pa.binary(), nullable=False),
    ]
)
"""One row a record. Of a venue input *payload* is the frame alone; its prefix stands in the columns before."""
CSV_COLUMNS = (
    COLUMNS.remove(len(COLUMNS) - 1).append(pa.field("encoding", pa.string())).append(pa.field("payload", pa.string()))
)
"""CSV holds text only: *encoding* says whether *payload* is the text itself ("text") or hex of bytes that are none."""


class BatchWriter(Protocol):
    """What pyarrow's writers of tables have in common."""

    def write_batch(self, batch: pa.RecordBatch) -> None:
        """Write some rows."""

    def close(self) -> None:
        """End the file."""


def export(
    records: Iterable[Shown],
    sources: dict[int, str],
    target: Path,
    form: str,
    disk: Disk,
    advance: Callable[[int], None] | None = None,
) -> int:
    """
    Write *records* to *target*, which must not exist, in format *form* of SUFFIXES. Returns their number.

    Args:
        sources: source number to name.
        advance: progress, in records.
    Raises:
        Taken: *target* is taken.
        Damaged, OSError: and then no *target* appears.
    """
    if disk.exists(target):
        raise Taken(target)
    count = 0
    with staged_file(disk, target) as file:
        sink = pa.PythonFile(Sink(file), mode="w")
        write = _lines if form.startswith("jsonl") else _tables
        for done in write(records, sources, sink, form):
            count += done
            if advance is not None:
                advance(done)
        sink.close()
    return count


def format_of(target: Path) -> str | None:
    """The format that the ending of *target* stands for, or None."""
    found = [form for suffix, form in SUFFIXES.items() if target.name.endswith(suffix)]
    return found[0] if found else None


@final
class Sink:
    """A file of the Disk seam, as pyarrow wants to write to it."""

    def __init__(self, file: File) -> None:
        self._file = file
        self._position = 0
        self.closed = False

    def write(self, data: Any) -> int:
        """Append *data*, all of it."""
        write_all(self._file, bytes(data))
        self._position += len(data)
        return len(data)

    def tell(self) -> int:
        """How many bytes were written."""
        return self._position

    def flush(self) -> None:
        """Nothing waits here: every write goes to the file."""

    def close(self) -> None:
        """The file itself stays open: its owner syncs it."""
        self.closed = True


def batches(records: Iterable[Shown]) -> Iterator[list[Shown]]:
    """*records* in runs that are bounded in rows and bytes."""
    batch: list[Shown] = []
    size = 0
    for one in records:
        batch.append(one)
        size += len(one.payload)
        if len(batch) >= BATCH_ROWS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _lines(records: Iterable[Shown], sources: dict[int, str], sink: pa.NativeFile, form: str) -> Iterator[int]:
    out = pa.CompressedOutputStream(sink, "gzip") if form == "jsonl.gz" else sink
    for batch in batches(records):
        out.write(b"".join(orjson.dumps(as_fields(one, sources)) + b"\n" for one in batch))
        yield len(batch)
    if out is not sink:
        out.close()


def _tables(records: Iterable[Shown], sources: dict[int, str], sink: pa.NativeFile, form: str) -> Iterator[int]:
    writer = _table_writer(sink, form)
    for batch in batches(records):
        writer.write_batch(_table(batch, sources, as_text=form == "csv"))
        yield len(batch)
    writer.close()


def _table_writer(sink: pa.NativeFile, form: str) -> BatchWriter:
    writer: BatchWriter
    if form == "csv":
        writer = pyarrow.csv.CSVWriter(sink, CSV_COLUMNS)
    elif form == "parquet":
        writer = pyarrow.parquet.ParquetWriter(sink, COLUMNS, compression="zstd")
    elif form == "arrow":
        writer = pyarrow.ipc.new_file(sink, COLUMNS)
    else:
        raise JournalError(f"no export format {form!r}; there are {', '.join(SUFFIXES.values())}")
    return writer


def _table(batch: list[Shown], sources: dict[int, str], as_text: bool) -> pa.RecordBatch:
    columns: dict[str, list[Any]] = {name: [] for name in (CSV_COLUMNS if as_text else COLUMNS).names}
    for one in batch:
        for name, value in _row(one, sources, as_text).items():
            columns[name].append(value)
    return pa.RecordBatch.from_pydict(columns, schema=CSV_COLUMNS if as_text else COLUMNS)


def _row(one: Shown, sources: dict[int, str], as_text: bool) -> dict[str, Any]:
    row: dict[str, Any] = {
        "seq": one.seq,
        "recv_time": one.recv_ns,
        "src_time": _or_none(one.src_ns),
        "cause": one.cause,
        "kind": kinds.name(one.kind),
        "schema": one.schema,
        "source": source_name(sources, one.source),
        "flags": "|".join(flag_names(one.flags)),
        "socket_time": None,
        "connection": None,
        "counter": None,
        "status": None,
        "meta": None,
        "payload": one.payload,
    }
    if is_venue_input(one.kind):
        try:
            found = decode_venue_input(one.payload)
            row["meta"] = found.meta.decode() or None
            row["socket_time"], row["status"] = _or_none(found.socket_ns), found.status
            row["connection"], row["counter"], row["payload"] = found.connection, found.counter, found.frame
        except (Damaged, UnicodeDecodeError):
            row["payload"] = one.payload  # no prefix to take apart: the row keeps the bytes as they are
    if as_text:
        row["encoding"], row["payload"] = _as_text(row["payload"])
    return row


def _or_none(ns: int) -> int | None:
    return None if ns == record.NONE else ns


def _as_text(data: bytes) -> tuple[str, str]:
    try:
        return "text", data.decode("utf-8")
    except UnicodeDecodeError:
        return "hex", data.hex()
