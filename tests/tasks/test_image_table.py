"""Competitions of every task of numbers, from a CSV of labels and folders of images."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import log_loss, matthews_corrcoef
from whole_run import WholeRun, competition_of, tiny_config, whole_run

from comp.contract.competition import Competition
from comp.contract.metrics import ACCURACY, AUC, MEAN_AUC, QWK, RMSE
from comp.contract.sample import Sample
from comp.contract.task import Task
from comp.data.location import DataSource
from comp.errors import CompError
from comp.pipeline.run import run
from comp.runs.progress import Silent
from comp.submission.blank import check_rows
from comp.submission.write import write_rows
from comp.tasks.binary import binary
from comp.tasks.classification import image_classification
from comp.tasks.image_table import image_table
from comp.tasks.image_to_image import image_to_image
from comp.tasks.multiclass import multiclass
from comp.tasks.multilabel import multilabel
from comp.tasks.ordinal import ordinal
from comp.tasks.regression import regression
from comp.workspace import Workspace

CACTUS = """
from comp.contract.metrics import MCC
from comp.tasks.binary import binary
from comp.tasks.image_table import image_table

COMPETITION = image_table(
    task=binary(("none", "cactus")),
    name="cactus",
    title="Aerial Cactus Identification",
    kaggle="competitions/aerial-cactus-identification",
    metric=MCC,
    label_column="has_cactus",
    submit="index",
)
"""
PLANTS = """
from comp.contract.metrics import LOG_LOSS
from comp.tasks.image_table import image_table
from comp.tasks.multiclass import multiclass

COMPETITION = image_table(
    task=multiclass(("healthy", "multiple_diseases", "rust", "scab")),
    name="plants",
    title="Plant Pathology 2020",
    kaggle="competitions/plant-pathology-2020-fgvc7",
    metric=LOG_LOSS,
    id_column="image_id",
    label_columns=("healthy", "multiple_diseases", "rust", "scab"),
    images="images",
    test_images="images",
    submit="probabilities",
    submission_id="image",
)
"""
WHALES = """
from comp.contract.metrics import map_at_k
from comp.tasks.image_table import image_table
from comp.tasks.multiclass import multiclass

