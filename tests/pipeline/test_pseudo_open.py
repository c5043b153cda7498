"""Runs with pseudo-labels: they leak nothing, resume with the same bytes, and predict."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score
from whole_run import competition_of

from comp.calls.pseudo import pseudo, pseudo_request
from comp.config.schema import resolve
from comp.data.location import DataSource
from comp.errors import CompError, RunError
from comp.inference.predictions import Predictions
from comp.pipeline.compare import compare
from comp.pipeline.predict import predict
from comp.pipeline.pseudo_source import LabellingRun
from comp.pipeline.resume import resume
from comp.pipeline.run import run
from comp.runs.folder import RunFolder
from comp.runs.progress import Silent
from comp.workspace import Workspace

PLUGIN = """
from comp.tasks.binary import binary
from comp.tasks.tabular import table

COMPETITION = table(
    task=binary(("no", "yes")), name="rows", title="Rows", kaggle="competitions/rows", metric="auc"
)
"""
ROWS, FOLDS = 240, 2
FIRST: Mapping[str, Any] = {"folds": FOLDS, "model": ["knn", "linear"], "knn": {"neighbors": 1}}


@dataclass(frozen=True)
class Data:
    """A folder with data, and what is in it; `folds` are those of the rows."""

    root: Path
    truth: np.ndarray
    labels: np.ndarray
    folds: np.ndarray

    @property
    def workspace(self) -> Workspace:
        return Workspace.at(self.root.parent)

    def first(self) -> str:
        """A run without pseudo-labels."""
        config = resolve("rows", [FIRST, {"folds_csv": str(self.root.parent / "folds.csv")}])
        return run(config, DataSource(self.root, False), self.workspace, Silent()).run_id

    def second(self, run_id: str, **keys: Any) -> Path:
        """A run with the pseudo-labels of a run."""
        request = pseudo_request(run_id, self.workspace, keys)
        return request.run(Silent(), 0.0).run_dir

    def folder(self, run_id: str) -> Path:
        return self.workspace.runs("rows") / run_id

    def auc_of_fold(self, folder: Path, fold: int, labels: np.ndarray) -> float:
        oof = Predictions(folder / f"fold-{fold}" / "oof.safetensors")
        chosen = [row for row in range(ROWS) if self.folds[row] == fold]
        return float(roc_auc_score(labels[chosen], [float(oof[f"r{row}"][0]) for row in chosen]))


def drawn(folder: Path, permuted: bool) -> Data:
    """Rows of two classes with a gap between them. Each test row is almost a copy of a training
    row, so that a model that has memorised its label betrays it."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, ROWS)
    x = rng.normal(truth[:, None] * 3.0, 1.0, (ROWS, 3))
    folds = np.arange(ROWS) % FOLDS
    labels = truth.copy()
    if permuted:
        labels[folds == 0] = rng.permutation(labels[folds == 0])
    root = folder / "data"
    root.mkdir(parents=True)
    names = [f"r{row}" for row in range(ROWS)]
    columns = {f"x{n}": x[:, n] for n in range(3)}
    near = {name: values + 1e-4 for name, values in columns.items()}
    words = np.where(labels == 1, "yes", "no")
    pl.DataFrame({"id": names, **columns, "target": words}).write_csv(root / "train.csv")
    tests = [f"t{row}" for row in range(ROWS)]
    pl.DataFrame({"id": tests, **near}).write_csv(root / "test.csv")
    half = np.full(ROWS, 0.5)
    pl.DataFrame({"id": tests, "target": half}).write_csv(root / "sample_submission.csv")
    pl.DataFrame({"id": names, "fold": folds}).write_csv(folder / "folds.csv")
    return Data(root, truth, labels, folds)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Data, Data]]:
    """The same data, without and with permuted labels in fold 0."""
    folder = tmp_path_factory.mktemp("pseudo")
    with pytest.MonkeyPatch.context() as patch:
        competition_of(PLUGIN, patch)
        patch.setattr("comp.pipeline.run.note_drift", lambda *_: None)  # takes a second
        yield drawn(folder / "plain", False), drawn(folder / "permuted", True)


