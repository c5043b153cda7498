"""What an audit of the data says: one record a kind of finding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "note"]

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""The worst first."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One kind of thing that was found in the data.

    `count` things were found, and `names` are all of them, none where there is nothing to name:
    ids, paths, or pairs of them.
    `words` say what is wrong and `advice` what to do about it, "" where nothing need be done. An
    error must be mended before anyone trains, a warning looked at; a note is good to know.
    """

    kind: str
    severity: Severity
    count: int
    names: tuple[str, ...]
    words: str
    advice: str = ""


def found(
    kind: str, severity: Severity, names: Iterable[str], words: str, advice: str = ""
) -> list[Finding]:
    """A finding of all these names; none where there is no name."""
    every = list(names)
    if not every:
        return []
    return [
        Finding(
            kind=kind,
            severity=severity,
            count=len(every),
            names=tuple(every),
            words=words,
            advice=advice,
        )
    ]


def errors(findings: Sequence[Finding]) -> list[Finding]:
    """The findings that are errors."""
    return [finding for finding in findings if finding.severity == "error"]


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Errors, then warnings, then notes; else in their order."""
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))
