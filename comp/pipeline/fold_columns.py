"""What a fold makes of the columns of its samples: their treatment, and a competition on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Tensor, nn

from comp.config.columns import ColumnsConfig
from comp.config.model import COLUMN_NETWORKS, NETWORK
from comp.config.schema import RunConfig
from comp.contract.competition import Competition
from comp.contract.sample import Reader, Sample
from comp.contract.task import Loss, Task
from comp.data.columns.cells import Row
from comp.data.columns.kinds import Column, find_kinds, kind_notes
from comp.data.columns.reader import CATEGORIES, NUMBERS, ColumnReader
from comp.data.columns.treatment import Treatment
from comp.errors import DataError, RunError
from comp.files import make_folder, read_json, write_json
from comp.models.column_head import BINS, add_columns
from comp.models.column_networks import ColumnSpec, bins_of, build_column_network
from comp.training.losses import loss_name

if TYPE_CHECKING:
    from comp.config.sections import LossConfig
    from comp.contract.pipeline import Pipeline

TREATMENT, SPEC = "treatment.json", "columns.json"
"""Files of a fold: the treatment of its columns, and what its network knows of them."""


@dataclass(frozen=True, kw_only=True)
class FoldColumns:
    """The treatment of the columns, fitted on the training samples of a fold; `spec` is None for a
    model that is not a network."""

    treatment: Treatment
    spec: ColumnSpec | None

    @classmethod
    def fit(
        cls, config: RunConfig, samples: Sequence[Sample], train: Sequence[Sample]
    ) -> FoldColumns:
        """Fit on the training samples of a fold.

        Args:
            config: of one model.
            samples: all training samples of the run, whose cells decide the kinds of the columns.
        """
        kinds = _kinds_of([sample.features for sample in samples], config.columns)
        rows = [sample.features for sample in train]
        treatment = Treatment.fit(rows, config.columns, kinds)
        (model,) = config.model
        if model not in (NETWORK, *COLUMN_NETWORKS):
            return cls(treatment=treatment, spec=None)
        matrix = treatment.for_network(rows)
        bins = BINS if model == NETWORK else bins_of(model, config)
        spec = ColumnSpec.of(matrix.numbers, matrix.cardinalities, bins)
        return cls(treatment=treatment, spec=spec)

    def check_any(self, model: str) -> None:
        """Check that a model has a column to learn from.

        Raises:
            DataError: all columns are constant, or left out.
        """
        if not self.treatment.names and not self.treatment.features.levels:
            raise DataError(
                f"model = {model} has no column to learn from, because all are constant or left "
                "out in the training rows: correct the table, or name fewer in columns.drop"
            )

    def notes(self, rows: Sequence[Row]) -> list[str]:
        """What the user should know of the columns, and of rows that are not training rows.

        Raises:
            DataError: a column is missing, or half of its cells cannot be read.
        """
        return [*kind_notes(self.treatment.features.columns), *self.treatment.notes(rows)]

    def save(self, folder: Path) -> None:
        """Write the files of a fold, or of one of its models."""
        make_folder(folder)
        self.treatment.save(folder / TREATMENT)
        if self.spec:
            write_json(folder / SPEC, self.spec.record())

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read the files of `save`.

        Raises:
            RunError: a file is missing or damaged.
        """
        treatment, path = Treatment.load(folder / TREATMENT), folder / SPEC
        if not path.is_file():
            return cls(treatment=treatment, spec=None)
        try:
            return cls(treatment=treatment, spec=ColumnSpec.from_record(dict(read_json(path))))
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise RunError(f"{path} is damaged ({error}): train the fold again") from None


_KINDS: dict[int, tuple[Column, ...]] = {}
"""The kinds that were found last, by the hash of the rows and the settings: all folds and models of
a run have the same."""


