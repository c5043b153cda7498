"""Chooses between the two papers of a page, by chance."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ChoosePaper:
    """Keeps the page and one of its two papers: the estimated paper in a share of the draws, else
    the recovered one. (H, W, 3) becomes (H, W, 2). A `comp.data.steps.ImageChange`."""

    share: float

    def draw(self, generator: random.Random) -> int:
        """Choose the channel of the paper."""
        return 2 if generator.random() < self.share else 1

    def apply(self, image: np.ndarray, drawn: int) -> np.ndarray:
        """Keep the page and the chosen paper."""
        return np.ascontiguousarray(image[..., [0, drawn]])
