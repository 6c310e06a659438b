"""The line readers of the importer: every line is either placed, exactly, or counted with its reason."""

import gzip
import json
from hashlib import sha256
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.kernel import kinds, record
from journal.importer.formats import (
    FRAME_LIMIT,
    READERS,
    Reader,
    read_cryptofeed,
    read_hftbacktest,
    read_jsonl,
    seconds_to_ns,
)
from journal.importer.lines import LINE_LIMIT, lines, plain
from journal.importer.recording import Arrival, NotARecording, Tally, Unplaceable
from journal.importer.venues import VENUES, binance_time, polymarket_time, venue_of

USDM = VENUES["binance-usdm"]
SPOT = VENUES["binance-spot"]
MARKET = VENUES["polymarket-market"]
DEPTH = b'{"stream":"btcusdt@depth@0ms","data":{"e":"depthUpdate","E":1723161256299,"s":"BTCUSDT","b":[],"a":[]}}'
SNAPSHOT = b'{"lastUpdateId":5,"E":1723161256501,"T":1723161256493,"bids":[],"asks":[]}'
TICKER = b'{"stream":"btcusdt@bookTicker","data":{"u":1,"s":"BTCUSDT","b":"1","B":"2","a":"3","A":"4"}}'


def read(reader: Reader, text: bytes, venue=USDM, symbol="") -> tuple[list[Arrival], Tally]:
    tally = Tally("some.file", "some", venue.name)
    return list(reader(lines([text], "some.file"), venue, symbol, tally)), tally


def test_an_hftbacktest_line_becomes_a_frame_with_its_exact_bytes_and_times():
    (found,), tally = read(read_hftbacktest, b"1723161255030314667 " + DEPTH + b"\n")

    assert found.frame == DEPTH
    assert found.at_ns == found.socket_ns == 1723161255030314667
    assert found.src_ns == 1723161256299 * 1_000_000
    assert found.kind == kinds.BINANCE_USDM
    assert found.meta == b""
    assert (tally.lines, tally.frames, tally.unplaced) == (1, 1, [])


def test_an_inline_snapshot_takes_its_symbol_from_what_was_said_and_from_nothing_else():
    line = b"1723161255030314667 " + SNAPSHOT
    (found,), _ = read(read_hftbacktest, line, USDM, "BTCUSDT")
    nothing, tally = read(read_hftbacktest, line, USDM)

    assert (found.kind, found.meta) == (kinds.BINANCE_USDM_DEPTH, b'{"symbol":"BTCUSDT"}')
    assert nothing == []
    assert tally.unplaced[0].reason == "a depth snapshot without symbol; say --symbol"


def test_lines_that_cannot_be_placed_are_counted_by_number_and_the_rest_is_kept():
    text = b"\n".join(
        [
            b"1723161255030314667 " + TICKER,
            b"",
            b"garbage",
            b"",
            b"1723161255030314668 " + TICKER[:-3],
            b"9" * 19 + b" {}",
        ]
    )
    found, tally = read(read_hftbacktest, text)

    assert [one.frame for one in found] == [TICKER]
    assert [(run.first, run.last) for run in tally.unplaced] == [(2, 2), (3, 3), (4, 4), (5, 5), (6, 6)]
    assert tally.unplaced_lines == 5
    assert tally.lines == 6


def test_a_time_before_that_of_the_line_above_keeps_the_place_and_stays_as_socket_time():
    first, second = b"1723161255030314667", b"1723161255030314600"
    (_, late), tally = read(read_hftbacktest, first + b" " + TICKER + b"\n" + second + b" " + TICKER)

    assert (late.at_ns, late.socket_ns) == (int(first), int(second))
    assert tally.time_backwards == 1


def test_a_json_line_without_receive_time_takes_that_of_the_line_before_and_is_counted():
    frame = '{"event_type":"book", "timestamp":"1790267378390"}'
    rows = [
        {"payload": frame},
        {"recv_ms": 1790267379153, "payload": frame, "sha256": sha256(frame.encode()).hexdigest()},
        {"recv_ms": None, "payload": frame},
        {"recv_ms": 1790267379154, "payload": frame, "sha256": "00"},
        {"recv_ms": 1790267379155, "payload": {"event_type": "book"}},
    ]
    found, tally = read(read_jsonl, "\n".join(map(json.dumps, rows)).encode(), MARKET)

    assert [one.at_ns for one in found] == [1790267379153_000_000] * 2
    assert [one.socket_ns for one in found] == [1790267379153_000_000, record.NONE]
    assert [one.src_ns for one in found] == [1790267378390_000_000] * 2
    assert found[0].frame == frame.encode()
    assert tally.without_time == 1
    assert [run.first for run in tally.unplaced] == [1, 4, 5]


