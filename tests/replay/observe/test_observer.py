"""Observing a run changes nothing of it, and what it keeps is what the records and the recording say."""

from bisect import bisect_right
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from attribution_room import SECOND, Log, Room
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from resimulations import NOISY, POLICY, sample_recording, strict
from two_clocks_room import make_room

from engine.kernel import kinds
from engine.kernel.derived import decode
from engine.kernel.market import Market
from engine.kernel.record import NONE
from engine.kernel.request import decode_request
from engine.strategies.join_touch import JoinTouch
from journal.disk import RealDisk
from journal.reader import open_journal
from replay import resimulate
from replay.attribution import attribute
from replay.observe import observer_of
from replay.observed import MARKOUTS_NS, MOST_SAMPLES, Fill, Observed
from replay.overlay import open_base
from replay.rebuild import bare_kernel
from replay.resimulation import Simulation
from replay.results import NotObserved
from replay.verify import replay_strictly

JOIN = JoinTouch(size_lots=20_000_000, max_position_lots=100_000_000)
VENUE = {"order_latency_ms": 40, "report_latency_ms": 30}


def play(seed: int, **how: Any) -> tuple[Room, Log, Observed]:
    """A run, observed."""
    with TemporaryDirectory() as folder:
        room, log = Room(seed, Path(folder) / "base", **how), Log()
        _, observer = room.play(log, observed=True)
        assert observer is not None
        return room, log, observer.finish()


@pytest.fixture(scope="module")
def played() -> list[tuple[Room, Log, Observed]]:
    """Some runs, one of them past the end of a day."""
    return [play(3, frames=900), play(11), play(16, frames=900), play(17, day=True, alone=True)]


# -- nothing is changed ------------------------------------------------------------------------------------------------


@settings(max_examples=10)
@given(st.integers(0, 2**32), st.booleans())
def test_a_run_has_the_same_records_with_and_without_an_observer(seed: int, wild: bool) -> None:
    plain, observed = Log(), Log()
    room = make_room(seed, 120, wild)
    alone = Simulation(room.run, room.config, room.feed, plain).play()
    room = make_room(seed, 120, wild)
    simulation = Simulation(room.run, room.config, room.feed, observed)
    observer = observer_of(simulation, step_ns=1_000_000)
    found = simulation.play()
    observer.finish()

    assert observed.records == plain.records
    assert (found.digests, found.last_seq) == (alone.digests, alone.last_seq)
    assert found.kernel.state_digest() == alone.kernel.state_digest()


@settings(max_examples=5)
@given(st.integers(0, 2**32), st.booleans())
def test_nor_does_it_where_trades_fail_sets_are_made_and_days_end(seed: int, alone: bool) -> None:
    with TemporaryDirectory() as folder:
        room = Room(seed, Path(folder) / "base", frames=150, alone=alone)
        plain, observed = Log(), Log()
        without, _ = room.play(plain, observed=False)
        found, observer = room.play(observed, observed=True)

        assert observed.records == plain.records
        assert found.kernel.state_digest() == without.kernel.state_digest()
        assert found.accrued == without.accrued
        silent, _ = room.play(None, observed=False)
        assert silent.digests == found.digests
        assert observer is not None


def test_an_overlay_has_the_same_bytes_with_and_without(tmp_path: Path) -> None:
    base = sample_recording(tmp_path / "base", frames=300)
    common: dict[str, Any] = {"strategy": JOIN, "venue": VENUE, "policy": POLICY, "seed": 7}
    for tables in (True, False):
        resimulate(base, **common, tables=tables, out=tmp_path / f"plain {tables}")
        resimulate(base, **common, tables=tables, observe=True, out=tmp_path / f"observed {tables}")

    def files(name: str) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in sorted((tmp_path / name).iterdir())}

    assert files("observed True") == files("plain True") == files("observed False") == files("plain False")
    assert strict(tmp_path / "observed True").identical


# -- what it keeps -----------------------------------------------------------------------------------------------------


