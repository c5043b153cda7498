"""`drop = FILE` in a whole run: folds, training, scores, resume and repeat."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from toys import toy

from comp.config.schema import resolve
from comp.contract import registry
from comp.contract.sample import Sample
from comp.data.dropped import Dropped
from comp.data.location import DataSource
from comp.errors import DataError, FoldError
from comp.files import write_json
from comp.inference.predictions import Predictions
from comp.pipeline.compare import compare
from comp.pipeline.dropped import check_dropped, repeated_note
from comp.pipeline.resume import resume
from comp.pipeline.run import run
from comp.runs.folder import RunFolder
from comp.runs.progress import Silent
from comp.runs.results import RunSummary
from comp.tasks.binary import binary
from comp.tasks.tabular import table
from comp.workspace import Workspace

N = 48
TWIN = "r1"
"""It is the row of r0 once more, with the other label, in the other fold."""
COMPETITION = table(
    name="toy",
    title="Toy",
    kaggle="competitions/toy",
    task=binary(("no", "yes")),
    target="paid",
    id_column="id",
)


class Notes(Silent):
    """Remembers the notes of a run."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


class Runs:
    """Two runs of one nearest neighbour on the same folds, the second without `TWIN`."""

    def __init__(self, root: Path) -> None:
        self.workspace, self.data, self.file = Workspace.at(root), root / "data", root / "s.csv"
        self.data.mkdir()
        rng = np.random.default_rng(0)
        ids = [f"r{row}" for row in range(N)]
        x = rng.normal(size=N).round(3)
        x[1] = x[0]
        paid = (x > 0).astype(int)
        paid[1] = 1 - paid[0]
        pl.DataFrame({"id": ids, "x": x, "paid": paid}).write_csv(self.data / "train.csv")
        pl.DataFrame({"id": ["t0", "t1"], "x": [0.5, x[0]]}).write_csv(self.data / "test.csv")
        sample = pl.DataFrame({"id": ["t0", "t1"], "paid": [0.5, 0.5]})
        sample.write_csv(self.data / "sample_submission.csv")
        folds = pl.DataFrame({"id": ids, "fold": [row % 2 for row in range(N)]})
        folds.write_csv(root / "folds.csv")
        self.layer: dict[str, Any] = {
            "folds_csv": str(root / "folds.csv"),
            "folds": 2,
            "model": ["knn"],
            "knn": {"neighbors": 1},
        }
        self.own = paid[0]
        self.file.write_text(f"rank,id\n1,{TWIN}\n")
        self.whole, _ = self.run()
        self.without, self.notes = self.run(drop=str(self.file))

    def run(self, **layer: Any) -> tuple[RunSummary, list[str]]:
        """A run and its notes."""
        reporter = Notes()
        config = resolve("toy", [COMPETITION.defaults, self.layer, layer])
        return run(config, DataSource(self.data, False), self.workspace, reporter), reporter.notes


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "competitions", lambda: {"toy": COMPETITION})
        yield Runs(tmp_path_factory.mktemp("drop"))


def oof(summary: RunSummary) -> Predictions:
    return Predictions(summary.run_dir / "oof.safetensors")


def test_a_dropped_sample_does_not_train_and_is_predicted(runs: Runs) -> None:
    twin_trains, twin_dropped = oof(runs.whole), oof(runs.without)
    assert twin_trains["r0"] == pytest.approx(1 - runs.own)  # its nearest neighbour is its twin
    assert twin_dropped["r0"] != pytest.approx(1 - runs.own)
    assert twin_dropped[TWIN] == pytest.approx(runs.own)  # r0 is its nearest neighbour in both
    assert twin_trains[TWIN] == pytest.approx(runs.own)
    assert sorted(twin_dropped) == sorted(twin_trains)


def test_the_folds_are_the_same_so_that_the_runs_can_be_compared(runs: Runs) -> None:
    first, second = (s.run_dir / "folds.csv" for s in (runs.whole, runs.without))
    assert first.read_bytes() == second.read_bytes()
    found = compare(runs.without.run_id, runs.whole.run_id, runs.workspace)
    assert found.n == N
    assert not any("different" in note for note in found.notes)


