"""Weights of samples, checked before training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toys import toy

from comp.contract.sample import Sample
from comp.data.audit.sample_checks import quick_checks
from comp.data.audit.weight_checks import check_weights


def sample(weight: Any) -> Sample:
    return Sample(id="a", image=Path(), weight=weight)


@pytest.mark.parametrize("weight", [0, -1.0, float("nan"), float("inf"), True, "2", None])
def test_a_weight_that_is_not_a_positive_number_is_an_error(weight: Any) -> None:
    (finding,) = check_weights([sample(1.0), sample(weight)])
    assert (finding.kind, finding.severity, finding.count) == ("bad-weight", "error", 1)
    assert finding in quick_checks(toy(), [sample(weight)], [])


def test_positive_numbers_of_any_kind_are_weights() -> None:
    assert check_weights([sample(w) for w in (1, 0.25, np.float32(3), np.int64(2), 1e9)]) == []
