"""From a configuration to a run: what RUN_START has to say before anything is folded."""

from hashlib import blake2b
from pathlib import Path

from attrs import evolve, frozen

from journal.disk import Disk
from replay.config import RunConfig, read_config, read_file, sources
from replay.decoders import newest
from replay.defaults import CONFIGURATION, policy_text
from replay.opening import FLAT
from replay.policy import read_policy
from replay.profiles import read_profile
from replay.run import Base, RunStart, StrategySource, text_digest
from replay.verify import this_build


@frozen
class Configured:
    """
    The configuration of a resimulation, the text that says just that, and the folder its paths are relative to.

    *given*: its strategy was named beside it, and its source is to be read even where the recorded run had one of that
    name. *seeded*: an override set the seed.
    """

    config: RunConfig
    text: str
    folder: Path
    given: bool
    seeded: bool


def configured(
    disk: Disk,
    recorded: RunStart | None,
    path: Path | None,
    strategy: str | None,
    overrides: tuple[str, ...],
    profile: str | None = None,
) -> Configured:
    """
    What to run: from the file *path*, or else from the *recorded* run, or else the built-in configuration (`defaults`).

    *strategy* (`file.py:Class`, relative to the present folder) takes the place of the configured ones, and has the
    parameters that *overrides* give it. *profile* names the adversary (`replay.profiles`) that takes the place of the
    configured one.

    Raises:
        BadConfig: the text, an override, the strategy or the profile does not hold.
    """
    if path is not None:
        text, where, folder = read_file(disk, path), str(path), path.parent
    elif recorded is not None:
        text, where, folder = recorded.config, "the recorded configuration", Path()
    else:
        text, where, folder = CONFIGURATION, "the built-in configuration", Path()
    adversaries = () if profile is None else (read_profile(disk, profile).adversary,)
    config, said = read_config(text, where, overrides, strategy, adversaries)
    if strategy is not None:
        place, colon, class_name = strategy.rpartition(":")
        if place.endswith(".py"):
            code = f"{Path(place).resolve()}{colon}{class_name}"
            config = evolve(config, strategies=tuple(evolve(one, code=code) for one in config.strategies))
    seeded = any(override.partition("=")[0] == "seed" for override in overrides)
    return Configured(config, said, folder, strategy is not None, seeded)


def run_of(
    disk: Disk,
    chosen: Configured,
    seed: int,
    platform: str,
    base: Base,
    recorded: RunStart | None,
    opening: str = FLAT,
) -> RunStart:
    """
    The run that plays what was *chosen* on *base*, beginning FLAT or with what is RECORDED there.

    With *recorded* set, the policy is that run's, unless an override names another, and so are the sources of
    strategies it had: a resimulation of a run needs none of the files that the run was made from.

    Raises:
        BadConfig: a file that the configuration names cannot be read.
        BadPolicy: the policy it names cannot be used.
    """
    config, text = chosen.config, chosen.text
    if recorded is not None and config.policy == read_config(recorded.config, "the recorded configuration")[0].policy:
        policy = recorded.policy
    else:
        policy = policy_text(disk, config.policy, chosen.folder)
        if policy:
            read_policy(policy)
    if recorded is not None and not chosen.given:
        strategies = _recorded_sources(disk, config, recorded)
    else:
        strategies = sources(disk, config, chosen.folder)
    return start_of(config, text, policy, strategies, seed, platform, base, opening)


def start_of(
    config: RunConfig,
    text: str,
    policy: str,
    strategies: tuple[StrategySource, ...],
    seed: int,
    platform: str,
    base: Base,
    opening: str = FLAT,
) -> RunStart:
    """The run of *strategies* on *base* under the texts of a configuration and a policy; equal runs have equal ids."""
    identity = blake2b(digest_size=16, person=b"refold-run-1")
    for part in (
        base.head_hash,
        str(seed),
        text,
        policy,
        this_build(),
        *(text for one in strategies for text in one.texts),
    ):
        identity.update(part.encode() + b"\0")
    if opening != FLAT:
        identity.update(opening.encode())
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
        opening=opening,
    )


def _recorded_sources(disk: Disk, config: RunConfig, recorded: RunStart) -> tuple[StrategySource, ...]:
    """The recorded source of each strategy whose code is still the recorded one, the file's of any other."""
    before = read_config(recorded.config, "the recorded configuration")[0]
    codes = {one.name: one.code for one in before.strategies}
    known = {one.name: one for one in recorded.strategies if one.name in codes}
    found: list[StrategySource] = []
    for one in config.strategies:
        if one.name in known and one.code == codes[one.name]:
            found.append(evolve(known[one.name], parameters=one.parameters, instruments=one.instruments, tier=one.tier))
        else:
            found.extend(sources(disk, evolve(config, strategies=(one,)), Path()))
    return tuple(found)
