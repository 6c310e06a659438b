"""
Positions, what they cost, and cash: exact integers throughout.

Money is price units times size units, per purse (venue, settlement currency, exponent): kept in two machine words
(`money`), and an `int` to whoever asks.
At every moment, to the last unit,

    cash - opening cash = realised - cost of what is held - fees + income

because a sale takes from the cost its share rounded toward zero, and the remainder stays with what is left. A fill that
the venue takes back is applied once more with the sides swapped, at its own price and fee.
"""

from typing import Final, final

from mypy_extensions import i64

from engine.kernel.events import KIND_BINARY, Listing
from engine.kernel.fees import money_exponent
from engine.kernel.market import Instrument, Market
from engine.kernel.money import Money
from engine.kernel.pack import Packer, Unpacker
from engine.kernel.record import NONE
from engine.kernel.units import BUY


@final
class Purse:
    """
    Cash in one settlement currency of one venue. *exponent*: a unit of money is 10**-exponent of the currency.

    *settled* is what the venue has confirmed, *provisional* what fills that may still fail have moved on top of it.
    """

    def __init__(self, number: i64, key: str, currency: str, exponent: i64) -> None:
        self.number: Final[i64] = number
        self.key: Final[str] = key
        self.currency: Final[str] = currency
        self.exponent: Final[i64] = exponent
        self.opening: int = 0
        self.settled_money: Final[Money] = Money()
        self.provisional_money: Final[Money] = Money()

    @property
    def settled(self) -> int:
        """What the venue has confirmed."""
        return self.settled_money.value()

    @settled.setter
    def settled(self, value: int) -> None:
        self.settled_money.become(value)

    @property
    def provisional(self) -> int:
        """What fills that may still fail have moved."""
        return self.provisional_money.value()

    @provisional.setter
    def provisional(self, value: int) -> None:
        self.provisional_money.become(value)

    def cash(self) -> int:
        """All of it, provisional fills included."""
        return self.settled + self.provisional


@final
class Holding:
    """
    The position in one instrument: *size* in signed size units, *settled* the part the venue has confirmed.

    *cost* is what the open position cost (negative for a short one: what it brought). *realised* is profit from closed
    parts, *fees* what was paid, *income* what the venue paid beside trades, apart from both.
    """

    def __init__(self, instrument: Instrument, purse: Purse) -> None:
        self.instrument: Final[Instrument] = instrument
        self.purse: Final[Purse] = purse
        self.size: i64 = 0
        self.settled: i64 = 0
        self.cost_money: Final[Money] = Money()
        self.realised_money: Final[Money] = Money()
        self.fees_money: Final[Money] = Money()
        self.income: int = 0  # rebates and rewards
        self.traded_money: Final[Money] = Money()
        self._released: Final[Money] = Money()  # only while a part is closed

    @property
    def cost(self) -> int:
        """What the open position cost."""
        return self.cost_money.value()

    @cost.setter
    def cost(self, value: int) -> None:
        self.cost_money.become(value)

    @property
    def realised(self) -> int:
        """Profit from closed parts."""
        return self.realised_money.value()

    @realised.setter
    def realised(self, value: int) -> None:
        self.realised_money.become(value)

    @property
    def fees(self) -> int:
        """What was paid."""
        return self.fees_money.value()

    @fees.setter
    def fees(self, value: int) -> None:
        self.fees_money.become(value)

    @property
    def traded(self) -> int:
        """Money turned over."""
        return self.traded_money.value()

    @traded.setter
    def traded(self, value: int) -> None:
        self.traded_money.become(value)

    def trade(self, signed: i64, price: i64) -> None:
        """Buy (*signed* > 0) or sell at *price*: average cost, exact to the unit."""
        size = self.size
        if size == 0 or (size > 0) == (signed > 0):
            self.size = size + signed
            self.cost_money.add_product(price, signed)
            return
        held = size if size > 0 else -size
        closed = signed if signed > 0 else -signed
        if closed > held:
            closed = held
        released = self._released  # the share of the cost that goes with what is closed; all of it with the last
        released.share(self.cost_money, closed, held)
        # Closing a long position sells `closed`, closing a short one buys it: `signed` has the sign of our cash's loss.
        self.realised_money.add_product(price, closed if signed < 0 else -closed)
        self.realised_money.add(-released.high, -released.low)
        self.cost_money.add(-released.high, -released.low)
        self.size = size - closed if size > 0 else size + closed
        rest = signed + closed if signed < 0 else signed - closed
        if rest != 0:
            self.size = rest
            self.cost_money.add_product(price, rest)  # nothing is left of the old position, and of its cost


