"""A strategy's mistakes are told with the record, the line, what was wanted and what to do: each of them, exactly."""

from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import pytest
from resimulations import of_kind, records, sample_recording

from engine.kernel import codes, kinds
from engine.kernel.derived import decode
from replay import Run, resimulate
from replay.mistakes import _INSTEAD, _PLAIN, Asked, explained, fault, place_of
from replay.overlay import span_fields

HEAD = """
import math
import time
from engine.kernel.strategy import BUY, SELL, Cancel, CancelAll, CancelTimer, Flatten, Place, SetTimer


class Mine:
    def __init__(self):
        self.memory = {"calls": 0}

    def decide(self, view, wake):
        self.memory["calls"] += 1
        if self.memory["calls"] != 3 or not wake.instruments:
            return
        key = wake.instruments[0]
        market = view.market(key)
"""
LINE = HEAD.count("\n") + 1
"""The line on which the mistake stands."""


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of one market."""
    return sample_recording(tmp_path_factory.mktemp("base") / "recording", frames=60, markets=1, losses=0)


def run(recording: Path, folder: Path, body: str, **given: Any) -> Run:
    """A run of a strategy that does *body* once, from its file."""
    (folder / "mine.py").write_text(HEAD + indent(dedent(body), " " * 8) + "\n")
    return resimulate(recording, strategy=f"{folder / 'mine.py'}:Mine", seed=7, **given)


REFUSED = [
    (
        "yield Place(key, BUY, 0.38, 5_000_000)",
        "INTENT_MALFORMED",
        "price_ticks=0.38",
        "price_ticks must be a whole number of ticks, not 0.38",
        "ticks, here of 0.01",
    ),
    (
        "yield Place(key, BUY, market.best_bid / 1, 5_000_000)",
        "INTENT_MALFORMED",
        "Place(instrument=",
        "price_ticks must be a whole number",
        "best_bid + 1",
    ),
    (
        "yield Place(key, BUY, 1, 2.5)",
        "INTENT_MALFORMED",
        "lots=2.5",
        "lots must be a whole number of lots, at least 1, not 2.5",
        "correct",
    ),
    (
        "yield Place(key, 'BUY', 1, 5)",
        "INTENT_MALFORMED",
        "side='BUY'",
        "side must be BUY or SELL, not 'BUY'",
        "correct",
    ),
    (
        "yield Place(key, BUY, 1, 5, tif='DAY')",
        "INTENT_MALFORMED",
        "tif='DAY'",
        "tif must be GTC, GTD, FOK or FAK, not 'DAY'",
        "correct",
    ),
    ("yield key", "INTENT_MALFORMED", "str 'polymarket:", "kind must be Place, Cancel", "correct"),
    (
        "yield Place('polymarket:nowhere', BUY, 1, 5)",
        "UNKNOWN_INSTRUMENT",
        "polymarket:nowhere",
        "no catalogue lists 'polymarket:nowhere'",
        "wake.instruments",
    ),
    ("yield Flatten('nowhere')", "UNKNOWN_INSTRUMENT", "FLATTEN", "no catalogue lists 'nowhere'", "wake.instruments"),
    (
        "yield Place(key, BUY, 100, 5_000_000)",
        "OUT_OF_BAND",
        "BUY 5 at 1 (100 ticks of 0.01)",
        "outside of what the venue can express",
        "whole_ticks - 1",
    ),
    (
        "yield Place(key, BUY, market.best_ask, 5_000_000, post_only=True)",
        "WOULD_CROSS",
        "BUY 5 at",
        "would trade at once",
        "below best_ask",
    ),
    (
        "yield Place(key, BUY, 1, 1)",
        "SIZE_BELOW_MIN",
        "BUY 0.000001 at 0.01",
        "smaller than the venue's least order",
        "ask for more",
    ),
    (
        "yield Place(key, BUY, 1, 5_000_000, tif='GTD')",
        "TTL_INVALID",
        "GTD",
        "does not fit its time in force",
        "ttl_ns with tif GTD",
    ),
    (
        "yield Place(key, SELL, 1, 5_000_000, reduce_only=True)",
        "NOT_REDUCING",
        "SELL 5 at 0.01",
        "would not reduce",
        "position_lots",
    ),
    ("yield Cancel(1)", "NO_SUCH_ORDER", "CANCEL order 1", "no such open order", "own_orders"),
    ("yield SetTimer('x')", "INTENT_MALFORMED", "SET_TIMER 'x'", "due must be at_ns or after_ns", "correct"),
    ("yield CancelTimer('x')", "NO_SUCH_ORDER", "CANCEL_TIMER 'x'", "no such open order", "own_orders"),
]


@pytest.mark.parametrize(("body", "code", "wanted", "why", "instead"), REFUSED, ids=lambda text: str(text)[:40])
def test_a_refused_intent_is_told(
    body: str, code: str, wanted: str, why: str, instead: str, recording: Path, tmp_path: Path
) -> None:
    found = run(recording, tmp_path, body)
    (refusal,) = found.refusals
    (verdict,) = found.verdicts

    assert (refusal.code, refusal.count, refusal.strategy) == (code, 1, "Mine")
    assert (refusal.file, refusal.line) == ("mine.py", LINE)
    assert wanted in refusal.wanted
    assert why in refusal.why
    assert instead in refusal.instead
    assert (refusal.seq, refusal.code) == (verdict["cause"], verdict["code"])
    assert refusal.base_seq > 2
    assert f"line {LINE}" in refusal.text()
    assert f"record {verdict['cause']}" in refusal.text()


FAULTS = [
    ("market.best_bid.nothing", "AttributeError: 'int' object has no attribute 'nothing'"),
    ("view.market('nowhere')", "KeyError: 'nowhere'"),
    ("raise ValueError('two\\nlines')", "ValueError: two"),
    ("time.time()", "Forbidden: time.time() reads a clock (CLOCK): view.now_ns"),
    ("open('x')", "Forbidden: open('x') uses files or devices (IO)"),
    ("import random; random.random()", "Forbidden: random.random() draws chance"),
    ("import threading; threading.Thread().start()", "Forbidden: threading.Thread.start starts or uses threads"),
    ("import os; os.environ['HOME']", "Forbidden: os.environ asks the machine"),
    ("import socket; socket.socket()", "Forbidden: socket.__new__"),
    ("return 5", "TypeError: 'int' object is not iterable"),
]


@pytest.mark.parametrize(("body", "error"), FAULTS, ids=lambda text: str(text)[:40])
def test_an_exception_is_told(body: str, error: str, recording: Path, tmp_path: Path) -> None:
    body = f"if market:\n    {body}" if "return 5" not in body else body
    head = "yield Cancel(1)\n" if "return 5" not in body else ""
    text = HEAD if head else HEAD.replace("            return\n", "            return ()\n")
    (tmp_path / "mine.py").write_text(text + indent(head + body, " " * 8) + "\n")
    found = resimulate(recording, strategy=f"{tmp_path / 'mine.py'}:Mine", seed=7)
    (told,) = found.faults

    assert told.error.startswith(error)
    assert told.strategy == "Mine"
    assert told.base_seq > 2
    if head:
        assert (told.file, told.line) == ("mine.py", LINE + 2)
        assert told.code == body.splitlines()[1].strip()
        assert f"mine.py, line {LINE + 2}: {told.code}" in told.text()
    else:
        assert told.line is None  # it returned what cannot be drained
    assert "Traceback" in told.traceback
    assert found.stats.faults == 1


def test_the_numbers_are_those_of_the_records(recording: Path, tmp_path: Path) -> None:
    found = run(recording, tmp_path, "yield Place(key, BUY, 1000, 5_000_000)\nyield 1 / 0", out=tmp_path / "run")
    written = records(tmp_path / "run")
    spans = {record.seq: span_fields(record.payload) for record in of_kind(written, int(kinds.SPAN))}

    assert found.refusals == ()  # what a failing call yielded is discarded
    (fault_record,) = of_kind(written, int(kinds.STRAT_FAULT))
    assert found.faults[0].seq == fault_record.cause
    assert found.faults[0].base_seq == spans[fault_record.cause][1]


def test_only_the_first_of_each_reason_is_told_and_the_others_are_counted(recording: Path, tmp_path: Path) -> None:
    (tmp_path / "many.py").write_text(
        "from engine.kernel.strategy import BUY, Place\n\n\nclass Many:\n    def decide(self, view, wake):\n"
        "        for key in wake.instruments:\n            yield Place(key, BUY, 0.5, 1)\n"
        "            yield Place(key, BUY, 1000, 5_000_000)\n"
    )
    found = resimulate(recording, strategy=f"{tmp_path / 'many.py'}:Many", guard=False)

    assert [(one.code, one.line) for one in found.refusals] == [("INTENT_MALFORMED", 7), ("OUT_OF_BAND", 8)]
    for one in found.refusals:
        assert one.count == found.stats.verdicts[one.code] > 10
    assert found.refusals[0].seq == found.refusals[1].seq


def test_legs_of_a_group_keep_their_lines(recording: Path, tmp_path: Path) -> None:
    body = """
        yield Place(key, BUY, 1, 5_000_000, group="g", leg=1, legs=2)
        yield Place(key, BUY, 1000, 5_000_000, group="g", leg=0, legs=2)
    """
    found = run(recording, tmp_path, body.strip("\n"))

    assert [(one.code, one.line) for one in found.refusals] == [("OUT_OF_BAND", LINE + 1), ("GROUP_FAILED", LINE)]


def test_the_mistakes_do_not_depend_on_the_guard(recording: Path, tmp_path: Path) -> None:
    both = [run(recording, tmp_path, "yield Place(key, BUY, 0.5, 1)", guard=guard) for guard in (True, False)]

    assert both[0].refusals == both[1].refusals
    assert both[0].stats.state_digest == both[1].stats.state_digest


def test_two_strategies_are_told_apart(recording: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.py").write_text(HEAD + " " * 8 + f"yield Place('{name}', BUY, 1, 1)\n")
    found = resimulate(recording, strategy={name: f"{tmp_path / f'{name}.py'}:Mine" for name in ("a", "b")})

    assert [(one.strategy, one.file, one.line) for one in found.refusals] == [("a", "a.py", LINE), ("b", "b.py", LINE)]
    assert [repr(name) in one.why for one, name in zip(found.refusals, ("a", "b"), strict=True)] == [True, True]


def test_strategies_that_fail_at_one_input_are_each_told_their_own_exception(recording: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.py").write_text(HEAD + " " * 8 + f"yield Cancel(market.no_{name})\n")
    found = resimulate(recording, strategy={name: f"{tmp_path / f'{name}.py'}:Mine" for name in ("a", "b")})

    assert found.faults[0].seq == found.faults[1].seq
    assert [(one.strategy, one.file, one.line) for one in found.faults] == [("a", "a.py", LINE), ("b", "b.py", LINE)]
    assert [f"no_{name}" in one.error for one, name in zip(found.faults, ("a", "b"), strict=True)] == [True, True]


# -- texts -------------------------------------------------------------------------------------------------------------


def test_every_code_that_admission_refuses_with_has_words() -> None:
    refusals = {name for number, name in codes.NAMES.items() if number >= 80} - {"DUPLICATE_INTENT"}
    told_apart = {"INTENT_MALFORMED", "UNKNOWN_INSTRUMENT", "RISK_LIMIT", "GATE_CLOSED"}

    assert refusals <= set(_INSTEAD)
    assert set(_INSTEAD) - told_apart <= set(_PLAIN)


def test_a_limit_and_a_gate_are_named() -> None:
    asked = Asked({}, None)

    assert explained({"code": codes.RISK_LIMIT, "detail": 2, "check": 19}, asked)[0].endswith("the market")
    assert "CONN_LOST" in explained({"code": codes.GATE_CLOSED, "detail": codes.CONN_LOST, "check": 8}, asked)[0]
    assert explained({"code": codes.DUPLICATE_INTENT, "detail": 0, "check": 2}, asked) == (
        "admission refused it",
        "see the reason codes",
    )


def test_a_fault_outside_of_the_strategys_file_has_no_line() -> None:
    text = 'one: Traceback (most recent call last):\n  File "seats.py", line 3, in call\nTypeError: x\n'
    found = fault(text, "one", place_of(5, 0, 0), "", "one.py")

    assert (found.line, found.code, found.error) == (None, "", "TypeError: x")
    assert "before the base begins" in found.text()
    assert decode(kinds.STRAT_FAULT, 1, b"\1" + b"\0" * 7 + b"\0" * 8 + b"\0" * 8)["seat"] == 1
