"""Explained samples: maps, and what the run and its network say of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np

from comp.explanations.agreement import AGREEMENTS, agreement_words
from comp.explanations.picture import heat_of, overlaid
from comp.explanations.sanity import Sanity


@dataclass(frozen=True, kw_only=True)
class ExplainedSample:
    """A sample with its maps."""

    id: str
    split: str
    """train or test."""
    fold: int
    """The fold whose network explains it; of a training sample the one that held it out."""
    truth: str
    """"" if it is unknown."""
    decision: str
    """What the run decided out of fold, or the number that it predicted."""
    wrong: bool | None
    """Whether the decision is wrong; None if it is unknown, or a matter of degree."""
    target: str
    """The class, label or number that the map explains."""
    probability: float | None
    """That of the target in the recorded prediction; of numbers, the number itself."""
    network: float | None
    """The same as the network of the map sees it, without test-time augmentation or others."""
    image: np.ndarray
    """What the network sees, uint8 (H, W, 3)."""
    signed: np.ndarray
    """The map at the size of its layer, float32 (h, w): positive parts speak for the target,
    negative ones against it."""
    heat: np.ndarray
    """Its positive part at the size of the image, float32 (H, W) in 0..1."""
    occlusion: np.ndarray | None = None
    """By how much the answer falls where the image is covered, float32 (H, W); None if it is not
    measured."""
    agreement: float | None = None
    """The rank correlation of the map and occlusion."""

    @property
    def overlay(self) -> np.ndarray:
        """The image under its map, uint8 (H, W, 3)."""
        return overlaid(self.image, self.heat)

    @property
    def occlusion_overlay(self) -> np.ndarray | None:
        """The image under the map of occlusion."""
        if self.occlusion is None:
            return None
        size = self.image.shape[0], self.image.shape[1]
        return overlaid(self.image, heat_of(self.occlusion, size))

    @property
    def empty(self) -> bool:
        """Whether nothing in the image speaks for the target."""
        return not bool(self.heat.any())

    @property
    def agreement_words(self) -> str:
        """Whether the map and occlusion agree; "" if it is not measured."""
        return "" if self.occlusion is None else agreement_words(self.agreement)


@dataclass(frozen=True, kw_only=True)
class Explained:
    """Explained samples of a run, or the reason why there are none."""

    run_id: str
    competition: str
    samples: Sequence[ExplainedSample] = ()
    method: str = "Grad-CAM"
    """Grad-CAM or, of transformers whose head reads a class token, attention."""
    layer: str = ""
    """The name of the layer of the maps in the network."""
    grid: tuple[int, int] | None = None
    """Rows and columns of a map."""
    are_chances: bool = True
    """Whether `probability` is one, and not a number that is predicted."""
    sanity: Sanity | None = None
    sheet: Path | None = None
    """The PNG file with the pictures, if it is written."""
    notes: Sequence[str] = ()
    reason: str = ""
    """Why the run cannot be explained, and what to do; "" if it can."""

    @property
    def agreement(self) -> str:
        """How often maps and occlusion agree, in one sentence; "" without occlusion."""
        checked = [sample for sample in self.samples if sample.occlusion is not None]
        if not checked:
            return ""
        counts = Counter(sample.agreement_words for sample in checked)
        parts = [f"{word} in {counts[word]}" for word in AGREEMENTS if counts[word]]
        known = [sample.agreement for sample in checked if sample.agreement is not None]
        mean = f" (mean rank correlation {fmean(known):.2f})" if known else ""
        advice = "; where they disagree, do not trust the map" if counts["disagree"] else ""
        shares = f"{', '.join(parts)} of {len(checked)} samples"
        return f"{self.method} and occlusion {shares}{mean}{advice}"
