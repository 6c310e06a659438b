"""
Reason codes: why something was refused, gated or lowered.

`docs/reference/reason_codes.md` says what each asks of a person.

A number is never reused. 0 is "no objection".
"""

from typing import Final

from mypy_extensions import i64

OK: Final[i64] = 0

JRN_DISK_FULL: Final[i64] = 1
JRN_SLOW: Final[i64] = 2
RESOURCE: Final[i64] = 3
JRN_SYNC_FAILED: Final[i64] = 4
LEDGER_FAILED: Final[i64] = 5
JRN_TORN: Final[i64] = 6
JRN_CORRUPT: Final[i64] = 7
ARCHIVE_CORRUPT: Final[i64] = 8
EVIDENCE_LOSS: Final[i64] = 9
REPLAY_DIVERGED: Final[i64] = 10
RECON: Final[i64] = 11
RECON_MISMATCH: Final[i64] = 12
FOREIGN_ORDER: Final[i64] = 13
UNKNOWN_OUTCOME: Final[i64] = 14
LATE_FILL: Final[i64] = 15
SETTLE_PENDING: Final[i64] = 16
FILL_REVERSED: Final[i64] = 17
OP_RELEASE: Final[i64] = 18
DUP_BLOCKED: Final[i64] = 19
NEVER_SENT: Final[i64] = 20
QUEUE_FULL: Final[i64] = 21
CONN_LOST: Final[i64] = 22
CONN_FLAP: Final[i64] = 23
SEQ_GAP: Final[i64] = 24
STALE_DATA: Final[i64] = 25
SLOW_CONSUMER: Final[i64] = 26
LOOP_LAG: Final[i64] = 27
RATE_LIMIT: Final[i64] = 28
VENUE_ERROR: Final[i64] = 29
VENUE_MAINT: Final[i64] = 30
CANCEL_FAILED: Final[i64] = 31
AUTH_FAILED: Final[i64] = 32
MARKET_CLOSED: Final[i64] = 33
UNKNOWN_INSTRUMENT: Final[i64] = 34
META_CHANGED: Final[i64] = 35
SCHEMA: Final[i64] = 36
SELF_TRADE: Final[i64] = 37
DATA_SUSPECT: Final[i64] = 38
ACCOUNT_EVENT: Final[i64] = 39
RISK_UNHEALTHY: Final[i64] = 40
RISK_LIMIT: Final[i64] = 41
OP_KILL: Final[i64] = 42
EVIDENCE_DEGRADED: Final[i64] = 43
UNIT_MISMATCH: Final[i64] = 44
INVARIANT: Final[i64] = 45
POLICY_BREACH: Final[i64] = 46
SECRET_LEAK: Final[i64] = 47
LEG_RISK: Final[i64] = 48
STRAT_FAULT: Final[i64] = 49
GATE_LATCHED: Final[i64] = 50
CRASH_LOOP: Final[i64] = 51
CLOCK_STEP: Final[i64] = 52
CLOCK_DRIFT: Final[i64] = 53
CFG_INVALID: Final[i64] = 54
CFG_CHANGED: Final[i64] = 55
ENV_MISMATCH: Final[i64] = 56
BUILD_MISMATCH: Final[i64] = 57
LOCKED: Final[i64] = 58
OP_REFUSED: Final[i64] = 59
BAD_FRAME: Final[i64] = 60
BAD_NUMBER: Final[i64] = 61
BAD_TEXT: Final[i64] = 62
LEASE_LOST: Final[i64] = 63
EXEC_DOWN: Final[i64] = 64
CROWDED: Final[i64] = 65
SPREAD_COMPRESSED: Final[i64] = 66
TOXIC_FLOW: Final[i64] = 67

