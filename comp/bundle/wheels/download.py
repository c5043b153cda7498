"""Wheels for Kaggle's Python, by `pip download`."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from comp.errors import ConfigError, RunError
from comp.files import make_folder

_GLIBC = range(5, 36)
"""Minor versions of glibc 2 whose wheels run at Kaggle, which has Ubuntu 22.04."""
_OLD = ("manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64", "linux_x86_64")
_LIMIT_S = 1800


def check_python(version: str) -> str:
    """The version of Python, "3.11".

    Raises:
        ConfigError: it is not one.
    """
    if not re.fullmatch(r"3\.\d{1,2}", version):
        raise ConfigError(f"--python {version!r:.20} is not a version of Python: use one like 3.11")
    return version


def download_wheels(pins: Sequence[str], python: str, folder: Path) -> None:
    """Download the wheels of libraries for Linux into a folder, without what they require.

    Args:
        pins: "name==version".

    Raises:
        RunError: there is no package index, or a library has no wheel for this Python.
    """
    make_folder(folder, parents=True)
    if not pins:
        return
    platforms = [*(f"manylinux_2_{minor}_x86_64" for minor in reversed(_GLIBC)), *_OLD]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--only-binary=:all:", "--implementation", "cp", "--python-version", python]
    command += [part for name in platforms for part in ("--platform", name)]
    command += ["--dest", str(folder), *pins]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise RunError(
            "pip did not download the wheels in 30 minutes: check the connection"
        ) from None
    if done.returncode:
        raise RunError(
            f"pip cannot download the wheels of {', '.join(pins)} for Python {python} "
            f"({_reason(done.stderr)}): --wheels needs a package index; check the connection, or "
            "choose another --python"
        )


def _reason(text: str) -> str:
    """The error of pip, in one line."""
    lines = [line.partition("ERROR: ")[2] for line in text.splitlines() if "ERROR: " in line]
    return (lines or text.strip().splitlines() or ["no message"])[-1][:300]
