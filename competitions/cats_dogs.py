"""Cats and dogs: photographs of cats and dogs, 32 x 32 pixels, and a CSV of labels.

Photographs of any size work too: `image.resize` says how they get the size of the network's input
(squash, letterbox, crop or partial), and `image.size` is this size. The lower stages keep the
weights of ImageNet, and what they return is computed once for all folds and epochs.
"""

from __future__ import annotations

from comp.contract.metrics import ACCURACY
from comp.tasks.classification import image_classification

COMPETITION = image_classification(
    name="cats-dogs",
    title="Cats and Dogs",
    kaggle="competitions/dogs-vs-cats",
    classes=("cat", "dog"),
    metric=ACCURACY,
    labels="trainLabels.csv",
    id_column="id",
    label_column="label",
    images="train",
    test_images="test",
    sample_submission="sampleSubmission.csv",
    submit="label",
    defaults={
        "backbone": "tf_efficientnet_lite0",
        "image": {"size": 160},
        "freeze": -2,
        "features": {"cache": "partial", "views": 0},
        "validations": 1,  # five of them would cost as much time as the prediction
        "optim": {"lr": 2e-3},
        "loader": {"mixup": 0.3},
    },
)
