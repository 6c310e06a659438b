"""
What a run begins with: the OPENING input, canonical JSON that names everything by text.

Numbers of instruments, markets and strategies belong to one run; keys outlive it. The catalogue comes after OPENING,
so what names an instrument or market waits here until that is listed. An order that was PENDING becomes UNKNOWN: a new
run knows only that it may have been sent. A group does not outlive its run: its orders stand alone, and its strategy
opens nothing until an operator arms it again (LEG_RISK).

    {"cash": {PURSE: {"currency", "exponent", "opening", "settled", "provisional"}},
     "positions": {INSTRUMENT: {"size", "settled", "cost", "realised", "fees", "income", "traded"}},
     "orders": [{"instrument": KEY, "strategy": NAME, ...}],
     "owners": {MARKET: NAME},     "stakes": {MARKET: {NAME: SIZE}} (without them all of a position is its owner's),
     "conversions": [{"instrument": KEY, "strategy": NAME, "number", "merges", "size"}],
     "modes": {SCOPE: MODE},     "muted": [NAME],     "broken_groups": [NAME],
     "timers": [{"strategy", "tag", "due_ns", "every_ns"}],     "memories": {NAME: HEX}}
"""

from typing import Any, Final, final

from mypy_extensions import i64

from engine.kernel.commands import read_scope, scope_text
from engine.kernel.desk import Desk
from engine.kernel.inputs import canonical, members
from engine.kernel.market import Instrument, Market
from engine.kernel.modes import MODE_NAMES, REDUCE_ONLY, STRATEGY
from engine.kernel.order import FLAG_MIRRORED, PENDING, UNKNOWN, Fill, Order
from engine.kernel.pack import Malformed
from engine.kernel.seats import Seats
from engine.kernel.sets import Conversion, Sets
from engine.kernel.timers import KERNEL


