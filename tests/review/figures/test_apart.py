"""Scores beside that of the run."""

from __future__ import annotations

import math

from reported import texts

from comp.page.blocks import Page, Panel, Table
from comp.page.document import render
from comp.review.figures.apart import apart_blocks


def test_a_run_of_its_own_samples_alone_has_none() -> None:
    assert apart_blocks({"cv_score": 0.5, "validation": {}}) == []


def test_other_data_dropped_samples_and_the_full_model_are_named() -> None:
    found = apart_blocks(
        {
            "validation": {"n": 30, "score": 0.75, "low": 0.7, "high": 0.8},
            "external": {"n": 20, "score": None, "low": None, "high": None},
            "dropped": {"samples": 3, "scored": 2, "score_without": 0.9},
            "full": {"samples": 150, "steps": 10, "share": 0.25},
        }
    )
    table = next(block for block in found if isinstance(block, Table))
    assert [list(row[1:]) for row in table.rows] == [
        [30, 0.75, 0.7, 0.8],
        [20, None, None, None],
    ]
    words = texts(found)
    assert "3 samples are dropped" in words
    assert "2 predictions of such samples are in the score; without them it is 0.90000." in words
    assert "A model of all 150 samples makes 25% of the test predictions." in words
    render(Page(title="x", panels=[Panel(id="x", title="x", blocks=found)]), "ko")


def test_a_score_that_is_not_defined_is_no_number() -> None:
    dropped = {"samples": 3, "scored": 2, "score_without": math.nan}
    assert "without them it is nan" in texts(apart_blocks({"dropped": dropped}))
