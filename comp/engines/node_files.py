"""Folders and files that tasks read, and how they come to a node that does not share the disk.

A node keeps what it fetches, so that all tasks and later runs on it fetch it once, until newer
things need the room.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

from comp.data.archives import unpack_into
from comp.engines.node_eviction import make_room, mark_used
from comp.errors import CompError, DataError
from comp.files import make_folder, new_folder, sha256, take_lock
from comp.streams import print_to_stderr

CACHE = "COMP_NODE_CACHE"
"""Variable of the environment of a node: the folder of what it fetches."""
PIECE = 32 * 2**20
"""The most bytes that are in one object of the cluster."""
FETCH_S = 24 * 3600.0
"""Seconds that a task waits for another task of its node that fetches the same files."""

State = tuple[int, int]
"""Size in bytes, and time of change in nanoseconds; 0 for an empty file, which marks something."""
Piece = list[tuple[str, bytes]]
"""Files, or the next parts of files: relative path -> bytes."""


@dataclass(frozen=True, kw_only=True)
class Tree:
    """A folder, or one file, on the machine of the run.

    `files` are the files in the folder by relative path; that of a single file is "". `sums` are
    their SHA-256 in hex, if the nodes fetch them from elsewhere.
    """

    path: Path
    files: Mapping[str, State]
    sums: Mapping[str, str] | None = None

    @cached_property
    def key(self) -> str:
        """A name that two trees share only if they have the same name and files."""
        text = json.dumps([self.path.name, sorted(self.files.items())])
        return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:24]

    @property
    def size(self) -> int:
        """The bytes of all files."""
        return sum(size for size, _ in self.files.values())


def read_tree(path: Path, sums: bool = False) -> Tree:
    """List a folder or a file.

    Args:
        sums: read all bytes for their SHA-256.
    """
    files = list_files(path)
    digests = {name: sha256(path / name) for name in files} if sums else None
    return Tree(path=path, files=files, sums=digests)


def list_files(path: Path) -> dict[str, State]:
    """The files in a folder, also behind links, by relative path; a single file has the path "".
    Hidden files and `__pycache__` are left out."""
    if path.is_file():
        return {"": _state(path)}
    found: dict[str, State] = {}
    known: set[str] = set()
    for folder, names, files in os.walk(path, followlinks=True):
        real = os.path.realpath(folder)
        if real in known:  # a link to a folder above
            names.clear()
            continue
        known.add(real)
        names[:] = sorted(name for name in names if name[0] != "." and name != "__pycache__")
        for name in sorted(files):
            file = Path(folder) / name
            if name[0] != "." and file.is_file():
                found[file.relative_to(path).as_posix()] = _state(file)
    return found


def _state(file: Path) -> State:
    status = file.stat()
    return status.st_size, status.st_mtime_ns if status.st_size else 0


def is_here(tree: Tree) -> bool:
    """Whether this machine sees the files of a tree at its path: names, sizes and times are equal,
    as on a shared disk."""
    try:
        return list_files(tree.path) == tree.files and bool(tree.files)
    except OSError:
        return False


def pieces(tree: Tree) -> Iterator[Piece]:
    """The bytes of a tree, in parts of at most about `PIECE` bytes."""
    piece: Piece = []
    room = PIECE
    for name in tree.files:
        with (tree.path / name).open("rb") as stream:
            data = stream.read(room)
            piece.append((name, data))
            while len(data) == room:
                yield piece
                room = PIECE
                data = stream.read(room)
                piece = [(name, data)]
            room -= len(data)
    if piece:
        yield piece


def node_cache() -> Path:
    """The folder of what this machine fetches: COMP_NODE_CACHE, or a folder in the user's cache."""
    chosen = os.environ.get(CACHE)
    if chosen:
        return Path(chosen)
    try:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:  # a user without a home folder
        base = Path("/tmp")
    return base / "comp" / "nodes"


