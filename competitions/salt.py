"""TGS Salt Identification: find salt in seismic images.

4,000 images of 101 x 101 pixels, more than a third of them without salt. The metric counts the IoU
thresholds that a mask passes, so a few stray pixels in an empty image cost as much as a wrong mask.
https://www.kaggle.com/competitions/tgs-salt-identification-challenge
"""

from __future__ import annotations

from dataclasses import replace

from comp.contract.metrics import MAP_OF_IOU
from comp.tasks.segmenter import segmenter

MEDALS = {"gold": 0.89097, "silver": 0.87163, "bronze": 0.85918, "median": 0.81665}

COMPETITION = segmenter(
    name="salt",
    title="TGS Salt Identification Challenge",
    kaggle="competitions/tgs-salt-identification-challenge",
    classes=("salt",),
    metric=replace(MAP_OF_IOU, medals=MEDALS),
    defaults={
        "image": {"size": 101},
        "freeze": 2,
        "validations": 1,
        "augment": {"rotate": 8.0, "shift": 0.08, "scale": 0.15},
        "optim": {"lr": 2e-3, "layer_decay": 0.75},
        "loader": {"batch_size": 12},
    },
)
