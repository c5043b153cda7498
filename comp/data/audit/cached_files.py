"""Files whose bytes changed in a way that the caches of decoded images do not notice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from comp.data.audit.audit import Audit
from comp.data.audit.findings import findings_of, worst_first
from comp.data.file_digests import forget_digests
from comp.data.images.decode_many import absolute_path, file_digest, map_in_threads
from comp.data.images.file_list import list_files
from comp.data.images.file_table import forget_changed
from comp.data.images.prepared import relative_key


def with_cached_files(result: Audit, paths: Sequence[Path], caches: Path) -> Audit:
    """The result of an audit, with the files that have other bytes than those that were cached,
    though their size and times say that they did not change.

    The next run then reads them again.
    """
    if not caches.is_dir():
        return result
    files = list_files([absolute_path(path) for path in paths], result.data)
    order = range(len(files))
    digests = list(map_in_threads(file_digest, [files.path_of(i) for i in order], None))
    changed = forget_changed(caches, files, digests)
    if changed:
        forget_digests(caches.parent)
    names = [relative_key(files.path_of(i), result.data) for i in changed]
    words = "files have other bytes than when they were cached, and the same size and times"
    advice = "check the disk; the next run decodes them again"
    found = findings_of("cached-bytes", "warning", sorted(names), words, advice)
    return replace(result, findings=worst_first([*result.findings, *found]))