def fetched(tree: Tree) -> Path | None:
    """Where this machine has a tree that it fetched; None if it did not."""
    folder = node_cache() / tree.key
    mark_used(folder)
    return folder / tree.path.name if folder.is_dir() else None


def fetch(tree: Tree, fill: Callable[[Path], None]) -> Path:
    """Fetch a tree, unless it was fetched; returns its path on this machine.

    Args:
        fill: writes the files of the tree to a new path, which is that of the folder, or of the
            single file.

    Raises:
        DataError: what was fetched is not the tree.
        DiskError: this machine cannot keep it.
    """
    cache = node_cache()
    make_folder(cache, parents=True)
    with take_lock(cache / f".{tree.key}.lock", FETCH_S, print_to_stderr):
        existing = fetched(tree)
        if existing:
            return existing
        make_room(cache, tree.size)
        with new_folder(cache / tree.key) as folder:
            if folder:
                fill(folder / tree.path.name)
                _complete(tree, folder / tree.path.name)
    return cache / tree.key / tree.path.name


def write_pieces(parts: Iterable[Piece]) -> Callable[[Path], None]:
    """The `fill` of `fetch` for the parts that `pieces` yields."""

    def fill(target: Path) -> None:
        for piece in parts:
            for name, data in piece:
                file = target / name
                file.parent.mkdir(parents=True, exist_ok=True)
                with file.open("ab") as stream:
                    stream.write(data)

    return fill


def _complete(tree: Tree, target: Path) -> None:
    """Check fetched files, and give them the times of the original ones."""
    found = list_files(target)
    changed = [
        name for name, state in tree.files.items() if found.get(name, (-1, 0))[0] != state[0]
    ]
    if not changed and tree.sums:
        changed = [name for name, known in tree.sums.items() if sha256(target / name) != known]
    if changed:
        first = tree.path / changed[0]
        raise DataError(
            f"a node fetched other data: {first} differs ({len(changed)} of {len(tree.files)} files"
            "); give the URI of the same data, and do not change data while a run reads it"
        )
    for name, (_, changed_ns) in tree.files.items():
        os.utime(target / name, ns=(changed_ns, changed_ns))


def from_uri(tree: Tree, uri: str) -> Callable[[Path], None]:
    """The `fill` of `fetch` for a URI of fsspec: a zip, or a folder, which contains the files of
    the tree.

    Raises:
        DataError: the URI cannot be read, or does not contain the files.
    """

    def fill(target: Path) -> None:
        with TemporaryDirectory(dir=target.parent) as scratch:
            download = Path(scratch) / "download"
            _download(uri, download)
            root = _root_of(tree, download)
            if root is None:
                raise DataError(
                    f"{uri} does not contain the files of {tree.path}, such as "
                    f"{next(iter(tree.files))}: give the URI of the same folder or zip"
                )
            for name in tree.files:
                (target / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.move(root / name, target / name)

    return fill


def _download(uri: str, target: Path) -> None:
    """Copy what a URI names to a folder, and unpack it."""
    import fsspec

    try:
        system, path = fsspec.core.url_to_fs(uri)
        if system.isdir(path):
            system.get(path.rstrip("/") + "/", f"{target}/", recursive=True)
            return
        archive = target.with_name(Path(path).name)
        system.get_file(path, str(archive))
        target.mkdir()
        unpack_into(archive, target, uri)
    except CompError:
        raise
    except ImportError as error:
        raise DataError(f"cannot read {uri}: {error}; install that on every node") from None
    except Exception as error:  # each file system of fsspec has its own
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise DataError(
            f"a node cannot fetch {uri} ({reason}): give the URI of a folder or zip that the nodes "
            "can read"
        ) from None


def _root_of(tree: Tree, folder: Path) -> Path | None:
    """The folder, or one at most three levels inside, that contains all files of the tree."""
    level = [folder]
    for _ in range(4):
        for candidate in level:
            if all((candidate / name).is_file() for name in tree.files):
                return candidate
        level = [path for parent in level for path in sorted(parent.iterdir()) if path.is_dir()]
    return None
