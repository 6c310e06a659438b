"""What the kernel concluded from one input, in order, until the driver takes it."""

from typing import Final, final

from librt.vecs import vec
from mypy_extensions import i64, mypyc_attr

from engine.kernel import kinds

_KINDS: Final[i64] = 0x4000
_CODES: Final[i64] = 0x1000


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Derived:
    """
    A derived record without its sequence number: that follows the input's by 1 and *at*, and the input is its cause.

    *code* is a verdict's reason code, for whoever counts them: a silent kernel forms no payloads.
    """

    def __init__(self, kind: i64, schema: i64, payload: bytes, code: i64 = 0, at: i64 = 0) -> None:
        self.kind: Final[i64] = kind
        self.schema: Final[i64] = schema
        self.payload: Final[bytes] = payload
        self.code: Final[i64] = code
        self.at: Final[i64] = at


@final
class Outbox:
    """
    The derived records of the input being folded: `count` of them.

    A *brief* outbox only counts those that a silent kernel writes without a payload: `records` lacks them.
    `tally` counts the records of the run by kind, `verdicts` its verdicts by reason code.
    """

    def __init__(self) -> None:
        self.records: list[Derived] = []
        self.count: i64 = 0
        self.brief: bool = False
        self.tally: Final[vec[i64]] = vec[i64]([0] * _KINDS)
        self.verdicts: Final[vec[i64]] = vec[i64]([0] * _CODES)

    def emit(self, kind: i64, schema: i64, payload: bytes, code: i64 = 0) -> None:
        """Add one record behind those already concluded."""
        self.records.append(Derived(kind, schema, payload, code, self.count))
        self.count += 1
        self.tally[kind] += 1

    def verdict(self, payload: bytes, code: i64) -> None:
        """Add a VERDICT."""
        self.verdicts[code] += 1
        self.emit(kinds.VERDICT, 2, payload, code)

    def hush(self, kind: i64, code: i64 = 0) -> None:
        """Add a record whose payload nobody asks for, nor its schema."""
        if not self.brief:
            self.emit(kind, 1, b"", code)
            return
        self.count += 1
        self.tally[kind] += 1

    def clear(self) -> None:
        """Forget the last input's records."""
        self.count = 0
        if self.records:
            self.records = []
