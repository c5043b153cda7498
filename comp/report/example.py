"""An example image of a run: input, prediction and target side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from comp.contract.competition import Reader, Sample
from comp.contract.metrics import Metric
from comp.data.images.decode import write_image
from comp.inference import oof

_GAP = 12
_FRAME = 200


def draw_example(
    path: Path,
    metric: Metric,
    predictions: Iterable[tuple[Sample, np.ndarray]],
    reader: Reader,
) -> None:
    """Draw the prediction with the median score between its input and its target."""
    pairs = list(predictions)
    scored = sorted(pairs, key=lambda pair: oof.score(metric, [pair], reader))
    sample, prediction = scored[len(scored) // 2]
    item = reader(sample)
    write_triptych(path, item["image"], prediction, item["target"])


def write_triptych(
    path: Path, image: np.ndarray, prediction: np.ndarray, target: np.ndarray
) -> None:
    """Write an image, its prediction and its target side by side as one PNG.

    Args:
        image: uint8 (H, W, C); the first K channels are shown.
        prediction: float (H, W, K) in 0..1.
        target: uint8 (H, W, K), with K = 1 or 3.
    """
    shown = (np.clip(prediction, 0, 1) * 255).round().astype(np.uint8)
    panels = [_panel(part) for part in (image[..., : target.shape[2]], shown, target)]
    write_image(path, _side_by_side(panels))


def _panel(image: np.ndarray) -> np.ndarray:
    """A colour image with a thin frame, which shows the edge of a white page."""
    colour = np.repeat(image, 3, axis=2) if image.shape[2] == 1 else image
    return np.pad(colour, ((1, 1), (1, 1), (0, 0)), constant_values=_FRAME)


def _side_by_side(panels: Sequence[np.ndarray]) -> np.ndarray:
    gap = np.full((panels[0].shape[0], _GAP, 3), 255, dtype=np.uint8)
    parts = [part for panel in panels for part in (panel, gap)]
    return np.concatenate(parts[:-1], axis=1)
