"""The versions that a task and its engine must share."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import comp

PACKAGES = ("torch", "timm", "numpy")
"""Packages that decide the numbers of a training."""


@cache
def versions() -> Mapping[str, str]:
    """The versions of Python, of comp with its source, and of `PACKAGES`, without the build."""
    found = {"Python": ".".join(platform.python_version_tuple()[:2])}
    found["comp"] = f"{comp.__version__} ({_source_hash()})"
    for package in PACKAGES:
        try:
            found[package] = version(package).partition("+")[0]
        except PackageNotFoundError:
            found[package] = "missing"
    return found


def _source_hash() -> str:
    """The start of a SHA-256 of the source of comp."""
    folder, total = Path(comp.__file__).parent, hashlib.sha256()
    for file in sorted(folder.rglob("*.py")):
        total.update(f"{file.relative_to(folder).as_posix()}\0".encode())
        total.update(file.read_bytes())
    return total.hexdigest()[:8]


def differing_versions(expected: Mapping[str, str]) -> str:
    """What differs here, in words, such as `torch 2.6.0 (here 2.7.0)`; "" if nothing does."""
    found = versions()
    return ", ".join(
        f"{name} {found.get(name, 'missing')} (here {value})"
        for name, value in expected.items()
        if found.get(name) != value
    )
