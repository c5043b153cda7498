"""Files of an earlier version, with a tensor for each id."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors import SafetensorError
from safetensors.numpy import save_file

from comp.inference.tensor_file import TensorFile

SHAPES: dict[str, tuple[int, ...]] = {
    "z": (3, 4, 1),
    'quote" back\\slash': (2,),
    "line\n tab\t \x01 \x7f": (1,),
    "deep/\ud55c\uad6d": (5, 0, 1),
    "a": (),
}


def write(path: Path, shapes: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    arrays = {name: np.asarray(rng.random(shape), np.float32) for name, shape in shapes.items()}
    save_file(arrays, path)
    return arrays


@pytest.mark.parametrize("count", [0, 1, len(SHAPES)])
def test_arrays_come_back_by_id(tmp_path: Path, count: int) -> None:
    arrays = write(tmp_path / "a", dict(list(SHAPES.items())[:count]))
    found = TensorFile(tmp_path / "a")
    assert set(found) == set(arrays)
    assert len(found) == count
    for name, array in arrays.items():
        assert np.array_equal(found[name], array)
        assert found[name].shape == array.shape


def test_a_file_with_other_numbers_is_refused(tmp_path: Path) -> None:
    save_file({"x": np.zeros(3, np.float16)}, tmp_path / "a")
    with pytest.raises(SafetensorError, match="values of the type F16, not F32"):
        TensorFile(tmp_path / "a")


def test_a_file_that_was_cut_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "a", {"x": (100_000,)})
    whole = (tmp_path / "a").read_bytes()
    found = TensorFile(tmp_path / "a")
    (tmp_path / "a").write_bytes(whole[:-4])
    with pytest.raises(SafetensorError):
        TensorFile(tmp_path / "a")
    with pytest.raises(SafetensorError, match="cut while it was read"):
        found["x"]
