"""The step: what each kind of input does, what is said beside the state, and when digests stand."""

import pytest
from row_room import MS, RowRoom, binary, contract
from run_maker import RUN, concluded_by, sample_inputs, start_input

from engine.kernel import codes, kinds
from engine.kernel.derived import decode
from engine.kernel.events import ORDER_ACKED
from engine.kernel.inputs import timer_payload
from engine.kernel.pack import Malformed
from engine.kernel.step import DIGEST_EVERY, STATE_DIGEST_EVERY, Kernel, UnknownKind
from journal.payloads import encode_venue_input
from replay.rebuild import bare_kernel, kernel_of

TRADE = (
    b'{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161256312,"T":1723161256312,"s":"BTCUSDT","t":%d,'
    b'"p":"61800.10","q":"0.500","X":"MARKET","m":true}}'
)


def venue_input(frame: bytes, meta: bytes = b"") -> bytes:
    return encode_venue_input(5, 1, 1, 0, meta, frame)


def room() -> RowRoom:
    made = RowRoom(contract(tick=10_000_000, lot=100_000))
    made.fold(made.snapshot("BTCUSDT", 1))
    return made


def told(found: RowRoom) -> list[dict[str, object]]:
    """What the last input led to, decoded, with the kinds' names."""
    return [{"record": kinds.name(kind), **decode(kind, schema, payload)} for kind, schema, payload in found.derived]


# -- kinds -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [0x0FFF, 0x01FF, 0x001D, 0x0080, 0x2000, 0x8001, 0x0001])
def test_an_unknown_kind_is_refused_before_anything_moves(kind: int) -> None:
    made = room()
    before = made.kernel.checkpoint()

    with pytest.raises(UnknownKind, match=f"record {made.seq + 1} is of kind "):
        made.frame(kind, b"x" * 40)
    assert made.kernel.checkpoint() == before


def test_decoded_events_of_an_unknown_kind_are_refused() -> None:
    with pytest.raises(UnknownKind):
        bare_kernel().step_decoded(1, 1, 0x01FF, 3)


@pytest.mark.parametrize(
    "kind",
    [kinds.CLOCK, kinds.GOVERNANCE, kinds.CONFIG, kinds.RECOVERED, kinds.VERIFY_FAIL],
    ids=kinds.name,
)
def test_words_to_people_leave_their_trace_in_the_digest_alone(kind: int) -> None:
    values = []
    for payload in (b"{}", b'{"a":1}'):
        made = room()
        state = made.kernel.state_digest()
        made.engine_input(kind, payload)
        values.append(int(made.kernel.digest.value))

        assert made.derived == []
        assert made.kernel.state_digest() == state
    assert values[0] != values[1]


def test_the_decoder_of_each_kind_is_known() -> None:
    kernel = bare_kernel()
    decoder = kernel.translator(int(kinds.BINANCE_USDM))

    assert decoder is not None
    assert decoder.name == "binance-usdm/1"
    assert kernel.translator(0x01FF) is None


# -- frames ------------------------------------------------------------------------------------------------------------


def test_a_frame_is_read_behind_its_prefix_and_meta() -> None:
    made = room()
    for number, meta in enumerate((b"", b'{"url":"x"}')):
        made.frame(kinds.BINANCE_USDM, venue_input(TRADE % number, meta))
        market = made.market()

        assert (market.trade_price, market.trade_size) == (6_180_010_000_000, 50_000_000)
        assert made.kernel.batch.meta == b""
        market.trade_price = market.trade_size = 0
    assert sum(made.kernel.path_counts()) == 2


