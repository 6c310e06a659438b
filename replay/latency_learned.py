"""
Latencies learned from a journal of a run: how long its orders, cancels and reports really took.

A request is sent when its REQUEST is decided, and is answered by the first record that says what the venue made of it.
Where that record states when the venue acted, the time between splits into the way there and the way back; where it
does not, each is taken as half. A venue's clock is not ours: its offset is taken so that the fastest way there and the
fastest way back are equally long, which is as good as a round trip can tell (the assumption of NTP, RFC 5905).

`engine profile learn JOURNAL` prints them as they stand in a configuration.
"""

from typing import Any

from attrs import field, frozen

from engine.kernel import kinds
from engine.kernel.derived import CANCEL, PLACE
from engine.kernel.events import (
    CANCEL_REFUSED,
    ORDER_ACKED,
    ORDER_CANCELLED,
    ORDER_REJECTED,
    STRIDE,
    EventBatch,
    Translator,
)
from engine.kernel.record import DERIVED, NONE
from engine.kernel.request import Request, decode_request
from journal.codec import Cursor
from journal.errors import JournalError
from journal.payloads import ACKED, REJECTED, decode_outcome, decode_venue_input
from journal.reader import Journal
from replay.decoders import translators
from replay.run import read_run_start

SECOND = 1_000_000_000
MS = 1_000_000
SHARES = (0, 1_000, 10_000, 50_000, 100_000, 250_000, 500_000, 750_000, 900_000, 950_000, 990_000, 999_000, 1_000_000)
"""Millionths at which quantiles are stated, where there are samples enough."""

# Where a row states when the venue acted, and the event it answers with.
_VENUE_NS_AT = {int(ORDER_ACKED): 3, int(ORDER_REJECTED): 4, int(ORDER_CANCELLED): 4, int(CANCEL_REFUSED): 4}
_OF_CANCEL = (int(ORDER_CANCELLED), int(CANCEL_REFUSED))


class NothingToLearn(JournalError):
    """A journal without two answered requests of a kind."""

    def __init__(self, what: str, found: int) -> None:
        super().__init__(f"the journal holds {found} answered {what}, and a table needs two at least")


@frozen
class Answer:
    """When a request was decided, when the venue acted on it (NONE if nobody says), and when we heard of that."""

    sent_ns: int
    venue_ns: int
    heard_ns: int


@frozen
class Learned:
    """Nanoseconds of every way that was measured, ascending, and what was left out."""

    orders: tuple[int, ...]
    cancels: tuple[int, ...]
    reports: tuple[int, ...]
    offset_ns: int
    """How far the venue's clock was taken to be ahead of ours."""
    halved: int
    """Round trips of which nobody says when the venue acted."""
    unanswered: int

    def yaml(self) -> str:
        """The three tables, as they stand below `venue:` in a configuration."""
        lines = [
            f"# Learned from {len(self.orders):,} orders and {len(self.cancels):,} cancels; {self.unanswered:,} more"
            " were not answered.",
            f"# The venue's clock was taken to be {self.offset_ns / MS} ms ahead; {self.halved:,} round trips, of which"
            " nobody says when the venue acted, are halved.",
        ]
        for name, table in self._tables().items():
            lines += [f"{name}:", "  quantiles_ms:"]
            lines += [f"    {ppm}: {ns / MS}" for ppm, ns in table.items()]
        return "\n".join(lines) + "\n"

    def fields(self) -> dict[str, Any]:
        """The same as members of a JSON document."""
        tables = {name: {"quantiles_ms": _in_ms(table)} for name, table in self._tables().items()}
        return {
            "orders": len(self.orders),
            "cancels": len(self.cancels),
            "unanswered": self.unanswered,
            "halved": self.halved,
            "offset_ns": self.offset_ns,
            "venue": tables,
        }

    def _tables(self) -> dict[str, dict[int, int]]:
        """Quantiles by field of a venue's configuration."""
        ways = {
            "order_latency_ms": self.orders,
            "cancel_latency_ms": self.cancels,
            "report_latency_ms": self.reports,
        }
        return {name: quantiles(found) for name, found in ways.items()}


@frozen
class _Requests:
    """Requests on their way, by the number under which they are answered."""

    orders: dict[int, int] = field(factory=dict)  # to when they were decided
    cancels: dict[int, int] = field(factory=dict)  # by the order they name
    cancelled: dict[int, int] = field(factory=dict)  # a cancel's own number to that order's
    # Orders that ended with a cancel under way: its place among the answers, and when it was sent. Where a refusal
    # follows, that was the answer: the order had ended by itself.
    ended: dict[int, tuple[int, int]] = field(factory=dict)
    names: dict[str, int] = field(factory=dict)  # the venue's names of orders


def learn(journal: Journal) -> Learned:
    """
    The latencies of *journal*, an own journal of a run (of an overlay, not its base).

    Raises:
        NothingToLearn: it holds no two answered orders, or no two answered cancels.
        JournalError: it is damaged, or recorded by decoders that this build does not have.
    """
    waiting = _Requests()
    orders: list[Answer] = []
    cancels: list[Answer] = []
    decoders = translators(None)
    simulated = False
    for block in journal.blocks():
        cursor = block.cursor()
        while cursor.next():
            kind = int(cursor.kind)
            if cursor.flags & DERIVED:
                if kind == kinds.REQUEST:
                    _sent(waiting, decode_request(cursor.seq, cursor.schema, _payload(cursor)))
            elif kind == kinds.RUN_START:
                run = read_run_start(int(cursor.seq), _payload(cursor))
                simulated = run.executor == "simulated"
                decoders = translators(run.decoders)
            elif kind == kinds.OUTCOME:
                _outcome(waiting, _payload(cursor), int(cursor.recv_ns), orders, cancels)
            elif kind in decoders and (waiting.orders or waiting.cancels):
                _frame(waiting, decoders[kind], cursor, orders, cancels, simulated)
    for what, found in (("orders", orders), ("cancels", cancels)):
        if len(found) < 2:
            raise NothingToLearn(what, len(found))
    # The simulated venue acts on our own clock.
    return split(orders, cancels, len(waiting.orders) + len(waiting.cancels), 0 if simulated else None)


