"""Tells of targets with more digits than training and scores keep."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from comp.contract.competition import Competition
from comp.contract.sample import Sample

if TYPE_CHECKING:
    import numpy as np

SHARE = 1e-4
"""Share of the standard deviation of the targets by which rounding may change one of them."""


def target_digits_note(competition: Competition, samples: Sequence[Sample]) -> str:
    """Say that targets are rounded so much that it matters; "" if they are not.

    Training and scores have targets in float32, so that the score does not show it. Of targets
    whose logarithm is learned, the last digits do not matter.
    """
    import numpy as np

    task = competition.task
    if task.estimate is None or task.estimate.kind != "values" or task.options.get("log"):
        return ""
    known = [s for s in samples if s.target is not None and not isinstance(s.target, Path)]
    if not known:
        return ""
    columns = np.array([np.asarray(s.target, dtype=np.float64).ravel() for s in known]).T
    rounded = next((pair for pair in map(_rounded, columns) if pair), None)
    if rounded is None:
        return ""
    exact, kept = rounded
    return (
        f"targets lose digits: {exact:.15g} becomes {kept:.15g} in training and in the score; "
        "subtract a constant from the targets in the plugin and add it to what is submitted, or "
        "learn differences"
    )


def _rounded(targets: np.ndarray) -> tuple[float, float] | None:
    """The target (N,) that float32 changes most and what it becomes, if the change is large beside
    the spread of the targets."""
    import numpy as np

    exact = np.unique(targets[np.isfinite(targets)])
    if len(exact) < 2:
        return None
    with np.errstate(over="ignore"):
        kept = exact.astype(np.float32).astype(np.float64)
    changes = np.abs(kept - exact)
    most = int(changes.argmax())
    if changes[most] <= SHARE * exact.std():
        return None
    return float(exact[most]), float(kept[most])
