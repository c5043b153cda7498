"""The full model: trained on all samples after the folds, for the predictions of the test only.

It holds nothing out, so it has no out-of-fold predictions and no score; the scores of a run are
those of its folds. It is trained as the fold after the last one, number `folds`, which holds
nothing out, and its files are in the folder `full` of the run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from comp.config.schema import RunConfig
from comp.pipeline.fold_context import epoch_steps
from comp.pipeline.members import network_names, read_result
from comp.pipeline.run_inputs import RunInputs
from comp.runs.folder import RunFolder
from comp.runs.progress import Reporter, Step
from comp.runs.results import FoldResult

RECORD = "full"
"""The key of run.json with the steps of the full model, its samples, and its weight."""
LEFT_OUT = "left_out"
"""The key in `RECORD` of a repeat of a run whose budget had no time for the full model."""


def full_folder(folder: RunFolder) -> Path:
    """The folder of the full model of a run."""
    return folder.path / "full"


def full_config(config: RunConfig) -> RunConfig:
    """The configuration of the full model. No score chooses its weights: those of the last step
    count."""
    return config.model_copy(update={"validations": 1, "patience": None})


def is_finished(folder: RunFolder, config: RunConfig) -> bool:
    """Whether the full model of a run is trained and its files are complete."""
    return bool(config.full) and read_result(full_folder(folder), full_config(config)) is not None


def full_steps(inputs: RunInputs, results: Sequence[FoldResult]) -> int | None:
    """Optimizer steps of the full model: the mean of those of the folds; with early stopping, of
    the steps until their best scores. If the length is in epochs, they grow with the number of
    samples. None without a network.

    Args:
        results: of the finished folds, at least one.
    """
    config = inputs.config
    if not network_names(config):
        return None
    steps = {r.fold: float(r.step if config.patience else r.steps) for r in results}
    if not (config.budget or config.max_steps):
        whole = epoch_steps(config, len(full_part(inputs)))
        steps = {
            fold: whole * count / epoch_steps(config, len(inputs.training_part(fold)))
            for fold, count in steps.items()
        }
    return max(1, round(fmean(steps.values())))


def full_part(inputs: RunInputs) -> Sequence[Any]:
    """The training samples of the full model."""
    return inputs.training_part(inputs.config.folds)


def repeated_record(config: RunConfig, repeats: Mapping[str, Any]) -> dict[str, Any]:
    """What a repeat takes over from the run.json of the run that it repeats: the steps, or that
    the budget of that run had no time for the full model."""
    full = repeats.get(RECORD) or {}
    if config.full and full.get("steps"):
        return {RECORD: {"steps": full["steps"]}}
    wanted = config.full and (repeats.get("config") or {}).get("full")
    finished = config.budget and repeats.get("state") == "finished"
    left_out = full.get(LEFT_OUT) or (finished and RECORD not in repeats)
    return {RECORD: {LEFT_OUT: True}} if wanted and left_out else {}


def full_record(inputs: RunInputs, folds: int, steps: int | None) -> dict[str, Any]:
    """What run.json and scores.json say of the full model.

    Args:
        folds: the number of folds in the mean of the test predictions.
    """
    weight = float(inputs.config.full)
    return {
        "steps": steps,
        "samples": len(full_part(inputs)),
        "weight": weight,
        "share": weight / (folds + weight),
    }


def test_files(
    folder: RunFolder, config: RunConfig, folds: Sequence[int]
) -> tuple[list[Path], list[float]]:
    """The test predictions of the finished folds and of the full model, if it is finished, and how
    much each counts in their mean."""
    folders = [folder.fold(fold) for fold in folds]
    weights = [1.0] * len(folders)
    if is_finished(folder, config):
        folders.append(full_folder(folder))
        weights.append(float(config.full))
    return [each / "test.safetensors" for each in folders], weights


@dataclass(frozen=True)
class FullReporter:
    """Reports the training of the full model under its name, and without scores."""

    reporter: Reporter

    def step(self, step: Step) -> None:
        """Report the progress."""
        part = f"full model  {step.part}".rstrip()
        self.reporter.step(replace(step, score=None, part=part))

    def note(self, text: str) -> None:
        """Report a message."""
        self.reporter.note(f"full model: {text}")

    def __getattr__(self, name: str) -> Any:
        """The other methods are those of the reporter."""
        return getattr(self.reporter, name)