def test_every_fill_names_the_records_that_explain_it(played: list[tuple[Room, Log, Observed]]) -> None:
    for _, log, observed in played:
        reports = [(at, body) for at, (kind, _, body) in enumerate(log.records, 1) if kind == kinds.SIM_FILLED]
        for fill, (at, body) in zip(observed.fills, reports, strict=True):
            words = [int.from_bytes(body[i : i + 8], "little", signed=True) for i in range(0, 56, 8)]
            kind, _, payload = log.records[fill.order - 1]
            request = decode_request(fill.order, 2, payload)
            assert fill.capsule is not None
            capsule = decode(kinds.CAPSULE, 2, log.records[fill.capsule - 1][2])
            intents = [decode(kinds.INTENT, 2, body) for kind, _, body in log.records if kind == kinds.INTENT]

            assert (fill.seq, fill.order, fill.price, fill.size) == (at, words[0], words[2], words[3])
            assert kind == kinds.REQUEST
            assert (request.instrument, request.price) == (fill.instrument, fill.limit)
            assert capsule["id"] == request.intent == bytes.fromhex(fill.intent)
            assert capsule["trigger"] == fill.cause
            assert [one["seat"] for one in intents if one["id"] == request.intent] == [
                observed.strategies.index(fill.strategy) + 1
            ]
    assert sum(len(observed.fills) for _, _, observed in played) > 10


def mid2_of(market: Market, first: bool) -> int | None:
    """Twice the mid, spelt out."""
    bid, ask = market.book.best_bid(), market.book.best_ask()
    if market.winner != NONE:
        won = (market.winner == market.first_instrument) == first
        return 2 * int(market.price_scale) if won else 0
    if not market.ready() or bid == NONE or ask == NONE:
        return None
    twice = (int(bid) + int(ask)) * int(market.tick)
    return twice if first else 2 * int(market.price_scale) - twice


def mids_at(room: Room, times: list[int]) -> dict[int, list[int | None]]:
    """Twice the mid of every instrument when all that had reached us by each of *times* was folded."""
    kernel = bare_kernel()
    found: dict[int, list[int | None]] = {}
    todo = sorted(set(times))
    ends = {at_ns: bisect_right([one[2] for one in room.given], at_ns) for at_ns in todo}
    done = 0
    for at_ns in todo:
        for seq in range(done, ends[at_ns]):
            kind, source, recv_ns, _, payload = room.given[seq]
            kernel.step(seq + 1, recv_ns, kind, source, payload, 0, len(payload))
        done = ends[at_ns]
        instruments = kernel.data.listings.instruments
        found[at_ns] = [mid2_of(one.market, not one.complement) for one in instruments]
    return found


def test_mark_outs_are_the_mids_that_the_recording_had_then(played: list[tuple[Room, Log, Observed]]) -> None:
    known = 0
    for room, _, observed in played:
        end_ns = observed.grid.time_ns[-1]

        def looks(fill: Fill, horizon_ns: int = observed.horizon_ns) -> list[int]:
            return [fill.time_ns + after_ns for after_ns in (0, *MARKOUTS_NS, horizon_ns)]

        mids = mids_at(room, [min(at, end_ns) for fill in observed.fills for at in looks(fill)])
        for fill in observed.fills:
            before_ns, *after_ns, later_ns = looks(fill)
            expected = tuple(mids[at][fill.instrument] if at <= end_ns else None for at in after_ns)
            got = tuple(mid for mid, at in zip(fill.mids2, after_ns, strict=True) if at <= end_ns)

            assert got == expected[: len(got)]
            assert fill.mids2[len(got) :] == (None,) * (len(fill.mids2) - len(got))
            assert fill.later2 == mids[min(later_ns, end_ns)][fill.instrument]
            assert fill.mid2 == mids[before_ns][fill.instrument]
            known += sum(mid is not None for mid in got)

    assert known > 10


def test_samples_are_what_the_portfolio_came_to(played: list[tuple[Room, Log, Observed]]) -> None:
    for room, log, observed in played:
        assert len(observed.grid) <= MOST_SAMPLES
        assert list(observed.grid.time_ns) == sorted(set(observed.grid.time_ns))
        assert list(observed.grid.seq) == sorted(observed.grid.seq)
        assert log.records[observed.grid.seq[-1] - 1][0] == kinds.RUN_STOP
        assert observed.grid.base_seq[-1] == len(room.given)
        for track in observed.currencies:
            of_it = [one for one in observed.ended if observed.instruments[one.instrument].purse == track.purse]
            equity = sum(one.realised + (one.unrealised or 0) - one.fees + one.income for one in of_it)

            assert track.equity[-1] == equity
            mine = [one.pnl for one in observed.by_strategy if one.purse == track.purse]
            tokens = [one.pnl for one in observed.by_instrument if one.purse == track.purse]
            for at, whole in enumerate(track.equity):
                assert sum(values[at] or 0 for values in mine) == (whole or 0)
                assert sum(values[at] or 0 for values in tokens) == (whole or 0)


