"""An example image of a run: input, prediction and target side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from comp.contract.competition import Competition
from comp.data.images.decode import write_image
from comp.inference import oof
from comp.inference.oof import OofPairs

_GAP = 12
_FRAME = 200


def draw_example(path: Path, competition: Competition, pairs: OofPairs) -> None:
    """Draw the prediction with the median score between its input and its target."""
    scored = [(pair.id, oof.score(competition, [pair])) for pair in pairs]
    chosen = sorted(scored, key=lambda entry: entry[1])[len(scored) // 2][0]
    assert pairs.reader
    for sample, prediction in pairs.predictions():
        if sample.id == chosen:
            image = pairs.reader(sample)["image"]
            target = oof.read_target(competition.task, sample, pairs.reader)
            write_triptych(path, image, prediction, target)
            return


def write_triptych(
    path: Path, image: np.ndarray, prediction: np.ndarray, target: np.ndarray
) -> None:
    """Write an image, its prediction and its target side by side as one PNG.

    Args:
        image: uint8 (H, W, C); the first K channels are shown.
        prediction: float (H, W, K) in 0..1.
        target: float (H, W, K) in 0..1; of K other than 1 and 3 the first channel is shown.
    """
    shown = target.shape[2] if target.shape[2] in (1, 3) else 1
    values = [(np.clip(part[..., :shown], 0, 1) * 255).round() for part in (prediction, target)]
    panels = [image[..., :shown], *(value.astype(np.uint8) for value in values)]
    write_image(path, _side_by_side([_panel(panel) for panel in panels]))


def _panel(image: np.ndarray) -> np.ndarray:
    """A colour image with a thin frame, which shows the edge of a white page."""
    colour = np.repeat(image, 3, axis=2) if image.shape[2] == 1 else image
    return np.pad(colour, ((1, 1), (1, 1), (0, 0)), constant_values=_FRAME)


def _side_by_side(panels: Sequence[np.ndarray]) -> np.ndarray:
    gap = np.full((panels[0].shape[0], _GAP, 3), 255, dtype=np.uint8)
    parts = [part for panel in panels for part in (panel, gap)]
    return np.concatenate(parts[:-1], axis=1)
