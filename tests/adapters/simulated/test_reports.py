"""The simulated venue's reports: fixed-width bytes, and the events they become."""

import pytest

from adapters.simulated.reports import VENUE, Report, ended, filled, short, translators
from engine.kernel import codes, kinds
from engine.kernel.events import (
    CANCEL_REFUSED,
    FILL_MAKER,
    ORDER_ACKED,
    ORDER_CANCELLED,
    ORDER_FILLED,
    ORDER_REJECTED,
    STRIDE,
    EventBatch,
    Symbols,
)
from engine.kernel.record import NONE


def events(report: Report) -> tuple[list[int], list[str]]:
    """The one row that *report* becomes, and the batch's texts."""
    batch = EventBatch()
    translator = translators(Symbols(VENUE))[int(report.kind)]
    padded = b"\xff" * 3 + report.payload + b"\xff" * 5

    assert translator.translate(padded, 3, 3 + len(report.payload), batch) == codes.OK
    assert batch.count == 1
    return [batch.rows[at] for at in range(STRIDE)], list(batch.texts)


def test_each_report_becomes_the_event_it_says() -> None:
    code = int(codes.OFF_GRID)
    for report, expected in (
        (short(kinds.SIM_ACKED, 9, 7, 5), [ORDER_ACKED, 7, 0, 5, 0, 0, 0, 0]),
        (ended(kinds.SIM_CANCELLED, 9, 7, 5, 3), [ORDER_CANCELLED, 7, 0, 3, 5, codes.OK, 0, 0]),
        (ended(kinds.SIM_EXPIRED, 9, 7, 5, 3), [ORDER_CANCELLED, 7, 0, 3, 5, codes.OK, 0, 0]),
        (ended(kinds.SIM_REJECTED, 9, 7, 5, code), [ORDER_REJECTED, 7, 0, code, 5, 0, 0, 0]),
        (ended(kinds.SIM_CANCEL_REFUSED, 9, 7, 5, code), [CANCEL_REFUSED, 7, 0, code, 5, 0, 0, 0]),
    ):
        row, texts = events(report)
        assert row == expected
        assert texts == ["sim-7"]


@pytest.mark.parametrize("maker", [True, False])
def test_a_fill_names_its_trade_and_leaves_the_fee_to_the_kernel(maker: bool) -> None:
    row, texts = events(filled(9, 7, 5, 4200, 1_000_000, maker, 12))

    assert texts == ["sim-7", "sim-trade-12"] or texts == ["sim-trade-12", "sim-7"]
    assert [row[0], row[1], *row[3:7]] == [ORDER_FILLED, 7, 4200, 1_000_000, NONE, FILL_MAKER if maker else 0]
    assert (texts[row[2]], texts[row[7]]) == ("sim-7", "sim-trade-12")


def test_a_report_of_another_length_is_no_report() -> None:
    report = short(kinds.SIM_ACKED, 9, 7, 5)
    translator = translators(Symbols(VENUE))[int(kinds.SIM_ACKED)]
    for payload in (b"", report.payload[:-1], report.payload + b"\0", report.payload * 2):
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
    ]
