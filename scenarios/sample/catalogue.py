"""The venue's own description of the sample's markets: pages of Gamma market objects, as `GET /markets` answers."""

from typing import Any

import orjson

from scenarios.sample.frames import Speaker

PAGE: int = 100
"""Gamma's largest page."""

URL = "https://gamma-api.polymarket.com/markets"

# (fee type, taker rate, maker rebate): the venue's categories, of which a market belongs to one.
_FEES = (
    ("crypto_fees_v2", 0.07, 0.2),
    ("sports_fees_v2", 0.05, 0.15),
    ("politics_fees_v2", 0.04, 0.25),
    ("culture_fees_v2", 0.05, 0.25),
)

# What each kind of market pays its makers a day, in units of the collateral.
_DAILY_RATES = (100, 40, 15, 5)
_COLLATERAL = "0xC011a7E12a19f7B1f670d46F03B03f3342E82DFB"


def pages(speakers: list[Speaker]) -> list[tuple[str, bytes]]:
    """(address, body) of every page that lists *speakers*' markets."""
    found = []
    for start in range(0, len(speakers), PAGE):
        body = orjson.dumps([market_object(speaker) for speaker in speakers[start : start + PAGE]])
        found.append((f"{URL}?limit={PAGE}&offset={start}", body))
    return found


def market_object(speaker: Speaker) -> dict[str, Any]:
    """One market as Gamma describes it; arrays of outcomes and tokens are texts that hold JSON, as there."""
    slug = f"sample-{speaker.number}"
    fee_type, rate, rebate = _FEES[speaker.number % len(_FEES)]
    return {
        "id": str(speaker.number),
        "question": speaker.title,
        "conditionId": speaker.market,
        "slug": slug,
        "description": f"{speaker.title} A made-up market.",
        "outcomes": _text(speaker.outcomes),
        "outcomePrices": _text(("0.5", "0.5")),
        "active": True,
        "closed": False,
        "archived": False,
        "restricted": True,
        "acceptingOrders": True,
        "acceptingOrdersTimestamp": "2026-09-20T12:00:00Z",
        "enableOrderBook": True,
        "orderPriceMinTickSize": 0.01,
        "orderMinSize": 5,
        "startDate": "2026-09-20T12:00:00Z",
        "endDate": "2026-12-31T12:00:00Z",
        "negRisk": False,
        "negRiskOther": False,
        "clobTokenIds": _text(speaker.tokens),
        "makerBaseFee": 1000,
        "takerBaseFee": 1000,
        "feesEnabled": True,
        "feeType": fee_type,
        "feeSchedule": {"exponent": 1, "rate": rate, "takerOnly": True, "rebateRate": rebate},
        "rewardsMinSize": 50,
        "rewardsMaxSpread": 4.5,
        "clobRewards": [
            {
                "id": str(1000 + speaker.number),
                "conditionId": speaker.market,
                "assetAddress": _COLLATERAL,
                "rewardsAmount": 0,
                "rewardsDailyRate": _DAILY_RATES[speaker.number % len(_DAILY_RATES)],
                "startDate": "2026-09-20",
                "endDate": "2500-12-31",
            }
        ],
    }


def _text(items: tuple[str, ...]) -> str:
    return orjson.dumps(items).decode()