# Refusals of an intent by admission and arbitration, beside those above.
MODE_FORBIDS: Final[i64] = 80
GATE_CLOSED: Final[i64] = 81
BOOK_INVALID: Final[i64] = 82
OFF_GRID: Final[i64] = 83
OUT_OF_BAND: Final[i64] = 84
SIZE_BELOW_MIN: Final[i64] = 85
SIZE_ABOVE_MAX: Final[i64] = 86
WOULD_CROSS: Final[i64] = 87
SELF_CROSS: Final[i64] = 88
NOT_OWNER: Final[i64] = 89
TTL_INVALID: Final[i64] = 90
NOT_REDUCING: Final[i64] = 91
NO_SUCH_ORDER: Final[i64] = 92
FEE_STALE: Final[i64] = 93
GROUP_FAILED: Final[i64] = 94
DUPLICATE_INTENT: Final[i64] = 95
NOT_PERMITTED: Final[i64] = 96
# 97 was meant for intents of a muted strategy, which is not called and so has none.
ORDER_RATE: Final[i64] = 98
INTENT_MALFORMED: Final[i64] = 99
NOT_COVERED: Final[i64] = 100
ORDER_TO_TRADE: Final[i64] = 101
RESTING: Final[i64] = 102

NAMES: Final[dict[int, str]] = {
    0: "OK",
    1: "JRN_DISK_FULL",
    2: "JRN_SLOW",
    3: "RESOURCE",
    4: "JRN_SYNC_FAILED",
    5: "LEDGER_FAILED",
    6: "JRN_TORN",
    7: "JRN_CORRUPT",
    8: "ARCHIVE_CORRUPT",
    9: "EVIDENCE_LOSS",
    10: "REPLAY_DIVERGED",
    11: "RECON",
    12: "RECON_MISMATCH",
    13: "FOREIGN_ORDER",
    14: "UNKNOWN_OUTCOME",
    15: "LATE_FILL",
    16: "SETTLE_PENDING",
    17: "FILL_REVERSED",
    18: "OP_RELEASE",
    19: "DUP_BLOCKED",
    20: "NEVER_SENT",
    21: "QUEUE_FULL",
    22: "CONN_LOST",
    23: "CONN_FLAP",
    24: "SEQ_GAP",
    25: "STALE_DATA",
    26: "SLOW_CONSUMER",
    27: "LOOP_LAG",
    28: "RATE_LIMIT",
    29: "VENUE_ERROR",
    30: "VENUE_MAINT",
    31: "CANCEL_FAILED",
    32: "AUTH_FAILED",
    33: "MARKET_CLOSED",
    34: "UNKNOWN_INSTRUMENT",
    35: "META_CHANGED",
    36: "SCHEMA",
    37: "SELF_TRADE",
    38: "DATA_SUSPECT",
    39: "ACCOUNT_EVENT",
    40: "RISK_UNHEALTHY",
    41: "RISK_LIMIT",
    42: "OP_KILL",
    43: "EVIDENCE_DEGRADED",
    44: "UNIT_MISMATCH",
    45: "INVARIANT",
    46: "POLICY_BREACH",
    47: "SECRET_LEAK",
    48: "LEG_RISK",
    49: "STRAT_FAULT",
    50: "GATE_LATCHED",
    51: "CRASH_LOOP",
    52: "CLOCK_STEP",
    53: "CLOCK_DRIFT",
    54: "CFG_INVALID",
    55: "CFG_CHANGED",
    56: "ENV_MISMATCH",
    57: "BUILD_MISMATCH",
    58: "LOCKED",
    59: "OP_REFUSED",
    60: "BAD_FRAME",
    61: "BAD_NUMBER",
    62: "BAD_TEXT",
    63: "LEASE_LOST",
    64: "EXEC_DOWN",
    65: "CROWDED",
    66: "SPREAD_COMPRESSED",
    67: "TOXIC_FLOW",
    80: "MODE_FORBIDS",
    81: "GATE_CLOSED",
    82: "BOOK_INVALID",
    83: "OFF_GRID",
    84: "OUT_OF_BAND",
    85: "SIZE_BELOW_MIN",
    86: "SIZE_ABOVE_MAX",
    87: "WOULD_CROSS",
    88: "SELF_CROSS",
    89: "NOT_OWNER",
    90: "TTL_INVALID",
    91: "NOT_REDUCING",
    92: "NO_SUCH_ORDER",
    93: "FEE_STALE",
    94: "GROUP_FAILED",
    95: "DUPLICATE_INTENT",
    96: "NOT_PERMITTED",
    98: "ORDER_RATE",
    99: "INTENT_MALFORMED",
    100: "NOT_COVERED",
    101: "ORDER_TO_TRADE",
    102: "RESTING",
}


def name(code: int) -> str:
    """The code's name, or its number where the registry has none."""
    found = NAMES.get(code)
    return found if found is not None else str(code)
