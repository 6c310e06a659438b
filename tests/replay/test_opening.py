"""A resimulation begins flat, or with what the run in its base began with."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from real_run_maker import KEYS, History, bare, write_real
from resimulations import of_kind, records, strict, write_recording

from engine.kernel import kinds
from engine.kernel.inputs import canonical
from engine.kernel.order import LIVE
from engine.runtime.cli import engine
from engine.runtime.exits import Exit

SELLER = '''
"""Sells what it has."""

from engine.kernel.strategy import SELL, Place


class Seller:
    def __init__(self):
        self.memory = {"asked": False}

    def decide(self, view, wake):
        key = KEY
        market = view.market(key)
        if not self.memory["asked"] and market.best_bid is not None and market.position_lots:
            self.memory["asked"] = True
            yield Place(key, SELL, market.best_bid, market.position_lots, tif="FAK", reduce_only=True)
'''.replace("KEY", repr(KEYS[0]))
HELD = {"size": 6_000_000, "settled": 6_000_000, "cost": 0, "realised": 0, "fees": 0, "traded": 6_000_000}


def opening_of(**said: Any) -> bytes:
    """An OPENING that holds six YES tokens, one open order, and what else is *said*."""
    order = {
        "number": 3,
        "strategy": "planned",
        "trigger": 1,
        "ordinal": 0,
        "instrument": KEYS[0],
        "side": 0,
        "price": 4_300,
        "size": 8_000_000,
        "tif": 1,
        "flags": 0,
        "expires_ns": -(2**63),
        "state": int(LIVE),
        "code": 0,
        "venue_id": "0xold",
        "filled": 1_000_000,
        "unsettled": 0,
        "fills": [],
    }
    return canonical({"cash": {}, "positions": {KEYS[0]: HELD}, "orders": [order], "memories": {"gone": "00"}, **said})


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A real run that began with a position, and a strategy's file beside it."""
    (tmp_path / "seller.py").write_text(SELLER)
    return write_real(tmp_path / "real", History(8, steps=40), opening_payload=opening_of())


def replay(base: Path, *words: object) -> Result:
    """`engine replay BASE --strategy seller.py:Seller WORDS --json`."""
    strategy = ("--strategy", f"{base.parent}/seller.py:Seller")
    return CliRunner().invoke(engine, [str(word) for word in ("replay", base, *strategy, *words, "--json")])


def test_a_run_may_begin_with_what_the_base_run_held(base: Path, tmp_path: Path) -> None:
    flat, held = replay(base), replay(base, "--opening", "recorded", "--out", tmp_path / "run")
    assert flat.exit_code == held.exit_code == 0, flat.output + held.output
    opening = json.loads(of_kind(records(tmp_path / "run"), int(kinds.OPENING))[0].payload)

    assert json.loads(flat.stdout)["positions"] == []
    assert [one["position"] for one in json.loads(held.stdout)["positions"]] == ["0"]
    assert opening["positions"] == {KEYS[0]: HELD}
    assert opening["orders"] == []
    assert opening["memories"] == {}
    assert strict(tmp_path / "run").identical


def test_the_venue_knows_what_is_held_from_the_beginning_and_may_be_reduced(base: Path) -> None:
    found = json.loads(replay(base, "--opening", "recorded").stdout)

    assert (found["orders"], found["fills"]) == (1, 1)
    assert found["positions"][0]["realised"] != "0"


def test_an_order_left_from_an_earlier_run_is_taken_out_too(base: Path) -> None:
    """It is one more than the history has; nothing of it was in the book, so what it claims is counted."""
    taken = json.loads(replay(base).stdout)["own_orders_taken_out"]

    assert taken["orders"] == len(History(8, steps=40).lives) + 1


def test_a_run_that_began_so_is_checked_and_made_again_so(base: Path, tmp_path: Path) -> None:
    replay(base, "--opening", "recorded", "--sink", "digests", "--out", tmp_path / "digests")
    replay(base, "--opening", "recorded", "--out", tmp_path / "run")
    checked = CliRunner().invoke(engine, ["replay", str(tmp_path / "digests"), "--json"])
    again = CliRunner().invoke(engine, ["replay", str(tmp_path / "run"), "--seed", "9", "--json"])
    flat = CliRunner().invoke(engine, ["replay", str(tmp_path / "run"), "--opening", "flat", "--json"])

    assert json.loads(checked.stdout)["identical"], checked.output
    assert [one["position"] for one in json.loads(again.stdout)["positions"]] == ["0"]
    assert json.loads(flat.stdout)["positions"] == []


def test_a_recording_without_a_run_has_no_opening_to_begin_with(base: Path, tmp_path: Path) -> None:
    write_recording(tmp_path / "bare", bare(History(8, steps=40)))
    found = CliRunner().invoke(
        engine,
        ["replay", str(tmp_path / "bare"), "--strategy", f"{tmp_path}/seller.py:Seller", "--opening", "recorded"],
    )

    assert found.exit_code == Exit.USAGE
    assert "no opening is recorded" in found.stderr
    assert "leave --opening recorded out" in found.stderr


def test_an_opening_is_for_resimulations(base: Path) -> None:
    found = CliRunner().invoke(engine, ["replay", str(base), "--strict", "--opening", "recorded"])

    assert found.exit_code == Exit.USAGE
    assert "--opening" in found.stderr
