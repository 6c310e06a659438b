"""The venue's own hashes, from recorded frames, and the spelling of numbers in them."""

import hashlib
import json
import re
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st
from librt.strings import BytesWriter
from librt.vecs import vec
from mypy_extensions import i64

from engine.kernel import book_hash
from engine.kernel.units import decimal, spelled, spelling

BIDS, ASKS = 0, 1


class Book:
    """The first outcome's book in price and size units, kept the plain way."""

    def __init__(self):
        self.sides = ({}, {})
        self.odd = {}

    def set_level(self, side, price, size, complement):
        price_units, size_units = units(price, 4), units(size, 6)
        if complement:
            side, price_units = 1 - side, 10_000 - price_units
        codes = (spelling(price.encode(), 0, len(price)), spelling(size.encode(), 0, len(size)))
        self.odd.pop((price_units << 1) | side, None)
        if size_units == 0:
            self.sides[side].pop(price_units, None)
            return
        self.sides[side][price_units] = size_units
        if any(codes):
            self.odd[(price_units << 1) | side] = codes

    def hash(self, market, asset, timestamp_ms, complement, last, min_size="5", tick="0.01"):
        bids = sorted(self.sides[BIDS], reverse=True)
        asks = sorted(self.sides[ASKS])
        sizes = [self.sides[BIDS][price] for price in bids] + [self.sides[ASKS][price] for price in asks]
        return book_hash.stated(
            market,
            asset,
            timestamp_ms,
            vec[i64](bids + asks),
            vec[i64](sizes),
            len(bids),
            len(asks),
            1,
            1,
            self.odd,
            complement,
            min_size,
            tick,
            False,
            last,
        ).hex()


def units(text, exponent):
    value = decimal(text.encode(), 0, len(text), exponent)
    assert value >= 0
    return value


def full_book(message, complement=False):
    book = Book()
    for side, levels in ((BIDS, message["bids"]), (ASKS, message["asks"])):
        for level in levels:
            book.set_level(side, level["price"], level["size"], complement)
    return book


def recorded(shared: Path):
    lines = (shared / "polymarket/ws_market_20260924_exactarb_frames.jsonl").read_text().splitlines()
    return [json.loads(json.loads(line)["payload"]) for line in lines]


def test_both_recorded_snapshots_give_the_hash_the_venue_stated_for_them(shared):
    first, second = recorded(shared)[0]

    for message in (first, second):
        found = full_book(message).hash(
            message["market"], message["asset_id"], int(message["timestamp"]), False, message["last_trade_price"]
        )
        assert message["hash"] == found


def test_the_second_token_s_hash_follows_from_the_first_token_s_book(shared):
    first, second = recorded(shared)[0]

    found = full_book(first).hash(
        second["market"], second["asset_id"], int(second["timestamp"]), True, second["last_trade_price"]
    )
    assert second["hash"] == found


def test_the_one_ladder_gives_each_of_the_52_hashes_that_the_recorded_changes_state(shared):
    frames = recorded(shared)
    first, second = frames[0]
    book = full_book(first)
    met = 0
    for frame in frames[1:]:
        if frame.get("event_type") != "price_change" or frame["market"] != first["market"]:
            continue
        for entry in frame["price_changes"]:
            complement = entry["asset_id"] == second["asset_id"]
            book.set_level(BIDS if entry["side"] == "BUY" else ASKS, entry["price"], entry["size"], complement)
        for entry in frame["price_changes"]:
            complement = entry["asset_id"] == second["asset_id"]
            found = book.hash(
                first["market"], entry["asset_id"], int(frame["timestamp"]), complement, first["last_trade_price"]
            )
            assert entry["hash"] == found
            met += 1

    assert met == 52


def test_rest_books_of_2025_without_a_last_trade_price_give_the_hash_they_state(shared):
    text = (shared / "polymarket/polypy/orderbook/messages_hash.txt").read_text()
    messages = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    books = [message for message in messages if "min_order_size" in message]

    assert len(books) == 2
    for message in books:
        found = full_book(message).hash(
            message["market"],
            message["asset_id"],
            message["timestamp"],
            False,
            "",
            message["min_order_size"],
            message["tick_size"],
        )
        assert message["hash"] == found


@given(st.binary(min_size=20, max_size=20), st.integers(0, 59))
@example(bytes.fromhex("3186624ddd90c0cbd180a76243f9770d770efddd"), 59)
@example(bytes([0xFF] * 20), 0)
def test_a_hash_row_s_three_integers_are_the_digest_and_no_other_digest(digest, bit):
    parts = [int(part, 16) for part in re.match("(.{15})(.{15})(.{10})", digest.hex()).groups()]

    assert book_hash.is_stated(digest, *parts)
    assert not book_hash.is_stated(digest, parts[0], parts[1], parts[2] ^ (1 << bit % 40))
    assert not book_hash.is_stated(digest, parts[0], parts[1] ^ (1 << bit), parts[2])
    assert not book_hash.is_stated(digest, parts[0] ^ (1 << bit), parts[1], parts[2])


@given(st.from_regex(r"(0|[1-9][0-9]{0,8})?(\.[0-9]{0,6})?", fullmatch=True).filter(lambda text: text.strip(".")))
def test_every_spelling_that_is_read_is_written_back(text):
    data = text.encode()
    value, code = decimal(data, 0, len(data), 6), spelling(data, 0, len(data))
    out = BytesWriter()
    book_hash._decimal(out, value, 1_000_000, code)

    assert data == out.getvalue()
    assert text == spelled(value, 6, code)


def test_levels_not_spelled_in_the_shortest_form_are_hashed_as_the_venue_spelled_them():
    book = Book()
    book.set_level(BIDS, ".48", "10.00", False)
    book.set_level(BIDS, "0.470", "7", False)
    book.set_level(BIDS, "0.46", "2.5", False)
    book.set_level(ASKS, "0.5", "3.", False)
    text = (
        '{"market":"m","asset_id":"a","timestamp":"7","hash":"","bids":[{"price":"0.46","size":"2.5"},{"price":"0.470","size":"7"},'
        '{"price":".48","size":"10.00"}],"asks":[{"price":"0.5","size":"3."}],"min_order_size":"5",'
        '"tick_size":"0.01","neg_risk":false}'
    )

    assert hashlib.sha1(text.encode()).hexdigest() == book.hash("m", "a", 7, False, "")
