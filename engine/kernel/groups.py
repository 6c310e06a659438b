"""
Orders that belong together: admitted all or none, and carried to an end that leaves no half behind.

    WORKING ── every leg full ──────────────────────────────────────────► FILLED
       │ first leg that ends short, nothing filled anywhere: cancel the rest ──► FAILED
       │ first leg that ends short, something filled: cancel what still rests; when all have ended, a rescue takes at
       │ the touch what a leg lacks of the fullest one's part, at most twice ──► FILLED, if not whole then alike
       └─ both rescues short: CANCELLING, then UNWINDING what one leg has beyond the others ──► FAILED (or LEG_RISK, see
          `unwind`)

Legs that rest fill in parts. A group that is not to become whole any more is made level, and not larger: a rescue of
more would pay the spread for a size that nobody has, and one sent while the others rest would meet them (a bid for one
outcome at its touch trades with our own bid for the other).

An order that is UNKNOWN has not ended: its group waits for proof.
"""

from typing import Final, final

from mypy_extensions import i64

from engine.kernel import codes, kinds
from engine.kernel.derived import PLACE
from engine.kernel.desk import Desk
from engine.kernel.intents import Wanted
from engine.kernel.market import Instrument
from engine.kernel.order import FLAG_RESCUE, FLAG_UNWIND, Order
from engine.kernel.pack import Packer, Unpacker
from engine.kernel.policy import TIF_FAK, TIF_FOK, TIF_GTC
from engine.kernel.record import NONE
from engine.kernel.sender import Sender
from engine.kernel.units import BUY, LARGEST, SELL
from engine.kernel.unwind import Unwinder

WORKING: Final[i64] = 1
CANCELLING: Final[i64] = 2
UNWINDING: Final[i64] = 3
FILLED: Final[i64] = 4
FAILED: Final[i64] = 5
STATE_NAMES: Final[tuple[str, ...]] = ("", "WORKING", "CANCELLING", "UNWINDING", "FILLED", "FAILED")

MOST_RESCUES: Final[i64] = 2


@final
class Leg:
    """One leg, as asked: *size* in size units, *order* the number of its current order, *filled* by earlier ones."""

    def __init__(self, instrument: Instrument, side: i64, size: i64, order: i64) -> None:
        self.instrument: Final[Instrument] = instrument
        self.side: Final[i64] = side
        self.size: Final[i64] = size
        self.order: i64 = order
        self.filled: i64 = 0


@final
class Group:
    """A group under way."""

    def __init__(self, number: i64, seat: i64, label: str) -> None:
        self.number: Final[i64] = number
        self.seat: Final[i64] = seat
        self.label: Final[str] = label
        self.state: i64 = WORKING
        self.rescues: i64 = 0
        self.legs: Final[list[Leg]] = []


