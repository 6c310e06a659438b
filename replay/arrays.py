"""
A journal as hftbacktest's event array: what our books were made of, in rows that it can replay.

The frames go through a kernel, so that the rows of an instrument say what its book came to be: a book taken whole is a
clear and all its levels, a book that is not to be trusted is cleared and says nothing until it is whole again.
"""

import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from struct import Struct
from typing import Any, Final, Protocol

from attrs import define

from adapters.hftbacktest.wire import terms
from engine.kernel import events
from engine.kernel.events import EventBatch, Translator
from engine.kernel.market import Instrument, Market
from engine.kernel.record import DERIVED, NONE
from engine.kernel.step import Kernel
from engine.kernel.units import ASK, BID, BUY, SELL
from journal.disk import Disk
from journal.errors import JournalError, Taken
from journal.export import Sink
from replay.rebuild import bare_kernel
from replay.strict import is_kept

_ROW: Final = Struct("<QqqddQqd")
_PIECE: Final = 1 << 20
_BOTH: Final = int(terms.LOCAL | terms.EXCH)
_SIDES: Final = {int(BID): int(terms.BUY_SIDE), int(ASK): int(terms.SELL_SIDE)}
_AGGRESSORS: Final = {int(BUY): int(terms.BUY_SIDE), int(SELL): int(terms.SELL_SIDE)}
_HEADER: Final = (
    "{'descr': [('ev', '<u8'), ('exch_ts', '<i8'), ('local_ts', '<i8'), ('px', '<f8'), ('qty', '<f8'), "
    "('order_id', '<u8'), ('ival', '<i8'), ('fval', '<f8')], 'fortran_order': False, 'shape': (%d,), }"
)
_HEADER_SIZE: Final = 256


class Recorded(Protocol):
    """What this module needs of a record."""

    seq: int
    recv_ns: int
    src_ns: int
    kind: int
    source: int
    flags: int
    payload: bytes


class WhichInstrument(JournalError):
    """An array is of one instrument, and the journal lists another number of them."""

    def __init__(self, keys: list[str]) -> None:
        listed = ", ".join(keys[:5]) + (", ..." if len(keys) > 5 else "")
        super().__init__(f"an array is of one instrument; this journal lists {listed or 'none'}")


@define
class Arrayed:
    """What an export wrote: of the instrument *key*, rows by what they are, and what could not be said."""

    key: str = ""
    levels: int = 0
    trades: int = 0
    books: int = 0
    """Books taken whole, or cleared because they became invalid."""
    stamped_later: int = 0
    """Records whose venue time went back: they have the latest time before them."""
    off_grid: int = 0
    """Levels between two ticks, which hftbacktest would round to another price."""
    rows: int = 0


class Rows:
    """Takes a journal's records in order and gives the rows of each; without *key*, of the only instrument."""

    def __init__(self, key: str) -> None:
        self.told = Arrayed(key)
        self._asked = key
        self._kernel: Kernel = bare_kernel()
        self._instrument: Instrument | None = None
        self._exch_ns = 0

    def of(self, record: Recorded) -> bytes:
        """The rows of *record*, empty where it says nothing of the instrument. Raises WhichInstrument."""
        if record.flags & DERIVED or not is_kept(record.kind):
            return b""
        market = self._instrument.market if self._instrument is not None else None
        was_valid = market is not None and market.valid
        last = int(market.chain.last) if market is not None else NONE
        kernel, size = self._kernel, len(record.payload)
        kernel.step(record.seq, record.recv_ns, record.kind, record.source, record.payload, 0, size)
        if kernel.data.listed:
            self._listed()
        instrument = self._instrument
        if instrument is None or not instrument.market.touched:
            return b""
        exch_ns = record.recv_ns if record.src_ns == NONE else record.src_ns
        if exch_ns < self._exch_ns:
            exch_ns = self._exch_ns
            self.told.stamped_later += 1
        moment = Moment(instrument, exch_ns, record.recv_ns, self.told)
        translator = kernel.translator(record.kind)
        stated = _stated(translator, kernel.batch, instrument.symbol) if translator is not None else []
        moment.say(stated, was_valid, last)
        if moment.rows:
            self._exch_ns = exch_ns
            self.told.rows += len(moment.rows)
        return b"".join(moment.rows)

    def finish(self) -> Arrayed:
        """What was written; raises WhichInstrument where the instrument was never listed."""
        if self._instrument is None:
            raise WhichInstrument([one.key for one in self._kernel.data.listings.instruments])
        return self.told

    def _listed(self) -> None:
        instruments = self._kernel.data.listings.instruments
        if not self._asked and len(instruments) > 1:
            raise WhichInstrument([one.key for one in instruments])
        self.told.key = self._asked or instruments[0].key
        self._instrument = next((one for one in instruments if one.key == self.told.key), None)


