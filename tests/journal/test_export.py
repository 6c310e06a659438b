"""Exports: every record, in every format, with its exact payload."""

import csv
import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet
import pytest
from recordings import START_NS, small_journal

from engine.kernel import kinds, record
from journal import export as module
from journal.disk import RealDisk
from journal.errors import Damaged, JournalError, Taken
from journal.export import Sink, export, format_of
from journal.payloads import encode_venue_input
from journal.reader import open_journal
from journal.show import frame_of

DISK = RealDisk()
SOURCES = {1: "engine", 2: "binance-usdm"}


class Row:
    """A record as an export needs it."""

    def __init__(self, seq=1, kind=int(kinds.BINANCE_USDM), payload=b"", src_ns=record.NONE):
        self.seq, self.kind, self.payload, self.src_ns = seq, kind, payload, src_ns
        self.recv_ns, self.cause, self.schema, self.source, self.flags = START_NS, 0, 1, 2, 0


@pytest.fixture(scope="module")
def journal(tmp_path_factory):
    return small_journal(tmp_path_factory.mktemp("export") / "journal")


def written(journal, target, form=None) -> int:
    with open_journal(journal) as opened:
        return export(opened.records(), opened.sources, target, form or format_of(target) or "", DISK)


def payloads(journal) -> list[bytes]:
    with open_journal(journal) as opened:
        return [frame_of(one.kind, one.payload) for one in opened.records()]


@pytest.mark.parametrize("name", ["x.parquet", "x.arrow"])
def test_tables_hold_every_record_with_its_exact_payload_and_times(journal, tmp_path, name):
    count = written(journal, tmp_path / name)
    read = pa.parquet.read_table if name.endswith("parquet") else lambda path: pa.ipc.open_file(path).read_all()
    table = read(tmp_path / name)

    assert count == table.num_rows == 60
    assert table["payload"].to_pylist() == payloads(journal)
    assert table["seq"].to_pylist() == list(range(1, 61))
    assert table["recv_time"].cast(pa.int64())[0].as_py() == START_NS
    assert table["kind"][9].as_py() == "VERDICT"
    assert table["flags"][9].as_py() == "DERIVED"
    assert table["cause"][9].as_py() == 9
    assert table["connection"].to_pylist()[8:10] == [1, None]
    assert table["socket_time"].cast(pa.int64()).to_pylist()[1] == START_NS + 1_000_000
    assert table["source"].to_pylist()[3] == "polymarket-market"


@pytest.mark.parametrize("name", ["x.jsonl", "x.jsonl.gz"])
def test_json_lines_hold_the_frames_text_as_it_was(journal, tmp_path, name):
    written(journal, tmp_path / name)
    data = (tmp_path / name).read_bytes()
    lines = (gzip.decompress(data) if name.endswith("gz") else data).splitlines()

    assert [json.loads(line)["seq"] for line in lines] == list(range(1, 61))
    assert all(frame in line for frame, line in zip(payloads(journal), lines, strict=True) if frame[:1] == b"{")


def test_csv_holds_text_as_text_and_other_bytes_as_hex(tmp_path):
    rows = [
        Row(1, payload=encode_venue_input(5, 1, 2, 200, b'{"symbol":"X"}', b'{"a":"quoted, \xc3\xa9"}'), src_ns=7),
        Row(2, int(kinds.VERDICT), b"\xff\x00"),
        Row(3, payload=b"too short"),
        Row(4, payload=encode_venue_input(record.NONE, 1, 2, 0, b"\xff", b"frame")),
    ]
    export(rows, SOURCES, tmp_path / "x.csv", "csv", DISK)
    with (tmp_path / "x.csv").open(newline="") as file:
        first, second, third, fourth = csv.DictReader(file)

    assert (first["payload"], first["encoding"], first["meta"]) == ('{"a":"quoted, é"}', "text", '{"symbol":"X"}')
    assert datetime.fromisoformat(first["recv_time"][:19]).replace(tzinfo=UTC).timestamp() == START_NS // 10**9
    assert (second["payload"], second["encoding"], second["connection"]) == ("ff00", "hex", "")
    assert (third["payload"], third["counter"]) == ("too short", "")
    assert (fourth["payload"], fourth["encoding"]) == (rows[3].payload.hex(), "hex")


def test_memory_is_bounded_by_batches_of_rows_and_bytes(journal, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "BATCH_ROWS", 7)
    seen: list[int] = []
    with open_journal(journal) as opened:
        export(opened.records(), opened.sources, tmp_path / "x.parquet", "parquet", DISK, seen.append)
    monkeypatch.setattr(module, "BATCH_BYTES", 1)
    written(journal, tmp_path / "y.parquet")

    assert seen == [7] * 8 + [4]
    assert pa.parquet.ParquetFile(tmp_path / "x.parquet").num_row_groups == 9
    assert pa.parquet.ParquetFile(tmp_path / "y.parquet").num_row_groups == 60


def test_an_empty_export_is_a_whole_file(tmp_path):
    assert export([], SOURCES, tmp_path / "x.parquet", "parquet", DISK) == 0
    assert pa.parquet.read_table(tmp_path / "x.parquet").num_rows == 0


def test_a_failed_export_leaves_no_file(tmp_path):
    def damaged():
        yield Row()
        raise Damaged("x", 5, "flipped")

    (tmp_path / "x.csv.partial").write_bytes(b"stale")
    with pytest.raises(Damaged):
        export(damaged(), SOURCES, tmp_path / "x.csv", "csv", DISK)
    with pytest.raises(JournalError, match="no export format 'xls'"):
        export([], SOURCES, tmp_path / "x.xls", "xls", DISK)

    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "x.csv").write_bytes(b"mine")

    with pytest.raises(Taken):
        export([], SOURCES, tmp_path / "x.csv", "csv", DISK)


def test_the_name_tells_the_format_or_nothing():
    names = ["a.jsonl", "a.jsonl.gz", "a.csv", "a.parquet", "a.arrow", "a.txt"]

    assert [format_of(Path(name)) for name in names] == [
        "jsonl",
        "jsonl.gz",
        "csv",
        "parquet",
        "arrow",
        None,
    ]


def test_the_sink_counts_what_it_was_given(tmp_path):
    file = DISK.create(tmp_path / "x")
    sink = Sink(file)
    sink.write(b"abc")
    sink.write(memoryview(b"de"))
    sink.flush()
    sink.close()
    file.close()

    assert (sink.tell(), sink.closed, (tmp_path / "x").read_bytes()) == (5, True, b"abcde")
