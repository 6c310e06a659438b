"""
Moving along packed inputs (`replay.packed`): a kernel past them, and a reader ahead of it. Compiled.

`DecodedCursor` holds the pieces of a base in order, as they come in, and moves its kernel; `AheadCursor` reads in the
same pieces from there on, and moves nothing.
"""

from typing import Final, final

from librt.strings import read_i64_le
from librt.vecs import vec
from mypy_extensions import i64

from engine.kernel.bulk import (
    FORM,
    PLAIN,
    PRICE_AT,
    SIDE,
    SKIPPED,
    SKIPPED_AT,
    SOURCE,
    SOURCE_AT,
    SYMBOL,
    SYMBOL_AT,
    TRADE,
)
from engine.kernel.events import LEVEL_SET, STRIDE, TRADED, EventBatch
from engine.kernel.record import NONE
from engine.kernel.step import Kernel
from journal.errors import Damaged
from replay.course import Course
from replay.packed import HEAD, HOLDS_SNAPSHOT, KIND, KIND_AT, RAW, SIZE, SIZE_AT, SPARE
from replay.rows import MOST_KIND, Numbers, end_of, fill, numbers_for, symbol_of, too_short, words_of

AT_TIME: Final[i64] = 0  # the next input reaches us later than asked for
CONCLUDED: Final[i64] = 1  # the kernel concluded something from the input just folded
AT_END: Final[i64] = 2  # of the pieces that are here


@final
class Piece:
    """
    Packed inputs, in one piece of a base: those kept of its records *first_seq* to *last_seq*.

    Attributes:
        data: the inputs, with spare bytes behind them.
        symbols: each venue's symbol texts, by their numbers in *data*; the lists may grow behind what it uses.
        raw_bytes: what the records take in the base, those passed over included.
        least_lag_ns, most_lag_ns: recv_ns - src_ns of each source's inputs with a stamp (`most`: without snapshots).
        decoded: whether it comes from a sidecar.
    """

    def __init__(
        self,
        data: bytes,
        symbols: dict[str, list[str]],
        first_seq: i64,
        last_seq: i64,
        raw_bytes: i64,
        least_lag_ns: dict[int, int],
        most_lag_ns: dict[int, int],
        decoded: bool,
    ) -> None:
        self.data: Final[bytes] = data
        self.symbols: Final[dict[str, list[str]]] = symbols
        self.first_seq: Final[i64] = first_seq
        self.last_seq: Final[i64] = last_seq
        self.raw_bytes: Final[i64] = raw_bytes
        self.least_lag_ns: Final[dict[int, int]] = least_lag_ns
        self.most_lag_ns: Final[dict[int, int]] = most_lag_ns
        self.decoded: Final[bool] = decoded
        self._course: Course | None = None
        self._words: vec[i64] = vec[i64]()

    def course(self) -> Course:
        """How its inputs follow one another; looked up once. Raises Damaged where one ends behind the piece."""
        found = self._course
        if found is None:
            found = Course(self.data, self.words())
            self._course = found
        return found

    def words(self) -> vec[i64]:
        """*data* as words, made once: a loop reads them in a third of the instructions that bytes take."""
        if len(self._words) == 0:
            self._words = words_of(self.data)
        return self._words


@final
class Loaded:
    """A piece as cursors walk it."""

    def __init__(
        self, data: bytes, words: vec[i64], first_seq: i64, last_seq: i64, numbers: list[Numbers | None]
    ) -> None:
        self.data: Final[bytes] = data
        self.words: Final[vec[i64]] = words
        self.end: Final[i64] = i64(len(data)) - SPARE
        self.first_seq: Final[i64] = first_seq
        self.last_seq: Final[i64] = last_seq
        self.numbers: Final[list[Numbers | None]] = numbers


_NOTHING: Final[bytes] = b"\0" * 64


