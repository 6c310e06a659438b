"""A real run as a base: its own orders are taken out, and what is left is the market as it would have been told."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from real_run_maker import History, bare, write_real
from resimulations import JOINING, Setting, records, resimulate, strict, write_recording

from engine.kernel import kinds
from engine.kernel.derived import decode
from engine.kernel.record import DERIVED
from engine.kernel.request import decode_request

HUNTER = '''
"""Takes whatever is offered below a price, and offers what it has."""

from engine.kernel.strategy import BUY, SELL, Place


class Hunter:
    def decide(self, view, wake):
        for key in wake.instruments:
            market = view.market(key)
            bid, ask = market.best_bid, market.best_ask
            if bid is None or ask is None:
                continue
            if ask - bid <= 3:
                yield Place(key, BUY, ask, market.best_ask_lots, tif="FAK")
            if not market.own_orders and bid > 1:
                yield Place(key, BUY, bid - 1, 7_000_000)
'''
HUNTING = Setting(HUNTER, "Hunter")


def decided(overlay: Path) -> list[tuple[Any, ...]]:
    """What a run asked for, was told and was refused, and when: all but the numbers of records."""
    found: list[tuple[Any, ...]] = []
    for record in records(overlay):
        if record.kind == kinds.REQUEST:
            request = decode_request(record.seq, record.payload)
            what = (request.symbol, request.side, request.price, request.size, request.tif, request.target > 0)
            found.append((record.recv_ns, "request", request.what, *map(int, what[1:]), what[0]))
        elif record.kind == kinds.VERDICT:
            verdict = decode(record.kind, record.schema, record.payload)
            found.append((record.recv_ns, "verdict", *[verdict[name] for name in ("code", "detail", "margin")]))
        elif record.kind >= kinds.SIM_ACKED and not record.flags & DERIVED and record.kind < kinds.OUTCOME:
            found.append((record.recv_ns, kinds.name(record.kind), record.payload[8:]))
        elif record.kind == kinds.TIMER:
            found.append((record.recv_ns, "timer"))
    return found


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10**9), st.sampled_from([JOINING, HUNTING]))
def test_a_base_whose_own_orders_are_taken_out_gives_the_run_of_the_bare_market(
    tmp_path_factory: pytest.TempPathFactory, seed: int, setting: Setting
) -> None:
    folder = tmp_path_factory.mktemp("base")
    history = History(seed)
    write_recording(folder / "bare", bare(history))
    write_real(folder / "real", history)
    without = resimulate(folder / "bare", setting, folder / "on-bare")
    taken = resimulate(folder / "real", setting, folder / "on-real")

    assert without.taken is None
    assert taken.taken is not None
    assert taken.taken.orders == len(history.lives)
    assert decided(folder / "on-bare") == decided(folder / "on-real")
    assert strict(folder / "on-real").identical
