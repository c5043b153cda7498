"""The libraries that comp needs for a prediction and that Kaggle's image lacks, with versions."""

from __future__ import annotations

from collections.abc import Collection
from importlib.metadata import PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from comp.bundle.wheels.kaggle_image import is_in_image
from comp.errors import RunError

NOT_TO_PREDICT = frozenset({"captum", "jinja2", "kaggle", "kagglesdk", "matplotlib", "six"})
"""Requirements of comp that explain, report and submit."""
TREES = frozenset({"catboost", "lightgbm", "xgboost"})
"""Models that are libraries."""
_MACHINE = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "sys_platform": "linux",
}


def needed_libraries(python: str, models: Collection[str]) -> list[str]:
    """The libraries to take along, as "name==version" with the versions that are installed here.

    Args:
        python: the version of Python at Kaggle, "3.11".
        models: the models of the run.

    Raises:
        RunError: a library is not installed here.
    """
    left_out = NOT_TO_PREDICT | (TREES - set(models))
    listed = _requirements("comp", python, ("trees",) if TREES & set(models) else ())
    waiting = [one for one in listed if canonicalize_name(one.name) not in left_out]
    found: dict[str, str] = {}
    while waiting:
        requirement = waiting.pop(0)
        name = canonicalize_name(requirement.name)
        if name in found or is_in_image(requirement):
            continue
        try:
            found[name] = distribution(name).version
        except PackageNotFoundError:
            raise RunError(f"{name} is not installed here: install it, and bundle again") from None
        waiting += _requirements(name, python, requirement.extras)
    return [f"{name}=={version}" for name, version in sorted(found.items())]


def _requirements(name: str, python: str, extras: Collection[str]) -> list[Requirement]:
    """What a library requires on Kaggle's machine."""
    environment = {**_MACHINE, "python_version": python, "python_full_version": f"{python}.0"}
    listed = [Requirement(text) for text in distribution(name).requires or ()]
    return [
        requirement
        for requirement in listed
        if requirement.marker is None
        or any(
            requirement.marker.evaluate({**environment, "extra": extra}) for extra in ("", *extras)
        )
    ]
