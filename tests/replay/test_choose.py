"""Strict or resimulation: every combination that a person may type."""

import pytest

from replay.choose import Asked, Contradiction, is_resimulation
from replay.run import RunStart

RUN = RunStart(
    run_id="r",
    run_epoch=1,
    build="b",
    decoders={},
    strategies=(),
    config="",
    policy="",
    policy_digest="",
    seed=7,
    environment="DEV",
    executor="simulated",
    platform="p",
    clock_source="base",
)


@pytest.mark.parametrize(
    ("asked", "run", "resimulates"),
    [
        (Asked(), None, False),
        (Asked(), RUN, False),
        (Asked(seed=7), RUN, False),
        (Asked(seed=8), RUN, True),
        (Asked(strict=True), RUN, False),
        (Asked(strict=True, seed=7), RUN, False),
        (Asked(resimulate=True), RUN, True),
        (Asked(resimulate=True, out=True), RUN, True),
        (Asked(resimulate=True, seed=7), RUN, True),
        (Asked(strategy=True), RUN, True),
        (Asked(overrides=True), RUN, True),
        (Asked(config=True), None, True),
        (Asked(config=True, seed=3, out=True), None, True),
    ],
)
def test_the_options_together_choose_one_of_the_two(asked: Asked, run: RunStart | None, resimulates: bool) -> None:
    assert resimulates == is_resimulation(asked, run, "journal/")


@pytest.mark.parametrize(
    ("asked", "run", "advice"),
    [
        (Asked(strict=True, resimulate=True), RUN, "leave one"),
        (Asked(strict=True, config=True), RUN, "engine replay journal/"),
        (Asked(strict=True, seed=8), RUN, "engine replay journal/"),
        (Asked(strict=True, seed=8), None, "engine replay journal/"),
        (Asked(seed=9), None, "engine replay journal/ --seed 9 --config CONFIG.yaml"),
        (Asked(resimulate=True), None, "--config CONFIG.yaml"),
        (Asked(out=True), RUN, "--resimulate --out DIR"),
        (Asked(out=True), None, "engine replay journal/ --config CONFIG.yaml --out DIR"),
    ],
)
def test_a_contradiction_is_refused_with_the_command_to_type(asked: Asked, run: RunStart | None, advice: str) -> None:
    with pytest.raises(Contradiction) as refused:
        is_resimulation(asked, run, "journal/")

    assert advice in refused.value.advice
