"""The registry of reason codes and its names say the same."""

from engine.kernel import codes


def constants() -> dict[int, str]:
    return {value: name for name, value in vars(codes).items() if name.isupper() and isinstance(value, int)}


def test_every_code_has_the_name_of_its_constant_and_every_name_its_code() -> None:
    assert constants() == codes.NAMES
    assert len(constants()) == sum(name.isupper() and isinstance(value, int) for name, value in vars(codes).items())


def test_a_code_fits_the_two_bytes_it_has_in_the_journal() -> None:
    assert all(0 <= code < 1 << 16 for code in codes.NAMES)


def test_an_unknown_code_is_shown_by_its_number() -> None:
    assert codes.name(codes.SEQ_GAP) == "SEQ_GAP"
    assert codes.name(codes.OK) == "OK"
    assert codes.name(4321) == "4321"
