"""Synthetic data of a segmentation, for competitions without a drawing function of their own."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comp.contract.sample import Sample
from comp.contract.task import Task
from comp.data.images.decode import write_image

if TYPE_CHECKING:
    import numpy as np

    from comp.tasks.mask_table import MaskTable

TRAIN, TEST = 60, 12
SIDE = 101
"""Pixels of a side; odd, so that sizes are no multiples of anything."""


def draw_masked_images(table: MaskTable, root: Path, rng: np.random.Generator) -> None:
    """Write images, masks, the table and the sample submission in the layout of `table`.

    A quarter of the images is empty.
    """
    import numpy as np

    task, train = table.task, []
    whole = replace(table, submit_size=None)  # training masks have the size of their image
    for i in range(TRAIN):
        name = f"train{i:03d}"
        image, masks = blobs(rng, len(task.labels), empty=i % 4 == 0)
        write_image(root / table.images / f"{name}.png", image)
        pixels = mask_image(masks, task)
        targets = task.encode(pixels)
        rows = whole.rows(Sample(id=name, image=root), targets, targets)
        if table.masks:
            _write_mask(root / table.masks / f"{name}{table.mask_suffix}", pixels)
            rows = rows if len(table.labels) == 1 else {table.id_column: [name]}
        if table.group_column:
            count = len(rows[table.id_column])
            rows = {**rows, table.group_column: [f"group{i // 3}"] * count}
        for column, cell in table.more.drawn(i).items():
            rows = {**rows, column: [cell] * len(rows[table.id_column])}
        train.append(rows)
    if table.table:
        _write(root / table.table, train)
    blank, test = np.zeros((1, 1, len(task.labels)), np.float32), []
    for i in range(TEST):
        name = f"test{i:03d}"
        image, _ = blobs(rng, len(task.labels), empty=i % 4 == 0)
        write_image(root / table.test_images / f"{name}.png", image)
        test.append(table.rows(Sample(id=name, image=root), blank, blank))
    if table.sample_submission:
        _write(root / table.sample_submission, test)


def blobs(rng: np.random.Generator, classes: int, empty: bool) -> tuple[np.ndarray, np.ndarray]:
    """An image uint8 (H, W, 3), and masks uint8 (H, W, classes): an ellipse of each class, which do
    not overlap; each class has its own brightness."""
    import cv2
    import numpy as np

    light = rng.normal(60, 20, (SIDE, SIDE))
    owner = np.zeros((SIDE, SIDE), np.uint8)
    for index in range(0 if empty else classes):
        centre = tuple(int(v) for v in rng.integers(20, SIDE - 20, 2))
        axes = tuple(int(v) for v in rng.integers(10, 30, 2))
        cv2.ellipse(owner, centre, axes, float(rng.uniform(0, 180)), 0, 360, index + 1, -1)
    light += 150 * owner / max(1, classes)
    image = np.repeat(light.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)
    masks = (owner[..., None] == np.arange(1, classes + 1)).astype(np.uint8)
    return image, masks


def mask_image(masks: np.ndarray, task: Task) -> np.ndarray:
    """Masks (H, W, K) as the image that the task accepts: 0 and 255 in one channel per class, or
    the index of the class of each pixel."""
    import numpy as np

    channels = masks * np.uint8(255)
    if task.check_image is None or not task.check_image(channels):
        return channels
    return np.asarray((masks * np.arange(masks.shape[2])).sum(2, keepdims=True), dtype=np.uint8)


def _write_mask(path: Path, pixels: np.ndarray) -> None:
    import numpy as np

    if pixels.shape[2] in (1, 3):
        write_image(path.with_suffix(".png"), pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path.with_suffix(".npy"), pixels)


def _write(path: Path, parts: Sequence[Mapping[str, Sequence[Any]]]) -> None:
    """Write columns of equal names below each other."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [row for part in parts for row in zip(*part.values(), strict=True)]
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, lineterminator="\n").writerows([list(parts[0]), *lines])
