"""Caches of an earlier version, whose names and indexes have the paths of all images as text."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from comp.contract.sample import Sample
from comp.data.images.cache_index import INDEX, OLD_INDEX, old_rows, write_index
from comp.data.images.decode_many import absolute_image_paths
from comp.data.images.eviction import FACTS
from comp.data.images.file_states import file_state
from comp.data.images.file_table import FileTable
from comp.data.images.prepared import absolute_keys, relative_key, relative_keys
from comp.errors import DiskError
from comp.files import read_json, write_json

FORMAT = 2


def old_names(
    paths: Sequence[str],
    digests: Sequence[str],
    shape: Mapping[str, Any],
    version: int = FORMAT,
    root: Path | None = None,
) -> list[str]:
    """The names that earlier versions gave a cache: the start of a SHA-256, in hex, of the record
    of the shape, and of the path and bytes of each image.

    Paths in `root` are relative to it. In the second name, if it differs, all are absolute.

    Args:
        paths: absolute, sorted.
        digests: SHA-256 of the files, in hex.
    """
    start = hashlib.sha256(json.dumps([version, shape], sort_keys=True).encode())
    names = []
    for base in (root, None):
        total = start.copy()
        for path, digest in zip(paths, digests, strict=True):
            key = relative_key(path, base)
            total.update(f"{key}\0{digest}\n".encode(errors="surrogateescape"))
        names.append(total.hexdigest()[:24])
    return list(dict.fromkeys(names))


def find_old_cache(caches: Path, table: FileTable, shape: Mapping[str, Any]) -> Path | None:
    """The cache of an earlier version for these files; it then has an index of this one too, unless
    it cannot be written to."""
    if not any(is_old(folder) for folder in caches.iterdir()):
        return None
    root, order = table.files.root, table.files.by_path()
    paths = [table.files.path_of(i) for i in order]
    digests = [bytes(table.digests[i]).hex() if table.digests[i].any() else _NONE for i in order]
    for name in old_names(paths, digests, shape, root=root):
        if is_old(caches / name) and _is_converted(caches / name, table):
            return caches / name
    return None


_NONE = "unreadable"
"""The digest of a file that cannot be read."""


def is_old(cache: Path) -> bool:
    """Whether a cache has the index of an earlier version alone."""
    return (cache / OLD_INDEX).is_file() and not (cache / INDEX).is_file()


def old_bad_images(cache: Path) -> dict[str, str]:
    """The images of a cache with the old index alone that cannot be read, with the reasons."""
    return dict(read_json(cache / OLD_INDEX)["bad"])


def _is_converted(cache: Path, table: FileTable) -> bool:
    """Give a cache an index of this version, unless it cannot be written to. A damaged cache is
    removed; returns whether it is whole."""
    try:
        with suppress(OSError, DiskError):
            _convert(cache, table)
    except (ValueError, LookupError, TypeError, AttributeError):
        shutil.rmtree(cache, ignore_errors=True)
        return False
    return True


def _convert(cache: Path, table: FileTable) -> None:
    index, root = read_json(cache / OLD_INDEX), table.files.root
    facts = read_json(cache / FACTS) | {"files": table.files.key, "content": table.content}
    bad = relative_keys(absolute_keys(index["bad"], root), root)
    write_json(cache / FACTS, facts)
    write_index(cache, old_rows(index, root), bad)


def old_is_unchanged(
    index: Mapping[str, Any], samples: Sequence[Sample], root: Path | None
) -> bool:
    """Whether the files of the samples have the size and time that an old index has for them."""
    for path in absolute_image_paths(samples):
        entry = index["images"].get(relative_key(path, root)) or index["images"].get(path)
        if entry and tuple(entry[3:]) != file_state(path)[:2]:
            return False
    return True
