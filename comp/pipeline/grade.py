"""Scores test predictions against the labels of the test samples, if the data has labels."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from comp.config.schema import resolve
from comp.contract import registry
from comp.contract.competition import Competition
from comp.contract.sample import Reader, Sample
from comp.contract.task import Params
from comp.data.images.prepare import make_reader
from comp.data.labelled_test import labelled_test
from comp.data.location import open_data
from comp.data.units import units_of
from comp.errors import DataError, RunError
from comp.files import read_json, write_json
from comp.inference.oof import OofPairs, score
from comp.inference.predictions import Predictions, join_predictions
from comp.pipeline.plugin_check import check_plugin
from comp.pipeline.score_records import score_records
from comp.runs.folder import RunFolder
from comp.runs.lineage import member_ids
from comp.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class GradeResult:
    """The scores of a run's test predictions. `dataclasses.asdict` returns what grade.json
    contains."""

    run_id: str
    competition: str
    n: int
    """Labelled test samples."""
    threshold: float | None
    """The decision threshold, 0.5 if none was fitted; None if decisions have other parameters or
    none."""
    metric: str
    value: float | None
    """The competition's metric; None if it is not defined, such as the AUC of one class."""
    scores: Sequence[Mapping[str, Any]]
    """Further scores of the task with their intervals."""
    synthetic: bool
    """Whether the data is synthetic, so that the scores mean nothing."""
    words: str
    """One line that says what was scored."""
    file: Path
    """grade.json, next to the predictions."""


def grade(run_id: str, workspace: Workspace, data: Path | None = None) -> GradeResult:
    """Score test predictions against the labels in the data, and write grade.json.

    The predictions are those of the run, or those that `comp predict` wrote to
    `predictions/<run id>/` of the workspace.

    Args:
        run_id: the id of the run, or the beginning of the id.
        data: a folder or zip in the competition's layout; None for the data of the run.

    Raises:
        RunError: there is no such run, or no predictions of the labelled samples.
        DataError: the data is missing, or contains no labels.
        CompetitionError: a label belongs to no test sample or to no class.
    """
    run = RunFolder(workspace.find_run(run_id))
    record = run.record("competition", "data", "folds")
    competition = registry.get(record["competition"])
    notes = check_plugin(run.run_id, record, competition)
    run_data = Path(record["data"])
    if competition.test_labels is None:
        raise DataError(_no_labels_message(competition, run.run_id))
    root = open_data(competition, data or run_data, workspace)
    samples = units_of(labelled_test(competition, root), competition.pool)
    predicted = workspace.out / "predictions" / run.run_id
    files = [predicted / run.test.name] if _is_of_data(predicted, root) else []
    if root.resolve() == run_data.resolve():
        files.insert(0, run.test)
    command = f"comp predict {run.run_id} --data {data or run_data}"
    file = _first_complete(files, samples, command)
    reader = _target_reader(competition, run, samples)
    pairs = OofPairs(competition.task, partial(join_predictions, [file], samples), reader)
    task = competition.task
    fitted = run.decision_params() if task.decision and task.decision.fit else None
    params = fitted or (task.decision.default if task.decision else ())
    result = GradeResult(
        run_id=run.run_id,
        competition=competition.name,
        n=len(samples),
        threshold=params[0] if task.decision and task.decision.names == ("threshold",) else None,
        metric=competition.metric.name,
        value=_finite(score(competition, pairs, params)),
        scores=score_records(task.scores(pairs, params, 0)),
        synthetic=bool(record.get("synthetic")),
        words="; ".join(
            [_description(run.run_id, record, file, len(samples), root, fitted), *notes]
        ),
        file=file.with_name("grade.json"),
    )
    write_json(result.file, asdict(result))
    return result


def _no_labels_message(competition: Competition, run_id: str) -> str:
    problem = f"{competition.name} has no labelled test data"
    if competition.kaggle.startswith("competitions/"):
        return (
            f"{problem}: only Kaggle knows the labels, so submit "
            f"submissions/{competition.name}/{run_id}.csv"
        )
    return f"{problem}: use the out-of-fold scores in scores.json"


def _is_of_data(folder: Path, root: Path) -> bool:
    """Whether the predictions of `comp predict` in `folder` are of this data. Predictions without
    a record count as such."""
    record = folder / "prediction.json"
    return not record.is_file() or Path(read_json(record)["data"]) == root.resolve()


def _first_complete(files: Sequence[Path], samples: Sequence[Sample], command: str) -> Path:
    """Return the first file with predictions of all samples.

    Raises:
        RunError: there is none; the message contains the command that makes the predictions.
    """
    missing: list[str] = []
    for file in files:
        if file.is_file():
            predicted_ids = set(Predictions(file))
            missing = [sample.id for sample in samples if sample.id not in predicted_ids]
            if not missing:
                return file
    problem = "this data was not predicted"
    if files:
        problem = f"{files[-1]} does not exist"
    if missing:
        problem = f"{files[-1]} lacks {len(missing)}, the first is '{missing[0]}'"
    raise RunError(
        f"no predictions of the {len(samples)} labelled test samples: {problem}; predict first "
        f"with '{command}'"
    )


def _target_reader(
    competition: Competition, run: RunFolder, samples: Sequence[Sample]
) -> Reader | None:
    """The reader of target images; None if all targets are numbers."""
    if not any(isinstance(sample.target, Path) for sample in samples):
        return None
    config = resolve(competition.name, [run.record("config")["config"]], competition.options)
    return make_reader(competition, samples, config, run.reader_folder)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _description(
    run_id: str, record: Mapping[str, Any], file: Path, n: int, root: Path, fitted: Params | None
) -> str:
    folds = len(list(file.parent.glob("fold-*/meta.json")))  # predictions of the run
    folds = folds or len(list(file.parent.glob("fold-*.safetensors")))  # of comp predict
    folds = folds or len(record["folds"])
    ensemble = f"the mean of {folds} folds" if folds > 1 else "of one fold"
    if members := member_ids(record):
        ensemble = f"a blend of {len(members)} runs"
    numbers = ", ".join(f"{value:g}" for value in fitted or ())
    noun = "threshold was" if len(fitted or ()) == 1 else "parameters were"
    threshold = f"the decision's {noun} fitted out of fold ({numbers}); " if fitted else ""
    return (
        f"scored {n} test predictions of run {run_id}, {ensemble}, against the labels in {root}; "
        f"{threshold}test labels were used for nothing else"
    )
