"""What each kind of frame says, and which frames say nothing or are refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from engine.kernel import codes, events
from engine.kernel.record import NONE
from engine.kernel.units import ASK, BID, BUY, SELL

E8 = 10**8
MS = 10**6

DEPTH = (
    '{"e":"depthUpdate","E":1723161256299,"T":1723161256298,"s":"BTCUSDT","U":10,"u":20,"pu":9,'
    '"b":[["58710.20","0.014"],["61510.90","0.000"]],"a":[["61837.6","1.5"]]}'
)
SPOT_DEPTH = (
    '{"e":"depthUpdate","E":1723161255208,"s":"BTCUSDT","U":5,"u":7,"b":[["61737.63000000","0.00000000"]],"a":[]}'
)
TICKER = (
    '{"e":"bookTicker","u":3,"s":"BTCUSDT","b":"1.20","B":"2.507","a":"1.30","A":"2",'
    '"T":1723161256313,"E":1723161256314}'
)
SPOT_TICKER = '{"u":3,"s":"BTCUSDT","b":"1.2","B":"0.5","a":"1.3","A":"0.00000001"}'
TRADE = '{"e":"trade","E":5,"T":4,"s":"BTCUSDT","t":77,"p":"61800.30","q":"0.006","X":"MARKET","m":false}'
SPOT_TRADE = '{"e":"trade","E":5,"s":"BTCUSDT","t":77,"p":"0.001","q":"100","T":4,"m":true,"M":true}'
AGG = '{"e":"aggTrade","E":5,"s":"BTCUSDT","a":9,"p":"2","q":"3","nq":"3","f":100,"l":105,"T":4,"m":true,"st":1}'
MARK = (
    '{"e":"markPriceUpdate","E":8,"s":"BTCUSDT","p":"11794.15000000","ap":"11794.1","i":"11784.6","P":"11784.2",'
    '"r":"-0.00038167","T":9,"st":1}'
)

DEPTH_ROWS = [
    (events.DIFF, 0, 10, 20, 9, 1723161256299 * MS, events.RULE_PREV, 0),
    (events.LEVEL_SET, 0, BID, 5871020000000, 1400000, 0, 0, 0),
    (events.LEVEL_SET, 0, BID, 6151090000000, 0, 0, 0, 0),
    (events.LEVEL_SET, 0, ASK, 6183760000000, 150000000, 0, 0, 0),
    (events.DIFF_END, 0, 0, 0, 0, 0, 0, 0),
]
SPOT_DEPTH_ROWS = [
    (events.DIFF, 0, 5, 7, NONE, 1723161255208 * MS, events.RULE_SPOT, 0),
    (events.LEVEL_SET, 0, BID, 6173763000000, 0, 0, 0, 0),
    (events.DIFF_END, 0, 0, 0, 0, 0, 0, 0),
]
TICKER_ROWS = [(events.TICKER, 0, 120000000, 250700000, 130000000, 200000000, 3, 1723161256314 * MS)]
SPOT_TICKER_ROWS = [(events.TICKER, 0, 120000000, 50000000, 130000000, 1, 3, NONE)]
TRADE_ROWS = [(events.TRADED, 0, 6180030000000, 600000, BUY, 4 * MS, 77, 0)]
SPOT_TRADE_ROWS = [(events.TRADED, 0, 100000, 100 * E8, SELL, 4 * MS, 77, 0)]
AGG_ROWS = [(events.TRADED, 0, 2 * E8, 3 * E8, SELL, 4 * MS, 9, 0)]
MARK_ROWS = [(events.MARK, 0, 1179415000000, 1178460000000, -38167, 9 * MS, 8 * MS, 0)]


def on(stream: str, data: str) -> str:
    return f'{{"stream":"{stream}","data":{data}}}'


FACTS = {
    "futures depth": (True, on("btcusdt@depth@0ms", DEPTH), DEPTH_ROWS),
    "futures depth, raw": (True, DEPTH, DEPTH_ROWS),
    "futures depth at the default speed": (True, on("btcusdt@depth", DEPTH), DEPTH_ROWS),
    "spot depth": (False, on("btcusdt@depth@100ms", SPOT_DEPTH), SPOT_DEPTH_ROWS),
    "futures best prices": (True, on("btcusdt@bookTicker", TICKER), TICKER_ROWS),
    "futures best prices of all": (True, on("!bookTicker", TICKER), TICKER_ROWS),
    "spot best prices": (False, on("btcusdt@bookTicker", SPOT_TICKER), SPOT_TICKER_ROWS),
    "spot best prices that name the event": (
        False,
        SPOT_TICKER.replace("{", '{"e":"bookTicker","E":6,', 1),
        [(*SPOT_TICKER_ROWS[0][:7], 6 * MS)],
    ),
    "futures trade": (True, on("btcusdt@trade", TRADE), TRADE_ROWS),
    "spot trade": (False, on("btcusdt@trade", SPOT_TRADE), SPOT_TRADE_ROWS),
    "futures aggregate": (True, on("btcusdt@aggTrade", AGG), AGG_ROWS),
    "spot aggregate": (False, AGG, AGG_ROWS),
    "mark": (True, on("btcusdt@markPrice@1s", MARK), MARK_ROWS),
    "marks of all": (True, on("!markPrice@arr@1s", f"[{MARK},{MARK}]"), MARK_ROWS * 2),
    "marks of all, raw": (True, f"[{MARK}]", MARK_ROWS),
    "mark of a delivery contract": (
        True,
        MARK.replace('"-0.00038167","T":9', '"","T":0'),
        [(events.MARK, 0, 1179415000000, 1178460000000, NONE, NONE, 8 * MS, 0)],
    ),
    "mark with rising funding": (True, MARK.replace("-0.0", "0.0"), [(*MARK_ROWS[0][:4], 38167, *MARK_ROWS[0][5:])]),
    "microseconds": (
        False,
        SPOT_TRADE.replace('"T":4', '"T":1723161256299123'),
        [(*SPOT_TRADE_ROWS[0][:5], 1723161256299123000, 77, 0)],
    ),
    "spot partial book": (
        False,
        on(
            "btcusdt@depth5@100ms",
            '{"lastUpdateId":8,"bids":[["1","2"],["3","4"],["2","9"]],"asks":[["6","1"],["5","7"]]}',
        ),
        [(events.TICKER, 0, 3 * E8, 4 * E8, 5 * E8, 7 * E8, 8, NONE)],
    ),
    "spot partial book without asks": (
        False,
        on("btcusdt@depth20", '{"lastUpdateId":8,"bids":[["1","2"]],"asks":[]}'),
        [(events.TICKER, 0, 1 * E8, 2 * E8, 0, 0, 8, NONE)],
    ),
    "futures partial book": (
        True,
        on("btcusdt@depth10@500ms", DEPTH.replace(',["61510.90","0.000"]', "")),
        [(events.TICKER, 0, 5871020000000, 1400000, 6183760000000, 150000000, 20, 1723161256299 * MS)],
    ),
    "numbers that are not quoted": (
        False,
        SPOT_TRADE.replace('"0.001"', "1e-3").replace('"100"', "100"),
        SPOT_TRADE_ROWS,
    ),
    "levels with a third member": (False, SPOT_DEPTH.replace('0"]', '0",[]]'), SPOT_DEPTH_ROWS),
    "white space, other order, unknown members": (
        True,
        ' { "data" : '
        + json.dumps({"new": {"deep": [1, None]}, **dict(reversed(json.loads(TRADE).items()))}, indent=1)
        + ', "stream" : "btcusdt@trade" }\n',
        TRADE_ROWS,
    ),
}


@pytest.mark.parametrize("name", FACTS)
def test_a_frame_states_its_facts(name: str, binance: Any) -> None:
    futures, frame, rows = FACTS[name]

    assert binance.read(binance.frames(futures), frame.encode()) == (codes.OK, rows)
    assert binance.read(binance.frames(futures), frame.encode()) == (codes.OK, rows)  # now the symbol is known
    assert binance.decode(binance.frames(futures), frame.encode()) == (codes.OK, rows)
    assert binance.frames(futures).symbols.texts == ["BTCUSDT"]


SILENT = {
    "an answer": (False, '{"result":null,"id":1}'),
    "a list of streams": (True, '{"result":["btcusdt@depth"],"id":"a1"}'),
    "an error": (True, '{"code":2,"msg":"Invalid request: unknown variant"}'),
    "an error with its request": (False, '{"error":{"code":3,"msg":"x"},"id":4}'),
    "a shutdown": (False, on("!serverShutdown", '{"e":"serverShutdown","E":1}')),
    "a kline": (False, on("btcusdt@kline_1m", '{"e":"kline","E":1,"s":"BTCUSDT","k":{}}')),
    "a liquidation": (True, on("!forceOrder@arr", '{"e":"forceOrder","E":1,"o":{"s":"BTCUSDT"}}')),
    "a row of the coin-margined venue": (True, on("!markPrice@arr", f"[{MARK.replace(':1}', ':2}')}]")),
    "a wider futures book": (True, on("btcusdt@rpiDepth@500ms", DEPTH)),
    "the insurance fund's trade": (True, TRADE.replace("MARKET", "INSURANCE_FUND")),
    "a trade that was none": (True, TRADE.replace("MARKET", "NA").replace("61800.30", "0").replace("0.006", "0")),
    "an aggregate of nothing": (True, AGG.replace('"q":"3"', '"q":"0"')),
    "a name no text of ours can spell": (True, on("!bookTicker", TICKER.replace("BTC", "币安人生"))),
    "a trade of such a name": (True, TRADE.replace("BTC", "币安人生")),
    "a book of such a name": (True, DEPTH.replace("BTC", "币安人生")),
    "a mark of such a name": (True, MARK.replace("BTC", "币安人生")),
    "the top of such a book": (False, on("币安人生usdt@depth5", '{"lastUpdateId":8,"bids":[],"asks":[]}')),
    "an empty array": (True, "[]"),
}


@pytest.mark.parametrize("name", SILENT)
def test_a_legal_frame_without_a_fact_of_ours_is_counted_and_changes_nothing(name: str, binance: Any) -> None:
    futures, frame = SILENT[name]
    frames = binance.frames(futures)

    assert binance.read(frames, frame.encode()) == (codes.OK, [])
    assert frames.symbols.texts == []
    assert frames.ignored == (name != "an empty array")


REFUSED = {
    "nothing": (False, "", codes.BAD_FRAME),
    "no JSON": (False, TRADE[:-1], codes.BAD_FRAME),
    "two values": (False, TRADE + TRADE, codes.BAD_FRAME),
    "a bare number": (False, "5", codes.BAD_FRAME),
    "an array of numbers": (True, "[5]", codes.BAD_FRAME),
    "a repeated key": (True, TRADE.replace('"t":77', '"t":77,"t":77'), codes.BAD_FRAME),
    "too deep": (False, "[" * 40 + "]" * 40, codes.BAD_FRAME),
    "an unknown event": (True, TRADE.replace('"trade"', '"trades"'), codes.SCHEMA),
    "a mark on the spot venue": (False, MARK, codes.SCHEMA),
    "an unnamed event of futures": (True, SPOT_TICKER, codes.SCHEMA),
    "a new kind of st": (True, AGG.replace('"st":1', '"st":3'), codes.SCHEMA),
    "a member missing": (True, TRADE.replace('"t":77,', ""), codes.SCHEMA),
    "a change set without asks": (False, SPOT_DEPTH.replace(',"a":[]', ""), codes.SCHEMA),
    "a level without size": (False, SPOT_DEPTH.replace(',"0.00000000"', ""), codes.SCHEMA),
    "a best level without size": (
        False,
        on("btcusdt@depth5", '{"lastUpdateId":8,"bids":[["1"]],"asks":[]}'),
        codes.SCHEMA,
    ),
    "a partial book without a stream": (False, '{"lastUpdateId":8,"bids":[],"asks":[]}', codes.SCHEMA),
    "a partial book of futures without its event": (
        True,
        on("btcusdt@depth5", '{"lastUpdateId":8,"bids":[],"asks":[]}'),
        codes.SCHEMA,
    ),
    "another symbol's stream": (True, on("ethusdt@trade", TRADE), codes.BAD_FRAME),
    "another event's stream": (True, on("btcusdt@aggTrade", TRADE), codes.BAD_FRAME),
    "a stream without name": (True, on("", TRADE), codes.BAD_FRAME),
    "a stream that is no text": (True, '{"stream":5,"data":{}}', codes.BAD_FRAME),
    "a stream without data": (True, '{"stream":"btcusdt@trade"}', codes.SCHEMA),
    "ids the wrong way round": (True, DEPTH.replace('"U":10', '"U":21'), codes.BAD_FRAME),
    "levels that are no array": (True, DEPTH.replace('[["61837.6","1.5"]]', "7"), codes.BAD_FRAME),
    "bids that are no array": (
        True,
        DEPTH.replace('[["58710.20","0.014"],["61510.90","0.000"]]', "7"),
        codes.BAD_FRAME,
    ),
    "a maker that is neither": (True, TRADE.replace("false", "0"), codes.BAD_FRAME),
    "a symbol that is none": (True, TRADE.replace("BTCUSDT", "BTC USDT"), codes.BAD_TEXT),
    "a symbol with a control character": (True, TRADE.replace("BTCUSDT", "币\\n"), codes.BAD_TEXT),
    "half a surrogate pair": (True, TRADE.replace("BTCUSDT", "\\ud800"), codes.BAD_TEXT),
    "a time beyond all": (True, TRADE.replace('"T":4', '"T":99999999999999'), codes.BAD_NUMBER),
    "a quoted time": (True, TRADE.replace('"T":4', '"T":"4"'), codes.BAD_NUMBER),
    "a negative id": (True, TRADE.replace('"t":77', '"t":-77'), codes.BAD_NUMBER),
    "an id with an exponent": (True, TRADE.replace('"t":77', '"t":7e1'), codes.BAD_NUMBER),
    "an id beyond i64": (True, TRADE.replace('"t":77', '"t":99999999999999999999'), codes.BAD_NUMBER),
    "a best level of zero": (
        False,
        on("btcusdt@depth5", '{"lastUpdateId":8,"bids":[["1","0"]],"asks":[]}'),
        codes.BAD_NUMBER,
    ),
    "a level at zero": (False, SPOT_DEPTH.replace("61737.63", "0.0"), codes.BAD_NUMBER),
    "a spot trade of zero": (False, SPOT_TRADE.replace('"100"', '"0"'), codes.BAD_NUMBER),
    "a mark of zero": (True, MARK.replace("11794.15000000", "0"), codes.BAD_NUMBER),
    "a mark with a signed exponent": (True, MARK.replace("-0.00038167", "--1"), codes.BAD_NUMBER),
    "a later row of an array": (True, f"[{MARK},{MARK.replace('11784.6', 'x')}]", codes.BAD_NUMBER),
}
for number in (
    "NaN",
    "Infinity",
    "-Infinity",
    "1e400",
    "-1",
    "-0",
    "0x1",
    "1.000000001",
    "",
    "1 ",
    "1" + "0" * 19,
    "٣",
):
    REFUSED[f"a price of {number!r}"] = (True, TRADE.replace("61800.30", number), codes.BAD_NUMBER)
    if number not in ("", "0x1", "1 ", "٣"):
        REFUSED[f"an unquoted price of {number}"] = (True, TRADE.replace('"61800.30"', number), codes.BAD_NUMBER)


@pytest.mark.parametrize("name", REFUSED)
def test_a_frame_that_cannot_be_read_whole_changes_nothing(name: str, binance: Any) -> None:
    futures, frame, code = REFUSED[name]
    frames = binance.frames(futures)

    assert binance.read(frames, frame.encode()) == (code, [])
    assert frames.symbols.texts == []  # not even a number for its symbol

    frames.symbols.number("BTCUSDT")
    assert binance.read(frames, frame.encode()) == (code, [])
    assert frames.ignored == 0
    assert frames.fast == 0


def test_the_symbols_of_a_refused_array_are_not_numbered_by_the_frame_after_it(binance: Any) -> None:
    frames = binance.frames(True)
    other = MARK.replace("BTCUSDT", "ETHUSDT")

    assert binance.read(frames, f"[{other},{MARK.replace('11784.6', 'x')}]".encode()) == (codes.BAD_NUMBER, [])
    assert binance.read(frames, MARK.encode()) == (codes.OK, MARK_ROWS)
    assert frames.symbols.texts == ["BTCUSDT"]


def test_bytes_that_are_no_utf8_are_refused(binance: Any) -> None:
    assert binance.read(binance.frames(True), TRADE.encode().replace(b"BTC", b"\xff\xfe")) == (codes.BAD_FRAME, [])


FIXTURES = {
    "agg_trade_stream": (True, [(events.TRADED, 0, 100000, 100 * E8, SELL, 123456785 * MS, 5933014, 0)]),
    "book_ticker_stream": (
        True,
        [(events.TICKER, 0, 2535190000, 3121000000, 2536520000, 4066000000, 400900217, 1568014460893 * MS)],
    ),
    "depth_update_stream": (
        True,
        [
            (events.DIFF, 0, 157, 160, 149, 123456789 * MS, events.RULE_PREV, 0),
            (events.LEVEL_SET, 0, BID, 240000, 10 * E8, 0, 0, 0),
            (events.LEVEL_SET, 0, ASK, 260000, 100 * E8, 0, 0, 0),
            (events.DIFF_END, 0, 0, 0, 0, 0, 0, 0),
        ],
    ),
    "kline_stream_closed": (True, []),
    "kline_stream_open": (True, []),
    "liquidation_stream": (True, []),
    "mark_price_stream": (
        True,
        [(events.MARK, 0, 1179415000000, 1178462659091, 38167, 1562306400000 * MS, 1562305380000 * MS, 0)],
    ),
    "ticker_stream": (True, []),
    "trade_stream": (False, [(events.TRADED, 0, 100000, 100 * E8, SELL, 123456785 * MS, 5933014, 0)]),
}


@pytest.mark.parametrize("name", FIXTURES)
@pytest.mark.parametrize("compact", [False, True])
def test_the_documented_examples_are_read(name: str, compact: bool, binance: Any, shared: Path) -> None:
    futures, rows = FIXTURES[name]
    text = (shared / "binance" / "nautilus_fixtures" / f"{name}.json").read_text(encoding="utf-8")
    frames = binance.frames(futures)
    if rows:
        frames.symbols.number(json.loads(text)["s"])
    frame = json.dumps(json.loads(text), separators=(",", ":")) if compact else text

    assert binance.read(frames, frame.encode()) == (codes.OK, rows)
    assert frames.fast == (compact and bool(rows) and name != "mark_price_stream")
