"""From what was observed of a run to where its profit came from."""

from collections.abc import Iterator

from replay.attribution.split import split
from replay.attribution.terms import Attribution, Drawdown, Markout, Part, Sum, Terms
from replay.observed import MARKOUTS_NS, Observed, Values


def attribute(observed: Observed) -> Attribution:
    """Split the profit of the run that was *observed*, and put it together again."""
    parts, fills = split(observed)
    drawdowns = {one.purse: one for one in _drawdowns(observed)}
    purses = {number: one.purse for number, one in observed.instruments.items()}
    by_strategy = tuple(
        _sum(
            (track.name, track.purse, track.currency, track.exponent),
            [one for one in parts if one.strategy == track.name and purses[one.instrument] == track.purse],
            _moved(track.pnl, drawdowns.get(track.purse)),
        )
        for track in observed.by_strategy
    )
    matter = {one.instrument for one in parts}
    by_instrument = tuple(
        _sum(
            (track.key, track.purse, track.currency, track.exponent),
            [one for one in parts if one.instrument == track.number],
            _moved(track.pnl, drawdowns.get(track.purse)),
        )
        for track in observed.by_instrument
        if track.number in matter
    )
    by_purse = tuple(
        _sum(
            (track.currency, track.purse, track.currency, track.exponent),
            [one for one in parts if purses[one.instrument] == track.purse],
            _moved(track.equity, drawdowns.get(track.purse)),
        )
        for track in observed.currencies
    )
    return Attribution(
        horizon_ns=observed.horizon_ns,
        fills=fills,
        parts=parts,
        by_strategy=by_strategy,
        by_instrument=by_instrument,
        by_purse=by_purse,
        drawdowns=tuple(drawdowns.values()),
        attributed=sum(bool(one.strategy and one.intent and one.capsule is not None) for one in observed.fills),
        unexplained=_unexplained(observed, parts),
    )


def _sum(named: tuple[str, str, str, int], parts: list[Part], drawdown: int) -> Sum:
    return Sum(
        *named,
        terms=sum((one.terms for one in parts), Terms()),
        fills=sum(one.fills for one in parts),
        hits=sum(one.hits for one in parts),
        turnover=sum(one.turnover for one in parts),
        markouts=tuple(
            sum((one.markouts[which] for one in parts), Markout(after_ns)) for which, after_ns in enumerate(MARKOUTS_NS)
        ),
        drawdown=drawdown,
    )


def _drawdowns(observed: Observed) -> Iterator[Drawdown]:
    """The greatest fall of each purse's equity that fell at all; of equal ones the first."""
    for track in observed.currencies:
        highest = 0
        found = Drawdown(track.purse, track.currency, track.exponent, 0, 0, 0)
        values = [value or 0 for value in track.equity]  # before anything was traded there
        for place, value in enumerate(values):
            if value > values[highest]:
                highest = place
            if values[highest] - value > found.fell:
                fell = values[highest] - value
                found = Drawdown(track.purse, track.currency, track.exponent, fell, highest, place)
        if found.fell:
            yield found


def _moved(values: Values, drawdown: Drawdown | None) -> int:
    """How *values* moved during a drawdown."""
    if drawdown is None:
        return 0
    return (values[drawdown.trough] or 0) - (values[drawdown.peak] or 0)


def _unexplained(observed: Observed, parts: tuple[Part, ...]) -> dict[int, int]:
    """By instrument, what the kernel's portfolio says less what the parts say, where that is anything."""
    found: dict[int, int] = {}
    for end in observed.ended:
        said = 2 * (end.realised + (end.unrealised or 0) - end.fees + end.income)
        missed = said - sum(one.terms.total for one in parts if one.instrument == end.instrument)
        if missed:
            found[end.instrument] = missed
    return found
