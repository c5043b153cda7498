"""Image classification from a CSV of labels, folders of images, and a sample submission.

`image_classification` fills the contract for the usual form, so that a plugin is about 15 lines;
`classifier` fills only what all classifiers share, for data that come in another form.

A prediction is float32: (1,) for two classes, the probability of the second; (K,) for K > 2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comp.config.schema import RunConfig, merge
from comp.contract.competition import Competition, ImageSpec, Sample, Split
from comp.contract.metrics import ACCURACY, AUC, Metric
from comp.tasks.table import Submit, Table

if TYPE_CHECKING:
    import albumentations as A
    import numpy as np
    import torch

DEFAULTS: Mapping[str, Any] = {
    "backbone": "resnet34",
    "pretrained": True,
    "epochs": 8,
    "patience": 3,
    "optim": {"name": "adamw", "lr": 3e-4, "weight_decay": 0.05},
    "predict": {"tta": "hflip"},
}
"""What a classifier starts from; a plugin's own defaults are laid on them."""

SYNTHETIC_DEFAULTS: Mapping[str, Any] = {
    "backbone": "test_resnet",
    "pretrained": False,
    "freeze": "none",
    "thaw": {"how": "never"},
    "epochs": 12,
    "image": {"size": 96},
    "optim": {"lr": 1e-3},
    "loader": {"batch_size": 8},
}
"""What differs for drawn data: timm's smallest ResNet, 0.4 million weights, trained from random
ones, so that a first run needs neither the internet nor a file of weights."""

DECIMALS = 7
"""Decimals of probabilities in a submission: fewer make ties, which cost AUC."""


def image_classification(
    *,
    name: str,
    title: str,
    kaggle: str,
    classes: Sequence[str],
    metric: Metric | None = None,
    labels: str = "train.csv",
    id_column: str = "id",
    label_column: str = "label",
    group_column: str | None = None,
    images: str = "train",
    test_images: str = "test",
    sample_submission: str | None = "sample_submission.csv",
    submit: Submit | None = None,
    columns: Sequence[str] = (),
    samples: Callable[[Path, Split], Sequence[Sample]] | None = None,
    draw_synthetic: Callable[[Path, np.random.Generator], None] | None = None,
    **fields: Any,
) -> Competition:
    """A competition of image classification.

    Args:
        metric: AUC for two classes and accuracy for more, unless given.
        labels: CSV of the training images: id, label (name or index of a class), perhaps group.
        group_column: column of what must never stand on both sides of a fold.
        images: folder of the training images, named `<id>` or `<id>.<any suffix>`.
        test_images: folder of the test images, which stand in the order of the sample submission,
            or of their names where `sample_submission` is None.
        submit: what a row of the submission holds beside the id: "probability" of the second class
            (for two classes), the "probabilities" of all, the "label" (for more than two), or its
            "index".
        columns: names of the submission's columns after the id: the label column, or for
            "probabilities" the classes, unless given.
        samples: reads data of another layout; `draw_synthetic` must then be given too.
        draw_synthetic: draws the sample data; gratings of a colour and a width a class, unless given.
        fields: further fields of `Competition`, which win, such as `group`, `answers`, `rows`,
            `layout`, `defaults`.

    Raises:
        ValueError: when the plugin's own values do not fit together.
    """
    submit = submit or ("probability" if len(classes) == 2 else "label")
    columns = tuple(columns or (classes if submit == "probabilities" else (label_column,)))
    table = Table(
        classes=tuple(classes),
        labels=labels,
        id_column=id_column,
        label_column=label_column,
        group_column=group_column,
        images=images,
        test_images=test_images,
        sample_submission=sample_submission,
        submit=submit,
        columns=columns,
    )
    _check(table, samples is None or draw_synthetic is not None)
    limits = {"label": None, "index": (0.0, len(classes) - 1.0)}
    usual: dict[str, Any] = {
        "samples": samples or table.samples,
        "draw_synthetic": draw_synthetic or table.draw,
        "rows": table.rows,
        "limits": limits.get(submit, (0.0, 1.0)),
        "layout": tuple(dict.fromkeys((labels, images, test_images))),
        "sample_submission": sample_submission,
        "group": group_column,
    }
    if metric:
        usual["metric"] = metric
    own = {"name": name, "title": title, "kaggle": kaggle, "classes": table.classes}
    return classifier(**own | usual | fields)


def classifier(*, classes: Sequence[str], **fields: Any) -> Competition:
    """A competition with the network, pipeline, shape and activation of a classifier.

    `fields` are those of `Competition`, and win; `defaults` are laid on `DEFAULTS`, and
    `synthetic_defaults` on `SYNTHETIC_DEFAULTS`.
    """
    count = len(classes)
    shared: dict[str, Any] = {
        "metric": AUC if count == 2 else ACCURACY,
        "classes": tuple(classes),
        "outputs": 1 if count == 2 else count,
        "image_spec": image_spec_of,
        "pipeline": augment,
        "model": partial(build, count=count),
        "activation": partial(activate, count=count),
        "decimals": DECIMALS,
    }
    defaults = {
        "defaults": merge(DEFAULTS, fields.get("defaults", {})),
        "synthetic_defaults": merge(SYNTHETIC_DEFAULTS, fields.get("synthetic_defaults", {})),
    }
    return Competition(**shared | fields | defaults)


def _check(table: Table, drawable: bool) -> None:
    """Make sure that the values of a plugin fit together."""
    count, wanted = len(table.classes), len(table.columns)
    if count < 2 or len(set(table.classes)) < count:
        raise ValueError(f"classes = {table.classes}: give two or more, each once")
    if table.submit == "probability" and count != 2:
        raise ValueError(f"submit = probability needs two classes, found {count}")
    if wanted != (count if table.submit == "probabilities" else 1):
        raise ValueError(f"submit = {table.submit} does not fill {wanted} columns")
    if not drawable:
        raise ValueError(
            "samples is given: give draw_synthetic too, which draws data that it reads"
        )


def image_spec_of(config: RunConfig) -> ImageSpec:
    """What images are brought to: the network's input, by `image.resize`."""
    from comp.models.backbone import input_of

    spec = input_of(config)
    return ImageSpec(
        size=spec.size,
        policy=config.image.resize,
        channels=spec.channels,
        interpolation=spec.interpolation,
        crop_pct=spec.crop_pct,
    )


def augment(config: RunConfig, train: bool) -> A.Compose:
    """The random changes that `augment` asks for, and nothing random beside training."""
    from comp.data.augment import classification_pipeline
    from comp.models.backbone import input_of

    return classification_pipeline(config, train, input_of(config).size)


def build(config: RunConfig, count: int) -> torch.nn.Module:
    """The network for so many classes: float (N, C, H, W) in 0..1 to the logits of the loss."""
    from comp.models.classifier import build_classifier
    from comp.training.losses import outputs_of

    return build_classifier(config, outputs_of(count, config.loss.name))


def activate(raw: torch.Tensor, count: int) -> torch.Tensor:
    """Logits to probabilities: float (N, 1) for two classes, else (N, count)."""
    from comp.training.losses import probabilities

    return probabilities(raw, count)
