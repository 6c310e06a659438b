"""
What an observer kept of a run: samples over time, every fill, and what else a report tells.

Everything names the record that explains it: *seq* is a record's number in the run (for a sample, of the record that
tells of the inputs up to then: the span's), *base_seq* the last input of the base that had reached us by then, 0 in a
run without one. Times are nanoseconds by our clock unless they say `venue`. Prices, sizes and money are integers at
their instrument's exponents; `results.exact` and `decimals` make decimals of them.

Series are bounded: a grid has at most MOST_SAMPLES instants, whose distance doubles whenever that would be exceeded,
and so have lists that say *every*: they keep each *every*-th of what they tell of. Fills are all kept.
"""

from decimal import Decimal

from attrs import frozen

from replay.tables import exact

MOST_SAMPLES = 2_000
MARKOUTS_NS = (1_000_000_000, 10_000_000_000, 60_000_000_000)
"""How long behind a fill the mid is looked at again."""

Values = tuple[int | None, ...]
"""One value for each instant of the grid; None where there was none."""


def decimals(values: Values, exponent: int) -> tuple[Decimal | None, ...]:
    """*values* at 10**-*exponent*."""
    return tuple(None if value is None else exact(value, exponent) for value in values)


# -- over time ---------------------------------------------------------------------------------------------------------


@frozen
class Grid:
    """The instants at which a run was looked at, with what explains each; the last is the run's end."""

    step_ns: int
    time_ns: tuple[int, ...]
    seq: tuple[int, ...]
    base_seq: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.time_ns)


@frozen
class CurrencyTrack:
    """
    One purse over time, as money: *equity* is what the run has made, realised + unrealised - fees + income.

    *cash* is less what the run opened with; *worst* is what could be lost or is carried at the worst, open orders
    included: the capital at work. A position that nothing values counts at its cost.
    """

    currency: str
    exponent: int
    equity: Values
    cash: Values
    realised: Values
    unrealised: Values
    fees: Values
    income: Values
    worst: Values


@frozen
class StrategyTrack:
    """What one strategy has made in one purse, as money; *name* is empty for what belongs to none (an opening)."""

    name: str
    currency: str
    exponent: int
    pnl: Values
    fees: Values
    income: Values


@frozen
class InstrumentTrack:
    """
    One instrument that orders of ours stood in, or that was held. Prices in price units, *position* in size units.

    *bid*, *ask* are the touch, None while the book may not be traded on; *own_bid*, *own_ask* our best orders, those in
    the complement included, at one minus their price; *pnl* is money of *currency*: realised + unrealised - fees +
    income.
    """

    number: int
    key: str
    market: str
    outcome: str
    currency: str
    exponent: int
    price_exponent: int
    size_exponent: int
    tick: int
    bid: Values
    ask: Values
    own_bid: Values
    own_ask: Values
    position: Values
    pnl: Values


@frozen
class Calls:
    """Orders and cancels sent so far, at each instant; *per_minute* is what the policy allows, None without a limit."""

    orders: Values
    cancels: Values
    per_minute: int | None


# -- facts -------------------------------------------------------------------------------------------------------------


@frozen
class Fill:
    """
    One fill of ours, and what was known around it. *seq* is the report's, *order* its request's number, *cause* the
    input on which that was decided; *intent* names the intent, *capsule* is the record of what was known then (None:
    not in this run). *side* is "BUY" or "SELL" of *instrument*, the token sent.

    *bid*, *ask* are the touch at the decision, *mid2* twice the mid just before the fill was folded, *mids2* the same
    MARKOUTS_NS behind it: None where the run ended before. *later2* is the last of what was known by the attribution's
    horizon. All in price units, from a book fit to be traded on, else as last known; None where none was.
    *ahead* is the size that stood before the order as it came to rest, None where the venue does not say.
    *reversed* is the record that took it back, None if it stands.
    """

    seq: int
    time_ns: int
    venue_ns: int | None
    strategy: str
    instrument: int
    order: int
    cause: int
    intent: str
    capsule: int | None
    decided_ns: int | None
    side: str
    price: int
    size: int
    fee: int
    maker: bool
    mirrored: bool
    limit: int
    bid: int | None
    ask: int | None
    mid2: int | None
    mids2: tuple[int | None, ...]
    later2: int | None
    ahead: int | None
    reversed: int | None


@frozen
class Order:
    """
    One order: *seq* is its request's number, *acked* and *ended* the reports of its life, None where there were none.

    *venue_ns* is when it came to the venue, *ahead* the size that stood before it as it came to rest, None where it did
    not rest or the venue does not say. *end* is "FILLED", "CANCELLED", "EXPIRED", "REJECTED", or "OPEN" at the end.
    """

    seq: int
    time_ns: int
    cause: int
    intent: str
    strategy: str
    instrument: int
    side: str
    price: int
    size: int
    mirrored: bool
    acked: int | None
    acked_ns: int | None
    venue_ns: int | None
    ahead: int | None
    ended: int | None
    ended_ns: int | None
    end: str
    filled: int


@frozen
class Sets:
    """A split or a merge of *size* complete sets that the venue carried out; *order* is its request's number."""

    seq: int
    time_ns: int
    strategy: str
    instrument: int
    order: int
    merges: bool
    size: int


