"""
What in a strategy's text breaks its promises: found by reading it, without running it.

The lint is cautious in both directions: it resolves imports and follows names within the file, says nothing where it
cannot tell, and never runs or imports what it reads. A finding that is wrong, or meant, is allowed by a comment with a
reason on its line or alone on the line before: `# refold: allow CLOCK only printed`.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator

from attrs import evolve, frozen

from replay.lint_names import ORDER_FREE, Names, called_name
from replay.promises import PROMISES, broken_by
from replay.siblings import PACKAGE, is_sibling

_ALLOW = re.compile(r"#\s*refold:\s*allow\b\s*(\w*)\s*(.*)")
_HOUSE = ("attrs", "attr", "engine.kernel", "mypy_extensions", "typing_extensions")
_CHANGES = frozenset(
    (
        *("append", "appendleft", "add", "clear", "discard", "extend", "insert", "pop", "popitem", "popleft"),
        *("remove", "reverse", "setdefault", "sort", "update", "__setitem__"),
    )
)
_SETS_UP = ("__init__", "__attrs_post_init__", "__attrs_pre_init__", "__post_init__", "__new__")
_TAKES_IN_ORDER = ("list", "tuple", "enumerate", "iter", "zip", "map", "filter", "reversed", "next")


@frozen(order=True)
class Finding:
    """One breach: where (*line* and *column* from 1), which promise, and what was found there."""

    file: str
    line: int
    column: int
    code: str
    what: str
    last_line: int = 0

    @property
    def message(self) -> str:
        """What is wrong, and why."""
        promise = PROMISES[self.code]
        return f"{self.what}: {promise.reason}"

    @property
    def instead(self) -> str:
        """What to do about it."""
        return PROMISES[self.code].instead


@frozen
class Linted:
    """The findings in one file, in the order of its lines, and how many more its comments allow."""

    findings: tuple[Finding, ...]
    allowed: int


def lint(text: str, file: str) -> Linted:
    """What in *text* breaks a strategy's promises; *file* names it in the findings."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        at = (error.lineno or 1, error.offset or 1) if isinstance(error, SyntaxError) else (1, 1)
        what = error.msg if isinstance(error, SyntaxError) else str(error)
        return Linted((Finding(file, at[0], max(1, at[1]), "SYNTAX", what),), 0)
    reader = _Reader(tree, file)
    reader.visit(tree)
    found = sorted({(one.line, one.column, one.code): one for one in reader.findings}.values())
    return _without_allowed(found, text, file)


def _without_allowed(found: list[Finding], text: str, file: str) -> Linted:
    """The findings that no comment allows, and those about such comments."""
    allowances: dict[int, str] = {}
    kept: list[Finding] = []
    lines = text.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        said = _ALLOW.match(token.string) if token.type == tokenize.COMMENT else None
        if said is None:
            continue
        line, column = token.start
        code, reason = said.groups()
        if code not in PROMISES or not reason.strip():
            what = f"there is no rule {code!r}" if code and code not in PROMISES else "it gives no reason"
            kept.append(Finding(file, line, column + 1, "ALLOW", f"this comment allows nothing, {what}"))
            continue
        alone = not lines[line - 1][:column].strip()
        allowances[line + 1 if alone else line] = f"{allowances.get(line, '')} {code} "
    allowed = 0
    for one in found:
        here = "".join(allowances.get(line, "") for line in range(one.line, max(one.line, one.last_line) + 1))
        if f" {one.code} " in here:
            allowed += 1
        else:
            kept.append(one)
    return Linted(tuple(evolve(one, last_line=0) for one in sorted(kept)), allowed)


