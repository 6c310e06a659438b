"""What the kernel concluded from one input, in order, until the driver takes it."""

from typing import Final, final

from mypy_extensions import i64


@final
class Derived:
    """
    A derived record without its place: the driver gives it the next sequence number and the input as its cause.

    *code* is a verdict's reason code, for whoever counts them: a silent kernel forms no payloads.
    """

    def __init__(self, kind: i64, schema: i64, payload: bytes, code: i64 = 0) -> None:
        self.kind: Final[i64] = kind
        self.schema: Final[i64] = schema
        self.payload: Final[bytes] = payload
        self.code: Final[i64] = code


@final
class Outbox:
    """The derived records of the input being folded."""

    def __init__(self) -> None:
        self.records: list[Derived] = []

    def emit(self, kind: i64, schema: i64, payload: bytes, code: i64 = 0) -> None:
        """Add one record behind those already concluded."""
        self.records.append(Derived(kind, schema, payload, code))

    def clear(self) -> None:
        """Forget the last input's records."""
        if self.records:
            self.records = []
