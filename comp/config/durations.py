"""Durations and intervals as text: `90s`, `1h30m`, `100` steps."""

from __future__ import annotations

import math
import re

_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}


def parse_duration(value: object) -> object:
    """Turn text such as `90`, `90s`, `30m` or `1h30m` into seconds; return other types unchanged.

    Raises:
        ValueError: for text that is not a duration.
    """
    if not isinstance(value, str):
        return value
    text = value.strip().lower()
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    if not re.fullmatch(r"(\d+(\.\d+)?\s*[dhms]\s*)+", text):
        raise ValueError("write a duration such as 90s, 30m or 1h30m")
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*([dhms])", text)
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def parse_every(value: str | None) -> tuple[int | None, float | None]:
    """Turn `100` into (100 steps, None) and `60s` into (None, 60 seconds)."""
    if value is None:
        return None, None
    if value.strip().isdigit():
        return int(value), None
    return None, float(str(parse_duration(value)))


def duration_key(seconds: float) -> str:
    """Seconds as text that `parse_duration` reads, rounded up: 75s, 12m, 1h30m."""
    if seconds <= 120:
        return f"{math.ceil(seconds)}s"
    hours, minutes = divmod(math.ceil(seconds / 60), 60)
    return f"{hours}h{minutes}m" if hours else f"{minutes}m"
