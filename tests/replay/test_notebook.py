"""Resimulation from Python: the same run as the command's, with figures and tables of it."""

import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from resimulations import JOINER, NOISY, POLICY, of_kind, records, sample_recording, strict

from engine.kernel import kinds
from engine.kernel.derived import PLACE, decode
from engine.strategies.join_touch import JoinTouch
from journal.background import Inline
from journal.disk import RealDisk
from journal.labels import Label, MarkedInvalid, write_label
from journal.reader import open_journal
from replay import Run, resimulate
from replay.config import BadConfig, StrategyConfig
from replay.decoders import newest
from replay.defaults import VERSION
from replay.feed import JournalFeed
from replay.policy import BadPolicy
from replay.results import TablesNotKept
from replay.run import read_run_start
from replay.strategies import BadStrategy
from replay.verify import this_build

JOIN = JoinTouch(size_lots=20_000_000, max_position_lots=100_000_000)
VENUE = {"order_latency_ms": 40, "report_latency_ms": 30}


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of three markets."""
    return sample_recording(tmp_path_factory.mktemp("base") / "recording", frames=400)


@pytest.fixture(scope="module")
def joined(recording: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of a strategy given as an object, kept."""
    out = tmp_path_factory.mktemp("joined") / "run"
    return resimulate(recording, strategy=JOIN, venue=VENUE, policy=POLICY, seed=7, out=out)


def test_the_run_is_the_same_from_an_object_and_from_a_file_whatever_is_kept(
    joined: Run, recording: Path, tmp_path: Path
) -> None:
    (tmp_path / "join.py").write_text(JOINER)
    parameters = {"size_lots": 20_000_000, "max_position_lots": 100_000_000}
    named = StrategyConfig("JoinTouch", f"{tmp_path / 'join.py'}:JoinTouch", parameters=parameters)
    common: dict[str, Any] = {"venue": VENUE, "policy": POLICY, "seed": 7}
    for how in (
        {"strategy": JOIN},
        {"strategy": named},
        {"strategy": [JOIN], "guard": False},
        {"strategy": {"JoinTouch": JOIN}, "tables": False},
        {"strategy": JOIN, "tables": False, "guard": False, "sink": "digests"},
    ):
        found = resimulate(recording, **{**common, **how})
        assert found.stats.state_digest == joined.stats.state_digest
        assert found.stats.submitted == joined.stats.submitted > 0
        assert found.stats.fills == joined.stats.fills > 0
        # The configuration's text is an input too, and names where the strategy came from.
        assert (found.digests == joined.digests) == (how["strategy"] is not named)


def test_what_is_kept_replays_strictly_and_alone(joined: Run) -> None:
    assert joined.out is not None
    found = strict(joined.out)

    assert found.identical
    assert found.kernel is not None
    assert found.kernel.state_digest().hex() == joined.stats.state_digest
    run = read_run_start(1, records(joined.out)[0].payload)
    assert run == joined.start
    assert run.strategies[0].source == JOINER


def test_a_kept_run_is_resimulated_as_it_was_where_nothing_else_is_said(joined: Run) -> None:
    assert joined.out is not None
    again = resimulate(joined.out)
    other = resimulate(joined.out, venue={"order_latency_ms": 400, "report_latency_ms": 30})

    assert again.stats.state_digest == joined.stats.state_digest
    assert again.stats.policy == joined.stats.policy == "example-1"
    assert again.stats.seed == 7
    assert other.stats.state_digest != joined.stats.state_digest
    assert other.start.strategies == joined.start.strategies


def test_without_venue_and_policy_the_built_in_ones_hold(recording: Path) -> None:
    found = resimulate(recording, strategy=JOIN)

    assert found.stats.policy == VERSION
    assert found.stats.seed == 0
    assert found.stats.fills > 0


def test_a_feed_and_an_opened_journal_serve_as_well(joined: Run, recording: Path) -> None:
    common: dict[str, Any] = {"strategy": JOIN, "venue": VENUE, "policy": POLICY, "seed": 7}
    with open_journal(recording, RealDisk(), Inline()) as journal:
        feed = JournalFeed(RealDisk(), journal, newest(), this_build(), Inline(), lambda note: None)
        assert resimulate(feed, **common).stats.fills == joined.stats.fills
        assert resimulate(journal, **common).stats.state_digest == joined.stats.state_digest
        assert len(list(journal.records())) > 400
        with pytest.raises(BadConfig, match="this is a feed"):
            resimulate(feed, **common, out="nowhere")


