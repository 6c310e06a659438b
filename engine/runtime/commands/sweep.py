"""`engine sweep`: one strategy under many parameters and seeds."""

import sys
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

import click

from engine.runtime.commands import speaks
from engine.runtime.commands.journal_select import JOURNAL, WHICH
from engine.runtime.commands.sweeping import (
    STORED,
    Asked,
    failures,
    journals_of,
    market_fields,
    markets_of,
    plan_of,
    run_all,
    run_fields,
    sweeping_options,
    typed_well,
)
from engine.runtime.exits import Exit
from engine.runtime.output import CommandError, Output, counted

if TYPE_CHECKING:
    from journal.disk import Disk
    from replay.run import RunStart
    from replay.setup import Configured
    from replay.sweep.grid import Axis, Point
    from replay.sweep.plan import Market, Plan, Task
    from replay.sweep.store import Result
    from replay.sweep.table import Row


@click.command(
    epilog=f"{WHICH} Several make one table; without any, the configuration's journals: are used. {STORED} The same "
    "command again computes only what is missing.\n\n"
    "A grid is PATH=FIRST..LAST[..STEP] or PATH=A,B,C, with paths as --set takes them; strategy.x is short for "
    "strategies.NAME.parameters.x where there is one strategy. Several grids multiply.\n\nExamples:\n\n\b\n"
    "  engine sweep journal.zst --config config/demo.yaml --grid strategy.min_spread_ticks=1..5 --seeds 1..50\n"
    "  engine sweep mon/ tue/ --config mine.yaml --grid strategy.spread=1..5 --grid venue.order_latency_ms=10,50,250\n"
    "  engine sweep run/ --grid venue.queue=conservative,risk_averse,power     a recorded run under other models\n"
    "  engine sweep journal/ --strategy mine.py:Mine --grid strategy.spread=0.5..2..0.25 --profile toxic-flow\n"
    "  engine sweep journal/ --config mine.yaml --seeds 1..200 --metric fills -o results/"
)
@sweeping_options
@click.option("--config", type=JOURNAL, help="The strategies and the venue (YAML).")
@click.option("--strategy", metavar="FILE.py:CLASS", help="This strategy alone takes the place of the configured ones.")
@click.option("--grid", "grids", multiple=True, metavar="PATH=VALUES", help="A value of the configuration that varies.")
@click.option("--seeds", metavar="SEEDS", help="As 1..50, or 1,2,3. Default: the configuration's seed.")
@click.option(
    "--plot", type=click.Path(path_type=Path, dir_okay=False), help="Draw the distributions into this HTML file."
)
@click.option(
    "--sort",
    type=click.Choice(["grid", "metric"]),
    default="grid",
    show_default=True,
    help="Rows in the grid's order, or the best median first.",
)
@speaks
def sweep(
    output: Output,
    config: Path | None,
    strategy: str | None,
    grids: tuple[str, ...],
    seeds: str | None,
    plot: Path | None,
    sort: str,
    **options: Any,
) -> None:
    """
    Run a strategy under many parameters and seeds, and tell how the results spread.

    The table has, for each point of the grid, the worst run, the quartiles and the best; the best median bears a star.
    A run whose strategy fails is told and counts for nothing.
    """
    from journal.disk import RealDisk
    from replay.sweep.figures import checked_metric, metric_names
    from replay.sweep.grid import read_seeds
    from replay.sweep.table import best_of, rows_of

    asked = Asked(**options)
    disk = RealDisk()
    with typed_well():
        plan, axes, points, own_seed = planned(output, disk, asked, config, strategy, grids)
        numbers = (own_seed,) if seeds is None else read_seeds(seeds)
    found = run_all(output, disk, plan, numbers, asked)
    names = metric_names(result.figures for result in found.values() if result.figures)
    with typed_well():
        chosen = checked_metric(asked.metric, names)
    rows = rows_of(plan, found, names, chosen)
    kept = written(disk, asked.out, plot, plan, found, rows, axes, points, names, chosen)
    if output.as_json:
        output.document("refold.sweep/1", sweep_fields(plan, found, rows, axes, points, numbers, names, chosen, kept))
        return
    print_sweep(output, plan, found, rows, axes, points, chosen, sort == "metric")
    best = best_of(rows, chosen)
    if best is not None:
        output.note(f"best median: {points[best].label}")
    for path in kept:
        output.note(f"written: {path}")


