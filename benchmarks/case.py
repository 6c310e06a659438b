"""One thing that is measured: its name, its words, its unit, and what prepares it."""

from collections.abc import Callable

from attrs import frozen

from benchmarks.material import Material
from benchmarks.measure import Budget, Unit, Work


@frozen
class Case:
    """
    A case of the table and of the pytest-benchmark suite.

    *prepare* builds what is needed, once, and returns the work. *cores* is how many cores the process may use
    meanwhile: two where the helper thread is meant to run beside the fold. *name* stays for ever, *what* is for people.
    """

    name: str
    what: str
    unit: Unit
    prepare: Callable[[Material], Work]
    cores: int = 1
    budget: Budget | None = None
