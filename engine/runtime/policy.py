"""The trading policy as the runtime reads it; `replay`, which reads it again from RUN_START, owns the reader."""

from replay.policy import BadPolicy, read_policy

__all__ = ["BadPolicy", "read_policy"]
