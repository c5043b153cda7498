"""Predicts with the weights of a run, on the data of the run or on other data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
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
from comp.data.images.decode_many import OnImage
from comp.data.images.prepare import make_reader, prepare_images, without_skipped
from comp.data.images.prepared import PreparedImages
from comp.data.units import units_of
from comp.errors import RunError
from comp.files import write_json
from comp.inference.adaptation import Adaptation
from comp.inference.tta import check_turns
from comp.pipeline.adapted import check_fold, check_models
from comp.pipeline.full_model import is_finished
from comp.pipeline.members import cell_notes
from comp.pipeline.plugin_check import check_plugin
from comp.pipeline.predict_classes import describe_prediction, read_out_of_fold
from comp.pipeline.predict_files import write_files
from comp.pipeline.predict_folds import Folds, predict_folds
from comp.pipeline.predict_reference import reference_by_fold, with_missing
from comp.pipeline.prediction import RECORD, PredictResult, output_folder, samples_to_predict
from comp.pipeline.reweighted import check_shares
from comp.pipeline.seeds import trainings
from comp.runs.folder import RunFolder
from comp.runs.progress import OnPrediction
from comp.training.checkpoint import META
from comp.workspace import Workspace


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
    opened = _open(run_id, workspace, data, settings or {})
    run, competition, config, folds = opened.run, opened.competition, opened.config, opened.folds
    one, place = trainings(config, run.fold(folds[0]))[0]
    _check_test(competition, one, place, opened.samples)
    oof = read_out_of_fold(run, config, workspace)
    caches, known = workspace.images, PreparedImages.read_pointer(run.reader_folder).value_range
    count, full = len(opened.samples), is_finished(run, config)
    compared = [*folds, config.folds] if full else folds
    reference = reference_by_fold(run, competition, config, workspace, compared, count)
    chosen = [sample for samples in reference.values() for sample in samples]
    decoded, skip_bad = with_missing(opened.samples, chosen), skip_bad or opened.skips_bad
    images = prepare_images(competition, config, decoded, caches, on_image, skip_bad, known)
    samples = without_skipped(opened.samples, images.skipped)
    notes = [*opened.notes, *_range_note(images), *cell_notes(competition, one, place, samples)]
    check_models(config, len(samples))
    units, all_units = (units_of(s, competition.pool) for s in (samples, opened.samples))
    folder = output_folder(out, workspace, run.run_id)
    job = Folds(
        competition=competition,
        config=config,
        run=run,
        folds=folds,
        full=full,
        samples=samples,
        reference=reference,
        needed=all_units if opened.root and images.skipped else (),
    )
    known_samples = with_missing([*opened.others, *samples], chosen)
    adaptations = _predict_folds(job, images, known_samples, folder, on_prediction)
    adaptation, classes = describe_prediction(job, folder, opened.params, adaptations, oof)
    written = write_files(folder, competition, opened.root, units, all_units, opened.params)
    written |= {"adaptation": adaptation, "classes": classes, "skipped": images.skipped}
    return _write_record(job, opened.path.resolve(), len(units), folder, notes, written)


@dataclass(frozen=True, kw_only=True)
class _Opened:
    """A run that predicts, and the samples that it predicts."""

    run: RunFolder
    competition: Competition
    config: RunConfig
    folds: Sequence[int]
    """The finished folds."""
    params: Params | None
    """The fitted parameters of its decisions; None for the default ones."""
    skips_bad: bool
    """Whether the run left out images that cannot be decoded."""
    root: Path | None
    """The data of the competition; None for other data."""
    path: Path
    """Where the samples are."""
    samples: Sequence[Sample]
    others: Sequence[Sample]
    """Other samples of the same data."""
    notes: Sequence[str]


def _open(
    run_id: str, workspace: Workspace, data: Path | None, settings: Mapping[str, Any]
) -> _Opened:
    """Read a run, and list the samples in `data`, by default the test samples of the run."""
    run = RunFolder(workspace.find_run(run_id))
    record = run.record("competition", "config", "data")
    competition = registry.get(record["competition"])
    params, notes = decision_params(run, competition)
    notes += check_plugin(run.run_id, record, competition)
    config = prediction_config(competition, record, settings)
    folds = finished_folds(run, config)
    data = data or Path(record["data"])
    root, samples, others = samples_to_predict(competition, data, workspace, record, notes)
    return _Opened(
        run=run,
        competition=competition,
        config=config,
        folds=folds,
        params=params,
        skips_bad=bool(record.get("skipped")),
        root=root,
        path=root or data,
        samples=samples,
        others=others,
        notes=notes,
    )


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
        full=job.full,
        samples=count,
        out=folder,
        notes=notes,
        **written,
    )
    write_json(folder / RECORD, asdict(result))
    return result


def _range_note(images: PreparedImages) -> list[str]:
    return [images.value_range.sentence] if images.value_range else []


def decision_params(run: RunFolder, competition: Competition) -> tuple[Params | None, list[str]]:
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


def finished_folds(run: RunFolder, config: RunConfig) -> list[int]:
    """The finished folds of a run.

    Raises:
        RunError: there is none.
    """
    folds = [fold for fold in range(config.folds) if (run.fold(fold) / META).is_file()]
    if not folds:
        raise RunError(
            f"run {run.run_id} has no finished fold to predict with: resume it with 'comp resume "
            f"{run.run_id}'"
        )
    return folds


def prediction_config(
    competition: Competition, record: Mapping[str, Any], settings: Mapping[str, Any]
) -> RunConfig:
    """The run's configuration, without pretrained weights if only networks predict: the folds have
    their own. Estimators may need those of the backbone that embeds images."""
    config = resolve(competition.name, [record["config"], settings], competition.options)
    if not set(config.model) & set(ESTIMATORS):
        config = config.model_copy(update={"pretrained": False, "weights": None})
    check_turns(competition, config)
    return config
