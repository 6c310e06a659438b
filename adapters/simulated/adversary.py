"""
An adversary: a venue and a market that are worse than the recorded one, by chance drawn from the run's seed.

Everything is off unless asked for, and then the venue has no adversary at all. Draws are keyed by what they decide on
(a request, a venue time), never by how many there were before: a stress more or less moves no other.
`docs/explanation/adversary.md` says what each stress models, and why.
"""

from typing import Final, final

from mypy_extensions import i64

from adapters.simulated.crowding import MILLION, Crowding, Footprint, part
from adapters.simulated.latency import Delay
from adapters.simulated.outlook import Outlook
from adapters.simulated.resting import Pit, Resting
from engine.kernel import codes
from engine.kernel.record import NONE
from engine.kernel.rng import Draws
from engine.kernel.units import BID

ORDERS: Final[i64] = 0
CANCELS: Final[i64] = 1
REPORTS: Final[i64] = 2


@final
class Toxic:
    """
    Better informed counterparties, who know where the touch will be *horizon_ns* from now.

    Where the mid will then have passed the price of an order of ours at the touch, by *least_half_ticks* half ticks at
    least, they fill it with a probability of *picked_ppm*: they win what we lose. Where it moves our way by so much,
    they leave us without a fill we would have had with one of *withheld_ppm*.
    """

    def __init__(
        self, picked_ppm: i64 = 0, withheld_ppm: i64 = 0, horizon_ns: i64 = 1, least_half_ticks: i64 = 1
    ) -> None:
        assert horizon_ns > 0
        self.picked_ppm: Final[i64] = picked_ppm
        self.withheld_ppm: Final[i64] = withheld_ppm
        self.horizon_ns: Final[i64] = horizon_ns
        self.least_half_ticks: Final[i64] = least_half_ticks


@final
class Stress:
    """
    All that is done to us in one regime, in parts per million (*_ppm*); what is left out does nothing.

    Args:
        delays: by ORDERS, CANCELS and REPORTS, what is added to each message's delay.
        busy_milli: the whole delay's factor while the venue is busy, in thousandths.
        fade_ppm: of the size that a taker wants, how much more leaves the level before it is there.
        impact_milliticks: how many thousandths of a tick worse a taker of the whole level pays; of a part, that part.
        partial_ppm: the chance that a fill of a resting order is only a part, of *least_ppm* or more of it.
        orders_ppm, cancels_ppm: the chance that the venue refuses an order, and a cancel.
        keep_ppm: what is there, for takers and of what reaches our quotes, while a market is hectic.
    """

    def __init__(
        self,
        delays: list[Delay] | None = None,
        busy_milli: i64 = 1000,
        fade_ppm: i64 = 0,
        impact_milliticks: i64 = 0,
        partial_ppm: i64 = 0,
        least_ppm: i64 = 0,
        orders_ppm: i64 = 0,
        cancels_ppm: i64 = 0,
        keep_ppm: i64 = 1_000_000,
        toxic: Toxic | None = None,
        crowding: Crowding | None = None,
    ) -> None:
        assert busy_milli >= 1000
        assert 0 <= keep_ppm <= MILLION
        self.delays: Final[list[Delay]] = delays if delays is not None else [Delay(0), Delay(0), Delay(0)]
        self.busy_milli: Final[i64] = busy_milli
        self.fade_ppm: Final[i64] = fade_ppm
        self.impact_milliticks: Final[i64] = impact_milliticks
        self.partial_ppm: Final[i64] = partial_ppm
        self.least_ppm: Final[i64] = least_ppm
        self.orders_ppm: Final[i64] = orders_ppm
        self.cancels_ppm: Final[i64] = cancels_ppm
        self.keep_ppm: Final[i64] = keep_ppm
        self.toxic: Final[Toxic] = toxic if toxic is not None else Toxic()
        self.crowding: Final[Crowding] = crowding if crowding is not None else Crowding()


@final
class Windows:
    """
    One window in every *every_ns* of time, *lasts_ns* long, at a drawn place: a function of time and seed alone.

    Windows do not reach beyond the stretch that they are drawn in; stretches begin at whole multiples of *every_ns*.
    """

    def __init__(self, every_ns: i64, lasts_ns: i64, draws: Draws) -> None:
        assert 0 <= lasts_ns <= every_ns
        assert every_ns > 0
        self._every_ns: Final[i64] = every_ns
        self._lasts_ns: Final[i64] = lasts_ns
        self._draws: Final[Draws] = draws
        self._stretch: i64 = -1  # the one last asked for, whose window ends at
        self._end_ns: i64 = 0

    def end_ns(self, at_ns: i64) -> i64:
        """When the window that *at_ns* lies in is over; NONE outside of all."""
        stretch = at_ns // self._every_ns
        if stretch != self._stretch:
            self._stretch = stretch
            offset = self._draws.below(stretch, 0, self._every_ns - self._lasts_ns + 1)
            self._end_ns = stretch * self._every_ns + offset + self._lasts_ns
        if self._end_ns - self._lasts_ns <= at_ns < self._end_ns:
            return self._end_ns
        return NONE


