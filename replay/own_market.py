"""
A market in which our own orders stood: what of its levels and trades was ours, row by row. Compiled.

All is counted in prices of the market's first instrument. A change of our own lots belongs to the very row that shows
it: one that moves its level by just that size, within SLACK_NS of when the venue says it happened. So it does not
matter that several rows share a millisecond, or that two channels of a venue stamp one event apart. Without such a row
it counts from the first one that can hold it among others' changes, and at the latest SLACK_NS later: then its level is
stated anew, with the next change set of the market.
"""

from typing import Final, final

from mypy_extensions import i64

from engine.kernel.events import SIDE_UNKNOWN, Listing
from engine.kernel.market import power_of_ten
from engine.kernel.record import NONE
from replay.own_orders import OwnInstrument
from replay.own_placed import MS_NS, Change, Execution

SLACK_NS: Final[i64] = 1_000_000_000
"""How far apart the market data and the private frames of a venue may stamp one event."""


LATEST: Final[i64] = 1 << 62


@final
class Skew:
    """By how much the market data stamp an event later than the private frames do, as placements have shown."""

    def __init__(self) -> None:
        self.ns: i64 = 0

    def learn(self, change: Change, at_ns: i64) -> None:
        """*change* belongs to a row of venue time *at_ns*."""
        if change.size > 0 and change.until_ns - change.at_ns < MS_NS:
            self.ns = at_ns - change.at_ns
            if 0 <= self.ns <= change.until_ns - change.at_ns:
                self.ns = 0


@final
class OwnLevel:
    """One price on one side, where orders of ours rested. *changes* are in order of time."""

    def __init__(self, skew: Skew) -> None:
        self._skew: Final[Skew] = skew
        self.changes: Final[list[Change]] = []
        self.own: i64 = 0  # what of the level is ours, as far as rows have shown
        self.raw: i64 = 0  # what was last stated
        self.named: bool = False  # by the snapshot that is being read

    def restate(self, raw: i64, at_ns: i64, snapshot: bool) -> i64:
        """
        The level is stated to hold *raw* at venue time *at_ns*, by a *snapshot* or a change; returns what is ours.

        It may be more than *raw*: then something was misjudged.
        """
        moved = raw - self.raw
        self.raw = raw
        changes = self.changes
        # A full book's stamp is its last change's: what happened later is not in it.
        latest_ns = at_ns
        if not snapshot:
            latest_ns += SLACK_NS
        at: i64 = 0
        while at < i64(len(changes)) and changes[at].at_ns <= latest_ns:
            if changes[at].size == moved:
                self.own += moved
                if not snapshot:
                    self._skew.learn(changes[at], at_ns)
                del changes[at]
                return self.own
            at += 1
        at = 0
        while at < i64(len(changes)) and changes[at].at_ns <= latest_ns:
            change = changes[at]
            if not _counts(change, moved, at_ns - self._skew.ns, snapshot):
                at += 1
                continue
            self.own += change.size
            moved -= change.size
            del changes[at]
        return self.own


