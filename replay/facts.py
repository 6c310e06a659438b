"""What happened in a run, one by one, as an observer kept it; `replay.observed` says what the figures are in."""

from attrs import frozen


@frozen
class Fill:
    """
    One fill of ours, and what was known around it. *seq* is the report's, *order* its request's number, *cause* the
    input on which that was decided; *intent* names the intent, *capsule* is the record of what was known then (None:
    not in this run). *side* is "BUY" or "SELL" of *instrument*, the token sent.

    *limit* is the price asked; *bid*, *ask* are the touch at the decision, *mid2* twice the mid just before the fill
    was folded, *mids2* the same MARKOUTS_NS behind it, *later2* at the attribution's horizon, or at the run's end where
    that came first. All in price units of the token sent; None where no book fit to be traded on said it, or the run
    had ended. Once a market is resolved, what it pays takes the mid's place.

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
    not rest or the venue does not say. *end* is "FILLED", "CANCELLED", "EXPIRED", "REJECTED", or "OPEN" at the end;
    *filled* is less what was taken back.
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
    """
    A split or a merge of *size* complete sets that the venue carried out; *order* is its request's number.

    *instrument* is the first outcome's; *mids2* are twice the mids of both, in price units, just before.
    """

    seq: int
    time_ns: int
    strategy: str
    instrument: int
    order: int
    intent: str
    mids2: tuple[int | None, int | None]
    merges: bool
    size: int


@frozen
class Credit:
    """
    What the venue paid beside trades, as money: a "rebate" or a "reward", for what we did in *instrument*'s market.

    *shares* divides it among strategies: rebates by what each one's makers turned over in that market since the last
    one, rewards by size times time that its orders rested there; "" has it where nobody did.
    """

    seq: int
    time_ns: int
    instrument: int
    reason: str
    amount: int
    shares: tuple[tuple[str, int], ...]


@frozen
class ControlChange:
    """
    A "MODE" ("ACTIVE" to "KILL"), a "GATE" ("OPEN", "CLOSED") or an "OWNER" (a strategy, empty for none) that changed.

    *scope* is "account", "venue NAME", "market KEY", "instrument KEY" or "strategy NAME"; *code* is why, empty of an
    owner.
    """

    seq: int
    time_ns: int
    what: str
    scope: str
    code: str
    old: str
    new: str


@frozen
class Regime:
    """
    A heuristic of *market* that changed its level, for its *score*; *measures* are the others' of then, by name.

    All as the REGIME record has them (`docs/explanation/heuristics.md`).
    """

    seq: int
    time_ns: int
    market: str
    name: str
    old: int
    new: int
    score: int
    measures: dict[str, int]


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
    Orders of one strategy in one instrument that were to take, their price meeting the touch at the decision, and were
    not filled in full by the attribution's horizon behind it.

    *size* is what was not filled of them, *missed2* twice the money that it would have made by the horizon against that
    touch (below 0: lost). It was never made, and is no part of any profit.
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
    a token was paid out at, in price units, None while its market stands. *mark* is money for *per* size units, where
    nothing values it as last known.
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

    def worth(self, size: int) -> int:
        """What *size* of it counts as; where nothing values it, the whole at its cost, as in the portfolio's profit."""
        if self.unrealised is None and size == self.size:
            return self.cost
        return size * self.mark // self.per


@frozen
class Listed:
    """An instrument of the run: what its integers mean."""

    number: int
    key: str
    market: str
    market_number: int
    outcome: str
    other: int | None
    purse: str
    currency: str
    price_exponent: int
    size_exponent: int
    price_scale: int

    @property
    def exponent(self) -> int:
        """Of its money."""
        return self.price_exponent + self.size_exponent
