"""How long a request takes to the venue, a cancel, and a report back to us."""

from typing import Final, final

from mypy_extensions import i64


class Delay:
    """How long one kind of message is on one way: always *typical_ns*. Other distributions derive from it."""

    def __init__(self, typical_ns: i64) -> None:
        assert typical_ns >= 0
        self.typical_ns: Final[i64] = typical_ns

    def ns(self, key: i64, index: i64, now_ns: i64) -> i64:
        """
        The delay in nanoseconds, not negative, of the message that leaves at *now_ns*.

        *key* and *index* name the draw (see `engine.kernel.rng`): the same ones give the same delay, whatever happened
        in between.
        """
        return self.typical_ns


@final
class Latency:
    """The delays of orders on their way in, of cancels, and of reports on their way back."""

    def __init__(self, entry: Delay, cancel: Delay, response: Delay) -> None:
        self.entry: Final[Delay] = entry
        self.cancel: Final[Delay] = cancel
        self.response: Final[Delay] = response
