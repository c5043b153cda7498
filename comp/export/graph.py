"""What is exported: a network from pixels to predictions, as one module without Python choices."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from comp.contract.competition import Competition
from comp.data.dataset import to_unit


class Prediction(nn.Module):
    """From the inputs as they are read to the predictions of a network, activation included.

    Images are (N, H, W, C), uint8, or float in 0..1; the other inputs are those of the network.
    The output is float32 (N, K), or (N, H, W, K) of any H and W if the network predicts images:
    they are padded here to the multiple that the network needs, and cropped again.
    """

    def __init__(self, network: nn.Module, competition: Competition) -> None:
        """Args: `network` is changed: it does not pad its input itself any more."""
        super().__init__()
        task = competition.task
        self.inputs = competition.inputs
        self.dense = task.output == "image"
        self.multiple = without_padding(network) if self.dense else 1
        let_tabm_vary(network)
        self.activation: Callable[[Tensor], Tensor] | None = task.activation
        self.network = network

    def forward(self, *inputs: Tensor) -> Tensor:
        values = dict(zip(self.inputs, inputs, strict=True))
        height = width = 0
        if "image" in values:
            image = values["image"].permute(0, 3, 1, 2)
            values["image"] = image.float() / 255 if image.dtype == torch.uint8 else image.float()
        if self.dense:
            height, width = values["image"].shape[-2:]
        if self.multiple > 1:
            sides = (0, -width % self.multiple, 0, -height % self.multiple)
            values["image"] = F.pad(values["image"], sides, mode="replicate")
        out: Tensor = self.network(*(to_unit(value) for value in values.values())).float()
        if self.dense:
            out = out[..., :height, :width]
        if self.activation:
            out = self.activation(out).float()
        last: Tensor = out.permute(0, 2, 3, 1) if self.dense else out
        return last


class Mean(nn.Module):
    """The weighted mean of the predictions of several networks."""

    def __init__(self, parts: Sequence[nn.Module], weights: Sequence[float]) -> None:
        super().__init__()
        self.parts, self.weights = nn.ModuleList(parts), list(weights)

    def forward(self, *inputs: Tensor) -> Tensor:
        total: Tensor = self.parts[0](*inputs) * self.weights[0]
        for part, weight in zip(self.parts[1:], self.weights[1:], strict=True):
            total = total + part(*inputs) * weight
        return total


def without_padding(network: nn.Module) -> int:
    """Let a network that pads its input to a multiple take it as it is; returns the multiple.

    A graph has no choices: a network that asks whether its input must be padded would be fixed to
    the size of the example.
    """
    multiple = int(getattr(network, "multiple", 1))
    for module in network.modules():
        own = "multiple" in vars(module) or "multiple" in vars(type(module))
        if own and not isinstance(getattr(type(module), "multiple", None), property):
            module.multiple = 1  # type: ignore[assignment]
    return multiple


def let_tabm_vary(network: nn.Module) -> None:
    """Let a TabM be exported: its categories are floats before it joins them with numbers, since
    ONNX joins one type only, and no batch size is fixed, as `len` of a tensor would."""
    for module in network.modules():
        if type(module).__name__ == "_OneHotEncoding":
            module.register_forward_hook(_as_float)
        if hasattr(module, "_get_batch_info"):
            module._get_batch_info = _batch_info  # type: ignore[assignment]


def _as_float(_module: nn.Module, _inputs: object, out: Tensor) -> Tensor:
    return out.float()


def _batch_info(numbers: Tensor | None, categories: Tensor | None) -> tuple[int, int]:
    """Batch size and dimensions of the inputs of a TabM, which has one of them or both."""
    known = categories if numbers is None else numbers
    assert known is not None
    return known.shape[0], known.ndim
