"""The file of `drop`, and what it drops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from comp.contract.sample import Sample
from comp.data.dropped import (
    dropped_units,
    mark_of,
    read_dropped,
    read_pointer,
    trained,
    without_dropped,
    write_pointer,
)
from comp.errors import DataError, RunError
from comp.tasks.binary import binary
from comp.tasks.multilabel import multilabel

SAMPLES = [
    *(
        Sample(id=name)
        for name in ("007", "a/b.png", "plain id", "a,b", 'two\n"lines"', "a\u2028b")
    ),
    *(Sample(id=f"view {n}", unit="patient") for n in (1, 2)),
]


@pytest.mark.parametrize(
    ("name", "text", "ids"),
    [
        ("s.csv", "rank,id,score\n1,007,0.1\n2,a/b.png,0.2\n", ["007", "a/b.png"]),
        ("s.csv", "\ufeffid\n007\n007\n\n", ["007"]),  # twice, and with a mark of Excel
        ("s.csv", 'label,id\nx,"a,b"\r\ny,"a,b"\r\n', ["a,b"]),
        ("s.txt", "plain id\na,b\n\n  007  \n", ["007", "plain id", "a,b"]),
        ("s.txt", "patient\n", ["view 1", "view 2"]),
        ("s.csv", 'id\n"two\n""lines"""\na\u2028b\n', ['two\n"lines"', "a\u2028b"]),
        ("s.txt", "a\u2028b\r\n", ["a\u2028b"]),
        ("s.csv", "007", ["007"]),
    ],
)
def test_the_forms_of_the_file(tmp_path: Path, name: str, text: str, ids: list[str]) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8", newline="")
    assert read_dropped(path, SAMPLES).ids == ids


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id\n7\n007\n8\n", "names 2 of 3 ids that no training sample has, the first is '7'"),
        ("name,score\n007,1\n", "has no column 'id', only name, score"),
        ("id,score\n", "names no sample"),
        ("", "names no sample"),
        ("\udcff", "cannot read drop = "),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "s.csv"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(DataError, match=message):
        read_dropped(path, SAMPLES)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot read drop = .*No such file"):
        read_dropped(tmp_path / "none.csv", SAMPLES)


def numbered(cells: Sequence[float], form: str = "row_{}") -> list[Sample]:
    """Rows of a table without ids: the target is whether the first cell is odd."""
    return [
        Sample(id=form.format(i), features={"a": str(cell), "b": "x"}, target=float(cell % 2))
        for i, cell in enumerate(cells, 1)
    ]


def listed(path: Path, samples: Sequence[Sample], *names: str) -> Path:
    """A list of some samples, as comp writes it."""
    chosen = [sample for sample in samples if sample.id in names]
    path.write_text("id,mark\n" + "".join(f'"{s.id}",{mark_of(s)}\n' for s in chosen))
    return path


@pytest.mark.parametrize("form", ["row_{}", "{}", "external-1/row_{}"])
def test_numbers_of_rows_that_were_edited_are_refused(tmp_path: Path, form: str) -> None:
    """They dropped other rows, and nothing said so."""
    before = numbered([11, 12, 13, 14, 15], form)
    path = listed(tmp_path / "s.csv", before, form.format(2), form.format(4))
    found = read_dropped(path, before)
    assert (found.ids, found.notes) == ([form.format(2), form.format(4)], [])
    after = numbered([11, 12, 14, 15, 16, 17], form)  # 13 was removed
    with pytest.raises(DataError) as caught:
        read_dropped(path, after)
    assert "1 of 2 ids count rows and stand for other rows" in str(caught.value)
    assert f"the first is '{form.format(4)}': make the list again" in str(caught.value)
    assert "\n" not in str(caught.value)
    path.write_text(f"id\n{form.format(4)}\n")  # the way out
    assert read_dropped(path, after).ids == [form.format(4)]


def test_cells_that_mean_the_same_and_columns_in_another_order_are_no_edit(tmp_path: Path) -> None:
    path = listed(tmp_path / "s.csv", numbered([11, 12]), "row_2")
    again = Sample(id="row_2", features={"b": "x", "a": 12.0}, target=0.0)
    assert read_dropped(path, [again]).notes == []


def test_a_label_that_was_corrected_and_a_named_sample_that_changed_are_told(
    tmp_path: Path,
) -> None:
    before = numbered([11, 12, 13])
    path = listed(tmp_path / "s.csv", before, "row_2", "row_3")
    corrected = [*before[:2], replace(before[2], target=0.0)]
    (note,) = read_dropped(path, corrected).notes
    assert "1 of 2 samples have changed since the list was made, the first is 'row_3'" in note
    before = numbered([11, 12], "patient {}")
    path = listed(tmp_path / "s.csv", before, "patient 2")
    (note,) = read_dropped(path, numbered([11, 14], "patient {}")).notes
    assert "1 of 1 samples have changed" in note


