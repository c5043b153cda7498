"""Predicts batches with the networks of a bundle, and averages the networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn

from comp.bundle.parts.activate import make_activation
from comp.bundle.parts.kinds import of_kind
from comp.bundle.parts.networks import build_network
from comp.errors import DataError
from comp.inference.averages import mean_of
from comp.inference.forward import Forward
from comp.inference.tta import SYMMETRIES

TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Networks:
    """All networks of a bundle on one device.

    Args:
        bundle: what bundle.json says.
        folder: the folder of the bundle.
        precision: "fp32", "bf16" or "fp16".
    """

    def __init__(
        self, bundle: Mapping[str, Any], folder: Path, device: torch.device, precision: str
    ) -> None:
        self.device, self.precision = device, precision
        activation = make_activation(bundle["activation"])
        self.folds: dict[str, tuple[float, list[Forward]]] = {}
        for part in bundle["networks"]:
            network = load_network(part, folder, device, bundle["predict"]["channels_last"])
            forward = forward_of(network, bundle["predict"], activation)
            self.folds.setdefault(part["fold"], (part["weight"], []))[1].append(forward)

    def __call__(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """Predict images of one size, uint8 (H, W, C): float32 (N, K) or (N, H, W, K).

        The trainings of a fold are averaged first, then the folds with their weights, as
        `comp predict` does.
        """
        batch = np.ascontiguousarray(np.stack(images).transpose(0, 3, 1, 2))
        on_device = torch.from_numpy(batch).to(self.device)
        folds = (self._predict_fold(networks, on_device) for _, networks in self.folds.values())
        return mean_of(folds, [weight for weight, _ in self.folds.values()])

    def _predict_fold(self, networks: Sequence[Forward], images: torch.Tensor) -> np.ndarray:
        parts = (self._predict(forward, images) for forward in networks)
        return next(parts) if len(networks) == 1 else mean_of(parts, [1.0] * len(networks))

    def _predict(self, forward: Forward, images: torch.Tensor) -> np.ndarray:
        with torch.inference_mode():
            with autocast(self.device, self.precision):
                out = forward(images)
            if self.precision == "fp16" and not torch.isfinite(out).all():
                out = forward(images)  # fp16 has no numbers above 65,504
        return np.asarray(out.float().cpu().numpy())


def autocast(device: torch.device, precision: str) -> AbstractContextManager[Any]:
    """The context in which a network computes in a precision."""
    if precision == "fp32":
        return nullcontext()
    return torch.autocast(device.type, dtype=TYPES[precision])


def forward_of(
    network: nn.Module,
    predict: Mapping[str, Any],
    activation: Callable[[torch.Tensor], torch.Tensor] | None,
) -> Forward:
    """How a network predicts a batch, by the section `predict`."""
    of_kind(SYMMETRIES, predict["tta"], "predict.tta")
    return Forward(
        model=network,
        tta=predict["tta"],
        activation=activation,
        output=predict["output"],
        tile=predict["tile"],
        overlap=predict["overlap"],
    )


def load_network(
    part: Mapping[str, Any], folder: Path, device: torch.device, channels_last: bool
) -> nn.Module:
    """A network with its weights, on its device.

    Raises:
        DataError: the file is missing, damaged, or belongs to another network.
    """
    path, network = folder / part["weights"], build_network(part["network"])
    try:
        network.load_state_dict(load_file(path))
    except Exception as error:  # safetensors and torch have errors of their own
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(
            f"cannot read the weights {path} ({reason}): copy the bundle again"
        ) from None
    layout = torch.channels_last if channels_last else torch.contiguous_format
    moved = network.eval().to(device, memory_format=layout)  # type: ignore[call-overload]
    assert isinstance(moved, nn.Module)
    return moved
