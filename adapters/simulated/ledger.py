"""
A double-entry ledger of everybody in the simulated venue: for tests, and for runs that ask for it.

Cash (by purse) and tokens or contracts (by instrument) belong to five parties. An entry moves an amount from one party
to another, so that what all of them hold of anything sums to zero for ever. The market's row is what all counterparties
together gained or lost since the run began: what they held before is out of sight. Tokens of a binary market are issued
by the collateral, which owes them (a holding below zero) and keeps one unit of currency for each complete set.
"""

from typing import Final, final

from mypy_extensions import i64

from adapters.simulated.resting import Fill
from engine.kernel.fees import money_exponent
from engine.kernel.market import Instrument, Market
from engine.kernel.portfolio import Portfolio
from engine.kernel.units import BUY

US: Final[i64] = 0
MARKET: Final[i64] = 1
FEES: Final[i64] = 2
POOL: Final[i64] = 3
COLLATERAL: Final[i64] = 4
PARTIES: Final[tuple[str, ...]] = ("us", "market", "fees", "pool", "collateral")


class Unbalanced(Exception):
    """The ledger does not add up: the simulated venue made or lost money."""


@final
class Asset:
    """What every party holds of one purse's cash or one instrument. *unsettled* is the part of ours that may fail."""

    def __init__(self) -> None:
        self.held: Final[list[int]] = [0, 0, 0, 0, 0]
        self.unsettled: int = 0

    def move(self, giver: i64, taker: i64, amount: int) -> None:
        """*giver* hands *amount* to *taker* (below zero: the other way)."""
        self.held[giver] -= amount
        self.held[taker] += amount


