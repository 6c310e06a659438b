"""A run's key: it changes with all that a run depends on, and with nothing else."""

from pathlib import Path

import pytest
from attrs import evolve
from resimulations import JOINING, resimulate
from sweeps import CONFIG, place_at, planned

from journal.disk import RealDisk
from journal.errors import JournalError
from replay.config import BadConfig
from replay.policy import BadPolicy
from replay.strategies import BadStrategy
from replay.sweep.plan import Plan, market_of
from replay.sweep.store import key_of


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return place_at(tmp_path_factory.mktemp("plan"), frames=40)


def key(plan: Plan, seed: int = 1) -> str:
    return key_of(plan.made_of(0, 0, seed))


def written(place: Path, name: str, text: str) -> Plan:
    """The plan of a configuration that says *text*."""
    (place / name).write_text(text)
    return planned(place, config=name)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("seed: 5", "seed: 6"),  # beside it: every run has its own
        ("seed: 5\n", "seed: 5  # a remark\n\n"),
        ("{size_lots: 20_000_000, max", "{min_spread_ticks: 1, size_lots: 20000000, max"),
        ("policy: simulation", "policy: simulation\njournals: [one, two]"),
        ("code: joiner.py", "code: same.py"),
    ],
)
def test_how_a_configuration_is_written_does_not_change_the_key(place: Path, old: str, new: str) -> None:
    (place / "same.py").write_text((place / "joiner.py").read_text())
    text = CONFIG.replace(old, new).replace(
        ", min_spread_ticks: 1}", "}" if "{min" in new else ", min_spread_ticks: 1}"
    )

    assert text != CONFIG
    assert key(written(place, "other.yaml", text)) == key(planned(place))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("min_spread_ticks: 1", "min_spread_ticks: 2"),
        ("report_latency_ms: 30", "report_latency_ms: 31"),
        ("name: one", "name: two"),
        ("policy: simulation", "policy: ''"),
        ("policy: simulation", "policy: simulation\nbook_hash_every: 2"),
        ("policy: simulation", "policy: simulation\nmoney: {rewards: false}"),
        ("policy: simulation", "policy: simulation\nadversary: {partial: {chance: 0.5}}"),
    ],
)
def test_what_a_configuration_says_changes_the_key(place: Path, old: str, new: str) -> None:
    text = CONFIG.replace(old, new)

    assert text != CONFIG
    assert key(written(place, "other.yaml", text)) != key(planned(place))


def test_the_journal_the_seed_the_strategys_text_the_build_and_the_code_change_the_key(place: Path) -> None:
    plan = planned(place)
    (place / "edited.py").write_text((place / "joiner.py").read_text() + "\n# edited\n")
    edited = written(place, "edited.yaml", CONFIG.replace("joiner.py", "edited.py"))
    start = plan.variants[0].starts[0]
    rebuilt = evolve(plan, variants=(evolve(plan.variants[0], starts=(evolve(start, build="other"),)),))
    keys = [
        key(plan),
        key(plan, seed=2),
        key(planned(place, journals=("two",))),
        key(edited),
        key(rebuilt),
        key(evolve(plan, code="other")),
    ]

    assert len(set(keys)) == len(keys)


def test_tasks_are_all_variants_on_all_markets_under_all_seeds_each_with_its_own_key(place: Path) -> None:
    spread = "strategies.one.parameters.min_spread_ticks"
    plan = planned(place, f"{spread}=1", f"{spread}=2", journals=("one", "two"))
    tasks = plan.tasks((1, 2, 3))

    assert len({task.key for task in tasks}) == len(tasks) == 12
    assert all(task.key == key_of(plan.made_of(task.variant, task.market, task.seed)) for task in tasks)
    assert [task.market for task in tasks] == [0] * 6 + [1] * 6


@pytest.mark.parametrize(
    ("override", "error"),
    [
        ("strategies.one.parameters.min_spread_ticks=wide", BadStrategy),
        ("strategies.one.parameters.spread=1", BadStrategy),
        ("strategies.one.tier=first", BadStrategy),
        ("strategies.one.code=none.py:None_", BadConfig),
        ("venue.queue=first", BadConfig),
        ("policy=joiner.py", BadPolicy),
        ("strategies=[]", BadConfig),
    ],
)
def test_what_cannot_run_is_refused_before_anything_is_run(
    place: Path, override: str, error: type[JournalError]
) -> None:
    with pytest.raises(error):
        planned(place, override)


def test_a_run_stands_for_the_market_data_that_it_was_made_on(place: Path) -> None:
    resimulate(place / "one", JOINING, place / "run")
    market, recording = (market_of(RealDisk(), place / name, False) for name in ("run", "one"))

    assert (market.path, market.base) == (place / "run", (place / "one").resolve())
    assert market.told == recording.told
    assert market.recorded is not None
    assert recording.recorded is None
