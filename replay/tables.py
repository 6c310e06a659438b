"""
What happened in a run, as tables: its fills, orders and verdicts.

Each is made of the records that the run wrote, when it is first looked at. `to_arrow` gives typed columns: times are
nanoseconds in UTC; prices, sizes and money come twice, as float64 to calculate with and as exact decimals.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from html import escape
from typing import Any, ClassVar

from engine.kernel import codes, kinds
from engine.kernel.derived import CANCEL, PLACE, WHAT_NAMES, decode
from engine.kernel.events import (
    FILL_MAKER,
    FILL_PROVISIONAL,
    TRADE_CONFIRMED,
    TRADE_FAILED,
    TRADE_MATCHED,
    TRADE_MINED,
    TRADE_RETRYING,
)
from engine.kernel.inputs import FIXED
from engine.kernel.market import Instrument
from engine.kernel.order import FLAG_MIRRORED, FLAG_POST_ONLY, FLAG_REDUCE_ONLY
from engine.kernel.policy import TIF_NAMES
from engine.kernel.record import NONE
from engine.kernel.units import BUY
from replay.watch import Grid, Kept

SHOWN = 10
"""Rows that a notebook shows."""

Row = dict[str, Any]

_ENDS = {
    int(kinds.SIM_CANCELLED): "CANCELLED",
    int(kinds.SIM_EXPIRED): "EXPIRED",
    int(kinds.SIM_REJECTED): "REJECTED",
}

_STATUS = {
    int(TRADE_MATCHED): "MATCHED",
    int(TRADE_MINED): "MINED",
    int(TRADE_CONFIRMED): "CONFIRMED",
    int(TRADE_RETRYING): "RETRYING",
    int(TRADE_FAILED): "FAILED",
}


def exact(value: int, exponent: int) -> Decimal:
    """*value* at 10**-*exponent*, all digits of it."""
    digits = tuple(int(digit) for digit in str(abs(int(value))))
    return Decimal((value < 0, digits, -int(exponent)))


class Table:
    """Rows of one kind, in the order of the run. Iterate over them as dicts, or take them with `to_arrow`."""

    COLUMNS: ClassVar[Mapping[str, str]] = {}
    """Column names with their types: "int", "time", "text", "flag", "exact" (float64, and a decimal NAME_exact)."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = list(rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    def __getitem__(self, at: int) -> Row:
        return self._rows[at]

    def to_arrow(self) -> Any:
        """A pyarrow.Table: int64, timestamp[ns, UTC], string, bool; figures as float64 and as decimal128(38, 18)."""
        import pyarrow  # type: ignore[import-untyped]

        types = {
            "int": pyarrow.int64(),
            "time": pyarrow.timestamp("ns", tz="UTC"),
            "text": pyarrow.string(),
            "flag": pyarrow.bool_(),
        }
        columns: dict[str, Any] = {}
        for name, form in self.COLUMNS.items():
            values = [row[name] for row in self._rows]
            if form == "exact":
                floats = [None if value is None else float(value) for value in values]
                columns[name] = pyarrow.array(floats, pyarrow.float64())
                columns[f"{name}_exact"] = pyarrow.array(values, pyarrow.decimal128(38, 18))
            else:
                columns[name] = pyarrow.array(values, types[form])
        return pyarrow.table(columns)

    def to_pandas(self) -> Any:
        """A pandas.DataFrame; pandas has to be installed."""
        return self.to_arrow().to_pandas()

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__}: {len(self):,} rows of {', '.join(self.COLUMNS)}"]
        lines += [f"  {', '.join(f'{key}={_shown(row[key])}' for key in self.COLUMNS)}" for row in self._rows[:3]]
        return "\n".join([*lines, "  ..."] if len(self) > 3 else lines)

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(name)}</th>" for name in self.COLUMNS)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(_shown(row[name]))}</td>" for name in self.COLUMNS) + "</tr>"
            for row in self._rows[:SHOWN]
        )
        more = f"<p>{len(self):,} rows</p>"
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


class Fills(Table):
    """
    Every fill of ours. *order* is its request's number, *cause* the input on which it was decided; *instrument* is the
    token that was traded, also where the complement was asked for (*mirrored*). *fee* is in *currency*, paid if > 0.
    *status* is FINAL for a trade that cannot fail, else how far its settlement got; one that FAILED was taken back.
    """

    COLUMNS: ClassVar[Mapping[str, str]] = {
        **{"seq": "int", "time": "time", "venue_time": "time", "instrument": "text", "outcome": "text", "side": "text"},
        **{"price": "exact", "size": "exact", "price_units": "int", "size_units": "int", "maker": "flag"},
        **{"fee": "exact", "currency": "text", "strategy": "text", "order": "int", "cause": "int", "mirrored": "flag"},
        "status": "text",
    }


