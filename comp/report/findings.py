"""The findings of an audit as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from comp.data.audit.findings import SEVERITIES, Finding
from comp.report.escaping import escape_unprintable

FILE_WIDTH = 160
"""Width of the table in a file or a pipe, in characters."""
SHOWN = 5
"""Number of names that each finding shows."""
CLASSES_SHOWN = 12
"""Number of classes whose count is shown."""
LONGEST = 400
"""Characters shown of a name: a set of copies contains the id of every copy."""
STYLES = {"error": "bold red", "warning": "yellow", "note": "dim"}


def show_findings(findings: Sequence[Finding], console: Console) -> None:
    """Print the table, if there are findings, and their number."""
    if not console.is_terminal:
        console.width = FILE_WIDTH
    if findings:
        console.print(findings_table(findings))
    console.print(verdict(findings))


def note_errors(note: Callable[[str], None], errors: Sequence[Finding]) -> None:
    """Tell the errors that are known before the images are read."""
    for finding in errors:
        first = escape_unprintable(_shortened(finding.names[0])) if finding.names else ""
        example = f": {finding.count:,}, the first is {first}" * bool(first)
        note(f"error: {finding.words}{example}")


def findings_table(findings: Sequence[Finding]) -> Table:
    """One row per finding: severity, kind, count, examples and advice."""
    table = Table(show_lines=True)
    table.add_column("severity")
    table.add_column("kind")
    table.add_column("count", justify="right")
    table.add_column("finding, examples and advice", overflow="fold")
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
    """The finding, some names and the advice, one per line."""
    shown = finding.names[: CLASSES_SHOWN if finding.kind == "classes" else SHOWN]
    more = finding.count - len(shown)
    lines = [finding.words, *(f"  {escape_unprintable(_shortened(name))}" for name in shown)]
    lines += [f"  and {more:,} more; --json lists all"] * (more > 0 and bool(shown))
    return "\n".join([*lines, *([f"-> {finding.advice}"] if finding.advice else [])])


def _shortened(name: str) -> str:
    left = len(name) - LONGEST
    return f"{name[:LONGEST]}... ({left:,} more characters)" if left > 0 else name


def verdict(findings: Sequence[Finding]) -> str:
    """The number of findings of each severity as text."""
    counts = Counter(finding.severity for finding in findings)
    parts = [
        f"{counts[severity]} {severity}{'s' * (counts[severity] != 1)}"
        for severity in SEVERITIES
        if counts[severity]
    ]
    return ", ".join(parts) or "nothing found"
