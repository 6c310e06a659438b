"""`engine journal ...`: what a person and a script see of each command."""

import json
import shutil
from pathlib import Path

import pyarrow.parquet
import pytest
from click.testing import CliRunner, Result
from recordings import hftbacktest_file, hftbacktest_lines, loads_lines, small_journal, ticker

from engine.runtime.cli import engine
from engine.runtime.exits import Exit
from journal.disk import RealDisk
from journal.verify import verify


def run(*words: object, code: int = 0) -> Result:
    found = CliRunner().invoke(engine, ["journal", *map(str, words)])

    assert found.exit_code == code, found.output
    return found


def document(*words: object, code: int = 0) -> dict:
    return json.loads(run(*words, "--json", code=code).stdout)


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    return small_journal(tmp_path_factory.mktemp("commands") / "journal")


@pytest.fixture
def copy(sealed, tmp_path):
    return shutil.copytree(sealed, tmp_path / "copy")


def break_segment(folder: Path, number: int) -> None:
    path = folder / f"{number:08d}.zst"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(bytes(data))


def test_import_prints_what_became_of_every_file(tmp_path):
    path = hftbacktest_file(tmp_path, 30)
    catalogue = tmp_path / "info.json"
    catalogue.write_text('{"venue":"binance-usdm","source":"typed by hand","symbols":[]}')
    found = run("import", path, "--catalog", catalogue, "-o", tmp_path / "journal")

    assert "32 records" in found.stdout
    assert "binance-usdm-catalogue" in found.stdout
    assert "no --catalog" not in found.stderr
    assert verify(RealDisk(), tmp_path / "journal").verdict == "CLEAN"


def test_import_lists_the_first_lines_it_could_not_place_and_json_lists_all(tmp_path):
    path = tmp_path / "btcusdt.txt"
    path.write_bytes(hftbacktest_lines(3) + b"junk\n\n" * 15 + b"a\nb\n")
    options = ("import", path, "--venue", "binance-usdm", "--format", "hftbacktest", "--no-seal", "-o")
    found = run(*options, tmp_path / "one")
    fields = document(*options, tmp_path / "two")

    assert found.stdout.count("not placed: ") == 21
    assert "not placed: btcusdt.txt, lines 34 to 35: no receive time" not in found.stdout
    assert "not placed: 11 more places; --json lists all" in found.stdout
    assert fields["schema"] == "refold.journal.import/1"
    assert fields["unplaced_lines"] == 32
    assert fields["recordings"][0]["unplaced"][-1]["last"] == 35
    assert "no --catalog" in found.stderr


def test_import_tells_of_lines_without_time_sent_and_out_of_order(tmp_path):
    feed = tmp_path / "feed.txt"
    url = b"wss://fstream.binance.com/stream"
    feed.write_bytes(
        url + b" <-> 1633998501.5\n" + url + b" <- 1633998501.6: {}\n\n1633998502.5: {}\n1633998502.4: {}\nx\ny\n"
    )
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"recv_ms":1633998502000,"payload":"{\\"event_type\\":\\"book\\"}"}\n{"payload":"{}"}\n')
    text = run("import", feed, rows, "-o", tmp_path / "journal").stdout

    for line in (
        "feed.txt: 1 line with a time before that of the line above, kept in place",
        "feed.txt: 1 line of what the recorder sent, not journalled",
        "feed.txt: 1 line blank or of the recorder itself, not journalled",
        "rows.jsonl: 1 line without receive time, given that of the line before",
        "not placed: feed.txt, lines 6 to 7: neither a frame nor news of a connection",
    ):
        assert line in text


def test_import_asks_for_what_it_must_not_guess(tmp_path):
    unnamed = tmp_path / "btcusdt_20240808.txt"
    unnamed.write_bytes(hftbacktest_lines(3))
    named = hftbacktest_file(tmp_path, 3, "ETHUSDT")
    misnamed = named.rename(tmp_path / "usdm_solusdt_20240808.gz")

    assert "add --venue VENUE" in run("import", unnamed, "-o", tmp_path / "j", code=Exit.USAGE).stderr
    assert "add --symbol SYMBOL" in run("import", misnamed, "-o", tmp_path / "j", code=Exit.USAGE).stderr
    assert not (tmp_path / "j").exists()


