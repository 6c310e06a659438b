"""What a venue says beside its book, as the markets remember it."""

from hypothesis import given
from hypothesis import strategies as st
from trading_room import binary

from engine.kernel.digest import Digest
from engine.kernel.market import WAKE_TRADE, Market
from engine.kernel.quotes import traded

trades = st.lists(st.tuples(st.booleans(), st.integers(1, 9_999), st.integers(1, 10**9)), min_size=1)


@given(trades, trades)
def test_the_range_of_trades_is_that_of_the_input_being_folded(
    before: list[tuple[bool, int, int]], now: list[tuple[bool, int, int]]
) -> None:
    market, digest = Market(0, binary()), Digest()
    for complement, price, size in before:
        traded(market, complement, digest, price, size, 0)
    market.wake = 0  # the next input
    for complement, price, size in now:
        traded(market, complement, digest, price, size, 0)
    prices = [10_000 - price if complement else price for complement, price, _ in now]

    assert market.wake == WAKE_TRADE
    assert (min(prices), max(prices), prices[-1]) == (market.trade_low, market.trade_high, market.trade_price)