class Orders(Table):
    """
    Every order that was sent. *state* is how it ended (FILLED, CANCELLED, EXPIRED, REJECTED), LIVE for one that rested
    at the end of the run, or PENDING; *filled* is the size matched, also of trades that failed later; *why* is the
    strategy's own word.
    """

    COLUMNS: ClassVar[Mapping[str, str]] = {
        **{"order": "int", "cause": "int", "time": "time", "strategy": "text", "instrument": "text", "outcome": "text"},
        **{"side": "text", "price": "exact", "size": "exact", "price_units": "int", "size_units": "int", "tif": "text"},
        **{"post_only": "flag", "reduce_only": "flag", "mirrored": "flag", "state": "text", "reason": "text"},
        **{"filled": "exact", "acked_time": "time", "ended_time": "time", "why": "text"},
    }


class Verdicts(Table):
    """The answer to every intent. *price* and *size* are those of a Place; *check*, *detail* and *margin* say why."""

    COLUMNS: ClassVar[Mapping[str, str]] = {
        **{"seq": "int", "cause": "int", "time": "time", "strategy": "text", "what": "text", "code": "text"},
        **{"instrument": "text", "outcome": "text", "side": "text", "price": "exact", "size": "exact"},
        **{"price_ticks": "int", "lots": "int", "check": "int", "detail": "int", "margin": "text", "why": "text"},
    }


class Tables:
    """Makes the tables of one run from its records."""

    def __init__(self, kept: Sequence[Kept], instruments: Sequence[Instrument], names: Sequence[str]) -> None:
        self._kept = kept
        self._instruments = instruments
        self._names = names
        """Of the strategies, in their order."""

    def fills(self) -> Fills:
        """See `Fills`."""
        orders = {row["order"]: row for row in self._placed()}
        return Fills(self._fills(orders))

    def orders(self) -> Orders:
        """See `Orders`."""
        return Orders(self._placed())

    def verdicts(self) -> Verdicts:
        """See `Verdicts`."""
        return Verdicts(self._verdicts())

    def _fills(self, orders: Mapping[int, Row]) -> Iterator[Row]:
        settled: dict[tuple[int, int], str] = {}
        for kept in self._kept:
            if kept.kind == kinds.SIM_SETTLED:
                told = _fields(kept)
                settled[told["request"], told["trade"]] = _STATUS[told["status"]]
        for kept in self._kept:
            if kept.kind != kinds.SIM_FILLED:
                continue
            told = _fields(kept)
            order = orders[told["request"]]
            instrument = self._instruments[order["number"]]
            listing = instrument.market.listing
            fee = None if kept.fee is None else exact(kept.fee, listing.price_exponent + listing.size_exponent)
            yield {
                "seq": kept.seq,
                "time": kept.recv_ns,
                "venue_time": told["venue_ns"],
                **{name: order[name] for name in ("instrument", "outcome", "side", "strategy", "order", "cause")},
                **_figures(instrument, told["price"], told["size"]),
                "maker": told["flags"] & FILL_MAKER != 0,
                "fee": fee,
                "currency": listing.settlement,
                "mirrored": order["mirrored"],
                "status": settled.get((told["request"], told["trade"]), "MATCHED")
                if told["flags"] & FILL_PROVISIONAL
                else "FINAL",
            }

    def _placed(self) -> list[Row]:
        """The rows of the orders, with what became of each."""
        found: dict[int, Row] = {}
        intents: dict[bytes, Row] = {}
        for kept in self._kept:
            if kept.kind == kinds.INTENT:
                intent = decode(kept.kind, kept.schema, kept.payload)
                intents[_bytes(intent["id"])] = intent
            elif kept.kind == kinds.REQUEST:
                request: Row = decode(kept.kind, kept.schema, kept.payload)
                if request["what"] == PLACE:
                    found[kept.seq] = self._order(kept, request, intents.get(request["id"], {}))
            elif kept.kind in FIXED:
                told = _fields(kept)
                order = found.get(told.get("request", 0))
                if order is not None:
                    _moved(order, kept, told, self._instruments[order["number"]])
        return list(found.values())

    def _order(self, kept: Kept, request: Row, intent: Row) -> Row:
        instrument = self._instruments[request["instrument"]]
        flags = request["flags"]
        return {
            "number": request["instrument"],
            "order": kept.seq,
            "cause": kept.cause,
            "time": kept.recv_ns,
            "strategy": self._name(intent.get("seat", 0)),
            **_side(instrument, request["side"]),
            **_figures(instrument, request["price"], request["size"]),
            "tif": TIF_NAMES[request["tif"]],
            "post_only": flags & FLAG_POST_ONLY != 0,
            "reduce_only": flags & FLAG_REDUCE_ONLY != 0,
            "mirrored": flags & FLAG_MIRRORED != 0,
            "state": "PENDING",
            "reason": None,
            "filled": exact(0, 0),
            "acked_time": None,
            "ended_time": None,
            "why": intent.get("why", ""),
        }

    def _verdicts(self) -> Iterator[Row]:
        intents: dict[bytes, tuple[Row, Grid]] = {}
        for kept in self._kept:
            if kept.kind == kinds.INTENT:
                intent = decode(kept.kind, kept.schema, kept.payload)
                intents[_bytes(intent["id"])] = intent, kept.grid
            elif kept.kind == kinds.VERDICT:
                verdict: Row = decode(kept.kind, kept.schema, kept.payload)
                yield self._verdict(kept, verdict, *intents.pop(verdict["id"], ({}, (0, 0))))

    def _verdict(self, kept: Kept, verdict: Row, intent: Row, grid: Grid) -> Row:
        number = intent.get("instrument", -1)
        instrument = self._instruments[number] if number >= 0 else None
        what = intent.get("what", 0)
        row = {
            **dict.fromkeys(Verdicts.COLUMNS),
            "seq": kept.seq,
            "cause": kept.cause,
            "time": kept.recv_ns,
            "strategy": self._name(intent.get("seat", 0)),
            "what": WHAT_NAMES[what] if what < len(WHAT_NAMES) else str(what),
            "code": codes.name(verdict["code"]),
            "check": verdict["check"],
            "detail": verdict["detail"],
            "margin": str(verdict["margin"]),
            "why": intent.get("why", ""),
        }
        if instrument is not None and what == PLACE:
            ticks, lots = intent["price_ticks"], intent["lots"]
            row.update(_side(instrument, intent["side"]))
            row.update(_figures(instrument, ticks * grid[0], lots * grid[1]))
            row.update(price_ticks=ticks, lots=lots)
        elif instrument is not None and what != CANCEL:
            row.update(instrument=instrument.key, outcome=instrument.outcome)
        return row

    def _name(self, seat: int) -> str:
        """The strategy's name; empty for what the kernel did by itself."""
        return self._names[seat - 1] if 0 < seat <= len(self._names) else ""


