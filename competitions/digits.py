"""Digit Recognizer: hand-written digits (MNIST), 28 x 28 grey pixels in the columns of a CSV.

https://www.kaggle.com/competitions/digit-recognizer
"""

from __future__ import annotations

from comp.contract.metrics import ACCURACY
from comp.tasks.pixel_table import pixel_table

COMPETITION = pixel_table(
    name="digits",
    title="Digit Recognizer",
    kaggle="competitions/digit-recognizer",
    classes=tuple("0123456789"),
    size=(28, 28),
    metric=ACCURACY,
    defaults={
        "backbone": "resnet18",
        "pretrained": False,  # digits need no photographs: random weights learn them
        "epochs": 12,
        "image": {"size": 56, "channels": 1},
        "augment": {"flip": False, "scale": 0.1, "shift": 0.1, "brightness": 0.0, "contrast": 0.0},
        "optim": {"lr": 1e-3},
        "loader": {"batch_size": 128},
        "predict": {"tta": "none", "batch_size": 256},
    },
    synthetic_defaults={"image": {"size": 56}, "loader": {"batch_size": 16}},
)
