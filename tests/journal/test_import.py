"""Whole imports: real recordings, what is kept of them, and what happens when one fails."""

import gzip
import json
from itertools import islice
from pathlib import Path

import pytest
from recordings import START_NS, hftbacktest_file, hftbacktest_lines, ticker

from engine.kernel import kinds, record
from journal.background import Inline
from journal.disk import RealDisk
from journal.errors import Locked, Taken, WriterFailed
from journal.importer.files import size_of
from journal.importer.recording import NotARecording
from journal.importer.run import Catalogue, ImportReport, import_recordings, source_names
from journal.importer.sniff import Recording
from journal.lock import WriterLock
from journal.payloads import decode_venue_input
from journal.reader import Record, open_journal
from journal.verify import verify

DISK = RealDisk()
HFTBACKTEST = {
    "usdm_btcusdt_20240808.gz": (93_954, kinds.BINANCE_USDM, kinds.BINANCE_USDM_DEPTH, 5123107852948),
    "usdm_ethusdt_20240808.gz": (74_655, kinds.BINANCE_USDM, kinds.BINANCE_USDM_DEPTH, 5123107856276),
    "spot_btcusdt_20240808.gz": (41_249, kinds.BINANCE_SPOT, kinds.BINANCE_SPOT_DEPTH, 50093239218),
    "spot_ethusdt_20240808.gz": (33_618, kinds.BINANCE_SPOT, kinds.BINANCE_SPOT_DEPTH, 35346513512),
}


def imported(paths: list[Path], target: Path, catalogues: tuple[Path, ...] = (), **options) -> ImportReport:
    return import_recordings(
        [Recording(path) for path in paths],
        target,
        DISK,
        Inline(),
        catalogues=[Catalogue(path) for path in catalogues],
        **{"sealed_ns": START_NS, **options},
    )


def records(target: Path) -> list[Record]:
    with open_journal(target) as journal:
        return list(journal.records())


def head_of(source: Path, folder: Path, count: int) -> Path:
    """The first *count* lines of a real recording, under its own name."""
    path = folder / source.name
    with gzip.open(source) as lines:
        path.write_bytes(gzip.compress(b"".join(islice(lines, count)), 1))
    return path


@pytest.mark.parametrize(
    "name",
    [
        "spot_ethusdt_20240808.gz",
        *(pytest.param(n, marks=pytest.mark.nightly) for n in HFTBACKTEST if n != "spot_ethusdt_20240808.gz"),
    ],
)
def test_a_whole_recording_comes_back_from_the_journal_byte_for_byte(shared, tmp_path, name):
    lines, stream, depth, update_id = HFTBACKTEST[name]
    report = imported([shared / "binance/hftbacktest" / name], tmp_path / "journal")
    found = [one for one in records(tmp_path / "journal") if one.kind != kinds.CONNECTION]
    inputs = [decode_venue_input(one.payload) for one in found]
    again = b"".join(b"%d %s\n" % (one.socket_ns, one.frame) for one in inputs)

    assert again == gzip.decompress((shared / "binance/hftbacktest" / name).read_bytes())
    assert (report.records, report.frames, report.unplaced_lines) == (lines + 1, lines, 0)
    assert [one.counter for one in inputs if not one.meta] == list(range(1, lines))
    assert all(one.recv_ns == kept.socket_ns for one, kept in zip(found, inputs, strict=True))
    ((_, kept),) = [pair for pair in zip(found, inputs, strict=True) if pair[0].kind == depth]
    assert {one.kind for one in found} == {stream, depth}
    assert json.loads(kept.frame)["lastUpdateId"] == update_id
    assert kept.meta == b'{"symbol":"%s"}' % name.split("_")[1].upper().encode()
    assert verify(DISK, tmp_path / "journal").verdict == "CLEAN"


def test_several_recordings_are_merged_by_time_with_one_source_each(shared, tmp_path):
    paths = [head_of(shared / "binance/hftbacktest" / name, tmp_path, 600) for name in sorted(HFTBACKTEST)]
    report = imported(paths, tmp_path / "journal")
    found = records(tmp_path / "journal")

    assert [tally.source_name for tally in report.recordings] == [
        "binance-spot",
        "binance-spot-2",
        "binance-usdm",
        "binance-usdm-2",
    ]
    assert [one.recv_ns for one in found] == sorted(one.recv_ns for one in found)
    assert report.records == len(found) == 4 * 600 + 4
    for tally, path in zip(report.recordings, paths, strict=True):
        inputs = [decode_venue_input(one.payload) for one in found if one.source == tally.source and one.kind >= 0x100]
        assert b"".join(b"%d %s\n" % (i.socket_ns, i.frame) for i in inputs) == gzip.decompress(path.read_bytes())