COMPETITION = image_table(
    task=multiclass(("w_1", "w_2", "w_3", "w_4")),
    name="whales",
    title="Humpback Whale Identification",
    kaggle="competitions/humpback-whale-identification",
    metric=map_at_k(3),
    id_column="Image",
    label_column="Id",
)
"""


def run_of(plugin: str, tmp_path: Path) -> tuple[Competition, WholeRun]:
    with pytest.MonkeyPatch.context() as patch:
        competition = competition_of(plugin, patch)
        return competition, whole_run(competition, tmp_path)


def test_two_classes_from_data_to_a_submission(tmp_path: Path) -> None:
    competition, done = run_of(CACTUS, tmp_path)
    truth = (done.train["has_cactus"] == "cactus").cast(int).to_numpy()
    predictions, folds = done.stacked()
    by_fold = {int(fold): params[0] for fold, params in done.card["decision"]["by_fold"].items()}
    decided = predictions[:, 0] >= np.array([by_fold[fold] for fold in folds])
    assert done.card["cv_score"] == pytest.approx(matthews_corrcoef(truth, decided), abs=1e-9)
    assert done.card["threshold"] == done.card["decision"]["params"][0]
    submitted = done.submission["has_cactus"].cast(int).to_numpy()
    expected = (done.test_predictions()[:, 0] >= done.card["threshold"]).astype(int)
    assert submitted.tolist() == expected.tolist()
    answers = np.arange(20) % 2
    assert matthews_corrcoef(answers, submitted) == pytest.approx(
        competition.metric.score(zip(answers[:, None], expected[:, None], strict=True))
    )


def test_columns_of_exclusive_classes_from_data_to_a_submission(tmp_path: Path) -> None:
    competition, done = run_of(PLANTS, tmp_path)
    names = list(competition.task.labels)
    truth = done.train.select(names).cast(int).to_numpy().argmax(axis=1)
    predictions, _ = done.stacked()
    assert done.card["cv_score"] == pytest.approx(
        log_loss(truth, predictions / predictions.sum(1, keepdims=True)), rel=1e-6
    )
    assert done.submission.columns == done.sample.columns == ["image", *names]
    shares = done.submission.select(names).cast(float).to_numpy()
    answers = np.arange(20) % 4
    assert log_loss(answers, shares / shares.sum(1, keepdims=True)) == pytest.approx(
        competition.metric.score(zip(answers[:, None], done.test_predictions(), strict=True)),
        rel=1e-5,
    )


def test_the_best_classes_from_data_to_a_submission(tmp_path: Path) -> None:
    competition, done = run_of(WHALES, tmp_path)
    names = competition.task.labels
    predictions, _ = done.stacked()
    truth = [names.index(name) for name in done.train["Id"]]
    order = np.argsort(-predictions, axis=1, kind="stable")[:, :3]
    ranks = [
        list(row).index(t) + 1 if t in row else np.inf for row, t in zip(order, truth, strict=True)
    ]
    assert done.card["cv_score"] == pytest.approx(np.mean([1 / rank for rank in ranks]))
    cells = [cell.split(" ") for cell in done.submission["Id"]]
    assert {len(cell) for cell in cells} == {3}
    answers = [names[i % 4] for i in range(20)]
    scores = [1 / (row.index(name) + 1) if name in row else 0.0
              for name, row in zip(answers, cells, strict=True)]  # fmt: skip
    targets = np.arange(20)[:, None] % 4
    assert np.mean(scores) == pytest.approx(
        competition.metric.score(zip(targets, done.test_predictions(), strict=True))
    )


COMMON: dict[str, Any] = {"name": "c", "title": "C", "kaggle": "competitions/c"}


def made(task: Task, **fields: Any) -> Competition:
    return image_table(task=task, **COMMON | fields)


@pytest.mark.parametrize(
    ("task", "fields", "metric", "columns", "limits"),
    [
        (binary(("a", "b")), {}, AUC, ["label"], (0, 1)),
        (multiclass(("a", "b", "c")), {}, ACCURACY, ["label"], None),
        (multiclass(("a", "b", "c")), {"submit": "index"}, ACCURACY, ["label"], (0, 2)),
        (multilabel(("a", "b", "c")), {}, MEAN_AUC, ["a", "b", "c"], (0, 1)),
        (multilabel(("a", "b")), {"separator": " "}, MEAN_AUC, ["a", "b"], (0, 1)),
        (multilabel(("a", "b")), {"submit": "numbers"}, MEAN_AUC, ["a", "b"], (0, 1)),
        (ordinal(4), {}, QWK, ["label"], None),
        (ordinal(4), {"submit": "numbers"}, QWK, ["label"], (0, 3)),
        (regression(), {}, RMSE, ["value"], None),
        (regression(), {"label_column": "age"}, RMSE, ["age"], None),
        (regression(("x", "y")), {}, RMSE, ["x", "y"], None),
        (
            regression(("x", "y")),
            {"label_columns": ("left", "top"), "columns": ("X", "Y")},
            RMSE,
            ["X", "Y"],
            None,
        ),
    ],
)
def test_what_is_not_said_follows_from_the_task(
    tmp_path: Path, task: Task, fields: Any, metric: Any, columns: list[str], limits: Any
) -> None:
    competition = made(task, **fields)
    assert competition.metric is metric
    assert competition.limits == limits
    competition.draw_synthetic(tmp_path, np.random.default_rng(0))
    assert pl.read_csv(tmp_path / "sample_submission.csv").columns == ["id", *columns]
    samples = competition.samples(tmp_path, "train")
    assert {competition.task.check(sample.target) for sample in samples} == {""}


@pytest.mark.parametrize(
    ("task", "fields", "words"),
    [
        (image_to_image(), {}, "the task predicts images to images"),
        (multiclass(("a", "b", "c")), {"submit": "probability"}, "does not fit 3 classes: use"),
        (multiclass(("a", "b", "c")), {"submit": "labels"}, "does not fit 3 classes"),
        (
            regression(),
            {"submit": "label"},
            "submit = label does not fit a number: use numbers",
        ),
        (ordinal(3), {"submit": "probabilities"}, "use label, index or numbers"),
        (multilabel(("a", "b")), {"submit": "index"}, "use probabilities, labels, numbers or top"),
        (multilabel(("a b", "c")), {"separator": " "}, "'a b' contains the separator ' '"),
        (multiclass(("a b", "c", "d")), {"submit": "top", "top": 2}, "contains the separator"),
        (multiclass(("a", "b", "c")), {"submit": "top"}, "top = 5: give a number from 1 to 3"),
        (
            multilabel(("a", "b")),
            {"label_column": "x"},
            "the task (2 labels) needs 2 columns of labels, found 1",
        ),
        (regression(("x", "y")), {"label_column": "x"}, "needs 2 columns of labels, found 1"),
        (
            regression(),
            {"label_columns": ("x", "y")},
            "(a number) needs 1 column of labels, found 2",
        ),
        (regression(), {"separator": " "}, "separator = ' ' is for several labels"),
        (
            multilabel(("a", "b")),
            {"separator": " ", "label_columns": ("a", "b")},
            "separator is for names in one column",
        ),
        (ordinal(3), {"label_column": "a", "label_columns": ("a",)}, "give only one"),
        (ordinal(3), {"columns": ("a", "b")}, "writes 1 column, but the names in columns are 2"),
        (
            multilabel(("a", "b")),
            {"label_columns": ("b", "a")},
            "label_columns has 'b' in the place of the label 'a'",
        ),
        (multiclass(("a", "b", "c")), {"label_columns": ("c", "b", "a")}, "has 'c' in the place"),
        (regression(("x", "y")), {"label_columns": ("y", "z")}, "'y' in the place of the label"),
        (
            multilabel(("a", "b")),
            {"columns": ("b", "c")},
            "columns has 'b' in the place of 'a': give columns and the task's labels the same",
        ),
        (
            regression(("x", "y")),
            {"label_columns": ("left", "top"), "columns": ("top", "y")},
            "columns has 'top' in the place of 'left'",
        ),
        (
            multiclass(("cat", "ant", "bee")),
            {"label_columns": ("is_ant", "is_bee", "is_cat")},
            "label_columns has 'is_ant' in the place of the label 'cat'",
        ),
        (
            multiclass(("cat", "ant", "bee")),
            {
                "label_columns": ("is_cat", "is_ant", "is_bee"),
                "columns": ("p_ant", "p_bee", "p_cat"),
                "submit": "probabilities",
            },
            "columns has 'p_ant' in the place of 'cat'",
        ),
        (
            regression(("weight", "age")),
            {"label_columns": ("age_years", "weight_kg"), "columns": ("age", "weight")},
            "label_columns has 'age_years' in the place of the label 'weight'",
        ),
        (
            regression(("first", "second")),
            {"label_columns": ("age_years", "weight_kg"), "columns": ("weight", "age")},
            "columns has 'weight' in the place of 'age_years'",
        ),
        (
            multiclass(("10", "9", "2")),
            {"columns": ("p_2", "p_10", "p_9"), "metric": "log-loss"},
            "columns has 'p_2' in the place of '10'",
        ),
        (multilabel(("a", "b")), {"columns": ("p", "p")}, "give each column another name"),
        (
            binary(("no", "yes")),
            {"columns": ("is_no",)},
            "the column 'is_no' would have the probability of 'yes'",
        ),
        (
            binary(("no", "yes")),
            {"label_column": "is_no", "submit": "index"},
            "the column 'is_no' would have 1 for 'yes'",
        ),
        (
            binary(("cat", "dog")),
            {"columns": ("cat",)},
            "the column 'cat' would have the probability of 'dog'",
        ),
        (
            ordinal(("1", "2", "4")),
            {"metric": "rmse"},
            "the grades 1, 2, 4 are not consecutive numbers",
        ),
        (
            multiclass(("a", "b", "c", "d")),
            {"metric": "map@3", "top": 2},
            "top = 2 does not fit the metric MAP@3, which compares the first 3: leave top out",
        ),
        (
            multilabel(("a", "b")),
            {"metric": "map@3", "submit": "probabilities"},
            "submit = 'probabilities' does not fit the metric MAP@3",
        ),
        (binary(("a", "b")), {"metric": "map@3"}, "the task predicts two classes: choose another"),
        (ordinal(3), {"submission_separator": ";"}, "is for submit labels or top, not for label"),
        (ordinal(3), {"samples": lambda root, split: []}, "samples needs draw_synthetic too"),
    ],
)
def test_a_plugin_that_contradicts_itself_is_refused(task: Task, fields: Any, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)) as caught:
        made(task, **fields)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("fields", [{}, {"submit": "top"}, {"top": 2}, {"top": 3}])
def test_map_at_k_submits_the_first_k_names_but_not_more_than_there_are(fields: Any) -> None:
    competition = made(multiclass(("a", "b", "c", "d")), metric="map@2", **fields | {"top": 2})
    assert cells(competition, 0.1, 0.2, 0.3, 0.4) == {"label": "d c"}
    three = made(multiclass(("a", "b", "c")), metric="map@5", **fields and {"submit": "top"})
    assert cells(three, 0.1, 0.2, 0.7) == {"label": "c b a"}


def cells(competition: Competition, *prediction: float) -> Any:
    """The row of a prediction, without the id."""
    values = np.array(prediction, dtype=np.float32)
    decision = competition.task.decision
    decided = decision.apply(values, decision.default) if decision else values
    row = competition.rows(Sample(id="i", image=Path("test/i.png")), values, decided)
    return {name: value for name, (value,) in row.items() if name != "id"}


TWO, THREE = binary(("cat", "dog")), multiclass(("a", "b", "c"))
LABELS = multilabel(("a", "b"))


@pytest.mark.parametrize(
    ("task", "fields", "prediction", "expected"),
    [
        (TWO, {"metric": "auc"}, [0.75], {"label": 0.75}),
        (TWO, {"metric": "f1"}, [0.75], {"label": "dog"}),
        (TWO, {"metric": "accuracy"}, [0.25], {"label": "cat"}),
        (THREE, {"metric": "accuracy"}, [0.25, 0.5, 0.25], {"label": "b"}),
        (THREE, {"metric": "log-loss"}, [0.25, 0.5, 0.25], {"a": 0.25, "b": 0.5, "c": 0.25}),
        (LABELS, {"metric": "f1-macro"}, [0.75, 0.25], {"a": 1, "b": 0}),
        (LABELS, {"metric": "f1-macro", "separator": "|"}, [0.75, 0.75], {"label": "a|b"}),
        (LABELS, {"metric": "mean-auc", "separator": "|"}, [0.75, 0.25], {"a": 0.75, "b": 0.25}),
        (ordinal(4), {"metric": "qwk"}, [1.25], {"label": "1"}),
        (ordinal(4), {"metric": "rmse"}, [1.25], {"label": 1.25}),
    ],
)
def test_what_the_metric_takes_is_submitted(
    task: Task, fields: Any, prediction: list[float], expected: Any
) -> None:
    """F1 scored decisions, and the file had probabilities; RMSE the contrary."""
    assert cells(made(task, **fields), *prediction) == expected


@pytest.mark.parametrize(
    ("task", "fields", "prediction", "expected"),
    [
        (
            TWO,
            {"submit": "probabilities", "columns": ("dog", "cat")},
            [0.75],
            [("dog", 0.75), ("cat", 0.25)],
        ),
        (LABELS, {"columns": ("b", "a")}, [0.75, 0.25], [("b", 0.25), ("a", 0.75)]),
        (
            LABELS,
            {"columns": ("b", "a"), "metric": "f1-macro"},
            [0.75, 0.25],
            [("b", 0), ("a", 1)],
        ),
        (regression(("x", "y")), {"columns": ("y", "x")}, [1, 2], [("y", "2"), ("x", "1")]),
        (
            regression(("x", "y")),
            {"label_columns": ("left", "top"), "columns": ("top", "left")},
            [1, 2],
            [("top", "2"), ("left", "1")],
        ),
        (
            regression(("age", "weight")),
            {"label_columns": ("age_a", "weight_kg"), "columns": ("weight_kg", "age_a")},
            [1, 2],
            [("weight_kg", "2"), ("age_a", "1")],
        ),
        (TWO, {"columns": ("is_dog",)}, [0.75], [("is_dog", 0.75)]),
    ],
)
def test_each_value_is_in_the_column_of_its_label(
    task: Task, fields: Any, prediction: list[float], expected: list[Any]
) -> None:
    assert list(cells(made(task, **fields), *prediction).items()) == expected


def test_grades_whose_names_are_numbers_are_submitted_as_these_numbers() -> None:
    grades = ordinal(("1", "2", "3", "4", "5"))
    decided = made(grades, submit="numbers")
    assert decided.limits == (1, 5)
    assert cells(decided, 2.2) == {"label": 3}
    assert cells(made(grades, submit="index"), 2.2) == {"label": 2}
    halves = made(ordinal(("0", "0.5", "2")), submit="numbers")
    assert [cells(halves, grade)["label"] for grade in (0, 1, 2)] == [0, 0.5, 2]
    words = made(ordinal(("low", "mid", "high")), submit="numbers")
    assert (cells(words, 2), words.limits) == ({"label": 2}, (0, 2))


def test_expected_grades_are_in_the_unit_of_their_names() -> None:
    competition = made(ordinal(("100", "101", "102")), metric="rmse", sample_submission=None)
    assert competition.limits == (100, 102)
    assert cells(competition, 0.5) == {"label": 100.5}
    check_rows(competition, Path(), [Sample(id=i, image=Path(i)) for i in "ab"])


def test_different_numbers_stay_different_in_the_file(tmp_path: Path) -> None:
    """With 7 decimals, 3.1e-8 and 4.2e-8 were both 0."""
    numbers = [3.1e-8, 4.2e-8, -1.2345678e-6, 0, 7, 16777216, 1, 1.0000001]
    values = np.array(numbers, dtype=np.float32)
    competition = made(regression(), sample_submission=None)
    path = tmp_path / "rows.csv"
    write_rows(path, [{"value": [cells(competition, v)["value"]]} for v in values], 7)
    assert pl.read_csv(path)["value"].to_numpy().astype(np.float32).tolist() == values.tolist()
    assert "e" not in path.read_text().removeprefix("value")
    assert cells(made(regression(), decimals=2), 0.5) == {"value": 0.5}


def test_the_submission_may_have_another_separator_than_the_labels(tmp_path: Path) -> None:
    competition = made(LABELS, metric="f1-macro", separator="|", submission_separator=" ")
    competition.draw_synthetic(tmp_path, np.random.default_rng(0))
    assert "a|b" in (tmp_path / "train.csv").read_text()
    assert cells(competition, 0.75, 0.75) == {"label": "a b"}
    check_rows(competition, tmp_path, competition.samples(tmp_path, "test"))


def test_an_unknown_argument_suggests_the_right_one() -> None:
    with pytest.raises(TypeError, match=r"image_table\(\) has no argument 'separatr': did you"):
        made(regression(), separatr=" ")


def test_exclusive_classes_have_a_short_form() -> None:
    short = image_classification(classes=("a", "b", "c"), group_column="owner", **COMMON)
    long = made(multiclass(("a", "b", "c")), group_column="owner")
    for field in ("metric", "limits", "layout", "group", "defaults", "sample_submission"):
        assert getattr(short, field) == getattr(long, field)
    assert "submission_id" in inspect.signature(image_table).parameters


TASKS: dict[str, Task] = {
    "classes": multiclass(("1", "2", "3")),
    "labels": multilabel(("a", "b")),
    "names": multilabel(("a", "b")),
    "grades": ordinal(3),
    "number": regression(),
    "logarithm": regression(log=True),
}


@pytest.mark.parametrize(
    ("kind", "header", "cell", "words"),
    [
        ("classes", "label", "0", "the label '0', which is not one of the 3 classes"),
        ("labels", "a,b", "1,2", "the b '2', which is not 0 or 1"),
        ("labels", "a,b", "1,", "the b '', which is not 0 or 1"),
        ("names", "label", "a c", "the label 'c', which is not one of the 2 labels"),
        ("names", "label", "", "the label '', which is not one of the 2 labels"),
        ("grades", "label", "3", "the label '3', which is not one of the 3 classes"),
        ("grades", "label", "1.5", "the label '1.5', which is not one of the 3 classes"),
        ("number", "value", "ten", "the value 'ten', which is not a number"),
        ("number", "value", "nan", "the value 'nan', which is not a number"),
        ("logarithm", "value", "-1", "the value -1, which is negative"),
        ("number", "price", "1", "has no column 'value', only id, price"),
    ],
)
def test_bad_input_is_one_clear_line_before_training(
    kind: str, header: str, cell: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    competition = made(TASKS[kind], **({"separator": " "} if kind == "names" else {}))
    monkeypatch.setattr("comp.contract.registry.competitions", lambda: {"c": competition})
    competition.draw_synthetic(tmp_path, np.random.default_rng(0))
    table = tmp_path / "train.csv"
    lines = table.read_text().splitlines()
    lines[0] = f"id,{header}"
    lines[3] = f"{lines[3].split(',')[0]},{cell}"
    table.write_text("\n".join(lines) + "\n")
    workspace = Workspace.at(tmp_path / "work")
    with pytest.raises(CompError) as caught:
        run(tiny_config(competition), DataSource(tmp_path, False), workspace, Silent())
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not workspace.runs("c").exists()


def test_making_a_competition_imports_nothing_heavy() -> None:
    heavy = {"torch", "timm", "numpy", "polars", "pandas", "sklearn", "cv2", "albumentations"}
    code = f"import sys\n{CACTUS}\nprint(*sorted(set(sys.modules) & {heavy!r}))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=600, check=True
    )
    assert done.stdout.strip() == ""
