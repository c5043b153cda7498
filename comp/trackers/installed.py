"""Which trackers are installed."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec

from comp.config.track import TRACKERS
from comp.errors import ConfigError

NEEDED = {
    "tensorboard": ("tensorboard",),
    "wandb": ("wandb",),
    "mlflow": ("mlflow", "sqlalchemy", "alembic"),
    "trackio": ("trackio",),
}
"""Tracker: the packages that it needs."""
PIP = {"mlflow": "mlflow-skinny sqlalchemy alembic"}
"""What pip installs, if it is not the name of the tracker."""


def is_installed(tracker: str) -> bool:
    """Whether all packages of a tracker are installed. Imports none of them.

    W&B writes a folder `wandb` into the working folder, which Python takes for a package without an
    origin.
    """
    specs = [find_spec(package) for package in NEEDED[tracker]]
    return all(spec is not None and spec.origin is not None for spec in specs)


def installed() -> list[str]:
    """The trackers that are installed."""
    return [tracker for tracker in TRACKERS if is_installed(tracker)]


def check_installed(trackers: Iterable[str]) -> None:
    """Check that trackers are installed.

    Raises:
        ConfigError: naming those that are not, and what to install.
    """
    missing = [tracker for tracker in trackers if not is_installed(tracker)]
    if missing:
        packages = " ".join(PIP.get(tracker, tracker) for tracker in missing)
        raise ConfigError(
            f"track.to has {', '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not "
            f"installed: pip install {packages}, or leave it out of track.to"
        )
