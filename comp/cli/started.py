"""When the command began; a budget counts from here."""

import time

BEGAN = time.perf_counter()
