"""
What this simulation cannot know: of the models that one run was made of, what they assume and what none can tell.

Only what bears on this run is said, with its own figures. `docs/explanation/simulated-venue.md` and
`simulated-money.md` say it of all models.
"""

from collections.abc import Iterator

from replay.adversary_config import AdversaryConfig
from replay.config import RunConfig
from replay.money_config import MoneyConfig
from replay.report.told import Doubts
from replay.venue_config import LatencyConfig, LognormalConfig, QuantilesConfig, VenueConfig

Limit = tuple[str, str]
"""What it is about, and what cannot be known of it."""

_QUEUES = {
    "conservative": (
        "Everything that rests at a price is taken to stand ahead of our order when it joins, and who leaves without a "
        "trade to have stood behind us where there was room: a bound from below as long as nobody jumps the queue."
    ),
    "risk_averse": (
        "Only trades bring our orders forward, until their level is empty: harsher than any real queue of orders that "
        "are cancelled, and a bound from below."
    ),
    "power": (
        "Who leaves a level is taken to have stood ahead of us with a probability of its two parts to the power of "
        "{exponent:g}: an estimate, whose exponent was not fitted to fills of a live run."
    ),
}


def limits_of(config: RunConfig, doubts: Doubts, policy: str) -> list[Limit]:
    """What no figure of this run can tell, and why; *policy* is the version of the policy it ran under."""
    return [
        ("Our effect on others", _OUR_EFFECT),
        *_venue(config.venue),
        *_clocks(config.venue, doubts),
        *_doubts(doubts),
        *_money(config.money),
        *_adversary(config.adversary),
        *([("No limits", _NO_LIMITS)] if policy.startswith("for simulations only") else []),
        ("One past", _ONE_PAST),
    ]


_OUR_EFFECT = (
    "The recorded market answers neither our orders nor our fills. Nobody outbids our quotes, is frightened off by "
    "them or follows a trade of ours; a fill of ours as a maker takes a trade from somebody who got it in truth, "
    "and the record goes on as if he had. The larger the orders are beside the market's own, the less of this run "
    "would have happened."
)
_NO_LIMITS = (
    "The run had the built-in policy, which permits everything that can be expressed. With the limits that a live run "
    "needs, some of these orders would have been refused."
)
_ONE_PAST = (
    "One recording is one past, and one seed one draw of delays and chance. A figure of one run has no error bar that "
    "says how another day would go: run several seeds and several recordings before believing any of them."
)


def _venue(venue: VenueConfig) -> Iterator[Limit]:
    yield "The queue", _QUEUES[venue.queue].format(exponent=venue.queue_exponent)
    if venue.fills == "whole":
        fills = (
            "When the market reaches an order of ours, all of it fills, however little came: kind to large orders. "
            "venue.fills=partial fills no more than came."
        )
    else:
        fills = "No more of an order fills than what the record says came; hidden orders are in no record."
    yield "Fills", fills
    cancel = venue.order_latency_ms if venue.cancel_latency_ms is None else venue.cancel_latency_ms
    drawn = any(not isinstance(one, float) for one in (venue.order_latency_ms, cancel, venue.report_latency_ms))
    assumed = (
        f"Orders are assumed to take {said_of(venue.order_latency_ms)} to the venue, cancels {said_of(cancel)}, and "
        f"reports {said_of(venue.report_latency_ms)} back, "
    )
    how = "drawn for each message" if drawn else "each and every one"
    yield (
        "Latency",
        f"{assumed}{how}. In truth delays grow with load, exactly when it hurts; outages are in no recording.",
    )
    if not venue.rates.orders_per_s and not venue.rates.cancels_per_s:
        yield "Rate limits", "No rate limit of the venue was configured, so none refused anything; accounts differ."


def said_of(latency: LatencyConfig) -> str:
    """A delay in words."""
    if isinstance(latency, LognormalConfig):
        return f"a median of {latency.median_ms:g} ms (at least {latency.least_ms:g}, at most {latency.most_ms:g})"
    if isinstance(latency, QuantilesConfig):
        knots = list(latency.quantiles_ms.values())
        return f"{knots[0]:g} to {knots[-1]:g} ms (a table of {len(knots)} quantiles)"
    return f"{latency:g} ms"


def _clocks(venue: VenueConfig, doubts: Doubts) -> Iterator[Limit]:
    offsets = ", ".join(f"{name} {ns / 1e6:+,.1f} ms" for name, ns in doubts.clock_offsets_ns.items())
    if offsets:
        how = (
            f"so that the fastest input takes {venue.clock.floor_ms:g} ms, which is assumed"
            if venue.clock.offset_ms == "auto"
            else "as configured"
        )
        text = f"How far venues' clocks ran ahead of ours is an estimate ({offsets}; {how})."
    else:
        text = "No input said when the venue sent it"
        text += f": each is taken to have needed {venue.clock.feed_latency_ms:g} ms."
    if doubts.clamped:
        text += f" {doubts.clamped:,} inputs seemed older than the venue is let ahead, and were taken as younger."
    yield "Clocks", f"{text} Stamps have milliseconds, and many facts share one: their order at the venue is a guess."


def _doubts(doubts: Doubts) -> Iterator[Limit]:
    if doubts.unready:
        yield (
            "Books in doubt",
            f"At {doubts.unready:,} instants a fact or a request met a book at the venue that was not fit to be "
            "traded on: invalid, contradicted or crossed. Nothing fills there meanwhile; trades that "
            "passed then are lost.",
        )
    if doubts.taken is not None:
        text = "The recording was of a run that traded itself. What was known to be ours was taken out of its market"
        if doubts.taken.uncertain:
            text += f"; {doubts.taken.uncertain:,} orders of unknown fate were kept"
        yield "The recorded run", f"{text}. How others answered it cannot be taken out."


def _money(money: MoneyConfig) -> Iterator[Limit]:
    if money.rewards:
        yield (
            "Rewards",
            "Liquidity rewards are estimated: a public book does not say who the makers are nor how old their orders "
            "are. The venue here pays the least that we could have earned against this book; payments of a day that "
            "had not ended are in no sum.",
        )
    if money.settlement.venues:
        text = (
            f"Trades at {', '.join(money.settlement.venues)} are assumed to be mined after "
            f"{said_of(money.settlement.mined_ms)} and final {said_of(money.settlement.confirmed_ms)} later; "
        )
        failing = money.settlement.failure_ppm
        text += f"{failing / 1e4:g} % fail." if failing else "none fails, as some do in truth."
        yield "Settlement", f"{text} The venue publishes no distribution of either."
    if money.fees:
        yield "Fees", f"Fees at {', '.join(money.fees)} are the configured ones, in place of what the catalogue says."


def _adversary(adversary: AdversaryConfig | None) -> Iterator[Limit]:
    if adversary is None:
        yield (
            "A kind world",
            "No adversary was configured: no outage, no refusal without a reason, no better informed counterparty. "
            "engine profile list names worse worlds.",
        )
        return
    yield (
        "The adversary",
        f"The run met {adversary.name or 'a configured adversary'}. Its strengths are round numbers chosen to "
        "hurt; none was measured.",
    )
