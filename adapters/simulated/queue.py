"""
Where an order stands in its level's queue, of which the recorded market only tells the total.

A model keeps `Resting.ahead`: what has to trade before the order does. An order fills by a trade at its price once
`ahead` would fall below zero: at exactly zero it is first in line and untouched.
"""

from typing import Final, final

from mypy_extensions import i64

from adapters.simulated.resting import Resting
from engine.kernel.fmath import exp, log


class Queue:
    """
    The conservative model: who leaves without trading stood behind us, unless there was no room for that.

    It is hftbacktest's `RiskAdverseQueueModel`: ahead = min(ahead, level).
    """

    def joined(self, order: Resting, level: i64) -> None:
        """*order* joins the level, which holds *level* of others."""
        order.ahead = level
        order.level = level
        order.traded = 0

    def set(self, order: Resting, level: i64) -> None:
        """The level is stated to hold *level* of others now."""
        if level < order.ahead:
            order.ahead = level
        order.level = level
        order.traded = 0

    def trade(self, order: Resting, size: i64) -> i64:
        """*size* traded at the level: how much of it came past all that stood ahead."""
        order.traded += size
        order.ahead -= size
        if order.ahead >= 0:
            return 0
        beyond = -order.ahead
        order.ahead = 0
        return beyond


@final
class RiskAverse(Queue):
    """
    Only trades bring us forward: who leaves without trading stood behind us, and who is missing is replaced ahead.

    A level that emptied is new when it fills again, and we are its first.
    """

    def set(self, order: Resting, level: i64) -> None:
        """See `Queue.set`."""
        if level == 0:
            order.ahead = 0
        order.level = level
        order.traded = 0


@final
class PowerLaw(Queue):
    """
    Who leaves without trading stood ahead of us with a probability that grows with what stands there.

    A decrease of the level that no trade explains is shared out: f(ahead) / (f(ahead) + f(behind)) of it stood ahead,
    with f(x) = x ** n; what the part behind cannot give comes from ahead too. *exponent_milli* is n in thousandths: the
    greater, the more of it is taken from the longer part.

    Source: hftbacktest's `ProbQueueModel` with `PowerProbQueueFunc` (its documentation, "Order Fill"), after E. Rigtorp
    and others in https://quant.stackexchange.com/questions/3782. Shares are rounded against us, to whole size units.
    """

    def __init__(self, exponent_milli: i64) -> None:
        assert 0 < exponent_milli <= 100_000
        self._exponent: Final[float] = float(exponent_milli) / 1000.0

    def set(self, order: Resting, level: i64) -> None:
        """See `Queue.set`."""
        gone = order.level - level - order.traded
        ahead = order.ahead
        behind = order.level - ahead
        if gone > 0 and ahead > 0:
            if behind > 0:
                share = share_ahead(float(ahead), float(behind), self._exponent)
                from_ahead = i64(int(float(gone) * share))
                if gone - from_ahead > behind:
                    from_ahead = gone - behind
                ahead -= from_ahead
            else:
                ahead -= gone
        if level < ahead:
            ahead = level
        if ahead < 0:
            ahead = 0
        order.ahead = ahead
        order.level = level
        order.traded = 0


def share_ahead(ahead: float, behind: float, exponent: float) -> float:
    """ahead**exponent / (ahead**exponent + behind**exponent), for positive arguments."""
    return 1.0 / (1.0 + exp(exponent * (log(behind) - log(ahead))))
