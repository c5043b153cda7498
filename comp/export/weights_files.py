"""Writes the weights of the networks of a run as safetensors, with a header that describes them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from comp.export.built import Built, File, OnStage, copy_columns, farthest, shapes_of
from comp.export.check import (
    Agreement,
    agreement,
    check_batches,
    check_samples,
    refuse_difference,
)
from comp.export.networks import Loaded, Part, RunReader


def write_weights(reader: RunReader, parts: Sequence[Part], folder: Path, stage: OnStage) -> Built:
    """Write a file for each network. The check loads it into a network with other weights.

    Raises:
        RunError: the file predicts something else.
    """
    run = reader.run
    dense = run.competition.task.output == "image"
    split, samples = check_samples(run)
    files: list[File] = []
    found: list[Agreement] = []
    loaded: Loaded | None = None
    batches, expected = [], [np.zeros((1, 1))]
    for part in parts:
        stage(f"writing {part.name}")
        loaded = reader.load(part)
        batches = check_batches(loaded, samples, dense)
        expected = [loaded.predict(each) for each in batches]
        path = folder / f"{part.name}.safetensors"
        state = {n: v.contiguous().clone() for n, v in loaded.network.state_dict().items()}
        save_file(state, str(path), metadata=header(loaded, run.run_id))
        with torch.no_grad():
            for value in loaded.network.state_dict().values():
                value.zero_()
        loaded.network.load_state_dict(load_file(str(path)))
        found.append(agreement(split, batches, expected, loaded.predict))
        refuse_difference(found[-1], "safetensors")
        columns = copy_columns(run, part, folder)
        files.append(File(path=path, parts=[part], columns=columns))
    inputs, output = shapes_of(batches[0], dense, int(expected[0].shape[-1]))
    return Built(
        files=files,
        agreement=farthest(found),
        inputs=inputs,
        output=output,
        notes=["safetensors has weights and no graph: another program must build the network"],
    )


def header(loaded: Loaded, run_id: str) -> dict[str, str]:
    """What the header of a file says; safetensors has texts only there."""
    part, competition, network = loaded.part, loaded.competition, loaded.network
    spec = getattr(network, "input_spec", None)
    known: dict[str, object] = {
        "format": "pt",
        "run": run_id,
        "competition": competition.name,
        "network": part.name,
        "seed": part.seed,
        "class": type(network).__name__,
        "backbone": part.config.backbone,
        "labels": list(competition.task.labels),
        "outputs": competition.task.outputs,
        "torch": torch.__version__,
    }
    if spec is not None:
        known |= {"mean": list(spec.mean), "std": list(spec.std), "size": spec.size}
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in known.items()
    }
