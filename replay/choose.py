"""Strict or resimulation? What the options of `engine replay` mean together, for a journal with or without a run."""

from attrs import frozen

from engine.kernel.kinds import RUN_START
from journal.reader import Journal
from replay.run import RunStart, read_run_start

LOOK_AT = 16
"""A run's first record is the journal's, or stands behind the few that a collector writes first."""


@frozen
class Asked:
    """What the command line says."""

    seed: int | None = None
    config: bool = False
    strategy: bool = False
    overrides: bool = False
    strict: bool = False
    resimulate: bool = False
    out: bool = False


class Contradiction(Exception):
    """The options exclude one another, or the journal cannot do what they ask; *advice* says what to do instead."""

    def __init__(self, reason: str, advice: str) -> None:
        super().__init__(reason)
        self.advice = advice


def recorded_run(journal: Journal) -> RunStart | None:
    """The run that *journal* opens with, or None for a recording without one."""
    for record in journal.records(journal.first_seq, journal.first_seq + LOOK_AT, verify_chain=False):
        if record.kind == RUN_START:
            return read_run_start(record.seq, record.payload)
    return None


def is_resimulation(asked: Asked, recorded: RunStart | None, journal: str) -> bool:
    """
    Whether the journal is to be resimulated; otherwise it is replayed strictly.

    Raises:
        Contradiction: the options do not go together, or nothing says what to resimulate.
    """
    changes = asked.config or asked.strategy or asked.overrides
    other_seed = asked.seed is not None and (recorded is None or asked.seed != recorded.seed)
    if asked.strict and asked.resimulate:
        raise Contradiction("--strict and --resimulate exclude one another", "leave one of them out")
    if asked.strict and changes:
        raise Contradiction(
            "--strict takes configuration and strategy from the journal; --config, --strategy, --profile, --opening"
            " and --set change them",
            f"type: engine replay {journal}",
        )
    if asked.strict and other_seed:
        seed = "no seed" if recorded is None else f"seed {recorded.seed}"
        raise Contradiction(f"--strict replays the recorded run, which has {seed}", f"type: engine replay {journal}")
    wanted = asked.resimulate or changes or other_seed
    if (wanted or asked.out) and recorded is None and not (asked.config or asked.strategy):
        typed = f"engine replay {journal}{'' if asked.seed is None else f' --seed {asked.seed}'}"
        out = " --out DIR" if asked.out else ""
        raise Contradiction(
            "this recording holds no run, so a strategy or a configuration has to say what to simulate",
            f"type: {typed} --strategy FILE.py:CLASS{out}, or {typed} --config CONFIG.yaml{out}",
        )
    if asked.out and not wanted:
        raise Contradiction(
            "--out keeps a resimulation, and this is a strict replay",
            f"type: engine replay {journal} --resimulate --out DIR",
        )
    return wanted
