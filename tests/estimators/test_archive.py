"""The file of an estimator."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from comp.errors import RunError
from comp.estimators.archive import array_bytes, bytes_array, read_archive, write_archive


def test_what_is_read_was_written_and_bytes_repeat(tmp_path: Path) -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    for name in ("a", "b"):
        write_archive(tmp_path / name, {"name": "x"}, {"array.npy": array_bytes(array)})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    description, files = read_archive(tmp_path / "a")
    assert description["name"] == "x"
    np.testing.assert_array_equal(bytes_array(files["array.npy"]), array)


def test_arrays_are_read_without_pickle() -> None:
    objects = np.array([{}], dtype=object)
    with pytest.raises(ValueError, match="allow_pickle"):
        array_bytes(objects)


def test_a_zip_of_something_else_is_refused(tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "other", "w") as archive:
        archive.writestr("estimator.json", '{"format": "other"}')
    with pytest.raises(RunError, match="not of the format"):
        read_archive(tmp_path / "other")
