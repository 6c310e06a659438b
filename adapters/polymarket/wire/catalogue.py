"""
Market objects in the three shapes the venue has: Gamma's, the CLOB's, and the CLOB's terse one.

A listing holds what the object states and nothing else. A market that has no tokens yet lists nothing; any other object
without the members a listing needs refuses the whole reply. The lot is one base unit (1e-6 share), because resting
sizes have up to six decimals: fills leave what they leave. `endDate` is a plan and not an expiry (markets trade past
it), so listings state none.
"""

from typing import Final, final

from mypy_extensions import i64

from adapters.polymarket.wire.values import PRICE_EXPONENT, SIZE_EXPONENT, needed, size_of, tick_of
from engine.kernel.codes import BAD_TEXT, OK, SCHEMA
from engine.kernel.events import (
    KIND_BINARY,
    STATUS_CLOSED,
    STATUS_HALTED,
    STATUS_TRADING,
    EventBatch,
    Listing,
    Symbols,
    Translator,
)
from engine.kernel.json_text import (
    Refused,
    decimal_of,
    identifier,
    items_of,
    members_of,
    number_text,
    parse,
    plain_decimal,
    refusal,
    text_of,
)
from engine.kernel.record import NONE

CATALOGUE_DECODER: Final = "polymarket-catalogue/1"
SETTLEMENT: Final = "pUSD"
MAX_OUTCOME: Final[i64] = 256

CENT_EXPONENT: Final[i64] = PRICE_EXPONENT - 2
"""A reward's widest spread is stated in cents."""

_CONTAINERS: Final = ("data", "markets", "events")
_TERSE_PATH: Final = "/clob-markets/"


@final
class _Incentives:
    """What makers are paid: see `Listing` for the units."""

    def __init__(self, rebate_ppm: i64, rate: i64, min_size: i64, spread: i64, age_ns: i64) -> None:
        self.rebate_ppm: Final[i64] = rebate_ppm
        self.rate: Final[i64] = rate
        self.min_size: Final[i64] = min_size
        self.spread: Final[i64] = spread
        self.age_ns: Final[i64] = age_ns


@final
class CatalogueTranslator(Translator):
    """Replies of Gamma's `/markets` and `/events` and of the CLOB's `/markets` and `/clob-markets`, one or many."""

    def __init__(self, symbols: Symbols) -> None:
        super().__init__(CATALOGUE_DECODER, symbols)

    def translate(self, data: bytes, start: i64, end: i64, batch: EventBatch) -> i64:
        """As `Translator.translate`."""
        self.slow += 1
        try:
            _reply(parse(data, start, end), batch)
        except Refused as error:
            batch.clear()
            return refusal(error)
        if batch.count == 0:
            self.ignored += 1
        return OK


def _reply(value: object, batch: EventBatch) -> None:
    """A market, a page or an event that contains some, or an array of any of these."""
    if isinstance(value, list):
        for item in value:
            _reply(item, batch)
        return
    market = members_of(value)
    if "conditionId" in market:
        _gamma(market, batch)
    elif "condition_id" in market:
        _clob(market, batch)
    elif "mts" in market:
        _terse(market, batch)
    else:
        container = [key for key in _CONTAINERS if key in market]
        if len(container) != 1:
            raise Refused(SCHEMA, "neither a market nor a page of markets")
        for item in items_of(market[container[0]]):
            _reply(item, batch)


