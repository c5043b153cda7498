"""Predicts single images with a run in memory, as `comp predict` predicts them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

from comp.config.schema import RunConfig
from comp.contract import registry
from comp.contract.competition import Competition
from comp.contract.sample import Reader, Sample
from comp.contract.task import Params
from comp.data.images.prepare import make_reader, prepare_images
from comp.data.images.prepared import PreparedImages
from comp.errors import RunError
from comp.pipeline.full_model import full_folder, is_finished
from comp.pipeline.members import FoldPredictor, load_fold
from comp.pipeline.plugin_check import check_plugin
from comp.pipeline.predict import decision_params, finished_folds, prediction_config
from comp.pipeline.predict_blend import recorded_combine
from comp.pipeline.seeds import trainings
from comp.runs.folder import RunFolder
from comp.runs.lineage import member_ids
from comp.workspace import Workspace

OF_MANY = ("adapt", "shares")
"""Keys of `predict` that change predictions by what many test images have in common."""

Predict = Callable[[Sample], np.ndarray]
"""A sample -> its prediction, float32 (K,) or (H, W, K)."""


@dataclass(frozen=True, kw_only=True)
class Predictor:
    """A run that predicts one image at a time."""

    run: RunFolder
    competition: Competition
    params: Params
    """Of the decisions; () without decisions."""
    predict: Predict
    reader_of: Callable[[Sample], Reader]
    """Makes the reader of one image."""
    count: int
    """How many trained models are averaged or blended."""
    notes: Sequence[str]


def open_predictor(
    run_id: str, workspace: Workspace, scratch: Path, device: str | None = None
) -> Predictor:
    """Read a run and load its models.

    Args:
        scratch: a folder for the decoded image, which is removed after its prediction.

    Raises:
        RunError: no such run, none of its folds is finished, or it predicts no images.
    """
    run = RunFolder(workspace.find_run(run_id))
    record = run.record("competition", "config")
    competition = registry.get(record["competition"])
    _refuse_tables(run, competition)
    notes = check_plugin(run.run_id, record, competition)
    members = member_ids(record)
    if not members:
        return _open_run(run, record, competition, scratch, device, notes)
    combine = recorded_combine(run, record, competition)
    opened = [open_predictor(name, workspace, scratch, device) for name in members]

    def predict(sample: Sample) -> np.ndarray:
        values = np.stack([member.predict(sample) for member in opened])
        return combine(values) if values.ndim > 2 else combine(values[:, None, :])[0]

    decision = competition.task.decision
    fitted = run.decision_params() if decision and decision.fit else None
    return Predictor(
        run=run,
        competition=competition,
        params=_used(competition, fitted),
        predict=predict,
        reader_of=opened[0].reader_of,
        count=sum(member.count for member in opened),
        notes=[*notes, *(note for member in opened for note in member.notes)],
    )


def _refuse_tables(run: RunFolder, competition: Competition) -> None:
    sees = "image" in competition.inputs
    if competition.columns or competition.read_table or not sees:
        both = competition.columns and sees
        what = "images and columns" if both else "the rows of a table"
        raise RunError(
            f"run {run.run_id} predicts {what}, and comp demo shows images: use 'comp predict "
            f"{run.run_id} --data FILE'"
        )


def _open_run(
    run: RunFolder,
    record: Mapping[str, Any],
    competition: Competition,
    scratch: Path,
    device: str | None,
    notes: list[str],
) -> Predictor:
    fitted, unfitted = decision_params(run, competition)
    settings: dict[str, Any] = {"device": device} if device else {}
    recorded = record["config"].get("predict") or {}
    changed = {key: recorded[key] for key in OF_MANY if recorded.get(key, "none") != "none"}
    if changed:
        settings["predict"] = dict.fromkeys(changed, "none")
        names = ", ".join(f"predict.{key} = {value}" for key, value in changed.items())
        unfitted = [*unfitted, f"{names} is left out: it needs many images"]
    config = prediction_config(competition, record, settings)
    models = _Models(run, competition, config, scratch)
    return Predictor(
        run=run,
        competition=competition,
        params=_used(competition, fitted),
        predict=models.predict,
        reader_of=models.reader_of,
        count=len(models.parts),
        notes=[*notes, *unfitted],
    )


def _used(competition: Competition, fitted: Params | None) -> Params:
    decision = competition.task.decision
    if decision is None:
        return ()
    return decision.default if fitted is None else fitted


@dataclass
class _Models:
    """The fitted models of all folds of a run, and of its full model."""

    run: RunFolder
    competition: Competition
    config: RunConfig
    scratch: Path
    parts: list[tuple[float, FoldPredictor]] = field(default_factory=list)
    """The models, and the share of each in the mean."""
    _reader: Reader | None = None
    _kept: Path | None = None

    def __post_init__(self) -> None:
        folds = finished_folds(self.run, self.config)
        places = [(1.0, self.run.fold(fold)) for fold in folds]
        if is_finished(self.run, self.config):
            places.append((float(self.config.full), full_folder(self.run)))
        for weight, place in places:
            of_seeds = trainings(self.config, place)
            for config, folder in of_seeds:
                model = load_fold(self.competition, config, folder, self._current)
                self.parts.append((weight / len(of_seeds), model))

    def _current(self) -> Reader:
        assert self._reader is not None
        return self._reader

    def reader_of(self, sample: Sample) -> Reader:
        """The reader of one image; its files are removed when the next one is made."""
        if self._kept:
            shutil.rmtree(self._kept, ignore_errors=True)
        self._kept = self._prepare(sample)
        return make_reader(self.competition, [sample], self.config, self._kept)

    def predict(self, sample: Sample) -> np.ndarray:
        """The mean of the predictions of all models.

        Raises:
            DataError: the image cannot be read.
        """
        folder = self._prepare(sample)
        try:
            self._reader = make_reader(self.competition, [sample], self.config, folder)
            weights = [weight for weight, _ in self.parts]
            values = [next(iter(part([sample])))[1] for _, part in self.parts]
            mean: np.ndarray = np.average(np.stack(values), axis=0, weights=weights)
            return mean.astype(np.float32)
        finally:
            self._reader = None
            shutil.rmtree(folder, ignore_errors=True)

    def _prepare(self, sample: Sample) -> Path:
        """Decode an image into a new folder, with what a reader needs."""
        folder = self.scratch / uuid4().hex
        folder.mkdir(parents=True)
        known = PreparedImages.read_pointer(self.run.reader_folder).value_range
        caches = folder / "images"
        images = prepare_images(self.competition, self.config, [sample], caches, None, False, known)
        images.write_pointer(folder)
        return folder
