"""Folding market data: what each fact does to a book, and what is said about it."""

import pytest
from row_room import MS, SECOND, RowRoom, binary, contract

from engine.kernel import codes, events
from engine.kernel.chain import FOLLOWING, SYNCING, WAITING
from engine.kernel.events import STATUS_CLOSED, STATUS_HALTED, STATUS_TRADING
from engine.kernel.fold import CROSSED_GRACE_NS
from engine.kernel.market import WAKE_BOOK, WAKE_STATUS, WAKE_TOUCH, WAKE_TRADE
from engine.kernel.record import NONE
from engine.kernel.units import BUY, SELL

BTC, YES, NO = "BTCUSDT", "YES-M", "NO-M"


def futures(*bids: tuple[int, int]) -> RowRoom:
    """A contract whose book follows at id 100, with these bids."""
    room = RowRoom(contract())
    room.fold(room.snapshot(BTC, 90, bids=bids or ((1_000, 100),), asks=((1_100, 100),)))
    room.fold(room.diff(BTC, 100, 90))
    return room


def tokens(venue_ns: int = MS) -> RowRoom:
    """A market of two outcomes with one book: 50 bid, 52 offered."""
    room = RowRoom(binary())
    room.fold(room.snapshot(YES, 0, bids=((5_000, 10),), asks=((5_200, 20),), venue_ns=venue_ns))
    return room


# -- sequence ----------------------------------------------------------------------------------------------------------


def test_a_snapshot_makes_a_book_valid_and_change_sets_carry_it_on() -> None:
    room = RowRoom(contract())
    room.fold(room.snapshot(BTC, 90, bids=((1_000, 300), (990, 100)), asks=((1_100, 100),)))
    market = room.market()

    assert (market.valid, market.chain.state, room.codes) == (True, SYNCING, [codes.OK])
    assert room.derived_kinds == ["RESYNC"]
    assert market.wake == WAKE_BOOK | WAKE_TOUCH
    room.fold(room.diff(BTC, 100, 90, bids=((1_000, 0), (995, 200)), venue_ns=5 * MS))
    assert (market.chain.state, market.chain.last, market.venue_ns) == (FOLLOWING, 100, 5 * MS)
    assert room.codes == []
    assert room.bids() == [(99, 1)]
    assert market.off_grid == {995 << 1: 200}
    room.fold(room.diff(BTC, 101, 100, bids=((980, 100),), venue_ns=4 * MS))
    assert market.venue_ns == 5 * MS
    assert market.wake == 0


def test_a_gap_invalidates_the_book_until_a_snapshot_and_what_came_meanwhile_is_applied_to_it() -> None:
    room = futures()
    room.fold(room.diff(BTC, 120, 110, bids=((1_010, 100),)))
    market = room.market()

    assert room.codes == [codes.SEQ_GAP]
    assert (room.findings[0].a, room.findings[0].b) == (100, 111)
    assert (market.valid, market.chain.state) == (False, WAITING)
    room.fold(room.diff(BTC, 130, 120, bids=((1_020, 100),)))
    assert room.codes == []
    room.fold(room.snapshot(BTC, 115, bids=((900, 100),), asks=((1_100, 100),)))
    assert room.codes == [codes.OK]
    assert room.bids() == [(102, 1), (101, 1), (90, 1)]
    assert (market.chain.state, market.chain.last, market.chain.held_end) == (FOLLOWING, 130, 0)


def test_a_snapshot_older_than_all_that_is_held_is_not_enough() -> None:
    room = futures()
    room.fold(room.diff(BTC, 120, 110, bids=((1_010, 100),)))
    room.fold(room.snapshot(BTC, 105, bids=((900, 100),)))

    assert room.codes == [codes.SEQ_GAP]
    assert not room.market().valid
    room.fold(room.snapshot(BTC, 118, bids=((900, 100),)))
    assert room.market().valid
    assert room.bids() == [(101, 1), (90, 1)]


def test_what_is_held_and_older_than_the_snapshot_is_passed_over() -> None:
    room = RowRoom(contract())
    room.fold(room.diff(BTC, 80, 70, bids=((1_500, 100), (1_510, 100))))
    room.fold(room.diff(BTC, 100, 80, bids=((1_010, 100),)))
    room.fold(room.snapshot(BTC, 90, bids=((1_000, 100),)))

    assert room.bids() == [(101, 1), (100, 1)]


