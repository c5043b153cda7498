"""Image classification from a CSV of labels, folders of images, and a sample submission.

`image_classification` fills in the whole contract for data in this form: a plugin has about 15
lines. `classifier` fills in only what all classifiers share, for data in another form.

A prediction is float32: (1,) for two classes, the probability of the second; (K,) for K > 2.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields as dataclass_fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from comp.config.nesting import merge
from comp.contract.competition import Competition, ImageSpec, Sample, Split
from comp.contract.metrics import ACCURACY, AUC, Metric
from comp.contract.renames import suggest_field
from comp.tasks.table import Submit, Table

if TYPE_CHECKING:
    import albumentations as A
    import numpy as np
    import torch

    from comp.config.schema import RunConfig

DEFAULTS: Mapping[str, Any] = {
    "backbone": "resnet34",
    "pretrained": True,
    "epochs": 8,
    "patience": 3,
    "optim": {"name": "adamw", "lr": 3e-4, "weight_decay": 0.05},
    "predict": {"tta": "hflip"},
}
"""Defaults of a classifier; a plugin's own `defaults` override them."""

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
"""Defaults for synthetic data: timm's smallest ResNet, 0.4 million parameters, from random weights.
A first run needs neither the internet nor a weights file."""

DECIMALS = 7
"""Decimals of probabilities in a submission; fewer decimals make ties, which lower AUC."""


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
    """A competition of image classification. Further arguments: fields of `comp.tasks.table.Table`.

    Args:
        metric: the default is AUC for two classes and accuracy for more.
        samples: reads data in another layout; needs `draw_synthetic` too.
        draw_synthetic: draws the synthetic data; the default draws stripes.
        fields: further fields of `Competition`, such as `group`, `test_labels` or `defaults`; they
            override the values that follow from the table.

    Raises:
        ValueError: the values contradict each other; a TypeError for an unknown argument.
    """
    _refuse_unknown("image_classification", fields, inspect.signature(image_classification))
    submit = submit or ("probability" if len(classes) == 2 else "label")
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
        columns=tuple(columns or (classes if submit == "probabilities" else (label_column,))),
    )
    _check(table, samples is None or draw_synthetic is not None)
    given = {"metric": metric, "samples": samples, "draw_synthetic": draw_synthetic}
    given = {field: value for field, value in given.items() if value}
    names = {"name": name, "title": title, "kaggle": kaggle}
    return classifier(**_fields_of(table) | names | given | fields)


def _fields_of(table: Table) -> dict[str, Any]:
    """The fields of `Competition` that follow from a table."""
    limits = {"label": None, "index": (0.0, len(table.classes) - 1.0)}
    return {
        "classes": table.classes,
        "samples": table.samples,
        "draw_synthetic": table.draw,
        "rows": table.rows,
        "limits": limits.get(table.submit, (0.0, 1.0)),
        "layout": tuple(dict.fromkeys((table.labels, table.images, table.test_images))),
        "sample_submission": table.sample_submission,
        "group": table.group_column,
    }


def classifier(*, classes: Sequence[str], **fields: Any) -> Competition:
    """A competition with the network, pipeline, image spec and activation of a classifier.

    `fields` are those of `Competition` and override the values of a classifier; `defaults` are
    merged into `DEFAULTS`, and `synthetic_defaults` into `SYNTHETIC_DEFAULTS`.

    Raises:
        TypeError: unknown argument.
    """
    _refuse_unknown("classifier", fields, inspect.signature(classifier))
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


def _refuse_unknown(function: str, given: Iterable[str], signature: inspect.Signature) -> None:
    arguments = [name for name in signature.parameters if name != "fields"]
    known = {*arguments, *(field.name for field in dataclass_fields(Competition))}
    for name in given:
        if name not in known:
            raise TypeError(
                f"{function}() has no argument '{name}': {suggest_field(name, arguments)}"
            )


def _check(table: Table, has_data: bool) -> None:
    """Raise ValueError if the values of a plugin contradict each other."""
    class_count, column_count = len(table.classes), len(table.columns)
    if class_count < 2 or len(set(table.classes)) < class_count:
        raise ValueError(
            f"classes = {table.classes}: give two or more different classes, such as "
            '("healthy", "rust")'
        )
    if table.submit not in get_args(Submit):
        choices = ", ".join(get_args(Submit))
        raise ValueError(f"submit = {table.submit!r} is unknown: use one of {choices}")
    if table.submit == "probability" and class_count != 2:
        raise ValueError(
            f"submit = probability needs two classes, found {class_count}: use probabilities, "
            "label or index"
        )
    needed = class_count if table.submit == "probabilities" else 1
    if column_count != needed:
        raise ValueError(
            f"submit = {table.submit} fills {needed} columns, found {column_count}: change columns"
        )
    if not has_data:
        raise ValueError("samples needs draw_synthetic too: give a function that draws such data")


def image_spec_of(config: RunConfig) -> ImageSpec:
    """The image spec of the network's input, with the policy `image.resize`."""
    from comp.models.backbone import resolve_input

    network_input = resolve_input(config)
    return ImageSpec(
        size=network_input.size,
        policy=config.image.resize,
        channels=network_input.channels,
        interpolation=network_input.interpolation,
        crop_pct=network_input.crop_pct,
    )


def augment(config: RunConfig, train: bool) -> A.Compose:
    """The random augmentation of the section `augment`, in training only."""
    from comp.data.augment import classification_pipeline
    from comp.models.backbone import resolve_input

    return classification_pipeline(config, train, resolve_input(config).size)


def build(config: RunConfig, count: int) -> torch.nn.Module:
    """The network for `count` classes: float (N, C, H, W) in 0..1 to the logits of the loss."""
    from comp.models.classifier import build_classifier
    from comp.training.losses import outputs_of

    return build_classifier(config, outputs_of(count, config.loss.name))


def activate(raw: torch.Tensor, count: int) -> torch.Tensor:
    """Logits to probabilities: float (N, 1) for two classes, else (N, count)."""
    from comp.training.losses import probabilities

    return probabilities(raw, count)
