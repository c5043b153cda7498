"""What comp sees of an augmentation pipeline, whatever library it is made with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, runtime_checkable

from comp.contract.sample import Item

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

ChangeKind = Literal[
    "hflip", "vflip", "transpose", "turns", "dihedral", "any angle", "moves", "middle", "values"
]
"""What a transform may do: mirror left and right, or top and bottom; exchange rows and columns;
turn by quarters; all eight of these; turn by any angle; move the content in other ways; cut out the
middle, by no chance; or change values and leave them in their places."""


class Change(NamedTuple):
    """One transform of a pipeline that is ever applied."""

    name: str
    """The name of its class."""
    kind: ChangeKind


@runtime_checkable
class BatchPipeline(Protocol):
    """The part of a pipeline that changes whole batches on the device of the training."""

    @property
    def changes(self) -> Sequence[Change]:
        """The transforms that are ever applied, in order."""
        ...

    def describe(self) -> str:
        """The part as text: two with the same text do the same."""
        ...

    def draw(self, seed: int) -> np.ndarray:
        """The random numbers of one draw, float32 (U,), in 0..1 without 1."""
        ...

    def __call__(
        self, image: Tensor, target: Tensor | None, draws: Tensor
    ) -> tuple[Tensor, Tensor | None]:
        """Change float images (N, C, H, W) in 0..1, and targets that are images with them.

        Args:
            draws: the numbers of `draw` for each image, (N, U).
        """
        ...


@runtime_checkable
class Pipeline(Protocol):
    """Changes an item: `image`, and `target` with it if it is an image.

    All random numbers of a call follow from its seed. A pipeline can be pickled.
    """

    @property
    def on_batch(self) -> BatchPipeline | None:
        """What is left to do with batches on the device, if `augment.on` = device."""
        ...

    def __call__(self, item: Item, seed: int, /) -> Item:
        """Return the changed item; arrays of the given one may be changed in place."""
        ...

    def describe(self) -> str:
        """The pipeline as text: two pipelines with the same text do the same."""
        ...

    @property
    def changes(self) -> Sequence[Change]:
        """The transforms that are ever applied, in order, with those of `on_batch`."""
        ...

    @property
    def moves_points(self) -> bool:
        """Whether places in the image, such as key points, move with it."""
        ...
