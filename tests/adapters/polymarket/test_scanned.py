"""The fast path and the general decoder are two readings of one grammar: they must never differ."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adapters.polymarket.wire.reader import Reader, hex_word
from engine.kernel import codes, kinds
from engine.kernel.events import Symbols
from engine.kernel.units import BAD, decimal, spelling

STREAM, REST = kinds.POLYMARKET_MARKET, kinds.POLYMARKET_BOOK


def mostly(good, odd):
    """*odd* about once in sixteen: one odd value is enough to lead a whole frame to the general decoder."""
    return st.integers(0, 15).flatmap(lambda draw: odd if draw == 7 else good)


tokens = mostly(
    st.sampled_from(["7" * 77, "1" + "8" * 76, "123"]), st.sampled_from(["40" * 39, "token:1", "4" * 79, ""])
)
markets = mostly(st.sampled_from(["0x" + "ab" * 32, "0x" + "0123456789abcdef" * 4]), st.sampled_from(["0x12", "0xAB"]))
hashes = mostly(st.integers(0, 2**160 - 1).map(lambda number: f"{number:040x}"), st.sampled_from(["", "g" * 40]))
prices = mostly(
    st.integers(0, 10_000).map(lambda units: f"{units / 10_000:.4f}".rstrip("0").rstrip(".")),
    st.sampled_from([".48", "0.60", "1.", "1.0001", "00.5", "", "-0.1", "0.12345", "0.1234000", "0.5e1", "1"]),
)
sizes = mostly(
    st.integers(0, 10**16).map(lambda units: f"{units // 10**6}.{units % 10**6:06}".rstrip("0").rstrip(".")),
    st.sampled_from(["0", "44.10", "10000000000", "10000000000.000001", "123456789012", "5" * 30, "", "1e3"]),
)
times = mostly(
    st.sampled_from(["1790267378390", 1790267378390]),
    st.sampled_from(["1790267378", "17902673783901", "0790267378390"]),
)
sides = mostly(st.sampled_from(["BUY", "SELL"]), st.sampled_from(["buy", ""]))

entries = st.fixed_dictionaries(
    {
        "asset_id": tokens,
        "price": prices,
        "size": sizes,
        "side": sides,
        "hash": hashes,
        "best_bid": prices,
        "best_ask": prices,
    }
)
changes = st.fixed_dictionaries(
    {
        "market": markets,
        "price_changes": st.lists(entries, max_size=3),
        "timestamp": times,
        "event_type": st.just("price_change"),
    }
)
touches = st.fixed_dictionaries(
    {
        "market": markets,
        "asset_id": tokens,
        "best_bid": prices,
        "best_ask": prices,
        "spread": mostly(st.just("0.04"), st.sampled_from(["", 'a"b'])),
        "timestamp": times,
        "event_type": st.just("best_bid_ask"),
    }
)
trades = st.fixed_dictionaries(
    {
        "market": markets,
        "asset_id": tokens,
        "price": prices,
        "size": sizes,
        "fee_rate_bps": st.just("0"),
        "side": sides,
        "timestamp": times,
        "event_type": st.just("last_trade_price"),
    },
    optional={"transaction_hash": st.sampled_from(["", "0x12"])},
)
levels = st.lists(st.fixed_dictionaries({"price": prices, "size": sizes}), max_size=4)
books = st.fixed_dictionaries(
    {"market": markets, "asset_id": tokens, "timestamp": times, "hash": hashes, "bids": levels, "asks": levels},
    optional={
        "tick_size": prices,
        "event_type": st.just("book"),
        "last_trade_price": prices,
        "min_order_size": sizes,
        "neg_risk": st.booleans(),
    },
)
messages = st.one_of(changes, touches, trades, books)
separators = mostly(st.sampled_from([(",", ":"), (", ", ":")]), st.just((", ", ": ")))


USUAL = {
    "price_change": "market price_changes timestamp event_type",
    "best_bid_ask": "market asset_id best_bid best_ask spread timestamp event_type",
    "last_trade_price": "market asset_id price size fee_rate_bps side timestamp event_type transaction_hash",
}
ENTRY = "asset_id price size side hash best_bid best_ask"
BOOK = "market asset_id timestamp hash bids asks"


def usual(message):
    """*message* with its members in the venue's order: hypothesis draws them in any."""
    if isinstance(message, list):
        return [usual(item) for item in message]
    order = USUAL.get(message.get("event_type"), BOOK if "bids" in message else ENTRY).split()
    ranked = sorted(message, key=lambda key: order.index(key) if key in order else len(order))
    return {key: usual(message[key]) if isinstance(message[key], list) else message[key] for key in ranked}


