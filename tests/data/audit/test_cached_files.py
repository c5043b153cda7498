"""Files whose bytes changed in a way that caches do not notice."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from comp.data.audit.audit import Audit
from comp.data.audit.cached_files import with_cached_files
from comp.data.file_digests import FOLDER as DIGESTS
from comp.data.images import file_table
from comp.data.images.cache_index import STATES
from comp.data.images.eviction import FACTS, USED
from comp.data.images.file_list import list_files
from comp.data.images.file_table import FOLDER, FileTable
from comp.files import write_json


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Files of a finished run."""
    monkeypatch.setattr(file_table, "SETTLED_NS", -(10**12))
    paths = [tmp_path / f"{i}.png" for i in range(3)]
    for path in paths:
        path.write_text(path.name)
    files = list_files([str(path) for path in paths], tmp_path)
    FileTable.open(tmp_path / "caches", files).hashed().save()
    return paths


def audit_of(root: Path) -> Audit:
    return Audit(
        competition="x",
        data=root,
        synthetic=False,
        quick=False,
        train=3,
        test=0,
        images=3,
        seconds=0.0,
        findings=(),
    )


def test_files_with_their_bytes_are_no_finding(tmp_path: Path, paths: list[Path]) -> None:
    assert with_cached_files(audit_of(tmp_path), paths, tmp_path / "caches").findings == []
    assert with_cached_files(audit_of(tmp_path), paths, tmp_path / "none").findings == ()


def test_other_bytes_in_the_same_state_are_a_warning(tmp_path: Path, paths: list[Path]) -> None:
    (stored,) = (tmp_path / "caches" / FOLDER).glob("*.npz")
    arrays = dict(np.load(stored))
    arrays["digests"][1] ^= 255
    np.savez(stored, **arrays)

    result = with_cached_files(audit_of(tmp_path), paths, tmp_path / "caches")

    (finding,) = result.findings
    assert (finding.kind, finding.severity, finding.count) == ("cached-bytes", "warning", 1)
    assert finding.names[0].endswith(".png")
    assert "/" not in finding.names[0]
    assert with_cached_files(audit_of(tmp_path), paths, tmp_path / "caches").findings == []


def test_nothing_that_is_remembered_of_such_files_is_left(
    tmp_path: Path, paths: list[Path]
) -> None:
    """Also the table without a root, the digests of all files, and the states of a cache."""
    caches = tmp_path / "images"
    shutil.move(tmp_path / "caches", caches)
    anywhere = list_files([str(path) for path in paths], None)
    FileTable.open(caches, anywhere).hashed().save()
    (cache := caches / "made").mkdir()
    facts = {"source": "", "images": 3, "shape": {}, "bytes": 0, "made": "2026-01-01T00:00:00"}
    write_json(cache / FACTS, facts | {"files": anywhere.key, "content": "c"})
    for name in (USED, STATES):
        (cache / name).touch()
    (tmp_path / DIGESTS).mkdir()
    assert len([*(caches / FOLDER).glob("*.npz")]) == 2
    for stored in (caches / FOLDER).glob("*.npz"):
        arrays = dict(np.load(stored))
        arrays["digests"][1] ^= 255
        np.savez(stored, **arrays)

    with_cached_files(audit_of(tmp_path), paths, caches)

    assert not [*(caches / FOLDER).iterdir()]
    assert not (cache / STATES).exists()
    assert not (tmp_path / DIGESTS).exists()
