"""
Packed inputs without the lots and trades of our own orders: pieces in, pieces out. Compiled.

Inputs keep their numbers, times and order, so that a span of the base means the same; only rows change or go. An input
of which nothing is left stays, and says nothing. A piece in which no row changes is handed on as it is.

Levels and the sizes of tickers are reduced, trades too, or dropped where they were all ours. What a venue states of a
whole book (its touch, its hash) is dropped while an order of ours may rest in it: it is true of another book. The last
price stays, for the hashes to come are made of it. Raw inputs stay as they are.
"""

from typing import Final, final

from librt.strings import BytesWriter, read_i64_le
from mypy_extensions import i64

from engine.kernel import events
from engine.kernel.bulk import FORM, PLAIN, SKIPPED, SKIPPED_AT, SOURCE, SOURCE_AT
from engine.kernel.codes import OK
from engine.kernel.events import STRIDE, EventBatch, Listing, Symbols, Translator
from engine.kernel.record import NONE
from engine.kernel.step import translate_payload
from engine.kernel.units import ASK, BID
from replay.decoded import Piece
from replay.own_market import OwnMarket
from replay.own_orders import OwnOrders
from replay.packed import HEAD, KIND, KIND_AT, RAW, SIZE, SIZE_AT, SPARE, Packed
from replay.rows import MOST_KIND, Numbers, end_of, fill


@final
class Seat:
    """An instrument of a market where our orders stood; *complement*: its second."""

    def __init__(self, market: OwnMarket, complement: bool) -> None:
        self.market: Final[OwnMarket] = market
        self.complement: Final[bool] = complement


@final
class Seats:
    """The seats of a piece's symbols, by their numbers in it."""

    def __init__(self, venue: str, texts: list[str]) -> None:
        self.venue: Final[str] = venue
        self.texts: Final[list[str]] = texts
        self.found: Final[list[Seat | None]] = []
        self.listings: i64 = 0

    def grow(self, by_key: dict[str, Seat]) -> None:
        """Take in the symbols, and the seats, that came since."""
        self.listings = len(by_key)
        self.found.clear()
        for text in self.texts:
            self.found.append(by_key.get(f"{self.venue}:{text}"))


