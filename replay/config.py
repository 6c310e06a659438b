"""
The configuration of a resimulation: strategies, policy, venue, seed. YAML for people, attrs for us.

Paths are relative to the file they stand in. Its text, and the text of everything it names, goes into RUN_START, so the
run needs none of the files again.
"""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml
from attrs import field, frozen
from cattrs import BaseValidationError, Converter

from journal.disk import Disk
from journal.errors import JournalError
from replay.adversary_config import AdversaryConfig
from replay.heuristics_config import HeuristicsConfig, HeuristicsPart
from replay.money_config import MoneyConfig
from replay.run import StrategySource, reasons
from replay.siblings import BadImport, gathered, path_of
from replay.venue_config import ClockConfig as ClockConfig
from replay.venue_config import VenueConfig, venue_hooks
from replay.yaml_text import BadYaml, load


def strict_converter() -> Converter:
    """
    A converter for what people write: a value of another type is refused, where cattrs alone would cut 2.9 down to 2,
    take true for 1 and a text for its letters. A whole number may stand for a float.
    """
    converter = Converter(forbid_extra_keys=True)
    for wanted, accepted in ((bool, (bool,)), (int, (int,)), (float, (int, float)), (str, (str,))):
        converter.register_structure_hook(wanted, _only(wanted, accepted))
    converter.register_structure_hook_func(lambda wanted: wanted == tuple[str, ...], _texts)
    converter.register_structure_hook_func(lambda wanted: wanted == str | float, _number_or_auto)
    venue_hooks(converter)
    return converter


def _texts(value: Any, _: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(text, str) for text in value):
        raise TypeError(value)
    return tuple(value)


def _number_or_auto(value: Any, _: Any) -> str | float:
    if value != "auto" and type(value) not in (int, float):
        raise TypeError(value)
    return value if value == "auto" else float(value)


def _only(wanted: type, accepted: tuple[type, ...]) -> Callable[[Any, Any], Any]:
    def structure(value: Any, _: Any) -> Any:
        if type(value) not in accepted:
            raise TypeError(value)
        return wanted(value)

    return structure


_converter = strict_converter()
MOST_BYTES = 1 << 20
_OFF_UNTIL_SET = ("adversary", "heuristics")
"""Parts that an override makes, where they are missing: what they hold is off until one of its values is set."""
MOST_SEED = 2**63 - 1


