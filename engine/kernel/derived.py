"""
The payloads of derived records: one layout a kind, written by the kernel and read by everyone else.

`LAYOUTS` is the truth: field names in order with their types; the encoders below write exactly that, and `decode` reads
it back into a dictionary. Types: "i" an i64, "t" a text, "d" bytes, "b" an unbounded integer, "T" texts (their number
first), "L" price levels (their number, then tick and lots of each). All as in `pack`, those of `DENSE` as in `dense`.
"h" is an intent's id: bytes, in a dense payload always 16, without a length. "c" is the client id of an order: a text,
in a dense payload nothing, since it is made from the `id` before it.
"""

from typing import Final

from mypy_extensions import i64

from engine.kernel import identity, kinds
from engine.kernel.dense import DensePacker, DenseUnpacker
from engine.kernel.pack import Malformed, Packer, Unpacker

Layout = tuple[tuple[str, str], ...]

_INTENT: Final[Layout] = (
    ("id", "h"),
    ("seat", "i"),
    ("ordinal", "i"),
    ("what", "i"),
    ("instrument", "i"),
    ("side", "i"),
    ("price_ticks", "i"),
    ("lots", "i"),
    ("tif", "i"),
    ("flags", "i"),
    ("ttl_ns", "i"),
    ("group", "t"),
    ("leg", "i"),
    ("legs", "i"),
    ("target", "i"),
    ("due_ns", "i"),
    ("every_ns", "i"),
    ("tag", "t"),
    ("expected_value", "b"),
    ("confidence", "i"),
    ("risk_cost", "b"),
    ("tags", "T"),
    ("why", "t"),
)
_VERDICT: Final[Layout] = (("id", "h"), ("code", "i"), ("detail", "i"), ("check", "i"), ("margin", "b"))
_CAPSULE: Final[Layout] = (
    ("id", "h"),
    ("trigger", "i"),
    ("instrument", "i"),
    ("bids", "L"),
    ("asks", "L"),
    ("trade_price", "i"),
    ("mark", "i"),
    ("position", "i"),
    ("settled", "i"),
    ("buys", "i"),
    ("sells", "i"),
    ("first", "b"),
    ("second", "b"),
    ("event", "b"),
    ("strategy", "b"),
    ("account", "b"),
    ("cash", "b"),
    ("open_orders", "i"),
    ("unknown_orders", "i"),
    ("policy", "t"),
)
_REQUEST: Final[Layout] = (
    ("what", "i"),
    ("id", "h"),
    ("client_id", "c"),
    ("salt", "i"),
    ("venue", "t"),
    ("symbol", "t"),
    ("instrument", "i"),
    ("side", "i"),
    ("price", "i"),
    ("price_exponent", "i"),
    ("size", "i"),
    ("size_exponent", "i"),
    ("tif", "i"),
    ("flags", "i"),
    ("decided_ns", "i"),
    ("expires_ns", "i"),
    ("target", "i"),
    ("target_venue_id", "t"),
)
_REGIME: Final[Layout] = (
    ("market", "i"),
    ("heuristic", "i"),
    ("old", "i"),
    ("new", "i"),
    ("score", "i"),
    ("edge", "i"),
    ("depth", "i"),
    ("partial", "i"),
    ("tight", "i"),
    ("unfilled", "i"),
    ("adverse", "i"),
    ("imbalance", "i"),
)
_GROUP: Final[Layout] = (("group", "i"), ("seat", "i"), ("label", "t"), ("state", "i"), ("leg", "i"), ("code", "i"))

LAYOUTS: Final[dict[tuple[int, int], Layout]] = {
    (kinds.INTENT, 1): _INTENT,
    (kinds.VERDICT, 1): _VERDICT,
    (kinds.CAPSULE, 1): _CAPSULE,
    (kinds.REQUEST, 1): _REQUEST,
    (kinds.INTENT, 2): _INTENT,
    (kinds.VERDICT, 2): _VERDICT,
    (kinds.CAPSULE, 2): _CAPSULE,
    (kinds.REQUEST, 2): _REQUEST,
    (kinds.MODE, 1): (("scope", "i"), ("number", "i"), ("old", "i"), ("new", "i"), ("code", "i")),
    (kinds.GATE, 1): (("code", "i"), ("scope", "i"), ("number", "i"), ("closed", "i"), ("safety", "i")),
    (kinds.ALERT, 1): (("code", "i"), ("text", "t")),
    (kinds.STRAT_FAULT, 1): (("seat", "i"), ("strategy", "t"), ("wake", "i")),
    (kinds.GROUP, 1): _GROUP,
    (kinds.GAP, 1): (("market", "i"), ("expected", "i"), ("found", "i"), ("code", "i")),
    (kinds.RESYNC, 1): (("market", "i"), ("id", "i")),
    (kinds.META, 1): (("market", "i"), ("old_tick", "i"), ("new_tick", "i")),
    (kinds.VENUE_STATE, 1): (("market", "i"), ("status", "i")),
    (kinds.UNPARSED, 1): (("source", "i"), ("code", "i")),
    (kinds.DIGEST, 1): (("inputs", "i"), ("rolling", "i"), ("state", "d")),
    (kinds.DEDUP, 1): (("market", "i"), ("last", "i")),
    (kinds.DEDUP, 2): (("request", "i"), ("trade", "t")),
    (kinds.REVERSAL, 1): (("request", "i"), ("trade", "t"), ("price", "i"), ("size", "i"), ("fee", "b")),
    (kinds.DUST, 1): (("request", "i"), ("size", "i")),
    (kinds.UNKNOWN, 1): (("request", "i"), ("code", "i")),
    (kinds.ABSENT, 1): (("request", "i"), ("code", "i")),
    (kinds.LEG_RISK, 1): (("group", "i"), ("seat", "i"), ("leg", "i"), ("size", "i")),
    (kinds.REGIME, 1): _REGIME,
    (kinds.OWNER, 1): (("market", "i"), ("old", "i"), ("new", "i")),
}
"""Field names and types of each (kind, schema) that the kernel writes, or wrote once."""

