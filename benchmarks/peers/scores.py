"""The scores of predictions on the held-out test, one function for each kind of answer.

No program scores itself: all write a CSV, `id,value` with the probability of class 1, or `id,file`
with a NumPy file of a page (grey in 0..1) or of a mask (0 and 1).
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

Figures = dict[str, float]


def score(name: str, truth: Path, predictions: Path) -> Figures:
    """The figures of a competition; the first is the main one.

    Raises:
        ValueError: other ids than those of the test, or a prediction of another shape.
    """
    targets, found = _read(truth), _read(predictions)
    if set(targets) != set(found):
        different = sorted(set(targets) ^ set(found))
        raise ValueError(f"{predictions}: {len(different)} ids differ, such as {different[0]}")
    return SCORES[name]({i: (targets[i], found[i]) for i in targets})


def classes(pairs: Mapping[str, tuple[str, str]]) -> Figures:
    """AUC, accuracy at 0.5, and log loss of two classes."""
    from sklearn.metrics import accuracy_score, log_loss, roc_auc_score

    targets = np.array([int(float(target)) for target, _ in pairs.values()])
    found = np.array([float(value) for _, value in pairs.values()])
    return {
        "AUC": float(roc_auc_score(targets, found)),
        "accuracy": float(accuracy_score(targets, found > 0.5)),
        "log loss": float(log_loss(targets, found, labels=[0, 1])),
    }


def accuracy_first(pairs: Mapping[str, tuple[str, str]]) -> Figures:
    """Accuracy and log loss of two classes."""
    figures = classes(pairs)
    return {"accuracy": figures["accuracy"], "log loss": figures["log loss"]}


def auc_first(pairs: Mapping[str, tuple[str, str]]) -> Figures:
    """AUC and accuracy of two classes."""
    figures = classes(pairs)
    return {"AUC": figures["AUC"], "accuracy": figures["accuracy"]}


def pages(pairs: Mapping[str, tuple[str, str]]) -> Figures:
    """The root mean squared error over all pixels of all pages."""
    total, pixels = 0.0, 0
    for target, file in pairs.values():
        clean, found = grey(Path(target)), np.load(file).astype(np.float64)
        _same_shape(clean, found, file)
        total += float(((found - clean) ** 2).sum())
        pixels += clean.size
    return {"RMSE": (total / pixels) ** 0.5}


def masks(pairs: Mapping[str, tuple[str, str]]) -> Figures:
    """The share of the thresholds 0.50, 0.55, ..., 0.95 that the IoU of a mask exceeds, the mean
    over the images; where the true mask is empty, 1 for an empty mask and else 0."""
    from comp.contract.metrics import MAP_OF_IOU

    compared = []
    for target, file in pairs.values():
        true, found = grey(Path(target)) > 0, np.load(file) > 0
        _same_shape(true, found, file)
        compared.append((true[..., None].astype(np.uint8), found[..., None].astype(np.uint8)))
    return {"mAP of IoU": float(MAP_OF_IOU.score(compared))}


def grey(file: Path) -> np.ndarray:
    """A grey image, float64 (H, W) in 0..1."""
    with Image.open(file) as image:
        return np.asarray(image.convert("L"), dtype=np.float64) / 255


def _same_shape(target: np.ndarray, found: np.ndarray, file: str) -> None:
    if target.shape != found.shape:
        raise ValueError(f"{file}: shape {found.shape}, but the target is {target.shape}")


def _read(path: Path) -> dict[str, str]:
    """The second column by the first."""
    with path.open(newline="", encoding="utf-8") as stream:
        _, *rows = csv.reader(stream)
    return {row[0]: row[1] for row in rows}


SCORES: Mapping[str, Callable[[Mapping[str, tuple[str, str]]], Figures]] = {
    "denoising": pages,
    "chest-xray": auc_first,
    "cats-dogs": accuracy_first,
    "salt": masks,
}
