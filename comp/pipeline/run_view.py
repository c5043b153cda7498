"""A run on disk, as Python code sees it."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comp.contract import registry
from comp.errors import DataError, RunError
from comp.files import read_json
from comp.runs.catalog import state_of
from comp.runs.folder import RunFolder, with_present_keys
from comp.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

    from comp.contract.competition import Competition
    from comp.contract.sample import Sample
    from comp.inference.predictions import Predictions


@dataclass(frozen=True, repr=False)
class Run:
    """A run. Its attributes are read from the files in `folder` each time.

    Attributes and methods that need a finished run raise RunError for an unfinished one.
    """

    folder: Path
    """The folder `runs/<competition>/<run id>`, an absolute path."""

    @property
    def run_id(self) -> str:
        """The id of the run."""
        return self.folder.name

    @property
    def competition(self) -> str:
        """The name of the competition."""
        return str(self._record("competition")["competition"])

    @property
    def state(self) -> str:
        """One of "finished", "running", "interrupted", "failed" and "damaged"."""
        return state_of(self.folder, self._record())[0]

    @property
    def synthetic(self) -> bool:
        """Whether the data is synthetic; the scores then say nothing about the competition."""
        return bool(self._record("synthetic")["synthetic"])

    @property
    def config(self) -> dict[str, Any]:
        """The complete configuration as nested keys with JSON values, as `comp.run(config=...)`
        accepts it."""
        return dict(self._record("config")["config"])

    @property
    def metric(self) -> str:
        """The name of the metric."""
        return str(self.scores()["metric"])

    @property
    def cv_score(self) -> float:
        """The metric over all out-of-fold predictions.

        Raises:
            RunError: the run is not finished.
        """
        return float(self.scores()["cv_score"])

    @property
    def fold_scores(self) -> dict[int, float]:
        """The metric of each fold, by its 0-based number.

        Raises:
            RunError: the run is not finished.
        """
        return {int(fold): float(score) for fold, score in self.scores()["fold_scores"].items()}

    @property
    def submission(self) -> Path:
        """The submission file, an absolute path; it is missing before the first fold ends."""
        return self.workspace.submission(self.folder.parent.name, self.run_id)

    @property
    def workspace(self) -> Workspace:
        """The workspace of the run: data in the current folder, results where the run is."""
        return Workspace.at(Path.cwd(), self.folder.parents[2])

    def scores(self) -> dict[str, Any]:
        """The contents of scores.json: `metric`, `direction` ("min" or "max"), `cv_score`,
        `fold_scores` (fold number as text -> score), `mean` and `std` of the folds, `standing`,
        `synthetic`, `threshold` and `classes`.

        Raises:
            RunError: the run is not finished, or the file is damaged.
        """
        path = RunFolder(self.folder).scores
        if not path.is_file():
            raise RunError(
                f"run {self.run_id} has no scores, its state is {self.state}: continue it with "
                f"comp.resume({self.run_id!r})"
            )
        try:
            return with_present_keys(dict(read_json(path)))
        except (OSError, ValueError, TypeError) as error:
            raise RunError(f"{path} cannot be read ({error}): restore it, or run again") from None

    def oof(self) -> pd.DataFrame | Predictions:
        """The out-of-fold predictions: each training sample is predicted by the fold that did not
        train on it.

        Returns:
            For labels and numbers, a DataFrame with one row per sample, in the order of folds.csv:
            `id` (str), `fold` (int64), `target` (int64 for classes, else float64), and
            `prediction` (float32), or for several outputs one column `prediction_<class>` or
            `prediction_<number>` each (float32); several targets likewise. With two classes
            `prediction` is the probability of the second one.
            For images, a mapping of ids to float32 arrays (H, W, C) in the metric's units, usually
            0..1; an array is read from the disk when it is accessed.

        Raises:
            RunError: no fold is finished, or the file is damaged.
            DataError: the targets are needed, and the data of the run is missing or has changed.
        """
        from comp.inference.predictions import Predictions

        predictions = Predictions(RunFolder(self.folder).oof)
        competition = registry.get(self.competition)
        return (
            predictions
            if competition.task.output == "image"
            else self._table(competition, predictions)
        )

    def _table(self, competition: Competition, predictions: Predictions) -> pd.DataFrame:
        import numpy as np
        import pandas as pd

        from comp.data.folds import read_folds
        from comp.data.units import unit_of
        from comp.inference.predictions import named_columns
        from comp.pipeline.resume import source_of

        source = source_of(self._record("competition", "data", "synthetic"), self.workspace)
        self._check_data(competition, source.root)
        samples = {sample.id: sample for sample in self._train(competition, source.root)}
        fold_of, target_of = {}, {}
        for sample_id, fold in read_folds(RunFolder(self.folder).folds_csv).items():
            name = unit_of(samples[sample_id])
            if fold >= 0 and name in predictions:
                fold_of[name] = fold
                target_of[name] = np.atleast_1d(np.asarray(samples[sample_id].target))
        frame = pd.DataFrame({"id": list(fold_of), "fold": list(fold_of.values())})
        names, targets = competition.task.labels, np.stack(list(target_of.values()))
        first = next(iter(samples.values())).target
        if competition.task.label_names(first) and (targets == targets.round()).all():
            targets = targets.astype(np.int64)
        values = np.stack([predictions[name].reshape(-1) for name in fold_of])
        return frame.assign(
            **named_columns("target", targets, names), **named_columns("prediction", values, names)
        )

    def _train(self, competition: Competition, root: Path) -> Sequence[Sample]:
        from comp.data.external import read_pointer, read_train

        return read_train(competition, root, read_pointer(RunFolder(self.folder).reader_folder))

    def _check_data(self, competition: Competition, root: Path) -> None:
        from comp.data.fingerprint import has_fingerprint
        from comp.data.images.prepare import without_skipped
        from comp.data.images.prepared import absolute_keys

        record = self._record("data_fingerprint")
        skipped = absolute_keys(record.get("skipped") or {}, root, record.get("data"))
        train = without_skipped(self._train(competition, root), skipped)
        test = competition.samples(root, "test")
        expected, caches = record["data_fingerprint"], self.workspace.cache
        if not has_fingerprint([*train, *test], expected, caches):
            raise DataError(
                f"the data in {root} has changed since run {self.run_id} started, so its targets "
                "may be others: restore the data, or start a new run"
            )

    def _record(self, *needed: str) -> dict[str, Any]:
        return RunFolder(self.folder).record(*needed)

    def _summary(self) -> dict[str, str]:
        """The parts of the repr: labels and values."""
        parts = {"run": self.run_id, "competition": self.competition, "state": self.state}
        if RunFolder(self.folder).scores.is_file():
            parts[f"OOF {self.metric}"] = f"{self.cv_score:.5f}"
            if self.synthetic:
                parts["data"] = "synthetic"
        return parts

    def __repr__(self) -> str:
        try:
            return f"<{', '.join(f'{key} {value}' for key, value in self._summary().items())}>"
        except RunError as error:
            return f"<run {self.run_id}: {error}>"

    def _repr_html_(self) -> str:
        """The repr as a table, for notebooks."""
        try:
            parts = self._summary() | {"folder": str(self.folder)}
        except RunError as error:
            parts = {"run": self.run_id, "error": str(error)}
        rows = (
            f"<tr><th>{html.escape(key)}</th><td>{html.escape(value)}</td></tr>"
            for key, value in parts.items()
        )
        return f"<table>{''.join(rows)}</table>"
