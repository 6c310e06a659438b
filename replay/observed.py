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

from replay.facts import ControlChange as ControlChange
from replay.facts import Counts as Counts
from replay.facts import Credit as Credit
from replay.facts import Ended as Ended
from replay.facts import Fill as Fill
from replay.facts import Latency as Latency
from replay.facts import Listed as Listed
from replay.facts import Opened as Opened
from replay.facts import Order as Order
from replay.facts import QueueBucket as QueueBucket
from replay.facts import Regime as Regime
from replay.facts import Score as Score
from replay.facts import Scores as Scores
from replay.facts import Sets as Sets
from replay.facts import Unfilled as Unfilled
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
    One purse, a currency at a venue, over time, as money: *equity* is what the run has made, realised + unrealised -
    fees + income.

    *cash* is less what the run opened with; *worst* is what could be lost or is carried at the worst, open orders
    included: the capital at work. A position that nothing values counts at its cost.
    """

    purse: str
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
    purse: str
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
    purse: str
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


# -- all of it ---------------------------------------------------------------------------------------------------------


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
