"""A whole run over drawn pages: its folder, its scores, its submission, its repeat."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from toys import toy

from comp.config.nesting import merge
from comp.config.schema import RunConfig, resolve
from comp.contract import metrics
from comp.data.folds import read_folds
from comp.data.location import DataSource
from comp.errors import ConfigError, DataError, DeviceError, FoldError, RunError
from comp.pipeline.between_folds import decisions_s
from comp.pipeline.fold_context import make_fold_context
from comp.pipeline.resume import resume
from comp.pipeline.run import run
from comp.runs.folder import NEEDED_TO_RESUME, RunFolder
from comp.runs.progress import RunStart, Silent
from comp.runs.results import FoldResult, RunSummary
from comp.tasks.multilabel import multilabel
from comp.training.budget import FoldCost
from comp.workspace import Workspace
from competitions.denoising import COMPETITION as DENOISING
from tests.fakes.predicted import load_predictions


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Sums over threads differ in their last bits with the number of threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def changed(config: RunConfig, **values: object) -> RunConfig:
    layers = [merge(config.model_dump(), values)]
    return resolve("denoising", layers, DENOISING.options)


def go(
    config: RunConfig,
    pages: Path,
    place: Path,
    only: Sequence[int] = (),
    plan: Mapping[int, int] | None = None,
    reporter: Silent | None = None,
    **values: object,
) -> RunSummary:
    workspace = Workspace.at(place)
    settings = changed(config, **values)
    return run(
        settings, DataSource(pages, True), workspace, reporter or Silent(), only=only, plan=plan
    )


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory, pages: Path, tiny: RunConfig) -> RunSummary:
    return go(tiny, pages, tmp_path_factory.mktemp("run"))


def grey(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("L"), np.float64)[..., None] / 255


def submitted(summary: RunSummary) -> dict[str, str]:
    with summary.submission.open(newline="") as stream:
        rows = list(csv.reader(stream))
    assert rows[0] == ["id", "value"]
    return {row[0]: row[1] for row in rows[1:]}


def record(summary: RunSummary) -> dict[str, Any]:
    return json.loads((summary.run_dir / "run.json").read_text())


def test_the_folder_of_a_run_holds_all_of_it(summary: RunSummary) -> None:
    names = {str(p.relative_to(summary.run_dir)) for p in summary.run_dir.rglob("*") if p.is_file()}
    parts = ("model.safetensors", "meta.json", "history.jsonl", "oof.safetensors")
    folds = {f"fold-{i}/{part}" for i in (0, 1) for part in (*parts, "test.safetensors")}
    whole = {"run.json", "folds.csv", "scores.json", "oof.safetensors", "test.safetensors"}
    assert folds | whole <= names
    assert not [name for name in names if name.endswith(".part")]
    assert summary.run_dir.name == summary.run_id
    assert summary.submission.name == f"{summary.run_id}.csv"


def test_the_record_says_what_the_run_was(
    summary: RunSummary, tiny: RunConfig, pages: Path
) -> None:
    found = record(summary)
    assert found["config"] == tiny.model_dump(mode="json")
    assert (found["state"], found["synthetic"], found["folds"]) == ("finished", True, [0, 1])
    assert found["data"] == str(pages)
    assert found["precision"] == summary.precision == "fp32"
    assert found["plan"] == {"0": 2, "1": 2}
    assert len(found["data_fingerprint"]) == len(found["fold_hash"]) == 64


def test_folds_are_written_once_and_never_split_a_clean_page(
    summary: RunSummary, pages: Path
) -> None:
    with (summary.run_dir / "folds.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    clean = {p.stem: p.read_bytes() for p in (pages / "train_cleaned").glob("*.png")}
    assert {row["id"] for row in rows} == set(clean)
    assert {row["fold"] for row in rows} == {"0", "1"}
    for row in rows:
        twins = [r for r in rows if clean[r["id"]] == clean[row["id"]]]
        assert {r["fold"] for r in twins} == {row["fold"]}
        assert {r["group"] for r in twins} == {row["group"]}


def test_scores_are_those_of_the_files(summary: RunSummary, pages: Path) -> None:
    truth = {p.stem: grey(p) for p in (pages / "train_cleaned").glob("*.png")}

    def score(path: Path) -> float:
        found = load_predictions(path)
        errors = [(found[i].astype(np.float64) - truth[i]).ravel() for i in found]
        return float(np.sqrt(np.mean(np.concatenate(errors) ** 2)))

    scores = json.loads((summary.run_dir / "scores.json").read_text())
    folds = [score(summary.run_dir / f"fold-{i}" / "oof.safetensors") for i in (0, 1)]
    assert set(load_predictions(summary.run_dir / "oof.safetensors")) == set(truth)
    assert scores["cv_score"] == pytest.approx(score(summary.run_dir / "oof.safetensors"), rel=1e-5)
    assert [scores["fold_scores"][i] for i in "01"] == pytest.approx(folds, rel=1e-5)
    assert scores["mean"] == pytest.approx(sum(folds) / 2, rel=1e-5)
    assert scores["std"] == pytest.approx(abs(folds[0] - folds[1]) / 2**0.5, rel=1e-2, abs=1e-7)
    assert (scores["metric"], scores["direction"], scores["synthetic"]) == ("RMSE", "min", True)
    assert summary.cv_score == scores["cv_score"]


def test_the_submission_is_the_mean_of_the_folds_with_five_decimals(
    summary: RunSummary, pages: Path
) -> None:
    parts = [load_predictions(summary.run_dir / f"fold-{i}" / "test.safetensors") for i in (0, 1)]
    found = submitted(summary)
    with (pages / "sampleSubmission.csv").open(newline="") as stream:
        assert [row["id"] for row in csv.DictReader(stream)] == list(found)
    assert len(found) == summary.n_rows
    for page in parts[0]:
        mean = (parts[0][page].astype(np.float64) + parts[1][page]) / 2
        height, width = mean.shape[:2]
        values = [
            found[f"{page}_{r}_{c}"] for r in range(1, height + 1) for c in range(1, width + 1)
        ]
        assert np.abs(np.float64(values) - mean.ravel()).max() <= 0.5e-5 + 1e-7
        assert {len(value.partition(".")[2]) for value in values} == {5}


@dataclass
class Watching(Silent):
    """Records the folds, the run's start, and the rows of the submission after each fold."""

    def __post_init__(self) -> None:
        self.rows: list[int] = []
        self.folds: list[int] = []
        self.openings: list[RunStart] = []

    def run_started(self, run_start: RunStart) -> None:
        self.openings.append(run_start)

    def fold_done(self, result: FoldResult, submission: Path) -> None:
        self.folds.append(result.fold)
        self.rows.append(len(submission.read_text().splitlines()) - 1)


