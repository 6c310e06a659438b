"""What a person says of hftbacktest's assets: the arrays name no symbol, no tick and no lot."""

from typing import Final

from mypy_extensions import i64

from adapters.hftbacktest.wire.terms import EXPONENT, VENUE
from engine.kernel.codes import BAD_FRAME, BAD_NUMBER, SCHEMA
from engine.kernel.events import KIND_PERPETUAL, KIND_SPOT, EventBatch, Listing
from engine.kernel.json_text import Refused, decimal_of, identifier, integer_of, items_of, members_of, parse, text_of
from engine.kernel.record import NONE

_ONE: Final[i64] = 100_000_000

_MEMBERS: Final = (
    "symbol",
    "kind",
    "tick_size",
    "lot_size",
    "settlement",
    "base",
    "min_size",
    "contract_size",
    "inverse",
    "fee_ppm",
)


def list_markets(data: bytes, start: i64, end: i64, batch: EventBatch) -> None:
    """
    Add a LISTED row for each of `markets` in the document data[start:end].

    Raises Refused: SCHEMA for a member that is missing or unknown, as `json_text` does for values.
    """
    document = members_of(parse(data, start, end))
    if document.get("venue") != VENUE:
        raise Refused(SCHEMA, f"a catalogue of another venue than {VENUE}")
    for entry in items_of(document.get("markets")):
        batch.listed(_listing(members_of(entry)))


def _listing(entry: dict[str, object]) -> Listing:
    for name in entry:
        if name not in _MEMBERS:
            raise Refused(SCHEMA, f"no member {name[:40]!r} is known")
    symbol = identifier(_needed(entry, "symbol"))
    kind = text_of(_needed(entry, "kind"))
    if kind not in ("spot", "perpetual"):
        raise Refused(SCHEMA, f"kind is {kind[:40]!r}, neither spot nor perpetual")
    spot = kind == "spot"
    tick = _positive(entry, "tick_size")
    lot = _positive(entry, "lot_size")
    inverse = entry.get("inverse", False)
    if not isinstance(inverse, bool):
        raise Refused(BAD_FRAME, "inverse is neither true nor false")
    return Listing(
        venue=VENUE,
        market=symbol,
        symbols=(symbol,),
        outcomes=(),
        kind=KIND_SPOT if spot else KIND_PERPETUAL,
        price_exponent=EXPONENT,
        size_exponent=EXPONENT,
        tick=tick,
        lot=lot,
        min_size=_positive(entry, "min_size") if "min_size" in entry else lot,
        settlement=identifier(_needed(entry, "settlement")),
        inverse=inverse,
        multiplier=0 if spot else (_positive(entry, "contract_size") if "contract_size" in entry else _ONE),
        fee_ppm=integer_of(entry["fee_ppm"]) if "fee_ppm" in entry else NONE,
        base=identifier(entry["base"]) if "base" in entry else "",
    )


def _needed(entry: dict[str, object], name: str) -> object:
    if name not in entry:
        raise Refused(SCHEMA, f"no member {name}")
    return entry[name]


def _positive(entry: dict[str, object], name: str) -> i64:
    value = decimal_of(_needed(entry, name), EXPONENT)
    if value == 0:
        raise Refused(BAD_NUMBER, f"{name} is zero")
    return value
