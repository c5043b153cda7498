"""Fills a bundle with comp itself, the files of the run, and wheels."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from comp import __version__
from comp.bundle.describe_data import describe_place
from comp.bundle.wheels import program
from comp.bundle.wheels.download import check_python, download_wheels
from comp.bundle.wheels.kaggle_image import AS_OF
from comp.bundle.wheels.pack import pack_comp, pack_plugin
from comp.bundle.wheels.requirements import needed_libraries
from comp.bundle.wheels.run_files import copy_run
from comp.config.schema import resolve
from comp.contract import registry
from comp.contract.competition import Competition
from comp.contract.plugins import load_plugins
from comp.data.location import open_data
from comp.errors import RunError
from comp.files import read_json, write_json
from comp.runs.folder import RunFolder
from comp.runs.lineage import blend_record, member_ids
from comp.workspace import Workspace

FORMAT = 1


def fill_with_wheels(
    folder: Path, run: RunFolder, workspace: Workspace, python: str, half: bool
) -> list[str]:
    """Write all files but the manifest; returns notes for the user.

    Raises:
        ConfigError: the version of Python is not one.
        RunError: there is no package index, or a library has no wheel for this Python.
    """
    check_python(python)
    record = run.record("competition", "config", "data")
    competition = registry.get(record["competition"])
    if blend_record(record).get("method") == "rank":
        raise RunError(
            f"run {run.run_id} is a mean of ranks within its test set, so it cannot predict "
            "another test: blend its runs with --method weights"
        )
    runs = [run, *(RunFolder(workspace.find_run(name)) for name in member_ids(record))]
    configs = [
        resolve(competition.name, [one.record("config")["config"]], competition.options)
        for one in runs
    ]
    root = open_data(competition, Path(record["data"]), workspace)
    pins = needed_libraries(python, {name for config in configs for name in config.model})
    pack_comp(folder / "wheels")
    download_wheels(pins, python, folder / "wheels")
    code = pack_plugin(_module_of(competition), folder / "code")
    for one in runs:
        target = folder / "run" / "runs" / competition.name / one.run_id
        copy_run(one, target, half, competition.task.output == "image")
    write_json(
        folder / "bundle.json",
        {
            "format": FORMAT,
            "kind": "wheels",
            "comp": __version__,
            "competition": {
                "name": competition.name,
                "title": competition.title,
                "kaggle": competition.kaggle,
            },
            "run": _scores(run) | {"synthetic": bool(record.get("synthetic"))},
            "python": python,
            "packages": pins,
            "code": code,
            "data": describe_place(competition, root) | {"folders": list(competition.layout)},
            "precision": configs[0].precision,
        },
    )
    shutil.copyfile(Path(program.__file__), folder / "predict.py")
    listed = ", ".join(pins) or "no library"
    return [
        f"takes comp {__version__} and {listed} for Python {python}; Kaggle's image has the others "
        f"(as of {AS_OF})"
    ]


def _module_of(competition: Competition) -> str:
    """The module of the plugin of a competition."""
    for plugin in load_plugins()[0]:
        if plugin.competition.name == competition.name:
            return plugin.module
    raise RunError(f"the plugin of {competition.name} cannot be found")


def _scores(run: RunFolder) -> dict[str, Any]:
    try:
        scores: Mapping[str, Any] = read_json(run.scores)
    except (OSError, ValueError):  # the run is not finished
        scores = {}
    known = ("metric", "direction", "cv_score", "std")
    return {"id": run.run_id} | {name: scores.get(name) for name in known}
