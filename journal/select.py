"""Which records of a journal are meant: from and until a sequence number or time, of some kinds, from some sources."""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from itertools import islice

import attrs

from engine.kernel import kinds
from engine.kernel.record import CONTROL
from journal.codec import Cursor
from journal.errors import Damaged
from journal.payloads import decode_sources
from journal.reader import Journal, Record
from journal.segment import HEADER_SIZE
from journal.show import source_name, utc_to_ns
from journal.stored import sources_of

_NUMBER = re.compile(r"0x[0-9a-fA-F]{1,4}|\d{1,5}")


class BadSelection(ValueError):
    """A word that selects nothing and never could; *what* is the part of the selection it stands in."""

    def __init__(self, what: str, message: str) -> None:
        super().__init__(message)
        self.what = what


@attrs.frozen
class Selection:
    """
    A choice of records, as a person writes it.

    Args:
        start, end: the first and the last record, itself included: a sequence number, or a time in UTC; None for all.
        kinds, sources: names, patterns such as ``BINANCE_*``, or numbers; none given means all.
        limit: at most so many records.
    """

    start: str | None = None
    end: str | None = None
    kinds: Sequence[str] = ()
    sources: Sequence[str] = ()
    limit: int | None = None

    @property
    def is_narrow(self) -> bool:
        """Whether anything at all was chosen."""
        return self != Selection()


def select(journal: Journal, selection: Selection) -> Iterator[Record]:
    """
    The selected data records, in order.

    Raises:
        BadSelection: at once, for a word that is no number, time, kind or source of this journal.
        JournalError: while iterating, where the journal is damaged, behind all records before it.
    """
    first, last = _bounds(journal, selection)
    kind_words = [_kind_word(word) for word in selection.kinds]
    names = source_names(journal)
    sources = {number for word in selection.sources for number in _source_numbers(word, names)}

    def wanted(record: Record) -> bool:
        if selection.sources and record.source not in sources:
            return False
        return not kind_words or any(fnmatchcase(kinds.name(record.kind), word) for word in kind_words)

    found = filter(wanted, journal.records(first, last)) if kind_words or sources else journal.records(first, last)
    return found if selection.limit is None else islice(found, selection.limit)


def source_names(journal: Journal) -> dict[int, str]:
    """Source number to name, as far as the journal can be read: damage must not hide what stands before it."""
    segment = journal.segments[-1]
    try:
        return sources_of(segment)
    except Damaged:
        named: dict[int, str] = {}
        with suppress(Damaged):
            for number in range(len(segment.entries)):
                named |= _sources_in(segment.raw(number), 0 if number else HEADER_SIZE)
        return named


def _sources_in(raw: bytes, start: int) -> dict[int, str]:
    """The last SOURCES record in a block's raw bytes, as number to name."""
    named: dict[int, str] = {}
    cursor = Cursor(raw, start, len(raw))
    while cursor.next():
        if cursor.flags & CONTROL and cursor.kind == kinds.SOURCES:
            named = decode_sources(cursor.payload())
    return named


def place(text: str, what: str) -> tuple[int | None, int | None]:
    """(sequence number, None) or (None, nanoseconds) of a place as a person writes it. Raises BadSelection."""
    if text.isascii() and text.isdigit() and len(text) <= 18:
        return int(text), None
    try:
        return None, utc_to_ns(text)
    except ValueError as error:
        raise BadSelection(
            what, f"{text!r} is neither a sequence number nor a time like 2024-08-08T23:54:15.5"
        ) from error


def _bounds(journal: Journal, selection: Selection) -> tuple[int, int | None]:
    """The first and the last sequence number meant."""
    first, last = journal.first_seq, None
    if selection.start is not None:
        seq, ns = place(selection.start, "--from")
        if ns is not None:
            seq = journal.seq_at(ns)
        first = journal.last_seq + 1 if seq is None else max(seq, first)
    if selection.end is not None:
        seq, ns = place(selection.end, "--until")
        if ns is not None:
            behind = journal.seq_at(ns + 1)
            seq = None if behind is None else behind - 1
        last = seq
    return first, last


def _kind_word(word: str) -> str:
    """A kind's name, or a pattern of names, as `kinds.name` writes them."""
    if _NUMBER.fullmatch(word):
        return kinds.name(int(word, 0))
    name = word.upper()
    if not any(fnmatchcase(known, name) for known in kinds.NAMES.values()):
        raise BadSelection("--kind", f"no kind is called {word!r}; `engine journal info` lists those that occur")
    return name


def _source_numbers(word: str, names: dict[int, str]) -> list[int]:
    if _NUMBER.fullmatch(word):
        return [int(word, 0)]
    found = [number for number in names if fnmatchcase(source_name(names, number), word)]
    if not found:
        raise BadSelection("--source", f"no source is called {word!r}; there are {', '.join(names.values())}")
    return found
