"""The scanner may read less than the general decoder, and never otherwise: on generated frames, and on damaged ones."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.binance.wire.translators import BinanceFrames
from engine.kernel import codes
from engine.kernel.events import EventBatch, Symbols

SYMBOLS = ["BTCUSDT", "ETHUSDT", "BTCUSDT_241227", "B", "1000SHIBUSDT"]

ids = st.integers(0, 10**18 - 1) | st.integers(0, 100)
times = st.integers(0, 9 * 10**12) | st.integers(10**15, 9 * 10**15) | st.just(1723161256299)
places = st.integers(0, 9)
decimals = st.builds(
    lambda whole, part: f"{whole}.{part}" if part else str(whole),
    st.integers(0, 10**7) | st.integers(0, 9),
    st.text("0123456789", max_size=8),
)
sides = st.lists(st.tuples(decimals, decimals), max_size=5)
extras = st.dictionaries(
    st.sampled_from(["st", "ps", "nq", "M", "f", "l", "z", "new"]), st.sampled_from([1, True, "1.5", None]), max_size=2
)


@st.composite
def frames(draw: Any) -> tuple[bool, bytes]:
    """A frame of one of the four events, mostly as the venue spells it, sometimes in another order or with more."""
    futures = draw(st.booleans())
    symbol = draw(st.sampled_from(SYMBOLS))
    event = draw(st.sampled_from(["depthUpdate", "bookTicker", "trade", "aggTrade"]))
    data: dict[str, Any] = {"e": event, "E": draw(times), "T": draw(times), "s": symbol}
    if event == "depthUpdate":
        first = draw(ids)
        data |= {"U": first, "u": min(10**18 - 1, first + draw(st.integers(0, 9))), "pu": draw(ids)}
        data |= {"b": draw(sides), "a": draw(sides)}
    elif event == "bookTicker":
        data |= {"u": draw(ids)} | {key: draw(decimals) for key in "bBaA"}
        if not futures:
            del data["e"], data["E"], data["T"]
    else:
        data |= {"t" if event == "trade" else "a": draw(ids), "p": draw(decimals), "q": draw(decimals)}
        data |= {"X": "MARKET"} if futures and event == "trade" else {}
        data |= {"m": draw(st.booleans())}
    if draw(st.integers(0, 3)) == 0:
        data |= draw(extras)
        data = dict(draw(st.permutations(list(data.items()))))
    text = json.dumps(data, separators=(",", ":"))
    if draw(st.booleans()):
        channel = "depth@100ms" if event == "depthUpdate" else event
        text = f'{{"stream":"{symbol.lower()}@{channel}","data":{text}}}'
    return futures, text.encode()


def rows(batch: EventBatch) -> list[int]:
    return [int(batch.rows[at]) for at in range(batch.count * 8)]


def translated(translator: BinanceFrames, frame: bytes) -> tuple[bool, int, list[int], int, list[int]]:
    """Whether the scanner read it, then code and rows by `translate` and by the general decoder."""
    before = translator.fast
    both = EventBatch()
    code = translator.translate(b'"' + frame + b'"}}}}}}}', 1, 1 + len(frame), both)
    general = EventBatch()
    other = translator.decode(frame, 0, len(frame), general)
    return translator.fast > before, int(code), rows(both), int(other), rows(general)


def knowing(futures: bool) -> BinanceFrames:
    """A translator that has met every symbol, so that the scanner is asked."""
    symbols = Symbols("binance-usdm" if futures else "binance-spot")
    for symbol in SYMBOLS:
        symbols.number(symbol)
    return BinanceFrames("test/1", symbols)


SPOT, USDM = knowing(False), knowing(True)


@given(frames())
@settings(max_examples=400)
def test_both_decoders_give_the_same_rows_for_a_frame(made: tuple[bool, bytes]) -> None:
    futures, frame = made
    _, code, ours, other, theirs = translated(USDM if futures else SPOT, frame)

    assert (code, ours) == (other, theirs)


EDITS = [
    b'"',
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"-",
    b"0",
    b"9",
    b".",
    b"e",
    b"\\",
    b" ",
    b"\xff",
    b"",
    b"null",
    b"{}",
]


@given(frames(), st.data())
@settings(max_examples=600)
def test_both_decoders_give_the_same_rows_for_a_damaged_frame(made: tuple[bool, bytes], data: Any) -> None:
    futures, frame = made
    for _ in range(data.draw(st.integers(1, 2), label="edits")):
        start = data.draw(st.integers(0, len(frame)), label="start")
        stop = min(len(frame), start + data.draw(st.integers(0, 2), label="dropped"))
        frame = frame[:start] + data.draw(st.sampled_from(EDITS), label="put") + frame[stop:]
    scanned, code, ours, other, theirs = translated(USDM if futures else SPOT, frame)

    assert (code, ours) == (other, theirs)
    assert not scanned or code == codes.OK
    assert code == codes.OK or ours == []


@given(frames(), frames())
def test_a_frame_reads_the_same_whatever_was_read_before(one: tuple[bool, bytes], two: tuple[bool, bytes]) -> None:
    futures, frame = two
    used = knowing(futures)
    translated(used, one[1])
    translated(used, frame)

    assert translated(used, frame)[1:] == translated(knowing(futures), frame)[1:]


LEFT = {
    "asks before bids": (True, b'{"e":"depthUpdate","E":1,"s":"BTCUSDT","U":1,"u":2,"pu":0,"a":[],"b":[]}', codes.OK),
    "levels before the symbol": (False, b'{"e":"depthUpdate","E":1,"U":1,"u":2,"b":[],"a":[],"s":"BTCUSDT"}', codes.OK),
    "levels that are numbers": (
        False,
        b'{"e":"depthUpdate","E":1,"s":"BTCUSDT","U":1,"u":2,"b":5,"a":6}',
        codes.BAD_FRAME,
    ),
    "a level cut short": (False, b'{"e":"depthUpdate","E":1,"s":"BTCUSDT","U":1,"u":2,"b":[["1","1"]', codes.BAD_FRAME),
    "levels without a comma": (
        False,
        b'{"e":"depthUpdate","E":1,"s":"BTCUSDT","U":1,"u":2,"b":[["1","1"]["1","1"]],"a":[]}',
        codes.BAD_FRAME,
    ),
    "a change set without its own number": (
        True,
        b'{"e":"depthUpdate","E":1,"s":"BTCUSDT","u":2,"b":[],"a":[]}',
        codes.SCHEMA,
    ),
    "a change set too late": (
        False,
        b'{"e":"depthUpdate","E":99999999999999,"s":"BTCUSDT","U":1,"u":2,"b":[],"a":[]}',
        codes.BAD_NUMBER,
    ),
    "best prices with levels": (False, b'{"u":3,"s":"BTCUSDT","b":[],"B":"1","a":[],"A":"1"}', codes.BAD_NUMBER),
    "best prices without a size": (False, b'{"u":3,"s":"BTCUSDT","b":"1","a":"2","A":"1"}', codes.SCHEMA),
    "best prices of spot that are named": (
        False,
        b'{"e":"bookTicker","u":3,"s":"BTCUSDT","b":"1","B":"1","a":"2","A":"1"}',
        codes.OK,
    ),
    "best prices too late": (
        True,
        b'{"e":"bookTicker","u":3,"s":"BTCUSDT","b":"1","B":"1","a":"2","A":"1","E":99999999999999}',
        codes.BAD_NUMBER,
    ),
    "a key that is an escape": (
        False,
        b'{"\\":1,"u":3,"s":"BTCUSDT","b":"1","B":"1","a":"2","A":"1"}',
        codes.BAD_FRAME,
    ),
    "a trade with levels": (
        False,
        b'{"e":"trade","E":5,"s":"BTCUSDT","t":7,"p":"1","q":"1","T":4,"m":true,"b":[["1","1"]],"a":[]}',
        codes.OK,
    ),
    "another venue's row": (
        True,
        b'{"e":"bookTicker","u":3,"s":"BTCUSDT","b":"1","B":"1","a":"2","A":"1","E":1,"st":2}',
        codes.OK,
    ),
    "a trade without its maker": (
        False,
        b'{"e":"trade","E":5,"s":"BTCUSDT","t":7,"p":"1","q":"1","T":4}',
        codes.SCHEMA,
    ),
    "a trade without a symbol": (False, b'{"e":"trade","E":5,"t":7,"p":"1","q":"1","T":4,"m":true}', codes.SCHEMA),
    "a short stream": (False, b'{"stream":"b@"}', codes.SCHEMA),
    "a stream without a channel": (False, b'{"stream":"btcusdt,","data":{"e":"trade"}}', codes.SCHEMA),
    "a stream of another event": (
        False,
        b'{"stream":"btcusdt@bookTicker","data":{"e":"trade","E":5,"s":"BTCUSDT","t":7,"p":"1","q":"1","T":4,"m":true}}',
        codes.BAD_FRAME,
    ),
    "a stream left open": (
        False,
        b'{"stream":"btcusdt@trade","data":{"e":"trade","E":5,"s":"BTCUSDT","t":7,"p":"1","q":"1","T":4,"m":true}',
        codes.BAD_FRAME,
    ),
}


@pytest.mark.parametrize("name", LEFT)
def test_what_is_spelt_otherwise_is_left_to_the_general_decoder(name: str) -> None:
    futures, frame, expected = LEFT[name]
    scanned, code, ours, other, theirs = translated(knowing(futures), frame)

    assert (False, expected, ours) == (scanned, code, theirs)
    assert code == other


def test_the_usual_spelling_is_read_by_the_scanner_alone() -> None:
    usual = {
        True: [
            b'{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","E":1626992741062,"a":1,"s":"BTCUSDT","p":"7.6","q":"2",'
            b'"f":1,"l":1,"T":1626992740907,"m":true}}',
            b'{"e":"bookTicker","u":400900217,"E":1568014460893,"T":1568014460891,"s":"BTCUSDT","b":"25.35190000",'
            b'"B":"31.21000000","a":"25.36520000","A":"40.66000000","st":1,"ps":"BNBUSDT"}\n',
        ],
        False: [b'{"u":3,"s":"ETHUSDT","b":"1.2","B":"0.5","a":"1.3","A":"0.00000001"}'],
    }
    for futures, examples in usual.items():
        for frame in examples:
            assert translated(knowing(futures), frame)[0]
