"""What `engine sweep` and `engine ab` share: journals, configurations, and making the runs that are not known yet."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from attrs import frozen

from engine.runtime.commands.journal_select import JOURNAL
from engine.runtime.commands.resimulation import usable
from engine.runtime.exits import Exit
from engine.runtime.output import CommandError, Output, counted

if TYPE_CHECKING:
    from journal.disk import Disk
    from replay.config import RunConfig
    from replay.setup import Configured
    from replay.sweep.executor import Executor
    from replay.sweep.plan import Market, Plan, Task, Variant
    from replay.sweep.store import Result

CACHE = "~/.cache/refold/runs"
STORED = (
    "Every finished run is kept under the digest of its journal, build, configuration and seed, and none is computed "
    f"twice: in --out, or else in {CACHE} (XDG_CACHE_HOME is heeded), which may be deleted at any time."
)


def sweeping_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that both commands have."""
    for option in (
        click.option(
            "-o", "--out", type=click.Path(path_type=Path, file_okay=False), help="Keep results in this folder."
        ),
        click.option(
            "--jobs",
            type=click.IntRange(1, 256),
            metavar="N",
            help="Make runs in so many processes. Default: as many as there are cores.",
        ),
        click.option(
            "--observe",
            is_flag=True,
            help="Observe each run, for its Sharpe ratio, its largest drawdown and where its profit came from; slower.",
        ),
        click.option("--include-invalid", is_flag=True, help="Accept segments that a label marks invalid."),
        click.option(
            "--metric",
            metavar="NAME",
            default="pnl",
            show_default=True,
            help="The figure that is judged: pnl, realised, unrealised, fees, income, fills, orders, cancels, refused; "
            "with several currencies pnl.USDT and so on. With --observe also sharpe, sortino, return, turnover, "
            "max_drawdown, spread, slippage, drift, adverse, holding, conversion, rebates, rewards.",
        ),
        click.option(
            "--set", "overrides", multiple=True, metavar="PATH=VALUE", help="Change one value of the configuration."
        ),
        click.option(
            "--profile",
            metavar="NAME|FILE",
            help="Run in a worse world: a profile that comes along (engine profile list), a file of your own, or none.",
        ),
        click.argument("journals", nargs=-1, type=JOURNAL),
    ):
        function = option(function)
    return function


@frozen
class Asked:
    """The options that both commands have, as typed."""

    journals: tuple[Path, ...]
    profile: str | None
    overrides: tuple[str, ...]
    metric: str
    include_invalid: bool
    observe: bool
    jobs: int | None
    out: Path | None


@contextmanager
def typed_well() -> "Iterator[None]":
    """What cannot be followed of a grid, a metric or a configuration is an error of usage."""
    from replay.sweep.figures import NoMetric
    from replay.sweep.grid import BadGrid

    try:
        with usable():
            yield
    except (BadGrid, NoMetric) as error:
        raise CommandError(str(error), error.advice, Exit.USAGE) from error


def journals_of(asked: Asked, configs: Sequence[tuple[Path, "RunConfig"]]) -> tuple[Path, ...]:
    """The journals that were given, or else those that the configurations name, in the order of their first naming."""
    named = asked.journals or tuple(
        folder / journal for folder, config in configs for journal in map(Path, config.journals)
    )
    found: dict[Path, Path] = {}
    for path in named:
        if not path.exists():
            raise CommandError(
                f"{path}: there is no such journal", "correct journals: in the configuration", Exit.USAGE
            )
        if path.resolve() in found and asked.journals:
            raise CommandError(f"{path} is given twice: its runs would count twice", "leave one out", Exit.USAGE)
        found.setdefault(path.resolve(), path)
    return tuple(found.values())


def markets_of(disk: "Disk", paths: Sequence[Path], include_invalid: bool) -> "tuple[Market, ...]":
    """The markets of these journals."""
    from replay.sweep.plan import market_of

    markets = tuple(market_of(disk, path, include_invalid) for path in paths)
    seen: dict[str, Path] = {}
    for market in markets:
        if market.told.head_hash in seen:
            same = seen[market.told.head_hash]
            raise CommandError(
                f"{same} and {market.path} are the same market data: its runs would count twice",
                "leave one out",
                Exit.USAGE,
            )
        seen[market.told.head_hash] = market.path
    return markets


