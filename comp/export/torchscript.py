"""Writes the networks of a run as TorchScript, and checks the file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from comp.errors import RunError
from comp.export.built import Built, File, OnStage, copy_columns, farthest, in_files, shapes_of
from comp.export.check import (
    Agreement,
    Run,
    agreement,
    check_batches,
    check_samples,
    example_of,
    refuse_difference,
)
from comp.export.graph import Mean, Prediction
from comp.export.libraries import quiet
from comp.export.networks import Entries, Loaded, Part, RunReader

NOTE = (
    "torch calls TorchScript deprecated: it loads today with torch.jit.load, use ONNX for what "
    "must last"
)


def write_torchscript(
    reader: RunReader, parts: Sequence[Part], folder: Path, stage: OnStage
) -> Built:
    """Trace the networks, all in one file, or one file for each network of columns.

    Raises:
        RunError: torch cannot trace a network, or the file predicts something else.
    """
    run = reader.run
    dense = run.competition.task.output == "image"
    split, samples = check_samples(run)
    files: list[File] = []
    found: list[Agreement] = []
    batches: list[Entries] = []
    expected: list[np.ndarray] = []
    for name, inside in in_files(run, parts):
        stage(f"tracing {name}")
        loaded = [reader.load(part) for part in inside]
        batches = check_batches(loaded[0], samples, dense)
        weights = [part.weight / sum(p.weight for p in inside) for part in inside]
        expected = [_mean_of(loaded, weights, each) for each in batches]
        modules = [Prediction(each.network, each.competition) for each in loaded]
        path = folder / f"{name}.pt"
        example = example_of(batches[1], dense, modules[0].multiple)
        _trace(Mean(modules, weights).eval(), example, path)
        found.append(agreement(split, batches, expected, _opened(path)))
        refuse_difference(found[-1], "TorchScript")
        columns = copy_columns(run, inside[0], folder)
        files.append(File(path=path, parts=inside, columns=columns))
    inputs, output = shapes_of(batches[0], dense, int(expected[0].shape[-1]))
    return Built(files=files, agreement=farthest(found), inputs=inputs, output=output, notes=[NOTE])


def _mean_of(loaded: Sequence[Loaded], weights: Sequence[float], entries: Entries) -> np.ndarray:
    """What the networks of the run predict."""
    predicted = np.stack([each.predict(entries) for each in loaded])
    return np.asarray(np.tensordot(np.asarray(weights), predicted, axes=1))


def _trace(module: torch.nn.Module, example: Entries, path: Path) -> None:
    inputs = tuple(torch.from_numpy(values) for values in example.values())
    try:
        with quiet(), torch.no_grad():
            traced = torch.jit.trace(module, inputs, check_trace=False)
            torch.jit.save(traced, str(path))
    except Exception as error:
        line = str(error).strip().splitlines()[0][:160]
        raise RunError(
            f"torch cannot trace this network ({line}): use --to onnx or safetensors"
        ) from error


def _opened(path: Path) -> Run:
    with quiet():
        module = torch.jit.load(str(path))

    def predict(entries: Entries) -> np.ndarray:
        with quiet(), torch.inference_mode():
            out: torch.Tensor = module(*(torch.from_numpy(v) for v in entries.values()))
        return out.numpy()

    return predict