@frozen
class Credit:
    """
    What the venue paid beside trades, as money: a "rebate" or a "reward", for what we did in *instrument*'s market.

    *shares* divides it among strategies: rebates by what each one's makers turned over in that market since the last
    one, rewards by size times time that its orders rested there; to "" where nobody did.
    """

    seq: int
    time_ns: int
    instrument: int
    reason: str
    amount: int
    shares: tuple[tuple[str, int], ...]


@frozen
class ControlChange:
    """A mode ("ACTIVE" to "KILL") or a gate ("OPEN", "CLOSED") that changed: *scope* is "account", "market KEY", ..."""

    seq: int
    time_ns: int
    what: str
    scope: str
    code: str
    old: str
    new: str


@frozen
class Regime:
    """A heuristic of *scope* (an instrument or a market) that changed its regime; *value* is what made it."""

    seq: int
    time_ns: int
    scope: str
    name: str
    old: str
    new: str
    value: int


@frozen
class Latency:
    """One request: how long it went from the decision to the venue, and its answer from there back to us."""

    seq: int
    time_ns: int
    to_venue_ns: int
    to_us_ns: int


@frozen
class Score:
    """
    One sample of a market's liquidity rewards: our score and the most that the others may have, in the kernel's units.

    *venue_ns* is when the venue took it; *seq*, *time_ns* are those of the look that found it.
    """

    seq: int
    time_ns: int
    venue_ns: int
    market: int
    ours: int
    others: int

    @property
    def share(self) -> float | None:
        """Our share of the minute, at the least; None where nobody scored."""
        return self.ours / (self.ours + self.others) if self.ours + self.others else None


@frozen
class Scores:
    """A market's samples, each *every*-th of them; *samples* and *scored* count all, and those in which we scored."""

    market: int
    key: str
    every: int
    samples: int
    scored: int
    found: tuple[Score, ...]


@frozen
class QueueBucket:
    """
    Orders that came to rest behind at least *at_least* and less than *below* times their own size (None: no bound).

    *orders*, *size* count those that ended or were filled by the end of the run, *filled_orders*, *filled* what traded
    of them.
    """

    at_least: int
    below: int | None
    orders: int
    filled_orders: int
    size: int
    filled: int


@frozen
class Counts:
    """Orders and cancels sent, intents and how many were refused, and orders that the venue rejected or let rest."""

    orders: int
    cancels: int
    intents: int
    refused: int
    rejected: int
    rested: int
    filled_orders: int
    fills: int
    reversed: int

    @property
    def fill_ratio(self) -> float | None:
        """Orders of which anything was filled, of all sent."""
        return self.filled_orders / self.orders if self.orders else None


@frozen
class Unfilled:
    """
    Orders of one strategy in one instrument that ended with a rest, or were open at the attribution's horizon.

    *size* is what was not filled of them then, *missed2* twice the money that it would have made by the horizon against
    the price asked (below 0: lost). It was never made, and is no part of any profit.
    """

    strategy: str
    instrument: int
    orders: int
    size: int
    missed2: int


@frozen
class Opened:
    """
    What the run began with in one instrument, or what was held before it was first looked at.

    *cost*, *realised*, *fees*, *income* are the kernel's of then, as money; *size* in size units.
    """

    instrument: int
    size: int
    cost: int
    realised: int
    fees: int
    income: int


@frozen
class Ended:
    """
    What one instrument came to at the end, by the kernel's portfolio, and what one of it was worth.

    *realised* to *income* are money. *unrealised* is None where something is held that nothing values. *payoff* is what
    a token was paid out at, in price units, None while its market stands. *mark* is money for *per* size units: a
    position of n counts as n * mark // per, which for the whole is what the kernel's portfolio says, or its cost.
    """

    instrument: int
    size: int
    cost: int
    realised: int
    unrealised: int | None
    fees: int
    income: int
    payoff: int | None
    mark: int
    per: int


@frozen
class Listed:
    """An instrument of the run: what its integers mean."""

    number: int
    key: str
    market: str
    market_number: int
    outcome: str
    other: int | None
    currency: str
    price_exponent: int
    size_exponent: int
    price_scale: int

    @property
    def exponent(self) -> int:
        """Of its money."""
        return self.price_exponent + self.size_exponent


@frozen
class Observed:
    """What an observer kept of one run."""

    strategies: tuple[str, ...]
    grid: Grid
    currencies: tuple[CurrencyTrack, ...]
    by_strategy: tuple[StrategyTrack, ...]
    by_instrument: tuple[InstrumentTrack, ...]
    calls: Calls
    fills: tuple[Fill, ...]
    orders: tuple[Order, ...]
    orders_every: int
    sets: tuple[Sets, ...]
    credits: tuple[Credit, ...]
    controls: tuple[ControlChange, ...]
    controls_more: int
    """Changes of modes and gates behind the first ones, which alone are kept."""
    regimes: tuple[Regime, ...]
    regimes_more: int
    order_latency: tuple[Latency, ...]
    order_latency_every: int
    cancel_latency: tuple[Latency, ...]
    cancel_latency_every: int
    scores: tuple[Scores, ...]
    queue: tuple[QueueBucket, ...]
    counts: Counts
    unfilled: tuple[Unfilled, ...]
    horizon_ns: int
    """How long behind a fill, or behind a decision, the attribution looks."""
    opened: tuple[Opened, ...]
    ended: tuple[Ended, ...]
    instruments: dict[int, Listed]
    """Those that any of the above names, by number."""
