"""Blends of runs on disk: nested predictions, the submission, lineage, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from oof_runs import OofRuns
from toys import RMSE, values

from comp.config.nesting import merge
from comp.contract.sample import Sample
from comp.errors import ConfigError, RunError
from comp.inference.predictions import Predictions
from comp.kaggle.candidate import find_candidate
from comp.kaggle.history import history_rows
from comp.pipeline.blend import blend
from comp.pipeline.blend_job import SilentReporter
from comp.pipeline.predict_blend import predict_any, predict_blend
from comp.pipeline.request import new_request
from comp.pipeline.resume import resume
from comp.runs.blend_results import BlendSummary
from comp.runs.catalog import list_runs
from comp.runs.folder import RunFolder
from comp.runs.newest import newest_unfinished
from comp.runs.progress import Silent
from comp.runs.removal import check_removable, runs_to_prune
from comp.submission.ledger import Ledger

ROWS = 300
RNG = np.random.default_rng(0)
TRUTH = RNG.normal(10, 1, size=ROWS).astype(np.float32)
IDS = [f"s{row}" for row in range(ROWS)]
FOLDS = {name: row % 3 for row, name in enumerate(IDS)}
SAMPLES = [Sample(id=name, target=float(t)) for name, t in zip(IDS, TRUTH, strict=True)]
TEST = [Sample(id=f"t{row}") for row in range(20)]
SIZES = {"a1": 0.5, "b1": 0.7, "c1": 2.0}
"""The size of the error of each run."""


def by_id(numbers: np.ndarray, letter: str = "s") -> Mapping[str, float]:
    return {f"{letter}{row}": float(number) for row, number in enumerate(numbers)}


def workspace_of(
    folder: Path, monkeypatch: pytest.MonkeyPatch, samples: Sequence[Sample] = SAMPLES
) -> OofRuns:
    """The three runs of `SIZES`."""
    fields: dict[str, Any] = {"task": values(), "sample_submission": None, "layout": ()}
    made = OofRuns(folder, monkeypatch, samples, TEST, metric=RMSE, **fields)
    for seed, (name, size) in enumerate(SIZES.items()):
        rng = np.random.default_rng(seed)
        oof = TRUTH + size * rng.normal(size=ROWS)
        made.write(name, by_id(oof), FOLDS, test=by_id(rng.normal(10, 1, 20), "t"))
    return made


@pytest.fixture(scope="module")
def blended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[OofRuns, BlendSummary]]:
    """Three runs and their blend."""
    with pytest.MonkeyPatch.context() as patch:
        runs = workspace_of(tmp_path_factory.mktemp("blend"), patch)
        yield runs, blend(["a1", "b1", "c1"], runs.workspace, SilentReporter())


def arrays(run: Path, file: str = "oof") -> Mapping[str, float]:
    predictions = Predictions(run / f"{file}.safetensors")
    return {name: float(predictions[name][0]) for name in predictions}


def test_the_weights_are_those_of_the_errors(blended: tuple[OofRuns, BlendSummary]) -> None:
    """As 1 / variance: 4, 2.04 and 0.25 of 6.29."""
    _, summary = blended
    weights = [member.weight for member in summary.runs]
    assert weights == pytest.approx([0.636, 0.324, 0.04], abs=0.06)
    assert summary.best == "a1"
    assert summary.cv_score < min(member.score for member in summary.runs)
    assert summary.cv_score < summary.mean_score
    assert summary.gain.real
    assert summary.verdict.startswith("the blend is better than its best run a1 by 0.1")
    assert summary.gain.value == pytest.approx(summary.runs[0].score - summary.cv_score, rel=1e-4)


def test_each_fold_is_blended_with_the_weights_of_the_others(
    blended: tuple[OofRuns, BlendSummary],
) -> None:
    runs, summary = blended
    folder = runs.workspace.runs("toy")
    members = [arrays(folder / name) for name in SIZES]
    found = arrays(summary.run_dir)
    for name, fold in FOLDS.items():
        pairs = zip(summary.runs, members, strict=True)
        parts = [member.fold_weights[fold] * own[name] for member, own in pairs]
        assert found[name] == pytest.approx(sum(parts), rel=1e-5)
    assert len({member.fold_weights[fold] for member in summary.runs for fold in range(3)}) > 5
    errors = [found[name] - truth for name, truth in zip(IDS, TRUTH, strict=True)]
    expected = float(np.sqrt(np.mean(np.square(errors))))
    card = json.loads((summary.run_dir / "scores.json").read_text())
    assert card["cv_score"] == summary.cv_score == pytest.approx(expected, rel=1e-5)
    assert set(card["fold_scores"]) == {"0", "1", "2"}


def test_a_fold_does_not_depend_on_its_targets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blended: tuple[OofRuns, BlendSummary]
) -> None:
    """With the targets of fold 0 turned over, its weights and predictions stay."""
    turned = [replace(s, target=20 - float(TRUTH[row])) for row, s in enumerate(SAMPLES)]
    mixed = [t if FOLDS[t.id] == 0 else s for s, t in zip(SAMPLES, turned, strict=True)]
    runs = workspace_of(tmp_path, monkeypatch, mixed)
    before, after = blended[1], blend(list(SIZES), runs.workspace, SilentReporter())
    for one, other in zip(before.runs, after.runs, strict=True):
        assert one.fold_weights[0] == other.fold_weights[0]
        assert one.fold_weights[1] != other.fold_weights[1]
    old, new = arrays(before.run_dir), arrays(after.run_dir)
    assert all(old[name] == new[name] for name in IDS if FOLDS[name] == 0)


def test_the_submission_blends_the_test_predictions(blended: tuple[OofRuns, BlendSummary]) -> None:
    runs, summary = blended
    members = [arrays(runs.workspace.runs("toy") / name, "test") for name in SIZES]
    found = arrays(summary.run_dir, "test")
    submitted = pl.read_csv(summary.submission)
    for name, cell in submitted.iter_rows():
        parts = [(m.weight or 0) * own[name] for m, own in zip(summary.runs, members, strict=True)]
        assert found[name] == pytest.approx(sum(parts), rel=1e-5)
        assert cell == pytest.approx(found[name], abs=1e-5)
    assert submitted.height == summary.n_rows == 20
    candidate = find_candidate(summary.run_id, runs.workspace)
    assert candidate.scores["cv_score"] == summary.cv_score


def test_a_blend_is_a_run_with_members(
    blended: tuple[OofRuns, BlendSummary], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, summary = blended
    record = RunFolder(summary.run_dir).record()
    assert (record["state"], record["blend"]["method"]) == ("finished", "weights")
    assert [run["run_id"] for run in record["blend"]["runs"]] == list(SIZES)
    assert record["blend"]["runs"][1]["fold_weights"].keys() == {"0", "1", "2"}
    listed = {run.run_id: run for run in list_runs(runs.workspace, set())}
    own = listed[summary.run_id]
    assert (own.members, own.folds_done, own.folds) == (tuple(SIZES), 3, 3)
    assert listed["a1"].blends == [summary.run_id]
    with pytest.raises(RunError, match=f"run b1 is a member of the blend {summary.run_id}"):
        check_removable([listed["b1"]])
    check_removable([listed["b1"], own])
    assert runs_to_prune([*listed.values()], keep_best=1) == []
    rows = history_rows(runs.workspace, Ledger(runs.workspace.ledger))
    assert rows[-1].config["blend.runs"] == "a1, b1, c1"


def test_what_needs_models_is_refused(blended: tuple[OofRuns, BlendSummary]) -> None:
    runs, summary = blended
    folder, workspace = RunFolder(summary.run_dir), runs.workspace
    message = f"run {summary.run_id} is a blend of a1, b1, c1, so there is nothing to train"
    with pytest.raises(RunError, match=message):
        resume(folder, workspace, Silent())
    with pytest.raises(RunError, match=message):
        new_request(runs.competition, workspace, {}, repeat=summary.run_id)
    with pytest.raises(RunError, match=f"{message}: blend these runs"):
        blend(["a1", summary.run_id], workspace, SilentReporter())
    folder.update_record(state="interrupted")
    with pytest.raises(RunError, match="no unfinished run"):
        newest_unfinished(workspace)
    folder.update_record(state="finished")


def test_predict_takes_the_stored_predictions_or_the_runs(
    blended: tuple[OofRuns, BlendSummary], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    runs, summary = blended
    stored = predict_any(summary.run_id, runs.workspace)
    assert arrays(stored.out, "test") == arrays(summary.run_dir, "test")
    assert stored.submission
    assert stored.submission.read_bytes() == summary.submission.read_bytes()

    def predict_run(name: str, data: Path, out: Path) -> Any:
        out.mkdir()
        (out / "test.safetensors").write_bytes(
            (runs.workspace.runs("toy") / name / "test.safetensors").read_bytes()
        )
        steps = [{"what": "as trained"}, {"what": "re-weighted", "changed": 7, "shares": [0.25]}]
        classes = {"steps": steps} if name == "b1" else {}
        return replace(stored, run_id=name, out=out, notes=[name], classes=classes)

    data, folder = runs.workspace.root / "data", RunFolder(summary.run_dir)
    again = predict_blend(
        folder, runs.workspace, predict_run, data=data, out=tmp_path / "new", anew=False
    )
    changed = "run b1: re-weighted: 7 decisions changed, shares 25.0%"
    assert again.notes == ["a1", "b1", changed, "c1"]
    assert arrays(again.out, "test") == arrays(stored.out, "test")
    record = RunFolder(summary.run_dir).record()["blend"]
    folder.update_record(blend=record | {"method": "rank"})
    with pytest.raises(RunError, match=r"is a mean of ranks .* so it cannot predict other data"):
        predict_blend(folder, runs.workspace, predict_run, data=data, out=None, anew=False)
    folder.update_record(blend=record)


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OofRuns:
    return workspace_of(tmp_path, monkeypatch)


def blend_of(runs: OofRuns, *names: str, method: str = "weights") -> BlendSummary:
    return blend(names, runs.workspace, SilentReporter(), method)


def test_runs_over_other_folds_are_refused_with_the_way_to_align_them(runs: OofRuns) -> None:
    other = {name: row // 100 for row, name in enumerate(IDS)}
    runs.write("d1", by_id(TRUTH), other, test=by_id(np.ones(20), "t"))
    advice = rf"comp run toy --folds 3 --set folds_csv={runs.workspace.runs('toy')}/a1/folds.csv"
    with pytest.raises(RunError, match=f"run d1 has other folds than run a1.*{advice}"):
        blend_of(runs, "a1", "d1")
    renumbered = {name: (fold + 1) % 3 for name, fold in FOLDS.items()}
    runs.write("e1", by_id(TRUTH + 0.1), renumbered, test=by_id(np.ones(20), "t"))
    assert blend_of(runs, "a1", "e1").best == "e1"


def test_runs_that_do_not_fit_are_refused(runs: OofRuns) -> None:
    test = by_id(np.ones(20), "t")
    runs.write("d1", by_id(TRUTH), FOLDS, finished=False, test=test)
    runs.write("e1", by_id(TRUTH), FOLDS, test=test)
    RunFolder(runs.workspace.runs("toy") / "e1").update_record(folds=[0, 1])
    runs.write("f1", by_id(TRUTH), FOLDS, test=by_id(np.ones(19), "t"))
    runs.write("g1", by_id(np.full(ROWS, np.nan)), FOLDS, test=test)
    runs.write("h1", by_id(TRUTH), FOLDS, test=test, synthetic=True)
    runs.write("i1", by_id(TRUTH), FOLDS, test=test | {"t7": np.nan})
    for names, message in {
        ("a1", "d1"): "run d1 is interrupted, so it has not predicted all samples: finish it",
        ("a1", "e1"): "run e1 has only the folds 0, 1 of 3",
        ("a1", "f1"): "run f1 predicted other test samples.* 1 ids differ, the first is 't19'",
        ("a1", "g1"): "the prediction of 's0' by run g1 is not finite",
        ("a1", "h1"): "synthetic is False in a1 and True in h1",
        ("a1", "i1"): "the prediction of 't7' by run i1 is not finite",
    }.items():
        with pytest.raises(RunError, match=message):
            blend_of(runs, *names)
    with pytest.raises(ConfigError, match="at least 2 different runs, found a1: name more"):
        blend_of(runs, "a1", "a")
    for method, message in {
        "rank": "method rank does not fit RMSE, which sees more than the order",
        "stack": "method stack cannot learn numbers: use weights, mean or greedy",
        "median": "method 'median' does not exist: use weights, mean",
    }.items():
        with pytest.raises(ConfigError, match=message):
            blend_of(runs, "a1", "b1", method=method)
    folders = sorted(path.name for path in runs.workspace.runs("toy").iterdir())
    assert folders == ["a1", "b1", "c1", "d1", "e1", "f1", "g1", "h1", "i1"]


def test_a_blend_is_not_recorded_as_adapted_because_a_run_is(runs: OofRuns) -> None:
    first = RunFolder(runs.workspace.runs("toy") / "a1")
    adapted = {"predict": {"adapt": "batchnorm", "shares": "em"}}
    first.update_record(config=merge(first.record()["config"], adapted))
    record = RunFolder(blend_of(runs, "a1", "b1").run_dir).record()
    assert record["config"]["predict"]["adapt"] == record["config"]["predict"]["shares"] == "none"
    assert "test_classes" not in record


def test_copies_and_a_blend_that_does_not_help_are_told(runs: OofRuns) -> None:
    test = arrays(runs.workspace.runs("toy") / "a1", "test")
    runs.write("d1", arrays(runs.workspace.runs("toy") / "a1"), FOLDS, test=test)
    summary = blend_of(runs, "a1", "a1", "d1")
    assert "run a1 is given 2 times: it counts once" in summary.notes
    assert any("run d1 has exactly the predictions of a1" in note for note in summary.notes)
    assert [member.weight for member in summary.runs] == [0.5, 0.5]
    assert summary.verdict == "the blend scores like its best run a1"
    assert "is not better" in blend_of(runs, "a1", "c1", method="mean").verdict
