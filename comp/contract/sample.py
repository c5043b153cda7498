"""One record to train on or to predict, and the functions that read it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from comp.errors import DataError

if TYPE_CHECKING:
    import numpy as np

Split = Literal["train", "test"]

Target = Path | float | Sequence[float] | None
"""A path (a mask, another image), a number (a class index, a grade, a value), one number per label
or column, or None if it is unknown."""

_PLAIN = frozenset({type(None), float, int, str, list, tuple, type(Path())})

Cell = float | str | None
"""A cell of a table: a number, a text, or a gap, which is None or NaN."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One record to train on or to predict.

    `id` is unique within its split. All samples of one `group` are in the same fold; `stratum` is
    the class that stratified folds balance, if it is not the one that the task reads from the
    target. `size` is (height, width) in pixels, if it is known.
    """

    id: str
    image: Path | None = None
    """None if it is a row of a table, without an image."""
    target: Target = None
    group: str | None = None
    stratum: str | None = None
    size: tuple[int, int] | None = None
    unit: str | None = None
    """Samples with the same unit, such as the images of one patient, share one prediction, whose
    id is the unit. Only for a competition with `pool`."""
    features: Mapping[str, Cell] = field(default_factory=dict)
    """Cells of its row, by column. Texts and gaps need a competition with `columns`."""
    fold: int | None = None
    """The 0-based fold in which it is held out, if the author of the data has fixed it; either
    every sample has one or none."""
    train_only: bool = False
    """It trains in every fold, except beside its own group, and is never held out or scored."""
    weight: float = 1.0
    """Weight in the training loss, above 0: a sample of weight 2 counts as two. Metrics ignore it,
    and only its ratio to the weights of the other samples matters."""
    time: float | str | None = None
    """When it was taken: a number, or an ISO date or time. scheme = time needs it: a fold then
    trains only on earlier samples."""

    def __post_init__(self) -> None:
        """Replace the numbers of numpy by Python's numbers."""
        if {type(self.target), type(self.weight), type(self.time)} <= _PLAIN:
            return
        for name in ("target", "weight", "time"):
            value: Any = getattr(self, name)
            if type(value) in _PLAIN:
                continue
            if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
                object.__setattr__(self, name, value.item())

    @property
    def image_file(self) -> Path:
        """The image.

        Raises:
            DataError: the sample has none.
        """
        if self.image is None:
            raise DataError(
                f"sample {self.id} has no image, but its competition reads images: give it one, "
                "or make a competition of a table"
            )
        return self.image


Item = Mapping[str, "np.ndarray"]
"""What a reader returns: `image`, uint8 (H, W, C), if it has one, and `target`, if it is known: an
image uint8 or uint16 (H, W, C), or float32 (T,) for numbers."""

Reader = Callable[[Sample], Item]
"""Reads a sample. A reader may have a method `target_alone`, which returns an item with the target
of a sample, if it is known, and without its image. Such a reader also reads the image of a sample
whose target is left out, and several threads may call it at once. A plugin's reader may keep the
arrays that it returns: what others change are copies. It may change the features of the sample that
it is called with, which are a copy too."""


def read_target_alone(reader: Reader, sample: Sample) -> Item:
    """An item with the target of a sample, if it is known; without its image if the reader can."""
    alone: Reader | None = getattr(reader, "target_alone", None)
    return alone(sample) if alone else reader(sample)


def without_target(sample: Sample, reader: Reader) -> Sample:
    """The sample without its target image, if the reader then reads all the rest."""
    if isinstance(sample.target, Path) and hasattr(reader, "target_alone"):
        return replace(sample, target=None)
    return sample
