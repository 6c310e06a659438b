"""
The members of a flat Binance object, read in place: no Python object is made for a key or a value.

The venue spells its frequent frames without white space, with keys of one or two letters and with values of five forms:
digits, decimal text, a few names, true or false, and lists of levels. The order of the keys differs between venues and
years, so any order is read; whatever else differs is a surprise, and left to the general decoder.
"""

from typing import Final, final

from librt.strings import read_i64_le
from librt.vecs import vec
from mypy_extensions import i64

from adapters.binance.wire.terms import EXPONENT
from engine.kernel.events import LEVEL_SET, EventBatch
from engine.kernel.scan import Scanner

# A key's number: a letter's distance from "A"; two letters take the numbers between "Z" and "a".
KEY_A: Final[i64] = 0
KEY_B: Final[i64] = 1
KEY_E: Final[i64] = 4
KEY_T: Final[i64] = 19
KEY_U: Final[i64] = 20
KEY_X: Final[i64] = 23
KEY_PU: Final[i64] = 26
KEY_ST: Final[i64] = 27
KEY_PS: Final[i64] = 28
KEY_NQ: Final[i64] = 29
KEY_a: Final[i64] = 32
KEY_b: Final[i64] = 33
KEY_e: Final[i64] = 36
KEY_m: Final[i64] = 44
KEY_p: Final[i64] = 47
KEY_q: Final[i64] = 48
KEY_s: Final[i64] = 50
KEY_t: Final[i64] = 51
KEY_u: Final[i64] = 52

# The names an event, and the stream that carries it, may have here.
BOOK_TICKER: Final[i64] = 1
TRADE: Final[i64] = 2
AGG_TRADE: Final[i64] = 3
DEPTH: Final[i64] = 4

_QUOTE: Final[i64] = 34
_COMMA: Final[i64] = 44
_OPEN: Final[i64] = 91
_CLOSE: Final[i64] = 93
_BRACE: Final[i64] = 125
_A: Final[i64] = 65
_KEY_MASK: Final[i64] = 0xFFFF00FF  # of `"x":`, all but the letter
_KEY: Final[i64] = 0x3A220022
_NAMES: Final[i64] = (1 << 36) | (1 << 23) | (1 << 28)  # e, X, ps


def read_levels(scanner: Scanner, batch: EventBatch, symbol: i64, side: i64) -> bool:
    """Read `[["price","size"],...]` into LEVEL_SET rows, in the venue's order; false at a surprise."""
    data = scanner.data
    end = scanner.end
    scanner.skip(b"[")
    if scanner.sees(b"]"):
        return True
    while scanner.ok:
        at = scanner.at
        if at + 2 > end or data[at] != _OPEN or data[at + 1] != _QUOTE:
            break
        scanner.at = at + 2
        price = scanner.decimal(EXPONENT)
        at = scanner.at
        if price <= 0 or at + 2 > end or data[at] != _COMMA or data[at + 1] != _QUOTE:
            break
        scanner.at = at + 2
        size = scanner.decimal(EXPONENT)
        at = scanner.at
        if size < 0 or at + 2 > end or data[at] != _CLOSE:
            break
        batch.add(LEVEL_SET, symbol, side, price, size, 0, 0, 0)
        scanner.at = at + 2
        if data[at + 1] == _CLOSE:
            return True
        if data[at + 1] != _COMMA:
            break
    scanner.ok = False
    return False


_BITS: Final = vec[i64]([1 << n for n in range(58)])


def mark(key: i64) -> i64:
    """The bit that stands for *key* in `Fields.integers` and its like."""
    return _BITS[key]  # a table, because compiled a shifted literal has 32 bits


