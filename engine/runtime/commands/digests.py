"""`engine replay` on a run kept as its digests: run it again, and compare these."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.runtime.commands.resimulation import play, usable
from engine.runtime.output import Output, counted

if TYPE_CHECKING:
    from replay.digests import DigestDivergence


def check_digests(output: Output, folder: Path, base_given: Path | None, include_invalid: bool) -> bool:
    """Run what *folder* keeps again and print what was found; returns whether nothing differs."""
    from journal.disk import RealDisk
    from journal.labels import refuse_invalid
    from replay.config import read_config
    from replay.digests import first_difference, read_digests
    from replay.overlay import open_base
    from replay.produce import How
    from replay.verify import this_build

    disk = RealDisk()
    kept = read_digests(disk, folder)
    run = kept.run
    base = open_base(disk, folder, run, base_given)
    try:
        if not include_invalid:
            refuse_invalid(disk, base.journal.path)
        with usable():
            config, _ = read_config(run.config, "the recorded configuration")
        produced = play(output, disk, run, config, base.journal, How(watched=False))
    finally:
        base.close()
    found, elapsed_s = produced.simulated, produced.elapsed_ns / 1e9
    difference = first_difference(kept, found)
    state = found.kernel.state_digest().hex()
    fields: dict[str, Any] = {
        "mode": "strict",
        "journal": str(folder),
        "inputs": found.inputs,
        "derived": found.derived,
        "compared": len(kept.digests),
        "verified": "digests",
        "identical": difference is None,
        "divergence": None if difference is None else divergence_fields(difference),
        "last_seq": found.last_seq,
        "state_digest": state,
        "seed": run.seed,
        "build": this_build(),
        "recorded_build": run.build,
        "fast_path_share": None,
        "elapsed_s": round(elapsed_s, 6),
        "frames_per_s": round(found.inputs / elapsed_s) if elapsed_s else None,
    }
    if output.as_json:
        output.document("refold.replay/1", fields)
        return difference is None
    figures = f"{counted(found.inputs, 'input')} and {counted(found.derived, 'derived record')}"
    output.lines([f"run again: {figures} in {elapsed_s:.2f} s"])
    if difference is None:
        output.lines([f"replay identical: {counted(len(kept.digests), 'digest')} equal, no other record was kept"])
    else:
        whose = "replay DIVERGED" if run.build == this_build() else "this build decides differently"
        output.lines([f"{whose} between seq {difference.after:,} and the digest at seq {difference.seq:,}"])
        output.note("Keep both runs with --sink overlay and compare them to find the record.")
    output.lines([f"state digest {state}"])
    return difference is None


def divergence_fields(difference: "DigestDivergence") -> dict[str, Any]:
    """The document of a first difference between digests."""
    return {
        "seq": difference.seq,
        "after": difference.after,
        "expected": difference.expected.hex() or None,
        "found": difference.found.hex() or None,
    }
