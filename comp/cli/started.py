"""The time at which the command started; a budget counts from here."""

import time

STARTED_AT = time.perf_counter()
