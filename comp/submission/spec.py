"""What a submission must contain: ids, numbers, words and decimals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

DECIMALS = 5
"""Decimals of a number, unless the competition sets another number."""

Template = Path | Sequence[str]
"""The sample submission file, or the expected ids if the competition has no such file."""


@dataclass(frozen=True, kw_only=True)
class SubmissionSpec:
    """What `make_submission` writes and `validate_submission` checks."""

    template: Template
    limits: tuple[float, float] | None = None
    """Smallest and largest allowed number; None allows every finite number."""
    decimals: int = DECIMALS
    labels: Sequence[str] = ()
    """Words that a column of words may contain; empty allows every word."""
    separator: str = ""
    """What is between the labels of a cell, such as " "; such a cell may be blank. "" allows one
    label a cell, and several if the sample submission has several."""
    rle: tuple[str, ...] = ()
    """Columns of run lengths."""
    pixels: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """Pixels of the image of an id, within which its run lengths must be."""
