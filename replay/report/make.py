"""A report from what was observed of a run: the figures as a document has them, and the page."""

from decimal import Decimal
from pathlib import Path

from attrs import frozen

from journal.disk import Disk
from replay.attribution import attribute
from replay.config import read_config
from replay.observed import Observed
from replay.outcome import accrued_fields
from replay.report import attributed, conduct, overview, profit, trading
from replay.report.limits import limits_of
from replay.report.measures import purses
from replay.report.page import Listed, Section, page
from replay.report.told import Doubts, Told, Unpaid
from replay.report.write import write_page
from replay.resimulation import Simulated
from replay.run import RunStart


@frozen
class Written:
    """A report that stands where it was asked for."""

    path: Path
    size: int


def told_of(journal: str, run: RunStart, simulated: Simulated, observed: Observed) -> Told:
    """What a report of the resimulation *run* of *journal* is made of."""
    policy = simulated.kernel.trading.desk.policy
    return Told(
        journal=journal,
        run=run,
        config=read_config(run.config, "the recorded configuration")[0],
        policy="" if policy is None else policy.version,
        observed=observed,
        attribution=attribute(observed),
        doubts=Doubts(simulated.clock_offsets_ns, simulated.clamped, simulated.unready, simulated.taken),
        digest=simulated.kernel.state_digest().hex(),
        inputs=simulated.inputs,
        last_seq=simulated.last_seq,
        faults=tuple(one.strip().splitlines()[-1] for one in simulated.faults),
        unpaid=tuple(
            Unpaid(one["instrument"].partition(":")[0], one["currency"], one["reason"], Decimal(one["amount"]))
            for one in accrued_fields(simulated)
        ),
    )


def sections_of(told: Told) -> list[Section]:
    """The sections of the page, in order."""
    found = purses(told)
    unknown = Listed(limits_of(told.config, told.doubts, told.policy))
    return [
        overview.identity(told),
        overview.summary(told, found),
        overview.equity(told, found),
        trading.quotes(told),
        trading.worth(told),
        trading.queues(told),
        conduct.reward(told),
        conduct.calls(told),
        conduct.limits(told),
        conduct.latency(told),
        profit.profit(told),
        attributed.parts(told),
        conduct.heuristics(told),
        Section("unknown", "What this simulation cannot know", [unknown]),
    ]


def report_page(told: Told) -> bytes:
    """The whole page."""
    names = ", ".join(one.name for one in told.run.strategies) or "no strategy"
    title = f"{names} on {Path(told.journal).name or told.journal}"
    return page(title, f"A resimulation, seed {told.run.seed}", sections_of(told))


def write_report(disk: Disk, target: Path, told: Told) -> Written:
    """
    Write the page of *told* to *target*.

    Raises:
        Taken, NoFolder: it cannot stand there; OSError: the disk refuses.
    """
    made = report_page(told)
    write_page(disk, target, made)
    return Written(target, len(made))
