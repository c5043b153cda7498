"""Test predictions against the labels of the test samples, for data that has them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from comp.contract import registry
from comp.contract.competition import Competition, Sample
from comp.data.location import root_of
from comp.errors import CompetitionError, DataError, RunError
from comp.files import read_json, write_json
from comp.inference.predictions import Predictions, join
from comp.inference.scores import labelled, scores_of
from comp.runs.folder import RunFolder
from comp.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class GradeResult:
    """The worth of a run's test predictions; `dataclasses.asdict` gives plain JSON."""

    run_id: str
    competition: str
    n: int
    """Labelled test samples."""
    threshold: float | None
    """The decision threshold, 0.5 where none was tuned; None where there are not two classes."""
    metric: str
    value: float | None
    """The competition's metric; None where it does not exist, such as an AUC of one class."""
    scores: Sequence[Mapping[str, Any]]
    """The fields of each `comp.inference.scores.Scores`: of two classes at 0.5 and at the tuned
    threshold, of more once, of no classification none."""
    synthetic: bool
    """Whether the run was made on drawn data, whose scores mean nothing."""
    words: str
    """What was done, in one line."""
    file: Path
    """grade.json, beside the predictions that were graded."""


def grade(run_id: str, workspace: Workspace, data: Path | None = None) -> GradeResult:
    """Score test predictions against the labels that the data has, and write grade.json.

    Nothing is predicted here: the run's own predictions of the test samples are read, or what
    `comp predict` left in `predictions/<run id>/` of the workspace.

    Args:
        run_id: the run, or the beginning of its id.
        data: a folder or zip in the competition's layout; the run's own data if None.

    Raises:
        RunError: no such run, or no predictions of the labelled samples.
        DataError: no data, or no labels in it.
        CompetitionError: labels that fit no test sample or no class.
    """
    run = RunFolder(workspace.find_run(run_id))
    record = run.record("competition", "data", "folds")
    competition = registry.get(record["competition"])
    own = Path(record["data"])
    if competition.test_labels is None:
        raise DataError(_no_answers(competition, run.run_id))
    root = root_of(competition, data or own, workspace)
    samples = _samples(competition, root)
    later = workspace.out / "predictions" / run.run_id
    places = [later / run.test.name] if _is_of(later, root) else []
    if root.resolve() == own.resolve():
        places.insert(0, run.test)
    place = _predictions(places, samples, f"comp predict {run.run_id} --data {data or own}")
    pairs = list(join([place], samples))
    tuned = _tuned(run) if len(competition.classes) == 2 else None
    made = GradeResult(
        run_id=run.run_id,
        competition=competition.name,
        n=len(samples),
        threshold=(0.5 if tuned is None else tuned) if len(competition.classes) == 2 else None,
        metric=competition.metric.name,
        value=_metric(competition, pairs),
        scores=_scores(competition, pairs, tuned),
        synthetic=bool(record.get("synthetic")),
        words=_words(run.run_id, record, place, len(samples), root, tuned),
        file=place.with_name("grade.json"),
    )
    write_json(made.file, asdict(made))
    return made


def _no_answers(competition: Competition, run_id: str) -> str:
    known = f"{competition.name} has no labelled test data"
    if competition.kaggle.startswith("competitions/"):
        return (
            f"{known}: Kaggle keeps the labels, so submit "
            f"submissions/{competition.name}/{run_id}.csv to have it scored"
        )
    return f"{known}: the out-of-fold scores in scores.json are all that can be had"


def _samples(competition: Competition, root: Path) -> Sequence[Sample]:
    """The test samples that have labels, with them.

    Raises:
        DataError: when none has.
        CompetitionError: when labels and samples or classes do not fit together.
    """
    test_labels = dict(competition.test_labels(root)) if competition.test_labels else {}
    if not test_labels:
        raise DataError(f"no labelled test sample in {root}: give --data with labelled test data")
    samples = [s for s in competition.samples(root, "test") if s.id in test_labels]
    stray = sorted(test_labels.keys() - {sample.id for sample in samples})
    if stray:
        raise CompetitionError(
            f"{competition.name}: {len(stray)} labels belong to no test sample, the first is "
            f"that of '{stray[0]}': its samples and answers must use the same ids"
        )
    known = range(len(competition.classes))
    odd = [s.id for s in samples if competition.classes and test_labels[s.id] not in known]
    if odd:
        raise CompetitionError(
            f"{competition.name}: the label of '{odd[0]}' is {test_labels[odd[0]]}: "
            f"answers must give a class from 0 to {len(known) - 1}"
        )
    return [replace(sample, target=float(test_labels[sample.id])) for sample in samples]


def _is_of(place: Path, root: Path) -> bool:
    """Whether `comp predict` left predictions of this data, as far as it says of which."""
    record = place / "prediction.json"
    return not record.is_file() or Path(read_json(record)["data"]) == root.resolve()


def _predictions(places: Sequence[Path], samples: Sequence[Sample], command: str) -> Path:
    """The first of some files that predicts every one of the samples.

    Raises:
        RunError: when none does, with what is missing and the command that makes it.
    """
    missing: list[str] = []
    for place in places:
        if place.is_file():
            predicted = set(Predictions(place))
            missing = [sample.id for sample in samples if sample.id not in predicted]
            if not missing:
                return place
    found = "there are none of this data"
    if places:
        lacks = f"lacks {len(missing)}, the first is '{missing[0]}'" if missing else "is not there"
        found = f"{places[-1]} {lacks}"
    raise RunError(
        f"no predictions of the {len(samples)} labelled test samples: {found}; "
        f"make them first with '{command}'"
    )


def _tuned(run: RunFolder) -> float | None:
    """The threshold in scores.json, None where none was tuned.

    Raises:
        RunError: when the file is damaged.
    """
    try:
        found = read_json(run.scores).get("threshold") if run.scores.is_file() else None
        return None if found is None else float(found)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise RunError(f"{run.scores} cannot be read ({error}): run again") from None


def _metric(competition: Competition, pairs: Sequence[tuple[Sample, np.ndarray]]) -> float | None:
    """The competition's metric over samples with labels and their predictions."""
    value = competition.metric.score((np.array([s.target]), chance) for s, chance in pairs)
    return value if math.isfinite(value) else None


def _scores(
    competition: Competition, pairs: Sequence[tuple[Sample, np.ndarray]], tuned: float | None
) -> list[dict[str, Any]]:
    if not competition.classes:
        return []
    return [asdict(found) for found in scores_of(competition.classes, *labelled(pairs), tuned)]


def _words(
    run_id: str, record: Mapping[str, Any], place: Path, n: int, root: Path, tuned: float | None
) -> str:
    folds = len(list(place.parent.glob("fold-*/meta.json")))  # of a run
    folds = folds or len(list(place.parent.glob("fold-*.safetensors")))  # of comp predict
    folds = folds or len(record["folds"])
    whose = f"the mean of {folds} folds" if folds > 1 else "of one fold"
    threshold = f"the threshold {tuned:g} was tuned out of fold; " if tuned is not None else ""
    return (
        f"scored {n} test predictions of run {run_id}, {whose}, against the labels in {root}; "
        f"{threshold}test labels were used for nothing else"
    )