def test_a_held_level_that_cannot_stand_spoils_the_book() -> None:
    room = RowRoom(binary())
    room.rule = int(events.RULE_SPOT)
    room.fold(room.diff(YES, 10, 5, bids=((5_050, 1),)))
    room.fold(room.snapshot(YES, 7, bids=((5_000, 1),)))

    assert room.codes == [codes.DATA_SUSPECT]
    assert not room.market().valid


def test_a_doubled_change_set_is_passed_over_and_said() -> None:
    room = futures()
    room.fold(room.diff(BTC, 100, 90, bids=((1_000, 0),)))

    assert room.codes == [codes.DUP_BLOCKED]
    assert room.derived_kinds == ["DEDUP"]
    assert room.bids() == [(100, 1)]
    assert room.market().valid


def test_an_old_change_set_before_the_book_follows_is_nothing_to_speak_of() -> None:
    room = RowRoom(contract())
    room.fold(room.snapshot(BTC, 90))
    room.fold(room.diff(BTC, 80, 70, bids=((1_000, 100),)))

    assert room.codes == []
    assert room.bids() == []


def test_a_snapshot_that_the_book_is_past_changes_nothing() -> None:
    room = futures()
    room.fold(room.snapshot(BTC, 100, bids=((900, 100),)))

    assert room.bids() == [(100, 1)]
    assert room.codes == []


def test_change_sets_without_a_snapshot_are_ignored_where_the_venue_numbers_nothing() -> None:
    room = RowRoom(binary())
    room.fold(room.diff(YES, bids=((5_000, 10),)))

    assert room.bids() == []
    assert room.market().chain.held_end == 0


def test_a_lost_connection_invalidates_the_books_it_fed_and_no_others() -> None:
    room = RowRoom(binary("M"), binary("N"), binary("O"))
    room.source = 4
    room.fold(room.snapshot("YES-N", bids=((5_000, 1),)))
    room.source = 3
    room.fold(room.snapshot(YES, bids=((5_000, 1),)))
    room.engine_input(0x1C, b'{"state":"down"}', source=3)

    assert [market.valid for market in room.kernel.data.listings.markets] == [False, True, False]
    assert room.codes == [codes.CONN_LOST]
    assert room.derived_kinds[:1] == ["GAP"]
    room.engine_input(0x1C, b'{"state":"down"}', source=3)
    assert room.codes == []


def test_a_lost_connection_forgets_what_was_held_for_a_snapshot() -> None:
    room = futures()
    room.fold(room.diff(BTC, 120, 110, bids=((1_010, 100),)))
    room.fold(room.snapshot(BTC, 119))
    room.fold(room.diff(BTC, 140, 130))
    room.engine_input(0x1C, b'{"state":"down"}', source=3)

    assert not room.market().valid


# -- what cannot be ----------------------------------------------------------------------------------------------------


def test_a_level_that_cannot_stand_spoils_the_book_and_the_rest_of_its_change_set_is_passed_over() -> None:
    room = tokens()
    room.fold(room.diff(YES, bids=((5_050, 1), (4_000, 1)), venue_ns=2 * MS))

    assert room.codes == [codes.DATA_SUSPECT]
    assert (room.findings[0].a, room.findings[0].b) == (5_050, 1)
    assert not room.market().valid
    assert room.bids() == [(50, 10)]


def test_events_of_an_unlisted_instrument_change_nothing_and_are_told_once() -> None:
    room = tokens()
    before = room.kernel.state_digest()
    room.fold(room.diff("YES-X", bids=((4_000, 1),)))

    assert room.codes == [codes.UNKNOWN_INSTRUMENT]
    assert room.derived_kinds == ["ALERT"]
    room.fold(room.diff("YES-X", bids=((4_000, 1),)), room.diff(YES, bids=((4_000, 1),)))
    assert room.codes == []
    assert room.kernel.data.listings.unknown == {"polymarket:YES-X": 4}
    assert room.bids() == [(50, 10), (40, 1)]
    assert room.kernel.state_digest() != before


