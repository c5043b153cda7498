"""The libraries that a bundle finds, against those of its run."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import timm
import torch

from comp.errors import CompError

Log = Callable[[str], None]

NEEDED = ("torch", "timm", "numpy", "pandas", "pillow")
MORE = "use a newer image at Kaggle, or bundle the run with --wheels"


def installed_version(name: str) -> str | None:
    """The installed version of a library; None if it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def numbers(text: str) -> tuple[int, ...]:
    """The numbers at the beginning of a version: "2.6.0+cu124" is (2, 6, 0)."""
    match = re.match(r"\d+(\.\d+)*", text)
    return tuple(map(int, match[0].split("."))) if match else ()


def check_libraries(
    recorded: Mapping[str, str | None],
    log: Log,
    installed: Callable[[str], str | None] = installed_version,
) -> None:
    """Say which libraries are older or newer than those of the run. Other versions mostly work, so
    only what is known to fail is refused.

    Args:
        recorded: the versions of the run, by name.
        installed: returns the version that is installed here, or None.

    Raises:
        CompError: a library is missing, or torch cannot use numpy.
    """
    of_run = {name.lower(): text for name, text in recorded.items() if text}
    differences = []
    for name in NEEDED:
        here, there = installed(name), of_run.get(name)
        if here is None:
            raise CompError(f"{name} is not installed here: install it, or {MORE}")
        if there and numbers(here) != numbers(there):
            age = "older" if numbers(here) < numbers(there) else "newer"
            differences.append(f"{name} {here} is {age} than {there}")
    check_bridge()
    if differences:
        log(f"libraries differ from those of the run: {', '.join(differences)}")
    else:
        log("libraries as in the run: " + ", ".join(f"{n} {installed(n)}" for n in NEEDED))


def check_bridge() -> None:
    """Check that torch can use the installed numpy.

    Raises:
        CompError: it was built for another one.
    """
    try:
        torch.zeros(1).numpy()
        torch.from_numpy(np.zeros(1, dtype=np.float32))
    except (RuntimeError, TypeError) as error:
        raise CompError(
            f"torch {torch.__version__} cannot use numpy {np.__version__} ({error}): {MORE}"
        ) from None


def backbones_of(networks: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The names of the backbones in the section `networks` of bundle.json."""
    for part in networks:
        spec: Any = part["network"]
        while spec:
            if spec.get("backbone"):
                yield str(spec["backbone"])
            spec = spec.get("network")


def timm_knows(name: str) -> bool:
    """Whether timm has a backbone, with the tag of weights that may be in its name."""
    if not timm.is_model(name):
        return False
    try:
        return "." not in name or timm.get_pretrained_cfg(name) is not None
    except (RuntimeError, ValueError, KeyError):
        return False


def check_backbones(
    networks: Iterable[Mapping[str, Any]],
    recorded: str | None,
    is_known: Callable[[str], bool] = timm_knows,
) -> None:
    """Check that timm knows the backbones of the networks.

    Args:
        networks: the section of bundle.json.
        recorded: the version of timm in the run.

    Raises:
        CompError: it does not know one.
    """
    for name in dict.fromkeys(backbones_of(networks)):
        if not is_known(name):
            of_run = f" (timm {recorded})" if recorded else ""
            raise CompError(
                f"timm {timm.__version__} does not know the backbone {name} of the run{of_run}: "
                f"{MORE}"
            )