def _gamma(market: dict[str, object], batch: EventBatch) -> None:
    """
    Gamma's object. Its arrays are texts that hold JSON; newer markets name `positionIds` instead of `clobTokenIds`.
    """
    book = _flag(market, "enableOrderBook")
    tokens = market.get("clobTokenIds")
    if tokens is None or tokens == "":
        tokens = market.get("positionIds")
    if not book and (tokens is None or tokens == ""):
        return
    status = _status(book, _flag(market, "acceptingOrders"), _flag(market, "closed"), market.get("archived") is True)
    schedule = market.get("feeSchedule")
    fee_ppm, fee_exponent = _fee(schedule, "rate", "exponent", "takerOnly")
    if fee_ppm == NONE and market.get("feesEnabled") is False:
        fee_ppm = 0
    _list(
        batch,
        identifier(market["conditionId"]),
        [identifier(token) for token in _array(tokens)],
        [_outcome(outcome) for outcome in _array(needed(market, "outcomes"))],
        needed(market, "orderPriceMinTickSize"),
        needed(market, "orderMinSize"),
        market.get("negRisk"),
        market.get("negRiskMarketID"),
        fee_ppm,
        fee_exponent,
        status,
        _Incentives(
            _stated(schedule, "rebateRate", 6),
            _rate(market.get("clobRewards"), "rewardsDailyRate"),
            _stated(market, "rewardsMinSize", SIZE_EXPONENT),
            _stated(market, "rewardsMaxSpread", CENT_EXPONENT),
            0,
        ),
    )


def _clob(market: dict[str, object], batch: EventBatch) -> None:
    """The CLOB's object. It states base fees only, which are not what is charged: the fee stays unknown."""
    tokens: list[str] = []
    outcomes: list[str] = []
    for item in items_of(needed(market, "tokens")):
        token = members_of(item)
        if token.get("token_id") != "":
            tokens.append(identifier(needed(token, "token_id")))
            outcomes.append(_outcome(token.get("outcome")))
    book = _flag(market, "enable_order_book")
    if not book and not tokens:
        return
    status = _status(book, _flag(market, "accepting_orders"), _flag(market, "closed"), market.get("archived") is True)
    _list(
        batch,
        identifier(market["condition_id"]),
        tokens,
        outcomes,
        needed(market, "minimum_tick_size"),
        needed(market, "minimum_order_size"),
        market.get("neg_risk"),
        market.get("neg_risk_market_id"),
        NONE,
        1,
        status,
        _clob_rewards(market.get("rewards")),
    )


def _clob_rewards(value: object) -> _Incentives:
    if value is None:
        return _Incentives(0, NONE, 0, 0, 0)
    rewards = members_of(value)
    rates = rewards.get("rates")
    return _Incentives(
        0,
        0 if rates is None else _rate(rates, "rewards_daily_rate"),
        _stated(rewards, "min_size", SIZE_EXPONENT),
        _stated(rewards, "max_spread", CENT_EXPONENT),
        0,
    )


def _terse(market: dict[str, object], batch: EventBatch) -> None:
    """
    The terse object names neither its condition nor its event: the request's URL, kept beside the reply, names the
    first. It states no status; the CLOB answers it for markets it has a book for, so it counts as trading.
    """
    tokens: list[str] = []
    outcomes: list[str] = []
    for item in items_of(needed(market, "t")):
        token = members_of(item)
        tokens.append(identifier(needed(token, "t")))
        outcomes.append(_outcome(token.get("o")))
    fee_ppm, fee_exponent = _fee(market.get("fd"), "r", "e", "to")
    _list(
        batch,
        _requested(market, batch.meta),
        tokens,
        outcomes,
        market["mts"],
        needed(market, "mos"),
        market.get("nr"),
        None,
        fee_ppm,
        fee_exponent,
        STATUS_TRADING,
        _Incentives(0, NONE, 0, 0, _stated(market, "oas", 9)),
    )


def _requested(market: dict[str, object], meta: bytes) -> str:
    """The condition id of a terse object: its own member `c` where it has one, else the last part of the URL."""
    if "c" in market:
        return identifier(market["c"])
    url = members_of(parse(meta, 0, len(meta))).get("url") if meta else None
    _, found, condition = text_of(url if url is not None else "").partition(_TERSE_PATH)
    if not found:
        raise Refused(SCHEMA, "a terse market object without its condition")
    return identifier(condition.partition("?")[0])