class BadConfig(JournalError):
    """A configuration that cannot be used: CFG_INVALID."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where}: {reason}")


@frozen
class StrategyConfig:
    """One strategy: *code* is `file.py:Class` or `package.module:Class`."""

    name: str
    code: str
    tier: str = "market_making"
    instruments: tuple[str, ...] = ()
    parameters: dict[str, Any] = field(factory=dict)


@frozen
class RunConfig:
    """
    What `--config` says. *policy* is a path; without one nothing is admitted. *journals* are paths too: what
    `engine sweep` and `engine ab` run on where they are given no journal.
    """

    strategies: tuple[StrategyConfig, ...]
    venue: VenueConfig
    money: MoneyConfig = field(factory=MoneyConfig)
    policy: str = ""
    book_hash_every: int = 1
    seed: int = 0
    adversary: AdversaryConfig | None = None
    heuristics: HeuristicsConfig | None = None
    journals: tuple[str, ...] = ()


def read_file(disk: Disk, path: Path) -> str:
    """The text of a small file. Raises BadConfig where it is missing, too large or no text."""
    try:
        file = disk.open_read(path)
    except OSError as error:
        raise BadConfig(str(path), error.strerror or "cannot be opened") from error
    data = file.read(0, MOST_BYTES + 1)
    file.close()
    if len(data) > MOST_BYTES:
        raise BadConfig(str(path), "is larger than 1 MiB")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise BadConfig(str(path), "is no UTF-8 text") from error


Contents = dict[str, Any] | None
"""A part of a configuration as YAML has it; None where it is taken out."""


def read_adversary(values: dict[str, Any], where: str) -> AdversaryConfig:
    """What the `adversary:` part of a configuration says. Raises BadConfig."""
    try:
        return _converter.structure(values, AdversaryConfig)
    except BaseValidationError as error:
        raise BadConfig(where, reasons(error)) from error


def read_heuristics(text: str) -> HeuristicsConfig | None:
    """
    The `heuristics:` part of the configuration *text* of a run, None where it has none.

    Raises:
        BadConfig: the part does not hold.
    """
    if "heuristics" not in text:  # every kernel asks, and few configurations have the part
        return None
    where = "the recorded configuration"
    try:
        values = load(text)
        part = values.get("heuristics") if isinstance(values, dict) else None
        return _converter.structure({"heuristics": part}, HeuristicsPart).heuristics
    except BadYaml as error:
        raise BadConfig(where, str(error)) from error
    except BaseValidationError as error:
        raise BadConfig(where, reasons(error)) from error


def read_config(
    text: str,
    where: str,
    overrides: tuple[str, ...] = (),
    strategy: str | None = None,
    adversaries: tuple[Contents, ...] = (),
) -> tuple[RunConfig, str]:
    """
    The configuration in *text*, changed as asked, and the text that says just that.

    *strategy* (`file.py:Class` or `package.module:Class`) takes the place of all it has, under the name of its class
    and without parameters. So does the last of *adversaries* for the adversary. *overrides* ("path=value") come after
    that, so they can give both some.

    Raises:
        BadConfig: it is no YAML of ours; the reason names the field.
    """
    try:
        values = load(text)
    except BadYaml as error:
        raise BadConfig(where, str(error)) from error
    if not isinstance(values, dict):
        raise BadConfig(where, "a configuration is a mapping of names to values")
    if strategy is not None:
        values["strategies"] = [{"name": strategy.rpartition(":")[2], "code": strategy, "parameters": {}}]
    for adversary in adversaries:
        values["adversary"] = adversary
    for override in overrides:
        _override(values, override)
    try:
        config = _converter.structure(values, RunConfig)
    except BaseValidationError as error:
        raise BadConfig(where, reasons(error)) from error
    if not 0 <= config.seed <= MOST_SEED:
        raise BadConfig(where, f"seed is {config.seed}, expected a whole number from 0 to 2**63 - 1")
    if not 0 <= config.book_hash_every <= MOST_SEED:
        raise BadConfig(where, f"book_hash_every is {config.book_hash_every}, expected 0 (none) or a whole number")
    return config, yaml.safe_dump(values, sort_keys=False) if overrides or strategy or adversaries else text


def _override(values: dict[str, Any], override: str) -> None:
    """Set one value by its path: `venue.order_latency_ms=20`, `strategies.NAME.parameters.size=5`."""
    path, equals, text = override.partition("=")
    if not equals:
        raise BadConfig(f"--set {override}", "write it as path=value")
    *parents, last = path.split(".")
    target: Any = values
    for name in parents:
        if parents[0] in _OFF_UNTIL_SET and isinstance(target, dict) and target.get(name) is None:
            target[name] = {}
        target = _step(target, name, override)
    try:
        value = load(text)
    except BadYaml as error:
        raise BadConfig(f"--set {override}", f"the value {error}") from error
    if isinstance(target, list):
        raise BadConfig(f"--set {override}", f"{last!r} names a whole entry; name a value in it")
    target[last] = value


def _step(target: Any, name: str, override: str) -> Any:
    if isinstance(target, dict) and name == "parameters":
        target.setdefault(name, {})
    if isinstance(target, dict) and name in target and isinstance(target[name], dict | list):
        return target[name]
    if isinstance(target, list):
        found = [one for one in target if isinstance(one, dict) and one.get("name") == name]
        if len(found) == 1:
            return found[0]
    raise BadConfig(f"--set {override}", f"there is no {name!r} to set a value in")


def source_of(disk: Disk, code: str, folder: Path) -> tuple[str, str]:
    """
    (source text, class name) of a strategy named `file.py:Class` (relative to *folder*) or `package.module:Class`.

    Raises:
        BadConfig: there is no such file or module.
    """
    place, colon, class_name = code.rpartition(":")
    if not colon or not class_name.isidentifier():
        raise BadConfig(f"strategy {code!r}", "name it as file.py:Class or package.module:Class")
    if place.endswith(".py"):
        path = Path(place)
        return read_file(disk, path if path.is_absolute() else folder / path), class_name
    try:
        spec = find_spec(place)
    except (ImportError, ValueError) as error:
        raise BadConfig(f"strategy {code!r}", f"there is no module {place}") from error
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        raise BadConfig(f"strategy {code!r}", f"there is no module {place} with a Python source")
    return read_file(disk, Path(spec.origin)), class_name


def sources(disk: Disk, config: RunConfig, folder: Path) -> tuple[StrategySource, ...]:
    """The strategies of *config* with their source texts, as RUN_START records them."""
    found: list[StrategySource] = []
    names: dict[str, int] = {}
    for one in config.strategies:
        if one.name in names:
            raise BadConfig(f"strategy {one.name!r}", "two strategies have this name")
        names[one.name] = 1
        source, class_name = source_of(disk, one.code, folder)
        try:
            modules = gathered(source, lambda module: read_file(disk, Path(path_of(module))))
        except BadImport as error:
            raise BadConfig(f"strategy {one.name!r}", str(error)) from error
        found.append(StrategySource(one.name, class_name, source, one.tier, one.instruments, one.parameters, modules))
    return tuple(found)
