"""
What the simulated venue charges for a trade: the catalogue's own formula, or rates that a configuration states.

The formula stands in `engine.kernel.fees` and nowhere else. While nothing is overridden a fill's report states no fee
and the kernel works it out from the catalogue; a venue whose catalogue states none (Binance: it depends on the account)
is given its maker's and taker's rates here, and states each fee. A maker's rate below 0 is a rebate paid on the spot.
"""

from typing import Final, final

from mypy_extensions import i64

from engine.kernel.events import FILL_MAKER, Listing
from engine.kernel.fees import fee, fee_at, stated_fee, statement, taker_fee
from engine.kernel.record import NONE


@final
class Rates:
    """A venue's rates in parts per million of its own formula (one basis point is 100)."""

    def __init__(self, maker_ppm: i64, taker_ppm: i64) -> None:
        assert -1_000_000 <= maker_ppm <= 1_000_000
        assert -1_000_000 <= taker_ppm <= 1_000_000
        self.maker_ppm: Final[i64] = maker_ppm
        self.taker_ppm: Final[i64] = taker_ppm


@final
class Fees:
    """The fees of every trade; *rates* by venue name ("binance-usdm") take the place of what the catalogue says."""

    def __init__(self, rates: dict[str, Rates]) -> None:
        self._rates: Final[dict[str, Rates]] = rates

    def stated(self, listing: Listing, price: i64, size: i64, maker: bool) -> i64:
        """What the fill's report states as our fee, in size units of the currency; NONE where the catalogue rules."""
        rates = self._rates.get(listing.venue)
        if rates is None:
            return NONE
        ppm = rates.maker_ppm if maker else rates.taker_ppm
        return statement(listing, fee_at(listing, price, size, int(ppm)))

    def charged(self, listing: Listing, price: i64, size: i64, maker: bool) -> int:
        """What we pay for the fill, as money: what the kernel makes of `stated`."""
        stated = self.stated(listing, price, size, maker)
        if stated != NONE:
            return stated_fee(listing, stated)
        return fee(listing, price, size, FILL_MAKER if maker else 0)

    def of_the_other(self, listing: Listing, price: i64, size: i64, maker: bool) -> int:
        """What the other side of our fill pays, where we were the *maker* or they were."""
        return self.charged(listing, price, size, not maker)

    def equivalent(self, listing: Listing, price: i64, size: i64) -> int:
        """What a taker would pay for the fill: what Polymarket shares its rebates by. 0 where no rate is known."""
        rates = self._rates.get(listing.venue)
        if rates is not None:
            return fee_at(listing, price, size, int(rates.taker_ppm))
        return 0 if listing.fee_ppm == NONE else taker_fee(listing, price, size)
