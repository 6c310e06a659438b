"""Two clocks: the driver that reads ahead against one that keeps the venue's books, and what real recordings give."""

import gzip
import struct
from collections import Counter
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from resimulations import MS, Setting, records, resimulate, sample_recording, strict
from slow_clocks import play_slowly
from two_clocks_room import RESTLESS, Room, make_room

from engine.kernel import kinds
from engine.kernel.derived import CANCEL
from engine.kernel.record import DERIVED, NONE
from engine.kernel.request import decode_request
from journal.background import Inline
from journal.disk import RealDisk
from journal.importer.run import Catalogue, import_recordings
from journal.importer.sniff import Recording
from journal.reader import Record, open_journal
from replay.clock import venue_time
from replay.config import ClockConfig
from replay.defaults import POLICY
from replay.resimulation import Simulated, Simulation
from replay.strict import is_kept
from replay.venue_config import LognormalConfig
from replay.venue_time import MOST_LAG_NS

TESTS = Path(__file__).resolve().parent.parent
FLOOR_NS = MS


class Log:
    """A sink that keeps every record."""

    def __init__(self) -> None:
        self.records: list[tuple[str, int, bytes]] = []
        self.now_ns = 0

    def append_input(self, kind: int, schema: int, source: int, recv_ns: int, src_ns: int, payload: bytes) -> int:
        self.now_ns = recv_ns
        return self._append(kind, payload)

    def append_derived(self, kind: int, schema: int, payload: bytes) -> int:
        return self._append(kind, payload)

    def _append(self, kind: int, payload: bytes) -> int:
        self.records.append((kinds.name(kind), self.now_ns, payload))
        return len(self.records)


def both(room: Room) -> tuple[Log, Log]:
    """The records of the run as it is made, and as it is made slowly."""
    fast, slow = Log(), Log()
    Simulation(room.run, room.config, room.feed, fast).play()
    play_slowly(room.run, room.config, room.feed, room.start_ns, room.happens, slow)
    return fast, slow


def check(seed: int, count: int, wild: bool) -> Counter[str]:
    """Both have the same records; returns how many of each kind."""
    fast, slow = both(make_room(seed, count, wild))
    differs = [place for place, pair in enumerate(zip_longest(fast.records, slow.records)) if pair[0] != pair[1]][:1]

    assert differs == []
    return Counter(kind for kind, _, _ in fast.records)


# Shrinking finds no smaller room: the seed makes it all.
@settings(max_examples=20, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(st.integers(0, 2**32), st.booleans())
def test_reading_ahead_gives_what_a_second_book_at_venue_time_gives(seed: int, wild: bool) -> None:
    check(seed, 100, wild)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(300))
def test_reading_ahead_gives_the_same_over_longer_times(seed: int) -> None:
    check(seed, 400, True)


def test_the_rooms_have_everything_that_may_differ() -> None:
    found: Counter[str] = Counter()
    for seed in range(8):
        found += check(seed, 150, True)

    assert found["GAP"] == 0
    for kind in ("SIM_FILLED", "SIM_CANCELLED", "SIM_EXPIRED", "SIM_REJECTED", "SIM_SETTLED", "META", "VENUE_STATE"):
        assert found[kind] > 3, kind


JOINS = """
from engine.kernel.strategy import BUY, Place, SetTimer

class Joins:
    def __init__(self, beats):
        self.beats = beats
        self.memory = [False, 0]

    def decide(self, view, wake):
        if self.beats and not self.memory[0]:
            self.memory[0] = True
            yield SetTimer("beat", after_ns=1_000_000, every_ns=7_000_000)
        if wake.timers or wake.changes or view.now_ns < self.memory[1]:
            return
        for key in wake.instruments[:1]:
            market = view.market(key)
            if market.best_bid is not None:
                self.memory[1] = view.now_ns + 100_000_000  # no message waits for an earlier one
                yield Place(key, BUY, market.best_bid, 10_000_000, post_only=True)
"""


def test_a_request_is_as_long_on_its_way_whatever_else_the_strategy_does(tmp_path: Path) -> None:
    base = sample_recording(tmp_path / "base", frames=500, markets=1, losses=0)
    slow: Any = LognormalConfig(1, 20, 1.0, 90)
    took: list[dict[int, int]] = []
    for beats in (False, True):
        out = tmp_path / f"run-{beats}"
        resimulate(base, Setting(JOINS, "Joins", {"beats": beats}, order_ms=slow, policy=POLICY), out)
        found = records(out)
        decided = {record.seq: record.recv_ns for record in found if record.kind == kinds.REQUEST}
        acked = [
            struct.unpack("<2q", one.payload[:16]) for one in found if one.kind in (kinds.SIM_ACKED, kinds.SIM_REJECTED)
        ]
        took.append({decided[request]: venue_ns for request, venue_ns in acked})

    assert len(set(took[0].values())) > 15
    assert took[0] == took[1]


# -- recorded data -----------------------------------------------------------------------------------------------------


def imported(folder: Path, recording: Path, catalogue: Path) -> Path:
    out = folder / "journal"
    import_recordings(
        [Recording(recording)], out, RealDisk(), Inline(), catalogues=[Catalogue(catalogue)], sealed_ns=None
    )
    return out


