"""Time limits on the command line."""

from __future__ import annotations

from comp.config.durations import parse_duration
from comp.errors import ConfigError

LONGEST_S = 30 * 86_400.0
"""Longest time limit, 30 days; a longer one counts as this."""


def seconds(text: str, option: str = "--timeout") -> float:
    """The value of an option for a time, such as `60s`, `5m` or `1h30m`, in seconds.

    Raises:
        ConfigError: when it is not a duration above 0.
    """
    try:
        value = float(str(parse_duration(text)))
    except ValueError:
        value = 0.0
    if value <= 0:
        raise ConfigError(f"{option} {text} is not a duration above 0: write 60s, 5m or 1h30m")
    return min(value, LONGEST_S)