@final
class Opening:
    """Takes an opening, piece by piece as the catalogue comes in, and writes the next one."""

    def __init__(self, desk: Desk, seats: Seats, sets: Sets) -> None:
        self._desk: Final[Desk] = desk
        self._seats: Final[Seats] = seats
        self._sets: Final[Sets] = sets
        self._positions: dict[str, Any] = {}
        self._orders: list[Any] = []
        self._conversions: list[Any] = []
        self._owners: dict[str, Any] = {}
        self._stakes: dict[str, Any] = {}
        self._modes: dict[str, Any] = {}

    def take(self, payload: bytes) -> None:
        """
        Take an OPENING payload.

        Raises:
            Malformed: it is not what the module says.
        """
        said: Any = members(payload)
        try:
            self._take(said)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            malformed = Malformed(f"an OPENING that cannot be read: {error!r}")
            malformed.__cause__ = error
            raise malformed

    def _take(self, said: Any) -> None:
        desk = self._desk
        for key, cash in said.get("cash", {}).items():
            purse = desk.portfolio.purse(key, str(cash["currency"]), i64(cash["exponent"]))
            purse.opening = int(cash["opening"])
            purse.settled = int(cash["settled"])
            purse.provisional = int(cash["provisional"])
        self._positions = dict(said.get("positions", {}))
        self._orders = list(said.get("orders", []))
        self._conversions = list(said.get("conversions", []))
        self._owners = dict(said.get("owners", {}))
        self._stakes = dict(said.get("stakes", {}))
        self._modes = dict(said.get("modes", {}))
        for seat in desk.seats:
            seat.muted = seat.name in said.get("muted", [])
            memory = said.get("memories", {}).get(seat.name)
            if memory is not None:
                self._seats.recall(seat, bytes.fromhex(memory))
            if seat.name in said.get("broken_groups", []):
                desk.modes.lower(STRATEGY, seat.number, REDUCE_ONLY)
        for timer in said.get("timers", []):
            owner = self._seat(timer["strategy"])
            if owner != KERNEL:
                desk.timers.set(owner, str(timer["tag"]), i64(timer["due_ns"]), i64(timer["every_ns"]))
        self._lower_known()
        for instrument in desk.instruments[: len(desk.terms)]:
            self.instrument_added(instrument)

    def instrument_added(self, instrument: Instrument) -> None:
        """The catalogue listed *instrument*: take what waited for its market, once all of it is there."""
        market = instrument.market
        if self._done():
            return
        if instrument.number + 1 < market.first_instrument + i64(len(market.listing.symbols)):
            return
        desk = self._desk
        for leg in range(len(market.listing.symbols)):
            number = market.first_instrument + leg
            held: Any = self._positions.pop(desk.instruments[number].key, None)
            if held is not None:
                holding = desk.portfolio.holdings[number]
                holding.size = i64(held["size"])
                holding.settled = i64(held["settled"])
                holding.cost = int(held["cost"])
                holding.realised = int(held["realised"])
                holding.fees = int(held["fees"])
                holding.income = int(held.get("income", 0))
                holding.traded = int(held["traded"])
                desk.position_moved(number)
        waiting: list[Any] = []
        for said in self._orders:
            known = desk.by_key.get(said["instrument"])
            if known is not None and known.market is market:
                self._order(said, known)
            else:
                waiting.append(said)
        self._orders = waiting
        waiting = []
        for said in self._conversions:
            known = desk.by_key.get(said["instrument"])
            if known is not None and known.market is market:
                seat = self._seat(said["strategy"])
                self._sets.begin(Conversion(i64(said["number"]), seat, known, bool(said["merges"]), i64(said["size"])))
            else:
                waiting.append(said)
        self._conversions = waiting
        owner: Any = self._owners.pop(market.key, None)
        if owner is not None:
            desk.risk.own(market.number, self._seat(owner))
        self._stake(market)
        self._lower_known()
        desk.risk.refresh(market.number)

    def _stake(self, market: Market) -> None:
        """Whose the position in *market* is, as far as these are still configured."""
        desk = self._desk
        stakes = desk.stakes[market.number]
        said: Any = self._stakes.pop(market.key, None)
        if said is None:
            owner = desk.risk.markets[market.number].owner
            said = {desk.seat_name(owner): desk.leaning(market)} if owner > 0 else {}
        for seat in desk.seats:
            if seat.name in said:
                stakes.of(seat.number).size = i64(said[seat.name])

    def _order(self, said: Any, instrument: Instrument) -> None:
        desk = self._desk
        flags = i64(said["flags"])
        order = Order(
            i64(said["number"]),
            self._seat(said["strategy"]),
            i64(said["trigger"]),
            i64(said["ordinal"]),
            instrument,
            desk.instruments[instrument.other] if flags & FLAG_MIRRORED else instrument,
            i64(said["side"]),
            i64(said["price"]),
            i64(said["size"]),
            i64(said["tif"]),
            flags,
            i64(said["expires_ns"]),
            0,
            0,
        )
        state = i64(said["state"])
        order.state = UNKNOWN if state == PENDING else state
        order.code = i64(said["code"])
        order.venue_id = str(said["venue_id"])
        order.filled = i64(said["filled"])
        for trade, price, size, fee, status in said["fills"]:
            if order.fills is None:
                order.fills = {}
            order.fills[str(trade)] = Fill(str(trade), i64(price), i64(size), int(fee), i64(status))
        order.unsettled = i64(said["unsettled"])
        desk.orders.add(order)
        desk.order_moved(order)

    def _done(self) -> bool:
        """Whether nothing waits for a listing."""
        waits = self._positions or self._orders or self._conversions or self._owners or self._stakes or self._modes
        return not waits

    def _seat(self, name: Any) -> i64:
        """The number of the strategy of that name; one that is not configured any more leaves its orders to nobody."""
        for seat in self._desk.seats:
            if seat.name == name:
                return seat.number
        return KERNEL

    def _lower_known(self) -> None:
        """Take the modes whose scopes exist by now."""
        for text in list(self._modes):
            scope = read_scope(self._desk, text)
            if scope.kind >= 0:
                to = MODE_NAMES.index(self._modes.pop(text))
                if to > 0:
                    self._desk.modes.lower(scope.kind, scope.number, to)

    # -- the next one ----------------------------------------------------------------------------------------------

    def payload(self, broken: list[str]) -> bytes:
        """The OPENING that hands this state to the next run; *broken* names strategies with groups under way."""
        desk = self._desk
        cash: dict[str, Any] = {}
        for purse in desk.portfolio.purses:
            cash[purse.key] = {
                "currency": purse.currency,
                "exponent": int(purse.exponent),
                "opening": purse.opening,
                "settled": purse.settled,
                "provisional": purse.provisional,
            }
        positions: dict[str, Any] = dict(self._positions)
        for holding in desk.portfolio.holdings:
            if holding.traded != 0 or holding.size != 0 or holding.income != 0:
                positions[holding.instrument.key] = {
                    "size": int(holding.size),
                    "settled": int(holding.settled),
                    "cost": holding.cost,
                    "realised": holding.realised,
                    "fees": holding.fees,
                    "income": holding.income,
                    "traded": holding.traded,
                }
        owners: dict[str, Any] = dict(self._owners)
        for exposure in desk.risk.markets:
            if exposure.owner > 0:
                owners[exposure.market.key] = desk.seat_name(exposure.owner)
        stakes: dict[str, Any] = dict(self._stakes)
        for market in desk.markets:
            sizes = desk.stakes[market.number].sizes()
            if sizes:
                stakes[market.key] = {desk.seat_name(i64(seat)): size for seat, size in sizes}
        modes: dict[str, Any] = dict(self._modes)
        for kind, number, mode in desk.modes.lowered():
            modes[scope_text(desk, kind, number)] = MODE_NAMES[mode]
        said: dict[str, object] = {
            "cash": cash,
            "positions": positions,
            "orders": [self._said(order) for order in desk.orders.all_open()] + self._orders,
            "conversions": [
                {
                    "number": int(conversion.number),
                    "strategy": desk.seat_name(conversion.seat),
                    "instrument": conversion.instrument.key,
                    "merges": conversion.merges,
                    "size": int(conversion.size),
                }
                for conversion in self._sets.pending
            ]
            + self._conversions,
            "owners": owners,
            "stakes": stakes,
            "modes": modes,
            "muted": [seat.name for seat in desk.seats if seat.muted],
            "broken_groups": sorted(dict.fromkeys(broken)),
            "timers": [
                {
                    "strategy": desk.seat_name(timer.owner),
                    "tag": timer.tag,
                    "due_ns": int(timer.due_ns),
                    "every_ns": int(timer.every_ns),
                }
                for timer in desk.timers.all()
                if timer.owner != KERNEL
            ],
            "memories": {seat.name: self._seats.remember(seat).hex() for seat in desk.seats},
        }
        return canonical(said)

    def _said(self, order: Order) -> dict[str, Any]:
        fills = [] if order.fills is None else list(order.fills.values())
        return {
            "number": int(order.number),
            "strategy": self._desk.seat_name(order.seat),
            "trigger": int(order.trigger),
            "ordinal": int(order.ordinal),
            "instrument": order.instrument.key,
            "side": int(order.side),
            "price": int(order.price),
            "size": int(order.size),
            "tif": int(order.tif),
            "flags": int(order.flags),
            "expires_ns": int(order.expires_ns),
            "state": int(order.state),
            "code": int(order.code),
            "venue_id": order.venue_id,
            "filled": int(order.filled),
            "unsettled": int(order.unsettled),
            "fills": [[fill.trade, int(fill.price), int(fill.size), fill.fee, int(fill.status)] for fill in fills],
        }

    # -- checkpoints -----------------------------------------------------------------------------------------------

    def pack(self) -> bytes:
        """The canonical bytes of what waits."""
        if self._done():
            return b""
        waiting: dict[str, object] = {
            "positions": self._positions,
            "orders": self._orders,
            "conversions": self._conversions,
            "owners": self._owners,
            "stakes": self._stakes,
            "modes": self._modes,
        }
        return canonical(waiting)

    def unpack(self, data: bytes) -> None:
        """Become what `pack` wrote."""
        said: Any = members(data) if data else {}
        self._positions = said.get("positions", {})
        self._orders = said.get("orders", [])
        self._conversions = said.get("conversions", [])
        self._owners = said.get("owners", {})
        self._stakes = said.get("stakes", {})
        self._modes = said.get("modes", {})
