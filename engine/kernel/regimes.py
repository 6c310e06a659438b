"""
When a heuristic changes its level: the record, the gate, and who is to know.

The gates are policy gates of one market: they stop new risk there and let reductions pass. Unlike every other gate they
never latch: they speak of the others' doings and not of our health, so there is nothing for a person to mend.
"""

from typing import Final, final

from mypy_extensions import i64

from engine.kernel import codes, kinds
from engine.kernel.control import Control
from engine.kernel.desk import Desk
from engine.kernel.fading import THOUSAND
from engine.kernel.heuristics import COMPRESSION, CROWDING, TOXICITY
from engine.kernel.market import Market
from engine.kernel.modes import MARKET
from engine.kernel.opponents import Opponents
from engine.kernel.pack import Packer
from engine.kernel.record import NONE
from engine.kernel.timers import KERNEL
from engine.kernel.watch import Watch

REGIME: Final = "regime/"
"""How the tags of the timers begin that look at a market again which is not calm: a silent one calms down too."""

_NONE: Final[list[Market]] = []


@final
class Regimes:
    """Looks at the markets that moved, and journals what changed."""

    def __init__(self, desk: Desk, control: Control, watch: Watch) -> None:
        self._desk: Final[Desk] = desk
        self._control: Final[Control] = control
        self._watch: Final[Watch] = watch

    def look(self, moved: list[Market], now_ns: i64) -> list[Market]:
        """Look at the markets this input *moved* or stirred; those of which a level changed, to be made known."""
        watch = self._watch
        changed = _NONE
        for market in moved:
            if self._look(watch.markets[market.number], now_ns):
                changed = [*changed, market]
        if watch.stirred:
            stirred = watch.stirred
            watch.stirred = []
            for opponents in stirred:
                if self._look(opponents, now_ns):
                    changed = [*changed, opponents.market]
        return changed

    def fired(self, tag: str) -> bool:
        """Whether the kernel's timer *tag*, which fired, was one of these: its market is then to be looked at."""
        if not tag.startswith(REGIME):
            return False
        opponents = self._watch.markets[int(tag[len(REGIME) :])]
        opponents.fired()
        self._watch.stirred.append(opponents)
        return True

    def _look(self, opponents: Opponents, now_ns: i64) -> bool:
        if not opponents.look(now_ns):
            return False
        edge, depth, partial, tight, unfilled, adverse, imbalance = opponents.measures()
        crowding = max(edge, depth, partial)
        compression = tight * unfilled // int(THOUSAND)
        toxicity = max(adverse, imbalance)
        first = (i64(edge) << 30) | (i64(depth) << 20) | (i64(partial) << 10) | i64(tight)
        self._desk.digest.mix_pair(first, (i64(unfilled) << 20) | (i64(adverse) << 10) | i64(imbalance))
        changed = self._judge(opponents, CROWDING, crowding, now_ns)
        changed = self._judge(opponents, COMPRESSION, compression, now_ns) or changed
        changed = self._judge(opponents, TOXICITY, toxicity, now_ns) or changed
        self._set_timer(opponents, now_ns)
        return changed

    def _judge(self, opponents: Opponents, heuristic: i64, score: i64, now_ns: i64) -> bool:
        old = opponents.level(heuristic)
        if not opponents.judge(heuristic, score, now_ns):
            return False
        new = opponents.level(heuristic)
        number = opponents.market.number
        packer = Packer()
        packer.put(number)
        packer.put(heuristic)
        packer.put(old)
        packer.put(new)
        packer.put(score)
        for measure in opponents.measures():
            packer.put(measure)
        self._desk.emit(kinds.REGIME, packer.finish())
        self._desk.digest.mix((number << 8) | (heuristic << 4) | new)
        gates = opponents.settings.gauges[heuristic - 1].gates
        self._control.gate(code_of(heuristic), MARKET, number, new >= gates, now_ns)
        return True

    def _set_timer(self, opponents: Opponents, now_ns: i64) -> None:
        timers = self._desk.timers
        tag = f"{REGIME}{int(opponents.market.number)}"
        if opponents.calm():
            if opponents.due_ns != NONE:
                timers.cancel(KERNEL, tag)
                opponents.due_ns = NONE
        elif opponents.due_ns == NONE:
            opponents.due_ns = now_ns + opponents.settings.dwell_ns
            timers.set(KERNEL, tag, opponents.due_ns)


def code_of(heuristic: i64) -> i64:
    """The reason code of that heuristic's gate."""
    if heuristic == CROWDING:
        return codes.CROWDED
    return codes.SPREAD_COMPRESSED if heuristic == COMPRESSION else codes.TOXIC_FLOW
