"""The time at which the command started; a budget counts from here."""

import os
import time

VARIABLE = "COMP_STARTED_AT"
"""The start of the command that started this process for `--gpus`, on the same clock."""


def started_at() -> float:
    """The time now, or that of the command which `VARIABLE` names if it is earlier."""
    now = time.perf_counter()
    try:
        return min(now, float(os.environ.pop(VARIABLE, now)))
    except ValueError:
        return now


STARTED_AT = started_at()
