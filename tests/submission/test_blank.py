from __future__ import annotations

import shutil
import tracemalloc
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from toys import toy, values

from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.contract.task import Decision, Task
from comp.errors import CompetitionError, DataError
from comp.submission.blank import arrays_of, check_rows
from comp.submission.rle import RleFormat, encode
from competitions.denoising import COMPETITION

CLASSES = ("cat", "dog", "fox")
TEST = [Sample(id=name, image=Path(name)) for name in ("a", "b")]


@pytest.fixture
def copy(pages: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(pages, tmp_path / "data"))


def test_pages_that_fit_the_sample_submission_pass(pages: Path) -> None:
    check_rows(COMPETITION, pages, COMPETITION.samples(pages, "test"))


def test_the_size_of_an_image_is_read_from_its_header(pages: Path) -> None:
    test = [replace(sample, size=None) for sample in COMPETITION.samples(pages, "test")]
    check_rows(COMPETITION, pages, test)


def test_ids_that_need_an_unknown_size_ask_for_the_size(copy: Path) -> None:
    test = [replace(sample, size=None) for sample in COMPETITION.samples(copy, "test")]
    test[1].image.write_bytes(b"not an image that Pillow can read")
    with pytest.raises(DataError, match=r"do not match: .*; give the test samples their size"):
        check_rows(COMPETITION, copy, test)


def test_a_row_too_few_is_named_before_anything_is_trained(copy: Path) -> None:
    test = COMPETITION.samples(copy, "test")
    path = copy / "sampleSubmission.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:-1]) + "\n")
    with pytest.raises(DataError, match=r"sampleSubmission\.csv do not match") as caught:
        check_rows(COMPETITION, copy, test)
    assert lines[-1].split(",")[0] in str(caught.value)


def test_without_a_sample_submission_the_rows_are_compared_with_the_test_samples() -> None:
    competition = toy(values(), sample_submission=None)
    check_rows(competition, Path(), TEST)
    with pytest.raises(DataError, match="the test samples do not match: 1 id is missing"):
        check_rows(
            replace(competition, rows=lambda s, _p, _d: {"id": ["a"], "p": [0.5]}), Path(), TEST
        )


def test_no_test_samples_are_a_data_error(pages: Path) -> None:
    with pytest.raises(DataError, match="no test samples"):
        check_rows(COMPETITION, pages, [])


def checked(root: Path, sample: str, competition: Competition) -> str:
    """The refusal of a plugin by a sample submission, "" if they fit."""
    (root / "sample.csv").write_text(sample)
    try:
        check_rows(replace(competition, sample_submission="sample.csv"), root, TEST)
    except (CompetitionError, DataError) as error:
        return str(error)
    return ""


def label_rows(sample: Sample, _prediction: np.ndarray, decision: np.ndarray) -> Mapping[str, Any]:
    return {"id": [sample.id], "label": [CLASSES[int(decision[0])]]}


def test_another_header_is_refused(tmp_path: Path) -> None:
    competition = toy(classes=CLASSES, rows=label_rows)
    assert checked(tmp_path, "id,label\na,cat\nb,cat\n", competition) == ""
    message = checked(tmp_path, "id,species\na,cat\nb,cat\n", competition)
    assert message.startswith(
        "rows of toy do not fit sample.csv: the header is id,label, the sample has id,species"
    )
    assert "return exactly the sample's columns from rows" in message


def test_an_id_column_with_another_name_is_refused_by_both_names(tmp_path: Path) -> None:
    competition = toy(classes=CLASSES, rows=label_rows)
    message = checked(tmp_path, "image,label\na,cat\nb,cat\n", competition)
    assert "name the id column 'image' instead of 'id' in rows" in message
    assert "missing" not in message


def share_rows(sample: Sample, prediction: np.ndarray, _decision: np.ndarray) -> Mapping[str, Any]:
    return {"id": [sample.id]} | {c: [p] for c, p in zip(CLASSES, prediction, strict=True)}


def test_class_columns_may_have_another_order_than_the_sample(tmp_path: Path) -> None:
    """They are written in the order of the sample."""
    competition = toy(classes=CLASSES, rows=share_rows)
    assert checked(tmp_path, "id,cat,dog,fox\na,0,0,0\nb,0,0,0\n", competition) == ""
    assert checked(tmp_path, "id,dog,cat,fox\na,0,0,0\nb,0,0,0\n", competition) == ""
    message = checked(tmp_path, "id,dog,cat,cow\na,0,0,0\nb,0,0,0\n", competition)
    assert "the header is id,cat,dog,fox, the sample has id,dog,cat,cow" in message
    assert "return exactly the sample's columns from rows" in message


