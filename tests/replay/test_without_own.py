"""A real run as a base: its own orders are taken out, and what is left is the market as it would have been told."""

import json
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from click.testing import CliRunner
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from real_run_maker import History, bare, write_real
from resimulations import JOINING, Setting, records, resimulate, rewritten, strict, write_recording

from engine.kernel import kinds
from engine.kernel.derived import decode
from engine.kernel.levels import levels_of
from engine.kernel.market import WAKE_TRADE
from engine.kernel.record import DERIVED, NONE
from engine.kernel.request import decode_request
from engine.kernel.step import DIGEST_EVERY
from engine.kernel.units import BID
from engine.runtime.cli import engine
from journal.background import Inline
from journal.disk import RealDisk
from journal.reader import open_journal
from replay.decoded import DecodedCursor
from replay.decoders import newest
from replay.feed import JournalFeed
from replay.overlay import base_of, open_base
from replay.rebuild import bare_kernel
from replay.resimulation import Simulated, Simulation, overlay_writer
from replay.resume import Checkpoints
from replay.run import KEPT, TAKEN_OUT
from replay.verify import replay_strictly, this_build
from replay.without_own import UnknownTreatment, feed_of
from scenarios.sample.recording import START_NS

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
            request = decode_request(record.seq, record.schema, record.payload)
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


