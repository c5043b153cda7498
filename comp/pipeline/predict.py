"""Predicts with the weights of a run, on the data of the run or on other data."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from comp.config.model import ESTIMATORS
from comp.config.schema import RunConfig, resolve
from comp.contract import registry
from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.contract.task import Params
from comp.data.images.cache import PreparedImages
from comp.data.images.decode_many import OnImage
from comp.data.images.prepare import make_reader, prepare_images, without_skipped
from comp.data.listing import SUFFIXES, contains, samples_in_folder
from comp.data.location import open_data, open_folder
from comp.data.units import units_of
from comp.errors import DataError, RunError
from comp.files import write_json
from comp.inference.adaptation import Adaptation
from comp.inference.tta import check_turns
from comp.pipeline.adapted import check_fold, check_models
from comp.pipeline.members import cell_notes
from comp.pipeline.plugin_check import check_plugin
from comp.pipeline.predict_classes import describe_prediction, read_out_of_fold
from comp.pipeline.predict_files import write_files
from comp.pipeline.predict_folds import Folds, predict_folds
from comp.pipeline.predict_reference import reference_by_fold, with_missing
from comp.pipeline.reweighted import check_shares
from comp.runs.folder import RunFolder
from comp.runs.progress import OnPrediction
from comp.training.checkpoint import META
from comp.workspace import Workspace

RECORD = "prediction.json"


@dataclass(frozen=True, kw_only=True)
class PredictResult:
    """What `comp predict` wrote: predictions, a submission if the data is the competition's, and
    images or a table. `prediction.json` in `out` contains these fields."""

    run_id: str
    competition: str
    data: Path
    """The root of the competition's data, or the folder or image that was predicted."""
    folds: Sequence[int]
    samples: int
    out: Path
    submission: Path | None
    n_rows: int
    table: Path | None
    """A CSV of the predictions and decisions, if they are numbers."""
    images: Path | None
    notes: Sequence[str]
    """What the user should know, such as a plugin that changed since the run."""
    skipped: Mapping[str, str]
    """Images that were left out because they cannot be decoded, with the reason."""
    adaptation: Mapping[str, Any] = field(default_factory=dict)
    """What was adapted to the images, if `predict.adapt` says so."""
    classes: Mapping[str, Any] = field(default_factory=dict)
    """The classes that are decided before and after `predict.adapt` and `predict.shares`, if
    classes exclude each other; `comp.pipeline.class_report` describes it."""


def predict(
    run_id: str,
    workspace: Workspace,
    *,
    data: Path | None = None,
    out: Path | None = None,
    settings: Mapping[str, Any] | None = None,
    on_prediction: OnPrediction | None = None,
    on_image: OnImage | None = None,
    skip_bad: bool = False,
) -> PredictResult:
    """Predict with every finished fold of a run and average.

    Args:
        data: data of the competition, a folder of images, or an image; None for the run's data.
        out: a new or empty folder; None replaces `predictions/<run id>/` of the workspace.
        settings: configuration keys that differ from the run's, such as the device.
        skip_bad: leave out images that cannot be decoded; always done if the run left out images.

    Raises:
        RunError: there is no such run, none of its folds is finished, or scores.json is damaged.
        DataError: the data is missing or damaged, or `out` is not empty.
    """
    run = RunFolder(workspace.find_run(run_id))
    record = run.record("competition", "config", "data")
    competition = registry.get(record["competition"])
    params, notes = _decision_params(run, competition)
    notes += check_plugin(run.run_id, record, competition)
    config = _config(competition, record, settings or {})
    folds = _finished_folds(run, config)
    data = data or Path(record["data"])
    skip_bad = skip_bad or bool(record.get("skipped"))
    root, all_samples, other_samples = samples_to_predict(competition, data, workspace, notes)
    _check_test(competition, config, run.fold(folds[0]), all_samples)
    oof = read_out_of_fold(run, config, workspace)
    caches, known = workspace.images, PreparedImages.read_pointer(run.reader_folder).value_range
    reference = reference_by_fold(run, competition, config, workspace, folds, len(all_samples))
    chosen = [sample for samples in reference.values() for sample in samples]
    decoded = with_missing(all_samples, chosen)
    images = prepare_images(competition, config, decoded, caches, on_image, skip_bad, known)
    samples = without_skipped(all_samples, images.skipped)
    notes += [*_range_note(images), *cell_notes(competition, config, run.fold(folds[0]), samples)]
    check_models(config, len(samples))
    units, all_units = (units_of(s, competition.pool) for s in (samples, all_samples))
    folder = output_folder(out, workspace, run.run_id)
    known_samples = with_missing([*other_samples, *samples], chosen)
    job = Folds(
        competition=competition,
        config=config,
        run=run,
        folds=folds,
        samples=samples,
        reference=reference,
        needed=all_units if root and images.skipped else (),
    )
    adaptations = _predict_folds(job, images, known_samples, folder, on_prediction)
    adaptation, classes = describe_prediction(job, folder, params, adaptations, oof)
    written = write_files(folder, competition, root, units, all_units, params)
    written |= {"adaptation": adaptation, "classes": classes, "skipped": images.skipped}
    return _write_record(job, (root or data).resolve(), len(units), folder, notes, written)


