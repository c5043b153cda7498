"""From the raw outputs of a network to predictions, as the section `activation` says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch

from comp.bundle.parts.kinds import of_kind
from comp.tasks.binary import activate_two
from comp.tasks.image_to_image import activate_image
from comp.tasks.multiclass import activate_classes
from comp.tasks.multilabel import activate_labels
from comp.tasks.ordinal import activate_grades
from comp.tasks.regression import activate_values
from comp.tasks.segmentation import activate_exclusive, activate_masks

ACTIVATIONS: dict[str, Callable[..., torch.Tensor]] = {
    "two classes": activate_two,
    "classes": activate_classes,
    "labels": activate_labels,
    "grades": activate_grades,
    "values": activate_values,
    "masks": activate_masks,
    "exclusive masks": activate_exclusive,
    "image": activate_image,
}
"""Kind -> function of the raw outputs and of the other entries of the section."""


def make_activation(
    section: Mapping[str, Any],
) -> Callable[[torch.Tensor], torch.Tensor] | None:
    """The function of {"kind": ..., "arguments": {...}}; None for the kind "none"."""
    if section["kind"] == "none":
        return None
    function = of_kind(ACTIVATIONS, section["kind"], "activation")
    return partial(function, **section["arguments"])
