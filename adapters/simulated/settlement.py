"""
What becomes of a trade after it was matched.

    MATCHED ──► MINED ──► CONFIRMED
       └──► RETRYING ──┬──► MINED ──► CONFIRMED
                       └──► FAILED

A trade is exposure from the match on and inventory once it is confirmed; one that failed is taken back. How long each
step takes is a `Delay`; whether a trade has to be tried again, and whether that fails, is drawn in parts per million,
keyed by the trade's number, so that the fate of one trade does not depend on any other.
"""

from typing import Final, final

from mypy_extensions import i64, mypyc_attr

from adapters.simulated.latency import Delay
from adapters.simulated.resting import Fill
from engine.kernel.events import TRADE_CONFIRMED, TRADE_FAILED, TRADE_MINED, TRADE_RETRYING
from engine.kernel.record import NONE, wide
from engine.kernel.rng import Draws

TRADE_KEY: Final[i64] = wide(0x20000000, 0)
"""Trades draw by this plus their number: above every key that an input of a run has."""
_FATES: Final[i64] = 8
"""Indices 0 to 7 under a trade's key are its steps' delays, 8 and 9 its fate."""


@final
@mypyc_attr(acyclic=True)
class Trade:
    """A fill that is not final: the step it takes next, and when. *day* is the day on which its rebate counts."""

    def __init__(self, fill: Fill, at_ns: i64, status: i64, fails: bool, day: i64) -> None:
        self.fill: Final[Fill] = fill
        self.at_ns: i64 = at_ns
        self.status: i64 = status
        self.fails: Final[bool] = fails
        self.day: Final[i64] = day
        self.steps: i64 = 0  # taken


@final
class Settlement:
    """
    The trades under way, earliest step first.

    *mined* is how long a match takes to be mined (or to be tried again), *confirmed* how long from there to its
    confirmation, *retried* how long a second try takes, or its failure. Of a million trades *retry_ppm* are tried
    again, and *failure_ppm* are, and fail.
    """

    def __init__(
        self, mined: Delay, confirmed: Delay, retried: Delay, retry_ppm: i64, failure_ppm: i64, draws: Draws
    ) -> None:
        assert retry_ppm >= 0
        assert failure_ppm >= 0
        assert retry_ppm + failure_ppm <= 1_000_000
        self._mined: Final[Delay] = mined
        self._confirmed: Final[Delay] = confirmed
        self._retried: Final[Delay] = retried
        self._retry_ppm: Final[i64] = retry_ppm
        self._failure_ppm: Final[i64] = failure_ppm
        self._draws: Final[Draws] = draws
        self._open: Final[list[Trade]] = []

    def matched(self, fill: Fill, day: i64) -> None:
        """*fill* was matched: its life begins."""
        number = fill.number
        fate = self._draws.below(TRADE_KEY + number, _FATES, 1_000_000)
        fails = fate < self._failure_ppm
        again = fate < self._failure_ppm + self._retry_ppm
        at_ns = fill.venue_ns + self._mined.ns(TRADE_KEY + number, 0, fill.venue_ns)
        self._add(Trade(fill, at_ns, TRADE_RETRYING if again else TRADE_MINED, fails, day))

    def next_ns(self) -> i64:
        """When the next trade takes a step; NONE while none is under way."""
        return self._open[0].at_ns if self._open else NONE

    def step(self) -> Trade:
        """
        Let the first trade take its step: the trade, at its new `status`.

        It stays under way unless that is final; then `status` is TRADE_CONFIRMED or TRADE_FAILED.
        """
        trade = self._open.pop(0)
        said = Trade(trade.fill, trade.at_ns, trade.status, trade.fails, trade.day)
        status = trade.status
        if status in (TRADE_CONFIRMED, TRADE_FAILED):
            return said
        trade.steps += 1
        key = TRADE_KEY + trade.fill.number
        if status == TRADE_RETRYING:
            trade.status = TRADE_FAILED if trade.fails else TRADE_MINED
            trade.at_ns += self._retried.ns(key, trade.steps, trade.at_ns)
        else:
            trade.status = TRADE_CONFIRMED
            trade.at_ns += self._confirmed.ns(key, trade.steps, trade.at_ns)
        self._add(trade)
        return said

    def count(self) -> int:
        """How many trades are under way."""
        return len(self._open)

    def _add(self, trade: Trade) -> None:
        """Trades of one instant take their steps in order of their numbers."""
        trades = self._open
        at: i64 = len(trades)
        while at > 0 and _is_later(trades[at - 1], trade):
            at -= 1
        trades.insert(at, trade)


def _is_later(one: Trade, other: Trade) -> bool:
    if one.at_ns != other.at_ns:
        return one.at_ns > other.at_ns
    return one.fill.number > other.fill.number
