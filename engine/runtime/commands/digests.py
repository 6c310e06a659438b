"""`engine replay` on a run kept as its digests: run it again, and compare these."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.runtime.commands.reports import tell_unreported, told_by, write
from engine.runtime.commands.resimulation import play, usable
from engine.runtime.output import Output, counted

if TYPE_CHECKING:
    from replay.digests import DigestDivergence, Kept
    from replay.produce import Produced


def check_digests(output: Output, folder: Path, base_given: Path | None, report: Path | None) -> bool:
    """Run what *folder* keeps again, print what was found and write a *report*; returns whether nothing differs."""
    from journal.disk import RealDisk
    from replay.config import read_config
    from replay.digests import first_difference, read_digests
    from replay.overlay import open_base
    from replay.produce import How
    from replay.report.fields import figures

    disk = RealDisk()
    kept = read_digests(disk, folder)
    run = kept.run
    base = open_base(disk, folder, run, base_given)
    try:
        for note in base.journal.remarks:
            output.note(f"note: {note}")
        with usable():
            config, _ = read_config(run.config, "the recorded configuration")
        produced = play(output, disk, run, config, base.journal, How(watched=False, observe=report is not None))
    finally:
        base.close()
    difference = first_difference(kept, produced.simulated)
    fields = digest_fields(folder, kept, produced, difference)
    fields["notes"] = base.journal.remarks
    if not output.as_json:
        print_digests(output, fields)
    fields["report"] = fields["figures"] = None
    if report is not None and difference is not None:
        tell_unreported(output, folder)
    elif report is not None:
        told = told_by(folder, run, produced)
        fields["report"], fields["figures"] = write(output, report, told), figures(told)
    if output.as_json:
        output.document("refold.replay/1", fields)
    return difference is None


def digest_fields(
    folder: Path, kept: "Kept", produced: "Produced", difference: "DigestDivergence | None"
) -> dict[str, Any]:
    """The document of a run that was run again, without remarks."""
    from replay.answer import market_fields
    from replay.verify import this_build

    found, elapsed_s = produced.simulated, produced.elapsed_ns / 1e9
    kernel = found.kernel
    return {
        "mode": "strict",
        "journal": str(folder),
        "inputs": found.inputs,
        "derived": found.derived,
        "compared": len(kept.digests),
        "verified": "digests",
        "identical": difference is None,
        "divergence": None if difference is None else divergence_fields(difference),
        "start_seq": 1,
        "from_checkpoint": False,
        "last_seq": found.last_seq,
        "unfinished": 0,
        "tail": None,
        "state_digest": kernel.state_digest().hex(),
        "seed": kept.run.seed,
        "build": this_build(),
        "recorded_build": kept.run.build,
        "fast_path_share": None,
        "unreadable_frames": kernel.unreadable,
        "unlisted_symbols": dict(kernel.data.listings.unknown),
        "markets": [market_fields(market) for market in kernel.data.listings.markets],
        "elapsed_s": round(elapsed_s, 6),
        "frames_per_s": round(found.inputs / elapsed_s) if elapsed_s else None,
    }


def print_digests(output: Output, fields: dict[str, Any]) -> None:
    """Print what running again showed."""
    figures = f"{counted(fields['inputs'], 'input')} and {counted(fields['derived'], 'derived record')}"
    output.lines([f"run again: {figures} in {fields['elapsed_s']:.2f} s"])
    difference = fields["divergence"]
    if difference is None:
        output.lines([f"replay identical: {counted(fields['compared'], 'digest')} equal, no other record was kept"])
    else:
        whose = "replay DIVERGED" if fields["recorded_build"] == fields["build"] else "this build decides differently"
        output.lines([f"{whose} between seq {difference['after']:,} and the digest at seq {difference['seq']:,}"])
        output.note("Keep both runs with --sink overlay and compare them to find the record.")
    output.lines([f"state digest {fields['state_digest']}"])


def divergence_fields(difference: "DigestDivergence") -> dict[str, Any]:
    """The document of a first difference between digests."""
    return {
        "seq": difference.seq,
        "after": difference.after,
        "expected": difference.expected.hex() or None,
        "found": difference.found.hex() or None,
    }