def test_a_submission_exists_after_the_first_fold(
    pages: Path, tiny: RunConfig, tmp_path: Path, summary: RunSummary
) -> None:
    watching = Watching()
    go(tiny, pages, tmp_path, reporter=watching)
    assert watching.folds == [0, 1]
    assert watching.rows == [summary.n_rows] * 2
    (run_start,) = watching.openings
    assert (run_start.train, run_start.test, run_start.groups, run_start.of_folds) == (8, 2, 4, 2)
    assert (run_start.group, list(run_start.folds)) == ("clean page", [0, 1])
    assert (run_start.seconds, run_start.budget) == (None, None)
    assert not run_start.preliminary  # images to images have no decisions


def test_an_interrupted_run_keeps_the_submission_of_its_finished_folds(
    pages: Path, tiny: RunConfig, tmp_path: Path, summary: RunSummary
) -> None:
    class Interrupting(Silent):
        def fold_done(self, result: FoldResult, submission: Path) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        go(tiny, pages, tmp_path, reporter=Interrupting())
    (written,) = tmp_path.glob("submissions/denoising/*.csv")
    assert len(written.read_text().splitlines()) == summary.n_rows + 1
    (left,) = tmp_path.glob("runs/denoising/*/run.json")
    assert json.loads(left.read_text())["state"] == "interrupted"
    assert not left.with_name("scores.json").exists()


def test_the_same_seed_gives_the_same_bytes(
    pages: Path, tiny: RunConfig, tmp_path: Path, summary: RunSummary
) -> None:
    again = go(tiny, pages, tmp_path)
    assert again.submission.read_bytes() == summary.submission.read_bytes()
    assert again.cv_score == summary.cv_score


@pytest.mark.parametrize("workers", [1, 2])
def test_the_number_of_workers_changes_no_byte(
    pages: Path, tiny: RunConfig, tmp_path: Path, summary: RunSummary, workers: int
) -> None:
    loader = {"workers": workers, "batch_size": 2, "repeats": 1}
    other = go(tiny, pages, tmp_path, loader=loader)
    assert other.submission.read_bytes() == summary.submission.read_bytes()


