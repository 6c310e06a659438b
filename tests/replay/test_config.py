"""Configurations: what is read, what is refused, and how a person is told."""

from pathlib import Path

import pytest

from journal.disk import RealDisk
from replay.config import BadConfig, read_config, source_of, sources

TEXT = """
seed: 5
policy: policy.yaml
strategies:
  - name: one
    code: mine.py:Mine
    parameters: {size: 3}
venue: {order_latency_ms: 1.5, report_latency_ms: 2}
"""


def test_a_configuration_is_read_with_units_in_its_names() -> None:
    config, text = read_config(TEXT, "demo.yaml")

    assert text == TEXT
    assert config.seed == 5
    assert config.venue.order_latency_ms == 1.5
    assert config.venue.report_latency_ms == 2
    assert config.strategies[0].parameters == {"size": 3}


def test_an_override_changes_one_value_and_the_recorded_text() -> None:
    config, text = read_config(
        TEXT, "demo.yaml", ("venue.report_latency_ms=7", "strategies.one.parameters.size=4", "seed=6")
    )

    assert config.venue.report_latency_ms == 7
    assert config.strategies[0].parameters == {"size": 4}
    assert config.seed == 6
    assert read_config(text, "recorded")[0] == config


def test_another_strategy_takes_the_place_of_all_and_has_the_parameters_that_overrides_give_it() -> None:
    config, text = read_config(TEXT, "demo.yaml", ("strategies.Other.parameters.depth=2",), "other.py:Other")

    assert [(one.name, one.code, one.parameters) for one in config.strategies] == [
        ("Other", "other.py:Other", {"depth": 2})
    ]
    assert read_config(text, "recorded")[0] == config
    with pytest.raises(BadConfig, match="there is no 'one'"):
        read_config(TEXT, "demo.yaml", ("strategies.one.parameters.size=4",), "other.py:Other")


def test_a_strategy_without_parameters_can_be_given_one() -> None:
    bare = TEXT.replace("    parameters: {size: 3}\n", "")

    assert (
        read_config(bare, "demo.yaml", ("strategies.one.parameters.size=4",))[0]
        == read_config(TEXT, "demo.yaml", ("strategies.one.parameters.size=4",))[0]
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("seed: [", "demo.yaml: "),
        ("- 1", "mapping"),
        ("seed: 1", "venue"),
        (TEXT + "seed: 6\n", "demo.yaml: gives 'seed' twice"),
        (TEXT.replace("{size: 3}", "{size: 3, depth: 1, size: 4}"), "gives 'size' twice"),
        (TEXT.replace("seed: 5", "seed: 2026-02-31"), "demo.yaml: is no YAML"),
        (TEXT + "speed: 9", r"extra fields found \(speed\) at the top$"),
        (TEXT.replace("seed: 5", "seed: five"), "seed"),
        (TEXT.replace("code: mine.py:Mine", "cod: mine.py:Mine"), "code"),
    ],
)
def test_a_configuration_that_does_not_hold_is_refused_by_the_name_of_the_field(text: str, says: str) -> None:
    with pytest.raises(BadConfig, match=says):
        read_config(text, "demo.yaml")


@pytest.mark.parametrize(
    "override",
    ["seed", "nothing.there=1", "strategies.two.parameters.size=1", "strategies.one=1", "seed.deeper=1", "seed={"],
)
def test_an_override_that_leads_nowhere_is_refused(override: str) -> None:
    with pytest.raises(BadConfig, match="--set"):
        read_config(TEXT, "demo.yaml", (override,))


def test_a_strategys_source_is_its_files_text(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("class Mine: ...\n")
    config, _ = read_config(TEXT, "demo.yaml")
    found = sources(RealDisk(), config, tmp_path)

    assert [(one.name, one.class_name, one.source) for one in found] == [("one", "Mine", "class Mine: ...\n")]
    source, name = source_of(RealDisk(), "engine.strategies.join_touch:JoinTouch", tmp_path)
    assert "class JoinTouch" in source
    assert name == "JoinTouch"


@pytest.mark.parametrize("code", ["mine.py", "missing.py:Mine", "no.such.module:Mine", "..:X", "json:", "sys:X"])
def test_a_strategy_that_is_nowhere_is_refused(code: str, tmp_path: Path) -> None:
    with pytest.raises(BadConfig):
        source_of(RealDisk(), code, tmp_path)


def test_two_strategies_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("class Mine: ...\n")
    doubled = TEXT.replace("venue:", "  - {name: one, code: mine.py:Mine}\nvenue:")
    config, _ = read_config(doubled, "demo.yaml")
    with pytest.raises(BadConfig, match="two strategies"):
        sources(RealDisk(), config, tmp_path)


def test_a_file_too_large_or_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "large.py").write_bytes(b"#" * (1 << 20) + b"\n")
    (tmp_path / "bytes.py").write_bytes(b"\xff\xfe")
    for name, says in (("large.py", "larger"), ("bytes.py", "UTF-8")):
        with pytest.raises(BadConfig, match=says):
            source_of(RealDisk(), f"{name}:X", tmp_path)


@pytest.mark.parametrize(
    "override",
    [
        "seed=7.9",
        "seed=true",
        "seed=-1",
        "seed=9223372036854775808",
        "book_hash_every=2.5",
        "book_hash_every=-1",
        "venue.order_latency_ms=true",
        "venue.order_latency_ms='3'",
        "strategies.one.name=5",
        "strategies.one.instruments='polymarket:1'",
        "strategies.one.instruments=[1]",
        "policy=5",
    ],
)
def test_a_value_of_another_type_or_out_of_range_is_refused_and_not_bent_into_one(override: str) -> None:
    with pytest.raises(BadConfig, match=override.partition("=")[0].rpartition(".")[2]):
        read_config(TEXT, "demo.yaml", (override,))
