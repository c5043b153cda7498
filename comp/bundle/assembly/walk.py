"""Follows the names of a program from its first function to all that it needs."""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from comp.bundle.assembly.left_out import Kinds, leave_out
from comp.bundle.assembly.references import LocalImport, References, Use, references_of
from comp.bundle.assembly.source import Definition, Import, Module, find_source, read_module
from comp.errors import CompetitionError

ALLOWED = ("numpy", "torch", "timm", "PIL", "pandas", "safetensors")
"""The libraries that a program may use, besides those of Python."""
_SPECIAL = {"__name__", "__file__", "__doc__", "__class__"}
_OF_A_FILE = {"__file__", "__import__", "eval", "exec", "globals"}
"""Names with another meaning in the program than in the file of a plugin, which `comp` uses with
care."""


@dataclass(frozen=True)
class Found:
    """What a use means: a definition and its own name, or something of a library; `length` of its
    path belongs to the name."""

    definition: Definition | None = None
    name: str = ""
    library: tuple[Import, ...] = ()
    length: int = 0


@dataclass
class Program:
    """The definitions of a program, in the order in which they were found, and what each uses."""

    modules: dict[str, Module] = field(default_factory=dict)
    references: dict[Definition, References] = field(default_factory=dict)
    uses: dict[Definition, list[tuple[Use, Found]]] = field(default_factory=dict)
    needed_by: dict[Definition, Definition | None] = field(default_factory=dict)
    removed: dict[Definition, list[LocalImport]] = field(default_factory=dict)
    """The imports in functions whose names are in the program."""
    types: dict[str, set[tuple[Import, ...]]] = field(default_factory=dict)
    """Library names that only annotations use, by module."""
    named: dict[Definition, list[tuple[ast.Name, Found]]] = field(default_factory=dict)
    """Where annotations name definitions of the program."""
    more: dict[Definition, list[Definition]] = field(default_factory=dict)
    """Further definitions in the value that a constant gets in the program."""

    def chain(self, definition: Definition) -> str:
        """How the program comes to need a definition."""
        names = [definition.title]
        while above := self.needed_by[definition]:
            names.insert(0, above.title)
            definition = above
        return " > ".join(names)