def test_the_score_is_that_of_all_samples_and_the_other_beside_it(runs: Runs) -> None:
    targets = pl.read_csv(runs.data / "train.csv")
    predicted = np.array([oof(runs.without)[name][0] for name in targets["id"]])
    dropped = runs.without.dropped
    assert (dropped["samples"], dropped["scored"]) == (1, 1)
    paid = targets["paid"].to_numpy()
    rest = np.arange(N) != 1
    assert runs.without.cv_score == pytest.approx(metric(paid, predicted))
    assert dropped["score_without"] == pytest.approx(metric(paid[rest], predicted[rest]))
    assert dropped["score_without"] != pytest.approx(runs.without.cv_score)
    card = json.loads((runs.without.run_dir / "scores.json").read_text())
    assert card["dropped"] == dropped
    assert "dropped" not in json.loads((runs.whole.run_dir / "scores.json").read_text())


def metric(targets: np.ndarray, predictions: np.ndarray) -> float:
    pairs = zip(targets[:, None].astype(float), predictions[:, None], strict=True)
    return COMPETITION.metric.score(list(pairs))


def test_the_record_and_the_note(runs: Runs) -> None:
    record = RunFolder(runs.without.run_dir).record()
    assert record["dropped"]["samples"] == 1
    assert len(record["dropped"]["sha256"]) == 64
    assert any("1 of 48 training samples do not train" in note for note in runs.notes)
    assert "dropped" not in RunFolder(runs.whole.run_dir).record()
    changed = Dropped(file=runs.file, sha256="other", ids=["r1", "r2"])
    assert "it named 1 samples, and now names 2" in repeated_note(changed, record)
    assert repeated_note(changed, {}) == ""


def test_a_run_resumes_with_its_own_list(runs: Runs) -> None:
    """The file changes meanwhile; without the run's own list that is refused."""
    summary = runs.without
    folder, before = RunFolder(summary.run_dir), summary.submission.read_bytes()
    predictions = folder.oof.read_bytes()
    for path in (folder.scores, folder.fold(1) / "meta.json", folder.oof):
        path.unlink()
    write_json(folder.path / "run.json", folder.record() | {"state": "interrupted"})
    text = runs.file.read_text()
    runs.file.write_text("id\nr0\nr2\nr4\n")
    own = folder.reader_folder / "dropped.json"
    kept = own.read_bytes()
    try:
        own.unlink()
        with pytest.raises(DataError, match="the file of drop changed since run"):
            resume(folder, runs.workspace, Silent())
        own.write_bytes(kept)
        resumed = resume(folder, runs.workspace, Silent())
    finally:
        runs.file.write_text(text)
    assert resumed.submission.read_bytes() == before
    assert folder.oof.read_bytes() == predictions
    assert resumed.dropped == summary.dropped


def test_an_unknown_id_is_refused_before_a_run_exists(runs: Runs) -> None:
    wrong = runs.file.with_name("wrong.txt")
    wrong.write_text("r3\nt0\n")
    before = sorted(runs.workspace.runs("toy").iterdir())
    with pytest.raises(DataError, match=r"names 1 of 2 ids .* the first is 't0'"):
        runs.run(drop=str(wrong))
    assert sorted(runs.workspace.runs("toy").iterdir()) == before


def test_a_list_of_another_state_of_the_labels_is_told(runs: Runs) -> None:
    old = runs.file.with_name("old.csv")
    was = ("no", "yes")[runs.own]  # the label of TWIN is the other one
    old.write_text(f"id,given,label\n{TWIN},{was},\n")
    _, notes = runs.run(drop=str(old))
    told = [note for note in notes if "1 of 1 samples have changed since the list was made" in note]
    assert len(told) == 1
    assert not any("have changed since the list" in note for note in runs.notes)


def test_a_fold_must_keep_a_sample_of_each_class() -> None:
    competition = toy(classes=("no", "yes"))
    part = [Sample(id=f"s{row}", target=float(row % 2)) for row in range(4)]
    for ids, message in (
        (["s1", "s3"], "leaves no training sample of class 'yes' in fold 2"),
        (["s0", "s1", "s2", "s3"], "leaves no training samples in fold 2"),
    ):
        dropped = Dropped(file=Path("s.csv"), sha256="", ids=ids)
        with pytest.raises(FoldError, match=message):
            check_dropped(competition, dropped, [(2, part)])
    check_dropped(competition, Dropped(file=Path("s.csv"), sha256="", ids=["s1"]), [(2, part)])
    check_dropped(competition, None, [(2, part)])
