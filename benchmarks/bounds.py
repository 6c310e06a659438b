"""What the same bytes cost at least, whoever handles them: measured in the same run, so ratios outlive machines."""

import os
import tempfile
import zlib
from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

from engine.kernel.record import HEAD_SIZE
from journal.codec import crc32
from journal.frames import LEVEL, Compressor, Decompressor
from journal.reader import Journal

Bound = Callable[[], Any]

_TABLE = bytes((byte * 7 + 3) & 255 for byte in range(256))


def scan(pieces: Sequence[bytes]) -> Bound:
    """
    A C-like scan of every byte: `bytes.translate`, which is a compiled loop of one table look-up and one store a byte.

    It stands for what a scanner in C cannot do without, and needs no compiler where the benchmarks run.
    """

    def run() -> None:
        for piece in pieces:
            piece.translate(_TABLE)

    return run


def hashed(pieces: Sequence[bytes]) -> Bound:
    """BLAKE2b-256 of every byte, as the block chain takes it."""

    def run() -> None:
        for piece in pieces:
            blake2b(piece, digest_size=32).digest()

    return run


def checksummed(pieces: Sequence[bytes]) -> Bound:
    """CRC-32 of every byte, by the implementation that records use."""

    def run() -> None:
        for piece in pieces:
            crc32(piece)

    return run


def compressed(pieces: Sequence[bytes]) -> Bound:
    """zstd at the level of sealed segments."""
    compressor = Compressor(LEVEL)

    def run() -> None:
        for piece in pieces:
            compressor.frame(piece)

    return run


def decompressed(frames: Sequence[tuple[bytes, int]]) -> Bound:
    """zstd decompression of stored *frames*, each with its raw length."""
    context = Decompressor()

    def run() -> None:
        for frame, raw_len in frames:
            context.block(frame, raw_len, "", 0)

    return run


def decompressed_and_hashed(frames: Sequence[tuple[bytes, int]]) -> Bound:
    """zstd decompression and BLAKE2b-256, one after the other: what opening a sealed block and proving it costs."""
    context = Decompressor()

    def run() -> None:
        for frame, raw_len in frames:
            blake2b(context.block(frame, raw_len, "", 0), digest_size=32).digest()

    return run


def gunzipped(files: Sequence[Path]) -> Bound:
    """gzip decompression of whole *files*."""
    texts = [path.read_bytes() for path in files]

    def run() -> None:
        for text in texts:
            zlib.decompress(text, wbits=31)

    return run


def written(folder: Path, total: int, syncs: int) -> Bound:
    """*total* bytes written to a new file in *folder*, in *syncs* parts, each followed by fsync."""
    part = bytes(max(1, total // syncs))

    def run() -> None:
        with tempfile.TemporaryFile(dir=folder) as file:
            for _ in range(syncs):
                file.write(part)
                file.flush()
                os.fsync(file.fileno())

    return run


def stored_frames(journal: Journal) -> list[tuple[bytes, int]]:
    """(compressed bytes, raw length) of every sealed block of *journal*, read into memory."""
    found: list[tuple[bytes, int]] = []
    for segment in journal.segments:
        data = segment.path.read_bytes()
        for entry in segment.entries:
            found.append((data[entry.file_off : entry.file_off + entry.comp_len], entry.raw_len))
    return found


def raw_blocks(journal: Journal) -> list[bytes]:
    """The raw bytes of every block of *journal*."""
    return [block.data for block in journal.blocks(verify_chain=False)]


def record_bytes(payloads: Sequence[bytes]) -> list[bytes]:
    """As many bytes as records of *payloads* have, head included."""
    return [bytes(HEAD_SIZE) + payload for payload in payloads]
