"""
Planted differences: each is reported at its own sequence number, with both records, their cause, and exit code 4.

The journals are written anew after the change, so that every checksum and the chain fit: only a comparison finds it.
"""

import json
import re
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path

import orjson
import pytest
from attrs import evolve
from click.testing import CliRunner
from resimulations import JOINER, JOINING, Setting, of_kind, records, resimulate, rewritten, sample_recording, strict
from run_maker import append, concluded_by, run_of, sample_inputs, start_input, stop_input

from engine.kernel import kinds
from engine.kernel.record import DERIVED
from engine.runtime.cli import engine
from journal.background import Inline
from journal.disk import RealDisk
from journal.reader import Record
from journal.verify import verify
from journal.writer import Writer
from replay.rebuild import kernel_of
from replay.run import RunStart, StrategySource
from scenarios.sample.recording import NAMES, START_NS, Input


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recording, and a run of the joining strategy on it."""
    folder = tmp_path_factory.mktemp("planted")
    sample_recording(folder / "recording", frames=250)
    resimulate(folder / "recording", JOINING, folder / "run")
    return folder


def told(path: Path) -> tuple[str, dict]:  # type: ignore[type-arg]
    """What a person and a program read of a replay that diverges."""
    person = CliRunner().invoke(engine, ["replay", str(path)])
    program = CliRunner().invoke(engine, ["replay", str(path), "--json"])

    assert (person.exit_code, program.exit_code) == (4, 4)
    return person.stdout, json.loads(program.stdout)["divergence"]


def flipped(seq: int) -> Callable[[Record], list[bytes]]:
    """One bit of the last byte of record *seq* is another."""

    def change(record: Record) -> list[bytes]:
        payload = bytearray(record.payload)
        if record.seq == seq:
            payload[-1] ^= 0x10
        return [bytes(payload)]

    return change


# -- a changed byte ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["INTENT", "VERDICT", "REQUEST", "CAPSULE", "RESYNC", "DIGEST"])
def test_a_flipped_bit_in_a_derived_record_is_reported_there(kind: str, made: Path, tmp_path: Path) -> None:
    right = [record for record in records(made / "run") if kinds.name(record.kind) == kind][-1]
    rewritten(made / "run", tmp_path / "run", flipped(right.seq))
    found = strict(tmp_path / "run").divergence
    person, program = told(tmp_path / "run")

    assert verify(RealDisk(), tmp_path / "run").verdict == "CLEAN"
    assert found is not None
    assert (found.seq, found.cause) == (right.seq, right.cause)
    assert right.payload in found.expected
    assert right.payload not in found.found
    assert [at for at in range(len(found.found)) if found.found[at] != found.expected[at]][4:] == [
        48 + len(right.payload) - 1
    ]
    assert (program["seq"], program["cause"]["seq"]) == (right.seq, right.cause)
    assert program["found"]["kind"] == program["expected"]["kind"] == kind
    assert f"replay DIVERGED at seq {right.seq:,}" in person
    assert f"caused by input {right.cause:,}" in person
    assert len(person.splitlines()[5].split()) > 2, "the field that differs, beside both its values"


def test_a_derived_record_that_is_missing_is_reported_where_it_should_stand(made: Path, tmp_path: Path) -> None:
    right = of_kind(records(made / "run"), int(kinds.VERDICT))[3]
    rewritten(made / "run", tmp_path / "run", lambda r: [] if r.seq == right.seq else [r.payload])
    found = strict(tmp_path / "run").divergence
    _, program = told(tmp_path / "run")

    assert found is not None
    assert (found.seq, found.cause) == (right.seq, right.cause)
    assert right.payload in found.expected
    assert program["expected"]["kind"] == "VERDICT"
    assert program["found"]["kind"] == kinds.name(records(tmp_path / "run")[right.seq - 1].kind)


def test_the_last_record_of_a_group_that_is_missing_is_reported_with_nothing_beside_it(
    made: Path, tmp_path: Path
) -> None:
    """Behind it stands the next input, so there is no record to show as found."""
    stored = records(made / "run")
    right = next(r for r, after in pairwise(stored[20:]) if r.flags & DERIVED > after.flags)
    rewritten(made / "run", tmp_path / "run", lambda r: [] if r.seq == right.seq else [r.payload])
    found = strict(tmp_path / "run").divergence
    person, program = told(tmp_path / "run")

    assert found is not None
    assert (found.seq, found.cause, found.found) == (right.seq, right.cause, b"")
    assert right.payload in found.expected
    assert program["found"] is None
    assert re.search(rf"^kind +nothing +{kinds.name(right.kind)}$", person, re.MULTILINE)


def test_a_derived_record_that_nobody_concluded_is_reported(made: Path, tmp_path: Path) -> None:
    right = of_kind(records(made / "run"), int(kinds.CAPSULE))[2]
    last = max(r.seq for r in records(made / "run") if r.cause == right.cause)
    rewritten(made / "run", tmp_path / "run", lambda r: [r.payload] * (1 + (r.seq == last)))
    found = strict(tmp_path / "run").divergence

    assert found is not None
    assert (found.seq, found.cause, found.expected) == (last + 1, right.cause, b"")


# -- a changed strategy ------------------------------------------------------------------------------------------------


def with_source(source: str) -> Callable[[Record], list[bytes]]:
    """The run states another source text."""

    def change(record: Record) -> list[bytes]:
        if record.kind != kinds.RUN_START:
            return [record.payload]
        fields = orjson.loads(record.payload)
        fields["strategies"][0]["source"] = source
        return [orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)]

    return change


def first_difference(one: Iterable[Record], two: Iterable[Record]) -> int:
    """Number of the first derived record that is not the same in both."""
    pairs = zip(one, two, strict=False)
    return next(a.seq for a, b in pairs if a.flags & DERIVED and (a.kind, a.payload) != (b.kind, b.payload))


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("return int(bid)", "return int(bid) - 1"),
        ('why="join the best bid"', 'why="join the best bid."'),
        ('why="the touch moved"', 'why="the bid moved"'),
        ("ask - bid < self.min_spread_ticks", "ask - bid <= self.min_spread_ticks"),
    ],
)
def test_a_changed_line_of_a_strategy_is_reported_at_the_first_decision_it_changes(
    line: str, instead: str, made: Path, tmp_path: Path
) -> None:
    changed = JOINER.replace(line, instead)
    rewritten(made / "run", tmp_path / "run", with_source(changed))
    resimulate(made / "recording", evolve(JOINING, source=changed), tmp_path / "other")
    expected = first_difference(records(made / "run"), records(tmp_path / "other"))
    found = strict(tmp_path / "run").divergence
    _, program = told(tmp_path / "run")

    assert changed != JOINER
    assert found is not None
    assert found.seq == expected
    assert found.cause == records(made / "run")[expected - 1].cause
    assert program["seq"] == expected


def test_a_changed_text_that_decides_the_same_is_reported_at_the_first_digest(made: Path, tmp_path: Path) -> None:
    rewritten(made / "run", tmp_path / "run", with_source(JOINER + "\n# nothing else\n"))
    found = strict(tmp_path / "run").divergence

    assert found is not None
    assert found.seq == of_kind(records(made / "run"), int(kinds.DIGEST))[0].seq


# -- a clock -----------------------------------------------------------------------------------------------------------

CLOCKED = """
import time