def test_answers_may_be_given_for_one_file_by_its_name(tmp_path):
    files = [tmp_path / "a_20240808.txt", tmp_path / "b_20240808.txt"]
    snapshot = b"1723161255000000009 " + b'{"lastUpdateId":5,"bids":[],"asks":[]}'
    for file in files:
        file.write_bytes(hftbacktest_lines(2) + snapshot)
    fields = document(
        "import",
        *files,
        *("--venue", "binance-usdm", "--venue", f"{files[1].name}=binance-spot"),
        *("--symbol", "btcusdt", "-o", tmp_path / "journal"),
    )
    metas = [
        one["payload"]["meta"]
        for one in loads_lines(run("cat", tmp_path / "journal", "--kind", "*DEPTH", "--json").stdout)
    ]

    assert [one["venue"] for one in fields["recordings"]] == ["binance-usdm", "binance-spot"]
    assert metas == [{"symbol": "BTCUSDT"}] * 2


@pytest.mark.parametrize(
    "options", [("--venue", "nasdaq"), ("--venue", "c.txt=binance-spot"), ("--symbol", "c.txt=X"), ("--format", "csv")]
)
def test_answers_that_mean_nothing_are_errors_of_usage(tmp_path, options):
    path = hftbacktest_file(tmp_path, 3)

    run("import", path, *options, "-o", tmp_path / "journal", code=Exit.USAGE)


def test_a_catalogue_of_one_polymarket_stream_is_polymarkets(tmp_path):
    rows, catalogue = tmp_path / "rows.jsonl", tmp_path / "market.json"
    rows.write_text('{"recv_ms":1633998502000,"payload":"{}"}\n')
    catalogue.write_text('{"anything":1}')
    fields = document("import", rows, "--catalog", catalogue, "--venue", "polymarket", "-o", tmp_path / "journal")

    assert [one["source_name"] for one in fields["catalogues"] + fields["recordings"]] == [
        "polymarket-catalogue",
        "polymarket-market",
    ]


def test_import_refuses_a_folder_in_use_and_a_file_that_is_no_recording(tmp_path, sealed):
    path = hftbacktest_file(tmp_path, 3)
    junk = tmp_path / "junk"
    junk.write_bytes(b"hello\n")

    assert "the folder is not empty" in run("import", path, "-o", sealed, code=Exit.USAGE).stderr
    assert "no recording of a known format" in run("import", junk, "-o", tmp_path / "j", code=Exit.DAMAGED).stderr


def test_info_prints_the_figures(sealed):
    text = run("info", sealed).stdout
    fields = document("info", sealed)

    assert "60 (seq 1 to 60)" in text
    assert "(folder, 3 segments)" in text
    assert (fields["schema"], fields["records"]) == ("refold.journal.info/1", 60)


def test_kinds_have_their_names_in_every_segment_too(sealed):
    for fields in (document("info", sealed), document("verify", sealed)):
        counts = [one["by_kind"] for one in fields["segments"]]

        assert {name for one in counts for name in one} == {"POLYMARKET_MARKET", "BINANCE_USDM", "VERDICT"}
        assert sum(sum(one.values()) for one in counts) == 60


def test_info_of_an_empty_journal_has_dashes(tmp_path):
    text = run("info", small_journal(tmp_path / "empty", records=0, segments=1)).stdout

    assert "times     - to -" in text


def test_verify_ends_with_zero_or_three_and_says_where(sealed, copy):
    assert run("verify", sealed).stdout.startswith("CLEAN: 60 records in 3 segments: checksums, chain, sequence and")
    assert run("verify", sealed / "00000001.zst").stdout.endswith("checksums, chain and sequence hold\n")
    break_segment(copy, 2)
    found = run("verify", copy, code=Exit.DAMAGED)
    fields = document("verify", copy, code=Exit.DAMAGED)

    assert found.stdout.startswith("CORRUPT: ")
    assert "00000002.zst" in found.stdout
    assert "--format journal" in found.stderr
    assert (fields["schema"], fields["verdict"], fields["refused"]) == ("refold.journal.verify/1", "CORRUPT", False)


