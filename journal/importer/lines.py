"""Lines of a recording, plain or gzip, in bounded memory, exactly as they stand there."""

import zlib
from collections.abc import Iterable, Iterator

from journal.importer.recording import NotARecording

LINE_LIMIT = 17 << 20
"""A line holds a frame of at most 16 MiB (the journal's payload limit) and what the recorder put around it."""
GZIP_MAGIC = b"\x1f\x8b"
PIECE = 1 << 20
SALVAGE = "fetch the file again, or import what `zcat` still gives of it as a plain file"


def plain(chunks: Iterable[bytes], name: str) -> Iterator[bytes]:
    """
    The bytes of a file, decompressed if they are gzip (several members too).

    Raises:
        NotARecording: the compressed data is damaged or ends early.
    """
    source = iter(chunks)
    first = next(source, b"")
    if not first.startswith(GZIP_MAGIC):
        if first:
            yield first
        yield from source
        return
    inflate = zlib.decompressobj(wbits=31)
    pending, given = first, 0
    while True:
        try:
            # Piece by piece: a few bytes of gzip may stand for gigabytes.
            piece = inflate.decompress(pending, PIECE)
        except zlib.error as error:
            damage = f"{name}: damaged gzip data after {given:,} bytes of text ({error})"
            raise NotARecording(damage, SALVAGE) from error
        given += len(piece)
        if piece:
            yield piece
        pending = inflate.unused_data if inflate.eof else inflate.unconsumed_tail
        if inflate.eof:
            pending = (pending or next(source, b"")).lstrip(b"\0")  # members may be padded with zeros
            if not pending:
                return
            inflate = zlib.decompressobj(wbits=31)
        elif not pending and not piece:
            pending = next(source, b"")
            if not pending:
                raise NotARecording(f"{name}: the gzip data ends early, after {given:,} bytes of text", SALVAGE)


def lines(pieces: Iterable[bytes], name: str) -> Iterator[bytes]:
    """
    The lines of *pieces* without their line ends; bytes behind the last line end are a line too.

    Raises:
        NotARecording: a line is longer than any frame can be.
    """
    rest = b""
    number = 0
    for piece in pieces:
        found = piece.split(b"\n")
        if len(found) == 1:
            rest += piece
            if len(rest) > LINE_LIMIT:
                raise NotARecording(f"{name}: line {number + 1:,} is longer than {LINE_LIMIT:,} bytes")
            continue
        found[0] = rest + found[0]
        rest = found.pop()
        for line in found:
            yield line[:-1] if line.endswith(b"\r") else line
        number += len(found)
    if rest:
        yield rest
