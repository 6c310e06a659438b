"""Catalogues, and what a recording's name and first lines tell."""

import gzip
import json
from pathlib import Path

import orjson
import pytest

from engine.kernel import kinds, record
from journal.disk import RealDisk
from journal.importer.catalogue import CATALOGUE_LIMIT, read_catalogue, venue_of_catalogue
from journal.importer.formats import FRAME_LIMIT
from journal.importer.recording import NeedsAnswer, NotARecording
from journal.importer.sniff import Recording, sniff

DISK = RealDisk()
TICKER = b'{"stream":"btcusdt@bookTicker","data":{"u":1,"s":"BTCUSDT","b":"1","B":"2","a":"3","A":"4"}}'


@pytest.mark.parametrize(
    ("file", "kind", "at"),
    [
        ("cryptofeed_spot_exchangeInfo_2021-10-12.txt.gz", kinds.BINANCE_SPOT_CATALOGUE, 1633998511_132_921_000),
        ("cryptofeed_usdm_exchangeInfo_2021-07-22.txt.gz", kinds.BINANCE_USDM_CATALOGUE, 1626992740_175_661_000),
    ],
)
def test_a_recorded_exchange_info_keeps_its_bytes_its_time_and_its_address(shared, file, kind, at):
    path = shared / "binance" / file
    (found,) = read_catalogue(DISK, path)

    assert (found.kind, found.recorded_ns) == (kind, at)
    assert b": " + found.frame + b"\n" in gzip.decompress(path.read_bytes())
    assert orjson.loads(found.frame)["symbols"]
    assert orjson.loads(found.meta)["file"] == file


def test_market_objects_in_json_lines_are_one_document_each(shared):
    path = shared / "polymarket/ligengxin96_btc5m/BTC-5m-markets-2026-07-24.jsonl.gz"
    found = read_catalogue(DISK, path)

    assert len(found) == 292
    assert {(one.kind, one.recorded_ns) for one in found} == {(kinds.POLYMARKET_CATALOGUE, record.NONE)}
    assert b"\n".join(one.frame for one in found) == gzip.decompress(path.read_bytes()).rstrip(b"\n")


@pytest.mark.parametrize("name", ["markets.json", "market.json", "markets_list.json", "event.json"])
def test_polymarkets_own_replies_are_known_by_their_keys(shared, name):
    path = shared / "polymarket/nautilus_trader/http_responses" / name
    (found,) = read_catalogue(DISK, path)

    assert found.kind == kinds.POLYMARKET_CATALOGUE
    assert found.frame == path.read_bytes()


def test_a_document_that_does_not_tell_its_venue_needs_an_answer(tmp_path):
    path = tmp_path / "own.json"
    path.write_bytes(b'{"symbols":[{"symbol":"BTCUSDT"}]}')

    with pytest.raises(NeedsAnswer) as asked:
        read_catalogue(DISK, path)
    assert asked.value.option == "--venue"
    assert read_catalogue(DISK, path, "binance-spot")[0].kind == kinds.BINANCE_SPOT_CATALOGUE


def test_a_reply_from_an_unknown_host_needs_an_answer(tmp_path):
    path = tmp_path / "reply.txt"
    path.write_bytes(b"https://www.deribit.com/api -> 1626993723.5: {}\n")

    with pytest.raises(NeedsAnswer, match="no venue is known"):
        read_catalogue(DISK, path)
    path.write_bytes(b"https://clob.polymarket.com/markets -> 1626993723.5: {}\n\n")
    assert read_catalogue(DISK, path)[0].venue == "polymarket"


def test_json_lines_may_hold_blank_ones_and_no_document_may_be_larger_than_a_record(tmp_path):
    path = tmp_path / "markets.jsonl"
    path.write_bytes(b'{"conditionId":"1"}\n\n{"conditionId":"2"}\n')
    assert len(read_catalogue(DISK, path)) == 2
    path.write_bytes(b'{"conditionId":"%s"}' % (b"x" * FRAME_LIMIT))

    with pytest.raises(NotARecording, match="a record holds 16 MiB at most"):
        read_catalogue(DISK, path)


