"""The files of tasks on a Ray cluster, on the machine of the run: what tasks read, sent to the
object store if a node needs it, and the folder of the run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from comp.engines.node_files import Tree, pieces, read_tree
from comp.engines.node_paths import paths_in, paths_in_json
from comp.engines.ray_task import Order
from comp.engines.run_copy import READER, find_run, read_run
from comp.files import read_json


@dataclass(frozen=True)
class TaskPaths:
    """The paths among the arguments of a task; `run` is the run in whose folder it works."""

    paths: Sequence[Path]
    run: Path | None

    @classmethod
    def of(cls, args: Sequence[Any]) -> TaskPaths:
        """The paths in arguments."""
        paths = [path.absolute() for path in paths_in(list(args))]
        return cls(paths, next((run for path in paths if (run := find_run(path))), None))

    @property
    def data(self) -> Path | None:
        """The first folder among the arguments that is not in the run."""
        outside = (p for p in self.paths if not (self.run and p.is_relative_to(self.run)))
        return next((path for path in outside if path.is_dir()), None)

    def read(self) -> list[Path]:
        """The folders and files outside of the run that the task reads; none is in another."""
        found = [path for path in self.paths if path.exists()]
        if self.run:
            for file in sorted((self.run / READER).glob("*.json")):
                found += paths_in_json(read_json(file))
        outer = [self.run] if self.run else []
        for path in sorted(set(found), key=lambda path: len(path.parts)):
            if not any(path.is_relative_to(other) for other in outer):
                outer.append(path)
        return [path for path in outer if path != self.run]


class TaskFiles:
    """The files of all tasks of an engine.

    Args:
        put: puts a value into the object store, as `ray.put` does.
        data: as in `Order`; a URI is that of the data.
    """

    def __init__(self, put: Any, data: str) -> None:
        self._put, self._data = put, data
        self._trees: dict[Path, Tree] = {}
        self._objects: dict[tuple[str, ...], Any] = {}
        self._sent: dict[str, list[Any]] = {}

    def add(self, order: Order, paths: TaskPaths) -> Order:
        """An order with the present files of its run, and with what it reads."""
        by_uri = paths.data if "://" in self._data else None
        trees = [self._tree(path, sums=path == by_uri) for path in paths.read()]
        if trees:
            key = tuple(tree.key for tree in trees)
            if key not in self._objects:
                self._objects[key] = self._put(trees)
            order = replace(order, trees=self._objects[key], sent=self.sent)
        if paths.run:
            parts = [path for path in paths.paths if path.is_relative_to(paths.run)]
            order = replace(order, run=self._put(read_run(paths.run, parts)))
        return order

    @property
    def sent(self) -> Mapping[str, Sequence[Any]]:
        """The objects with the pieces of the trees that were sent, by key."""
        return dict(self._sent)

    def send(self, keys: Iterable[str]) -> None:
        """Put trees into the object store, unless they are there."""
        by_key = {tree.key: tree for tree in self._trees.values()}
        for key in keys:
            if key not in self._sent:
                self._sent[key] = [self._put(piece) for piece in pieces(by_key[key])]

    def _tree(self, path: Path, sums: bool) -> Tree:
        if path not in self._trees:
            self._trees[path] = read_tree(path, sums)
        return self._trees[path]
