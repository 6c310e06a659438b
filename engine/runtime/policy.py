"""
The trading policy as the runtime reads it, for runs that trade. `replay`, which reads policies again from RUN_START and
for simulations, owns the reader.
"""

from engine.kernel.policy import Policy
from replay.defaults import VERSION
from replay.policy import BadPolicy
from replay.policy import read_policy as read

__all__ = ["BadPolicy", "read_policy"]


def read_policy(text: str) -> Policy:
    """
    The policy that *text* (YAML) states.

    Raises:
        BadPolicy: it cannot be used, or it is the built-in one of simulations, under which nothing may trade.
    """
    policy = read(text)
    if policy.version == VERSION:
        raise BadPolicy(f"is the built-in one of simulations ({VERSION!r}): nothing may trade under it")
    return policy
