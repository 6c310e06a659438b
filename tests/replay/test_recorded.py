"""The recorded real data, imported and replayed: the states that the data's own notes give."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from engine.kernel import codes
from engine.kernel.chain import FOLLOWING
from engine.kernel.events import HASH_STATED
from engine.kernel.kinds import POLYMARKET_MARKET
from engine.kernel.market import Market
from engine.kernel.step import Kernel
from journal.background import Inline
from journal.disk import RealDisk
from journal.importer.run import Catalogue, import_recordings
from journal.importer.sniff import Recording
from journal.reader import Record, open_journal
from replay.rebuild import bare_kernel
from replay.verify import StrictReplay, replay_strictly

TESTS = Path(__file__).resolve().parent.parent
POLYMARKET_CATALOGUE = TESTS / "golden" / "catalogue_polymarket_2026-09-24.json"
BINANCE_CATALOGUES = TESTS / "adapters" / "binance"


def imported(folder: Path, recording: Path, *catalogues: Path) -> Path:
    out = folder / recording.name.partition(".")[0]
    import_recordings(
        [Recording(recording)], out, RealDisk(), Inline(), catalogues=[Catalogue(c) for c in catalogues], sealed_ns=None
    )
    return out


def replayed(journal: Path) -> StrictReplay:
    with open_journal(journal) as opened:
        return replay_strictly(opened)


def records(journal: Path) -> list[Record]:
    with open_journal(journal) as opened:
        return list(opened.records())


def step(kernel: Kernel, record: Record) -> list[tuple[int, int]]:
    """Fold one record; returns (code, market) of every finding."""
    kernel.step(record.seq, record.recv_ns, record.kind, record.source, record.payload, 0, len(record.payload))
    return [(int(finding.code), int(finding.market)) for finding in kernel.data.findings]


def only_market(answer: StrictReplay) -> Market:
    assert answer.kernel is not None
    markets = answer.kernel.data.listings.markets
    return next(market for market in markets if market.chain.state == FOLLOWING)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "catalogue", "frames", "bid", "ask"),
    [
        ("usdm_btcusdt_20240808.gz", "catalogue_2024-08-08_usdm.json", 93_954, 616_597, 616_598),
        ("usdm_ethusdt_20240808.gz", "catalogue_2024-08-08_usdm.json", 74_655, 268_138, 268_139),
        ("spot_btcusdt_20240808.gz", "catalogue_2024-08-08_spot.json", 41_249, 6_168_599, 6_168_600),
        ("spot_ethusdt_20240808.gz", "catalogue_2024-08-08_spot.json", 33_618, 268_250, 268_251),
    ],
)
def test_every_recorded_binance_frame_chains_and_ends_at_the_stated_touch(
    shared: Path, tmp_path: Path, name: str, catalogue: str, frames: int, bid: int, ask: int
) -> None:
    journal = imported(tmp_path, shared / "binance" / "hftbacktest" / name, BINANCE_CATALOGUES / catalogue)
    answer = replayed(journal)
    market = only_market(answer)

    assert frames + 2 == answer.inputs  # with the catalogue and the connection
    assert answer.identical is None
    assert market.valid
    assert (bid, ask) == (market.book.best_bid(), market.book.best_ask())
    assert answer.kernel is not None
    assert answer.kernel.unreadable == 0
    fast, slow = answer.kernel.path_counts()
    assert fast >= 0.95 * (fast + slow)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("frames", "snapshots", "catalogue"),
    [
        ("spot_ws_2021-10-12", "spot_depth_http_2021-10-12", "spot_exchangeInfo_2021-10-12"),
        ("usdm_ws_2021-07-22", "usdm_depth_http_2021-07-22", "usdm_exchangeInfo_2021-07-22"),
    ],
)
def test_the_captures_of_2021_follow_their_snapshots_without_a_gap(
    shared: Path, tmp_path: Path, frames: str, snapshots: str, catalogue: str
) -> None:
    folder = shared / "binance"
    out = tmp_path / "journal"
    import_recordings(
        [Recording(folder / f"cryptofeed_{frames}.txt"), Recording(folder / f"cryptofeed_{snapshots}.txt")],
        out,
        RealDisk(),
        Inline(),
        catalogues=[Catalogue(folder / f"cryptofeed_{catalogue}.txt.gz")],
        sealed_ns=None,
    )
    kernel = bare_kernel()
    found: Counter[int] = Counter()
    for record in records(out):
        found.update(code for code, _ in step(kernel, record))
    books = [market for market in kernel.data.listings.markets if market.valid]

    assert len(books) == 4
    assert found[codes.SEQ_GAP] == 0
    assert not any(market.book.crossed() for market in books)
    assert kernel.unreadable == 0


@pytest.fixture(scope="module")
def polymarket(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    recording = shared / "polymarket" / "ws_market_20260924_exactarb_frames.jsonl"
    return records(imported(tmp_path_factory.mktemp("polymarket"), recording, POLYMARKET_CATALOGUE))


def test_all_stated_book_hashes_of_the_polymarket_frames_are_met(polymarket: list[Record]) -> None:
    kernel = bare_kernel()
    stated = 0
    for record in polymarket:
        findings = step(kernel, record)

        assert all(code in (codes.OK, codes.UNKNOWN_INSTRUMENT) for code, _ in findings)
        batch = kernel.batch
        if record.kind == POLYMARKET_MARKET:
            listed = [kernel.data.listings.find(symbols_of(kernel), batch.field(row, 1)) for row in range(batch.count)]
            hashes = [
                row for row in range(batch.count) if batch.field(row, 0) == HASH_STATED and listed[row] is not None
            ]
            stated += len(hashes)
            if hashes and kernel.data.listings.markets:
                market = kernel.data.listings.markets[0]

                assert market.hash_proven  # a statement that is not met would have made it suspect
                assert market.suspect == 0
    market = kernel.data.listings.markets[0]

    assert stated == 2 + 52
    assert market.ready()
    assert (market.book.best_bid(), market.book.best_ask()) == (59, 66)


def symbols_of(kernel: Kernel):  # type: ignore[no-untyped-def]
    """The symbol table of the market channel's translator."""
    return kernel.translator(POLYMARKET_MARKET).symbols


