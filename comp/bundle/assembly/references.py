"""The names that statements use: where each stands, and whether it is needed when they are read."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from comp.bundle.assembly.source import FUNCTIONS, Import, bound_names, imports_of

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_IMPORT_ERRORS = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}
_EVALUATED = {"ClassVar", "InitVar", "KW_ONLY"}
"""Annotations that `dataclasses` looks at."""


@dataclass(frozen=True, eq=False)
class Use:
    """A name that is not local to a function, or that a function imports, with what follows it.

    `nodes` are `a`, `a.b`, `a.b.c`; `path` is ("b", "c"). `imported` is the import inside the
    function. `eager`: the value is needed when Python reads the definition. `local` are the names
    of the functions around it. `quoted` is the f-string around it. `in_class`: the class around it
    has the name too.
    """

    name: str
    path: tuple[str, ...]
    nodes: tuple[ast.expr, ...]
    imported: Import | None
    eager: bool
    local: frozenset[str]
    quoted: ast.JoinedStr | None
    in_class: bool


@dataclass(frozen=True, eq=False)
class LocalImport:
    """An import inside a function; `optional` if the function can do without it."""

    statement: ast.Import | ast.ImportFrom
    imports: tuple[Import, ...]
    optional: bool
    others: frozenset[str]
    """The names that the function binds in other ways."""


@dataclass
class References:
    """What the statements of a definition use; `annotations` are names that only types need, and
    `types` is where they stand."""

    uses: list[Use] = field(default_factory=list)
    imports: list[LocalImport] = field(default_factory=list)
    annotations: set[str] = field(default_factory=set)
    types: list[ast.Name] = field(default_factory=list)
    globals: set[str] = field(default_factory=set)


def references_of(statements: Sequence[ast.stmt], package: str) -> References:
    """The references of statements at the top of a module of a package."""
    visitor = _Visitor(package)
    for statement in statements:
        visitor.visit(statement)
    return visitor.found


@dataclass
class _Scope:
    """The names of a function, of a comprehension or of a class; `imports` are its imports."""

    names: set[str]
    imports: dict[str, Import]
    is_class: bool = False


class _Visitor(ast.NodeVisitor):
    def __init__(self, package: str) -> None:
        self.package = package
        self.found = References()
        self.scopes: list[_Scope] = []
        self.eager = True
        self.optional = False
        self.quoted: ast.JoinedStr | None = None

    def visit_Name(self, node: ast.Name) -> None:
        self._use(node, (), (node,))

    def visit_Attribute(self, node: ast.Attribute) -> None:
        path: list[str] = []
        nodes: list[ast.expr] = []
        inner: ast.expr = node
        while isinstance(inner, ast.Attribute):
            path.insert(0, inner.attr)
            nodes.insert(0, inner)
            inner = inner.value
        if isinstance(inner, ast.Name):
            self._use(inner, tuple(path), (inner, *nodes))
        else:
            self.visit(inner)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        outer, self.quoted = self.quoted, self.quoted or node
        self.generic_visit(node)
        self.quoted = outer

    def visit_Import(self, node: ast.Import) -> None:
        self._import(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        self._import(node)

    def visit_Global(self, node: ast.Global) -> None:
        self.found.globals.update(node.names)

    def visit_Try(self, node: ast.Try) -> None:
        outer, self.optional = self.optional, self.optional or any(map(_catches, node.handlers))
        self._visit_all(node.body)
        self.optional = outer
        self._visit_all([*node.handlers, *node.orelse, *node.finalbody])

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._function(node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._visit_all(_defaults(node.args))
        self._inside(_Scope(set(_parameters(node.args)), {}), [node.body])

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._visit_all([*node.decorator_list, *node.bases, *node.keywords])
        self.scopes.append(_Scope(set(bound_names(node.body)), {}, is_class=True))
        self._visit_all(node.body)
        self.scopes.pop()

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if not (self.scopes and isinstance(node.target, ast.Name)):
            self.visit(node.target)
        self._annotation(node.annotation, bool(self.scopes) and self.scopes[-1].is_class)
        if node.value:
            self.visit(node.value)

    def generic_visit(self, node: ast.AST) -> None:
        if isinstance(node, _COMPREHENSIONS):
            first, *others = node.generators
            self.visit(first.iter)
            targets = {name for g in node.generators for name in _stored(g.target)}
            values = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
            rest = [*first.ifs, *(p for g in others for p in (g.iter, *g.ifs)), *values]
            self._inside(_Scope(targets, {}), rest, lazy=False)
        else:
            super().generic_visit(node)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._visit_all([*node.decorator_list, *_defaults(node.args)])
        dispatches = any(getattr(d, "attr", "") == "register" for d in node.decorator_list)
        for annotation in [*(a.annotation for a in _arguments(node.args)), node.returns]:
            if annotation is not None and dispatches:
                self.visit(annotation)
            elif annotation is not None:
                self._annotation(annotation)
        self._inside(_scope_of(node, self.package), node.body)

    def _inside(self, scope: _Scope, nodes: Iterable[ast.AST], lazy: bool = True) -> None:
        eager, self.eager = self.eager, self.eager and not lazy
        self.scopes.append(scope)
        self._visit_all(nodes)
        self.scopes.pop()
        self.eager = eager

    def _visit_all(self, nodes: Iterable[ast.AST]) -> None:
        for node in nodes:
            self.visit(node)

    def _annotation(self, node: ast.expr, in_class: bool = False) -> None:
        names = [part for part in ast.walk(node) if isinstance(part, ast.Name)]
        self.found.annotations |= {name.id for name in names}
        self.found.types += names
        if in_class and any(
            getattr(part, "id", getattr(part, "attr", "")) in _EVALUATED for part in ast.walk(node)
        ):
            root = node.value if isinstance(node, ast.Subscript) else node
            self.visit(root)

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        imports = tuple(imports_of(node, self.package))
        others = self.scopes[-1].names if self.scopes else set()
        self.found.imports.append(LocalImport(node, imports, self.optional, frozenset(others)))

    def _use(self, node: ast.Name, path: tuple[str, ...], nodes: tuple[ast.expr, ...]) -> None:
        imported = None
        for depth, scope in enumerate(reversed(self.scopes)):
            if scope.is_class and depth:
                continue
            if node.id in scope.imports:
                imported = scope.imports[node.id]
                break
            if node.id in scope.names and not scope.is_class:
                return
        inside = [scope for scope in self.scopes if not scope.is_class]
        local = frozenset(name for scope in inside for name in scope.names)
        in_class = bool(self.scopes) and node.id in self.scopes[-1].names
        self.found.uses.append(
            Use(node.id, path, nodes, imported, self.eager, local, self.quoted, in_class)
        )


def _scope_of(node: ast.FunctionDef | ast.AsyncFunctionDef, package: str) -> _Scope:
    """The names of a function, those of its imports apart."""
    imports: dict[str, Import] = {}
    names = set(_parameters(node.args))
    outer: set[str] = set()
    for part in _own_nodes(node.body):
        if isinstance(part, (ast.Import, ast.ImportFrom)):
            imports |= {found.bound: found for found in imports_of(part, package)}
        elif isinstance(part, (ast.Global, ast.Nonlocal)):
            outer.update(part.names)
    names.update(bound_names(node.body, imports=False))
    return _Scope(names - outer, imports)


def _own_nodes(body: Sequence[ast.stmt]) -> Iterator[ast.AST]:
    """The nodes of a function without those of functions and classes in it."""
    waiting: list[ast.AST] = list(body)
    while waiting:
        node = waiting.pop(0)
        yield node
        if not isinstance(node, (*FUNCTIONS, ast.ClassDef, ast.Lambda)):
            waiting += ast.iter_child_nodes(node)


def _stored(target: ast.expr) -> Iterator[str]:
    return (node.id for node in ast.walk(target) if isinstance(node, ast.Name))


def _arguments(args: ast.arguments) -> list[ast.arg]:
    several = [arg for arg in (args.vararg, args.kwarg) if arg]
    return [*args.posonlyargs, *args.args, *args.kwonlyargs, *several]


def _parameters(args: ast.arguments) -> list[str]:
    return [arg.arg for arg in _arguments(args)]


def _defaults(args: ast.arguments) -> list[ast.expr]:
    return [*args.defaults, *(value for value in args.kw_defaults if value)]


def _catches(handler: ast.ExceptHandler) -> bool:
    """Whether a handler catches a missing library."""
    if handler.type is None:
        return True
    return any(getattr(n, "id", "") in _IMPORT_ERRORS for n in ast.walk(handler.type))