def _list(
    batch: EventBatch,
    market: str,
    tokens: list[str],
    outcomes: list[str],
    tick: object,
    min_size: object,
    neg_risk: object,
    event: object,
    fee_ppm: i64,
    fee_exponent: i64,
    status: i64,
    incentives: _Incentives,
) -> None:
    if len(tokens) != 2 or len(outcomes) != 2 or tokens[0] == tokens[1]:
        raise Refused(SCHEMA, "a market that has not two tokens and two outcomes")
    if neg_risk is not None and not isinstance(neg_risk, bool):
        raise Refused(SCHEMA, "neg-risk is neither true nor false")
    batch.listed(
        Listing(
            venue="polymarket",
            market=market,
            symbols=(tokens[0], tokens[1]),
            outcomes=(outcomes[0], outcomes[1]),
            kind=KIND_BINARY,
            price_exponent=PRICE_EXPONENT,
            size_exponent=SIZE_EXPONENT,
            tick=tick_of(tick),
            lot=1,
            min_size=size_of(min_size),
            settlement=SETTLEMENT,
            status=status,
            neg_risk=neg_risk is True,
            event="" if event is None or event == "" else identifier(event),
            fee_ppm=fee_ppm,
            fee_exponent=fee_exponent,
            rebate_ppm=incentives.rebate_ppm,
            reward_rate=incentives.rate,
            reward_min_size=incentives.min_size,
            reward_spread=incentives.spread,
            reward_age_ns=incentives.age_ns,
        )
    )


def _status(book: bool, accepting: bool, closed: bool, archived: bool) -> i64:
    if closed or archived:
        return STATUS_CLOSED
    return STATUS_TRADING if book and accepting else STATUS_HALTED


def _fee(schedule: object, rate: str, exponent: str, taker_only: str) -> tuple[i64, i64]:
    """The taker's rate in parts per million and the formula's exponent; (NONE, 1) where no schedule is stated."""
    if schedule is None:
        return NONE, 1
    fees = members_of(schedule)
    if fees.get(taker_only) is False:
        raise Refused(SCHEMA, "a fee that makers pay too")
    ppm = plain_decimal(number_text(needed(fees, rate)), 6)
    return ppm, decimal_of(needed(fees, exponent), 0)


def _rate(rewards: object, key: str) -> i64:
    """The daily rates of all reward programmes of a market together, NONE where no programmes are stated."""
    if rewards is None:
        return NONE
    total: i64 = 0
    for item in items_of(rewards):
        total += _stated(members_of(item), key, SIZE_EXPONENT)
    return total


def _stated(members: object, key: str, exponent: i64) -> i64:
    """A member at 10**-*exponent*, further decimals cut off; 0 where it is absent or null, or *members* is null."""
    value = members_of(members).get(key) if members is not None else None
    if value is None:
        return 0
    whole, _, part = number_text(value).partition(".")
    return plain_decimal(f"{whole}.{part[: int(exponent)]}" if part else whole, exponent)


def _flag(market: dict[str, object], key: str) -> bool:
    flag = market.get(key)
    if not isinstance(flag, bool):
        raise Refused(SCHEMA, f"the member {key} is neither true nor false")
    return flag


def _array(value: object) -> list[object]:
    """An array, or a text that holds one as JSON."""
    if isinstance(value, str):
        data = value.encode("utf-8", "replace")
        return items_of(parse(data, 0, len(data)))
    if value is None:
        raise Refused(SCHEMA, "a market with a book but no tokens")
    return items_of(value)


def _outcome(value: object) -> str:
    """An outcome's name, in any language: 1 to 256 characters, no control characters, no halves of surrogate pairs."""
    name = text_of(value)
    if not 1 <= len(name) <= MAX_OUTCOME:
        raise Refused(BAD_TEXT, "an outcome without a name, or with a very long one")
    for c in name:
        if ord(c) < 32 or ord(c) == 127 or 0xD800 <= ord(c) <= 0xDFFF:
            raise Refused(BAD_TEXT, "an outcome's name holds a character that is no text")
    return name
