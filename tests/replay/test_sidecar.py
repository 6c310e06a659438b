"""The decoded sidecar: the same inputs and digests as parsing, and ignored wherever it does not fit."""

import shutil
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

import orjson
import pytest
from generators import recordings
from hypothesis import given, settings
from hypothesis import strategies as st
from resimulations import write_recording
from run_maker import sample_inputs
from simulated_disk import SimulatedDisk

from engine.kernel import kinds
from engine.kernel.step import Kernel
from journal.background import Inline, Threads
from journal.bundle import bundle
from journal.disk import Disk, RealDisk
from journal.errors import Damaged
from journal.frames import Compressor
from journal.importer.run import Catalogue, import_recordings
from journal.importer.sniff import Recording
from journal.reader import Journal, open_journal
from journal.seal import seal
from replay.decoded import AT_END, AheadCursor, DecodedCursor
from replay.decoders import NoDecoder, newest
from replay.feed import JournalFeed
from replay.rebuild import bare_kernel
from replay.sidecar import NoSidecar, open_sidecar, sidecar_path, write_sidecar
from replay.strict import StrictFold
from scenarios.sample.recording import START_NS, Input

TESTS = Path(__file__).resolve().parent.parent
BUILD = "this build"
ALL = 2**62


def sealed_recording(folder: Path, inputs: list[Input], disk: Disk | None = None) -> Path:
    """A recording of several sealed segments of several blocks."""
    disk = disk or RealDisk()
    write_recording(folder, inputs, disk, block_target=8_000, segment_bytes=60_000)  # type: ignore[arg-type]
    number = 1
    while disk.exists(folder / f"{number:08d}.wal"):
        seal(disk, folder, number, sealed_ns=START_NS)
        number += 1
    return folder


def add_sidecars(folder: Path, disk: Disk | None = None, build: str = BUILD) -> list[Path]:
    disk = disk or RealDisk()
    with open_journal(folder, disk, Inline()) as journal:
        return [write_sidecar(disk, journal, segment, None, build) for segment in journal.segments if segment.sealed]


def parse(folder: Path, disk: Disk | None = None) -> Kernel:
    """A kernel past the whole journal, from its frames."""
    kernel = bare_kernel()
    with open_journal(folder, disk or RealDisk(), Inline()) as journal:
        for block in journal.blocks():
            StrictFold(kernel, False).fold(block.data, block.start, block.end, ALL, False)
    return kernel


def feed_of(journal: Journal, disk: Disk, notes: list[str], build: str = BUILD) -> JournalFeed:
    return JournalFeed(disk, journal, newest(), build, Inline(), notes.append)


def read(folder: Path, disk: Disk | None = None, build: str = BUILD) -> tuple[Kernel, list[bool], list[str]]:
    """A kernel past the whole journal as the feed gives it, which pieces came decoded, and the notes."""
    disk = disk or RealDisk()
    cursor = DecodedCursor(bare_kernel())
    decoded: list[bool] = []
    notes: list[str] = []
    with open_journal(folder, disk, Inline()) as journal:
        for piece in feed_of(journal, disk, notes, build).pieces():
            decoded.append(piece.decoded)
            cursor.add(piece)
            while cursor.fold_until(ALL) != AT_END:
                pass
            assert cursor.passed() == piece.last_seq
    return cursor.kernel, decoded, notes


def assert_same(one: Kernel, other: Kernel) -> None:
    assert one.checkpoint() == other.checkpoint()
    assert one.state_digest() == other.state_digest()
    assert one.digest.value == other.digest.value


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording with a sidecar at each of its segments."""
    folder = sealed_recording(
        tmp_path_factory.mktemp("sidecar") / "recording", sample_inputs(300, markets=3, disconnect_every=70)
    )
    add_sidecars(folder)
    return folder


@pytest.fixture
def recording(made: Path, tmp_path: Path) -> Path:
    """A copy of it, to spoil."""
    return Path(shutil.copytree(made, tmp_path / "recording"))


@pytest.fixture(scope="module")
def parsed(made: Path) -> Kernel:
    """A kernel past the same journal's frames."""
    return parse(made)


