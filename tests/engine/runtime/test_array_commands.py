"""`engine journal import` and `export` of hftbacktest's arrays, as a person and a script see them."""

import json
import struct
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from engine.runtime.cli import engine
from engine.runtime.exits import Exit
from replay.arrays import header

T = 1_700_000_000_000_000_000
BID, ASK, BOTH = 1 << 29, 1 << 28, 3 << 30
LISTED = {
    "venue": "hftbacktest",
    "markets": [
        {"symbol": "BTCUSDT", "kind": "perpetual", "tick_size": "0.1", "lot_size": "0.001", "settlement": "USDT"}
    ],
}


def run(*words: object, code: int = 0) -> Result:
    found = CliRunner().invoke(engine, ["journal", *map(str, words)])

    assert found.exit_code == code, found.output
    return found


def row(kind: int, side: int, exch: int, local: int, price: float, size: float, seen: int = BOTH) -> bytes:
    return struct.pack("<QqqddQqd", kind | side | seen, T + exch, T + local, price, size, 0, 0, 0.0)


@pytest.fixture
def array(tmp_path: Path) -> Path:
    rows = [
        row(1, BID, 0, 3, 60000.1, 1.5),
        row(1, ASK, 0, 3, 60000.3, 0.25),
        row(1, BID, 1, 9, 60000.0, 0.5, seen=1 << 31),
        row(2, BID, 5, 8, 60000.3, 0.25),
        row(1, ASK, 5, 8, 60000.3, 0.0),
        row(1, ASK, 4, 7, 60000.35, 2.0),
    ]
    path = tmp_path / "btcusdt_20231114.npy"
    path.write_bytes(header(len(rows)) + b"".join(rows))
    return path


@pytest.fixture
def journal(tmp_path: Path, array: Path) -> Path:
    catalogue = tmp_path / "assets.json"
    catalogue.write_text(json.dumps(LISTED))
    run("import", array, "--catalog", catalogue, "-o", tmp_path / "journal")
    return tmp_path / "journal"


def test_import_tells_what_became_of_every_row(tmp_path: Path, array: Path) -> None:
    found = run("import", array, "-o", tmp_path / "journal")

    assert "btcusdt_20231114.npy: 2 rows in the record of the row before" in found.stdout
    assert "btcusdt_20231114.npy: 1 row for the exchange side only, not journalled" in found.stdout
    assert "btcusdt_20231114.npy: 1 record with a time before that of the record above" in found.stdout


def test_import_of_an_array_without_symbol_says_what_to_add(tmp_path: Path, array: Path) -> None:
    found = run("import", array.rename(tmp_path / "x.npy"), "-o", tmp_path / "journal", code=Exit.USAGE)

    assert "add --symbol SYMBOL" in found.output


def test_export_tells_the_rows_and_what_was_left_out(tmp_path: Path, journal: Path) -> None:
    found = run("export", journal, "-o", tmp_path / "x.npz")
    fields: dict[str, Any] = json.loads(run("export", journal, "-o", tmp_path / "y.npz", "--json").stdout)

    assert "x.npz: 5 rows of hftbacktest:BTCUSDT, 3 levels, 1 trade" in found.stdout
    assert "1 record with a venue time before that of the one above" in found.stdout
    assert "1 level between two ticks, left out" in found.stdout
    assert fields["instrument"] == "hftbacktest:BTCUSDT"
    assert (fields["records"], fields["levels"], fields["trades"], fields["books"]) == (5, 3, 1, 1)
    assert (fields["stamped_later"], fields["off_grid"], fields["format"]) == (1, 1, "npz")
    assert (tmp_path / "x.npz").read_bytes() == (tmp_path / "y.npz").read_bytes()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--limit", "3"), "takes no selection"),
        (("--instrument", "a:B"), "--instrument KEY"),
        (("--format", "csv", "--instrument", "a:B"), "belongs to --format npz"),
    ],
)
def test_export_refuses_what_an_array_cannot_be(tmp_path: Path, journal: Path, words: Any, told: str) -> None:
    found = run("export", journal, "-o", tmp_path / "x.npz", *words, code=Exit.USAGE)

    assert told in found.output
    assert not (tmp_path / "x.npz").exists()


def test_export_of_a_damaged_journal_ends_with_its_damage(tmp_path: Path, journal: Path) -> None:
    (segment,) = journal.glob("*.zst")
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 0xFF
    segment.write_bytes(bytes(data))

    run("export", journal, "-o", tmp_path / "x.npz", code=Exit.DAMAGED)
    assert not (tmp_path / "x.npz").exists()
