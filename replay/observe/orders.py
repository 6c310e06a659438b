"""Our orders as a run goes on: what each was decided on, how long it took, and what became of it."""

from collections.abc import Iterator
from typing import Any

from attrs import define

from engine.kernel.order import FLAG_MIRRORED, STATE_NAMES
from engine.kernel.order import Order as KernelOrder
from engine.kernel.record import NONE
from engine.kernel.units import BUY
from replay.observe.grid import Thinned
from replay.observe.shares import Shares
from replay.observed import Latency, Order, QueueBucket

EDGES = (0, 1, 2, 5, 10, 50)
"""Where the buckets of the queue begin, in multiples of an order's own size."""
_FORGET = 4_096
"""Orders that may pile up before those are dropped of which nobody will speak again."""


@define
class Known:
    """One order, beside the kernel's own *order*; *bid*, *ask* are the touch when it was decided on."""

    order: KernelOrder
    intent: str = ""
    capsule: int | None = None
    decided_ns: int | None = None
    bid: int | None = None
    ask: int | None = None
    acked: int | None = None
    acked_ns: int | None = None
    venue_ns: int | None = None
    ahead: int | None = None
    ended: int | None = None
    ended_ns: int | None = None
    end: str = "OPEN"
    rests: int = 0

    @property
    def number(self) -> int:
        """Its request's."""
        return int(self.order.number)

    @property
    def buys(self) -> bool:
        """Whether it was sent as a bid."""
        return self.order.side == BUY

    @property
    def meets(self) -> int | None:
        """The touch that its price met when it was decided on; None if it met none."""
        facing = self.ask if self.buys else self.bid
        if facing is None or (facing > self.order.price if self.buys else facing < self.order.price):
            return None
        return facing


class Bucket:
    """Counts of one bucket of the queue."""

    def __init__(self) -> None:
        self.orders = self.filled_orders = self.size = self.filled = 0


class Orders:
    """The orders of one run. *names* are the strategies', *ahead* what the venue says of its queues, if it does."""

    def __init__(self, names: tuple[str, ...], shares: Shares, ahead: dict[int, int]) -> None:
        self.sent = self.cancels = self.rejected = self.rested = self.filled = 0
        self.found: Thinned[Known] = Thinned()
        self.order_latency: Thinned[Latency] = Thinned()
        self.cancel_latency: Thinned[Latency] = Thinned()
        self._names = names
        self._shares = shares
        self._ahead = ahead
        self._known: dict[int, Known] = {}
        self._buckets = [Bucket() for _ in EDGES]
        self._forget_at = _FORGET

    def name(self, seat: int) -> str:
        """The strategy in *seat*; empty for nobody's."""
        return self._names[seat - 1] if 0 < seat <= len(self._names) else ""

    def sends(self, order: KernelOrder, request: dict[str, Any], capsule: tuple[int, dict[str, Any]] | None) -> Known:
        """The order of a REQUEST was sent, on what its CAPSULE says."""
        known = Known(order, request["id"].hex(), decided_ns=request["decided_ns"])
        if capsule is not None:
            known.capsule, said = capsule
            tick = int(order.instrument.market.tick)
            known.bid = said["bids"][0][0] * tick if said["bids"] else None
            known.ask = said["asks"][0][0] * tick if said["asks"] else None
        self._known[known.number] = known
        self.sent += 1
        self.found.add(known)
        if len(self._known) >= self._forget_at:
            self._forget()
        return known

    def of(self, order: KernelOrder) -> Known:
        """What is known of *order*; little, where it is from before the run."""
        found = self._known.get(int(order.number))
        if found is None:
            found = Known(order)
            self._known[found.number] = found
        return found

    def acked(self, order: KernelOrder, seq: int, now_ns: int, venue_ns: int) -> None:
        """The venue has it, since *venue_ns*."""
        known = self.of(order)
        if known.acked is not None:
            return
        known.acked, known.acked_ns, known.venue_ns = seq, now_ns, venue_ns
        known.ahead = self._ahead.pop(known.number, None)
        self.rested += known.ahead is not None
        if known.decided_ns is not None:
            self.order_latency.add(Latency(seq, now_ns, venue_ns - known.decided_ns, now_ns - venue_ns))
        self.moved(order, seq, now_ns)

    def moved(self, order: KernelOrder, seq: int, now_ns: int, end: str = "") -> None:
        """It was filled or ended, as the kernel says: *end* is how, where the kernel has a coarser word."""
        known = self.of(order)
        rests = int(order.rest()) if order.open() and known.acked is not None else 0
        if rests != known.rests:
            market, seat = int(order.instrument.market.number), int(order.seat)
            self._shares.rests(market, seat, rests - known.rests, now_ns)
            known.rests = rests
        if known.ended is None and not order.open():
            known.ended, known.ended_ns = seq, now_ns
            known.end = end or STATE_NAMES[order.state]
            self.rejected += known.end == "REJECTED"
            self._count(known)

    def cancelled(self, order: KernelOrder, seq: int, now_ns: int, venue_ns: int) -> None:
        """The venue ended it at *venue_ns*; call it before `moved`."""
        if order.cancel_ns != NONE and self.of(order).ended is None and venue_ns >= order.cancel_ns:
            latency = Latency(seq, now_ns, venue_ns - int(order.cancel_ns), now_ns - venue_ns)
            self.cancel_latency.add(latency)

    def _count(self, known: Known) -> None:
        """An order has ended, or the run has: one more of its bucket."""
        order = known.order
        self.filled += order.filled > 0
        if known.ahead is None:
            return
        times = known.ahead // int(order.size)
        bucket = self._buckets[max(at for at, edge in enumerate(EDGES) if edge <= times)]
        bucket.orders += 1
        bucket.filled_orders += order.filled > 0
        bucket.size += int(order.size)
        bucket.filled += int(order.filled)

    def _forget(self) -> None:
        self._known = {number: known for number, known in self._known.items() if not known.order.forgotten}
        self._forget_at = len(self._known) + _FORGET

    # -- at the end ----------------------------------------------------------------------------------------------------

    def finish(self) -> None:
        """The run is over: count what is still open."""
        for known in self._known.values():
            if known.ended is None and known.order.filled > 0:
                self._count(known)

    def queue(self) -> tuple[QueueBucket, ...]:
        """What was filled, by how far back the order stood."""
        belows: list[int | None] = [*EDGES[1:], None]
        return tuple(
            QueueBucket(edge, below, one.orders, one.filled_orders, one.size, one.filled)
            for edge, below, one in zip(EDGES, belows, self._buckets, strict=True)
        )

    def orders(self) -> Iterator[Order]:
        """Those that are kept, by number."""
        for known in self.found.found:
            order = known.order
            yield Order(
                seq=known.number,
                time_ns=known.decided_ns or 0,
                cause=int(order.trigger),
                intent=known.intent,
                strategy=self.name(int(order.seat)),
                instrument=int(order.instrument.number),
                side="BUY" if known.buys else "SELL",
                price=int(order.price),
                size=int(order.size),
                mirrored=order.flags & FLAG_MIRRORED != 0,
                acked=known.acked,
                acked_ns=known.acked_ns,
                venue_ns=known.venue_ns,
                ahead=known.ahead,
                ended=known.ended,
                ended_ns=known.ended_ns,
                end=known.end,
                filled=int(order.filled),
            )
