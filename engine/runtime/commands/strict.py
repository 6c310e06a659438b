"""What a strict replay says to a person: what is proven, of which records, and the state that came of it."""

from typing import TYPE_CHECKING, Any

from engine.runtime.commands.divergence import print_divergence
from engine.runtime.output import Output, counted

if TYPE_CHECKING:
    from journal.reader import Journal
    from replay.verify import StrictReplay


def part_of(answer: "StrictReplay", journal: "Journal") -> str:
    """Which records were replayed, where these are not all that the journal holds: " from record 5 to 9"."""
    if answer.asked_nothing:
        return f": the journal holds records {journal.first_seq:,} to {journal.last_seq:,}, and none was asked for"
    start = f" from record {answer.start_seq:,}" if answer.start_seq > journal.first_seq else ""
    if answer.last_seq >= journal.last_seq and not journal.segments[-1].unread:
        return start
    return f"{start} {'to' if start else 'up to record'} {answer.last_seq:,}"


def print_strict(output: Output, answer: "StrictReplay", fields: dict[str, Any], part: str) -> None:
    """Print what a strict replay found; *part* says of which records."""
    rate = f"{fields['frames_per_s']:,} a second" if fields["frames_per_s"] else "at once"
    figures = f"{counted(answer.inputs, 'input')} and {counted(answer.derived, 'derived record')}"
    output.lines([f"{figures} in {fields['elapsed_s']:.2f} s, {rate}"])
    if answer.divergence is not None:
        print_divergence(output, fields["divergence"], answer.compared, answer.other_build)
    else:
        output.lines([verdict(answer, part)])
        if answer.identical and answer.other_build:
            output.lines([f"note: recorded by build {fields['recorded_build']}, replayed by {fields['build']}"])
    tail = fields["tail"]
    if tail is not None:
        where = f"segment {tail['segment']}, byte {tail['offset']}: {tail['reason']}"
        bytes_ = counted(tail["bytes"], "byte")
        output.lines([f"NOT replayed: the last {bytes_} are no records ({where}); torn, or still being written"])
    if answer.unfinished:
        lacking = counted(answer.unfinished, "derived record")
        output.lines([f"note: the live end lacks {lacking}; a recovery would write what is missing"])
    share = fields["fast_path_share"]
    if share is not None:
        output.lines(
            [f"fast path {100 * share:.2f} % of the frames; {fields['unreadable_frames']:,} could not be read"]
        )
    print_markets(output, fields["markets"])
    unlisted = fields["unlisted_symbols"]
    if unlisted:
        events, symbols = counted(sum(unlisted.values()), "event"), counted(len(unlisted), "symbol")
        output.lines([f"passed over: {events} of {symbols} without a listing in any catalogue input"])
    output.lines([f"state digest {fields['state_digest']}"])


def verdict(answer: "StrictReplay", part: str) -> str:
    """What a replay without a difference proves, in a sentence."""
    if answer.asked_nothing:
        return f"nothing compared{part}"
    if answer.identical:
        equal = "record is" if answer.compared == 1 else "records are"
        return f"replay identical{part}: {answer.compared:,} derived {equal} equal byte for byte"
    if answer.runs:
        return f"nothing compared: no derived record stands in what was replayed{part}"
    return f"recorded without a kernel: bytes verified{part}, nothing to recompute"


def print_markets(output: Output, markets: list[dict[str, Any]], most: int = 30) -> None:
    """Print each market's touch, how many levels its sides have, and its tick; at most *most* markets."""
    if not markets:
        return
    rows = [["#", "book", "outcome", "bid", "offer", "levels", "tick", "market"]]
    for market in markets[:most]:
        state = "suspect" if market["suspect"] else ("valid" if market["valid"] else "invalid")
        state = state if market["winner"] is None else "settled"
        outcome = next(iter(market["outcomes"]), "") or "-"
        touch = [market["best_bid"] or "-", market["best_ask"] or "-"]
        levels = f"{market['bids']:,} + {market['asks']:,}"
        rows.append([str(market["number"]), state, outcome, *touch, levels, market["tick"], market["market"]])
    output.table(rows, frozenset({0, 3, 4, 5, 6}), names_last=True)
    if len(markets) > most:
        output.lines([f"and {len(markets) - most} more markets (--json lists all)"])
