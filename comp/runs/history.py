"""The curves of a fold, as its history.jsonl has them."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = "history.jsonl"


@dataclass(frozen=True, kw_only=True)
class History:
    """The steps after which a fold was scored, with its scores and losses."""

    steps: tuple[int, ...] = ()
    scores: tuple[float, ...] = ()
    losses: tuple[float, ...] = ()

    def best(self, direction: str) -> tuple[float, int] | None:
        """The best score and its step."""
        sign = -1 if direction == "min" else 1
        pairs = [(s, n) for s, n in zip(self.scores, self.steps, strict=True) if math.isfinite(s)]
        return max(pairs, key=lambda pair: sign * pair[0]) if pairs else None


def read_history(folder: Path) -> History:
    """The history in the folder of a training; lines that are damaged are left out.

    A run that trains replaces the file as a whole.
    """
    try:
        lines = (folder / FILE).read_bytes().splitlines()
    except OSError:
        return History()
    found = [line for line in map(_values, lines) if line is not None]
    steps, scores, losses = zip(*found, strict=True) if found else ((), (), ())
    return History(steps=steps, scores=scores, losses=losses)


def _values(line: bytes) -> tuple[int, float, float] | None:
    try:
        values: Any = json.loads(line)
        loss = values.get("loss")
        return int(values["step"]), float(values["score"]), math.nan if loss is None else loss
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return None
