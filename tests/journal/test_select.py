"""Selections and summaries of a journal."""

import json
import shutil

import pytest
from recordings import START_NS, small_journal

from journal.bundle import bundle
from journal.disk import RealDisk
from journal.errors import Damaged
from journal.labels import Label, write_label
from journal.reader import open_journal
from journal.select import BadSelection, Selection, select, source_names
from journal.show import utc
from journal.summary import raw_bytes, raw_bytes_at, summarise

DISK = RealDisk()


@pytest.fixture(scope="module")
def journal(tmp_path_factory):
    return small_journal(tmp_path_factory.mktemp("select") / "journal")


def seqs(journal, **chosen) -> list[int]:
    with open_journal(journal) as opened:
        return [one.seq for one in select(opened, Selection(**chosen))]


def test_without_any_wish_all_records_are_selected(journal):
    assert seqs(journal) == list(range(1, 61))
    assert not Selection().is_narrow
    assert Selection(limit=1).is_narrow


def test_both_ends_are_included_by_number_and_by_time(journal):
    at = {seq: utc(START_NS + (seq - 1) * 1_000_000) for seq in (19, 20, 21, 41, 42)}

    assert seqs(journal, start="19", end="42") == list(range(19, 43))
    assert seqs(journal, start=at[19], end=at[42]) == list(range(19, 43))
    assert seqs(journal, start=at[21], end=at[21]) == [21]
    assert seqs(journal, start=at[41].replace("Z", "1Z")[:-2] + "Z", end="42") == [41, 42]


def test_places_outside_the_journal_select_what_there_is(journal):
    assert seqs(journal, start="2020-01-01") == list(range(1, 61))
    assert seqs(journal, end="2020-01-01") == []
    assert seqs(journal, start="2030-01-01") == []
    assert seqs(journal, end="2030-01-01") == list(range(1, 61))
    assert seqs(journal, start="61") == []


def test_damage_hides_nothing_that_stands_before_it(journal, tmp_path):
    copy = shutil.copytree(journal, tmp_path / "copy")
    path = copy / "00000003.zst"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(bytes(data))
    with open_journal(copy) as opened:
        assert source_names(opened) == {1: "engine", 2: "binance-usdm", 3: "polymarket-market"}
        found = select(opened, Selection(sources=["poly*"]))
        assert [next(found).seq for _ in range(10)] == [4, 8, 12, 16, 24, 28, 32, 36, 44, 48]
        with pytest.raises(Damaged):
            next(found)


def test_sources_are_found_from_the_front_when_the_end_does_not_tell(journal, monkeypatch):
    def damaged(segment: object) -> dict[int, str]:
        raise Damaged("x", 0, "flipped")

    monkeypatch.setattr("journal.select.sources_of", damaged)
    with open_journal(journal / "00000002.zst") as opened:
        assert source_names(opened) == {1: "engine", 2: "binance-usdm", 3: "polymarket-market"}


def test_kinds_and_sources_are_names_patterns_or_numbers(journal):
    derived = list(range(10, 61, 10))
    polymarket = [n for n in range(1, 61) if n % 4 == 0 and n % 10]

    assert seqs(journal, kinds=["VERDICT"]) == seqs(journal, kinds=["verd*"]) == derived
    assert seqs(journal, kinds=["0x2001"]) == seqs(journal, kinds=["8193"]) == derived
    assert seqs(journal, kinds=["VERDICT", "POLYMARKET_*"]) == sorted(derived + polymarket)
    assert seqs(journal, sources=["poly*"]) == seqs(journal, sources=["3"]) == polymarket
    assert seqs(journal, sources=["1"], kinds=["BINANCE_USDM"]) == []
    assert seqs(journal, kinds=["0x8001"]) == []


def test_a_limit_counts_what_was_selected(journal):
    assert seqs(journal, kinds=["VERDICT"], limit=2) == [10, 20]


@pytest.mark.parametrize(
    ("chosen", "what"),
    [
        ({"start": "soon"}, "--from"),
        ({"end": "12345678901234567890"}, "--until"),
        ({"kinds": ["FROBNICATE"]}, "--kind"),
        ({"sources": ["elsewhere"]}, "--source"),
    ],
)
def test_a_word_that_selects_nothing_ever_is_an_error(journal, chosen, what):
    with pytest.raises(BadSelection) as refused:
        seqs(journal, **chosen)
    assert refused.value.what == what


