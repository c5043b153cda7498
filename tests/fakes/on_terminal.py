"""Runs a command on a terminal of its own, as a user does."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Timer

UNATTENDED = ("CI", "JPY_PARENT_PID", "KAGGLE_KERNEL_RUN_TYPE", "COLAB_RELEASE_TAG")
"""Variables of notebooks and build servers, where no question is asked."""


def run_on_terminal(
    command: Sequence[str], typed: bytes, *, cwd: Path, env: Mapping[str, str]
) -> tuple[int, str]:
    """Run a command whose stdin, stdout and stderr are a terminal on which `typed` is typed.

    The variables of notebooks and build servers are removed, unless `env` differs from the
    variables of this process. Returns the exit code and what the terminal shows.
    """
    ours, theirs = os.openpty()
    os.write(ours, typed)
    env = {k: v for k, v in env.items() if k not in UNATTENDED or os.environ.get(k) != v}
    process = subprocess.Popen(
        command, cwd=cwd, env=env, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    watchdog = Timer(60, process.kill)
    watchdog.start()
    shown = b""
    try:
        while data := os.read(ours, 1 << 16):
            shown += data
    except OSError:  # Linux: the command has closed the terminal
        pass
    os.close(ours)
    code = process.wait()
    watchdog.cancel()
    return code, shown.decode().replace("\r\n", "\n")
