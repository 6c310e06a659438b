"""Inputs given in numbers lead to what the same inputs lead to as records: `Kernel.step_timer` and `step_order`."""

from typing import Any

import pytest
from attrs import evolve
from conftest import ROOT
from row_room import MS, RowRoom, contract
from run_maker import RUN, concluded_by

from adapters.simulated.reports import Report
from engine.kernel import kinds
from engine.kernel.events import FILL_MAKER, ORDER_ACKED, ORDER_CANCELLED, ORDER_FILLED
from engine.kernel.inputs import timer_payload
from engine.kernel.pack import Packer
from engine.kernel.record import NONE
from engine.kernel.strategy import BUY, SELL, Cancel, Place, SetTimer

POLICY = (ROOT / "config" / "trading_policy.yaml").read_text(encoding="utf-8")
KEY = "binance-usdm:BTCUSDT"
VENUE = 9
ROUNDS = 12


class Moves:
    """Quotes both sides, and moves what it can at each of its timers."""

    def decide(self, view: Any, wake: Any) -> list[object]:
        """What it wants now."""
        market = view.market(KEY)
        if not wake.timers:
            return [] if wake.changes or view.timers else [SetTimer("step", after_ns=100 * MS, every_ns=100 * MS)]
        step = view.seq % 7
        wanted: list[object] = [Cancel(order) for order in market.own_orders if order.live]
        wanted.append(Place(KEY, BUY, 1_000_000 - step, 5, post_only=True))
        wanted.append(Place(KEY, SELL, 1_000_002 + step, 5, post_only=True))
        return wanted


class Played(RowRoom):
    """A kernel whose timers and reports arrive either as records or in numbers."""

    def __init__(self, in_words: bool) -> None:
        super().__init__(contract(min_size=100, fee_ppm=0), run=evolve(RUN, policy=POLICY))
        self.in_words = in_words
        self.said: list[list[tuple[int, int, bytes]]] = []
        self.kernel.trading.add_strategy("moves", Moves(), 3, ())
        self.fold(self.snapshot("BTCUSDT", bids=[(10_000_000, 5_000)], asks=[(10_000_020, 5_000)], venue_ns=self.now))
        self.ended()

    def ended(self) -> None:
        """Keep what the last input led to."""
        self.said.append(concluded_by(self.kernel))
        self.seq += len(self.said[-1])

    def timer(self) -> None:
        """The next timer is due."""
        trading = self.kernel.trading
        number, due = trading.next_timer(), trading.next_due()
        self.seq, self.now = self.seq + 1, due
        if self.in_words:
            self.kernel.step_timer(self.seq, due, number, due)
        else:
            payload = timer_payload(number, due)
            self.kernel.step(self.seq, due, kinds.TIMER, 1, payload, 0, len(payload))
        self.ended()

    def report(self, kind: int, request: int, a: int = 0, b: int = 0, c: int = 0) -> None:
        """The simulated venue says something of the order *request*."""
        self.seq, self.now = self.seq + 1, self.now + MS
        at, seq, kernel = self.now, self.seq, self.kernel
        if not self.in_words:
            payload = Report(at, kind, request, at, a, b, c).payload(Packer())
            kernel.step(seq, at, kind, VENUE, payload, 0, len(payload))
        elif kind == kinds.SIM_FILLED:
            kernel.step_order(seq, at, kind, VENUE, ORDER_FILLED, request, a, b, int(NONE), c)
        elif kind == kinds.SIM_ACKED:
            kernel.step_order(seq, at, kind, VENUE, ORDER_ACKED, request, at, 0, 0, 0)
        else:
            kernel.step_order(seq, at, kind, VENUE, ORDER_CANCELLED, request, a, at, 0, 0)
        self.ended()

    def play(self) -> "Played":
        """A few steps: everything is acknowledged, some of it filled, what is cancelled ends."""
        for number in range(ROUNDS):
            self.timer()
            for request in list(self.kernel.trading.requests):
                if request.what == 2:
                    self.report(int(kinds.SIM_CANCELLED), request.target)
                else:
                    self.report(int(kinds.SIM_ACKED), request.number)
                    if number % 3 == 0:
                        self.report(int(kinds.SIM_FILLED), request.number, request.price, 200, int(FILL_MAKER))
        return self


def test_timers_and_reports_in_numbers_are_those_of_records() -> None:
    records, words = Played(False).play(), Played(True).play()

    assert words.said == records.said
    assert sum(len(said) for said in words.said) > 100
    assert words.kernel.digest.value == records.kernel.digest.value
    assert words.kernel.checkpoint() == records.kernel.checkpoint()


@pytest.mark.parametrize("in_words", [False, True])
def test_a_timer_nobody_set_is_refused_in_both(in_words: bool) -> None:
    played = Played(in_words)
    played.kernel.trading.desk.timers.cancel_owner(1)
    played.seq += 1
    if in_words:
        played.kernel.step_timer(played.seq, played.now, 77, played.now)
    else:
        played.kernel.step(played.seq, played.now, kinds.TIMER, 1, timer_payload(77, played.now), 0, 16)

    assert [record.kind for record in played.kernel.out.records] == [kinds.ALERT]


@pytest.mark.parametrize("in_words", [False, True])
def test_a_report_of_an_order_nobody_sent_moves_only_the_digest(in_words: bool) -> None:
    played = Played(in_words)
    before = [part for name, part in played.kernel.trading.parts()]
    played.report(int(kinds.SIM_ACKED), 4711)

    assert played.said[-1] == []
    assert [part for name, part in played.kernel.trading.parts()] == before


@pytest.mark.parametrize("in_words", [False, True])
def test_a_report_shows_that_its_stream_can_be_read_again(in_words: bool) -> None:
    played = Played(in_words)
    played.seq += 1
    played.kernel.step(played.seq, played.now, kinds.SIM_ACKED, VENUE, b"short", 0, 5)
    played.ended()
    played.report(int(kinds.SIM_ACKED), 4711)
    played.seq += 1
    bad_again = len(played.said[-2])
    played.kernel.step(played.seq, played.now, kinds.SIM_ACKED, VENUE, b"short", 0, 5)

    assert [record.kind for record in played.kernel.out.records] == [kinds.UNPARSED]
    assert bad_again == 1