from engine.kernel.strategy import BUY, Place

class Clocked:
    def __init__(self):
        self.memory = [0]

    def decide(self, view, wake):
        for key in wake.instruments:
            market = view.market(key)
            if market.best_bid is not None and not market.own_bids:
                self.memory = [self.memory[0] + 1]
                sure = 1 + time.time_ns() // 1000 % 999_999 if self.memory == [5] else 0
                yield Place(key, BUY, market.best_bid, 20_000_000, confidence=sure)
"""


def test_one_look_at_the_clock_is_reported_at_the_decision_it_moved(made: Path, tmp_path: Path) -> None:
    resimulate(made / "recording", Setting(CLOCKED, "Clocked"), tmp_path / "run", guard=False)
    intents = of_kind(records(tmp_path / "run"), int(kinds.INTENT))
    found = strict(tmp_path / "run").divergence
    person, program = told(tmp_path / "run")

    assert len(intents) > 5
    assert found is not None
    assert (found.seq, found.cause) == (intents[4].seq, intents[4].cause)
    assert program["found"]["kind"] == program["expected"]["kind"] == "INTENT"
    assert [line.split()[0] for line in person.splitlines()[3:7]] == ["kind", "cause", "confidence", "stored:"]


# -- a bug in the fold -------------------------------------------------------------------------------------------------

SIZES = re.compile(rb'"size":"([0-9.]+)"')
DEEP = re.compile(rb'"price":"(0\.0[1-9]|0\.9[1-9])", "size":"[1-9]')


def a_level_too_much(payload: bytes) -> bytes:
    """The same frame with a level one share larger, in both outcomes' spelling; unchanged if it sets none far away."""
    sizes = set(SIZES.findall(payload))
    if b"price_changes" not in payload or len(sizes) != 1 or not DEEP.search(payload):
        return payload
    size = sizes.pop()
    return payload.replace(b'"size":"%s"' % size, b'"size":"1%s"' % size)


