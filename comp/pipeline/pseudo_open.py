"""Prepare the pseudo-labels of a run, before anything is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.data.fingerprint import fingerprint, has_fingerprint
from comp.data.images.prepare import without_skipped
from comp.data.related import related_folds
from comp.data.units import unit_of
from comp.errors import DataError, RunError
from comp.inference.predictions import Predictions
from comp.pipeline.pseudo_choice import choose, class_shares
from comp.pipeline.pseudo_data import predicted_files
from comp.pipeline.pseudo_labels import PseudoLabels, read_pointer
from comp.pipeline.pseudo_source import (
    LabellingRun,
    check_folds,
    check_labels,
    check_unseen,
    labelling_run,
)
from comp.runs.folder import RunFolder
from comp.runs.progress import Reporter
from comp.workspace import Workspace

if TYPE_CHECKING:
    from comp.pipeline.run_inputs import RunInputs

RECORD = "pseudo"
"""The key of run.json with the origin of the labels."""
DOING = "pseudo-labels"


def with_pseudo(
    inputs: RunInputs, workspace: Workspace, reporter: Reporter, resumed: RunFolder | None
) -> RunInputs:
    """The inputs of a run with its pseudo-labels, if `pseudo.run` is set.

    Args:
        resumed: the run that resumes, which has copied its labels; None: a new run.

    Raises:
        CompError: the run cannot label, or no label is left for a fold.
    """
    competition, config = inputs.competition, inputs.config
    if config.pseudo.run is None:
        return inputs
    check_labels(competition, config)
    if resumed:
        return replace(inputs, pseudo=_recorded(inputs, resumed, workspace))
    run = labelling_run(competition, config, inputs.source, workspace)
    check_folds(run, inputs.folds, inputs.folds_to_train)
    if inputs.validation:
        own = config.validation_groups == "own"
        check_unseen(run, inputs.validation.data.samples, competition.group or "group", own)
    candidates = without_skipped(inputs.pseudo.candidates or inputs.test, inputs.images.skipped)
    if inputs.pseudo.root:
        folds = inputs.folds_to_train
        files = predicted_files(run, competition, candidates, folds, workspace, reporter)
    else:
        files = {fold: run.files(fold) for fold in inputs.folds_to_train}
    labels = _labels(inputs, run, candidates, files, reporter)
    workspace.check_room(inputs.bytes_needed + labels.bytes)
    return replace(inputs, pseudo=labels)


def _recorded(inputs: RunInputs, run: RunFolder, workspace: Workspace) -> PseudoLabels:
    """The labels that a run has copied.

    Raises:
        DataError: the unlabelled data has changed.
        RunError: the labels are missing or damaged.
    """
    record = run.record().get(RECORD) or {}
    candidates = inputs.pseudo.candidates or inputs.test
    expected = record.get("fingerprint")
    # without one, check_data compares the test
    if expected and not has_fingerprint(candidates, expected, workspace.cache):
        raise DataError(
            f"the unlabelled data in {inputs.pseudo.root} changed since run {run.run_id} started: "
            "restore the data, or start a new run"
        )
    folds = read_pointer(run.reader_folder)[1]
    units = {sample.id: unit_of(sample) for sample in candidates}
    for fold, labels in folds.items():
        known = set.intersection(*(set(Predictions(path)) for path in labels.files))
        missing = [name for name in labels.ids if units.get(name) not in known]
        if missing:
            raise RunError(
                f"fold {fold} of run {run.run_id} has no pseudo-label of '{missing[0]}' any more: "
                "restore the files, or start a new run"
            )
    return replace(inputs.pseudo, candidates=candidates, folds=folds, record=record)


def _labels(
    inputs: RunInputs,
    run: LabellingRun,
    candidates: Sequence[Sample],
    files: Mapping[int, tuple[Path, ...]],
    reporter: Reporter,
) -> PseudoLabels:
    """Choose the labels of each fold."""
    predicted = set.intersection(*(set(Predictions(p)) for paths in files.values() for p in paths))
    candidates = [sample for sample in candidates if unit_of(sample) in predicted]
    related = related_folds(inputs.train, inputs.folds, candidates)
    done, total = 0, len(candidates) * len(files)

    def count() -> None:
        nonlocal done
        done += 1
        if done % 256 == 0:
            reporter.images_decoded(done, total, DOING)

    choices = {
        fold: choose(
            inputs.competition,
            inputs.config,
            fold,
            paths,
            candidates,
            related,
            len(inputs.training_part(fold)),
            count,
        )
        for fold, paths in files.items()
    }
    reporter.images_decoded(total, total, DOING)
    record = _record(inputs, run, len(candidates))
    if inputs.pseudo.root:
        record["fingerprint"] = fingerprint(inputs.pseudo.candidates)
    record["folds"] = {str(fold): dict(choice.record) for fold, choice in choices.items()}
    return PseudoLabels(
        root=inputs.pseudo.root,
        candidates=candidates,
        folds={fold: choice.labels for fold, choice in choices.items()},
        record=record,
        notes=[*_notes(inputs, run, record)],
        bytes=sum(choice.bytes for choice in choices.values()),
    )


def _record(inputs: RunInputs, run: LabellingRun, candidates: int) -> dict[str, Any]:
    """Where the labels come from, as JSON."""
    settings = inputs.config.pseudo
    earlier = run.record.get(RECORD) or {}
    task = inputs.competition.task
    scored = [sample for sample in inputs.train if inputs.folds[sample.id] >= 0]
    names = [task.label_names(sample.target) for sample in scored]
    shares = class_shares(names, task.labels)
    return {
        "run": run.folder.run_id,
        "runs": [run.folder.run_id, *earlier.get("runs", [])],
        "data": str(inputs.pseudo.root) if inputs.pseudo.root else None,
        "candidates": candidates,
        "confidence": settings.confidence,
        "weight": settings.weight,
        **({"training_shares": shares} if shares else {}),
    }


def _notes(inputs: RunInputs, run: LabellingRun, record: Mapping[str, Any]) -> Sequence[str]:
    """What the user should know of the labels: how many, of which classes, and from which run."""
    folds, unit = record["folds"], inputs.unit
    taken = [fold["taken"] for fold in folds.values()]
    numbers = f"{min(taken):,}" if min(taken) == max(taken) else f"{min(taken):,} to {max(taken):,}"
    reasons = {
        "unsure": f"below {record['confidence']}",
        "related": "related to samples that the fold holds out",
        "left_out": "left out at random by pseudo.most",
    }
    found = [
        f"{max(fold[key] for fold in folds.values()):,} {reason}"
        for key, reason in reasons.items()
        if any(fold[key] for fold in folds.values())
    ]
    most = f" (at most, in a fold: {'; '.join(found)})" if found else ""
    notes = [
        f"pseudo-labels of run {run.folder.run_id}: {numbers} of {record['candidates']:,} "
        f"unlabelled {unit} train in a fold, with labels of its models for this fold{most}"
    ]
    shares = shares_text(inputs.competition, record)
    notes += [shares] if shares else []
    if run.config.predict.adapt != "none" and not inputs.pseudo.root:
        notes.append(
            f"run {run.folder.run_id} adapted its networks to the test images (predict.adapt = "
            f"{run.config.predict.adapt}): the labels are these adapted predictions"
        )
    return notes


SHOWN = 6
"""Classes whose shares are shown."""


def shares_text(competition: Competition, record: Mapping[str, Any]) -> str:
    """The share of each class among the labels, beside that in training; "" without classes."""
    expected = record.get("training_shares") or {}
    folds = [fold["shares"] for fold in record["folds"].values() if fold.get("shares")]
    if not expected or not folds:
        return ""
    means = {
        name: sum(fold.get(name, 0.0) for fold in folds) / len(folds)
        for name in competition.task.labels
    }
    order = sorted(means, key=lambda name: -abs(means[name] - expected.get(name, 0.0)))
    parts = [f"{name} {means[name]:.3f} ({expected.get(name, 0.0):.3f})" for name in order[:SHOWN]]
    more = f" and {len(order) - SHOWN} more classes" if len(order) > SHOWN else ""
    return f"shares of the pseudo-labels (in training): {', '.join(parts)}{more}"