def test_a_configuration_gives_its_venue_and_its_policy(joined: Run, recording: Path, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "c.yaml").write_text(
        "policy: policy.yaml\nstrategies: []\nvenue: {order_latency_ms: 40, report_latency_ms: 30}\n"
    )
    found = resimulate(recording, strategy=JOIN, venue=tmp_path / "c.yaml", seed=7)

    assert found.stats.state_digest == joined.stats.state_digest
    assert found.stats.policy == "example-1"
    assert (
        resimulate(recording, strategy=JOIN, venue=VENUE, policy=tmp_path / "policy.yaml").stats.policy == "example-1"
    )


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        ({}, BadConfig, "say which strategy"),
        ({"strategy": JOIN, "venue": {"order_latency_ms": 1}}, BadConfig, "report_latency_ms"),
        ({"strategy": JOIN, "venue": {"order_latency_ms": "x", "report_latency_ms": 1}}, BadConfig, "order_latency_ms"),
        ({"strategy": JOIN, "policy": "nowhere.yaml"}, BadConfig, "nowhere.yaml"),
        ({"strategy": JOIN, "policy": "version: x\n"}, BadPolicy, "settlements"),
        ({"strategy": [JOIN, JOIN]}, BadConfig, "give a mapping"),
        ({"strategy": JOIN, "sink": "overlay"}, BadConfig, "an overlay needs out=DIR"),
        ({"strategy": JOIN, "sink": "none", "out": "x"}, BadConfig, "an overlay needs out=DIR"),
        ({"strategy": "nowhere.py:Mine"}, BadConfig, "nowhere.py"),
        ({"strategy": "engine.strategies.join_touch:JoinTouch"}, BadStrategy, "size_lots"),
    ],
)
def test_what_cannot_be_run_is_told_before_anything_runs(
    given: dict[str, Any], error: type[Exception], says: str, recording: Path
) -> None:
    with pytest.raises(error, match=says):
        resimulate(recording, **given)


def test_a_strategy_that_leaves_the_process_is_an_error(recording: Path, tmp_path: Path) -> None:
    (tmp_path / "quit.py").write_text(
        "import sys\nclass Quit:\n    def decide(self, view, wake):\n        sys.exit(3)\n"
    )
    with pytest.raises(BadStrategy, match=r"called sys\.exit"):
        resimulate(recording, strategy=f"{tmp_path / 'quit.py'}:Quit")


def test_a_labelled_journal_is_refused_unless_it_is_asked_for(tmp_path: Path) -> None:
    base = sample_recording(tmp_path / "base", frames=30)
    write_label(RealDisk(), base, Label(segment=1, invalid=True, reason="a test", labelled="2026-01-01"))
    with pytest.raises(MarkedInvalid):
        resimulate(base, strategy=JOIN)

    assert resimulate(base, strategy=JOIN, include_invalid=True).stats.inputs > 30


def test_several_strategies_run_under_their_names(recording: Path, tmp_path: Path) -> None:
    (tmp_path / "noisy.py").write_text(NOISY)
    found = resimulate(
        recording,
        strategy={"calm": JOIN, "loud": f"{tmp_path / 'noisy.py'}:Noisy"},
        policy=POLICY,
        seed=3,
        progress=True,
    )

    assert [one.name for one in found.start.strategies] == ["calm", "loud"]
    assert {row["strategy"] for row in found.orders} == {"calm", "loud"}
    assert resimulate(recording, strategy={"a": JOIN, "b": JOIN}).stats.submitted > 0


# -- tables ------------------------------------------------------------------------------------------------------------


def test_the_tables_say_what_the_journal_says(joined: Run) -> None:
    assert joined.out is not None
    found = records(joined.out)
    requests = [r for r in of_kind(found, int(kinds.REQUEST)) if decode(r.kind, r.schema, r.payload)["what"] == PLACE]
    filled = of_kind(found, int(kinds.SIM_FILLED))

    assert [row["order"] for row in joined.orders] == [record.seq for record in requests]
    assert [row["cause"] for row in joined.orders] == [record.cause for record in requests]
    assert [row["seq"] for row in joined.fills] == [record.seq for record in filled]
    assert [row["time"] for row in joined.fills] == [record.recv_ns for record in filled]
    assert [row["seq"] for row in joined.verdicts] == [r.seq for r in of_kind(found, int(kinds.VERDICT))]
    assert len(joined.fills) == joined.stats.fills
    assert len(joined.orders) == joined.stats.submitted


