"""
What the venue has done and we have not yet seen: reading ahead in the base. Compiled.

The recorded market's facts happened at venue times, before they reached us. `VenueTime` says when. `Ahead` looks from
our present on along the packed inputs for facts that concern an order of ours at the venue (`next_stop`), tells the
venue of them, and lays what is on its way to us over our book when a request arrives there (`prepare`). `Forward` does
it where inputs are plain and in order.
"""

from typing import Final, final

from librt.strings import read_i64_le
from librt.vecs import append, vec
from mypy_extensions import i64

from adapters.simulated.book import VenueBook
from adapters.simulated.venue import SimulatedVenue
from engine.kernel import events
from engine.kernel.bulk import SIDE, TRADE
from engine.kernel.market import Instrument
from engine.kernel.record import NONE
from engine.kernel.step import Kernel
from replay.decoded import AheadCursor, DecodedCursor, Loaded, Piece
from replay.forward import Finder, Forward, mirrored
from replay.hits import ALL, QUIET, ROWS, Hits
from replay.venue_time import END, Order, VenueTime


@final
class Ahead:
    """
    Reads ahead of *cursor* for the venue. Whoever drives it keeps `horizon_ns` and `most_lag_ns` true.

    `horizon_ns`: the venue's facts up to then are among the pieces loaded (END once all are). `most_lag_ns`: no input
    loaded happened longer than this before it reached us.
    """

    def __init__(self, kernel: Kernel, venue: SimulatedVenue, cursor: DecodedCursor, time: VenueTime) -> None:
        self._kernel: Final[Kernel] = kernel
        self._venue: Final[SimulatedVenue] = venue
        self._cursor: Final[DecodedCursor] = cursor
        self._time: Final[VenueTime] = time
        self._reader: Final[AheadCursor] = AheadCursor(cursor)
        self._finder: Final[Finder] = Finder(kernel)
        self._forward: Final[Forward] = Forward(venue, cursor, time, self._finder)
        self.horizon_ns: i64 = 0
        self.most_lag_ns: i64 = 0
        self._hits: Final[Hits] = Hits()
        self._sought_ns: i64 = 0  # until when `_hits` holds all that concerns us
        self._from_ns: i64 = 0  # after when it does
        self._order: Final[Order] = Order()
        self._latest: vec[i64] = vec[i64]()  # by market: the latest venue time met in round `_latest_round`
        self._latest_round: vec[i64] = vec[i64]()
        self._round: i64 = 0

    def expect(self, piece: Piece, exact: bool) -> None:
        """
        The base goes on with *piece*: the cursor has it already.

        *exact*: each of its inputs happened when its stamp says, by the source's clock; none is taken as earlier or
        later. Raises Damaged where one ends behind the piece.
        """
        self._order.take(piece.course() if exact else None)

    def next_stop(self, until_ns: i64) -> i64:
        """When the next fact happened that the venue may answer, if not after *until_ns*; END without one."""
        if self._sought_ns < until_ns and self._venue.resting > 0:
            self._seek(until_ns)
        if self._venue.unready > 0:  # levels may be missed that the quietest fact makes up for
            return self._hits.next_ns(until_ns)
        return self._hits.next_loud_ns(until_ns)

    def tell_stop(self) -> None:
        """Tell the venue all facts up to and with the one that `next_stop` stopped at."""
        hits = self._hits
        only_next = self._venue.unready > 0
        while hits.take(END):
            self._tell_taken()
            if only_next or hits.what & QUIET == 0:
                return

    def tell_until(self, now_ns: i64) -> None:
        """Tell the venue what it is still to be told of the time up to *now_ns*, at which nothing stops any more."""
        hits = self._hits
        while hits.take(now_ns):
            self._tell_taken()

    def forget(self, now_ns: i64) -> None:
        """Other orders rest now: seek again from *now_ns* on, the facts of which are past."""
        self._hits.forget()
        self._sought_ns = now_ns

    def _tell_taken(self) -> None:
        """Tell the venue the fact last taken, or those of the input."""
        hits = self._hits
        what = hits.what
        if what & QUIET != 0:
            self._venue.queue_set(hits.market, what & SIDE, hits.price, hits.size, hits.vt)
        elif what == ROWS:
            self._tell_rows(hits.price, hits.size, hits.market, hits.vt)
        elif what & TRADE != 0:
            self._venue.traded(hits.market, hits.price, hits.size, what & SIDE, hits.vt)
        else:
            self._venue.level_set(hits.market, what & SIDE, hits.price, hits.size, hits.vt)

    def _tell_rows(self, piece: i64, offset: i64, only: i64, vt: i64) -> None:
        reader = self._reader
        reader.seek(piece, offset)
        venue = self._venue
        instrument: Instrument | None = None
        while reader.row():
            if reader.row_kind != events.LEVEL_SET:
                instrument = self._finder.find(reader.kind, reader.symbol)
            if instrument is None or venue.watch(instrument.market.number).count == 0:
                continue
            if only == ALL or only == instrument.market.number:
                self._tell(instrument, vt)

    def _tell(self, instrument: Instrument, vt: i64) -> None:
        """Tell the venue the row that the reader stands on."""
        reader = self._reader
        venue = self._venue
        number = instrument.market.number
        kind = reader.row_kind
        if kind == events.LEVEL_SET:
            venue.level_set(number, _side(instrument, reader.a), _price(instrument, reader.b), reader.c, vt)
        elif kind == events.TRADED:
            venue.traded(number, _price(instrument, reader.a), reader.b, _side(instrument, reader.c), vt)
        elif kind == events.SNAPSHOT:
            venue.snapshot(number, vt)
        elif kind == events.SNAPSHOT_END:
            venue.snapshot_end(number, vt)
        elif kind == events.STATUS:
            venue.status(number, reader.a, vt)
        elif kind == events.TICK_CHANGED:
            venue.tick_changed(number, reader.b, vt)

    def prepare(self, book: VenueBook, number: i64, now_ns: i64) -> None:
        """Make *book* that of market *number* at venue time *now_ns*, which is our present."""
        market = self._kernel.data.listings.markets[number]
        book.begin(market)
        if self._order.holds(self._cursor.piece, len(self._cursor.pieces)):
            self._forward.lay(book, market, now_ns)
            return
        reader = self._reader
        reader.start()
        last_ns = now_ns + self.most_lag_ns
        self._round += 1
        while reader.next() and reader.recv_ns <= last_ns:
            if reader.raw:
                continue
            vt = self._time.of(reader.source, reader.recv_ns, reader.src_ns, reader.snapshot)
            instrument: Instrument | None = None
            if reader.plain != 0:
                instrument = self._finder.find(reader.kind, reader.symbol)
                if instrument is not None and instrument.market is market:
                    if self._in_order(number, vt) <= now_ns:
                        self._lay(book, instrument)
                continue
            while reader.row():
                if reader.row_kind != events.LEVEL_SET:
                    instrument = self._finder.find(reader.kind, reader.symbol)
                if instrument is None or instrument.market is not market:
                    continue
                vt = self._in_order(number, vt)
                if vt > now_ns:
                    break
                self._lay(book, instrument)

    def _lay(self, book: VenueBook, instrument: Instrument) -> None:
        """Lay the row that the reader stands on over *book*."""
        reader = self._reader
        kind = reader.row_kind
        if kind == events.LEVEL_SET:
            book.set_level(_side(instrument, reader.a), _price(instrument, reader.b), reader.c)
        elif kind == events.SNAPSHOT:
            book.clear()
        elif kind == events.STATUS:
            book.set_status(reader.a)
        elif kind == events.TICK_CHANGED:
            book.set_tick(reader.b)

    # -- seeking -------------------------------------------------------------------------------------------------------

    def _seek(self, until_ns: i64) -> None:
        """Note every fact that may concern an order of ours and happened after `_sought_ns`, up to *until_ns*."""
        self._from_ns = self._sought_ns
        self._sought_ns = until_ns
        if self._order.holds(self._cursor.piece, len(self._cursor.pieces)):
            self._forward.seek(self._hits, self._from_ns, until_ns)
            return
        last_ns = END
        if until_ns < END - self.most_lag_ns:
            last_ns = until_ns + self.most_lag_ns
        self._round += 1
        pieces = self._cursor.pieces
        number = self._cursor.piece
        at = self._cursor.offset
        while number < i64(len(pieces)) and at >= 0:
            at = self._seek_in(pieces[number], number, at, until_ns, last_ns)
            number += 1

    def _seek_in(self, loaded: Loaded, number: i64, at: i64, until_ns: i64, last_ns: i64) -> i64:
        """The same in one piece, from *at* on; returns where to go on in the next, -1 where nothing later matters."""
        data = loaded.data
        end = loaded.end
        reader = self._reader
        while at < end:
            recv_ns = read_i64_le(data, at + 8)
            if recv_ns > last_ns:
                return -1
            reader.seek(number, at)
            if reader.plain != 0:
                instrument = self._finder.plain(loaded, at, read_i64_le(data, at))
                if instrument is not None:
                    self._seek_plain(instrument, recv_ns, until_ns)
            elif not reader.raw:
                vt = self._time.of(reader.source, recv_ns, reader.src_ns, reader.snapshot)
                if not self._seek_rows(vt, until_ns):
                    reader.seek(number, at)
                    self._seek_markets(vt, until_ns)
            at = reader.follows
        return 0

    def _seek_plain(self, instrument: Instrument, recv_ns: i64, until_ns: i64) -> None:
        """The same for the one fact of the plain input that the reader stands on."""
        reader = self._reader
        number = instrument.market.number
        if self._venue.watch(number).count == 0:
            return
        vt = self._in_order(number, self._time.of(reader.source, recv_ns, reader.src_ns, False))
        if not (self._from_ns < vt <= until_ns and self._concerns(instrument)):
            return
        if reader.plain == events.TRADED:
            what = _side(instrument, reader.c) | TRADE
            self._hits.note(vt, number, what, _price(instrument, reader.a), reader.b)
        else:
            self._hits.note(vt, number, _side(instrument, reader.a), _price(instrument, reader.b), reader.c)

    def _seek_rows(self, vt: i64, until_ns: i64) -> bool:
        """The same for the rows of one input; False, and none noted, if they did not happen together."""
        reader = self._reader
        instrument: Instrument | None = None
        together_ns: i64 = NONE
        concerns = False
        while reader.row():
            if reader.row_kind != events.LEVEL_SET:
                instrument = self._finder.find(reader.kind, reader.symbol)
            if instrument is None:
                continue
            number = instrument.market.number
            if self._venue.watch(number).count == 0:
                continue
            at_ns = self._in_order(number, vt)
            if together_ns == NONE:
                together_ns = at_ns
            elif together_ns != at_ns:
                return False
            concerns = concerns or self._concerns(instrument)
        if concerns and self._from_ns < together_ns <= until_ns:
            self._hits.note(together_ns, ALL, ROWS, reader.piece, reader.offset)
        return True

    def _seek_markets(self, vt: i64, until_ns: i64) -> None:
        """The same for the rows of an input of which one market's happened later: each market's are a hit of theirs."""
        reader = self._reader
        instrument: Instrument | None = None
        noted: list[int] = []
        while reader.row():
            if reader.row_kind != events.LEVEL_SET:
                instrument = self._finder.find(reader.kind, reader.symbol)
            if instrument is None:
                continue
            number = instrument.market.number
            if self._venue.watch(number).count == 0 or int(number) in noted:
                continue
            at_ns = self._in_order(number, vt)
            if self._from_ns < at_ns <= until_ns and self._concerns(instrument):
                noted.append(int(number))
                self._hits.note(at_ns, number, ROWS, reader.piece, reader.offset)

    def _in_order(self, market: i64, vt: i64) -> i64:
        """A market's facts keep the order in which they were recorded: *vt*, or the latest before it in this round."""
        latest = self._latest_in(market)
        if latest > vt:
            return latest
        self._keep_latest(market, vt)
        return vt

    def _latest_in(self, market: i64) -> i64:
        """The latest venue time met of *market* in this round, NONE without one."""
        while market >= i64(len(self._latest)):
            self._latest = append(self._latest, NONE)
            self._latest_round = append(self._latest_round, i64(0))
        return self._latest[market] if self._latest_round[market] == self._round else NONE

    def _keep_latest(self, market: i64, vt: i64) -> None:
        if market >= 0:
            self._latest[market] = vt
            self._latest_round[market] = self._round

    def _concerns(self, instrument: Instrument) -> bool:
        """Whether the row that the reader stands on may reach an order of ours, or move one in its queue."""
        reader = self._reader
        watch = self._venue.watch(instrument.market.number)
        if reader.row_kind == events.LEVEL_SET:
            return watch.is_level_concern(_side(instrument, reader.a), _price(instrument, reader.b))
        if reader.row_kind == events.TRADED:
            return watch.is_trade_concern(_price(instrument, reader.a))
        kind = reader.row_kind
        return kind == events.SNAPSHOT or kind == events.STATUS or kind == events.TICK_CHANGED


def _side(instrument: Instrument, side: i64) -> i64:
    """A level's or a taker's side, as the market's first outcome has it."""
    return mirrored(side) if instrument.complement else side


def _price(instrument: Instrument, price: i64) -> i64:
    """A price, as the market's first outcome has it."""
    return instrument.market.price_scale - price if instrument.complement else price
