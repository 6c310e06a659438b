"""What the venue states beside its levels: proof where it fits, suspicion where it does not, certainty in time."""

import pytest
from attrs import evolve
from librt.vecs import vec
from mypy_extensions import i64
from row_room import MS, RowRoom, binary
from run_maker import RUN

from engine.kernel import codes, events
from engine.kernel.book_hash import stated
from engine.kernel.proof import HASH, TOUCH
from engine.kernel.record import NONE
from engine.kernel.units import ASK, BID

YES, NO = "YES-M", "NO-M"
EMPTY = int(NONE)


def tokens(
    bids: tuple[tuple[int, int], ...] = ((5_000, 10),), asks: tuple[tuple[int, int], ...] = ((5_200, 20),)
) -> RowRoom:
    room = RowRoom(binary())
    room.fold(room.snapshot(YES, 0, bids=bids, asks=asks, venue_ns=MS))
    return room


@pytest.mark.parametrize(
    ("symbol", "bid", "ask", "fits"),
    [
        (YES, 5_000, 5_200, True),
        (NO, 4_800, 5_000, True),
        (YES, 4_900, 5_200, False),
        (YES, 5_000, 5_300, False),
        (NO, 4_700, 5_000, False),
        (YES, EMPTY, 5_200, False),
        (YES, 5_000, EMPTY, False),
    ],
)
def test_stated_best_prices_are_held_against_the_book(symbol: str, bid: int, ask: int, fits: bool) -> None:
    room = tokens()
    room.fold(room.row(events.TOUCH_STATED, symbol, bid, ask, MS))

    assert room.market().ready() is fits
    assert room.market().valid


@pytest.mark.parametrize(
    ("symbol", "bid", "ask"),
    [(YES, EMPTY, EMPTY), (YES, 0, 10_000), (NO, 0, 10_000), (NO, EMPTY, EMPTY), (YES, 0, EMPTY)],
)
def test_an_empty_side_is_stated_as_nothing_or_as_the_end_of_the_price_range(symbol: str, bid: int, ask: int) -> None:
    room = tokens((), ())
    room.fold(room.row(events.TOUCH_STATED, symbol, bid, ask, MS))

    assert room.market().ready()


def test_a_touch_that_did_not_fit_is_forgiven_by_one_of_the_same_time_that_does() -> None:
    room = tokens()
    room.fold(room.row(events.TOUCH_STATED, YES, 5_100, 5_200, 2 * MS))
    suspected = room.market().suspect
    room.fold(
        room.diff(YES, bids=((5_100, 1),), venue_ns=2 * MS), room.row(events.TOUCH_STATED, YES, 5_100, 5_200, 2 * MS)
    )

    assert suspected == TOUCH
    assert room.market().ready()


def test_a_touch_that_fits_at_a_later_time_comes_too_late() -> None:
    room = tokens()
    room.fold(room.row(events.TOUCH_STATED, YES, 5_100, 5_200, 2 * MS))
    room.fold(room.row(events.TOUCH_STATED, YES, 5_000, 5_200, 3 * MS))

    assert room.codes == [codes.DATA_SUSPECT]
    assert not room.market().valid


def test_a_touch_of_an_older_time_forgives_nothing() -> None:
    room = tokens()
    room.fold(room.row(events.TOUCH_STATED, YES, 5_100, 5_200, 3 * MS))
    room.fold(room.row(events.TOUCH_STATED, YES, 5_000, 5_200, 2 * MS))

    assert room.market().suspect == TOUCH


def test_nothing_is_held_against_an_invalid_book() -> None:
    room = RowRoom(binary())
    room.fold(room.row(events.TOUCH_STATED, YES, 5_100, 5_200, MS), room.row(events.HASH_STATED, YES, 1, 2, 3, MS))

    assert room.market().suspect == 0


def hash_row(room: RowRoom, symbol: str, venue_ns: int, last_price: str, spoil: int = 0) -> tuple[int, ...]:
    """The HASH_STATED row that a venue with the same book would send, or one that is off by *spoil*."""
    market = room.market()
    bids, asks = market.book.levels(BID), market.book.levels(ASK)
    both = bids + asks
    digest = stated(
        market.listing.market,
        symbol,
        venue_ns // MS,
        vec[i64]([tick for tick, _ in both]),
        vec[i64]([lots for _, lots in both]),
        len(bids),
        len(asks),
        market.tick,
        market.lot,
        market.odd,
        symbol == NO,
        market.min_size_text,
        market.tick_text,
        market.listing.neg_risk,
        last_price,
    ).hex()
    parts = [int(part, 16) for part in (digest[:15], digest[15:30], digest[30:])]
    return room.row(events.HASH_STATED, symbol, parts[0], parts[1], parts[2] ^ spoil, venue_ns)


