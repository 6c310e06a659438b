"""
Limits against churn: how many messages a strategy may send for its fills, and how long an order has to rest.

*Order-to-trade*: per strategy and market, each order and each cancel of one is a message, whoever asked for it, and
each execution a fill. A new order is refused while the window holds `free_messages` and `messages_per_fill` for each of
its fills. Venues bound the same ratio, counted in the same way: Commission Delegated Regulation (EU) 2017/566 (RTS 9),
article 3 and annex, number of orders over number of transactions; the free part lets a quiet maker be.

*Minimum resting time*: a cancel that a strategy asks for waits until the venue has shown us the order for so long. It
then has rested longer there: since before we heard of it, and until the cancel arrives.
"""

from typing import Final, final

from librt.vecs import vec
from mypy_extensions import i64

from engine.kernel.order import PENDING, Order
from engine.kernel.pack import Packer, Unpacker
from engine.kernel.policy import Policy
from engine.kernel.record import NONE

_SLOTS: Final[i64] = 16
_ROOM: Final[i64] = 17
"""The slot being counted, and as many before it as make a window: what is counted stays for up to a slot longer."""

_SEAT: Final[i64] = 1 << 32


@final
class Tally:
    """Messages and fills of one strategy in one market: a window that slides by a sixteenth of itself at a time."""

    def __init__(self) -> None:
        self.messages: i64 = 0
        self.fills: i64 = 0
        self._slot: i64 = NONE
        self._messages: Final[vec[i64]] = vec[i64]([0] * int(_ROOM))
        self._fills: Final[vec[i64]] = vec[i64]([0] * int(_ROOM))

    def count(self, slot: i64, messages: i64, fills: i64) -> None:
        """Count them in *slot*, the latest one; counts of none only let what is too old go."""
        self._advance(slot)
        at = self._slot % _ROOM
        self._messages[at] += messages
        self._fills[at] += fills
        self.messages += messages
        self.fills += fills

    def _advance(self, slot: i64) -> None:
        if self._slot == NONE:
            self._slot = slot
        first = slot - _ROOM
        if self._slot > first:
            first = self._slot
        while first < slot:
            first += 1
            at = first % _ROOM
            self.messages -= self._messages[at]
            self.fills -= self._fills[at]
            self._messages[at] = 0
            self._fills[at] = 0
            self._slot = first

    def pack(self, packer: Packer) -> None:
        """Append the window."""
        packer.put(self._slot)
        at: i64 = 0
        while at < _ROOM:
            packer.put(self._messages[at])
            packer.put(self._fills[at])
            at += 1

    def unpack(self, unpacker: Unpacker) -> None:
        """Become what `pack` wrote; this one is new."""
        self._slot = unpacker.take()
        at: i64 = 0
        while at < _ROOM:
            self._messages[at] = unpacker.take()
            self._fills[at] = unpacker.take()
            self.messages += self._messages[at]
            self.fills += self._fills[at]
            at += 1


@final
class Churn:
    """What was sent and what was filled, by strategy and market; counts nothing where the policy has no such limit."""

    def __init__(self, policy: Policy | None) -> None:
        window: i64 = 0
        self._free: i64 = 0
        self._per_fill: i64 = 0
        self._least_ns: i64 = 0
        if policy is not None:
            window = policy.message_window_ns
            self._free = policy.free_messages
            self._per_fill = policy.messages_per_fill
            self._least_ns = policy.min_resting_ns
        self.counts: Final[bool] = window > 0
        self.rests: Final[bool] = self._least_ns > 0
        self._slot_ns: Final[i64] = (window + _SLOTS - 1) // _SLOTS
        self._tallies: Final[dict[int, Tally]] = {}  # by seat and market
        self._last_key: i64 = -1  # whose was asked for last
        self._last: Tally = Tally()

    def sent(self, seat: i64, market: i64, messages: i64, now_ns: i64) -> None:
        """*messages* were sent for orders of *seat* in *market* (-1: one that was counted is not sent after all)."""
        if self.counts:
            self._tally(seat, market).count(now_ns // self._slot_ns, messages, 0)

    def filled(self, seat: i64, market: i64, now_ns: i64) -> None:
        """An order of *seat* in *market* was executed, in whole or in part."""
        if self.counts:
            self._tally(seat, market).count(now_ns // self._slot_ns, 0, 1)

    def room(self, seat: i64, market: i64, now_ns: i64) -> i64:
        """How many messages are left to *seat* in *market* once another one is sent: below 0, it is too many."""
        tally = self._tally(seat, market)
        tally.count(now_ns // self._slot_ns, 0, 0)
        return self._free + self._per_fill * tally.fills - tally.messages - 1

    def rested(self, order: Order, now_ns: i64) -> i64:
        """By how much *order* has rested longer than it must: below 0, it has not. One of unknown fate need not."""
        if order.state == PENDING:
            return -self._least_ns
        if order.live_ns == NONE:
            return 0
        return now_ns - order.live_ns - self._least_ns

    def _tally(self, seat: i64, market: i64) -> Tally:
        key = seat * _SEAT + market
        if key == self._last_key:
            return self._last
        found = self._tallies.get(key)
        if found is None:
            found = Tally()
            self._tallies[key] = found
        self._last_key = key
        self._last = found
        return found

    # -- checkpoints -----------------------------------------------------------------------------------------------

    def pack(self, packer: Packer) -> None:
        """Append all counts, by seat and market."""
        packer.put(len(self._tallies))
        for key in sorted(self._tallies):
            packer.put(key)
            self._tallies[key].pack(packer)

    def unpack(self, unpacker: Unpacker) -> None:
        """Become what `pack` wrote under the same policy."""
        self._tallies.clear()
        self._last_key = -1
        for _ in range(unpacker.take()):
            key = unpacker.take()
            tally = Tally()
            tally.unpack(unpacker)
            self._tallies[key] = tally
