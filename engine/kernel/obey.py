"""Taking up what strategies want: who goes first, what belongs together, and an answer to every intent."""

from typing import Final, final

from mypy_extensions import i64

from engine.kernel import codes
from engine.kernel.admit import Admission
from engine.kernel.checks import CHECK_READ, CHECK_REPEAT, CHECK_REST
from engine.kernel.derived import CANCEL, CANCEL_ALL, CANCEL_TIMER, FLATTEN, MERGE, PLACE, SET_TIMER, SPLIT
from engine.kernel.desk import NOTHING, Desk, Seat
from engine.kernel.groups import Groups
from engine.kernel.intents import FIELD_GROUP, FIELD_INSTRUMENT, FIELD_LEGS, FIELD_NONE, Reader, Wanted
from engine.kernel.order import Order
from engine.kernel.sender import Sender
from engine.kernel.sets import Sets
from engine.kernel.strategy import Place

MOST_TIMERS: Final[i64] = 64
"""Timers a strategy may have at once."""


@final
class Obey:
    """Reads the intents of one input and carries them out, in their order."""

    def __init__(self, desk: Desk, admission: Admission, sender: Sender, groups: Groups, sets: Sets) -> None:
        self._desk: Final[Desk] = desk
        self._admission: Final[Admission] = admission
        self._sender: Final[Sender] = sender
        self._groups: Final[Groups] = groups
        self._sets: Final[Sets] = sets
        self._reader: Final[Reader] = Reader(desk.instruments, desk.by_key)

    def take_up(self) -> None:
        """Take each seat's `answer`, by tier, then by place, its intents as they were yielded."""
        for seat in ranked(self._desk.seats):
            intents = seat.answer
            if not intents:
                continue
            seat.answer = NOTHING
            if seat.muted:
                self._refuse_all(seat.number, intents)
            elif any_grouped(intents):
                self._take_grouped(seat.number, intents)
            else:
                self._take_plain(seat.number, intents)

    def _refuse_all(self, seat: i64, intents: list[object]) -> None:
        """What a strategy had yielded when it failed: nobody knows what it would have wanted beside it."""
        desk = self._desk
        for intent in intents:
            wanted = self._reader.read(intent, seat, desk.ordinal, desk.now_ns)
            desk.ordinal += 1
            self._answer(wanted, codes.STRAT_FAULT, 0, 0)

    def _take_plain(self, seat: i64, intents: list[object]) -> None:
        desk = self._desk
        ordinal = desk.ordinal
        desk.ordinal += len(intents)  # whatever the kernel does by itself for one of them is numbered behind them all
        for intent in intents:
            wanted = self._reader.read(intent, seat, ordinal, desk.now_ns)
            ordinal += 1
            if wanted.what == PLACE:
                self._sender.place(wanted)
            else:
                self._other(wanted)

    def _take_grouped(self, seat: i64, intents: list[object]) -> None:
        """As `_take_plain`, where a group may be among them: all are read before the first acts."""
        desk = self._desk
        read: list[Wanted] = []
        for intent in intents:
            read.append(self._reader.read(intent, seat, desk.ordinal, desk.now_ns))
            desk.ordinal += 1
        for wanted in read:
            if wanted.what == PLACE and wanted.group:
                legs = [other for other in read if other.what == PLACE and other.group == wanted.group]
                if legs[0] is wanted:
                    self._group(legs)
            elif wanted.what == PLACE:
                self._sender.place(wanted)
            else:
                self._other(wanted)

    def _group(self, legs: list[Wanted]) -> None:
        """All legs of one group: complete and in order, or refused one and all."""
        legs.sort(key=_leg)
        first = legs[0]
        complete = len(legs) == int(first.legs)
        for at, wanted in enumerate(legs):
            complete = complete and wanted.leg == at and wanted.legs == first.legs
        code = codes.OK
        detail = FIELD_NONE
        if not complete:
            code, detail = codes.GROUP_FAILED, FIELD_LEGS
        elif self._groups.known(first.seat, first.group):
            code, detail = codes.GROUP_FAILED, FIELD_GROUP
        if code == codes.OK:
            self._groups.admit(legs)
            return
        for wanted in legs:
            self._answer(wanted, code, CHECK_READ, detail)

    def _other(self, wanted: Wanted) -> None:
        desk = self._desk
        what = wanted.what
        if wanted.bad != FIELD_NONE:
            code = codes.UNKNOWN_INSTRUMENT if wanted.bad == FIELD_INSTRUMENT else codes.INTENT_MALFORMED
            self._answer(wanted, code, CHECK_READ, wanted.bad)
        elif desk.seq <= self._admission.last_seq:
            self._answer(wanted, codes.DUPLICATE_INTENT, CHECK_REPEAT, 0)
        elif what == CANCEL:
            self._cancel(wanted, desk.orders.find(wanted.target, ""))
        elif what == CANCEL_ALL:
            self._cancel_all(wanted)
        elif what == FLATTEN:
            self._answer(wanted, codes.OK, 0, 0)
            assert wanted.instrument is not None
            self._groups.flatten(wanted.instrument, wanted.seat)
        elif what in (SPLIT, MERGE):
            self._sets.take_up(wanted)
        elif what == SET_TIMER:
            if desk.timers.count(wanted.seat) >= MOST_TIMERS:
                self._answer(wanted, codes.QUEUE_FULL, 0, 0)
            else:
                self._answer(wanted, codes.OK, 0, 0)
                desk.timers.set(wanted.seat, wanted.tag, wanted.due_ns, wanted.every_ns)
                desk.digest.mix(wanted.due_ns)
        else:
            assert what == CANCEL_TIMER
            found = desk.timers.cancel(wanted.seat, wanted.tag)
            self._answer(wanted, codes.OK if found else codes.NO_SUCH_ORDER, 0, 0)

    def _cancel(self, wanted: Wanted, order: Order | None) -> None:
        code = self._sender.cancel_code(order)
        check: i64 = 0
        spare: i64 = 0
        if code == codes.OK and order is not None:
            spare = self._sender.unrested(order)
            if spare < 0:
                code, check = codes.RESTING, CHECK_REST
        intent = self._answer(wanted, code, check, 0, int(spare))
        if code == codes.OK and order is not None:
            self._sender.cancel(order, intent, True)

    def _cancel_all(self, wanted: Wanted) -> None:
        """Cancel what it speaks of; what has to rest still stays, and if that is all of it the intent is refused."""
        sender = self._sender
        leave: list[Order] = []
        spare: i64 = 0
        stay: i64 = 0
        for order in self._meant(wanted):
            young = sender.unrested(order)
            if young < 0 and sender.cancel_code(order) == codes.OK:
                stay += 1
                spare = young if young < spare else spare
            else:
                leave.append(order)
        code = codes.RESTING if stay > 0 and not leave else codes.OK
        self._answer(wanted, code, CHECK_REST if stay > 0 else i64(0), stay, int(spare))
        for order in leave:
            sender.cancel(order, b"")

    def _meant(self, wanted: Wanted) -> list[Order]:
        """The orders a CancelAll speaks of."""
        instrument = wanted.instrument
        found = self._desk.orders.all_open()
        if instrument is None:
            return [order for order in found if order.seat == wanted.seat]
        return [order for order in found if order.instrument.market is instrument.market]

    def _answer(self, wanted: Wanted, code: i64, check: i64, detail: i64, margin: int = 0) -> bytes:
        intent = self._sender.intent(wanted)
        self._sender.verdict(intent, code, check, detail, margin)
        return intent


def any_grouped(intents: list[object]) -> bool:
    """Whether any of *intents* names a group."""
    for intent in intents:
        if isinstance(intent, Place) and intent.detail is not None:
            group = intent.detail.group
            if not isinstance(group, str) or len(group) > 0:
                return True
    return False


def ranked(seats: list[Seat]) -> list[Seat]:
    """By tier, and in configured order within one."""
    if len(seats) < 2:
        return seats
    return sorted(seats, key=_rank)


def _rank(seat: Seat) -> tuple[int, int]:
    return int(seat.tier), int(seat.number)


def _leg(wanted: Wanted) -> int:
    return int(wanted.leg)
