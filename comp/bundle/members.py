"""The trainings whose networks predict together: of the folds and the seeds of a run, of its full
model, and of the runs of a blend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from comp.bundle.refusal import refuse
from comp.config.schema import RunConfig, resolve
from comp.contract import registry
from comp.errors import RunError
from comp.pipeline.full_model import full_folder, is_finished
from comp.pipeline.seeds import trainings
from comp.runs.folder import RunFolder
from comp.runs.lineage import blend_record, member_ids
from comp.training.checkpoint import META
from comp.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class Member:
    """A run that predicts, alone or in a blend; `weight` is its share."""

    run: RunFolder
    config: RunConfig
    folds: Sequence[int]
    """The finished folds."""
    full: bool
    """Whether its full model is finished."""
    weight: float = 1.0

    @property
    def unfinished(self) -> list[int]:
        """The folds that are not trained."""
        return [fold for fold in range(self.config.folds) if fold not in self.folds]


@dataclass(frozen=True, kw_only=True)
class Training:
    """One training, whose `model.safetensors` is in `folder`.

    The trainings with the same `fold` are averaged first; then the folds, with their weights.
    """

    run_id: str
    config: RunConfig
    folder: Path
    fold: str
    weight: float
    weights: str
    """The file in a bundle, such as "weights/fold-0.safetensors"."""


def members_of(run: RunFolder, workspace: Workspace) -> list[Member]:
    """The run, or the runs of a blend with their weights.

    Raises:
        RunError: no fold of a run is finished, or a blend has no weights.
    """
    record = run.record("competition", "config")
    ids = member_ids(record)
    if not ids:
        return [member_of(run)]
    blend = blend_record(record)
    weights = [one.get("weight") for one in blend["runs"]]
    if blend.get("method") == "rank":
        raise RunError(
            f"run {run.run_id} is a mean of ranks within its test set, so it cannot predict "
            "another test: blend its runs with --method weights"
        )
    if None in weights:
        refuse(f"run {run.run_id} is a blend by a model of the second level")
    found = [
        member_of(RunFolder(workspace.find_run(name)), float(weight))
        for name, weight in zip(ids, weights, strict=True)
    ]
    return [member for member in found if member.weight]


def member_of(run: RunFolder, weight: float = 1.0) -> Member:
    """A run that trained networks.

    Raises:
        RunError: none of its folds is finished.
    """
    record = run.record("competition", "config")
    competition = registry.get(record["competition"])
    config = resolve(competition.name, [record["config"]], competition.options)
    folds = [fold for fold in range(config.folds) if (run.fold(fold) / META).is_file()]
    if not folds:
        raise RunError(
            f"run {run.run_id} has no finished fold to predict with: resume it with 'comp resume "
            f"{run.run_id}'"
        )
    full = is_finished(run, config)
    return Member(run=run, config=config, folds=folds, full=full, weight=weight)


def trainings_of(members: Sequence[Member]) -> list[Training]:
    """The trainings of all members, with the names of their files in a bundle."""
    found = []
    for member in members:
        parts = [(f"fold-{fold}", member.run.fold(fold), 1.0) for fold in member.folds]
        if member.full:
            parts.append(("full", full_folder(member.run), float(member.config.full)))
        total = sum(weight for _, _, weight in parts)
        prefix = f"{member.run.run_id}-" if len(members) > 1 else ""
        for name, folder, weight in parts:
            for config, place in trainings(member.config, folder):
                seed = "" if place == folder else f"-{place.name}"
                found.append(
                    Training(
                        run_id=member.run.run_id,
                        config=config,
                        folder=place,
                        fold=prefix + name,
                        weight=member.weight * weight / total,
                        weights=f"weights/{prefix}{name}{seed}.safetensors",
                    )
                )
    return found
