"""
Complete sets: one token of every outcome of a binary market, worth exactly one whoever wins.

A split locks one unit of currency for each set and brings its tokens; a merge gives them back. Neither is a trade and
neither changes what we can lose, so risk limits do not concern them; what they take is reserved until the venue, some
seconds later, has answered. Positions and cash move with that answer.

A split or a merge passes these checks, numbered as in `admit`, in this order:

     1  it can be read, its instrument is listed               INTENT_MALFORMED, UNKNOWN_INSTRUMENT
     2  this input was not decided on before                   DUPLICATE_INTENT
     3  the policy names the market, which is binary           NOT_PERMITTED
     4  its size is in range                                   SIZE_ABOVE_MAX
     6  the strategy owns the market                           NOT_OWNER
     7  the mode allows it: a merge reduces, a split does not  MODE_FORBIDS
     8  no gate stops it                                       GATE_CLOSED
     9  the market is not resolved; for a split, not closed    MARKET_CLOSED
    17  a split costs no more than the policy's largest order  SIZE_ABOVE_MAX
    18  no other conversion of the market is under way         QUEUE_FULL
    20  cash (split) or confirmed tokens (merge) cover it      NOT_COVERED
"""

from typing import Final, final

from mypy_extensions import i64, mypyc_attr

from engine.kernel import codes, kinds
from engine.kernel.arbiter import Arbiter
from engine.kernel.checks import (
    CHECK_COVER,
    CHECK_GATE,
    CHECK_GRID,
    CHECK_MODE,
    CHECK_ORDER,
    CHECK_OWNER,
    CHECK_PERMITTED,
    CHECK_RATE,
    CHECK_VENUE,
)
from engine.kernel.derived import MERGE
from engine.kernel.desk import Desk
from engine.kernel.events import (
    CREDITED,
    SETS_CONVERTED,
    SETS_REFUSED,
    STATUS_CLOSED,
    STRIDE,
    EventBatch,
)
from engine.kernel.executions import OUTCOME_ACKED, OUTCOME_UNKNOWN
from engine.kernel.fees import stated_fee
from engine.kernel.intents import FIELD_INSTRUMENT, Wanted
from engine.kernel.market import Instrument, Market
from engine.kernel.modes import ACTIVE, KILL
from engine.kernel.pack import Packer, Unpacker
from engine.kernel.record import NONE
from engine.kernel.request import Request
from engine.kernel.risk import NOBODY
from engine.kernel.sender import Sender
from engine.kernel.strategy import Change
from engine.kernel.units import BUY, LARGEST, SELL


@final
@mypyc_attr(acyclic=True)
class Conversion:
    """A split or a merge that the venue has not answered: *size* sets in size units, of *instrument*'s market."""

    def __init__(self, number: i64, seat: i64, instrument: Instrument, merges: bool, size: i64) -> None:
        self.number: Final[i64] = number
        self.seat: Final[i64] = seat
        self.instrument: Final[Instrument] = instrument
        self.merges: Final[bool] = merges
        self.size: Final[i64] = size

    def money(self) -> int:
        """What the sets are worth: one each."""
        return int(self.size) * int(self.instrument.market.price_scale)


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class OwnSets:
    """A conversion of ours as a strategy sees it."""

    def __init__(self, conversion: Conversion) -> None:
        self._conversion: Final[Conversion] = conversion

    @property
    def number(self) -> int:
        """Its request's sequence number."""
        return self._conversion.number

    @property
    def instrument(self) -> str:
        """Key of the instrument asked for."""
        return self._conversion.instrument.key

    @property
    def merges(self) -> bool:
        """Whether sets were to be merged; otherwise split."""
        return self._conversion.merges

    @property
    def lots(self) -> int:
        """How many sets, in lots."""
        return self._conversion.size // self._conversion.instrument.market.lot


