"""Two strategies in the same markets of a whole run: what the journal says of it."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve, frozen
from resimulations import POLICY, Setting, names, records, resimulate, sample_recording, strict

from engine.kernel import codes, kinds
from engine.kernel.derived import PLACE, decode
from engine.kernel.order import FLAG_UNWIND
from journal.reader import Journal, Record
from replay.config import RunConfig
from replay.run import RunStart

TIGHT = POLICY.replace("min_resting_ms: 100", "min_resting_ms: 700").replace("free: 5000", "free: 6")
TIGHT = TIGHT.replace("per_fill: 500", "per_fill: 2").replace("window_ms: 3_600_000", "window_ms: 2_000")


@frozen
class Two(Setting):
    """The setting's strategy twice, the second in a higher tier."""

    @property
    def config(self) -> RunConfig:
        config = super().config
        (one,) = config.strategies
        return evolve(config, strategies=(one, evolve(one, name="two", tier="box_arbitrage")))

    def run(self, base: Journal) -> RunStart:
        run = super().run(base)
        (one,) = run.strategies
        return evolve(run, strategies=(one, evolve(one, name="two", tier="box_arbitrage")))


@pytest.fixture(scope="module")
def overlay(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of both on a recording of two markets."""
    folder = tmp_path_factory.mktemp("two")
    base = sample_recording(folder / "base", frames=900, markets=2)
    resimulate(base, Two(policy=TIGHT), folder / "run")
    return folder / "run"


def said(overlay: Path, kind: int) -> list[tuple[Record, dict[str, Any]]]:
    return [(one, decode(one.kind, one.schema, one.payload)) for one in records(overlay) if one.kind == kind]


def test_the_run_replays_identically(overlay: Path) -> None:
    assert strict(overlay).divergence is None


def test_every_intent_has_one_verdict(overlay: Path) -> None:
    intents = Counter(fields["id"] for _, fields in said(overlay, kinds.INTENT))
    verdicts = Counter(fields["id"] for _, fields in said(overlay, kinds.VERDICT))

    assert intents == verdicts
    assert set(intents.values()) == {1}


def test_the_limits_against_churn_refuse(overlay: Path) -> None:
    counts = Counter(codes.name(fields["code"]) for _, fields in said(overlay, kinds.VERDICT))

    assert min(counts[name] for name in ("OK", "NOT_OWNER", "RESTING", "ORDER_TO_TRADE")) > 0, counts


def test_between_two_hand_overs_one_strategy_alone_places(overlay: Path) -> None:
    owners: dict[int, int] = {}
    intents = {fields["id"]: fields for _, fields in said(overlay, kinds.INTENT)}
    handed = 0
    for one in records(overlay):
        if one.kind == kinds.OWNER:
            fields = decode(one.kind, one.schema, one.payload)
            assert (fields["old"], fields["new"]) in ((1, 2), (2, 1))
            assert owners[fields["market"]] == fields["new"]  # the order that took it stands before
            handed += 1
        elif one.kind == kinds.REQUEST:
            fields = decode(one.kind, one.schema, one.payload)
            intent = intents.get(fields["id"])
            if fields["what"] != PLACE or intent is None or intent["flags"] & FLAG_UNWIND:
                continue
            market = fields["instrument"] // 2
            before = owners.get(market, intent["seat"])
            owners[market] = intent["seat"]
            following = names([other for other in records(overlay) if other.cause == one.cause and other.seq > one.seq])
            assert before == intent["seat"] or "OWNER" in following

    assert handed > 1
