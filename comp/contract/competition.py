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

from comp.config.image_size import ImageSize, spec_size
from comp.config.section import NoOptions, Section
from comp.contract.kaggle_name import check_reference
from comp.contract.metric import Metric
from comp.contract.metrics import by_name
from comp.contract.portable import Portable
from comp.contract.sample import Reader, Sample, Split, Target
from comp.contract.task import Task
from comp.errors import CompetitionError

if TYPE_CHECKING:
    import numpy as np
    import torch

    from comp.config.schema import RunConfig
    from comp.config.sections import Resize


def single_row(sample: Sample, prediction: np.ndarray, _decision: np.ndarray) -> Mapping[str, Any]:
    """The default rows of a submission: one row per sample, `id` and the prediction."""
    return {"id": [sample.id], "prediction": prediction.reshape(1)}


@dataclass(frozen=True, kw_only=True)
class ImageSpec:
    """The size and format to which images are resized when they are read.

    `size` is that of the network's input in pixels: the side of a square, or (height, width), such
    as `config.image.size`; (224, 224) becomes 224. `policy` is squash, letterbox, crop or partial,
    `channels` is 1 (grey), 3 (colour) or the number that the files have, `interpolation` is a value
    of `image.interpolation`, and `crop_pct` is the share that crop and partial keep of the side
    which is shorter in relation to the input. `equalize` is a value of `image.equalize`, which wins
    over it if it is set; images are equalised before they are resized. `stored` is raw or, with
    `image.cache` = jpeg, jpeg: resized images are then compressed, which changes pixels a little.
    """

    size: ImageSize
    policy: Resize = "squash"
    channels: int = 3
    interpolation: str = "bilinear"
    crop_pct: float = 1.0
    equalize: str = "none"
    stored: str = "raw"

    def __post_init__(self) -> None:
        """Raises CompetitionError: the size is neither one number nor two."""
        object.__setattr__(self, "size", spec_size(self.size))


@dataclass(frozen=True, kw_only=True)
class Competition:
    """Everything that the framework needs to know about one competition."""

    name: str
    """The name on the command line: lower case letters, digits, dashes, at most 64 characters."""
    title: str
    """The full name, for people."""
    kaggle: str
    """`competitions/<slug>` or `datasets/<owner>/<slug>`."""
    task: Task
    """What is predicted: `comp.tasks` has the usual tasks."""
    metric: Metric
    """A value of `comp.contract.metrics`, its name such as "qwk", or a metric of your own."""
    samples: Callable[[Path, Split], Sequence[Sample]]
    """(data folder, split) -> samples; those of "test" in the order of the sample submission.
    Raises DataError with the file's name if something is missing or inconsistent."""
    pipeline: Callable[[RunConfig, bool], Any]
    """(config, train) -> pipeline over `image` and `target` together: a Compose of albumentations,
    or a `comp.contract.pipeline.Pipeline`."""
    model: Callable[[RunConfig], torch.nn.Module]
    """(config) -> network from float (N, C, H, W) images in 0..1 to raw predictions."""
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] | None = None
    """(raw outputs, targets) -> scalar, instead of the task's first loss; image targets are float
    (N, C, H, W) in 0..1. A `loss.name` other than "own" takes one of the task's losses."""
    rows: Callable[[Sample, np.ndarray, np.ndarray], Mapping[str, Any]] = single_row
    """(test sample, its prediction, its decision) -> columns of the submission, of equal lengths,
    vectorised. The decision is the prediction itself if the task makes none."""
    draw_synthetic: Callable[[Path, np.random.Generator], None]
    """(folder, generator) -> None; draws a small data set in the layout of the Kaggle data."""
    reader: Callable[[Sequence[Sample], RunConfig, Path], Reader] | None = None
    """(all samples, config, folder for cached results) -> picklable reader. With None, the colour
    image of each sample is read, and its target image if it has one."""
    image_spec: Callable[[RunConfig], ImageSpec] | None = None
    """(config) -> the spec to which images are resized when they are read; resized images are
    cached, and no `reader` is needed. With None, images keep their size."""
    inputs: tuple[str, ...] = ("image",)
    """The entries of an item that the network takes, in the order of its arguments."""
    columns: bool = False
    """Whether `Sample.features` are the columns of a table, which each fold treats as the section
    `columns` says: networks of images get them in their head, estimators and networks of columns
    learn from them. False: the reader passes on numbers as they are, as the entry `features`."""
    read_table: Callable[..., Sequence[Sample]] | None = None
    """(table file) -> its rows as samples, for `comp predict --data FILE`; None if the samples are
    images. With `table_columns` it may get what that returned as a second argument."""
    table_columns: Callable[[Path], Mapping[str, str]] | None = None
    """(data folder) -> column of the training table -> how its cells are read, such as "number". A
    run records it, so that rows of other tables are read as its training rows. None: each row says
    by itself how it is read."""
    pool: Literal["mean", "max"] | None = None
    """How the predictions of the samples of one unit become one prediction; None: every sample has
    its own."""
    sampling_weights: Callable[[Sequence[Sample], RunConfig], Sequence[float]] | None = None
    """(training samples of a fold, config) -> how often each is drawn, in proportion, for
    `loader.sampler = "own"`. None: the competition has no sampler of its own."""
    test_labels: Callable[[Path], Mapping[str, Target]] | None = None
    """(data folder) -> targets of the test samples by id, if the data contains them. Only
    `comp grade` calls it."""
    group: str | None = None
    """A noun for a group, for messages: "clean page", "patient"."""
    layout: tuple[str, ...] = ("train", "test")
    """File and folder names by which the data folder is recognised."""
    sample_submission: str | None = "sampleSubmission.csv"
    """File name of the sample submission in the data folder, None if the data has no such file."""
    file_arguments: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Name in `layout`, or of the sample submission -> the argument of the plugin that gives it,
    for messages: {"train.csv": "labels"}."""
    limits: tuple[float, float] | None = None
    """Smallest and largest valid value of a submission."""
    decimals: int = 5
    """Decimals of the numbers in a submission."""
    rle_columns: tuple[str, ...] = ()
    """Columns of the submission whose cells are run lengths of a mask."""
    label_separator: str = ""
    """What separates the labels in one cell of a submission, such as a space; "" if a cell has at
    most one."""
    portable: Portable | None = None
    """What `comp bundle` copies of the plugin; needed for a reader, a network or rows of its own
    that cannot be copied as they are."""
    options: type[Section] = NoOptions
    """The competition's own settings, as a pydantic section."""
    defaults: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """Nested configuration keys that differ from the framework's defaults."""
    synthetic_defaults: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """Further changes for synthetic data; they must not need pretrained weights."""

    def __post_init__(self) -> None:
        """Replace the name of a metric by the metric, and an address in `kaggle` by the reference,
        and check both.

        Raises:
            CompetitionError: no metric has this name, it does not fit the task, or `kaggle` is no
                competition or data set.
        """
        if isinstance(self.metric, str):
            object.__setattr__(self, "metric", by_name(self.metric))
        problem = self.task.check_metric(self.metric)
        if problem:
            raise CompetitionError(
                f"the metric {self.metric.name} does not fit {self.task.kind}: {problem}"
            )
        object.__setattr__(self, "kaggle", check_reference(self.kaggle))
