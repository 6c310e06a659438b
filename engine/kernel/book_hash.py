"""
Polymarket's book hash: SHA-1 over the venue's own spelling of a token's full book.

The venue hashes compact JSON: market, asset_id, timestamp, hash (""), bids, asks, min_order_size, tick_size, neg_risk,
last_trade_price, levels from the worst price to the best, every number as the text it is sent as. A book that gives the
stated hash is proven whole. The complement's book is the same book seen from the other side, so both are written from
one ladder. Source: measured on recorded frames (`adapters/polymarket/README.md`).
"""

from hashlib import sha1
from typing import Final

from librt.strings import BytesWriter, read_i32_be, read_i64_be
from librt.vecs import vec
from mypy_extensions import i64

from engine.kernel.units import ASK, BID

_PRICE_SCALE: Final[i64] = 10_000
_SIZE_SCALE: Final[i64] = 1_000_000

_BITS_60: Final[i64] = 0xFFFFFFFFFFFFFFF
_BITS_56: Final[i64] = 0xFFFFFFFFFFFFFF
_BITS_32: Final[i64] = 0xFFFFFFFF

_ZERO: Final[i64] = 48
_DOT: Final[i64] = 46

_LEVEL: Final = b'{"price":"'
_SIZE: Final = b'","size":"'
_NEXT: Final = b'"},{"price":"'
_LEVEL_END: Final = b'"}'
_BIDS: Final = b'","hash":"","bids":['
_ASKS: Final = b'],"asks":['


def stated(
    market: str,
    asset: str,
    timestamp_ms: i64,
    ticks: vec[i64],
    lots: vec[i64],
    bids: i64,
    asks: i64,
    tick: i64,
    lot: i64,
    odd: dict[int, tuple[int, int]],
    mirrored: bool,
    min_order_size: str,
    tick_size: str,
    neg_risk: bool,
    last_trade_price: str,
) -> bytes:
    """
    The 20 bytes the venue should state for *asset*'s book.

    Args:
        ticks, lots: the first outcome's book: *bids* bids, then *asks* asks, each side from the best level to the
            worst, as a ladder is scanned. (The venue writes them the other way round.)
        tick, lot: one tick in price units (1e-4), one lot in size units (1e-6).
        odd: the levels not spelled in the shortest form: (tick << 1) | side to the spelling codes of price and size.
        mirrored: *asset* is the second outcome: prices are 1 - p, and the sides change places.
        min_order_size, tick_size, last_trade_price: as the venue spells them; an empty *last_trade_price* leaves that
            member out, as replies without it do.
    """
    assert bids >= 0
    assert asks >= 0
    assert bids + asks <= len(ticks)
    out = BytesWriter()
    out.write(f'{{"market":"{market}","asset_id":"{asset}","timestamp":"{timestamp_ms}'.encode())
    out.write(_BIDS)
    if mirrored:
        _levels(out, ticks, lots, bids, bids + asks, tick, lot, odd, ASK, True)
    else:
        _levels(out, ticks, lots, 0, bids, tick, lot, odd, BID, False)
    out.write(_ASKS)
    if mirrored:
        _levels(out, ticks, lots, 0, bids, tick, lot, odd, BID, True)
    else:
        _levels(out, ticks, lots, bids, bids + asks, tick, lot, odd, ASK, False)
    flag = "true" if neg_risk else "false"
    last = f',"last_trade_price":"{last_trade_price}"' if last_trade_price else ""
    tail = f'],"min_order_size":"{min_order_size}","tick_size":"{tick_size}","neg_risk":{flag}{last}}}'
    out.write(tail.encode())
    return sha1(out.getvalue(), usedforsecurity=False).digest()


def is_stated(digest: bytes, high: i64, middle: i64, low: i64) -> bool:
    """Whether *digest* is the hash that a HASH_STATED row holds: 15, 15 and 10 hex digits as integers."""
    first = read_i64_be(digest, 0)
    second = read_i64_be(digest, 8)
    third = i64(read_i32_be(digest, 16))
    return (
        high == (first >> 4) & _BITS_60
        and middle == ((first & 15) << 56) | ((second >> 8) & _BITS_56)
        and low == ((second & 255) << 32) | (third & _BITS_32)
    )


def _levels(
    out: BytesWriter,
    ticks: vec[i64],
    lots: vec[i64],
    start: i64,
    end: i64,
    tick: i64,
    lot: i64,
    odd: dict[int, tuple[int, int]],
    side: i64,
    mirrored: bool,
) -> None:
    some_odd = len(odd) > 0
    price_spelling: i64 = 0
    size_spelling: i64 = 0
    at = end
    while at > start:
        out.write(_LEVEL if at == end else _NEXT)
        at -= 1
        if some_odd:
            found = odd.get((ticks[at] << 1) | side)
            price_spelling = 0
            size_spelling = 0
            if found is not None:
                price_spelling = found[0]
                size_spelling = found[1]
        price = ticks[at] * tick
        if mirrored:
            price = _PRICE_SCALE - price
        _decimal(out, price, _PRICE_SCALE, price_spelling)
        out.write(_SIZE)
        _decimal(out, lots[at] * lot, _SIZE_SCALE, size_spelling)
    if end > start:
        out.write(_LEVEL_END)


def _decimal(out: BytesWriter, value: i64, scale: i64, code: i64) -> None:
    """Write *value* / *scale*, as `units.spelled` does."""
    whole = value // scale
    part = value - whole * scale
    if whole > 0:
        divisor: i64 = 1
        while whole // 10 >= divisor:
            divisor *= 10
        while divisor > 0:
            digit = whole // divisor
            out.append(int(_ZERO + digit))
            whole -= digit * divisor
            divisor //= 10
    elif code & 1 == 0:
        out.append(int(_ZERO))
    if part > 0 or code != 0:
        out.append(int(_DOT))
        while part > 0:
            scale //= 10
            digit = part // scale
            out.append(int(_ZERO + digit))
            part -= digit * scale
        zeros = code >> 2
        while zeros > 0:
            out.append(int(_ZERO))
            zeros -= 1
