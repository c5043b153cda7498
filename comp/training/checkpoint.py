"""The files of a finished fold: its weights (model.safetensors) and its result (meta.json)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import nn

from comp.errors import RunError
from comp.files import read_json, write_bytes, write_json
from comp.training.out_of_memory import is_out_of_memory

WEIGHTS = "model.safetensors"
META = "meta.json"


def save_weights(folder: Path, state: Mapping[str, torch.Tensor]) -> None:
    """Write a state dict to `model.safetensors`."""
    tensors = {name: t.detach().cpu().contiguous().clone() for name, t in state.items()}
    write_bytes(folder / WEIGHTS, save(tensors))


def load_weights(folder: Path, model: nn.Module) -> None:
    """Load `model.safetensors` into `model`.

    Raises:
        RunError: the file is missing, damaged, or belongs to another network.
    """
    path = folder / WEIGHTS
    try:
        model.load_state_dict(load_file(path))
    except FileNotFoundError:
        raise RunError(f"no weights at {path}: the fold is not finished, train it again") from None
    except SafetensorError as error:
        raise RunError(
            f"{path} is not a readable checkpoint ({error}): train the fold again"
        ) from None
    except RuntimeError as error:
        if is_out_of_memory(error):
            raise
        reason = str(error).splitlines()[0]
        raise RunError(
            f"{path} belongs to another network ({reason}): train the fold again"
        ) from None


def has_weights(folder: Path) -> bool:
    """Whether `model.safetensors` exists and is complete. Its values may have any type."""
    try:
        with safe_open(folder / WEIGHTS, framework="pt"):
            return True
    except (OSError, SafetensorError):
        return False


def save_meta(folder: Path, meta: Mapping[str, Any]) -> None:
    """Write `meta.json`; a fold with this file is finished."""
    write_json(folder / META, meta)


def load_meta(folder: Path) -> dict[str, Any] | None:
    """Read `meta.json`; None if the file is missing or damaged."""
    try:
        return dict(read_json(folder / META))
    except (OSError, ValueError, TypeError):
        return None
