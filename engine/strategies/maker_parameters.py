"""What a person decides about the rewards maker: sizes and bounds, prices, heuristics, edits, verification."""

from attrs import define, fields, setters

ADJUST = "adjust"
LEAVE = "leave"
KEEP = "keep"

# Least and most of each whole number; what is not named here may be anything from 0.
_LEAST = {
    "size_lots": 1,
    "max_position_lots": 1,
    "step_lots": 1,
    "trade_ms": 1,
    "trade_lots": 1,
    "calls_per_minute": 1,
    "call_burst": 2,
    "review_ms": 1,
    "verify_ms": 1,
    "patience": 1,
}
_MOST = {
    "lean_percent": 100,
    "trade_percent": 100,
    "reach_percent": 99,
    "min_price_mills": 500,
    "max_price_mills": 999,
    "least_share_ppm": 1_000_000,
    "calls_per_minute": 1_000_000,
}
_LARGEST = 10**18


@define(on_setattr=setters.frozen)
class MakerParameters:
    """
    The parameters of `RewardsMaker`; `docs/explanation/rewards-maker.md` has them as a table.

    Distances are in mills, thousandths of the price 1, so that they mean the same on every grid. Sizes are in lots.

    Raises:
        ValueError: one is out of its range; the text names it.
    """

    # How much
    size_lots: int
    max_position_lots: int
    step_lots: int = 10_000
    merge_lots: int = 0

    # Where
    half_spread_mills: int = 15
    least_edge_mills: int = 5
    skew_mills: int = 15
    improve_ticks: int = 0
    reach_percent: int = 80
    lean_percent: int = 50
    trade_percent: int = 20
    trade_ms: int = 5_000
    trade_lots: int = 100_000_000

    # Whether at all
    rewarded_only: bool = True
    min_price_mills: int = 100
    max_price_mills: int = 900
    max_spread_mills: int = 100
    crowding_mills: int = 5
    compression_mills: int = 0
    toxicity_mills: int = 10

    # How often
    zone_mills: int = 5
    edit_ms: int = 1_000
    rest_ms: int = 1_000
    calls_per_minute: int = 300
    call_burst: int = 120
    grace_ms: int = 250
    review_ms: int = 250

    # Whether it scores
    verify_ms: int = 10_000
    patience: int = 3
    least_share_ppm: int = 1
    on_not_scoring: str = ADJUST
    adjust_mills: int = 5
    most_adjustments: int = 3
    leave_ms: int = 600_000

    def __attrs_post_init__(self) -> None:
        """Refuse what cannot be meant."""
        for one in fields(MakerParameters):
            value = getattr(self, one.name)
            if type(value) is int:
                least, most = _LEAST.get(one.name, 0), _MOST.get(one.name, _LARGEST)
                if not least <= value <= most:
                    raise ValueError(f"{one.name} is {value}, expected {least} to {most}")
        if self.on_not_scoring not in (ADJUST, LEAVE, KEEP):
            raise ValueError(f"on_not_scoring is {self.on_not_scoring!r}, expected {ADJUST}, {LEAVE} or {KEEP}")
        if self.max_price_mills <= self.min_price_mills:
            raise ValueError(f"max_price_mills is {self.max_price_mills}, not above {self.min_price_mills}")