@final
class Sets:
    """Judges splits and merges, sends them, and folds what the venue answers and what it pays beside trades."""

    def __init__(self, desk: Desk, sender: Sender, arbiter: Arbiter) -> None:
        self._desk: Final[Desk] = desk
        self._sender: Final[Sender] = sender
        self._arbiter: Final[Arbiter] = arbiter
        self.pending: list[Conversion] = []
        self._check: i64 = 0
        self._detail: i64 = 0
        self._margin: int = 0

    # -- deciding --------------------------------------------------------------------------------------------------

    def take_up(self, wanted: Wanted) -> None:
        """Answer a readable Split or Merge, and send it if it is admitted."""
        desk = self._desk
        instrument = wanted.instrument
        assert instrument is not None
        self._check = 0
        self._detail = 0
        self._margin = 0
        intent = self._sender.intent(wanted)
        code = self._judge(wanted, instrument)
        self._sender.verdict(intent, code, self._check, self._detail, self._margin)
        if code != codes.OK:
            return
        market = instrument.market
        merges = wanted.what == MERGE
        conversion = Conversion(desk.next_number(), wanted.seat, instrument, merges, wanted.lots * market.lot)
        self.begin(conversion)
        listing = market.listing
        request = Request(
            conversion.number,
            wanted.what,
            intent,
            0,
            listing.venue,
            instrument.symbol,
            instrument.number,
            SELL if merges else BUY,
            market.price_scale,
            listing.price_exponent,
            conversion.size,
            listing.size_exponent,
            0,
            0,
            desk.now_ns,
            NONE,
            0,
            listing.market,
        )
        desk.ask(request)
        if desk.silent:
            desk.out.hush(kinds.REQUEST)
        else:
            desk.out.emit(kinds.REQUEST, 2, request.encode(desk.dense))
        desk.digest.mix(conversion.number)
        desk.digest.mix(conversion.size)
        if not merges:  # tokens come, to be traded: the market is taken as by an order
            former = desk.risk.markets[market.number].owner
            desk.risk.own(market.number, wanted.seat)
            self._sender.hand_over(market, former)

    def begin(self, conversion: Conversion) -> None:
        """*conversion* is under way from now on."""
        self._reserve(conversion, conversion.size)
        self._claim(conversion, 1)
        self.pending.append(conversion)

    def _refuse(self, code: i64, check: i64, detail: i64, margin: int) -> i64:
        self._check = check
        self._detail = detail
        self._margin = margin
        return code

    def _judge(self, wanted: Wanted, instrument: Instrument) -> i64:
        desk = self._desk
        market = instrument.market
        merges = wanted.what == MERGE
        terms = desk.terms[instrument.number]
        if not market.binary or terms.code != codes.OK or desk.terms[instrument.other].code != codes.OK:
            return self._refuse(codes.NOT_PERMITTED, CHECK_PERMITTED, FIELD_INSTRUMENT, 0)
        most = LARGEST // market.lot
        if wanted.lots > most:
            return self._refuse(codes.SIZE_ABOVE_MAX, CHECK_GRID, 0, int(most - wanted.lots))
        other = self._arbiter.kept_out_by(wanted.seat, market)
        if other != NOBODY:
            return self._refuse(codes.NOT_OWNER, CHECK_OWNER, other, 0)
        venue = desk.venue(market)
        for number in (market.first_instrument, market.first_instrument + 1):
            mode = desk.modes.effective(venue, market.number, number, wanted.seat)
            if mode == KILL or (mode != ACTIVE and not merges):
                return self._refuse(codes.MODE_FORBIDS, CHECK_MODE, mode, 0)
            gate = desk.modes.blocking(venue, market.number, number, wanted.seat, merges)
            if gate != codes.OK:
                return self._refuse(codes.GATE_CLOSED, CHECK_GATE, gate, 0)
        if market.winner != NONE or (market.status == STATUS_CLOSED and not merges):
            return self._refuse(codes.MARKET_CLOSED, CHECK_VENUE, market.status, 0)
        size = wanted.lots * market.lot
        money = int(size) * int(market.price_scale)
        if not merges and money > terms.caps.order:
            return self._refuse(codes.SIZE_ABOVE_MAX, CHECK_ORDER, 0, terms.caps.order - money)
        if self._under_way(market):
            return self._refuse(codes.QUEUE_FULL, CHECK_RATE, 0, 0)
        spare = self._tokens(market) - int(size) if merges else self._cash(market) - money
        if spare < 0 and (merges or self._counted(market)):
            return self._refuse(codes.NOT_COVERED, CHECK_COVER, 0, spare)
        self._margin = spare
        return codes.OK

    def _under_way(self, market: Market) -> bool:
        return any(conversion.instrument.market is market for conversion in self.pending)

    def _tokens(self, market: Market) -> int:
        """Confirmed sets that no open offer counts on, in size units."""
        desk = self._desk
        least: i64 = LARGEST
        for number in (market.first_instrument, market.first_instrument + 1):
            holding = desk.portfolio.holdings[number]
            held = holding.size if holding.size < holding.settled else holding.settled
            free = held - desk.orders.working[number].sell_size
            if free < least:
                least = free
        return int(least)

    def _counted(self, market: Market) -> bool:
        """
        Whether we know how much cash there is: an OPENING said so. A purse that began at nought only counts what
        moved, and the policy alone bounds what may be spent of it.
        """
        return self._desk.portfolio.purse_for(market.listing).opening != 0

    def _cash(self, market: Market) -> int:
        """Confirmed cash less what may still fail, what open bids may take, and what other splits have taken."""
        desk = self._desk
        purse = desk.portfolio.purse_for(market.listing)
        cash = purse.settled + (purse.provisional if purse.provisional < 0 else 0)
        for order in desk.orders.all_open():
            if order.side == BUY and desk.portfolio.holdings[order.instrument.number].purse is purse:
                cash -= int(order.reserved) * int(order.price)
        for conversion in self.pending:
            if not conversion.merges and desk.portfolio.purse_for(conversion.instrument.market.listing) is purse:
                cash -= conversion.money()
        return cash

    def _reserve(self, conversion: Conversion, size: i64) -> None:
        """A merge under way takes *size* out of what may be offered of both outcomes (negative: gives it back)."""
        if conversion.merges:
            first = conversion.instrument.market.first_instrument
            self._desk.orders.working[first].merging += size
            self._desk.orders.working[first + 1].merging += size

    def _claim(self, conversion: Conversion, claims: i64) -> None:
        """Who splits holds the market until the tokens are there; a merge only gives back."""
        if not conversion.merges and conversion.seat > 0:
            self._desk.stakes[conversion.instrument.market.number].of(conversion.seat).claims += claims

    # -- what the venue says ---------------------------------------------------------------------------------------

    def fold_row(self, batch: EventBatch, row: i64) -> i64:
        """Fold one row: SETS_CONVERTED, SETS_REFUSED or CREDITED; OK, NO_SUCH_ORDER or UNKNOWN_INSTRUMENT."""
        rows = batch.rows
        at = row * STRIDE
        kind = rows[at]
        if kind == CREDITED:
            return self._credit(rows[at + 2], rows[at + 3])
        for conversion in self.pending:
            if conversion.number == rows[at + 1]:
                assert kind in (SETS_CONVERTED, SETS_REFUSED)
                self._answered(conversion, kind)
                return codes.OK
        return codes.NO_SUCH_ORDER

    def outcome(self, number: i64, outcome: i64, reason: i64) -> bool:
        """
        What became of request *number*, from the executor; whether it is one of ours.

        Handed over or unknown, it stays under way; everything else says that nothing came of it.
        """
        for conversion in self.pending:
            if conversion.number == number:
                if outcome not in (OUTCOME_ACKED, OUTCOME_UNKNOWN):
                    self._desk.digest.mix(reason)
                    self._answered(conversion, SETS_REFUSED)
                return True
        return False

    def _answered(self, conversion: Conversion, kind: i64) -> None:
        desk = self._desk
        self.pending.remove(conversion)
        self._reserve(conversion, -conversion.size)
        self._claim(conversion, -1)
        desk.digest.mix(kind)
        desk.digest.mix(conversion.number)
        market = conversion.instrument.market
        if kind == SETS_CONVERTED:
            desk.portfolio.convert(market, conversion.size, conversion.merges)
            if market.winner != NONE:
                desk.portfolio.pay_out(market)
            desk.position_moved(market.first_instrument)
            desk.position_moved(market.first_instrument + 1)
        desk.pending = True
        if 0 < conversion.seat <= len(desk.seats):
            lots = conversion.size // market.lot
            desk.seats[conversion.seat - 1].told(Change(kind, OwnSets(conversion), 0, lots))

    def _credit(self, number: i64, amount: i64) -> i64:
        desk = self._desk
        if not 0 <= number < len(desk.instruments):
            return codes.UNKNOWN_INSTRUMENT
        desk.portfolio.credit(number, stated_fee(desk.instruments[number].market.listing, amount))
        desk.digest.mix(amount)
        desk.position_moved(number)
        return codes.OK

    # -- checkpoints -----------------------------------------------------------------------------------------------

    def pack(self) -> bytes:
        """The canonical bytes of what is under way."""
        packer = Packer()
        packer.put(len(self.pending))
        for conversion in self.pending:
            packer.put(conversion.number)
            packer.put(conversion.seat)
            packer.put(conversion.instrument.number)
            packer.put(1 if conversion.merges else 0)
            packer.put(conversion.size)
        return packer.finish()

    def unpack(self, data: bytes) -> None:
        """Become what `pack` wrote; instruments and their orders stand already."""
        unpacker = Unpacker(data)
        take = unpacker.take
        self.pending = []
        for _ in range(take()):
            number, seat, instrument = take(), take(), self._desk.instruments[take()]
            merges = take() == 1
            self.begin(Conversion(number, seat, instrument, merges, take()))
        unpacker.done()