def _kinds_of(rows: Sequence[Row], config: ColumnsConfig) -> tuple[Column, ...]:
    hashes = (hash((*row, *map(repr, row.values()))) for row in rows)  # -1.0 hashes as -2.0 does
    key = hash((config.model_dump_json(), tuple(hashes)))
    if key not in _KINDS:
        kinds = find_kinds(rows, config)
        _KINDS.clear()
        _KINDS[key] = kinds
    return _KINDS[key]


def on_columns(
    competition: Competition, config: RunConfig, columns: FoldColumns | None
) -> Competition:
    """The competition as the network of `config.model` sees it: with this network, and the columns
    among its inputs. The competition itself if no network learns from columns.

    Args:
        config: of one model.
    """
    (model,) = config.model
    if columns is None or columns.spec is None:
        return competition
    if model == NETWORK:
        build = partial(_build_with_columns, competition.model, columns.spec)
        inputs = (*(name for name in competition.inputs if name != "features"), NUMBERS, CATEGORIES)
        return replace(competition, model=build, inputs=inputs)
    task = competition.task
    return replace(
        competition,
        model=partial(_build_column_network, model, columns.spec, competition),
        inputs=(NUMBERS, CATEGORIES),
        task=_of_members(task) if model == "tabm" else task,
        loss=_own_loss(competition, model),
        pipeline=no_pipeline,
        image_spec=None,
    )


def columns_reader(
    config: RunConfig,
    columns: FoldColumns | None,
    samples: Sequence[Sample],
    images: Callable[[], Reader],
) -> Reader:
    """The reader of the model of `config`: of columns, of images, or of both.

    Args:
        images: makes the reader of images.
    """
    (model,) = config.model
    if columns is None or columns.spec is None:
        return images()
    if model == NETWORK:
        return ColumnReader(columns.treatment, images(), samples)
    return ColumnReader(columns.treatment)


def no_pipeline(_config: RunConfig, _train: bool) -> Pipeline:
    """The pipeline of a table, which nothing augments."""
    from comp.data.pipelines import Unchanged

    return Unchanged()


def _build_with_columns(
    model: Callable[[RunConfig], nn.Module], spec: ColumnSpec, config: RunConfig
) -> nn.Module:
    return add_columns(model(config), spec, config)


def _build_column_network(
    name: str, spec: ColumnSpec, competition: Competition, config: RunConfig
) -> nn.Module:
    task = competition.task
    loss = loss_name(competition, config)
    known = task.head_outputs and loss in task.losses
    outputs = task.head_outputs(loss) if task.head_outputs and known else task.outputs
    return build_column_network(name, config, spec, outputs, scaled=task.prepare is not None)


def _own_loss(competition: Competition, model: str) -> Loss | None:
    if competition.loss is None or model != "tabm":
        return competition.loss
    return partial(_loss_of_members, competition.loss)


def _of_members(task: Task) -> Task:
    """A task whose raw outputs are those of several members (N, k, K): each has its own loss, and
    their predictions are averaged."""
    return replace(
        task,
        make_loss=partial(_make_loss_of_members, task),
        activation=partial(_mean_of_members, task.activation),
    )


def _make_loss_of_members(
    task: Task, name: str, settings: LossConfig, train: Sequence[Sample]
) -> Loss:
    return partial(_loss_of_members, task.make_loss(name, settings, train))


def _loss_of_members(loss: Loss, raw: Tensor, target: Tensor) -> Tensor:
    """The loss of raw outputs (N, k, K), the mean over the members."""
    return loss(raw.flatten(0, 1), target.repeat_interleave(raw.shape[1], dim=0))


def _mean_of_members(activation: Callable[[Tensor], Tensor] | None, raw: Tensor) -> Tensor:
    """The mean of the predictions of the members: raw outputs (N, k, ...) to (N, K)."""
    flat = raw.flatten(0, 1)
    predictions: Any = activation(flat) if activation else flat
    mean: torch.Tensor = predictions.unflatten(0, raw.shape[:2]).float().mean(dim=1)
    return mean
