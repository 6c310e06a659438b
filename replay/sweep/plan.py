"""What a sweep takes: the journals, the configurations with all they name, and the runs, each with its key."""

from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from attrs import asdict, evolve, frozen

from engine import ROOT
from journal.background import Inline
from journal.disk import Disk, read_all
from journal.labels import refuse_invalid
from journal.reader import open_journal
from replay.choose import recorded_run
from replay.config import BadConfig, RunConfig
from replay.digests import holds_digests, read_digests
from replay.overlay import base_of, base_path, open_base
from replay.run import Base, RunStart, text_digest
from replay.setup import Configured, run_of, start_of
from replay.strategies import make, tier_number
from replay.sweep.store import key_of

FORMAT: Final = 1
"""Of the figures that are kept: another number leaves all results of before behind."""

DECIDING: Final = ("adapters", "engine/kernel", "journal", "replay")
SWEEPING: Final = "replay/sweep/"
REPORTING: Final = "replay/report/"
MOST_SOURCE: Final = 4 << 20


@frozen
class Market:
    """A journal to run on: *path* as given, *base* the journal whose market data is used, *recorded* its run if any."""

    path: Path
    base: Path
    told: Base
    recorded: RunStart | None


@frozen
class Variant:
    """One configuration to run: *starts* has its RUN_START on each market, under seed 0."""

    label: str
    config: RunConfig
    starts: tuple[RunStart, ...]


@frozen
class Task:
    """One run: which variant, on which market, under which seed. *key* is the digest of all it depends on."""

    variant: int
    market: int
    seed: int
    key: str


@frozen
class Plan:
    """All that a process needs to make runs. It can be sent to one."""

    markets: tuple[Market, ...]
    variants: tuple[Variant, ...]
    code: str
    observed: bool = False
    """Whether runs are observed, for figures that only an observer has. It changes no run."""

    def start(self, task: Task) -> RunStart:
        """The RUN_START of *task*: the one that `engine replay` would make."""
        variant = self.variants[task.variant]
        start = variant.starts[task.market]
        assert start.base is not None
        return start_of(
            variant.config, start.config, start.policy, start.strategies, task.seed, start.platform, start.base
        )

    def made_of(self, variant: int, market: int, seed: int) -> dict[str, Any]:
        """All that a run depends on: journal, build, configuration, seed; what its key is the digest of."""
        chosen = self.variants[variant]
        start = chosen.starts[market]
        assert start.base is not None
        config = asdict(chosen.config)
        for name in ("seed", "policy", "journals", "strategies"):  # beside it, or spelled out
            del config[name]
        return {
            "format": FORMAT,
            "journal": asdict(start.base),
            "build": start.build,
            "code": self.code,
            "decoders": start.decoders,
            "platform": start.platform,
            "configuration": config,
            "strategies": [_strategy(asdict(one)) for one in start.strategies],
            "policy": text_digest(start.policy),
            "seed": seed,
            **({"observed": True} if self.observed else {}),
        }

    def tasks(self, seeds: Sequence[int]) -> list[Task]:
        """Every variant on every market under every seed, a market's runs together."""
        found: list[Task] = []
        for market in range(len(self.markets)):
            for variant in range(len(self.variants)):
                run = self.made_of(variant, market, 0)
                for seed in seeds:
                    run["seed"] = seed
                    found.append(Task(variant, market, seed, key_of(run)))
        return found


def _strategy(fields: dict[str, Any]) -> dict[str, Any]:
    """A strategy as a key has it: its texts by their digests."""
    modules = {name: text_digest(text) for name, text in fields["modules"].items()}
    return {**fields, "source": text_digest(fields["source"]), "modules": modules}


def market_of(disk: Disk, path: Path, include_invalid: bool) -> Market:
    """
    The market that *path* stands for: a recording, or the base of a run.

    Raises:
        JournalError: it cannot be read, a label marks it invalid, or a run's base is not to be found.
    """
    if holds_digests(disk, path):
        recorded = read_digests(disk, path).run
    else:
        if not include_invalid:
            refuse_invalid(disk, path)
        with open_journal(path, disk, Inline()) as journal:
            found = recorded_run(journal)
            if found is None or found.base is None:
                return Market(path, path, base_of(journal), found)
            recorded = found
    feed = open_base(disk, path, recorded, None)
    try:
        base = base_path(disk, path, None)
        if not include_invalid:
            refuse_invalid(disk, base)
        return Market(path, base, base_of(feed.journal), recorded)
    finally:
        feed.close()


def variant_of(
    disk: Disk, label: str, chosen: Configured, markets: Sequence[Market], recorded: RunStart | None, platform: str
) -> Variant:
    """
    The variant of what was *chosen*, its strategies made once to see that they can be.

    *recorded* is the run that it changes, if it changes one.

    Raises:
        BadConfig, BadPolicy, BadStrategy: it cannot be run.
    """
    first = run_of(disk, chosen, 0, platform, markets[0].told, recorded)
    for one in first.strategies:
        make(one)
        tier_number(one.tier)
    if not first.strategies:
        raise BadConfig(label or "the configuration", "has no strategy, and so nothing to compare")
    return Variant(label, chosen.config, tuple(evolve(first, base=market.told) for market in markets))


def code_digest(disk: Disk, observed: bool = False) -> str:
    """
    The digest of all sources that a result may depend on; where runs are *observed*, a report tells some of it.

    The build names those that are compiled, which decide. What is beside them builds a run from its configuration, and
    tells its figures: a result must not outlive a change there either.
    """
    digest = blake2b(digest_size=16)
    for folder in DECIDING:
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if not name.startswith(SWEEPING) and (observed or not name.startswith(REPORTING)):
                digest.update(name.encode() + b"\0" + read_all(disk, path, MOST_SOURCE) + b"\0")
    return digest.hexdigest()
