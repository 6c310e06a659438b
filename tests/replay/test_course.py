"""How inputs of a piece follow one another, against a look at each input by itself."""

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine.kernel.events import LEVEL_SET, RULE_NONE, TRADED, EventBatch
from engine.kernel.kinds import HFTBACKTEST_EVENTS
from engine.kernel.record import NONE
from replay.decoded import Piece
from replay.packed import Packed
from replay.venue_time import Order

inputs = st.tuples(
    st.sampled_from((1, 1, 1, 2)),  # source
    st.integers(0, 5),  # how much later it is stamped than the one before
    st.sampled_from((False,) * 9 + (True,)),  # stamped a little earlier
    st.sampled_from((TRADED, TRADED, TRADED, 0)),  # trades, or a level outside a change: rows, not plain
    st.integers(1, 3),
)


def piece_of(said: list[Any], stamps: list[int], first_seq: int) -> Piece:
    out, batch = Packed(first_seq - 1), EventBatch()
    for number, ((source, _, _, row, facts), src_ns) in enumerate(zip(said, stamps, strict=True)):
        batch.clear()
        for _ in range(facts):
            if row == TRADED:
                batch.add(TRADED, 0, 5, 7, 1, src_ns, NONE, 0)
            else:
                batch.add(LEVEL_SET, 0, 0, 5, 7, RULE_NONE, 0, 0)
        assert out.events(first_seq + number, 10**9, src_ns, int(HFTBACKTEST_EVENTS), source, batch)
    last_seq = first_seq + len(said) - 1
    return Piece(out.take(last_seq), {}, first_seq, last_seq, 1, {}, {}, False)


@given(st.lists(st.tuples(st.lists(inputs, max_size=4), st.booleans()), max_size=6))
def test_an_order_holds_where_every_input_follows_the_one_before(pieces: list[Any]) -> None:
    order, seq, src_ns = Order(), 1, 100
    said: list[tuple[int, bool, int, int]] = []  # of each input: its piece, whether plain and exact, source, stamp
    empty: list[int] = []
    for number, (some, exact) in enumerate(pieces):
        stamps: list[int] = []
        for source, later, earlier, row, _ in some:
            src_ns += -1 if earlier else later
            stamps.append(src_ns)
            said.append((number, row == TRADED and exact, source, src_ns))
        piece = piece_of(some, stamps, seq)
        seq += len(some)
        if not some:
            empty.append(number)
        assert piece.course() is piece.course()
        order.take(piece.course() if exact else None)
        count = number + 1
        for since in range(count):
            rest = [one for one in said if one[0] >= since]
            follows = all(a[2] == b[2] and a[3] <= b[3] for a, b in pairwise(rest))
            expected = follows and all(one[1] for one in rest) and not any(one >= since for one in empty)

            assert expected == order.holds(since, count)


def test_an_order_holds_of_no_piece_that_it_was_not_given() -> None:
    order = Order()
    order.take(piece_of([(1, 0, False, TRADED, 1)], [5], 1).course())

    assert order.holds(0, 1)
    assert not order.holds(0, 2)
