"""Commands in a new Python, with a hash seed of its own."""

import os
import subprocess
import sys
from pathlib import Path


def start_python(place: Path, *words: str) -> subprocess.Popen[bytes]:
    """Start a command in a folder, which is made; what it prints is added to log.txt there."""
    place.mkdir(exist_ok=True)
    with (place / "log.txt").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "comp", *words],
            cwd=place,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
