"""
Resimulation from Python: `run = resimulate("journal.zst", strategy=Mine(spread=2), seed=7)`.

It does what `engine replay` does, with the same code. A strategy handed in as an object is recorded by its source text
and parameters, and built anew from them: the run is the same as one from a file, and its overlay replays alone.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Literal

import yaml
from attrs import asdict, evolve

from journal.background import Threads
from journal.disk import Disk, RealDisk
from journal.labels import refuse_invalid
from journal.reader import Journal, open_journal
from journal.staging import refuse_taken
from replay.choose import recorded_run
from replay.config import (
    BadConfig,
    RunConfig,
    StrategyConfig,
    read_adversary,
    read_config,
    read_file,
    sources,
)
from replay.decoders import newest
from replay.defaults import CONFIGURATION, SIMULATION, policy_text
from replay.feed import Feed
from replay.machine import platform_tag
from replay.overlay import base_of, open_base
from replay.own_source import source_of_instance
from replay.policy import read_policy
from replay.produce import Bench, How, no_bar, produce
from replay.profiles import profile_of, read_profile
from replay.results import Run, run_from
from replay.run import KEPT, TAKEN_OUT, Base, RunStart, StrategySource
from replay.setup import start_of
from replay.strategies import BadStrategy
from replay.verify import this_build
from replay.without_own import feed_of

if TYPE_CHECKING:
    from replay.venue_config import VenueConfig

Place = str | Path | Journal | Feed
Given = object | str | StrategyConfig | StrategySource


def resimulate(
    journal: Place,
    *,
    strategy: Given | Sequence[Given] | Mapping[str, Given] | None = None,
    venue: "VenueConfig | Mapping[str, Any] | str | Path | None" = None,
    policy: str | Path | Mapping[str, Any] | None = None,
    profile: str | Path | Mapping[str, Any] | None = None,
    seed: int | None = None,
    opening: Literal["flat", "recorded"] = "flat",
    sink: Literal["none", "digests", "overlay"] | None = None,
    out: str | Path | None = None,
    base: str | Path | None = None,
    guard: bool = True,
    tables: bool = True,
    observe: bool = False,
    progress: bool = False,
    include_invalid: bool = False,
) -> Run:
    """
    What *strategy* would have done on the market data of *journal*.

    Args:
        journal: a folder, segment or bundle, an opened `Journal` or a `Feed`. Of a journal that holds a run, the run's
            strategies, venue, policy and seed hold where nothing else is given.
        strategy: an instance, `"file.py:Class"`, a `StrategyConfig`, what a run records of one (a `StrategySource`),
            several of these, or a mapping of names to them; an empty list has the market data folded by nobody.
        venue: a `VenueConfig`, its fields, or the path of a configuration, whose venue (and policy) is used.
        policy: a path, a text, its fields, or `"simulation"`: the built-in one, which permits everything that can be
            expressed and is for simulations only. Without any, that one.
        profile: an adversary: the name of a profile that comes along, a path, or the fields of an `adversary:` part;
            "none" takes a recorded run's away.
        seed: what all chance comes from; without one the recorded run's, or 0.
        opening: "flat" begins with nothing, "recorded" with what the run in the base journal began with.
        sink: "overlay" keeps the run in the new folder *out*, where it replays strictly, and is meant wherever *out*
            is given; "digests" and "none" write nothing. The run is the same with each.
        base: the journal that an overlay stands on, where it is not where it was.
        guard: whether clocks, chance, files and the like raise within strategies. It changes no honest run.
        tables: whether fills, orders and verdicts are kept; without, a run is faster.
        observe: whether to watch how the run goes, for `Run.observed` and `Run.attribution`; it changes no run.
        progress: whether to show a bar.
        include_invalid: whether segments that a label marks invalid are accepted.

    Raises:
        BadStrategy, BadConfig, BadPolicy: what was given cannot be run; the sentence says what to correct.
        JournalError: the journal is damaged, or something stands at *out*.
    """
    sink = sink or ("none" if out is None else "overlay")
    if (sink == "overlay") != (out is not None):
        raise BadConfig(f"sink={sink!r}", "an overlay needs out=DIR, and nothing else takes it")
    disk = RealDisk()
    if out is not None:
        refuse_taken(disk, Path(out))
    background = Threads("resimulation")
    try:
        with _opened(disk, journal, base, include_invalid) as (source, recorded):
            chosen = _Chosen(disk, recorded)
            chosen.take(strategy, venue, policy, profile)
            feed, told, opened = _feed(disk, source, background)
            own = recorded.seed if recorded is not None else 0
            run = start_of(
                evolve(chosen.config, seed=own if seed is None else seed),
                chosen.text(own if seed is None else seed),
                chosen.policy,
                chosen.strategies,
                own if seed is None else seed,
                platform_tag(),
                told,
                opening,
            )
            if opening != "flat" and opened is None:
                raise BadConfig("opening='recorded'", "a run's opening stands in a journal, and this is a feed")
            if sink == "overlay" and opened is None:
                raise BadConfig("sink='overlay'", "an overlay stands on a journal, and this is a feed")
            how = How(None if out is None else Path(out), sink, guard, watched=tables, tables=tables, observe=observe)
            bench = Bench(disk, perf_counter_ns, _bar if progress else no_bar)
            try:
                produced = produce(bench, run, chosen.config, feed, opened, how)
            except SystemExit as error:
                raise BadStrategy(run.strategies[0].name, "a strategy called sys.exit; let it return") from error
            return run_from(run, produced, how.out, "a feed" if opened is None else str(opened.path))
    finally:
        background.close()


# -- what was given ----------------------------------------------------------------------------------------------------


class _Chosen:
    """The configuration, policy and strategies of a run, as the arguments and the recorded run say."""

    def __init__(self, disk: Disk, recorded: RunStart | None) -> None:
        self._disk = disk
        self._recorded = recorded
        text, where = (CONFIGURATION, "the built-in configuration")
        if recorded is not None:
            text, where = recorded.config, "the recorded configuration"
        self.config: RunConfig = read_config(text, where)[0]
        self.policy = policy_text(disk, SIMULATION, Path()) if recorded is None else recorded.policy
        self.strategies: tuple[StrategySource, ...] = () if recorded is None else recorded.strategies

    def take(self, strategy: Any, venue: Any, policy: Any, profile: Any) -> None:
        """Let what was given take the place of what was recorded."""
        if venue is not None:
            self._take_venue(venue)
        if policy is not None:
            self._take_policy(policy)
        if profile is not None:
            self._take_profile(profile)
        if strategy is not None:
            self._take_strategies(strategy)
        if not self.strategies and strategy is None:
            raise BadConfig("strategy", "this journal holds no run, so say which strategy to simulate")

    def text(self, seed: int) -> str:
        """The configuration as RUN_START has it."""
        values = asdict(evolve(self.config, seed=seed))
        del values["journals"]  # a run has one, and states it
        return yaml.safe_dump(_plain(values), sort_keys=False, allow_unicode=True)

    def _take_venue(self, given: Any) -> None:
        if isinstance(given, Mapping):
            values = {**_plain(asdict(self.config)), "venue": _plain(given)}
            self.config = read_config(yaml.safe_dump(values), "the arguments")[0]
        elif not isinstance(given, str | Path):
            self.config = evolve(self.config, venue=given)
        else:
            path = Path(given)
            found = read_config(read_file(self._disk, path), str(path))[0]
            self.config = evolve(found, strategies=self.config.strategies)
            if found.policy:
                self.policy = policy_text(self._disk, found.policy, path.parent)
                read_policy(self.policy)

    def _take_profile(self, given: Any) -> None:
        if isinstance(given, Mapping):
            profile = profile_of(given, "", "", "", "profile")
        else:
            profile = read_profile(self._disk, str(given))
        adversary = None if profile.adversary is None else read_adversary(profile.adversary, profile.name)
        self.config = evolve(self.config, adversary=adversary)

    def _take_policy(self, given: Any) -> None:
        label = "given as text"
        if isinstance(given, Mapping):
            self.policy = yaml.safe_dump(_plain(dict(given)), sort_keys=False)
        elif isinstance(given, str) and "\n" in given:
            self.policy = given
        else:
            label = str(given)
            self.policy = policy_text(self._disk, label, Path())
        read_policy(self.policy)
        self.config = evolve(self.config, policy=label)

    def _take_strategies(self, given: Any) -> None:
        several = isinstance(given, Mapping | list | tuple)
        pairs = (
            list(given.items())
            if isinstance(given, Mapping)
            else [("", one) for one in (given if several else [given])]
        )
        configs: list[StrategyConfig] = []
        found: list[StrategySource] = []
        for name, one in pairs:
            config, source = self._strategy(str(name), one)
            if any(other.name == config.name for other in configs):
                raise BadConfig(
                    f"strategy {config.name!r}", "two have this name: give a mapping of names to strategies"
                )
            configs.append(config)
            found.append(source)
        self.config, self.strategies = evolve(self.config, strategies=tuple(configs)), tuple(found)

    def _strategy(self, name: str, given: Any) -> tuple[StrategyConfig, StrategySource]:
        if isinstance(given, StrategySource):
            source = evolve(given, name=name or given.name)
            code = f"recorded:{given.class_name}"
            return StrategyConfig(source.name, code, source.tier, source.instruments, source.parameters), source
        if isinstance(given, str):
            given = StrategyConfig(name or given.rpartition(":")[2], given)
        if isinstance(given, StrategyConfig):
            config = evolve(given, name=name or given.name)
            return config, sources(self._disk, evolve(self.config, strategies=(config,)), Path())[0]
        found = type(given)
        config = StrategyConfig(name or found.__name__, f"{found.__module__}:{found.__qualname__}")
        source = source_of_instance(given, config.name, config.tier, config.instruments)
        return evolve(config, parameters=source.parameters), source


def _plain(value: Any) -> Any:
    """*value* with lists for tuples, which YAML has not."""
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


# -- what it is run on -------------------------------------------------------------------------------------------------


@contextmanager
def _opened(
    disk: Disk, given: Place, base: str | Path | None, include_invalid: bool
) -> Iterator[tuple[Journal | Feed, RunStart | None]]:
    """The market data to use, and the run that was recorded with it."""
    if not isinstance(given, str | Path | Journal):
        yield given, None
        return
    path = given.path if isinstance(given, Journal) else Path(given)
    if not include_invalid:
        refuse_invalid(disk, path)
    opened = given if isinstance(given, Journal) else open_journal(path, disk)
    try:
        recorded = recorded_run(opened)
        if recorded is None or recorded.base is None:
            yield opened, recorded
            return
        stood_on = open_base(disk, path, recorded, None if base is None else Path(base))
        try:
            if not include_invalid:
                refuse_invalid(disk, stood_on.journal.path)
            yield stood_on.journal, recorded
        finally:
            stood_on.close()
    finally:
        if opened is not given:
            opened.close()


def _feed(disk: Disk, source: Journal | Feed, background: Threads) -> tuple[Feed, Base, Journal | None]:
    """The inputs, what RUN_START says of them, and the journal they come from."""
    if isinstance(source, Journal):
        told = base_of(source)
        feed = feed_of(disk, source, told, newest(), this_build(), background, lambda note: None)
        return feed, told, source
    own_orders = KEPT if source.taken is None else TAKEN_OUT
    return source, Base("", source.first_seq, source.last_seq, "", own_orders), None


@contextmanager
def _bar(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """A progress bar, in a terminal or a notebook."""
    from rich.progress import Progress

    with Progress(transient=True) as bar:
        task = bar.add_task(title, total=total)
        yield lambda done: bar.advance(task, done)