@pytest.mark.parametrize(
    "payload",
    [b"", b"x" * 19, encode_venue_input(5, 1, 1, 0, b"{}", b"")[:-1], venue_input(b"no JSON")],
    ids=["nothing", "no whole prefix", "no whole meta", "no frame"],
)
def test_a_frame_that_cannot_be_read_changes_no_market_and_gates_the_books_of_its_stream(payload: bytes) -> None:
    made = room()
    before = made.market().unsaved, made.market().valid
    made.frame(kinds.BINANCE_USDM, payload)

    assert made.derived_kinds == ["UNPARSED", "GATE"]
    assert decode(int(kinds.UNPARSED), 1, made.derived[0][2]) == {"source": 3, "code": int(codes.BAD_FRAME)}
    assert (made.market().unsaved, made.market().valid) == before
    assert made.kernel.unreadable == 1
    made.source = 4
    made.frame(kinds.BINANCE_USDM, venue_input(TRADE % 1))
    assert made.derived == []
    made.source = 3
    made.frame(kinds.BINANCE_USDM, venue_input(TRADE % 2))
    assert made.derived_kinds == ["GATE"]
    made.frame(kinds.BINANCE_USDM, venue_input(TRADE % 3))
    assert made.derived == []


def test_an_outcome_that_cannot_be_read_is_said_until_one_can() -> None:
    made = room()
    made.frame(kinds.OUTCOME, b"short")

    assert made.derived_kinds[0] == "UNPARSED"
    assert made.kernel.unreadable == 1
    state = made.kernel.state_digest()
    readable = bytes(8) + (1).to_bytes(8, "little") + (5).to_bytes(2, "little") + bytes(6 + 20)
    made.frame(kinds.OUTCOME, readable)
    lifted = made.kernel.state_digest()
    made.frame(kinds.OUTCOME, readable)
    assert lifted != state
    assert made.kernel.state_digest() == lifted


def test_only_rows_of_own_orders_go_to_the_trading_half_and_only_from_a_private_stream() -> None:
    made = RowRoom(binary())
    level = made.diff("YES-M", bids=((4_000, 1),))
    acked = made.row(ORDER_ACKED, "YES-M", 0, MS)
    before = made.kernel.trading.parts()
    made.fold([*level, acked], texts=["an order"])
    public = made.kernel.trading.parts()
    made.kind = int(kinds.POLYMARKET_USER)
    made.fold([*level, acked], texts=["an order"])

    assert public == before
    assert made.kernel.trading.parts() != before


# -- engine inputs -----------------------------------------------------------------------------------------------------


def test_an_engine_input_that_is_not_what_its_schema_says_is_malformed() -> None:
    made = room()
    for kind, payload in ((kinds.TIMER, b"short"), (kinds.CONNECTION, b"no JSON")):
        with pytest.raises(Malformed):
            made.engine_input(kind, payload)


def test_an_unknown_timer_is_refused_and_said() -> None:
    made = room()
    made.engine_input(kinds.TIMER, timer_payload(7, 1))

    assert told(made) == [{"record": "ALERT", "code": int(codes.OP_REFUSED), "text": "TIMER"}]


@pytest.mark.parametrize("kind", [kinds.COMMAND, kinds.HEALTH], ids=kinds.name)
def test_a_word_nobody_understands_is_refused_and_said(kind: int) -> None:
    made = room()
    made.engine_input(kind, b'{"what":"nonsense"}')

    assert {"record": "ALERT", "code": int(codes.OP_REFUSED), "text": kinds.name(kind)} in told(made)


@pytest.mark.parametrize(
    ("kind", "payload", "lost"),
    [
        (kinds.CONNECTION, b'{"state":"up"}', False),
        (kinds.CONNECTION, b'{"state":"down"}', True),
        (kinds.DROP, b'{"frames":3}', True),
    ],
)
def test_what_a_stream_lost_invalidates_its_books(kind: int, payload: bytes, lost: bool) -> None:
    made = room()
    made.engine_input(kind, payload, source=3)

    assert made.market().valid is not lost
    assert made.derived_kinds == (["GAP", "GATE"] if lost else [])


# -- runs and digests --------------------------------------------------------------------------------------------------


