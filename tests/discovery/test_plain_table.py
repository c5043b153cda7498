"""Plain tables in the forms of many competitions: ids, times, targets and what is not used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from comp.discovery.conclusion import Conclusion
from comp.discovery.draft import make_draft
from comp.discovery.look import look
from comp.discovery.plugin_file import competition_of
from comp.discovery.plugin_text import plugin_text
from comp.kaggle.facts import CompetitionFacts
from comp.submission.blank import check_rows
from comp.workspace import Workspace
from tests.fakes.layouts import csv, table

ROWS, LATER = range(40), range(20)


def shops(root: Path) -> None:
    """Training rows without ids; times after a column whose name has a word of times."""
    days = [f"2015-{1 + i // 20:02d}-{1 + i % 20:02d}" for i in range(60)]
    rows = [[i % 3, i % 7, days[i], 100 + i, i] for i in ROWS]
    csv(root / "train.csv", "Store,DayOfWeek,Date,Sales,Customers", rows)
    csv(
        root / "test.csv",
        "Id,Store,DayOfWeek,Date",
        [[i, i % 3, i % 7, days[40 + i]] for i in LATER],
    )
    csv(root / "sample_submission.csv", "Id,Sales", [[i, 0] for i in LATER])


def machines(root: Path) -> None:
    """Times that are not ISO dates."""
    days = [f"{1 + i // 20}/{1 + i % 20}/2011 0:00" for i in range(60)]
    rows = [[i, 5000.5 + 100 * i, 1990 + i % 9, days[i]] for i in ROWS]
    csv(root / "Train.csv", "SalesID,SalePrice,YearMade,saledate", rows)
    csv(
        root / "Test.csv",
        "SalesID,YearMade,saledate",
        [[i, 1990 + i % 9, days[i]] for i in range(40, 60)],
    )
    csv(root / "sample_submission.csv", "SalesID,SalePrice", [[i, 0] for i in range(40, 60)])


def rentals(root: Path) -> None:
    """Ids that are the only dates."""
    hours = [f"2011-01-{1 + i // 3:02d} {8 * (i % 3):02d}:00:00" for i in range(60)]
    csv(
        root / "train.csv",
        "datetime,temp,count",
        [[hours[i], 9 + i % 5, 3 * i] for i in range(0, 60, 2)],
    )
    csv(root / "test.csv", "datetime,temp", [[hours[i], 9 + i % 5] for i in range(1, 60, 2)])
    csv(root / "sampleSubmission.csv", "datetime,count", [[hours[i], 0] for i in range(1, 60, 2)])


def pumps(root: Path) -> None:
    """Features and targets in two tables."""
    csv(root / "train_values.csv", "id,height,kind", [[i, i * 1.5, "ab"[i % 2]] for i in ROWS])
    csv(
        root / "train_labels.csv", "id,status", [[i, ["dry", "wet"][i % 2]] for i in reversed(ROWS)]
    )
    csv(root / "test_values.csv", "id,height,kind", [[i, i * 1.5, "a"] for i in range(40, 50)])
    csv(root / "SubmissionFormat.csv", "id,status", [[i, "dry"] for i in range(40, 50)])


def passengers(root: Path) -> None:
    """Groups in the ids."""
    ids = [f"{1 + i // 2:04d}_{1 + i % 2:02d}" for i in range(60)]
    csv(root / "train.csv", "PassengerId,age,Gone", [[ids[i], 20 + i % 9, i % 3 > 0] for i in ROWS])
    csv(root / "test.csv", "PassengerId,age", [[ids[i], 20 + i % 9] for i in range(40, 60)])
    csv(root / "sample_submission.csv", "PassengerId,Gone", [[i, False] for i in ids[40:]])


def stickers(root: Path) -> None:
    """Rows without a target."""
    table(
        root,
        "id,a",
        lambda i: [i, i * 1.5],
        lambda i: ["" if i == 7 else 10.5 * i],
        "id,sold",
        lambda _: [0],
        "sold",
    )


def flowers(root: Path) -> None:
    """No test rows and no sample submission."""
    kinds = ["setosa", "virginica"]
    csv(root / "flowers.csv", "width,length,species", [[i % 9, i, kinds[i % 2]] for i in ROWS])


def claims(root: Path) -> None:
    """Two classes, scored by the Gini index."""
    table(root, "id,a", lambda i: [i, i * 1.5], lambda i: [i % 2], "id,target", lambda _: [0.04])


FORMS: dict[str, tuple[Callable[[Path], None], str, str, str, dict[str, Any]]] = {
    # draw, Kaggle's metric, task, metric, some arguments
    "shops": (shops, "", "regression(('Sales',))", "rmse",
              {"id_column": "Id", "numbered": True, "time_column": "Date", "drop": ("Customers",)}),
    "machines": (machines, "", "regression(('SalePrice',))", "rmse", {"time_column": "saledate"}),
    "rentals": (rentals, "Root Mean Squared Logarithmic Error",
                "regression(('count',), log=True)", "rmsle", {"id_is_feature": True}),
    "pumps": (pumps, "", "binary(('dry', 'wet'))", "accuracy",
              {"train": "train_values.csv", "target_table": "train_labels.csv"}),
    "passengers": (passengers, "", "binary(('False', 'True'))", "accuracy",
                   {"group_pattern": "^(?:([0-9]+)_)"}),
    "stickers": (stickers, "", "regression(('sold',))", "rmse", {"skip_blank_targets": True}),
    "flowers": (flowers, "", "binary(('setosa', 'virginica'))", "auc",
                {"test": None, "test_share": 0.2, "id_column": "row", "numbered": True}),
    "claims": (claims, "Normalized Gini Index", "binary(('0', '1'))", "auc", {}),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_right_conclusion_whose_plugin_reads_the_data(name: str, tmp_path: Path) -> None:
    draw, said, task, metric, arguments = FORMS[name]
    found = concluded(tmp_path, draw, said)
    assert not found.missing
    assert (found.task, found.metric) == (task, metric)
    assert arguments.items() <= dict(found.arguments).items()
    competition = competition_of(
        plugin_text(found, name="new", title="New", kaggle="competitions/new")
    )
    assert found.root is not None
    train, test = (competition.samples(found.root, split) for split in ("train", "test"))
    assert all(sample.target is not None for sample in train)
    assert not {sample.id for sample in train} & {sample.id for sample in test}
    check_rows(competition, found.root, test)
    if name == "pumps":  # the tables are joined by id
        assert [(s.id, s.target) for s in train][:2] == [("0", 0.0), ("1", 1.0)]
    if name == "passengers":
        assert [sample.group for sample in train][:3] == ["0001", "0001", "0002"]
    if name == "machines":
        assert train[0].time == "2011-01-01T00:00:00"
    if name == "rentals":
        assert train[0].features["datetime"] == train[0].id


def concluded(root: Path, draw: Callable[[Path], None], said: str) -> Conclusion:
    """The conclusion from a drawn table, with the metric in Kaggle's words."""
    draw(root / "data")
    facts = CompetitionFacts(reference="competitions/new", metric=said) if said else None
    draft = make_draft("new", root / "data", Workspace.at(root), facts)
    assert draft.missing == draft.conclusion.missing
    return draft.conclusion


