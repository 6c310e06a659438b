"""What an adversary may know of the recorded market: how busy it is, and where its touch will be."""

from mypy_extensions import i64

from engine.kernel.record import NONE


class Outlook:
    """
    An adversary that knows nothing. Whoever drives the venue hands it one that does.

    *bid* and *ask* are the touch that `look` found last, in price units of the market's first outcome.
    """

    def __init__(self) -> None:
        self.bid: i64 = NONE
        self.ask: i64 = NONE

    def busy(self, now_ns: i64) -> bool:
        """Whether the venue has much to do at *now_ns*, in all markets together. *now_ns* does not go back."""
        return False

    def hectic(self, market: i64, now_ns: i64) -> bool:
        """Whether much happens at *now_ns* in market number *market*. *now_ns* does not go back."""
        return False

    def look(self, market: i64, at_ns: i64) -> bool:
        """Set `bid` and `ask` to the recorded touch at venue time *at_ns*, of now or soon; False where it has none."""
        return False