def run_with_a_bug(folder: Path, given: list[Input], run: RunStart, bug: Callable[[int, bytes], bytes]) -> None:
    """Write a run whose kernel folded other frames than those it wrote down: what a wrong fold would have done."""
    writer = Writer.create(
        folder, RealDisk(), Inline(), journal_id=bytes(16), wall_ns=START_NS, sources=NAMES, block_target=30_000
    )
    kernel = kernel_of(run)
    append(writer, kernel, start_input(run))
    for number, (kind, source, recv_ns, src_ns, payload) in enumerate(given):
        seq = writer.append_input(kind, 1, source, recv_ns, src_ns, payload)
        folded = bug(number, payload)
        kernel.step(seq, recv_ns, kind, source, folded, 0, len(folded))
        for derived in concluded_by(kernel):
            writer.append_derived(*derived)
    append(writer, kernel, stop_input(given[-1][2]))
    writer.close()


@pytest.fixture(scope="module")
def long_inputs() -> list[Input]:
    """Enough inputs for a DIGEST before the run's end."""
    return sample_inputs(4400, markets=2)


@pytest.mark.parametrize(("from_number", "digest"), [(1500, 0), (4150, 1)])
def test_a_level_that_no_decision_used_is_reported_at_the_next_digest(
    from_number: int, digest: int, long_inputs: list[Input], tmp_path: Path
) -> None:
    deep = [n for n, item in enumerate(long_inputs) if a_level_too_much(item[4]) != item[4]]
    at = next(number for number in deep if number >= from_number)
    joiner = StrategySource("one", "JoinTouch", JOINER, "market_making", (), dict(JOINING.parameters))
    run = evolve(run_of([joiner]), hash_every=0)
    run_with_a_bug(tmp_path / "run", long_inputs, run, lambda n, frame: a_level_too_much(frame) if n == at else frame)
    stored = records(tmp_path / "run")
    digests = of_kind(stored, int(kinds.DIGEST))
    found = strict(tmp_path / "run").divergence
    person, program = told(tmp_path / "run")

    assert len(digests) == 2
    assert len(of_kind(stored, int(kinds.INTENT))) > 100
    assert found is not None
    assert (found.seq, found.cause) == (digests[digest].seq, digests[digest].cause)
    assert program["expected"]["payload"].split()[0] == program["found"]["payload"].split()[0]
    assert re.search(r"^rolling +\d+ +\d+$", person, re.MULTILINE)


def test_a_book_hash_reports_that_level_at_the_frame_that_contradicts_it(
    long_inputs: list[Input], tmp_path: Path
) -> None:
    """With the venue's hashes checked the wrong book is found at once: the run itself closed its gate there."""
    deep = [n for n, item in enumerate(long_inputs) if a_level_too_much(item[4]) != item[4]]
    at = deep[5]
    bug: Callable[[int, bytes], bytes] = lambda n, frame: a_level_too_much(frame) if n == at else frame  # noqa: E731
    run_with_a_bug(tmp_path / "run", long_inputs[: at + 300], run_of(), bug)
    wrong = of_kind(records(tmp_path / "run"), int(kinds.GAP))
    found = strict(tmp_path / "run").divergence

    assert found is not None
    assert found.seq == wrong[0].seq
    assert found.expected == b""
