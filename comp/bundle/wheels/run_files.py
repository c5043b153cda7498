"""The files of a run that a prediction needs, without what they say of the machine."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

from comp.bundle.weights import copy_weights
from comp.files import make_folder, read_json, write_json
from comp.runs.folder import RunFolder

_LEFT_OUT = {
    *("report.html", "example.png", "grade.json", "progress.json", "history.jsonl"),
    *("external.json", "resume.pt", "batches.json", "run.lock", "fold.lock", "plan.json"),
}
_WITH_PATHS = ("run.json", "scores.json", "meta.json", "images.json", "dropped.json")
"""Files that may name folders of this machine."""
_PREDICTIONS = ("oof.safetensors", "test.safetensors")
WEIGHTS = "model.safetensors"
_PATH = re.compile(r"(?:[A-Za-z]:[\\/]|/|~)[^\n]*")


def copy_run(run: RunFolder, target: Path, half: bool, images: bool) -> None:
    """Copy a run into a bundle.

    Args:
        half: store the weights of networks in half precision.
        images: whether its predictions are images; then those of the folds are left out, except of
            a full model, which counts as finished only with them.
    """
    for source in sorted(run.path.rglob("*")):
        name = source.relative_to(run.path)
        if not source.is_file() or source.name in _LEFT_OUT or source.name.startswith("."):
            continue
        if images and source.name in _PREDICTIONS and "full" not in name.parts:
            continue
        place = target / name
        make_folder(place.parent, parents=True)
        if source.name in _WITH_PATHS:
            write_json(place, without_paths(read_json(source)))
        elif source.name == WEIGHTS and half:
            copy_weights(source, place, half)
        elif source.suffix not in (".lock", ".part"):
            shutil.copyfile(source, place)


def without_paths(value: Any) -> Any:
    """A JSON value with the last names of absolute paths: a bundle does not tell how the folders of
    its author are called."""
    if isinstance(value, dict):
        return {without_paths(key): without_paths(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_paths(inner) for inner in value]
    if isinstance(value, str) and _PATH.fullmatch(value):
        return value.replace("\\", "/").rstrip("/").rpartition("/")[2]
    return value
