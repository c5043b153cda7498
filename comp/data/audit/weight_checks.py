"""Check the weights of samples in the training loss."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

from comp.contract.sample import Sample
from comp.data.audit.findings import Finding, findings_of


def check_weights(train: Sequence[Sample]) -> list[Finding]:
    """Training samples whose weight is not a positive number."""
    return findings_of(
        "bad-weight",
        "error",
        (f"{sample.id} ({sample.weight!r:.40})" for sample in train if not _is_valid(sample)),
        "training samples with a weight that is not a finite number above 0",
        "correct the weight; to leave out a sample, remove it",
    )


def _is_valid(sample: Sample) -> bool:
    weight: Any = sample.weight
    number = type(weight) is float or (isinstance(weight, Real) and not isinstance(weight, bool))
    return number and math.isfinite(weight) and weight > 0
