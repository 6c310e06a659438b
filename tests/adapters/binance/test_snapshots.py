"""REST depth replies: a whole book, of the symbol that was asked for."""

from pathlib import Path
from typing import Any

import pytest

from engine.kernel import codes, events
from engine.kernel.record import NONE
from engine.kernel.units import ASK, BID

E8 = 10**8
REPLY = '{"lastUpdateId":12,"bids":[["4.00000000","431.00000000"]],"asks":[["4.00000200","12.00000000"]]}'
FUTURES = '{"lastUpdateId":12,"E":7,"T":6,"bids":[["4","431"]],"asks":[["4.000002","12"]]}'
ASKED = b'{"symbol":"BTCUSDT"}'


def expected(rule: int, venue_ns: int) -> list[tuple[int, ...]]:
    return [
        (events.SNAPSHOT, 0, 12, venue_ns, rule, 0, 0, 0),
        (events.LEVEL_SET, 0, BID, 4 * E8, 431 * E8, 0, 0, 0),
        (events.LEVEL_SET, 0, ASK, 400000200, 12 * E8, 0, 0, 0),
        (events.SNAPSHOT_END, 0, 0, 0, 0, 0, 0, 0),
    ]


@pytest.mark.parametrize(
    "meta",
    [
        ASKED,
        b'{"symbol":"BTCUSDT","url":"https://x/depth?symbol=ETHUSDT"}',
        b'{"url":"https://api.binance.com/api/v3/depth?symbol=BTCUSDT&limit=1000"}',
        b'{"url":"https://api.binance.com/api/v3/depth?limit=1000&symbol=BTCUSDT#top"}',
    ],
)
def test_a_reply_is_the_book_of_the_symbol_that_was_asked_for(meta: bytes, binance: Any) -> None:
    assert binance.read(binance.depth(False), REPLY.encode(), meta) == (codes.OK, expected(events.RULE_SPOT, NONE))
    assert binance.read(binance.depth(True), FUTURES.encode(), meta) == (
        codes.OK,
        expected(events.RULE_PREV, 7_000_000),
    )
    assert (binance.depth(False).fast, binance.depth(True).fast, binance.depth(True).slow) == (1, 1, 0)


@pytest.mark.parametrize(
    "text",
    [
        REPLY.replace(",", ", "),
        REPLY.replace('"bids"', '"new":1,"bids"'),
        '{"asks":[["4.000002","12"]],"bids":[["4","431"]],"lastUpdateId":12}',
        REPLY.replace('"12.00000000"', '"12.00000000",[]'),
    ],
)
def test_another_spelling_is_the_same_book(text: str, binance: Any) -> None:
    depth = binance.depth(False)

    assert binance.read(depth, text.encode(), ASKED) == (codes.OK, expected(events.RULE_SPOT, NONE))
    assert (depth.fast, depth.slow) == (0, 1)


def test_an_empty_side_is_an_empty_side(binance: Any) -> None:
    code, rows = binance.read(binance.depth(False), b'{"lastUpdateId":1,"bids":[],"asks":[]}', ASKED)

    assert code == codes.OK
    assert [row[0] for row in rows] == [events.SNAPSHOT, events.SNAPSHOT_END]


def test_an_error_reply_states_nothing(binance: Any) -> None:
    depth = binance.depth(True)

    assert binance.read(depth, b'{"code":-1121,"msg":"Invalid symbol."}', ASKED) == (codes.OK, [])
    assert depth.ignored == 1


REFUSED = {
    "no request": (REPLY, b"", codes.SCHEMA),
    "a request without symbol": (REPLY, b'{"url":"https://x/depth"}', codes.SCHEMA),
    "a request for a name no text of ours can spell": (REPLY, '{"symbol":"币安人生USDT"}'.encode(), codes.SCHEMA),
    "a request for no symbol": (REPLY, b'{"url":"https://x/depth?symbol=BTC%20USDT"}', codes.BAD_TEXT),
    "a request that is no JSON": (REPLY, b"{", codes.BAD_FRAME),
    "a reply that is no JSON": (REPLY[:-1], ASKED, codes.BAD_FRAME),
    "a reply that is no object": ("[]", ASKED, codes.BAD_FRAME),
    "no asks": ('{"lastUpdateId":1,"bids":[]}', ASKED, codes.SCHEMA),
    "no id": ('{"bids":[],"asks":[]}', ASKED, codes.SCHEMA),
    "a level at zero": (REPLY.replace("4.00000200", "0.0"), ASKED, codes.BAD_NUMBER),
    "a negative size": (REPLY.replace("431", "-431"), ASKED, codes.BAD_NUMBER),
    "a price that is NaN": (REPLY.replace('"4.00000200"', "NaN"), ASKED, codes.BAD_NUMBER),
    "a price finer than 1e-8": (REPLY.replace("4.00000200", "4.000002001"), ASKED, codes.BAD_NUMBER),
    "a time beyond all": (FUTURES.replace('"E":7', '"E":99999999999999'), ASKED, codes.BAD_NUMBER),
    "a level without size": (REPLY.replace(',"12.00000000"', ""), ASKED, codes.SCHEMA),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("futures", [False, True])
def test_a_reply_that_cannot_be_read_whole_changes_nothing(name: str, futures: bool, binance: Any) -> None:
    reply, meta, code = REFUSED[name]
    depth = binance.depth(futures)

    assert binance.read(depth, reply.encode(), meta) == (code, [])
    assert binance.decode(depth, reply.encode(), meta) == (code, [])
    assert (depth.fast, depth.symbols.texts) == (0, [])


def test_the_documented_reply_is_read(binance: Any, shared: Path) -> None:
    frame = (shared / "binance" / "nautilus_fixtures" / "spot_http_depth_response.json").read_bytes()
    code, rows = binance.read(binance.depth(False), frame, ASKED)

    assert code == codes.OK
    assert [row[2:4] for row in rows[:3]] == [(1027024, NONE), (BID, 4 * E8), (ASK, 400000200)]