@final
class Portfolio:
    """One holding for each instrument, by its number, and the purses."""

    def __init__(self) -> None:
        self.holdings: Final[list[Holding]] = []
        self.purses: Final[list[Purse]] = []
        self.purse_by_key: Final[dict[str, Purse]] = {}

    def purse_for(self, listing: Listing) -> Purse:
        """The purse that market's money belongs to."""
        exponent = money_exponent(listing)
        return self.purse(f"{listing.venue}:{listing.settlement}@{exponent}", listing.settlement, exponent)

    def purse(self, key: str, currency: str, exponent: i64) -> Purse:
        """The purse *key*, empty if it is new."""
        purse = self.purse_by_key.get(key)
        if purse is None:
            purse = Purse(len(self.purses), key, currency, exponent)
            self.purses.append(purse)
            self.purse_by_key[key] = purse
        return purse

    def instrument_added(self, instrument: Instrument) -> Holding:
        """Make room for the next instrument's position."""
        assert instrument.number == len(self.holdings)
        holding = Holding(instrument, self.purse_for(instrument.market.listing))
        self.holdings.append(holding)
        return holding

    def fill(self, number: i64, side: i64, price: i64, size: i64, fee: int, provisional: bool) -> None:
        """*size* of instrument *number* was traded at *price*; *fee* is money paid, below 0 received."""
        holding = self.holdings[number]
        signed = size if side == BUY else -size
        holding.trade(signed, price)
        holding.traded_money.add_product(price, size)
        cash = holding.purse.provisional_money
        if not provisional:
            holding.settled += signed
            cash = holding.purse.settled_money
        cash.add_product(price, -signed)
        if fee != 0:
            holding.fees += fee
            cash.add_int(-fee)

    def settle(self, number: i64, side: i64, price: i64, size: i64, fee: int) -> None:
        """A provisional fill is final: it moves from the provisional layer to the settled one."""
        holding = self.holdings[number]
        signed = size if side == BUY else -size
        value = int(signed) * int(price)
        if holding.instrument.market.winner == NONE:  # of a resolved market nothing is held any more
            holding.settled += signed
        holding.purse.provisional += value + fee
        holding.purse.settled -= value + fee

    def reverse(self, number: i64, side: i64, price: i64, size: i64, fee: int) -> None:
        """A provisional fill never happened: the same fill with the sides swapped, and its fee given back."""
        holding = self.holdings[number]
        signed = size if side == BUY else -size
        holding.trade(-signed, price)
        value = int(signed) * int(price)
        holding.fees -= fee
        holding.traded -= abs(value)
        holding.purse.provisional += value + fee

    def pay_out(self, market: Market) -> None:
        """*market* resolved: the winner's tokens become one unit of currency each, the others nothing."""
        assert market.winner != NONE
        first = market.first_instrument
        for leg in range(len(market.listing.symbols)):
            holding = self.holdings[first + leg]
            holding.settled = 0
            if holding.size == 0 and holding.cost == 0:
                continue
            price = market.price_scale if holding.instrument.number == market.winner else i64(0)
            size = holding.size
            holding.trade(-size, price)
            holding.purse.settled += int(size) * int(price)

    def convert(self, market: Market, size: i64, merges: bool) -> None:
        """
        *size* complete sets of *market* were split from one unit of currency each, or merged back into it.

        Each outcome is booked at half of that unit: nothing is earned by the two together.
        """
        half = market.price_scale // 2
        signed = -size if merges else size
        for leg in range(2):
            holding = self.holdings[market.first_instrument + leg]
            price = half if leg == 0 else market.price_scale - half
            holding.trade(signed, price)
            holding.settled += signed
            holding.purse.settled -= int(signed) * int(price)

    def credit(self, number: i64, money: int) -> None:
        """The venue paid *money* for what we did in instrument *number*."""
        holding = self.holdings[number]
        holding.income += money
        holding.purse.settled += money

    def complete_sets(self, market: Market) -> i64:
        """Size units held of every outcome of a binary *market*: worth exactly one each, whoever wins."""
        if market.listing.kind != KIND_BINARY or len(market.listing.symbols) != 2:
            return 0
        yes = self.holdings[market.first_instrument].size
        no = self.holdings[market.first_instrument + 1].size
        least = yes if yes < no else no
        return least if least > 0 else 0

    # -- checkpoints -----------------------------------------------------------------------------------------------

    def pack(self) -> bytes:
        """The canonical bytes of all purses and holdings."""
        packer = Packer()
        packer.put(len(self.purses))
        for purse in self.purses:
            packer.put_text(purse.key)
            packer.put_text(purse.currency)
            packer.put(purse.exponent)
            packer.put_big(purse.opening)
            packer.put_big(purse.settled)
            packer.put_big(purse.provisional)
        packer.put(len(self.holdings))
        for holding in self.holdings:
            packer.put(holding.purse.number)
            packer.put(holding.size)
            packer.put(holding.settled)
            packer.put_big(holding.cost)
            packer.put_big(holding.realised)
            packer.put_big(holding.fees)
            packer.put_big(holding.income)
            packer.put_big(holding.traded)
        return packer.finish()

    def unpack(self, data: bytes, instruments: list[Instrument]) -> None:
        """Become what `pack` wrote, over the same instruments."""
        self.holdings.clear()
        self.purses.clear()
        self.purse_by_key.clear()
        unpacker = Unpacker(data)
        for _ in range(unpacker.take()):
            key = unpacker.take_text()
            currency = unpacker.take_text()
            purse = self.purse(key, currency, unpacker.take())
            purse.opening = unpacker.take_big()
            purse.settled = unpacker.take_big()
            purse.provisional = unpacker.take_big()
        count = unpacker.take()
        for instrument in instruments[:count]:
            holding = Holding(instrument, self.purses[unpacker.take()])
            holding.size = unpacker.take()
            holding.settled = unpacker.take()
            holding.cost = unpacker.take_big()
            holding.realised = unpacker.take_big()
            holding.fees = unpacker.take_big()
            holding.income = unpacker.take_big()
            holding.traded = unpacker.take_big()
            self.holdings.append(holding)
        unpacker.done()


def mark_value(instrument: Instrument, size: i64) -> int | None:
    """
    What *size* of *instrument* is worth, as money, or None while nothing says so.

    The venue's mark price where it publishes one; else, on a book that may be traded on, the mid of the touch leaning
    to the side with less resting size, rounded down once; else the best price of the only side there is.
    """
    market = instrument.market
    listing = market.listing
    if market.mark != NONE and listing.kind != KIND_BINARY:
        return int(size) * int(market.mark)
    if not market.ready():
        return None
    bid = instrument.best_bid()
    ask = instrument.best_ask()
    tick = int(market.tick)
    if bid == NONE and ask == NONE:
        return None
    if bid == NONE or ask == NONE:
        return int(size) * int(bid if ask == NONE else ask) * tick
    bid_lots = int(instrument.lots_at(0, bid))
    ask_lots = int(instrument.lots_at(1, ask))
    return int(size) * tick * (int(bid) * ask_lots + int(ask) * bid_lots) // (bid_lots + ask_lots)
