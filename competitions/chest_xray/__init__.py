"""Chest X-Ray Images (Pneumonia): radiographs of children, healthy or with pneumonia.

5,856 images of 400 to 2,900 pixels, most of them grey, in `{train,val,test}/{NORMAL,PNEUMONIA}`.
`val` has only 16 images and is added to the training data. A patient has up to 30 images, so folds
are grouped by patient, whose number is in the file name. The download contains a second copy of
everything in `chest_xray/chest_xray`, which is not read.
https://www.kaggle.com/datasets/paultimothymooney/chest-xray-pneumonia
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comp.contract.sample import Sample, Split
from comp.errors import CompetitionError, DataError
from comp.tasks.binary import binary
from comp.tasks.classification import DECIMALS, classifier

if TYPE_CHECKING:
    import numpy as np

CLASSES = ("NORMAL", "PNEUMONIA")
PATIENT = re.compile(r"(person\d+)_|((?:NORMAL\d*-)?IM-\d+)-")
"""The patient, from names such as `person123_bacteria_45` and `NORMAL2-IM-0588-0001-0002`."""


def patient(path: Path) -> str | None:
    """The patient at the start of a file name; None if the name has another form."""
    match = PATIENT.match(path.name)
    return match and (match[1] or match[2])


def samples(root: Path, split: Split) -> Sequence[Sample]:
    """The images of a split, sorted: `train` and `val` with labels, or all images below `test`.

    Raises:
        DataError: a class of `train` has no folder or no images, a folder of `train` or `val` with
            images is no class, or `test` has no images.
    """
    return _test(root / "test") if split == "test" else [*_train(root), *_train(root, "val")]


def _train(root: Path, part: str = "train") -> list[Sample]:
    from comp.data.listing import image_files

    if problem := _no_class(root / part):
        raise DataError(problem)
    labelled = []
    for label, name in enumerate(CLASSES):
        folder = root / part / name
        images = image_files(folder)
        if part == "train" and not images:
            problem = "has no images" if folder.is_dir() else "does not exist"
            raise DataError(
                f"{folder} {problem}, but class {name} needs some: fetch the data again"
            )
        labelled += [
            Sample(
                id=path.relative_to(root).as_posix(),
                image=path,
                target=float(label),
                group=patient(path),
                stratum=name,
            )
            for path in images
        ]
    return labelled


def _test(folder: Path) -> list[Sample]:
    from comp.data.listing import image_files

    images = image_files(folder)
    if not images:
        raise DataError(f"no images to predict in {folder}: add some, or fetch the data again")
    return [
        Sample(id=path.relative_to(folder).as_posix(), image=path, group=patient(path))
        for path in images
    ]


def test_labels(root: Path) -> Mapping[str, float]:
    """The labels of the test images in a class folder, by id. Images in no folder have none.

    Raises:
        CompetitionError: some folders are classes, and another one with images is not.
    """
    folders = {sample.id: sample.id.split("/")[0] for sample in _test(root / "test")}
    labels = {i: float(CLASSES.index(name)) for i, name in folders.items() if name in CLASSES}
    problem = _no_class(root / "test")
    if labels and problem:
        raise CompetitionError(problem)
    return labels


def _no_class(part: Path) -> str:
    """That a folder of images in a part of the data is not a class; "" if each is one."""
    from comp.data.listing import image_files

    try:
        found = sorted(path for path in part.iterdir() if path.is_dir())
    except OSError:  # it does not exist, or the folders of the classes cannot be read either
        return ""
    for path in found:
        if path.name.startswith((".", "__")) or path.name in CLASSES:
            continue
        if image_files(path):
            return (
                f"{part} has images in '{path.name}', which is not one of the classes "
                f"({', '.join(CLASSES)}): rename this folder, or move it out of {part.name}"
            )
    return ""


def rows(sample: Sample, prediction: np.ndarray, decision: np.ndarray) -> Mapping[str, Any]:
    """One row: id, probability of pneumonia, and the label that is decided."""
    return {
        "id": [sample.id],
        "probability": [round(float(prediction[0]), DECIMALS)],
        "label": [int(decision[0])],
    }


def draw_synthetic(root: Path, rng: np.random.Generator) -> None:
    """Draw radiographs with the difficulties of the real download, such as system files."""
    from competitions.chest_xray.synthetic_radiographs import draw_radiographs

    draw_radiographs(root, rng)


COMPETITION = classifier(
    name="chest-xray",
    title="Chest X-Ray Images (Pneumonia)",
    kaggle="datasets/paultimothymooney/chest-xray-pneumonia",
    task=binary(CLASSES, threshold=0.5),  # one fitted on the folds does not suit the shifted test
    samples=samples,
    group="patient",
    test_labels=test_labels,
    rows=rows,
    limits=(0.0, 1.0),
    sample_submission=None,
    draw_synthetic=draw_synthetic,
    defaults={
        "backbone": "tf_mobilenetv3_small_100",
        "image": {"size": 224, "channels": 3},
        "validations": 1,  # use the last weights: on easy folds the best of several is random
        "patience": None,
        "optim": {"lr": 1e-3, "weight_decay": 0.02},
        "augment": {"preset": "strong", "color": 0.0},  # the test is of another time
        "predict": {"tta": "hflip"},
    },
    synthetic_defaults={
        "loader": {"augment": False}
    },  # too strong for 128 images without pretraining
)
