"""Tables of scores, as a person reads them."""

from __future__ import annotations

import io
from dataclasses import asdict

import numpy as np
from rich.console import Console

from comp.inference.estimates import Estimate
from comp.inference.label_scores import label_scores
from comp.inference.scores import Scores, binary_scores, multiclass_scores
from comp.inference.value_scores import grade_scores, value_scores
from comp.report.scores import scores_table


def shown(*scores: Scores) -> list[str]:
    stream = io.StringIO()
    console = Console(file=stream, width=100, markup=False, highlight=False)
    console.print(scores_table([asdict(one) for one in scores]))
    return stream.getvalue().splitlines()


def scores(
    threshold: float | None, confusion: tuple[tuple[int, ...], ...], **found: float
) -> Scores:
    return Scores(
        classes=("NORMAL", "ILL", "[odd]")[: len(confusion)],
        threshold=threshold,
        n=1234,
        n_groups=56,
        positives=None,
        estimates={name: Estimate(value, value - 0.1, 1.0) for name, value in found.items()},
        confusion=confusion,
    )


def cells(lines: list[str], first: str) -> list[str]:
    (line,) = [line for line in lines if line[1:].strip().startswith(first)]
    return [part.strip() for part in line.strip("│┃").replace("┃", "│").split("│")]


def test_two_thresholds_stand_side_by_side() -> None:
    half = scores(0.5, ((1, 2), (3, 4)), auc=0.9661, calibration_error=0.25)
    tuned = scores(0.61234, ((1000, 20), (3, 211)), auc=0.9661, calibration_error=0.125)
    lines = shown(half, tuned)
    assert "1,234 samples in 56 groups; 95 % intervals" in lines[0]
    assert cells(lines, "score") == ["score", "at 0.5", "at the tuned 0.61234"]
    assert cells(lines, "auc") == ["auc", "0.966 (0.866 to 1.000)", "0.966 (0.866 to 1.000)"]
    assert cells(lines, "calibration error")[1:] == [
        "0.250 (0.150 to 1.000)",
        "0.125 (0.025 to 1.000)",
    ]


def test_the_confusion_matrix_is_that_of_the_tuned_threshold() -> None:
    lines = shown(scores(0.5, ((1, 2), (3, 4))), scores(0.25, ((1000, 20), (3, 211))))
    assert [line.strip() for line in lines].count("at the tuned 0.25") == 1
    assert cells(lines, "truth") == ["truth", "decided NORMAL", "decided ILL"]
    assert cells(lines, "NORMAL") == ["NORMAL", "1,000", "20"]
    assert cells(lines, "ILL") == ["ILL", "3", "211"]


def test_three_classes_have_one_column() -> None:
    lines = shown(scores(None, ((1, 2, 3), (4, 5, 6), (7, 8, 9)), accuracy=0.5))
    assert cells(lines, "accuracy") == ["accuracy", "0.500 (0.400 to 1.000)"]
    assert cells(lines, "score") == ["score", "most probable class"]
    assert cells(lines, "[odd]") == ["[odd]", "7", "8", "9"]


def test_a_score_that_is_missing_at_one_threshold_leaves_a_gap() -> None:
    lines = shown(scores(0.5, ((1, 2), (3, 4)), f1=0.5), scores(0.4, ((1, 2), (3, 4))))
    assert cells(lines, "f1") == ["f1", "0.500 (0.400 to 1.000)", ""]


def test_real_scores_fit_on_a_terminal() -> None:
    truth, chance = np.tile([0, 1, 1, 0], 3), np.tile([0.2, 0.9, 0.4, 0.3], 3)
    groups = list("abcdefghijkl")
    found = [
        binary_scores(truth, chance, groups, threshold, 20, classes=("NORMAL", "PNEUMONIA"))
        for threshold in (0.5, 0.35)
    ]
    lines = shown(*found)
    assert max(map(len, lines)) <= 80
    assert cells(lines, "PNEUMONIA") == ["PNEUMONIA", "0", "6"]
    assert len([line for line in lines if " to " in line]) == 6


def test_grades_and_labels_have_their_own_headings() -> None:
    truth, groups = np.array([0, 1, 2, 2]), list("abcd")
    tables = [
        grade_scores(truth, decided, groups, ("0", "1", "2"), 20, heading=heading)
        for decided, heading in (([0, 1, 1, 2], "rounded"), (truth, "at the tuned cuts"))
    ]
    lines = shown(*tables)
    assert cells(lines, "score") == ["score", "rounded", "at the tuned cuts"]
    assert cells(lines, "accuracy")[2] == "1.000 (no interval)"
    assert cells(lines, "2") == ["2", "0", "0", "2"]


def test_several_labels_have_no_confusion_matrix() -> None:
    truth = np.array([[0, 1], [1, 0], [1, 1], [0, 0]])
    table = label_scores(truth, truth * 0.8, list("abcd"), ("a", "b"), (0.5, 0.5), 20,
                         heading="at 0.5")  # fmt: skip
    lines = shown(table)
    assert not any("truth" in line for line in lines)
    assert cells(lines, "f1 of b") == ["f1 of b", "1.000 (no interval)"]


def test_large_and_small_numbers_keep_their_digits() -> None:
    targets = np.array([[1e6], [2e6], [3e6]])
    lines = shown(value_scores(targets, targets + 1234, list("abc"), ("price",), 20))
    assert cells(lines, "score") == ["score", "prediction"]
    assert cells(lines, "mae") == ["mae", "1234 (no interval)"]
    lines = shown(value_scores(targets / 1e9, targets / 1e9 + 1e-5, list("abc"), ("x",), 20))
    assert cells(lines, "mae") == ["mae", "1e-05 (no interval)"]


def test_of_many_classes_the_worst_are_shown() -> None:
    rng = np.random.default_rng(0)
    truth = np.repeat(np.arange(30), 8)
    chances = rng.random((240, 30)) + np.where(truth < 5, 0.2, 1.5)[:, None] * np.eye(30)[truth]
    names, groups = [f"class {k}" for k in range(30)], [str(i) for i in range(240)]
    found = multiclass_scores(truth, chances, groups, names, draws=30)
    lines = shown(found)
    assert " intervals by 30" in lines[0]  # the title is broken at the width of the table
    assert len([line for line in lines if "sensitivity of" in line]) == 20
    assert cells(lines, "sensitivity of class 0")
    assert cells(lines, "... 10 more")
    assert not any("decided class" in line for line in lines)
    (title,) = [line for line in lines if "most confused of 30 classes" in line]
    rows = lines[lines.index(title) + 4 : -1]
    assert 0 < len(rows) <= 10
    assert len(lines) < 50
