"""YAML of people: nothing they wrote is dropped in silence."""

import pytest

from replay.yaml_text import BadYaml, load


def test_what_yaml_says_is_read() -> None:
    text = "seed: 7\nlist: [{name: one}, {name: one}]\nbase: &base {a: 1}\nmore: {<<: *base, b: 0x10, when: 2026-01-02}"
    values = load(text)

    assert values["list"] == [{"name": "one"}, {"name": "one"}]
    assert (values["more"]["a"], values["more"]["b"]) == (1, 16)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("seed: 1\nname: x\nseed: 2\n", r"gives 'seed' twice \(line 3\)"),
        ("outer:\n  inner: {a: 1, b: 2, a: 1}\n", r"gives 'a' twice \(line 2\)"),
        ("- {a: 1}\n- {b: 1, 'b': 2}\n", r"gives 'b' twice \(line 2\)"),
        ("{1: one, '1': other}", "gives '1' twice"),
        ("seed: [", "is no YAML: while parsing"),
        ("day: 2026-02-31", "is no YAML: day is out of range for month"),
        ("{[1]: 2}", "is no YAML: while constructing a mapping"),
        ("!!python/object:os.system {}", "is no YAML: could not determine a constructor"),
        ("[" * 5000, "is nested too deeply"),
    ],
    ids=lambda value: value[:20],
)
def test_what_cannot_be_meant_is_refused_with_its_line(text: str, says: str) -> None:
    with pytest.raises(BadYaml, match=says):
        load(text)
