"""
One of our orders as it stood at the venue: what was asked, what the venue said of it, and what that did to its level.

Compiled.
"""

from typing import Final, final

from mypy_extensions import i64

from engine.kernel.events import FILL_MAKER, ORDER_ACKED, ORDER_CANCELLED, ORDER_FILLED, ORDER_REJECTED, TRADE_STATUS
from engine.kernel.policy import TIF_FAK, TIF_FOK
from engine.kernel.record import NONE

SECOND_NS: Final[i64] = 1_000_000_000
MS_NS: Final[i64] = 1_000_000


@final
class Change:
    """
    By *size* (signed) our own lots at *price* on *side* changed, at some venue time from *at_ns* to *until_ns*.

    *traded*: to a taker, who may have taken others' lots of the level at the same time.
    """

    def __init__(self, side: i64, price: i64, size: i64, traded: bool, at_ns: i64, until_ns: i64) -> None:
        self.side: Final[i64] = side
        self.price: Final[i64] = price
        self.size: Final[i64] = size
        self.traded: Final[bool] = traded
        self.at_ns: Final[i64] = at_ns
        self.until_ns: Final[i64] = until_ns


@final
class Execution:
    """One trade of one of our orders: *side* is the taker's. *rest* is what was not found among the market's trades."""

    def __init__(self, side: i64, price: i64, size: i64, maker: bool, at_ns: i64, until_ns: i64) -> None:
        self.side: Final[i64] = side
        self.price: Final[i64] = price
        self.size: Final[i64] = size
        self.maker: Final[bool] = maker
        self.at_ns: i64 = at_ns
        self.until_ns: i64 = until_ns
        self.timed: bool = False
        self.rest: i64 = size


@final
class Fact:
    """What a private frame says of the order that the venue calls by some name."""

    def __init__(self, kind: i64, trade: str, a: i64, b: i64, c: i64, at_ns: i64, recv_ns: i64) -> None:
        self.kind: Final[i64] = kind
        self.trade: Final[str] = trade
        self.a: Final[i64] = a
        self.b: Final[i64] = b
        self.c: Final[i64] = c
        self.at_ns: Final[i64] = at_ns
        self.recv_ns: Final[i64] = recv_ns


@final
class Placed:
    """One order: what was asked, and what the venue said of it."""

    def __init__(self, key: str, side: i64, price: i64, size: i64, tif: i64, sent_ns: i64) -> None:
        self.key: Final[str] = key
        self.side: Final[i64] = side
        self.price: Final[i64] = price
        self.size: Final[i64] = size
        self.takes: Final[bool] = tif in (TIF_FOK, TIF_FAK)
        self.sent_ns: Final[i64] = sent_ns
        self.venue_id: str = ""
        self.shown: bool = False
        self.denied: bool = False
        self.shown_ns: i64 = NONE  # when the venue says it took it
        self.heard_ns: i64 = NONE  # when we first heard of it
        self.ended: bool = False
        self.ended_ns: i64 = NONE
        self.gone_ns: i64 = NONE  # when we heard that nothing of it rests any more
        self.cancel_ns: i64 = NONE  # when we heard that a cancel was accepted
        self.executions: Final[dict[str, Execution]] = {}

    def show(self, at_ns: i64, recv_ns: i64) -> None:
        """The venue has it, since *at_ns* if it says so."""
        self.shown = True
        if self.shown_ns == NONE:
            self.shown_ns = at_ns
        if self.heard_ns == NONE:
            self.heard_ns = recv_ns

    def deny(self, recv_ns: i64) -> None:
        """It never came to rest."""
        self.denied = True
        self.gone_ns = recv_ns

    def take(self, fact: Fact) -> None:
        """Fold what the venue said."""
        kind = fact.kind
        if kind == ORDER_ACKED:
            self.show(fact.at_ns, fact.recv_ns)
        elif kind == ORDER_CANCELLED:
            self.show(NONE, fact.recv_ns)
            self.ended = True
            self.ended_ns = fact.at_ns
            self.gone_ns = fact.recv_ns
        elif kind == ORDER_REJECTED:
            self.deny(fact.recv_ns)
        elif kind == ORDER_FILLED:
            self._fill(fact)
        else:
            assert kind == TRADE_STATUS
            known = self.executions.get(fact.trade)
            if known is not None and not known.timed and fact.at_ns != NONE:
                known.timed = True
                known.at_ns = fact.at_ns
                known.until_ns = until_of(fact.at_ns)

    def _fill(self, fact: Fact) -> None:
        if fact.trade in self.executions or fact.b <= 0:
            return
        self.show(NONE, fact.recv_ns)
        maker = fact.c & FILL_MAKER != 0
        side = 1 - self.side if maker else self.side
        at_ns = fact.at_ns
        until_ns = fact.recv_ns
        if at_ns == NONE:
            at_ns = self.sent_ns
        else:
            until_ns = until_of(at_ns)
        self.executions[fact.trade] = Execution(side, fact.a, fact.b, maker, at_ns, until_ns)
        if self.traded(True) + self.traded(False) >= self.size:
            self.gone_ns = fact.recv_ns

    def traded(self, maker: bool) -> i64:
        """What of it traded, as a maker or as a taker."""
        size: i64 = 0
        for execution in self.executions.values():
            if execution.maker == maker:
                size += execution.size
        return size

    def rests(self) -> i64:
        """What of it came to rest."""
        if self.takes or not self.shown or self.size <= self.traded(False):
            return 0
        return self.size - self.traded(False)

    def changes(self) -> list[Change]:
        """What it did to the level at its price."""
        rest = self.rests()
        if rest == 0:
            return []
        at_ns = self.shown_ns
        until_ns = self.heard_ns
        if at_ns == NONE:
            at_ns = self.sent_ns
        else:
            until_ns = until_of(at_ns)
        found = [Change(self.side, self.price, rest, False, at_ns, until_ns)]
        for execution in self.executions.values():
            if execution.maker and rest > 0:
                size = execution.size if execution.size < rest else rest
                rest -= size
                found.append(Change(self.side, self.price, -size, True, execution.at_ns, execution.until_ns))
        if rest > 0 and (self.ended or self.cancel_ns != NONE):
            found.append(self._end(rest, at_ns))
        return found

    def _end(self, rest: i64, since_ns: i64) -> Change:
        """Its rest leaves: when the venue says, or else at some time up to when we heard of it."""
        if self.ended_ns != NONE:
            return Change(self.side, self.price, -rest, False, self.ended_ns, until_of(self.ended_ns))
        heard_ns = self.gone_ns
        if not self.ended:
            heard_ns = self.cancel_ns
        return Change(self.side, self.price, -rest, False, since_ns, heard_ns)


def until_of(at_ns: i64) -> i64:
    """The last moment that a stamp of *at_ns* may mean: some are in whole seconds, the others in milliseconds."""
    if at_ns % SECOND_NS == 0:
        return at_ns + SECOND_NS - 1
    return at_ns + MS_NS - 1
