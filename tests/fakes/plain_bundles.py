"""Bundles of tiny runs without their program: the parts of it predict in this process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import numpy as np
import polars as pl

from comp.bundle.describe import describe
from comp.bundle.members import members_of, trainings_of
from comp.bundle.parts.main import main
from comp.bundle.parts.own import OWN
from comp.bundle.weights import copy_weights
from comp.files import read_json, write_json
from comp.runs.folder import RunFolder
from comp.workspace import Workspace


def plain_bundle(run_id: str, workspace: Workspace, folder: Path) -> Path:
    """Write bundle.json and the weights of a run to a new folder, and return it."""
    run = RunFolder(workspace.find_run(run_id))
    folder.mkdir()
    write_json(folder / "bundle.json", describe(run, workspace))
    for training in trainings_of(members_of(run, workspace)):
        copy_weights(training.folder / "model.safetensors", folder / training.weights, half=False)
    return folder


@contextmanager
def own_functions(bundle: Path) -> Iterator[None]:
    """The functions of the plugin that a bundle names, as the assembler writes them."""
    before = dict(OWN)
    for role, place in read_json(bundle / "bundle.json")["own"].items():
        module, _, name = place.partition(":")
        OWN[role] = getattr(import_module(module), name)
    try:
        yield
    finally:
        OWN.clear()
        OWN.update(before)


def predicted(bundle: Path, mount: Path, output: Path, *options: str) -> Mapping[str, np.ndarray]:
    """Run the program in this process; returns the predictions by id."""
    file = output / "predictions.npz"
    arguments = ["--bundle", str(bundle), "--input", str(mount), "--output", str(output)]
    with own_functions(bundle):
        code = main([*arguments, "--device", "cpu", "--predictions", str(file), *options])
    assert code == 0
    with np.load(file) as arrays:
        ids = arrays["ids"].tolist()
        if "values" in arrays.files:
            return dict(zip(ids, arrays["values"], strict=True))
        return {name: arrays[str(number)] for number, name in enumerate(ids)}


def table(path: Path) -> pl.DataFrame:
    """A submission, with all cells as text."""
    return pl.read_csv(path, infer_schema=False)


def largest_difference(
    found: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray]
) -> float:
    """The largest difference of two sets of predictions with the same ids."""
    assert set(found) == set(expected)
    return max(float(np.abs(found[name] - expected[name]).max()) for name in expected)
