"""Modes, gates and regimes as they change, and how many intents were refused."""

from typing import Any

from engine.kernel import codes, kinds
from engine.kernel.desk import Desk
from engine.kernel.heuristics import COMPRESSION, CROWDING, TOXICITY
from engine.kernel.modes import INSTRUMENT, MARKET, MODE_NAMES, SCOPE_NAMES, STRATEGY, VENUE
from replay.observe.grid import First
from replay.observed import ControlChange, Regime

HEURISTICS = {int(CROWDING): "crowding", int(COMPRESSION): "compression", int(TOXICITY): "toxicity"}
_MEASURES = ("edge", "depth", "partial", "tight", "unfilled", "adverse", "imbalance")


class Controls:
    """What limits a run as it goes on. *names* are the strategies'."""

    def __init__(self, desk: Desk, names: tuple[str, ...]) -> None:
        self.intents = 0
        self.refused = 0
        self.found: First[ControlChange] = First()
        self.regimes: First[Regime] = First()
        self._desk = desk
        self._names = names

    def changed(self, kind: int, said: dict[str, Any], seq: int, now_ns: int) -> None:
        """A MODE, GATE, OWNER or REGIME record."""
        if kind == kinds.REGIME:
            measures = {name: said[name] for name in _MEASURES}
            name, market = HEURISTICS[said["heuristic"]], self._desk.markets[said["market"]].key
            self.regimes.add(Regime(seq, now_ns, market, name, said["old"], said["new"], said["score"], measures))
            return
        if kind == kinds.OWNER:
            what, code = "OWNER", ""
            scope = self.scope(int(MARKET), said["market"])
            old, new = self._name(said["old"]), self._name(said["new"])
        else:
            scope, code = self.scope(said["scope"], said["number"]), codes.name(said["code"])
            if kind == kinds.MODE:
                what, old, new = "MODE", MODE_NAMES[said["old"]], MODE_NAMES[said["new"]]
            else:
                assert kind == kinds.GATE
                what = "GATE"
                old, new = ("OPEN", "CLOSED") if said["closed"] else ("CLOSED", "OPEN")
        self.found.add(ControlChange(seq, now_ns, what, scope, code, old, new))

    def scope(self, scope: int, number: int) -> str:
        """A scope in words: "account", "market KEY", ..."""
        word = SCOPE_NAMES[scope]
        if scope == VENUE:
            return f"{word} {self._desk.venues[number]}"
        if scope == MARKET:
            return f"{word} {self._desk.markets[number].key}"
        if scope == INSTRUMENT:
            return f"{word} {self._desk.instruments[number].key}"
        if scope == STRATEGY:
            return f"{word} {self._name(number)}"
        return word

    def _name(self, seat: int) -> str:
        return self._names[seat - 1] if 0 < seat <= len(self._names) else ""
