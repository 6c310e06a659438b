"""Planted differences: each is reported at its exact place, with both records and the input they answer."""

from pathlib import Path

import pytest
from attrs import evolve
from resimulations import JOINER, POLICY
from run_maker import RUN, Derived, honest, long_inputs, run_of, sample_inputs, write_run

from engine.kernel import kinds
from engine.kernel.derived import decode
from engine.kernel.record import HEAD_SIZE, NONE, padded
from engine.kernel.step import DIGEST_EVERY, Kernel
from engine.kernel.units import BID
from journal.background import Inline
from journal.reader import Record, open_journal
from replay.rebuild import kernel_of
from replay.run import RunStart, StrategySource
from replay.verify import Divergence, StrictReplay, head_fields, replay_strictly
from scenarios.sample.recording import Input


def replayed(folder: Path) -> StrictReplay:
    with open_journal(folder, background=Inline()) as journal:
        return replay_strictly(journal)


def divergence(folder: Path) -> Divergence:
    found = replayed(folder)

    assert found.identical is False
    assert found.divergence is not None
    return found.divergence


def records(folder: Path) -> dict[int, Record]:
    with open_journal(folder, background=Inline()) as journal:
        return {record.seq: record for record in journal.records()}


class Planted:
    """Changes what is written behind the *nth* input that concluded anything, and remembers where that was."""

    def __init__(self, nth: int, how: str) -> None:
        self.left, self.how = nth, how
        self.seq = 0

    def __call__(self, seq: int, kernel: Kernel, concluded: list[Derived]) -> list[Derived]:
        if not concluded:
            return concluded
        self.left -= 1
        if self.left != 0:
            return concluded
        self.seq = seq
        kind, schema, payload = concluded[-1]
        if self.how == "missing":
            return concluded[:-1]
        if self.how == "extra":
            return [*concluded, (int(kinds.ALERT), 1, payload)]
        if self.how == "schema":
            return [*concluded[:-1], (kind, schema + 1, payload)]
        flipped = bytes([payload[0] ^ 1]) + payload[1:]
        return [*concluded[:-1], (kind, schema, flipped)]


def test_a_run_written_honestly_is_identical(tmp_path: Path) -> None:
    kernel = write_run(tmp_path, sample_inputs(150, disconnect_every=40), block_target=4096)
    found = replayed(tmp_path)

    assert found.identical
    assert found.compared == found.derived > 10
    assert found.kernel is not None
    assert found.kernel.checkpoint() == kernel.checkpoint()


@pytest.mark.parametrize("how", ["flipped", "schema", "missing", "extra"])
@pytest.mark.parametrize("nth", [1, 4, 9])
def test_a_changed_derived_record_is_reported_where_it_stands(how: str, nth: int, tmp_path: Path) -> None:
    planted = Planted(nth, how)
    write_run(tmp_path, sample_inputs(150, disconnect_every=40), change=planted, block_target=4096)
    found = divergence(tmp_path)
    stored = records(tmp_path)

    assert found.cause == planted.seq
    assert found.seq > planted.seq
    assert all(stored[seq].cause == planted.seq for seq in range(planted.seq + 1, found.seq))
    assert stored[found.seq].segment_no == found.segment_no
    if how == "missing":
        assert found.found == b""
        last = stored[found.seq - 1]
        assert found.offset == last.offset + HEAD_SIZE + padded(len(last.payload))
        assert stored[found.seq].cause != planted.seq
        assert head_fields(found.expected).cause == planted.seq
    elif how == "extra":
        assert found.expected == b""
        assert head_fields(found.found).kind == kinds.ALERT
        assert stored[found.seq].offset == found.offset
    else:
        assert stored[found.seq].offset == found.offset
        stands, should = head_fields(found.found), head_fields(found.expected)
        assert (stands.seq, stands.cause, stands.kind) == (should.seq, should.cause, should.kind)
        assert stands.seq == found.seq
        assert (stands.payload() == should.payload()) is (how == "schema")
        assert found.found != found.expected


def test_records_in_another_order_differ_at_the_first_of_them(tmp_path: Path) -> None:
    swapped: list[int] = []

    def change(seq: int, kernel: Kernel, concluded: list[Derived]) -> list[Derived]:
        if len(concluded) < 2 or swapped:
            return concluded
        swapped.append(seq)
        return concluded[::-1]

    write_run(tmp_path, sample_inputs(150, disconnect_every=40), change=change)
    found = divergence(tmp_path)

    assert (found.seq, found.cause) == (swapped[0] + 1, swapped[0])


