"""The sample as a recording: the same bytes everywhere, what an import would hold, and nothing a fold objects to."""

import json
import sys
from collections import Counter
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path

import orjson
import pytest
from generators import recordings, samples
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.polymarket.wire.decoders import translators
from engine.kernel import codes, kinds, record
from engine.kernel.digest import Digest
from engine.kernel.events import EventBatch, Symbols
from engine.kernel.fold import MarketData
from journal.background import Inline
from journal.disk import RealDisk
from journal.errors import Taken
from journal.importer.run import Catalogue, import_recordings
from journal.importer.sniff import Recording
from journal.importer.venues import polymarket_time
from journal.payloads import decode_venue_input
from journal.reader import open_journal
from journal.verify import verify
from scenarios.sample.recording import NAMES, START_NS, STREAM_SOURCE, Input, Sample, inputs, write_sample

SMALL = Sample(seed=7, markets=5, frames=2000, disconnect_every=400)
DISK = RealDisk()
RARE = {"tick_size_change", "new_market", "market_resolved"}
"""Frames that the fast path of the decoder leaves to the general one."""


def frame_of(payload: bytes) -> bytes:
    return decode_venue_input(payload).frame


def frames_of(found: list[Input]) -> list[Input]:
    return [one for one in found if one[0] == kinds.POLYMARKET_MARKET]


def stored(folder: Path) -> list[Input]:
    with open_journal(folder) as journal:
        return [(one.kind, one.source, one.recv_ns, one.src_ns, one.payload) for one in journal.records()]


class Folding:
    """A recording through the real decoders into the kernel's market data."""

    def __init__(self, found: list[Input]) -> None:
        symbols = Symbols("polymarket")
        self.translators = translators(symbols)
        self.data = MarketData(Digest())
        self.findings: Counter[str] = Counter()
        batch = EventBatch()
        for kind, source, recv_ns, _, payload in found:
            self.data.begin()
            if kind == kinds.CONNECTION:
                if json.loads(payload)["state"] == "down":
                    self.data.disconnected(source)
            else:
                batch.clear()
                start = len(payload) - len(frame_of(payload))
                assert self.translators[kind].translate(payload, start, len(payload), batch) == codes.OK
                self.data.fold(batch, symbols, source, recv_ns)
            self.findings.update(codes.NAMES[int(finding.code)] for finding in self.data.findings)

    @property
    def slow(self) -> int:
        """Frames that the fast path left to the general decoder."""
        return int(self.translators[int(kinds.POLYMARKET_MARKET)].slow)


def test_a_seed_gives_the_same_bytes_on_every_machine_and_python() -> None:
    digest = blake2b(digest_size=16)
    for kind, source, recv_ns, src_ns, payload in inputs(SMALL):
        digest.update(f"{kind} {source} {recv_ns} {src_ns} {len(payload)} ".encode() + payload)

    assert digest.hexdigest() == "dd3bccc41ebbe0e40aef46ab21532538", sys.version
    assert SMALL.journal_id.hex() == "29b98203a525dd1ee5cb59d84038ac75"


def test_a_fold_finds_nothing_to_object_to_but_lost_connections_and_finer_grids() -> None:
    found = list(inputs(Sample(seed=7, markets=20, frames=5000, disconnect_every=2500)))
    told = Counter(json.loads(frame_of(one[4]))["event_type"] for one in frames_of(found) if one[4][20:21] == b"{")
    folding = Folding(found)
    markets = folding.data.listings.markets
    open_markets = [market for market in markets if market.winner == record.NONE]
    not_ready = [market.number for market in open_markets if not (market.ready() and market.hash_proven)]

    assert set(folding.findings) == {"OK", "CONN_LOST", "META_CHANGED", "MARKET_CLOSED"}
    assert folding.findings["META_CHANGED"] >= told["tick_size_change"] // 2 > 0
    assert folding.findings["MARKET_CLOSED"] == told["market_resolved"] == 2
    assert len(markets) == 20
    assert all(market.valid for market in open_markets)
    assert not_ready == []
    assert folding.slow == sum(told[name] for name in RARE)


@settings(max_examples=25)
@given(recordings(max_frames=200))
def test_no_recording_holds_a_frame_that_contradicts_the_ones_before(found: list[Input]) -> None:
    folding = Folding(found)

    assert set(folding.findings) <= {"OK", "CONN_LOST", "META_CHANGED", "MARKET_CLOSED"}
    assert all(market.valid for market in folding.data.listings.markets if market.winner == record.NONE)


def test_a_grid_that_became_finer_in_silence_is_known_after_the_next_dump() -> None:
    found = list(inputs(Sample(seed=1, markets=8, frames=3000, disconnect_every=150)))
    heard = sum(b'"tick_size_change"' in payload for *_, payload in found) // 2
    folding = Folding(found)

    assert folding.findings["META_CHANGED"] > heard
    assert folding.findings["DATA_SUSPECT"] == 0
    assert all(market.valid for market in folding.data.listings.markets if market.winner == record.NONE)


@settings(max_examples=25)
@given(samples(max_frames=200))
def test_a_sample_has_the_frames_asked_for_and_those_of_its_last_moment_and_its_times_never_turn(
    sample: Sample,
) -> None:
    found = list(inputs(sample))
    times = [recv_ns for _, _, recv_ns, _, _ in found]

    sent_ns = [src_ns for _, _, _, src_ns, _ in frames_of(found)]

    assert len(frames_of(found)) >= sample.frames
    assert len(set(sent_ns[sample.frames - 1 :])) == 1
    assert all(earlier <= later for earlier, later in pairwise(times))
    assert [kind for kind, *_ in found[:3]] == [
        kinds.POLYMARKET_CATALOGUE,
        kinds.CONNECTION,
        kinds.POLYMARKET_MARKET,
    ]
    assert times[0] == START_NS


