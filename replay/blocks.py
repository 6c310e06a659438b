"""Places within a journal's blocks."""

from engine.kernel.record import CONTROL
from journal.reader import Block


def behind(block: Block, seq: int) -> int:
    """Where in *block* the first record behind *seq* begins."""
    offset = block.start
    if 0 < block.first_seq <= seq:
        cursor = block.cursor()
        while cursor.next() and (cursor.flags & CONTROL or cursor.seq <= seq):
            offset = cursor.next_offset
    return offset