def test_orders_have_the_life_that_the_reports_tell(played: list[tuple[Room, Log, Observed]]) -> None:
    ends = {kinds.SIM_CANCELLED: "CANCELLED", kinds.SIM_EXPIRED: "EXPIRED", kinds.SIM_REJECTED: "REJECTED"}
    rested = 0
    for _, log, observed in played:
        told: dict[int, list[tuple[int, int]]] = {}
        matched: dict[int, int] = {}
        for fill in observed.fills:
            matched[fill.order] = matched.get(fill.order, 0) + fill.size
        for at, (kind, _, body) in enumerate(log.records, 1):
            if kinds.SIM_ACKED <= kind <= kinds.SIM_EXPIRED:
                told.setdefault(int.from_bytes(body[:8], "little"), []).append((kind, at))
        for order in observed.orders:
            acks = [at for kind, at in told.get(order.seq, []) if kind == kinds.SIM_ACKED]
            over = [(ends[kind], at) for kind, at in told.get(order.seq, []) if kind in ends]

            assert order.acked == (acks[0] if acks else None)
            if over:
                assert (order.end, order.ended) == over[0]
            else:
                assert order.end == ("FILLED" if matched.get(order.seq) == order.size else "OPEN")
            rested += order.ahead is not None
        assert observed.orders_every == 1
        assert len(observed.orders) == observed.counts.orders
        assert observed.counts.rested == sum(order.ahead is not None for order in observed.orders)
    assert rested > 10


def test_rewards_are_sampled_each_minute_and_credits_divided(played: list[tuple[Room, Log, Observed]]) -> None:
    _, log, observed = played[3]
    credited = [body for kind, _, body in log.records if kind == kinds.SIM_CREDITED]

    assert len(observed.credits) == len(credited) > 0
    assert all(sum(part for _, part in one.shares) == one.amount > 0 for one in observed.credits)
    assert {one.reason for one in observed.credits} <= {"rebate", "reward"}
    for scores in observed.scores:
        minutes = [one.venue_ns // (60 * SECOND) for one in scores.found]
        assert len(set(minutes)) == len(minutes) == scores.samples
        assert scores.scored == sum(one.ours > 0 for one in scores.found) > 0
        assert all(one.share is not None and 0 < one.share <= 1 for one in scores.found if one.ours)


def test_a_strict_replay_sees_what_was_seen_of_the_run(tmp_path: Path) -> None:
    base = sample_recording(tmp_path / "base", frames=400)
    (tmp_path / "noisy.py").write_text(NOISY)
    strategies = [JOIN, f"{tmp_path / 'noisy.py'}:Noisy"]
    common: dict[str, Any] = {"venue": VENUE, "policy": POLICY, "seed": 7}
    run = resimulate(base, strategy=strategies, **common, observe=True, out=tmp_path / "run")
    with open_journal(tmp_path / "run") as journal:
        found = replay_strictly(journal, base=lambda run: open_base(RealDisk(), journal.path, run, None), observe=True)
    (observed,) = found.observed
    # What only the venue knew: how its queues stood, and what it sampled.
    counts = evolve(run.observed.counts, rested=0)
    queue = tuple(evolve(one, orders=0, filled_orders=0, size=0, filled=0) for one in run.observed.queue)
    orders = tuple(evolve(one, ahead=None) for one in run.observed.orders)
    fills = tuple(evolve(one, ahead=None) for one in run.observed.fills)

    assert found.identical
    assert observed == evolve(run.observed, counts=counts, queue=queue, orders=orders, fills=fills, scores=())
    assert min(observed.counts.orders, observed.counts.fills) > 5
    assert attribute(observed).by_purse == run.attribution.by_purse


def test_a_run_that_was_not_observed_says_so(tmp_path: Path) -> None:
    run = resimulate(sample_recording(tmp_path / "base", frames=60), strategy=JOIN, venue=VENUE, policy=POLICY)

    with pytest.raises(NotObserved, match="observe=True"):
        _ = run.observed
    with pytest.raises(NotObserved, match="observe=True"):
        _ = run.attribution