@final
class Look:
    """When the better informed next look at an order of ours, and how often they did before."""

    def __init__(self, at_ns: i64, order: Resting, number: i64) -> None:
        self.at_ns: Final[i64] = at_ns
        self.order: Final[Resting] = order
        self.number: Final[i64] = number


@final
class Adversary:
    """
    What is done to us, and when: *calm*, or *hot* within *hot_times*.

    In *outages* the venue answers nothing: what arrives waits for their end, or is refused if *refuses*. Requests and
    facts are told in the order of time. Where a stress needs to know the market, `outlook` has to know it.
    """

    def __init__(
        self,
        seed: i64,
        calm: Stress,
        hot: Stress | None = None,
        hot_times: Windows | None = None,
        outages: Windows | None = None,
        refuses: bool = False,
    ) -> None:
        self.outlook: Outlook = Outlook()
        self.outages: Final[Windows | None] = outages
        self.refuses: Final[bool] = refuses
        self.next_ns: i64 = NONE
        """When someone better informed next looks at an order of ours; NONE if nobody does."""
        self._calm: Final[Stress] = calm
        self._hot: Final[Stress] = hot if hot is not None else calm
        self._hot_times: Final[Windows | None] = hot_times
        self.sight_ns: Final[i64] = _further(calm.toxic, self._hot.toxic)
        """How far ahead of the present it looks: 0 if it does not."""
        self._footprint: Final[Footprint] = Footprint()
        self._looks: Final[list[Look]] = []
        self._pits: list[Pit] = []
        self._refusals: Final[Draws] = Draws(seed, "adversary: refusals")
        self._picks: Final[Draws] = Draws(seed, "adversary: picked off")
        self._withholds: Final[Draws] = Draws(seed, "adversary: withheld")
        self._races: Final[Draws] = Draws(seed, "adversary: races")
        self._undercuts: Final[Draws] = Draws(seed, "adversary: undercut")

    def join(self, pits: list[Pit]) -> None:
        """*pits* are our resting orders by market number, a list that grows."""
        self._pits = pits

    def whole_lots(self, order: Resting, size: i64) -> i64:
        """*size* in whole lots of the order's market, rounded down."""
        lot = self._pits[order.market].market.lot
        return size // lot * lot

    def stress(self, now_ns: i64) -> Stress:
        """What is done to us at *now_ns*."""
        if self._hot_times is not None and self._hot_times.end_ns(now_ns) != NONE:
            return self._hot
        return self._calm

    # -- requests ------------------------------------------------------------------------------------------------------

    def objection(self, number: i64, is_cancel: bool, now_ns: i64) -> i64:
        """Why the venue refuses request *number*, which arrives at *now_ns*: a reason code, or OK."""
        if self.refuses and self.outages is not None and self.outages.end_ns(now_ns) != NONE:
            return codes.VENUE_MAINT
        stress = self.stress(now_ns)
        ppm = stress.cancels_ppm if is_cancel else stress.orders_ppm
        if ppm > 0 and self._refusals.chance(number, 0, ppm):
            return codes.VENUE_ERROR
        return codes.OK

    # -- better informed counterparties --------------------------------------------------------------------------------

    def rests(self, order: Resting, now_ns: i64) -> None:
        """*order* comes to rest: it is looked at now, and again each time the horizon of a look is reached."""
        if self._calm.toxic.picked_ppm > 0 or self._hot.toxic.picked_ppm > 0:
            self._look_at(now_ns, order, 0)

    def _look_at(self, at_ns: i64, order: Resting, number: i64) -> None:
        looks = self._looks
        at: i64 = len(looks)
        while at > 0 and looks[at - 1].at_ns > at_ns:
            at -= 1
        looks.insert(at, Look(at_ns, order, number))
        self.next_ns = looks[0].at_ns

    def picked(self, now_ns: i64) -> Resting | None:
        """The next look, which is due at *now_ns*: the order that someone fills before the market leaves it, if any."""
        look = self._looks[0]
        del self._looks[0]
        self.next_ns = self._looks[0].at_ns if self._looks else NONE
        order = look.order
        pit = self._pits[order.market]
        if pit.find(order.number) is not order:
            return None
        toxic = self.stress(now_ns).toxic
        again = toxic.horizon_ns if toxic.picked_ppm > 0 else self.sight_ns
        self._look_at(now_ns + again, order, look.number + 1)
        if toxic.picked_ppm == 0 or not self._picks.chance(order.number, look.number, toxic.picked_ppm):
            return None
        if not pit.ready(now_ns) or not self._loses(order, pit, toxic, now_ns):
            return None
        self._footprint.filled(order.market, now_ns)
        return order

    def is_withheld(self, order: Resting, now_ns: i64) -> bool:
        """Whether *order* goes without the fill it would have had, because the market is about to move its way."""
        toxic = self.stress(now_ns).toxic
        if toxic.withheld_ppm == 0 or not self._withholds.chance(now_ns, order.number, toxic.withheld_ppm):
            return False
        return self._gains(order, self._pits[order.market], toxic, now_ns)

    def _loses(self, order: Resting, pit: Pit, toxic: Toxic, now_ns: i64) -> bool:
        """Whether the order stands at the touch, and the mid will be at a price at which whoever filled it has won."""
        outlook = self.outlook
        if not outlook.look(order.market, now_ns):
            return False
        if order.side == BID and (order.price < outlook.bid or order.price >= outlook.ask):
            return False
        if order.side != BID and (order.price > outlook.ask or order.price <= outlook.bid):
            return False
        if not outlook.look(order.market, now_ns + toxic.horizon_ns):
            return False
        loss = 2 * order.price - outlook.bid - outlook.ask
        if order.side != BID:
            loss = -loss
        return loss >= toxic.least_half_ticks * pit.market.tick

    def _gains(self, order: Resting, pit: Pit, toxic: Toxic, now_ns: i64) -> bool:
        """Whether the mid is about to move the order's way."""
        outlook = self.outlook
        if not outlook.look(order.market, now_ns):
            return False
        before = outlook.bid + outlook.ask
        if not outlook.look(order.market, now_ns + toxic.horizon_ns):
            return False
        gain = outlook.bid + outlook.ask - before
        if order.side != BID:
            gain = -gain
        return gain >= toxic.least_half_ticks * pit.market.tick

    # -- the crowd -----------------------------------------------------------------------------------------------------

    def filled(self, order: Resting, now_ns: i64) -> None:
        """*order* trades, and others see it."""
        self._footprint.filled(order.market, now_ns)

    def crowd_ppm(self, order: Resting, now_ns: i64) -> i64:
        """How crowded the order's market is."""
        crowding = self.stress(now_ns).crowding
        if crowding.most_ppm == 0:
            return 0
        seen = self._footprint
        return crowding.ppm(seen.fills(order.market), seen.since_ns(order.market, now_ns))

    def is_beaten(self, order: Resting, now_ns: i64) -> bool:
        """
        Whether *order*, which would take, finds that others were there before: the same for all levels.

        Its own first fill crowds the market too, and would else let it lose in the middle of its way.
        """
        takes = self.stress(now_ns).crowding.takes_ppm
        if takes == 0:
            return False
        if order.beaten == NONE:
            lost = self._races.chance(order.number, 0, part(self.crowd_ppm(order, now_ns), takes))
            order.beaten = 1 if lost else 0
        return order.beaten == 1

    def is_undercut(self, order: Resting, now_ns: i64) -> bool:
        """Whether what would fill *order* at *now_ns* goes to one who quoted better."""
        undercuts = self.stress(now_ns).crowding.undercuts_ppm
        if undercuts == 0:
            return False
        return self._undercuts.chance(now_ns, order.number, part(self.crowd_ppm(order, now_ns), undercuts))

    def rivals(self, order: Resting, level: i64, now_ns: i64) -> i64:
        """How much comes to stand before *order*, which joins a level of *level*."""
        joins = self.stress(now_ns).crowding.joins_ppm
        if joins == 0:
            return 0
        size = level if level > order.size else order.size
        return self.whole_lots(order, part(part(size, joins), self.crowd_ppm(order, now_ns)))


def _further(one: Toxic, other: Toxic) -> i64:
    """The further of the horizons that somebody looks at; 0 without one."""
    sight: i64 = 0
    if one.picked_ppm > 0 or one.withheld_ppm > 0:
        sight = one.horizon_ns
    if (other.picked_ppm > 0 or other.withheld_ppm > 0) and other.horizon_ns > sight:
        sight = other.horizon_ns
    return sight
