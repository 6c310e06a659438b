"""
Who an order is, before anyone sends it: ids that replay gives again.

`fault_model.md` section 3.1: an intent's id is a hash of (run epoch, strategy, sequence number of the input that
triggered it, ordinal within that input), and the client id follows from it, so that the same event can never be sent
twice under two names.
"""

from hashlib import blake2b
from typing import Final

from librt.strings import BytesWriter, write_i64_le
from mypy_extensions import i64

_BASE32: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_PERSON: Final = b"intent-v1"
_SALT_PERSON: Final = b"salt-v1"
_SALT_BITS: Final = 53


def intent_id(run_epoch: i64, strategy: str, trigger_seq: i64, ordinal: i64) -> bytes:
    """The 16 bytes that name an intent: BLAKE2b-128 over epoch, trigger and ordinal (i64) and the strategy's name."""
    writer = BytesWriter()
    write_i64_le(writer, run_epoch)
    write_i64_le(writer, trigger_seq)
    write_i64_le(writer, ordinal)
    writer.write(strategy.encode())
    return blake2b(writer.getvalue(), digest_size=16, person=_PERSON).digest()


def client_id(intent: bytes) -> str:
    """The name under which the order is known at the venue: "t1-" and the id in base32 (Deribit's label)."""
    writer = BytesWriter()
    writer.write(b"t1-")
    word: i64 = 0
    bits: i64 = 0
    for byte in intent:
        c: i64 = byte
        word = ((word << 8) | c) & 0xFFFF
        bits += 8
        while bits >= 5:
            bits -= 5
            writer.append(_BASE32[(word >> bits) & 31])
    if bits > 0:
        writer.append(_BASE32[(word << (5 - bits)) & 31])
    return writer.getvalue().decode()


def salt(intent: bytes) -> int:
    """Polymarket's `salt`: 53 bits of a hash of the intent id, so that a repeat signs identical bytes."""
    digest = blake2b(intent, digest_size=8, person=_SALT_PERSON).digest()
    return int.from_bytes(digest, "little") >> (64 - _SALT_BITS)
