"""Find files with the same bytes quickly: only files of the same size are read."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from comp.data.audit.inspection import Inspection
from comp.data.cores import cores
from comp.data.images.decode_many import OnImage
from comp.data.images.formats import MAX_FILE_BYTES

HEAD = 1 << 14
"""Bytes at the end of a file that are compared first: headers are often equal, ends are not."""
_Key = TypeVar("_Key", bound=Hashable)


def inspect_bytes(paths: Sequence[Path], on_image: OnImage | None = None) -> list[Inspection]:
    """Inspect files without decoding them; the results are in the order of `paths`.

    Files have equal digests if they have the same bytes. The digest of a file whose size no other
    file has is its size. Empty and missing files have no digest and no kinds: other checks report
    them.
    """
    sizes: dict[Path, int] = {}
    failed: dict[Path, Inspection] = {}
    for path in paths:
        try:
            sizes[path] = path.stat().st_size if path.is_file() else 0
        except OSError as error:
            failed[path] = _unreadable(path, error)
    digests = {path: f"{size}" for path, size in sizes.items() if 0 < size <= MAX_FILE_BYTES}
    done = len(paths) - len(digests)
    groups = _shared(digests, digests)
    done = _report(on_image, done + len(digests) - len(groups), len(paths))
    with ThreadPoolExecutor(min(8, cores())) as pool:
        for count in (HEAD, 0):  # the end, then the whole file
            for path, digest in zip(
                groups, pool.map(partial(_hash, count=count), groups), strict=True
            ):
                if isinstance(digest, Inspection):
                    failed[path] = digest
                    digests.pop(path)
                else:
                    digests[path] = f"{digests[path]} {digest}"
            before = len(groups)
            groups = [p for p in _shared(digests, groups) if count and sizes[p] > HEAD]
            done = _report(on_image, done + before - len(groups), len(paths))
    return [failed.get(path) or _inspection(path, sizes[path], digests) for path in paths]


def _inspection(path: Path, size: int, digests: Mapping[Path, str]) -> Inspection:
    if size > MAX_FILE_BYTES:
        reason = f"{size:,} bytes, more than {MAX_FILE_BYTES:,}"
        return Inspection(path=path, kinds=("refused",), reason=reason)
    return Inspection(path=path, digest=digests.get(path, ""))


def _unreadable(path: Path, error: OSError) -> Inspection:
    return Inspection(path=path, kinds=("unreadable",), reason=error.strerror or str(error))


def _shared(digests: Mapping[Path, str], paths: Iterable[Path]) -> list[Path]:
    """The paths whose digest another path has."""
    groups: dict[str, list[Path]] = defaultdict(list)
    for path in paths:
        if path in digests:
            groups[digests[path]].append(path)
    return [path for group in groups.values() if len(group) > 1 for path in group]


def _hash(path: Path, count: int) -> str | Inspection:
    """The hash of the last `count` bytes of a file, of all with 0; or why it cannot be read."""
    try:
        with path.open("rb") as stream:
            if count:
                stream.seek(max(0, path.stat().st_size - count))
            return hashlib.sha256(stream.read()).hexdigest()[:32]
    except OSError as error:
        return _unreadable(path, error)


def _report(on_image: OnImage | None, done: int, total: int) -> int:
    if on_image and total:
        on_image(done, total)
    return done