@final
class DecodedCursor:
    """
    Moves *kernel* along the pieces that `add` brings.

    Attributes:
        seq, recv_ns: of the last input folded; *seq* is its number in the base. `passed` also takes in the records
            behind it that are not kept, as far as they are known.
        inputs: how many were folded.
        span_seq: the number the kernel is told; 0 tells it each input's own.
        piece, offset: where the next input stands.
    """

    def __init__(self, kernel: Kernel) -> None:
        self.kernel: Final[Kernel] = kernel
        self.span_seq: i64 = 0
        self.seq: i64 = 0
        self.recv_ns: i64 = 0
        self.inputs: i64 = 0
        self.piece: i64 = 0
        self.offset: i64 = 0
        self.pieces: Final[list[Loaded]] = []
        self._forgotten: i64 = 0
        self._symbols: dict[str, list[str]] = {}
        self._numbers: list[Numbers | None] = [None] * int(MOST_KIND)

    # -- pieces --------------------------------------------------------------------------------------------------------

    def add(self, piece: Piece) -> None:
        """The base goes on with *piece*. Raises Damaged where it is too short to be one."""
        if len(piece.data) < SPARE:
            raise Damaged("", 0, f"{len(piece.data)} bytes are no piece")
        if piece.symbols is not self._symbols:
            self._symbols = piece.symbols
            self._numbers = numbers_for(self.kernel, piece.symbols)
        else:
            for numbers in self._numbers:
                if numbers is not None:
                    numbers.grow()
        self.pieces.append(Loaded(piece.data, piece.words(), piece.first_seq, piece.last_seq, self._numbers))
        if len(self.pieces) == 1:
            self.seq = piece.first_seq - 1

    def forget(self) -> None:
        """Give back the room of the pieces behind this cursor's; no reader may stand in them any more."""
        while self._forgotten < self.piece:
            old = self.pieces[self._forgotten]
            self.pieces[self._forgotten] = Loaded(_NOTHING, vec[i64](), old.first_seq, old.last_seq, old.numbers)
            self._forgotten += 1

    def passed(self) -> i64:
        """The last record of the base known to be behind this cursor, kept or not."""
        if self.piece < i64(len(self.pieces)) and self.offset == self.pieces[self.piece].end:
            return self.pieces[self.piece].last_seq
        return self.seq

    def next_ns(self) -> i64:
        """When the next input reaches us, NONE where no piece holds one yet."""
        if not self._ready():
            return NONE
        return read_i64_le(self.pieces[self.piece].data, self.offset + 8)

    def next_seq(self) -> i64:
        """The next input's number in the base, NONE where no piece holds one yet."""
        if not self._ready():
            return NONE
        data = self.pieces[self.piece].data
        first = read_i64_le(data, self.offset)
        if first & FORM >= PLAIN:
            return self.seq + 1 + ((first >> SKIPPED_AT) & SKIPPED)
        return read_i64_le(data, self.offset + 24)

    def skip(self) -> None:
        """Go past the next input, which must be there, without folding it."""
        seq = self.next_seq()
        loaded = self.pieces[self.piece]
        self.offset = end_of(loaded.data, self.offset, read_i64_le(loaded.data, self.offset), loaded.end)
        self.seq = seq

    def _ready(self) -> bool:
        """Whether an input stands here, or at the beginning of a later piece: then move there."""
        while self.piece < i64(len(self.pieces)):
            loaded = self.pieces[self.piece]
            if self.offset < loaded.end:
                if loaded.end - self.offset < HEAD:
                    raise too_short(self.offset, loaded.end)
                return True
            if self.piece + 1 == i64(len(self.pieces)):
                return False
            self.piece += 1
            self.offset = 0
            self.seq = self.pieces[self.piece].first_seq - 1
        return False

    # -- folding -------------------------------------------------------------------------------------------------------

    def fold_until(self, until_ns: i64) -> i64:
        """
        Fold every input that reaches us at *until_ns* or before; returns why it stopped.

        It stops behind an input that left something in the kernel's `out`. Raises what `Kernel.step` raises,
        and Damaged where no input can stand.
        """
        while self._ready():
            loaded = self.pieces[self.piece]
            words = loaded.words
            last = loaded.end - HEAD
            at = self.offset
            while at <= last:
                if words[(at >> 3) + 1] > until_ns:
                    return AT_TIME
                first = words[at >> 3]
                if first & FORM < PLAIN or not self._fold_plain(loaded, words, first, until_ns):
                    self._step(loaded, loaded.data, at, words[(at >> 3) + 1])
                    if self.kernel.out.count > 0:
                        return CONCLUDED
                at = self.offset
        return AT_END

    def fold_next(self) -> None:
        """Fold the next input, which must be there, and no other; raises as `fold_until`."""
        recv_ns = self.next_ns()
        loaded = self.pieces[self.piece]
        self._step(loaded, loaded.data, self.offset, recv_ns)

    def _fold_plain(self, loaded: Loaded, words: vec[i64], first: i64, until_ns: i64) -> bool:
        """Fold the plain inputs, from the one of the first word *first* on, that the kernel takes in bulk; or False."""
        numbers = loaded.numbers[(first >> KIND_AT) & KIND]
        if numbers is None:
            return False
        kernel = self.kernel
        at = self.offset >> 3
        follows = kernel.fold_plain(words, at, loaded.end >> 3, until_ns, self.seq, self.span_seq, numbers.lanes)
        if follows == at:
            return False
        self.offset = follows << 3
        self.seq = kernel.plain_seq
        self.recv_ns = kernel.recv_ns
        self.inputs += kernel.plain_inputs
        return True

    def _step(self, loaded: Loaded, data: bytes, at: i64, recv_ns: i64) -> None:
        """Fold the input at *at*."""
        first = read_i64_le(data, at)
        kind = (first >> KIND_AT) & KIND
        source = (first >> SOURCE_AT) & SOURCE
        form = first & FORM
        kernel = self.kernel
        follows = end_of(data, at, first, loaded.end)
        seq = self.seq + 1 + ((first >> SKIPPED_AT) & SKIPPED)
        if form < PLAIN:
            seq = read_i64_le(data, at + 24)
        number = seq
        base_seq: i64 = 0
        if self.span_seq != 0:
            number = self.span_seq
            base_seq = seq
        self.offset = follows
        self.seq = seq
        self.recv_ns = recv_ns
        self.inputs += 1
        if form == RAW:
            start = at + HEAD
            kernel.step(number, recv_ns, kind, source, data, start, start + ((first >> SIZE_AT) & SIZE), base_seq)
            return
        fill(kernel.batch, loaded.numbers, data, at, first)
        kernel.step_decoded(number, recv_ns, kind, source, base_seq)


