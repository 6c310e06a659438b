"""The frames that the adapter's README shows are frames."""

from pathlib import Path
from typing import Any

import pytest

from engine.kernel import codes, events

README = Path(__file__).parents[3] / "adapters" / "binance" / "README.md"
BLOCKS = README.read_text(encoding="utf-8").split("```json\n")[1:]
SHOWN = [block.partition("\n```")[0].encode() for block in BLOCKS]


def first_event(binance: Any, futures: bool, frame: bytes) -> int:
    """The kind of the first row; 0 for a frame without one, less than 0 for a refused one."""
    reader = binance.depth(futures) if frame.startswith(b'{"lastUpdateId"') else binance.frames(futures)
    code, rows = binance.read(reader, frame, b'{"symbol":"BTCUSDT"}')
    return -code if code != codes.OK else rows[0][0] if rows else 0


@pytest.mark.parametrize("frame", SHOWN, ids=range(len(SHOWN)))
def test_a_frame_of_the_readme_is_read_by_the_venue_it_is_of(frame: bytes, binance: Any) -> None:
    assert max(first_event(binance, False, frame), first_event(binance, True, frame)) >= 0


def test_the_readme_shows_a_frame_of_each_fact(binance: Any) -> None:
    shown = {first_event(binance, futures, frame) for frame in SHOWN for futures in (False, True)}

    assert {events.DIFF, events.SNAPSHOT, events.TICKER, events.TRADED, events.MARK, 0} <= shown
