"""The run that labels: what it must be, and where each fold finds labels that know nothing of the
samples that it holds out.

In cross-validation the models of all other folds have trained on the held-out samples of fold k.
Only those of fold k itself have not, so the labels of fold k are their predictions, and no others.
If that run has pseudo-labels of its own, its fold k has learned from those of fold k alone, and so
on: no target of a sample of fold k reaches the labels of fold k in any number of rounds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comp.config.schema import RunConfig, resolve
from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.data.folds import Folds
from comp.data.groups import APART
from comp.data.location import DataSource
from comp.data.overlap import check_apart
from comp.errors import ConfigError, DataError, FoldError, RunError
from comp.pipeline.plugin_check import check_plugin
from comp.pipeline.pseudo_fold import learns_soft, targets_of
from comp.pipeline.run_samples import RunSamples, SampleSource
from comp.runs.catalog import state_of
from comp.runs.folder import RunFolder
from comp.runs.lineage import blend_record
from comp.workspace import Workspace

TEST = "test.safetensors"
SOURCE_KEYS = ("competition", "config", "folds", "data", "synthetic", "data_fingerprint")


@dataclass(frozen=True, kw_only=True)
class LabellingRun:
    """A finished run that labels."""

    folder: RunFolder
    record: Mapping[str, Any]
    config: RunConfig
    samples: RunSamples

    def files(self, fold: int) -> tuple[Path, ...]:
        """The test predictions of the models of a fold.

        Several models are blended with weights that the held-out targets of the fold have fitted,
        so the predictions of each model are taken instead of the blend.
        """
        folder = self.folder.fold(fold)
        if len(self.config.model) == 1:
            return (folder / TEST,)
        names = self.config.model
        return tuple(path for name in names for path in sorted(folder.glob(f"**/{name}/{TEST}")))


def open_run(run_id: str, workspace: Workspace) -> tuple[RunFolder, dict[str, Any]]:
    """A run that can label, and its run.json.

    Raises:
        RunError: there is no such run, it is not finished, or it is a blend.
    """
    folder = RunFolder(workspace.find_run(run_id))
    record = folder.record(*SOURCE_KEYS)
    if blend_record(record):
        raise RunError(
            f"run {folder.run_id} is a blend, whose weights know the targets of all folds, so its "
            "labels would leak: name one of its runs"
        )
    state = state_of(folder.path, record)[0]
    if state != "finished":
        raise RunError(
            f"run {folder.run_id} is {state}, so it has not predicted all samples: finish it with "
            f"'comp resume {folder.run_id}'"
        )
    return folder, record


def labelling_run(
    competition: Competition,
    config: RunConfig,
    source: DataSource,
    workspace: Workspace,
) -> LabellingRun:
    """The run that `pseudo.run` names.

    Raises:
        RunError: it cannot label: it is not finished, a blend, or of another competition.
        DataError: its data has changed, or this run has other data.
    """
    assert config.pseudo.run is not None
    folder, record = open_run(config.pseudo.run, workspace)
    if record["competition"] != competition.name:
        raise RunError(
            f"run {folder.run_id} is of {record['competition']}, not of {competition.name}: "
            "give another pseudo.run"
        )
    check_plugin(folder.run_id, record, competition)
    if Path(record["data"]).resolve() != source.root.resolve():
        raise RunError(
            f"run {folder.run_id} has the data {record['data']}, this run {source.root}: "
            "pseudo-labels need the samples and folds of the run, so give it the same data"
        )
    return LabellingRun(
        folder=folder,
        record=record,
        config=resolve(competition.name, [record["config"]], competition.options),
        samples=SampleSource(workspace).samples_of(folder, competition, record),
    )


def check_labels(competition: Competition, config: RunConfig) -> None:
    """Check that the task can learn from predictions as the section `pseudo` says.

    Raises:
        ConfigError: it cannot; the message says why.
    """
    targets, task = targets_of(competition), competition.task
    for name in config.model:
        learns_soft(competition, config.model_copy(update={"model": [name]}))
    if config.pseudo.confidence is not None and targets.confidence is None:
        raise ConfigError(
            f"pseudo.confidence = {config.pseudo.confidence:g}, but predictions of {task.kind} do "
            "not say how sure they are: leave it out, and set pseudo.weight below 1 instead"
        )
    if config.scheme == "time":
        raise ConfigError(
            "scheme = time: a fold trains only on samples that are earlier than those it holds "
            "out, and pseudo-labelled samples may be later: leave pseudo.run out"
        )
    if task.output == "image" and config.loader.sampler == "own":
        raise ConfigError(
            "loader.sampler = own reads the target images, and pseudo-labelled images have no such "
            "files: set loader.sampler=shuffle"
        )


def check_folds(run: LabellingRun, folds: Folds, to_train: Sequence[int]) -> None:
    """Check that the folds of a run are those of the run that labels, so that no model that labels
    for a fold has trained on what the fold holds out.

    Raises:
        FoldError: they are not.
        RunError: the run has not trained one of the folds `to_train`.
    """
    run_id, labelled_by = run.folder.run_id, run.samples.folds
    apart = [name for name, fold in folds.items() if fold <= APART]
    known = [name for name in apart if labelled_by.get(name, folds[name]) != folds[name]]
    if known:
        raise FoldError(
            f"external_folds holds out {len(known)} external samples on which run {run_id} has "
            f"trained, so its labels know their targets, the first is '{known[0]}': set "
            "external_folds=false, or label with a run that has external_folds=true too"
        )
    different = [
        name for name, fold in folds.items() if fold >= 0 and labelled_by.get(name, fold) != fold
    ]
    if different:
        raise FoldError(
            f"this run has other folds than run {run_id}, whose models would know what a fold "
            f"holds out: {len(different)} samples differ, the first is '{different[0]}'; set "
            f"folds_csv={run.folder.folds_csv}"
        )
    trained = set(map(int, run.record["folds"]))
    missing = [fold for fold in to_train if fold not in trained or not run.files(fold)]
    if missing:
        raise RunError(
            f"run {run_id} has not trained fold {missing[0]}, and only its models may label for "
            f"this fold: train {', '.join(f'--fold {fold}' for fold in sorted(trained))}"
        )


def check_unseen(
    run: LabellingRun, samples: Sequence[Sample], noun: str, own_groups: bool = False
) -> None:
    """Check that the run that labels has not trained on the samples of `validation`: its labels
    would know their targets.

    Args:
        noun: the word for a group.
        own_groups: groups of the same name are different ones.

    Raises:
        DataError: it has; the message has their number and the first.
    """
    try:
        check_apart(samples, run.samples.train, noun, own_groups)
    except DataError as error:
        raise DataError(
            f"run {run.folder.run_id}, which labels, has trained on samples of validation: {error}"
        ) from None
