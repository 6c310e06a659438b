"""The profit of each fill, opening position, conversion and credit, split into its terms."""

from collections.abc import Iterator

from attrs import define, field

from replay.attribution.terms import FillTerms, Markout, Part, Terms
from replay.observed import MARKOUTS_NS, Fill, Observed

NOBODY = ""


@define
class _Leg:
    """
    Something that moved a position by *signed*: a *fill*, a conversion, an *opening*.

    *terms* are all but what it has made beyond *base2*, twice what it counts as before that.
    """

    seq: int
    signed: int
    base2: int
    terms: Terms
    fill: Fill | None = None
    opening: bool = False


@define
class _Chain:
    """What one strategy did in one instrument, in order."""

    legs: list[_Leg] = field(factory=list)
    terms: Terms = field(factory=Terms)


def split(observed: Observed) -> tuple[tuple[Part, ...], tuple[FillTerms, ...]]:
    """
    What each strategy made in each instrument, and each fill.

    A position's parts are valued one behind the other, by strategy and in order: each as what it adds to what is worth
    before it, so that the whole is worth what the portfolio says, however that was rounded.
    """
    chains = _chains(observed)
    ends = {one.instrument: one for one in observed.ended}
    parts: list[Part] = []
    split_up: dict[int, FillTerms] = {one.seq: FillTerms(one, Terms()) for one in observed.fills}
    order = {name: at for at, name in enumerate((NOBODY, *observed.strategies))}
    before = dict.fromkeys(ends, 0)
    for (number, name), chain in sorted(chains.items(), key=lambda item: (item[0][0], order[item[0][1]])):
        end = ends[number]
        terms = chain.terms
        found: list[FillTerms] = []
        size = 0
        for leg in chain.legs:
            held = before[number]
            value2 = 2 * (end.worth(held + leg.signed) - end.worth(held))
            before[number] += leg.signed
            size += leg.signed
            made2 = value2 - leg.base2
            mine = leg.terms + (Terms(carried=made2) if leg.opening else Terms(holding=made2))
            terms += mine
            if leg.fill is not None:
                found.append(FillTerms(leg.fill, mine))
                split_up[leg.fill.seq] = found[-1]
        parts.append(_part(name, number, terms, size, found))
    return tuple(parts), tuple(split_up.values())


def _chains(observed: Observed) -> dict[tuple[int, str], _Chain]:
    """All that moved positions, by instrument and strategy, and what was paid there."""
    chains: dict[tuple[int, str], _Chain] = {}

    def chain(number: int, name: str) -> _Chain:
        return chains.setdefault((number, name), _Chain())

    for one in observed.opened:
        base = one.cost - one.realised + one.fees - one.income
        if one.size or base:
            chain(one.instrument, NOBODY).legs.append(_Leg(0, one.size, 2 * base, Terms(), opening=True))
    for fill in observed.fills:
        if fill.reversed is None:
            chain(fill.instrument, fill.strategy).legs.append(_of_fill(fill))
    for number, name, leg in _conversions(observed):
        chain(number, name).legs.append(leg)
    for credit in observed.credits:
        for name, amount in credit.shares:
            paid = Terms(rebates=2 * amount) if credit.reason == "rebate" else Terms(rewards=2 * amount)
            chain(credit.instrument, name).terms += paid
    for one_chain in chains.values():
        one_chain.legs.sort(key=lambda leg: leg.seq)
    return chains


def _of_fill(fill: Fill) -> _Leg:
    """A fill's terms but its holding."""
    signed = fill.size if fill.side == "BUY" else -fill.size
    mid2 = 2 * fill.price if fill.mid2 is None else fill.mid2
    later2 = mid2 if fill.later2 is None else fill.later2
    decided2, before2 = 2 * fill.price, mid2
    if not fill.maker:
        decided2 = 2 * _met(fill)
        if fill.bid is not None and fill.ask is not None:
            before2 = fill.bid + fill.ask
    terms = Terms(
        spread=signed * (before2 - decided2),
        slippage=signed * (decided2 - 2 * fill.price),
        drift=signed * (mid2 - before2),
        adverse=signed * (later2 - mid2),
        fees=2 * fill.fee,
    )
    return _Leg(fill.seq, signed, signed * later2, terms, fill)


def _met(fill: Fill) -> int:
    """The price at the decision of an order that took: the touch it met, or else its own."""
    facing = fill.ask if fill.side == "BUY" else fill.bid
    if facing is None or (facing > fill.limit if fill.side == "BUY" else facing < fill.limit):
        return fill.limit
    return facing


def _conversions(observed: Observed) -> Iterator[tuple[int, str, _Leg]]:
    """Both legs of every split and merge."""
    for sets in observed.sets:
        scale = observed.instruments[sets.instrument].price_scale
        signed = -sets.size if sets.merges else sets.size
        for leg, price in enumerate((scale // 2, scale - scale // 2)):
            mid2 = sets.mids2[leg]
            known2 = 2 * price if mid2 is None else mid2
            terms = Terms(conversion=signed * (known2 - 2 * price))
            yield sets.instrument + leg, sets.strategy, _Leg(sets.seq, signed, signed * known2, terms)


def _part(name: str, number: int, terms: Terms, size: int, found: list[FillTerms]) -> Part:
    return Part(
        strategy=name,
        instrument=number,
        terms=terms,
        fills=len(found),
        hits=sum(one.terms.by_horizon > 0 for one in found),
        turnover=sum(one.fill.price * one.fill.size for one in found),
        size=size,
        markouts=tuple(_markout(after_ns, which, found) for which, after_ns in enumerate(MARKOUTS_NS)),
    )


def _markout(after_ns: int, which: int, found: list[FillTerms]) -> Markout:
    made = size = fills = 0
    for one in found:
        fill = one.fill
        mid2 = fill.mids2[which]
        if mid2 is not None:
            made += (fill.size if fill.side == "BUY" else -fill.size) * (mid2 - 2 * fill.price)
            size += fill.size
            fills += 1
    return Markout(after_ns, made, fills, size, len(found) - fills)
