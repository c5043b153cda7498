"""An audit of the data as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from comp.data.audit.findings import SEVERITIES, Finding
from comp.report.names import visible

FILE_WIDTH = 160
"""Columns of the table where it goes to no terminal."""
SHOWN = 5
"""So many of what was found are named."""
LONGEST = 400
"""Characters of a name that are shown: sets of copies have as many ids as there are copies."""
STYLES = {"error": "bold red", "warning": "yellow", "note": "dim"}


def show_findings(findings: Sequence[Finding], console: Console) -> None:
    """Print the table, if there is anything to print, and how many findings there are."""
    if not console.is_terminal:
        console.width = FILE_WIDTH
    if findings:
        console.print(findings_table(findings))
    console.print(verdict(findings))


def findings_table(findings: Sequence[Finding]) -> Table:
    """Draw one row a finding: how bad, what, how many, and which, with what to do."""
    table = Table(show_lines=True)
    table.add_column("severity")
    table.add_column("kind")
    table.add_column("count", justify="right")
    table.add_column("what was found, where, and what to do", overflow="fold")
    for finding in findings:
        table.add_row(
            finding.severity,
            finding.kind,
            f"{finding.count:,}",
            Text(finding_text(finding)),
            style=STYLES[finding.severity],
        )
    return table


def finding_text(finding: Finding) -> str:
    """A finding in words: what, some of where, a line each, and what to do."""
    shown = finding.names[:SHOWN]
    more = finding.count - len(shown)
    lines = [finding.words, *(f"  {visible(_shortened(name))}" for name in shown)]
    lines += [f"  and {more:,} more; --json names all"] * (more > 0 and bool(shown))
    return "\n".join([*lines, *([f"-> {finding.advice}"] if finding.advice else [])])


def _shortened(name: str) -> str:
    left = len(name) - LONGEST
    return f"{name[:LONGEST]}... ({left:,} more characters)" if left > 0 else name


def verdict(findings: Sequence[Finding]) -> str:
    """How many findings there are of each severity, in words."""
    counts = Counter(finding.severity for finding in findings)
    parts = [f"{counts[one]} {one}{'s' * (counts[one] != 1)}" for one in SEVERITIES if counts[one]]
    return ", ".join(parts) or "nothing found"