@final
class Groups:
    """Every group that has not come to its end, in order of admission."""

    def __init__(self, desk: Desk, sender: Sender, unwinder: Unwinder) -> None:
        self._desk: Final[Desk] = desk
        self._sender: Final[Sender] = sender
        self._unwinder: Final[Unwinder] = unwinder
        self.active: list[Group] = []
        self._last: i64 = 0

    def admit(self, legs: list[Wanted]) -> bool:
        """Send all *legs* (complete, in order of their numbers) as one group, or none."""
        first = legs[0]
        number = self._last + 1
        orders = self._sender.place_group(legs, number)
        if not orders:
            return False
        self._last = number
        group = Group(number, first.seat, first.group)
        for wanted, order in zip(legs, orders, strict=True):
            order.pinned = True
            group.legs.append(Leg(order.asked, wanted.side, order.size, order.number))
        self.active.append(group)
        self._claim(group, 1)
        self._record(group, -1, codes.OK)
        return True

    def known(self, seat: i64, label: str) -> bool:
        """Whether *seat* has a group of that name under way."""
        return any(group.seat == seat and group.label == label for group in self.active)

    def step(self) -> None:
        """Take every group as far as it goes now."""
        ended: list[Group] = []
        for group in self.active:
            self._advance(group)
            if group.state in (FILLED, FAILED):
                ended.append(group)
        for group in ended:
            self.active.remove(group)
            self._claim(group, -1)
            for leg in group.legs:
                if leg.order != 0:
                    self._order(leg).pinned = False

    def flatten(self, instrument: Instrument, seat: i64) -> None:
        """
        Get out of the market of *instrument*: cancel every order there, and trade its position away.

        A group with a leg there is not completed any more; its other legs, which would stand alone, are unwound whole.
        """
        for group in self.active:
            there = [leg for leg in group.legs if leg.instrument.market is instrument.market]
            for leg in there:
                leg.filled -= self._filled(leg)  # the flatten's now, and no part of the group
            if there and group.state == WORKING:
                self._enter(group, CANCELLING, -1, codes.GROUP_FAILED)
        self._unwinder.flatten(instrument, seat)
        self.step()

    # -- one group -------------------------------------------------------------------------------------------------

    def _advance(self, group: Group) -> None:
        while group.state == WORKING:
            failed = self._first_short(group)
            if failed < 0:
                if all(self._missing(leg) == 0 for leg in group.legs):
                    self._enter(group, FILLED, -1, codes.OK)
                return
            if all(self._filled(leg) == 0 for leg in group.legs):
                self._enter(group, CANCELLING, failed, codes.GROUP_FAILED)
            elif not self._stopped(group):
                return
            else:
                self._level(group)
        if group.state == CANCELLING:
            self._cancel(group)
        if group.state == UNWINDING and not self._unwinder.running(group.number):
            self._enter(group, FAILED, -1, codes.GROUP_FAILED)

    def _level(self, group: Group) -> None:
        """Every leg has ended, not all of them full: bring the first that is behind up to the fullest."""
        for at, leg in enumerate(group.legs):
            behind = self._part(group, leg, True) - self._filled(leg)
            if behind > 0:
                market = leg.instrument.market
                if group.rescues == MOST_RESCUES or behind < market.listing.min_size:
                    self._enter(group, CANCELLING, at, codes.GROUP_FAILED)
                else:
                    group.rescues += 1
                    self._rescue(group, at, behind)
                return
        self._enter(group, FILLED, -1, codes.OK)

    def _first_short(self, group: Group) -> i64:
        """The first leg whose order ended with something missing, -1 if none did."""
        for at, leg in enumerate(group.legs):
            if self._missing(leg) > 0 and self._ended(leg):
                return at
        return -1

    def _order(self, leg: Leg) -> Order:
        return self._desk.orders.get(leg.order)

    def _ended(self, leg: Leg) -> bool:
        """Whether its order is over and nothing of it can still fill; a leg between orders is over."""
        if leg.order == 0:
            return True
        order = self._order(leg)
        return not order.open() and order.reserved == 0

    def _filled(self, leg: Leg) -> i64:
        return leg.filled if leg.order == 0 else leg.filled + self._order(leg).filled

    def _missing(self, leg: Leg) -> i64:
        return leg.size - self._filled(leg)

    def _part(self, group: Group, leg: Leg, most: bool) -> i64:
        """What *leg* would have if it were filled as far as the fullest leg, or as the emptiest; in whole lots."""
        lot = leg.instrument.market.lot
        found: i64 = -1
        for other in group.legs:
            size = i64(int(self._filled(other)) * int(leg.size) // int(other.size) // int(lot)) * lot
            if found < 0 or (size > found) == most:
                found = size
        return found

    def _stopped(self, group: Group) -> bool:
        """Whether every leg has ended; what rests and is no rescue is cancelled, so that they do."""
        over = True
        for leg in group.legs:
            if not self._ended(leg):
                over = False
                order = self._order(leg)
                rests = order.tif != TIF_FAK and order.tif != TIF_FOK and order.flags & FLAG_UNWIND == 0
                if rests and order.open():
                    self._sender.cancel(order, b"")
        return over

    def _rescue(self, group: Group, at: i64, size: i64) -> None:
        """Take *size* for that leg at the touch, going a little through it."""
        desk = self._desk
        leg = group.legs[at]
        leg.filled = self._filled(leg)
        if leg.order != 0:
            self._order(leg).pinned = False
        leg.order = 0
        market = leg.instrument.market
        touch = leg.instrument.best_ask() if leg.side == BUY else leg.instrument.best_bid()
        policy = desk.policy
        assert policy is not None
        price = touch + policy.rescue_ticks if leg.side == BUY else touch - policy.rescue_ticks
        highest = market.price_scale // market.tick - 1 if market.binary else LARGEST // market.tick
        self._record(group, at, codes.LEG_RISK)
        if touch == NONE:
            return
        wanted = Wanted(group.seat, desk.ordinal, PLACE)
        desk.ordinal += 1
        wanted.instrument = leg.instrument
        wanted.side = leg.side
        wanted.price_ticks = 1 if price < 1 else (highest if price > highest else price)
        wanted.lots = size // market.lot
        rule = desk.terms[leg.instrument.number].rule
        wanted.tif = TIF_FAK if rule is None or rule.allows(TIF_FAK) else TIF_GTC
        wanted.flags = FLAG_UNWIND | FLAG_RESCUE
        wanted.leg = at
        wanted.why = "rescue"
        order = self._sender.place(wanted, group.number)
        if order is not None:
            order.pinned = True
            leg.order = order.number

    def _cancel(self, group: Group) -> None:
        """End every leg; when all are over, trade away what one has beyond what all have alike."""
        over = True
        for leg in group.legs:
            if not self._ended(leg):
                over = False
                if self._order(leg).open():
                    self._sender.cancel(self._order(leg), b"")
        if not over:
            return
        self._enter(group, UNWINDING, -1, codes.GROUP_FAILED)
        for at, leg in enumerate(group.legs):
            beyond = self._filled(leg) - self._part(group, leg, False)
            if beyond > 0:
                back = SELL if leg.side == BUY else BUY
                self._unwinder.start(leg.instrument, back, beyond, group.seat, group.number, at)

    def _claim(self, group: Group, legs: i64) -> None:
        """Its strategy holds the markets of its legs until the group has ended."""
        for leg in group.legs:
            self._desk.stakes[leg.instrument.market.number].of(group.seat).claims += legs

    def _enter(self, group: Group, state: i64, leg: i64, code: i64) -> None:
        group.state = state
        self._record(group, leg, code)

    def _record(self, group: Group, leg: i64, code: i64) -> None:
        packer = Packer()
        packer.put(group.number)
        packer.put(group.seat)
        packer.put_text(group.label)
        packer.put(group.state)
        packer.put(leg)
        packer.put(code)
        self._desk.emit(kinds.GROUP, packer.finish())
        self._desk.digest.mix(group.number)
        self._desk.digest.mix(group.state)
        self._desk.digest.mix(group.rescues)

    # -- checkpoints -----------------------------------------------------------------------------------------------

    def pack(self) -> bytes:
        """The canonical bytes of all groups under way."""
        packer = Packer()
        packer.put(self._last)
        packer.put(len(self.active))
        for group in self.active:
            packer.put(group.number)
            packer.put(group.seat)
            packer.put_text(group.label)
            packer.put(group.state)
            packer.put(group.rescues)
            packer.put(len(group.legs))
            for leg in group.legs:
                packer.put(leg.instrument.number)
                packer.put(leg.side)
                packer.put(leg.size)
                packer.put(leg.order)
                packer.put(leg.filled)
        return packer.finish()

    def unpack(self, data: bytes) -> None:
        """Become what `pack` wrote."""
        unpacker = Unpacker(data)
        take = unpacker.take
        self._last = take()
        active: list[Group] = []
        for _ in range(take()):
            number, seat = take(), take()
            group = Group(number, seat, unpacker.take_text())
            group.state = take()
            group.rescues = take()
            for _ in range(take()):
                instrument = self._desk.instruments[take()]
                side, size, order = take(), take(), take()
                leg = Leg(instrument, side, size, order)
                leg.filled = take()
                if order != 0:
                    self._order(leg).pinned = True
                group.legs.append(leg)
            active.append(group)
            self._claim(group, 1)
        unpacker.done()
        self.active = active