def test_a_market_listed_later_begins_with_an_invalid_book_that_waits_for_a_snapshot() -> None:
    room = tokens()
    room.fold(room.snapshot("YES-X", bids=((4_000, 1),)))
    room.catalogue(binary("X"))
    room.fold(room.diff("YES-X", bids=((4_000, 1),)))

    assert not room.market(1).valid
    room.fold(room.snapshot("YES-X", bids=((4_000, 1),)))
    assert room.market(1).valid


def test_rows_of_own_orders_are_left_to_the_trading_half() -> None:
    room = tokens()
    room.fold(room.row(events.ORDER_ACKED, YES), room.diff(YES, bids=((4_000, 1),)))

    assert room.bids() == [(50, 10), (40, 1)]


def test_the_end_of_another_market_s_change_set_ends_nothing() -> None:
    room = RowRoom(contract("ONEUSDT"), contract("TWOUSDT"))
    room.fold(room.snapshot("ONEUSDT", 90))
    open_set = room.diff("ONEUSDT", 100, 90)[:-1]
    room.fold([*open_set, room.row(events.DIFF_END, "TWOUSDT")])

    assert room.market(0).chain.last == 90
    room.fold(room.row(events.SNAPSHOT_END, "TWOUSDT"))
    assert not room.market(1).valid


# -- both outcomes' books ----------------------------------------------------------------------------------------------


def test_the_complement_s_snapshot_of_the_same_time_confirms_the_book_when_it_is_its_mirror_image() -> None:
    room = tokens(venue_ns=MS)
    room.fold(room.snapshot(NO, 0, bids=((4_800, 20),), asks=((5_000, 10),), venue_ns=MS))

    assert room.market().ready()
    assert room.bids() == [(50, 10)]


def test_a_complement_that_disagrees_makes_the_book_suspect_and_then_invalid() -> None:
    room = tokens(venue_ns=MS)
    room.fold(room.snapshot(NO, 0, bids=((4_800, 21),), asks=((5_000, 10),), venue_ns=MS))
    market = room.market()

    assert market.valid
    assert not market.ready()
    room.fold(room.diff(YES, bids=((4_000, 1),), venue_ns=2 * MS))
    assert room.codes == [codes.DATA_SUSPECT]
    assert not market.valid


def test_a_complement_s_snapshot_of_another_time_is_simply_the_newer_book() -> None:
    room = tokens(venue_ns=MS)
    room.fold(room.snapshot(NO, 0, bids=((4_700, 5),), venue_ns=2 * MS))

    assert room.market().ready()
    assert room.asks() == [(53, 5)]


# -- crossed books and the touch ---------------------------------------------------------------------------------------


def test_a_crossed_book_is_borne_for_a_while_and_no_longer() -> None:
    room = tokens()
    room.fold(room.diff(YES, bids=((5_300, 1),)))
    market = room.market()

    assert market.valid
    assert not market.ready()
    room.fold(room.diff(YES, bids=((4_000, 1),)), wait=CROSSED_GRACE_NS)
    assert market.valid
    room.fold(room.diff(YES, bids=((4_000, 2),)), wait=1)
    assert room.codes == [codes.DATA_SUSPECT]
    room.fold(room.diff(YES, bids=((4_000, 2),)), wait=2 * SECOND)
    assert room.codes == []


def test_a_book_that_uncrosses_in_time_is_as_good_as_before() -> None:
    room = tokens()
    room.fold(room.diff(YES, bids=((5_300, 1),)))
    room.fold(room.diff(YES, bids=((5_300, 0),)))

    assert room.market().ready()


@pytest.mark.parametrize(
    ("bids", "asks", "moved"),
    [
        (((5_000, 11),), (), True),
        (((5_100, 1),), (), True),
        (((4_900, 1),), (), False),
        ((), ((5_200, 21),), True),
        ((), ((5_200, 0),), True),
        ((), ((5_300, 5),), False),
        (((5_000, 10),), ((5_200, 20),), False),
    ],
)
def test_strategies_are_woken_when_the_touch_moves_and_not_otherwise(
    bids: tuple[tuple[int, int], ...], asks: tuple[tuple[int, int], ...], moved: bool
) -> None:
    room = tokens()
    room.fold(room.diff(YES, bids=bids, asks=asks))

    assert bool(room.market().wake & WAKE_TOUCH) is moved