DENSE: Final = frozenset({(kinds.INTENT, 2), (kinds.VERDICT, 2), (kinds.CAPSULE, 2), (kinds.REQUEST, 2)})
"""What is written for every order, in the dense form: nearly all records of a busy run."""

# What an intent or a request asks for.
PLACE: Final[i64] = 1
CANCEL: Final[i64] = 2
CANCEL_ALL: Final[i64] = 3
FLATTEN: Final[i64] = 4
SET_TIMER: Final[i64] = 5
CANCEL_TIMER: Final[i64] = 6
SPLIT: Final[i64] = 7
MERGE: Final[i64] = 8
WHAT_NAMES: Final[tuple[str, ...]] = (
    "?",
    "PLACE",
    "CANCEL",
    "CANCEL_ALL",
    "FLATTEN",
    "SET_TIMER",
    "CANCEL_TIMER",
    "SPLIT",
    "MERGE",
)


def decode(kind: int, schema: int, payload: bytes) -> dict[str, object]:
    """
    The fields of a derived payload by name.

    Raises:
        Malformed: the kind and schema have no layout here, or the bytes are not one.
    """
    layout = LAYOUTS.get((kind, schema))
    if layout is None:
        raise Malformed(f"no layout for {kinds.name(kind)} of schema {schema}")
    dense = (kind, schema) in DENSE
    unpacker = DenseUnpacker(payload) if dense else Unpacker(payload)
    fields: dict[str, object] = {}
    for name, form in layout:
        if form == "c" and dense:
            intent = fields["id"]
            assert isinstance(intent, bytes)
            fields[name] = identity.client_id(intent)
        else:
            fields[name] = _take(unpacker, form)
    unpacker.done()
    return fields


def intent_head(payload: bytes) -> tuple[bytes, int, int, int, int]:
    """(id, seat, ordinal, instrument, flags) of an INTENT of schema 2: for whoever reads these alone, of each."""
    unpacker = DenseUnpacker(payload)
    take = unpacker.take
    intent = unpacker.take_id()
    seat, ordinal, _, instrument = take(), take(), take(), take()
    _, _, _, _, flags = take(), take(), take(), take(), take()
    return intent, seat, ordinal, instrument, flags


def encode(kind: int, schema: int, fields: dict[str, object]) -> bytes:
    """The payload whose `decode` is *fields*; for tools and tests, the kernel writes its own."""
    dense = (kind, schema) in DENSE
    packer = DensePacker() if dense else Packer()
    for name, form in LAYOUTS[(kind, schema)]:
        value = fields[name]
        if form == "c" and dense:
            continue
        if form == "i":
            assert isinstance(value, int)
            packer.put(value)
        elif form == "b":
            assert isinstance(value, int)
            packer.put_big(value)
        elif form in ("t", "c"):
            assert isinstance(value, str)
            packer.put_text(value)
        elif form in ("d", "h"):
            assert isinstance(value, bytes)
            if form == "h" and isinstance(packer, DensePacker):
                packer.put_id(value)
            else:
                packer.put_data(value)
        elif form == "T":
            assert isinstance(value, tuple)
            put_texts(packer, value)
        else:
            assert isinstance(value, list)
            put_levels(packer, value)
    return packer.take()


def _take(unpacker: Unpacker, form: str) -> object:
    if form == "i":
        return int(unpacker.take())
    if form == "b":
        return unpacker.take_big()
    if form in ("t", "c"):
        return unpacker.take_text()
    if form == "d":
        return unpacker.take_data()
    if form == "h":
        return unpacker.take_id()
    count = unpacker.take()
    if form == "T":
        texts: list[str] = []
        while i64(len(texts)) < count:
            texts.append(unpacker.take_text())
        return tuple(texts)
    levels: list[tuple[int, int]] = []
    while i64(len(levels)) < count:
        tick = unpacker.take()
        levels.append((tick, unpacker.take()))
    return levels


def put_texts(packer: Packer | DensePacker, texts: tuple[str, ...]) -> None:
    """Append *texts*, their number first."""
    packer.put(len(texts))
    for text in texts:
        packer.put_text(text)


def put_levels(packer: Packer | DensePacker, levels: list[tuple[int, int]]) -> None:
    """Append (tick, lots) levels, their number first."""
    packer.put(len(levels))
    for tick, lots in levels:
        packer.put(tick)
        packer.put(lots)
