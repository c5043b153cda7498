"""Warns of numbers that depend on the place in the image, but do not move with it."""

from __future__ import annotations

from comp.config.schema import RunConfig
from comp.contract.competition import Competition
from comp.data.pipelines import pipeline_of

_REMEDIES = {
    "HorizontalFlip": ("augment.flip = false",),
    "VerticalFlip": ("augment.vertical = false",),
    "RandomRotate90": ("augment.quarter_turns = false",),
    "Affine": ("augment.rotate = 0", "augment.shift = 0", "augment.scale = 0"),
    "Policy": ("augment.preset = none",),
    "RandomResizedCrop": ("image.resize = squash",),
}
"""Transforms of comp that move the content of an image -> the settings without them."""


def moved_targets_note(competition: Competition, config: RunConfig) -> str:
    """A warning if training moves images, but not the coordinates that are their targets; else "".

    A pipeline that handles keypoints itself moves them.
    """
    places = competition.task.places
    if not places or not config.loader.augment:
        return ""
    pipeline = pipeline_of(competition, config, True)
    still = ("values", "middle")
    moving = {change.name for change in pipeline.changes if change.kind not in still}
    if not moving or pipeline.moves_points:
        return ""
    settings = [words for name, words in _REMEDIES.items() if name in moving]
    settings += [("augment.stretch = 0",)] * bool(config.augment.stretch and "Affine" in moving)
    remedy = ", ".join(word for words in settings for word in words)
    more = ", ..." if len(places) > 3 else ""
    return (
        f"the targets {', '.join(places[:3])}{more} look like places in the image, but training "
        f"moves only the image ({', '.join(sorted(moving))}): if they are places, set "
        f"{remedy or 'another pipeline'}, and leave predict.tta = auto"
    )
