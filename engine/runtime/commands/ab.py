"""`engine ab`: is B better than A, on the same journals and under the same seeds?"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.runtime.commands import speaks
from engine.runtime.commands.journal_select import JOURNAL, WHICH
from engine.runtime.commands.sweeping import (
    STORED,
    Asked,
    failures,
    journals_of,
    market_fields,
    markets_of,
    plan_of,
    run_all,
    run_fields,
    sweeping_options,
    typed_well,
)
from engine.runtime.exits import Exit
from engine.runtime.output import CommandError, Output, counted

if TYPE_CHECKING:
    from journal.disk import Disk
    from replay.sweep.compare import Comparison, Interval
    from replay.sweep.plan import Plan

LABELS = ("A", "B")


@click.command(
    epilog=f"{WHICH} Without any, the journals: of the two configurations are used. {STORED}\n\n"
    "A and B meet the same market and draw the same chance, run by run, so most of what is luck cancels out in their "
    "difference. The interval is Student's, for the mean of paired differences. Runs on one journal share its market: "
    "an interval over seeds is about these journals, and says nothing of another day; with five journals or more there "
    "is one over journals too, and it decides.\n\nExamples:\n\n\b\n"
    "  engine ab journal.zst --a config/demo.yaml --b mine.yaml\n"
    "  engine ab mon/ tue/ wed/ thu/ fri/ --a old.yaml --b new.yaml --seeds 1..50 --profile toxic-flow\n"
    "  engine ab journal/ --a old.yaml --b new.yaml --metric fills --json"
)
@sweeping_options
@click.option("--a", "config_a", type=JOURNAL, required=True, metavar="CONFIG", help="The one (YAML).")
@click.option("--b", "config_b", type=JOURNAL, required=True, metavar="CONFIG", help="The other.")
@click.option("--seeds", metavar="SEEDS", default="1..20", show_default=True, help="As 1..50, or 1,2,3.")
@speaks
def ab(output: Output, config_a: Path, config_b: Path, seeds: str, **options: Any) -> None:
    """
    Compare two configurations, run by run, on the same journals and under the same seeds.

    Tells the mean difference of B less A with a 95 % confidence interval, how often B is better, and whether they can
    be told apart at all.
    """
    from journal.disk import RealDisk
    from replay.sweep.compare import compare, distinct, pairs_of
    from replay.sweep.figures import checked_metric, metric_names
    from replay.sweep.grid import read_seeds

    asked = Asked(**options)
    disk = RealDisk()
    with typed_well():
        plan = planned(disk, asked, config_a, config_b)
        numbers = read_seeds(seeds)
    found = run_all(output, disk, plan, numbers, asked)
    names = metric_names(result.figures for result in found.values() if result.figures)
    with typed_well():
        chosen = checked_metric(asked.metric, names)
    pairs, failed = pairs_of(found)
    counting = distinct(pairs)
    compared = {name: one for name in names if (one := compare(counting, name)) is not None}
    told = failures(plan, found, LABELS)
    notes = remarks(len(plan.markets), len(pairs), len(counting), failed, compared.get(chosen))
    if output.as_json:
        fields = {
            "journals": market_fields(plan),
            "build": plan.variants[0].starts[0].build,
            "a": str(config_a),
            "b": str(config_b),
            "seeds": list(numbers),
            "metric": chosen,
            "pairs": len(pairs),
            "failed_pairs": failed,
            "distinct_pairs": len(counting),
            "metrics": {name: comparison_fields(one) for name, one in compared.items()},
            "better": (compared[chosen].verdict or None) if chosen in compared else None,
            "runs": run_fields(plan, found),
            "notes": notes,
        }
        output.document("refold.ab/1", fields)
        return
    if chosen in compared:
        print_comparisons(output, compared, chosen)
        output.lines([verdict(compared[chosen], len(plan.markets))])
    else:
        output.lines(["nothing to compare: no pair of runs came to an end with that figure"])
    output.lines(told)
    output.lines(f"note: {note}" for note in notes)


def planned(disk: "Disk", asked: Asked, config_a: Path, config_b: Path) -> "Plan":
    """A as variant 0, B as variant 1."""
    from replay.setup import configured
    from replay.sweep.grid import spelled_out

    plain = [
        (path.parent, configured(disk, None, path, None, (), asked.profile).config) for path in (config_a, config_b)
    ]
    paths = journals_of(asked, plain)
    if not paths:
        sentence, advice = "there is no journal to run on", "name one: engine ab JOURNAL ... --a CONFIG --b CONFIG"
        raise CommandError(sentence, advice, Exit.USAGE)
    markets = markets_of(disk, paths, asked.include_invalid)
    chosen = []
    for label, path, (_, config) in zip(LABELS, (config_a, config_b), plain, strict=True):
        names = [one.name for one in config.strategies]
        given = tuple(spelled_out(override, names) for override in asked.overrides)
        chosen.append((label, configured(disk, None, path, None, given, asked.profile)))
    plan = plan_of(disk, markets, chosen, asked.observe)
    if plan.made_of(0, 0, 0) == plan.made_of(1, 0, 0):
        raise CommandError(f"{config_a} and {config_b} say the same", "let them differ in something", Exit.USAGE)
    return plan


def print_comparisons(output: Output, compared: "dict[str, Comparison]", chosen: str) -> None:
    """Print a row for each metric, the chosen one first."""
    has_journals = any(one.over_journals is not None for one in compared.values())
    interval = "95 % over journals" if has_journals else "95 % over seeds"
    rows = [["metric", "mean A", "mean B", "B less A", interval, "B better", "A better", "equal"]]
    for name in [chosen, *(name for name in compared if name != chosen)]:
        one = compared[name]
        middle = [figure(one.mean_a), figure(one.mean_b), f"{one.mean:+,.4f}", interval_text(one.told)]
        rows.append([name, *middle, *(f"{count:,}" for count in (one.better, one.worse, one.ties))])
    output.table(rows, frozenset(range(1, 8)))


def figure(value: float) -> str:
    """A mean as people read it."""
    return f"{value:,.4f}"


def interval_text(found: "Interval | None") -> str:
    """An interval as people read it."""
    return "-" if found is None else f"{found.low:+,.4f} to {found.high:+,.4f}"


def verdict(one: "Comparison", journals: int) -> str:
    """What it comes to, in a sentence."""
    from replay.sweep.compare import LEAST_PAIRS

    count = len(one.differences)
    share = f"B is better in {one.better:,} of {counted(count, 'pair')} ({100 * one.better / count:.0f} %)"
    if one.told is None:
        why = f"{counted(count, 'pair')} that differ" if journals == 1 else "too few pairs on some journal"
        return f"cannot be told apart by {one.metric}: {why}, at least {LEAST_PAIRS} are needed; {share}"
    where = "on days like these" if one.over_journals else "on this journal" if journals == 1 else "on these journals"
    if not one.verdict:
        return f"cannot be told apart by {one.metric} {where}: 0 lies in {interval_text(one.told)}; {share}"
    return f"{one.verdict} is better by {one.metric} {where}; {share}"


def remarks(journals: int, pairs: int, counting: int, failed: int, chosen: "Comparison | None") -> list[str]:
    """What a person has to know to read it rightly."""
    notes: list[str] = []
    if failed:
        notes.append(f"{counted(failed, 'pair')} left out, since one of the two runs failed")
    if counting < pairs:
        notes.append(
            f"the seed changes nothing on some journal: {pairs:,} pairs are {counting:,} that differ. Latency "
            "distributions, partial settlement or a --profile draw from the seed."
        )
    if chosen is not None and chosen.over_journals is None:
        notes.append(
            "the interval is about "
            f"{'this journal' if journals == 1 else f'these {journals:,} journals'}: another day may say otherwise. "
            "With five journals or more, it is taken over journals."
        )
    return notes


def comparison_fields(one: "Comparison") -> dict[str, Any]:
    """A comparison as the document has it."""
    return {
        "mean_a": one.mean_a,
        "mean_b": one.mean_b,
        "mean_difference": one.mean,
        "differences": [format(value, "f") for value in one.differences],
        "b_better": one.better,
        "a_better": one.worse,
        "equal": one.ties,
        "over_seeds": interval_fields(one.over_seeds),
        "over_journals": interval_fields(one.over_journals),
        "better": one.verdict or None,
    }


def interval_fields(found: "Interval | None") -> "dict[str, Any] | None":
    """An interval as the document has it."""
    return None if found is None else {"low": found.low, "high": found.high, "values": found.values}