@final
class AheadCursor:
    """
    Reads inputs of the pieces that *cursor* holds, from where that one stands on, and moves nothing but itself.

    Attributes:
        seq, recv_ns, src_ns, kind, source, raw, snapshot: of the input it stands on; `snapshot`: it holds a SNAPSHOT.
        plain: LEVEL_SET or TRADED where the input states just one such fact, else 0. The row is then set at once.
        piece, offset: where the input stands, for `seek`; `follows`: where in the piece the next one does.
        row_kind, symbol, a, b, c: the row it stands on; `symbol` is the kernel's number, -1 without one.
    """

    def __init__(self, cursor: DecodedCursor) -> None:
        self._cursor: Final[DecodedCursor] = cursor
        self._batch: Final[EventBatch] = EventBatch()
        self.seq: i64 = 0
        self.recv_ns: i64 = 0
        self.src_ns: i64 = NONE
        self.kind: i64 = 0
        self.source: i64 = 0
        self.raw: bool = False
        self.snapshot: bool = False
        self.plain: i64 = 0
        self.piece: i64 = 0
        self.offset: i64 = 0
        self.row_kind: i64 = 0
        self.symbol: i64 = -1
        self.a: i64 = 0
        self.b: i64 = 0
        self.c: i64 = 0
        self._first: i64 = 0
        self.follows: i64 = 0
        self._row: i64 = -1  # -1: the rows of this input were not looked at

    def start(self) -> None:
        """Go to where the kernel's cursor stands: `next` then reads the first input that is not folded."""
        cursor = self._cursor
        self.piece = cursor.piece
        self.follows = cursor.offset
        self.seq = cursor.seq

    def seek(self, piece: i64, offset: i64) -> None:
        """Stand on the input at *offset* of *piece* again; its `seq` is not known."""
        self.piece = piece
        self.follows = offset
        assert self.next()

    def next(self) -> bool:
        """Move to the next input; False at the end of the pieces that are here. Raises Damaged."""
        pieces = self._cursor.pieces
        at = self.follows
        while True:
            if self.piece >= i64(len(pieces)):
                return False
            loaded = pieces[self.piece]
            if at < loaded.end:
                break
            if self.piece + 1 == i64(len(pieces)):
                return False
            self.piece += 1
            at = 0
            self.follows = 0
        if at == 0:
            self.seq = loaded.first_seq - 1
        if loaded.end - at < HEAD:
            raise too_short(at, loaded.end)
        data = loaded.data
        first = read_i64_le(data, at)
        self.follows = end_of(data, at, first, loaded.end)
        self._first = first
        self._row = -1
        self.offset = at
        self.recv_ns = read_i64_le(data, at + 8)
        self.src_ns = read_i64_le(data, at + 16)
        self.kind = (first >> KIND_AT) & KIND
        self.source = (first >> SOURCE_AT) & SOURCE
        form = first & FORM
        self.raw = form == RAW
        self.snapshot = first & HOLDS_SNAPSHOT != 0
        self.plain = 0
        if form < PLAIN:
            self.seq = read_i64_le(data, at + 24)
            return True
        self.seq += 1 + ((first >> SKIPPED_AT) & SKIPPED)
        if form == PLAIN:
            self._plain(loaded, data, at, first)
        return True

    def row(self) -> bool:
        """Move to the input's next row (the first one after `next`); False behind the last, and for a raw input."""
        if self.raw:
            return False
        batch = self._batch
        if self._row < 0:
            loaded = self._cursor.pieces[self.piece]
            fill(batch, loaded.numbers, loaded.data, self.offset, self._first)
            self._row = 0
        if self._row >= batch.count:
            return False
        at = self._row * STRIDE
        rows = batch.rows
        self.row_kind = rows[at]
        self.symbol = rows[at + 1]
        self.a = rows[at + 2]
        self.b = rows[at + 3]
        self.c = rows[at + 4]
        self._row += 1
        return True

    def field(self, column: i64) -> i64:
        """Field number *column* (2 to 7) of the row it stands on."""
        assert self._row > 0
        return self._batch.field(self._row - 1, column)

    def _plain(self, loaded: Loaded, data: bytes, at: i64, first: i64) -> None:
        word = read_i64_le(data, at + 24)
        self.symbol = symbol_of(loaded.numbers, self.kind, (first >> SYMBOL_AT) & SYMBOL, at)
        if word & TRADE != 0:
            self.plain = TRADED
            self.a = word >> PRICE_AT
            self.b = read_i64_le(data, at + 32)
            self.c = word & SIDE
        else:
            self.plain = LEVEL_SET
            self.a = word & SIDE
            self.b = word >> PRICE_AT
            self.c = read_i64_le(data, at + 32)
        self.row_kind = self.plain
