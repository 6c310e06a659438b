"""How a writer cuts and syncs its stream, and whom it tells what."""

from collections.abc import Callable
from typing import Final, TypedDict, Unpack

from journal.segment import BLOCK_TARGET, MAX_PAYLOAD

SEGMENT_BYTES: Final = 256 << 20
SEGMENT_NS: Final = 3_600_000_000_000
SYNC_BYTES: Final = 1 << 20
SYNC_NS: Final = 5_000_000
MOST_SEGMENT_BYTES: Final = 512 << 20
MOST_BLOCK_TARGET: Final = 32 << 20


class Settings(TypedDict, total=False):
    """
    What may be given to `Writer.create` and `Writer.open`.

    Keys:
        block_target: raw bytes after which a block is closed (256 KiB; at most 32 MiB).
        max_payload: payload limit (16 MiB, never above).
        segment_bytes, segment_ns: rotation, by raw bytes (256 MiB; at most 512) and by recv_ns (one hour).
        sync_bytes, sync_ns: a sync is due at so many unsynced bytes (1 MiB) or after so long (5 ms).
        ballast_bytes: size of the preallocated file that is freed on a full disk (0: none).
        on_closed: called with number and stop reason of a segment that is complete and wants sealing.
        on_space: called with the new level when the free space passes a limit (`Writer.space`).
        wake: called from the helper thread when a sync has ended.
    """

    block_target: int
    max_payload: int
    segment_bytes: int
    segment_ns: int
    sync_bytes: int
    sync_ns: int
    ballast_bytes: int
    on_closed: Callable[[int, str], None]
    on_space: Callable[[int], None]
    wake: Callable[[], None]


class Tuning:
    """`Settings` with every default filled in, checked."""

    __slots__ = tuple(Settings.__annotations__)

    def __init__(self, **settings: Unpack[Settings]) -> None:
        self.block_target = settings.get("block_target", BLOCK_TARGET)
        self.max_payload = settings.get("max_payload", MAX_PAYLOAD)
        self.segment_bytes = settings.get("segment_bytes", SEGMENT_BYTES)
        self.segment_ns = settings.get("segment_ns", SEGMENT_NS)
        self.sync_bytes = settings.get("sync_bytes", SYNC_BYTES)
        self.sync_ns = settings.get("sync_ns", SYNC_NS)
        self.ballast_bytes = settings.get("ballast_bytes", 0)
        self.on_closed = settings.get("on_closed")
        self.on_space = settings.get("on_space")
        self.wake = settings.get("wake")
        for name, most in (
            ("block_target", MOST_BLOCK_TARGET),
            ("max_payload", MAX_PAYLOAD),
            ("segment_bytes", MOST_SEGMENT_BYTES),
            ("segment_ns", 1 << 62),
            ("sync_bytes", 1 << 40),
        ):
            if not 0 < getattr(self, name) <= most:
                raise ValueError(f"{name} is {getattr(self, name)}, expected 1 to {most}")