@pytest.fixture(scope="module")
def runs(data: tuple[Data, Data]) -> tuple[tuple[str, Path], tuple[str, Path]]:
    """The first and the second run on each."""
    plain, permuted = ((one, one.first()) for one in data)
    return (plain[1], plain[0].second(plain[1])), (permuted[1], permuted[0].second(permuted[1]))


def labels_of(folder: Path, fold: int) -> bytes:
    return (folder / "reader" / f"pseudo-{fold}.safetensors").read_bytes()


def test_the_labels_of_a_fold_know_nothing_of_its_targets(
    data: tuple[Data, Data], runs: tuple[tuple[str, Path], tuple[str, Path]]
) -> None:
    """Permuted targets of fold 0 change the labels of fold 1, whose models learn from them, and no
    byte of the labels of fold 0. They are the equal mean of its models: the weights of its blend
    know its targets."""
    (first, plain), (_, permuted) = runs
    assert labels_of(plain, 0) == labels_of(permuted, 0)
    assert labels_of(plain, 1) != labels_of(permuted, 1)
    members = [
        Predictions(data[0].folder(first) / "fold-0" / name / "test.safetensors")["t5"][0]
        for name in ("knn", "linear")
    ]
    label = Predictions(plain / "reader" / "pseudo-0.safetensors")["t5"][0]
    assert label == pytest.approx(np.mean(members), abs=1e-6)


def test_the_score_of_a_fold_with_permuted_targets_is_at_chance(
    data: tuple[Data, Data], runs: tuple[tuple[str, Path], tuple[str, Path]]
) -> None:
    """And the fold predicts the true labels well."""
    permuted, folder = data[1], runs[1][1]
    assert permuted.auc_of_fold(folder, 0, permuted.truth) > 0.95
    assert abs(permuted.auc_of_fold(folder, 0, permuted.labels) - 0.5) < 0.15


