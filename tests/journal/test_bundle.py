"""Bundles: one file, the same raw stream, the same records."""

import shutil
import subprocess

import pytest
import zstandard
from recordings import small_journal

from journal.bundle import NotSealed, bundle
from journal.disk import RealDisk
from journal.errors import Damaged, Taken
from journal.reader import open_journal
from journal.tables import describe_tables, sealed_files
from journal.verify import verify

DISK = RealDisk()


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    return small_journal(tmp_path_factory.mktemp("sealed") / "journal")


def make(source, target, **options):
    with open_journal(source) as journal:
        return bundle(DISK, journal.segments, target, **options)


def raw_stream(folder) -> bytes:
    """All segments of a folder, unpacked, one after the other."""
    context = zstandard.ZstdDecompressor()
    return b"".join(
        context.stream_reader(path.read_bytes(), read_across_frames=True).read()
        for path in sorted(folder.glob("*.zst"))
    )


def test_plain_zstd_unpacks_a_bundle_to_the_segments_one_after_the_other(sealed, tmp_path):
    report = make(sealed, tmp_path / "journal.zst")
    unpacked = tmp_path / "journal.raw"
    if shutil.which("zstd"):
        subprocess.run(["zstd", "-q", "-d", tmp_path / "journal.zst", "-o", unpacked], check=True)
        assert unpacked.read_bytes() == raw_stream(sealed)

    assert raw_stream(tmp_path) == raw_stream(sealed)
    assert report.raw_bytes == len(raw_stream(sealed))
    assert report.zst_bytes == (tmp_path / "journal.zst").stat().st_size


def test_a_bundle_opens_as_the_journal_it_was_made_of(sealed, tmp_path):
    make(sealed, tmp_path / "journal.zst")
    with open_journal(sealed) as one, open_journal(tmp_path / "journal.zst") as other:
        expected = [(r.seq, r.segment_no, r.offset, r.payload) for r in one.records()]

        assert [(r.seq, r.segment_no, r.offset, r.payload) for r in other.records()] == expected
        assert (other.head, other.journal_id, other.sources) == (one.head, one.journal_id, one.sources)
        assert [r.seq for r in other.records(33, 41)] == list(range(33, 42))
        assert [s.number for s in other.segments] == [1, 2, 3]


def test_a_bundle_of_a_bundle_is_the_same_file(sealed, tmp_path):
    make(sealed, tmp_path / "one.zst")
    make(tmp_path / "one.zst", tmp_path / "two.zst")

    assert (tmp_path / "one.zst").read_bytes() == (tmp_path / "two.zst").read_bytes()


def test_a_bundles_tables_are_what_its_blocks_give(sealed, tmp_path):
    seen: list[int] = []
    report = make(sealed, tmp_path / "journal.zst", advance=seen.append)
    (path,) = sealed_files(DISK, tmp_path / "journal.zst")
    tables = describe_tables(DISK, path, rebuild=True)
    fields = tables.as_dict()

    assert tables.stored == "equal"
    assert len(tables.blocks) == report.blocks
    assert tables.head == report.head
    assert sum(seen) == sum(comp for comp, _ in fields["seek_table"][:-1])
    tables_size = fields["seek_table"][-1][0] + 8 + 8 * len(fields["seek_table"]) + 9
    assert sum(seen) + tables_size == report.zst_bytes


def test_a_part_of_a_journal_can_be_bundled(sealed, tmp_path):
    with open_journal(sealed) as journal:
        report = bundle(DISK, journal.segments[1:], tmp_path / "part.zst")

    assert (report.segments, report.first_seq, report.last_seq) == ([2, 3], 21, 60)
    assert verify(DISK, tmp_path / "part.zst").verdict == "CLEAN"


def test_what_is_not_sealed_or_would_be_overwritten_is_refused(sealed, tmp_path):
    walled = small_journal(tmp_path / "walled", sealed=False)
    with pytest.raises(NotSealed):
        make(walled, tmp_path / "journal.zst")
    (tmp_path / "journal.zst").write_bytes(b"mine")

    with pytest.raises(Taken):
        make(sealed, tmp_path / "journal.zst")
    assert (tmp_path / "journal.zst").read_bytes() == b"mine"


def test_a_stale_partial_file_is_replaced_and_a_failed_bundle_leaves_none(sealed, tmp_path):
    partial = tmp_path / "journal.zst.partial"
    partial.write_bytes(b"stale")
    folder = shutil.copytree(sealed, tmp_path / "copy")
    with open_journal(folder) as journal:
        cut = folder / "00000003.zst"
        cut.write_bytes(cut.read_bytes()[:100])
        with pytest.raises(Damaged, match="shorter than its block index"):
            bundle(DISK, journal.segments, tmp_path / "journal.zst")

    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy"]


def test_segments_that_do_not_join_do_not_become_a_bundle(sealed, tmp_path):
    with open_journal(sealed) as journal, pytest.raises(Damaged):
        bundle(DISK, [journal.segments[0], journal.segments[2]], tmp_path / "journal.zst")

    assert list(tmp_path.iterdir()) == []


def test_a_bundle_that_does_not_read_back_as_asked_is_not_kept(sealed, tmp_path, monkeypatch):
    monkeypatch.setattr("journal.bundle.open_sealed", lambda disk, path: [])
    with pytest.raises(Damaged, match="does not read back"):
        make(sealed, tmp_path / "journal.zst")

    assert list(tmp_path.iterdir()) == []


def test_a_broken_index_is_told_and_made_anew(sealed, tmp_path):
    path = tmp_path / "00000001.zst"
    data = bytearray((sealed / "00000001.zst").read_bytes())
    good = describe_tables(DISK, sealed / "00000001.zst", rebuild=False)
    data[-30] ^= 1
    path.write_bytes(bytes(data))
    broken = describe_tables(DISK, path, rebuild=False)

    assert good.stored == "good"
    assert broken.stored.startswith(str(path))
    assert [(b.first_seq, b.raw_off) for b in broken.blocks] == [(b.first_seq, b.raw_off) for b in good.blocks]
    assert sealed_files(DISK, tmp_path / "x.wal") == []
    assert [one.name for one in sealed_files(DISK, sealed)] == ["00000001.zst", "00000002.zst", "00000003.zst"]
