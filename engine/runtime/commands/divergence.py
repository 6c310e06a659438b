"""How a divergence reads: where it is, what of the two records differs, and which input both answer."""

from typing import Any

from engine.kernel.record import HEAD_SIZE
from engine.runtime.output import Output

LONGEST_VALUE = 60
LONGEST_PAYLOAD = 600
SHOWN_BYTES = 16


def print_divergence(output: Output, shown: dict[str, Any], equal: int, other_build: bool) -> None:
    """
    Print the first difference: both records side by side where they differ, and their cause.

    Args:
        shown: `replay.answer.divergence_fields`.
        equal: how many derived records before it are equal.
        other_build: whether the run was recorded by another build than this one.
    """
    where = f"segment {shown['segment']}, byte {shown['offset']}"
    what = "this build decides differently from" if other_build else "replay DIVERGED at"
    output.lines([f"{what} seq {shown['seq']:,} ({where})"])
    found, expected = shown["found"], shown["expected"]
    rows = [["", "stored", "recomputed"]]
    for name in ("kind", "cause"):
        rows.append([name, *("nothing" if one is None else str(one[name]) for one in (found, expected))])
    if found is not None and expected is not None:
        rows += differing(found, expected)
    output.table(rows)
    if found is not None:
        output.lines([f"stored: {clip(found['payload'], LONGEST_PAYLOAD)}"])
    if expected is not None and (found is None or found["kind"] != expected["kind"]):
        output.lines([f"recomputed: {clip(expected['payload'], LONGEST_PAYLOAD)}"])
    cause = shown["cause"]
    if cause is not None:
        payload = clip(cause["payload"], 2 * LONGEST_VALUE)
        output.lines([f"caused by input {cause['seq']:,}, {cause['kind']} of {cause['time']}: {payload}"])
    output.lines([f"{equal:,} derived records before it are equal"])


def differing(found: dict[str, Any], expected: dict[str, Any]) -> list[list[str]]:
    """The rows of what is not the same in two records: fields by name, or the bytes where no field tells."""
    names = [name for name in ("time", "schema", "flags") if found[name] != expected[name]]
    rows = [[name, str(found[name]), str(expected[name])] for name in names]
    one, two = bytes.fromhex(found["bytes"]), bytes.fromhex(expected["bytes"])
    if one[40:44] == two[40:44]:  # kind and schema
        fields, others = payload_fields(one), payload_fields(two)
        for name in fields:
            if name in others and fields[name] != others[name]:
                rows.append([name, *(clip(value, LONGEST_VALUE) for value in apart(fields[name], others[name]))])
    if rows:
        return rows
    at = next((at for at in range(4, min(len(one), len(two))) if one[at] != two[at]), min(len(one), len(two)))
    return [[f"byte {at}", *(data[at : at + SHOWN_BYTES].hex(" ") or "none" for data in (one, two))]]


def payload_fields(data: bytes) -> dict[str, Any]:
    """The fields of a whole record's payload by name; empty where it has none that are known."""
    from journal.show import numbered_fields

    kind, schema = int.from_bytes(data[40:42], "little"), int.from_bytes(data[42:44], "little")
    size = int.from_bytes(data[4:8], "little")
    return numbered_fields(kind, schema, data[HEAD_SIZE : HEAD_SIZE + size]) or {}


def apart(one: Any, two: Any) -> tuple[str, str]:
    """Two values as texts, without the long beginning that they share."""
    texts = str(one), str(two)
    same = next((at for at, (a, b) in enumerate(zip(*texts, strict=False)) if a != b), min(map(len, texts)))
    cut = max(0, same - 10) if max(map(len, texts)) > LONGEST_VALUE else 0
    return ("…" + texts[0][cut:], "…" + texts[1][cut:]) if cut else texts


def clip(value: Any, width: int) -> str:
    """*value* as text of at most *width* characters."""
    text = str(value)
    return text if len(text) <= width else text[: width - 1] + "…"
