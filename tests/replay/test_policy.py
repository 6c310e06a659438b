"""Reading the trading policy: everything it says, or one sentence."""

from pathlib import Path

import pytest
from attrs import evolve
from conftest import ROOT
from run_maker import RUN, sample_inputs, write_run

from engine.kernel.policy import Policy
from engine.runtime.policy import BadPolicy, read_policy
from journal.background import Inline
from journal.reader import open_journal
from replay.defaults import POLICY
from replay.policy import read_recorded_policy
from replay.verify import replay_strictly

EXAMPLE = (ROOT / "config" / "trading_policy.yaml").read_text(encoding="utf-8")
CHURN = ("min_resting_ms", "order_to_trade", "window_ms", "free", "per_fill")
"""The fields of limits against churn, which the oldest runs were recorded without."""


def without_churn(text: str) -> str:
    """*text* as it would have been written before there were limits against churn."""
    lines = [line for line in text.splitlines() if line.strip().partition(":")[0] not in CHURN]
    return "\n".join(lines)


def test_the_example_says_what_it_shows():
    policy = read_policy(EXAMPLE)

    assert isinstance(policy, Policy)
    assert policy.version == "example-1"
    assert policy.settlements["pUSD"].max_order_notional == 100_000_000
    assert policy.rules[0].min_price == 10_000
    assert policy.rules[1].tifs == ("GTC", "FAK")
    assert policy.max_ttl_ns == 86_400_000_000_000
    assert policy.max_data_age_ns == 60_000_000_000
    assert policy.latch_ns == 60_000_000_000
    assert policy.self_cross_refused
    assert policy.min_resting_ns == 100_000_000
    assert policy.message_window_ns == 3_600_000_000_000
    assert (policy.free_messages, policy.messages_per_fill) == (5000, 500)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("version: example-1\n", "", "version"),
        ("version: example-1", "version: 1.0", "version"),
        ("version: example-1", 'version: "a\\nb"', "version"),
        ("max_open: 400", "max_opne: 400", "max_opne"),
        ("max_open: 400", "max_open: many", "orders.max_open"),
        ("max_open: 400", "max_open: -1", "orders.max_open"),
        ("max_open: 400", "max_open: true", "orders.max_open"),
        ("max_open: 400", "max_open: 400\n  max_open: 500", "twice"),
        ('max_order_notional: "100"', "max_order_notional: 100.5", "pUSD.max_order_notional"),
        ('max_order_notional: "100"', 'max_order_notional: "1e9"', "pUSD.max_order_notional"),
        ('max_order_notional: "100"', 'max_order_notional: "-1"', "pUSD.max_order_notional"),
        ('max_order_notional: "100"', 'max_order_notional: "٣"', "pUSD.max_order_notional"),
        ('max_price: "0.99"', 'max_price: "0.001"', "rules[0]"),
        ("tifs: [GTC, FAK]", "tifs: []", "rules[1].tifs"),
        ("tifs: [GTC, FAK]", "tifs: [GTX]", "rules[1].tifs"),
        ("tifs: [GTC, FAK]", "tifs: GTC", "rules[1].tifs"),
        ('match: "binance*"', 'match: ""', "rules[1].match"),
        ("self_cross: refuse", "self_cross: allow", "orders.self_cross"),
        ("self_cross: refuse", "self_cross: true", "orders.self_cross"),
        ("  self_cross: refuse", "  # nothing", "self_cross"),
        ("min_resting_ms: 100", "min_resting_ms: -1", "orders.min_resting_ms"),
        ("  min_resting_ms: 100", "  # nothing", "min_resting_ms"),
        ("window_ms: 3_600_000", "window_ms: 1h", "orders.order_to_trade.window_ms"),
        ("free: 5000", "free: 0.5", "orders.order_to_trade.free"),
        ("per_fill: 500", "per_fill: null", "orders.order_to_trade.per_fill"),
        ("    per_fill: 500", "    # nothing", "per_fill"),
        ("latch_ms: 60_000", "latch_ms: [", "YAML"),
        ("gates:", "doors:", "gates"),
        ("gates:", "? [a]\n: 2\ngates:", "YAML"),
    ],
)
def test_a_policy_that_does_not_fit_is_refused_in_one_sentence(old, new, words):
    with pytest.raises(BadPolicy) as refused:
        read_policy(EXAMPLE.replace(old, new, 1))

    assert str(refused.value).startswith("CFG_INVALID: the trading policy ")
    assert "\n" not in str(refused.value)
    assert words in str(refused.value)


def test_own_orders_that_would_meet_may_be_left_to_the_venue():
    assert not read_policy(EXAMPLE.replace("self_cross: refuse", "self_cross: venue")).self_cross_refused


@pytest.mark.parametrize("text", ["", "[]", "just words"])
def test_what_is_no_mapping_is_no_policy(text):
    with pytest.raises(BadPolicy, match="mapping"):
        read_policy(text)


def test_a_policy_names_a_currency_and_a_rule():
    head, rest = EXAMPLE.split("settlements:")
    body, tail = rest.split("rules:")
    _, orders = tail.split("orders:")
    with pytest.raises(BadPolicy, match="currency"):
        read_policy(f"{head}settlements: {{}}\nrules:{tail}")
    with pytest.raises(BadPolicy, match="rules"):
        read_policy(f"{head}settlements:{body}rules: []\norders:{orders}")


def test_a_recorded_policy_has_no_limit_that_did_not_exist_when_it_was_recorded():
    read = read_recorded_policy(without_churn(EXAMPLE))
    unlimited = EXAMPLE.replace("min_resting_ms: 100", "min_resting_ms: 0").replace(
        "window_ms: 3_600_000", "window_ms: 0"
    )
    unlimited = unlimited.replace("free: 5000", "free: 0").replace("per_fill: 500", "per_fill: 0")

    assert read.canonical() == read_policy(unlimited).canonical()
    with pytest.raises(BadPolicy, match=r"min_resting_ms.*order_to_trade"):
        read_policy(without_churn(EXAMPLE))


def test_a_recorded_policy_states_all_else_as_a_new_one_does():
    assert read_recorded_policy(EXAMPLE).canonical() == read_policy(EXAMPLE).canonical()
    assert read_recorded_policy(without_churn(POLICY)).canonical() == read_recorded_policy(POLICY).canonical()
    for old, new in (("self_cross: refuse", "#"), ("max_open: 400", "max_opne: 400"), ("free: 5000", "#")):
        with pytest.raises(BadPolicy):
            read_recorded_policy(EXAMPLE.replace(old, new, 1))
    with pytest.raises(BadPolicy, match="orders"):
        read_recorded_policy(EXAMPLE.partition("orders:")[0])


def test_a_run_recorded_before_a_limit_existed_replays_strictly(tmp_path: Path):
    run = evolve(RUN, build="an older one", policy=without_churn(EXAMPLE))
    write_run(tmp_path, sample_inputs(40), run=run)
    with open_journal(tmp_path, background=Inline()) as journal:
        found = replay_strictly(journal)

    assert found.identical
    assert found.other_build
    assert found.kernel is not None
    assert found.kernel.trading.desk.policy is read_recorded_policy(run.policy)
