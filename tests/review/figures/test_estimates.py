"""Tables of further scores."""

from __future__ import annotations

from reported import texts

from comp.page.blocks import Table
from comp.review.figures.estimates import estimate_tables

ENTRY = {
    "n": 9,
    "n_groups": 4,
    "threshold": 0.25,
    "heading": "",
    "estimates": {"auc": {"value": 0.5, "low": 0.25, "high": 1.0}},
}


def test_each_decision_has_a_table_with_intervals() -> None:
    blocks = estimate_tables({"classes": [ENTRY, {**ENTRY, "heading": "rounded"}]})
    assert [list(b.rows[0]) for b in blocks if isinstance(b, Table)] == [
        ["auc", 0.5, 0.25, 1.0]
    ] * 2
    words = texts(blocks)
    assert "9 samples in 4 groups: threshold 0.25" in words
    assert "4 groups: rounded" in words


def test_runs_without_further_scores_have_no_table() -> None:
    assert estimate_tables({}) == []
    assert estimate_tables({"classes": [{**ENTRY, "estimates": {}}]}) == []
