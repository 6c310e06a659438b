"""What is measured on: recorded frames where they are present, else generated ones; journals made of them."""

import gzip
from collections.abc import Iterator
from pathlib import Path

from attrs import define, frozen

from engine import ROOT
from engine.kernel import kinds
from journal.background import Inline
from journal.disk import RealDisk
from journal.importer.run import Catalogue, import_recordings
from journal.importer.sniff import Recording
from journal.payloads import decode_venue_input
from journal.reader import open_journal
from scenarios.sample.recording import Sample, write_sample

POLYMARKET = int(kinds.POLYMARKET_MARKET)
USDM = int(kinds.BINANCE_USDM)
RECORDINGS = ("spot_btcusdt_20240808", "spot_ethusdt_20240808", "usdm_btcusdt_20240808", "usdm_ethusdt_20240808")
CATALOGUES = ("catalogue_2024-08-08_spot.json", "catalogue_2024-08-08_usdm.json")
SEALED_NS = 1_723_161_600_000_000_000
GENERATED_NS = 1_723_161_255_000_000_000


@frozen
class Size:
    """
    How much is measured: *frames* of the generated sample, *lines* of each recording (0: all), and so on.

    *memory_frames* are folded to see whether memory stays flat; 0 leaves that out.
    """

    name: str
    frames: int
    lines: int
    repetitions: int
    memory_frames: int


FULL = Size("full", frames=100_000, lines=0, repetitions=5, memory_frames=2_000_000)
SMALL = Size("small", frames=2_000, lines=1_000, repetitions=2, memory_frames=0)
TINY = Size("tiny", frames=300, lines=150, repetitions=1, memory_frames=1_000)
SIZES = {size.name: size for size in (FULL, SMALL, TINY)}


@define
class Input:
    """One recorded input: what a writer appends."""

    kind: int
    source: int
    recv_ns: int
    payload: bytes


class Material:
    """Makes what the cases ask for, once, in *folder*; *data* is the folder of recorded data, which may be absent."""

    def __init__(self, folder: Path, data: Path, size: Size) -> None:
        self.folder = folder
        self.size = size
        self.disk = RealDisk()
        recorded = [data / "binance" / "hftbacktest" / f"{name}.gz" for name in RECORDINGS]
        self.is_recorded = all(path.is_file() for path in recorded)
        self._recorded = recorded
        self._frames: dict[Path, dict[int, list[bytes]]] = {}
        self._new = 0

    @property
    def origin(self) -> str:
        """What the Binance frames are, in words."""
        return "recorded" if self.is_recorded else "generated"

    def new_folder(self) -> Path:
        """A path in the work folder that nothing stands at."""
        self._new += 1
        return self.folder / f"work-{self._new}"

    def recordings(self) -> list[Path]:
        """hftbacktest files of Binance spot and USD-M: as recorded, cut to the size's lines, or generated."""
        if self.is_recorded and not self.size.lines:
            return self._recorded
        paths = [self.folder / f"{name}.gz" for name in RECORDINGS]
        for number, path in enumerate(paths):
            if path.exists():
                continue
            if self.is_recorded:
                with gzip.open(self._recorded[number]) as text:
                    lines = [line for line, _ in zip(text, range(self.size.lines), strict=False)]
            else:
                lines = list(generated(path.name, self.size.lines or 50_000))
            path.write_bytes(gzip.compress(b"".join(lines), 5, mtime=0))
        return paths

    def catalogues(self) -> list[Path]:
        """The exchanges' descriptions of the instruments in `recordings`."""
        return [ROOT / "tests" / "adapters" / "binance" / name for name in CATALOGUES]

    def mix(self, sealed: bool = True) -> Path:
        """A journal of all `recordings`, merged by receive time."""
        path = self.folder / ("mix" if sealed else "mix-unsealed")
        if not path.exists():
            self.import_mix(path, sealed)
        return path

    def import_mix(self, path: Path, sealed: bool) -> int:
        """Import `recordings` into a new journal at *path*; returns the lines read."""
        report = import_recordings(
            [Recording(one) for one in self.recordings()],
            path,
            self.disk,
            Inline(),
            catalogues=[Catalogue(one) for one in self.catalogues()],
            sealed_ns=SEALED_NS if sealed else None,
        )
        return sum(tally.lines for tally in report.recordings)

    def sample(self) -> Path:
        """A journal of generated Polymarket frames over 20 markets, each frame with the hashes of its books."""
        path = self.folder / "sample"
        if not path.exists():
            sample = Sample(frames=self.size.frames)
            write_sample(sample, path, self.disk, Inline(), sealed_ns=SEALED_NS)
        return path

    def inputs(self, journal: Path) -> list[Input]:
        """Every input of *journal*."""
        with open_journal(journal) as opened:
            return [Input(one.kind, one.source, one.recv_ns, one.payload) for one in opened.records()]

    def frames(self, journal: Path, kind: int) -> list[bytes]:
        """The frames in *journal*'s records of *kind*, in order."""
        if journal not in self._frames:
            found: dict[int, list[bytes]] = {}
            for one in self.inputs(journal):
                if 0x0100 <= one.kind < 0x0F00:
                    found.setdefault(one.kind, []).append(decode_venue_input(one.payload).frame)
            self._frames[journal] = found
        return self._frames[journal].get(int(kind), [])


def generated(name: str, count: int) -> Iterator[bytes]:
    """*count* lines as hftbacktest's collector writes them, of the kinds and in the proportions of a recording."""
    symbol = name.split("_")[1].upper()
    futures = name.startswith("usdm")
    extra = b'"T":1723161256313,' if futures else b""
    last = 1000
    for number in range(count):
        at_ns = GENERATED_NS + number * 1_000_000
        price = 60_000 + number * 7919 % 97
        small = b"%d.%d0" % (price, number % 10), b"%d.%d0" % (price + 1, number % 10)
        names = symbol.lower().encode(), symbol.encode(), number
        if number == 3:
            yield b'%d {"lastUpdateId":%d,"bids":[["1.00","1.000"]],"asks":[["900000.00","1.000"]]}\n' % (at_ns, last)
        elif number % 15 == 2:
            levels = b",".join(b'["%d.10","%d.%03d"]' % (price - n, n % 7, n) for n in range(20))
            previous, last = last, last + 9
            chain = b'"pu":%d,' % previous if futures else b""
            head = b'%d {"stream":"%s@depth@0ms","data":{"e":"depthUpdate","E":1723161256313,' % (at_ns, names[0])
            ids = b'"s":"%s","U":%d,"u":%d,' % (names[1], previous + 1, last)
            sides = b'"b":[%s],"a":[["%s","1.000"]]}}\n' % (levels, b"800000.00")
            yield head + extra + ids + chain + sides
        elif number % 5 == 4:
            yield (
                b'%d {"stream":"%s@trade","data":{"e":"trade","E":1723161256313,"s":"%s","t":%d,"p":"%s","q":"0.012",'
                b'"T":1723161256310,"m":true}}\n' % (at_ns, *names, small[0])
            )
        elif futures:
            yield (
                b'%d {"stream":"%s@bookTicker","data":{"e":"bookTicker","s":"%s","u":%d,"b":"%s","B":"2.507","a":"%s",'
                b'"A":"2.510","T":1723161256313,"E":1723161256313}}\n' % (at_ns, *names, *small)
            )
        else:
            yield (
                b'%d {"stream":"%s@bookTicker","data":{"s":"%s","u":%d,"b":"%s","B":"2.50700000","a":"%s",'
                b'"A":"2.51000000"}}\n' % (at_ns, *names, *small)
            )