def test_a_kernel_fed_without_sidecars_is_the_one_that_parsed_every_frame(
    made: Path, parsed: Kernel, tmp_path: Path
) -> None:
    plain = tmp_path / "recording"
    shutil.copytree(made, plain, ignore=shutil.ignore_patterns("*.events"))
    kernel, decoded, notes = read(plain)

    assert not any(decoded)
    assert notes == []
    assert_same(kernel, parsed)


def test_a_kernel_fed_from_sidecars_is_the_one_that_parsed_every_frame(made: Path, parsed: Kernel) -> None:
    kernel, decoded, notes = read(made)

    assert all(decoded)
    assert len(decoded) > 1
    assert notes == []
    assert_same(kernel, parsed)


@settings(max_examples=25)
@given(recordings(max_frames=150), st.integers(0, 10_000))
def test_any_recording_gives_the_same_kernel_from_sidecars(inputs: list[Input], broken: int) -> None:
    kind, source, recv_ns, src_ns, payload = inputs[broken % len(inputs)]
    if kind >= 0x0100:  # a frame that cannot be read whole is kept as it is
        inputs = [
            *inputs[: broken % len(inputs)],
            (kind, source, recv_ns, src_ns, payload[:-9]),
            *inputs[broken % len(inputs) + 1 :],
        ]
    disk, folder = SimulatedDisk(), Path("/recording")
    sealed_recording(folder, inputs, disk)
    plain = parse(folder, disk)
    packed, _, _ = read(folder, disk)
    add_sidecars(folder, disk)
    kernel, decoded, _ = read(folder, disk)

    assert all(decoded)
    assert_same(kernel, plain)
    assert_same(packed, plain)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["usdm_btcusdt", "spot_ethusdt"])
def test_recorded_frames_give_the_same_kernel_from_sidecars(name: str, shared: Path, tmp_path: Path) -> None:
    catalogue = TESTS / "adapters" / "binance" / f"catalogue_2024-08-08_{name[:4]}.json"
    recorded = shared / "binance" / "hftbacktest" / f"{name}_20240808.gz"
    import_recordings(
        [Recording(recorded)], tmp_path / "j", RealDisk(), Inline(), catalogues=[Catalogue(catalogue)], sealed_ns=1
    )
    plain = parse(tmp_path / "j")
    add_sidecars(tmp_path / "j")
    kernel, decoded, _ = read(tmp_path / "j")

    assert all(decoded)
    assert_same(kernel, plain)
    assert sidecar_path_of(tmp_path / "j").stat().st_size < (tmp_path / "j" / "00000001.zst").stat().st_size


def sidecar_path_of(folder: Path) -> Path:
    with open_journal(folder, background=Inline()) as journal:
        return sidecar_path(journal.segments[0])


def test_only_kept_inputs_are_in_a_sidecar(made: Path) -> None:
    kinds_found = set()
    with open_journal(made, background=Inline()) as journal:
        for segment in journal.segments:
            with open_sidecar(RealDisk(), segment, newest(), BUILD) as sidecar:
                cursor = DecodedCursor(bare_kernel())
                reader = AheadCursor(cursor)
                for number in range(len(sidecar.contents.parts)):
                    cursor.add(sidecar.piece(number))
                while reader.next():
                    kinds_found.add(kinds.name(reader.kind))

    assert kinds_found == {"POLYMARKET_MARKET", "POLYMARKET_CATALOGUE", "CONNECTION"}


def test_loading_ahead_in_a_thread_changes_nothing(made: Path, parsed: Kernel) -> None:
    cursor, background = DecodedCursor(bare_kernel()), Threads("sidecar-test")
    with open_journal(made) as journal:
        feed = JournalFeed(RealDisk(), journal, newest(), BUILD, background, lambda text: None)
        for piece in feed.pieces():
            cursor.add(piece)
        while cursor.fold_until(ALL) != AT_END:
            pass
        some = feed.pieces()
        next(some)
        some.close()  # type: ignore[attr-defined]  # whoever stops early leaves nothing running
    background.close()

    assert_same(cursor.kernel, parsed)