@final
class TakingOut:
    """
    Takes the orders *own* out of a base's pieces, which `piece` is given one by one, from the first.

    *translators* are its own; they read raw inputs, which may hold listings. `markets` are those where orders of ours
    stood, `statements` counts the venue's words about whole books that were dropped.
    """

    def __init__(self, own: OwnOrders, translators: dict[int, Translator]) -> None:
        self._own: Final[OwnOrders] = own
        self._translators: Final[dict[int, Translator]] = translators
        self._by_key: Final[dict[str, Seat]] = {}
        self._batch: Final[EventBatch] = EventBatch()
        self._left: Final[EventBatch] = EventBatch()
        self._symbols: dict[str, list[str]] = {}
        self._numbers: list[Numbers | None] = [None] * int(MOST_KIND)
        self._seats: list[Seats | None] = [None] * int(MOST_KIND)
        self.markets: Final[list[OwnMarket]] = []
        self.statements: i64 = 0

    def piece(self, piece: Piece) -> Piece:
        """*piece* without us. Raises Damaged where it cannot be read."""
        self._know(piece.symbols)
        data = piece.data
        end = i64(len(data)) - SPARE
        out = BytesWriter()
        copied: i64 = 0
        at: i64 = 0
        seq = piece.first_seq - 1
        while at < end:
            first = read_i64_le(data, at)
            follows = end_of(data, at, first, end)
            form = first & FORM
            before = seq
            if form >= PLAIN:
                seq += 1 + ((first >> SKIPPED_AT) & SKIPPED)
            else:
                seq = read_i64_le(data, at + 24)
            if form == RAW:
                self._list(data, at, first)
            elif self._by_key and self._changes(data, at, first):
                out.write(data[copied:at])
                out.write(self._packed(before, seq, data, at, first))
                copied = follows
            at = follows
        if copied == 0:
            return piece
        out.write(data[copied:])
        return Piece(
            out.getvalue(),
            piece.symbols,
            piece.first_seq,
            piece.last_seq,
            piece.raw_bytes,
            piece.least_lag_ns,
            piece.most_lag_ns,
            piece.decoded,
        )

    def _packed(self, before: i64, seq: i64, data: bytes, at: i64, first: i64) -> bytes:
        """What is left of the input at *at*, packed as it stands behind record *before*."""
        kind = (first >> KIND_AT) & KIND
        source = (first >> SOURCE_AT) & SOURCE
        packed = Packed(before)
        fits = packed.events(seq, read_i64_le(data, at + 8), read_i64_le(data, at + 16), kind, source, self._left)
        assert fits
        found = packed.take(seq)
        return found[: len(found) - int(SPARE)]

    # -- symbols -------------------------------------------------------------------------------------------------------

    def _know(self, symbols: dict[str, list[str]]) -> None:
        """The next piece numbers its symbols so: the rows of `_batch` have its numbers."""
        if symbols is not self._symbols:
            self._symbols = symbols
            made: dict[str, tuple[Numbers, Seats]] = {}
            for kind, translator in self._translators.items():
                venue = translator.symbols.venue
                if venue not in made:
                    texts = symbols.get(venue, [])
                    made[venue] = Numbers(Symbols(venue), texts), Seats(venue, texts)
                self._numbers[kind], self._seats[kind] = made[venue]
        for numbers in self._numbers:
            if numbers is not None:
                numbers.grow()

    def _list(self, data: bytes, at: i64, first: i64) -> None:
        """Look for listings in a raw input."""
        kind = (first >> KIND_AT) & KIND
        translator = self._translators.get(kind)
        if translator is None:
            return
        batch = self._batch
        batch.clear()
        start = at + HEAD
        code = translate_payload(translator, kind, data, start, start + ((first >> SIZE_AT) & SIZE), batch)
        if code == OK:
            for listing in batch.objects:
                self._listed(listing)

    def _listed(self, listing: Listing) -> None:
        keys = [f"{listing.venue}:{symbol}" for symbol in listing.symbols]
        if not keys or keys[0] in self._by_key:
            return
        own = self._own.instruments
        first = own.get(keys[0])
        second = own.get(keys[1]) if len(keys) > 1 else None
        if first is None and second is None:
            return
        market = OwnMarket(listing, first, second)
        self.markets.append(market)
        for leg, key in enumerate(keys):
            self._by_key[key] = Seat(market, leg == 1)

    # -- rows ----------------------------------------------------------------------------------------------------------

    def _changes(self, data: bytes, at: i64, first: i64) -> bool:
        """Whether something of the input at *at* is ours; then `_left` is what is left of it."""
        kind = (first >> KIND_AT) & KIND
        seats = self._seats[kind]
        if seats is None:
            return False
        if seats.listings != i64(len(self._by_key)) or len(seats.found) != len(seats.texts):
            seats.grow(self._by_key)
        recv_ns = read_i64_le(data, at + 8)
        src_ns = read_i64_le(data, at + 16)
        if src_ns == NONE:
            src_ns = recv_ns
        batch = self._batch
        left = self._left
        fill(batch, self._numbers, data, at, first)
        left.clear()
        at_ns = src_ns
        changed = False
        snapshot = False
        rows = batch.rows
        row: i64 = 0
        while row < batch.count * STRIDE:
            seat: Seat | None = None
            if rows[row + 1] >= 0:
                seat = seats.found[rows[row + 1]]
            event = rows[row]
            if seat is None:
                self._keep(row)
            elif event == events.LEVEL_SET:
                changed = self._level(seat, row, at_ns, snapshot) or changed
            elif event == events.TRADED:
                changed = self._traded(seat, row, src_ns) or changed
            elif event == events.TICKER:
                changed = self._ticker(seat, row) or changed
            elif (event == events.TOUCH_STATED or event == events.HASH_STATED) and seat.market.guarded(recv_ns):
                self.statements += 1
                changed = True
            else:
                if event == events.SNAPSHOT:
                    snapshot = True
                    at_ns = _stated(rows[row + 3], src_ns)
                    seat.market.snapshot()
                elif event == events.SNAPSHOT_END:
                    seat.market.snapshot_end(at_ns)
                    snapshot = False
                elif event == events.DIFF:
                    at_ns = _stated(rows[row + 5], src_ns)
                elif event == events.DIFF_END and seat.market.overdue_ns <= at_ns:
                    changed = self._restate(seat, rows[row + 1], at_ns) or changed
                self._keep(row)
            row += STRIDE
        return changed

    def _keep(self, at: i64) -> None:
        rows = self._batch.rows
        self._left.add(
            rows[at],
            rows[at + 1],
            rows[at + 2],
            rows[at + 3],
            rows[at + 4],
            rows[at + 5],
            rows[at + 6],
            rows[at + 7],
        )

    def _level(self, seat: Seat, at: i64, at_ns: i64, snapshot: bool) -> bool:
        rows = self._batch.rows
        size = rows[at + 4]
        without = seat.market.level(rows[at + 2], rows[at + 3], size, seat.complement, at_ns, snapshot)
        if without == size:
            self._keep(at)
            return False
        if without > 0 or not snapshot:  # a full book names no empty level
            # The venue spelt another size: the book's hash is not made of this one.
            self._left.add(rows[at], rows[at + 1], rows[at + 2], rows[at + 3], without, rows[at + 5], 0, 0)
        return True

    def _restate(self, seat: Seat, symbol: i64, at_ns: i64) -> bool:
        """Before a change set of its market ends: levels of which ours has gone or come without a word."""
        found = seat.market.overdue(at_ns)
        for side, price, size in found:
            if seat.complement:
                self._left.add(events.LEVEL_SET, symbol, 1 - side, seat.market.price_scale - price, size, 0, 0, 0)
            else:
                self._left.add(events.LEVEL_SET, symbol, side, price, size, 0, 0, 0)
        return len(found) > 0

    def _traded(self, seat: Seat, at: i64, src_ns: i64) -> bool:
        rows = self._batch.rows
        size = rows[at + 3]
        at_ns = _stated(rows[at + 5], src_ns)
        without = seat.market.traded(rows[at + 2], size, rows[at + 4], seat.complement, at_ns)
        if without == size:
            self._keep(at)
            return False
        if without > 0:
            self._left.add(
                rows[at],
                rows[at + 1],
                rows[at + 2],
                without,
                rows[at + 4],
                rows[at + 5],
                rows[at + 6],
                rows[at + 7],
            )
        return True

    def _ticker(self, seat: Seat, at: i64) -> bool:
        rows = self._batch.rows
        market = seat.market
        bid_size = rows[at + 3] - market.resting(BID, rows[at + 2], seat.complement)
        ask_size = rows[at + 5] - market.resting(ASK, rows[at + 4], seat.complement)
        if bid_size == rows[at + 3] and ask_size == rows[at + 5]:
            self._keep(at)
            return False
        if bid_size > 0 and ask_size > 0:
            self._left.add(
                rows[at], rows[at + 1], rows[at + 2], bid_size, rows[at + 4], ask_size, rows[at + 6], rows[at + 7]
            )
        else:
            self.statements += 1
        return True


def _stated(venue_ns: i64, otherwise: i64) -> i64:
    """A row's own time, where it states one."""
    if venue_ns < 0:
        return otherwise
    return venue_ns
