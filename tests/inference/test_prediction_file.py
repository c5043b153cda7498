"""Files of predictions and a table of their ids."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from safetensors import SafetensorError
from safetensors.numpy import load_file, save, save_file

from comp.errors import DiskError, RunError
from comp.inference import prediction_file
from comp.inference.prediction_file import PredictionFile, open_predictions, write_predictions
from comp.inference.predictions import Predictions

NAMES = [
    "z",
    'quote" back\\slash',
    "line\n tab\t \x01 \x7f",
    "deep/\ud55c\uad6d",
    "values",
    "\udcff",
]


def drawn(shapes: list[tuple[int, ...]]) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    arrays = (np.asarray(rng.random(shape), np.float32) for shape in shapes)
    return dict(zip(NAMES, arrays, strict=False))


@pytest.mark.parametrize(
    "shapes",
    [
        [],
        [()] * 3,
        [(4,)] * 6,
        [(2, 3, 1)] * 2,
        [(2, 3, 1), (5, 1, 1), (0, 1, 1)],
        [(2, 3, 1), (4,), ()],
    ],
)
def test_arrays_come_back_by_id(tmp_path: Path, shapes: list[tuple[int, ...]]) -> None:
    arrays = drawn(shapes)
    write_predictions(tmp_path / "a", arrays.items())
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    found = open_predictions(tmp_path / "a")
    assert list(found) == sorted(arrays)
    for name, array in arrays.items():
        assert np.array_equal(found[name], array)
        assert found[name].shape == array.shape


def test_safetensors_reads_numbers_as_one_array(tmp_path: Path) -> None:
    arrays = drawn([(4,)] * 6)
    write_predictions(tmp_path / "a", arrays.items())
    found = load_file(tmp_path / "a")
    assert np.array_equal(found["values"], np.stack(list(arrays.values())))
    assert json.loads(bytes(found["ids"])) == NAMES


def test_safetensors_reads_images_of_several_sizes(tmp_path: Path) -> None:
    arrays = drawn([(2, 3, 1), (5, 1, 1)])
    write_predictions(tmp_path / "a", arrays.items())
    found = load_file(tmp_path / "a")
    assert json.loads(bytes(found["shapes"])) == [[2, 3, 1], [5, 1, 1]]
    assert np.array_equal(found["values"][6:].reshape(5, 1, 1), arrays[NAMES[1]])


@pytest.mark.parametrize("block", [1, 40, 1 << 22])
def test_rows_are_in_the_order_that_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(prediction_file, "_BLOCK", block)
    values = np.random.default_rng(0).random((200, 3), np.float32)
    write_predictions(tmp_path / "a", ((str(i), row) for i, row in enumerate(values)))
    found = open_predictions(tmp_path / "a")
    assert isinstance(found, PredictionFile)
    for order in ([], [199, 3, 3, 0, 100], np.random.default_rng(1).permutation(200).tolist()):
        assert np.array_equal(found.rows([str(i) for i in order]), values[order])


def test_an_id_that_comes_twice_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="two predictions of x"):
        write_predictions(tmp_path / "a", [("x", np.zeros(1)), ("x", np.ones(1))])
    assert not list(tmp_path.iterdir())


def test_a_file_that_was_cut_is_refused(tmp_path: Path) -> None:
    write_predictions(tmp_path / "a", [("x", np.zeros(100_000))])
    whole = (tmp_path / "a").read_bytes()
    found = PredictionFile(tmp_path / "a")
    for end in (4, 500, 2000, len(whole) - 1):
        (tmp_path / "a").write_bytes(whole[:end])
        with pytest.raises(RunError, match=r"cannot read predictions from .*: run again"):
            Predictions(tmp_path / "a")
    (tmp_path / "a").write_bytes(whole[:2000])
    with pytest.raises(SafetensorError, match="cut while it was read"):
        found["x"]


@pytest.mark.parametrize(
    ("tensors", "problem"),
    [
        ({"values": np.zeros((2, 1), np.float16), "ids": ["a", "b"]}, "type F16, not F32"),
        ({"values": np.zeros((3, 1), np.float32), "ids": ["a", "b"]}, "does not fit its values"),
        ({"values": np.zeros((2, 1), np.float32), "ids": ["a", "a"]}, "does not fit its values"),
        ({"values": np.zeros((2, 1), np.float32), "ids": {"a": 1}}, "table of ids is damaged"),
        ({"values": np.zeros((2, 1), np.float32)}, "does not fit its values"),
        ({"ids": ["a"]}, "no values"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(
    tmp_path: Path, tensors: dict[str, object], problem: str
) -> None:
    arrays = {
        name: found if isinstance(found, np.ndarray) else as_bytes(found)
        for name, found in tensors.items()
    }
    save_file(arrays, tmp_path / "a", {"format": prediction_file.FORMAT})
    with pytest.raises(RunError, match=problem):
        Predictions(tmp_path / "a")


def as_bytes(table: object) -> np.ndarray:
    return np.frombuffer(json.dumps(table).encode(), np.uint8)


def test_a_format_of_a_later_version_is_named(tmp_path: Path) -> None:
    save_file({"x": np.zeros(1, np.float32)}, tmp_path / "a", {"format": "comp predictions 9"})
    with pytest.raises(RunError, match="format is 'comp predictions 9'"):
        Predictions(tmp_path / "a")


def test_a_file_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(save({"values": np.ones(2, np.float32)}))
    assert Predictions(tmp_path / "a")["values"].tolist() == [1, 1]


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_predictions(tmp_path / "a", [("x", np.zeros(1))])
    monkeypatch.setattr(prediction_file, "_header", full_disk)
    with pytest.raises(DiskError, match=r"cannot write a in .*make room"):
        write_predictions(tmp_path / "a", [("x", np.ones(1))])
    assert PredictionFile(tmp_path / "a")["x"].tolist() == [0]
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def full_disk(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_memory_does_not_grow_with_the_number_of_images(tmp_path: Path) -> None:
    def arrays(count: int) -> Iterator[tuple[str, np.ndarray]]:
        return ((str(i), np.full((256, 256, 1), i, np.float32)) for i in range(count))

    peaks = []
    for count in (10, 40):
        tracemalloc.start()
        write_predictions(tmp_path / "a", arrays(count))
        found = open_predictions(tmp_path / "a")
        assert sum(found[name][0, 0, 0] for name in found) == sum(range(count))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 256 * 256 * 4 / 2


def test_the_header_does_not_grow_with_the_number_of_ids(tmp_path: Path) -> None:
    for count in (1, 5000):
        write_predictions(tmp_path / "a", ((f"{i}", np.zeros(1)) for i in range(count)))
        assert int.from_bytes((tmp_path / "a").read_bytes()[:8], "little") < 1024


@pytest.mark.parametrize("earlier", [False, True], ids=["now", "earlier"])
def test_several_threads_read_their_own_arrays(tmp_path: Path, earlier: bool) -> None:
    arrays = {str(i): np.full((64, 64, 1), i, np.float32) for i in range(40)}
    path = tmp_path / "many.safetensors"
    if earlier:
        save_file(arrays, path)
    else:
        write_predictions(path, arrays.items())
    file = open_predictions(path)

    def wrong(name: str) -> bool:
        return bool((file[name] != float(name)).any())

    with ThreadPoolExecutor(8) as pool:
        assert not any(pool.map(wrong, list(arrays) * 50))