def test_verify_tells_torn_from_corrupt_and_notes_missing_manifests_and_evidence(copy, tmp_path):
    torn = small_journal(tmp_path / "torn", sealed=False, finish=False)
    wal = torn / "00000003.wal"
    wal.write_bytes(wal.read_bytes() + b"\0" * 5)
    found = run("verify", torn, code=Exit.DAMAGED)

    assert found.stdout.startswith(f"TORN: {wal}: at byte ")
    assert "every record up to 60 is good\n" in found.stdout
    assert "Next:  nothing" in found.stderr
    for words in (("cat", torn), ("export", torn, "-o", tmp_path / "torn.csv")):
        assert f"note: the last 5 bytes are no records, torn or still being written ({wal}, " in run(*words).stderr
    saved = run("export", torn, "--format", "journal", "-o", tmp_path / "saved").stdout
    assert f"what ended it: {wal}: damaged at byte " in saved
    (copy / "00000001.manifest.json").unlink()
    (copy / "00000003.torn-7").write_bytes(b"")
    text = run("verify", copy).stdout
    assert "note: 00000001.zst has no manifest" in text
    assert "note: 00000003.torn-7 holds what a recovery cut off" in text


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("00000002.manifest.json", lambda data: data[:50]),
        ("00000002.manifest.json", lambda data: data.replace(b'"records": 20', b'"records": 21')),
        ("00000002.zst", lambda data: data[:-4]),
        ("00000003.zst", lambda data: data + b"more"),
    ],
)
def test_what_only_repeats_the_blocks_is_told_apart_and_can_be_made_anew(copy, name, spoil):
    path = copy / name
    path.write_bytes(spoil(path.read_bytes()))
    found = run("verify", copy, code=Exit.DAMAGED)

    assert found.stdout.startswith(f"CORRUPT: {path}: damaged at byte ")
    assert "all 60 records in 3 segments are good: it stands beside the blocks\n" in found.stdout
    assert f"Next:  `engine journal seal {copy} --renew` makes it anew from the blocks" in found.stderr
    assert run("info", copy).exit_code == 0
    assert f"segment {int(name[:8])}: " in run("seal", copy, "--renew").stdout
    assert run("verify", copy).exit_code == 0
    assert run("seal", copy, "--renew").stdout == "nothing to seal, and nothing to renew\n"
    assert document("seal", copy, "--renew")["renewed"] == []


def test_a_file_alone_with_a_broken_index_gets_a_new_one_by_bundling_it(sealed, tmp_path):
    path = tmp_path / "day.zst"
    path.write_bytes((sealed / "00000002.zst").read_bytes()[:-4])
    found = run("verify", path, code=Exit.DAMAGED)

    assert f"Next:  `engine journal bundle {path} -o NEW.zst` writes the blocks with a new index" in found.stderr
    assert "every block holds" in run("bundle", path, "-o", tmp_path / "new.zst").stderr
    assert run("verify", tmp_path / "new.zst").exit_code == 0
    assert (tmp_path / "new.zst").read_bytes() == (sealed / "00000002.zst").read_bytes()


def test_what_cannot_be_read_at_all_is_not_said_to_be_saved(tmp_path):
    path = tmp_path / "00000001.zst"
    path.write_bytes(b"\x28\xb5\x2f\xfd" + bytes(100))
    found = run("verify", path, code=Exit.DAMAGED)

    assert "no record is good\n" in found.stdout
    assert "fetch another copy: nothing can be read of this one" in found.stderr


def test_info_counts_where_a_manifest_cannot_be_read(copy):
    whole = document("info", copy)
    (copy / "00000002.manifest.json").write_bytes(b"{")
    found = document("info", copy)

    assert found["by_kind"] == whole["by_kind"]
    assert "counted from the records: " in found["notes"][0]
    assert [one["status"] for one in found["segments"]] == ["SEALED_OK", None, "SEALED_OK"]


def test_a_label_is_shown_and_refused_until_it_is_lifted(copy):
    segment = copy / "00000002.zst"
    before = segment.read_bytes()
    made = document("label", segment, "--invalid", "--reason", "the clock was off")

    assert (made["schema"], made["segment_no"]) == ("refold.journal.label/1", 2)
    assert "the clock was off" in run("info", copy).stdout
    assert "segment 2 is marked invalid since" in run("verify", copy, code=Exit.DAMAGED).stdout
    assert run("verify", copy, "--include-invalid").exit_code == 0
    assert "--include-invalid" in run("export", copy, "-o", copy / "x.csv", code=Exit.DAMAGED).stderr
    assert "marked invalid" in run("bundle", copy, "-o", copy / "b.zst", code=Exit.DAMAGED).stderr
    assert "marked invalid" in run("cat", copy, "--limit", "1").stderr
    run("export", copy, "-o", copy / "x.csv", "--include-invalid")
    run("bundle", copy, "-o", copy / "b.zst", "--include-invalid")
    assert "no longer marked invalid" in run("label", segment, "--valid", "--reason", "it was right").stdout
    assert run("verify", copy).exit_code == 0
    assert "marked" not in run("cat", copy, "--limit", "1").stderr
    assert segment.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("00000001.zst", ("--reason", "why")),
        ("00000001.zst", ("--invalid",)),
        ("00000001.zst", ("--invalid", "--reason", " ")),
        ("00000001.zst", ("--invalid", "--reason", "two\nlines")),
        ("00000001.manifest.json", ("--invalid", "--reason", "why")),
        ("journal.lock", ("--invalid", "--reason", "why")),
    ],
)
def test_a_label_needs_a_segment_a_verdict_and_a_reason(copy, name, options):
    run("label", copy / name, *options, code=Exit.USAGE)

    assert list(copy.glob("*.label.json")) == []


