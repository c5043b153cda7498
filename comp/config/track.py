"""The section `track`: the trackers of experiments that get the progress and results of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from comp.config.durations import parse_duration
from comp.config.key_types import AbsolutePath
from comp.config.model import split_names
from comp.config.section import Section

TrackerName = Literal["tensorboard", "wandb", "mlflow", "trackio"]
TRACKERS: tuple[TrackerName, ...] = get_args(TrackerName)
SQLITE = "sqlite:///"


def _names(value: object) -> object:
    """`--set track.to=none` arrives as None, and `track.to=wandb,mlflow` as one text."""
    return [] if value is None or value == "" else split_names(value)


def _unique(value: list[Any]) -> list[Any]:
    return list(dict.fromkeys(value))


def _check_project(value: str | None) -> str | None:
    if value is None or (value.strip() and not set(value) & set("/\\#?%:")):
        return value
    raise ValueError("give a name without / \\ # ? % and :")


def _check_uri(value: str | None) -> str | None:
    """A file of SQLite gets an absolute path, with which a run that resumes finds it again."""
    if value is None:
        return None
    if urlsplit(value).password:
        raise ValueError(
            "run.json would contain the password: set MLFLOW_TRACKING_USERNAME and "
            "MLFLOW_TRACKING_PASSWORD instead"
        )
    path = value.removeprefix(SQLITE)
    if path not in ("", value) and not path.startswith("/"):
        return f"{SQLITE}{Path(path).absolute()}"
    return value


Names = Annotated[list[TrackerName], BeforeValidator(_names), AfterValidator(_unique)]


class TrackConfig(Section):
    """Trackers, which show runs beside each other. None of them can stop or change a run."""

    to: Names = Field(
        [],
        description="trackers of the run, several are possible: tensorboard, wandb, mlflow, "
        "trackio",
    )
    project: Annotated[str | None, AfterValidator(_check_project)] = Field(
        None,
        description="project of W&B and Trackio, experiment of MLflow; unset: the name of the "
        "competition",
    )
    tags: Annotated[list[str], BeforeValidator(_names), AfterValidator(_unique)] = Field(
        [], description="tags of the run in the trackers"
    )
    wandb_mode: Literal["online", "offline"] = Field(
        "online",
        description="offline: W&B writes to the folder of the run and sends nothing; online is "
        "offline without an API key",
    )
    mlflow_uri: Annotated[str | None, AfterValidator(_check_uri)] = Field(
        None,
        description="tracking URI of MLflow, such as http://localhost:5000; unset: the file "
        "mlflow.db beside runs/",
    )
    tensorboard_folder: AbsolutePath | None = Field(
        None,
        description="folder in which TensorBoard gets a folder for each run; unset: the folder "
        "tensorboard/ of the run",
    )
    limit: Annotated[float, BeforeValidator(parse_duration), Field(gt=0)] = Field(
        60.0,
        description="time that a tracker may take for one answer, such as for a connection; then "
        "the run goes on without it",
    )