def test_a_bundle_s_sidecars_lie_beside_it_one_a_segment(recording: Path, parsed: Kernel, tmp_path: Path) -> None:
    out = tmp_path / "journal.zst"
    with open_journal(recording, background=Inline()) as journal:
        bundle(RealDisk(), journal.segments, out)
    paths = add_sidecars(out)
    kernel, decoded, _ = read(out)

    assert len(paths) > 1
    assert [path.name for path in paths[:2]] == ["journal.zst.00000001.events", "journal.zst.00000002.events"]
    assert all(decoded)
    assert_same(kernel, parsed)


def test_a_live_segment_is_read_as_it_is(recording: Path, tmp_path: Path) -> None:
    whole = write_recording(tmp_path / "live", sample_inputs(40), block_target=8_000)
    kernel, decoded, notes = read(whole)

    assert not any(decoded)
    assert notes == []
    assert len(kernel.data.listings.markets) == 2


# -- keys and damage ---------------------------------------------------------------------------------------------------


def test_a_sidecar_of_another_build_is_passed_over(made: Path, parsed: Kernel) -> None:
    kernel, decoded, notes = read(made, build="another build")

    assert not any(decoded)
    assert all("was made by build this build, this is another build" in note for note in notes)
    assert len(notes) > 1
    assert_same(kernel, parsed)


def test_a_sidecar_made_with_other_decoders_is_passed_over(made: Path) -> None:
    with open_journal(made, background=Inline()) as journal, pytest.raises(NoSidecar, match="other decoders"):
        open_sidecar(RealDisk(), journal.segments[0], {**newest(), "POLYMARKET_MARKET": "polymarket-market/9"}, BUILD)


def test_a_sidecar_needs_decoders_that_there_are(made: Path) -> None:
    with open_journal(made, background=Inline()) as journal, pytest.raises(NoDecoder):
        write_sidecar(RealDisk(), journal, journal.segments[0], {"POLYMARKET_MARKET": "polymarket-market/9"}, BUILD)


def test_a_sidecar_of_another_segment_is_passed_over(recording: Path, parsed: Kernel) -> None:
    shutil.copyfile(recording / "00000002.events", recording / "00000001.events")
    kernel, decoded, notes = read(recording)

    assert notes == ["sidecar not used: 00000001.events was made from another segment"]
    assert any(decoded)
    assert_same(kernel, parsed)


def contents(path: Path) -> tuple[bytes, dict, bytes]:  # type: ignore[type-arg]
    """What stands before the head, the head, and what ends the file."""
    whole = path.read_bytes()
    length = int.from_bytes(whole[-16:-12], "little")
    start = len(whole) - 16 - 32 - length
    return whole[:start], orjson.loads(whole[start : start + length]), whole[-16:]


def with_head(path: Path, change: Callable[[dict], object]) -> None:  # type: ignore[type-arg]
    """Write another head, its digest in order."""
    before, head, _ = contents(path)
    changed = change(head)
    text = orjson.dumps(head if changed is None else changed)
    end = len(text).to_bytes(4, "little") + (2).to_bytes(4, "little") + b"JRNLEVT1"
    path.write_bytes(before + text + blake2b(text, digest_size=32).digest() + end)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"JRNLEVT1" * 9),
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.write_bytes(b"x" + path.read_bytes()[1:]),
        lambda path: path.write_bytes(path.read_bytes()[:-12] + (9).to_bytes(4, "little") + b"JRNLEVT1"),
        lambda path: path.write_bytes(path.read_bytes()[:-60] + b"x" + path.read_bytes()[-59:]),
        lambda path: path.write_bytes(
            path.read_bytes()[:-16] + (2**32 - 1).to_bytes(4, "little") + path.read_bytes()[-12:]
        ),
        lambda path: with_head(path, lambda head: []),
        lambda path: with_head(path, lambda head: head.update(more=1)),
        lambda path: with_head(path, lambda head: head.update(parts=7)),
        lambda path: with_head(path, lambda head: head.update(parts=head["parts"][:-1])),
        lambda path: with_head(path, lambda head: head["parts"][0].update(offset=9)),
        lambda path: with_head(path, lambda head: head["parts"][0].update(first_seq=2)),
        lambda path: with_head(path, lambda head: head["parts"][0].update(last_seq=0)),
        lambda path: with_head(path, lambda head: head["parts"][0].update(stored=0)),
        lambda path: with_head(path, lambda head: head["parts"][0].update(raw=1 << 40)),
        lambda path: with_head(path, lambda head: head["parts"][0].update(raw=9)),
        lambda path: with_head(path, lambda head: head["parts"][0].update(lags=[[1, 2]])),
        lambda path: (path.unlink(), path.mkdir()),
        lambda path: (path.rename(path.with_name("x")), path.symlink_to(path.with_name("x"))),
    ],
)
def test_a_broken_sidecar_is_passed_over_with_a_note(
    spoil: Callable[[Path], object], recording: Path, parsed: Kernel
) -> None:
    spoil(recording / "00000001.events")
    kernel, decoded, notes = read(recording)

    assert len(notes) == 1
    assert notes[0].startswith("sidecar not used: 00000001.events ")
    assert decoded[0] is False
    assert_same(kernel, parsed)


