"""The scores and weights of the models of a run, and the importances of its columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

from comp.runs.results import FoldResult


def member_scores(results: Sequence[FoldResult]) -> dict[str, Mapping[str, float]]:
    """The mean `score` and `weight` over the folds of each model, by name; empty if each fold has
    one model."""
    members = [member for result in results for member in result.members]
    names = dict.fromkeys(str(member["name"]) for member in members)
    return {
        name: {
            key: fmean(float(member[key]) for member in members if member["name"] == name)
            for key in ("score", "weight")
        }
        for name in names
    }


def mean_importances(results: Sequence[FoldResult]) -> dict[str, float]:
    """The mean importance of each column over the folds, the largest first."""
    columns = dict.fromkeys(column for result in results for column in result.importances)
    means = {
        column: fmean(r.importances[column] for r in results if column in r.importances)
        for column in columns
    }
    return dict(sorted(means.items(), key=lambda item: (-item[1], item[0])))
