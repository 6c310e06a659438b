"""What a resimulation says to people and programs: orders, positions, profit and loss."""

from typing import Any

from engine.kernel.portfolio import mark_value
from engine.kernel.step import Kernel
from engine.kernel.units import decimal_text, ratio_text
from replay.answer import market_fields
from replay.resimulate import Simulated
from replay.run import RunStart


def simulated_fields(journal: str, run: RunStart, simulated: Simulated) -> dict[str, Any]:
    """The document of a resimulation, without the times that only the command knows."""
    kernel = simulated.kernel
    positions = position_fields(kernel)
    return {
        "mode": "resimulation",
        "journal": journal,
        "inputs": simulated.inputs,
        "derived": simulated.derived,
        "compared": 0,
        "verified": "nothing",
        "identical": None,
        "divergence": None,
        "last_seq": simulated.last_seq,
        "state_digest": kernel.state_digest().hex(),
        "seed": run.seed,
        "run_id": run.run_id,
        "build": run.build,
        "fast_path_share": share_of(kernel),
        "unreadable_frames": kernel.unreadable,
        "orders": simulated.submitted,
        "cancels": simulated.cancels,
        "fills": simulated.fills,
        "derived_by_kind": simulated.counts,
        "faults": simulated.faults,
        "positions": positions,
        "pnl": pnl_fields(kernel),
        "markets": [market_fields(market) for market in kernel.data.listings.markets],
    }


def position_fields(kernel: Kernel) -> list[dict[str, Any]]:
    """Every instrument ever traded: position in venue units, money in the settlement currency."""
    found: list[dict[str, Any]] = []
    for holding in kernel.trading.desk.portfolio.holdings:
        if not holding.traded:
            continue
        instrument, exponent = holding.instrument, holding.purse.exponent
        value = mark_value(instrument, holding.size)
        found.append(
            {
                "instrument": instrument.key,
                "outcome": instrument.outcome,
                "position": decimal_text(holding.size, instrument.market.listing.size_exponent),
                "cost": rounded(holding.cost, exponent),
                "realised": rounded(holding.realised, exponent),
                "unrealised": None if value is None else rounded(value - holding.cost, exponent),
                "fees": rounded(holding.fees, exponent),
                "currency": holding.purse.currency,
            }
        )
    return found


def pnl_fields(kernel: Kernel) -> dict[str, dict[str, str]]:
    """Profit and loss for each currency: realised, unrealised at the mark, fees, and their sum."""
    sums: dict[str, list[int]] = {}
    exponents: dict[str, int] = {}
    for holding in kernel.trading.desk.portfolio.holdings:
        if not holding.traded:
            continue
        value = mark_value(holding.instrument, holding.size)
        unrealised = 0 if value is None else value - holding.cost
        exponents[holding.purse.currency] = int(holding.purse.exponent)
        total = sums.setdefault(holding.purse.currency, [0, 0, 0])
        total[0] += holding.realised
        total[1] += unrealised
        total[2] += holding.fees
    return {
        currency: {
            "realised": rounded(total[0], exponents[currency]),
            "unrealised": rounded(total[1], exponents[currency]),
            "fees": rounded(total[2], exponents[currency]),
            "total": rounded(total[0] + total[1] - total[2], exponents[currency]),
        }
        for currency, total in sums.items()
    }


def rounded(money: int, exponent: int, digits: int = 4) -> str:
    """An amount of money in its currency, rounded for people."""
    return ratio_text(money, 10 ** int(exponent), digits)


def share_of(kernel: Kernel) -> float | None:
    """The share of frames that the scanners read, of those read by either; None when no frame was read."""
    counts = kernel.path_counts()
    fast, slow = int(counts[0]), int(counts[1])
    return fast / (fast + slow) if fast + slow else None
