"""Names that say another class than the labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from toys import toy

from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.data.audit.class_names import check_class_names, numbered_names
from comp.tasks.multilabel import multilabel
from comp.tasks.ordinal import ordinal


def animals(**fields: Any) -> Competition:
    return toy(classes=("cat", "dog"), metric="auc", **{"sample_submission": None} | fields)


def samples(root: Path, names: list[str], target: float) -> list[Sample]:
    return [Sample(id=n, image=root / f"{n}.jpg", target=target) for n in names]


CATS = [f"train/cat.{i}" for i in range(6)]
DOGS = [f"train/dogPhoto_{i}" for i in range(6)]


def test_a_class_is_shown_with_its_label(tmp_path: Path) -> None:
    train = samples(tmp_path, CATS, 0.0)
    assert numbered_names(animals(), train) == {"cat": "cat = label 0", "dog": "dog = label 1"}
    assert numbered_names(toy(ordinal(3), metric="qwk"), train) == {n: n for n in "012"}
    several = toy(multilabel(("cat", "dog")), metric="mean-auc")
    train = [Sample(id="a", image=tmp_path / "a", target=(1.0, 0.0))]
    assert numbered_names(several, train) == {"cat": "cat", "dog": "dog"}
    assert numbered_names(animals(), []) == {"cat": "cat", "dog": "dog"}


def test_classes_in_the_wrong_order_are_found_by_the_names_of_images(tmp_path: Path) -> None:
    right = samples(tmp_path, CATS, 0.0) + samples(tmp_path, DOGS, 1.0)
    assert check_class_names(animals(), tmp_path, right, []) == []
    wrong = samples(tmp_path, CATS, 1.0) + samples(tmp_path, DOGS, 0.0)
    (finding,) = check_class_names(animals(), tmp_path, wrong, [])
    assert (finding.kind, finding.severity, finding.count) == ("class-names", "warning", 12)
    assert finding.names[0] == "train/cat.0 (dog = label 1)"
    assert "the classes cat, dog of the plugin are in the wrong order" in finding.advice


def test_a_few_names_of_another_class_are_chance(tmp_path: Path) -> None:
    train = samples(tmp_path, CATS, 0.0) + samples(tmp_path, DOGS[:5], 0.0)
    assert check_class_names(animals(), tmp_path, train, []) == []
    both = samples(tmp_path, [f"cat and dog {i}" for i in range(9)], 1.0)
    assert check_class_names(animals(), tmp_path, both, []) == []
    words = samples(tmp_path, [f"category/concatenate{i}" for i in range(9)], 1.0)
    assert check_class_names(animals(), tmp_path, words, []) == []


@pytest.mark.parametrize(("cat", "dog", "count"), [("1", "0", 1), ("dog", "cat", 1), ("0", "1", 0)])
def test_the_values_of_the_sample_submission_may_say_another_order(
    tmp_path: Path, cat: str, dog: str, count: int
) -> None:
    rows = [*(f"cat{i},{cat}" for i in range(5)), *(f"dog{i},{dog}" for i in range(5))]
    (tmp_path / "sample.csv").write_text("\n".join(["id,label", *rows]))
    train = samples(tmp_path, ["a", "b"], 0.0)
    competition = animals(sample_submission="sample.csv")
    findings = check_class_names(competition, tmp_path, train, [])
    assert [finding.kind for finding in findings] == ["submission-names"] * count


@pytest.mark.parametrize(("column", "count"), [("is_cat", 1), ("cat", 1), ("dog", 0), ("label", 0)])
def test_a_column_of_the_first_class_is_a_warning(tmp_path: Path, column: str, count: int) -> None:
    (tmp_path / "sample.csv").write_text(f"id,{column}\nx,0.5\ny,0.5\n")
    train = samples(tmp_path, ["a", "b"], 0.0)
    findings = check_class_names(animals(sample_submission="sample.csv"), tmp_path, train, [])
    assert [finding.kind for finding in findings] == ["submission-column"] * count
    if findings:
        assert "a prediction is high for 'dog', which is label 1" in findings[0].words
