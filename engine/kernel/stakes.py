"""
Whose business a market's position is.

The account holds positions, its strategies do not; but who may place in a market depends on what each strategy has left
there. So each fill is booked to the strategy whose order it was: its *stake*, a signed size of the market's first
outcome (a token of the second counts against it, so that complete sets are none). *claims* are what it has under way
beside orders: legs of groups that have not ended, splits that the venue has not answered.

What is traded away by a flatten or an unwinding comes off a stake of whoever asked for it, then of the market's owner,
then of the others in configured order; what is beyond all of these (the position shrank meanwhile, or such a fill is
taken back) is the owner's. Once the account itself is flat there, apart from complete sets, so is everyone.
"""

from typing import Final, final

from mypy_extensions import i64

from engine.kernel.pack import Packer, Unpacker


@final
class Stake:
    """What one strategy has in one market."""

    def __init__(self, seat: i64) -> None:
        self.seat: Final[i64] = seat
        self.size: i64 = 0
        self.claims: i64 = 0


@final
class Stakes:
    """All stakes in one market, by the numbers of their strategies."""

    def __init__(self) -> None:
        self._all: list[Stake] = []

    def of(self, seat: i64) -> Stake:
        """That of *seat*; a new one is empty."""
        at: i64 = 0
        for stake in self._all:
            if stake.seat == seat:
                return stake
            if stake.seat < seat:
                at += 1
        stake = Stake(seat)
        self._all.insert(at, stake)
        return stake

    def holds(self, seat: i64) -> bool:
        """Whether *seat* has anything here, orders apart."""
        return any(stake.seat == seat and (stake.size != 0 or stake.claims > 0) for stake in self._all)

    def sizes(self) -> list[tuple[int, int]]:
        """(seat, size) of every stake in the position."""
        return [(int(stake.seat), int(stake.size)) for stake in self._all if stake.size != 0]

    def traded(self, seat: i64, size: i64) -> None:
        """An order of *seat* traded *size*, signed."""
        self.of(seat).size += size

    def traded_away(self, seat: i64, owner: i64, size: i64) -> None:
        """*size*, signed, was traded to get out of what there is, at the wish of *seat*."""
        size = _taken(self.of(seat), size) if seat > 0 else size
        size = _taken(self.of(owner), size) if owner > 0 else size
        for stake in self._all:
            size = _taken(stake, size)
        heir = owner if owner > 0 else seat
        if size != 0 and heir > 0:
            self.of(heir).size += size

    def flat(self) -> None:
        """The account has no position here that may win or lose."""
        for stake in self._all:
            stake.size = 0

    def pack(self, packer: Packer) -> None:
        """Append the sizes; claims follow from groups and conversions."""
        sizes = self.sizes()
        packer.put(len(sizes))
        for seat, size in sizes:
            packer.put(seat)
            packer.put(size)

    def unpack(self, unpacker: Unpacker) -> None:
        """Become what `pack` wrote."""
        for _ in range(unpacker.take()):
            seat = unpacker.take()
            self.of(seat).size = unpacker.take()


def _taken(stake: Stake, size: i64) -> i64:
    """Take *size* off *stake* as far as it lies on the other side; returns what is left of it."""
    if size == 0 or stake.size == 0 or (size > 0) == (stake.size > 0):
        return size
    left = stake.size + size
    if (left > 0) == (size > 0):
        stake.size = 0
        return left
    stake.size = left
    return 0
