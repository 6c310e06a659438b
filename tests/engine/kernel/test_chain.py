"""Sequence rules, one situation at a time, and what is held across a checkpoint."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.kernel.chain import APPLY, FOLLOWING, GAP, HELD_MAX, HOLD, IGNORE, SYNCING, WAITING, Chain
from engine.kernel.events import RULE_NONE, RULE_PREV, RULE_SPOT
from engine.kernel.pack import Packer, Unpacker
from engine.kernel.record import NONE


def chain(rule: int, state: int, last: int) -> Chain:
    made = Chain()
    made.rule = rule
    if state != WAITING:
        made.snapped(last)
    if state == FOLLOWING:
        made.follow(last)
    return made


@pytest.mark.parametrize(
    ("rule", "state", "first", "last", "previous", "verdict"),
    [
        (RULE_NONE, WAITING, NONE, NONE, NONE, IGNORE),
        (RULE_NONE, FOLLOWING, NONE, NONE, NONE, APPLY),
        (RULE_SPOT, WAITING, 101, 102, NONE, HOLD),
        (RULE_SPOT, SYNCING, 90, 100, NONE, IGNORE),
        (RULE_SPOT, SYNCING, 95, 105, NONE, APPLY),
        (RULE_SPOT, SYNCING, 101, 105, NONE, APPLY),
        (RULE_SPOT, SYNCING, 102, 105, NONE, GAP),
        (RULE_SPOT, FOLLOWING, 101, 101, NONE, APPLY),
        (RULE_SPOT, FOLLOWING, 102, 103, NONE, GAP),
        (RULE_SPOT, FOLLOWING, 99, 100, NONE, IGNORE),
        (RULE_PREV, WAITING, 101, 102, 100, HOLD),
        (RULE_PREV, SYNCING, 80, 99, 79, IGNORE),
        (RULE_PREV, SYNCING, 90, 100, 89, APPLY),
        (RULE_PREV, SYNCING, 95, 120, 94, APPLY),
        (RULE_PREV, SYNCING, NONE, 120, 100, APPLY),
        (RULE_PREV, SYNCING, 101, 120, 99, GAP),
        (RULE_PREV, FOLLOWING, 150, 180, 100, APPLY),
        (RULE_PREV, FOLLOWING, 150, 180, 149, GAP),
        (RULE_PREV, FOLLOWING, 90, 100, 89, IGNORE),
    ],
)
def test_a_change_set_continues_the_book_waits_or_breaks_it(
    rule: int, state: int, first: int, last: int, previous: int, verdict: int
) -> None:
    assert verdict == chain(rule, state, 100).judge(first, last, previous)


def test_a_snapshot_older_than_the_book_is_passed_over_only_while_the_book_follows() -> None:
    assert chain(RULE_SPOT, FOLLOWING, 100).outdates(100)
    assert not chain(RULE_SPOT, FOLLOWING, 100).outdates(101)
    assert not chain(RULE_SPOT, SYNCING, 100).outdates(90)
    assert not chain(RULE_NONE, FOLLOWING, NONE).outdates(NONE)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 5)), max_size=8))
def test_what_is_held_survives_a_checkpoint(diffs: list[tuple[int, int]]) -> None:
    held = Chain()
    held.rule = RULE_SPOT
    for first, levels in diffs:
        held.hold(first, first + 1, NONE, 5)
        for level in range(levels):
            held.hold_level(0, level, level * 2)
    packer = Packer()
    held.pack(packer)
    again = Chain()
    again.unpack(Unpacker(packer.finish()))
    repacked = Packer()
    again.pack(repacked)

    assert packer.finish() == repacked.finish()
    assert held.held_end == again.held_end


def test_a_flood_before_the_snapshot_is_forgotten_whole() -> None:
    flooded = Chain()
    for _ in range(3):
        flooded.hold(1, 2, NONE, 0)
        for level in range(HELD_MAX // 6):
            flooded.hold_level(0, level, 1)

        assert flooded.held_end <= HELD_MAX
    flooded.forget()
    flooded.hold_level(0, 1, 1)  # no change set is open: nothing to keep it with

    assert flooded.held_end == 0
    for _ in range(HELD_MAX // 5 + 2):
        flooded.hold(1, 2, NONE, 0)

    assert 0 < flooded.held_end <= HELD_MAX