def _check_test(
    competition: Competition, config: RunConfig, fold_folder: Path, samples: Sequence[Sample]
) -> None:
    """Check that the samples can be adapted to, and their classes estimated, if the configuration
    says so."""
    check_fold(competition, config, fold_folder, samples)
    check_shares(competition, config, len(units_of(samples, competition.pool)))


def _predict_folds(
    job: Folds,
    images: PreparedImages,
    known_samples: Sequence[Sample],
    folder: Path,
    on_prediction: OnPrediction | None,
) -> Sequence[Adaptation]:
    """Write the predictions of the folds, with a reader of the samples that it knows."""
    with TemporaryDirectory() as scratch:
        place = Path(scratch)
        images.write_pointer(place)
        make = cache(partial(make_reader, job.competition, known_samples, job.config, place))
        return predict_folds(job, make, folder, on_prediction)


def _write_record(
    job: Folds,
    data: Path,
    count: int,
    folder: Path,
    notes: Sequence[str],
    written: Mapping[str, Any],
) -> PredictResult:
    """Write prediction.json; `written` has the other fields of the result."""
    result = PredictResult(
        run_id=job.run.run_id,
        competition=job.competition.name,
        data=data,
        folds=job.folds,
        samples=count,
        out=folder,
        notes=notes,
        **written,
    )
    write_json(folder / RECORD, asdict(result))
    return result


def _range_note(images: PreparedImages) -> list[str]:
    return [images.value_range.sentence] if images.value_range else []


def _decision_params(run: RunFolder, competition: Competition) -> tuple[Params | None, list[str]]:
    """The fitted parameters of the run's decisions, and a note if they are missing."""
    fitted, decision = run.decision_params(), competition.task.decision
    if decision is None or decision.fit is None:
        return None, []
    if fitted is not None:
        return fitted, []
    return None, [
        f"run {run.run_id} is not finished, so its decisions are not fitted: they use the default "
        f"({', '.join(f'{value:g}' for value in decision.default)})"
    ]


def _finished_folds(run: RunFolder, config: RunConfig) -> list[int]:
    folds = [fold for fold in range(config.folds) if (run.fold(fold) / META).is_file()]
    if not folds:
        raise RunError(
            f"run {run.run_id} has no finished fold to predict with: resume it with 'comp resume "
            f"{run.run_id}'"
        )
    return folds


def output_folder(out: Path | None, workspace: Workspace, run_id: str) -> Path:
    """Return the folder to write to. The default folder is deleted first; `out` must be new or
    empty.

    Raises:
        DataError: `out` is not empty.
    """
    if out is None:
        folder = workspace.out / "predictions" / run_id
        shutil.rmtree(folder, ignore_errors=True)
        return folder
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(f"{out} is not empty: give a new folder for the predictions")
    return out


def _config(
    competition: Competition, record: Mapping[str, Any], settings: Mapping[str, Any]
) -> RunConfig:
    """The run's configuration, without pretrained weights if only networks predict: the folds have
    their own. Estimators may need those of the backbone that embeds images."""
    config = resolve(competition.name, [record["config"], settings], competition.options)
    if not set(config.model) & set(ESTIMATORS):
        config = config.model_copy(update={"pretrained": False, "weights": None})
    check_turns(competition, config)
    return config


def samples_to_predict(
    competition: Competition, data: Path, workspace: Workspace, notes: list[str]
) -> tuple[Path | None, Sequence[Sample], Sequence[Sample]]:
    """Return (data folder or None, samples to predict, other samples of the same data).

    A folder without the competition's layout is a folder of images; an image is one sample. If the
    folder has a part of the layout, a note is added to `notes`. A competition of a table takes a
    table of other rows instead.
    """
    if data.is_file() and competition.read_table and data.suffix.lower() not in (".zip", ""):
        return None, competition.read_table(data), []
    if data.is_file() and data.suffix.lower() in SUFFIXES:
        return None, [Sample(id=data.stem, image=data)], []
    folder = open_folder(data, workspace)
    try:
        root = open_data(competition, data, workspace)
    except DataError as error:
        if competition.read_table:
            raise
        samples = samples_in_folder(folder)
        if any(contains(folder, name) for name in competition.layout):
            notes.append(
                f"{folder} has only a part of the layout of {competition.name} ({error}): all "
                f"{len(samples)} images in it are predicted, without a submission"
            )
        return None, samples, []
    return root, competition.samples(root, "test"), competition.samples(root, "train")