def test_cat_prints_lines_documents_or_exact_frames(sealed):
    lines = run("cat", sealed, "--from", "9", "--until", "10").stdout.splitlines()
    rows = loads_lines(run("cat", sealed, "--json").stdout)
    raw = run("cat", sealed, "--raw", "--source", "binance-usdm", "--limit", "2").stdout_bytes

    assert lines[0].split()[:4] == ["9", "2024-08-08T23:54:15.008000000Z", "BINANCE_USDM", "binance-usdm"]
    assert "cause 9 " in lines[1]
    assert [row["seq"] for row in rows] == list(range(1, 61))
    assert rows[0]["payload"]["frame"]["data"]["s"] == "BTCUSDT"
    assert raw == ticker(0) + b"\n" + ticker(1) + b"\n"
    assert "... (" in run("cat", sealed, "--limit", "1", "--width", "20").stdout
    assert "... (" not in run("cat", sealed, "--width", "0").stdout


@pytest.mark.parametrize(
    "options",
    [("--raw", "--json"), ("--from", "soon"), ("--kind", "NO_SUCH"), ("--source", "nobody"), ("--limit", "0")],
)
def test_cat_refuses_what_selects_nothing_ever(sealed, options):
    run("cat", sealed, *options, code=Exit.USAGE)


def test_cat_prints_all_that_stands_before_damage_and_then_says_so(copy):
    break_segment(copy, 3)
    found = run("cat", copy, "--json", code=Exit.DAMAGED)
    *rows, error = loads_lines(found.stdout)

    assert [row["seq"] for row in rows][:50] == list(range(1, 51))
    assert (error["schema"], error["exit_code"]) == ("refold.error/1", 3)


def test_cat_says_so_when_nothing_was_selected(sealed):
    beyond = run("cat", sealed, "--from", "61")
    absent = run("cat", sealed, "--kind", "TIMER", "--json")

    assert (beyond.stdout, absent.stdout) == ("", "")
    for found in (beyond, absent):
        assert found.stderr == "note: no record selected; the journal's are 1 to 60\n"
    assert run("cat", sealed, "--limit", "1").stderr == ""


def test_index_prints_blocks_and_tells_a_good_index_from_a_broken_one(sealed, copy):
    text = run("index", sealed / "00000001.zst", "--rebuild").stdout
    fields = document("index", sealed)

    assert "stored index: equal" in text
    assert max(map(len, text.splitlines()[1:])) <= 80
    assert [one["stored"] for one in fields["files"]] == ["good"] * 3
    assert fields["files"][0]["seek_table"][-1][1] == 0
    path = copy / "00000001.zst"
    data = bytearray(path.read_bytes())
    data[-40] ^= 1
    path.write_bytes(bytes(data))
    broken = run("index", path, code=Exit.DAMAGED).stdout
    assert "stored index: " in broken
    assert "    0" in broken


def test_index_needs_a_sealed_file(tmp_path):
    walled = small_journal(tmp_path / "walled", sealed=False)

    assert "engine journal seal" in run("index", walled, code=Exit.USAGE).stderr


def test_seal_compresses_what_is_finished_and_leaves_what_is_open(tmp_path):
    folder = small_journal(tmp_path / "open", sealed=False, finish=False)
    text = run("seal", folder).stdout
    fields = document("seal", folder)

    assert "segment 1: 20 records" in text
    assert "segment 3: still open" in text
    assert (fields["sealed"], fields["open"]) == ([], [3])
    assert run("seal", small_journal(tmp_path / "sealed")).stdout == "nothing to seal\n"


def test_bundle_copies_checked_segments(sealed, copy, tmp_path):
    out = tmp_path / "journal.zst"
    text = run("bundle", sealed, "-o", out).stdout
    fields = document("bundle", sealed, "-o", tmp_path / "other.zst")

    assert "3 segments, records 1 to 60" in text
    assert (fields["schema"], fields["segments"]) == ("refold.journal.bundle/1", [1, 2, 3])
    assert "already" in run("bundle", sealed, "-o", out, code=Exit.USAGE).stderr
    break_segment(copy, 2)
    assert "CORRUPT" in run("bundle", copy, "-o", tmp_path / "bad.zst", code=Exit.DAMAGED).stderr
    walled = small_journal(tmp_path / "walled", sealed=False)
    assert "engine journal seal" in run("bundle", walled, "-o", tmp_path / "w.zst", code=Exit.USAGE).stderr


