"""
Every kind of record, by number. A number is never reused for another meaning.

Ranges (`docs/reference/journal_format.md`, section 4): control 0x0001-0x000F, engine inputs 0x0010-0x007F, other
signals 0x0080-0x00FF, venue inputs 0x0100-0x0FFF, outcomes 0x1000-0x1FFF, derived 0x2000-0x3FFF, experimental
0x8000-0xFFFF.
"""

from typing import Final

from mypy_extensions import i64

# Control: no sequence number of their own, invisible to the reducer.
BLOCK_END: Final[i64] = 0x0001
COMMIT: Final[i64] = 0x0002
SOURCES: Final[i64] = 0x0003

# Engine inputs.
RUN_START: Final[i64] = 0x0010
OPENING: Final[i64] = 0x0011
RUN_STOP: Final[i64] = 0x0012
TIMER: Final[i64] = 0x0013
CLOCK: Final[i64] = 0x0014
COMMAND: Final[i64] = 0x0015
GOVERNANCE: Final[i64] = 0x0016
CONFIG: Final[i64] = 0x0017
HEALTH: Final[i64] = 0x0018
RECOVERED: Final[i64] = 0x0019
DROP: Final[i64] = 0x001A
VERIFY_FAIL: Final[i64] = 0x001B
CONNECTION: Final[i64] = 0x001C
SPAN: Final[i64] = 0x001D

# Venue inputs: frames and replies, exactly as received.
POLYMARKET_MARKET: Final[i64] = 0x0100
POLYMARKET_USER: Final[i64] = 0x0101
POLYMARKET_BOOK: Final[i64] = 0x0102
POLYMARKET_CATALOGUE: Final[i64] = 0x0103
BINANCE_SPOT: Final[i64] = 0x0110
BINANCE_SPOT_DEPTH: Final[i64] = 0x0111
BINANCE_SPOT_CATALOGUE: Final[i64] = 0x0112
BINANCE_USDM: Final[i64] = 0x0120
BINANCE_USDM_DEPTH: Final[i64] = 0x0121
BINANCE_USDM_CATALOGUE: Final[i64] = 0x0122
HFTBACKTEST_EVENTS: Final[i64] = 0x0130
HFTBACKTEST_CATALOGUE: Final[i64] = 0x0131

# The simulated venue's reports: fixed-width integers, no venue prefix (`adapters/simulated/README.md`).
SIM_ACKED: Final[i64] = 0x0F00
SIM_FILLED: Final[i64] = 0x0F01
SIM_CANCELLED: Final[i64] = 0x0F02
SIM_REJECTED: Final[i64] = 0x0F03
SIM_EXPIRED: Final[i64] = 0x0F04
SIM_CANCEL_REFUSED: Final[i64] = 0x0F05
SIM_SETTLED: Final[i64] = 0x0F06
SIM_CONVERTED: Final[i64] = 0x0F07
SIM_CONVERSION_REFUSED: Final[i64] = 0x0F08
SIM_CREDITED: Final[i64] = 0x0F09

# Outcomes of dispatched requests, from the executor.
OUTCOME: Final[i64] = 0x1000
EXECUTOR_ACTION: Final[i64] = 0x1001

# Derived records.
INTENT: Final[i64] = 0x2000
VERDICT: Final[i64] = 0x2001
REQUEST: Final[i64] = 0x2002
CAPSULE: Final[i64] = 0x2003
MODE: Final[i64] = 0x2004
GATE: Final[i64] = 0x2005
ALERT: Final[i64] = 0x2006
STRAT_FAULT: Final[i64] = 0x2007
GROUP: Final[i64] = 0x2008
UNPARSED: Final[i64] = 0x2009
DEDUP: Final[i64] = 0x200A
GAP: Final[i64] = 0x200B
RESYNC: Final[i64] = 0x200C
VENUE_STATE: Final[i64] = 0x200D
META: Final[i64] = 0x200E
REVERSAL: Final[i64] = 0x200F
DUST: Final[i64] = 0x2010
UNKNOWN: Final[i64] = 0x2011
ABSENT: Final[i64] = 0x2012
RECON: Final[i64] = 0x2013
LEG_RISK: Final[i64] = 0x2014
REGIME: Final[i64] = 0x2015
OWNER: Final[i64] = 0x2016
DIGEST: Final[i64] = 0x2FFF

NAMES: Final[dict[int, str]] = {
    0x0001: "BLOCK_END",
    0x0002: "COMMIT",
    0x0003: "SOURCES",
    0x0010: "RUN_START",
    0x0011: "OPENING",
    0x0012: "RUN_STOP",
    0x0013: "TIMER",
    0x0014: "CLOCK",
    0x0015: "COMMAND",
    0x0016: "GOVERNANCE",
    0x0017: "CONFIG",
    0x0018: "HEALTH",
    0x0019: "RECOVERED",
    0x001A: "DROP",
    0x001B: "VERIFY_FAIL",
    0x001C: "CONNECTION",
    0x001D: "SPAN",
    0x0100: "POLYMARKET_MARKET",
    0x0101: "POLYMARKET_USER",
    0x0102: "POLYMARKET_BOOK",
    0x0103: "POLYMARKET_CATALOGUE",
    0x0110: "BINANCE_SPOT",
    0x0111: "BINANCE_SPOT_DEPTH",
    0x0112: "BINANCE_SPOT_CATALOGUE",
    0x0120: "BINANCE_USDM",
    0x0121: "BINANCE_USDM_DEPTH",
    0x0122: "BINANCE_USDM_CATALOGUE",
    0x0130: "HFTBACKTEST_EVENTS",
    0x0131: "HFTBACKTEST_CATALOGUE",
    0x0F00: "SIM_ACKED",
    0x0F01: "SIM_FILLED",
    0x0F02: "SIM_CANCELLED",
    0x0F03: "SIM_REJECTED",
    0x0F04: "SIM_EXPIRED",
    0x0F05: "SIM_CANCEL_REFUSED",
    0x0F06: "SIM_SETTLED",
    0x0F07: "SIM_CONVERTED",
    0x0F08: "SIM_CONVERSION_REFUSED",
    0x0F09: "SIM_CREDITED",
    0x1000: "OUTCOME",
    0x1001: "EXECUTOR_ACTION",
    0x2000: "INTENT",
    0x2001: "VERDICT",
    0x2002: "REQUEST",
    0x2003: "CAPSULE",
    0x2004: "MODE",
    0x2005: "GATE",
    0x2006: "ALERT",
    0x2007: "STRAT_FAULT",
    0x2008: "GROUP",
    0x2009: "UNPARSED",
    0x200A: "DEDUP",
    0x200B: "GAP",
    0x200C: "RESYNC",
    0x200D: "VENUE_STATE",
    0x200E: "META",
    0x200F: "REVERSAL",
    0x2010: "DUST",
    0x2011: "UNKNOWN",
    0x2012: "ABSENT",
    0x2013: "RECON",
    0x2014: "LEG_RISK",
    0x2015: "REGIME",
    0x2016: "OWNER",
    0x2FFF: "DIGEST",
}
"""Number to name, for people; `name` answers for unknown numbers too."""


def name(kind: int) -> str:
    """The kind's name, or its number in hex where the registry has none."""
    found = NAMES.get(kind)
    return found if found is not None else f"0x{kind:04x}"


def is_experimental(kind: i64) -> bool:
    """Whether *kind* lies in the range that never stands in a production journal."""
    return kind >= 0x8000
