"""The data of a comparison: a fifth of the training samples, held out as the test of all programs.

The test samples are the first of comp's five folds, which share no group (patient, clean page) with
the rest. From the rest and the test images without labels a data folder in the layout of the
competition is made: comp reads this folder. The other programs read `split.csv`, whose rows name
the files in this folder. The answers are in `truth.csv`, which no program is given.
"""

from __future__ import annotations

import csv
import hashlib
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from comp.contract import registry
from comp.contract.sample import Sample
from comp.data.folds import make_folds
from comp.data.location import locate_data
from comp.workspace import Workspace

FOLDS = 5
COLUMNS = ("id", "image", "target", "group", "part")
Row = Mapping[str, Any]


class Scene(NamedTuple):
    """The files of a comparison on one competition."""

    data: Path
    """Data folder for comp."""
    split: Path
    truth: Path
    real: bool
    """Whether the data was given; else it is drawn."""

    @property
    def key(self) -> str:
        """A short hash of the ids and their parts."""
        with self.split.open(newline="", encoding="utf-8") as stream:
            parts = [(row["id"], row["part"]) for row in csv.DictReader(stream)]
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:8]


def make_scene(name: str, data: Path | None, folder: Path) -> Scene:
    """Split the data of a competition, a folder or a zip; drawn data if it is None. What is there
    already is kept."""
    scene = Scene(folder / "data", folder / "split.csv", folder / "truth.csv", data is not None)
    if scene.split.is_file():
        return scene
    competition = registry.get(name)
    root = locate_data(competition, Workspace.at(folder / "source"), data, data is None).root
    samples = competition.samples(root, "train")
    names = competition.task.label_names
    folds = make_folds(samples, FOLDS, "auto", 0, competition.group, names)
    shutil.rmtree(scene.data, ignore_errors=True)
    rows, truth = LAYOUTS[name](root, scene.data, *parts_of(samples, folds))
    _write(scene.truth, ("id", "target"), truth)
    _write(scene.split, COLUMNS, rows)
    return scene


def parts_of(
    samples: Sequence[Sample], folds: Mapping[str, int]
) -> tuple[list[Sample], list[Sample]]:
    """The samples that train, and those that are the test."""
    return [s for s in samples if folds[s.id] != 0], [s for s in samples if folds[s.id] == 0]


Parts = tuple[list[Row], list[Row]]


def split_table(
    root: Path, out: Path, train: Sequence[Sample], test: Sequence[Sample], **files: str
) -> Parts:
    """A table of training rows, folders of images, and a sample submission of two columns.

    Args:
        files: `table`, `images`, `test_images`, `sample`, and `masks` where the targets are masks.
    """
    rows = [_row(s, out, files["images"], "train", files.get("masks")) for s in train]
    rows += [_row(s, out, files["test_images"], "test") for s in test]
    kept = {sample.id for sample in train}
    with (root / files["table"]).open(newline="", encoding="utf-8") as stream:
        reader = csv.DictReader(stream)
        names = reader.fieldnames or []
        _write(out / files["table"], names, (row for row in reader if row[names[0]] in kept))
    with (root / files["sample"]).open(newline="", encoding="utf-8") as stream:
        reader = csv.DictReader(stream)
        names, blank = reader.fieldnames or [], next(reader)
    _write(out / files["sample"], names, ({**blank, names[0]: sample.id} for sample in test))
    return rows, [{"id": sample.id, "target": sample.target} for sample in test]


def split_class_folders(
    root: Path, out: Path, train: Sequence[Sample], test: Sequence[Sample]
) -> Parts:
    """Training images in a folder for each class, test images in one folder."""
    rows = [_row(s, out, s.image_file.parent.relative_to(root).as_posix(), "train") for s in train]
    rows += [_row(s, out, "test", "test") | {"id": s.image_file.name} for s in test]
    return rows, [{"id": sample.image_file.name, "target": sample.target} for sample in test]


def split_pages(_root: Path, out: Path, train: Sequence[Sample], test: Sequence[Sample]) -> Parts:
    """Pages, clean pages, and a sample submission with a row for each pixel."""
    rows = [_row(s, out, "train", "train", "train_cleaned") for s in train]
    rows += [_row(s, out, "test", "test") for s in test]
    with (out / "sampleSubmission.csv").open("w", encoding="utf-8") as stream:
        stream.write("id,value\n")
        for sample in test:
            stream.write(sample.id + sample.id.join(_pixels(*(sample.size or (0, 0)))))
    return rows, [{"id": sample.id, "target": sample.target} for sample in test]


@lru_cache(maxsize=4)
def _pixels(height: int, width: int) -> list[str]:
    """The end of the rows of a page: pixel, value, and the end of the line."""
    return [f"_{y}_{x},1\n" for y in range(1, height + 1) for x in range(1, width + 1)]


def _row(
    sample: Sample, out: Path, folder: str, part: str, masks: str | None = None
) -> dict[str, Any]:
    """Copy the files of a sample; returns its row, in which a test sample has no target."""
    target: object = ""
    if part == "train":
        target = sample.target
        if masks and isinstance(target, Path):
            target = _copy(target, out / masks)
    image = _copy(sample.image_file, out / folder)
    group = (sample.group or "") if part == "train" else ""
    return {"id": sample.id, "image": image, "target": target, "group": group, "part": part}


def _copy(file: Path, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    copied = folder / file.name
    if copied.exists():
        raise FileExistsError(f"two samples have the file name {copied}")
    shutil.copyfile(file, copied)
    return copied.absolute()


def _write(path: Path, names: Iterable[str], rows: Iterable[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(names), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _split_cats_dogs(
    root: Path, out: Path, train: Sequence[Sample], test: Sequence[Sample]
) -> Parts:
    files = {"images": "train", "test_images": "test"}
    table = {"table": "trainLabels.csv", "sample": "sampleSubmission.csv"}
    return split_table(root, out, train, test, **files, **table)


def _split_salt(root: Path, out: Path, train: Sequence[Sample], test: Sequence[Sample]) -> Parts:
    files = {"images": "train/images", "test_images": "test/images", "masks": "train/masks"}
    table = {"table": "train.csv", "sample": "sample_submission.csv"}
    return split_table(root, out, train, test, **files, **table)


LAYOUTS: Mapping[str, Callable[[Path, Path, Sequence[Sample], Sequence[Sample]], Parts]] = {
    "denoising": split_pages,
    "chest-xray": split_class_folders,
    "cats-dogs": _split_cats_dogs,
    "salt": _split_salt,
}
"""How the data folder of each competition is made."""
