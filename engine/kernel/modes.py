"""
Modes and gates: what may be sent at all.

A mode (ACTIVE, REDUCE_ONLY, KILL) is latched: lowered at once by anyone, raised one step at a time, only by an
operator. A gate closes while a condition fails and reopens by itself; one that stays closed too long, or closes more
than five times in ten minutes, lowers the mode of its scope. Both hold for a scope: the account, a venue, a market,
an instrument or a strategy. `fault_model.md`, sections 1 and 8.
"""

from typing import Final, final

from mypy_extensions import i64

from engine.kernel import codes
from engine.kernel.pack import Packer, Unpacker
from engine.kernel.record import NONE

ACTIVE: Final[i64] = 0
REDUCE_ONLY: Final[i64] = 1
KILL: Final[i64] = 2
MODE_NAMES: Final[tuple[str, ...]] = ("ACTIVE", "REDUCE_ONLY", "KILL")

ACCOUNT: Final[i64] = 0
VENUE: Final[i64] = 1
MARKET: Final[i64] = 2
INSTRUMENT: Final[i64] = 3
STRATEGY: Final[i64] = 4
SCOPE_NAMES: Final[tuple[str, ...]] = ("account", "venue", "market", "instrument", "strategy")
_SCOPE_BITS: Final[i64] = 40
_MOST_SCOPES: Final[i64] = 1_099_511_627_776

FLAP_NS: Final[i64] = 600_000_000_000
FLAP_CLOSINGS: Final[i64] = 5

# A safety gate is closed because an order could not mean what it says (grid, units, a market that takes none): it stops
# everything but cancels. Every other gate is policy, our caution about new risk: a reduction passes it.
SAFETY: Final[tuple[i64, ...]] = (codes.META_CHANGED, codes.UNIT_MISMATCH, codes.MARKET_CLOSED, codes.VENUE_MAINT)

# How long a gate may stay closed before it latches, where the fault model says so; otherwise the policy's `latch_ns`.
LATCH_NS: Final[dict[int, int]] = {
    codes.JRN_SLOW: 1_000_000_000,
    codes.LOOP_LAG: 2_000_000_000,
    codes.CONN_LOST: 300_000_000_000,
    codes.LEASE_LOST: 60_000_000_000,
    codes.RECON_MISMATCH: 60_000_000_000,
    codes.RISK_UNHEALTHY: 60_000_000_000,
}

# Gates that speak of what others do in a market and not of our health: however long they stay closed, and however often
# they close, there is nothing for a person to mend. They do not latch, and nobody waits for them to arm.
WEATHER: Final[tuple[i64, ...]] = (codes.CROWDED, codes.SPREAD_COMPRESSED, codes.TOXIC_FLOW)

# Conditions that lower the mode when they are reported; all others only close a gate.
LOWERS: Final[dict[int, int]] = {
    codes.JRN_DISK_FULL: REDUCE_ONLY,
    codes.LEDGER_FAILED: REDUCE_ONLY,
    codes.ARCHIVE_CORRUPT: REDUCE_ONLY,
    codes.ACCOUNT_EVENT: REDUCE_ONLY,
    codes.CANCEL_FAILED: REDUCE_ONLY,
    codes.AUTH_FAILED: REDUCE_ONLY,
    codes.RISK_LIMIT: REDUCE_ONLY,
    codes.LEG_RISK: REDUCE_ONLY,
    codes.STRAT_FAULT: REDUCE_ONLY,
    codes.CRASH_LOOP: REDUCE_ONLY,
    codes.JRN_SYNC_FAILED: KILL,
    codes.JRN_CORRUPT: KILL,
    codes.EVIDENCE_LOSS: KILL,
    codes.REPLAY_DIVERGED: KILL,
    codes.FOREIGN_ORDER: KILL,
    codes.OP_KILL: KILL,
    codes.RESOURCE: KILL,
    codes.UNIT_MISMATCH: KILL,
    codes.INVARIANT: KILL,
    codes.POLICY_BREACH: KILL,
    codes.SECRET_LEAK: KILL,
    codes.CFG_CHANGED: KILL,
}


def is_safety(code: i64) -> bool:
    """Whether a gate with that code stops reductions too."""
    return code in SAFETY


def latches(code: i64) -> bool:
    """Whether a gate with that code lowers the mode when it stays closed, or closes too often."""
    return code not in WEATHER


def scope_key(scope: i64, number: i64) -> i64:
    """One number for (scope, number)."""
    assert 0 <= number < _MOST_SCOPES
    return scope << _SCOPE_BITS | number


@final
class Gate:
    """One condition in one scope: since when it is closed (NONE: open), and its last closings."""

    def __init__(self, code: i64, scope: i64, number: i64) -> None:
        self.code: Final[i64] = code
        self.scope: Final[i64] = scope
        self.number: Final[i64] = number
        self.closed_ns: i64 = NONE
        self.closings: list[int] = []

    def closed(self) -> bool:
        """Whether it stops new risk now."""
        return self.closed_ns != NONE


