"""The simulated venue's reports: fixed-width bytes, and the events they become."""

import pytest

from adapters.simulated.clearing import Line
from adapters.simulated.latency import Delay
from adapters.simulated.reports import VENUE, Report, translators
from engine.kernel import codes, kinds
from engine.kernel.events import (
    CANCEL_REFUSED,
    CREDIT_REWARD,
    CREDITED,
    FILL_MAKER,
    FILL_PROVISIONAL,
    ORDER_ACKED,
    ORDER_CANCELLED,
    ORDER_FILLED,
    ORDER_REJECTED,
    SETS_CONVERTED,
    SETS_REFUSED,
    STRIDE,
    TRADE_FAILED,
    TRADE_STATUS,
    EventBatch,
    Symbols,
)
from engine.kernel.pack import Packer
from engine.kernel.record import NONE


def events(report: Report) -> tuple[list[int], list[str]]:
    """The one row that *report* becomes, and the batch's texts: the same read from its bytes as from itself."""
    batch, direct = EventBatch(), EventBatch()
    direct.add(99, 0, 0, 0, 0, 0, 0, 0)
    translator = translators(Symbols(VENUE))[int(report.kind)]
    payload = report.payload(Packer())
    padded = b"\xff" * 3 + payload + b"\xff" * 5

    assert translator.translate(padded, 3, 3 + len(payload), batch) == codes.OK
    assert batch.count == 1
    report.fill(direct)
    row = [batch.rows[at] for at in range(STRIDE)]
    assert (direct.count, [direct.rows[at] for at in range(STRIDE)], direct.texts) == (1, row, batch.texts)
    return row, list(batch.texts)


def test_a_report_is_good_until_the_next_one_is_taken_and_then_says_another_one() -> None:
    line = Line(Delay(5))
    for number in range(3):
        line.say(number, 0, kinds.SIM_FILLED, number, 10 * number, 1, 2, 3, 4, 5)
    first = line.take(5)
    assert first is not None
    line.say(3, 0, kinds.SIM_ACKED, 3, 30)

    assert (first.request, first.e) == (0, 5)
    second = line.take(15)
    line.say(4, 0, kinds.SIM_CANCELLED, 4, 40, 7)
    assert first.behind is None
    assert payload(first) == payload(Report(45, kinds.SIM_CANCELLED, 4, 40, 7))
    assert second is not None
    assert second.request == 1
    assert [payload(line.take(45)) for _ in range(3)] == [
        payload(Report(25, kinds.SIM_FILLED, 2, 20, 1, 2, 3, 4, 5)),
        payload(Report(35, kinds.SIM_ACKED, 3, 30)),
        payload(Report(45, kinds.SIM_CANCELLED, 4, 40, 7)),
    ]
    assert (line.take(100), line.next_ns) == (None, NONE)


def payload(report: Report | None) -> tuple[int, int, bytes]:
    """All that *report* says, and when it reaches us."""
    assert report is not None
    return int(report.at_ns), int(report.kind), report.payload(Packer())


def test_each_report_becomes_the_event_it_says() -> None:
    code = int(codes.OFF_GRID)
    for report, expected in (
        (Report(9, kinds.SIM_ACKED, 7, 5), [ORDER_ACKED, 7, -1, 5, 0, 0, 0, 0]),
        (Report(9, kinds.SIM_CANCELLED, 7, 5, 3), [ORDER_CANCELLED, 7, -1, 3, 5, codes.OK, 0, 0]),
        (Report(9, kinds.SIM_EXPIRED, 7, 5, 3), [ORDER_CANCELLED, 7, -1, 3, 5, codes.OK, 0, 0]),
        (Report(9, kinds.SIM_REJECTED, 7, 5, code), [ORDER_REJECTED, 7, -1, code, 5, 0, 0, 0]),
        (Report(9, kinds.SIM_CANCEL_REFUSED, 7, 5, code), [CANCEL_REFUSED, 7, -1, code, 5, 0, 0, 0]),
        (Report(9, kinds.SIM_CONVERTED, 7, 5), [SETS_CONVERTED, 7, 5, 0, 0, 0, 0, 0]),
        (Report(9, kinds.SIM_CONVERSION_REFUSED, 7, 5, code), [SETS_REFUSED, 7, code, 5, 0, 0, 0, 0]),
        (Report(9, kinds.SIM_CREDITED, 3, 5, 120, CREDIT_REWARD), [CREDITED, 0, 3, 120, CREDIT_REWARD, 5, 0, 0]),
    ):
        assert events(report) == (expected, [])


@pytest.mark.parametrize("flags", [0, FILL_MAKER])
def test_a_final_fill_needs_no_name_and_leaves_the_fee_to_the_kernel(flags: int) -> None:
    row, texts = events(Report(9, kinds.SIM_FILLED, 7, 5, 4200, 1_000_000, flags, 12, NONE))

    assert row == [ORDER_FILLED, 7, -1, 4200, 1_000_000, NONE, flags, -1]
    assert texts == []


def test_a_fill_that_may_still_fail_names_its_trade_and_states_its_fee_where_the_venue_does() -> None:
    row, texts = events(Report(9, kinds.SIM_FILLED, 7, 5, 4200, 1_000_000, FILL_PROVISIONAL, 12, 300))

    assert row == [ORDER_FILLED, 7, -1, 4200, 1_000_000, 300, FILL_PROVISIONAL, 0]
    assert texts == ["sim-trade-12"]


def test_a_step_of_settlement_names_the_trade_as_its_fill_did() -> None:
    row, texts = events(Report(9, kinds.SIM_SETTLED, 7, 5, 12, TRADE_FAILED))

    assert row == [TRADE_STATUS, 7, -1, 0, TRADE_FAILED, 5, 0, 0]
    assert texts == ["sim-trade-12"]


def test_a_report_of_another_length_is_no_report() -> None:
    whole = Report(9, kinds.SIM_ACKED, 7, 5).payload(Packer())
    translator = translators(Symbols(VENUE))[int(kinds.SIM_ACKED)]
    for payload in (b"", whole[:-1], whole + b"\0", whole * 2):
        batch = EventBatch()
        assert translator.translate(payload, 0, len(payload), batch) == codes.BAD_FRAME
        assert batch.count == 0


def test_every_kind_of_report_has_a_decoder_with_a_version_in_its_name() -> None:
    found = translators(Symbols(VENUE))

    assert {kinds.name(kind) for kind in found} == {name for name in kinds.NAMES.values() if name.startswith("SIM_")}
    assert [translator.name for translator in found.values()] == [
        "sim-acked/1",
        "sim-filled/1",
        "sim-cancelled/1",
        "sim-rejected/1",
        "sim-expired/1",
        "sim-cancel-refused/1",
        "sim-settled/1",
        "sim-converted/1",
        "sim-conversion-refused/1",
        "sim-credited/1",
    ]
