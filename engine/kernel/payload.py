"""A venue input's payload: what stands around the frame that is to be translated."""

from typing import Final

from librt.strings import read_i64_le
from mypy_extensions import i64

from engine.kernel import codes, kinds
from engine.kernel.events import EventBatch, Translator
from engine.kernel.record import VENUE_PREFIX

PREFIXED_END: Final[i64] = 0x0F00
"""The first kind without a prefix: the simulated venue's reports."""


class UnknownKind(Exception):
    """A data record of a kind this build has no meaning for: a replay cannot go on past it."""

    def __init__(self, seq: i64, kind: i64) -> None:
        super().__init__(f"record {seq} is of kind {kinds.name(kind)}, which this build does not know")
        self.seq: Final[i64] = seq
        self.kind: Final[i64] = kind


def translate_payload(translator: Translator, kind: i64, data: bytes, start: i64, end: i64, batch: EventBatch) -> i64:
    """Fill the empty *batch* from a venue input's payload data[start:end]; returns `Translator.translate`'s code."""
    if kind >= PREFIXED_END:
        return translator.translate(data, start, end, batch)
    if end - start < VENUE_PREFIX:
        return codes.BAD_FRAME
    meta_len = (read_i64_le(data, start + 12) >> 48) & 0xFFFF
    frame = start + VENUE_PREFIX + meta_len
    if frame > end:
        return codes.BAD_FRAME
    if meta_len == 0:
        return translator.translate(data, frame, end, batch)
    batch.meta = data[start + VENUE_PREFIX : frame]
    code = translator.translate(data, frame, end, batch)
    batch.meta = b""
    return code
