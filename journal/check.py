"""
The walking rules of the format, applied to the raw bytes of one segment, in pieces.

One checker serves recovery, sealing, verification and live tailing. Compiled; the same source runs interpreted.
"""

from typing import Any, Final, final

from librt.strings import read_i64_le
from mypy_extensions import i64

from engine.kernel.kinds import BLOCK_END, COMMIT, SOURCES
from engine.kernel.record import CONTROL, DERIVED, HEAD_SIZE, LAST, NONE, padded
from journal.codec import crc32
from journal.payloads import BLOCK_END_SIZE, COMMIT_SIZE, decode_block_end, decode_commit
from journal.segment import Entry, new_chain

U16: Final[i64] = 0xFFFF
U32: Final[i64] = 0xFFFFFFFF
UNKNOWN_TIME: Final[i64] = -1


@final
class Checker:
    """
    Walks one segment from behind its *header* bytes on.

    `offset` is the raw offset up to which everything holds. `reason` is empty until a rule breaks; then `offset` is
    where. `complete` turns true with the BLOCK_END that carries LAST. `fault` notes the first breach of the rules for
    groups (invariants 3 and 6), which no honest writer makes but which does not stop a walk.

    Args:
        first_seq: number the segment's first data record must have.
        last_recv_ns: receive time of the data record before it, 0 if there is none, UNKNOWN_TIME to take that of the
            first record (a segment read without the one before it).
        prev_hash: the header's.
    """

    def __init__(self, header: bytes, first_seq: i64, last_recv_ns: i64, prev_hash: bytes, max_payload: i64) -> None:
        self.max_payload: Final[i64] = max_payload
        self.offset: i64 = len(header)
        self.last_seq: i64 = first_seq - 1
        self.last_recv_ns: i64 = last_recv_ns
        self.complete: bool = False
        self.reason: str = ""
        self.fault: str = ""
        self.fault_offset: i64 = 0
        self.head: bytes = prev_hash
        self.blocks: Final[list[Entry]] = []
        self.block_start: i64 = 0
        self.block_records: i64 = 0
        self.block_first_seq: i64 = 0
        self.block_first_recv_ns: i64 = NONE
        self.records: i64 = 0
        self.first_recv_ns: i64 = NONE
        self.input_seq: i64 = 0
        self.input_recv_ns: i64 = 0
        self.input_offset: i64 = 0
        self.commit_seq: i64 = 0
        self.commit_off: i64 = 0
        self.sources: bytes = b""
        self._tally: Final[dict[i64, i64]] = {}
        self._run_key: i64 = -1
        self._run: i64 = 0
        self.hasher: Any = new_chain(prev_hash)
        self.hasher.update(header)

    def feed(self, data: bytes, final: bool) -> i64:
        """
        Check the whole records at the start of *data*, which continues where the last call stopped.

        Returns how many bytes of *data* were consumed. With *final* nothing follows: a partial record breaks a rule.
        """
        at: i64 = 0
        hashed: i64 = 0
        size: i64 = len(data)
        while at < size and not self.reason:
            left = size - at
            if left < HEAD_SIZE:
                if final:
                    self.reason = f"{left} bytes are left, fewer than the 48 of a record head"
                break
            payload_len = (read_i64_le(data, at) >> 32) & U32
            if payload_len > self.max_payload:
                self.reason = f"a payload length of {payload_len}, above the limit of {self.max_payload}"
                break
            follows = at + HEAD_SIZE + padded(payload_len)
            if follows > size:
                if final:
                    self.reason = f"a record of {follows - at} bytes where {left} are left"
                break
            crc: i64 = crc32(data[at + 4 : follows])
            if crc != (read_i64_le(data, at) & U32):
                self.reason = f"checksum {read_i64_le(data, at) & U32:08x}, expected {crc:08x}"
            elif self.complete:
                self.reason = "a record follows the end of the segment"
            elif (read_i64_le(data, at + 40) >> 48) & CONTROL:
                if (read_i64_le(data, at + 40) & U16) == BLOCK_END:
                    self.hasher.update(data[hashed:at])
                    hashed = follows
                self._control(data, at, payload_len, follows - at)
            else:
                self._data_record(data, at)
            if self.reason:
                break
            self.offset += follows - at
            at = follows
        if hashed < at:
            self.hasher.update(data[hashed:at])
        return at

    def _data_record(self, data: bytes, at: i64) -> None:
        seq = read_i64_le(data, at + 8)
        recv_ns = read_i64_le(data, at + 16)
        if seq != self.last_seq + 1:
            self.reason = f"record {seq} follows {self.last_seq}, expected {self.last_seq + 1}"
            return
        if recv_ns < self.last_recv_ns:
            self.reason = f"receive time {recv_ns} of record {seq} lies before {self.last_recv_ns}"
            return
        tail = read_i64_le(data, at + 40)
        if (tail >> 48) & DERIVED:
            self._check_derived(data, at, seq, recv_ns)
        else:
            self.input_seq = seq
            self.input_recv_ns = recv_ns
            self.input_offset = self.offset
            if read_i64_le(data, at + 32) >= seq or read_i64_le(data, at + 32) < 0:
                self._note(f"record {seq} names a cause that does not stand before it")
        if self.block_records == 0:
            self.block_first_seq = seq
            self.block_first_recv_ns = recv_ns
            if self.records == 0:
                self.first_recv_ns = recv_ns
        self.block_records += 1
        self.records += 1
        self.last_seq = seq
        self.last_recv_ns = recv_ns
        key = tail & 0xFFFF0000FFFF  # kind, and source 32 bits above
        if key != self._run_key:
            self._note_run()
            self._run_key = key
        self._run += 1

    def _check_derived(self, data: bytes, at: i64, seq: i64, recv_ns: i64) -> None:
        if self.block_records == 0:
            self._note(f"derived record {seq} stands first in its block, apart from its input")
        elif read_i64_le(data, at + 32) != self.input_seq:
            self._note(f"derived record {seq} names cause {read_i64_le(data, at + 32)}, expected {self.input_seq}")
        elif recv_ns != self.input_recv_ns or read_i64_le(data, at + 24) != NONE:
            self._note(f"derived record {seq} has times other than those of its input")

    def _control(self, data: bytes, at: i64, payload_len: i64, size: i64) -> None:
        seq = read_i64_le(data, at + 8)
        recv_ns = read_i64_le(data, at + 16)
        if self.last_recv_ns == UNKNOWN_TIME:
            self.last_recv_ns = recv_ns
        if (seq != self.last_seq and seq != 0) or (recv_ns != self.last_recv_ns and recv_ns != 0):
            self.reason = f"a control record repeats record {seq} at {recv_ns}, expected {self.last_seq}"
            return
        tail = read_i64_le(data, at + 40)
        kind = tail & U16
        payload = data[at + HEAD_SIZE : at + HEAD_SIZE + payload_len]
        if kind == BLOCK_END:
            self._block_end(payload, size, ((tail >> 48) & LAST) != 0)
        elif kind == COMMIT:
            if payload_len != COMMIT_SIZE:
                self.reason = f"a COMMIT of {payload_len} bytes, expected {COMMIT_SIZE}"
                return
            durable_seq, durable_off = decode_commit(payload)
            if durable_off > self.offset or durable_seq > self.last_seq:
                self.reason = f"a COMMIT reports byte {durable_off} durable, which lies behind it"
                return
            self.commit_seq = durable_seq
            self.commit_off = durable_off
        elif kind == SOURCES:
            self.sources = payload

    def _block_end(self, payload: bytes, size: i64, last: bool) -> None:
        if len(payload) != BLOCK_END_SIZE:
            self.reason = f"a BLOCK_END of {len(payload)} bytes, expected {BLOCK_END_SIZE}"
            return
        end = decode_block_end(payload)
        number: i64 = len(self.blocks)
        length = self.offset - self.block_start
        last_recv_ns = self.last_recv_ns if self.last_seq else NONE
        found = (end.block_no, end.data_records, end.first_seq, end.last_seq, end.block_len)
        expected = (number, self.block_records, self.block_first_seq, self.last_seq, length)
        if found != expected or (end.first_recv_ns, end.last_recv_ns) != (self.block_first_recv_ns, last_recv_ns):
            self.reason = f"a BLOCK_END states {found} (block, records, first, last, bytes), expected {expected}"
            return
        chain: bytes = self.hasher.digest()
        if end.chain != chain:
            self.reason = f"the block hashes to {chain.hex()[:16]}..., its BLOCK_END states {end.chain.hex()[:16]}..."
            return
        self.blocks.append(
            Entry(
                self.block_start,
                self.block_start,
                self.block_first_seq,
                self.last_seq,
                self.block_first_recv_ns,
                last_recv_ns,
                length + size,
                length + size,
                self.block_records,
            )
        )
        self.head = chain
        self.complete = last
        self.block_start = self.offset + size
        self.block_records = 0
        self.block_first_seq = 0
        self.block_first_recv_ns = NONE
        self.hasher = new_chain(chain)

    def _note(self, fault: str) -> None:
        if not self.fault:
            self.fault = fault
            self.fault_offset = self.offset

    def _note_run(self) -> None:
        if self._run:
            self._tally[self._run_key] = self._tally.get(self._run_key, 0) + self._run
            self._run = 0

    def tally(self) -> dict[tuple[int, int], int]:
        """Data records so far, by (kind, source)."""
        self._note_run()
        return {(key & U16, key >> 32): self._tally[key] for key in sorted(self._tally)}


