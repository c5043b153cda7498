"""Tables of competitions whose sample submission, rows or columns could be read in two ways."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from comp.discovery.divided import divided_column
from comp.discovery.draft import make_draft
from comp.discovery.groups import time_column
from comp.discovery.label_names import ordered_names, separator_of
from comp.discovery.metric_hint import MetricHint, metric_hint
from comp.discovery.scores import choose_submission
from comp.discovery.tables import Column, DataTable, read_table
from comp.discovery.targets import find_target
from comp.discovery.values import Labels, labels_of_column
from comp.kaggle.facts import CompetitionFacts
from comp.submission.blank import check_rows
from comp.workspace import Workspace
from tests.fakes.layouts import csv, ids, images, table


def table_of(root: Path, name: str, header: str, rows: Sequence[Sequence[object]]) -> DataTable:
    """A table of a CSV."""
    csv(root / name, header, rows)
    return read_table(root, name)


@pytest.mark.parametrize(
    ("classes", "cells", "submit"),
    [
        (("1", "2", "3"), (0, 0), None),
        (("1", "2", "3"), (-1, -1), None),
        (("1", "2", "3"), (0, 1, 2), "index"),
        (("0", "1", "2"), (2, 2), None),
        (("ant", "bee", "fly"), (0, 0), "index"),
    ],
)
def test_one_number_that_is_no_class_is_a_placeholder(
    tmp_path: Path, classes: tuple[str, ...], cells: tuple[int, ...], submit: str | None
) -> None:
    """Classes 1 to 7 were submitted as 0 to 6 if the sample submission had 0 in each row."""
    labels = Labels("multiclass", "labels csv", classes, ("kind",))
    sample = table_of(tmp_path, "sample_submission.csv", "id,kind", list(enumerate(cells)))
    for hint in (MetricHint(), metric_hint("Categorization Accuracy")):
        found = choose_submission(labels, sample, hint)
        assert (found.metric, found.arguments.get("submit")) == ("accuracy", submit)


def test_a_metric_of_probabilities_gets_probabilities(tmp_path: Path) -> None:
    labels = Labels("binary", "labels csv", ("No", "Yes"), ("bought",))
    sample = table_of(tmp_path, "sample_submission.csv", "id,bought", [[0, 0], [1, 1]])
    assert choose_submission(labels, sample, MetricHint()).arguments == {"submit": "index"}
    found = choose_submission(labels, sample, metric_hint("AUC"))
    assert (found.metric, dict(found.arguments)) == ("auc", {})


@pytest.mark.parametrize(
    ("metric", "classes", "arguments"),
    [
        ("", ("No", "Yes"), {}),
        ("Accuracy", ("No", "Yes"), {"submit": "index"}),
        ("Accuracy", ("1", "2"), {}),
    ],
)
def test_one_number_for_two_classes_is_that_of_one_of_them(
    tmp_path: Path, metric: str, classes: tuple[str, str], arguments: dict[str, str]
) -> None:
    """The plugin wrote Yes where the sample submission has 0, and was refused."""
    labels = Labels("binary", "labels csv", classes, ("bought",))
    sample = table_of(tmp_path, "sample_submission.csv", "id,bought", [[0, 0], [1, 0]])
    found = choose_submission(labels, sample, metric_hint(metric))
    assert dict(found.arguments) == arguments


@pytest.mark.parametrize(
    ("names", "ordered"),
    [
        (("united", "alone"), ("alone", "united")),
        (("nontoxic", "toxic"), ("nontoxic", "toxic")),
        (("damage", "undamaged"), ("undamaged", "damage")),
        (("functional", "non functional"), ("non functional", "functional")),
        (("cat", "not_cat"), ("not_cat", "cat")),
    ],
)
def test_a_name_that_begins_with_un_is_no_negation_by_itself(
    names: tuple[str, str], ordered: tuple[str, str]
) -> None:
    """The probability of "alone" was submitted as that of "united", the class by the alphabet."""
    assert ordered_names(Counter(names)) == ordered


@pytest.mark.parametrize("count", [2, 3, 4])
def test_names_of_two_words_are_no_lists_of_labels(count: int) -> None:
    """Of 16 such names, eight labels were made, and each submitted cell had other words."""
    names = [f"{a} {b}" for a in "abcd"[:count] for b in "wxyz"[:count]]
    assert separator_of(Column("kind", names * 3)) == ""
    assert separator_of(Column("kind", [*names, "w a", "w b", "a", "w"] * 3)) == " "


@pytest.mark.parametrize(("cell", "certainty"), [("NA", "guess"), ("", "likely")])
def test_a_class_that_may_be_named_na_is_told(tmp_path: Path, cell: str, certainty: str) -> None:
    data = tmp_path / "data"
    table(
        data,
        "id,a",
        lambda i: [i, i * 1.5],
        lambda i: [(cell, "EU", "AS")[i % 3]],
        "id,target",
        lambda _: ["EU"],
    )
    found = make_draft("new", data, Workspace.at(tmp_path)).findings
    assert [f.certainty for f in found if "are left out" in f.what] == [certainty]


def test_the_rank_of_grades_in_words_is_a_guess() -> None:
    words = Column("size", ["small", "medium", "large"] * 3)
    numbers = Column("size", ["1", "2", "3"] * 3)
    found = [labels_of_column(each, None, MetricHint(), "grades") for each in (words, numbers)]
    sure = [each.finding.certainty for each in found if each and each.finding]
    assert sure == ["guess", "sure"]


def test_a_feature_with_the_values_of_the_classes_is_not_the_target(tmp_path: Path) -> None:
    rows = [[i, i % 2, i // 2 % 2] for i in range(20)]
    train = table_of(tmp_path, "train.csv", "id,sex,ill", rows)
    test = table_of(tmp_path, "test.csv", "id,sex", [[20 + i, i % 2] for i in range(6)])
    sample = table_of(tmp_path, "sample.csv", "id,class_0,class_1", [[20, 0.5, 0.5]])
    found = find_target(train, "id", test, sample)
    assert found
    assert found.columns == ("ill",)
    assert found.class_columns == ("class_0", "class_1")


@pytest.mark.parametrize(("first", "name"), [(1, "day"), (0, None)])
def test_test_days_that_fit_two_forms_are_of_the_form_of_the_training_days(
    tmp_path: Path, first: int, name: str | None
) -> None:
    """All test days are among the first of a month; folds were random although they are later."""
    days = [f"{1 + i // 20:02d}/{1 + i % 20:02d}/2020" for i in range(60)]
    train = table_of(tmp_path, "train.csv", "id,day", list(enumerate(days)))
    rows = [[i, f"{3 + first:02d}/{1 + i:02d}/2020"] for i in range(9)]
    assert time_column(train, table_of(tmp_path, "test.csv", "id,day", rows), {"id"})[0] == name


def molecules(root: Path, *, later: int, gap: bool = False) -> tuple[DataTable, DataTable]:
    """Rows of 20 molecules, and of others from the number `later` on."""
    rows = [[i, "" if gap and i == 5 else f"mol_{i // 4}", f"x{i}"] for i in range(80)]
    train = table_of(root, "train.csv", "id,molecule,name", rows)
    others = [[100 + i, f"mol_{later + i // 4}", f"y{i}"] for i in range(48)]
    return train, table_of(root, "test.csv", "id,molecule,name", others)


def test_a_column_whose_values_the_test_set_does_not_share_is_one_of_groups(tmp_path: Path) -> None:
    name, finding = divided_column(*molecules(tmp_path, later=20), {"id"})
    assert name == "molecule"
    assert finding
    assert finding.certainty == "guess"
    assert "20 values in 80 rows, and the 12 of the test set are all others" in finding.why


def test_a_shared_value_or_a_gap_shows_no_groups(tmp_path: Path) -> None:
    assert divided_column(*molecules(tmp_path, later=19), {"id"}) == (None, None)
    assert divided_column(*molecules(tmp_path, later=20, gap=True), {"id"}) == (None, None)
    assert divided_column(*molecules(tmp_path, later=20), {"id", "molecule"}) == (None, None)
    assert divided_column(molecules(tmp_path, later=20)[0], None, {"id"}) == (None, None)


def test_a_plugin_has_the_groups_by_which_the_data_is_divided(tmp_path: Path) -> None:
    data = tmp_path / "data"
    rows = [[i, f"home{i // 4}", i % 7, i * 0.5] for i in range(80)]
    csv(data / "train.csv", "id,home,rooms,rent", rows)
    csv(data / "test.csv", "id,home,rooms", [[80 + i, f"h{i // 4}", i % 7] for i in range(48)])
    csv(data / "sample_submission.csv", "id,rent", [[80 + i, 0.5] for i in range(48)])
    draft = make_draft("new", data, Workspace.at(tmp_path))
    assert not draft.missing
    samples = draft.competition.samples(data, "train")
    assert [sample.group for sample in samples[:5]] == ["home0"] * 4 + ["home1"]
    assert list(samples[0].features) == ["rooms"]


def test_images_have_the_groups_by_which_their_table_is_divided(tmp_path: Path) -> None:
    data, train, test = tmp_path / "data", ids("a", 44), ids("b", 33)
    images(data / "train", train)
    images(data / "test", test)
    csv(data / "train.csv", "id,city,ill", [[n, f"c{i // 4}", i % 2] for i, n in enumerate(train)])
    csv(data / "test.csv", "id,city", [[n, f"d{i // 3}"] for i, n in enumerate(test)])
    csv(data / "sample_submission.csv", "id,ill", [[name, 0.5] for name in test])
    arguments = make_draft("new", data, Workspace.at(tmp_path)).conclusion.arguments
    assert arguments["group_column"] == "city"
    assert "feature_columns" not in arguments


def test_classes_with_a_column_each_have_the_mean_auc_of_the_columns(tmp_path: Path) -> None:
    """Plant pathology: the metric of several labels was said not to fit classes."""
    data, names = tmp_path / "data", ("healthy", "rust", "scab")
    table(
        data,
        "id,a",
        lambda i: [i, i * 1.5],
        lambda i: [int(i % 3 == k) for k in range(3)],
        "id,scab,healthy,rust",
        lambda _: [0.3, 0.3, 0.4],
        ",".join(names),
    )
    facts = CompetitionFacts(reference="competitions/new", metric="Mean Columnwise AUC")
    draft = make_draft("new", data, Workspace.at(tmp_path), facts)
    assert not draft.missing
    assert draft.conclusion.metric == "auc"
    check_rows(draft.competition, data, draft.competition.samples(data, "test"))