def test_a_metric_that_comp_does_not_know_is_a_guess(tmp_path: Path) -> None:
    stickers(tmp_path)
    facts = CompetitionFacts(reference="competitions/new", metric="Normalized Gini Index")
    draft = make_draft("new", tmp_path, Workspace.at(tmp_path), facts)
    assert not draft.missing
    assert any("which may be wrong" in finding.what for finding in draft.findings)


def test_texts_with_hardly_any_other_column_are_refused(tmp_path: Path) -> None:
    text = '"a sentence, which is so long that it is not a category, and has the number {}"'
    table(tmp_path, "id,text,word", lambda i: [i, text.format(i), f"w{i % 4}"],
          lambda i: [i % 2], "id,target", lambda _: [0])  # fmt: skip
    space = Workspace.at(tmp_path)
    found = look(tmp_path, workspace=space)
    assert "does not read texts" in found.missing[0].advice
    assert "--answer drop=text" in found.missing[0].advice
    assert look(tmp_path, workspace=space, answers={"drop": "text"}).known


def test_tables_with_the_same_ids_are_told_as_a_guess(tmp_path: Path) -> None:
    claims(tmp_path)
    csv(tmp_path / "train_identity.csv", "id,device", [[i, "phone"] for i in range(10)])
    found = look(tmp_path, workspace=Workspace.at(tmp_path))
    assert found.known
    assert ("train_identity.csv not used", "guess") in [
        (finding.what, finding.certainty) for finding in found.findings
    ]


def test_a_test_table_with_the_target_is_refused(tmp_path: Path) -> None:
    for name in ("train", "test"):
        csv(tmp_path / f"{name}.csv", "id,a,target", [[i, 2 * i, i % 2] for i in ROWS])
    found = look(tmp_path, workspace=Workspace.at(tmp_path))
    assert "remove target from test.csv" in found.missing[0].advice
