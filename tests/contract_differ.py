"""
Where our run of the contract first differs from the model: `python tests/contract_differ.py FEED.bin LOWEST HIGHEST`.

Both are lists of what the client decided and what the venue filled, with times; ours is read from a run's records.
"""

import sys
from itertools import islice, zip_longest
from pathlib import Path
from struct import Struct

from contract_model import BUY, SELL, Contract, Happened, Row

from benchmarks.contestants import contract
from benchmarks.contestants.feeds import Feed, packed, read_feed
from engine.kernel import kinds
from engine.kernel.derived import CANCEL
from engine.kernel.request import decode_request
from engine.kernel.units import BUY as OUR_BUY
from replay.resimulation import Simulation

_RECORD = Struct("<qqiiBb6x")
SHOWN = 5


class Log:
    """A sink that keeps what happened."""

    def __init__(self, tick: int) -> None:
        self.happened: list[Happened] = []
        self.kinds: list[int] = []
        self._tick = tick
        self._orders: dict[int, tuple[int, int]] = {}  # side and tick, by the request's number
        self._now_ns = 0

    def append_input(self, kind: int, schema: int, source: int, recv_ns: int, src_ns: int, payload: bytes) -> int:
        """An input: of the venue's reports, the fills are kept."""
        self._now_ns = recv_ns
        if kind == kinds.SIM_FILLED:
            request, venue_ns = (int.from_bytes(payload[at : at + 8], "little", signed=True) for at in (0, 8))
            self.happened.append(Happened(venue_ns, "fill", *self._orders[request]))
        return self._count(kind)

    def append_derived(self, kind: int, schema: int, payload: bytes) -> int:
        """A derived record: the requests are kept."""
        number = self._count(kind)
        if kind == kinds.REQUEST:
            request = decode_request(number, schema, payload)
            if request.what == CANCEL:
                self.happened.append(Happened(self._now_ns, "cancel", *self._orders[int(request.target)]))
            else:
                order = BUY if request.side == OUR_BUY else SELL, int(request.price) // self._tick
                self._orders[number] = order
                self.happened.append(Happened(self._now_ns, "submit", *order))
        return number

    def _count(self, kind: int) -> int:
        self.kinds.append(int(kind))
        return len(self.kinds)


def log_of(feed: Feed) -> Log:
    """What our run on *feed* did."""
    run, config = contract.run_of("mm", feed.start_ns)
    simulation = Simulation(run, config, packed(feed))
    log = Log(round(float(feed.grid.tick) * 10**8))
    simulation.sink = log
    simulation.play()
    return log


def differences(ours: list[Happened], model: list[Happened]) -> list[tuple[Happened | None, Happened | None]]:
    """(ours, the model's) wherever they are not the same, in order of time."""
    pairs = zip_longest(sorted(ours), sorted(model))
    return [(one, other) for one, other in pairs if one != other]


def main(path: Path, lowest: int, highest: int) -> int:
    """Print the first differences; 1 if there are any."""
    feed = read_feed(path, lowest, highest)
    records = _RECORD.iter_unpack(path.read_bytes())
    rows = [Row(exch, local, kind, side, tick, lots) for exch, local, tick, lots, kind, side in records]
    found = differences(log_of(feed).happened, Contract(rows).play().log)
    for ours, model in islice(found, SHOWN):
        print(f"ours: {ours}\nmodel: {model}\n")
    print(f"{len(found):,} differences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
