"""The contract of a competition: a frozen record of values and plain functions.

A plugin is a module of the namespace package `competitions` with a value named `COMPETITION`. There
is nothing to subclass and no decorator; what most competitions share has a default. Plugins import
heavy libraries inside their functions, so that `comp list` stays quick.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from comp.config.schema import RunConfig
from comp.config.sections import NoOptions, Resize, Section
from comp.contract.metrics import Metric

if TYPE_CHECKING:
    import albumentations as A
    import numpy as np
    import torch

Split = Literal["train", "test"]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One thing to predict.

    `id` is unique within its split. `target` is a path (image to image) or a value (a label), None
    where it is unknown. Samples of one `group` never stand on both sides of a fold; `stratum` is
    the class that stratified folds balance. `size` is (height, width) in pixels where known.
    """

    id: str
    image: Path
    target: Path | float | None = None
    group: str | None = None
    stratum: str | None = None
    size: tuple[int, int] | None = None


Item = Mapping[str, "np.ndarray"]
"""What a reader returns: `image`, uint8 (H, W, C), and `target` where known: uint8 (H, W, C)."""

Reader = Callable[[Sample], Item]


def single_row(sample: Sample, prediction: np.ndarray, _threshold: float) -> Mapping[str, Any]:
    """The default rows of a submission: one row a sample, `id` and the prediction itself."""
    return {"id": [sample.id], "prediction": prediction.reshape(1)}


@dataclass(frozen=True, kw_only=True)
class ImageSpec:
    """What images are brought to when they are read.

    `policy` is squash, letterbox, crop or partial, `size` the side of the square input in pixels,
    `channels` 1 (grey) or 3, `interpolation` a name of `image.interpolation`, and `crop_pct` the
    share of the shorter side that crop and partial keep.
    """

    size: int
    policy: Resize = "squash"
    channels: int = 3
    interpolation: str = "bilinear"
    crop_pct: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Competition:
    """All that the framework needs to know about one competition."""

    name: str
    """The name on the command line, lower case with dashes."""
    title: str
    """What people call it."""
    kaggle: str
    """`competitions/<slug>` or `datasets/<owner>/<slug>`."""
    metric: Metric
    samples: Callable[[Path, Split], Sequence[Sample]]
    """(data folder, split) -> samples; those of "test" in the order of the sample submission.
    Raises DataError, naming the file, where something is missing or does not fit."""
    pipeline: Callable[[RunConfig, bool], A.Compose]
    """(config, train) -> albumentations pipeline over `image` and `target` together."""
    model: Callable[[RunConfig], torch.nn.Module]
    """(config) -> network from float (N, C, H, W) images in 0..1 to raw predictions."""
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] | None = None
    """(raw predictions, targets) -> scalar; image targets are float (N, C, H, W) in 0..1. None, or
    a `loss.name` other than "own", takes a loss of the framework's."""
    rows: Callable[[Sample, np.ndarray, float], Mapping[str, Any]] = single_row
    """(test sample, its prediction, decision threshold) -> columns of the submission, of equal
    lengths, vectorised; the threshold is 0.5 where none is tuned."""
    draw_synthetic: Callable[[Path, np.random.Generator], None]
    """(folder, generator) -> draws a small data set in Kaggle's own layout."""
    reader: Callable[[Sequence[Sample], RunConfig, Path], Reader] | None = None
    """(all samples, config, folder for what is worth keeping) -> picklable reader; None reads each
    sample's colour image, and its target image if it has one."""
    image_spec: Callable[[RunConfig], ImageSpec] | None = None
    """(config) -> the shape that images are brought to when they are read, each once; a competition
    that gives it needs no reader. None leaves images as they are."""
    activation: Callable[[torch.Tensor], torch.Tensor] | None = None
    """Raw predictions -> predictions, such as a sigmoid or a clip; None leaves them."""
    dense: bool = False
    """Predictions are images of the input's size: flips are undone, big pages are tiled."""
    outputs: int = 1
    """Values of one prediction: channels if dense, else numbers."""
    classes: tuple[str, ...] = ()
    """Names of the classes of a classification, by their label 0, 1, ...; of two the second is the
    positive one, whose probability is the prediction. Empty for everything else."""
    test_labels: Callable[[Path], Mapping[str, float]] | None = None
    """(data folder) -> labels of the test samples by id, where the data has them. Nothing but
    `comp grade` calls it."""
    group: str | None = None
    """What a group is, in words, for messages: "clean page", "patient"."""
    layout: tuple[str, ...] = ("train", "test")
    """Names that stand in the data folder, by which it is recognised."""
    sample_submission: str | None = "sampleSubmission.csv"
    """File name of the sample submission in the data folder, None where there is none."""
    limits: tuple[float, float] | None = None
    """Smallest and largest value that a submission may hold."""
    decimals: int = 5
    """Decimals of the numbers in a submission."""
    options: type[Section] = NoOptions
    """Settings of this competition alone, as a pydantic section."""
    defaults: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """Configuration keys that differ from the framework's defaults, nested."""
    synthetic_defaults: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """The same for drawn sample data alone, which must do without pretrained weights."""
