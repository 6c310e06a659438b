"""
Two markets of one question, whose prices part for moments: a recording to try box arbitrage by taking on.

Either one or the other of both questions comes true, so one lot of each first outcome pays one. Usually both together
cost more than that. Now and then the offers of one market come down for about a tenth of a second, as if somebody had
misread the news: most of these gaps are thin, and few are wide. Nobody trades in these books; only prices move.
"""

from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Final, final

import attrs

from engine.kernel import kinds, record
from journal.background import Inline
from journal.disk import Disk
from journal.importer.recording import Arrival
from journal.importer.venues import VENUES, canonical
from journal.importer.writing import ImportWriter, Stream
from journal.writer import Writer
from scenarios.sample.book import ASK, BID, Book
from scenarios.sample.catalogue import pages
from scenarios.sample.chance import Chance
from scenarios.sample.frames import Speaker, face_of
from scenarios.sample.market import COARSE, Change
from scenarios.sample.recording import (
    CATALOGUE_SOURCE,
    NAMES,
    START_NS,
    STREAM,
    STREAM_SOURCE,
    VENUE,
    Held,
    Input,
    Network,
)
from scenarios.sample.venue import speaker_of

_MS: Final = 1_000_000
_TICKS: Final = 100  # a price of one, on the coarse grid
_DEPTH: Final = 3  # levels a side
_FIRST_MS: Final = START_NS // _MS + 150


@attrs.frozen
class Gaps:
    """
    What such a recording is made from; equal ones are equal to the last byte.

    *gaps* times, about *every_ms* apart, one market comes down: by *thin* ticks (least, most), but every *wide_every*th
    time by *wide*. It lasts for *lasts_ms*, up to half as long again.
    """

    seed: int = 7
    gaps: int = 120
    every_ms: int = 2_000
    thin: tuple[int, int] = (5, 5)
    wide: tuple[int, int] = (11, 13)
    wide_every: int = 12
    lasts_ms: int = 80

    @property
    def journal_id(self) -> bytes:
        """16 bytes that are the same for the same recording."""
        return blake2b(canonical(attrs.asdict(self)), digest_size=16, person=b"refold-gaps-1").digest()


@final
class Stall:
    """One market: a few levels of one size on each side of its price, in ticks."""

    def __init__(self, speaker: Speaker, price: int, at_ms: int) -> None:
        self.speaker: Final = speaker
        self.book: Final = Book(speaker.market, speaker.tokens, COARSE, b"0.500", b"%d" % at_ms)
        self._sizes: dict[tuple[int, int], int] = {}
        self.move(price, at_ms)

    def move(self, price: int, at_ms: int) -> list[Change]:
        """Quote around *price* ticks from now on: one tick to each side, and behind."""
        wanted: dict[tuple[int, int], int] = {}
        for level in range(1, _DEPTH + 1):
            for side, ticks in ((BID, price - level), (ASK, price + level)):
                if 0 < ticks < _TICKS:
                    wanted[side, ticks * COARSE] = 10_000 * level  # in hundredths of a share
        changes: list[Change] = []
        for side, mills in list(self._sizes):
            if (side, mills) not in wanted:
                keys = self.book.sides[side].keys
                at = keys.index(mills if side == BID else -mills)
                self.book.sides[side].cancel(at, 0)
                changes.append((side, mills, 0))
        for (side, mills), size in wanted.items():
            known = self._sizes.get((side, mills))
            if known is None:
                changes.append((side, mills, self.book.sides[side].add(mills, size)))
        self._sizes = {key: self._sizes.get(key, size) for key, size in wanted.items()}
        self.book.changed = b"%d" % at_ms
        return changes

    def frames(self, changes: list[Change]) -> list[bytes]:
        """What the venue tells of *changes*."""
        at = self.book.changed
        return [
            *self.speaker.best_bid_ask(self.book, at),
            self.speaker.price_change(changes, face_of(self.book), 0, at),
        ]