@final
class Modes:
    """The mode of every scope that ever left ACTIVE, and every gate that ever closed, in order of first use."""

    def __init__(self) -> None:
        self._modes: dict[int, int] = {}
        self._gates: dict[int, list[Gate]] = {}
        self.closed_count: i64 = 0

    # -- modes -----------------------------------------------------------------------------------------------------

    def mode(self, scope: i64, number: i64) -> i64:
        """The mode of that scope alone."""
        if not self._modes:
            return ACTIVE
        return i64(self._modes.get(scope_key(scope, number), ACTIVE))

    def is_open(self) -> bool:
        """Whether no mode ever left ACTIVE and no gate is closed: nothing is forbidden anywhere."""
        return self.closed_count == 0 and not self._modes

    def effective(self, venue: i64, market: i64, instrument: i64, strategy: i64) -> i64:
        """The least permission of the account and these four."""
        if not self._modes:
            return ACTIVE
        worst = self.mode(ACCOUNT, 0)
        for found in (
            self.mode(VENUE, venue),
            self.mode(MARKET, market),
            self.mode(INSTRUMENT, instrument),
            self.mode(STRATEGY, strategy),
        ):
            if found > worst:
                worst = found
        return worst

    def lower(self, scope: i64, number: i64, to: i64) -> bool:
        """Lower that scope to *to*; False if it is there, or lower, already."""
        if self.mode(scope, number) >= to:
            return False
        self._modes[scope_key(scope, number)] = to
        return True

    def lowered(self) -> list[tuple[int, int, int]]:
        """(scope, number, mode) of every scope that is not ACTIVE, by scope and number."""
        found: list[tuple[int, int, int]] = []
        for key in sorted(self._modes):
            mode = self._modes[key]
            if mode > ACTIVE:
                found.append((int(i64(key) >> _SCOPE_BITS), int(i64(key) & (_MOST_SCOPES - 1)), mode))
        return found

    def raise_one(self, scope: i64, number: i64) -> i64:
        """One step up, for an operator; returns the new mode. Whether it may is the caller's question."""
        now = self.mode(scope, number)
        assert now > ACTIVE
        self._modes[scope_key(scope, number)] = now - 1
        return now - 1

    # -- gates -----------------------------------------------------------------------------------------------------

    def gate(self, code: i64, scope: i64, number: i64) -> Gate:
        """That gate, open if it is new."""
        key = scope_key(scope, number)
        gates = self._gates.get(key)
        if gates is None:
            gates = []
            self._gates[key] = gates
        for gate in gates:
            if gate.code == code:
                return gate
        gate = Gate(code, scope, number)
        gates.append(gate)
        return gate

    def close(self, gate: Gate, now_ns: i64) -> bool:
        """Close *gate*. True if it now closes too often and so latches."""
        assert gate.closed_ns == NONE
        gate.closed_ns = now_ns
        self.closed_count += 1
        recent = [at for at in gate.closings if now_ns - at < FLAP_NS]
        recent.append(now_ns)
        gate.closings = recent[-FLAP_CLOSINGS - 1 :]
        return i64(len(gate.closings)) > FLAP_CLOSINGS

    def reopen(self, gate: Gate) -> None:
        """Open *gate* again."""
        assert gate.closed_ns != NONE
        gate.closed_ns = NONE
        self.closed_count -= 1

    def blocking(self, venue: i64, market: i64, instrument: i64, strategy: i64, reduction: bool) -> i64:
        """
        The code of the gate that stops an order of these scopes, OK if none does.

        A *reduction* is stopped by safety gates only. Safety gates are looked at first, then the widest scope.
        """
        if self.closed_count == 0:
            return codes.OK
        keys = (
            scope_key(ACCOUNT, 0),
            scope_key(VENUE, venue),
            scope_key(MARKET, market),
            scope_key(INSTRUMENT, instrument),
            scope_key(STRATEGY, strategy),
        )
        found: i64 = codes.OK
        for key in keys:
            for gate in self._gates.get(key, []):
                if gate.closed_ns == NONE:
                    continue
                if is_safety(gate.code):
                    return gate.code
                if found == codes.OK:
                    found = gate.code
        return codes.OK if reduction else found

    def all_closed(self) -> list[Gate]:
        """Every closed gate, in order of first use within its scope."""
        if self.closed_count == 0:
            return []
        return [gate for gates in self._gates.values() for gate in gates if gate.closed_ns != NONE]

    # -- checkpoints -----------------------------------------------------------------------------------------------

    def pack(self) -> bytes:
        """The canonical bytes: modes by scope, then gates by scope."""
        packer = Packer()
        packer.put(len(self._modes))
        for key in sorted(self._modes):
            packer.put(key)
            packer.put(self._modes[key])
        packer.put(len(self._gates))
        for key, gates in self._gates.items():
            packer.put(key)
            packer.put(len(gates))
            for gate in gates:
                packer.put(gate.code)
                packer.put(gate.closed_ns)
                packer.put(len(gate.closings))
                for at in gate.closings:
                    packer.put(at)
        return packer.finish()

    def unpack(self, data: bytes) -> None:
        """Become what `pack` wrote."""
        unpacker = Unpacker(data)
        self._modes = {}
        for _ in range(unpacker.take()):
            key = unpacker.take()
            self._modes[key] = unpacker.take()
        self._gates = {}
        self.closed_count = 0
        for _ in range(unpacker.take()):
            key = unpacker.take()
            gates: list[Gate] = []
            for _ in range(unpacker.take()):
                gate = Gate(unpacker.take(), key >> _SCOPE_BITS, key & (_MOST_SCOPES - 1))
                gate.closed_ns = unpacker.take()
                gate.closings = [unpacker.take() for _ in range(unpacker.take())]
                self.closed_count += 1 if gate.closed_ns != NONE else 0
                gates.append(gate)
            self._gates[key] = gates
        unpacker.done()
