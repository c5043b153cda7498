"""The environment variables of a tracker's process."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from comp.trackers.tracker import Start

TRACKIO_REMOTE = ("TRACKIO_SPACE_ID", "TRACKIO_SERVER_URL")
"""Variables with which a user sends runs of Trackio to a Space or a server."""


def environment(start: Start) -> dict[str, str]:
    """The variables of this process, and more: no GPU, one thread, the same modules, no telemetry,
    and no request to a network that nobody asked for."""
    paths = [path or str(Path.cwd()) for path in sys.path]
    forced = {"PYTHONPATH": os.pathsep.join(paths), "CUDA_VISIBLE_DEVICES": ""}
    forced |= {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "default"}
    preset = {}
    if start.tracker == "mlflow":
        forced["MLFLOW_DISABLE_TELEMETRY"] = "true"
        preset = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}
    if start.tracker == "wandb":
        preset = {"WANDB_ERROR_REPORTING": "false", "WANDB_DATA_DIR": str(start.own_folder)}
    if start.tracker == "trackio" and not any(os.environ.get(name) for name in TRACKIO_REMOTE):
        forced["HF_HUB_OFFLINE"] = "1"  # else it asks the Hub for the name of the user
    return {**preset, **os.environ, **forced}
