"""What int8 costs: both forms of each fold's network predict the samples that the fold held out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from comp.contract.sample import Sample
from comp.data.units import pooled, unit_of
from comp.errors import RunError
from comp.export.check import Run
from comp.export.networks import Entries, Loaded, Part, RunReader
from comp.export.session import open_session
from comp.inference.decisions import drawn_rows
from comp.inference.predictions import Predictions, save_predictions
from comp.pipeline.compare import difference_of
from comp.pipeline.run_oof import RunOof
from comp.runs.comparison import PairedDifference
from comp.signals import stop_if_requested

MOST = 2000
"""Held-out samples that are predicted; of more, this number is drawn."""


@dataclass(frozen=True, kw_only=True)
class Loss:
    """The score of the float and of the int8 networks on the same held-out samples, both without
    test-time augmentation."""

    metric: str
    direction: str
    samples: int
    of: int
    """The held-out samples of the run; `samples` of them were drawn."""
    difference: PairedDifference
    """Score of int8 minus score of float, with the 95 % interval."""

    @property
    def float_score(self) -> float:
        """The score of the float networks."""
        return self.difference.second

    @property
    def int8_score(self) -> float:
        """The score of the int8 networks."""
        return self.difference.first

    @property
    def lost(self) -> float:
        """How much worse int8 scores; below 0 if it scores better."""
        value = self.difference.value
        return value if self.direction == "min" else -value

    @property
    def is_worse(self) -> bool:
        """Whether int8 is worse by more than chance."""
        return self.difference.real and self.lost > 0


def chosen_ids(run: RunOof, parts: Sequence[Part]) -> list[str]:
    """The ids of the predictions that are measured: held out by the folds of `parts`."""
    folds = {part.fold for part in parts if not part.full}
    ids = [name for name in run.ids if run.fold_of[name] in folds]
    return [ids[row] for row in drawn_rows(len(ids), MOST, run.config.seed).tolist()]


def measure_loss(
    reader: RunReader,
    parts: Sequence[Part],
    files: Sequence[Mapping[str, Path]],
    scratch: Path,
) -> Loss:
    """Score the float and the int8 networks out of fold.

    Args:
        files: the float and the int8 file of each network, by the name of the part.
        scratch: a folder for predictions.

    Raises:
        RunError: a score is not defined.
    """
    run = reader.run
    parts = [part for part in parts if not part.full]
    ids = chosen_ids(run, parts)
    runs = []
    for number, paths in enumerate(files):
        path = scratch / f"held-out-{number}.safetensors"
        save_predictions(path, _predicted(reader, parts, ids, paths))
        chosen = {name: run.samples[name] for name in ids}
        runs.append(replace(run, samples=chosen, predictions=Predictions(path)))
    metric = run.competition.metric
    whole = len([name for name in run.ids if run.fold_of[name] in {part.fold for part in parts}])
    return Loss(
        metric=metric.name,
        direction=metric.direction,
        samples=len(ids),
        of=whole,
        difference=difference_of(runs[1], runs[0]),
    )


def _predicted(
    reader: RunReader, parts: Sequence[Part], ids: Sequence[str], paths: Mapping[str, Path]
) -> Iterator[tuple[Sample, np.ndarray]]:
    """Predictions of held-out samples, each by the networks of its fold."""
    run, wanted = reader.run, set(ids)
    for fold in sorted({part.fold for part in parts}):
        inside = [part for part in parts if part.fold == fold]
        loaded = [reader.load(part) for part in inside]
        predict = [open_session(paths[part.name]) for part in inside]
        samples = [
            sample
            for sample in run.data.train
            if unit_of(sample) in wanted and run.data.folds[sample.id] == fold
        ]
        values = ((sample, _mean_of(sample, loaded, predict)) for sample in samples)
        yield from pooled(values, samples, run.competition.pool)


def _mean_of(sample: Sample, loaded: Sequence[Loaded], predict: Sequence[Run]) -> np.ndarray:
    """The mean prediction of the networks of a fold."""
    stop_if_requested()
    out = [each(one.read([sample]))[0] for each, one in zip(predict, loaded, strict=True)]
    return np.asarray(np.mean(out, axis=0, dtype=np.float64), dtype=np.float32)


def calibration(run: RunOof, loaded: Loaded, part: Part, count: int) -> Iterator[Entries]:
    """Inputs of samples on which a network was trained: none of them is held out by its fold.

    Raises:
        RunError: the run has no such sample.
    """
    folds = run.data.folds
    others = [s for s in run.data.train if part.full or folds[s.id] not in (part.fold,)]
    if not others:
        raise RunError(f"{part.name} has no training sample to measure ranges on: leave out --int8")
    for row in drawn_rows(len(others), count, part.seed).tolist():
        stop_if_requested()
        yield loaded.read([others[row]])
