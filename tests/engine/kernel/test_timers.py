"""Timers against a sorted list."""

from hypothesis import given
from hypothesis import strategies as st

from engine.kernel.record import NONE
from engine.kernel.timers import Timers

TAGS = st.sampled_from(["a", "b", "c"])


def test_without_timers_nothing_is_due():
    timers = Timers()

    assert timers.next_due() == NONE
    assert timers.next_number() == 0


@given(st.lists(st.tuples(st.integers(1, 2), TAGS, st.integers(0, 20))))
def test_the_next_timer_is_the_earliest_and_among_equals_the_first_set(settings):
    timers = Timers()
    model: dict[tuple[int, str], tuple[int, int]] = {}
    for number, (owner, tag, due) in enumerate(settings, start=1):
        timers.set(owner, tag, due)
        model[(owner, tag)] = (due, number)
    fired = []
    while timers.next_due() != NONE:
        timer = timers.fire(timers.next_number(), timers.next_due(), timers.next_due())
        assert timer is not None
        fired.append((timer.due_ns, timer.number))

    assert sorted(model.values()) == fired


def test_a_timer_that_repeats_is_set_again_from_its_due_time():
    timers = Timers()
    timer = timers.set(1, "beat", 100, 30)

    assert timers.fire(timer.number, 100, 117) is timer
    assert timers.next_due() == 130
    assert timers.next_number() == timer.number


def test_an_unknown_early_or_altered_timer_does_not_fire():
    timers = Timers()
    timer = timers.set(1, "a", 100)

    assert timers.fire(timer.number + 1, 100, 200) is None
    assert timers.fire(timer.number, 100, 99) is None
    assert timers.fire(timer.number, 90, 200) is None
    assert timers.next_due() == 100


def test_a_cancelled_timer_is_gone():
    timers = Timers()
    timers.set(1, "a", 100)
    timers.set(1, "b", 50)
    timers.set(2, "a", 70)

    assert timers.cancel(1, "b")
    assert not timers.cancel(1, "b")
    assert timers.next_due() == 70
    assert timers.count(1) == 1
    timers.cancel_owner(2)
    timers.cancel_owner(2)
    assert [timer.tag for timer in timers.all()] == ["a"]
    assert timers.count(1) == 1


@given(st.lists(st.tuples(st.integers(1, 2), TAGS, st.integers(0, 20), st.integers(0, 5))))
def test_timers_come_back_from_their_bytes(settings):
    timers = Timers()
    for owner, tag, due, every in settings:
        timers.set(owner, tag, due, every)
    again = Timers()
    again.unpack(timers.pack())

    assert again.pack() == timers.pack()
    assert again.set(1, "z", 0).number == timers.set(1, "z", 0).number


def test_a_timer_that_repeats_goes_behind_those_that_are_due_before_it_again():
    timers = Timers()
    beat = timers.set(1, "beat", 10, 5)
    timers.set(1, "once", 12)
    last = timers.set(1, "last", 40, 5)
    fired = timers.fire(beat.number, 10, 10)

    assert fired is beat
    assert [(timer.tag, timer.due_ns) for timer in timers.all()] == [("once", 12), ("beat", 15), ("last", 40)]

    timers.fire(last.number, 40, 41)

    assert [(timer.tag, timer.due_ns) for timer in timers.all()] == [("once", 12), ("beat", 15), ("last", 45)]
