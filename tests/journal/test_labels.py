"""Labels beside segments."""

import pytest

from journal.disk import RealDisk
from journal.labels import BadLabel, Label, MarkedInvalid, label_path, read_labels, refuse_invalid, write_label

DISK = RealDisk()


def test_a_label_is_read_back_as_it_was_written_and_the_segment_is_untouched(tmp_path):
    segment = tmp_path / "00000001.zst"
    segment.write_bytes(b"sealed")
    write_label(DISK, tmp_path, Label(1, True, "clock was wrong", "2026-01-01T00:00:00.000000000Z"))
    write_label(DISK, tmp_path, Label(1, True, "clock was an hour off", "2026-01-02T00:00:00.000000000Z"))

    assert read_labels(DISK, tmp_path)[1].reason == "clock was an hour off"
    assert segment.read_bytes() == b"sealed"
    assert sorted(DISK.names(tmp_path)) == ["00000001.label.json", "00000001.zst"]


def test_a_journal_with_an_invalid_segment_is_refused_and_its_other_segments_are_not(tmp_path):
    for number in (1, 2):
        (tmp_path / f"{number:08d}.zst").write_bytes(b"")
    write_label(DISK, tmp_path, Label(2, True, "bad", "then"))

    refuse_invalid(DISK, tmp_path / "00000001.zst")
    with pytest.raises(MarkedInvalid, match="segment 2 is marked invalid"):
        refuse_invalid(DISK, tmp_path)
    with pytest.raises(MarkedInvalid):
        refuse_invalid(DISK, tmp_path / "00000002.zst")


def test_a_label_that_says_valid_refuses_nothing(tmp_path):
    write_label(DISK, tmp_path, Label(1, False, "looked at it", "then"))

    refuse_invalid(DISK, tmp_path)
    assert read_labels(DISK, tmp_path)[1].as_dict()["invalid"] is False


def test_a_bundle_beside_labels_carries_none(tmp_path):
    write_label(DISK, tmp_path, Label(1, True, "bad", "then"))
    bundle = tmp_path / "journal.zst"
    bundle.write_bytes(b"")

    refuse_invalid(DISK, bundle)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b'{"format":"refold.label/1","segment_no":2}',
        b'{"format":"refold.label/1","segment_no":1,"invalid":1,"reason":"","labelled":""}',
        b" " * 70_000,
    ],
)
def test_a_label_that_cannot_be_read_is_an_error_and_never_taken_for_none(tmp_path, text):
    label_path(tmp_path, 1).write_bytes(text)

    with pytest.raises(BadLabel):
        read_labels(DISK, tmp_path)


def test_a_label_that_is_a_link_is_not_followed(tmp_path):
    (tmp_path / "other").write_bytes(b"{}")
    label_path(tmp_path, 1).symlink_to(tmp_path / "other")

    with pytest.raises(BadLabel):
        read_labels(DISK, tmp_path)


def test_a_stale_temporary_file_is_replaced(tmp_path):
    label_path(tmp_path, 1).with_name("00000001.label.json.tmp").write_bytes(b"half")
    write_label(DISK, tmp_path, Label(1, True, "bad", "then"))

    assert DISK.names(tmp_path) == ["00000001.label.json"]