def test_fills_add_up_to_positions_cash_and_fees(recording: Path, tmp_path: Path) -> None:
    (tmp_path / "noisy.py").write_text(NOISY)
    found = resimulate(
        recording, strategy=StrategyConfig("n", f"{tmp_path / 'noisy.py'}:Noisy", parameters={"ppm": 600_000}), seed=5
    )
    held: dict[str, Decimal] = {}
    spent = Decimal(0)
    for row in found.fills:
        assert row["status"] in ("FINAL", "MATCHED", "MINED", "CONFIRMED")
        sign = 1 if row["side"] == "BUY" else -1
        held[row["instrument"]] = held.get(row["instrument"], Decimal(0)) + sign * row["size"]
        spent += sign * row["size"] * row["price"] + row["fee"]
    (money,) = found.stats.money

    assert len(found.fills) > 3
    assert {one.instrument: one.size for one in found.stats.positions} == held
    assert money.cash == -spent
    assert money.fees == sum(row["fee"] for row in found.fills)
    assert any(row["fee"] > 0 for row in found.fills)
    cost = sum(one.cost for one in found.stats.positions)
    assert money.cash == money.realised - cost - money.fees + money.income
    assert found.stats.pnl() == money.total == found.stats.pnl("pUSD")


def test_an_order_is_told_to_its_end(joined: Run) -> None:
    states = {row["state"] for row in joined.orders}

    assert {"FILLED", "CANCELLED"} <= states <= {"FILLED", "CANCELLED", "LIVE", "PENDING", "REJECTED"}
    for row in joined.orders:
        assert (row["state"] == "FILLED") == (row["filled"] == row["size"])
        assert (row["ended_time"] is None) == (row["state"] in ("LIVE", "PENDING"))
        assert row["why"] == "join the best bid"
        assert row["post_only"]
        assert row["strategy"] == "JoinTouch"


def test_arrow_columns_are_typed(joined: Run) -> None:
    fills = joined.fills.to_arrow()

    assert fills.num_rows == len(joined.fills)
    assert fills.schema.field("time").type == pa.timestamp("ns", tz="UTC")
    assert fills.schema.field("seq").type == pa.int64()
    assert fills.schema.field("price").type == pa.float64()
    assert fills.schema.field("price_exact").type == pa.decimal128(38, 18)
    assert fills.schema.field("maker").type == pa.bool_()
    assert fills["price_exact"].to_pylist() == [row["price"] for row in joined.fills]
    assert fills["price"].to_pylist() == [float(row["price"]) for row in joined.fills]
    for table in (joined.orders, joined.verdicts):
        assert table.to_arrow().num_rows == len(table)
    assert resimulate_nothing(joined).num_rows == 0


def resimulate_nothing(joined: Run) -> Any:
    """An empty table of fills."""
    return type(joined.fills)([]).to_arrow()


def test_pandas_gets_the_same_rows(joined: Run) -> None:
    pandas = pytest.importorskip("pandas")
    frame = joined.orders.to_pandas()

    assert isinstance(frame, pandas.DataFrame)
    assert list(frame["order"]) == [row["order"] for row in joined.orders]


def test_a_run_without_tables_says_how_to_get_them(recording: Path) -> None:
    found = resimulate(recording, strategy=JOIN, tables=False)
    with pytest.raises(TablesNotKept, match="tables=True"):
        _ = found.fills


# -- how it looks ------------------------------------------------------------------------------------------------------


def test_a_run_is_readable(joined: Run) -> None:
    told = repr(joined)

    assert told.startswith("Run of JoinTouch\n")
    assert f"orders {joined.stats.submitted}, cancels {joined.stats.cancels}, fills {joined.stats.fills}" in told
    assert "PnL" in told
    assert joined.stats.state_digest in told
    assert "<table>" in joined._repr_html_()
    assert "Fills: " in repr(joined.fills)
    assert joined.fills._repr_html_().count("<tr>") == min(len(joined.fills), 10) + 1
    assert joined.fills[0]["strategy"] == "JoinTouch"


def test_the_package_stays_light_until_it_is_used() -> None:
    ours = "('replay', 'pyarrow', 'journal')"
    code = f"import sys, replay\nprint(sorted(m for m in sys.modules if m.split('.')[0] in {ours}))"
    root = Path(__file__).resolve().parents[2]
    found = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "['replay']"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        __import__("replay").nothing  # noqa: B018