def stepped(kernel: Kernel, count: int, first: int = 1) -> list[tuple[int, dict[str, object]]]:
    """Step *count* CLOCK inputs; (place, content) of each DIGEST."""
    found = []
    for seq in range(first, first + count):
        kernel.step(seq, seq, kinds.CLOCK, 1, b"{}", 0, 2)
        found += [
            (seq, decode(kind, schema, payload))
            for kind, schema, payload in concluded_by(kernel)
            if kind == kinds.DIGEST
        ]
    return found


def begin(kernel: Kernel) -> None:
    payload = RUN.payload()
    kernel.step(1, 1, kinds.RUN_START, 1, payload, 0, len(payload))


def test_a_digest_stands_behind_every_4096th_input_of_a_run() -> None:
    kernel = kernel_of(RUN)
    begin(kernel)
    found = stepped(kernel, 2 * DIGEST_EVERY, first=2)

    assert [(seq, content["inputs"]) for seq, content in found] == [(4096, 4096), (8192, 8192)]
    assert [content["state"] for _, content in found] == [b"", b""]


def test_a_state_digest_stands_behind_every_millionth_input_and_at_the_end() -> None:
    kernel = kernel_of(RUN)
    begin(kernel)
    kernel.inputs = STATE_DIGEST_EVERY - 1
    found = stepped(kernel, 1, first=2)

    assert found == [
        (2, {"inputs": STATE_DIGEST_EVERY, "rolling": kernel.digest.value, "state": kernel.state_digest()})
    ]
    kernel.step(3, 3, kinds.RUN_STOP, 1, b"{}", 0, 2)
    last = concluded_by(kernel)[-1]
    assert last[0] == kinds.DIGEST
    assert decode(int(kinds.DIGEST), 1, last[2])["state"] == kernel.state_digest()


def test_a_recording_without_a_run_has_no_digests_and_neither_has_what_follows_a_run() -> None:
    kernel = bare_kernel()

    assert stepped(kernel, 5000) == []
    assert kernel.inputs == 0
    payload = RUN.payload()
    kernel.step(5001, 5001, kinds.RUN_START, 1, payload, 0, len(payload))
    kernel.step(5002, 5002, kinds.RUN_STOP, 1, b"{}", 0, 2)
    assert stepped(kernel, 5000, first=5003) == []


def test_the_state_digest_says_nothing_of_when_it_was_taken_before() -> None:
    asked, not_asked = kernel_of(RUN), kernel_of(RUN)
    inputs = [start_input(RUN), *sample_inputs(120, markets=3, disconnect_every=40)]
    for seq, (kind, source, recv_ns, _, payload) in enumerate(inputs, 1):
        for kernel in (asked, not_asked):
            kernel.step(seq, recv_ns, kind, source, payload, 0, len(payload))
        asked.state_digest()

    assert asked.state_digest() == not_asked.state_digest()


def test_the_state_digest_moves_with_any_level_and_comes_back_with_it() -> None:
    made = RowRoom(binary("A"), binary("B"))
    for symbol in ("YES-A", "YES-B"):
        made.fold(made.snapshot(symbol, bids=((4_000, 1),), venue_ns=MS))
    first = made.kernel.state_digest()
    made.fold(made.diff("YES-B", bids=((3_000, 1),), venue_ns=MS))
    second = made.kernel.state_digest()
    made.fold(made.diff("YES-B", bids=((3_000, 0),), venue_ns=MS))

    assert first != second
    assert made.kernel.state_digest() == first


def test_a_strategy_is_asked_only_when_something_happened_that_it_may_want_to_know() -> None:
    class Counts:
        calls = 0

        def decide(self, view: object, wake: object) -> tuple[()]:
            Counts.calls += 1
            return ()

    made = room()
    made.kernel.trading.add_strategy("one", Counts(), 3, ())
    calls = []
    for rows in (
        made.diff("BTCUSDT", 2, 1, bids=((10_000_000, 100_000),)),
        made.diff("BTCUSDT", 3, 2, bids=((10_000_000, 100_000),)),
        made.diff("BTCUSDT", 4, 3, bids=((10_000_000, 0),)),
    ):
        made.fold(rows)
        calls.append(Counts.calls)

    assert calls == [1, 1, 2]
