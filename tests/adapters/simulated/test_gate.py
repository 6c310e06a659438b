"""What the venue refuses for its catalogue's sake."""

import pytest
from stage import MS, Said, Stage
from trading_room import Room, binary, contract

from adapters.simulated.gate import is_on_grid
from adapters.simulated.models import plain
from adapters.simulated.venue import SimulatedVenue
from engine.kernel import codes
from engine.kernel.events import Listing
from engine.kernel.units import BUY


def rejected(stage: Stage, number: int) -> list[int]:
    stage.settle()
    return [said.value for said in stage.of(number) if said.kind == "REJECTED"]


def staged(listing: Listing) -> Stage:
    return Stage(40, 30, plain(40 * MS, 30 * MS), listing)


@pytest.mark.parametrize(("lots", "refused"), [(1, True), (2, True), (3, False)])
def test_a_notional_below_the_venues_least_is_refused(lots: int, refused: bool) -> None:
    """A lot is 0.001, a tick 0.1: 3 lots at 40 ticks are worth 0.012."""
    stage = staged(contract(min_notional=1_200_000))
    number = stage.place(BUY, 40, lots)

    assert rejected(stage, number) == ([int(codes.SIZE_BELOW_MIN)] if refused else [])


@pytest.mark.parametrize(
    ("price", "fits"), [(0, False), (-10, False), (495, False), (490, True), (510, False), (500, True), (550, True)]
)
def test_the_grid_may_be_coarser_above_some_prices(price: int, fits: bool) -> None:
    market = Room(contract(tick=10, tick_steps=((500, 50),))).markets[0]

    assert is_on_grid(market, 10, price) == fits


def test_a_probability_of_one_is_no_price() -> None:
    market = Room(binary()).markets[0]

    assert [is_on_grid(market, 100, price) for price in (9_900, 10_000, 10_100)] == [True, False, False]


def test_a_finer_grid_under_way_counts_before_we_have_heard_of_it() -> None:
    stage = Stage()
    number = stage.place(BUY, 0, 10, price=4050)
    book = stage.venue.book
    stage.now = 40 * MS
    book.begin(stage.market)
    book.set_tick(10)
    book.clear()
    stage.venue.arrive(40 * MS)
    stage.settle()

    assert [said.kind for said in stage.of(number)] == ["ACKED"]


def test_markets_listed_later_are_watched_as_the_first_ones() -> None:
    """More instruments than there was room for at first."""
    room = Room(binary("M0"))
    venue = SimulatedVenue(room.instruments, plain(0, 0))
    assert venue.watch(0).count == 0
    for number in range(1, 40):
        room.add(binary(f"M{number}"))

    assert venue.pit(39).market is room.markets[39]
    venue.hold(79, 5)
    assert [venue.watch(market).count for market in range(40)] == [0] * 40


def test_reports_say_when_the_next_thing_is_due(stage: Stage) -> None:
    number = stage.place(BUY, 39, 10)
    venue = stage.venue
    assert (venue.next_arrival_ns(), venue.next_report_ns() < 0) == (40 * MS, True)
    stage.wait(40 * MS)
    assert venue.next_report_ns() == venue.next_ns() == 70 * MS
    assert venue.own_market() == -1
    stage.settle()

    assert stage.of(number) == [Said(70 * MS, "ACKED", number, 40 * MS)]
