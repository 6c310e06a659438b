"""The report of a real run: complete, self-contained, and the same figures as its document."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from attrs import evolve
from resimulations import JOINER, sample_recording

from replay import resimulate
from replay.facts import ControlChange, Credit, Regime, Score, Scores
from replay.report.fields import figures
from replay.report.limits import limits_of, said_of
from replay.report.make import report_page
from replay.report.told import Told
from replay.report.trading import money_cell
from replay.report.write import MOST_BYTES
from replay.results import NotObserved, Run
from replay.run import StrategySource
from replay.venue_config import LognormalConfig, QuantilesConfig

NOBODY = """
class Nobody:
    def decide(self, view, wake):
        return ()
"""
NAME = 'joiner <b>&"one"'


def played(folder: Path, source: str, class_name: str, parameters: dict[str, Any], frames: int, **more: Any) -> Run:
    base = folder / "recording"
    if not base.exists():
        sample_recording(base, frames=frames, losses=10**9)
    strategy = StrategySource(NAME, class_name, source, "market_making", (), parameters)
    venue = {"order_latency_ms": 40, "report_latency_ms": {"least_ms": 5, "median_ms": 30, "sigma": 1, "most_ms": 300}}
    return resimulate(base, strategy=strategy, venue=venue, seed=7, tables=False, observe=True, **more)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run with fills."""
    parameters = {"size_lots": 20_000_000, "max_position_lots": 100_000_000}
    return played(tmp_path_factory.mktemp("report"), JOINER, "JoinTouch", parameters, 3_000)


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run in which nobody did anything."""
    return played(tmp_path_factory.mktemp("idle"), NOBODY, "Nobody", {}, 300)


@pytest.fixture(scope="module")
def rich(run: Run) -> Told:
    """The run with fills, and everything beside that a short one lacks: rewards, payments, gates, modes, regimes."""
    observed = run.observed
    (first, last), seq = run.told.span, observed.fills[0].seq
    number = observed.fills[0].instrument
    market = observed.instruments[number].market
    middle = (first + last) // 2
    found = (
        Score(seq, first + 1, first, 0, 1, 3),
        Score(seq + 1, middle, middle, 0, 0, 5),
        Score(seq + 2, last, last, 0, 0, 0),
    )
    measures = {"edge": 100, "depth": 2_500}
    changed = evolve(
        observed,
        scores=(Scores(0, market, 1, 3, 1, found),),
        credits=(
            Credit(seq, middle, number, "reward", 7 * 10**9, ((NAME, 7 * 10**9),)),
            Credit(seq + 1, last, number, "rebate", 10**9, (("", 10**9),)),
        ),
        controls=(
            ControlChange(seq, first, "GATE", f"market {market}", "TOXIC_FLOW", "OPEN", "CLOSED"),
            ControlChange(seq + 1, middle, "GATE", f"market {market}", "TOXIC_FLOW", "CLOSED", "OPEN"),
            ControlChange(seq + 2, middle, "MODE", "account", "GATE_LATCHED", "ACTIVE", "KILL"),
            ControlChange(seq + 3, middle, "OWNER", f"market {market}", "", NAME, "other"),
        ),
        controls_more=4,
        regimes=(
            Regime(seq, first, market, "toxicity", 0, 2, 900, measures),
            Regime(seq + 1, middle, market, "toxicity", 2, 0, 10, measures),
        ),
    )
    return evolve(run.told, observed=changed)


def parsed(made: bytes) -> ElementTree.Element:
    return ElementTree.fromstring(made.decode().partition("\n")[2])


def text_of(element: ElementTree.Element) -> str:
    return "".join(element.itertext())


def sections(root: ElementTree.Element) -> dict[str, ElementTree.Element]:
    return {one.get("id") or "": one for one in root.iter("section")}


SECTIONS = [
    *("run", "figures", "equity", "quotes", "fills", "queue", "rewards", "churn", "controls", "latency", "pnl"),
    *("parts", "heuristics", "unknown"),
]


def test_the_page_has_every_section_and_none_is_empty(run: Run, idle: Run) -> None:
    for one in (run, idle):
        found = sections(parsed(report_page(one.told)))

        assert list(found) == SECTIONS
        for key, section in found.items():
            heading = section.find("h2")
            assert heading is not None
            assert len(text_of(section)) > len(heading.text or "") + 15, key


def test_the_page_is_small_and_the_same_for_the_same_run(run: Run) -> None:
    made = report_page(run.told)

    assert len(made) <= MOST_BYTES
    assert report_page(run.told) == made


def test_the_page_names_nothing_that_would_be_loaded(run: Run) -> None:
    made = report_page(run.told).decode()

    for scheme in ("http:", "https:", "//", "url(", "@import", "<link", "<img", "<iframe", " src="):
        assert scheme not in made.replace("</", "<"), scheme


def test_what_a_strategy_is_called_is_text(run: Run) -> None:
    root = parsed(report_page(run.told))

    assert NAME in (root.findtext(".//h1") or "")
    assert root.findall(".//h1/b") == []


def test_every_headline_of_the_document_is_a_card_with_the_same_value(run: Run) -> None:
    cards = {one.get("data-figure"): one.get("data-v") for one in parsed(report_page(run.told)).iter("div")}
    document = figures(run.told)
    (purse,) = document["purses"]
    kept = {"currency", "interval_s", "intervals"}

    for key, value in document["purses"][purse].items():
        if key not in kept and not key.endswith("_seq"):
            assert cards[f"{purse}.{key}"] == (None if value is None else str(value)), key
    for key in ("span_s", "orders", "cancels", "fills", "fill_ratio", "intents", "refused"):
        assert cards[f"run.{key}"] == str(document[key]), key


def numbers(value: Any) -> Iterator[str]:
    """Every figure of a part of a document: decimal texts, floats and counts."""
    if isinstance(value, dict):
        for one in value.values():
            yield from numbers(one)
    elif isinstance(value, list):
        for one in value:
            yield from numbers(one)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)
    elif isinstance(value, str) and value.replace(".", "", 1).lstrip("-").isdigit():
        yield value


@pytest.mark.parametrize(
    ("part", "section"),
    [
        ("mark_outs", "fills"),
        ("queue", "queue"),
        ("rewards", "rewards"),
        ("latency", "latency"),
        ("instruments", "pnl"),
    ],
)
def test_every_row_of_the_document_is_in_a_table_of_the_page(rich: Told, part: str, section: str) -> None:
    found = sections(parsed(report_page(rich)))[section]
    shown = {one.get("data-v") or text_of(one) for one in found.iter("td")}
    rows = figures(rich)[part]
    skipped = {"at_least", "below", "horizon_s"}  # named in words

    assert rows
    for row in rows:
        for value in numbers({key: one for key, one in row.items() if key not in skipped}):
            assert value in shown, (part, value)


def test_gates_modes_owners_and_regimes_are_strips_that_end_when_they_changed_again(rich: Told) -> None:
    found = sections(parsed(report_page(rich)))
    told = {key: [one.text or "" for one in found[key].iter("title")] for key in ("controls", "heuristics")}
    gate, mode, owner = sorted(told["controls"], key=lambda one: ("TOXIC" not in one, "KILL" not in one))

    assert gate.startswith("TOXIC_FLOW, market ")
    assert "CLOSED" in gate
    assert "KILL, GATE_LATCHED" in mode
    assert f"other, after {NAME}" in owner
    assert "4 later changes were not kept" in text_of(found["controls"])
    assert ["high, score 0.9 (edge 0.1, depth 2.5)" in one for one in told["heuristics"]] == [True]
    assert figures(rich)["controls"][0]["limited_s"] == pytest.approx((rich.span[1] - rich.span[0]) / 2e9)


def test_rewards_count_samples_without_us_as_nothing(rich: Told) -> None:
    (row,) = figures(rich)["rewards"]

    assert (row["samples"], row["scored"]) == (3, 1)
    assert row["share"] == pytest.approx(0.25 / 3)
    assert {(one["reason"], one["payments"]) for one in figures(rich)["credits"]} == {("reward", 1), ("rebate", 1)}


def test_every_point_names_a_record_of_the_run(run: Run) -> None:
    root = parsed(report_page(run.told))
    named = [int(one.get("data-seq") or 0) for one in root.iter() if one.get("data-seq")]

    assert len(named) > 500
    assert 1 <= min(named) <= max(named) <= run.stats.last_seq
    for figure in root.iter("figure"):
        told = [one for one in figure.iter() if one.tag in ("circle", "rect", "path") and one.find("title") is not None]
        assert all(one.get("data-seq") for one in told if not (one.get("class") or "").startswith("b "))


def test_every_fill_is_drawn_and_listed_under_its_own_record(run: Run) -> None:
    found = sections(parsed(report_page(run.told)))
    fills = {str(one.seq) for one in run.observed.fills}
    drawn = {one.get("data-seq") for one in found["quotes"].findall(".//g/path")}
    listed = {one.get("data-seq") for one in found["fills"].findall(".//tbody/tr")} - {None}

    assert fills
    assert drawn == fills
    assert listed == fills


def test_the_figures_agree_with_the_portfolio(run: Run) -> None:
    document = figures(run.told)
    ((_, purse),) = document["purses"].items()

    assert purse["made"] == f"{run.stats.pnl():.6f}"
    assert document["fills"] == run.stats.fills
    assert document["orders"] == run.stats.submitted
    assert purse["against_nothing"] == purse["made"]
    assert purse["return"] == pytest.approx(float(purse["made"]) / float(purse["capital"]), rel=1e-4)


def test_a_run_in_which_nothing_happened_says_so(idle: Run) -> None:
    found = {key: text_of(one) for key, one in sections(parsed(report_page(idle.told))).items()}

    assert "no strategy wanted anything" in found["figures"]
    assert "Nothing was held and nothing was traded" in found["equity"]
    assert "Nothing was filled" in found["fills"]
    assert figures(idle.told)["purses"] == {}


def test_a_run_without_a_strategy_says_so(idle: Run) -> None:
    bare = evolve(idle.told, run=evolve(idle.told.run, strategies=()))

    assert "This run had no strategy" in text_of(sections(parsed(report_page(bare)))["figures"])


def test_a_fault_of_a_strategy_stands_at_the_top(idle: Run) -> None:
    failed = evolve(idle.told, faults=("ValueError: x < y",))

    assert "muted: ValueError: x < y" in text_of(sections(parsed(report_page(failed)))["run"])


# -- what cannot be known ------------------------------------------------------------------------------------------


def about(told: Told, **doubts: Any) -> dict[str, str]:
    config = told.config
    return dict(limits_of(config, evolve(told.doubts, **doubts), told.policy))


def test_the_limits_are_those_of_the_models_of_the_run(run: Run) -> None:
    said = about(run.told)

    assert "40 ms to the venue" in said["Latency"]
    assert "a median of 30 ms (at least 5, at most 300)" in said["Latency"]
    assert "drawn for each message" in said["Latency"]
    assert "mined after 2000 ms" in said["Settlement"]
    assert "bound from below" in said["The queue"]
    assert "A kind world" in said
    assert "No limits" in said


@pytest.mark.parametrize(
    ("queue", "words"),
    [("risk_averse", "Only trades"), ("power", "to the power of 3"), ("conservative", "stand ahead")],
)
def test_the_queue_is_described_as_the_model_that_was_used(run: Run, queue: str, words: str) -> None:
    told = evolve(run.told, config=evolve(run.told.config, venue=evolve(run.told.config.venue, queue=queue)))

    assert words in about(told)["The queue"]


def test_doubts_are_told_only_where_there_were_any(run: Run) -> None:
    none = about(run.told, clamped=0, unready=0)
    some = about(run.told, clamped=1_234, unready=56)

    assert "Books in doubt" not in none
    assert "56 instants" in some["Books in doubt"]
    assert "1,234 inputs" in some["Clocks"]
    assert "1,234" not in none["Clocks"]
    assert "No input said when" in about(run.told, clock_offsets_ns={})["Clocks"]


def test_delays_are_said_in_words() -> None:
    assert said_of(40.0) == "40 ms"
    assert said_of(LognormalConfig(1, 20, 0.5, 90)) == "a median of 20 ms (at least 1, at most 90)"
    assert said_of(QuantilesConfig({0: 1.0, 500_000: 2.0, 1_000_000: 9.0})) == "1 to 9 ms (a table of 3 quantiles)"


# -- from a notebook -----------------------------------------------------------------------------------------------


def test_a_notebook_writes_the_same_page(run: Run, tmp_path: Path) -> None:
    assert run.report(tmp_path / "r.html").read_bytes() == report_page(run.told)
    assert run.figures() == figures(run.told)


def test_a_run_that_was_not_observed_says_how_it_could_have_been(tmp_path: Path) -> None:
    run = resimulate(sample_recording(tmp_path / "base", frames=60), strategy=[], tables=False)

    with pytest.raises(NotObserved, match="observe=True"):
        run.report(tmp_path / "r.html")


def test_what_the_venue_still_owes_is_told_beside_the_profit_and_is_in_no_sum(run: Run) -> None:
    owed = sum((one.amount for one in run.told.unpaid), Decimal(0))
    (purse,) = figures(run.told)["purses"].values()
    (without,) = figures(evolve(run.told, unpaid=()))["purses"].values()
    page = text_of(sections(parsed(report_page(run.told)))["figures"])

    assert owed > 0
    assert Decimal(purse["not_paid"]) == owed
    assert f"rebates {owed:,.4f}; in no sum" in page
    assert without == {name: said for name, said in purse.items() if name != "not_paid"}


def test_an_amount_that_rounds_to_nothing_has_no_sign() -> None:
    assert [money_cell(one) for one in ("-0.00001", "0", "-1234.5", None)] == ["0.0000", "0.0000", "-1,234.5000", "-"]
