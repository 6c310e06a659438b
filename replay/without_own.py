"""
The market of a real run without the run: its own resting lots and trades are taken out before anybody reads it.

A resimulation on such a base reads `WithoutOwn`; the strict replay of its overlay folds the same pieces (`pieces_of`).
`replay.own_orders` reads what was ours, `replay.taking_out` takes it out.
"""

from collections.abc import Callable, Iterator, Mapping

from engine.kernel.kinds import RUN_START
from journal.background import Background
from journal.disk import Disk
from journal.errors import JournalError
from journal.reader import Journal
from replay.choose import recorded_run
from replay.decoded import Piece
from replay.decoders import translators
from replay.feed import Feed, JournalFeed, packed
from replay.own_orders import OwnOrders
from replay.packing import InputPacker
from replay.run import KEPT, TAKEN_OUT, Base, RunStart, read_run_start
from replay.taken import Taken
from replay.taking_out import TakingOut


class UnknownTreatment(JournalError):
    """A run was made on a base whose own orders were treated in a way that this build does not know."""

    def __init__(self, own_orders: str) -> None:
        super().__init__(
            f"the own orders of this run's base were {own_orders!r}, which this build does not know: replay with the "
            "build that recorded the run"
        )


def treatment_of(journal: Journal) -> str:
    """What has to be done with *journal*'s own orders: KEPT where no run of it traded at a venue, else TAKEN_OUT."""
    first = recorded_run(journal)
    if first is None or first.base is not None:
        return KEPT
    return TAKEN_OUT if is_real(first) or any(is_real(run) for run in _later_runs(journal)) else KEPT


def is_real(run: RunStart) -> bool:
    """Whether *run*'s orders stood in the market that its journal recorded."""
    return run.executor == "venue" and run.base is None


def _later_runs(journal: Journal) -> Iterator[RunStart]:
    for block in journal.blocks(verify_chain=False):
        cursor = block.cursor()
        while cursor.next():
            if cursor.kind == RUN_START:
                yield read_run_start(cursor.seq, cursor.payload())


def own_orders_of(journal: Journal, decoders: Mapping[str, str]) -> OwnOrders:
    """The orders that *journal*'s real runs had at the venue. Raises JournalError where it is damaged."""
    own = OwnOrders(translators(decoders))
    for block in journal.blocks(verify_chain=False):
        own.read(block.data, block.start, block.end)
    own.finish()
    return own


class WithoutOwn:
    """*feed*, which reads *journal* with *decoders*, without the orders of the journal's own runs. See `Feed`."""

    def __init__(self, feed: Feed, journal: Journal, decoders: Mapping[str, str]) -> None:
        self._feed = feed
        self._own = own_orders_of(journal, decoders)
        self._out = TakingOut(self._own, translators(decoders))

    @property
    def first_seq(self) -> int:
        """See `Feed`."""
        return self._feed.first_seq

    @property
    def last_seq(self) -> int:
        """See `Feed`."""
        return self._feed.last_seq

    @property
    def first_recv_ns(self) -> int:
        """See `Feed`."""
        return self._feed.first_recv_ns

    @property
    def sources(self) -> dict[int, str]:
        """See `Feed`."""
        return self._feed.sources

    @property
    def path_counts(self) -> tuple[int, int]:
        """See `Feed`."""
        return self._feed.path_counts

    @property
    def taken(self) -> Taken:
        """What was taken out so far."""
        markets = self._out.markets
        return Taken(
            orders=int(self._own.orders),
            fills=int(self._own.fills),
            levels=sum(int(market.levels) for market in markets),
            trades=sum(int(market.trades) for market in markets),
            trades_gone=sum(int(market.trades_gone) for market in markets),
            statements=int(self._out.statements),
            below_zero=sum(int(market.below_zero) for market in markets),
            uncertain=int(self._own.uncertain),
        )

    def pieces(self) -> Iterator[Piece]:
        """See `Feed`."""
        for piece in self._feed.pieces():
            yield self._out.piece(piece)

    def least_lags(self) -> dict[int, int]:
        """See `Feed`."""
        return self._feed.least_lags()


def feed_of(
    disk: Disk,
    journal: Journal,
    base: Base,
    decoders: Mapping[str, str],
    build: str,
    background: Background,
    note: Callable[[str], None],
) -> JournalFeed | WithoutOwn:
    """
    What a run on *base*, which is *journal*, reads: `JournalFeed`, and `WithoutOwn` around it where *base* says so.

    Raises:
        UnknownTreatment: *base* says something else.
        JournalError: the journal is damaged, and its own orders cannot be read.
    """
    feed = JournalFeed(disk, journal, decoders, build, background, note)
    return WithoutOwn(feed, journal, decoders) if takes_out(base) else feed


def takes_out(base: Base) -> bool:
    """Whether *base* is read without its own orders. Raises UnknownTreatment."""
    if base.own_orders not in (KEPT, TAKEN_OUT):
        raise UnknownTreatment(base.own_orders)
    return base.own_orders == TAKEN_OUT


def pieces_of(journal: Journal, decoders: Mapping[str, str], packer: InputPacker) -> Iterator[Piece]:
    """*journal* without its own orders, from its frames alone: what a strict replay folds. *packer* reads them."""
    out = TakingOut(own_orders_of(journal, decoders), translators(decoders))
    for piece in packed(journal, packer, journal.first_seq, journal.last_seq):
        yield out.piece(piece)
