"""
Who an order is, before anyone sends it: ids that replay gives again.

`fault_model.md` section 3.1: an intent's id is a hash of (run epoch, strategy, sequence number of the input that
triggered it, ordinal within that input), and the client id follows from it, so that the same event can never be sent
twice under two names.
"""

from hashlib import blake2b
from typing import Final

from librt.strings import BytesWriter, read_i64_be, write_i64_le
from mypy_extensions import i64

# Digits of base32: A to Z, then 2 to 7.
_LETTER: Final[i64] = 65
_DIGIT: Final[i64] = 24
_BEHIND: Final = bytes(8)  # read behind an id's end
_PERSON: Final = b"intent-v1"
_SALT_PERSON: Final = b"salt-v1"
_SALT_BITS: Final = 53


ID_SIZE: Final[i64] = 16
"""Bytes of an intent's id."""

_INTENT: Final = blake2b(digest_size=16, person=_PERSON).copy  # copied for each: half the time of making one


def intent_id(run_epoch: i64, strategy: str, trigger_seq: i64, ordinal: i64) -> bytes:
    """The 16 bytes that name an intent: BLAKE2b-128 over epoch, trigger and ordinal (i64) and the strategy's name."""
    writer = BytesWriter()
    write_i64_le(writer, run_epoch)
    write_i64_le(writer, trigger_seq)
    write_i64_le(writer, ordinal)
    writer.write(strategy.encode())
    hashed = _INTENT()
    hashed.update(writer.getvalue())
    return hashed.digest()


def client_id(intent: bytes) -> str:
    """The name under which the order is known at the venue: "t1-" and the id in base32 (Deribit's label)."""
    writer = BytesWriter()
    writer.write(b"t1-")
    size: i64 = len(intent)
    data = intent + _BEHIND
    at: i64 = 0
    while at < size:  # five bytes are eight digits, the first of them the highest
        word = read_i64_be(data, at) >> 24
        digits: i64 = 0
        i: i64 = 0
        while i < 8:
            digit = word & 31
            if digit < 26:
                digit += _LETTER
            else:
                digit += _DIGIT
            digits = (digits << 8) | digit
            word >>= 5
            i += 1
        write_i64_le(writer, digits)
        at += 5
    writer.truncate(3 + (8 * size + 4) // 5)
    return writer.getvalue().decode("ascii")


def salt(intent: bytes) -> int:
    """Polymarket's `salt`: 53 bits of a hash of the intent id, so that a repeat signs identical bytes."""
    digest = blake2b(intent, digest_size=8, person=_SALT_PERSON).digest()
    return int.from_bytes(digest, "little") >> (64 - _SALT_BITS)