@final
class Ledger:
    """The accounts. *instruments* is the kernel's own list, which grows with the catalogue."""

    def __init__(self, instruments: list[Instrument]) -> None:
        self._instruments: Final[list[Instrument]] = instruments
        self.cash: Final[dict[str, Asset]] = {}
        """By the purse's key, as in the portfolio."""
        self.tokens: Final[dict[int, Asset]] = {}
        """By the instrument's number."""
        self.locked: Final[dict[int, int]] = {}
        """By the market's number: cash that the collateral keeps for its complete sets."""
        self.winners: Final[dict[int, int]] = {}
        """By the market's number: the instrument that won."""
        self._markets: Final[dict[int, Market]] = {}  # of `locked`
        self.entries: i64 = 0
        """Events entered so far."""

    def purse(self, market: Market) -> Asset:
        """The cash that *market*'s money belongs to."""
        listing = market.listing
        key = f"{listing.venue}:{listing.settlement}@{money_exponent(listing)}"
        found = self.cash.get(key)
        if found is None:
            found = Asset()
            self.cash[key] = found
        return found

    def token(self, instrument: i64) -> Asset:
        """What is held of instrument number *instrument*."""
        found = self.tokens.get(int(instrument))
        if found is None:
            found = Asset()
            self.tokens[int(instrument)] = found
        return found

    # -- events ------------------------------------------------------------------------------------------------------

    def traded(self, fill: Fill, our_fee: int, their_fee: int, provisional: bool) -> None:
        """*fill* was matched with the market; both sides pay their fees to the venue."""
        self._trade(fill, our_fee, their_fee, 1)
        if provisional:
            self._unsettle(fill, our_fee, 1)
        self._redeem_again(fill)

    def settled(self, fill: Fill, our_fee: int) -> None:
        """A provisional *fill* was confirmed: it cannot fail any more."""
        self._unsettle(fill, our_fee, -1)
        self.entries += 1

    def reversed(self, fill: Fill, our_fee: int, their_fee: int) -> None:
        """A provisional *fill* failed: the same trade with the sides swapped, and the fees given back."""
        self._trade(fill, our_fee, their_fee, -1)
        self._unsettle(fill, our_fee, -1)
        self._redeem_again(fill)

    def converted(self, instrument: i64, size: i64, merges: bool) -> None:
        """We split *size* complete sets of *instrument*'s market, or merged them."""
        market = self._instruments[instrument].market
        sets = -int(size) if merges else int(size)
        money = sets * int(market.price_scale)
        self.purse(market).move(US, COLLATERAL, money)
        self._lock(market, money)
        for leg in range(2):
            self.token(market.first_instrument + leg).move(COLLATERAL, US, sets)
        self.entries += 1

    def resolved(self, market: Market, winner: i64) -> None:
        """*market* was settled in favour of instrument *winner*: whoever holds tokens gets what they are worth."""
        self.winners[int(market.number)] = int(winner)
        self._redeem(market)
        self.entries += 1

    def rebated(self, instrument: i64, money: int) -> None:
        """The venue gave us *money* of the fees it took."""
        self.purse(self._instruments[instrument].market).move(FEES, US, money)
        self.entries += 1

    def rewarded(self, instrument: i64, money: int) -> None:
        """The rewards pool paid us *money*."""
        self.purse(self._instruments[instrument].market).move(POOL, US, money)
        self.entries += 1

    def _trade(self, fill: Fill, our_fee: int, their_fee: int, sign: int) -> None:
        cash = self.purse(self._instruments[fill.instrument].market)
        size = sign * int(fill.size) if fill.side == BUY else -sign * int(fill.size)
        self.token(fill.instrument).move(MARKET, US, size)
        cash.move(US, MARKET, size * int(fill.price))
        cash.move(US, FEES, sign * our_fee)
        cash.move(MARKET, FEES, sign * their_fee)
        self.entries += 1

    def _unsettle(self, fill: Fill, our_fee: int, sign: int) -> None:
        """The part of ours that may still fail grows (*sign* 1) or shrinks by *fill*."""
        size = int(fill.size) if fill.side == BUY else -int(fill.size)
        self.token(fill.instrument).unsettled += sign * size
        cash = self.purse(self._instruments[fill.instrument].market)
        cash.unsettled -= sign * (size * int(fill.price) + our_fee)

    def _redeem_again(self, fill: Fill) -> None:
        """A trade moved tokens of a market that was resolved already."""
        market = self._instruments[fill.instrument].market
        if int(market.number) in self.winners:
            self._redeem(market)

    def _redeem(self, market: Market) -> None:
        """Tokens go back to the collateral that issued them, for one unit or for nothing."""
        winner = self.winners[int(market.number)]
        cash = self.purse(market)
        for leg in range(len(market.listing.symbols)):
            number = int(market.first_instrument) + leg
            token = self.token(number)
            worth = int(market.price_scale) if number == winner else 0
            for party in (US, MARKET):
                size = token.held[party]
                token.move(party, COLLATERAL, size)
                cash.move(COLLATERAL, party, size * worth)
                self._lock(market, -size * worth)

    def _lock(self, market: Market, money: int) -> None:
        """The collateral keeps *money* more for *market*."""
        number = int(market.number)
        self.locked[number] = self.locked.get(number, 0) + money
        self._markets[number] = market

    # -- does it add up ----------------------------------------------------------------------------------------------

    def check(self) -> None:
        """
        Hold the books to what must be true after every event.

        Raises:
            Unbalanced: something was made out of nothing or lost, or tokens are owed that no cash covers.
        """
        for key, cash in self.cash.items():
            _nought(f"cash of {key}", sum(cash.held))
        for number, token in self.tokens.items():
            _nought(f"instrument {number}", sum(token.held))
            _nought(f"fees and pool in instrument {number}", abs(token.held[FEES]) + abs(token.held[POOL]))
        kept: dict[str, int] = {}
        for number in self.locked:
            market = self._markets[number]
            locked = self.locked[number]
            listing = market.listing
            key = f"{listing.venue}:{listing.settlement}@{money_exponent(listing)}"
            kept[key] = kept.get(key, 0) + locked
            for leg in range(2):
                owed = -self.token(market.first_instrument + leg).held[COLLATERAL] * int(market.price_scale)
                _nought(f"collateral of market {number} beyond its sets", locked - owed)
            if number in self.winners:
                _nought(f"collateral of market {number}, which is resolved", locked)
        for key, cash in self.cash.items():
            _nought(f"collateral of {key}", cash.held[COLLATERAL] - kept.get(key, 0))

    def differences(self, portfolio: Portfolio) -> list[str]:
        """
        Where *portfolio* says something else of us than this ledger: nothing, once all reports have arrived.

        Compares positions, cash less what it was opened with, and what of both is not settled.
        """
        found: list[str] = []
        for holding in portfolio.holdings:
            number = int(holding.instrument.number)
            token = self.tokens.get(number, Asset())
            _compare(found, f"{holding.instrument.key}: position", token.held[US], int(holding.size))
            resolved = int(holding.instrument.market.number) in self.winners
            settled = 0 if resolved else token.held[US] - token.unsettled
            _compare(found, f"{holding.instrument.key}: settled", settled, int(holding.settled))
        for purse in portfolio.purses:
            cash = self.cash.get(purse.key, Asset())
            _compare(found, f"{purse.key}: cash", cash.held[US], purse.cash() - purse.opening)
            _compare(found, f"{purse.key}: provisional cash", cash.unsettled, purse.provisional)
        return found


def _nought(what: str, amount: int) -> None:
    if amount != 0:
        raise Unbalanced(f"{what}: {amount}")


def _compare(found: list[str], what: str, venue: int, kernel: int) -> None:
    if venue != kernel:
        found.append(f"{what}: the venue has {venue}, the kernel {kernel}")