def test_images_of_all_sizes_do_not_stay_in_memory(tmp_path: Path) -> None:
    """200 images of 200 sizes needed the memory of all their predictions."""
    competition = toy(sample_submission=None, rows=lambda s, _p, _d: {"id": [s.id], "v": [0.5]})
    test = [Sample(id=str(i), image=tmp_path, size=(250 + i, 250)) for i in range(200)]
    tracemalloc.start()
    check_rows(competition, tmp_path, test)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12 * 450 * 250 * 4


def test_the_prediction_of_a_label_in_the_column_of_another_is_refused(tmp_path: Path) -> None:
    order = ("dog", "cat", "fox")

    def swapped(sample: Sample, prediction: np.ndarray, _d: np.ndarray) -> Mapping[str, Any]:
        return {"id": [sample.id]} | {c: [p] for c, p in zip(order, prediction, strict=True)}

    message = checked(
        tmp_path, "id,dog,cat,fox\na,0,0,0\nb,0,0,0\n", toy(classes=CLASSES, rows=swapped)
    )
    assert "write the prediction of 'cat' into the column 'dog'" in message


@pytest.mark.parametrize(("order", "refused"), [(("cat", "dog"), False), (("dog", "cat"), True)])
def test_one_output_for_two_labels_is_the_share_of_the_second(
    tmp_path: Path, order: tuple[str, str], refused: bool
) -> None:
    def shares(sample: Sample, prediction: np.ndarray, _d: np.ndarray) -> Mapping[str, Any]:
        values = (1 - prediction[0], prediction[0])
        return {"id": [sample.id]} | {c: [v] for c, v in zip(order, values, strict=True)}

    competition = toy(replace(values(), labels=("cat", "dog")), rows=shares)
    message = checked(tmp_path, f"id,{','.join(order)}\na,0,0\nb,0,0\n", competition)
    assert ("write the prediction of 'dog' into the column 'cat'" in message) == refused
    assert bool(message) == refused


def test_a_sample_with_numbers_beyond_the_limits_is_refused(tmp_path: Path) -> None:
    competition = toy(classes=CLASSES, limits=(0.0, 2.0), rows=index_rows)
    message = checked(tmp_path, "id,label\na,1\nb,3\n", competition)
    assert "the sample's label has '3', which is not within 0 and 2: correct submit" in message
    assert checked(tmp_path, "id,label\na,1\nb,2\n", competition) == ""


def test_words_where_the_sample_has_numbers_are_refused(tmp_path: Path) -> None:
    message = checked(tmp_path, "id,label\na,0\nb,0\n", toy(classes=CLASSES, rows=label_rows))
    assert "2 values of label are not finite numbers" in message
    assert "the sample has '0'" in message


def index_rows(sample: Sample, _prediction: np.ndarray, decision: np.ndarray) -> Mapping[str, Any]:
    return {"id": [sample.id], "label": [int(decision[0])]}


def test_numbers_where_the_sample_has_words_are_refused(tmp_path: Path) -> None:
    message = checked(tmp_path, "id,label\na,cat\nb,cat\n", toy(classes=CLASSES, rows=index_rows))
    assert "2 values of label are not labels (cat, dog, fox), first '0' at a" in message


def test_a_label_that_the_sample_spells_in_another_way_is_refused(tmp_path: Path) -> None:
    competition = toy(classes=CLASSES, rows=label_rows)
    message = checked(tmp_path, "id,label\na,Cat\nb,Cat\n", competition)
    assert "the sample has 'Cat' where the labels have 'cat'" in message


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"id": ["a", "b"], "p": [0.5]}, "columns of different lengths: id 2, p 1"),
        ({"id": "a", "p": [0.5]}, "column id of the rows is 'a': return a list"),
        ({"id": ["a"], "p": 0.5}, "column p of the rows is 0.5: return a list"),
        ({"id": ["a"], "p": np.zeros((1, 2))}, r"column p of the rows has the shape \(1, 2\)"),
        ({"id": ["a"], "p": [[1]]}, r"column p of the rows has \[1\]: return texts or numbers"),
        ({}, "return a mapping of columns to lists"),
        (None, "rows are None: return a mapping"),
    ],
)
def test_rows_that_are_no_table_are_refused(columns: Any, words: str) -> None:
    competition = toy(values(), sample_submission=None, rows=lambda _s, _p, _d: columns)
    with pytest.raises(CompetitionError, match=f"{words}.*: correct rows in the plugin"):
        check_rows(competition, Path(), TEST)


