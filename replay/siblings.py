"""
Modules of `engine.strategies` that a strategy's file imports: their texts travel with its own.

What a run was decided by is what its RUN_START holds. So the text of every module of the package that a strategy takes
names from, directly or through another one, is recorded beside it, and a replay runs these texts whatever the tree
holds by then. Imported are names, at the top of the file: `from engine.strategies.quoting import fair_price`. The
package itself and whole modules cannot be imported, because what is used of them would be hidden.
"""

import ast
import linecache
from collections.abc import Callable, Mapping
from importlib.util import find_spec

from engine._build import COMPILED_PATTERNS
from journal.errors import JournalError

PACKAGE = "engine.strategies"


class BadImport(JournalError):
    """A module of `engine.strategies` is imported that is not there, or in a way that would not be recorded."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)


def is_sibling(module: str) -> bool:
    """
    Whether *module* (a dotted name) is one of `engine.strategies` whose text is recorded.

    A compiled one is not: it is part of the build that the run names.
    """
    return module.startswith(f"{PACKAGE}.") and f"{module.replace('.', '/')}.py" not in COMPILED_PATTERNS


def imported_siblings(tree: ast.Module) -> list[str]:
    """
    The modules of the package that *tree* takes names from, in order.

    Raises:
        BadImport: it imports the package or a module of it as a whole.
    """
    found: dict[str, bool] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and not node.level and node.module:
            if node.module == PACKAGE or (
                node.module == "engine" and any(one.name == "strategies" for one in node.names)
            ):
                raise BadImport(f"import names from a module of {PACKAGE}, as in from {PACKAGE}.quoting import ...")
            if is_sibling(node.module):
                found[node.module] = True
        elif isinstance(node, ast.Import):
            for one in node.names:
                if one.name == PACKAGE or is_sibling(one.name):
                    raise BadImport(f"write from {one.name} import ... for import {one.name}")
    return list(found)


def gathered(text: str, read: Callable[[str], str]) -> dict[str, str]:
    """
    Texts by module name of all that *text* needs of the package, by way of each other too; *read* gives one's text.

    A text that does not parse needs nothing: whoever runs it will say what is wrong with it.

    Raises:
        BadImport: see `imported_siblings`; and whatever *read* raises.
    """
    found: dict[str, str] = {}
    waiting = _of(text)
    while waiting:
        name = waiting.pop(0)
        if name not in found:
            found[name] = read(name)
            waiting += _of(found[name])
    return dict(sorted(found.items()))


def _of(text: str) -> list[str]:
    try:
        return imported_siblings(ast.parse(text))
    except (SyntaxError, ValueError):
        return []


def path_of(module: str) -> str:
    """
    The file of a module of the package.

    Raises:
        BadImport: there is none.
    """
    try:
        spec = find_spec(module)
    except (ImportError, ValueError):
        spec = None
    if spec is None or spec.origin is None:
        raise BadImport(f"there is no module {module}")
    if spec.origin.endswith(".py"):
        return spec.origin
    # A compiled module stands beside its source: module.cpython-311-....so
    folder, slash, file = spec.origin.rpartition("/")
    return f"{folder}{slash}{file.partition('.')[0]}.py"


def text_of(module: str) -> str:
    """
    The text of a module of the package, for whoever has no `Disk` at hand.

    Raises:
        BadImport: there is no such module, or its source is not installed.
    """
    path = path_of(module)
    linecache.checkcache(path)
    text = "".join(linecache.getlines(path))
    if not text:
        raise BadImport(f"the source of {module} cannot be found at {path}")
    return text


class Redirect(ast.NodeTransformer):
    """Lets a tree import from what was recorded: *keys* names, by module, what stands for it in `sys.modules`."""

    def __init__(self, keys: Mapping[str, str]) -> None:
        self._keys = keys

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.ImportFrom:
        """One import."""
        if node.module is not None and not node.level and is_sibling(node.module):
            if node.module not in self._keys:
                raise BadImport(f"it imports {node.module}, whose text was not recorded with it")
            node.module = self._keys[node.module]
        return node
