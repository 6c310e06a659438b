"""Verification: every flipped byte, cut and swap is found, and said where."""

import json
import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import START_NS, small_journal

from engine.kernel.record import CONTROL, DERIVED, LAST, NONE
from journal.bundle import bundle
from journal.codec import encode
from journal.disk import RealDisk
from journal.frames import Compressor
from journal.index import Index, encode_tables
from journal.labels import Label, write_label
from journal.manifest import read_manifest, write_manifest
from journal.payloads import BlockEnd, decode_block_end
from journal.reader import open_journal
from journal.recovery import CLEAN, CORRUPT, TORN
from journal.seal import seal
from journal.segment import Entry, Header, new_chain
from journal.verify import Verification, verify

DISK = RealDisk()


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    return small_journal(tmp_path_factory.mktemp("sealed") / "journal")


@pytest.fixture(scope="module")
def walled(tmp_path_factory):
    return small_journal(tmp_path_factory.mktemp("walled") / "journal", sealed=False, finish=False)


@pytest.fixture(scope="module")
def bundled(sealed, tmp_path_factory):
    target = tmp_path_factory.mktemp("bundled") / "journal.zst"
    with open_journal(sealed) as journal:
        bundle(DISK, journal.segments, target)
    return target


@pytest.fixture
def copy(sealed, tmp_path):
    return shutil.copytree(sealed, tmp_path / "copy")


def test_a_good_journal_is_clean_in_every_form(sealed, walled, bundled):
    forms = [sealed, walled, bundled, sealed / "00000002.zst", walled / "00000002.wal"]

    assert [(v.verdict, v.records) for v in (verify(DISK, path) for path in forms)] == [
        (CLEAN, 60),
        (CLEAN, 60),
        (CLEAN, 60),
        (CLEAN, 20),
        (CLEAN, 20),
    ]
    assert {one.manifest for one in verify(DISK, sealed).segments} == {"fits"}
    assert {one.manifest for one in verify(DISK, bundled).segments} == {"none"}


def test_progress_counts_the_raw_bytes(sealed):
    seen: list[int] = []
    found = verify(DISK, sealed, seen.append)

    assert sum(seen) == sum(one.raw_bytes for one in found.segments)


@settings(max_examples=150)
@given(data=st.data())
def test_any_flipped_byte_of_a_sealed_file_is_damage(sealed, tmp_path_factory, data):
    good = (sealed / "00000001.zst").read_bytes()
    at = data.draw(st.integers(0, len(good) - 1), label="byte")
    bad = bytearray(good)
    bad[at] ^= data.draw(st.integers(1, 255), label="flip")
    folder = tmp_path_factory.mktemp("flipped")
    for name in ("00000001.zst", "00000001.manifest.json"):
        (folder / name).write_bytes(bytes(bad) if name.endswith("zst") else (sealed / name).read_bytes())
    found = verify(DISK, folder)

    assert found.verdict == CORRUPT
    assert found.file is not None
    assert found.reason
    shutil.rmtree(folder)


@settings(max_examples=150)
@given(data=st.data())
def test_a_flipped_byte_of_a_wal_never_passes_as_clean_and_never_hides_what_stands_before(
    walled, tmp_path_factory, data
):
    good = (walled / "00000003.wal").read_bytes()
    at = data.draw(st.integers(0, len(good) - 1), label="byte")
    bad = bytearray(good)
    bad[at] ^= data.draw(st.integers(1, 255), label="flip")
    path = tmp_path_factory.mktemp("flipped") / "00000003.wal"
    path.write_bytes(bytes(bad))
    found = verify(DISK, path)

    assert found.verdict in (TORN, CORRUPT)
    assert found.offset is not None
    assert found.offset <= at


def test_a_torn_tail_is_torn_and_the_same_in_a_lower_segment_is_corrupt(walled, tmp_path):
    folder = shutil.copytree(walled, tmp_path / "copy")
    last = folder / "00000003.wal"
    last.write_bytes(last.read_bytes() + b"\0" * 20)

    assert (verify(DISK, folder).verdict, verify(DISK, folder).last_good_seq) == (TORN, 60)
    lower = folder / "00000002.wal"
    lower.write_bytes(lower.read_bytes() + b"\0" * 20)
    assert (verify(DISK, folder).verdict, verify(DISK, folder).last_good_seq) == (CORRUPT, 40)


