"""Predicts with a blend: its stored test predictions, or new predictions of its runs."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from comp.contract import registry
from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.contract.task import Params
from comp.data.units import units_of
from comp.errors import RunError
from comp.estimators.estimator import load_estimator
from comp.estimators.stacking import SecondLevel
from comp.files import write_json
from comp.inference.predictions import Predictions, save_predictions
from comp.pipeline.blend_files import MODEL
from comp.pipeline.blend_fit import Combine, WeightedMean
from comp.pipeline.plugin_check import check_plugin
from comp.pipeline.predict import predict
from comp.pipeline.predict_files import TEST, write_files
from comp.pipeline.prediction import RECORD, PredictResult, output_folder, samples_to_predict
from comp.report.classes import adaptation_lines, class_lines
from comp.runs.folder import RunFolder
from comp.runs.lineage import blend_record, member_ids
from comp.workspace import Workspace

PredictRun = Callable[..., PredictResult]
"""`comp.pipeline.predict.predict` with all arguments but the run, `data` and `out`."""


def predict_any(
    run_id: str,
    workspace: Workspace,
    *,
    data: Path | None = None,
    out: Path | None = None,
    settings: Mapping[str, Any] | None = None,
    **more: Any,
) -> PredictResult:
    """Predict with a run, or with a blend of runs, as `comp.pipeline.predict.predict` does.

    Args:
        more: further arguments of `predict`, which do not depend on the run.
    """
    run = RunFolder(workspace.find_run(run_id))

    def predict_run(name: str, *, data: Path | None, out: Path | None) -> PredictResult:
        return predict(name, workspace, data=data, out=out, settings=settings, **more)

    if not member_ids(run.record()):
        return predict_run(run_id, data=data, out=out)
    return predict_blend(run, workspace, predict_run, data=data, out=out, anew=bool(settings))


def predict_blend(
    run: RunFolder,
    workspace: Workspace,
    predict_run: PredictRun,
    *,
    data: Path | None,
    out: Path | None,
    anew: bool,
) -> PredictResult:
    """Write the predictions of a blend, as `comp.pipeline.predict.predict` does for other runs.

    Those of the test set of the blend are stored. Other data is predicted by each of its runs.

    Args:
        data: None for that of the blend.
        anew: predict again with the runs, also the test set of the blend.

    Raises:
        RunError: a mean of ranks cannot predict other data, or a run is missing.
        DataError: the data is missing or damaged, or `out` is not empty.
    """
    record = run.record("competition", "config", "data", "folds")
    competition = registry.get(record["competition"])
    notes = check_plugin(run.run_id, record, competition)
    anew = anew or data is not None
    combine = recorded_combine(run, record, competition) if anew else None
    data = data or Path(record["data"])
    root, samples, _ = samples_to_predict(competition, data, workspace, record, notes)
    units, skipped = units_of(samples, competition.pool), {}
    with TemporaryDirectory() as scratch:
        blended = run.test
        if combine is None:
            notes.append("these are the test predictions that the blend has stored")
        else:
            predicted = [
                predict_run(name, data=data, out=Path(scratch) / name)
                for name in member_ids(record)
            ]
            notes += [n for member in predicted for n in (*member.notes, *_changes(member))]
            skipped = {path: why for member in predicted for path, why in member.skipped.items()}
            blended = Path(scratch) / TEST
            units = _blend_members(predicted, units, combine, blended)
        folder = output_folder(out, workspace, run.run_id)
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(blended, folder / TEST)
    written = write_files(folder, competition, root, units, units, _params(run, competition))
    result = PredictResult(
        run_id=run.run_id,
        competition=competition.name,
        data=(root or data).resolve(),
        folds=record["folds"],
        samples=len(units),
        out=folder,
        notes=list(dict.fromkeys(notes)),
        **written,
        skipped=skipped,
    )
    write_json(folder / RECORD, asdict(result))
    return result


def _blend_members(
    predicted: Sequence[PredictResult], units: Sequence[Sample], combine: Combine, path: Path
) -> Sequence[Sample]:
    """Write the blend of what the runs have predicted; returns the units that all have."""
    files = [Predictions(member.out / TEST) for member in predicted]
    common = [unit for unit in units if all(unit.id in file for file in files)]
    save_predictions(path, _combined(files, common, combine))
    return common


def _changes(result: PredictResult) -> list[str]:
    """What a run of the blend has changed in its predictions, as notes."""
    lines = adaptation_lines(result.adaptation) if result.adaptation else []
    lines += class_lines(result.classes) if result.classes else []
    for step in result.classes["steps"][1:] if result.classes else ():
        shares = ", ".join(f"{share:.1%}" for share in step["shares"])
        lines.append(f"{step['what']}: {step['changed']} decisions changed, shares {shares}")
    return [f"run {result.run_id}: {line}" for line in lines]


def recorded_combine(
    run: RunFolder, record: Mapping[str, Any], competition: Competition
) -> Combine:
    """How a blend combines the predictions of its runs.

    Raises:
        RunError: by their ranks in its test set, or the model of the second level is missing.
    """
    blend, estimate = blend_record(record), competition.task.estimate
    if blend.get("method") == "rank":
        raise RunError(
            f"run {run.run_id} is a mean of ranks within its test set, so it cannot predict other "
            "data: predict with its runs, or blend them with --method weights"
        )
    weights = [member.get("weight") for member in blend["runs"]]
    if None not in weights:
        return WeightedMean(weights=tuple(map(float, weights)))
    if estimate is None:
        raise RunError(f"run {run.run_id} has no weights: blend its runs again")
    return SecondLevel(estimator=load_estimator(run.path / MODEL), estimate=estimate)


def _combined(
    files: Sequence[Predictions], units: Sequence[Sample], combine: Combine
) -> Iterator[tuple[Sample, np.ndarray]]:
    """Yield each unit with its blended prediction."""
    for unit in units:
        members = np.stack([file[unit.id] for file in files])
        if members.ndim > 2:  # images
            yield unit, combine(members)
        else:
            yield unit, combine(members[:, None, :])[0]


def _params(run: RunFolder, competition: Competition) -> Params | None:
    """The fitted parameters of the decisions of a blend; None for the default ones."""
    decision = competition.task.decision
    return run.decision_params() if decision and decision.fit else None
