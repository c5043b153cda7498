"""Reads the out-of-fold predictions of runs, with their targets, folds, groups and decisions.

    runs = read_run_oofs(["20261128-0604", "20261128-0712"], workspace)
    common = common_ids(runs)           # ids that all have, notes, whether the folds are equal
    for pair in runs[0].pairs(common.ids):
        target, prediction = pair       # in the order of common.ids; pair.id, pair.group
    fitted = fitted_decisions(runs[0])  # parameters by fold, fitted on the other folds

A run needs run.json (competition, config, data, data_fingerprint, synthetic), folds.csv and
oof.safetensors, or a finished fold; without scores.json it counts as unfinished, and its decisions
are fitted here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from comp.config.schema import RunConfig, resolve
from comp.contract import registry
from comp.contract.competition import Competition
from comp.contract.sample import Reader, Sample
from comp.contract.task import Params
from comp.data.images.prepare import make_reader
from comp.data.units import unit_of, units_of
from comp.errors import DataError, RunError
from comp.files import read_json, sha256
from comp.inference.decisions import FittedDecisions, fit_decisions
from comp.inference.oof import OofPairs, need_reader, read_target
from comp.pipeline.oof_so_far import oof_so_far
from comp.pipeline.plugin_check import check_plugin
from comp.pipeline.run_samples import RunSamples, SampleSource
from comp.runs.folder import RunFolder
from comp.workspace import Workspace

LEAST_SHARE = 0.5
"""Of runs on different data, the least share of the samples of the smaller run that both have."""


@dataclass(frozen=True, kw_only=True)
class RunOof:
    """The out-of-fold predictions of a run.

    Everything is by the id of the prediction: the sample, or its unit if units share one.
    """

    folder: RunFolder
    competition: Competition
    config: RunConfig
    synthetic: bool
    finished: bool
    """Whether scores.json exists; else `predictions` are those of the finished folds."""
    score: float | None
    """The recorded score, None of a run that is not finished."""
    data: RunSamples
    """All samples of the run, the test samples too."""
    samples: Mapping[str, Sample]
    """The samples that have a prediction, in the order of the data."""
    predictions: Mapping[str, np.ndarray]
    """float32 (K,) or (H, W, K); each is read from the disk when it is used."""
    fold_of: Mapping[str, int]
    """The fold that held the sample out."""
    groups: Mapping[str, str]
    """A key of the group of each sample, by folds.csv; else of its unit, else of itself."""
    notes: Sequence[str] = ()
    """What the user should know, such as a plugin that changed since the run."""

    @property
    def run_id(self) -> str:
        """The id of the run."""
        return self.folder.run_id

    @cached_property
    def ids(self) -> Sequence[str]:
        """The ids of all predictions, in the order of the data."""
        return tuple(self.samples)

    @cached_property
    def images(self) -> Reader:
        """Reads the images and the target images of all samples."""
        known = [*self.data.train, *self.data.test]
        return make_reader(self.competition, known, self.config, self.folder.reader_folder)

    @cached_property
    def reader(self) -> Reader | None:
        """Reads target images; None if all targets are numbers."""
        return self.images if need_reader(self.samples.values()) else None

    def pairs(self, ids: Sequence[str] | None = None) -> OofPairs:
        """Pairs of encoded target and prediction, in the order of `ids`; of all samples if None.
        They can be iterated several times; images are in memory one pair at a time."""
        if ids is None or tuple(ids) == self.ids:
            return self._all_pairs
        return OofPairs(self.competition.task, partial(self._predicted, ids), self.reader)

    @cached_property
    def _all_pairs(self) -> OofPairs:
        return OofPairs(self.competition.task, partial(self._predicted, self.ids), self.reader)

    def _predicted(self, ids: Sequence[str]) -> Iterator[tuple[Sample, np.ndarray]]:
        for name in ids:
            yield self.samples[name], self.predictions[name]


@dataclass(frozen=True, kw_only=True)
class CommonIds:
    """The samples that all of some runs have predicted out of fold."""

    ids: Sequence[str]
    """In the order of the first run."""
    same_folds: bool
    """Whether every one of them is held out with the same others in all runs."""
    notes: Sequence[str]
    """What the user should know, such as how many samples are left out."""


def read_run_oofs(run_ids: Sequence[str], workspace: Workspace) -> list[RunOof]:
    """The out-of-fold predictions of several runs of one competition, whose data is read once.

    Args:
        run_ids: ids of runs, or unique beginnings of ids.

    Raises:
        RunError: there is no such run, one is given twice, they are of several competitions, some
            are on synthetic data, or one has no finished fold.
        DataError: the data is missing, or has changed since a run started.
    """
    folders = [RunFolder(workspace.find_run(run_id)) for run_id in run_ids]
    names = [folder.run_id for folder in folders]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise RunError(f"run {twice[0]} is given twice: give different runs")
    records = [folder.record("competition", "synthetic") for folder in folders]
    for key in ("competition", "synthetic"):
        for folder, record in zip(folders, records, strict=True):
            if record[key] != records[0][key]:
                raise RunError(
                    f"runs are not over the same data: {key} is {records[0][key]} in {names[0]} "
                    f"and {record[key]} in {folder.run_id}: give runs of one competition and data"
                )
    source = SampleSource(workspace)
    return [_read(folder, source) for folder in folders]


def read_run_oof(
    run: RunFolder, workspace: Workspace, source: SampleSource | None = None
) -> RunOof:
    """The out-of-fold predictions of one run.

    Args:
        source: reads the data; given to several calls, it reads the data once.

    Raises:
        RunError: no fold of the run is finished, or a file is damaged.
        DataError: the data is missing, or has changed since the run started.
    """
    return _read(run, source or SampleSource(workspace))


def _read(folder: RunFolder, source: SampleSource) -> RunOof:
    record = folder.record("competition", "config", "data", "synthetic", "data_fingerprint")
    competition = registry.get(record["competition"])
    notes = check_plugin(folder.run_id, record, competition)
    predictions = oof_so_far(folder)
    data = source.samples_of(folder, competition, record)
    scored = [s for s in data.train if data.folds[s.id] >= 0 and unit_of(s) in predictions]
    if not scored:
        raise RunError(f"run {folder.run_id} has no prediction of a held-out sample: run again")
    score = float(_scores(folder)["cv_score"]) if folder.scores.is_file() else None
    return RunOof(
        folder=folder,
        competition=competition,
        config=resolve(competition.name, [record["config"]], competition.options),
        synthetic=record["synthetic"],
        finished=score is not None,
        score=score,
        data=data,
        samples={sample.id: sample for sample in units_of(scored, competition.pool)},
        predictions=predictions,
        fold_of={unit_of(sample): data.folds[sample.id] for sample in scored},
        groups={unit_of(sample): data.groups[sample.id] for sample in scored},
        notes=notes,
    )


def _scores(folder: RunFolder) -> Mapping[str, Any]:
    """The contents of scores.json.

    Raises:
        RunError: the file is damaged.
    """
    try:
        scores = dict(read_json(folder.scores))
        float(scores["cv_score"])
        return scores
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise RunError(
            f"{folder.scores} cannot be read ({error}): restore it, or start a new run"
        ) from None


def fitted_decisions(run: RunOof) -> FittedDecisions | None:
    """The parameters of the run's decisions: those that scores.json records, or else fitted as the
    run would fit them at its end, on its finished folds. None if the task makes no decisions."""
    decision, folds = run.competition.task.decision, set(run.fold_of.values())
    if decision is None:
        return None
    if run.finished and (recorded := _scores(run.folder).get("decision")):
        by_fold = {int(fold): tuple(params) for fold, params in recorded["by_fold"].items()}
        if folds <= by_fold.keys():
            params: Params = tuple(recorded["params"])
            return FittedDecisions(names=decision.names, params=params, by_fold=by_fold)
    return fit_decisions(run.competition, run.pairs(), run.fold_of, run.config.seed)


def common_ids(runs: Sequence[RunOof]) -> CommonIds:
    """The ids of the samples that all runs have predicted out of fold.

    Runs that trained other folds share fewer samples than they have, and a note says how many.

    Raises:
        RunError: they share no sample, or, of runs on different data, fewer than half of those of
            the smaller run.
        DataError: a sample does not have the same target in all runs.
    """
    first = runs[0]
    ids = [name for name in first.ids if all(name in run.samples for run in runs[1:])]
    sizes = [len(run.samples) for run in runs]
    same_data = len({run.data.fingerprint for run in runs}) == 1
    if not ids or (not same_data and len(ids) < LEAST_SHARE * min(sizes)):
        counts = ", ".join(f"{run.run_id} {len(run.samples)}" for run in runs)
        raise RunError(
            f"the runs share {len(ids)} samples predicted out of fold ({counts}): give runs over "
            "the same samples and folds, or finish them"
        )
    for run in runs[1:]:
        _check_targets(first, run, ids)
    notes = [f"{run.run_id} is not finished" for run in runs if not run.finished]
    if max(sizes) > len(ids):
        counts = ", ".join(f"{size} of {run.run_id}" for run, size in zip(runs, sizes, strict=True))
        notes.append(f"only the {len(ids)} samples that all runs have are used ({counts})")
    same_folds = all(_same_parts(first, run, ids) for run in runs[1:])
    if not same_folds:
        notes.append(
            "the runs have different folds: every prediction is out of fold, but the runs trained "
            "on different parts, which adds noise"
        )
    return CommonIds(ids=ids, same_folds=same_folds, notes=notes)


def _check_targets(first: RunOof, other: RunOof, ids: Sequence[str]) -> None:
    for name in ids:
        samples = first.samples[name], other.samples[name]
        if samples[0].target is samples[1].target and first.data.root == other.data.root:
            continue
        if not _same_target((first, other), samples):
            raise DataError(
                f"'{name}' has another target in {other.data.root} ({other.run_id}) than in "
                f"{first.data.root} ({first.run_id}): give runs on the same targets"
            )


def _same_target(runs: tuple[RunOof, RunOof], samples: tuple[Sample, Sample]) -> bool:
    one, other = (sample.target for sample in samples)
    if isinstance(one, Path) and isinstance(other, Path):
        return one == other or sha256(one) == sha256(other)
    first, second = (
        read_target(run.competition.task, sample, run.reader)
        for run, sample in zip(runs, samples, strict=True)
    )
    return np.array_equal(first, second)


def _same_parts(first: RunOof, other: RunOof, ids: Sequence[str]) -> bool:
    """Whether both runs split the samples into the same parts; the numbers may differ."""
    numbers = {(first.fold_of[name], other.fold_of[name]) for name in ids}
    one, two = zip(*numbers, strict=True)
    return len(numbers) == len(set(one)) == len(set(two))
