"""A module as its source says it: what it defines, and what it imports. Nothing is executed."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from comp.errors import CompetitionError

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_BLOCKS = (ast.If, ast.Try, ast.For, ast.While, ast.With)
_SILENT = ("__all__", "__version__")


@dataclass(frozen=True)
class Import:
    """A name that an import binds: `import module` has no attribute, `from module import` has."""

    bound: str
    module: str
    attribute: str | None = None

    @property
    def target(self) -> str:
        """The full name of what is bound; `import a.b` binds `a`."""
        if self.attribute is not None:
            return f"{self.module}.{self.attribute}"
        return self.module if self.bound != self.module.partition(".")[0] else self.bound


@dataclass(eq=False)
class Definition:
    """The statements of a module that define some of its names.

    `left_out` are places of the source, (line, byte) from and to, and the text that stands there in
    a program instead.
    """

    module: str
    names: list[str]
    statements: list[ast.stmt]
    left_out: list[tuple[tuple[int, int], tuple[int, int], str]] = field(default_factory=list)

    @property
    def title(self) -> str:
        """The full name, for messages."""
        return f"{self.module}.{self.names[0]}"


@dataclass
class Module:
    """What a module defines and imports; `effects` are the lines of other statements at its top."""

    name: str
    package: str
    lines: list[str]
    document: str
    definitions: dict[str, Definition] = field(default_factory=dict)
    imports: dict[str, list[Import]] = field(default_factory=dict)
    types: dict[str, list[Import]] = field(default_factory=dict)
    effects: list[int] = field(default_factory=list)


def find_source(name: str) -> Path | None:
    """The file of a module; None if there is none. No package is imported for it, except that
    Python looks for the first one."""
    first, *rest = name.split(".")
    try:
        spec = importlib.util.find_spec(first)
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    if not rest:
        return Path(spec.origin) if spec.origin and spec.origin.endswith(".py") else None
    folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
    for part in rest[:-1]:
        folders = [folder / part for folder in folders if (folder / part).is_dir()]
    for folder in folders:
        for file in (folder / rest[-1] / "__init__.py", folder / f"{rest[-1]}.py"):
            if file.is_file():
                return file
    return None


def read_module(name: str, path: Path) -> Module:
    """Parse a module.

    Raises:
        CompetitionError: its source is not Python, or has `from x import *`.
    """
    source = path.read_text(encoding="utf-8")
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise CompetitionError(f"{path.name}, line {error.lineno}: {error.msg}") from error
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    module = Module(name, package, source.splitlines(), ast.get_docstring(tree) or "")
    body = tree.body[1:] if ast.get_docstring(tree) is not None else tree.body
    previous: Definition | None = None
    for statement in body:
        previous = _take(module, statement, previous)
    return module


def _take(module: Module, statement: ast.stmt, previous: Definition | None) -> Definition | None:
    """Record one statement at the top of a module; returns what it defines."""
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        for found in imports_of(statement, module.package):
            module.imports.setdefault(found.bound, []).append(found)
        return None
    if isinstance(statement, ast.If) and _only_types(statement.test):
        _take_types(module, statement)
        return None
    if _is_text(statement):
        if previous:
            previous.statements.append(statement)
        return None
    if isinstance(statement, (ast.Pass, ast.Assert)) or _runs_as_program(statement):
        return None
    return _define(module, statement)


def _take_types(module: Module, statement: ast.If) -> None:
    """Record the imports of `if TYPE_CHECKING`, and what its `else` does."""
    for inner in statement.body:
        if isinstance(inner, (ast.Import, ast.ImportFrom)):
            for found in imports_of(inner, module.package):
                module.types.setdefault(found.bound, []).append(found)
    for inner in statement.orelse:
        _take(module, inner, None)


def _define(module: Module, statement: ast.stmt) -> Definition | None:
    names = list(dict.fromkeys(bound_names([statement])))
    if names and set(names) <= set(_SILENT):
        return None
    changed = [name for name in _changed(statement) if name in module.definitions]
    base = [*names, *changed] if isinstance(statement, _BLOCKS) else names or changed
    if not base:
        module.effects.append(statement.lineno)
        return None
    known = dict.fromkeys(module.definitions[n] for n in base if n in module.definitions)
    definition, *others = known or [Definition(module.name, [], [])]
    for other in others:
        definition.names += other.names
        definition.statements += other.statements
    definition.names += [name for name in names if name not in definition.names]
    definition.statements.append(statement)
    for name in definition.names:
        module.definitions[name] = definition
    return definition if isinstance(statement, (ast.Assign, ast.AnnAssign)) else None


def imports_of(statement: ast.Import | ast.ImportFrom, package: str) -> list[Import]:
    """What an import binds, with full names of modules.

    Raises:
        CompetitionError: `from x import *`, whose names only Python knows.
    """
    if isinstance(statement, ast.Import):
        return [
            Import(alias.asname or alias.name.partition(".")[0], alias.name)
            for alias in statement.names
        ]
    base = statement.module or ""
    if statement.level:
        parts = package.split(".")
        above = parts[: len(parts) - statement.level + 1]
        base = ".".join([*above, base] if base else above)
    if base == "__future__":
        return []
    if any(alias.name == "*" for alias in statement.names):
        raise CompetitionError(f"from {base} import *: name what is imported")
    return [Import(alias.asname or alias.name, base, alias.name) for alias in statement.names]


def bound_names(statements: Sequence[ast.stmt], imports: bool = True) -> Iterator[str]:
    """The names that statements bind in their own scope, without those of functions in them.

    Args:
        imports: whether the names that imports bind count.
    """
    waiting: list[ast.AST] = list(reversed(statements))
    while waiting:
        node = waiting.pop()
        if imports or not isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from _bound_by(node)
        if isinstance(node, (*FUNCTIONS, ast.ClassDef, ast.Lambda)):
            continue
        if isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            yield from (
                inner.target.id
                for inner in ast.walk(node)
                if isinstance(inner, ast.NamedExpr) and isinstance(inner.target, ast.Name)
            )
            continue
        waiting += reversed(list(ast.iter_child_nodes(node)))


def _bound_by(node: ast.AST) -> Iterator[str]:
    if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
        yield node.name
    elif isinstance(node, ast.Name) and isinstance(node.ctx, (ast.Store, ast.Del)):
        yield node.id
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
    elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node.name:
        yield node.name
    elif isinstance(node, ast.MatchMapping) and node.rest:
        yield node.rest


def _only_types(test: ast.expr) -> bool:
    """Whether a condition is `TYPE_CHECKING`."""
    return getattr(test, "id", getattr(test, "attr", None)) == "TYPE_CHECKING"


def _runs_as_program(statement: ast.stmt) -> bool:
    """Whether a statement is `if __name__ == "__main__"`."""
    return isinstance(statement, ast.If) and any(
        isinstance(node, ast.Name) and node.id == "__name__" for node in ast.walk(statement.test)
    )


def _is_text(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _changed(statement: ast.stmt) -> Iterator[str]:
    """The names whose values a statement changes: `NAMES["x"] = 1`, `NAMES.append(1)`."""
    targets: list[ast.expr] = []
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, (ast.AugAssign, ast.AnnAssign)):
        targets = [statement.target]
    elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        targets = [statement.value.func, *statement.value.args]  # a call may change what it gets
    elif isinstance(statement, _BLOCKS):
        for inner in ast.walk(statement):
            if isinstance(inner, (ast.Assign, ast.AugAssign, ast.Expr)):
                yield from _changed(inner)
    for target in targets:
        while isinstance(target, (ast.Attribute, ast.Subscript)):
            target = target.value
        if isinstance(target, ast.Name):
            yield target.id
