"""How the threads of torch wait for each other: environment variables that OpenMP reads once, when
torch is imported.

At the end of each parallel loop the threads wait for the slowest. By default those of GNU OpenMP,
which torch has on Linux, spin for milliseconds before they sleep. Alone on a machine that saves
the time of waking up; beside another program it takes the cores from the very thread that all wait
for. A few spins, and then sleep, is near the best of both.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, MutableMapping

SPINS = {"GOMP_SPINCOUNT": "10000", "KMP_BLOCKTIME": "0"}
"""The defaults for GNU's OpenMP, and for Intel's and LLVM's."""
POLICY = "OMP_WAIT_POLICY"


def chosen_by_user(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables about waiting that are set, with other values than ours."""
    names = (POLICY, *SPINS)
    given = {name: environment[name] for name in names if environment.get(name)}
    return {name: value for name, value in given.items() if SPINS.get(name) != value}


def wait_gently(environment: MutableMapping[str, str] = os.environ) -> bool:
    """Set the defaults, which workers and other processes inherit, unless a user has chosen how
    threads wait. Returns whether they count: torch is not imported yet."""
    if not chosen_by_user(environment):
        environment.update(SPINS)
    return "torch" not in sys.modules