def find_commit(data: bytes, bad: i64) -> i64:
    """
    Offset in *data*, at a step of 8 bytes, of a whole COMMIT record that reports bytes beyond *bad* durable, or -1.

    A COMMIT is known by its length, kind, flag and checksum; *bad* is a raw offset of the segment.
    """
    at: i64 = 0
    last = i64(len(data)) - HEAD_SIZE - COMMIT_SIZE
    while at <= last:
        if ((read_i64_le(data, at) >> 32) & U32) == COMMIT_SIZE:
            tail = read_i64_le(data, at + 40)
            if (tail & U16) == COMMIT and (tail >> 48) & CONTROL and read_i64_le(data, at + HEAD_SIZE + 8) > bad:
                crc: i64 = crc32(data[at + 4 : at + HEAD_SIZE + COMMIT_SIZE])
                if crc == (read_i64_le(data, at) & U32):
                    return at
        at += 8
    return -1


def find_record(data: bytes, max_payload: i64, until: i64) -> i64:
    """Offset below *until* in *data*, at a step of 8 bytes, of any whole record with a fitting checksum, or -1."""
    at: i64 = 0
    last = min(i64(len(data)) - HEAD_SIZE, until - 8)
    while at <= last:
        size = (read_i64_le(data, at) >> 32) & U32
        follows = at + HEAD_SIZE + padded(size)
        if size <= max_payload and follows <= len(data) and (read_i64_le(data, at + 40) & U16):
            crc: i64 = crc32(data[at + 4 : follows])
            if crc == (read_i64_le(data, at) & U32):
                return at
        at += 8
    return -1