class Moment:
    """The rows of one record."""

    def __init__(self, instrument: Instrument, exch_ns: int, local_ns: int, told: Arrayed) -> None:
        self.rows: list[bytes] = []
        self._instrument, self._times, self._told = instrument, (exch_ns, local_ns), told

    def say(self, stated: list[tuple[int, ...]], was_valid: bool, last: int) -> None:
        """What the event rows *stated* made of the book, which was at update *last* before."""
        market = self._instrument.market
        whole = market.valid and (not was_valid or any(row[0] == events.SNAPSHOT for row in stated))
        applied = was_valid and market.valid and not whole
        stale = False
        for row in stated:
            if row[0] == events.TRADED:
                self._row(terms.TRADE | _AGGRESSORS.get(row[4], 0), row[2], row[3])
                self._told.trades += 1
            elif row[0] == events.DIFF:
                stale = row[6] != events.RULE_NONE and row[3] <= last
            elif row[0] == events.LEVEL_SET and applied and not stale:
                self._level(terms.DEPTH, row[2], row[3], row[4], market)
        if whole or (was_valid and not market.valid):
            self._row(terms.DEPTH_CLEAR, 0, 0)
            self._told.books += 1
        if whole:
            for side in (int(BID), int(ASK)):
                for tick, lots in self._instrument.levels(side, market.book.bids.count() + market.book.asks.count()):
                    self._level(terms.DEPTH_SNAPSHOT, side, tick * int(market.tick), lots * int(market.lot), market)

    def _level(self, kind: int, side: int, price: int, size: int, market: Market) -> None:
        if price % market.tick:
            self._told.off_grid += 1
            return
        self._row(kind | _SIDES[side], price, size)
        self._told.levels += 1

    def _row(self, flags: int, price: int, size: int) -> None:
        listing = self._instrument.market.listing
        price_unit, size_unit = 10 ** int(listing.price_exponent), 10 ** int(listing.size_exponent)
        self.rows.append(_ROW.pack(flags | _BOTH, *self._times, price / price_unit, size / size_unit, 0, 0, 0.0))


def _stated(translator: Translator, batch: EventBatch, symbol: str) -> list[tuple[int, ...]]:
    """The event rows of *batch* about *symbol*, in order."""
    texts, stride = translator.symbols.texts, int(events.STRIDE)
    found: list[tuple[int, ...]] = []
    for at in range(0, int(batch.count) * stride, stride):
        number = int(batch.rows[at + 1])
        if number >= 0 and batch.rows[at] <= events.STATUS and texts[number] == symbol:
            found.append(tuple(int(batch.rows[at + i]) for i in range(stride)))
    return found


def write_array(
    records: Iterable[Recorded], key: str, target: Path, disk: Disk, advance: Callable[[int], None]
) -> Arrayed:
    """
    Write what *records* say of the instrument *key* ("": the only one) as the `.npz` file *target*.

    The header states how many rows follow, so these wait in a file beside it. *advance* is told records.

    Raises:
        Taken: *target* is taken.
        WhichInstrument: the journal lists another number of instruments than one, or not that one.
        JournalError, OSError: and then no *target* appears.
    """
    if disk.exists(target):
        raise Taken(target)
    partial, waiting = (target.with_name(target.name + ending) for ending in (".partial", ".rows"))
    for path in (partial, waiting):
        if disk.exists(path):
            disk.unlink(path)
    try:
        told = _spool(records, Rows(key), waiting, disk, advance)
        _pack(waiting, told.rows, partial, disk)
    except BaseException:
        if disk.exists(partial):
            disk.unlink(partial)
        raise
    finally:
        if disk.exists(waiting):
            disk.unlink(waiting)
    disk.rename(partial, target)
    disk.sync_dir(target.parent)
    return told


def _spool(
    records: Iterable[Recorded], rows: Rows, waiting: Path, disk: Disk, advance: Callable[[int], None]
) -> Arrayed:
    file = disk.create(waiting)
    try:
        out = Sink(file)
        for record in records:
            made = rows.of(record)
            if made:
                out.write(made)
            advance(1)
    finally:
        file.close()
    return rows.finish()


def _pack(waiting: Path, rows: int, target: Path, disk: Disk) -> None:
    out = disk.create(target)
    try:
        sink: Any = Sink(out)
        info = zipfile.ZipInfo("data.npy")  # of 1980: the same journal gives the same file
        info.compress_type = zipfile.ZIP_DEFLATED
        with zipfile.ZipFile(sink, "w") as archive, archive.open(info, "w", force_zip64=True) as member:
            member.write(header(rows))
            for piece in _pieces(waiting, disk):
                member.write(piece)
        out.sync()
    finally:
        out.close()


def _pieces(path: Path, disk: Disk) -> Iterator[bytes]:
    file = disk.open_read(path)
    try:
        at = 0
        while piece := file.read(at, _PIECE):
            at += len(piece)
            yield piece
    finally:
        file.close()


def header(rows: int) -> bytes:
    """What an array of *rows* begins with in numpy's format 1.0: magic, the text's length, the text, up to byte 256."""
    text = (_HEADER % rows).encode().ljust(_HEADER_SIZE - 11) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text
