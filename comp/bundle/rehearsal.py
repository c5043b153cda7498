"""The result of a rehearsal, and the file that it is in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from comp.bundle.kaggle_time import KaggleTime
from comp.bundle.manifest import REHEARSAL
from comp.files import read_json, write_json


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of a rehearsal."""

    name: str
    passed: bool | None
    """None: it is not possible with this data, and `words` say why."""
    words: str
    seconds: float | None = None
    peak_bytes: int | None = None
    images: int | None = None
    network: str = ""
    """How the network was taken away: "namespace" or "sockets"."""
    network_reason: str = ""
    largest: float | None = None
    """The largest difference of a prediction from that of comp."""


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """A rehearsal of a bundle; `dataclasses.asdict` gives plain JSON."""

    passed: bool
    manifest: str
    """The id of the manifest of the bundle."""
    run: str
    date: str
    """UTC."""
    environment: Mapping[str, str]
    """What the program had, and what it had not."""
    tolerance: float
    steps: Sequence[Step]
    time: KaggleTime | None
    """None if the public test could not be predicted."""

    @property
    def problems(self) -> list[str]:
        """What failed, a sentence for each step."""
        return [f"{step.name}: {step.words}" for step in self.steps if step.passed is False]


def write_rehearsal(folder: Path, rehearsal: Rehearsal) -> None:
    """Write rehearsal.json into a bundle."""
    record = asdict(rehearsal)
    if rehearsal.time:
        record["time"] |= {"words": rehearsal.time.words, "too_long": rehearsal.time.too_long}
    write_json(folder / REHEARSAL, record)


def why_not_rehearsed(folder: Path, manifest: str) -> str:
    """Why a bundle must not be sent to Kaggle: its rehearsal failed, is missing, or is that of
    other files. "" if it passed.

    Args:
        manifest: the id in the bundle's manifest.
    """
    remedy = f"'comp bundle {folder} --rehearse' shows what is wrong"
    try:
        record: Mapping[str, Any] = read_json(folder / REHEARSAL)
        passed, of = record["passed"], record["manifest"]
    except FileNotFoundError:
        return f"the bundle was not rehearsed: {remedy}"
    except (OSError, ValueError, TypeError, KeyError):
        return f"rehearsal.json cannot be read: {remedy}"
    if of != manifest:
        return f"the bundle was changed after its rehearsal: {remedy}"
    return "" if passed is True else f"the rehearsal of the bundle failed: {remedy}"
