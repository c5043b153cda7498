"""What the log of a session says about its failure."""

from __future__ import annotations

LINES = 12
"""Last lines that are shown of a log without a traceback."""
LONGEST = 80
"""Lines that are shown of a traceback and what follows it."""
_TRACEBACK = "Traceback (most recent call last)"


def last_traceback(log: str) -> str:
    """The last traceback of a log with the lines after it; without one, the last lines."""
    lines = log.rstrip().splitlines()
    starts = [number for number, line in enumerate(lines) if _TRACEBACK in line]
    shown = lines[starts[-1] :][:LONGEST] if starts else lines[-LINES:]
    return "\n".join(shown)
