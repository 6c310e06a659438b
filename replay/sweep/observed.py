"""The figures of an observed run: what a report tells of each purse, and where its profit came from."""

from collections.abc import Callable
from typing import Any

from replay.observe.observer import observer_of
from replay.observed import Observed
from replay.report.make import told_of
from replay.report.measures import money_measures, purses
from replay.resimulation import Simulated, Simulation
from replay.run import RunStart
from replay.sweep.figures import SPLIT


def observing(simulation: Simulation) -> Callable[[Simulated], dict[str, Any]]:
    """Have *simulation* observed, which was not played yet; the answer gives its figures by purse, once it was."""
    observer = observer_of(simulation)
    return lambda simulated: purse_figures(simulation.run, simulated, observer.finish())


def purse_figures(run: RunStart, simulated: Simulated, observed: Observed) -> dict[str, dict[str, Any]]:
    """
    By purse: its `currency`, a report's measures (null where there is too little to say one from), and the terms of its
    profit, as text.
    """
    told = told_of("", run, simulated, observed)
    found: dict[str, dict[str, Any]] = {}
    for purse in purses(told):
        measures = {one.key: one.value for one in money_measures(told, purse)}
        found[purse.track.purse] = {"currency": purse.track.currency, "max_drawdown": "0", **measures}
    for part in told.attribution.by_purse:
        terms = part.terms.decimals(part.exponent)
        found[part.purse] |= {name: format(terms[name], "f") for name in SPLIT}
    return found