def changes_of(records: list[Record]) -> list[int]:
    """Places of the listed market's price changes that are followed by a later one."""
    return [
        place
        for place, record in enumerate(records)
        if b'"event_type":"price_change"' in record.payload.replace(b'": "', b'":"') and b"0x12ed4858" in record.payload
    ]


def noticed(records: list[Record]) -> bool:
    """Whether a replay of *records* finds the book contradicted: for certain, or by the last statement made."""
    kernel = bare_kernel()
    certain = [code for record in records for code, _ in step(kernel, record) if code == codes.DATA_SUSPECT]
    return bool(certain) or kernel.data.listings.markets[0].suspect != 0


def test_a_polymarket_frame_removed_is_noticed_whenever_the_book_then_differs(polymarket: list[Record]) -> None:
    places = changes_of(polymarket)

    assert len(places) == 26
    for place in places[:-1]:
        assert noticed(polymarket[:place] + polymarket[place + 1 :]), f"frame {place} was not missed"


def test_polymarket_frames_swapped_are_noticed_whenever_the_book_then_differs(polymarket: list[Record]) -> None:
    places = changes_of(polymarket)
    for one, other in pairwise(places):
        swapped = list(polymarket)
        swapped[one], swapped[other] = swapped[other], swapped[one]

        assert noticed(swapped), f"frames {one} and {other}, swapped, were not noticed"


def test_a_polymarket_frame_doubled_at_once_leaves_the_book_as_it_is(polymarket: list[Record]) -> None:
    assert not noticed(polymarket)
    for place in changes_of(polymarket):
        doubled = [*polymarket[: place + 1], polymarket[place], *polymarket[place + 1 :]]

        assert not noticed(doubled)


@pytest.fixture(scope="module", params=["usdm_btcusdt_20240808.gz", "spot_btcusdt_20240808.gz"])
def binance(request: pytest.FixtureRequest, shared: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    name: str = request.param
    catalogue = BINANCE_CATALOGUES / f"catalogue_2024-08-08_{name[:4]}.json"
    recording = shared / "binance" / "hftbacktest" / name
    found = records(imported(tmp_path_factory.mktemp("binance"), recording, catalogue))
    return [
        record
        for record in found[:6_000]
        if b"bookTicker" not in record.payload and b'"e":"trade"' not in record.payload
    ]


def verdicts(records: list[Record]) -> list[int]:
    kernel = bare_kernel()
    return [code for record in records for code, _ in step(kernel, record)]


def test_a_depth_frame_removed_doubled_or_swapped_is_detected_by_the_sequence_rule(binance: list[Record]) -> None:
    snapshot = next(place for place, record in enumerate(binance) if b"lastUpdateId" in record.payload)
    following = range(snapshot + 4, len(binance) - 2, 7)

    assert verdicts(binance) == [codes.OK]
    for place in following:
        head = binance[:place]
        assert codes.SEQ_GAP in verdicts(head + binance[place + 1 : place + 2])
        assert codes.DUP_BLOCKED in verdicts([*head, binance[place], binance[place]])
        assert codes.SEQ_GAP in verdicts([*head, binance[place + 1], binance[place]])
        if place > snapshot + 120:
            break
