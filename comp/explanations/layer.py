"""The layer of a network whose features Grad-CAM weights: the last one that still has a place.

It is found by running the network, not by names. Of a timm network, it is the module that returns
what `forward_features` returns; of an encoder, the last of its feature maps; of other networks, the
last feature map. The head of a transformer with a class token uses no other token, so that the
gradient of the last tokens is zero: the layer is then the last one before it whose gradient is not.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn

Layout = Literal["channels first", "channels last", "tokens"]
Forward = Callable[[Tensor], Tensor]
"""Images (N, C, H, W) in 0..1 -> raw outputs (N, ...)."""
LEAST_GRID = 4
"""Cells of a map on its shorter side; with fewer, an earlier layer is used if there is one."""
MOST_PREFIX = 5
"""Class, distillation and register tokens before those of the image, if timm does not say."""


@dataclass(frozen=True, kw_only=True)
class MapLayer:
    """A module whose output has a place in the image."""

    name: str
    module: nn.Module
    layout: Layout
    grid: tuple[int, int]
    """Rows and columns of the output for the image with which the layer was found."""
    prefix: int = 0
    """Tokens without a place before those of the image."""
    read: tuple[int, ...] = ()
    """The tokens that the head reads, if it reads none of those of the image."""

    def of(self, module: nn.Module) -> MapLayer:
        """The same layer of a copy of the network."""
        return replace(self, module=module)

    @contextmanager
    def probed(self) -> Iterator[nn.Module]:
        """Inside the block, the features pass through a module of their own, (N, C, h, w), from
        which gradients go no further back."""
        probe = nn.Identity()
        hook = self.module.register_forward_hook(partial(self._through, probe))
        try:
            yield probe
        finally:
            hook.remove()

    def _through(self, probe: nn.Module, _module: nn.Module, _inputs: Any, out: Tensor) -> Tensor:
        before, cells = out[:, : self.prefix], out
        if self.layout == "tokens":
            cells = out[:, self.prefix :].transpose(1, 2).unflatten(2, self.grid)
        elif self.layout == "channels last":
            cells = out.permute(0, 3, 1, 2)
        seen: Tensor = probe(cells.detach().clone().requires_grad_()).clone()
        if self.layout == "tokens":
            return torch.cat([before.detach(), seen.flatten(2).transpose(1, 2)], dim=1)
        return seen.permute(0, 2, 3, 1) if self.layout == "channels last" else seen


@dataclass(frozen=True)
class _Output:
    """What a module returned."""

    name: str
    module: nn.Module
    tensor: Tensor


class _Recorder:
    """The outputs of all modules in the order in which they are computed, and where features end:
    the number of outputs up to then, and the features, None if they are not one tensor."""

    def __init__(self) -> None:
        self.outputs: list[_Output] = []
        self.end: tuple[int, Tensor | None] | None = None

    def module_ran(self, name: str, module: nn.Module, _inputs: Any, out: Any) -> None:
        """Hook of a module. A list of feature maps is what an encoder returns."""
        if isinstance(out, Tensor) and out.ndim in (3, 4) and out.requires_grad:
            self.outputs.append(_Output(name, module, out))
        maps = list(out) if isinstance(out, list | tuple) else []
        if maps and all(isinstance(each, Tensor) and each.ndim == 4 for each in maps):
            self.end = len(self.outputs), maps[-1]

    def features_ran(self, forward: Callable[..., Any], *inputs: Any, **options: Any) -> Any:
        """Stands for the method `forward_features` of a timm network."""
        out = forward(*inputs, **options)
        self.end = len(self.outputs), out if isinstance(out, Tensor) else None
        return out


def find_layer(network: nn.Module, forward: Forward, image: Tensor, dense: bool) -> MapLayer | None:
    """The layer of a network for maps of images of one size; None if no layer fits.

    Args:
        forward: runs the network.
        image: (1, C, H, W) in 0..1.
        dense: whether the output is an image.
    """
    size = (int(image.shape[-2]), int(image.shape[-1]))
    recorder = _Recorder()
    with torch.enable_grad():
        raw = _recorded(network, forward, image, recorder)
        outputs = recorder.outputs
        tensors = [output.tensor for output in outputs]
        if not tensors or not raw.requires_grad:
            return None
        position, wanted = recorder.end or (len(outputs), None)
        if recorder.end and wanted is None:
            return None  # several branches, of which none is the last
        ends = [] if wanted is None else [wanted]
        found = torch.autograd.grad(raw.float().sum(), [*tensors, *ends], allow_unused=True)
    runs = Counter(id(output.module) for output in outputs)
    prefix = _prefix_tokens(network)
    layers: list[tuple[MapLayer, Tensor]] = []
    for output, gradient in list(zip(outputs, found, strict=False))[:position]:
        layer = _layer_of(output, size, wanted, prefix)
        if layer and runs[id(output.module)] == 1 and _reaches(layer, gradient):
            layers.append((layer, output.tensor))
    chosen = _chosen(layers, wanted, dense)
    return chosen and replace(chosen, read=_read_tokens(chosen, found[-1]))


def _recorded(network: nn.Module, forward: Forward, image: Tensor, recorder: _Recorder) -> Tensor:
    """The raw output for an image, while the outputs of all modules are recorded."""
    with ExitStack() as stack:
        for name, module in network.named_modules():
            if name:
                hook = module.register_forward_hook(partial(recorder.module_ran, name))
                stack.callback(hook.remove)
            features: Any = getattr(module, "forward_features", None)
            if callable(features):
                changed: Any = module
                changed.forward_features = partial(recorder.features_ran, features)
                stack.callback(delattr, module, "forward_features")
        return forward(image.clone().requires_grad_())


def _chosen(
    found: Sequence[tuple[MapLayer, Tensor]], wanted: Tensor | None, dense: bool
) -> MapLayer | None:
    """The last layer with the shape of the wanted features whose grid is fine enough; without such
    features the last layer or, if the output is an image, the last of the coarsest ones."""
    fine = [(layer, out) for layer, out in found if min(layer.grid) >= LEAST_GRID] or list(found)
    if not fine:
        return None
    if wanted is not None:
        same = [layer for layer, out in fine if out.shape == wanted.shape]
        return same[-1] if same else fine[-1][0]
    if dense:
        least = min(math.prod(layer.grid) for layer, _ in fine)
        fine = [(layer, out) for layer, out in fine if math.prod(layer.grid) == least]
    return fine[-1][0]


def _layer_of(
    output: _Output, size: tuple[int, int], wanted: Tensor | None, prefix: int | None
) -> MapLayer | None:
    """The layer of an output that has a place in an image of this size."""
    shape = tuple(output.tensor.shape)
    if output.tensor.ndim == 4:
        last = wanted is not None and wanted.ndim == 4 and _fits(tuple(wanted.shape[1:3]), size)
        layouts: list[tuple[Layout, tuple[int, int]]] = [
            ("channels first", (shape[2], shape[3])),
            ("channels last", (shape[1], shape[2])),
        ]
        for layout, grid in layouts[::-1] if last else layouts:
            if _fits(grid, size):
                return MapLayer(name=output.name, module=output.module, layout=layout, grid=grid)
        return None
    if wanted is None or wanted.ndim != 3 or shape[-1] != wanted.shape[-1]:
        return None
    for count in range(MOST_PREFIX + 1) if prefix is None else [prefix]:
        tokens = shape[1] - count
        rows = round(math.sqrt(max(0, tokens) * size[0] / size[1]))
        if rows and tokens % rows == 0 and _fits((rows, tokens // rows), size):
            return MapLayer(
                name=output.name,
                module=output.module,
                layout="tokens",
                grid=(rows, tokens // rows),
                prefix=count,
            )
    return None


def _fits(grid: tuple[int, ...], size: tuple[int, int]) -> bool:
    """Whether a grid of at least 2 x 2 cells has the shape of an image, up to one cell."""
    (rows, columns), (height, width) = grid, size
    small = 2 <= rows <= height and 2 <= columns <= width
    return small and abs(rows * width - columns * height) < max(height, width)


def _read_tokens(layer: MapLayer, gradient: Tensor | None) -> tuple[int, ...]:
    """The tokens without a place that the head reads; () if it reads others, too."""
    if layer.layout != "tokens" or gradient is None or gradient.ndim != 3:
        return ()
    used = (gradient.abs().amax(dim=(0, 2)) > 0).nonzero().flatten().tolist()
    return tuple(used) if used and max(used) < layer.prefix else ()


def _reaches(layer: MapLayer, gradient: Tensor | None) -> bool:
    """Whether the output depends on the cells, and not only on tokens without a place."""
    return gradient is not None and bool(gradient[:, layer.prefix :].abs().max() > 0)


def _prefix_tokens(network: nn.Module) -> int | None:
    """The number of tokens without a place that timm states."""
    for module in network.modules():
        count = getattr(module, "num_prefix_tokens", None)
        if isinstance(count, int):
            return count
    return None
