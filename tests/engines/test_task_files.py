"""What tasks read, found in their arguments and in the pointers of the run."""

from __future__ import annotations

from pathlib import Path

import pytest

from comp.engines.ray_task import Order
from comp.engines.run_copy import RunFiles
from comp.engines.task_files import TaskFiles, TaskPaths
from comp.files import write_json


@pytest.fixture
def args(tmp_path: Path) -> tuple[Path, Path, Path, Path]:
    """Weights, data, a run whose reader has a cache of images, and a fold of the run."""
    data, run, cache = tmp_path / "deep" / "data", tmp_path / "run", tmp_path / "cache"
    for folder in (data / "inside", run / "reader", run / "fold-0", cache):
        folder.mkdir(parents=True)
        (folder / "file.txt").write_text(folder.name)
    (run / "folds.csv").write_text("id,fold,group\n")
    skipped = {str(data / "inside" / "file.txt"): "damaged"}
    write_json(run / "reader" / "images.json", {"cache": str(cache), "skipped": skipped})
    weights = tmp_path / "weights.safetensors"
    weights.write_text("weights")
    return weights, data, run, run / "fold-0"


def test_all_that_a_task_reads_is_found(args: tuple[Path, ...], tmp_path: Path) -> None:
    weights, data, run, _ = args
    paths = TaskPaths.of([args[0], 3, "text", *args[1:], data / "inside", tmp_path / "missing"])
    assert (paths.run, paths.data) == (run, data)
    assert set(paths.read()) == {weights, data, tmp_path / "cache"}


@pytest.mark.parametrize("data_from", ["", "s3://bucket/a.zip"])
def test_objects_are_made_once(args: tuple[Path, ...], data_from: str) -> None:
    objects: list[object] = []

    def put(value: object) -> int:
        objects.append(value)
        return len(objects) - 1

    files, paths = TaskFiles(put, data_from), TaskPaths.of(args)
    order = Order(number=1, task=b"", versions={})
    first, second = files.add(order, paths), files.add(order, paths)
    assert first.trees == second.trees
    trees = {tree.path.name: tree for tree in objects[first.trees]}
    assert [bool(trees[name].sums) for name in ("data", "cache")] == [bool(data_from), False]
    sent = objects[first.run]
    assert isinstance(sent, RunFiles)
    assert "fold-0/file.txt" in sent.files
    files.send([trees["cache"].key])
    files.send([trees["cache"].key])
    pieces = files.add(order, paths).sent[trees["cache"].key]
    assert [objects[piece] for piece in pieces] == [[("file.txt", b"cache")]]
