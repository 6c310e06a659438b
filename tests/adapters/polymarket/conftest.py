"""One frame through one decoder, and its rows as tuples that can be read."""

import ast
import json

import pytest

from adapters.polymarket.wire.decoders import translators
from engine.kernel import events
from engine.kernel.events import STRIDE, EventBatch, Symbols

ROW_TYPES = [
    "SNAPSHOT",
    "LEVEL_SET",
    "SNAPSHOT_END",
    "DIFF",
    "DIFF_END",
    "TOUCH_STATED",
    "HASH_STATED",
    "LAST_PRICE",
    "TRADED",
    "TICKER",
    "MARK",
    "TICK_CHANGED",
    "LISTED",
    "RESOLVED",
    "STATUS",
    "ORDER_ACKED",
    "ORDER_REJECTED",
    "ORDER_REFUSED",
    "ORDER_UNKNOWN",
    "ORDER_CANCELLED",
    "ORDER_FILLED",
    "TRADE_STATUS",
    "CANCEL_REFUSED",
]
NAMES = {getattr(events, name): name for name in ROW_TYPES}


class Reading:
    """What a decoder says of a frame: `code`, and `rows` of (type, symbol, six fields)."""

    def __init__(self, kind, frame, meta=b"", general=False):
        self.symbols = Symbols("polymarket")
        self.translator = translators(self.symbols)[kind]
        self.batch = EventBatch()
        self.batch.meta = meta
        data = b"<<" + frame + b">>"  # a frame stands within a record, so its bounds must be kept to
        read = self.translator.general if general else self.translator.translate
        self.code = read(data, 2, 2 + len(frame), self.batch)
        columns = [[self.batch.field(row, column) for column in range(STRIDE)] for row in range(self.batch.count)]
        self.rows = [(NAMES[row[0]], *row[1:]) for row in columns]

    def types(self):
        """How many rows there are of each type, in order of appearance."""
        counts = {}
        for row in self.rows:
            counts[row[0]] = counts.get(row[0], 0) + 1
        return counts

    def of(self, name):
        """The rows of one type, without their type."""
        return [row[1:] for row in self.rows if row[0] == name]


@pytest.fixture(scope="session")
def read():
    return Reading


@pytest.fixture(scope="session")
def polymarket(shared):
    return shared / "polymarket"


@pytest.fixture(scope="session")
def recorded(polymarket):
    """The 76 frames of the connection recorded on 2026-09-24."""
    lines = (polymarket / "ws_market_20260924_exactarb_frames.jsonl").read_text().splitlines()
    return [json.loads(line)["payload"].encode() for line in lines]


@pytest.fixture(scope="session")
def literals():
    """The frames of a file that holds one Python literal a line, as JSON."""

    def load(path):
        lines = [line for line in path.read_text().splitlines() if line.strip()]
        return [json.dumps(ast.literal_eval(line)).encode() for line in lines]

    return load
