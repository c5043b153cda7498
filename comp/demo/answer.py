"""What a run says about one image: a decision, numbers, and pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from comp.contract.task import Params, Task, decide
from comp.explanations.question import kind_of, words_of
from comp.page.words import Text, say

COLOURS = np.array(
    [(230, 60, 60), (40, 120, 230), (30, 160, 80), (230, 160, 20), (150, 80, 200), (20, 180, 180)],
    dtype=np.float32,
)
"""Of the masks, in the order of the classes."""
STRENGTH = 0.5
"""The share of the colour of a mask."""
LARGEST, LEAST = 1600, 320
"""Longest side of a picture on the page, in pixels; smaller ones are enlarged."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The prediction of one image."""

    headline: Text
    """What is decided, or predicted, in one line."""
    picture: np.ndarray
    """The image, uint8 (H, W) or (H, W, 3)."""
    chances: Mapping[str, float] = field(default_factory=dict)
    """The probability of each class or label."""
    values: Sequence[tuple[str, str]] = ()
    """Names and numbers."""
    drawn: np.ndarray | None = None
    """The masks over the image, or the restored image, uint8 (H, W) or (H, W, 3)."""
    decided: np.ndarray | None = None
    """The decision, as `comp.contract.task.decide` returns it; None if the task makes none."""


def answer_of(task: Task, prediction: np.ndarray, params: Params, picture: np.ndarray) -> Answer:
    """Put a prediction into words, numbers and pictures.

    Args:
        prediction: float32 (K,) or (H, W, K).
        params: of the decision.
        picture: the image, uint8 (H, W) or (H, W, 3), of any size.
    """
    shown = on_page(picture)
    if task.restores or (task.output == "image" and task.decision is None):
        restored = on_page(_restored(prediction))
        return Answer(headline=say("the restored image"), picture=shown, drawn=restored)
    decided = decide(task.decision, prediction, params) if task.decision else None
    if task.output == "image":
        masks = prediction if decided is None else decided
        return Answer(
            headline=_share_words(task, masks),
            picture=shown,
            values=_shares(task, masks),
            drawn=_over(shown, masks),
            decided=decided,
        )
    return Answer(
        headline=_headline(task, prediction, decided, params),
        picture=shown,
        chances=_chances(task, prediction),
        values=_values(task, prediction),
        decided=decided,
    )


def _headline(
    task: Task, prediction: np.ndarray, decided: np.ndarray | None, params: Params
) -> Text:
    """The decision, with its fitted parameters; without decisions the numbers."""
    if decided is None or task.decision is None:
        return say("prediction: {value}", value=words_of(task, prediction))
    words, names = words_of(task, decided), task.decision.names
    if len(names) != 1:
        return say("decision: {value}", value=words)
    fitted = f"{names[0]} {params[0]:.4g}"
    return say("decision: {value} ({parameter})", value=words, parameter=fitted)


def _chances(task: Task, prediction: np.ndarray) -> dict[str, float]:
    """The probabilities of classes or labels; {} of grades and numbers."""
    kind = kind_of(task)
    if not np.isfinite(prediction).all():
        return {}
    if kind == "classes" and task.exclusive is not None:
        values = task.exclusive.probabilities(prediction[None])[0]
    elif kind == "labels":
        values = prediction
    else:
        return {}
    return {name: float(value) for name, value in zip(task.labels, values, strict=True)}


def _values(task: Task, prediction: np.ndarray) -> list[tuple[str, str]]:
    """The numbers of grades and values, by name."""
    if kind_of(task) in ("classes", "labels"):
        return []
    one = len(prediction) == 1
    names = list(task.labels) if len(task.labels) == len(prediction) else []
    names = names or (["value"] if one else [f"value {k}" for k in range(len(prediction))])
    return [(name, f"{value:.4g}") for name, value in zip(names, prediction, strict=True)]


def _names(task: Task, count: int) -> Sequence[str]:
    known = len(task.labels) == count
    return task.labels if known else [f"mask {number}" for number in range(1, count + 1)]


def _shares(task: Task, masks: np.ndarray) -> list[tuple[str, str]]:
    shares = masks.mean(axis=(0, 1))
    names = _names(task, len(shares))
    return [(name, f"{share:.1%}") for name, share in zip(names, shares, strict=True)]


def _share_words(task: Task, masks: np.ndarray) -> Text:
    listed = ", ".join(f"{name} {share}" for name, share in _shares(task, masks))
    return say("of the pixels: {shares}", shares=listed)


def _over(picture: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """The masks in colours over a picture; of exclusive classes the first is background."""
    import cv2

    height, width = picture.shape[:2]
    colours = np.repeat(picture[..., None], 3, axis=2) if picture.ndim == 2 else picture
    mixed = colours.astype(np.float32)
    exclusive = masks.shape[2] > 1 and np.allclose(masks.sum(axis=2), 1)
    for number in range(1 if exclusive else 0, masks.shape[2]):
        plane = masks[..., number].astype(np.float32)
        share = cv2.resize(plane, (width, height), interpolation=cv2.INTER_NEAREST)
        share = STRENGTH * np.clip(share, 0, 1)[..., None]
        mixed = mixed * (1 - share) + COLOURS[number % len(COLOURS)] * share
    drawn: np.ndarray = mixed.round().astype(np.uint8)
    return drawn


def _restored(prediction: np.ndarray) -> np.ndarray:
    pixels: np.ndarray = (np.clip(prediction, 0, 1) * 255).round().astype(np.uint8)
    return pixels if pixels.shape[2] == 3 else pixels[..., 0]


def on_page(picture: np.ndarray) -> np.ndarray:
    """A picture in a size for the page: a large one is made smaller, a tiny one larger."""
    import cv2

    side = max(picture.shape[:2])
    factor = LARGEST / side if side > LARGEST else max(1, LEAST // side)
    if factor == 1:
        return picture
    size = (max(1, round(picture.shape[1] * factor)), max(1, round(picture.shape[0] * factor)))
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_NEAREST
    return np.asarray(cv2.resize(picture, size, interpolation=how))
