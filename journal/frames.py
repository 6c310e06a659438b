"""
Single zstd frames, and nothing a hostile file could make of them.

A frame of ours states its content size (at most 64 MiB), needs a window of at most 8 MiB, carries a checksum and no
dictionary. Whatever else a file holds is refused before any memory is taken for it.
"""

from typing import Final

import zstandard

from journal.errors import Damaged
from journal.segment import MAX_BLOCK

WINDOW_LOG: Final = 23
MAX_WINDOW: Final = 1 << WINDOW_LOG
LEVEL: Final = 6
"""On recorded Binance frames: ratio 5.39 at level 3, 5.89 at 6, 6.07 at 9; sealing at 133, 108, 76 MB/s."""
MOST_HEADER: Final = 18
SKIPPABLE_LOW: Final = 0x184D2A50
SKIPPABLE_HIGH: Final = 0x184D2A5F


class Compressor:
    """Blocks to frames; contexts are kept per window, since a big block must not widen the window of its frame."""

    def __init__(self, level: int = LEVEL) -> None:
        self.level = level
        self._usual = zstandard.ZstdCompressor(level=level, write_content_size=True, write_checksum=True)

    def frame(self, raw: bytes) -> bytes:
        """One frame of *raw*."""
        if len(raw) <= MAX_WINDOW:
            return self._usual.compress(raw)
        fitted = zstandard.ZstdCompressionParameters.from_level(
            self.level, source_size=len(raw), window_log=WINDOW_LOG, write_content_size=True, write_checksum=True
        )
        return zstandard.ZstdCompressor(compression_params=fitted).compress(raw)


class Decompressor:
    """Frames to blocks, within the limits."""

    def __init__(self) -> None:
        self._context = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW)

    def block(self, frame: bytes, raw_len: int, path: object, offset: int) -> bytes:
        """
        The *raw_len* bytes that *frame*, and nothing else, holds.

        Raises Damaged, naming *path* and the frame's file *offset*, for everything else.
        """
        stated = stated_size(frame, path, offset)
        if stated != raw_len:
            raise Damaged(str(path), offset, f"a frame states {stated} bytes, expected {raw_len}")
        try:
            raw = self._context.decompress(frame, max_output_size=raw_len, allow_extra_data=False)
        except zstandard.ZstdError as error:
            raise Damaged(str(path), offset, f"a frame does not decompress ({error})") from error
        assert len(raw) == raw_len  # zstd itself holds a frame to the size it states
        return raw


def stated_size(start: bytes, path: object, offset: int) -> int:
    """The content size in the frame header at the *start*, checked against every limit. Raises Damaged."""
    try:
        found = zstandard.get_frame_parameters(start)
    except zstandard.ZstdError as error:
        raise Damaged(str(path), offset, f"no zstd frame starts here ({error})") from error
    if found.content_size == zstandard.CONTENTSIZE_UNKNOWN:
        raise Damaged(str(path), offset, "a frame does not state its content size")
    if found.content_size > MAX_BLOCK:
        raise Damaged(str(path), offset, f"a frame states {found.content_size} bytes, above the limit of {MAX_BLOCK}")
    if found.window_size > MAX_WINDOW:
        raise Damaged(str(path), offset, f"a frame needs a window of {found.window_size}, above {MAX_WINDOW}")
    if found.dict_id:
        raise Damaged(str(path), offset, f"a frame needs the dictionary {found.dict_id}")
    if not found.has_checksum:
        raise Damaged(str(path), offset, "a frame carries no checksum")
    return found.content_size
