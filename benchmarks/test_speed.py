"""The cases under pytest-benchmark: `pytest benchmarks`, with its own statistics, comparisons and histories."""

from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks.__main__ import CASES
from benchmarks.case import Case
from benchmarks.material import SMALL, Material
from benchmarks.measure import WARM_UPS, pinned
from engine import ROOT

ROUNDS = 5


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    return Material(tmp_path_factory.mktemp("benchmarks"), ROOT.parent / "shared" / "data", SMALL)


@pytest.fixture
def on_cores(request: pytest.FixtureRequest) -> Iterator[None]:
    case: Case = request.node.callspec.params["case"]
    with pinned(case.cores):
        yield


@pytest.mark.usefixtures("on_cores")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_speed(benchmark: Any, material: Material, case: Case) -> None:
    work = case.prepare(material)
    benchmark.extra_info.update(amount=work.amount, unit=case.unit.text, note=work.note)
    benchmark.pedantic(
        lambda once: once(),
        setup=lambda: ((work.begin(),), {}),
        rounds=ROUNDS,
        warmup_rounds=WARM_UPS,
    )