def assert_same(read, kind, frame):
    quick, general = read(kind, frame), read(kind, frame, general=True)

    assert general.code == quick.code
    assert general.rows == quick.rows
    assert general.batch.texts == quick.batch.texts
    if quick.code == codes.OK:
        assert general.symbols.texts == quick.symbols.texts
    return quick


@settings(max_examples=400)
@given(st.one_of(messages, st.lists(messages, max_size=3)), separators, mostly(st.just(True), st.just(False)))
def test_a_generated_frame_reads_the_same_both_ways(read, message, separator, in_order):
    frame = json.dumps(usual(message) if in_order else message, separators=separator).encode()
    for kind in (STREAM, REST):
        assert_same(read, kind, frame)


@settings(max_examples=400)
@given(st.data())
def test_a_recorded_frame_with_damaged_bytes_reads_the_same_both_ways(read, recorded, data):
    frame = bytearray(data.draw(st.sampled_from(recorded), label="frame"))
    for _ in range(data.draw(st.integers(1, 3), label="damages")):
        at = data.draw(st.integers(0, len(frame) - 1), label="at")
        frame[at : at + data.draw(st.integers(0, 2))] = data.draw(
            st.sampled_from([b"", b"0", b"9", b".", b'"', b",", b"}", b"]", b"{", b" ", b"a", b"\\", b"\n", b"\xc3"])
        )
    assert_same(read, STREAM, bytes(frame))


def test_every_recorded_frame_reads_the_same_both_ways(read, recorded):
    for frame in recorded:
        assert assert_same(read, STREAM, frame).code == codes.OK


def test_at_least_95_of_100_recorded_frames_take_the_fast_path(read, recorded):
    fast = sum(read(STREAM, frame).translator.fast for frame in recorded)

    assert len(recorded) == 76
    assert fast >= 0.95 * len(recorded)


def test_frames_cut_anywhere_are_refused(read, recorded):
    for frame in (recorded[1], recorded[2]):
        for cut in range(1, len(frame)):
            reading = read(STREAM, frame[:cut])
            assert (reading.code, reading.rows) == (codes.BAD_FRAME, [])


@given(st.binary(min_size=8, max_size=8))
@example(b"0g000000")
@example(b"0o000000")
@example(b"0`000000")
@example(b"0:000000")
@example(b"0A000000")
def test_eight_bytes_are_a_hex_word_only_if_each_is_a_lower_case_hex_digit(data):
    expected = int(data, 16) if all(byte in b"0123456789abcdef" for byte in data) else BAD

    assert expected == hex_word(data, 0)


@given(st.text("0123456789abcdef", min_size=8, max_size=8))
def test_a_hex_word_is_its_value(text):
    assert int(text, 16) == hex_word(b"x" + text.encode(), 1)


@given(st.text("0123456789.-e ", max_size=24), st.sampled_from([4, 6]))
def test_a_number_read_in_one_pass_is_what_two_passes_find(text, exponent):
    data = text.encode() + b'"}'
    reader = Reader(Symbols("polymarket"))
    reader.begin(data, 0, len(data))
    packed = reader.number(exponent)

    if reader.ok:
        assert decimal(data, 0, len(text), exponent) == packed >> 8
        assert spelling(data, 0, len(text)) == packed & 255
        assert reader.at == len(text) + 1
    else:
        # What it leaves to the general decoder is odd: no number, enormous, or with many zeros before or behind.
        value = decimal(data, 0, len(text), exponent)
        zeros = len(text) - len(text.rstrip("0"))
        assert value == BAD or value > 10**16 or zeros > 20 or spelling(data, 0, len(text)) == BAD


@pytest.mark.parametrize("text", ["0.6", "0.62", "0.06", "0.625", "0.0025", "1", "0", "0.60", "0.00", ".5"])
def test_a_price_read_without_a_loop_is_the_same_price(text):
    data = text.encode() + b'",    '
    quick, plain = Reader(Symbols("polymarket")), Reader(Symbols("polymarket"))
    quick.begin(data, 0, len(data))
    plain.begin(data, 0, len(data))

    assert plain.number(4) == quick.price()
    assert (plain.at, plain.ok) == (quick.at, quick.ok)
