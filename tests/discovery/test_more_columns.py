"""Groups beside images and labels that are hard to see, and ids that give labels away."""

from __future__ import annotations

from pathlib import Path

import pytest

from comp.discovery.look import look
from comp.discovery.more_columns import leak_in_ids
from comp.discovery.plugin_file import competition_of
from comp.discovery.plugin_text import plugin_text
from comp.discovery.tables import Column
from comp.workspace import Workspace
from tests.fakes.layouts import TEST, csv, images

NAMES = [f"a{i:03d}" for i in range(60)]


def draw(root: Path, header: str, more: bool) -> None:
    """Images of lesions, some of which have no name; with `more` in the table of the labels."""
    images(root / "train", NAMES)
    images(root / "test", TEST)
    lesions = ["" if i % 10 == 0 else f"l{i // 3}" for i in range(60)]
    rows = [[n, i % 2, *([lesions[i]] if more else [])] for i, n in enumerate(NAMES)]
    csv(root / "train.csv", header, rows)
    if not more:
        csv(root / "metadata.csv", "image,lesion_id", list(zip(NAMES, lesions, strict=True)))
    csv(root / "sample_submission.csv", "image,label", [[n, 0.5] for n in TEST])


def test_a_column_of_groups_may_have_blank_cells(tmp_path: Path) -> None:
    """The column was left out, so that images of a lesion trained and were held out."""
    draw(tmp_path / "data", "image,label,lesion_id", more=True)
    found = look(tmp_path / "data", workspace=Workspace.at(tmp_path))
    assert found.arguments["group_column"] == "lesion_id"
    assert any("6 blank cells" in finding.why for finding in found.findings)
    competition = competition_of(plugin_text(found, name="new", title="New", kaggle=""))
    groups = [s.group for s in competition.samples(tmp_path / "data", "train")]
    assert groups[:4] == [None, "l0", "l0", "l1"]


@pytest.mark.parametrize(
    ("name", "target", "grouped"),
    [
        ("p{}_{}", "{}.5", True),  # a value for each patient, as the capacity of a lung
        ("p{}/{}", "{}.5", True),
        ("{}_{}", "{}", False),
        ("age{}/{}", "{}", False),
    ],
)
def test_groups_of_images_with_numbers(
    tmp_path: Path, name: str, target: str, grouped: bool
) -> None:
    """Patients with a value each had no groups, and folders of targets were groups."""
    root = tmp_path / "data"
    names = {name.format(i, k): target.format(i) for i in range(20, 32) for k in range(4)}
    images(root / "train", list(names))
    images(root / "test", TEST)
    csv(root / "train.csv", "id,volume", [[f"{n}.png", value] for n, value in names.items()])
    csv(root / "sample_submission.csv", "id,volume", [[f"{n}.png", 2.25] for n in TEST])
    found = look(root, workspace=Workspace.at(tmp_path), answers={"task": "regression"})
    assert found.form == "numbers"
    assert ("group_pattern" in found.arguments) == grouped


@pytest.mark.parametrize(("column", "grouped"), [("breed_id", False), ("owner_id", True)])
def test_a_column_of_whole_classes_is_no_group(tmp_path: Path, column: str, grouped: bool) -> None:
    """Each fold held out whole classes, which its model had never seen."""
    root = tmp_path / "data"
    names = [f"{c:x}" for c in range(1000, 1120)]
    images(root / "train", names)
    images(root / "test", TEST)
    of = [i % 12 if column == "breed_id" else i // 3 for i in range(120)]
    rows = [[n, f"breed{i % 12}", f"b{of[i]}"] for i, n in enumerate(names)]
    csv(root / "train.csv", f"id,breed,{column}", rows)
    csv(root / "sample_submission.csv", "id,breed", [[n, "breed1"] for n in TEST])
    found = look(root, workspace=Workspace.at(tmp_path))
    assert found.arguments.get("group_column") == (column if grouped else None)


def test_groups_in_another_table_are_told(tmp_path: Path) -> None:
    draw(tmp_path / "data", "image,label", more=False)
    found = look(
        tmp_path / "data", answers={"labels": "train.csv"}, workspace=Workspace.at(tmp_path)
    )
    told = [f for f in found.findings if "same lesion_id" in f.what]
    assert [(f.certainty, "metadata.csv has it" in f.why) for f in told] == [("guess", True)]
    (tmp_path / "data" / "metadata.csv").unlink()
    found = look(tmp_path / "data", workspace=Workspace.at(tmp_path))
    assert not any("at once" in finding.what for finding in found.findings)


def test_ids_that_contain_the_label() -> None:
    ids = Column("id", ["cat_1", "dog_2", "dog_3"])
    assert leak_in_ids(ids, Column("label", ["cat", "dog", "dog"]))
    assert not leak_in_ids(ids, Column("label", ["dog", "cat", "cat"]))
