"""hftbacktest's arrays: the files numpy writes, every row accounted for, and what is no array of events."""

import io
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.kernel import kinds, record
from journal.background import Inline
from journal.disk import RealDisk
from journal.importer import arrays
from journal.importer.recording import NeedsAnswer, NotARecording, Tally
from journal.importer.run import Catalogue, ImportReport, import_recordings
from journal.importer.sniff import Recording
from journal.payloads import decode_venue_input
from journal.reader import Record, open_journal

DISK = RealDisk()
T = 1_700_000_000_000_000_000
DEPTH = 1 | 1 << 29
LOCAL, EXCH = 1 << 30, 1 << 31
BOTH = LOCAL | EXCH
LAYOUT = (
    "[('ev', '<u8'), ('exch_ts', '<i8'), ('local_ts', '<i8'), ('px', '<f8'), ('qty', '<f8'), "
    "('order_id', '<u8'), ('ival', '<i8'), ('fval', '<f8')]"
)


def row(exch: int, local: int, price: float = 1.0, seen: int = BOTH) -> bytes:
    """One row; its times count from T, and 0 is no time."""
    return struct.pack("<QqqddQqd", DEPTH | seen, exch and T + exch, local and T + local, price, 2.0, 0, 0, 0.0)


def npy(rows: bytes, count: int | None = None, layout: str = LAYOUT, version: int = 1, shape: str = "") -> bytes:
    """An array as numpy writes it."""
    count = len(rows) // 64 if count is None else count
    text = f"{{'descr': {layout}, 'fortran_order': False, 'shape': {shape or f'({count},)'}, }}".encode()
    size = 2 if version == 1 else 4
    text = text.ljust(-(-(len(text) + 9 + size) // 64) * 64 - 9 - size) + b"\n"
    return arrays.NPY_MAGIC + bytes([version, 0]) + len(text).to_bytes(size, "little") + text + rows


def npz(rows: bytes, name: str = "data.npy", how: int = zipfile.ZIP_DEFLATED) -> bytes:
    """The same as `savez` (stored) and `savez_compressed` (deflated) write it."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", how) as archive:
        archive.writestr(name, npy(rows))
    return whole.getvalue()


def file(folder: Path, data: bytes, name: str = "btcusdt_20231114.npz") -> Path:
    (folder / name).write_bytes(data)
    return folder / name


def imported(target: Path, *paths: Path, symbol: str = "", catalogues: tuple[Path, ...] = ()) -> ImportReport:
    return import_recordings(
        [Recording(path, symbol=symbol) for path in paths],
        target,
        DISK,
        Inline(),
        catalogues=[Catalogue(path) for path in catalogues],
        sealed_ns=None,
    )


def records(target: Path) -> list[Record]:
    with open_journal(target) as journal:
        return [one for one in journal.records() if one.kind == kinds.HFTBACKTEST_EVENTS]


def read(data: bytes) -> tuple[list[tuple[int, int, bytes]], Tally]:
    """(at_ns less T, src_ns less T, frame) of each record, and the tally."""
    tally = Tally("x.npz", "npz", "hftbacktest")
    pieces = [data[at : at + 128] for at in range(0, len(data), 128)]
    return [(one.at_ns - T, one.src_ns - T, one.frame) for one in arrays.read_arrays(iter(pieces), "X", tally)], tally


@pytest.mark.parametrize(
    "data", [npz, lambda rows: npz(rows, how=zipfile.ZIP_STORED), npy, lambda r: npy(r, version=3)]
)
def test_every_form_that_numpy_writes_is_read(tmp_path, data):
    rows = row(1, 4) + row(1, 4, 2.0) + row(2, 5)
    report = imported(tmp_path / "journal", file(tmp_path, data(rows)))
    found = records(tmp_path / "journal")
    inputs = [decode_venue_input(one.payload) for one in found]

    assert b"".join(one.frame for one in inputs) == rows
    assert [(one.recv_ns - T, one.src_ns - T) for one in found] == [(4, 1), (5, 2)]
    assert [one.meta for one in inputs] == [b'{"begins":true,"symbol":"BTCUSDT"}', b'{"symbol":"BTCUSDT"}']
    (tally,) = report.recordings
    assert (tally.format, tally.venue, tally.lines, tally.frames, tally.joined) == ("npz", "hftbacktest", 3, 2, 1)


TIMES = st.tuples(st.integers(0, 3), st.integers(0, 3), st.sampled_from([BOTH, LOCAL, EXCH, 0]))


@given(st.lists(TIMES))
@settings(max_examples=200)
def test_every_row_is_journalled_or_counted(times):
    data = b"".join(row(exch, local, price, seen) for price, (exch, local, seen) in enumerate(times, 1))
    try:
        found, tally = read(data)
    except NotARecording:
        assert not any(local and seen & LOCAL for _, local, seen in times)
        return
    rows = b"".join(frame for _, _, frame in found)

    assert tally.lines == len(times) == tally.frames + tally.joined + tally.venue_only + tally.unplaced_lines
    assert len(rows) == 64 * (tally.frames + tally.joined)
    assert [at for at, _, _ in found] == sorted(at for at, _, _ in found)
    pieces = [data[at : at + 64] for at in range(0, len(data), 64)]
    kept = [rows[at : at + 64] for at in range(0, len(rows), 64)]
    assert kept == [one for one in pieces if one in kept]


def test_a_book_saved_without_times_takes_that_of_the_first_row_that_has_one():
    found, tally = read(row(0, 0) + row(0, 0, 2.0) + row(3, 7))

    assert found == [(7, record.NONE - T, row(0, 0) + row(0, 0, 2.0)), (7, 3, row(3, 7))]
    assert tally.without_time == 2


def test_a_time_that_goes_back_is_counted_and_the_record_keeps_its_place():
    found, tally = read(row(3, 7) + row(3, 6))

    assert [at for at, _, _ in found] == [7, 7]
    assert tally.time_backwards == 1


def test_a_group_longer_than_a_record_becomes_several(monkeypatch):
    monkeypatch.setattr(arrays, "MOST_ROWS", 2)
    found, tally = read(row(0, 0) * 3 + row(1, 4) * 5)

    assert [len(frame) // 64 for _, _, frame in found] == [2, 1, 2, 2, 1]
    assert (tally.frames, tally.joined, tally.lines) == (5, 3, 8)


def test_the_second_file_of_a_symbol_goes_on_with_its_book(tmp_path):
    days = [file(tmp_path, npz(row(day, day)), f"btcusdt_2023111{day}.npz") for day in (1, 2)]
    imported(tmp_path / "journal", *days, file(tmp_path, npz(row(3, 3)), "ethusdt_20231111.npz"))
    metas = [decode_venue_input(one.payload).meta for one in records(tmp_path / "journal")]

    assert metas == [
        b'{"begins":true,"symbol":"BTCUSDT"}',
        b'{"symbol":"BTCUSDT"}',
        b'{"begins":true,"symbol":"ETHUSDT"}',
    ]


def test_an_array_whose_name_tells_no_symbol_asks_for_it(tmp_path):
    path = file(tmp_path, npz(row(1, 1)), "x.npz")

    with pytest.raises(NeedsAnswer, match="tells the symbol"):
        imported(tmp_path / "journal", path)
    assert imported(tmp_path / "journal", path, symbol="X").records == 2


def test_the_progress_counts_every_byte_of_the_file(tmp_path):
    path = file(tmp_path, npy(row(1, 1) * 9))
    read: list[int] = []

    assert b"".join(arrays.rows(DISK, path, read.append)) == row(1, 1) * 9
    assert sum(read) == path.stat().st_size


def test_an_array_is_of_no_other_venue(tmp_path):
    with pytest.raises(NotARecording, match="the venue hftbacktest"):
        import_recordings(
            [Recording(file(tmp_path, npz(row(1, 1))), venue="binance-usdm")],
            tmp_path / "journal",
            DISK,
            Inline(),
            sealed_ns=None,
        )


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (npz(row(1, 1), "other.npy"), "no array called data"),
        (npz(row(1, 1))[:-30], "damaged"),
        (npz(row(1, 1))[:20] + b"\xff" * 40 + npz(row(1, 1))[60:], "damaged|cannot be read|ends early"),
        (npy(row(1, 1), count=2), "ends early"),
        (npy(row(1, 1)[:60], count=1), "ends early"),
        (npy(row(1, 1), layout="'<f8'"), "none of hftbacktest's events"),
        (npy(row(1, 1), shape="(1, 1)"), "none of hftbacktest's events"),
        (npy(row(1, 1)).replace(b"{'descr", b"['descr"), "header that cannot be read"),
        (npz(row(0, 0)), "no row has a receive time"),
        (npz(b""), "could be placed"),
    ],
)
def test_what_is_no_array_of_events_is_refused_with_the_reason(tmp_path, data, why):
    with pytest.raises(NotARecording, match=why):
        imported(tmp_path / "journal", file(tmp_path, data))
    assert not (tmp_path / "journal").exists()


def test_an_archive_of_something_else_is_refused(tmp_path):
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("data.npy", b"text")

    with pytest.raises(NotARecording, match="holds no numpy array"):
        imported(tmp_path / "journal", file(tmp_path, whole.getvalue()))
