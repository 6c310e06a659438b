"""Resimulation: what is kept of a base, what a run decides, and that it depends on nothing else."""

from pathlib import Path

import pytest
from generators import recordings
from hypothesis import given, settings
from hypothesis import strategies as st
from resimulations import JOINING, MS, Setting, names, of_kind, records, resimulate, sample_recording, strict
from resimulations import write_recording as write
from run_maker import run_of as recorded_run_of
from run_maker import sample_inputs, start_input, stop_input, write_run
from simulated_disk import SimulatedDisk

from engine.kernel import kinds
from engine.kernel.derived import decode
from engine.kernel.record import DERIVED, ENGINE_SOURCE, NONE
from journal.payloads import encode_venue_input
from replay.overlay import span_fields
from replay.resimulation import Runaway
from replay.simulate import MOST_AT_ONCE
from replay.strict import is_kept
from scenarios.sample.recording import STREAM_SOURCE, Input


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of three markets with lost connections."""
    return sample_recording(tmp_path_factory.mktemp("base") / "recording")


def sealed(overlay: Path) -> bytes:
    """The bytes of an overlay's only segment."""
    return (overlay / "00000001.zst").read_bytes()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_ones(recording: Path, tmp_path: Path) -> None:
    for name, seed in (("one", 7), ("two", 7), ("other", 8)):
        resimulate(recording, Setting(seed=seed), tmp_path / name)

    assert sealed(tmp_path / "one") == sealed(tmp_path / "two")
    assert sealed(tmp_path / "one") != sealed(tmp_path / "other")
    assert names(records(tmp_path / "one")) != names(records(tmp_path / "other"))


@pytest.mark.parametrize("setting", [Setting(), JOINING], ids=["noisy", "joining"])
def test_a_run_does_not_depend_on_its_sink(setting: Setting, recording: Path, tmp_path: Path) -> None:
    kept = resimulate(recording, setting, tmp_path / "run")
    told = resimulate(recording, setting)

    assert kept.kernel.checkpoint() == told.kernel.checkpoint()
    for name in ("inputs", "derived", "last_seq", "submitted", "cancels", "fills", "counts"):
        assert getattr(kept, name) == getattr(told, name)
    assert kept.last_seq == records(tmp_path / "run")[-1].seq
    assert kept.submitted > 0
    assert kept.fills > 0


@pytest.mark.parametrize("setting", [Setting(), JOINING], ids=["noisy", "joining"])
def test_an_overlay_replays_identically(setting: Setting, recording: Path, tmp_path: Path) -> None:
    made = resimulate(recording, setting, tmp_path / "run")
    found = strict(tmp_path / "run")

    assert found.divergence is None
    assert found.identical
    assert found.unfinished == 0
    assert (found.inputs, found.compared, found.last_seq) == (made.inputs, made.derived, made.last_seq)
    assert found.kernel is not None
    assert found.kernel.checkpoint() == made.kernel.checkpoint()


@settings(max_examples=15)
@given(recordings(max_frames=80), st.integers(0, 2**40), st.sampled_from((0, 1, 35, 900)), st.sampled_from((0, 25)))
def test_any_run_on_any_recording_replays_identically(
    given_inputs: list[Input], seed: int, order_ms: int, report_ms: int
) -> None:
    disk = SimulatedDisk()
    base, run = Path("/base"), Path("/run")
    write(base, given_inputs, disk, block_target=8192)
    setting = Setting(parameters={"ppm": 400_000}, seed=seed, order_ms=order_ms, report_ms=report_ms)
    made = resimulate(base, setting, run, disk)
    found = strict(run, disk)

    assert found.divergence is None
    assert found.kernel is not None
    assert (found.inputs, found.compared, found.last_seq) == (made.inputs, made.derived, made.last_seq)
    assert found.kernel.checkpoint() == made.kernel.checkpoint()


# -- what is kept of a base --------------------------------------------------------------------------------------------


