"""
Where the profit of a run came from: every fill's part, exact, so that all parts together are the kernel's portfolio.

A fill of signed size s (bought > 0) at price p, when the mid was m, and h some seconds later, and the position was
worth r apiece in the end, has made s * (r - p). That is split, with d the price at the decision:

    spread     s * (m - d)    made: what the price asked was away from the mid just before the fill (effective half
                              spread, earned; Huang & Stoll 1996). Taken: the same at the decision, with its mid m0
                              in place of m, which is a cost
    slippage   s * (d - p)    made: nothing, an order fills at its price. Taken: d is the touch that the order met at
                              the decision; its price, where it met none
    drift      s * (m - m0)   taken: how the mid moved from the decision to the fill (the delay of Perold 1988)
    adverse    s * (h - m)    how the mid moved behind the fill, by the stated horizon: adverse selection where below 0
                              (spread + slippage + drift + adverse is the realised half spread of Huang & Stoll)
    holding    s * (r - h)    what was held beyond the horizon, instead of closed at the mid: the gain or the
                              opportunity cost of inventory

and beside trades: *fees* paid, *rebates* and *rewards* received, *conversion* (complete sets, booked at half a unit
each, against their mids: 0 over both outcomes of one book), *carried* (what an opening position has made). Their sum is
realised + unrealised - fees + income of the kernel's portfolio, to the last unit; a position that nothing values
counts at its cost, as it does there. A fill that was taken back is in none of it.

Where no book said a mid, m is p, m0 is m, and h is m. What an order that did not trade has missed (Perold's opportunity
cost) was never made, and stands apart: `Observed.unfilled`.

Source: A. Perold, "The Implementation Shortfall", Journal of Portfolio Management 14(3), 1988; R. Huang and H. Stoll,
"Dealer versus Auction Markets", Journal of Financial Economics 41(3), 1996.
"""

from replay.attribution.attribute import attribute as attribute
from replay.attribution.terms import TERMS as TERMS
from replay.attribution.terms import Attribution as Attribution
from replay.attribution.terms import Drawdown as Drawdown
from replay.attribution.terms import FillTerms as FillTerms
from replay.attribution.terms import Markout as Markout
from replay.attribution.terms import Part as Part
from replay.attribution.terms import Sum as Sum
from replay.attribution.terms import Terms as Terms
from replay.attribution.terms import halves as halves
