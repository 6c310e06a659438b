"""From a configuration to a run: what RUN_START has to say before anything is folded."""

from hashlib import blake2b
from pathlib import Path

from attrs import evolve

from journal.disk import Disk
from replay.config import RunConfig, StrategyConfig, read_config, read_file, sources
from replay.decoders import newest
from replay.run import Base, RunStart, StrategySource, text_digest
from replay.verify import this_build


def configured(
    disk: Disk, recorded: RunStart | None, path: Path | None, strategy: str | None, overrides: tuple[str, ...]
) -> tuple[RunConfig, str, Path]:
    """
    The configuration of a resimulation, its text, and the folder its paths are relative to.

    It comes from the file *path*, or else from the *recorded* run. *strategy* (`file.py:Class`, relative to the present
    folder) takes the place of the configured ones.

    Raises:
        BadConfig: the text, an override or the strategy does not hold.
    """
    if path is not None:
        text, where, folder = read_file(disk, path), str(path), path.parent
    else:
        assert recorded is not None
        text, where, folder = recorded.config, "the recorded configuration", Path()
    config, said = read_config(text, where, overrides)
    if strategy is not None:
        name = strategy.rpartition(":")[2] or strategy
        place, colon, class_name = strategy.rpartition(":")
        code = f"{Path(place).resolve()}{colon}{class_name}" if place.endswith(".py") else strategy
        config = evolve(config, strategies=(StrategyConfig(name, code),))
    return config, said, folder


def run_of(
    disk: Disk,
    config: RunConfig,
    text: str,
    folder: Path,
    seed: int,
    platform: str,
    base: Base,
    recorded: RunStart | None,
) -> RunStart:
    """
    The run that plays *config* on *base*.

    With *recorded* set, the policy is that run's and so are the sources of strategies it had: a resimulation of a run
    needs none of the files that the run was made from.

    Raises:
        BadConfig: a file that the configuration names cannot be read.
    """
    if recorded is not None:
        policy = recorded.policy
        strategies = _recorded_sources(disk, config, recorded)
    else:
        policy = read_file(disk, folder / config.policy) if config.policy else ""
        strategies = sources(disk, config, folder)
    identity = blake2b(digest_size=16, person=b"refold-run-1")
    for part in (base.head_hash, str(seed), text, policy, this_build(), *(one.source for one in strategies)):
        identity.update(part.encode() + b"\0")
    return RunStart(
        run_id=identity.hexdigest(),
        run_epoch=1,
        build=this_build(),
        decoders=newest(),
        strategies=strategies,
        config=text,
        policy=policy,
        policy_digest=text_digest(policy),
        seed=seed,
        environment="DEV",
        executor="simulated",
        platform=platform,
        clock_source="base",
        hash_every=config.book_hash_every,
        base=base,
    )


def _recorded_sources(disk: Disk, config: RunConfig, recorded: RunStart) -> tuple[StrategySource, ...]:
    known = {one.name: one for one in recorded.strategies}
    found: list[StrategySource] = []
    for one in config.strategies:
        if one.name in known:
            found.append(evolve(known[one.name], parameters=one.parameters, instruments=one.instruments, tier=one.tier))
        else:
            found.extend(sources(disk, evolve(config, strategies=(one,)), Path()))
    return tuple(found)
