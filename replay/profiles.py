"""
Profiles: named adversaries, as files that a trader can read. Those that come along stand in `scenarios/profiles`.

A profile is YAML: `about`, one sentence, and `adversary`, as in a configuration. Its text becomes part of the run's
configuration, so that a run needs the file no more.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from attrs import frozen

from journal.disk import Disk
from replay.config import BadConfig, Contents, read_adversary, read_file
from replay.yaml_text import BadYaml, load

FOLDER: Final = Path(__file__).resolve().parent.parent / "scenarios" / "profiles"
NONE: Final = "none"
"""The profile that takes a recorded run's adversary away."""


@frozen
class Profile:
    """One profile, read: *adversary* is what a configuration would say, *text* the whole file."""

    name: str
    about: str
    adversary: Contents
    text: str


def profile_names(disk: Disk) -> list[str]:
    """The profiles that come along, by name."""
    return sorted(name.removesuffix(".yaml") for name in disk.names(FOLDER) if name.endswith(".yaml"))


def read_profile(disk: Disk, name: str) -> Profile:
    """
    The profile *name*: one that comes along, or else the path of a YAML file.

    Raises:
        BadConfig: there is no such profile, or it does not hold; the reason names the field.
    """
    if name == NONE:
        return Profile(NONE, "No adversary", None, "")
    known = profile_names(disk)
    path = FOLDER / f"{name}.yaml" if name in known else Path(name)
    if name not in known and path.suffix not in (".yaml", ".yml"):
        raise BadConfig(f"profile {name!r}", f"there is none of this name: {', '.join(known)}, {NONE} or a .yaml file")
    text = read_file(disk, path)
    try:
        values = load(text)
    except BadYaml as error:
        raise BadConfig(str(path), str(error)) from error
    if not isinstance(values, dict) or "adversary" not in values or not set(values) <= {"about", "adversary"}:
        raise BadConfig(str(path), "a profile has a part adversary, and beside it about, one sentence")
    return profile_of(values["adversary"], path.stem, str(values.get("about", "")), text, str(path))


def profile_of(given: Any, name: str, about: str, text: str, where: str) -> Profile:
    """
    The profile that says *given*, an `adversary:` part, under *name*.

    Raises:
        BadConfig: it does not hold; *where* is what to call it.
    """
    if not isinstance(given, Mapping):
        raise BadConfig(where, "adversary is a mapping of names to values")
    adversary = {"name": name, **given}
    read_adversary(adversary, where)
    return Profile(name, about, adversary, text)