@final
class Fields:
    """One object's members: which keys had which form, and the numbers by key."""

    def __init__(self) -> None:
        self.values: vec[i64] = vec[i64]([0] * 64)
        """Integers; decimals at 1e-8; 1 and 0 for true and false."""
        self.seen: i64 = 0
        self.integers: i64 = 0
        self.decimals: i64 = 0
        self.truths: i64 = 0
        self.event: i64 = 0
        """What `e` named: BOOK_TICKER, TRADE, AGG_TRADE, DEPTH, or 0 where there was no `e`."""

    def begin(self) -> None:
        """Forget the object before."""
        self.seen = 0
        self.integers = 0
        self.decimals = 0
        self.truths = 0
        self.event = 0

    def read(self, scanner: Scanner) -> i64:
        """
        Read members up to and over the closing brace, and return -1.

        The caller reads two forms itself, and then goes on with `resume`: at the name of a symbol, behind its opening
        quote, and at a list of levels, before its bracket, the key is returned. After a surprise `scanner.ok` is false.
        """
        data = scanner.data
        values = self.values
        size: i64 = len(data)
        while True:
            at = scanner.at
            if at + 6 > scanner.end or at + 8 > size:  # in a journal, other bytes always follow a frame
                break
            word = read_i64_le(data, at)
            key = ((word >> 8) & 0xFF) - _A
            if word & _KEY_MASK != _KEY or key < 0 or key > 57 or 25 < key < 32:
                key = self._long_key(scanner)
                if key < 0:
                    break
                at = scanner.at - 4
            scanner.at = at + 4
            bit = mark(key)
            if self.seen & bit:
                break
            self.seen |= bit
            c: i64 = data[at + 4]
            if c == _QUOTE:
                scanner.at = at + 5
                if key == KEY_s:
                    return key
                if bit & _NAMES:
                    self._name(scanner, key)
                else:
                    self.decimals |= bit
                    values[key] = scanner.decimal(EXPONENT)
            elif c == _OPEN:
                return key
            elif key == KEY_m or c > 57:
                self.truths |= bit
                values[key] = self._truth(scanner)
            else:
                self.integers |= bit
                values[key] = scanner.integer()
            at = scanner.at
            if not scanner.ok or at >= scanner.end or data[at] != _COMMA:
                self.resume(scanner)  # the object's end, or a surprise
                return -1
            scanner.at = at + 1
        scanner.ok = False
        return -1

    def resume(self, scanner: Scanner) -> bool:
        """Step over what follows a member: true if that is a comma, false at the object's end or at a surprise."""
        at = scanner.at
        scanner.at = at + 1
        if at < scanner.end:
            c: i64 = scanner.data[at]
            if c == _COMMA:
                return scanner.ok
            if c == _BRACE:
                return False
        scanner.ok = False
        return False

    def _long_key(self, scanner: Scanner) -> i64:
        if scanner.sees(b'"pu":'):
            return KEY_PU
        if scanner.sees(b'"st":'):
            return KEY_ST
        if scanner.sees(b'"ps":'):
            return KEY_PS
        return KEY_NQ if scanner.sees(b'"nq":') else i64(-1)

    def _truth(self, scanner: Scanner) -> i64:
        if scanner.sees(b"true"):
            return 1
        scanner.skip(b"false")
        return 0

    def _name(self, scanner: Scanner, key: i64) -> None:
        if key == KEY_e:
            self.event = event_name(scanner)
        elif key == KEY_X:
            scanner.skip(b'MARKET"')  # the other kinds of futures trade are not of the book
        else:
            scanner.text()


def event_name(scanner: Scanner) -> i64:
    """Read the event's name and the closing quote; another name is a surprise, and 0."""
    if scanner.sees(b'bookTicker"'):
        return BOOK_TICKER
    if scanner.sees(b'trade"'):
        return TRADE
    if scanner.sees(b'depthUpdate"'):
        return DEPTH
    if scanner.skip(b'aggTrade"'):
        return AGG_TRADE
    return 0


def channel_name(scanner: Scanner) -> i64:
    """Read the rest of a stream's name, behind the "@", and the closing quote; another channel is a surprise, and 0."""
    if scanner.sees(b'bookTicker"'):
        return BOOK_TICKER
    if scanner.sees(b'trade"'):
        return TRADE
    if scanner.sees(b'depth"') or (scanner.sees(b"depth@") and scanner.text()):
        return DEPTH
    if scanner.skip(b'aggTrade"'):
        return AGG_TRADE
    return 0
