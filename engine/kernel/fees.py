"""What the venue takes: a fill's fee in integers, when the venue does not state it."""

from mypy_extensions import i64

from engine.kernel.events import FILL_MAKER, Listing
from engine.kernel.record import NONE

_FEE_DECIMALS: int = 5
_PPM: int = 1_000_000


def money_exponent(listing: Listing) -> i64:
    """Money of this market is counted in 10**-n of its settlement currency: price units times size units."""
    return listing.price_exponent + listing.size_exponent


def stated_fee(listing: Listing, fee: i64) -> int:
    """A fee as a fill's row states it (at 10**-size_exponent of the settlement currency), as money."""
    return int(fee) * int(10 ** int(listing.price_exponent))


def statement(listing: Listing, money: int) -> i64:
    """Money as a fill's row states it, rounded down: the inverse of `stated_fee`."""
    return i64(money // int(10 ** int(listing.price_exponent)))


def fee(listing: Listing, price: i64, size: i64, flags: i64) -> int:
    """
    The fee of a fill that states none, as money: takers only, nothing where the catalogue gives no rate.

    A binary market follows Polymarket: shares * rate * (p * (1 - p)) ** exponent, to five decimals, toward zero (the
    venue calls anything below 0.00001 zero). Others take a rate of the notional, rounded up to a size unit of the
    settlement currency, against us.
    """
    if flags & FILL_MAKER or listing.fee_ppm == NONE or listing.fee_ppm == 0:
        return 0
    return taker_fee(listing, price, size)


def taker_fee(listing: Listing, price: i64, size: i64) -> int:
    """What taking *size* at *price* costs at the catalogue's rate; the rate must be known."""
    assert listing.fee_ppm != NONE
    return fee_at(listing, price, size, int(listing.fee_ppm))


def fee_at(listing: Listing, price: i64, size: i64, ppm: int) -> int:
    """What a fill costs at a rate of *ppm*, in money; a rate below 0 pays us, and is rounded against us as well."""
    scale: int = 10 ** int(listing.price_exponent)
    if not listing.symbols or len(listing.symbols) == 1:
        notional_ppm = int(price) * int(size) * ppm
        return -(-notional_ppm // (_PPM * scale)) * scale
    power = int(listing.fee_exponent)
    spread: int = (int(price) * (scale - int(price))) ** power
    numerator = int(size) * ppm * spread * int(10**_FEE_DECIMALS)
    denominator = int(10 ** int(listing.size_exponent)) * _PPM * int(scale ** (2 * power))
    steps = numerator // denominator if ppm >= 0 else -(-numerator // denominator)
    exponent = int(money_exponent(listing))
    if exponent >= _FEE_DECIMALS:
        return steps * int(10 ** (exponent - _FEE_DECIMALS))
    return steps // int(10 ** (_FEE_DECIMALS - exponent))
