"""A kernel as a run had it: decoders, policy, strategies and seed from its RUN_START."""

from engine.kernel.step import Kernel
from replay.config import read_heuristics
from replay.decoders import translators
from replay.heuristics_config import settings_of
from replay.policy import read_recorded_policy
from replay.run import RunStart
from replay.strategies import make, tier_number


def bare_kernel() -> Kernel:
    """A kernel for a recording without a run: this build's decoders, no policy, no strategies."""
    return Kernel(translators(None))


def kernel_of(run: RunStart) -> Kernel:
    """
    A new kernel for *run*, before its RUN_START.

    Raises:
        NoDecoder, BadPolicy, BadStrategy, BadConfig: this build or this text cannot make what the run had.
    """
    kernel = Kernel(
        translators(run.decoders),
        read_recorded_policy(run.policy) if run.policy else None,
        run.run_epoch,
        run.seed,
        run.hash_every,
    )
    heuristics = read_heuristics(run.config)
    if heuristics is not None:
        kernel.trading.watch_others(settings_of(heuristics))
    for recorded in run.strategies:
        kernel.trading.add_strategy(recorded.name, make(recorded), tier_number(recorded.tier), recorded.instruments)
    return kernel
