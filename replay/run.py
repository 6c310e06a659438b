"""What a run was made of, as its RUN_START record says it: enough to run it again from the journal alone."""

from hashlib import blake2b
from typing import Any

import orjson
from attrs import asdict, field, frozen
from cattrs import BaseValidationError, transform_error
from cattrs.preconf.orjson import make_converter
from cattrs.v import format_exception

from journal.errors import JournalError
from replay.venue_config import OutOfRange

CONTRACT_VERSION = 1
"""Of the strategy contract: what a strategy may rely on in `view`, `wake` and intents."""

KEPT = "kept"
TAKEN_OUT = "taken out/1"
"""What was done with a base's own orders; another way of taking them out is another number."""

_converter = make_converter(forbid_extra_keys=True)


class BadRunStart(JournalError):
    """A RUN_START record that does not say what a run needs."""

    def __init__(self, seq: int, reason: str) -> None:
        super().__init__(f"record {seq}: the run it starts cannot be rebuilt: {reason}")
        self.seq = seq


def reasons(error: BaseValidationError) -> str:
    """What does not fit, and at which field, as a person reads it."""
    return "; ".join(transform_error(error, format_exception=_said)).replace("@ $.", "at ").replace("@ $", "at the top")


def _said(error: BaseException, wanted: type | None) -> str:
    if isinstance(error, OutOfRange):
        return str(error)
    if wanted is None and isinstance(error, ValueError) and len(error.args) == 1 and error.args[0]:
        return str(error)  # a class that found its values unfit, in its own words
    return format_exception(error, wanted)


@frozen
class StrategySource:
    """
    One strategy of a run: its source text is recorded, so that the journal replays alone.

    *modules* are the texts of those modules of `engine.strategies` that it imports (`siblings`), by name.
    """

    name: str
    class_name: str
    source: str
    tier: str
    instruments: tuple[str, ...] = ()
    parameters: dict[str, Any] = field(factory=dict)
    modules: dict[str, str] = field(factory=dict)

    @property
    def texts(self) -> tuple[str, ...]:
        """All that it is made of: its own text, then each module's name and text."""
        return (self.source, *(text for module in sorted(self.modules.items()) for text in module))


@frozen
class Base:
    """
    The journal whose market data a resimulation used.

    *own_orders* says what was done with the orders that its own runs had in that market: KEPT or TAKEN_OUT.
    """

    journal_id: str
    first_seq: int
    last_seq: int
    head_hash: str
    own_orders: str = KEPT


@frozen
class RunStart:
    """
    The payload of RUN_START, schema 1, as canonical JSON.

    *config* is the configuration's text as given, *policy* the trading policy's; *decoders* maps a kind's name to the
    decoder that read it. *base* is set in a resimulation.
    """

    run_id: str
    run_epoch: int
    build: str
    decoders: dict[str, str]
    strategies: tuple[StrategySource, ...]
    config: str
    policy: str
    policy_digest: str
    seed: int
    environment: str
    executor: str
    platform: str
    clock_source: str
    hash_every: int = 1
    contract_version: int = CONTRACT_VERSION
    artifacts: dict[str, str] = field(factory=dict)
    base: Base | None = None
    opening: str = "flat"

    def payload(self) -> bytes:
        """
        Canonical JSON: sorted keys, no spaces. A base's own orders are named only where they were not kept, a
        strategy's modules only where it has some.
        """
        fields = asdict(self)
        for strategy in fields["strategies"]:
            if not strategy["modules"]:
                del strategy["modules"]
        if self.base is not None and self.base.own_orders == KEPT:
            del fields["base"]["own_orders"]
        return orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)


def read_run_start(seq: int, payload: bytes) -> RunStart:
    """
    The run that the RUN_START record *seq* states.

    Raises:
        BadRunStart: the payload is not what schema 1 says.
    """
    try:
        fields = orjson.loads(payload)
        if not isinstance(fields, dict):
            raise BadRunStart(seq, "it is no JSON object")
        return _converter.structure(fields, RunStart)
    except BaseValidationError as error:
        raise BadRunStart(seq, reasons(error)) from error
    except ValueError as error:
        raise BadRunStart(seq, str(error)) from error


def text_digest(text: str) -> str:
    """BLAKE2b-128 of a text, in hex: how policies and configurations are named."""
    return blake2b(text.encode(), digest_size=16).hexdigest()
