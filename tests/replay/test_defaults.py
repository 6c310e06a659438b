"""What holds where nobody says otherwise: in simulations everything, in runs that trade nothing."""

from pathlib import Path

import pytest

from engine.runtime.policy import read_policy as read_live_policy
from journal.disk import RealDisk
from replay.config import BadConfig, read_config
from replay.defaults import CONFIGURATION, CURRENCIES, POLICY, SIMULATION, VERSION, policy_text
from replay.policy import BadPolicy, read_policy


def test_the_built_in_texts_can_be_read() -> None:
    config, said = read_config(CONFIGURATION, "the built-in configuration")

    assert said == CONFIGURATION
    assert config.policy == SIMULATION
    assert config.strategies == ()
    assert read_policy(POLICY).version == VERSION


def test_the_built_in_policy_permits_what_can_be_expressed() -> None:
    policy = read_policy(POLICY)
    rule = policy.rule_for("anything:at all")

    assert rule is not None
    assert rule.tifs == ("GTC", "GTD", "FOK", "FAK")
    assert list(policy.settlements) == list(CURRENCIES)
    for limits in policy.settlements.values():
        assert limits.max_order_notional == limits.max_account_notional == 10**18
    assert policy.max_data_age_ns == 0


def test_a_run_that_trades_refuses_the_built_in_policy_and_takes_a_written_one() -> None:
    with pytest.raises(BadPolicy, match="nothing may trade under it"):
        read_live_policy(POLICY)
    written = (Path(__file__).resolve().parents[2] / "config" / "trading_policy.yaml").read_text()

    assert read_live_policy(written).version == "example-1"


def test_a_policy_is_named_by_file_by_word_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("text")

    assert policy_text(RealDisk(), "p.yaml", tmp_path) == "text"
    assert policy_text(RealDisk(), SIMULATION, tmp_path) == POLICY
    assert policy_text(RealDisk(), "", tmp_path) == ""
    with pytest.raises(BadConfig, match=r"q\.yaml"):
        policy_text(RealDisk(), "q.yaml", tmp_path)
