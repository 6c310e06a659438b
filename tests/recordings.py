"""Small recordings and journals for tests of what is done with journals."""

import gzip
import json
from pathlib import Path

from engine.kernel import kinds
from journal.background import Inline
from journal.disk import RealDisk
from journal.payloads import encode_venue_input
from journal.seal import seal
from journal.writer import Writer

START_NS = 1_723_161_255_000_000_000
SOURCES = {2: "binance-usdm", 3: "polymarket-market"}


def ticker(number: int, symbol: str = "BTCUSDT") -> bytes:
    """A USD-M bookTicker frame."""
    return (
        b'{"stream":"%s@bookTicker","data":{"e":"bookTicker","u":%d,"s":"%s","b":"61800.20","B":"2.507","a":"61800.30",'
        b'"A":"2.510","T":1723161256313,"E":1723161256313}}' % (symbol.lower().encode(), number, symbol.encode())
    )


def hftbacktest_lines(count: int, symbol: str = "BTCUSDT", start_ns: int = START_NS, step_ns: int = 1_000_000) -> bytes:
    """*count* lines as hftbacktest's collector writes them."""
    return b"".join(b"%d %s\n" % (start_ns + n * step_ns, ticker(n, symbol)) for n in range(count))


def hftbacktest_file(folder: Path, count: int, symbol: str = "BTCUSDT", start_ns: int = START_NS) -> Path:
    """The same as a gzip file named as its collector names it."""
    path = folder / f"usdm_{symbol.lower()}_20240808.gz"
    path.write_bytes(gzip.compress(hftbacktest_lines(count, symbol, start_ns), 1, mtime=0))
    return path


def small_journal(folder: Path, records: int = 60, segments: int = 3, sealed: bool = True, finish: bool = True) -> Path:
    """
    A journal of *records* records in *segments* segments of several blocks: inputs, and now and then a derived one.

    Without *finish* the last segment stays as a crash leaves it.
    """
    per_segment = max(1, -(-records // segments))
    writer = Writer.create(
        folder,
        RealDisk(),
        Inline(),
        journal_id=bytes(range(16)),
        wall_ns=START_NS,
        sources=SOURCES,
        block_target=1024,
        segment_ns=per_segment * 1_000_000,
    )
    for number in range(records):
        recv_ns = START_NS + number * 1_000_000
        if number % 10 == 9:
            writer.append_derived(int(kinds.VERDICT), 1, b"verdict %d" % number)
            continue
        source = 3 if number % 4 == 3 else 2
        kind = kinds.POLYMARKET_MARKET if source == 3 else kinds.BINANCE_USDM
        frame = ticker(number) if source == 2 else b'{"event_type":"book","n":%d}' % number
        payload = encode_venue_input(recv_ns, 1, number + 1, 0, b"", frame)
        writer.append_input(int(kind), 1, source, recv_ns, recv_ns - 5, payload)
    writer.sync()
    if finish:
        writer.close()
        if sealed:
            for number in range(1, writer.segment_no + 1):
                seal(RealDisk(), folder, number, sealed_ns=START_NS)
    return folder


def loads_lines(text: str | bytes) -> list[dict]:
    """JSON lines as objects."""
    return [json.loads(line) for line in text.splitlines()]
