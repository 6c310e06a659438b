"""How records are shown."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.kernel import codes, kinds, record
from engine.kernel.derived import encode
from engine.kernel.inputs import timer_payload
from journal.payloads import encode_outcome, encode_venue_input
from journal.show import as_fields, as_line, content, frame_of, payload_fields, readable, utc, utc_to_ns


class Record:
    def __init__(self, kind=int(kinds.BINANCE_SPOT), payload=b"", seq=7, cause=0, flags=0):
        self.seq, self.cause, self.kind, self.flags, self.payload = seq, cause, kind, flags, payload
        self.recv_ns, self.src_ns, self.schema, self.source = 1_723_161_255_030_314_667, record.NONE, 1, 2


@given(st.integers(0, 2**63 - 1))
def test_a_time_read_back_is_the_same_nanosecond(ns):
    assert utc_to_ns(utc(ns)) == ns


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-02", 86_400_000_000_000),
        ("1970-01-01 00:01", 60_000_000_000),
        ("1970-01-01T00:00:01.5", 1_500_000_000),
        ("1970-01-01T01:00:00+01:00", 0),
    ],
)
def test_a_time_may_be_written_short_or_with_an_offset(text, expected):
    assert utc_to_ns(text) == expected


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2024-13-01", "2024-08-08T25:00:00", "2024-08-08T23:54:15.0123456789"]
)
def test_text_that_is_no_time_is_refused(text):
    with pytest.raises(ValueError):
        utc_to_ns(text)


def test_a_frame_keeps_its_exact_json_text():
    frame = b'{"p":1.10,"n":123456789012345678901234567890}'
    payload = encode_venue_input(5, 1, 2, 200, b'{"symbol":"X"}', frame)
    shown = orjson.dumps(as_fields(Record(payload=payload), {2: "binance-spot"}))

    assert frame in shown
    assert frame_of(kinds.BINANCE_SPOT, payload) == frame
    assert orjson.loads(shown)["source_name"] == "binance-spot"


def test_what_a_payload_says_never_stands_for_what_the_record_says():
    """An UNPARSED names the source of the frame it speaks of; it comes from the engine."""
    payload = encode(kinds.UNPARSED, 1, {"source": 3, "code": codes.BAD_NUMBER})
    shown = as_fields(Record(int(kinds.UNPARSED), payload), {2: "engine"})

    assert (shown["source"], shown["source_name"], shown["kind"]) == (2, "engine", "UNPARSED")
    assert shown["payload"] == {"source": 3, "code": "BAD_NUMBER"}


@given(
    kind=st.sampled_from([kinds.BINANCE_SPOT, kinds.OUTCOME, kinds.DIGEST, kinds.CONNECTION, 0x8001]), data=st.binary()
)
def test_every_payload_can_be_shown_on_one_line_and_as_json(kind, data):
    line = readable(kind, 1, data)

    assert "\n" not in line
    assert "\x1b" not in line
    orjson.loads(orjson.dumps(payload_fields(kind, 1, data)))


def test_a_long_payload_is_cut_and_says_by_how_much():
    line = as_line(Record(kind=0x8001, payload=b"{" + b"x" * 500), {}, 100)

    assert line.endswith("... (401 more)")


def test_control_characters_of_a_venue_do_not_reach_the_terminal():
    payload = encode_venue_input(5, 1, 2, 0, b"", b'{"a":"\x1b[2J"}')

    assert "\x1b" not in as_line(Record(payload=payload), {}, 0)


def test_an_outcome_is_shown_by_name():
    fields = payload_fields(kinds.OUTCOME, 1, encode_outcome(3, 4, 1, 0))

    assert (fields["outcome"], fields["request_seq"], fields["ledger_seq"]) == ("ACKED", 3, 4)


def test_an_absent_time_is_a_dash_and_bytes_that_are_no_text_are_hex():
    payload = encode_venue_input(record.NONE, 1, 2, 0, b"", b"\xff\x00")

    assert utc(record.NONE) == "-"
    assert readable(int(kinds.BINANCE_SPOT), 1, payload) == "ff00"


def test_a_derived_record_is_shown_by_the_names_of_its_fields():
    payload = encode(kinds.GATE, 1, {"code": codes.DATA_SUSPECT, "scope": 2, "number": 7, "closed": 1, "safety": 0})

    assert readable(kinds.GATE, 1, payload) == "code=DATA_SUSPECT scope=market number=7 closed=1 safety=0"
    assert payload_fields(kinds.GATE, 1, payload)["scope"] == "market"
    assert readable(kinds.GATE, 9, payload) == payload.hex()  # a layout that this build does not know
    digest = encode(kinds.DIGEST, 1, {"inputs": 4096, "rolling": 5, "state": b""})
    assert readable(kinds.DIGEST, 1, digest) == "inputs=4096 rolling=5 state=-"


def test_an_absent_field_is_a_dash_and_a_text_with_blanks_is_quoted():
    alert = encode(kinds.ALERT, 1, {"code": codes.CFG_INVALID, "text": "two words"})
    gap = encode(kinds.GAP, 1, {"market": 99, "expected": record.NONE, "found": 3, "code": 12_345})

    assert readable(kinds.ALERT, 1, alert) == "code=CFG_INVALID text='two words'"
    assert readable(kinds.GAP, 1, gap) == "market=99 expected=- found=3 code=12345"


def test_a_timer_and_a_span_are_shown_by_the_names_of_their_fields():
    assert readable(kinds.TIMER, 1, timer_payload(3, 1_000)) == "timer=3 due_ns=1000"
    assert readable(kinds.TIMER, 1, b"short") == b"short".hex()
    assert readable(kinds.GATE, 1, b"short") == b"short".hex()


def test_content_is_json_text_or_hex():
    assert content(b"plain") == "plain"
    assert content(b"{not json}") == "{not json}"
    assert content(b"\xff") == {"hex": "ff"}
