"""From the `venue:` part of a configuration to a simulated venue: what is built, and what is refused."""

from typing import Any

import pytest
import yaml
from trading_room import Room, binary

from adapters.simulated.clearing import Clearing
from adapters.simulated.queue import PowerLaw, Queue, RiskAverse
from adapters.simulated.rules import SELF_CANCEL_OLDEST
from replay.config import BadConfig, read_config
from replay.venue import models_of, most_round_trip_ns, venue_of
from replay.venue_config import LognormalConfig, QuantilesConfig, VenueConfig

MS = 1_000_000
LEARNED = {"quantiles_ms": {0: 1, 500_000: 2.5, 1_000_000: 40}}
SPREAD = {"least_ms": 10, "median_ms": 30, "sigma": 0.5, "most_ms": 500}


def read(**venue: Any) -> VenueConfig:
    """The venue of a configuration that says this beside its two latencies."""
    values = {"strategies": [], "venue": {"order_latency_ms": 5, "report_latency_ms": 4, **venue}}
    return read_config(yaml.safe_dump(values, sort_keys=False), "demo.yaml")[0].venue


def test_two_latencies_are_enough_and_mean_the_simplest_venue() -> None:
    config = read()
    models = models_of(config, 7, Clearing())

    assert config == VenueConfig(5.0, 4.0)
    assert [delay.ns(1, 0, 0) for delay in (models.latency.entry, models.latency.cancel, models.latency.response)] == [
        5 * MS,
        5 * MS,
        4 * MS,
    ]
    assert type(models.queue) is Queue
    assert not models.fills.shared
    assert (models.rules.self_trade, models.rules.gtd_step_ns, models.rules.markets) == (0, 1, ())
    assert most_round_trip_ns(config) == 9 * MS


def test_a_latency_may_be_a_distribution_drawn_under_the_runs_seed() -> None:
    config = read(order_latency_ms=LEARNED, cancel_latency_ms=1, report_latency_ms=SPREAD)
    one, same, other = (models_of(config, seed, Clearing()).latency for seed in (7, 7, 8))

    assert config.order_latency_ms == QuantilesConfig({0: 1.0, 500_000: 2.5, 1_000_000: 40.0})
    assert config.report_latency_ms == LognormalConfig(10.0, 30.0, 0.5, 500.0)
    assert [one.entry.ns(key, 0, 0) for key in range(9)] == [same.entry.ns(key, 0, 0) for key in range(9)]
    assert [one.entry.ns(key, 0, 0) for key in range(9)] != [other.entry.ns(key, 0, 0) for key in range(9)]
    assert one.cancel.ns(5, 0, 0) == MS
    assert all(10 * MS <= one.response.ns(key, 0, 0) <= 500 * MS for key in range(99))
    assert most_round_trip_ns(config) == 540 * MS


def test_entry_and_cancel_of_one_distribution_are_drawn_apart() -> None:
    latency = models_of(read(order_latency_ms=LEARNED), 7, Clearing()).latency

    assert [latency.entry.ns(key, 0, 0) for key in range(9)] != [latency.cancel.ns(key, 0, 0) for key in range(9)]


@pytest.mark.parametrize(("name", "model"), [("conservative", Queue), ("risk_averse", RiskAverse), ("power", PowerLaw)])
def test_a_queue_model_is_chosen_by_its_name(name: str, model: type[Queue]) -> None:
    assert type(models_of(read(queue=name), 7, Clearing()).queue) is model


def test_rules_are_taken_over() -> None:
    config = read(
        fills="partial",
        self_trade="cancel_oldest",
        gtd_step_ms=1000,
        rates={"orders_per_s": 2, "order_burst": 1},
        rules=[{"match": "polymarket:*", "taker_delay_ms": 250, "least_taking_buy": 1}],
    )
    models = models_of(config, 7, Clearing())
    rule = models.rules.markets[0]

    assert models.fills.shared
    assert (models.rules.self_trade, models.rules.gtd_step_ns) == (SELF_CANCEL_OLDEST, 1_000_000_000)
    assert (rule.match, rule.taker_delay_ns, rule.least_taking_buy) == ("polymarket:*", 250 * MS, 1_000_000)
    assert [models.rules.orders.take(0) for _ in range(2)] == [True, False]
    assert all(models.rules.cancels.take(0) for _ in range(9))
    assert most_round_trip_ns(config) == 259 * MS


