"""
Do the quotes score? Every now and then the resting orders are held against the reward formula.

The venue says who scored only with the day's payment, so the check asks the view's estimate of the orders as they rest.
What it concludes is kept in the market's entry of the strategy's memory, and acted on by whoever quotes there.
"""

from typing import Any, Final

from engine.kernel.rewards import SHARE
from engine.strategies.maker_parameters import ADJUST, KEEP, MakerParameters

MS: Final = 1_000_000
FOR_EVER: Final = 1 << 62
_PPM: Final = 1_000_000
_SAMPLES: Final = 1_440
"""Of a day: one a minute."""

Entry = dict[str, Any]
"""What the strategy remembers of one market; see `new_entry`."""


def new_entry() -> Entry:
    """
    What is remembered of a market that was just met.

    By side: when an order was placed last, when the venue confirmed one last, how many in a row came to nothing, which
    one was to be cancelled last, and when. Where trades were (in thousandths of a price unit), and when. Since when the
    book is unfit (0: it is not). Whether quotes are wanted, and something had to wait. Of the verification: when the
    next check is due, checks in a row with a score and without, how many steps nearer we quote, whether orders are to
    be renewed, and until when the market is left alone. When complete sets are looked for next.
    """
    return {
        "placed_ns": [0, 0],
        "acked_ns": [0, 0],
        "refused": [0, 0],
        "cancelled": [0, 0],
        "cancelled_ns": [0, 0],
        "trade": 0,
        "trade_ns": 0,
        "unfit_ns": 0,
        "quotes": False,
        "waits": False,
        "check_ns": 0,
        "hits": 0,
        "misses": 0,
        "nearer": 0,
        "renew": False,
        "left_until_ns": 0,
        "merge_ns": 0,
    }


def scores(low: int, rules: MakerParameters) -> bool:
    """Whether a share of *low* / SHARE, the least that the estimate allows, is as much as we ask for."""
    return low > 0 and low * _PPM >= rules.least_share_ppm * SHARE


def verified(entry: Entry, scoring: bool, now_ns: int, rules: MakerParameters) -> str:
    """
    Note in *entry* one check of quotes that rest, and what follows from it.

    After *patience* checks in a row without a score, quotes move nearer to the fair price (`adjust`), or the market is
    left for *leave_ms* (`leave`, and when *most_adjustments* have not helped). After as many with one, a step of what
    was adjusted is taken back. Returns what was done: "adjust", "leave", "ease" or "".
    """
    if scoring:
        entry["misses"] = 0
        entry["hits"] += 1
        if entry["nearer"] == 0 or entry["hits"] < rules.patience:
            return ""
        entry["hits"] = 0
        entry["nearer"] -= 1
        return "ease"
    entry["hits"] = 0
    entry["misses"] += 1
    if entry["misses"] < rules.patience or rules.on_not_scoring == KEEP:
        return ""
    entry["misses"] = 0
    if rules.on_not_scoring == ADJUST and entry["nearer"] < rules.most_adjustments:
        entry["nearer"] += 1
        entry["renew"] = True
        return "adjust"
    entry["nearer"] = 0
    entry["left_until_ns"] = FOR_EVER if rules.leave_ms == 0 else now_ns + rules.leave_ms * MS
    return "leave"


def least_pay(low: int, rate: int, scale: int) -> int:
    """
    What one sample pays at least, as money: *low* / SHARE of 1 in 1,440 of a day's *rate* (the currency's size units).

    *scale* is the price 1 in price units. 0 where no rate is stated.
    """
    return low * rate * scale // (SHARE * _SAMPLES) if rate > 0 else 0