def test_damage_in_the_middle_sends_the_reader_to_the_frames_from_there_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("replay.sidecar.PIECE", 8_000)
    folder = sealed_recording(tmp_path / "recording", sample_inputs(300, markets=3, disconnect_every=70))
    plain = parse(folder)
    path = add_sidecars(folder)[0]
    _, head, _ = contents(path)
    third = head["parts"][2]
    whole = bytearray(path.read_bytes())
    whole[third["offset"] + third["stored"] // 2] ^= 1
    path.write_bytes(whole)
    kernel, decoded, notes = read(folder)

    assert decoded[:3] == [True, True, False]
    assert decoded[-1] is True
    assert len(notes) == 1
    assert notes[0].startswith(f"sidecar not used from record {third['first_seq']} on: ")
    assert_same(kernel, plain)


def test_a_part_that_does_not_end_as_it_should_is_damaged(recording: Path) -> None:
    path = recording / "00000001.events"
    before, head, _ = contents(path)
    part = head["parts"][0]
    frame = Compressor(1).frame(b"x" * part["raw"])
    path.write_bytes(before[: part["offset"]] + frame)
    part["stored"] = len(frame)
    text = orjson.dumps({**head, "parts": [{**part, "last_seq": head["parts"][-1]["last_seq"]}]})
    end = len(text).to_bytes(4, "little") + (2).to_bytes(4, "little") + b"JRNLEVT1"
    path.write_bytes(path.read_bytes() + text + blake2b(text, digest_size=32).digest() + end)
    with (
        open_journal(recording, background=Inline()) as journal,
        open_sidecar(RealDisk(), journal.segments[0], newest(), BUILD) as sidecar,
        pytest.raises(Damaged, match="do not end as they should"),
    ):
        sidecar.piece(0)


def test_writing_again_replaces_the_old_file_and_what_a_crash_left(recording: Path) -> None:
    (recording / "00000001.events.tmp").write_bytes(b"half")
    before = (recording / "00000001.events").read_bytes()
    add_sidecars(recording)

    assert (recording / "00000001.events").read_bytes() == before
    assert not (recording / "00000001.events.tmp").exists()


def test_damage_of_the_journal_itself_is_raised_where_it_stands(recording: Path) -> None:
    (recording / "00000003.events").unlink()
    path = recording / "00000003.zst"
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 3] ^= 1
    path.write_bytes(whole)

    with pytest.raises(Damaged, match=r"00000003\.zst"):
        read(recording)


def test_a_journal_that_breaks_off_says_so_also_behind_sidecars(recording: Path) -> None:
    last = max(path for path in recording.glob("*.zst"))
    last.write_bytes(b"nonsense")
    with open_journal(recording, background=Inline()) as journal:
        assert journal.damage is not None
    with pytest.raises(type(journal.damage)):
        read(recording)


def test_a_segment_without_records_is_passed_over(tmp_path: Path) -> None:
    inputs = sample_inputs(10)
    folder = sealed_recording(tmp_path / "recording", inputs)
    journals: list[Journal] = []
    with open_journal(folder, background=Inline()) as journal:
        journal.segments[-1].last_seq = journal.segments[-1].first_seq - 1
        journals.append(journal)
        found = list(feed_of(journal, RealDisk(), []).pieces())

    assert len(journals[0].segments) == 1
    assert found == []