@given(st.integers(1, 150))
@settings(max_examples=10)
def test_without_losses_there_is_one_connection_and_then_frames_alone(frames: int) -> None:
    found = list(inputs(Sample(seed=1, markets=2, frames=frames, disconnect_every=0)))

    assert {kind for kind, *_ in found[2:]} == {kinds.POLYMARKET_MARKET}
    assert len(found[2:]) >= frames


def test_frames_take_some_milliseconds_and_sometimes_stall() -> None:
    latencies = sorted(
        (recv_ns - src_ns) / 1e6
        for _, _, recv_ns, src_ns, payload in frames_of(list(inputs(Sample(frames=20_000, disconnect_every=0))))
        if payload[20:21] == b"{"
    )
    count = len(latencies)

    assert latencies[0] >= 2
    assert 8 < latencies[count // 2] < 15
    assert latencies[count * 98 // 100] < 42
    assert 60 < latencies[-1] < 500


def test_a_lost_connection_is_followed_by_silence_and_then_by_all_books_in_one_frame() -> None:
    found = list(inputs(SMALL))
    states = [
        (place, json.loads(payload)) for place, (kind, *_, payload) in enumerate(found) if kind == kinds.CONNECTION
    ]

    assert [state["state"] for _, state in states] == ["up", "down"] * (len(states) // 2) + ["up"]
    assert [state["connection"] for _, state in states[::2]] == list(range(1, len(states) // 2 + 2))
    assert len(states) > 5
    for place, state in states:
        assert state["source"] == NAMES[STREAM_SOURCE]
        if state["state"] == "up":
            frame = decode_venue_input(found[place + 1][4])
            assert (state["connection"], 1) == (frame.connection, frame.counter)
            assert isinstance(json.loads(frame.frame), list)
            assert frame.frame.endswith(b"]\n")
        else:
            assert 1_000_000_000 < found[place + 1][2] - found[place][2] < 15_000_000_000


def test_a_sample_is_what_an_import_of_its_frames_would_be(tmp_path: Path) -> None:
    found = list(inputs(Sample(seed=3, markets=4, frames=600, disconnect_every=0)))
    lines = [
        orjson.dumps({"recv_ns": recv_ns, "payload": frame_of(payload).decode()}) + b"\n"
        for _, _, recv_ns, _, payload in frames_of(found)
    ]
    (tmp_path / "frames.jsonl").write_bytes(b"".join(lines))
    (tmp_path / "markets.json").write_bytes(frame_of(found[0][4]))
    import_recordings(
        [Recording(tmp_path / "frames.jsonl")],
        tmp_path / "journal",
        DISK,
        Inline(),
        catalogues=[Catalogue(tmp_path / "markets.json")],
        sealed_ns=None,
    )
    imported = stored(tmp_path / "journal")

    with open_journal(tmp_path / "journal") as journal:
        assert journal.sources == NAMES
    assert imported[2:] == found[2:]
    for ours, theirs in zip(found[:2], imported[:2], strict=True):  # at the first frame's time, or at our own
        assert ours[:2] == theirs[:2]
        assert ours[3] == theirs[3]
    assert found[1][4] == imported[1][4]
    assert frame_of(found[0][4]) == frame_of(imported[0][4])


def test_every_frame_has_the_time_that_an_import_would_find_in_it() -> None:
    assert all(src_ns == polymarket_time(payload[20:]) for *_, src_ns, payload in frames_of(list(inputs(SMALL))))


@pytest.mark.parametrize("sealed_ns", [None, START_NS], ids=["open", "sealed"])
def test_a_journal_holds_exactly_the_inputs_made_in_memory(tmp_path: Path, sealed_ns: int | None) -> None:
    advanced: list[int] = []
    report = write_sample(SMALL, tmp_path / "sample", DISK, Inline(), sealed_ns=sealed_ns, advance=advanced.append)
    found = list(inputs(SMALL))

    assert stored(tmp_path / "sample") == found
    assert report.records == len(found)
    assert SMALL.frames <= report.frames == len(frames_of(found)) == sum(advanced)
    assert report.disconnects == sum(b'"down"' in payload for kind, *_, payload in found if kind == kinds.CONNECTION)
    assert (report.first_ns, report.last_ns) == (found[0][2], found[-1][2])
    assert verify(DISK, tmp_path / "sample").verdict == "CLEAN"


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "note").write_text("mine")

    with pytest.raises(Taken):
        write_sample(SMALL, tmp_path, DISK, Inline(), sealed_ns=None)
    assert [path.name for path in tmp_path.iterdir()] == ["note"]


@pytest.mark.parametrize("wrong", [{"markets": 0}, {"markets": 5001}, {"frames": 0}, {"disconnect_every": -1}])
def test_a_sample_of_nothing_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError):
        Sample(**wrong)


@pytest.mark.nightly
def test_the_sample_of_the_demo_folds_without_objection() -> None:
    folding = Folding(list(inputs(Sample())))

    assert folding.findings["DATA_SUSPECT"] == 0
    assert all(market.ready() for market in folding.data.listings.markets if market.winner == record.NONE)
