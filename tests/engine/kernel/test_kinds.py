"""The registry of record kinds, its names and its ranges say the same."""

import pytest

from engine.kernel import kinds


def constants() -> dict[int, str]:
    return {value: name for name, value in vars(kinds).items() if name.isupper() and isinstance(value, int)}


def test_every_kind_has_the_name_of_its_constant_and_every_name_its_kind() -> None:
    assert constants() == kinds.NAMES
    assert len(constants()) == sum(name.isupper() and isinstance(value, int) for name, value in vars(kinds).items())


@pytest.mark.parametrize(
    ("prefixes", "first", "last"),
    [
        (("BLOCK_END", "COMMIT", "SOURCES"), 0x0001, 0x000F),
        (("POLYMARKET_", "BINANCE_", "SIM_"), 0x0100, 0x0FFF),
        (("OUTCOME", "EXECUTOR_ACTION"), 0x1000, 0x1FFF),
        (("INTENT", "VERDICT", "REQUEST", "CAPSULE", "DIGEST", "UNPARSED", "GATE"), 0x2000, 0x3FFF),
        (("RUN_START", "OPENING", "TIMER", "COMMAND", "HEALTH", "CONNECTION", "SPAN"), 0x0010, 0x007F),
    ],
)
def test_a_kind_lies_in_the_range_of_its_use(prefixes: tuple[str, ...], first: int, last: int) -> None:
    found = [kind for kind, name in kinds.NAMES.items() if name.startswith(prefixes)]

    assert len(found) >= len(prefixes)
    assert all(first <= kind <= last for kind in found)


def test_no_registered_kind_is_experimental() -> None:
    assert not any(kinds.is_experimental(kind) for kind in kinds.NAMES)
    assert kinds.is_experimental(0x8000)
    assert not kinds.is_experimental(0x7FFF)


def test_an_unknown_kind_is_shown_in_hex() -> None:
    assert kinds.name(kinds.BINANCE_SPOT) == "BINANCE_SPOT"
    assert kinds.name(0x8123) == "0x8123"
