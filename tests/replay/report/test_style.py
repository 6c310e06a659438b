"""The page can be read: contrasts are those that WCAG asks for, in every scheme."""

import re

import pytest

from replay.report.style import SCRIPT, STYLE

TEXTS = ("ink", "quiet", "link", "good", "bad")
LINES = ("c1", "c2", "c3", "c4", "c5", "c6", "c7")


def schemes() -> list[dict[str, str]]:
    """The variables of each scheme: light, dark, paper."""
    return [dict(re.findall(r"--([\w]+): (#\w+)", block)) for block in re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)]


def luminance(colour: str) -> float:
    """Relative luminance, as WCAG 2.2 defines it."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * one for one in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_the_contrast_of_black_on_white_is_known() -> None:
    assert contrast("#000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("scheme", schemes(), ids=["light", "dark", "paper"])
def test_texts_and_lines_stand_out_from_the_page(scheme: dict[str, str]) -> None:
    for name in TEXTS:
        for ground in ("paper", "soft"):
            assert contrast(scheme[name], scheme[ground]) >= 4.5, (name, ground)
    for name in LINES:
        assert contrast(scheme[name], scheme["paper"]) >= 3, name
    assert contrast(scheme["stop"], scheme["paper"]) >= 3


def test_every_scheme_has_every_colour() -> None:
    light, dark, paper = (set(one) for one in schemes())

    assert light == dark
    assert light - paper == {"hover"}


def test_the_script_can_stand_in_a_page_that_is_xml() -> None:
    assert not set("<&") & set(SCRIPT)
    assert not set("<&") & set(STYLE)