def plan_of(
    disk: "Disk",
    markets: "tuple[Market, ...]",
    chosen: "Sequence[tuple[str, Configured]]",
    observed: bool,
    recorded: Any = None,
) -> "Plan":
    """The plan of these configurations, each with its label; *recorded* is the run that they change, if any."""
    from replay.machine import platform_tag
    from replay.sweep.plan import Plan, code_digest, variant_of

    platform = platform_tag()
    variants: list[Variant] = [
        variant_of(disk, label, configured, markets, recorded, platform) for label, configured in chosen
    ]
    return Plan(markets, tuple(variants), code_digest(disk, observed), observed)


def run_all(output: Output, disk: "Disk", plan: "Plan", seeds: Sequence[int], asked: Asked) -> "dict[Task, Result]":
    """
    The result of every run of *plan* under *seeds*, in the plan's order: those known already, and the others made now.

    Raises:
        CommandError: it was interrupted, or the workers were lost; what was finished is kept.
    """
    from replay.sweep.store import Store

    tasks = plan.tasks(seeds)
    store = Store(disk, store_folder(asked.out), f"writing-{os.getpid()}")
    found: dict[Task, Result | None] = {task: store.get(task.key) for task in tasks}
    missing = [task for task, result in found.items() if result is None]
    known = len(tasks) - len(missing)
    output.note(f"{counted(len(tasks), 'run')}: {known:,} known, {len(missing):,} to compute")
    done = 0
    try:
        with ExitStack() as stack:
            executor = executor_of(output, stack, plan, missing, asked.jobs)
            advance = stack.enter_context(output.progress("running", len(missing), "runs"))
            for task, result in executor.map_unordered(missing):
                store.put(task.key, plan.made_of(task.variant, task.market, task.seed), result)
                found[task] = result
                done += 1
                advance(1)
    except KeyboardInterrupt as error:
        sentence = f"interrupted; {known + done:,} of {counted(len(tasks), 'run')} are kept in {store.folder}"
        raise CommandError(sentence, "run the same command again: it goes on from there", Exit.INTERRUPTED) from error
    return {task: result for task, result in found.items() if result is not None}


def executor_of(
    output: Output, stack: ExitStack, plan: "Plan", missing: "Sequence[Task]", jobs: int | None
) -> "Executor":
    """What makes the *missing* runs: this process, or a pool that *stack* ends. Without any, no journal is opened."""
    from engine.runtime.commands.pool import LocalPool
    from replay.sweep.bench import Bench
    from replay.sweep.executor import InProcess

    if not missing:
        return InProcess(nothing)
    bench = stack.enter_context(Bench(plan, output.note))
    workers = min(jobs or cores(), len(missing))
    if workers == 1:
        return InProcess(bench)
    return stack.enter_context(LocalPool(workers, plan, bench))


def nothing(task: "Task") -> "Result":
    """There is no run to make."""
    raise AssertionError(task)


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def store_folder(out: Path | None) -> Path:
    """Where results are kept."""
    if out is not None:
        return out / "runs"
    cache = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(cache) if Path(cache).is_absolute() else Path.home() / ".cache") / "refold" / "runs"


def market_fields(plan: "Plan") -> list[dict[str, Any]]:
    """The journals as a document has them."""
    return [
        {"journal": str(market.path), "journal_id": market.told.journal_id, "head": market.told.head_hash}
        for market in plan.markets
    ]


def run_fields(plan: "Plan", found: "dict[Task, Result]") -> list[dict[str, Any]]:
    """The runs as a document has them."""
    return [
        {
            "point": task.variant,
            "journal": str(plan.markets[task.market].path),
            "seed": task.seed,
            "key": task.key,
            "failure": result.failure or None,
            "figures": result.figures,
        }
        for task, result in found.items()
    ]


def failures(plan: "Plan", found: "dict[Task, Result]", names: Sequence[str], most: int = 10) -> list[str]:
    """Each different failure, with the first run that had it; *names* are the variants'."""
    first: dict[tuple[int, str], tuple[str, int]] = {}
    for task, result in found.items():
        if result.failure:
            where = f"{names[task.variant]}, seed {task.seed}".removeprefix(", ")
            if len(plan.markets) > 1:
                where += f", {plan.markets[task.market].path}"
            held = first.setdefault((task.variant, result.failure), (where, 0))
            first[task.variant, result.failure] = held[0], held[1] + 1
    lines = [
        f"failed: {where}{'' if count == 1 else f' and {count - 1:,} more'}: {reason}"
        for (_, reason), (where, count) in first.items()
    ]
    more = len(lines) - most
    return lines if more <= 0 else [*lines[:most], f"and {counted(more, 'more kind')} of failures (--json lists all)"]
