"""What of a market's levels and trades is ours: row by row, with exact, shared, late and missing evidence."""

from hypothesis import given
from hypothesis import strategies as st
from trading_room import binary

from engine.kernel.record import NONE
from engine.kernel.units import ASK, BID, BUY, SELL
from replay.own_market import SLACK_NS, OwnMarket
from replay.own_orders import GUARD_NS, OwnInstrument
from replay.own_placed import MS_NS, Change, Execution

S = 1_000_000_000
NOW = 1_700_000_000 * S + 5 * MS_NS


def market(*changes: tuple[int, int], traded: bool = False, complement: bool = False) -> OwnMarket:
    """One with a bid of 50 at 0.40 (as the first token's), where ours changed by (size, milliseconds after NOW)."""
    own = OwnInstrument()
    side, price = (ASK, 6_000) if complement else (BID, 4_000)
    for size, ms in changes:
        at_ns = NOW + ms * MS_NS
        own.changes.append(Change(side, price, size, traded and size < 0, at_ns, at_ns + MS_NS - 1))
    found = OwnMarket(binary(), None if complement else own, own if complement else None)
    assert level(found, 50, -10) == 50
    return found


def level(of: OwnMarket, size: int, ms: float, *, snapshot: bool = False) -> int:
    """What the bid at 0.40 holds without us, when it is stated to hold *size* so long after NOW."""
    return int(of.level(BID, 4_000, size, False, NOW + int(ms * int(MS_NS)), snapshot))


def test_a_change_belongs_to_the_row_that_moves_its_level_by_just_its_size() -> None:
    found = market((7, 100), (-7, 200))

    assert [level(found, 50, 90), level(found, 90, 100), level(found, 97, 100)] == [50, 90, 90]
    assert [level(found, 107, 150), level(found, 100, 200), level(found, 30, 201)] == [100, 100, 30]
    assert (found.levels, found.below_zero) == (2, 0)


def test_the_other_token_says_the_same_of_the_level_from_its_side() -> None:
    found = market((7, 100), complement=True)

    assert level(found, 57, 100) == 50
    assert found.level(ASK, 6_000, 57, True, NOW + 100 * MS_NS, False) == 50
    assert found.level(BID, 6_000, 57, True, NOW + 100 * MS_NS, False) == 57


def test_a_fill_may_go_with_others_lots_and_a_cancel_only_when_its_time_is_past() -> None:
    filled, cancelled = market((7, 0), (-7, 100), traded=True), market((7, 0), (-7, 100))

    assert [level(filled, 57, 0), level(filled, 30, 100)] == [50, 30]
    assert [level(cancelled, 57, 0), level(cancelled, 30, 100), level(cancelled, 20, 101)] == [50, 23, 20]


def test_a_change_that_no_row_shows_counts_a_second_later_and_its_level_is_stated_anew() -> None:
    found = market((7, 0), (-7, 100))
    level(found, 57, 0)
    late_ns = NOW + 102 * MS_NS + SLACK_NS

    assert found.overdue_ns <= late_ns
    assert found.overdue(NOW + 500 * MS_NS) == []
    assert found.overdue(late_ns) == [(BID, 4_000, 57)]
    assert found.overdue_ns > late_ns + 3600 * S


def test_a_full_book_holds_what_happened_before_its_last_change() -> None:
    found = market((7, 100), (-7, 300))
    found.snapshot()
    assert level(found, 57, 200, snapshot=True) == 50
    found.snapshot_end(NOW + 200 * MS_NS)
    found.snapshot()
    found.snapshot_end(NOW + 400 * MS_NS)

    assert found.resting(BID, 4_000, False) == 0
    assert level(found, 20, 401) == 20


def test_a_full_book_of_the_millisecond_of_a_placement_may_be_older_than_it() -> None:
    found = market((7, 100))
    found.snapshot()

    assert level(found, 50, 100, snapshot=True) == 50
    assert level(found, 57, 100) == 50


def test_less_than_what_should_be_ours_is_nothing_and_counted() -> None:
    found = market((7, 0))
    level(found, 57, 0)

    assert level(found, 3, 10) == 0
    assert found.below_zero == 1


@given(st.lists(st.tuples(st.integers(-20, 20).filter(bool), st.integers(0, 3_000)), max_size=8), st.data())
def test_no_level_grows_or_falls_below_nothing(changes: list[tuple[int, int]], data: st.DataObject) -> None:
    found = market(*changes)
    times = sorted(data.draw(st.lists(st.integers(0, 5_000), min_size=1, max_size=20)))
    for ms in times:
        size = data.draw(st.integers(0, 60))
        assert 0 <= level(found, size, ms) <= size


# -- trades ------------------------------------------------------------------------------------------------------------


def with_fills(*fills: tuple[int, int, int]) -> OwnMarket:
    """Where takers on a side met us at 0.40: (side, size, milliseconds after NOW)."""
    own = OwnInstrument()
    for side, size, ms in fills:
        at_ns = NOW + ms * MS_NS
        own.executions.append(Execution(side, 4_000, size, True, at_ns, at_ns + MS_NS - 1))
    return OwnMarket(binary(), own, None)


def trade(of: OwnMarket, size: int, ms: int, side: int = SELL, price: int = 4_000) -> int:
    """What is left of a trade."""
    return int(of.traded(price, size, side, False, NOW + ms * MS_NS))


def test_a_trade_that_was_all_ours_is_gone_and_one_that_was_partly_ours_shrinks() -> None:
    found = with_fills((SELL, 7, 0), (SELL, 5, 0), (SELL, 4, 0))

    assert [trade(found, 5, 0), trade(found, 30, 0), trade(found, 8, 1)] == [0, 19, 8]
    assert (found.trades, found.trades_gone) == (1, 1)


def test_a_trade_at_another_price_side_or_time_is_somebody_elses() -> None:
    found = with_fills((SELL, 7, 0))

    assert trade(found, 7, 0, side=BUY) == 7
    assert trade(found, 7, 0, price=4_100) == 7
    assert trade(found, 7, -1_001) == 7
    assert trade(found, 30, -1) == 30
    assert trade(found, 7, 1_002) == 7


def test_the_other_token_tells_our_trades_from_its_side() -> None:
    assert with_fills((SELL, 7, 0)).traded(6_000, 7, BUY, True, NOW) == 0


# -- statements --------------------------------------------------------------------------------------------------------


def test_a_book_is_guarded_while_an_order_may_rest_in_it() -> None:
    own = OwnInstrument()
    own.guards.extend([(10, 30), (20, 50), (70, 80)])
    found = OwnMarket(binary(), own, None)

    assert [at for at in range(0, 100, 5) if found.guarded(at)] == [10, 15, 20, 25, 30, 35, 40, 45, 50, 70, 75, 80]


def test_an_order_that_never_ends_guards_its_book_for_ever() -> None:
    own = OwnInstrument()
    own.guards.extend([(10, NONE), (20, 50 + GUARD_NS)])
    found = OwnMarket(binary(), own, None)

    assert not found.guarded(9)
    assert found.guarded(NOW)