class Walk:
    """Reads modules as names lead to them.

    Args:
        roots: packages whose modules are followed; all other modules are libraries.
        more: further functions that a definition needs, such as those of a plugin.
        kinds: the entries of registries that stay; others are left out.
    """

    def __init__(
        self,
        roots: Sequence[str],
        more: Mapping[tuple[str, str], Sequence[str]] | None = None,
        kinds: Kinds | None = None,
    ) -> None:
        self.roots = frozenset(roots)
        self.more = more or {}
        self.kinds = kinds or {}
        self.program = Program()
        self._missing: dict[str, str] = {}

    def follow(self, start: str) -> Program:
        """All that `start`, written "module:name", needs.

        Raises:
            CompetitionError: something needs a library that is not allowed, or cannot be found in
                the source.
        """
        first = self.definition(start)
        self.program.needed_by[first] = None
        waiting = [first]
        while waiting:
            waiting += self._take(waiting.pop(0))
        if self._missing:
            listed = "; ".join(f"{name} ({chain})" for name, chain in self._missing.items())
            raise CompetitionError(
                f"predict.py can use {', '.join(ALLOWED)}, but this needs {listed}"
            )
        self._find_types()
        return self.program

    def _find_types(self) -> None:
        """Note the annotations that name a definition of the program."""
        known = {name for definition in self.program.needed_by for name in definition.names}
        for definition in self.program.needed_by:
            module = self.program.modules[definition.module]
            for node in self.program.references[definition].types:
                found = (
                    self._member(module, (node.id,)) if _may_be(node.id, module, known) else None
                )
                if found and found.definition in self.program.needed_by:
                    self.program.named.setdefault(definition, []).append((node, found))

    def definition(self, name: str) -> Definition:
        """The definition that "module:name" says."""
        module, _, attribute = name.partition(":")
        found = self._member(self.module(module), (attribute,))
        if found is None or found.definition is None:
            raise CompetitionError(f"{module} does not define {attribute} in its source")
        return found.definition

    def module(self, name: str) -> Module:
        """A module of one of the roots."""
        if name not in self.program.modules:
            path = find_source(name)
            if path is None:
                raise CompetitionError(f"the source of {name} cannot be found")
            module = self.program.modules[name] = read_module(name, path)
            leave_out(module, self.kinds)
        return self.program.modules[name]

    def _take(self, definition: Definition) -> list[Definition]:
        """Record what a definition uses; returns the definitions that are new."""
        module = self.program.modules[definition.module]
        if module.effects:
            raise CompetitionError(
                f"{module.name}, line {module.effects[0]}: predict.py cannot have statements that "
                "do something when the module is imported; move it into a function"
            )
        found = references_of(definition.statements, module.package)
        self.program.references[definition] = found
        meanings = [(use, self._meaning(module, use, definition)) for use in found.uses]
        self.program.uses[definition] = [(use, m) for use, m in meanings if m is not None]
        for imported in found.imports:
            self._check_import(imported, definition)
        self._note_types(module, found)
        needed = [m.definition for _, m in meanings if m and m.definition]
        more = self.more.get((definition.module, definition.names[0]), ())
        self.program.more[definition] = [self.definition(name) for name in more]
        needed += self.program.more[definition]
        new = [other for other in dict.fromkeys(needed) if other not in self.program.needed_by]
        for other in new:
            self.program.needed_by[other] = definition
        return new

    def _meaning(self, module: Module, use: Use, definition: Definition) -> Found | None:
        found: Found | None
        if use.imported:
            found = self._imported((use.imported,), use.path)
            if found and found.library:
                return None  # the import stays where it is
        else:
            found = self._member(module, (use.name, *use.path))
        if found is None:
            if use.name in _OF_A_FILE and module.name.partition(".")[0] != "comp":
                raise CompetitionError(
                    f"{definition.title}: {use.name} means another file or other names in a "
                    "bundle, which has no files of the plugin: write the values into the plugin, "
                    "or use --wheels"
                )
            if hasattr(builtins, use.name) or use.name in _SPECIAL or use.name in definition.names:
                return None
            if use.name in module.types or use.in_class:
                return None
            raise CompetitionError(
                f"{definition.title}: {'.'.join((use.name, *use.path))} cannot be found in the "
                f"source of {module.name}"
            )
        for imported in found.library:
            self._check_library(imported.module, definition)
        return found

    def _member(self, module: Module, path: tuple[str, ...]) -> Found | None:
        """What a name of a module, and the names after its dots, mean."""
        name, rest = path[0], path[1:]
        if name in module.definitions:
            return Found(definition=module.definitions[name], name=name)
        if name in module.imports:
            return self._imported(tuple(module.imports[name]), rest)
        below = f"{module.name}.{name}"
        if rest and find_source(below):
            found = self._member(self.module(below), rest)
            return found and replace(found, length=found.length + 1)
        return None

    def _imported(self, imports: tuple[Import, ...], rest: tuple[str, ...]) -> Found | None:
        first = imports[0]
        if first.module.partition(".")[0] not in self.roots:
            return Found(library=imports)
        if first.attribute is None:
            base = self.module(first.target)
        else:
            package = self.module(first.module)
            known = first.attribute in package.definitions or first.attribute in package.imports
            if known or not find_source(first.target):
                return self._member(package, (first.attribute, *rest))
            base = self.module(first.target)
        if not rest:
            raise CompetitionError(f"{base.name} is used as a value: name what is needed of it")
        found = self._member(base, rest)
        return found and replace(found, length=found.length + 1)

    def _check_import(self, imported: LocalImport, definition: Definition) -> None:
        """Check the libraries of an import in a function, and note what is in the program."""
        inside = [i for i in imported.imports if i.module.partition(".")[0] in self.roots]
        if not inside:
            for found in imported.imports:
                if not imported.optional:
                    self._check_library(found.module, definition)
            return
        if len(inside) < len(imported.imports):
            raise CompetitionError(f"{definition.title}: one import for each library, please")
        clash = sorted({i.bound for i in inside} & imported.others)
        if clash:
            raise CompetitionError(
                f"{definition.title}: {clash[0]} is imported and has another meaning too"
            )
        self.program.removed.setdefault(definition, []).append(imported)

    def _check_library(self, module: str, definition: Definition) -> None:
        top = module.partition(".")[0]
        if top not in ALLOWED and top not in sys.stdlib_module_names and top not in self._missing:
            self._missing[top] = self.program.chain(definition)

    def _note_types(self, module: Module, found: References) -> None:
        """The imports that only annotations need, so that they name what is there."""
        for name in found.annotations:
            imports = tuple(module.imports.get(name) or module.types.get(name) or ())
            tops = {i.module.partition(".")[0] for i in imports}
            if imports and all(t in ALLOWED or t in sys.stdlib_module_names for t in tops):
                self.program.types.setdefault(module.name, set()).add(imports)


def _may_be(name: str, module: Module, known: Collection[str]) -> bool:
    """Whether a name of a module may be that of one of the known definitions."""
    imports = module.imports.get(name, ())
    return name in known or any(found.attribute in known for found in imports)
