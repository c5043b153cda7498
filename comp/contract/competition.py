"""The contract of a competition: a frozen record of values and plain functions.

A plugin is a module of the namespace package `competitions` with a value named `COMPETITION`. It
needs no subclass and no decorator, and most fields have a default. Plugins import heavy libraries
inside their functions, so that `comp list` stays fast.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from comp.config.section import NoOptions, Section
from comp.contract.metrics import Metric

if TYPE_CHECKING:
    import albumentations as A
    import numpy as np
    import torch

    from comp.config.schema import RunConfig
    from comp.config.sections import Resize

Split = Literal["train", "test"]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One record to train on or to predict.

    `id` is unique within its split. `target` is a path (image to image) or a value (a label), None
    if it is unknown. All samples of one `group` are in the same fold; `stratum` is the class that
    stratified folds balance. `size` is (height, width) in pixels, if it is known.
    """

    id: str
    image: Path
    target: Path | float | None = None
    group: str | None = None
    stratum: str | None = None
    size: tuple[int, int] | None = None


Item = Mapping[str, "np.ndarray"]
"""What a reader returns: `image`, uint8 (H, W, C), and `target`, if it is known: uint8 (H, W, C)
for an image, float32 (1,) for a label."""

Reader = Callable[[Sample], Item]


def single_row(sample: Sample, prediction: np.ndarray, _threshold: float) -> Mapping[str, Any]:
    """The default rows of a submission: one row per sample, `id` and the prediction."""
    return {"id": [sample.id], "prediction": prediction.reshape(1)}


@dataclass(frozen=True, kw_only=True)
class ImageSpec:
    """The size and format to which images are resized when they are read.

    `size` is the side of the square input in pixels, `policy` is squash, letterbox, crop or
    partial, `channels` is 1 (grey) or 3, `interpolation` is a value of `image.interpolation`, and
    `crop_pct` is the share of the shorter side that crop and partial keep.
    """

    size: int
    policy: Resize = "squash"
    channels: int = 3
    interpolation: str = "bilinear"
    crop_pct: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Competition:
    """Everything that the framework needs to know about one competition."""

    name: str
    """The name on the command line: lower case letters, digits, dashes, at most 64 characters."""
    title: str
    """The full name, for people."""
    kaggle: str
    """`competitions/<slug>` or `datasets/<owner>/<slug>`."""
    metric: Metric
    samples: Callable[[Path, Split], Sequence[Sample]]
    """(data folder, split) -> samples; those of "test" in the order of the sample submission.
    Raises DataError with the file's name if something is missing or inconsistent."""
    pipeline: Callable[[RunConfig, bool], A.Compose]
    """(config, train) -> albumentations pipeline over `image` and `target` together."""
    model: Callable[[RunConfig], torch.nn.Module]
    """(config) -> network from float (N, C, H, W) images in 0..1 to raw predictions."""
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] | None = None
    """(raw predictions, targets) -> scalar; image targets are float (N, C, H, W) in 0..1. The loss
    is one of the framework's if this is None or `loss.name` is not "own"."""
    rows: Callable[[Sample, np.ndarray, float], Mapping[str, Any]] = single_row
    """(test sample, its prediction, decision threshold) -> columns of the submission, of equal
    lengths, vectorised; the threshold is 0.5 if it is not tuned."""
    draw_synthetic: Callable[[Path, np.random.Generator], None]
    """(folder, generator) -> None; draws a small data set in the layout of the Kaggle data."""
    reader: Callable[[Sequence[Sample], RunConfig, Path], Reader] | None = None
    """(all samples, config, folder for cached results) -> picklable reader. With None, the colour
    image of each sample is read, and its target image if it has one."""
    image_spec: Callable[[RunConfig], ImageSpec] | None = None
    """(config) -> the spec to which images are resized when they are read; resized images are
    cached, and no `reader` is needed. With None, images keep their size."""
    activation: Callable[[torch.Tensor], torch.Tensor] | None = None
    """Raw predictions -> predictions, such as a sigmoid or a clip; None changes nothing."""
    dense: bool = False
    """Predictions are images of the input's size: flips are undone, large pages are tiled."""
    outputs: int = 1
    """Values of one prediction: channels if dense, else numbers."""
    classes: tuple[str, ...] = ()
    """Class names in the order of their labels 0, 1, ..., empty if this is not a classification. Of
    two classes, the prediction is the probability of the second, which is the positive class."""
    test_labels: Callable[[Path], Mapping[str, float]] | None = None
    """(data folder) -> labels of the test samples by id, if the data contains them. Only
    `comp grade` calls it."""
    group: str | None = None
    """A noun for a group, for messages: "clean page", "patient"."""
    layout: tuple[str, ...] = ("train", "test")
    """File and folder names by which the data folder is recognised."""
    sample_submission: str | None = "sampleSubmission.csv"
    """File name of the sample submission in the data folder, None if the data has no such file."""
    limits: tuple[float, float] | None = None
    """Smallest and largest valid value of a submission."""
    decimals: int = 5
    """Decimals of the numbers in a submission."""
    options: type[Section] = NoOptions
    """The competition's own settings, as a pydantic section."""
    defaults: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """Nested configuration keys that differ from the framework's defaults."""
    synthetic_defaults: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """Further changes for synthetic data; they must not need pretrained weights."""