def test_a_lower_segment_without_its_end_is_corrupt(walled, tmp_path):
    folder = shutil.copytree(walled, tmp_path / "copy")
    shutil.copy(folder / "00000003.wal", folder / "00000003.keep")
    cut = (folder / "00000002.wal").read_bytes()[:-128]
    (folder / "00000002.wal").write_bytes(cut)

    assert "lacks its final block" in verify(DISK, folder).reason


def test_a_missing_segment_is_a_gap(copy):
    (copy / "00000002.zst").unlink()
    (copy / "00000002.manifest.json").unlink()
    found = verify(DISK, copy)

    assert found.verdict == CORRUPT
    assert "segment 3 follows 1" in found.reason


def test_a_segment_of_which_only_the_manifest_is_left_is_missing(copy):
    (copy / "00000003.zst").unlink()
    found = verify(DISK, copy)

    assert found.verdict == CORRUPT
    assert "cannot be read: No such file" in found.reason


def test_a_renamed_segment_is_found(copy):
    (copy / "00000001.zst").rename(copy / "00000007.zst")
    for path in [*copy.glob("*.manifest.json"), copy / "00000002.zst", copy / "00000003.zst"]:
        path.unlink()

    assert "the name says 7" in verify(DISK, copy).reason


@pytest.mark.parametrize("field", ["records", "raw_blake2b", "zst_blake2b", "head_hash", "records_by_kind", "last_seq"])
def test_a_manifest_that_states_something_else_is_damage_in_the_manifest(copy, field):
    manifest = read_manifest(DISK, copy, 2)
    write_manifest(DISK, copy, {**manifest, field: "other"})
    found = verify(DISK, copy)

    assert found.verdict == CORRUPT
    assert f"the manifest states {field} 'other'" in found.reason
    assert found.file is not None
    assert found.file.endswith("00000002.manifest.json")
    assert (found.whole, found.records, found.last_good_seq) == (True, 60, 60)


def spoil_index(path):
    path.write_bytes(path.read_bytes()[:-4])


@pytest.mark.parametrize(
    ("name", "spoil", "says"),
    [
        ("00000001.manifest.json", lambda path: path.write_bytes(b"{"), "the manifest is no JSON"),
        ("00000003.manifest.json", lambda path: path.write_bytes(b"{}"), "the manifest is not of format"),
        (
            "00000002.manifest.json",
            lambda path: (path.unlink(), path.symlink_to("00000001.manifest.json")),
            "a symbolic link",
        ),
        ("00000002.zst", spoil_index, "no seek table ends the file"),
        ("00000001.zst", lambda path: path.write_bytes(path.read_bytes() + b"more"), "no seek table ends the file"),
    ],
)
def test_what_is_wrong_beside_the_blocks_does_not_hide_that_every_record_is_good(copy, name, spoil, says):
    spoil(copy / name)
    found = verify(DISK, copy)

    assert (found.verdict, found.file) == (CORRUPT, str(copy / name))
    assert says in found.reason
    assert (found.whole, found.records, found.last_good_seq) == (True, 60, 60)
    assert found.beside[0].file == str(copy / name)
    states = [one.manifest for one in found.segments]
    assert states.count("bad") == sum(one.file.endswith("json") for one in found.beside)
    assert json.loads(json.dumps(found.as_dict()))["beside"][0]["reason"] == found.reason


def test_damage_in_a_block_is_named_before_what_is_wrong_beside_the_blocks(copy):
    (copy / "00000001.manifest.json").write_bytes(b"{")
    spoil_index(copy / "00000001.zst")
    path = copy / "00000002.zst"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    found = verify(DISK, copy)

    assert (found.verdict, found.file, found.whole) == (CORRUPT, str(path), False)
    assert 20 <= found.last_good_seq < 40
    assert [one.file.rpartition("/")[2] for one in found.beside] == ["00000001.zst", "00000001.manifest.json"]


def test_a_torn_tail_stays_torn_whatever_is_wrong_beside_the_blocks(tmp_path):
    folder = small_journal(tmp_path / "journal", sealed=False, finish=False)
    seal(DISK, folder, 1, sealed_ns=1)
    (folder / "00000001.manifest.json").write_bytes(b"{")
    last = folder / "00000003.wal"
    last.write_bytes(last.read_bytes() + b"\0" * 20)
    found = verify(DISK, folder)

    assert (found.verdict, found.file, len(found.beside)) == (TORN, str(last), 1)


def test_a_missing_manifest_is_told_and_is_no_damage(copy):
    (copy / "00000002.manifest.json").unlink()
    found = verify(DISK, copy)

    assert (found.verdict, [one.manifest for one in found.segments]) == (CLEAN, ["fits", "missing", "fits"])