ONCE = settings(max_examples=6, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
"""A history is one number: a smaller one is no simpler."""


def both(folder: Path, seed: int, setting: Setting) -> tuple[History, Simulated]:
    """Resimulate on the bare market and on the real run, as far as overlays; returns what came of the second."""
    history = History(seed)
    write_recording(folder / "bare", bare(history))
    write_real(folder / "real", history)
    assert resimulate(folder / "bare", setting, folder / "on-bare").taken is None
    return history, resimulate(folder / "real", setting, folder / "on-real")


@ONCE
@given(st.integers(0, 10**9), st.sampled_from([JOINING, HUNTING]))
def test_a_base_whose_own_orders_are_taken_out_gives_the_run_of_the_bare_market(
    tmp_path_factory: pytest.TempPathFactory, seed: int, setting: Setting
) -> None:
    folder = tmp_path_factory.mktemp("base")
    history, found = both(folder, seed, setting)

    assert found.taken is not None
    assert found.taken.orders == len(history.lives)
    assert found.taken.fills == sum(len(event.own) for event in history.events if event.note == "trade")
    assert (found.taken.below_zero, found.taken.uncertain) == (0, 0)
    assert decided(folder / "on-bare") == decided(folder / "on-real")


@ONCE
@given(st.integers(0, 10**9))
def test_books_and_trades_are_those_of_the_bare_market_after_every_frame_they_share(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    folder = tmp_path_factory.mktemp("base")
    history = History(seed)
    write_recording(folder / "bare", bare(history))
    write_real(folder / "real", history)
    with_us, without = told(folder / "real", TAKEN_OUT), told(folder / "bare", KEPT)

    assert {moment: with_us[moment] for moment in without} == without
    assert told(folder / "real", KEPT) != with_us


@ONCE
@given(st.integers(0, 10**9), st.sampled_from([JOINING, HUNTING]))
def test_an_overlay_on_a_real_run_replays_identically_and_is_the_same_again(
    tmp_path_factory: pytest.TempPathFactory, seed: int, setting: Setting
) -> None:
    folder = tmp_path_factory.mktemp("base")
    write_real(folder / "real", History(seed))
    made = resimulate(folder / "real", setting, folder / "one")
    resimulate(folder / "real", setting, folder / "two")
    found = strict(folder / "one")

    assert found.identical
    assert found.kernel is not None
    assert found.kernel.checkpoint() == made.kernel.checkpoint()
    assert found.fast > 0
    assert records_of(folder / "one") == records_of(folder / "two")


def test_the_real_run_itself_replays_strictly(tmp_path: Path) -> None:
    """So what is taken out of it was there, and the kernel was given what a kernel is given."""
    write_real(tmp_path / "real", History(5))

    assert strict(tmp_path / "real").identical


def test_an_overlay_on_a_real_run_is_resumed_at_its_checkpoints(tmp_path: Path) -> None:
    """What was ours of a level is known from the base's start, wherever the replay begins."""
    write_real(tmp_path / "real", History(5), fillers=9_000)
    made = resimulate(tmp_path / "real", JOINING, tmp_path / "run")
    with open_journal(tmp_path / "run", RealDisk(), Inline()) as journal:
        kept = Checkpoints(RealDisk(), journal, this_build(), True, DIGEST_EVERY)
        found = [
            replay_strictly(
                journal,
                from_seq=from_seq,
                checkpoints=kept,
                base=lambda run: open_base(RealDisk(), tmp_path / "run", run, None),
            )
            for from_seq in (1, int(made.last_seq))
        ]

    assert kept.written == 2
    assert [one.from_checkpoint for one in found] == [False, True]
    assert [one.identical for one in found] == [True, True]
    assert found[1].kernel is not None
    assert found[1].kernel.checkpoint() == made.kernel.checkpoint()


# -- what is not told exactly ------------------------------------------------------------------------------------------


def in_seconds(ms: int) -> str:
    """As old captures of the user channel spell times."""
    return str(ms // 1000)


def ten_late(ms: int) -> str:
    """A channel whose stamps are some milliseconds behind the market data's."""
    return str(ms + 10)


@pytest.mark.parametrize("seed", range(4))
def test_stamps_in_whole_seconds_still_leave_the_right_book_in_the_end(tmp_path: Path, seed: int) -> None:
    history = History(seed)
    write_recording(tmp_path / "bare", bare(history))
    write_real(tmp_path / "real", history, in_seconds)
    with_us, without = told(tmp_path / "real", TAKEN_OUT), told(tmp_path / "bare", KEPT)
    wrong = [moment for moment in without if with_us[moment] != without[moment]]

    assert with_us[max(without)][0] == without[max(without)][0]
    assert len(wrong) <= len(without) // 3


@pytest.mark.parametrize("seed", range(4))
def test_how_much_later_a_channel_stamps_is_learned_from_the_first_placement(tmp_path: Path, seed: int) -> None:
    history = History(seed)
    write_recording(tmp_path / "bare", bare(history))
    write_real(tmp_path / "real", history, ten_late)
    with_us, without = told(tmp_path / "real", TAKEN_OUT), told(tmp_path / "bare", KEPT)

    assert {moment: with_us[moment] for moment in without} == without


def test_an_order_whose_placement_was_never_told_rests_by_its_acknowledgement(tmp_path: Path) -> None:
    history = History(3)
    write_recording(tmp_path / "bare", bare(history))
    write_real(tmp_path / "real", history, drop=lambda item: b"PLACEMENT" in item[4])

    assert told(tmp_path / "real", TAKEN_OUT)[last_of(history)] == told(tmp_path / "bare", KEPT)[last_of(history)]


def test_orders_of_which_no_word_came_back_are_kept_and_counted(tmp_path: Path) -> None:
    history = History(3)
    write_real(tmp_path / "real", history, drop=lambda item: item[0] == kinds.POLYMARKET_USER, outcomes=False)
    found = resimulate(tmp_path / "real", JOINING)

    assert found.taken is not None
    assert (found.taken.orders, found.taken.levels, found.taken.trades_gone) == (0, 0, 0)
    assert found.taken.uncertain == len(history.lives)


# -- when it is done ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("executor", ["record", "simulated"])
def test_the_orders_of_a_run_that_was_not_real_are_looked_for_nowhere(tmp_path: Path, executor: str) -> None:
    write_real(tmp_path / "real", History(1), executor=executor)
    with open_journal(tmp_path / "real", RealDisk(), Inline()) as journal:
        base = base_of(journal)

    assert base.own_orders == KEPT
    assert resimulate(tmp_path / "real", JOINING).taken is None


def test_run_start_says_what_was_done_and_nothing_where_nothing_was(tmp_path: Path) -> None:
    both(tmp_path, 2, JOINING)
    starts = [next(iter(records(tmp_path / name))).payload for name in ("on-bare", "on-real")]

    assert b"own_orders" not in starts[0]
    assert b'"own_orders":"taken out/1"' in starts[1]


def test_an_overlay_made_before_orders_were_taken_out_replays_as_it_was_made(tmp_path: Path) -> None:
    """Its RUN_START says nothing of them: they are kept."""
    write_real(tmp_path / "real", History(4))
    with open_journal(tmp_path / "real", RealDisk(), Inline()) as journal:
        run = evolve(JOINING.run(journal), base=evolve(base_of(journal), own_orders=KEPT))
        feed = JournalFeed(RealDisk(), journal, run.decoders, this_build(), Inline(), pytest.fail)
        writer = overlay_writer(tmp_path / "old", RealDisk(), journal, run)
        Simulation(run, JOINING.config, feed, writer).play()
        writer.close()

    assert strict(tmp_path / "old", base=tmp_path / "real").identical


def test_another_way_of_taking_them_out_is_not_this_builds(tmp_path: Path) -> None:
    both(tmp_path, 2, JOINING)
    changed = rewritten(
        tmp_path / "on-real",
        tmp_path / "later",
        lambda record: [record.payload.replace(b"taken out/1", b"taken out/2")],
    )
    with pytest.raises(UnknownTreatment, match="taken out/2"):
        strict(changed)


@pytest.mark.parametrize("sink", ["overlay", "digests"])
def test_the_command_says_what_was_taken_out_and_checks_it_again(tmp_path: Path, sink: str) -> None:
    history = History(6)
    write_real(tmp_path / "real", history)
    (tmp_path / "hunter.py").write_text(HUNTER)
    words = ["replay", str(tmp_path / "real"), "--strategy", f"{tmp_path}/hunter.py:Hunter", "--out"]
    told_person = CliRunner().invoke(engine, [*words, str(tmp_path / "one"), "--sink", sink])
    told_program = CliRunner().invoke(engine, [*words, str(tmp_path / "two"), "--json"])
    again = CliRunner().invoke(engine, ["replay", str(tmp_path / "one"), "--json"])

    assert told_person.exit_code == told_program.exit_code == again.exit_code == 0, told_person.output + again.output
    taken = json.loads(told_program.stdout)["own_orders_taken_out"]
    assert taken["orders"] == len(history.lives)
    sentence = f"{taken['orders']} orders, {taken['fills']} fills, {taken['levels']} levels reduced"
    assert f"the base's own orders were taken out: {sentence}" in told_person.stdout
    assert json.loads(again.stdout)["identical"]


# -- looking -----------------------------------------------------------------------------------------------------------


def told(path: Path, own_orders: str) -> dict[int, tuple[Any, ...]]:
    """By receive time: the book after it, and the trades of that moment."""
    with open_journal(path, RealDisk(), Inline()) as journal:
        base = evolve(base_of(journal), own_orders=own_orders)
        feed = feed_of(RealDisk(), journal, base, newest(), this_build(), Inline(), pytest.fail)
        kernel = bare_kernel()
        cursor = DecodedCursor(kernel)
        for piece in feed.pieces():
            cursor.add(piece)
        found: dict[int, tuple[Any, ...]] = {}
        trades: list[tuple[int, ...]] = []
        last_ns = 0
        while cursor.next_seq() != NONE:
            if cursor.next_ns() != last_ns:
                trades = []
            last_ns = int(cursor.next_ns())
            cursor.fold_next()
            for market in kernel.data.listings.markets:
                if market.wake & WAKE_TRADE:
                    trades.append((int(market.trade_price), int(market.trade_size), int(market.trade_side)))
                assert market.valid or not market.book.levels(BID)
                found[last_ns] = levels_of(market), tuple(trades)
        return found


def last_of(history: History) -> int:
    """When the last event of *history* reaches us."""
    return START_NS + (history.events[-1].ms + 5) * 1_000_000 + 20_000 * (len(history.events) - 1)


def records_of(path: Path) -> list[tuple[int, int, bytes]]:
    """All of an overlay's records."""
    return [(record.seq, record.kind, record.payload) for record in records(path)]
