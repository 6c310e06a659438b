"""
Closing and opening gates, lowering and raising modes: with their records, their latches and the digest.

`modes` holds what is; here stands what happens when something changes.
"""

from typing import Final, final

from mypy_extensions import i64

from engine.kernel import codes, kinds
from engine.kernel.desk import Desk
from engine.kernel.modes import KILL, LATCH_NS, LOWERS, REDUCE_ONLY, SCOPE_NAMES, Gate, is_safety, latches
from engine.kernel.pack import Packer
from engine.kernel.timers import KERNEL

LATCH: Final = "latch"


@final
class Control:
    """The one place that changes a mode or a gate."""

    def __init__(self, desk: Desk) -> None:
        self._desk: Final[Desk] = desk
        self.killing: bool = False
        """KILL was entered and the open orders are still to be cancelled."""

    def gate(self, code: i64, scope: i64, number: i64, closed: bool, now_ns: i64) -> None:
        """Close or open that gate; nothing happens if it stands so already."""
        desk = self._desk
        gate = desk.modes.gate(code, scope, number)
        if gate.closed() == closed:
            return
        if closed:
            flaps = desk.modes.close(gate, now_ns)
            self._gate_record(gate, True)
            if not latches(code):
                return
            if flaps:
                self.lower(scope, number, REDUCE_ONLY, codes.GATE_LATCHED)
            else:
                desk.timers.set(KERNEL, _latch_tag(gate), now_ns + self._latch_ns(code))
            return
        if latches(code) and now_ns - gate.closed_ns >= self._latch_ns(code):
            self.lower(scope, number, REDUCE_ONLY, codes.GATE_LATCHED)
        desk.modes.reopen(gate)
        desk.timers.cancel(KERNEL, _latch_tag(gate))
        self._gate_record(gate, False)

    def condition(self, code: i64, scope: i64, number: i64, bad: bool, now_ns: i64) -> None:
        """A reported condition: what lowers the mode does so at once, all others close or open a gate."""
        to = LOWERS.get(code)
        if to is None:
            self.gate(code, scope, number, bad, now_ns)
        elif bad:
            self.lower(scope, number, to, code)

    def lower(self, scope: i64, number: i64, to: i64, code: i64) -> None:
        """Lower a mode, at once."""
        desk = self._desk
        old = desk.modes.mode(scope, number)
        if desk.modes.lower(scope, number, to):
            self._mode_record(scope, number, old, to, code)
            if to == KILL:
                self.killing = True
                desk.pending = True

    def arm(self, scope: i64, number: i64) -> i64:
        """
        One step up, for an operator.

        Returns:
            OK, or OP_REFUSED while a gate that latches is closed, an order is UNKNOWN, or the mode is ACTIVE.
        """
        desk = self._desk
        old = desk.modes.mode(scope, number)
        if old == 0 or desk.orders.unknown_count > 0:
            return codes.OP_REFUSED
        for gate in desk.modes.all_closed():
            if latches(gate.code):
                return codes.OP_REFUSED
        new = desk.modes.raise_one(scope, number)
        self.killing = False
        self._mode_record(scope, number, old, new, codes.OK)
        return codes.OK

    def latch(self, tag: str) -> None:
        """The kernel's timer *tag* fired: the gate it watches was closed too long."""
        for gate in self._desk.modes.all_closed():
            if _latch_tag(gate) == tag:
                self.lower(gate.scope, gate.number, REDUCE_ONLY, codes.GATE_LATCHED)

    def _latch_ns(self, code: i64) -> i64:
        known = LATCH_NS.get(code)
        if known is not None:
            return i64(known)
        policy = self._desk.policy
        return policy.latch_ns if policy is not None else i64(60_000_000_000)

    def _gate_record(self, gate: Gate, closed: bool) -> None:
        packer = Packer()
        packer.put(gate.code)
        packer.put(gate.scope)
        packer.put(gate.number)
        packer.put(1 if closed else 0)
        packer.put(1 if is_safety(gate.code) else 0)
        self._desk.emit(kinds.GATE, packer.finish())
        digest = self._desk.digest
        digest.mix(gate.code)
        digest.mix(gate.scope)
        digest.mix(gate.number)
        digest.mix(gate.closed_ns)

    def _mode_record(self, scope: i64, number: i64, old: i64, new: i64, code: i64) -> None:
        packer = Packer()
        packer.put(scope)
        packer.put(number)
        packer.put(old)
        packer.put(new)
        packer.put(code)
        self._desk.emit(kinds.MODE, packer.finish())
        digest = self._desk.digest
        digest.mix(scope)
        digest.mix(number)
        digest.mix(new)


def _latch_tag(gate: Gate) -> str:
    return f"{LATCH}/{codes.name(gate.code)}/{SCOPE_NAMES[gate.scope]}/{gate.number}"