@pytest.mark.parametrize("symbol", [YES, NO])
def test_a_hash_that_is_met_proves_the_book_and_forgives_what_was_suspected(symbol: str) -> None:
    room = tokens()
    room.fold(room.row(events.TOUCH_STATED, YES, 5_100, 5_200, 2 * MS))
    room.fold(hash_row(room, symbol, 2 * MS, ""))

    assert room.market().hash_proven
    assert room.market().ready()


def test_a_hash_that_is_not_met_makes_a_proven_book_suspect() -> None:
    room = tokens()
    room.fold(hash_row(room, YES, MS, ""))
    room.fold(hash_row(room, YES, MS, "", spoil=1))

    assert room.market().suspect == HASH
    assert room.market().valid


def test_a_hash_that_is_not_met_says_nothing_while_the_last_price_is_not_proven() -> None:
    room = tokens()
    room.fold(hash_row(room, YES, MS, "", spoil=1))

    assert room.market().ready()
    assert not room.market().hash_proven


def test_a_hash_that_is_met_with_no_spelling_of_the_last_price_says_nothing() -> None:
    room = tokens()
    room.fold(room.row(events.LAST_PRICE, YES, 6_000, 0))
    room.fold(hash_row(room, YES, MS, "0.61"))

    assert room.market().ready()
    assert not room.market().hash_proven


@pytest.mark.parametrize(("price", "text"), [(6_000, "0.600"), (6_250, "0.625"), (10_000, "1.000"), (6_255, "0.6255")])
def test_the_last_price_may_be_hashed_with_three_decimals_however_the_trade_spelt_it(price: int, text: str) -> None:
    room = tokens()
    room.fold(room.row(events.LAST_PRICE, YES, price, 0))
    room.fold(hash_row(room, YES, MS, text))

    assert room.market().hash_proven
    assert room.market().last_price_text == text
    room.fold(hash_row(room, YES, MS, text, spoil=1))
    assert room.market().suspect == HASH


def test_the_hash_holds_for_books_of_any_size() -> None:
    bids = tuple((100 * tick, 1_000_000 + tick) for tick in range(1, 50))
    asks = tuple((100 * tick, 2_000_000 + tick) for tick in range(51, 100))
    room = tokens(bids, asks)
    room.fold(hash_row(room, YES, MS, ""))
    room.fold(room.diff(YES, bids=((100, 0),)), hash_row(room, NO, MS, ""))

    assert room.market().hash_proven


@pytest.mark.parametrize(("hash_every", "looked_at"), [(0, []), (1, [1, 2, 3, 4]), (2, [2, 4]), (3, [3])])
def test_only_every_nth_hash_is_computed(hash_every: int, looked_at: list[int]) -> None:
    room = RowRoom(binary(), run=evolve(RUN, hash_every=hash_every))
    room.fold(room.snapshot(YES, 0, bids=((5_000, 10),), venue_ns=MS))
    found = []
    for turn in range(1, 5):
        room.market().hash_proven = False
        room.fold(hash_row(room, YES, MS, ""))
        if room.market().hash_proven:
            found.append(turn)

    assert found == looked_at


@pytest.mark.parametrize("hash_every", [1, 2, 3])
def test_a_suspicion_is_cleared_by_the_next_hash_that_is_met_even_if_its_turn_has_not_come(hash_every: int) -> None:
    room = RowRoom(binary(), run=evolve(RUN, hash_every=hash_every))
    room.fold(room.snapshot(YES, 0, bids=((5_000, 10),), venue_ns=MS))
    for _ in range(hash_every):
        room.fold(hash_row(room, YES, MS, ""))
    for _ in range(hash_every):  # several frames of one millisecond state the book that stands at its end
        room.fold(hash_row(room, YES, 2 * MS, "", spoil=1))
    assert room.market().suspect == HASH

    room.fold(hash_row(room, YES, 2 * MS, ""))

    assert room.market().ready()
