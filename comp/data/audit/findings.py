"""The findings of an audit: one record for each kind of problem."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "note"]

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""The worst first."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """All cases of one kind of problem in the data.

    `count` is the number of cases and `names` lists all of them (ids, paths, or pairs); it is empty
    if the finding has no names. `words` describes the problem, `advice` says what to do, "" if
    nothing needs to be done. Errors must be corrected before training, warnings should be checked,
    notes are for information.
    """

    kind: str
    severity: Severity
    count: int
    names: tuple[str, ...]
    words: str
    advice: str = ""


def findings_of(
    kind: str, severity: Severity, names: Iterable[str], words: str, advice: str = ""
) -> list[Finding]:
    """A list with one finding of all names, or an empty list if there are no names."""
    cases = tuple(names)
    if not cases:
        return []
    return [
        Finding(
            kind=kind,
            severity=severity,
            count=len(cases),
            names=cases,
            words=words,
            advice=advice,
        )
    ]


def errors(findings: Sequence[Finding]) -> list[Finding]:
    """The findings that are errors."""
    return [finding for finding in findings if finding.severity == "error"]


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Errors, then warnings, then notes, each in the given order."""
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))