def test_a_bundle_under_a_segments_name_is_damage(sealed, bundled, tmp_path):
    shutil.copy(bundled, tmp_path / "00000001.zst")

    assert "it holds 3 segments, expected one" in verify(DISK, tmp_path).reason


@pytest.mark.parametrize("keep", [0.9, 0.5, 0.2])
def test_a_cut_sealed_file_says_how_far_it_is_good(sealed, tmp_path, keep):
    data = (sealed / "00000001.zst").read_bytes()
    path = tmp_path / "00000001.zst"
    path.write_bytes(data[: int(len(data) * keep)])
    found = verify(DISK, path)

    assert found.verdict == CORRUPT
    assert 0 <= found.last_good_seq <= 20
    assert (found.last_good_seq > 0) == (keep > 0.3)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0",
        b"JRNLSEG1",
        b"JRNLSEG1" + b"\xff" * 200,
        b"\x28\xb5\x2f\xfd",
        b"\x28\xb5\x2f\xfd\xe0" + b"\xff" * 8 + b"\0" * 32,
        b"\x5e\x2a\x4d\x18" + b"\xff" * 40,
        b"#!/bin/sh\n" * 100,
        b"\x1f\x8b" + b"\0" * 60,
    ],
)
@pytest.mark.parametrize("name", ["00000001.zst", "00000001.wal", "journal.zst"])
def test_hostile_files_get_one_sentence(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    found = verify(DISK, path)

    assert found.verdict in (CORRUPT, TORN)
    assert found.reason
    assert "\n" not in found.reason


def crafted(*records: bytes) -> bytes:
    """The raw bytes of a segment with *records* in its one block, every checksum and hash right."""
    header = Header(bytes(16), 1, 1, START_NS, 0).encode()
    block = header + b"".join(records)
    chain = new_chain(bytes(32))
    chain.update(block)
    end = BlockEnd(0, len(records), 1, len(records), len(block), chain.digest(), START_NS, START_NS)
    return block + encode(len(records), START_NS, NONE, 0, 1, 1, 0, CONTROL | LAST, end.encode())


def crafted_zst(raw: bytes) -> bytes:
    """The same as a sealed file."""
    frame = Compressor().frame(raw)
    end = decode_block_end(raw[-80:])
    entry = Entry(0, 0, end.first_seq, end.last_seq, START_NS, START_NS, len(raw), len(frame), end.data_records)
    return frame + encode_tables(Index(end.chain, len(raw), [entry]))


INPUT = encode(1, START_NS, NONE, 0, 0x8001, 1, 2, 0, b"in")


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        (encode(2, START_NS, NONE, 7, 0x2001, 1, 1, DERIVED, b"out"), "derived record 2 names cause 7, expected 1"),
        (encode(3, START_NS, NONE, 1, 0x2001, 1, 1, DERIVED, b"out"), "record 3 follows 1, expected 2"),
        (encode(2, START_NS - 1, NONE, 1, 0x2001, 1, 1, DERIVED, b"out"), "lies before"),
    ],
)
def test_records_that_no_writer_would_write_are_damage_though_every_checksum_fits(tmp_path, second, reason):
    wal, zst = tmp_path / "00000001.wal", tmp_path / "00000001.zst"
    wal.write_bytes(crafted(INPUT, second))
    zst.write_bytes(crafted_zst(crafted(INPUT, second)))
    sealed = verify(DISK, zst)

    assert reason in verify(DISK, wal).reason
    assert (sealed.verdict, sealed.file) == (CORRUPT, str(zst))
    assert reason in sealed.reason


def test_a_crafted_file_without_fault_is_clean(tmp_path):
    path = tmp_path / "00000001.zst"
    path.write_bytes(crafted_zst(crafted(INPUT)))

    assert verify(DISK, path).verdict == CLEAN


def test_an_empty_folder_is_no_journal(tmp_path):
    assert "holds no segment" in verify(DISK, tmp_path).reason


def test_labels_and_evidence_are_told(copy):
    write_label(DISK, copy, Label(2, True, "clock", "then"))
    write_label(DISK, copy, Label(1, False, "looked at", "then"))
    (copy / "00000003.torn-128").write_bytes(b"cut")
    found = verify(DISK, copy)

    assert [label.segment for label in found.invalid] == [2]
    assert found.torn_files == ["00000003.torn-128"]
    assert json.loads(json.dumps(found.as_dict()))["labels"][1]["reason"] == "clock"
    assert Verification("x").records == 0