@final
class OwnMarket:
    """
    The market of *listing*, where orders of ours stood: of its *first* instrument, its *second*, or both.

    Counts rows: `levels` and `trades` made smaller, `trades_gone` for those that were all ours, `below_zero` for levels
    stated smaller than what should have been ours of them.
    """

    def __init__(self, listing: Listing, first: OwnInstrument | None, second: OwnInstrument | None) -> None:
        self.price_scale: Final[i64] = power_of_ten(listing.price_exponent)
        self._skew: Final[Skew] = Skew()
        self._levels: Final[dict[int, OwnLevel]] = {}
        self._executions: Final[list[Execution]] = []
        self._guards: list[tuple[int, int]] = []
        self._guard: i64 = 0
        self.overdue_ns: i64 = LATEST  # venue time from which on `overdue` may have something to say
        self.levels: i64 = 0
        self.trades: i64 = 0
        self.trades_gone: i64 = 0
        self.below_zero: i64 = 0
        if first is not None:
            self._take(first, False)
        if second is not None:
            self._take(second, True)
        for level in self._levels.values():
            level.changes.sort(key=_change_time)
        self._executions.sort(key=_execution_time)
        self._guards = _merged(sorted(self._guards))
        self._look_ahead()

    def _take(self, own: OwnInstrument, complement: bool) -> None:
        for change in own.changes:
            key = self._key(change.side, change.price, complement)
            if key not in self._levels:
                self._levels[key] = OwnLevel(self._skew)
            self._levels[key].changes.append(change)
        for one in own.executions:
            if complement:
                mirrored = Execution(
                    1 - one.side, self.price_scale - one.price, one.size, one.maker, one.at_ns, one.until_ns
                )
                self._executions.append(mirrored)
            else:
                self._executions.append(one)
        self._guards.extend(own.guards)

    def _key(self, side: i64, price: i64, complement: bool) -> i64:
        if complement:
            return ((self.price_scale - price) << 1) | (1 - side)
        return (price << 1) | side

    # -- rows ----------------------------------------------------------------------------------------------------------

    def level(self, side: i64, price: i64, size: i64, complement: bool, at_ns: i64, snapshot: bool) -> i64:
        """A level is stated to hold *size*: what it holds without us."""
        level = self._levels.get(self._key(side, price, complement))
        if level is None:
            return size
        level.named = True
        own = level.restate(size, at_ns, snapshot)
        if own <= 0:
            return size
        if own > size:
            self.below_zero += 1
            own = size
        if own > 0:
            self.levels += 1
        return size - own

    def overdue(self, at_ns: i64) -> list[tuple[int, int, int]]:
        """
        Levels of which no row has said, until venue time *at_ns*, that ours of them changed: side, price, and what they
        hold without us.
        """
        found: list[tuple[int, int, int]] = []
        for key, level in self._levels.items():
            before = level.own
            own = level.restate(level.raw, at_ns, False)
            if own != before:
                found.append((key & 1, key >> 1, max(0, level.raw - max(0, own))))
        self._look_ahead()
        return found

    def _look_ahead(self) -> None:
        self.overdue_ns = LATEST
        for level in self._levels.values():
            if level.changes and level.changes[0].until_ns + SLACK_NS < self.overdue_ns:
                self.overdue_ns = level.changes[0].until_ns + SLACK_NS + 1

    def snapshot(self) -> None:
        """A full book begins: levels that it does not name hold nothing."""
        for level in self._levels.values():
            level.named = False

    def snapshot_end(self, at_ns: i64) -> None:
        """The full book of venue time *at_ns* is complete."""
        for level in self._levels.values():
            if not level.named:
                level.restate(0, at_ns, True)

    def resting(self, side: i64, price: i64, complement: bool) -> i64:
        """What of a level is ours, as far as rows have shown."""
        level = self._levels.get(self._key(side, price, complement))
        if level is None or level.own < 0:
            return 0
        return level.own

    def traded(self, price: i64, size: i64, side: i64, complement: bool, at_ns: i64) -> i64:
        """A taker on *side* traded *size*: what of it remains without us."""
        if complement:
            price = self.price_scale - price
            if side != SIDE_UNKNOWN:
                side = 1 - side
        executions = self._executions
        while executions and executions[0].until_ns + SLACK_NS < at_ns:
            del executions[0]
        left = size
        for one in executions:
            if one.at_ns - SLACK_NS > at_ns:
                break
            if one.rest == size and _is_of(one, price, side):
                one.rest = 0
                self.trades_gone += 1
                return 0
        at_ns -= self._skew.ns
        for one in executions:
            if one.at_ns > at_ns:
                break
            if left > 0 and one.rest > 0 and at_ns <= one.until_ns + SLACK_NS and _is_of(one, price, side):
                ours = one.rest if one.rest < left else left
                one.rest -= ours
                left -= ours
        if left == 0:
            self.trades_gone += 1
        elif left < size:
            self.trades += 1
        return left

    def guarded(self, recv_ns: i64) -> bool:
        """Whether, at *recv_ns* by our clock, what the venue states of the book may be of one that holds our lots."""
        guards = self._guards
        while self._guard < i64(len(guards)):
            from_ns, until_ns = guards[self._guard]
            if recv_ns < from_ns:
                return False
            if until_ns == NONE or recv_ns <= until_ns:
                return True
            self._guard += 1
        return False


def _counts(change: Change, moved: i64, at_ns: i64, snapshot: bool) -> bool:
    """Whether *change* has happened, though its level, now stated at *at_ns*, *moved* by another size."""
    if snapshot:
        return change.until_ns < at_ns
    if at_ns > change.until_ns + SLACK_NS:
        return True
    if at_ns < change.at_ns or (at_ns <= change.until_ns and not change.traded):
        return False
    if change.size > 0:
        return moved >= change.size
    return moved <= change.size


def _is_of(one: Execution, price: i64, side: i64) -> bool:
    return one.price == price and (side == one.side or side == SIDE_UNKNOWN)


def _merged(guards: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """*guards*, ascending, without overlaps; one without an end takes in all that follow."""
    found: list[tuple[int, int]] = []
    for guard in guards:
        if found and (found[-1][1] == NONE or guard[0] <= found[-1][1]):
            begun, until = found.pop()
            if until != NONE:
                until = guard[1] if guard[1] == NONE else max(until, guard[1])
            found.append((begun, until))
        else:
            found.append(guard)
    return found


def _change_time(change: Change) -> int:
    return change.at_ns


def _execution_time(execution: Execution) -> int:
    return execution.at_ns
