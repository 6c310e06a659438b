"""
An order request: what leaves the kernel for the venue, real or simulated.

A request is named by the sequence number of its REQUEST record. It is complete: an executor needs nothing else to build
the venue's message, and builds the same bytes each time.
"""

from typing import Final, final

from mypy_extensions import i64, mypyc_attr

from engine.kernel import identity
from engine.kernel.dense import DensePacker, DenseUnpacker
from engine.kernel.derived import CANCEL, MERGE, PLACE, SPLIT
from engine.kernel.pack import Unpacker
from engine.kernel.record import NONE


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Request:
    """
    Place an order or cancel one, or split or merge complete sets.

    *price* and *size* are integers at the venue's exponents, of the token *symbol*; *flags* are `order.FLAG_*` bits.
    For a cancel, *target* is the number of the order's own request and *target_venue_id* what the venue calls it. Of
    complete sets *size* is how many, at a *price* of one, *symbol* one of the outcomes, *target_venue_id* the market's
    id. *intent* is empty in a silent kernel, which forms no ids.

    The last four attributes are no part of it: who carries it to a simulated venue notes there when it arrives, by what
    its draws of chance are keyed, and which request comes behind it.
    """

    def __init__(
        self,
        number: i64,
        what: i64,
        intent: bytes,
        salt: i64,
        venue: str,
        symbol: str,
        instrument: i64,
        side: i64,
        price: i64,
        price_exponent: i64,
        size: i64,
        size_exponent: i64,
        tif: i64,
        flags: i64,
        decided_ns: i64,
        expires_ns: i64 = NONE,
        target: i64 = 0,
        target_venue_id: str = "",
    ) -> None:
        self.number: Final[i64] = number
        self.what: Final[i64] = what
        self.intent: Final[bytes] = intent
        self.salt: Final[i64] = salt
        self.venue: Final[str] = venue
        self.symbol: Final[str] = symbol
        self.instrument: Final[i64] = instrument
        self.side: Final[i64] = side
        self.price: Final[i64] = price
        self.price_exponent: Final[i64] = price_exponent
        self.size: Final[i64] = size
        self.size_exponent: Final[i64] = size_exponent
        self.tif: Final[i64] = tif
        self.flags: Final[i64] = flags
        self.decided_ns: Final[i64] = decided_ns
        self.expires_ns: Final[i64] = expires_ns
        self.target: Final[i64] = target
        self.target_venue_id: Final[str] = target_venue_id
        self.at_ns: i64 = NONE
        self.key: i64 = 0
        self.ordinal: i64 = 0
        self.behind: Request | None = None
        assert what in (PLACE, CANCEL, SPLIT, MERGE)

    @property
    def client_id(self) -> str:
        """Our name for it at the venue; empty in a silent kernel."""
        return identity.client_id(self.intent) if self.intent else ""

    def encode(self, packer: DensePacker) -> bytes:
        """The payload of its REQUEST record, schema 2; *number* is the record's own."""
        packer.put(self.what)
        packer.put_id(self.intent)
        packer.put(self.salt)
        packer.put_name(self.venue)
        packer.put_name(self.symbol)
        packer.put(self.instrument)
        packer.put(self.side)
        packer.put(self.price)
        packer.put(self.price_exponent)
        packer.put(self.size)
        packer.put(self.size_exponent)
        packer.put(self.tif)
        packer.put(self.flags)
        packer.put(self.decided_ns)
        packer.put(self.expires_ns)
        packer.put(self.target)
        packer.put_text(self.target_venue_id)
        return packer.take()


def decode_request(number: i64, schema: i64, payload: bytes) -> Request:
    """The request of REQUEST record *number*; raises pack.Malformed where the payload is none of *schema*."""
    unpacker = Unpacker(payload)
    if schema != 1:
        unpacker = DenseUnpacker(payload)
    take = unpacker.take
    what = take()
    intent = unpacker.take_id()
    if schema == 1:
        unpacker.take_text()  # the client id
    salt = take()
    venue = unpacker.take_text()
    symbol = unpacker.take_text()
    instrument, side, price, price_exponent = take(), take(), take(), take()
    size, size_exponent, tif, flags = take(), take(), take(), take()
    decided_ns, expires_ns, target = take(), take(), take()
    target_venue_id = unpacker.take_text()
    unpacker.done()
    return Request(
        number,
        what,
        intent,
        salt,
        venue,
        symbol,
        instrument,
        side,
        price,
        price_exponent,
        size,
        size_exponent,
        tif,
        flags,
        decided_ns,
        expires_ns,
        target,
        target_venue_id,
    )
