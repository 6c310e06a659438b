"""
Where an order stands in its level's queue, of which the recorded market only tells the total.

A model keeps `Resting.ahead`: what has to trade before the order does. An order fills by a trade at its price once
`ahead` would fall below zero: at exactly zero it is first in line and untouched.
"""

from mypy_extensions import i64

from adapters.simulated.resting import Resting


class Queue:
    """The conservative model: who leaves without trading stood behind us, unless there was no room for that."""

    def joined(self, order: Resting, level: i64) -> None:
        """*order* joins the level, which holds *level* of others."""
        order.ahead = level
        order.level = level

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