# -- trades, tickers, marks --------------------------------------------------------------------------------------------


def test_a_trade_of_the_second_outcome_is_one_of_the_first_from_the_other_side() -> None:
    room = tokens()
    seen = []
    for symbol, side in ((YES, BUY), (NO, BUY), (NO, SELL), (NO, int(events.SIDE_UNKNOWN))):
        room.fold(room.row(events.TRADED, symbol, 5_100, 7, side))
        market = room.market()
        seen.append((market.trade_price, market.trade_size, market.trade_side))
        assert market.wake == WAKE_TRADE

    assert seen == [(5_100, 7, BUY), (4_900, 7, SELL), (4_900, 7, BUY), (4_900, 7, events.SIDE_UNKNOWN)]


def test_the_range_of_an_input_s_trades_is_known_and_begins_anew_with_the_next() -> None:
    room = tokens()
    ranges = []
    for prices in ((5_000, 5_100, 4_900, 5_000), (5_050,)):
        room.fold(*[room.row(events.TRADED, YES, price, 7, BUY) for price in prices])
        ranges.append((room.market().trade_low, room.market().trade_high))

    assert ranges == [(4_900, 5_100), (5_050, 5_050)]


def test_a_ticker_counts_only_when_it_is_newer() -> None:
    room = futures()
    for update_id, bid in ((5, 1_000), (4, 900), (5, 800), (6, 1_010)):
        room.fold(room.row(events.TICKER, BTC, bid, 300, 1_100, 200, update_id))
    market = room.market()

    assert (market.ticker_id, market.ticker_bid, market.ticker_bid_lots) == (6, 101, 3)
    assert (market.ticker_ask, market.ticker_ask_lots) == (110, 2)
    assert room.bids() == [(100, 1)]


def test_mark_and_index_are_kept() -> None:
    room = futures()
    room.fold(room.row(events.MARK, BTC, 1_001, 1_002, 3, 4))
    market = room.market()

    assert (market.mark, market.index, market.funding, market.next_funding_ns) == (1_001, 1_002, 3, 4)


def test_a_new_last_price_takes_the_proof_from_the_book_and_the_same_one_does_not() -> None:
    room = tokens()
    market = room.market()
    room.fold(room.row(events.LAST_PRICE, YES, 6_000, 8))
    market.hash_proven = True
    room.fold(room.row(events.LAST_PRICE, YES, 6_000, 8))

    assert (market.last_price_text, market.hash_proven) == ("0.600", True)
    room.fold(room.row(events.LAST_PRICE, YES, 6_000, 0))
    assert (market.last_price_text, market.hash_proven) == ("0.6", False)


# -- listings ----------------------------------------------------------------------------------------------------------


def test_a_market_listed_again_unchanged_keeps_its_book() -> None:
    room = tokens()
    room.catalogue(binary())

    assert room.market().valid
    assert room.codes == []


def test_a_market_listed_again_on_another_grid_waits_for_a_new_book() -> None:
    room = tokens()
    room.catalogue(binary(tick=10))

    assert room.codes == [codes.META_CHANGED]
    assert room.derived_kinds[:1] == ["META"]
    assert (room.market().tick, room.market().valid, room.bids()) == (10, False, [])
    assert room.market().wake & WAKE_BOOK


def test_a_market_listed_again_in_other_units_is_refused() -> None:
    room = tokens()
    room.catalogue(binary(lot=2))

    assert room.codes == [codes.META_CHANGED]
    assert room.market().lot == 1
    assert room.market().valid


def test_a_market_may_stop_trading_and_start_again() -> None:
    room = tokens()
    said = []
    for status in (STATUS_HALTED, STATUS_HALTED, STATUS_TRADING):
        room.catalogue(binary(status=status))
        said.append([(finding.code, finding.closed, finding.a) for finding in room.findings])

    assert said == [
        [(codes.MARKET_CLOSED, True, STATUS_HALTED)],
        [],
        [(codes.MARKET_CLOSED, False, STATUS_TRADING)],
    ]
    room.fold(room.row(events.STATUS, YES, int(STATUS_CLOSED)))
    assert room.derived_kinds[:1] == ["VENUE_STATE"]
    assert room.market().wake == WAKE_STATUS


