"""Test predictions of a run that the test writes itself, against labels in a folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from toys import values

from comp.contract import registry
from comp.contract.competition import Competition
from comp.contract.metric import Metric
from comp.contract.metrics import ACCURACY, AUC, rmse
from comp.contract.sample import Sample, Split
from comp.errors import CompetitionError, DataError, RunError
from comp.pipeline.grade import GradeResult, grade
from comp.tasks.binary import binary
from comp.tasks.multiclass import multiclass
from comp.workspace import Workspace

RUN = "20250101-120000-abcdef"
LABELS = {"a": 1, "b": 1, "c": 1, "d": 0, "e": 0}
CHANCES = {"e": 0.55, "d": 0.1, "c": 0.45, "b": 0.7, "a": 0.95}
"""In another order than the labels: they meet by id."""


def samples(root: Path, split: Split) -> list[Sample]:
    """Samples in the order of a file; `a` and `b` are one patient's."""
    lines = (root / split / "labels.txt").read_text().split()
    ids = [line.partition("=")[0] for line in lines]
    return [Sample(id=i, image=Path(i), group="one" if i in "ab" else None) for i in ids]


def read_labels(root: Path) -> Mapping[str, float]:
    lines = (root / "test" / "labels.txt").read_text().split()
    return {line[0]: float(line[2:]) for line in lines if line[2:]}


LEAVES = Competition(
    name="leaves",
    title="Leaves",
    kaggle="datasets/someone/leaves",
    metric=AUC,
    samples=samples,
    pipeline=lambda config, train: None,  # type: ignore[arg-type,return-value]
    model=lambda config: None,  # type: ignore[arg-type,return-value]
    draw_synthetic=lambda root, rng: None,
    task=binary(("healthy", "ill")),
    test_labels=read_labels,
)


def write_data(root: Path, labels: Mapping[str, object]) -> Path:
    for split in ("train", "test"):
        (root / split).mkdir(parents=True)
        lines = [f"{i}={label}" for i, label in labels.items()]
        (root / split / "labels.txt").write_text("\n".join(lines))
    return root


