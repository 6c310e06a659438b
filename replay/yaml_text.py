"""YAML as people write it, read so that nothing they wrote is dropped in silence."""

from collections.abc import Hashable
from typing import Any

import yaml


class BadYaml(Exception):
    """A text that is no YAML, or in which a name stands twice; the sentence says at which line."""


class _Loader(yaml.SafeLoader):
    """Safe YAML that refuses a name given twice, where plain YAML would take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """The mapping of *node*."""
        seen: list[str] = []
        for key, _ in node.value:
            if key.value in seen:
                raise BadYaml(f"gives {key.value!r} twice (line {key.start_mark.line + 1})")
            seen.append(key.value)
        return super().construct_mapping(node, deep)


def load(text: str) -> Any:
    """
    What *text* says.

    Raises:
        BadYaml: it is no YAML, a value in it is none (the 31st of February), it is nested too deeply, or a mapping
            gives a name twice.
    """
    try:
        return yaml.load(text, _Loader)
    except (yaml.YAMLError, ValueError) as error:
        raise BadYaml(f"is no YAML: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise BadYaml("is nested too deeply") from error