def test_a_hand_written_document_states_its_venue():
    assert (
        venue_of_catalogue({"venue": "binance-usdm", "source": "exchangeInfo of 2021", "symbols": []}) == "binance-usdm"
    )
    assert venue_of_catalogue({"venue": "elsewhere"}) == ""
    assert venue_of_catalogue({"symbols": [], "exchangeFilters": []}) == "binance-spot"
    assert venue_of_catalogue({"symbols": [], "exchangeFilters": [], "futuresType": "U_MARGINED"}) == "binance-usdm"
    assert venue_of_catalogue([]) == ""
    assert venue_of_catalogue(7) == ""


def test_a_document_nested_without_end_tells_nothing():
    deep: object = {"conditionId": "x"}
    for _ in range(5000):
        deep = {"data": [deep]}

    assert venue_of_catalogue(deep) == ""


@pytest.mark.parametrize(
    "text", [b"", b"\n", b"hello", b"{", b"[1,\n{}", b"https://api.binance.com/x -> soon: {}", b"\xff -> 1: {}"]
)
def test_what_is_no_catalogue_is_refused_in_one_sentence(tmp_path, text):
    path = tmp_path / "catalogue"
    path.write_bytes(text)

    with pytest.raises(NotARecording) as refused:
        read_catalogue(DISK, path)
    assert str(refused.value).startswith("catalogue: ")
    assert "\n" not in str(refused.value)


def test_a_catalogue_that_unpacks_without_end_is_refused_in_bounded_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("journal.importer.catalogue.CATALOGUE_LIMIT", CATALOGUE_LIMIT >> 6)
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(b" " * (CATALOGUE_LIMIT >> 5)))

    with pytest.raises(NotARecording, match="longer than any catalogue"):
        read_catalogue(DISK, path)


def told(name: str, lines: list[bytes], **given: str) -> tuple[str, str, str]:
    known = sniff(Recording(Path(name), **given), lines)
    return known.format, known.venue.name, known.symbol


def test_name_and_first_lines_tell_format_venue_and_symbol():
    frames = [b"1723161255030314667 " + TICKER]
    row = json.dumps({"recv_ms": 1, "payload": '{"event_type": "book"}'}).encode()

    assert told("usdm_btcusdt_20240808.gz", frames) == ("hftbacktest", "binance-usdm", "BTCUSDT")
    assert told("spot_btcusdt_20240808.gz", frames) == ("hftbacktest", "binance-spot", "BTCUSDT")
    assert told("frames.jsonl", [row]) == ("jsonl", "polymarket-market", "")
    assert told("x", [b"", b"wss://fstream.binance.com/stream?streams=a <-> 1626992740.17"]) == (
        "cryptofeed",
        "binance-usdm",
        "",
    )


def test_what_neither_tells_is_asked_for():
    frames = [b"1723161255030314667 " + TICKER]

    with pytest.raises(NeedsAnswer, match="venue"):
        told("btcusdt_20240808.gz", frames)
    with pytest.raises(NeedsAnswer, match="its name says ETHUSDT, its frames are of BTCUSDT"):
        told("usdm_ethusdt_20240808.gz", frames)
    assert told("usdm_ethusdt_20240808.gz", frames, symbol="BTCUSDT")[2] == "BTCUSDT"
    assert told("a.gz", frames, venue="binance-spot") == ("hftbacktest", "binance-spot", "")


def test_user_and_market_channel_are_told_apart_by_their_events():
    row = json.dumps({"recv_ms": 1, "payload": '{"event_type": "trade"}'}).encode()

    assert told("frames.jsonl", [row])[1] == "polymarket-user"
    with pytest.raises(NeedsAnswer):
        told("frames.jsonl", [b"{", b"[]", b'{"recv_ms":1}', b'{"raw":"{}"}'])
    with pytest.raises(NeedsAnswer):
        told("usdm_x.txt", [b"1723161255030314667 {}"])


@pytest.mark.parametrize("lines", [[], [b""], [b"hello"], [b"\xff\xfe"]])
def test_a_file_of_no_known_format_is_refused(lines):
    with pytest.raises(NotARecording):
        told("x", lines)
