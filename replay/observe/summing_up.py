"""An observer's notes, as the answer that a report is made of."""

from typing import TYPE_CHECKING

from engine.kernel.market import Instrument
from engine.kernel.step import Kernel
from replay.observe.ledger import Ledger
from replay.observe.marks import payoff
from replay.observed import Counts, Ended, Listed, Observed
from replay.outcome import unrealised_of

if TYPE_CHECKING:
    from replay.observe.observer import Observer


def sum_up(observer: "Observer", kernel: Kernel) -> Observed:
    """All that *observer* kept of the run that *kernel* has just ended."""
    orders, fills, controls, samples = observer.orders, observer.fills, observer.controls, observer.samples
    numbers = samples.numbers
    return Observed(
        strategies=tuple(seat.name for seat in kernel.trading.desk.seats),
        grid=samples.grid(),
        currencies=samples.currencies(),
        by_strategy=samples.by_strategy(),
        by_instrument=samples.by_instrument(),
        calls=samples.calls(),
        fills=fills.fills(),
        orders=tuple(orders.orders()),
        orders_every=orders.found.every,
        sets=tuple(observer.payments.sets),
        credits=tuple(observer.payments.credits),
        controls=tuple(controls.found.found),
        controls_more=controls.found.more,
        regimes=tuple(controls.regimes.found),
        regimes_more=controls.regimes.more,
        order_latency=tuple(orders.order_latency.found),
        order_latency_every=orders.order_latency.every,
        cancel_latency=tuple(orders.cancel_latency.found),
        cancel_latency_every=orders.cancel_latency.every,
        scores=observer.scores.scores(),
        queue=orders.queue(),
        counts=Counts(
            orders=orders.sent,
            cancels=orders.cancels,
            intents=controls.intents,
            refused=controls.refused,
            rejected=orders.rejected,
            rested=orders.rested,
            filled_orders=orders.filled,
            fills=len(fills.made),
            reversed=fills.reversed,
        ),
        unfilled=fills.unfilled(),
        horizon_ns=fills.horizon_ns,
        opened=observer.ledger.opened,
        ended=tuple(_ended(observer.ledger, number) for number in observer.ledger.numbers()),
        instruments={number: _listed(kernel, kernel.data.listings.instruments[number]) for number in numbers},
    )


def _ended(ledger: Ledger, number: int) -> Ended:
    holding = ledger.holding(number)
    value = ledger.valued(number)
    return Ended(
        instrument=number,
        size=int(holding.size),
        cost=holding.cost,
        realised=holding.realised,
        unrealised=unrealised_of(holding),
        fees=holding.fees,
        income=holding.income,
        payoff=payoff(holding.instrument),
        mark=value.money,
        per=value.per,
    )


def _listed(kernel: Kernel, instrument: Instrument) -> Listed:
    listing = instrument.market.listing
    return Listed(
        number=int(instrument.number),
        key=instrument.key,
        market=instrument.market.key,
        market_number=int(instrument.market.number),
        outcome=instrument.outcome,
        other=int(instrument.other) if instrument.other >= 0 else None,
        purse=kernel.trading.desk.portfolio.holdings[instrument.number].purse.key,
        currency=listing.settlement,
        price_exponent=int(listing.price_exponent),
        size_exponent=int(listing.size_exponent),
        price_scale=int(instrument.market.price_scale),
    )
