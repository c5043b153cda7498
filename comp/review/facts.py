"""What a report knows of a run: its files, its out-of-fold predictions, and its samples."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from comp.contract import registry
from comp.contract.competition import Competition
from comp.contract.metric import Metric
from comp.contract.sample import Reader, Sample
from comp.contract.task import Params, Task, decide
from comp.data.units import unit_of
from comp.errors import CompError, RunError
from comp.files import read_json
from comp.inference.decisions import FittedDecisions
from comp.pipeline.run_oof import RunOof, fitted_decisions, read_run_oof
from comp.pipeline.run_samples import SampleSource
from comp.review.looks import Looks, looks_of_test, looks_of_train
from comp.review.sample_errors import SampleErrors, sample_errors
from comp.runs.folder import RunFolder, with_present_keys
from comp.workspace import Workspace

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class FoldFacts:
    """A fold that is finished or has started."""

    fold: int
    path: Path
    meta: Mapping[str, Any] = field(default_factory=dict)
    """The contents of meta.json, as `FoldResult`; empty while the fold trains."""
    history: Sequence[Mapping[str, Any]] = ()
    """A line for each validation: step, epoch, loss, lr, score, seconds. Empty of models that are
    not networks; of several seeds, those of the first."""


@dataclass(frozen=True, kw_only=True)
class NumberOof:
    """The out-of-fold predictions of a task of numbers as arrays of N samples, in the order of
    `ids`."""

    ids: Sequence[str]
    folds: np.ndarray
    """int64 (N,)."""
    groups: Sequence[str]
    targets: np.ndarray
    """Encoded, float64 (N, T): of classes the index (N, 1), of labels 0 or 1 (N, K), of grades the
    grade (N, 1), of values the values (N, K)."""
    predictions: np.ndarray
    """float64 (N, K)."""
    decided: np.ndarray | None
    """float64 (N, T), each with the parameters that score its fold; None without decisions."""
    params: Params
    """The decision parameters that the run submits; () without decisions."""


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """A run, as its files describe it. What costs time is read when it is first used."""

    folder: RunFolder
    workspace: Workspace
    competition: Competition
    record: Mapping[str, Any]
    """The contents of run.json."""
    scores: Mapping[str, Any]
    """The contents of scores.json; empty of a run that is not finished."""
    folds: Sequence[FoldFacts]
    oof: RunOof | None
    """None if the data or the predictions are missing."""
    source: SampleSource | None = None
    """Has read the samples of `oof`: those of another run on the same data need not be read."""
    oof_missing: str = ""
    """Why `oof` is None."""
    explain: int = 0
    """How many of the worst samples are explained; 0: none."""
    explain_until: float = math.inf
    """`time.monotonic()` when the time for explanations is over, because the run has a budget."""

    def once(self, name: str, make: Callable[[], T]) -> T:
        """What `make` returns; it is called once for each name, and several panels share it."""
        kept: dict[str, Any] = self.__dict__.setdefault("_kept", {})
        if name not in kept:
            kept[name] = make()
        found: T = kept[name]
        return found

    @property
    def run_id(self) -> str:
        """The id of the run."""
        return self.folder.run_id

    @property
    def task(self) -> Task:
        """The task of the competition."""
        return self.competition.task

    @property
    def metric(self) -> Metric:
        """The metric of the competition."""
        return self.competition.metric

    @property
    def config(self) -> Mapping[str, Any]:
        """The complete configuration, nested."""
        config: Mapping[str, Any] = self.record.get("config") or {}
        return config

    @property
    def synthetic(self) -> bool:
        """Whether the data is synthetic."""
        return bool(self.record.get("synthetic"))

    @property
    def finished(self) -> bool:
        """Whether the run has scores."""
        return bool(self.scores)

    @cached_property
    def decisions(self) -> FittedDecisions | None:
        """The fitted parameters of the decisions, the default ones if a prediction is not finite;
        None without decisions or predictions."""
        if self.oof is None or self.task.decision is None:
            return None
        try:
            return fitted_decisions(self.oof)
        except RunError:
            decision, folds = self.task.decision, set(self.oof.fold_of.values())
            by_fold = dict.fromkeys(folds, decision.default)
            return FittedDecisions(names=decision.names, params=decision.default, by_fold=by_fold)

    @cached_property
    def numbers(self) -> NumberOof | None:
        """The out-of-fold predictions as arrays; None for tasks of images, or without them."""
        return None if self.oof is None or self.task.output == "image" else self._numbers(self.oof)

    def _numbers(self, oof: RunOof) -> NumberOof:
        pairs = list(oof.pairs())
        fitted, takes = self.decisions, self.metric.takes == "decisions"
        decided = None
        if self.task.decision and fitted:
            decided = np.stack(
                [
                    decide(
                        self.task.decision,
                        pair[1],
                        fitted.by_fold[oof.fold_of[pair.id]] if takes else fitted.params,
                    ).reshape(-1)
                    for pair in pairs
                ]
            ).astype(np.float64)
        return NumberOof(
            ids=oof.ids,
            folds=np.array([oof.fold_of[name] for name in oof.ids]),
            groups=[oof.groups[name] for name in oof.ids],
            targets=np.stack([np.ravel(pair[0]) for pair in pairs]).astype(np.float64),
            predictions=np.stack([np.ravel(pair[1]) for pair in pairs]).astype(np.float64),
            decided=decided,
            params=fitted.params if fitted else (),
        )

    @cached_property
    def errors(self) -> SampleErrors | None:
        """How wrong the run is about each sample; None without predictions."""
        return sample_errors(self)

    @cached_property
    def train_looks(self) -> Looks:
        """What images of samples with a prediction look like."""
        return looks_of_train(self)

    @cached_property
    def test_looks(self) -> Looks:
        """What images of test samples look like."""
        return looks_of_test(self)

    @cached_property
    def reader(self) -> Reader | None:
        """Reads the images of all samples; None without data, or if the samples have no images."""
        if self.oof is None or not self.first_images:
            return None
        return self.oof.images

    @cached_property
    def first_images(self) -> Mapping[str, Sample]:
        """The sample with the image of each id of a prediction; of a unit, that of its first."""
        found: dict[str, Sample] = {}
        for sample in self.oof.data.train if self.oof else ():
            if sample.image is not None:
                found.setdefault(unit_of(sample), sample)
        return found

    def image(self, name: str) -> np.ndarray | None:
        """The image of an id as the network's reader returns it, uint8 (H, W, C); None if it has
        none or cannot be read."""
        sample = self.first_images.get(name)
        if sample is None or self.reader is None:
            return None
        try:
            return self.reader(sample)["image"]
        except (CompError, OSError, KeyError):
            return None


def read_facts(run_id: str, workspace: Workspace) -> RunFacts:
    """The facts of a run, finished or not.

    Args:
        run_id: the id of a run, or the beginning of the id.

    Raises:
        RunError: there is no such run, or run.json is damaged.
        CompetitionError: its competition does not exist any more.
    """
    folder = RunFolder(workspace.find_run(run_id))
    record = folder.record("competition", "config")
    oof, why, source = None, "", SampleSource(workspace)
    try:
        oof = read_run_oof(folder, workspace, source)
    except CompError as error:
        why = str(error)
    settings = record["config"].get("report") or {}
    return RunFacts(
        explain=int(settings.get("explain", 12)),
        folder=folder,
        workspace=workspace,
        competition=registry.get(record["competition"]),
        record=record,
        scores=_json(folder.scores),
        folds=read_folds(folder, record),
        oof=oof,
        source=source,
        oof_missing=why,
    )


def read_folds(folder: RunFolder, record: Mapping[str, Any]) -> list[FoldFacts]:
    """The folds of a run that have a folder, in order. Files that are damaged count as missing."""
    numbers = [int(fold) for fold in record.get("folds") or ()]
    return [
        FoldFacts(
            fold=fold,
            path=folder.fold(fold),
            meta=_json(folder.fold(fold) / "meta.json"),
            history=_history(folder.fold(fold)),
        )
        for fold in numbers
        if folder.fold(fold).is_dir()
    ]


def _json(path: Path) -> dict[str, Any]:
    try:
        return with_present_keys(dict(read_json(path)))
    except (OSError, ValueError, TypeError):
        return {}


def histories(folder: Path) -> list[Path]:
    """history.jsonl of a fold, or of each of its seeds and networks, in order."""
    own = folder / "history.jsonl"
    return [own] if own.is_file() else sorted(folder.glob("**/history.jsonl"))


def _history(folder: Path) -> list[Mapping[str, Any]]:
    """The lines of history.jsonl of a fold, or of its first seed or network."""
    file = next(iter(histories(folder)), None)
    lines: list[Mapping[str, Any]] = []
    for line in file.read_text(encoding="utf-8").splitlines() if file else ():
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict) and "step" in value:
            lines.append(value)
    return lines