@pytest.fixture(params=["usdm_btcusdt", "spot_btcusdt"])
def binance(request: pytest.FixtureRequest, shared: Path, tmp_path: Path) -> Path:
    """The first frames of a recording whose recorder's clock is 1.27 s behind the venue's."""
    name = f"{request.param}_20240808.gz"
    with gzip.open(shared / "binance" / "hftbacktest" / name) as whole:
        head = b"".join(islice(whole, 5_000))
    (tmp_path / name).write_bytes(gzip.compress(head, 1))
    return imported(tmp_path, tmp_path / name, TESTS / f"adapters/binance/catalogue_2024-08-08_{name[:4]}.json")


@pytest.fixture
def polymarket(shared: Path, tmp_path: Path) -> Path:
    """Recorded frames, which state times that were later than ours."""
    recording = shared / "polymarket" / "ws_market_20260924_exactarb_frames.jsonl"
    return imported(tmp_path, recording, TESTS / "golden" / "catalogue_polymarket_2026-09-24.json")


def played(base: Path, out: Path, ppm: int) -> Simulated:
    parameters = {"ppm": ppm, "lots": 20}
    return resimulate(base, Setting(RESTLESS, "Restless", parameters, order_ms=3, report_ms=2, policy=POLICY), out)


def times(base: Path, made: Simulated) -> list[tuple[Record, int]]:
    """Every input kept, and its venue time by the rule, market order aside."""
    with open_journal(base, RealDisk(), Inline()) as journal:
        numbers = {name: number for number, name in journal.sources.items()}
    time = venue_time(ClockConfig(), {numbers[name]: ns for name, ns in made.clock_offsets_ns.items()})
    return [
        (one, int(time.of(one.source, one.recv_ns, one.src_ns, is_snapshot(one))))
        for one in records(base)
        if not one.flags & DERIVED and is_kept(one.kind)
    ]


def is_snapshot(record: Record) -> bool:
    payload = record.payload.replace(b'": "', b'":"')
    return b'"event_type":"book"' in payload or b'"lastUpdateId"' in payload


def check_latencies(base: Path, made: Simulated) -> None:
    """Every source's offset is stated, the fastest input takes the floor, none more than two seconds but those told."""
    clamped = 0
    fastest: dict[int, int] = {}
    for record, at_ns in times(base, made):
        assert FLOOR_NS <= record.recv_ns - at_ns <= MOST_LAG_NS
        if record.src_ns != NONE and not is_snapshot(record):
            fastest[record.source] = min(record.recv_ns - at_ns, fastest.get(record.source, MOST_LAG_NS))
            clamped += record.recv_ns - at_ns == MOST_LAG_NS
    assert set(fastest.values()) == {FLOOR_NS}
    assert clamped == made.clamped


def check_causes(run: Path, facts: set[int]) -> Counter[str]:
    """Nothing comes before what it answers; returns how many reports of each kind there were."""
    arrives: dict[int, int] = {}
    found: Counter[str] = Counter()
    last = 0
    for record in records(run):
        if record.kind == kinds.REQUEST:
            request = decode_request(record.seq, record.schema, record.payload)
            if request.what != CANCEL:
                arrives[record.seq] = record.recv_ns + 3 * MS
        elif kinds.name(record.kind).startswith("SIM_"):
            number, venue_ns, *rest = struct.unpack(f"<{len(record.payload) // 8}q", record.payload)
            found[kinds.name(record.kind)] += 1
            assert arrives[number] <= venue_ns
            assert record.recv_ns == venue_ns + 2 * MS
            assert venue_ns >= last
            last = venue_ns
            if record.kind == kinds.SIM_FILLED:
                maker = rest[2] & 1
                assert venue_ns in facts if maker else venue_ns == arrives[number]
                found["maker"] += maker
    return found


def in_order(found: list[tuple[Record, int]]) -> set[int]:
    """The times of one market's facts, which keep the order in which they were recorded."""
    latest = 0
    kept: set[int] = set()
    for _, at_ns in found:
        latest = max(latest, at_ns)
        kept.add(latest)
    return kept


def test_a_clock_that_is_behind_the_venues_is_found_and_nothing_comes_before_its_cause(
    binance: Path, tmp_path: Path
) -> None:
    made = played(binance, tmp_path / "run", 10_000)
    found = check_causes(tmp_path / "run", in_order(times(binance, made)))

    for offset_ns in made.clock_offsets_ns.values():
        assert 1_200 * MS < offset_ns < 1_300 * MS
    check_latencies(binance, made)
    assert made.fills == found["SIM_FILLED"] > found["maker"] > 1
    assert strict(tmp_path / "run").identical


def test_recorded_polymarket_frames_have_stated_latencies_and_no_fill_comes_before_its_cause(
    polymarket: Path, tmp_path: Path
) -> None:
    made = played(polymarket, tmp_path / "run", 900_000)
    market = [pair for pair in times(polymarket, made) if b"0x12ed4858" in pair[0].payload]
    found = check_causes(tmp_path / "run", in_order(market))

    assert 0 < made.clock_offsets_ns["polymarket-market"] < 1_000 * MS
    check_latencies(polymarket, made)
    assert found["SIM_ACKED"] > 100
    assert strict(tmp_path / "run").identical


def test_books_with_old_stamps_give_no_latency_and_no_fill_before_its_cause(tmp_path: Path) -> None:
    """What a connection begins with states when it last changed, which may be long ago."""
    base = sample_recording(tmp_path / "base", frames=800, markets=1, losses=150)
    made = played(base, tmp_path / "run", 300_000)
    found = times(base, made)
    old = [one for one, _ in found if is_snapshot(one) and one.recv_ns - one.src_ns > MOST_LAG_NS]

    assert old
    assert check_causes(tmp_path / "run", in_order(found))["maker"] > 3
    check_latencies(base, made)
