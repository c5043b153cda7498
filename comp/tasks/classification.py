"""Image classification: the network, the augmentation and the defaults that classifiers share.

`image_classification` fills in the whole contract for a CSV of labels, folders of images, and a
sample submission: a plugin has about 15 lines. `comp.tasks.image_table` does so for every task of
numbers. `classifier` fills in only what all of them share, for data in another form.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields as dataclass_fields
from functools import partial
from typing import TYPE_CHECKING, Any

from comp.config.nesting import merge
from comp.contract.competition import Competition, ImageSpec
from comp.contract.metric import Metric
from comp.contract.metrics import ACCURACY, AUC
from comp.contract.renames import suggest_field
from comp.contract.task import Task
from comp.tasks.table import Submit

if TYPE_CHECKING:
    import torch

    from comp.config.schema import RunConfig
    from comp.contract.pipeline import Pipeline

DEFAULTS: Mapping[str, Any] = {
    "backbone": "resnet34",
    "pretrained": True,
    "epochs": 8,
    "optim": {"name": "adamw", "lr": 3e-4, "weight_decay": 0.05},
    "predict": {"tta": "auto"},
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
    classes: Sequence[str],
    label_column: str = "label",
    metric: Metric | str | None = None,
    submit: Submit | None = None,
    **fields: Any,
) -> Competition:
    """A competition of exclusive classes: `comp.tasks.image_table.image_table` with a task of the
    classes, whose names are in one column of a CSV.

    Args:
        metric: the default is AUC for two classes and accuracy for more.
        submit: the default is the label for a metric of decisions, such as accuracy or F1; for one
            of predictions, such as AUC, the probability of two classes or those of more.
        fields: further arguments of `image_table`, and fields of `Competition`.

    Raises:
        ValueError: the values contradict each other; a TypeError for an unknown argument.
    """
    from comp.tasks.image_table import image_table

    known = dict(inspect.signature(image_table).parameters)
    refuse_unknown("image_classification", fields, [*known, "classes"])
    return image_table(
        task=task_of(classes), label_column=label_column, metric=metric, submit=submit, **fields
    )


def classifier(
    *, task: Task | None = None, classes: Sequence[str] = (), **fields: Any
) -> Competition:
    """A competition with the network, pipeline and image spec of an image classifier.

    `fields` are those of `Competition` and override the values of a classifier; `defaults` are
    merged into `DEFAULTS`, and `synthetic_defaults` into `SYNTHETIC_DEFAULTS`.

    Args:
        task: what is predicted; None: the exclusive `classes`.

    Raises:
        TypeError: unknown argument.
        ValueError: neither or both of `task` and `classes`, or wrong classes.
    """
    refuse_unknown("classifier", fields, inspect.signature(classifier).parameters)
    if (task is None) == (not len(classes)):
        raise ValueError("give either task or classes: what does the competition predict?")
    task = task or task_of(classes)
    shared: dict[str, Any] = {
        "task": task,
        "metric": AUC if task.kind == "two classes" else ACCURACY,
        "image_spec": image_spec_of,
        "pipeline": augment,
        "model": partial(build, task=task),
        "decimals": DECIMALS,
    }
    defaults = {
        "defaults": merge(DEFAULTS, fields.get("defaults", {})),
        "synthetic_defaults": merge(SYNTHETIC_DEFAULTS, fields.get("synthetic_defaults", {})),
    }
    return Competition(**shared | fields | defaults)


def task_of(classes: Sequence[str]) -> Task:
    """The task of exclusive classes: `binary` or `multiclass`.

    Raises:
        ValueError: there are fewer than two, or two are the same.
    """
    from comp.tasks.binary import binary
    from comp.tasks.class_labels import checked_names
    from comp.tasks.multiclass import multiclass

    names = checked_names(classes, 2)
    return binary(names) if len(names) == 2 else multiclass(names)


def refuse_unknown(function: str, given: Iterable[str], arguments: Iterable[str]) -> None:
    """Refuse names that are neither `arguments` of a function nor fields of `Competition`.

    Raises:
        TypeError: there is such a name; the message suggests the right one.
    """
    names = [name for name in arguments if name != "fields"]
    known = {*names, *(field.name for field in dataclass_fields(Competition))}
    for name in given:
        if name not in known:
            raise TypeError(f"{function}() has no argument '{name}': {suggest_field(name, names)}")


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


def augment(config: RunConfig, train: bool) -> Pipeline:
    """The random augmentation of the section `augment`, in training only."""
    from comp.data.augment import classification_pipeline
    from comp.models.backbone import resolve_input

    return classification_pipeline(config, train, resolve_input(config).size)


def build(config: RunConfig, task: Task) -> torch.nn.Module:
    """The network of a task: float (N, C, H, W) in 0..1 to the raw outputs of the loss."""
    from comp.models.classifier import build_classifier

    name = task.losses[0] if config.loss.name == "own" else config.loss.name
    known = task.head_outputs and name in task.losses  # make_loss refuses another loss
    outputs = task.head_outputs(name) if task.head_outputs and known else task.outputs
    return build_classifier(config, outputs, scaled=task.prepare is not None)
