"""What the fold of market data found, as derived records and as the gates of its market."""

from typing import Final

from mypy_extensions import i64

from engine.kernel import codes, kinds
from engine.kernel.listings import Finding
from engine.kernel.modes import MARKET
from engine.kernel.outbox import Outbox
from engine.kernel.pack import Packer
from engine.kernel.trading import Trading

# What a whole new book settles.
_BOOK_GATES: Final[tuple[int, ...]] = (
    int(codes.SEQ_GAP),
    int(codes.DATA_SUSPECT),
    int(codes.CONN_LOST),
    int(codes.META_CHANGED),
)


def report(finding: Finding, out: Outbox, trading: Trading, recv_ns: i64) -> None:
    """One record of *finding*, and the gate that it closes or opens."""
    code = finding.code
    market = finding.market
    if code == codes.UNKNOWN_INSTRUMENT:
        alert(code, finding.text, out)
        return
    packer = Packer()
    packer.put(market)
    packer.put(finding.a)
    if code == codes.OK:
        out.emit(kinds.RESYNC, 1, packer.finish())
        for why in _BOOK_GATES:
            trading.gate(why, MARKET, market, False, recv_ns)
    elif code == codes.DUP_BLOCKED:
        out.emit(kinds.DEDUP, 1, packer.finish())
    elif code == codes.MARKET_CLOSED:
        out.emit(kinds.VENUE_STATE, 1, packer.finish())
        trading.gate(code, MARKET, market, finding.closed, recv_ns)
    else:
        packer.put(finding.b)
        if code == codes.META_CHANGED:
            out.emit(kinds.META, 1, packer.finish())
        else:
            packer.put(code)
            out.emit(kinds.GAP, 1, packer.finish())
        trading.gate(code, MARKET, market, finding.closed, recv_ns)


def alert(code: i64, text: str, out: Outbox) -> None:
    """An ALERT: something for people, that changes no gate by itself."""
    packer = Packer()
    packer.put(code)
    packer.put_text(text)
    out.emit(kinds.ALERT, 1, packer.finish())
