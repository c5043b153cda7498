"""What a bundle writes for each image: the rows of a competition as plain data."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from comp.bundle.describe_data import table_of
from comp.bundle.describe_dense import dense_rows
from comp.bundle.describe_network import place_of
from comp.bundle.refusal import refuse
from comp.contract.competition import Competition
from comp.contract.sample import Sample

TRIED = 200
"""Test samples with which rows of the plugin are tried."""


def describe_rows(competition: Competition, test: Sequence[Sample]) -> dict[str, Any]:
    """The section `rows`, as `comp.bundle.parts.rows.make_rows` reads it.

    Args:
        test: the test samples, with which a function of the plugin is tried.

    Raises:
        RunError: the rows need more of a sample than its id and its image.
    """
    portable = competition.portable
    if portable and portable.rows:
        return dict(portable.rows)
    dense = dense_rows(competition)
    if dense:
        return dense
    table = table_of(competition)
    if table is not None:
        form = json.loads(json.dumps(asdict(table.row_form)))
        return {"kind": "table", "id_column": table.submission_id or table.id_column, "form": form}
    own_rows(competition)
    _check_own(competition, test)
    return {"kind": "own"}


def own_rows(competition: Competition) -> str | None:
    """ "module:name" of the function that writes the rows; None if they are described as data.

    Raises:
        RunError: it is not at the top of a module.
    """
    portable = competition.portable
    if (portable and portable.rows) or dense_rows(competition) or table_of(competition):
        return None
    return place_of(competition.rows)


def _check_own(competition: Competition, test: Sequence[Sample]) -> None:
    """Check that the rows follow from id and path, prediction and decision."""
    for sample in test[:TRIED]:
        alone = Sample(id=sample.id, image=sample.image)
        sides = (sample.size or (8, 8)) if competition.task.output == "image" else ()
        prediction = np.full((*sides, competition.task.outputs), 0.5, np.float32)
        decision = _decision(competition, prediction)
        wanted = _listed(competition.rows(sample, prediction, decision))
        try:
            found = _listed(competition.rows(alone, prediction, decision))
        except Exception:  # whatever a plugin raises when it misses a field
            found = {}
        if found != wanted:
            refuse(
                f"the rows of {competition.name} need more of a sample than its id and its image"
            )


def _decision(competition: Competition, prediction: np.ndarray) -> np.ndarray:
    decision = competition.task.decision
    return decision.apply(prediction, decision.default) if decision else prediction


def _listed(rows: Mapping[str, Any]) -> dict[str, list[Any]]:
    return {str(name): list(values) for name, values in rows.items()}