def test_cryptofeed_lines_are_connections_frames_replies_and_what_is_no_input():
    text = b"\n".join(
        [
            b'configuration: {"trades":["NKN-USDT"]}',
            b"wss://stream.binance.com:9443/stream?streams=a <-> 1633998511.159679",
            b'wss://stream.binance.com:9443/stream <- 1633998511.2: {"method":"SUBSCRIBE"}',
            b"1633998512.0633569: " + TICKER,
            b'https://api.binance.com/api/v3/depth?symbol=NKNUSDT&limit=1000 -> 1633998514.6462898: {"lastUpdateId":5}',
            b'https://api.binance.com/api/v3/time -> 1633998515: {"serverTime":5}',
            b'https://fapi.binance.com/fapi/v1/depth?symbol=X -> 1633998516: {"lastUpdateId":5}',
            b"",
        ]
    )
    (up, frame, reply), tally = read(read_cryptofeed, text, SPOT)

    assert (up.kind, up.at_ns) == (kinds.CONNECTION, 1633998511_159_679_000)
    assert (frame.kind, frame.frame, frame.at_ns) == (kinds.BINANCE_SPOT, TICKER, 1633998512_063_356_900)
    assert (reply.kind, reply.frame) == (kinds.BINANCE_SPOT_DEPTH, b'{"lastUpdateId":5}')
    assert json.loads(reply.meta)["symbol"] == "NKNUSDT"
    assert (tally.notes, tally.sent, tally.connections, tally.frames, tally.replies) == (1, 1, 1, 1, 1)
    assert [run.first for run in tally.unplaced] == [6, 7]


any_line = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [b"1723161255030314667 ", b"1633998512.06: ", b"a -> 1: ", b"https://api.binance.com/depth -> 2: "]
    ),
    st.sampled_from(
        [b'{"recv_ms":1790267379153,"payload":"{}"}', b'{"recv_ns":true,"payload":"{}"}', b'{"payload":1}']
    ),
)


@pytest.mark.parametrize("name", sorted(READERS))
@given(parts=st.lists(st.tuples(any_line, st.sampled_from([b"", DEPTH, SNAPSHOT, TICKER, b"{}"])), max_size=12))
def test_whatever_a_file_holds_every_line_is_accounted_for_and_time_never_turns(name, parts):
    text = b"\n".join(before + after for before, after in parts)
    number_of_lines = len(list(lines([text], "x")))
    found, tally = read(READERS[name], text, MARKET if name == "jsonl" else USDM)
    placed = tally.frames + tally.replies + tally.connections

    assert len(found) == placed
    assert number_of_lines == tally.lines == placed + tally.sent + tally.notes + tally.unplaced_lines
    assert [one.at_ns for one in found] == sorted(one.at_ns for one in found)


@given(text=st.binary(max_size=300), cuts=st.lists(st.integers(0, 300), max_size=8), pack=st.booleans())
def test_lines_are_the_same_however_the_file_is_read(text, cuts, pack):
    stored = gzip.compress(text[:100]) + gzip.compress(text[100:]) if pack else text
    if stored.startswith(b"\x1f\x8b") and not pack:
        return
    edges = [0, *sorted(min(cut, len(stored)) for cut in cuts), len(stored)]
    pieces = [stored[a:b] for a, b in pairwise(edges) if a < b]
    if len(pieces) > 1 and len(pieces[0]) < 2:
        pieces[:2] = [pieces[0] + pieces[1]]
    expected = [line.removesuffix(b"\r") for line in text.split(b"\n")]

    assert list(lines(plain(pieces, "x"), "x")) == (expected if expected[-1] or text.endswith(b"\r") else expected[:-1])


@pytest.mark.parametrize("cut", [5, 30, -9, -1])
def test_gzip_that_ends_early_is_said_so(cut):
    whole = gzip.compress(b"1723161255030314667 {}\n" * 1000)

    with pytest.raises(NotARecording, match="ends early"):
        list(plain([whole[:cut]], "x"))


def test_damaged_gzip_is_said_so():
    whole = bytearray(gzip.compress(b"1723161255030314667 {}\n" * 1000))
    whole[-6] ^= 1

    with pytest.raises(NotARecording, match="damaged gzip"):
        list(plain([bytes(whole)], "x"))


def test_a_line_longer_than_any_frame_stops_the_import_in_bounded_memory():
    bomb = gzip.compress(b"\0" * (LINE_LIMIT + (4 << 20)))

    with pytest.raises(NotARecording, match="line 1 is longer"):
        list(lines(plain([bomb], "x"), "x"))


@given(st.integers(1, 2**63 - 1))
def test_seconds_as_text_become_exact_nanoseconds(ns):
    assert seconds_to_ns(f"{ns // 10**9}.{ns % 10**9:09d}".encode()) == ns