def planned(
    output: Output, disk: "Disk", asked: Asked, config: Path | None, strategy: str | None, grids: tuple[str, ...]
) -> "tuple[Plan, tuple[Axis, ...], tuple[Point, ...], int]":
    """The plan, what varies, its points, and the configuration's own seed."""
    from replay.setup import configured
    from replay.sweep.grid import read_axis, read_points, spelled_out

    paths = asked.journals
    if not paths and config is not None:
        plain = configured(disk, None, config, strategy, (), asked.profile)
        paths = journals_of(asked, [(config.parent, plain.config)])
    else:
        paths = journals_of(asked, [])
    if not paths:
        sentence = "there is no journal to run on"
        advice = "name one: engine sweep JOURNAL ..., or journals: in the configuration"
        raise CommandError(sentence, advice, Exit.USAGE)
    markets = markets_of(disk, paths, asked.include_invalid)
    recorded = None if config is not None else recorded_of(markets, strategy)
    plain = configured(disk, recorded, config, strategy, (), asked.profile)
    strategies = [one.name for one in plain.config.strategies]
    given = tuple(spelled_out(override, strategies) for override in asked.overrides)
    axes = tuple(read_axis(typed, strategies) for typed in grids)
    points = read_points(axes)
    chosen: list[tuple[str, Configured]] = []
    with output.progress("reading", len(points), "configurations") as advance:
        for point in points:
            overrides = (*given, *point.overrides)
            chosen.append((point.label, configured(disk, recorded, config, strategy, overrides, asked.profile)))
            advance(1)
    seed = chosen[0][1].config.seed if recorded is None or chosen[0][1].seeded else recorded.seed
    return plan_of(disk, markets, chosen, asked.observe, recorded), axes, points, seed


def recorded_of(markets: "tuple[Market, ...]", strategy: str | None) -> "RunStart | None":
    """The run whose configuration holds, where neither a file nor a strategy says what to run."""
    recorded = markets[0].recorded if len(markets) == 1 else None
    if recorded is None and strategy is None:
        path = markets[0].path
        many = "with several journals" if len(markets) > 1 else f"{path} holds no run, so"
        raise CommandError(
            f"{many} a strategy or a configuration has to say what to run",
            f"type: engine sweep {path} --config CONFIG.yaml --grid PATH=VALUES, or --strategy FILE.py:CLASS",
            Exit.USAGE,
        )
    return recorded


def print_sweep(
    output: Output,
    plan: "Plan",
    found: "dict[Task, Result]",
    rows: "list[Row]",
    axes: "tuple[Axis, ...]",
    points: "tuple[Point, ...]",
    metric: str,
    best_first: bool,
) -> None:
    """Print the table, what failed, and what to know to read it."""
    from replay.sweep.figures import unit_of
    from replay.sweep.grid import short_names
    from replay.sweep.table import cells, ordered_by, remarks

    shown = ordered_by(rows, metric) if best_first else rows
    unit = unit_of((result.figures for result in found.values()), metric)
    table, right = cells(short_names(axes), [points[row.variant].values for row in shown], shown, metric, unit)
    if sys.stdout.isatty() and width_of(table) > get_terminal_size().columns:
        table = [line[:-1] for line in table]  # a picture that is broken over two lines shows nothing
    output.table(table, right)
    output.lines(failures(plan, found, [point.label for point in points]))
    output.lines(f"note: {remark}" for remark in remarks(plan, found, rows))


def width_of(table: "list[list[str]]") -> int:
    """The characters that a line of *table* takes."""
    return sum(max(len(line[at]) for line in table) + 2 for at in range(len(table[0]))) - 2


def sweep_fields(
    plan: "Plan",
    found: "dict[Task, Result]",
    rows: "list[Row]",
    axes: "tuple[Axis, ...]",
    points: "tuple[Point, ...]",
    seeds: tuple[int, ...],
    names: tuple[str, ...],
    metric: str,
    kept: list[Path],
) -> dict[str, Any]:
    """The document."""
    from replay.sweep.table import best_of, remarks, spread_fields

    return {
        "journals": market_fields(plan),
        "build": plan.variants[0].starts[0].build,
        "axes": [{"name": axis.name, "path": axis.path, "values": list(axis.values)} for axis in axes],
        "seeds": list(seeds),
        "metric": metric,
        "metrics": list(names),
        "best": best_of(rows, metric),
        "points": [
            {
                "point": row.variant,
                "values": dict(zip((axis.name for axis in axes), points[row.variant].values, strict=True)),
                "runs": row.runs,
                "failed": row.failed,
                "metrics": {name: spread_fields(spread) for name, spread in row.spreads.items()},
            }
            for row in rows
        ],
        "runs": run_fields(plan, found),
        "notes": remarks(plan, found, rows),
        "written": [str(path) for path in kept],
    }


def written(
    disk: "Disk",
    out: Path | None,
    plot: Path | None,
    plan: "Plan",
    found: "dict[Task, Result]",
    rows: "list[Row]",
    axes: "tuple[Axis, ...]",
    points: "tuple[Point, ...]",
    names: tuple[str, ...],
    metric: str,
) -> list[Path]:
    """Write the plot, and into *out* all results as a table; returns what was written."""
    from replay.sweep.figures import unit_of
    from replay.sweep.plot import page
    from replay.sweep.results import parquet, replaced

    kept: list[Path] = []
    if out is not None:
        data = parquet(plan, found, [axis.name for axis in axes], [point.values for point in points], names)
        kept.append(replaced(disk, out / "results.parquet", data))
    target = plot or (None if out is None else out / "sweep.html")
    if target is not None:
        unit = unit_of((result.figures for result in found.values()), metric)
        title = f"{metric}{unit}: {counted(len(found), 'run')} at {counted(len(rows), 'point')}"
        told = [(points[row.variant].label or "as configured", row) for row in rows]
        kept.append(replaced(disk, target, page(title, metric, told, plan).encode()))
    return kept
