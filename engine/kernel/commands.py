"""
What operators and the runtime tell the kernel: COMMAND and HEALTH inputs, canonical JSON.

A scope is a text: "account", "venue:polymarket", "market:polymarket:CONDITION", "instrument:polymarket:TOKEN" or
"strategy:NAME". A command that does not fit is refused (OP_REFUSED) and changes nothing.

    {"command": "kill" | "reduce_only" | "arm", "scope": SCOPE, "reason": TEXT}
    {"command": "release", "request": NUMBER, "reason": TEXT}       ends an UNKNOWN order on an operator's proof
    {"command": "restart_strategy", "strategy": NAME}
    {"command": "cancel", "request": NUMBER}
    {"command": "cancel_all", "scope": SCOPE}
    {"command": "flatten", "instrument": KEY}
    {"code": "CONN_LOST", "state": "bad" | "good", "scope": SCOPE}   health
"""

from typing import Final, final

from mypy_extensions import i64

from engine.kernel import codes
from engine.kernel.control import Control
from engine.kernel.desk import Desk
from engine.kernel.executions import Executions
from engine.kernel.groups import Groups
from engine.kernel.inputs import members
from engine.kernel.modes import ACCOUNT, INSTRUMENT, KILL, MARKET, REDUCE_ONLY, SCOPE_NAMES, STRATEGY, VENUE
from engine.kernel.order import RELEASED, UNKNOWN, Order
from engine.kernel.pack import Malformed
from engine.kernel.seats import Seats
from engine.kernel.sender import Sender
from engine.kernel.timers import KERNEL

_CODE_BY_NAME: Final[dict[str, int]] = {name: number for number, name in codes.NAMES.items()}


_NUMBERS: Final = 2**62


@final
class Scope:
    """A scope by kind and number, as `modes` wants it; a *kind* of -1 names nothing we know."""

    def __init__(self, kind: i64, number: i64) -> None:
        self.kind: Final[i64] = kind
        self.number: Final[i64] = number


def read_scope(desk: Desk, text: object) -> Scope:
    """The scope of that text."""
    if text == "account":
        return Scope(ACCOUNT, 0)
    if isinstance(text, str):
        kind, _, name = text.partition(":")
        if kind == "venue" and name in desk.venues:
            return Scope(VENUE, desk.venues.index(name))
        if kind == "market" and name in desk.market_by_key:
            return Scope(MARKET, desk.market_by_key[name].number)
        if kind == "instrument" and name in desk.by_key:
            return Scope(INSTRUMENT, desk.by_key[name].number)
        if kind == "strategy":
            for seat in desk.seats:
                if seat.name == name:
                    return Scope(STRATEGY, seat.number)
    return Scope(-1, 0)


def scope_text(desk: Desk, kind: i64, number: i64) -> str:
    """The text of that scope."""
    if kind == ACCOUNT:
        return "account"
    if kind == VENUE:
        name = desk.venues[number]
    elif kind == MARKET:
        name = desk.markets[number].key
    elif kind == INSTRUMENT:
        name = desk.instruments[number].key
    else:
        name = desk.seat_name(number)
    return f"{SCOPE_NAMES[kind]}:{name}"


@final
class Commands:
    """Obeys them."""

    def __init__(
        self,
        desk: Desk,
        control: Control,
        executions: Executions,
        sender: Sender,
        groups: Groups,
        seats: Seats,
    ) -> None:
        self._desk: Final[Desk] = desk
        self._control: Final[Control] = control
        self._executions: Final[Executions] = executions
        self._sender: Final[Sender] = sender
        self._groups: Final[Groups] = groups
        self._seats: Final[Seats] = seats

    def health(self, payload: bytes) -> i64:
        """Fold a HEALTH input; OK, or OP_REFUSED where it cannot be read."""
        said = _object(payload)
        code = _CODE_BY_NAME.get(str(said.get("code")), 0)
        state = said.get("state")
        scope = read_scope(self._desk, said.get("scope", "account"))
        if code == 0 or scope.kind < 0 or state not in ("bad", "good"):
            return codes.OP_REFUSED
        self._control.condition(i64(code), scope.kind, scope.number, state == "bad", self._desk.now_ns)
        return codes.OK

    def command(self, payload: bytes) -> i64:
        """Obey a COMMAND input; OK, or OP_REFUSED."""
        said = _object(payload)
        what = said.get("command")
        self._desk.digest.mix_bytes(payload)
        if what in ("kill", "reduce_only", "arm", "cancel_all"):
            scope = read_scope(self._desk, said.get("scope", "account"))
            return codes.OP_REFUSED if scope.kind < 0 else self._scoped(str(what), scope)
        if what in ("cancel", "release"):
            number = said.get("request")
            if not isinstance(number, int) or not 0 < number < _NUMBERS:
                return codes.OP_REFUSED
            order = self._desk.orders.find(i64(number), "")
            if order is None:
                return codes.OP_REFUSED
            return self._release(order) if what == "release" else self._cancel(order)
        if what == "flatten":
            instrument = self._desk.by_key.get(str(said.get("instrument")))
            if instrument is None:
                return codes.OP_REFUSED
            self._groups.flatten(instrument, KERNEL)
            return codes.OK
        if what == "restart_strategy":
            for seat in self._desk.seats:
                if seat.name == said.get("strategy"):
                    self._seats.restart(seat)
                    return codes.OK
        return codes.OP_REFUSED

    def cancel_killed(self) -> None:
        """Cancel every open order whose scopes are in KILL."""
        desk = self._desk
        for order in desk.orders.all_open():
            market = order.instrument.market
            mode = desk.modes.effective(desk.venue(market), market.number, order.instrument.number, order.seat)
            if mode == KILL:
                self._sender.cancel(order, b"")

    def _scoped(self, what: str, scope: Scope) -> i64:
        if what == "arm":
            return self._control.arm(scope.kind, scope.number)
        if what == "cancel_all":
            for order in self._desk.orders.all_open():
                if self._covers(scope, order):
                    self._sender.cancel(order, b"")
            return codes.OK
        to = KILL if what == "kill" else REDUCE_ONLY
        self._control.lower(scope.kind, scope.number, to, codes.OP_KILL if what == "kill" else codes.OK)
        return codes.OK

    def _covers(self, scope: Scope, order: Order) -> bool:
        market = order.instrument.market
        if scope.kind == ACCOUNT:
            return True
        if scope.kind == VENUE:
            return self._desk.venue(market) == scope.number
        if scope.kind == MARKET:
            return market.number == scope.number
        if scope.kind == INSTRUMENT:
            return order.instrument.number == scope.number
        return order.seat == scope.number

    def _release(self, order: Order) -> i64:
        if order.state != UNKNOWN:
            return codes.OP_REFUSED
        self._executions.end(order, RELEASED, codes.OP_RELEASE)
        return codes.OK

    def _cancel(self, order: Order) -> i64:
        if self._sender.cancel_code(order) != codes.OK:
            return codes.OP_REFUSED
        self._sender.cancel(order, b"")
        return codes.OK


def _object(payload: bytes) -> dict[str, object]:
    """The members of a JSON object, none where it is none: such an input fits nothing and is refused."""
    try:
        return members(payload)
    except Malformed:
        return {}
