"""
What the venue has done and we have not yet seen: reading ahead in the base. Compiled.

The recorded market's facts happened at venue times, before they reached us. `VenueTime` says when. `Ahead` looks from
our present on along the packed inputs for facts that concern an order of ours at the venue (`next_hit`), and lays what
is on its way to us over our book when a request arrives there (`prepare`).
"""

from typing import Final, final

from librt.strings import read_i64_le
from librt.vecs import append, vec
from mypy_extensions import i64

from adapters.simulated.book import VenueBook, longer
from adapters.simulated.venue import SimulatedVenue
from engine.kernel import events
from engine.kernel.bulk import FORM, PLAIN, PLAIN_SIZE, PRICE_AT, SIDE, SKIPPED, SKIPPED_AT, SOURCE, SOURCE_AT, TRADE
from engine.kernel.market import Instrument
from engine.kernel.record import NONE
from engine.kernel.step import Kernel
from engine.kernel.units import ASK, BID, BUY, SELL
from replay.decoded import AheadCursor, DecodedCursor, Loaded
from replay.venue_time import END, MOST_LAG_NS, Order, VenueTime

_HIT: Final[i64] = 4  # words: venue time, piece, offset, market (only its facts are meant, or _ALL)
_ALL: Final[i64] = -1
_SAME: Final[i64] = ~(SKIPPED << SKIPPED_AT)  # of a plain input's first word: all but how many records lie before it


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
        self.horizon_ns: i64 = 0
        self.most_lag_ns: i64 = 0
        self._hits: vec[i64] = vec[i64]([0] * int(64 * _HIT))
        self._hit: i64 = 0  # the next one
        self._hit_end: i64 = 0
        self._sought_ns: i64 = 0  # until when `_hits` holds all that concerns us
        self._from_ns: i64 = 0  # after when it does
        self._order: Final[Order] = Order()
        self._key: i64 = -1  # of the plain input last looked up, and what was found
        self._key_piece: i64 = -1
        self._key_instrument: Instrument | None = None
        self._latest: vec[i64] = vec[i64]()  # by market: the latest venue time met in round `_latest_round`
        self._latest_round: vec[i64] = vec[i64]()
        self._round: i64 = 0

    def expect(self, data: bytes) -> None:
        """The base goes on with a piece of these inputs: the cursor has it already."""
        self._order.take(data)

    def next_hit(self, until_ns: i64) -> i64:
        """When the next fact that concerns an order of ours happened, if not after *until_ns*; END without one."""
        if self._hit == self._hit_end and self._sought_ns < until_ns:
            if self._venue.resting == 0:
                return END
            self._seek(until_ns)
        if self._hit < self._hit_end and self._hits[self._hit * _HIT] <= until_ns:
            return self._hits[self._hit * _HIT]
        return END

    def forget_hits(self, now_ns: i64) -> None:
        """Other orders rest now: seek again from *now_ns* on, the facts of which are past."""
        self._hit = 0
        self._hit_end = 0
        self._sought_ns = now_ns

    def apply_hit(self) -> None:
        """Tell the venue the facts of the next hit."""
        at = self._hit * _HIT
        self._hit += 1
        vt = self._hits[at]
        only = self._hits[at + 3]
        reader = self._reader
        reader.seek(self._hits[at + 1], self._hits[at + 2])
        venue = self._venue
        instrument: Instrument | None = None
        if reader.plain != 0:
            instrument = self._find(reader.kind, reader.symbol)
            if instrument is not None and venue.watch(instrument.market.number).count > 0:
                self._tell(instrument, vt)
            return
        while reader.row():
            if reader.row_kind != events.LEVEL_SET:
                instrument = self._find(reader.kind, reader.symbol)
            if instrument is None or venue.watch(instrument.market.number).count == 0:
                continue
            if only == _ALL or only == instrument.market.number:
                self._tell(instrument, vt)

    def _tell(self, instrument: Instrument, vt: i64) -> None:
        """Tell the venue the row that the reader stands on."""
        reader = self._reader
        venue = self._venue
        market = instrument.market
        number = market.number
        kind = reader.row_kind
        if kind == events.LEVEL_SET:
            side = reader.a
            price = reader.b
            if instrument.complement:
                side = ASK if side == BID else BID
                price = market.price_scale - price
            venue.level_set(number, side, price, reader.c, vt)
        elif kind == events.TRADED:
            price = reader.a
            side = reader.c
            if instrument.complement:
                price = market.price_scale - price
                if side == BUY:
                    side = SELL
                elif side == SELL:
                    side = BUY
            venue.traded(number, price, reader.b, side, vt)
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
                instrument = self._find(reader.kind, reader.symbol)
                if instrument is not None and instrument.market is market:
                    if self._in_order(number, vt) <= now_ns:
                        self._lay(book, instrument)
                continue
            while reader.row():
                if reader.row_kind != events.LEVEL_SET:
                    instrument = self._find(reader.kind, reader.symbol)
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
            side = reader.a
            price = reader.b
            if instrument.complement:
                side = ASK if side == BID else BID
                price = instrument.market.price_scale - price
            book.set_level(side, price, reader.c)
        elif kind == events.SNAPSHOT:
            book.clear()
        elif kind == events.STATUS:
            book.set_status(reader.a)
        elif kind == events.TICK_CHANGED:
            book.set_tick(reader.b)

    # -- seeking -------------------------------------------------------------------------------------------------------

    def _seek(self, until_ns: i64) -> None:
        """Note every input that may concern an order of ours and happened after `_sought_ns`, up to *until_ns*."""
        self._hit = 0
        self._hit_end = 0
        self._from_ns = self._sought_ns
        last_ns = END
        if until_ns < END - self.most_lag_ns:
            last_ns = until_ns + self.most_lag_ns
        self._round += 1
        pieces = self._cursor.pieces
        number = self._cursor.piece
        at = self._cursor.offset
        while number < i64(len(pieces)) and at >= 0:
            at = self._seek_in(pieces[number], number, at, until_ns, last_ns, number >= self._order.since)
            number += 1
        self._sought_ns = until_ns

    def _seek_in(self, loaded: Loaded, number: i64, at: i64, until_ns: i64, last_ns: i64, ordered: bool) -> i64:
        """The same in one piece, from *at* on; returns where to go on in the next, -1 where nothing later matters."""
        data = loaded.data
        end = loaded.end
        reader = self._reader
        from_ns = self._from_ns
        known: i64 = -1  # what the plain inputs just looked at have in common: kind, source and symbol
        market: i64 = -1  # their market, where an order of ours is in it
        feed_latency_ns = self._time.feed_latency_ns
        latest: i64 = 0
        offset_ns: i64 = 0
        scale: i64 = NONE  # of complements, whose prices and sides are mirrored
        bid_low: i64 = 0
        bid_high: i64 = 0
        ask_low: i64 = 0
        ask_high: i64 = 0
        while at < end:
            recv_ns = read_i64_le(data, at + 8)
            if recv_ns > last_ns:
                break
            first = read_i64_le(data, at)
            if first & FORM != PLAIN:
                self._keep_latest(market, latest)
                known = -1
                market = -1
                reader.seek(number, at)
                if not reader.raw:
                    vt = self._time.of(reader.source, recv_ns, reader.src_ns, reader.snapshot)
                    if not self._seek_rows(vt, until_ns):
                        reader.seek(number, at)
                        self._seek_markets(vt, until_ns)
                at = reader.follows
                continue
            if first & _SAME != known:
                self._keep_latest(market, latest)
                known = first & _SAME
                market = -1
                instrument = self._plain_instrument(number, at, known)
                if instrument is not None:
                    watch = self._venue.watch(instrument.market.number)
                    if watch.count > 0:
                        market = instrument.market.number
                        latest = self._latest_in(market)
                        offset_ns = self._time.offset((first >> SOURCE_AT) & SOURCE)
                        scale = instrument.market.price_scale if instrument.complement else NONE
                        bid_low = watch.bid_low
                        bid_high = watch.bid_high
                        ask_low = watch.ask_low
                        ask_high = watch.ask_high
            if market >= 0:
                vt = read_i64_le(data, at + 16)  # as `VenueTime.at`, of which this is the only hot use
                if vt == NONE:
                    vt = recv_ns - feed_latency_ns
                else:
                    vt -= offset_ns
                    if vt > recv_ns:
                        vt = recv_ns
                    elif vt < recv_ns - MOST_LAG_NS:
                        vt = recv_ns - MOST_LAG_NS
                if ordered and vt > until_ns:
                    break
                if vt < latest:
                    vt = latest
                latest = vt
                if from_ns < vt <= until_ns:
                    word = read_i64_le(data, at + 24)
                    price = word >> PRICE_AT
                    side = word & SIDE
                    if scale != NONE:
                        price = scale - price
                        side = 1 - side
                    if word & TRADE != 0:
                        concerns = price <= bid_high or price >= ask_low
                    elif side == BID:
                        concerns = price >= ask_low or bid_low <= price <= bid_high
                    else:
                        concerns = price <= bid_high or ask_low <= price <= ask_high
                    if concerns:
                        self._note(vt, number, at, _ALL)
            at += PLAIN_SIZE
        self._keep_latest(market, latest)
        return 0 if at >= end else -1

    def _plain_instrument(self, piece: i64, offset: i64, key: i64) -> Instrument | None:
        """The instrument of the plain input at *offset* of *piece*; *key* is what it shares with others of it."""
        if self._key != key or self._key_piece != piece or self._key_instrument is None:
            self._reader.seek(piece, offset)
            self._key = key
            self._key_piece = piece  # other pieces may number their symbols otherwise
            self._key_instrument = self._find(self._reader.kind, self._reader.symbol)
        return self._key_instrument

    def _seek_rows(self, vt: i64, until_ns: i64) -> bool:
        """The same for the rows of one input; False, and none noted, if they did not happen together."""
        reader = self._reader
        instrument: Instrument | None = None
        together_ns: i64 = NONE
        concerns = False
        while reader.row():
            if reader.row_kind != events.LEVEL_SET:
                instrument = self._find(reader.kind, reader.symbol)
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
            self._note(together_ns, reader.piece, reader.offset, _ALL)
        return True

    def _seek_markets(self, vt: i64, until_ns: i64) -> None:
        """The same for the rows of an input of which one market's happened later: each market's are a hit of theirs."""
        reader = self._reader
        instrument: Instrument | None = None
        noted: list[int] = []
        while reader.row():
            if reader.row_kind != events.LEVEL_SET:
                instrument = self._find(reader.kind, reader.symbol)
            if instrument is None:
                continue
            number = instrument.market.number
            if self._venue.watch(number).count == 0 or int(number) in noted:
                continue
            at_ns = self._in_order(number, vt)
            if self._from_ns < at_ns <= until_ns and self._concerns(instrument):
                noted.append(int(number))
                self._note(at_ns, reader.piece, reader.offset, number)

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
        market = instrument.market
        watch = self._venue.watch(market.number)
        if reader.row_kind == events.LEVEL_SET:
            side = reader.a
            price = reader.b
            if instrument.complement:
                side = ASK if side == BID else BID
                price = market.price_scale - price
            return watch.is_level_concern(side, price)
        if reader.row_kind == events.TRADED:
            price = reader.a
            if instrument.complement:
                price = market.price_scale - price
            return watch.is_trade_concern(price)
        kind = reader.row_kind
        return kind == events.SNAPSHOT or kind == events.STATUS or kind == events.TICK_CHANGED

    def _note(self, vt: i64, piece: i64, offset: i64, market: i64) -> None:
        """Keep the input at *offset* of *piece* as a hit at *vt*: by time, then as recorded."""
        if (self._hit_end + 1) * _HIT > i64(len(self._hits)):
            self._hits = longer(self._hits)
        hits = self._hits
        at = self._hit_end * _HIT
        while at > 0 and hits[at - _HIT] > vt:
            hits[at] = hits[at - _HIT]
            hits[at + 1] = hits[at - _HIT + 1]
            hits[at + 2] = hits[at - _HIT + 2]
            hits[at + 3] = hits[at - _HIT + 3]
            at -= _HIT
        hits[at] = vt
        hits[at + 1] = piece
        hits[at + 2] = offset
        hits[at + 3] = market
        self._hit_end += 1

    def _find(self, kind: i64, symbol: i64) -> Instrument | None:
        translator = self._kernel.translator(kind)
        if translator is None or symbol < 0:
            return None
        return self._kernel.data.listings.find(translator.symbols, symbol)
