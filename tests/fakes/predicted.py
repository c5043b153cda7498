"""The predictions in a file, of any format."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from comp.inference.predictions import Predictions


def load_predictions(path: Path) -> dict[str, np.ndarray]:
    """All arrays by id."""
    return dict(Predictions(path))