def test_labels_of_another_fold_would_betray_the_targets(
    data: tuple[Data, Data],
    runs: tuple[tuple[str, Path], tuple[str, Path]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the test above would see if labels leaked."""
    permuted, (first, _) = data[1], runs[1]
    own = LabellingRun.files
    monkeypatch.setattr(LabellingRun, "files", lambda self, fold: own(self, 1 - fold))
    folder = permuted.second(first, model=["knn"])
    assert permuted.auc_of_fold(folder, 0, permuted.labels) > 0.8


def test_run_json_says_where_the_labels_come_from(
    data: tuple[Data, Data], runs: tuple[tuple[str, Path], tuple[str, Path]]
) -> None:
    plain, (first, folder) = data[0], runs[0]
    record = json.loads((folder / "run.json").read_text())
    origin = record["pseudo"]
    assert origin["run"] == first
    assert origin["runs"] == [first]
    assert origin["candidates"] == ROWS
    assert origin["folds"]["0"]["taken"] == ROWS
    shares = origin["folds"]["0"]["shares"]
    assert shares["yes"] == pytest.approx(plain.truth.mean(), abs=0.05)
    assert sum(shares.values()) == pytest.approx(1)
    before = (plain.folder(first) / "folds.csv").read_bytes()
    assert (folder / "folds.csv").read_bytes() == before
    out, settings = plain.workspace.out, {"seed": 7}
    third = pseudo(record["run_id"], confidence=0.999, set=settings, runs=out, quiet=True).folder
    later = json.loads((third / "run.json").read_text())
    assert later["pseudo"]["runs"] == [record["run_id"], first]
    assert 0 < later["pseudo"]["folds"]["0"]["taken"] <= ROWS
    assert later["pseudo"]["folds"]["0"]["unsure"] > 0
    assert (third / "folds.csv").read_bytes() == before


def test_the_run_resumes_predicts_and_compares_without_the_first(
    data: tuple[Data, Data], runs: tuple[tuple[str, Path], tuple[str, Path]], tmp_path: Path
) -> None:
    plain, (first, folder) = data[0], runs[0]
    assert compare(first, folder.name, plain.workspace).difference is not None
    copy = tmp_path / "out" / "runs" / "rows" / folder.name
    shutil.copytree(folder, copy)
    workspace, stopped = Workspace.at(tmp_path, tmp_path / "out"), RunFolder(copy)
    shutil.rmtree(copy / "fold-1")
    stopped.update_record(state="interrupted")
    resume(stopped, workspace, Silent())
    for name in ("fold-1/oof.safetensors", "fold-1/test.safetensors", "test.safetensors"):
        assert (copy / name).read_bytes() == (folder / name).read_bytes()
    again = predict(folder.name, workspace)
    expected, found = Predictions(folder / "test.safetensors"), again.out / "test.safetensors"
    assert np.array_equal(Predictions(found)["t3"], expected["t3"])


def test_other_unlabelled_data_gets_labels(
    data: tuple[Data, Data], runs: tuple[tuple[str, Path], tuple[str, Path]], tmp_path: Path
) -> None:
    plain, (first, _) = data[0], runs[0]
    other = tmp_path / "more"
    shutil.copytree(plain.root, other)
    table = pl.read_csv(other / "test.csv").head(50)
    pl.read_csv(other / "sample_submission.csv").head(50).write_csv(other / "sample_submission.csv")
    table.with_columns(pl.col("x0") + 0.5).write_csv(other / "test.csv")
    request = pseudo_request(first, plain.workspace, {"pseudo": {"most": 0.25}}, data=other)
    folder = request.run(Silent(), 0.0).run_dir
    origin = json.loads((folder / "run.json").read_text())["pseudo"]
    assert origin["candidates"] == 50
    assert origin["folds"]["1"]["taken"] == 30  # a quarter of 120
    assert origin["folds"]["1"]["left_out"] == 20
    again = pseudo_request(folder.name, plain.workspace, {}).config(False)
    assert again.pseudo.data is None  # not the data of the run that labels
    given = pseudo_request(first, plain.workspace, {"fold_seed": 5}).config(False)
    assert given.fold_seed == 5  # not ignored: other folds are refused
    assert pseudo_request(first, plain.workspace, {}, skip_bad=True).skip_bad
    table.write_csv(other / "test.csv")
    stopped = RunFolder(folder)
    stopped.update_record(state="interrupted")
    with pytest.raises(CompError, match=r"unlabelled data in .* changed since"):
        resume(stopped, plain.workspace, Silent())


def test_samples_with_pseudo_labels_are_no_validation(
    data: tuple[Data, Data], runs: tuple[tuple[str, Path], tuple[str, Path]], tmp_path: Path
) -> None:
    plain, labelled = data[0], tmp_path / "labelled"
    shutil.copytree(plain.root, labelled)
    table = pl.read_csv(labelled / "test.csv").with_columns(target=pl.lit("yes"))
    table.write_csv(labelled / "train.csv")
    message = r"pseudo.run train with pseudo-labels, and 240 of 240 samples have the id .* is t0:"
    with pytest.raises(CompError, match=message):
        plain.second(runs[0][0], validation=str(labelled))


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"pseudo": {"labels": "soft"}}, "knn learns one class for each sample"),
        ({"folds_csv": None}, "other folds than run .* set folds_csv="),
    ],
)
def test_what_cannot_be_is_refused_before_training(
    data: tuple[Data, Data],
    runs: tuple[tuple[str, Path], tuple[str, Path]],
    keys: dict[str, Any],
    message: str,
) -> None:
    before = sorted(data[0].workspace.runs("rows").iterdir())
    first = runs[0][0]
    with pytest.raises(CompError, match=message):
        data[0].second(first, **keys)
    assert sorted(data[0].workspace.runs("rows").iterdir()) == before


def test_a_blend_and_an_unfinished_run_do_not_label(
    data: tuple[Data, Data], runs: tuple[tuple[str, Path], tuple[str, Path]]
) -> None:
    first = RunFolder(data[1].folder(runs[1][0]))
    for change, message in (
        ({"blend": {"runs": []}}, "a blend, whose weights know the targets of all folds"),
        ({"state": "interrupted"}, "is interrupted, .*'comp resume"),
    ):
        kept = first.record()
        first.update_record(**change)
        with pytest.raises(RunError, match=message):
            pseudo_request(first.run_id, data[1].workspace, {})
        (first.path / "run.json").write_text(json.dumps(kept))