@pytest.mark.parametrize(
    "text", [b"", b"0", b"1.", b".5", b"1e9", b"-1", b"1.0000000001", b"99999999999", b"9999999999.9"]
)
def test_text_that_is_no_time_is_refused(text):
    with pytest.raises(Unplaceable):
        seconds_to_ns(text)


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (DEPTH, 1723161256299_000_000),
        (TICKER, record.NONE),
        (b'{"E":1723161256299}', 1723161256299_000_000),
        (b'{"E":1723161256299123}', 1723161256299_123_000),
        (b'{"E":17231612562991234}', record.NONE),
        (b'{"E":172316125629}', record.NONE),
        (b'{"E":"text"}', record.NONE),
        (b'{"E":', record.NONE),
    ],
)
def test_binances_event_time_is_read_in_milliseconds_and_microseconds(frame, expected):
    assert binance_time(frame) == expected


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (b'{"timestamp":"1790267378390"}', 1790267378390_000_000),
        (b'{"timestamp": "1790267378390", "x":1}', 1790267378390_000_000),
        (b'{"timestamp":"17902673783901"}', record.NONE),
        (b"{}", record.NONE),
    ],
)
def test_polymarkets_time_is_read_in_milliseconds(frame, expected):
    assert polymarket_time(frame) == expected


def reply(venue, url: str, body: bytes) -> tuple[str, bytes] | str:
    """Kind by name and meta of a reply, or why it has no place."""
    try:
        kind, _, meta = VENUES[venue].reply(url, body)
    except Unplaceable as reason:
        return str(reason)
    return kinds.name(kind), meta


@pytest.mark.parametrize(
    ("venue", "path", "expected"),
    [
        ("binance-spot", "/api/v3/depth?symbol=X", "BINANCE_SPOT_DEPTH"),
        ("binance-usdm", "/fapi/v1/exchangeInfo", "BINANCE_USDM_CATALOGUE"),
        ("binance-usdm", "/fapi/v1/depth", "a depth snapshot whose address names no symbol"),
        ("binance-usdm", "/fapi/v1/time", "a reply of a kind that is not journalled (/fapi/v1/time)"),
        ("polymarket-market", "/book?token_id=5", "POLYMARKET_BOOK"),
        ("polymarket-market", "/markets/0x5", "POLYMARKET_CATALOGUE"),
        ("polymarket-market", "/time", "a reply of a kind that is not journalled (/time)"),
    ],
)
def test_a_reply_is_what_its_address_says(venue, path, expected):
    found = reply(venue, f"https://host{path}", b"{}")

    assert (found if isinstance(found, str) else found[0]) == expected
    assert reply(venue, f"https://host{path}", b"{") == "no whole JSON document"


def test_polymarkets_socket_carries_frames_books_and_pongs():
    placed = [MARKET.frame(frame, "")[0] for frame in (b"PONG", b'{"bids":[]}', b'[{"bids":[],"event_type":"book"}]')]

    assert [kinds.name(kind) for kind in placed] == ["POLYMARKET_MARKET", "POLYMARKET_BOOK", "POLYMARKET_MARKET"]
    with pytest.raises(Unplaceable):
        MARKET.frame(b"INVALID", "")


def test_hftbacktests_arrays_have_neither_frames_nor_replies():
    with pytest.raises(Unplaceable, match="rows of arrays"):
        VENUES["hftbacktest"].frame(b"{}", "")
    with pytest.raises(Unplaceable, match="rows of arrays"):
        VENUES["hftbacktest"].reply("https://host/book", b"{}")


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("hftbacktest", b"1723161255030314667 {%s}" % (b" " * FRAME_LIMIT)),
        ("jsonl", b'{"recv_ms":1,"payload":"{%s}"}' % (b" " * FRAME_LIMIT)),
        ("cryptofeed", b"1633998512.5: {%s}" % (b" " * FRAME_LIMIT)),
        ("hftbacktest", b"9999999999999999999 {}"),
        ("jsonl", b"{"),
        ("jsonl", b"[]"),
        ("jsonl", b'{"recv_ms":"soon","payload":"{}"}'),
        ("jsonl", b'{"recv_ms":0,"payload":"{}"}'),
        ("jsonl", b'{"recv_ns":9223372036854775808,"payload":"{}"}'),
        ("cryptofeed", b"1633998512.5 {}"),
        ("cryptofeed", b"h\xff -> 1633998512.5: {}"),
        ("cryptofeed", b"https://[::1 -> 1633998512.5: {}"),
        ("cryptofeed", b"https://fapi.binance.com/depth?symbol=%s -> 1633998512.5: {}" % (b"X" * 1000)),
    ],
    ids=range(13),
)
def test_a_line_that_no_journal_could_hold_is_refused_and_nothing_else(name, line):
    found, tally = read(READERS[name], line + b"\n", MARKET if name == "jsonl" else USDM)

    assert found == []
    assert [(run.first, run.last) for run in tally.unplaced] == [(1, 1)]


def test_a_receive_time_may_be_text():
    (found,), _ = read(read_jsonl, b'{"received_ns":"1723161255030314667","frame":"{}"}', MARKET)

    assert found.at_ns == 1723161255030314667


def test_an_address_tells_its_venue_or_nothing():
    assert venue_of("wss://fstream.binance.com/stream?streams=a") == "binance-usdm"
    assert venue_of("https://api.binance.com/api/v3/depth") == "binance-spot"
    assert venue_of("wss://ws-subscriptions-clob.polymarket.com/ws/user") == "polymarket-user"
    assert venue_of("https://www.deribit.com/api/v2") is None
