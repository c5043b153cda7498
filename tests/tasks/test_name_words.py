"""Columns whose names contain those of labels."""

from __future__ import annotations

import pytest

from comp.tasks.name_words import mentioned, misplaced


@pytest.mark.parametrize(
    ("columns", "names", "wrong"),
    [
        ("is_ant is_bee is_cat", "cat ant bee", ("is_ant", "cat")),
        ("isAnt isBee isCat", "cat ant bee", ("isAnt", "cat")),
        ("Ant Bee Cat", "cat ant bee", ("Ant", "cat")),
        ("ant-prob bee-prob cat-prob", "cat ant bee", ("ant-prob", "cat")),
        ("p_ant p_bee p_p", "p ant bee", ("p_ant", "p")),
        ("is_ant is_bee feline", "cat ant bee", ("is_ant", "cat")),
        ("age_years weight_kg", "weight age", ("age_years", "weight")),
        ("age kilos", "weight_in_kg age_in_years", ("age", "weight_in_kg")),
        ("weight_pred age_pred", "age_years weight_kg", ("weight_pred", "age_years")),
        ("p_2 p_10 p_9", "10 9 2", ("p_2", "10")),
        ("p_01 p_02 p_10", "1 10 2", ("p_02", "10")),
        ("p_1 p_2 p_10", "class1 class10 class2", ("p_2", "class10")),
        ("p_1 p_-1 p_0.5", "-1 1 0.5", ("p_1", "-1")),
        ("is_wild_cat is_cat", "cat wild_cat", ("is_wild_cat", "cat")),
        ("is_macos is_linux", "Linux macOS", ("is_macos", "Linux")),
        ("확률_개 확률_고양이", "고양이 개", ("확률_개", "고양이")),
        ("b z", "a b", ("b", "a")),
        ("is_cat is_ant is_bee", "cat ant bee", None),
        ("is_cat is_wild_cat", "cat wild_cat", None),
        ("p_1 p_2 p_3", "0 1 2", None),
        ("c1 c2 c3", "a b c", None),
        ("p_1 p_2 p_12", "1 2 12", None),
        ("p_1.5 p_1", "1.5 1", None),
        ("cat_dog dog_cat", "cat dog", None),
        ("left top", "x y", None),
        ("catalog dogma", "dog cat", None),
        ("X Y", "x y", None),
        ("+ -", "- +", ("+", "-")),
        ("p+ p-", "- +", None),
        ("", "", None),
    ],
)
def test_a_column_is_misplaced_if_its_words_are_those_of_another_name(
    columns: str, names: str, wrong: tuple[str, str] | None
) -> None:
    assert misplaced(columns.split(), names.split()) == wrong


def test_names_that_a_column_mentions() -> None:
    assert mentioned("is_no", ("no", "yes")) == {"no"}
    assert mentioned("no_or_yes", ("no", "yes")) == {"no", "yes"}
    assert mentioned("notation", ("no", "yes")) == set()
