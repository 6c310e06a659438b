"""Whose doing it is what the venue pays: rebates by what was made, rewards by what rested and for how long."""

from attrs import define


@define
class Stake:
    """What one strategy did in one market since the venue last paid: money made by makers, size times nanoseconds."""

    made: int = 0
    stood: int = 0
    resting: int = 0
    since_ns: int = 0

    def rests(self, size: int, now_ns: int) -> None:
        """*size* more rests from *now_ns* on (below 0: less)."""
        self.stood += self.resting * (now_ns - self.since_ns)
        self.since_ns = now_ns
        self.resting += size


class Shares:
    """The stakes of everyone in every market."""

    def __init__(self) -> None:
        self._stakes: dict[int, dict[int, Stake]] = {}

    def rests(self, market: int, seat: int, size: int, now_ns: int) -> None:
        """Orders of *seat* of *size* more (below 0: less) rest in *market*."""
        self._stake(market, seat).rests(size, now_ns)

    def made(self, market: int, seat: int, money: int) -> None:
        """An order of *seat* was filled for *money* as maker; below 0: such a fill was taken back."""
        self._stake(market, seat).made += money

    def rebate(self, market: int, amount: int) -> dict[int, int]:
        """*amount* by seat; seat 0 has what belongs to nobody. The next one counts from here."""
        stakes = self._stakes.get(market, {})
        found = divided(amount, {seat: max(0, one.made) for seat, one in stakes.items()})
        for one in stakes.values():
            one.made = 0
        return found

    def reward(self, market: int, amount: int, now_ns: int) -> dict[int, int]:
        """As `rebate`."""
        stakes = self._stakes.get(market, {})
        for one in stakes.values():
            one.rests(0, now_ns)
        found = divided(amount, {seat: one.stood for seat, one in stakes.items()})
        for one in stakes.values():
            one.stood = 0
        return found

    def _stake(self, market: int, seat: int) -> Stake:
        return self._stakes.setdefault(market, {}).setdefault(seat, Stake())


def divided(amount: int, weights: dict[int, int]) -> dict[int, int]:
    """*amount* in parts by *weights*, each rounded so that they are *amount* together; all to 0 where none weighs."""
    whole = sum(weights.values())
    if whole == 0:
        return {0: amount}
    found: dict[int, int] = {}
    sofar = 0
    for key in sorted(weights):
        before = amount * sofar // whole
        sofar += weights[key]
        share = amount * sofar // whole - before
        if share:
            found[key] = share
    return found
