"""
What a resimulation uses where nobody says otherwise: a venue, and a trading policy that is for simulations only.

A policy is what people allow themselves, so a live run has no default. In a simulation nothing can be lost, and what a
strategy would do without limits is the question; so `policy: simulation` names the one below. It is recorded with the
run like any other, and `engine.runtime.policy`, which reads policies for runs that trade, refuses it.
"""

from pathlib import Path
from typing import Final

from journal.disk import Disk
from replay.config import read_file

SIMULATION: Final = "simulation"
"""What a configuration calls the built-in policy, where it would name a file."""

VERSION: Final = "for simulations only, 1"
"""The version that the built-in policy states; every truth capsule repeats it."""

CONFIGURATION: Final = f"""\
# The built-in configuration: add strategies.
policy: {SIMULATION}
strategies: []
venue:
  order_latency_ms: 50
  report_latency_ms: 50
"""

CURRENCIES: Final = (
    *("pUSD", "USDC", "USDC.e", "USDT", "FDUSD", "TUSD", "BUSD", "USD1", "USDE", "DAI", "USD", "EUR", "GBP", "JPY"),
    *("BTC", "ETH", "BNB", "SOL", "XRP", "DOGE", "TRX", "TRY", "BRL", "ARS", "ZAR", "PLN", "RON", "UAH", "IDR", "MXN"),
)
"""What may be settled in under the built-in policy."""


def _policy() -> str:
    most = '"1000000000000"'
    names = ("account", "event", "market", "strategy", "order")
    limits = "".join(f"    max_{name}_notional: {most}\n" for name in names)
    settlements = "".join(f'  "{currency}":\n{limits}' for currency in CURRENCIES)
    return f"""\
# The built-in policy of resimulations: it permits everything that can be expressed. Nothing may trade under it.
version: "{VERSION}"
settlements:
{settlements}rules:
  - match: "*"
    max_lots: 1_000_000_000_000_000_000
    min_price: "0"
    max_price: {most}
    tifs: [GTC, GTD, FOK, FAK]
orders:
  max_open: 100_000
  max_per_minute: 100_000
  max_ttl_ms: 315_360_000_000
  self_cross: refuse
  min_resting_ms: 0
  order_to_trade:
    window_ms: 0
    free: 0
    per_fill: 0
  flatten_ticks: 5
  rescue_ticks: 2
data:
  max_age_ms: 0
gates:
  latch_ms: 315_360_000_000
"""


POLICY: Final = _policy()
"""The text of the built-in policy."""


def policy_text(disk: Disk, named: str, folder: Path) -> str:
    """
    The text of the policy that a configuration names: a file relative to *folder*, `simulation`, or nothing.

    Raises:
        BadConfig: there is no such file.
    """
    if named == SIMULATION:
        return POLICY
    return read_file(disk, folder / named) if named else ""