@pytest.mark.parametrize(
    ("venue", "market", "day", "frames"), [("spot", "spot", "2021-10-12", 265), ("usdm", "usdm", "2021-07-22", 1535)]
)
def test_cryptofeeds_files_give_catalogue_connection_frames_and_snapshots(shared, tmp_path, venue, market, day, frames):
    folder = shared / "binance"
    report = imported(
        [folder / f"cryptofeed_{venue}_ws_{day}.txt", folder / f"cryptofeed_{venue}_depth_http_{day}.txt"],
        tmp_path / "journal",
        (folder / f"cryptofeed_{venue}_exchangeInfo_{day}.txt.gz",),
    )
    catalogue, connection, *rest = records(tmp_path / "journal")

    assert kinds.name(catalogue.kind) == f"BINANCE_{market.upper()}_CATALOGUE"
    assert connection.payload == b'{"connection":1,"source":"binance-%s","state":"up"}' % market.encode()
    assert len(rest) == frames + 4
    assert sum(kinds.name(one.kind).endswith("_DEPTH") for one in rest) == 4
    assert [(t.frames, t.replies, t.connections, t.unplaced) for t in report.recordings] == [
        (frames, 0, 1, []),
        (0, 4, 0, []),
    ]
    assert report.catalogues[0].documents == 1


def test_the_polymarket_frames_keep_their_text_and_the_one_without_time_is_counted(shared, tmp_path):
    path = shared / "polymarket/ws_market_20260924_exactarb_frames.jsonl"
    report = imported([path], tmp_path / "journal")
    inputs = [decode_venue_input(one.payload) for one in records(tmp_path / "journal")[1:]]
    rows = [json.loads(line) for line in path.read_text().splitlines()]

    assert [one.frame.decode() for one in inputs] == [row["payload"] for row in rows]
    assert [one.socket_ns for one in inputs] == [
        record.NONE if row["recv_ms"] is None else row["recv_ms"] * 1_000_000 for row in rows
    ]
    assert report.recordings[0].without_time == 1


def test_the_same_files_give_the_same_records_and_the_same_id_whenever_they_are_imported(tmp_path):
    path = hftbacktest_file(tmp_path, 500)
    first = imported([path], tmp_path / "one")
    second = imported([path], tmp_path / "two", sealed_ns=None)

    assert first.journal_id == second.journal_id
    assert [(r.seq, r.recv_ns, r.kind, r.payload) for r in records(tmp_path / "one")] == [
        (r.seq, r.recv_ns, r.kind, r.payload) for r in records(tmp_path / "two")
    ]
    assert sorted(DISK.names(tmp_path / "two")) == ["00000001.wal", "journal.lock"]


def test_a_reconnect_in_the_recording_is_journalled_as_down_and_up(tmp_path):
    path = tmp_path / "ws.txt"
    url = b"wss://fstream.binance.com/stream?streams=btcusdt@bookTicker"
    parts = [
        url + b" <-> 1633998501.5",
        b"1633998502.0: " + ticker(1),
        url + b" <-> 1633998503.5",
        b"1633998504.0: " + ticker(2),
        b"junk",
    ]
    path.write_bytes(b"\n".join(parts))
    report = imported([path], tmp_path / "journal")
    found = records(tmp_path / "journal")

    assert [json.loads(one.payload)["state"] for one in found if one.kind == kinds.CONNECTION] == ["up", "down", "up"]
    frames = [decode_venue_input(one.payload) for one in found if one.kind == kinds.BINANCE_USDM]
    assert [(one.connection, one.counter) for one in frames] == [(1, 1), (2, 1)]
    assert report.as_dict()["recordings"][0]["unplaced"] == [
        {"first": 5, "last": 5, "reason": "neither a frame nor news of a connection"}
    ]


def test_a_catalogue_stands_first_even_when_it_was_received_later(tmp_path):
    path = hftbacktest_file(tmp_path, 3)
    catalogue = tmp_path / "late.txt"
    catalogue.write_bytes(b'https://fapi.binance.com/fapi/v1/exchangeInfo -> 1999999999.5: {"symbols":[]}')
    own = tmp_path / "own.json"
    own.write_bytes(b'{"venue":"binance-usdm","source":"typed by hand","symbols":[]}\n')
    imported([path], tmp_path / "journal", (own, catalogue))
    first, second, connection, *frames = records(tmp_path / "journal")

    assert [one.recv_ns for one in (first, second, connection, frames[0])] == [START_NS] * 4
    assert decode_venue_input(first.payload).socket_ns == record.NONE
    assert decode_venue_input(first.payload).frame == own.read_bytes()
    assert decode_venue_input(second.payload).socket_ns == 1999999999_500_000_000
    assert (first.source, second.source, connection.source) == (2, 3, 4)