def test_another_seed_gives_another_submission(
    pages: Path, tiny: RunConfig, tmp_path: Path, summary: RunSummary
) -> None:
    assert go(tiny, pages, tmp_path, seed=1).submission.read_bytes() != (
        summary.submission.read_bytes()
    )


def test_one_fold_alone_is_trained_as_in_the_whole_run(
    pages: Path, tiny: RunConfig, tmp_path: Path, summary: RunSummary
) -> None:
    alone = go(tiny, pages, tmp_path, only=[1, 1])
    assert sorted(p.name for p in alone.run_dir.glob("fold-*")) == ["fold-1"]
    model = Path("fold-1") / "model.safetensors"
    assert (alone.run_dir / model).read_bytes() == (summary.run_dir / model).read_bytes()
    assert alone.fold_scores == {1: summary.fold_scores[1]}
    assert alone.cv_score == pytest.approx(summary.fold_scores[1], rel=1e-6)
    assert (alone.std, alone.n_rows) == (0.0, summary.n_rows)
    found = load_predictions(alone.run_dir / "fold-1" / "test.safetensors")
    page, values = next(iter(found.items()))
    assert float(submitted(alone)[f"{page}_2_3"]) == pytest.approx(values[1, 2, 0], abs=0.6e-5)


def nothing_written(place: Path) -> bool:
    return not place.exists() or not list(place.iterdir())


@pytest.mark.parametrize("fold", [2, -1])
def test_a_fold_out_of_range_is_refused(
    pages: Path, tiny: RunConfig, tmp_path: Path, fold: int
) -> None:
    with pytest.raises(FoldError, match=f"no fold {fold}: with folds = 2 they are 0 to 1"):
        go(tiny, pages, tmp_path, only=[0, fold])
    assert nothing_written(tmp_path)


def test_more_folds_than_clean_pages_are_refused(
    pages: Path, tiny: RunConfig, tmp_path: Path
) -> None:
    with pytest.raises(FoldError, match="folds = 5, but there are only 4 clean pages"):
        go(tiny, pages, tmp_path, folds=5)
    assert nothing_written(tmp_path)


