"""All runs as one table: a row for each, in an order that does not depend on when they were done."""

from io import BytesIO
from pathlib import Path

import pyarrow.parquet as pq  # type: ignore[import-untyped]
from sweeps import figures, plan_of_points

from journal.disk import RealDisk
from replay.sweep.plan import Task
from replay.sweep.results import columns, parquet, replaced
from replay.sweep.store import Result

FOUND = {
    Task(1, 0, 2, "d"): Result(figures(pnl="4.25", fills=4)),
    Task(0, 0, 2, "b"): Result({}, "it raised"),
    Task(0, 0, 1, "a"): Result(figures(pnl="-1.5", fills=2)),
    Task(1, 0, 1, "c"): Result(figures(pnl="3", fills=3)),
}
GIVEN = (["venue.queue"], [("power",), ("conservative",)], ("pnl", "fills"))


def test_a_row_for_each_run_by_points_and_seeds() -> None:
    plan = plan_of_points(2)
    table = columns(plan, FOUND, *GIVEN)

    assert table["key"] == ["a", "b", "c", "d"]
    assert table["venue.queue"] == ["power", "power", "conservative", "conservative"]
    assert table["pnl"] == [-1.5, None, 3.0, 4.25]
    assert table["fills"] == [2, None, 3, 4]
    assert table["failure"] == [None, "it raised", None, None]
    assert columns(plan, dict(reversed(FOUND.items())), *GIVEN) == table


def test_the_file_is_read_as_it_was_written() -> None:
    plan = plan_of_points(2)
    read = pq.read_table(BytesIO(parquet(plan, FOUND, *GIVEN)))

    assert read.to_pydict() == columns(plan, FOUND, *GIVEN)
    assert [str(read.schema.field(name).type) for name in ("pnl", "fills", "seed", "failure")] == [
        "double",
        "int64",
        "int64",
        "string",
    ]


def test_a_file_is_replaced_in_one_step_even_after_a_try_that_was_killed(tmp_path: Path) -> None:
    target = tmp_path / "new" / "results.parquet"
    replaced(RealDisk(), target, b"old")
    (target.parent / "results.parquet.partial").write_bytes(b"half")
    replaced(RealDisk(), target, b"new")

    assert target.read_bytes() == b"new"
    assert [path.name for path in target.parent.iterdir()] == ["results.parquet"]
