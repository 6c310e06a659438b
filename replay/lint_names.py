"""What names in a strategy's file stand for, as far as its text says: imports, sets, floats, the module's objects."""

import ast
import sys
from collections.abc import Iterator
from typing import Final

ORDER_FREE: Final = ("sorted", "set", "frozenset", "len", "min", "max", "any", "all")
"""Consumers that give the same whatever order they are given things in."""

_BUILTINS: Final = ("open", "input", "breakpoint", "hash", "id", "exec", "eval", "compile", "__import__", "globals")
_SET_MAKERS: Final = ("set", "frozenset")
_SET_METHODS: Final = ("union", "intersection", "difference", "symmetric_difference")
_SET_TYPES: Final = ("set", "frozenset", "Set", "FrozenSet", "AbstractSet", "MutableSet")
_OBJECT_MAKERS: Final = (
    *("list", "dict", "set", "bytearray", "deque", "defaultdict", "Counter", "OrderedDict", "ChainMap"),
    *("count", "cycle", "iter"),
)
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def called_name(node: ast.expr) -> str:
    """The last part of the name that a call calls: `join` of `", ".join(...)`; empty for anything else."""
    if not isinstance(node, ast.Call):
        return ""
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


class Names:
    """One module's names. Where a name means two things, it is what any one of its assignments says."""

    def __init__(self, tree: ast.Module) -> None:
        self._imports: dict[str, str] = {}
        self._bound: dict[str, bool] = {}
        self._locals: dict[str, dict[str, bool]] = {}
        self._sets: dict[str, bool] = {}
        self._floats: dict[str, bool] = {}
        self.classes: list[str] = [node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
        """Classes that the file defines."""
        self.module_objects: list[str] = [name for name, value in _assigned(tree.body) if _is_object(value)]
        """Names of the module that hold something that can be changed in place."""
        for node in ast.walk(tree):
            self._read(node)
        # A name may be made of one that is assigned further down: a second look finds it.
        for _ in range(2):
            for node in ast.walk(tree):
                self._infer(node)

    def _read(self, node: ast.AST) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.partition(".")[0]
                self._imports[alias.asname or first] = alias.name if alias.asname else first
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                self._imports[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        elif isinstance(node, _Function):
            self._bound[node.name] = True
            self._locals.setdefault(node.name, {}).update(dict.fromkeys(_locals_of(node), True))
        elif isinstance(node, ast.ClassDef):
            self._bound[node.name] = True
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            self._bound[node.id] = True
        elif isinstance(node, ast.arg):
            self._bound[node.arg] = True

    def _infer(self, node: ast.AST) -> None:
        if isinstance(node, ast.arg | ast.AnnAssign) and node.annotation is not None:
            name = node.arg if isinstance(node, ast.arg) else _key(node.target)
            kind = _type_name(node.annotation)
            if kind in _SET_TYPES:
                self._sets[name] = True
            if kind == "float":
                self._floats[name] = True
        for name, value in _assigned([node]):
            if self.is_set(value):
                self._sets[name] = True
            if self.is_float(value):
                self._floats[name] = True

    # -- answers -------------------------------------------------------------------------------------------------------

    def imported(self, name: str) -> str | None:
        """The dotted name that *name* was imported as; a builtin's own; None for a name of the file itself."""
        if name in self._imports:
            return self._imports[name]
        return name if name in _BUILTINS and name not in self._bound else None

    def dotted(self, node: ast.expr) -> str | None:
        """`np.random.rand` as "numpy.random.rand", if it begins with an import; otherwise None."""
        if isinstance(node, ast.Name):
            return self._imports.get(node.id)
        if isinstance(node, ast.Attribute):
            before = self.dotted(node.value)
            return None if before is None else f"{before}.{node.attr}"
        return None

    def is_bound(self, name: str) -> bool:
        """Whether the file gives *name* a meaning of its own."""
        return name in self._bound or name in self._imports

    def is_local(self, name: str, functions: list[str]) -> bool:
        """Whether one of the *functions* around has a variable or parameter called *name*."""
        return any(name in self._locals.get(function, {}) for function in functions)

    @staticmethod
    def is_standard(module: str) -> bool:
        """Whether *module* belongs to Python itself."""
        return module.partition(".")[0] in sys.stdlib_module_names

    def is_set(self, node: ast.expr) -> bool:
        """Whether *node* is a set, for all that its text says."""
        if isinstance(node, ast.Set | ast.SetComp):
            return True
        if isinstance(node, ast.Name | ast.Attribute):
            return _key(node) in self._sets
        if isinstance(node, ast.Call):
            name = called_name(node)
            if isinstance(node.func, ast.Attribute):
                return name in _SET_METHODS or (name == "copy" and self.is_set(node.func.value))
            return name in _SET_MAKERS
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr | ast.BitAnd | ast.Sub | ast.BitXor):
            return any(self.is_set(side) or called_name(side) in ("keys", "items") for side in (node.left, node.right))
        if isinstance(node, ast.IfExp):
            return self.is_set(node.body) or self.is_set(node.orelse)
        return False

    def is_float(self, node: ast.expr) -> bool:
        """Whether *node* is a float (or a list of floats), for all that its text says."""
        if isinstance(node, ast.Constant):
            return isinstance(node.value, float)
        if isinstance(node, ast.Name | ast.Attribute):
            return _key(node) in self._floats or self.dotted(node) in ("math.pi", "math.e", "math.tau", "math.inf")
        if isinstance(node, ast.BinOp):
            if isinstance(node.op, ast.Div):
                return True
            return self.is_float(node.left) or self.is_float(node.right)
        if isinstance(node, ast.UnaryOp):
            return self.is_float(node.operand)
        if isinstance(node, ast.IfExp):
            return self.is_float(node.body) or self.is_float(node.orelse)
        if isinstance(node, ast.List | ast.Tuple):
            return any(self.is_float(one) for one in node.elts)
        if isinstance(node, ast.ListComp | ast.GeneratorExp):
            return self.is_float(node.elt)
        if isinstance(node, ast.Call):
            return self._gives_float(node)
        return False

    def _gives_float(self, node: ast.Call) -> bool:
        name = called_name(node)
        whole = ("floor", "ceil", "trunc", "isqrt", "gcd", "lcm", "comb", "perm", "factorial")
        if isinstance(node.func, ast.Attribute):
            dotted = self.dotted(node.func) or ""
            numbers = dotted.startswith(("math.", "engine.kernel.fmath.")) and not name.startswith("is")
            return numbers and name not in whole
        if name == "float":
            return True
        if name == "round":
            return len(node.args) == 2 and self.is_float(node.args[0])
        if name in ("abs", "min", "max", "sum"):
            return any(self.is_float(argument) for argument in node.args)
        imported = self._imports.get(name, "")
        return imported.startswith("math.") and name not in whole and not name.startswith("is")


def _key(node: ast.AST) -> str:
    """A name, or the attribute's: attributes of one name are taken for one thing."""
    if isinstance(node, ast.Name):
        return node.id
    return f".{node.attr}" if isinstance(node, ast.Attribute) else ""


def _type_name(annotation: ast.expr) -> str:
    """`set` of `set[str]`, `float` of `float | None`."""
    if isinstance(annotation, ast.Subscript):
        return _type_name(annotation.value)
    if isinstance(annotation, ast.BinOp):
        return _type_name(annotation.left)
    if isinstance(annotation, ast.Attribute):
        return annotation.attr
    return annotation.id if isinstance(annotation, ast.Name) else ""


def _assigned(body: list[ast.stmt] | list[ast.AST]) -> Iterator[tuple[str, ast.expr]]:
    """Each name, or attribute, that a statement of *body* assigns, with what is assigned to it."""
    for node in body:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    yield from zip(map(_key, target.elts), node.value.elts, strict=False)
                else:
                    yield _key(target), node.value
        elif isinstance(node, ast.AnnAssign | ast.NamedExpr | ast.AugAssign) and node.value is not None:
            yield _key(node.target), node.value


def _is_object(value: ast.expr) -> bool:
    """Whether *value* is something that can be changed in place."""
    if isinstance(value, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp):
        return True
    return called_name(value) in _OBJECT_MAKERS


def _locals_of(function: _Function) -> Iterator[str]:
    """Parameters and variables of *function*, those of functions within it too."""
    shared = [name for node in ast.walk(function) if isinstance(node, ast.Global) for name in node.names]
    for node in ast.walk(function):
        if isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id not in shared:
            yield node.id