def _moved(order: Row, kept: Kept, told: Row, instrument: Instrument) -> None:
    """What a report of the venue says of an order."""
    if kept.kind == kinds.SIM_ACKED:
        order["acked_time"] = kept.recv_ns
        if order["state"] == "PENDING":
            order["state"] = "LIVE"
    elif kept.kind == kinds.SIM_FILLED:
        order["filled"] += exact(told["size"], instrument.market.listing.size_exponent)
        if order["filled"] == order["size"]:
            order["state"], order["ended_time"] = "FILLED", kept.recv_ns
    elif kept.kind in _ENDS:
        order["state"], order["ended_time"] = _ENDS[kept.kind], kept.recv_ns
        if "code" in told:
            order["reason"] = codes.name(told["code"])


def _side(instrument: Instrument, side: int) -> Row:
    return {"instrument": instrument.key, "outcome": instrument.outcome, "side": "BUY" if side == BUY else "SELL"}


def _figures(instrument: Instrument, price: int, size: int) -> Row:
    """A price and a size in units of the venue, as decimals too."""
    listing = instrument.market.listing
    return {
        "price": exact(price, listing.price_exponent),
        "size": exact(size, listing.size_exponent),
        "price_units": price,
        "size_units": size,
    }


def _fields(kept: Kept) -> Row:
    """The fields of an input of fixed width; an absent one is None."""
    words = [int.from_bytes(kept.payload[at : at + 8], "little", signed=True) for at in range(0, len(kept.payload), 8)]
    values = [None if word == NONE else word for word in words]
    return dict(zip(FIXED[kept.kind], values, strict=False))


def _bytes(value: object) -> bytes:
    assert isinstance(value, bytes)
    return value