def split(orders: list[Answer], cancels: list[Answer], unanswered: int, offset_ns: int | None) -> Learned:
    """The ways there and back of these answers; without *offset_ns* the venue's clock is taken as said above."""
    stamped = [one for one in orders + cancels if one.venue_ns != NONE]
    if all(one.venue_ns % SECOND == 0 for one in stamped):
        stamped = []  # a clock that only counts seconds says nothing of milliseconds
    if offset_ns is None:
        offset_ns = 0
        if stamped:
            there = min(one.venue_ns - one.sent_ns for one in stamped)
            back = min(one.heard_ns - one.venue_ns for one in stamped)
            offset_ns = (there - back) // 2
    ways: list[list[int]] = []
    reports: list[int] = []
    for answers in (orders, cancels):
        there_ns: list[int] = []
        for one in answers:
            whole = max(0, one.heard_ns - one.sent_ns)
            way = whole // 2
            if stamped and one.venue_ns != NONE:
                way = min(max(0, one.venue_ns - offset_ns - one.sent_ns), whole)
            there_ns.append(way)
            reports.append(whole - way)
        ways.append(sorted(there_ns))
    halved = len(orders) + len(cancels) - len(stamped)
    return Learned(tuple(ways[0]), tuple(ways[1]), tuple(sorted(reports)), offset_ns, halved, unanswered)


def quantiles(found: tuple[int, ...]) -> dict[int, int]:
    """Millionths to nanoseconds: the outermost values, and of SHARES those that so many samples tell apart."""
    last = len(found) - 1
    table: dict[int, int] = {}
    for ppm in SHARES:
        # A share nearer to the end than one sample is would only repeat the outermost one.
        if ppm in (0, 1_000_000) or min(ppm, 1_000_000 - ppm) * len(found) >= 1_000_000:
            table[ppm] = found[(ppm * last + 500_000) // 1_000_000]
    return table


def _in_ms(table: dict[int, int]) -> dict[str, float]:
    return {str(ppm): ns / MS for ppm, ns in table.items()}


def _payload(cursor: Cursor) -> bytes:
    return cursor.data[cursor.payload_start : cursor.payload_end]


def _sent(waiting: _Requests, request: Request) -> None:
    number = int(request.number)
    if request.what == PLACE:
        waiting.orders[number] = int(request.decided_ns)
    elif request.what == CANCEL:
        waiting.cancels[int(request.target)] = int(request.decided_ns)
        waiting.cancelled[number] = int(request.target)


def _outcome(waiting: _Requests, payload: bytes, heard_ns: int, orders: list[Answer], cancels: list[Answer]) -> None:
    """The executor's word: an answer of the venue, if it is one and nothing said so before."""
    outcome = decode_outcome(payload)
    if outcome.outcome not in (ACKED, REJECTED):
        return
    of_cancel = waiting.cancelled.get(outcome.request_seq)
    if of_cancel is not None and of_cancel in waiting.cancels:
        cancels.append(Answer(waiting.cancels.pop(of_cancel), NONE, heard_ns))
    elif outcome.request_seq in waiting.orders:
        orders.append(Answer(waiting.orders.pop(outcome.request_seq), NONE, heard_ns))


def _is_answered(sent_ns: int | None, venue_ns: int, simulated: bool) -> bool:
    """Whether what the venue did to an order at *venue_ns* may answer its cancel of *sent_ns* (None: there is none)."""
    # The simulated venue's clock is ours, so that what it did before is known to have had another reason.
    return sent_ns is not None and not (simulated and NONE != venue_ns < sent_ns)


def _frame(
    waiting: _Requests,
    translator: Translator,
    cursor: Cursor,
    orders: list[Answer],
    cancels: list[Answer],
    simulated: bool,
) -> None:
    """What a frame or a report says of requests that wait for it."""
    batch = EventBatch()
    frame = _payload(cursor)
    if cursor.kind < kinds.SIM_ACKED:  # the simulated venue's reports have no prefix
        received = decode_venue_input(frame)
        batch.meta, frame = received.meta, received.frame
    translator.translate(frame, 0, len(frame), batch)
    for at in range(0, int(batch.count) * int(STRIDE), int(STRIDE)):
        kind, number, named = (int(batch.rows[at + column]) for column in range(3))
        if kind not in _VENUE_NS_AT:
            continue
        text = batch.texts[named] if named >= 0 else ""
        if number > 0 and text:
            waiting.names[text] = number
        number = number or waiting.names.get(text, 0)
        venue_ns = int(batch.rows[at + _VENUE_NS_AT[kind]])
        if kind in _OF_CANCEL or number in waiting.cancelled:
            number = waiting.cancelled.get(number, number)
            heard_ns = int(cursor.recv_ns)
            if _is_answered(waiting.cancels.get(number), venue_ns, simulated):
                sent_ns = waiting.cancels.pop(number)
                waiting.ended[number] = (len(cancels), sent_ns)
                cancels.append(Answer(sent_ns, venue_ns, heard_ns))
            elif kind == CANCEL_REFUSED and number in waiting.ended:
                place, sent_ns = waiting.ended.pop(number)
                cancels[place] = Answer(sent_ns, venue_ns, heard_ns)
        elif number in waiting.orders:
            orders.append(Answer(waiting.orders.pop(number), venue_ns, int(cursor.recv_ns)))