@pytest.mark.parametrize(
    ("tick", "code"),
    [
        (100, None),
        (10, codes.META_CHANGED),
        (0, codes.DATA_SUSPECT),
        (-5, codes.DATA_SUSPECT),
        (300, codes.DATA_SUSPECT),
    ],
)
def test_the_venue_may_change_the_grid_to_one_that_divides_the_price_range(tick: int, code: int | None) -> None:
    room = tokens()
    room.fold(room.row(events.TICK_CHANGED, YES, 100, tick))

    assert room.codes == ([] if code is None else [code])
    assert room.market().valid is (code is None)
    assert room.market().tick == (10 if tick == 10 else 100)


def test_a_grid_changed_while_the_book_is_invalid_wakes_for_the_status_alone() -> None:
    room = RowRoom(binary())
    room.fold(room.row(events.TICK_CHANGED, YES, 100, 10))

    assert room.market().wake == WAKE_STATUS


def test_a_snapshot_may_tell_of_a_new_grid_and_the_next_one_is_taken() -> None:
    room = tokens(venue_ns=MS)
    room.fold(room.snapshot(YES, 0, bids=((5_005, 1),), venue_ns=2 * MS, tick=10))

    assert codes.META_CHANGED in room.codes
    assert (room.market().tick, room.market().valid) == (10, False)
    room.fold(room.snapshot(YES, 0, bids=((5_010, 1),), venue_ns=2 * MS, tick=10))
    assert room.market().valid
    assert room.bids() == [(501, 1)]


def test_a_market_resolves_once_to_one_of_its_own_instruments() -> None:
    room = RowRoom(binary("M"), binary("N"))
    number = room.number
    resolved = []
    for texts, winner in (("X", YES), ("M", ""), ("M", "YES-N"), ("M", NO), ("M", YES)):
        row = (int(events.RESOLVED), number(winner) if winner else -1, 0, 0, 0, 0, 0, 0)
        room.fold(row, texts=[texts])
        resolved.append((room.market().winner, room.market().status, len(room.kernel.data.resolved)))

    closed = int(STATUS_CLOSED)
    assert resolved == [
        (NONE, STATUS_TRADING, 0),
        (NONE, closed, 0),
        (NONE, closed, 0),
        (1, closed, 1),
        (1, closed, 0),
    ]


def test_a_winner_that_nobody_listed_is_counted() -> None:
    room = RowRoom(binary("M"))
    room.fold((int(events.RESOLVED), room.number("YES-X"), 0, 0, 0, 0, 0, 0), texts=["M"])

    assert room.market().winner == NONE
    assert room.kernel.data.listings.unknown == {"polymarket:YES-X": 1}


# -- one input, several markets ----------------------------------------------------------------------------------------


def test_an_input_names_every_market_it_moved_once_and_the_next_one_forgets_them() -> None:
    room = RowRoom(binary("A"), binary("B"), binary("C"))
    data = room.kernel.data
    for symbol in ("YES-A", "YES-B", "YES-C"):
        room.fold(room.snapshot(symbol, bids=((4_000, 1),)))
        assert [market.key for market in data.moved] == [f"polymarket:{symbol[4:]}"]
    rows = [room.diff(symbol, bids=((4_100, 1),)) for symbol in ("YES-C", "YES-A", "NO-C", "YES-B", "YES-A")]
    room.fold(*rows)
    several = data.moved

    assert [market.key for market in several] == ["polymarket:C", "polymarket:A", "polymarket:B"]
    assert all(market.touched for market in several)
    room.fold(rows[0])
    assert [market.key for market in data.moved] == ["polymarket:C"]
    assert len(several) == 3
    room.engine_input(0x14, b"{}")
    assert data.moved == []
    assert not any(market.touched or market.wake for market in data.listings.markets)


def test_a_market_listed_again_under_an_event_is_told_once() -> None:
    room = RowRoom(binary())
    room.catalogue(binary(event="E"))

    assert [market.number for market in room.kernel.data.relisted] == [0]
    assert room.market().listing.event == "E"
    room.catalogue(binary(event="E"))
    assert room.kernel.data.relisted == []
