"""
Maker rebates as Polymarket pays them: once a day, out of what takers paid.

A market's pool is a share (`Listing.rebate_ppm`) of the fees that takers paid there in a day, and makers divide it in
proportion to the fees their own fills stood for. Both are worked out by one formula from the same trades, so what
others did cancels: a maker gets that share of the fees which the takers of *its* fills paid, and no estimate of others
is needed. What the account is owed for a day is paid if it comes to one unit of the currency, and lost otherwise.
"""

from typing import Final, final

from mypy_extensions import i64

from engine.kernel.fees import statement
from engine.kernel.market import Instrument
from engine.kernel.record import NONE

DAY_NS: Final[i64] = 86_400_000_000_000
_PPM: Final[i64] = 1_000_000


@final
class Payment:
    """*amount* size units of settlement currency, paid for what we did in the market of instrument *instrument*."""

    def __init__(self, instrument: i64, amount: i64) -> None:
        self.instrument: Final[i64] = instrument
        self.amount: Final[i64] = amount


def payable(owed: list[Payment], instruments: list[Instrument]) -> list[Payment]:
    """Of what is *owed* for a day, the payments in currencies in which they come to one unit in all."""
    totals: dict[str, int] = {}
    for one in owed:
        listing = instruments[one.instrument].market.listing
        key = f"{listing.venue}:{listing.settlement}@{listing.size_exponent}"
        totals[key] = totals.get(key, 0) + int(one.amount)
    found: list[Payment] = []
    for one in owed:
        listing = instruments[one.instrument].market.listing
        key = f"{listing.venue}:{listing.settlement}@{listing.size_exponent}"
        if one.amount > 0 and totals[key] >= 10 ** int(listing.size_exponent):
            found.append(one)
    return found


@final
class Rebates:
    """What takers paid against our resting orders since the day (UTC) began, by the first instrument of each market."""

    def __init__(self) -> None:
        self._owed: dict[int, int] = {}
        self._day: i64 = NONE

    def made(self, instrument: Instrument, equivalent: int, venue_ns: i64) -> i64:
        """
        A resting order of ours filled at *venue_ns*, on which a taker paid *equivalent*; the day it counts on.

        While an earlier day waits for its payment, which is due at this very instant, it counts on that.
        """
        if not self._owed:
            self._day = venue_ns // DAY_NS
        market = instrument.market
        if market.listing.rebate_ppm > 0 and equivalent > 0:
            number = int(market.first_instrument)
            self._owed[number] = self._owed.get(number, 0) + equivalent
        return self._day

    def unmade(self, instrument: Instrument, equivalent: int, day: i64) -> None:
        """The fill that counted on *day* failed after all; a day that was paid stays paid."""
        number = int(instrument.market.first_instrument)
        if day == self._day and number in self._owed:
            self._owed[number] -= equivalent

    def next_ns(self) -> i64:
        """When the day ends for which something is owed; NONE while nothing is."""
        return NONE if not self._owed else (self._day + 1) * DAY_NS

    def owed(self, instruments: list[Instrument]) -> list[Payment]:
        """What the day has come to so far, market by market."""
        found: list[Payment] = []
        for number in sorted(self._owed):
            listing = instruments[number].market.listing
            money = self._owed[number] * int(listing.rebate_ppm) // int(_PPM)
            found.append(Payment(number, statement(listing, money)))
        return found

    def close(self) -> None:
        """The day is over: what it came to was paid, or was too little."""
        self._owed = {}
