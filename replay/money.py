"""From the `money:` part of a configuration to the simulated venue's back office."""

from adapters.simulated.fees import Fees, Rates
from adapters.simulated.office import Office
from adapters.simulated.rebates import Rebates
from adapters.simulated.rewards import Rewards
from adapters.simulated.settlement import Settlement
from engine.kernel.rng import Draws
from replay.delays import delay_of
from replay.money_config import MoneyConfig

_PPM_PER_BPS = 100


def office_of(config: MoneyConfig, seed: int, ledger: bool = False) -> Office:
    """
    The back office that *config* describes, not to be shared by two venues; chance is drawn from *seed*.

    *ledger* asks for the accounts of all parties, also where the configuration does not.
    """
    said = config.settlement
    settlement = Settlement(
        delay_of(said.mined_ms, Draws(seed, "settlement: mined")),
        delay_of(said.confirmed_ms, Draws(seed, "settlement: confirmed")),
        delay_of(said.retried_ms, Draws(seed, "settlement: retried")),
        said.retry_ppm,
        said.failure_ppm,
        Draws(seed, "settlement"),
    )
    rates = {
        venue: Rates(round(fee.maker_bps * _PPM_PER_BPS), round(fee.taker_bps * _PPM_PER_BPS))
        for venue, fee in config.fees.items()
    }
    return Office(
        Fees(rates),
        settlement if said.venues else None,
        said.venues,
        delay_of(config.conversion_ms, Draws(seed, "conversion")),
        Rewards(seed) if config.rewards else None,
        Rebates() if config.rebates else None,
        ledger or config.ledger,
    )