def test_the_figures_are_the_same_from_manifests_records_and_a_walked_wal(journal, tmp_path):
    bare = shutil.copytree(journal, tmp_path / "bare")
    for path in bare.glob("*.manifest.json"):
        path.unlink()
    walled = small_journal(tmp_path / "walled", sealed=False)
    first = summarise(DISK, journal)

    assert first.by_kind == {"POLYMARKET_MARKET": 12, "BINANCE_USDM": 42, "VERDICT": 6}
    assert [(one.number, one.name, one.records) for one in first.sources] == [
        (1, "engine", 6),
        (2, "binance-usdm", 42),
        (3, "polymarket-market", 12),
    ]
    assert (first.records, first.first_seq, first.last_seq, first.form) == (60, 1, 60, "folder")
    assert (first.first_recv_ns, first.last_recv_ns) == (START_NS, START_NS + 58 * 1_000_000)
    assert [one.status for one in first.segments] == ["SEALED_OK"] * 3
    for other in (summarise(DISK, bare), summarise(DISK, walled)):
        assert (other.by_kind, other.sources, other.records) == (first.by_kind, first.sources, 60)
        assert [one.raw_bytes for one in other.segments] == [one.raw_bytes for one in first.segments]
    assert [one.state for one in summarise(DISK, walled).segments] == ["closed"] * 3
    assert [one.stored_bytes for one in first.segments] == [
        (journal / f"0000000{n}.zst").stat().st_size for n in (1, 2, 3)
    ]
    assert json.loads(json.dumps(first.as_dict()))["segments"][0]["first_seq"] == 1
    for path in (journal, bare, walled, walled / "00000002.wal"):
        with open_journal(path) as opened:
            assert raw_bytes_at(DISK, path) == raw_bytes(opened) > 0


def test_a_bundle_and_a_single_segment_are_told_apart(journal, tmp_path):
    with open_journal(journal) as opened:
        bundle(DISK, opened.segments, tmp_path / "journal.zst")

    assert raw_bytes_at(DISK, tmp_path / "journal.zst") == raw_bytes_at(DISK, journal)
    assert summarise(DISK, tmp_path / "journal.zst").form == "bundle"
    assert summarise(DISK, journal / "00000002.zst").form == "segment"


def test_the_notes_tell_of_labels_evidence_torn_ends_and_damage(journal, tmp_path):
    copy = shutil.copytree(journal, tmp_path / "copy")
    write_label(DISK, copy, Label(1, True, "clock", "then"))
    write_label(DISK, copy, Label(2, False, "fine again", "then"))
    (copy / "00000003.torn-5").write_bytes(b"x")
    (copy / "00000002.zst").write_bytes(b"junk")
    found = summarise(DISK, copy)

    assert found.segments[0].label == "clock"
    assert found.notes[0] == "00000003.torn-5 holds what a recovery cut off"
    assert found.notes[1].startswith("only what stands before the damage is counted: ")
    assert found.notes[2:] == ["segment 1 is marked invalid: clock", "segment 2 is labelled: fine again"]


def test_an_unfinished_batch_is_noted(tmp_path):
    folder = small_journal(tmp_path / "open", segments=1, finish=False)
    wal = folder / "00000001.wal"
    wal.write_bytes(wal.read_bytes() + b"\0" * 9)
    found = summarise(DISK, folder)

    assert found.segments[0].state == "open"
    assert "ends in an unfinished batch at byte" in found.notes[0]


def test_a_journal_without_records_has_figures_too(tmp_path):
    found = summarise(DISK, small_journal(tmp_path / "empty", records=0, segments=1))

    assert (found.records, found.first_recv_ns, found.last_recv_ns, found.by_kind) == (0, None, None, {})


def test_a_block_that_cannot_be_walked_is_damage(journal, monkeypatch):
    from journal import summary as module

    class Broken:
        flags = 0

        def __init__(self, *_: object) -> None:
            pass

        def next(self) -> bool:
            raise Damaged("", 8, "cut")

    monkeypatch.setattr(module, "Cursor", Broken)
    with pytest.raises(Damaged, match="cut"):
        summarise(DISK, journal / "00000002.zst")
