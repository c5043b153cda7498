"""The pipeline of a competition as comp sees it, whatever library its plugin uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from comp.contract.pipeline import BatchPipeline, Change, Pipeline
from comp.contract.sample import Item

if TYPE_CHECKING:
    from comp.config.schema import RunConfig
    from comp.contract.competition import Competition


@dataclass(frozen=True)
class Unchanged:
    """A pipeline that changes nothing, and loads no library: that of a table."""

    on_batch: BatchPipeline | None = None
    changes: Sequence[Change] = ()
    moves_points: bool = False
    by_threads: bool = True

    def __call__(self, item: Item, _seed: int) -> Item:
        """The item."""
        return item

    def describe(self) -> str:
        """The pipeline as text."""
        return "unchanged"


def pipeline_of(competition: Competition, config: RunConfig, train: bool) -> Pipeline:
    """The pipeline of training or of prediction.

    Raises:
        CompetitionError: the plugin returns something else.
    """
    return as_pipeline(competition.pipeline(config, train))


def on_cpu(config: RunConfig) -> RunConfig:
    """The configuration of a pipeline that leaves nothing to the device."""
    augment = config.augment.model_copy(update={"on": "cpu"})
    return config.model_copy(update={"augment": augment})


def as_pipeline(made: Any) -> Pipeline:
    """What a plugin returns, as a pipeline.

    Raises:
        CompetitionError: it is none, and no Compose of albumentations.
    """
    if isinstance(made, Pipeline):
        return made
    from comp.data.albumentations_adapter import adapted

    return adapted(made)