def predictions(path: Path, chances: Mapping[str, float | list[float]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({i: np.atleast_1d(np.float32(p)) for i, p in chances.items()}, path)
    return path


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace with the data and one run of three folds with a threshold of 0.4."""
    use(monkeypatch, LEAVES)
    data = write_data(tmp_path / "data" / "leaves", LABELS)
    run = tmp_path / "runs" / "leaves" / RUN
    predictions(run / "test.safetensors", CHANCES)
    for fold in range(3):
        (run / f"fold-{fold}").mkdir()
        (run / f"fold-{fold}" / "meta.json").write_text("{}")
    record = {"competition": "leaves", "data": str(data), "folds": [0, 1, 2], "synthetic": False}
    (run / "run.json").write_text(json.dumps(record))
    (run / "scores.json").write_text(json.dumps({"cv_score": 0.9, "threshold": 0.4}))
    return Workspace.at(tmp_path)


def use(monkeypatch: pytest.MonkeyPatch, competition: Competition) -> None:
    monkeypatch.setattr(registry, "competitions", lambda: {competition.name: competition})


def place(workspace: Workspace) -> Path:
    return workspace.runs("leaves") / RUN


def check(found: GradeResult) -> None:
    """Scores of CHANCES by hand."""
    half, tuned = found.scores
    assert (half["threshold"], tuned["threshold"]) == (0.5, 0.4)
    assert half["confusion"] == ((1, 1), (1, 2))
    assert tuned["confusion"] == ((1, 1), (0, 3))
    assert half["estimates"]["sensitivity"]["value"] == pytest.approx(2 / 3)
    assert tuned["estimates"]["sensitivity"]["value"] == 1
    assert tuned["estimates"]["specificity"]["value"] == 0.5
    assert (tuned["n"], tuned["n_groups"], tuned["positives"]) == (5, 4, 3)


def test_a_grade_by_hand(workspace: Workspace) -> None:
    found = grade(RUN, workspace)
    assert (found.run_id, found.competition, found.n) == (RUN, "leaves", 5)
    assert (found.metric, found.value) == ("AUC", pytest.approx(5 / 6))
    assert found.threshold == 0.4
    assert found.synthetic is False
    check(found)


def test_it_says_what_it_did(workspace: Workspace) -> None:
    assert grade(RUN, workspace).words == (
        f"scored 5 test predictions of run {RUN}, the mean of 3 folds, against the labels in "
        f"{workspace.data('leaves')}; the decision's threshold was fitted out of fold (0.4); "
        "test labels were used for nothing else"
    )


def test_grade_json_is_in_the_run_folder(workspace: Workspace) -> None:
    found = grade(RUN[:10], workspace)
    assert found.file == place(workspace) / "grade.json"
    assert json.loads(found.file.read_text()) == json.loads(json.dumps(asdict(found), default=str))
    assert json.loads(found.file.read_text())["scores"][1]["confusion"] == [[1, 1], [0, 3]]


@pytest.mark.parametrize("scores", [None, {"cv_score": 0.9}, {"threshold": None}])
def test_without_a_tuned_threshold_it_is_a_half(workspace: Workspace, scores: object) -> None:
    path = place(workspace) / "scores.json"
    path.unlink()
    if scores:
        path.write_text(json.dumps(scores))
    found = grade(RUN, workspace)
    assert found.threshold == 0.5
    assert [s["threshold"] for s in found.scores] == [0.5]
    assert "fitted out of fold" not in found.words


@pytest.mark.parametrize("text", ["[]", "{", '{"threshold": "high"}'])
def test_damaged_scores_are_named(workspace: Workspace, text: str) -> None:
    (place(workspace) / "scores.json").write_text(text)
    with pytest.raises(RunError, match=r"scores\.json cannot be read .*: restore the file"):
        grade(RUN, workspace)


def test_three_classes_have_no_threshold(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use(monkeypatch, replace(LEAVES, task=multiclass(("x", "y", "z")), metric=ACCURACY))
    data = write_data(tmp_path / "three", {"a": 0, "b": 2, "c": 2, "d": 1})
    likely = {"a": [0.6, 0.3, 0.1], "b": [0.2, 0.5, 0.3], "c": [0.1, 0.2, 0.7], "d": [0.8, 0.2, 0]}
    predictions(tmp_path / "predictions" / RUN / "test.safetensors", likely)
    found = grade(RUN, workspace, data)
    (scores,) = found.scores
    assert (found.threshold, found.value) == (None, 0.5)
    assert scores["confusion"] == ((1, 0, 0), (1, 0, 0), (0, 1, 1))
    assert "fitted out of fold" not in found.words


def test_what_is_no_classification_has_its_metric_alone(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    metric = Metric(name="RMSE", score=rmse, direction="min")
    use(monkeypatch, replace(LEAVES, task=values(), metric=metric))
    found = grade(RUN, workspace)
    assert found.value == pytest.approx(
        (sum((CHANCES[i] - LABELS[i]) ** 2 for i in LABELS) / 5) ** 0.5, rel=1e-6
    )
    assert (list(found.scores), found.threshold) == ([], None)


def test_a_metric_that_does_not_exist_is_none(workspace: Workspace, tmp_path: Path) -> None:
    shutil.rmtree(workspace.data("leaves"))
    write_data(workspace.data("leaves"), {"a": 1, "b": 1})
    found = grade(RUN, workspace)
    assert (found.value, found.n) == (None, 2)
    assert "NaN" not in found.file.read_text()


def test_samples_without_a_label_do_not_count(workspace: Workspace) -> None:
    shutil.rmtree(workspace.data("leaves"))
    write_data(workspace.data("leaves"), LABELS | {"a": "", "e": ""})
    found = grade(RUN, workspace)
    assert found.n == 3
    assert found.scores[0]["confusion"] == ((1, 0), (1, 1))


def test_other_data_are_graded_by_the_predictions_of_comp_predict(
    workspace: Workspace, tmp_path: Path
) -> None:
    other = write_data(tmp_path / "other", {"v": 0, "w": 1, "x": 1})
    chances = {"x": 0.3, "w": 0.45, "v": 0.2}
    made = predictions(tmp_path / "predictions" / RUN / "test.safetensors", chances)
    (made.parent / "fold-1.safetensors").touch()
    found = grade(RUN, workspace, other)
    assert found.n == 3
    assert found.scores[1]["confusion"] == ((1, 0), (1, 1))
    assert f"{RUN}, of one fold, against the labels in {other}" in found.words
    assert found.file == made.with_name("grade.json")
    assert not (place(workspace) / "grade.json").exists()


def test_a_zip_of_other_data_is_opened(workspace: Workspace, tmp_path: Path) -> None:
    other = write_data(tmp_path / "other", {"v": 0, "w": 1})
    archive = Path(shutil.make_archive(str(tmp_path / "other"), "zip", other))
    predictions(tmp_path / "predictions" / RUN / "test.safetensors", {"v": 0.1, "w": 0.9})
    assert grade(RUN, workspace, archive).value == 1


def test_other_data_that_were_not_predicted_are_refused(
    workspace: Workspace, tmp_path: Path
) -> None:
    other = write_data(tmp_path / "other", {"a": 0, "b": 1, "w": 1, "x": 1})
    command = f"predict first with 'comp predict {RUN} --data {other}'"
    with pytest.raises(RunError, match=r"test\.safetensors does not exist") as caught:
        grade(RUN, workspace, other)
    assert str(caught.value).endswith(command)
    predictions(tmp_path / "predictions" / RUN / "test.safetensors", CHANCES)
    with pytest.raises(RunError, match=r"lacks 2, the first is 'w'") as caught:
        grade(RUN, workspace, other)
    assert str(caught.value).endswith(command)


def test_predictions_of_yet_other_data_are_refused(workspace: Workspace, tmp_path: Path) -> None:
    other = write_data(tmp_path / "other", {"v": 0, "w": 1})
    later = tmp_path / "predictions" / RUN
    predictions(later / "test.safetensors", {"v": 0.1, "w": 0.9})
    (later / "prediction.json").write_text(json.dumps({"data": str(tmp_path / "third")}))
    with pytest.raises(RunError, match="this data was not predicted; predict first"):
        grade(RUN, workspace, other)
    (later / "prediction.json").write_text(json.dumps({"data": str(other.resolve())}))
    assert grade(RUN, workspace, other).n == 2


def test_the_runs_own_predictions_are_no_others(workspace: Workspace, tmp_path: Path) -> None:
    """The same ids elsewhere are other images."""
    other = write_data(tmp_path / "other", LABELS)
    with pytest.raises(RunError, match="predict first"):
        grade(RUN, workspace, other)


def test_the_runs_own_data_may_be_named(workspace: Workspace) -> None:
    check(grade(RUN, workspace, workspace.data("leaves")))


def test_own_predictions_go_before_those_of_comp_predict(
    workspace: Workspace, tmp_path: Path
) -> None:
    turned = {i: 1 - chance for i, chance in CHANCES.items()}
    predictions(tmp_path / "predictions" / RUN / "test.safetensors", turned)
    check(grade(RUN, workspace))


def test_own_data_that_grew_are_graded_once_they_are_predicted_again(
    workspace: Workspace, tmp_path: Path
) -> None:
    shutil.rmtree(workspace.data("leaves"))
    write_data(workspace.data("leaves"), LABELS | {"f": 1})
    with pytest.raises(RunError, match="predict first with 'comp predict"):
        grade(RUN, workspace)
    predictions(tmp_path / "predictions" / RUN / "test.safetensors", CHANCES | {"f": 0.8})
    assert grade(RUN, workspace).n == 6


@pytest.mark.parametrize(
    ("kaggle", "words"),
    [
        (
            "competitions/leaves",
            f"only Kaggle knows the labels, so submit submissions/leaves/{RUN}.csv",
        ),
        ("datasets/someone/leaves", "use the out-of-fold scores in scores.json"),
    ],
)
def test_a_competition_without_labels_says_where_the_score_comes_from(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, kaggle: str, words: str
) -> None:
    use(monkeypatch, replace(LEAVES, test_labels=None, kaggle=kaggle))
    with pytest.raises(DataError, match=f"leaves has no labelled test data: {words}"):
        grade(RUN, workspace)


def test_data_without_labels_are_named(workspace: Workspace, tmp_path: Path) -> None:
    other = write_data(tmp_path / "other", {"a": "", "b": ""})
    with pytest.raises(DataError, match=r"no labelled test sample in .*other"):
        grade(RUN, workspace, other)


def test_labels_of_no_sample_and_of_no_class_are_the_plugins_fault(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, replace(LEAVES, test_labels=lambda root: {"a": 1.0, "ghost": 0.0}))
    with pytest.raises(CompetitionError, match=r"1 labels belong to no test sample.*'ghost'"):
        grade(RUN, workspace)
    use(monkeypatch, replace(LEAVES, test_labels=lambda root: {"a": 1.0, "b": 2.0}))
    with pytest.raises(CompetitionError, match=r"the label of 'b' is 2\.0, .* numbered 0 to 1"):
        grade(RUN, workspace)


def test_a_run_on_sample_data_is_marked(workspace: Workspace) -> None:
    path = place(workspace) / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"synthetic": True}))
    assert grade(RUN, workspace).synthetic is True


def test_an_unknown_run_and_data_that_is_gone_are_named(
    workspace: Workspace, tmp_path: Path
) -> None:
    with pytest.raises(RunError, match="no run 'nobody'"):
        grade("nobody", workspace)
    with pytest.raises(DataError, match="no data at"):
        grade(RUN, workspace, tmp_path / "nowhere")