def test_samples_without_cells_are_known_by_their_label(tmp_path: Path) -> None:
    table = [Sample(id=str(i), image=Path("train.csv"), target=float(i)) for i in (1, 2, 3)]
    path = listed(tmp_path / "s.csv", table, "2")
    with pytest.raises(DataError, match="1 of 1 ids count rows"):
        read_dropped(path, [replace(table[1], target=3.0)])
    (note,) = read_dropped(path, [replace(table[1], image=Path("2.png"), target=3.0)]).notes
    assert "1 of 1 samples have changed" in note  # the number is the name of the file
    masks = [Sample(id="2", image=Path("2.png"), target=Path("mask.png"))]
    assert mark_of(masks[0]) == "-"
    assert read_dropped(listed(path, masks, "2"), [replace(masks[0], target=None)]).notes == []


def test_features_that_are_no_cells_have_a_mark() -> None:
    """A plugin's own reader may have lists of boxes there: the report of its run failed."""
    features = {"boxes": [[1, 2]], "age": 3}
    sample = Sample(id="a", features=features, target=1.0)  # type: ignore[arg-type]
    assert mark_of(sample) == mark_of(replace(sample, features=dict(features)))
    assert mark_of(sample) != mark_of(replace(sample, features=features | {"age": 4}))
    assert mark_of(Sample(id="a", target=10**400)) == "-"


def test_a_unit_is_the_same_if_one_of_its_samples_is(tmp_path: Path) -> None:
    views = [Sample(id=f"v{i}", unit="7", features={"a": i}, target=1.0) for i in range(3)]
    path = listed(tmp_path / "s.csv", [replace(views[0], id="7")], "7")
    assert read_dropped(path, views[::-1]).notes == []
    with pytest.raises(DataError, match="1 of 1 ids count rows"):
        read_dropped(path, views[1:])


def test_the_labels_of_a_list_without_marks_are_compared(tmp_path: Path) -> None:
    path, task = tmp_path / "s.csv", binary(("no", "yes"))
    samples = numbered([11, 12, 13])
    path.write_text("id,given,label\nrow_1,yes,\nrow_2,no,\n")
    assert read_dropped(path, samples, task).notes == []
    with pytest.raises(DataError, match=r"2 of 2 ids count rows .* the first is 'row_1'"):
        read_dropped(path, numbered([10, 11, 12, 13]), task)
    path.write_text("id,given,label\nrow_1,by hand,\n")  # the user's own column
    assert "by their numbers alone" in read_dropped(path, samples, task).notes[0]
    several = [Sample(id="1", target=(1.0, 0.0)), Sample(id="2", target=(0.0, 1.0))]
    path.write_text("id,given,label\n1,yes,a\n1,no,b\n")
    assert read_dropped(path, several, multilabel(("a", "b"))).notes == []
    with pytest.raises(DataError, match="1 of 1 ids count rows"):
        read_dropped(path, [replace(several[1], id="1")], multilabel(("a", "b")))


@pytest.mark.parametrize("text", ["row_1\n", "id,mark\nrow_1,\n", "id,mark\nrow_1,B+\n"])
def test_numbers_of_rows_alone_are_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / ("s.csv" if "," in text else "s.txt")
    path.write_text(text)
    (note,) = read_dropped(path, numbered([11, 12])).notes
    assert "names rows by their numbers alone: if the table was edited" in note
    path.write_text("7\n")
    assert read_dropped(path, [Sample(id="7")]).notes == []


def test_a_unit_is_dropped_if_all_its_samples_are() -> None:
    assert dropped_units(SAMPLES, ["view 1"]) == set()
    assert dropped_units(SAMPLES, ["view 1", "view 2", "007"]) == {"patient", "007"}
    assert [s.id for s in without_dropped(SAMPLES[:3], ["007", "x"])] == ["a/b.png", "plain id"]


def test_a_fold_reads_what_the_run_has_written(tmp_path: Path) -> None:
    path, folder = tmp_path / "s.txt", tmp_path / "reader"
    path.write_text("007\n")
    assert trained(SAMPLES, None, folder) == SAMPLES
    with pytest.raises(RunError, match="would train: resume the run"):
        trained(SAMPLES, path, folder)
    dropped = read_dropped(path, SAMPLES)
    write_pointer(folder, dropped)
    path.write_text("a,b\n")
    assert read_pointer(folder) == dropped
    assert trained(SAMPLES, path, folder) == SAMPLES[1:]
    (folder / "dropped.json").write_text('{"ids": 3}')
    with pytest.raises(RunError, match="is damaged"):
        read_pointer(folder)
