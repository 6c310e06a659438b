"""Worst-case exposure against trying every subset of fills and every outcome."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st
from trading_room import Room, binary, contract

from engine.kernel.order import FILLED, Order
from engine.kernel.units import BUY, SELL

ONE = 10_000  # a price of one
HOLDINGS = st.tuples(st.integers(0, 30), st.integers(0, 30))
ORDERS = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from([BUY, SELL]), st.integers(1, ONE - 1), st.integers(1, 20)), max_size=5
)


def put(room, number, instrument, side, price, size):
    """One open order, straight into the books."""
    sent = room.instruments[instrument]
    order = Order(number, 0, 0, 0, sent, sent, side, price, size, 1, 0, 0, 0, 0)
    room.desk.orders.add(order)
    room.desk.risk.refresh(sent.market.number)
    return order


def worst_losses(held, costs, orders):
    """The loss if the first outcome wins and if the second does, over every subset of orders that fills."""
    found = []
    for winner in (0, 1):
        losses = []
        for chosen in product((False, True), repeat=len(orders)):
            loss = sum(costs) - held[winner] * ONE
            for filled, (instrument, side, price, size) in zip(chosen, orders, strict=True):
                if filled:
                    value = size * (price - (ONE if instrument == winner else 0))
                    loss += value if side == BUY else -value
            losses.append(loss)
        found.append(max(losses))
    return found


@given(HOLDINGS, st.tuples(st.integers(0, 200_000), st.integers(0, 200_000)), ORDERS)
def test_a_binary_markets_exposure_is_the_worst_over_all_fills_and_outcomes(held, costs, orders):
    room = Room(binary())
    for number in (0, 1):
        room.desk.portfolio.holdings[number].size = held[number]
        room.desk.portfolio.holdings[number].cost = costs[number]
    room.desk.risk.refresh(0)
    for at, order in enumerate(orders):
        put(room, at + 1, *order)
    exposure = room.desk.risk.markets[0]

    assert worst_losses(held, costs, orders) == [exposure.first, exposure.second]
    assert exposure.worst == max(0, exposure.first, exposure.second)


@given(st.lists(st.tuples(HOLDINGS, st.integers(0, 300_000)), min_size=1, max_size=4))
def test_a_negrisk_event_costs_its_worst_outcome(markets):
    room = Room(*[binary(f"M{at}", event="E", neg_risk=True) for at in range(len(markets))])
    for at, (held, cost) in enumerate(markets):
        for leg in (0, 1):
            room.desk.portfolio.holdings[2 * at + leg].size = held[leg]
        room.desk.portfolio.holdings[2 * at].cost = cost
        room.desk.risk.refresh(at)
    outcomes = []
    for winner in range(-1, len(markets)):
        paid = sum(held[0 if at == winner else 1] * ONE for at, (held, _) in enumerate(markets))
        outcomes.append(sum(cost for _, cost in markets) - paid)

    assert room.desk.risk.events[0].worst == max(0, *outcomes)
    assert room.desk.risk.accounts == [max(0, *outcomes)]


def test_other_events_and_loose_markets_add_up():
    room = Room(binary("A", event="E"), binary("B", event="E"), binary("C"), contract())
    for number, cost in ((0, 5), (2, 7), (4, 11), (6, 13)):
        room.desk.portfolio.holdings[number].cost = cost
        room.desk.portfolio.holdings[number].size = 1 if number == 6 else 0
        room.desk.risk.refresh(room.instruments[number].market.number)

    assert room.desk.risk.events[0].worst == 12
    assert room.desk.risk.accounts == [23, 13]


def test_a_complete_set_risks_no_more_than_it_cost_above_one():
    room = Room(binary())
    for number, cost in ((0, 4_800), (1, 5_300)):
        room.desk.portfolio.holdings[number].size = 1
        room.desk.portfolio.holdings[number].cost = cost
    room.desk.risk.refresh(0)

    assert room.desk.risk.markets[0].worst == 100


@given(
    st.integers(-30, 30),
    st.lists(st.tuples(st.sampled_from([BUY, SELL]), st.integers(1, 100), st.integers(1, 20)), max_size=5),
    st.booleans(),
    st.sets(st.integers(0, 4)),
)
def test_a_contracts_sides_hold_what_opens_and_not_what_closes(position, orders, alike, ended):
    if alike:
        orders = [(side, orders[0][1], size) for side, _, size in orders]
    room = Room(contract())
    holding = room.desk.portfolio.holdings[0]
    holding.size, holding.cost = position, position * 50
    room.desk.risk.refresh(0)
    for at, (side, price, size) in enumerate(orders):
        order = put(room, at + 1, 0, side, price, size)
        if at in ended:  # the venue says that it traded, and has not told all of it
            room.desk.orders.become(order, FILLED, 0, 0)
    room.desk.risk.refresh(0)
    exposure = room.desk.risk.markets[0]
    for side, found, closes in ((BUY, exposure.first, max(0, -position)), (SELL, exposure.second, max(0, position))):
        mine = [(price, size) for one, price, size in orders if one == side]
        size = sum(size for _, size in mine)
        money = sum(price * size for price, size in mine)
        kept = abs(position) * 50 if (position > 0) == (side == BUY) and position else 0
        opened = -(-money * max(0, size - closes) // size) if size else 0

        assert kept + opened == found


@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.sampled_from([BUY, SELL]), st.integers(1, 99), st.integers(1, 9)), max_size=20
    ),
    st.data(),
)
def test_step_by_step_equals_from_scratch(steps, data):
    room = Room(binary("A", event="E", neg_risk=True), binary("B", event="E", neg_risk=True), contract())
    risk, orders = room.desk.risk, []
    for at, (instrument, side, price, size) in enumerate(steps):
        orders.append(put(room, at + 1, instrument, side, price, size))
        if data.draw(st.booleans()):
            order = data.draw(st.sampled_from(orders))
            room.desk.orders.reserve(order, data.draw(st.integers(0, order.size)))
            risk.refresh(order.instrument.market.number)
        if data.draw(st.booleans()):
            risk.own(data.draw(st.integers(0, 2)), data.draw(st.integers(1, 2)))
    seats, purses = (1, 2), range(len(risk.accounts))
    kept = (
        list(risk.accounts),
        [event.worst for event in risk.events],
        [one.worst for one in risk.markets],
        [risk.strategy(seat, purse).value() for seat in seats for purse in purses],
    )
    risk.rebuild()

    assert kept == (
        list(risk.accounts),
        [event.worst for event in risk.events],
        [one.worst for one in risk.markets],
        [risk.strategy(seat, purse).value() for seat in seats for purse in purses],
    )
    assert kept[3] == [
        sum(one.worst for one in risk.markets if one.owner == seat and one.purse == purse)
        for seat in seats
        for purse in purses
    ]