class Bug:
    """One level far from the touch is wrong behind one input; with *noticed*, as the digest of a real bug would be."""

    def __init__(self, at: int, noticed: bool) -> None:
        self.at, self.noticed, self.done = at, noticed, False

    def __call__(self, seq: int, kernel: Kernel, concluded: list[Derived]) -> list[Derived]:
        if not self.done and seq >= self.at and kernel.data.listings.markets:
            self.done = True
            market = kernel.data.listings.markets[0]
            market.book.set_level(BID, 1, market.book.lots_at(BID, 1) + 7)
            market.unsaved = True
            if self.noticed:
                kernel.digest.mix(7)
        return concluded


@pytest.mark.parametrize(("noticed", "at", "which"), [(True, 100, 0), (True, 5000, 1), (False, 8100, 2)])
def test_a_level_changed_by_a_bug_that_no_decision_used_is_reported_at_the_next_digest(
    noticed: bool, at: int, which: int, tmp_path: Path
) -> None:
    write_run(tmp_path, long_inputs(2 * DIGEST_EVERY + 50), run=evolve(RUN, hash_every=0), change=Bug(at, noticed))
    digests = [record for record in records(tmp_path).values() if record.kind == kinds.DIGEST]
    found = divergence(tmp_path)
    stands = decode(int(kinds.DIGEST), 1, head_fields(found.found).payload())
    should = decode(int(kinds.DIGEST), 1, head_fields(found.expected).payload())

    assert len(digests) == 3
    assert (found.seq, found.cause) == (digests[which].seq, digests[which].cause)
    assert (stands["rolling"] == should["rolling"]) is not noticed
    assert (stands["state"] == should["state"]) is noticed


def quoting(source: str = JOINER) -> RunStart:
    parameters = {"size_lots": 20_000_000, "max_position_lots": 100_000_000}
    strategy = StrategySource("one", "JoinTouch", source, "market_making", (), parameters)
    return evolve(run_of([strategy]), policy=POLICY)


def opened(inputs: list[Input]) -> list[Input]:
    """The inputs behind an OPENING: flat, and allowed to trade."""
    payload = kernel_of(quoting()).trading.opening_payload()
    return [(int(kinds.OPENING), 1, inputs[0][2], int(NONE), payload), *inputs]


def test_a_changed_line_in_a_strategy_is_reported_at_its_first_other_decision(tmp_path: Path) -> None:
    changed = JOINER.replace('why="join the best bid"', 'why="join the best bid!"')
    other = kernel_of(quoting(changed))
    first: list[int] = []

    def watch(seq: int, kernel: Kernel, concluded: list[Derived]) -> list[Derived]:
        if not first and any(kind == kinds.INTENT for kind, _, _ in concluded):
            first.append(seq)
        return concluded

    write_run(tmp_path / "honest", opened(sample_inputs(200)), run=quoting())
    write_run(tmp_path / "liar", opened(sample_inputs(200)), run=quoting(), kernel=other, change=watch)
    found = divergence(tmp_path / "liar")

    assert changed != JOINER
    assert replayed(tmp_path / "honest").identical
    assert found.cause == first[0]
    assert head_fields(found.found).kind == kinds.INTENT
    assert b"best bid!" in found.found
    assert b"best bid!" not in found.expected


def test_a_clock_read_in_a_decision_is_reported_at_the_first_decision_it_moved(tmp_path: Path) -> None:
    impure = JOINER.replace("class JoinTouch", "import time\n\n\n@frozen\nclass JoinTouch", 1).replace(
        "@frozen\nimport time", "import time"
    )
    impure = impure.replace('why="join the best bid"', "why=str(time.perf_counter_ns())")
    write_run(tmp_path, opened(sample_inputs(200)), run=quoting(impure))
    found = divergence(tmp_path)

    assert head_fields(found.found).kind == kinds.INTENT
    assert head_fields(found.expected).kind == kinds.INTENT


def test_what_stands_before_a_difference_is_counted_and_nothing_behind_it(tmp_path: Path) -> None:
    planted = Planted(4, "flipped")
    write_run(tmp_path, sample_inputs(150, disconnect_every=40), change=planted)
    found = replayed(tmp_path)
    stored = records(tmp_path)
    assert found.divergence is not None
    before = [record for record in stored.values() if record.seq < found.divergence.seq]

    assert found.last_seq == found.divergence.seq - 1
    assert found.inputs == sum(record.cause == 0 for record in before)
    assert found.compared == sum(record.cause > 0 for record in before)
    assert found.derived == found.compared + 1


def test_honest_changes_nothing() -> None:
    assert honest(1, kernel_of(RUN), [(1, 1, b"")]) == [(1, 1, b"")]