def test_what_a_base_run_decided_and_was_told_is_dropped(tmp_path: Path) -> None:
    """A run's journal as a base gives the same run as the bare recording of its market data."""
    market = sample_inputs(200)
    private = encode_venue_input(market[100][2], 9, 1, 0, b"", b'{"event_type":"order","type":"PLACEMENT"}')
    mixed: list[Input] = []
    for number, item in enumerate(market):
        mixed.append(item)
        if number == 100:
            mixed.append((int(kinds.POLYMARKET_USER), STREAM_SOURCE, item[2], int(NONE), private))
        if number in (50, 150):
            mixed.append((int(kinds.CONFIG), int(ENGINE_SOURCE), item[2], int(NONE), b"{}"))
    write(tmp_path / "bare", market)
    write_run(tmp_path / "run", mixed, run=recorded_run_of(seed=99))
    states = [resimulate(tmp_path / b, Setting(), tmp_path / f"on-{b}").kernel.state_digest() for b in ("bare", "run")]

    def decided(overlay: str) -> list[tuple[int, int, bytes]]:
        """Everything but what tells of the base itself, as the rolling digest does."""
        told = (kinds.RUN_START, kinds.SPAN, kinds.DIGEST)
        return [(r.seq, r.kind, r.payload) for r in records(tmp_path / overlay) if r.kind not in told]

    assert decided("on-bare") == decided("on-run")
    assert states[0] == states[1]
    assert any(record.flags & DERIVED for record in records(tmp_path / "run"))
    assert strict(tmp_path / "on-run").identical


def test_market_data_catalogues_connections_and_drops_are_kept_and_nothing_else() -> None:
    kept = {name for number, name in kinds.NAMES.items() if is_kept(number)}

    assert kept == {
        "CONNECTION",
        "DROP",
        "POLYMARKET_MARKET",
        "POLYMARKET_BOOK",
        "POLYMARKET_CATALOGUE",
        "BINANCE_SPOT",
        "BINANCE_SPOT_DEPTH",
        "BINANCE_SPOT_CATALOGUE",
        "BINANCE_USDM",
        "BINANCE_USDM_DEPTH",
        "BINANCE_USDM_CATALOGUE",
        "HFTBACKTEST_CATALOGUE",
        "HFTBACKTEST_EVENTS",
    }


def test_a_base_without_market_data_gives_a_run_without_spans(tmp_path: Path) -> None:
    write(tmp_path / "base", [start_input(recorded_run_of()), stop_input(start_input(recorded_run_of())[2])])
    made = resimulate(tmp_path / "base", Setting(), tmp_path / "run")

    assert names(records(tmp_path / "run")) == {"RUN_START": 1, "OPENING": 1, "RUN_STOP": 1, "DIGEST": 1}
    assert made.inputs == 3
    assert strict(tmp_path / "run").identical


# -- spans -------------------------------------------------------------------------------------------------------------


def test_spans_cover_the_base_in_order_and_only_their_last_record_has_a_group(recording: Path, tmp_path: Path) -> None:
    resimulate(recording, Setting(), tmp_path / "run")
    base = {record.seq: record for record in records(recording)}
    expected = 1
    spans = of_kind(records(tmp_path / "run"), int(kinds.SPAN))
    for span in spans:
        first, last = span_fields(span.payload)
        assert first == expected
        assert last >= first
        assert span.recv_ns == base[last].recv_ns
        assert (span.src_ns, span.cause, span.source) == (NONE, 0, ENGINE_SOURCE)
        assert is_kept(base[last].kind)
        expected = last + 1

    assert expected == max(base) + 1
    assert len(spans) > 10


def test_a_span_is_written_before_any_other_input(recording: Path, tmp_path: Path) -> None:
    """No input of the run's own may be later than base records that stand behind it."""
    resimulate(recording, Setting(), tmp_path / "run")
    base = {record.seq: record.recv_ns for record in records(recording)}
    now = 0
    for record in records(tmp_path / "run"):
        if record.kind == kinds.SPAN:
            first, _ = span_fields(record.payload)
            assert base[first] >= now
        assert record.recv_ns >= now
        now = record.recv_ns


def test_a_request_is_named_by_its_records_number(recording: Path, tmp_path: Path) -> None:
    resimulate(recording, JOINING, tmp_path / "run")
    found = records(tmp_path / "run")
    requests = {record.seq for record in of_kind(found, int(kinds.REQUEST))}
    acked = {decode_sim(record.payload) for record in of_kind(found, int(kinds.SIM_ACKED))}

    assert acked
    assert acked <= requests


def decode_sim(payload: bytes) -> int:
    """The request that a report names."""
    return int.from_bytes(payload[:8], "little")


# -- times -------------------------------------------------------------------------------------------------------------


def test_reports_reach_us_both_latencies_after_the_decision(recording: Path, tmp_path: Path) -> None:
    resimulate(recording, JOINING, tmp_path / "run")
    found = records(tmp_path / "run")
    decided = {record.seq: record.recv_ns for record in of_kind(found, int(kinds.REQUEST))}
    for record in of_kind(found, int(kinds.SIM_ACKED)):
        request = decode_sim(record.payload)
        assert record.recv_ns == decided[request] + 70 * MS
        assert int.from_bytes(record.payload[8:16], "little") == decided[request] + 40 * MS