def test_sources_are_numbered_from_two_and_named_by_their_venue():
    assert source_names(["polymarket"], ["polymarket-market", "binance-usdm", "binance-usdm"]) == {
        1: "engine",
        2: "polymarket-catalogue",
        3: "polymarket-market",
        4: "binance-usdm",
        5: "binance-usdm-2",
    }


def test_nothing_is_made_of_a_recording_without_a_single_frame(tmp_path):
    path = tmp_path / "usdm_btcusdt_20240808.txt"
    path.write_bytes(b"1723161255030314667 {cut\n" + b"1723161255030314668 [\n")
    blank = tmp_path / "blank.txt"
    blank.write_bytes(b"configuration: {}\nwss://fstream.binance.com <- 1633998501.0: {}\n")

    with pytest.raises(
        NotARecording, match=r"not one of 2 lines could be placed .* \(line 1: no whole JSON document\)"
    ):
        import_recordings([Recording(path, venue="binance-usdm")], tmp_path / "j", DISK, Inline(), sealed_ns=None)
    with pytest.raises(NotARecording, match=r"not one of 2 lines could be placed as cryptofeed of binance-usdm$"):
        imported([blank], tmp_path / "j")
    assert not (tmp_path / "j").exists()


def test_a_recording_that_ends_early_leaves_nothing_behind(tmp_path):
    whole = gzip.compress(hftbacktest_lines(5000), 1)
    path = tmp_path / "usdm_btcusdt_20240808.gz"
    path.write_bytes(whole[: len(whole) // 2])

    with pytest.raises(NotARecording, match="ends early"):
        imported([path], tmp_path / "journal")
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_an_interrupted_import_leaves_nothing_behind(tmp_path):
    path = hftbacktest_file(tmp_path, 2000)

    def interrupt(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        imported([path], tmp_path / "journal", advance=interrupt)
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_a_disk_that_refuses_the_first_file_leaves_nothing_behind(tmp_path, monkeypatch):
    path = hftbacktest_file(tmp_path, 20)

    def full(self: RealDisk, path: Path) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(RealDisk, "create", full)
    with pytest.raises(WriterFailed, match="JRN_DISK_FULL"):
        imported([path], tmp_path / "journal")
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_a_files_size_is_told_for_the_progress_bar(tmp_path):
    path = hftbacktest_file(tmp_path, 20)
    seen: list[int] = []
    imported([path], tmp_path / "journal", advance=seen.append)

    assert sum(seen) == size_of(DISK, path) == path.stat().st_size


def test_what_a_killed_import_left_is_replaced_by_the_next(tmp_path):
    path = hftbacktest_file(tmp_path, 20)
    left = tmp_path / "journal.unfinished"
    left.mkdir()
    (left / "00000001.wal").write_bytes(b"half")
    (left / "journal.lock").write_bytes(b"1\n")
    imported([path], tmp_path / "journal")

    assert len(records(tmp_path / "journal")) == 21
    assert not left.exists()


def test_a_running_import_is_not_disturbed_by_a_second_one(tmp_path):
    path = hftbacktest_file(tmp_path, 20)
    left = tmp_path / "journal.unfinished"
    left.mkdir()
    lock = WriterLock(DISK, left)

    with pytest.raises(Locked):
        imported([path], tmp_path / "journal")
    lock.release()


def test_files_that_no_import_made_are_never_removed(tmp_path):
    path = hftbacktest_file(tmp_path, 20)
    left = tmp_path / "journal.unfinished"
    left.mkdir()
    (left / "thesis.txt").write_text("mine")

    with pytest.raises(Taken, match=r"thesis\.txt"):
        imported([path], tmp_path / "journal")
    assert (left / "thesis.txt").read_text() == "mine"


def test_only_an_empty_or_absent_folder_is_written_to(tmp_path):
    path = hftbacktest_file(tmp_path, 20)
    (tmp_path / "empty").mkdir()
    imported([path], tmp_path / "empty")

    assert len(records(tmp_path / "empty")) == 21
    for taken in (tmp_path / "empty", path):
        with pytest.raises(Taken):
            imported([path], taken)


def test_a_file_that_makes_no_sense_at_all_is_given_up_in_bounded_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("journal.importer.recording.MOST_RANGES", 50)
    path = tmp_path / "usdm_btcusdt_20240808.txt"
    path.write_bytes(hftbacktest_lines(5) + b"junk\n\n" * 50)

    with pytest.raises(NotARecording, match="no hftbacktest recording: line 56 and 50 places before it make no sense"):
        imported([path], tmp_path / "journal")
