"""Catalogues: the venue's own description of its instruments, journalled before the frames that need it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import orjson

from engine.kernel import kinds, record
from journal.disk import Disk
from journal.importer.files import chunks
from journal.importer.formats import FRAME_LIMIT, seconds_to_ns
from journal.importer.lines import plain
from journal.importer.recording import NeedsAnswer, NotARecording, Unplaceable
from journal.importer.venues import canonical, venue_of

CATALOGUE_LIMIT = 256 << 20
"""The largest catalogue file, unpacked: a spot exchangeInfo has some MB, a page of Polymarket's markets 0.3."""

KINDS = {
    "binance-spot": int(kinds.BINANCE_SPOT_CATALOGUE),
    "binance-usdm": int(kinds.BINANCE_USDM_CATALOGUE),
    "polymarket": int(kinds.POLYMARKET_CATALOGUE),
    "hftbacktest": int(kinds.HFTBACKTEST_CATALOGUE),
}
"""The venues that have catalogues here, and the kind of record a catalogue of each is."""


@attrs.frozen
class CatalogueInput:
    """One document of a catalogue file, exactly as it stands there."""

    kind: int
    venue: str
    recorded_ns: int
    """When it was received, or NONE where the file does not say."""
    meta: bytes
    frame: bytes


def read_catalogue(disk: Disk, path: Path, venue: str = "") -> list[CatalogueInput]:
    """
    The documents of a catalogue file: one JSON document, JSON lines, or cryptofeed's replies; plain or gzip.

    Args:
        venue: of KINDS; needed where neither an address nor the document's own keys tell.
    Raises:
        NotARecording: the file is none of these.
        NeedsAnswer: the venue cannot be told.
    """
    text = bytearray()
    for piece in plain(chunks(disk, path), path.name):
        text += piece
        if len(text) > CATALOGUE_LIMIT:
            raise NotARecording(f"{path.name}: longer than any catalogue ({CATALOGUE_LIMIT:,} bytes unpacked)")
    found = list(_documents(bytes(text), path, venue))
    if not found:
        raise NotARecording(f"{path.name}: holds no catalogue")
    for one in found:
        if len(one.frame) > FRAME_LIMIT:
            raise NotARecording(f"{path.name}: a document of {len(one.frame):,} bytes; a record holds 16 MiB at most")
    return found


def _documents(text: bytes, path: Path, venue: str) -> Iterator[CatalogueInput]:
    if text.lstrip()[:1] not in (b"{", b"["):
        for number, line in enumerate(text.split(b"\n"), 1):
            if line and not line.startswith(b"configuration: "):
                yield _reply(line, number, path, venue)
        return
    try:
        whole = [(text, orjson.loads(text))]
    except orjson.JSONDecodeError as error:
        whole = []
        for number, line in enumerate(text.splitlines(), 1):
            if not line.strip():
                continue
            try:
                whole.append((line, orjson.loads(line)))
            except orjson.JSONDecodeError:
                where = f"{path.name}: line {number:,}"
                raise NotARecording(f"{where} is no JSON document, nor is the file ({error})") from error
    for frame, document in whole:
        name = venue or venue_of_catalogue(document)
        if name not in KINDS:
            raise NeedsAnswer(f"{path.name}: nothing in it tells which venue's catalogue it is", "--venue")
        meta = canonical({"file": path.name, "venue": name})
        yield CatalogueInput(KINDS[name], name, record.NONE, meta, frame)


def _reply(line: bytes, number: int, path: Path, venue: str) -> CatalogueInput:
    """A line ``address -> unix seconds: body``."""
    address, _, rest = line.partition(b" -> ")
    stamp, colon, body = rest.partition(b": ")
    try:
        url = address.decode("ascii")
        if not colon:
            raise Unplaceable("it is no reply")
        recorded_ns = seconds_to_ns(stamp)
        name = venue or (venue_of(url) or "").replace("polymarket-market", "polymarket")
        orjson.loads(body)
    except (Unplaceable, ValueError) as error:
        raise NotARecording(f"{path.name}: line {number:,} is no catalogue ({error})") from error
    if name not in KINDS:
        raise NeedsAnswer(f"{path.name}: no venue is known for {url[:80]}", "--venue")
    meta = canonical({"file": path.name, "url": url[:1000], "venue": name})
    return CatalogueInput(KINDS[name], name, recorded_ns, meta, body)


def venue_of_catalogue(document: Any, depth: int = 4) -> str:
    """The venue whose catalogue *document* is, by its keys, at most *depth* deep; empty where they do not tell."""
    if isinstance(document, list) and depth:
        return venue_of_catalogue(document[0], depth - 1) if document else ""
    if not isinstance(document, dict) or not depth:
        return ""
    stated = document.get("venue")
    if isinstance(stated, str) and stated in KINDS:
        return stated
    if isinstance(document.get("symbols"), list):
        if "futuresType" in document:
            return "binance-usdm"
        return "binance-spot" if "exchangeFilters" in document else ""
    if any(key in document for key in ("conditionId", "condition_id", "clobTokenIds")):
        return "polymarket"
    for inner in ("data", "markets", "raw"):
        if isinstance(document.get(inner), list | dict):
            return venue_of_catalogue(document[inner], depth - 1)
    return ""