def test_export_takes_its_format_from_the_name_and_a_selection(sealed, tmp_path):
    text = run("export", sealed, "-o", tmp_path / "x.parquet", "--kind", "VERDICT").stdout
    fields = document("export", sealed, "-o", tmp_path / "x.data", "--format", "csv", "--limit", "3")

    assert "6 records as parquet" in text
    assert pyarrow.parquet.read_table(tmp_path / "x.parquet")["seq"].to_pylist() == [10, 20, 30, 40, 50, 60]
    assert (fields["format"], fields["records"], fields["damage"]) == ("csv", 3, None)
    assert "say --format" in run("export", sealed, "-o", tmp_path / "x.data2", code=Exit.USAGE).stderr


def test_export_of_a_damaged_journal_saves_what_stands_before_if_told_so(copy, tmp_path):
    break_segment(copy, 3)
    run("export", copy, "-o", tmp_path / "x.jsonl", code=Exit.DAMAGED)
    assert not (tmp_path / "x.jsonl").exists()
    found = run("export", copy, "-o", tmp_path / "x.jsonl", "--until-damage", code=Exit.DAMAGED)

    assert "50 records as jsonl" in found.stdout
    assert "00000003.zst" in found.stderr
    assert len((tmp_path / "x.jsonl").read_text().splitlines()) == 50


def test_export_saves_a_damaged_journal_as_a_new_one(copy, tmp_path):
    break_segment(copy, 3)
    text = run("export", copy, "--format", "journal", "-o", tmp_path / "saved").stdout
    fields = document("export", copy, "--format", "journal", "-o", tmp_path / "again")

    assert "records 1 to 50 in a new journal, status SALVAGED" in text
    assert "what ended it: " in text
    assert "00000003.zst" in fields["damage"]
    assert "SALVAGED" in run("info", tmp_path / "saved").stdout
    assert verify(RealDisk(), tmp_path / "saved").records == 50
    run("export", copy, "--format", "journal", "--limit", "3", "-o", tmp_path / "part", code=Exit.USAGE)


@pytest.mark.parametrize(
    "content", [b"", b"JRNLSEG1", b"\x28\xb5\x2f\xfd\xe0" + b"\xff" * 60, b"\x1f\x8b junk", b"x" * 200]
)
@pytest.mark.parametrize("name", ["00000001.zst", "00000001.wal", "journal.zst"])
def test_hostile_files_get_one_sentence_and_exit_code_three(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    for words in (["info", path], ["cat", path], ["verify", path], ["export", path, "-o", tmp_path / "x.csv"]):
        found = run(*words, code=Exit.DAMAGED)
        said = [line for line in found.output.splitlines() if line.startswith(("Error: ", "CORRUPT: ", "TORN: "))]

        assert len(said) == 1, found.output
        assert "Traceback" not in found.output


def test_links_are_not_followed(sealed, tmp_path):
    (tmp_path / "00000001.zst").symlink_to(sealed / "00000001.zst")
    (tmp_path / "pipe.zst").symlink_to("/dev/zero")

    for path in (tmp_path / "00000001.zst", tmp_path / "pipe.zst", tmp_path):
        assert run("cat", path, code=Exit.DAMAGED).stderr.count("Error: ") == 1


# -- decode ------------------------------------------------------------------------------------------------------------


def test_decode_writes_a_sidecar_beside_each_sealed_segment_and_leaves_those_that_fit(copy: Path) -> None:
    first = document("decode", copy)
    text = run("decode", copy).stdout

    assert first["written"] == sorted(str(path) for path in copy.glob("*.events"))
    assert len(first["written"]) == len(list(copy.glob("*.zst")))
    assert (first["kept"], document("decode", copy)["kept"]) == ([], first["written"])
    assert text.count(": fits already") == len(first["written"])
    (copy / "00000001.events").write_bytes(b"")
    assert " bytes" in run("decode", copy).stdout
    run("verify", copy)


def test_decode_says_what_to_do_where_nothing_is_sealed(tmp_path: Path) -> None:
    walled = small_journal(tmp_path / "walled", sealed=False)

    assert "engine journal seal" in run("decode", walled, code=Exit.USAGE).stderr
