"""The venue's models under an adversary: each asks the plain one first, and lets the adversary make it worse."""

from typing import Final, final

from mypy_extensions import i64

from adapters.simulated.adversary import REPORTS, Adversary, Stress
from adapters.simulated.crowding import MILLION, part
from adapters.simulated.fills import Fills, Slippage
from adapters.simulated.latency import MOST_NS, Delay
from adapters.simulated.queue import Queue
from adapters.simulated.resting import Resting
from engine.kernel.record import NONE
from engine.kernel.rng import Draws
from engine.kernel.units import BID


@final
class WorseDelay(Delay):
    """Delays of the messages of one *way* (ORDERS, CANCELS, REPORTS); none exceeds *most_ns*."""

    def __init__(self, plain: Delay, adversary: Adversary, way: i64, most_ns: i64) -> None:
        super().__init__(plain.typical_ns, most_ns)
        self._plain: Final[Delay] = plain
        self._adversary: Final[Adversary] = adversary
        self._way: Final[i64] = way

    def ns(self, key: i64, index: i64, now_ns: i64) -> i64:
        """See `Delay.ns`."""
        adversary = self._adversary
        stress = adversary.stress(now_ns)
        ns = self._plain.ns(key, index, now_ns) + stress.delays[self._way].ns(key, index, now_ns)
        if stress.busy_milli > 1000 and adversary.outlook.busy(now_ns):
            ns = ns * stress.busy_milli // 1000
        if ns > MOST_NS:
            ns = MOST_NS
        if self._way != REPORTS and adversary.outages is not None and not adversary.refuses:
            over_ns = adversary.outages.end_ns(now_ns + ns)
            if over_ns != NONE:
                ns = over_ns - now_ns
        return ns


@final
class WorseFills(Fills):
    """Fills of resting orders: fewer, smaller, and the wrong ones."""

    def __init__(self, plain: Fills, adversary: Adversary, seed: i64) -> None:
        super().__init__(plain.shared)
        self._plain: Final[Fills] = plain
        self._adversary: Final[Adversary] = adversary
        self._draws: Final[Draws] = Draws(seed, "adversary: partial fills")

    def by_trade(self, order: Resting, available: i64, now_ns: i64) -> i64:
        """See `Fills`."""
        left = self._thinned(order, available, now_ns)
        if left == 0:
            return 0
        return self._worse(order, self._plain.by_trade(order, left, now_ns), left, now_ns)

    def by_touch(self, order: Resting, available: i64, now_ns: i64) -> i64:
        """See `Fills`."""
        left = self._thinned(order, available, now_ns)
        if left == 0:
            return 0
        return self._worse(order, self._plain.by_touch(order, left, now_ns), left, now_ns)

    def _thinned(self, order: Resting, available: i64, now_ns: i64) -> i64:
        keep = self._adversary.stress(now_ns).keep_ppm
        if keep == MILLION or not self._adversary.outlook.hectic(order.market, now_ns):
            return available
        return self._adversary.whole_lots(order, part(available, keep))

    def _worse(self, order: Resting, size: i64, available: i64, now_ns: i64) -> i64:
        """What is left of a fill of *size*, where *available* came."""
        adversary = self._adversary
        if size == 0 or adversary.is_undercut(order, now_ns) or adversary.is_withheld(order, now_ns):
            return 0
        stress = adversary.stress(now_ns)
        if size > available and stress.keep_ppm < MILLION and adversary.outlook.hectic(order.market, now_ns):
            size = available
        if stress.partial_ppm > 0 and self._draws.chance(now_ns, 2 * order.number, stress.partial_ppm):
            size = adversary.whole_lots(order, part(size, self._share(stress, order, now_ns)))
        if size > 0:
            adversary.filled(order, now_ns)
        return size

    def _share(self, stress: Stress, order: Resting, now_ns: i64) -> i64:
        """Which part of a fill there is: even between the least and all."""
        return stress.least_ppm + self._draws.below(now_ns, 2 * order.number + 1, MILLION - stress.least_ppm + 1)


@final
class WorseSlippage(Slippage):
    """What a taker finds: less than is recorded, at worse prices, or nothing because others were faster."""

    def __init__(self, adversary: Adversary, seed: i64) -> None:
        self._adversary: Final[Adversary] = adversary
        self._draws: Final[Draws] = Draws(seed, "adversary: slippage")

    def offered(self, order: Resting, price: i64, size: i64, now_ns: i64) -> i64:
        """See `Slippage`: the same at each call for one order and level, so that a FOK is filled as it was judged."""
        adversary = self._adversary
        if adversary.is_beaten(order, now_ns):
            return 0
        stress = adversary.stress(now_ns)
        left = size
        if stress.keep_ppm < MILLION and adversary.outlook.hectic(order.market, now_ns):
            left = part(left, stress.keep_ppm)
        if stress.fade_ppm > 0:
            wanted = order.size if order.size < size else size
            left -= part(wanted, stress.fade_ppm)
        if left <= 0:
            return 0
        return left if left == size else adversary.whole_lots(order, left)

    def price(self, order: Resting, price: i64, level: i64, tick: i64, now_ns: i64) -> i64:
        """See `Slippage`."""
        adversary = self._adversary
        adversary.filled(order, now_ns)
        milliticks = adversary.stress(now_ns).impact_milliticks
        if milliticks == 0:
            return price
        if order.size < level:
            milliticks = milliticks * (order.size * 1000 // level) // 1000
        ticks = milliticks // 1000
        if self._draws.below(order.number, price // tick, 1000) < milliticks % 1000:
            ticks += 1
        return price + ticks * tick if order.side == BID else price - ticks * tick


@final
class WorseQueue(Queue):
    """Queues that others join before us, and keep their place in; who is better informed hears of every order."""

    def __init__(self, plain: Queue, adversary: Adversary) -> None:
        self._plain: Final[Queue] = plain
        self._adversary: Final[Adversary] = adversary

    def joined(self, order: Resting, level: i64) -> None:
        """See `Queue`."""
        order.rivals = self._adversary.rivals(order, level, order.since_ns)
        self._plain.joined(order, level + order.rivals)
        self._adversary.rests(order, order.since_ns)

    def set(self, order: Resting, level: i64) -> None:
        """See `Queue`."""
        self._plain.set(order, level + order.rivals)

    def trade(self, order: Resting, size: i64) -> i64:
        """See `Queue`."""
        return self._plain.trade(order, size)
