"""All runs of a sweep as one table for notebooks and data frames (Parquet), and files that are replaced in one step."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from journal.disk import Disk, write_all
from journal.staging import staged_file
from replay.sweep.figures import is_count, metric
from replay.sweep.plan import Plan, Task
from replay.sweep.store import Result


def columns(
    plan: Plan,
    found: Mapping[Task, Result],
    axes: Sequence[str],
    points: Sequence[Sequence[str]],
    names: Sequence[str],
) -> dict[str, list[Any]]:
    """
    The table by columns, a row for each run in order of journals, points and seeds.

    The axes are text as typed, counts are int64, other metrics float64; null where a run has none.
    """
    tasks = sorted(found, key=lambda task: (task.market, task.variant, task.seed))
    table: dict[str, list[Any]] = {"point": [task.variant for task in tasks]}
    for number, axis in enumerate(axes):
        table[axis] = [points[task.variant][number] for task in tasks]
    table["journal"] = [str(plan.markets[task.market].path) for task in tasks]
    table["journal_head"] = [plan.markets[task.market].told.head_hash for task in tasks]
    table["seed"] = [task.seed for task in tasks]
    table["key"] = [task.key for task in tasks]
    table["failure"] = [found[task].failure or None for task in tasks]
    for name in names:
        kind = int if is_count(name) else float
        known = [metric(found[task].figures, name) if found[task].figures else None for task in tasks]
        table[name] = [None if value is None else kind(value) for value in known]
    table["state_digest"] = [found[task].figures.get("state_digest") for task in tasks]
    return table


def parquet(
    plan: Plan,
    found: Mapping[Task, Result],
    axes: Sequence[str],
    points: Sequence[Sequence[str]],
    names: Sequence[str],
) -> bytes:
    """`columns` as a Parquet file."""
    import pyarrow as pa  # type: ignore[import-untyped]
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    table = columns(plan, found, axes, points, names)
    types = {name: pa.int64() if is_count(name) else pa.float64() for name in names}
    types |= {"point": pa.int64(), "seed": pa.int64()}
    sink = pa.BufferOutputStream()
    arrays = {name: pa.array(values, types.get(name, pa.string())) for name, values in table.items()}
    pq.write_table(pa.table(arrays), sink)
    return bytes(sink.getvalue().to_pybytes())


def replaced(disk: Disk, path: Path, data: bytes) -> Path:
    """Write *data* to *path* in one step, its folder too where it is not there yet; returns *path*."""
    disk.make_dir(path.parent)
    with staged_file(disk, path) as file:
        write_all(file, data)
    return path
