"""What an input led to, in order, until the next one."""

from engine.kernel.outbox import Outbox


def test_records_stand_in_the_order_in_which_they_were_concluded() -> None:
    out = Outbox()
    for number in range(3):
        out.emit(0x2000 + number, 1, b"%d" % number)

    assert [(record.kind, record.schema, record.payload) for record in out.records] == [
        (0x2000, 1, b"0"),
        (0x2001, 1, b"1"),
        (0x2002, 1, b"2"),
    ]


def test_a_brief_outbox_only_counts_what_has_no_payload() -> None:
    out = Outbox()
    out.hush(0x2000)
    out.brief = True
    out.hush(0x2001, 5)
    out.verdict(b"v", 5)

    assert [(record.kind, record.payload, record.at) for record in out.records] == [(0x2000, b"", 0), (0x2001, b"v", 2)]
    assert (out.count, out.tally[0x2000], out.tally[0x2001], out.verdicts[5]) == (3, 1, 2, 1)

    out.clear()

    assert (out.count, out.tally[0x2001]) == (0, 2)


def test_clearing_leaves_a_list_already_taken_as_it_was() -> None:
    out = Outbox()
    out.clear()
    out.emit(0x2000, 1, b"")
    taken = out.records
    out.clear()

    assert len(taken) == 1
    assert out.records == []
