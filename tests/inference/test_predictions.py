"""Predictions on disk, matched by id."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from comp.contract.metric import Pair
from comp.contract.sample import Sample
from comp.errors import RunError
from comp.inference.averages import mean_of
from comp.inference.predictions import (
    Predictions,
    Repeatable,
    average_predictions,
    digest_of,
    fill_missing,
    join_predictions,
    save_predictions,
)


def samples(*ids: str) -> list[Sample]:
    return [Sample(id=i, image=Path(i)) for i in ids]


def save(path: Path, **arrays: object) -> Path:
    save_predictions(path, [(samples(i)[0], np.asarray(a)) for i, a in arrays.items()])
    return path


def test_predictions_come_back_by_id_as_float32(tmp_path: Path) -> None:
    image = np.arange(12, dtype=np.float64).reshape(3, 4, 1)
    path = save(tmp_path / "some" / "oof.safetensors", b=image, a=np.float32([0.1]))
    found = Predictions(path)
    assert set(found) == {"a", "b"}
    assert len(found) == 2
    assert found["b"].dtype == np.float32
    assert np.array_equal(found["b"], image)
    assert found["a"][0] == np.float32(0.1)


def test_a_view_with_another_order_in_memory_is_saved_as_it_is_seen(tmp_path: Path) -> None:
    turned = np.arange(6, dtype=np.float32).reshape(2, 3).T
    found = load_file(save(tmp_path / "p.safetensors", a=turned))
    assert np.array_equal(found["values"], [turned])


def test_ids_come_back_sorted_and_do_not_depend_on_the_order_of_the_samples(
    tmp_path: Path,
) -> None:
    one = Predictions(save(tmp_path / "1.safetensors", a=[1.0], b=[2.0], c=[3.0]))
    two = Predictions(save(tmp_path / "2.safetensors", c=[3.0], a=[1.0], b=[2.0]))
    assert list(one.items()) == list(two.items()) == [("a", [1.0]), ("b", [2.0]), ("c", [3.0])]


def test_an_id_that_is_not_there_is_a_key_error(tmp_path: Path) -> None:
    found = Predictions(save(tmp_path / "p.safetensors", a=[1.0]))
    with pytest.raises(KeyError, match="b"):
        found["b"]
    assert "b" not in found
    assert found.get("b") is None


@pytest.mark.parametrize("content", [None, b"", b"no header at all", pickle.dumps([1, 2])])
def test_a_file_without_predictions_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "oof.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RunError, match=r"cannot read predictions from .*oof\.safetensors .*again"):
        Predictions(path)


def test_a_failure_half_way_leaves_the_old_file(tmp_path: Path) -> None:
    path = save(tmp_path / "p.safetensors", a=[1.0])

    def broken() -> object:
        yield samples("a")[0], np.float32([2.0])
        raise RuntimeError("the model failed")

    with pytest.raises(RuntimeError, match="the model failed"):
        save_predictions(path, broken())
    assert Predictions(path)["a"].tolist() == [1.0]
    assert [p.name for p in tmp_path.iterdir()] == ["p.safetensors"]


def test_the_average_is_by_id_and_not_by_place(tmp_path: Path) -> None:
    files = [
        save(tmp_path / "0.safetensors", a=[1.0, 2.0], b=[10.0]),
        save(tmp_path / "1.safetensors", b=[20.0], a=[3.0, 5.0]),
        save(tmp_path / "2.safetensors", b=[60.0], a=[5.0, 5.0], unused=[0.0]),
    ]
    found = [
        (sample.id, mean.tolist()) for sample, mean in average_predictions(files, samples("b", "a"))
    ]
    assert found == [("b", [30.0]), ("a", [3.0, 4.0])]


@pytest.mark.parametrize("block", [0, 4 * 3, 4 * 3 * 7, 1 << 22])
def test_the_average_does_not_depend_on_the_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr("comp.inference.predictions.BLOCK", block)
    ids, rng = [f"s{i}" for i in range(20)], np.random.default_rng(0)
    arrays = [rng.random((20, 3), np.float32) for _ in range(3)]
    files = [
        save(tmp_path / f"{i}.safetensors", **dict(zip(ids, rows, strict=True)))
        for i, rows in enumerate(arrays)
    ]
    found = list(average_predictions(files, samples(*ids[::-1]), [0.2, 0.3, 0.7]))
    assert [sample.id for sample, _ in found] == ids[::-1]
    for (_, mean), *parts in zip(found, *(rows[::-1] for rows in arrays), strict=True):
        assert np.array_equal(mean, mean_of(parts, [0.2, 0.3, 0.7]))


def test_files_of_earlier_versions_are_averaged_with_new_ones(tmp_path: Path) -> None:
    save_file({"a": np.float32([1]), "b": np.float32([5])}, tmp_path / "0.safetensors")
    files = [tmp_path / "0.safetensors", save(tmp_path / "1.safetensors", b=[1.0], a=[3.0])]
    assert [m.tolist() for _, m in average_predictions(files, samples("a", "b"))] == [[2.0], [3.0]]


def test_the_average_is_taken_in_double_precision(tmp_path: Path) -> None:
    files = [save(tmp_path / f"{i}.safetensors", a=[v]) for i, v in enumerate((1e8, 1.0, -1e8))]
    ((_, mean),) = average_predictions(files, samples("a"))
    assert mean.dtype == np.float32
    assert mean[0] == np.float32(1 / 3)


def test_the_average_of_one_file_is_that_file(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((5, 6, 1), np.float32)
    ((_, mean),) = average_predictions([save(tmp_path / "0.safetensors", a=values)], samples("a"))
    assert np.array_equal(mean, values)


def test_a_sample_that_one_file_lacks_is_not_averaged_over_the_rest(tmp_path: Path) -> None:
    files = [
        save(tmp_path / "0.safetensors", a=[1.0], b=[1.0]),
        save(tmp_path / "1.safetensors", a=[3.0]),
    ]
    with pytest.raises(KeyError, match="b"):
        list(average_predictions(files, samples("a", "b")))


def test_joining_follows_the_samples_and_leaves_out_what_no_file_holds(tmp_path: Path) -> None:
    files = [
        save(tmp_path / "0.safetensors", c=[3.0], a=[1.0]),
        save(tmp_path / "1.safetensors", b=[2.0]),
    ]
    found = [(s.id, p.tolist()) for s, p in join_predictions(files, samples("b", "d", "a", "c"))]
    assert found == [("b", [2.0]), ("a", [1.0]), ("c", [3.0])]
    assert list(join_predictions(files, [])) == []


def test_a_missing_prediction_is_filled_with_the_mean_of_the_others() -> None:
    predictions = list(zip(samples("a", "b"), np.float32([[0.2], [0.6]]), strict=True))
    filled = {s.id: p.tolist() for s, p in fill_missing(lambda: predictions, samples("b", "c"))}
    assert filled == {"b": pytest.approx([0.6]), "c": pytest.approx([0.4])}


def test_a_missing_image_is_filled_with_the_mean_pixel_in_its_own_size() -> None:
    images = [np.full((2, 2, 1), 1.0, np.float32), np.full((4, 3, 1), 0.0, np.float32)]
    lost = Sample(id="c", image=Path("c"), size=(3, 5))
    predictions = list(zip(samples("a", "b"), images, strict=True))
    ((_, filled),) = fill_missing(lambda: predictions, [lost])
    assert filled.shape == (3, 5, 1)
    assert filled == pytest.approx(4 / 16)
    ((_, filled),) = fill_missing(lambda: predictions, [replace(lost, size=None)])
    assert filled.shape == (2, 2, 1)  # it was a ValueError


def test_a_missing_image_of_unknown_size_is_filled_with_the_mean_image() -> None:
    images = np.random.default_rng(0).random((50, 9, 7, 2), np.float32)
    ids = samples(*map(str, range(50)))
    predictions = list(zip(ids, images, strict=True))
    ((_, filled),) = fill_missing(lambda: predictions, samples("lost"))
    assert np.array_equal(filled, np.mean(list(images), axis=0))


def test_samples_come_back_in_the_order_in_which_they_were_saved(tmp_path: Path) -> None:
    pairs = [(sample, np.zeros(1, np.float32)) for sample in samples("b", "c", "a")]
    assert save_predictions(tmp_path / "p.safetensors", pairs) == samples("b", "c", "a")


def test_pairs_that_do_not_fit_into_memory_are_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two pairs of 24 bytes."""
    made = []

    def make() -> Iterator[Pair]:
        made.append(1)
        for name in "ab":
            yield Pair(np.zeros(3, np.float32), np.zeros(3, np.float32), name)

    for room, times in ((48, 1), (47, 2)):
        monkeypatch.setattr("comp.inference.predictions.IN_MEMORY", room)
        repeatable, before = Repeatable(make), len(made)
        for _ in range(2):
            assert [pair.id for pair in repeatable] == ["a", "b"]
        assert len(made) - before == times


