"""Files of arrays that are written and read one array at a time."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from comp.errors import DiskError
from comp.inference import tensor_file
from comp.inference.tensor_file import TensorFile, write_tensors

SHAPES: dict[str, tuple[int, ...]] = {
    "z": (3, 4, 1),
    'quote" back\\slash': (2,),
    "line\n tab\t \x01 \x7f": (1,),
    "deep/\ud55c\uad6d": (5, 0, 1),
    "\ufb00": (2, 2),
    "\U0001f600": (1, 1),
    "a": (),
    "a0": (70, 3),
}


def drawn(shapes: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {name: rng.random(shape).astype(np.float32) for name, shape in shapes.items()}


@pytest.mark.parametrize("room", [1, 1 << 26])
@pytest.mark.parametrize("count", [0, 1, 3, len(SHAPES)])
def test_the_bytes_are_those_of_safetensors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int, count: int
) -> None:
    monkeypatch.setattr(tensor_file, "IN_MEMORY", room)
    arrays = drawn(dict(list(SHAPES.items())[:count]))
    write_tensors(tmp_path / "a", arrays.items())
    expected = save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
    assert (tmp_path / "a").read_bytes() == expected
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    found = TensorFile(tmp_path / "a")
    for name, array in load_file(tmp_path / "a").items():
        assert np.array_equal(found[name], array)
        assert found[name].shape == array.shape


def test_of_two_arrays_with_one_name_the_last_counts(tmp_path: Path) -> None:
    write_tensors(tmp_path / "a", [("x", np.zeros(9)), ("y", np.ones(2)), ("x", np.ones(1))])
    assert (tmp_path / "a").read_bytes() == save(
        {"x": np.ones(1, np.float32), "y": np.ones(2, np.float32)}
    )


def test_a_file_with_other_numbers_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(save({"x": np.zeros(3, np.float16)}))
    with pytest.raises(SafetensorError, match="values of the type F16, not F32"):
        TensorFile(tmp_path / "a")


def test_a_file_that_was_cut_is_refused(tmp_path: Path) -> None:
    write_tensors(tmp_path / "a", [("x", np.zeros(100_000))])
    whole = (tmp_path / "a").read_bytes()
    found = TensorFile(tmp_path / "a")
    (tmp_path / "a").write_bytes(whole[:-4])
    with pytest.raises(SafetensorError):
        TensorFile(tmp_path / "a")
    with pytest.raises(SafetensorError, match="cut while it was read"):
        found["x"]


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tensors(tmp_path / "a", [("x", np.zeros(1))])
    monkeypatch.setattr(tensor_file, "_copy", full_disk)
    with pytest.raises(DiskError, match=r"cannot write a in .*make room"):
        write_tensors(tmp_path / "a", [("x", np.ones(1))])
    assert TensorFile(tmp_path / "a")["x"].tolist() == [0]
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def full_disk(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_memory_does_not_grow_with_the_number_of_arrays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tensor_file, "IN_MEMORY", 1)

    def arrays(count: int) -> Iterator[tuple[str, np.ndarray]]:
        return ((str(i), np.full((256, 256, 1), i, np.float32)) for i in range(count))

    peaks = []
    for count in (10, 40):
        tracemalloc.start()
        write_tensors(tmp_path / "a", arrays(count))
        found = TensorFile(tmp_path / "a")
        assert sum(found[name][0, 0, 0] for name in found) == sum(range(count))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 256 * 256 * 4 / 2
