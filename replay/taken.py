"""What was taken out of a base that held a real run, as the command tells it."""

from attrs import frozen


@frozen
class Taken:
    """
    What was taken out of a base, as far as it was read.

    Attributes:
        orders, fills: of its own runs: those that rested or traded, and their trades.
        levels: statements of a level made smaller.
        trades, trades_gone: trades of the market made smaller, and those that were all ours.
        statements: the venue's words on whole books (touch, hash, ticker) that held our lots, dropped.
        below_zero: statements of a level smaller than what should have been ours of it.
        uncertain: orders of which no word came back: they are taken as never having rested.
    """

    orders: int
    fills: int
    levels: int
    trades: int
    trades_gone: int
    statements: int
    below_zero: int
    uncertain: int
