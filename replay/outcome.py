"""What a resimulation says to people and programs: orders, positions, profit and loss."""

from typing import Any

from attrs import asdict, define

from engine.kernel.events import CREDIT_REWARD
from engine.kernel.portfolio import Holding, mark_value
from engine.kernel.step import Kernel
from engine.kernel.units import decimal_text, ratio_text
from replay.answer import market_fields
from replay.resimulation import Simulated
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
        "fast_path_share": share_of(*simulated.path_counts),
        "unreadable_frames": kernel.unreadable,
        "orders": simulated.submitted,
        "cancels": simulated.cancels,
        "fills": simulated.fills,
        "clock_offsets_ms": {name: ns / 1e6 for name, ns in simulated.clock_offsets_ns.items()},
        "clamped_inputs": simulated.clamped,
        "own_orders_taken_out": None if simulated.taken is None else asdict(simulated.taken),
        "unready_instants": simulated.unready,
        "accrued": accrued_fields(simulated),
        "sets": sets_fields(simulated),
        "derived_by_kind": simulated.counts,
        "verdicts": simulated.verdicts,
        "faults": simulated.faults,
        "positions": positions,
        "pnl": pnl_fields(kernel),
        "markets": [market_fields(market) for market in kernel.data.listings.markets],
    }


def accrued_fields(simulated: Simulated) -> list[dict[str, str]]:
    """Rebates and rewards of the last day, which the venue would pay at its end, behind the base's."""
    found: list[dict[str, str]] = []
    for reason, number, amount in simulated.accrued:
        listing = simulated.kernel.data.listings.instruments[number].market.listing
        found.append(
            {
                "reason": "reward" if reason == CREDIT_REWARD else "rebate",
                "instrument": simulated.kernel.data.listings.instruments[number].key,
                "amount": decimal_text(amount, listing.size_exponent),
                "currency": listing.settlement,
            }
        )
    return found


def sets_fields(simulated: Simulated) -> list[dict[str, str]]:
    """
    Complete sets by market: split, merged and refused by the venue, and held at the end, where each is worth one.

    Markets of which none was ever asked for or held are left out.
    """
    found: list[dict[str, str]] = []
    kernel = simulated.kernel
    for market in kernel.data.listings.markets:
        exponent = market.listing.size_exponent
        held = kernel.trading.desk.portfolio.complete_sets(market)
        split, merged, refused = simulated.conversions.get(int(market.number), (0, 0, 0))
        if split or merged or refused or held:
            figures = {"split": split, "merged": merged, "refused": refused, "held": held}
            texts = {name: decimal_text(size, exponent) for name, size in figures.items()}
            found.append({"market": market.key, **texts, "currency": market.listing.settlement})
    return found


def unrealised_of(holding: Holding) -> int | None:
    """Profit of what is held at its mark, as money; None while something is held and nothing says what it is worth."""
    if holding.size == 0:
        return 0
    value = mark_value(holding.instrument, holding.size)
    return None if value is None else value - holding.cost


def is_held(holding: Holding) -> bool:
    """Whether anything was ever traded, held, split, merged or paid there: a reward needs no trade."""
    moved = holding.size or holding.traded or holding.cost or holding.realised
    return bool(moved or holding.fees or holding.income)


def position_fields(kernel: Kernel) -> list[dict[str, Any]]:
    """Every instrument in which anything ever happened: position in venue units, money in the settlement currency."""
    found: list[dict[str, Any]] = []
    for holding in kernel.trading.desk.portfolio.holdings:
        if not is_held(holding):
            continue
        instrument, exponent = holding.instrument, holding.purse.exponent
        unrealised = unrealised_of(holding)
        found.append(
            {
                "number": int(instrument.number),
                "instrument": instrument.key,
                "market": instrument.market.key,
                "outcome": instrument.outcome,
                "position": decimal_text(holding.size, instrument.market.listing.size_exponent),
                "cost": rounded(holding.cost, exponent),
                "realised": rounded(holding.realised, exponent),
                "unrealised": None if unrealised is None else rounded(unrealised, exponent),
                "fees": rounded(holding.fees, exponent),
                "income": rounded(holding.income, exponent),
                "currency": holding.purse.currency,
            }
        )
    return found


@define
class Sums:
    """Money of one currency, at 10**-exponent; *unmarked* counts the positions that nothing values."""

    exponent: int
    realised: int = 0
    unrealised: int = 0
    fees: int = 0
    income: int = 0
    unmarked: int = 0


def pnl_fields(kernel: Kernel) -> dict[str, dict[str, Any]]:
    """
    Profit and loss for each currency: realised, unrealised at the mark, fees, income beside trades, and their sum.

    A position without a mark is in neither: `unmarked` says how many there are.
    """
    traded = [holding for holding in kernel.trading.desk.portfolio.holdings if is_held(holding)]
    sums: dict[str, Sums] = {}
    for purse in (holding.purse for holding in traded):
        total = sums.setdefault(purse.currency, Sums(int(purse.exponent)))
        total.exponent = max(total.exponent, int(purse.exponent))
    for holding in traded:
        total = sums[holding.purse.currency]
        unit = 10 ** (total.exponent - int(holding.purse.exponent))  # two venues may count one currency differently
        unrealised = unrealised_of(holding)
        total.realised += holding.realised * unit
        total.unrealised += (unrealised or 0) * unit
        total.fees += holding.fees * unit
        total.income += holding.income * unit
        total.unmarked += unrealised is None
    return {
        currency: {
            "realised": rounded(one.realised, one.exponent),
            "unrealised": rounded(one.unrealised, one.exponent),
            "fees": rounded(one.fees, one.exponent),
            "income": rounded(one.income, one.exponent),
            "total": rounded(one.realised + one.unrealised - one.fees + one.income, one.exponent),
            "unmarked": one.unmarked,
        }
        for currency, one in sums.items()
    }


def rounded(money: int, exponent: int, digits: int = 4) -> str:
    """An amount of money in its currency, rounded for people."""
    return ratio_text(money, 10 ** int(exponent), digits)


def share_of(fast: int, slow: int) -> float | None:
    """The share of frames that the scanners read, of those read by either; None when no frame was read."""
    return fast / (fast + slow) if fast + slow else None
