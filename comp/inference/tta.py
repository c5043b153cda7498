"""Test-time augmentation: the mirrored and turned copies of an image that are predicted.

With `predict.tta` "auto", a copy is predicted only if training shows images in the same way.
Training is known from the competition's pipeline, so "auto" also fits pipelines that do not read
the section `augment`.

A quarter turn exchanges height and width. A network whose input has one size, which is not square,
has not been trained on turned images, or cannot take them: they are refused.
"""

from __future__ import annotations

from typing import NamedTuple

import torch

from comp.config.image_size import ImageSize, is_square, setting_text
from comp.config.schema import RunConfig
from comp.contract.competition import Competition
from comp.contract.pipeline import Pipeline
from comp.data.pipelines import pipeline_of
from comp.errors import ConfigError


class Symmetry(NamedTuple):
    """Exchanges height and width of (N, C, H, W) if `transposes`, then flips along `axes`."""

    transposes: bool
    axes: tuple[int, ...]

    def apply(self, images: torch.Tensor) -> torch.Tensor:
        """The changed images."""
        turned = images.transpose(2, 3) if self.transposes else images
        return turned.flip(self.axes) if self.axes else turned

    def undo(self, images: torch.Tensor) -> torch.Tensor:
        """The images before `apply`."""
        flipped = images.flip(self.axes) if self.axes else images
        return flipped.transpose(2, 3) if self.transposes else flipped


_PLAIN, _HFLIP, _VFLIP, _BOTH = (Symmetry(False, axes) for axes in ((), (3,), (2,), (2, 3)))
_TRANSPOSED = tuple(Symmetry(True, symmetry.axes) for symmetry in (_PLAIN, _HFLIP, _VFLIP, _BOTH))

SYMMETRIES: dict[str, tuple[Symmetry, ...]] = {
    "none": (_PLAIN,),
    "hflip": (_PLAIN, _HFLIP),
    "vflip": (_PLAIN, _VFLIP),
    "flips": (_PLAIN, _HFLIP, _VFLIP, _BOTH),
    "turns": (_PLAIN, _BOTH, _TRANSPOSED[1], _TRANSPOSED[2]),
    "dihedral": (_PLAIN, _HFLIP, _VFLIP, _BOTH, *_TRANSPOSED),
}
"""The copies of each value of `predict.tta` except "auto"."""


_WITHOUT_TURNS = {"turns": "none", "dihedral": "flips"}
"""The largest key of `SYMMETRIES` among the copies that keep height and width."""


def check_turns(competition: Competition, config: RunConfig) -> None:
    """Check that nothing turns images of a size that is not square.

    The masks of a segmentation may be predicted from turned copies, because its images have any
    size; its training crops cannot be turned.

    Raises:
        ConfigError: `augment.quarter_turns` or `predict.tta` turns them.
    """
    if config.augment.quarter_turns and config.loader.augment:
        _refuse_turns(competition, config, "augment.quarter_turns = true", "false")
    tta = config.predict.tta
    if competition.task.output == "numbers" and tta in _WITHOUT_TURNS:
        _refuse_turns(competition, config, f"predict.tta = {tta}", "auto or flips")


def _refuse_turns(competition: Competition, config: RunConfig, setting: str, instead: str) -> None:
    size = _input_size(competition, config)
    if not is_square(size):
        raise ConfigError(
            f"{setting} turns images by 90 degrees, which needs a square input, but the size is "
            f"{setting_text(size)}: set it to {instead}, or use a square image.size"
        )


def _input_size(competition: Competition, config: RunConfig) -> ImageSize:
    """The size of all inputs of the network, and of all training crops; the square of 1 pixel if
    only the competition knows it."""
    spec = competition.image_spec
    return spec(config).size if spec else config.image.size or 1


def resolve_tta(competition: Competition, config: RunConfig) -> str:
    """The key of `SYMMETRIES` for `predict.tta`; "auto" becomes what training shows.

    If the network predicts numbers, "auto" turns no images of a size that is not square: training
    may turn them only before they get this size.

    Raises:
        ConfigError: `predict.tta` turns such images.
    """
    check_turns(competition, config)
    tta = config.predict.tta
    if tta != "auto":
        return tta
    shown = trained_symmetries(pipeline_of(competition, config, True))
    if competition.task.output == "image" or is_square(_input_size(competition, config)):
        return shown
    return _WITHOUT_TURNS.get(shown, shown)


def tta_note(competition: Competition, config: RunConfig) -> str:
    """A warning if `predict.tta` has copies that training does not show, else ""."""
    tta = config.predict.tta
    if tta == "auto":
        return ""
    pipeline = pipeline_of(competition, config, True)
    shown = trained_symmetries(pipeline, with_rotation=True)
    if set(SYMMETRIES[tta]) <= set(SYMMETRIES[shown]):
        return ""
    return (
        f"predict.tta = {tta} predicts mirrored or turned copies, but training shows only '{shown}'"
        " ones: the predictions can be wrong, set predict.tta=auto"
    )


def trained_symmetries(pipeline: Pipeline, with_rotation: bool = False) -> str:
    """The key of `SYMMETRIES` with the flips and quarter turns that a pipeline makes.

    Args:
        with_rotation: a rotation by any angle counts as quarter turns.
    """
    kinds = {change.kind for change in pipeline.changes}
    horizontal, vertical, transposes = (kind in kinds for kind in ("hflip", "vflip", "transpose"))
    turns = "turns" in kinds or (with_rotation and "any angle" in kinds)
    mirrored = horizontal or vertical
    if "dihedral" in kinds or ((turns or transposes) and mirrored) or (turns and transposes):
        return "dihedral"
    if turns:
        return "turns"
    return {(True, True): "flips", (True, False): "hflip", (False, True): "vflip"}.get(
        (horizontal, vertical), "none"
    )