@pytest.mark.parametrize(
    ("values", "error", "words"),
    [
        ({"device": "tpu"}, DeviceError, "no device 'tpu' on this machine, only cpu"),
        ({"precision": "fp16"}, DeviceError, "precision fp16"),
        ({"backbone": "nonsense"}, ConfigError, "unknown backbone 'nonsense'"),
        ({"optim": {"name": "nonsense"}}, ConfigError, "unknown optimizer 'nonsense'"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused_before_anything_is_written(
    pages: Path,
    tiny: RunConfig,
    tmp_path: Path,
    values: dict[str, Any],
    error: type[Exception],
    words: str,
) -> None:
    with pytest.raises(error, match=words):
        go(tiny, pages, tmp_path, **values)
    assert nothing_written(tmp_path)


@pytest.mark.parametrize("fault", ["row", "order", "gone"])
def test_a_sample_submission_that_does_not_fit_is_refused_before_anything_is_written(
    pages: Path, tiny: RunConfig, tmp_path: Path, fault: str
) -> None:
    data = tmp_path / "data"
    shutil.copytree(pages, data)
    sample = data / "sampleSubmission.csv"
    lines = sample.read_text().splitlines(keepends=True)
    if fault == "row":
        sample.write_text("".join(lines[:-1]))
    elif fault == "order":
        sample.write_text("".join([lines[0], lines[2], lines[1], *lines[3:]]))
    else:
        sample.unlink()
    with pytest.raises(DataError, match=r"sampleSubmission\.csv"):
        go(tiny, data, tmp_path / "out")
    assert nothing_written(tmp_path / "out")


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fold measured as if a step took minutes, so that a budget has room for few of them."""
    cost = FoldCost(step_s=100.0, fixed_s=10.0, reserve_s=10.0)
    monkeypatch.setattr("comp.pipeline.timing.time_fold", lambda *_arguments: cost)
    monkeypatch.setattr("comp.pipeline.train_folds.cost_of", lambda *_arguments: cost)


def test_a_budget_becomes_a_plan_that_can_be_repeated_without_measuring(
    pages: Path, tiny: RunConfig, tmp_path: Path, measured: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = go(tiny, pages, tmp_path / "first", max_steps=None, budget="2000s")
    plan = {int(fold): steps for fold, steps in record(first)["plan"].items()}
    assert plan == first.plan
    assert all(5 <= steps <= 19 for steps in plan.values())

    def measuring(*_arguments: object) -> None:
        raise AssertionError("a repeat measured")

    monkeypatch.setattr("comp.pipeline.timing.time_fold", measuring)
    again = go(tiny, pages, tmp_path / "again", max_steps=None, budget="2000s", plan=plan)
    assert again.plan == first.plan
    assert again.submission.read_bytes() == first.submission.read_bytes()


def test_a_fold_that_the_budget_has_no_time_left_for_is_left_out(
    pages: Path, tiny: RunConfig, tmp_path: Path, measured: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fold of a step would spoil the average of the test predictions."""
    slow = FoldCost(step_s=1000.0, fixed_s=10.0, reserve_s=10.0)
    monkeypatch.setattr("comp.pipeline.train_folds.cost_of", lambda *_arguments: slow)
    said: list[str] = []
    reporter = Silent()
    monkeypatch.setattr(reporter, "note", said.append)

    found = go(tiny, pages, tmp_path, max_steps=None, budget="2000s", reporter=reporter)

    assert list(found.fold_scores) == list(found.plan) == [0]
    assert found.cv_score == pytest.approx(found.fold_scores[0])
    assert f"left out: 1 (to train them: 'comp resume {found.run_id} --folds rest')" in said[-1]
    kept = record(found)
    assert (kept["state"], kept["folds"], kept["left_out"]) == ("finished", [0], [1])
    rows = len((pages / "sampleSubmission.csv").read_text().splitlines())
    assert found.n_rows == len(found.submission.read_text().splitlines()) - 1 == rows - 1


def test_the_fits_of_all_folds_are_kept_free_in_a_budget_if_decisions_are_scored() -> None:
    scored, plain = toy(multilabel(("a", "b")), metric=metrics.F1), toy()
    inputs: list[Any] = [
        SimpleNamespace(folds_to_train=range(5), competition=c, config=SimpleNamespace(seeds=1))
        for c in (scored, plain)
    ]
    seconds = [[decisions_s(i, done, 0.5 * done) for done in (1, 4)] for i in inputs]
    assert seconds == [[20.0, 20.0], [0.0, 0.0]]  # 8 fits of 2.5 s


def test_a_budget_that_is_too_small_is_refused_before_anything_is_written(
    pages: Path, tiny: RunConfig, tmp_path: Path, measured: None
) -> None:
    with pytest.raises(RunError, match=r"budget is too small: .* one fold needs") as caught:
        go(tiny, pages, tmp_path, max_steps=None, budget="200s")
    assert "training 100 s a step" in str(caught.value)
    assert "budget=" in str(caught.value)
    assert nothing_written(tmp_path)


def test_a_budget_trains_the_folds_that_it_has_room_for(
    pages: Path, tiny: RunConfig, tmp_path: Path, measured: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One fold of five steps needs 540 s, and two need 1070 s."""
    notes: list[str] = []
    reporter = Silent()
    monkeypatch.setattr(reporter, "note", notes.append)
    found = go(tiny, pages, tmp_path, max_steps=None, budget="800s", reporter=reporter)
    (note,) = [text for text in notes if text.startswith("THE BUDGET HAS ROOM FOR 1 OF 2 FOLDS")]
    assert "left out 1" in note
    assert (list(found.fold_scores), list(found.left_out)) == ([0], [1])
    kept = record(found)
    assert (kept["state"], kept["folds"], kept["left_out"]) == ("finished", [0], [1])


@pytest.mark.slow
def test_a_budget_is_measured_for_real(pages: Path, tiny: RunConfig, tmp_path: Path) -> None:
    found = go(tiny, pages, tmp_path, max_steps=None, budget="40s")
    assert all(steps > 5 for steps in found.plan.values())


def test_a_run_that_stopped_early_is_repeated_to_the_byte(
    pages: Path, tiny: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = cycle([0.5, 0.4, 0.6])
    monkeypatch.setattr(
        "comp.pipeline.fold_context.FoldContext.validate", lambda _setting, _model: next(scores)
    )
    values: dict[str, Any] = {"max_steps": 8, "validations": 8, "patience": 1}
    first = go(tiny, pages, tmp_path / "first", only=[0], **values)
    meta = json.loads((first.run_dir / "fold-0" / "meta.json").read_text())
    assert (meta["stopped_early"], meta["step"], meta["steps"]) == (True, 2, 3)
    plan = {int(fold): steps for fold, steps in record(first)["plan"].items()}
    again = go(tiny, pages, tmp_path / "again", only=[0], plan=plan, **values)
    assert again.submission.read_bytes() == first.submission.read_bytes()


@pytest.mark.parametrize("background", ["off", "single"])
def test_the_paper_behind_the_pages_may_be_left_out_or_guessed(
    pages: Path, tiny: RunConfig, tmp_path: Path, summary: RunSummary, background: str
) -> None:
    options = {"crop": 32, "background": background}
    found = go(tiny, pages, tmp_path, options=options)
    assert found.n_rows == summary.n_rows
    assert found.submission.read_bytes() != summary.submission.read_bytes()


def test_runs_of_one_second_have_folders_of_their_own(
    pages: Path, tiny: RunConfig, tmp_path: Path
) -> None:
    found = {go(tiny, pages, tmp_path, only=[0], max_steps=1).run_id for _ in range(2)}
    assert len(found) == 2
    assert len(list(tmp_path.glob("runs/denoising/*/scores.json"))) == 2


def test_a_fold_that_the_plan_lacks_is_planned_from_the_budget(
    pages: Path, tiny: RunConfig, tmp_path: Path, measured: None
) -> None:
    values = {"max_steps": None, "budget": 2000.0}
    made = go(tiny, pages, tmp_path, plan={0: 3}, **values)
    assert made.plan[0] == 3
    assert made.plan[1] > 3


def test_a_run_that_is_killed_at_once_says_what_started_it_and_can_resume(
    pages: Path, tiny: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("comp.pipeline.run.RunContext.of", killed)
    source, workspace = DataSource(pages, True), Workspace.at(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        run(tiny, source, workspace, Silent(), plan={0: 2, 1: 2}, origin={"race": {"id": "r"}})
    (path,) = workspace.runs(tiny.competition).iterdir()
    record = RunFolder(path).record(*NEEDED_TO_RESUME)
    assert (record["race"], record["plan"]) == ({"id": "r"}, {0: 2, 1: 2})
    monkeypatch.undo()
    assert resume(RunFolder(path), workspace, Silent()).plan == {0: 2, 1: 2}


def test_pages_that_cannot_be_read_are_left_out_where_that_is_asked_for(
    pages: Path, tiny: RunConfig, tmp_path: Path
) -> None:
    data = Path(shutil.copytree(pages, tmp_path / "data"))
    dirty, clean, test = (
        sorted((data / name).iterdir()) for name in ("train", "train_cleaned", "test")
    )
    bad = [dirty[0], clean[1], test[0]]
    for path, content in zip(bad, (b"", b"no image", test[0].read_bytes()[:-30]), strict=True):
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"3 of 10 images cannot be decoded.*--skip-bad"):
        run(tiny, DataSource(data, False), Workspace.at(tmp_path), Silent())
    assert not (tmp_path / "runs").exists()

    summary = run(tiny, DataSource(data, False), Workspace.at(tmp_path), Silent(), skip_bad=True)

    named = {str(dirty[0]), str(data / "train" / clean[1].name), str(test[0])}
    assert set(summary.skipped) == named
    relative = RunFolder(summary.run_dir).record()["skipped"]
    assert {str(data / name) for name in relative} == named
    assert not any(Path(name).is_absolute() for name in relative)
    moved = Path(shutil.copytree(data, tmp_path / "moved"))
    context = make_fold_context(tiny, 0, moved, summary.run_dir)
    assert {sample.id for sample in context.train} <= {path.stem for path in dirty[2:]}
    assert set(read_folds(summary.run_dir / "folds.csv")) == {path.stem for path in dirty[2:]}
    rows = summary.submission.read_text().splitlines()
    assert len(rows) == len((data / "sampleSubmission.csv").read_text().splitlines())
    of_bad = {row.split(",")[1] for row in rows if row.startswith(f"{test[0].stem}_")}
    assert len(of_bad) == 1
    assert 0 < float(of_bad.pop()) < 1