def test_a_venue_is_built_on_the_kernels_instruments() -> None:
    room = Room(binary())
    venue = venue_of(read(), room.instruments, 7)

    assert not venue.busy()
    assert venue.watch(0).count == 0


def test_what_was_written_out_reads_as_the_same() -> None:
    config = read(order_latency_ms=LEARNED, report_latency_ms=SPREAD, rules=[{"match": "*"}])
    written = yaml.safe_dump({"order_latency_ms": LEARNED, "report_latency_ms": SPREAD, "rules": [{"match": "*"}]})

    assert read(**yaml.safe_load(written)) == config


@pytest.mark.parametrize(
    ("venue", "named"),
    [
        ({"order_latency_ms": -1}, "order_latency_ms is -1.0, expected milliseconds from 0"),
        ({"order_latency_ms": float("nan")}, "order_latency_ms is nan"),
        ({"order_latency_ms": 3_600_001}, "order_latency_ms is 3600001"),
        ({"order_latency_ms": None}, "order_latency_ms"),
        ({"report_latency_ms": "fast"}, "report_latency_ms"),
        ({"report_latency_ms": {"median_ms": 3}}, "report_latency_ms"),
        ({"cancel_latency_ms": True}, "cancel_latency_ms"),
        ({"report_latency_ms": {**SPREAD, "sigma": 11}}, "sigma is 11"),
        ({"report_latency_ms": {**SPREAD, "median_ms": 5}}, "expected in that order"),
        ({"report_latency_ms": {**SPREAD, "mean_ms": 5}}, "mean_ms"),
        ({"order_latency_ms": {"quantiles_ms": {0: 1}}}, "quantiles_ms has 1 entries"),
        ({"order_latency_ms": {"quantiles_ms": {1: 1, 1_000_000: 2}}}, "expected the first at 0"),
        ({"order_latency_ms": {"quantiles_ms": {0: 1, 5: 1, 4: 1, 1_000_000: 2}}}, "millionths do not rise"),
        ({"order_latency_ms": {"quantiles_ms": {0: 3, 1_000_000: 2}}}, "milliseconds fall"),
        ({"order_latency_ms": {"quantiles_ms": {0: float("nan"), 1_000_000: 2}}}, "milliseconds fall"),
        ({"order_latency_ms": {"quantiles_ms": {"0": 1, 1_000_000: 2}}}, "quantiles_ms"),
        ({"order_latency_ms": {"quantiles_ms": {0: 1, 1_000_000: 2}, "seed": 1}}, "seed"),
        ({"queue": "fifo"}, "queue is 'fifo', expected one of conservative, risk_averse, power"),
        ({"queue_exponent": 0}, "queue_exponent is 0.0"),
        ({"fills": "some"}, "fills is 'some', expected one of whole, partial"),
        ({"self_trade": "no"}, "self_trade is 'no'"),
        ({"gtd_step_ms": -1}, "gtd_step_ms"),
        ({"rates": {"orders_per_s": -1}}, "orders_per_s is -1, expected a whole number from 0"),
        ({"rates": {"order_burst": 0}}, "order_burst is 0"),
        ({"rates": {"orders_per_s": 1.5}}, "orders_per_s"),
        ({"rates": {"orders": 1}}, "orders"),
        ({"rules": [{"taker_delay_ms": 5}]}, "match"),
        ({"rules": [{"match": "*", "taker_delay_ms": -5}]}, "taker_delay_ms is -5"),
        ({"rules": [{"match": "*", "least_taking_buy": -5}]}, "least_taking_buy is -5"),
        ({"rules": [{"match": "*", "delay": 5}]}, "delay"),
        ({"clock": {"floor_ms": -1}}, "floor_ms is -1"),
        ({"latency": 5}, "latency"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_name(venue: dict[str, Any], named: str) -> None:
    with pytest.raises(BadConfig, match=named):
        read(**venue)