@final
class Pair:
    """Both markets, and the frames they are told in."""

    def __init__(self, gaps: Gaps) -> None:
        self._gaps: Final = gaps
        self._chance: Final = Chance(gaps.seed, "gaps")
        self.price = 50
        self.stalls: Final = [
            Stall(speaker_of(number, Chance(gaps.seed, f"gaps {number}")), 50, _FIRST_MS) for number in (2, 6)
        ]

    @property
    def first_outcomes(self) -> tuple[str, str]:
        """The keys of the two instruments that together pay one."""
        one, two = self.stalls
        return f"{VENUE}:{one.speaker.tokens[0]}", f"{VENUE}:{two.speaker.tokens[0]}"

    def dump(self) -> bytes:
        """The array of all books that a new subscription begins with."""
        return b"[" + b",".join(stall.book.frame(token) for stall in self.stalls for token in (0, 1)) + b"]\n"

    def happenings(self) -> Iterator[tuple[int, list[bytes]]]:
        """(milliseconds, frames) of all that happens, in order."""
        now_ms = _FIRST_MS
        gaps = self._gaps
        chance = self._chance
        for number in range(1, gaps.gaps + 1):
            now_ms += gaps.every_ms
            self.price = min(max(self.price + chance.below(3) - 1, 48), 52)
            yield now_ms, self._told(now_ms, 0, 0)
            now_ms += 500 + chance.below(500)
            least, most = gaps.wide if number % gaps.wide_every == 0 else gaps.thin
            cheap = chance.below(2)
            yield now_ms, self._told(now_ms, cheap, chance.between(least, most))
            now_ms += gaps.lasts_ms + chance.below(gaps.lasts_ms // 2 + 1)
            yield now_ms, self._told(now_ms, 0, 0)

    def _told(self, at_ms: int, cheap: int, gap: int) -> list[bytes]:
        """The frames after which both markets stand at the common price, but *cheap* stands *gap* ticks lower."""
        frames: list[bytes] = []
        for number, stall in enumerate(self.stalls):
            price = self.price if number == 0 else _TICKS - self.price
            changes = stall.move(price - gap if number == cheap else price, at_ms)
            if changes:
                frames += stall.frames(changes)
        return frames


def inputs(gaps: Gaps) -> list[Input]:
    """Every input of the recording, in order."""
    pair = Pair(gaps)
    held = Held()
    writer = ImportWriter(held)
    for number, (url, body) in enumerate(pages([stall.speaker for stall in pair.stalls]), 1):
        meta = canonical({"url": url, "venue": VENUE})
        writer.catalogue(CATALOGUE_SOURCE, int(kinds.POLYMARKET_CATALOGUE), START_NS, START_NS, number, meta, body)
    stream = Stream(STREAM_SOURCE, STREAM, VENUES[STREAM])
    network = Network(gaps.seed, START_NS)
    writer.arrival(stream, Arrival(START_NS, START_NS, int(kinds.CONNECTION), int(record.NONE), b"", b""))
    kind = VENUES[STREAM].stream
    received = network.receive(_FIRST_MS, False)
    writer.arrival(stream, Arrival(received, received, kind, _FIRST_MS * _MS, b"", pair.dump()))
    for at_ms, frames in pair.happenings():
        for place, frame in enumerate(frames):
            received = network.receive(at_ms, place > 0)
            writer.arrival(stream, Arrival(received, received, kind, at_ms * _MS, b"", frame))
    return held.inputs


def write_gaps(folder: Path, disk: Disk, gaps: Gaps) -> Path:
    """The recording as a journal at *folder*."""
    writer = Writer.create(folder, disk, Inline(), journal_id=gaps.journal_id, wall_ns=START_NS, sources=NAMES)
    for kind, source, recv_ns, src_ns, payload in inputs(gaps):
        writer.append_input(kind, 1, source, recv_ns, src_ns, payload)
    writer.close()
    return folder
