"""An image that a bundle predicts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

Log = Callable[[str], None]
"""Prints one line."""


class Image(NamedTuple):
    """An image of the test."""

    id: str
    """The id of the sample, as the run has it."""
    path: Path
    """Its file; it may not exist, and then it counts as broken."""