def test_timers_come_exactly_when_they_are_due(recording: Path, tmp_path: Path) -> None:
    resimulate(recording, Setting(), tmp_path / "run")
    timers = of_kind(records(tmp_path / "run"), int(kinds.TIMER))
    for record in timers:
        assert int.from_bytes(record.payload[8:16], "little") == record.recv_ns

    assert timers


TICKING = """
from engine.kernel.strategy import BUY, Cancel, Place, SetTimer

class Ticks:
    def __init__(self):
        self.memory = [0]

    def decide(self, view, wake):
        if self.memory == [0]:
            self.memory = [1]
            yield SetTimer("tick", after_ns={after}, every_ns={every})
        if not wake.timers:
            return
        for key in view.instruments[:1]:
            market = view.market(key)
            if market.best_bid is not None:
                for order in market.own_bids:
                    yield Cancel(order)
                yield Place(key, BUY, 1, 5_000_000)
"""


def test_a_strategy_with_a_beating_timer_does_not_outlive_its_base(tmp_path: Path) -> None:
    recording = sample_recording(tmp_path / "recording", frames=150, losses=0)
    source = TICKING.format(after=30 * MS, every=30 * MS)
    resimulate(recording, Setting(source, "Ticks"), tmp_path / "run")
    last_ns = records(recording)[-1].recv_ns
    found = records(tmp_path / "run")

    assert 0 < found[-1].recv_ns - last_ns <= 70 * MS
    assert strict(tmp_path / "run").identical


STANDING = """
from engine.kernel.strategy import SetTimer

class Stands:
    def decide(self, view, wake):
        yield SetTimer("now", after_ns=0)
"""


def test_a_strategy_that_never_lets_time_go_on_is_named_and_ends_the_run(
    recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("replay.resimulation.MOST_AT_ONCE", 1000)
    with pytest.raises(Runaway, match=r"stands still .* sets one again and again"):
        resimulate(recording, Setting(STANDING, "Stands"))

    assert MOST_AT_ONCE > 1000


# -- bad strategies ----------------------------------------------------------------------------------------------------

BAD = """
from engine.kernel.strategy import BUY, Place

class Bad:
    def decide(self, view, wake):
        for key in wake.instruments:
            market = view.market(key)
            if market.best_bid is not None and market.valid:
                yield Place("polymarket:nowhere", BUY, 10, 5_000_000)
                yield Place(key, BUY, 0, 5_000_000)
                yield Place(key, BUY, market.whole_ticks, 5_000_000)
                yield Place(key, BUY, 0.5, 5_000_000)
                yield Place(key, "buy", 10, 5_000_000)
                yield "buy it"
"""


def test_intents_that_make_no_sense_are_refused_with_a_reason_and_reach_nobody(recording: Path, tmp_path: Path) -> None:
    made = resimulate(recording, Setting(BAD, "Bad"), tmp_path / "run")
    found = records(tmp_path / "run")
    verdicts = [decode(r.kind, r.schema, r.payload) for r in of_kind(found, int(kinds.VERDICT))][:6]

    assert made.submitted == 0
    assert made.faults == []
    assert not of_kind(found, int(kinds.REQUEST))
    assert strict(tmp_path / "run").identical
    assert [verdict["code"] for verdict in verdicts] == [34, 84, 84, 99, 99, 99]


def test_an_exception_mutes_its_strategy_and_its_text_is_told_but_not_recorded(recording: Path, tmp_path: Path) -> None:
    made = resimulate(recording, Setting(parameters={"raises": True}), tmp_path / "run")
    found = records(tmp_path / "run")
    faults = of_kind(found, int(kinds.STRAT_FAULT))

    assert len(faults) == 1
    assert len(made.faults) == 1
    assert "ValueError: call 40 of" in made.faults[0]
    assert 'raise ValueError(f"call {calls} of {id(self)}")' in made.faults[0]
    assert b"ValueError" not in b"".join(record.payload for record in found if record.flags & DERIVED)
    assert not [r for r in of_kind(found, int(kinds.INTENT)) if r.seq > faults[0].seq]
    assert strict(tmp_path / "run").identical


def test_without_a_policy_nothing_is_admitted(recording: Path) -> None:
    made = resimulate(recording, Setting(policy=""))

    assert made.submitted == 0
    assert made.counts["VERDICT"] > 0


def test_a_run_reads_its_base_once_and_closes_it(recording: Path) -> None:
    """The driver takes an open journal and leaves it usable: two runs on one give the same."""
    digests = [resimulate(recording, Setting()).kernel.state_digest() for _ in range(2)]

    assert digests[0] == digests[1]
