"""An albumentations transform that chooses between the two papers of a page."""

from __future__ import annotations

from typing import Any

import albumentations as A
import numpy as np


class ChoosePaper(A.ImageOnlyTransform):  # type: ignore[misc]
    """Keeps the page and one of its two papers: the estimated paper in a share of the draws, else
    the recovered one. (H, W, 3) becomes (H, W, 2)."""

    def __init__(self, share: float) -> None:
        super().__init__(p=1.0)
        self.share = share

    def get_params(self) -> dict[str, Any]:
        """Choose the channel of the paper with the generator that the pipeline seeds."""
        return {"paper": 2 if self.py_random.random() < self.share else 1}

    def apply(self, img: np.ndarray, paper: int = 1, **_: Any) -> np.ndarray:
        """Keep the page and the chosen paper."""
        return np.ascontiguousarray(img[..., [0, paper]])
