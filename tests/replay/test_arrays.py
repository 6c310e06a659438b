"""Arrays made of journals: read back, they give the same books and the same trades at the same times."""

import json
from pathlib import Path
from typing import Any

import pytest

from engine.kernel import kinds
from engine.kernel.book import Book
from engine.kernel.events import TRADED
from engine.kernel.record import DERIVED
from engine.kernel.units import ASK, BID, decimal_text
from journal.background import Inline
from journal.disk import RealDisk
from journal.errors import Taken
from journal.importer.run import Catalogue, import_recordings
from journal.importer.sniff import Recording
from journal.reader import open_journal
from replay.arrays import Arrayed, WhichInstrument, write_array
from replay.rebuild import bare_kernel
from replay.strict import is_kept
from scenarios.sample.recording import Sample, write_sample

DISK = RealDisk()


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal of three Polymarket markets whose connection breaks now and then."""
    path = tmp_path_factory.mktemp("arrays") / "sample"
    write_sample(Sample(seed=3, markets=3, frames=4000, disconnect_every=700), path, DISK, Inline(), sealed_ns=None)
    return path


def instruments(path: Path) -> list[Any]:
    kernel = bare_kernel()
    with open_journal(path) as journal:
        for one in journal.records():
            if is_kept(one.kind) and not one.flags & DERIVED:
                kernel.step(one.seq, one.recv_ns, one.kind, one.source, one.payload, 0, len(one.payload))
            if len(kernel.data.listings.instruments) >= 6:
                break
    return list(kernel.data.listings.instruments)


def exported(path: Path, key: str, target: Path) -> Arrayed:
    with open_journal(path) as journal:
        return write_array(journal.records(), key, target, DISK, lambda records: None)


def imported(array: Path, instrument: Any, target: Path) -> Path:
    listing = instrument.market.listing
    market = {
        "symbol": "X",
        "kind": "spot",
        "tick_size": "0.001",  # the finest grid that the sample's markets change to
        "lot_size": decimal_text(listing.lot, listing.size_exponent),
        "settlement": "USD",
    }
    catalogue = array.with_suffix(".json")
    catalogue.write_text(json.dumps({"venue": "hftbacktest", "markets": [market]}))
    recordings = [Recording(array, symbol="X")]
    import_recordings(recordings, target, DISK, Inline(), catalogues=[Catalogue(catalogue)], sealed_ns=None)
    return target


def history(path: Path, key: str) -> tuple[dict[int, Any], list[Any]]:
    """(by receive time, the levels of the instrument's book, None while it is not valid; trades) in whole units."""
    kernel = bare_kernel()
    books: dict[int, Any] = {}
    trades: list[Any] = []
    with open_journal(path) as journal:
        for one in journal.records():
            if one.flags & DERIVED or not is_kept(one.kind):
                continue
            kernel.step(one.seq, one.recv_ns, one.kind, one.source, one.payload, 0, len(one.payload))
            instrument = kernel.trading.desk.by_key.get(key)
            if instrument is None or not instrument.market.touched:
                continue
            market, listing = instrument.market, instrument.market.listing
            assert isinstance(market.book, Book)
            levels = None
            if market.valid:
                levels = [
                    (
                        decimal_text(tick * market.tick, listing.price_exponent),
                        decimal_text(lots * market.lot, listing.size_exponent),
                    )
                    for side in (BID, ASK)
                    for tick, lots in instrument.levels(side, 10_000)
                ]
            books[one.recv_ns] = levels
            texts = kernel.translator(one.kind).symbols.texts if one.kind >= 0x100 else []
            for row in range(kernel.batch.count if texts else 0):
                field = [int(kernel.batch.field(row, column)) for column in range(5)]
                if field[0] == TRADED and texts[field[1]] == instrument.symbol:
                    price = decimal_text(field[2], listing.price_exponent)
                    trades.append((one.recv_ns, price, decimal_text(field[3], listing.size_exponent), field[4]))
    return books, trades


@pytest.mark.parametrize("which", [0, 3])
def test_a_journal_exported_and_imported_again_has_the_same_books_and_trades(sample, tmp_path, which):
    instrument = instruments(sample)[which]
    told = exported(sample, instrument.key, tmp_path / "x.npz")
    again = imported(tmp_path / "x.npz", instrument, tmp_path / "journal")
    books, trades = history(sample, instrument.key)
    books_again, trades_again = history(again, "hftbacktest:X")

    assert trades_again == trades
    state: Any = None
    compared = 0
    for at in sorted({*books, *books_again}):
        state = books_again.get(at, state)
        if books.get(at) is not None:
            assert state == books[at], at
            compared += 1
        elif at in books and state is not None:
            assert state == [], at  # hftbacktest knows no invalid book: it is empty
    assert compared > 500
    assert told.trades == len(trades) >= 10
    assert told.books > 3
    assert told.rows == told.levels + told.trades + told.books


def test_the_same_journal_gives_the_same_file(sample, tmp_path):
    key = instruments(sample)[0].key
    for name in ("a.npz", "b.npz"):
        exported(sample, key, tmp_path / name)

    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npz", "b.npz"]


def test_an_array_of_several_instruments_asks_which(sample, tmp_path):
    with pytest.raises(WhichInstrument, match="lists polymarket:"):
        exported(sample, "", tmp_path / "x.npz")
    with pytest.raises(WhichInstrument, match="lists polymarket:"):
        exported(sample, "polymarket:none", tmp_path / "x.npz")

    assert list(tmp_path.iterdir()) == []


def test_an_array_never_takes_the_place_of_a_file(sample, tmp_path):
    (tmp_path / "x.npz").write_bytes(b"mine")
    with pytest.raises(Taken):
        exported(sample, "", tmp_path / "x.npz")

    assert (tmp_path / "x.npz").read_bytes() == b"mine"


def test_an_imported_array_is_exported_as_the_rows_it_came_from(sample, tmp_path):
    """The second export begins with the same empty book, so from there on nothing moves any more."""
    instrument = instruments(sample)[0]
    exported(sample, instrument.key, tmp_path / "a.npz")
    first = imported(tmp_path / "a.npz", instrument, tmp_path / "first")
    exported(first, "", tmp_path / "b.npz")
    second = imported(tmp_path / "b.npz", instrument, tmp_path / "second")
    exported(second, "hftbacktest:X", tmp_path / "c.npz")

    assert (tmp_path / "b.npz").read_bytes() == (tmp_path / "c.npz").read_bytes()
    with open_journal(first) as one, open_journal(second) as other:
        assert [(r.kind, r.recv_ns, r.src_ns) for r in one.records() if r.kind == kinds.HFTBACKTEST_EVENTS] == [
            (r.kind, r.recv_ns, r.src_ns) for r in other.records() if r.kind == kinds.HFTBACKTEST_EVENTS
        ]
