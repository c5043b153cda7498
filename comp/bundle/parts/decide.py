"""From a prediction to its decision, as the section `decision` says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from comp.bundle.parts.kinds import of_kind
from comp.tasks.binary import decide_two
from comp.tasks.mask_decision import decide_exclusive, decide_masks
from comp.tasks.multiclass import decide_class
from comp.tasks.multilabel import decide_labels
from comp.tasks.ordinal import decide_grade

DECISIONS: dict[str, Callable[..., np.ndarray]] = {
    "two classes": decide_two,
    "classes": decide_class,
    "labels": decide_labels,
    "grades": decide_grade,
    "masks": decide_masks,
    "exclusive masks": decide_exclusive,
}
"""Kind -> function of one prediction and the parameters."""


def decide(prediction: np.ndarray, decision: Mapping[str, Any]) -> np.ndarray:
    """The decision of one prediction; the prediction itself for the kind "none".

    Args:
        decision: {"kind": ..., "arguments": {...}, "params": [...], "labels": [...]}.
    """
    if decision["kind"] == "none":
        return prediction
    function = of_kind(DECISIONS, decision["kind"], "decision")
    return function(prediction, tuple(decision["params"]), **decision["arguments"])