def test_other_columns_for_another_sample_are_refused() -> None:
    competition = toy(
        values(), sample_submission=None, rows=lambda s, p, _d: {"id": [s.id], s.id: p}
    )
    with pytest.raises(CompetitionError, match="return the same columns for every sample"):
        check_rows(competition, Path(), TEST)


def test_a_bug_in_rows_keeps_its_traceback() -> None:
    competition = toy(values(), sample_submission=None, rows=lambda s, _p, _d: {"id": [s.ids]})
    with pytest.raises(AttributeError, match="ids"):
        check_rows(competition, Path(), TEST)


def test_a_blank_prediction_is_within_the_limits() -> None:
    competition = toy(values(), sample_submission=None, limits=(20.0, 90.0))
    assert arrays_of(competition, (1,))[0] == 20
    check_rows(competition, Path(), TEST)


def test_values_beyond_the_limits_are_refused(tmp_path: Path) -> None:
    competition = toy(
        values(), limits=(0.0, 1.0), rows=lambda s, p, _d: {"id": [s.id], "p": p * 255}
    )
    message = checked(tmp_path, "id,p\na,0\nb,0\n", competition)
    assert "1 value of p is not within 0 and 1, first at a (255" in message


def test_several_labels_of_a_cell_show_their_separator(tmp_path: Path) -> None:
    """One label at a time hides a separator that the sample does not have."""
    decision = Decision(default=(0.5,), apply=lambda p, _params: (p > 0.5).astype(np.float32))
    task = replace(values(3), labels=CLASSES, decision=decision)

    def joined(mark: str) -> Competition:
        def rows(sample: Sample, _p: np.ndarray, decided: np.ndarray) -> Mapping[str, Any]:
            chosen = (c for c, value in zip(CLASSES, decided, strict=True) if value)
            return {"id": [sample.id], "label": [mark.join(chosen)]}

        return toy(task, rows=rows)

    assert checked(tmp_path, "id,label\na,cat\nb,cat\n", joined(" ")) == ""
    message = checked(tmp_path, "id,label\na,cat\nb,cat\n", joined("|"))
    assert "1 value of label is not a label (cat, dog, fox), first 'cat|dog|fox' at b" in message


def mask_task() -> Task:
    decision = Decision(default=(0.5,), apply=lambda p, params: (p >= params[0]).astype(np.float32))
    return replace(values(), output="image", decision=decision, labels=("salt",))


def mask_rows(form: RleFormat) -> Any:
    return lambda s, _p, decision: {"id": [s.id], "rle": [encode(decision, form)]}


@pytest.mark.parametrize("cell", ["1 1", "", "-1", "0"])
@pytest.mark.parametrize("declared", [True, False])
def test_masks_fit_a_sample_whose_cells_are_placeholders(
    tmp_path: Path, cell: str, declared: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The type of the column was guessed from the first cell, and refused after the training."""
    for name in ("a", "b"):
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.zeros((5, 7), np.uint8))
    test = [replace(sample, image=tmp_path / f"{sample.id}.png") for sample in TEST]
    (tmp_path / "sample.csv").write_text(f"id,rle\na,{cell}\nb,{cell}\n")
    empty = cell if cell == "-1" or (cell == "0" and not declared) else ""
    competition = toy(
        mask_task(),
        sample_submission="sample.csv",
        rows=mask_rows(RleFormat(empty=empty)),
        rle_columns=("rle",) if declared else (),
    )
    check_rows(competition, tmp_path, test)


def test_ids_in_another_column_than_the_first_are_named(tmp_path: Path) -> None:
    """They were "1 id is missing", with the advice to fetch the data again."""
    (tmp_path / "sample.csv").write_text("prediction,id\n0,a\n0,b\n")
    competition = toy(values(), sample_submission="sample.csv")
    words = "^sample.csv has the ids in the column 'id', and its first column is 'prediction': move"
    with pytest.raises(DataError, match=words):
        check_rows(competition, tmp_path, TEST)
    with pytest.raises(DataError, match="do not match"):
        check_rows(competition, tmp_path, TEST[:1])


def test_names_of_classes_where_numbers_are_wanted_name_the_value_of_submit(tmp_path: Path) -> None:
    (tmp_path / "sample.csv").write_text("id,kind\na,0\nb,0\n")
    competition = toy(
        classes=("cat", "dog", "fox"),
        sample_submission="sample.csv",
        rows=lambda sample, _, index: {"id": [sample.id], "kind": [CLASSES[int(index.item())]]},
    )
    with pytest.raises(CompetitionError, match=r'submit in .*: "index" for the numbers of classes'):
        check_rows(competition, tmp_path, TEST)
