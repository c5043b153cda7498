"""The choice between the two papers behind a page, as a transform of albumentations."""

from __future__ import annotations

from typing import Any

import albumentations as A
import numpy as np


class ChoosePaper(A.ImageOnlyTransform):  # type: ignore[misc]
    """Keeps one of the two papers behind a page: the recovered one, or in a share of the draws the
    page's own estimate. (H, W, 3) becomes (H, W, 2)."""

    def __init__(self, share: float) -> None:
        super().__init__(p=1.0)
        self.share = share

    def get_params(self) -> dict[str, Any]:
        """Draw from the generator that the pipeline seeds."""
        return {"paper": 2 if self.py_random.random() < self.share else 1}

    def apply(self, img: np.ndarray, paper: int = 1, **_: Any) -> np.ndarray:
        """Keep the page and the paper that was drawn."""
        return np.ascontiguousarray(img[..., [0, paper]])
