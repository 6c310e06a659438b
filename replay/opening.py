"""What a resimulation begins with: nothing, or what the run in its base began with."""

from typing import Any

from engine.kernel.inputs import canonical, members
from engine.kernel.kinds import OPENING, RUN_START
from journal.errors import JournalError
from journal.reader import Journal
from replay.choose import LOOK_AT, recorded_run
from replay.run import RunStart

FLAT = "flat"
RECORDED = "recorded"


class NoOpening(JournalError):
    """The base holds no run, so nothing says what one began with; *advice* is what to do about it."""

    def __init__(self, journal: Journal) -> None:
        super().__init__(f"{journal.path}: no run begins here, so no opening is recorded")
        self.path = journal.path
        self.advice = "leave --opening recorded out: the resimulation then begins flat"


def recorded_opening(journal: Journal, run: RunStart) -> bytes:
    """
    The OPENING with which the run in *journal* began, for *run* to begin with.

    Open orders and conversions are left out: the simulated venue has none of them. So are the memories of strategies
    whose source is another now.

    Raises:
        NoOpening: *journal* does not begin with a run, or that one states none.
    """
    recorded = recorded_run(journal)
    if recorded is not None:
        started = False
        for record in journal.records(journal.first_seq, journal.first_seq + 2 * LOOK_AT, verify_chain=False):
            started = started or record.kind == RUN_START
            if started and record.kind == OPENING:
                return canonical(_without_orders(members(record.payload), recorded, run))
    raise NoOpening(journal)


def positions_in(opening: bytes) -> dict[str, int]:
    """What an OPENING payload holds, in size units by the instrument's key."""
    positions: Any = members(opening).get("positions", {})
    return {key: int(held["size"]) for key, held in positions.items()}


def _without_orders(said: dict[str, object], recorded: RunStart, run: RunStart) -> dict[str, object]:
    before = {one.name: one.texts for one in recorded.strategies}
    same = [one.name for one in run.strategies if before.get(one.name) == one.texts]
    memories: Any = said.get("memories", {})
    return {
        **said,
        "orders": [],
        "conversions": [],
        "memories": {name: memory for name, memory in memories.items() if name in same},
    }