class _Reader(ast.NodeVisitor):
    """Walks a module once and notes what breaks a promise."""

    def __init__(self, tree: ast.Module, file: str) -> None:
        self.file = file
        self.names = Names(tree)
        self.findings: list[Finding] = []
        self.functions: list[str] = []
        self.strategies: list[bool] = []
        """Of the classes around: whether each has a method `decide`."""
        self.order_free: list[ast.AST] = []
        """Comprehensions whose consumer does not care about order."""

    def note(self, node: ast.AST, code: str, what: str) -> None:
        """Note one finding at *node*."""
        line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0) + 1
        self.findings.append(Finding(self.file, line, column, code, what, getattr(node, "end_lineno", line) or line))

    # -- names ---------------------------------------------------------------------------------------------------------

    def visit_Name(self, node: ast.Name) -> None:
        """A name that was imported, or a builtin."""
        if isinstance(node.ctx, ast.Load):
            self._used(node, self.names.imported(node.id))

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """A dotted name: judged whole, so that `os.environ` is the environment and not `os`."""
        name = self.names.dotted(node)
        if name is None:
            if isinstance(node.ctx, ast.Store | ast.Del):
                self._kept(node)
            self.generic_visit(node)
        else:
            self._used(node, name)

    def _used(self, node: ast.AST, name: str | None) -> None:
        code = None if name is None else broken_by(name)
        if code is not None:
            self.note(node, code, f"{name} {PROMISES[code].breach}")

    # -- imports -------------------------------------------------------------------------------------------------------

    def visit_Import(self, node: ast.Import) -> None:
        """`import x`."""
        self._imports(node, [alias.name for alias in node.names])

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """`from x import y`."""
        if node.level:
            self.note(node, "IMPORT", "a relative import")
        elif any(alias.name == "*" for alias in node.names):
            self.note(node, "IMPORT", f"everything of {node.module}, which hides what is used")
        elif node.module == PACKAGE:
            self.note(node, "IMPORT", f"a whole module of {PACKAGE}, which hides what is used")
        elif node.module is not None and is_sibling(node.module):
            if self.functions:
                self.note(node, "IMPORT", f"{node.module} is imported during a call")
        else:
            module = node.module or ""
            self._imports(node, [f"{module}.{alias.name}" if module == "engine" else module for alias in node.names])

    def _imports(self, node: ast.stmt, modules: list[str]) -> None:
        for module in modules:
            if self.functions:
                self.note(node, "IMPORT", f"{module} is imported during a call")
            if not self.names.is_standard(module) and not any(
                module == one or module.startswith(f"{one}.") for one in _HOUSE
            ):
                self.note(node, "IMPORT", f"{module} is no part of the contract")

    # -- state ---------------------------------------------------------------------------------------------------------

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """Note whether it is a strategy."""
        methods = [one.name for one in node.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
        self.strategies.append("decide" in methods)
        outside, self.functions = self.functions, []
        self.generic_visit(node)
        self.functions = outside
        self.strategies.pop()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """Defaults are shared by all calls; everything else is judged inside."""
        for default in (*node.args.defaults, *node.args.kw_defaults):
            if isinstance(default, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp):
                self.note(default, "STATE", "a default that all calls share")
        self.functions.append(node.name)
        self.generic_visit(node)
        self.functions.pop()

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        """A coroutine."""
        self.note(node, "THREAD", f"async def {node.name}")
        self.functions.append(node.name)
        self.generic_visit(node)
        self.functions.pop()

    def visit_Await(self, node: ast.Await) -> None:
        """A coroutine's wait."""
        self.note(node, "THREAD", "await")
        self.generic_visit(node)

    def visit_Global(self, node: ast.Global) -> None:
        """State in the module."""
        self.note(node, "STATE", f"global {', '.join(node.names)}")

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        """State in a closure."""
        self.note(node, "STATE", f"nonlocal {', '.join(node.names)}")

    def visit_Subscript(self, node: ast.Subscript) -> None:
        """`name[...] = ...` of something that outlives the call."""
        if isinstance(node.ctx, ast.Store | ast.Del):
            self._changed(node, node.value)
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        """`x **= y` is a power too."""
        if isinstance(node.op, ast.Pow):
            self._power(node, node.target, node.value)
        self.generic_visit(node)

    def _kept(self, node: ast.Attribute) -> None:
        """`self.x = ...` outside of what sets an object up, unless x is the memory."""
        owner = node.value
        if not (isinstance(owner, ast.Name) and self.functions):
            return
        own = owner.id in ("self", "cls")
        if own and self.functions[0] not in _SETS_UP and node.attr != "memory" and any(self.strategies):
            self.note(node, "STATE", f"{owner.id}.{node.attr} is set during a call")
        elif owner.id in self.names.classes:
            self.note(node, "STATE", f"{owner.id}.{node.attr} is set on the class")

    def _changed(self, node: ast.AST, changed: ast.expr) -> None:
        """*changed* is altered in place: does it outlive the call?"""
        if not self.functions:
            return
        if isinstance(changed, ast.Name) and changed.id in self.names.module_objects:
            if not self.names.is_local(changed.id, self.functions):
                self.note(node, "STATE", f"{changed.id}, kept in the module, is changed during a call")
        elif isinstance(changed, ast.Attribute) and isinstance(changed.value, ast.Name):
            outlives = changed.value.id in ("self", "cls") and any(self.strategies) and changed.attr != "memory"
            if outlives and self.functions[0] not in _SETS_UP:
                self.note(node, "STATE", f"{changed.value.id}.{changed.attr} is changed during a call")

    # -- sets ----------------------------------------------------------------------------------------------------------

    def visit_For(self, node: ast.For) -> None:
        """`for x in a set`."""
        self._in_order(node.iter)
        self.generic_visit(node)

    def visit_ListComp(self, node: ast.ListComp) -> None:
        """A list made of a set."""
        self._comprehends(node, node.generators)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> None:
        """A generator over a set."""
        self._comprehends(node, node.generators)

    def visit_DictComp(self, node: ast.DictComp) -> None:
        """A dict filled from a set."""
        self._comprehends(node, node.generators)

    def _comprehends(self, node: ast.AST, generators: list[ast.comprehension]) -> None:
        if node not in self.order_free:
            for one in generators:
                self._in_order(one.iter)
        self.generic_visit(node)

    def visit_Starred(self, node: ast.Starred) -> None:
        """`*a_set`."""
        self._in_order(node.value)
        self.generic_visit(node)

    def visit_YieldFrom(self, node: ast.YieldFrom) -> None:
        """`yield from a set`."""
        self._in_order(node.value)
        self.generic_visit(node)

    def _in_order(self, iterated: ast.expr) -> None:
        if self.names.is_set(iterated):
            self.note(iterated, "SET_ORDER", "a set is gone through in its own order")

    # -- calls and numbers ---------------------------------------------------------------------------------------------

    def visit_Call(self, node: ast.Call) -> None:
        """What a call does with its arguments."""
        name = called_name(node)
        if name in ORDER_FREE:
            self.order_free.extend(node.args)
        elif name in _TAKES_IN_ORDER or name in ("join", "extend", "fromkeys"):
            for argument in node.args:
                self._in_order(argument)
        if isinstance(node.func, ast.Attribute):
            if node.func.attr == "pop" and not node.args and self.names.is_set(node.func.value):
                self.note(node, "SET_ORDER", "pop() takes whichever comes first")
            elif node.func.attr in _CHANGES:
                self._changed(node, node.func.value)
        if name == "next" and node.args:
            self._changed(node, node.args[0])
        if name == "sum" and node.args and not self.names.is_bound("sum") and self._adds_floats(node):
            self.note(node, "FLOAT_SUM", "sum() of floats")
        if name == "pow" and len(node.args) == 2:
            self._power(node, *node.args)
        if name == "Place":
            self._units(node)
        self.generic_visit(node)

    def _adds_floats(self, node: ast.Call) -> bool:
        return any(self.names.is_float(part) for part in _parts(node))

    def _units(self, node: ast.Call) -> None:
        """The price and the size of a Place: its third and fourth argument, or by name."""
        asked = [("price_ticks", one) for one in node.args[2:3]] + [("lots", one) for one in node.args[3:4]]
        asked += [(word.arg or "", word.value) for word in node.keywords if word.arg in ("price_ticks", "lots")]
        for name, value in asked:
            if self.names.is_float(value):
                self.note(value, "UNITS", f"{name} is a float")

    def visit_BinOp(self, node: ast.BinOp) -> None:
        """A power of floats."""
        if isinstance(node.op, ast.Pow):
            self._power(node, node.left, node.right)
        self.generic_visit(node)

    def _power(self, node: ast.AST, base: ast.expr, exponent: ast.expr) -> None:
        negative = isinstance(exponent, ast.UnaryOp) and isinstance(exponent.op, ast.USub)
        if negative or self.names.is_float(base) or self.names.is_float(exponent):
            self.note(node, "FLOAT", "a power of floats")


def _parts(call: ast.Call) -> Iterator[ast.expr]:
    """What a call of sum() adds: the elements of its argument, and where it begins."""
    first, *others = call.args
    yield from others
    yield from (word.value for word in call.keywords)
    if isinstance(first, ast.GeneratorExp | ast.ListComp | ast.SetComp):
        yield first.elt
    elif isinstance(first, ast.List | ast.Tuple | ast.Set):
        yield from first.elts
    else:
        yield first
