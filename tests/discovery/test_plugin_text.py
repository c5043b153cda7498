"""The source of a plugin: formatted, importable, and true to the conclusion."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace

import pytest

from comp.config.sections import ImageConfig
from comp.contract.competition import Competition
from comp.discovery.conclusion import Code, Conclusion, Finding
from comp.discovery.plugin_file import competition_of
from comp.discovery.plugin_text import plugin_text

TABLE = "comp.tasks.image_table.image_table"
LEAVES = Conclusion(
    form="labels csv",
    factory="comp.tasks.classification.image_classification",
    arguments={
        "classes": ("healthy", "rust", "scab"),
        "id_column": "image_id",
        "label_column": "disease",
        "group_column": "plant",
        "images": "train_images",
        "defaults": {"image": {"size": 64}, "augment": {"vertical": True}},
    },
    metric="accuracy",
    findings=(
        Finding("the ids are in the column image_id", "all 40 name a file of train_images"),
        Finding("images of a plant are in one fold", "10 values in 40 rows", "guess"),
    ),
)
BREEDS = tuple(f"breed_{i}_{'of_a_long_name' * (i % 3)}" for i in range(120))
FINDINGS = tuple(f"finding of the {word} lobe" for word in ("upper left", "lower left", "right"))
CONCLUSIONS = {
    "leaves": LEAVES,
    "many classes": replace(LEAVES, arguments={"classes": BREEDS}),
    "several labels": Conclusion(
        factory=TABLE,
        task=f"multilabel({FINDINGS!r})",
        arguments={"label_columns": FINDINGS, "submit": "probabilities", "columns": FINDINGS},
        metric="mean-auc",
    ),
    "many labels": Conclusion(factory=TABLE, task=f"multilabel({BREEDS!r})"),
    "numbers": Conclusion(
        factory=TABLE, task="regression(('Pawpularity',), log=True, limits=(1.0, 100.0))"
    ),
    "one long argument": Conclusion(
        factory=TABLE,
        task=f"regression({tuple(name * 2 for name in FINDINGS)!r}, log=True, limits=(0, 100))",
    ),
    "quotes": replace(
        LEAVES, arguments={"classes": ('5" disk', "it's", """both ' and " """, "한국", "a\\b\n")}
    ),
    "code": Conclusion(
        factory="comp.tasks.segmenter.segmenter",
        arguments={"rle": Code("RleFormat(order='F')", "comp.submission.rle", "RleFormat")},
    ),
}


def text_of(conclusion: Conclusion, **given: object) -> str:
    values = {"name": "leaves", "title": "Leaf diseases", "kaggle": "competitions/leaves"}
    return plugin_text(conclusion, **(values | given))  # type: ignore[arg-type]


def formatted(texts: Sequence[str]) -> list[str]:
    """The texts as `ruff format` writes them with lines of 100 characters."""
    command = ["-m", "ruff", "format", "--isolated", "--line-length", "100", "-"]
    return [
        subprocess.run(
            [sys.executable, *command], input=text, capture_output=True, text=True, check=True
        ).stdout
        for text in texts
    ]


def test_it_has_the_form_of_ruff_format() -> None:
    texts = [text_of(conclusion) for conclusion in CONCLUSIONS.values()]
    assert formatted(texts) == texts


@pytest.mark.parametrize("form", [form for form in CONCLUSIONS if form != "code"])
def test_it_defines_the_competition_that_was_concluded(form: str) -> None:
    conclusion = CONCLUSIONS[form]
    competition = competition_of(text_of(conclusion))
    assert isinstance(competition, Competition)
    assert (competition.name, competition.title) == ("leaves", "Leaf diseases")
    labels = {
        "many classes": BREEDS,
        "several labels": FINDINGS,
        "many labels": BREEDS,
        "numbers": ("Pawpularity",),
        "one long argument": tuple(name * 2 for name in FINDINGS),
    }
    expected = labels.get(form, conclusion.arguments.get("classes"))
    assert competition.task.labels == expected


def test_an_ordinary_plugin_is_short_and_explains_itself() -> None:
    text = text_of(LEAVES)
    assert text.splitlines() == [
        '"""Leaf diseases.',
        "",
        "What 'comp new' concluded from the data, and how sure it is:",
        "",
        "- sure: the ids are in the column image_id (all 40 name a file of train_images)",
        "- guess: images of a plant are in one fold (10 values in 40 rows)",
        '"""',
        "",
        "from comp.tasks.classification import image_classification",
        "",
        "COMPETITION = image_classification(",
        '    name="leaves",  # the name on the command line',
        '    title="Leaf diseases",',
        '    kaggle="competitions/leaves",  # the end of its address on kaggle.com',
        '    metric="accuracy",  # what the score is; see comp.contract.metrics',
        '    classes=("healthy", "rust", "scab"),  # in the order of the numbers 0, 1, ...',
        '    id_column="image_id",  # the column of the ids',
        '    label_column="disease",  # the column of the answers',
        '    group_column="plant",  # all rows with the same value are in the same fold',
        '    images="train_images",  # the training images',
        "    # configuration keys that differ from the defaults of comp",
        '    defaults={"image": {"size": 64}, "augment": {"vertical": True}},',
        ")",
    ]
    size = competition_of(text).defaults["image"]["size"]
    assert ImageConfig(size=size).size == 64


def test_an_unknown_address_is_a_comment() -> None:
    text = text_of(LEAVES, kaggle="")
    assert 'kaggle="competitions/leaves",  # not known: correct it before' in text


def test_text_of_others_does_not_leave_its_string() -> None:
    title = 'Ends """ here\\\nprint("hidden")'
    bad = Finding('"""\nimport os', "\x1b[2J \\")
    text = text_of(replace(LEAVES, findings=(bad,)), title=title)
    assert competition_of(text).title == title
    assert [type(node).__name__ for node in ast.parse(text).body] == [
        "Expr",
        "ImportFrom",
        "Assign",
    ]


def test_many_names_are_one_constant_of_text() -> None:
    text = text_of(CONCLUSIONS["many classes"])
    assert "classes=tuple(NAMES)," in text
    assert text.count("\n") < 70