@pytest.mark.parametrize("room", [1000, 10])
def test_predictions_that_do_not_fit_into_memory_are_made_again(
    monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    monkeypatch.setattr("comp.inference.predictions.IN_MEMORY", room)
    calls = []

    def make() -> list[tuple[Sample, np.ndarray]]:
        calls.append(1)
        return [(sample, np.zeros(3, np.float32)) for sample in samples("a", "b")]

    repeatable = Repeatable(make)
    next(iter(repeatable))  # an iteration that stops early keeps nothing
    for _ in range(3):
        assert [sample.id for sample, _ in repeatable] == ["a", "b"]
    assert len(calls) == (2 if room == 1000 else 4)


@pytest.mark.parametrize("room", [1000, 10])
def test_what_changes_predictions_in_place_changes_them_for_nobody_else(
    monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    monkeypatch.setattr("comp.inference.predictions.IN_MEMORY", room)
    pairs = [Pair(np.ones((2, 2)), np.full((2, 2), 0.5), "a", "g")]
    repeatable = Repeatable(lambda: [Pair(*map(np.copy, pair), *("a", "g")) for pair in pairs])
    for _ in range(3):
        for target, prediction in repeatable:
            assert (target.max(), prediction.max()) == (1, 0.5)
            target *= 255
            np.clip(prediction, 0, 0.25, out=prediction)
    assert [(pair.id, pair.group) for pair in repeatable] == [("a", "g")]
    for sample, values in (kept := Repeatable(lambda: [(samples("a")[0], np.zeros(2))])):
        values += 1
        assert sample.id == "a"
    assert [values.tolist() for _, values in kept] == [[0, 0]]


def test_the_digest_knows_ids_and_values_and_neither_order_nor_format(tmp_path: Path) -> None:
    values = {"b": np.array([0.5, 0.25], np.float32), "a": np.array([1.0, 0.0], np.float32)}
    first, second = tmp_path / "first", tmp_path / "second"
    save_predictions(first, [(Sample(id=name), array) for name, array in values.items()])
    save_predictions(second, [(Sample(id=name), values[name]) for name in sorted(values)])
    save_file(values, tmp_path / "old")
    assert first.read_bytes() != second.read_bytes()
    assert digest_of(first) == digest_of(second) == digest_of(tmp_path / "old")
    save_predictions(second, [(Sample(id=name), values["b"]) for name in values])
    assert digest_of(first) != digest_of(second)
