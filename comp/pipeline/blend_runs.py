"""The runs of a blend: read, and checked that their predictions are of the same thing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from comp.contract.competition import Competition
from comp.contract.metric import Pair
from comp.contract.sample import Sample
from comp.data.fingerprint import fingerprint
from comp.data.units import units_of
from comp.errors import CompError, ConfigError, RunError
from comp.inference.predictions import Predictions, digest_of
from comp.pipeline.run_oof import RunOof, common_ids, read_run_oofs
from comp.runs.catalog import covered_folds, covers_all_folds, cv_folds, state_of
from comp.runs.folder import RunFolder
from comp.runs.lineage import check_has_models
from comp.workspace import Workspace

LEAST_RUNS = 2


@dataclass(frozen=True, kw_only=True)
class BlendRuns:
    """Finished runs over the same folds, with the ids that all have predicted out of fold."""

    runs: Sequence[RunOof]
    ids: Sequence[str]
    notes: Sequence[str]

    @property
    def first(self) -> RunOof:
        """The run whose data, folds and settings the blend takes."""
        return self.runs[0]

    @property
    def competition(self) -> Competition:
        """The competition of all runs."""
        return self.first.competition

    @cached_property
    def fold_of(self) -> Mapping[str, int]:
        """The fold of each of `ids`, as the first run numbers them."""
        return {name: self.first.fold_of[name] for name in self.ids}

    @property
    def folds(self) -> tuple[int, ...]:
        """The numbers of the folds."""
        return tuple(sorted(set(self.fold_of.values())))

    @property
    def test(self) -> Sequence[Sample]:
        """The test samples, or units."""
        return units_of(self.first.data.test, self.competition.pool)

    def members(self, name: str) -> np.ndarray:
        """The out-of-fold predictions of a sample by all runs, float32 (M, K) or (M, H, W, K)."""
        return _stacked(self.runs, name, [run.predictions[name] for run in self.runs])

    def rows(self) -> Iterator[tuple[Pair, np.ndarray]]:
        """The pair of the first run, and the predictions of all runs, of each of `ids`."""
        for pair in self.first.pairs(self.ids):
            yield pair, self.members(pair.id)

    def test_members(self) -> Iterator[tuple[Sample, np.ndarray]]:
        """Each test sample with the predictions of all runs, (M, K) or (M, H, W, K)."""
        files = [Predictions(run.folder.test) for run in self.runs]
        for sample in self.test:
            yield sample, _stacked(self.runs, sample.id, [file[sample.id] for file in files])


def read_blend_runs(run_ids: Sequence[str], workspace: Workspace) -> BlendRuns:
    """Read the runs of a blend.

    Args:
        run_ids: ids, or unique beginnings of ids.

    Raises:
        ConfigError: fewer than two different runs.
        RunError: a run does not exist, is not finished, is a blend or over other folds, the runs
            are not of the same competition, data and test samples, or a prediction is not finite
            or not of the same size in all runs.
        DataError: the data is missing or has changed, or targets differ between the runs.
    """
    folders = [RunFolder(workspace.find_run(run_id)) for run_id in run_ids]
    names = list(dict.fromkeys(folder.run_id for folder in folders))
    given = Counter(folder.run_id for folder in folders)
    notes = [
        f"run {n} is given {count} times: it counts once" for n, count in given.items() if count > 1
    ]
    if len(names) < LEAST_RUNS:
        raise ConfigError(
            f"a blend needs at least {LEAST_RUNS} different runs, found {', '.join(names)}: name "
            "more, 'comp runs' lists them"
        )
    for name in names:
        _check_finished(RunFolder(workspace.find_run(name)))
    runs = read_run_oofs(names, workspace)
    common = common_ids(runs)
    _check_folds(runs, common.same_folds)
    _check_test(runs)
    notes += [note for run in runs for note in run.notes]
    notes += [*common.notes, *_copies(runs), *_adapted(runs)]
    blended = BlendRuns(runs=runs, ids=common.ids, notes=notes)
    _check_values(blended)
    return blended


def _check_finished(folder: RunFolder) -> None:
    record = folder.record("competition", "config", "data", "synthetic", "data_fingerprint")
    check_has_models(folder.run_id, record, "blend these runs, and not the blend")
    state = state_of(folder.path, record)[0]
    if state != "finished":
        raise RunError(
            f"run {folder.run_id} is {state}, so it has not predicted all samples: finish it with "
            f"'comp resume {folder.run_id}', or leave it out"
        )
    if not covers_all_folds(record):
        covered = ", ".join(map(str, covered_folds(record)))
        raise RunError(
            f"run {folder.run_id} has only the folds {covered} of {cv_folds(record)}: a blend "
            "needs all folds, so run it again over all folds with a larger budget, or leave it out"
        )


def _check_folds(runs: Sequence[RunOof], same: bool) -> None:
    """Refuse runs over different folds: a sample that a run trained on would be held out in a fold
    whose weights another run fits."""
    if same:
        return
    first = runs[0]
    for run in runs[1:]:
        shared = [name for name in first.ids if name in run.samples]
        numbers = {(first.fold_of[name], run.fold_of[name]) for name in shared}
        if len(numbers) == len({one for one, _ in numbers}) == len({two for _, two in numbers}):
            continue
        folds = len(set(first.fold_of.values()))
        raise RunError(
            f"run {run.run_id} has other folds than run {first.run_id}, so the weights of a fold "
            f"would know its targets: train it with 'comp run {first.competition.name} --folds "
            f"{folds} --set folds_csv={first.folder.folds_csv}'"
        )


def _check_test(runs: Sequence[RunOof]) -> None:
    """Refuse runs that predicted other test samples."""
    first = runs[0]
    expected = {unit.id for unit in units_of(first.data.test, first.competition.pool)}
    prints: dict[Any, str] = {}
    for run in runs:
        prints.setdefault(run.data.root, "")
        different = sorted(expected ^ set(Predictions(run.folder.test)))
        if different:
            raise RunError(
                f"run {run.run_id} predicted other test samples than {first.run_id} has: "
                f"{len(different)} ids differ, the first is '{different[0]}'; give runs of one "
                "test set"
            )
    if len(prints) < 2:
        return
    for run in runs:
        prints[run.data.root] = prints[run.data.root] or fingerprint(run.data.test)
        if prints[run.data.root] != prints[first.data.root]:
            raise RunError(
                f"the test samples of run {run.run_id} ({run.data.root}) are not those of "
                f"{first.run_id} ({first.data.root}): give runs of one test set"
            )


def _check_values(blended: BlendRuns) -> None:
    """Read all predictions once: those that cannot be blended are refused before others are
    computed."""
    for name in blended.ids:
        blended.members(name)
    for _ in blended.test_members():
        pass


def _copies(runs: Sequence[RunOof]) -> list[str]:
    """Notes on runs with the same predictions as an earlier one."""
    seen: dict[str, str] = {}
    notes = []
    for run in runs:
        other = seen.setdefault(digest_of(run.folder.oof), run.run_id)
        if other != run.run_id:
            notes.append(
                f"run {run.run_id} has exactly the predictions of {other}: it adds nothing but "
                "weight"
            )
    return notes


def _adapted(runs: Sequence[RunOof]) -> list[str]:
    """A note if the runs predicted the test set in different ways."""
    ways = {run.run_id: (run.config.predict.adapt, run.config.predict.shares) for run in runs}
    if len(set(ways.values())) == 1:
        return []
    adapted = [name for name, way in ways.items() if way != ("none", "none")]
    return [
        f"the test predictions of run {', '.join(adapted)} are adapted or re-weighted, and not all "
        "are in the same way: the blend takes them as they are"
    ]


def _stacked(runs: Sequence[RunOof], name: str, arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Arrays of equal shapes as one.

    Raises:
        RunError: the shapes differ, or a value is not finite.
    """
    for run, array in zip(runs, arrays, strict=True):
        if array.shape != arrays[0].shape:
            raise RunError(
                f"run {run.run_id} predicts '{name}' with the shape {array.shape}, run "
                f"{runs[0].run_id} with {arrays[0].shape}: give runs with predictions of one size"
            )
        if not np.isfinite(array).all():
            raise _not_finite(run.run_id, name)
    return np.stack(arrays)


def _not_finite(run_id: str, name: str) -> CompError:
    return RunError(
        f"the prediction of '{name}' by run {run_id} is not finite: its training diverged, so "
        "leave the run out"
    )
