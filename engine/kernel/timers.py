"""
Timers, as kernel state: ordered by the time they are due, then by their number.

The kernel reads no clock. Whoever drives it asks `next_due` and appends a TIMER input; the kernel refuses one that it
never set, or that comes early.
"""

from typing import Final, final

from mypy_extensions import i64, mypyc_attr

from engine.kernel.pack import Packer, Unpacker
from engine.kernel.record import NONE

KERNEL: Final[i64] = 0
"""Owner of the kernel's own timers; strategies are numbered from 1."""


@final
@mypyc_attr(acyclic=True)
class Timer:
    """One timer of *owner*, due at *due_ns*; every *every_ns* again if that is not 0. *tags* holds its tag alone."""

    def __init__(self, number: i64, owner: i64, tag: str, due_ns: i64, every_ns: i64) -> None:
        self.number: Final[i64] = number
        self.owner: Final[i64] = owner
        self.tag: Final[str] = tag
        self.tags: Final[tuple[str, ...]] = (tag,)
        self.due_ns: i64 = due_ns
        self.every_ns: Final[i64] = every_ns


@final
class Timers:
    """Every timer that is set, the next one first."""

    def __init__(self) -> None:
        self._waiting: list[Timer] = []
        self._last: i64 = 0

    def next_due(self) -> i64:
        """When the next timer is due, NONE without one."""
        if not self._waiting:
            return NONE
        return self._waiting[0].due_ns

    def next_number(self) -> i64:
        """The number of the timer that `next_due` speaks of, 0 without one."""
        if not self._waiting:
            return 0
        return self._waiting[0].number

    def set(self, owner: i64, tag: str, due_ns: i64, every_ns: i64 = 0) -> Timer:
        """Set *owner*'s timer *tag*, in place of one it has; returns the new one."""
        self.cancel(owner, tag)
        self._last += 1
        timer = Timer(self._last, owner, tag, due_ns, every_ns)
        self._insert(timer)
        return timer

    def cancel(self, owner: i64, tag: str) -> bool:
        """Forget *owner*'s timer *tag*; False if it has none."""
        for at, timer in enumerate(self._waiting):
            if timer.owner == owner and timer.tag == tag:
                del self._waiting[at]
                return True
        return False

    def all(self) -> list[Timer]:
        """Every timer that is set, the next one first."""
        return list(self._waiting)

    def count(self, owner: i64) -> i64:
        """How many timers *owner* has set."""
        found: i64 = 0
        for timer in self._waiting:
            if timer.owner == owner:
                found += 1
        return found

    def cancel_owner(self, owner: i64) -> None:
        """Forget every timer of *owner*."""
        kept = [timer for timer in self._waiting if timer.owner != owner]
        if len(kept) != len(self._waiting):
            self._waiting = kept

    def fire(self, number: i64, due_ns: i64, now_ns: i64) -> Timer | None:
        """Take the timer *number* due at *due_ns*; None if there is no such timer, or if *now_ns* is before it."""
        waiting = self._waiting
        for at, timer in enumerate(waiting):
            if timer.number == number:
                if timer.due_ns != due_ns or now_ns < due_ns:
                    return None
                if timer.every_ns > 0:
                    timer.due_ns = due_ns + timer.every_ns
                    if at == 0 and len(waiting) == 1:
                        return timer
                del waiting[at]
                if timer.every_ns > 0:
                    self._insert(timer)
                return timer
        return None

    def pack(self) -> bytes:
        """The canonical bytes of all timers."""
        packer = Packer()
        packer.put(self._last)
        packer.put(len(self._waiting))
        for timer in self._waiting:
            packer.put(timer.number)
            packer.put(timer.owner)
            packer.put_text(timer.tag)
            packer.put(timer.due_ns)
            packer.put(timer.every_ns)
        return packer.finish()

    def unpack(self, data: bytes) -> None:
        """Become what `pack` wrote."""
        unpacker = Unpacker(data)
        self._last = unpacker.take()
        count = unpacker.take()
        waiting: list[Timer] = []
        while i64(len(waiting)) < count:
            number = unpacker.take()
            owner = unpacker.take()
            tag = unpacker.take_text()
            due_ns = unpacker.take()
            waiting.append(Timer(number, owner, tag, due_ns, unpacker.take()))
        unpacker.done()
        self._waiting = waiting

    def _insert(self, timer: Timer) -> None:
        waiting = self._waiting
        at: i64 = len(waiting)
        while at > 0 and (
            waiting[at - 1].due_ns > timer.due_ns
            or (waiting[at - 1].due_ns == timer.due_ns and waiting[at - 1].number > timer.number)
        ):
            at -= 1
        waiting.insert(at, timer)
