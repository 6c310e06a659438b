"""Test data that Hypothesis draws: whole small recordings, as the sample generator makes them."""

from hypothesis import strategies as st

from scenarios.sample.recording import Input, Sample, inputs


def samples(min_frames: int = 1, max_frames: int = 300) -> st.SearchStrategy[Sample]:
    """What small recordings are made from: few markets, and connections that break now and then, often, or never."""
    return st.builds(
        Sample,
        seed=st.integers(0, 2**32 - 1),
        markets=st.integers(1, 8),
        frames=st.integers(min_frames, max_frames),
        disconnect_every=st.sampled_from((0, 0, 20, 60, 150)),
    )


def recordings(min_frames: int = 1, max_frames: int = 300) -> st.SearchStrategy[list[Input]]:
    """
    The inputs of small recordings, in order: (kind, source, recv_ns, src_ns, payload), in memory only.

    A catalogue comes first, then the connection, then from *min_frames* to *max_frames* frames, with connections lost
    and opened between them.
    """
    return samples(min_frames, max_frames).map(lambda sample: list(inputs(sample)))
