"""Two clocks: the driver that reads ahead against one that keeps the venue's books, and what real recordings give."""

from hypothesis import given, settings
from hypothesis import strategies as st
from slow_clocks import play_slowly
from two_clocks_room import Room, make_room

from engine.kernel import kinds
from replay.resimulation import Simulation


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


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.booleans())
def test_reading_ahead_gives_what_a_second_book_at_venue_time_gives(seed: int, wild: bool) -> None:
    fast, slow = both(make_room(seed, 120, wild))

    assert fast.records == slow.records
