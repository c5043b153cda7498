"""What proves that the learning rate is wrong: the range test of the run, a study, the losses."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from comp.config.schema import value_at
from comp.files import read_json
from comp.review.evidence.curves import losses, rises
from comp.review.evidence.length import short
from comp.review.facts import RunFacts

KEYS = ("optim.lr", "gbdt.lr")
EDGE = 0.05
"""A value this close to an end of its range, as a share of it, is at the edge; as in a study."""
FACTOR = 10.0
"""How far a value beyond the edge, or below a rate that is too high, is from it."""
STANDS = 0.02
"""A training loss that moves by less than this part of itself stands still; a judgement."""
_NOT_FINITE = re.compile(r"the loss of fold \S+ is (nan|inf|-inf)|predictions are not finite", re.I)


@dataclass(frozen=True, kw_only=True)
class StudyEdge:
    """A value of this run that is the best of a study, at an end of the range of the study."""

    study: str
    key: str
    value: float
    edge: str
    """"low" or "high"."""
    low: float
    high: float


def study_edge(facts: RunFacts) -> StudyEdge | None:
    """The first rate of the run that a study of the competition found at an edge of its range."""
    for study, record, result in _studies(facts):
        space = (record.get("identity") or {}).get("space") or {}
        best = result.get("best_values") or {}
        for key in KEYS:
            found = _edge(study, key, space.get(key), best.get(key))
            if found and math.isclose(found.value, _own(facts, key), rel_tol=1e-6):
                return found
    return None


def _studies(facts: RunFacts) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    """(name, study.json, result.json) of the studies of the competition."""
    for path in sorted((facts.workspace.out / "tuning" / facts.competition.name).glob("*/")):
        try:
            yield (
                path.name,
                dict(read_json(path / "study.json")),
                dict(read_json(path / "result.json")),
            )
        except (OSError, ValueError, TypeError):
            continue


def _edge(study: str, key: str, bounds: Any, value: Any) -> StudyEdge | None:
    if not isinstance(bounds, Mapping) or not isinstance(value, int | float):
        return None
    low, high = bounds.get("low"), bounds.get("high")
    if not isinstance(low, int | float) or not isinstance(high, int | float) or not low < high:
        return None
    scale = math.log if bounds.get("log") and low > 0 and value > 0 else float
    share = (scale(value) - scale(low)) / (scale(high) - scale(low))
    edge = "low" if share <= EDGE else "high" if share >= 1 - EDGE else ""
    if not edge:
        return None
    return StudyEdge(study=study, key=key, value=value, edge=edge, low=low, high=high)


def _own(facts: RunFacts, key: str) -> float:
    try:
        return float(value_at(facts.config, key))
    except (KeyError, TypeError, ValueError):
        return math.nan


def range_test(facts: RunFacts) -> Mapping[str, Any]:
    """What the run recorded of its own range test; empty if it made none."""
    found = (facts.record.get("found") or {}).get("optim.lr")
    return found if isinstance(found, Mapping) else {}


def broke_down(facts: RunFacts) -> bool:
    """Whether the run failed because its loss or its weights grew without bound."""
    return bool(_NOT_FINITE.search(str(facts.record.get("reason") or "")))


def loss_rises(facts: RunFacts) -> tuple[float, float] | None:
    """The mean training losses of the first and the last validation, if the losses rise over the
    training beyond chance; else None."""
    found = losses(facts)
    if found is None or not rises(found):
        return None
    return float(found[:, 0].mean()), float(found[:, -1].mean())


def loss_stands(facts: RunFacts) -> tuple[float, float] | None:
    """The same losses, if the last is within 2 % of the first, though the run saw its samples at
    least 3 times and all stages train. A network can learn its training samples by heart, so a loss
    that stands still is one of the training."""
    found = losses(facts)
    if found is None or facts.config.get("freeze") not in (None, "none", 0):
        return None
    first, last = float(found[:, 0].mean()), float(found[:, -1].mean())
    if short(facts) or abs(first - last) > STANDS * abs(first):
        return None
    return first, last
