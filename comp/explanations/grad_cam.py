"""Maps of the parts of an image that speak for an answer of a network, by Grad-CAM and occlusion.

Grad-CAM (Selvaraju et al., 2017) weights the features of a late layer by the mean of their
gradients, and occlusion (Zeiler and Fergus, 2014) covers one part of the image after the other.
Both are those of captum. A positive value speaks for the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from comp.contract.task import Task
from comp.explanations.attention import attention_maps
from comp.explanations.layer import MapLayer, find_layer
from comp.explanations.question import Question, answers, regions_of

WINDOWS = 5
"""The covered square has this part of the shorter side of the image; it moves by half of it."""
AT_ONCE = 32
"""Images that are occluded in one batch."""


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """Images of one size, and what else the network gets."""

    images: Tensor
    """(N, C, H, W) in 0..1."""
    others: tuple[Tensor, ...]
    """N of each, in the order of the arguments of the network."""
    image_at: int
    """The place of the image among the arguments."""

    def first(self, count: int = 1) -> Inputs:
        """Those of the first images."""
        others = tuple(values[:count] for values in self.others)
        return replace(self, images=self.images[:count], others=others)


@dataclass(frozen=True, kw_only=True)
class Explainer:
    """A network of a fold whose answers are explained; it needs no gradients of its weights."""

    network: nn.Module
    task: Task

    @property
    def multiple(self) -> int:
        """Sides of dense inputs are padded to multiples of it."""
        dense = self.task.output == "image"
        return int(getattr(self.network, "multiple", 1)) if dense else 1

    def raw(self, images: Tensor, image_at: int = 0, others: Sequence[Tensor] = ()) -> Tensor:
        """The raw outputs; of dense ones, without the padding."""
        height, width = images.shape[-2:]
        below, right = -height % self.multiple, -width % self.multiple
        if below or right:
            images = F.pad(images, (0, right, 0, below), mode="replicate")
        out: Tensor = self.network(*others[:image_at], images, *others[image_at:])
        return out[..., :height, :width] if self.task.output == "image" else out

    def predict(self, inputs: Inputs) -> tuple[Tensor, np.ndarray]:
        """Raw outputs, and predictions float32 (N, K) or (N, H, W, K)."""
        with torch.no_grad():
            raw = self.raw(inputs.images, inputs.image_at, inputs.others).float()
            values = self.task.activation(raw) if self.task.activation else raw
        values = values.permute(0, 2, 3, 1) if self.task.output == "image" else values
        return raw, values.float().cpu().numpy()

    def layer(self, inputs: Inputs) -> MapLayer | None:
        """The layer for maps of these images; None if no layer fits. Its `read` is empty unless the
        maps are those of attention."""
        one = inputs.first()

        def forward(images: Tensor) -> Tensor:
            return self.raw(images, one.image_at, one.others)

        layer = find_layer(self.network, forward, one.images, self.task.output == "image")
        if layer and layer.read:
            shown = self._attention(layer, one, [Question(column=0, name="")])
            return layer if shown is not None else replace(layer, read=())
        return layer

    def maps(self, layer: MapLayer, inputs: Inputs, questions: Sequence[Question]) -> np.ndarray:
        """Maps (N, h, w) of a layer, float32, by attention or by Grad-CAM. Those of Grad-CAM are
        signed; the lowest value of a map of attention is 0."""
        if not layer.read:
            return self.grad_cam(layer, inputs, questions)
        found = self._attention(layer, inputs, questions)
        assert found is not None  # the layer would not have `read`
        lowest = found.amin(dim=(1, 2), keepdim=True)
        return np.asarray((found - lowest).cpu().numpy())

    def _attention(
        self, layer: MapLayer, inputs: Inputs, questions: Sequence[Question]
    ) -> Tensor | None:
        """How much of the answers comes from each cell, (N, h, w)."""
        more = self._more(inputs, questions)
        images = inputs.images.clone().requires_grad_()
        tokens = layer.prefix + layer.grid[0] * layer.grid[1]
        answer = partial(self.answer, images, *more)
        found = attention_maps(self.network, answer, tokens, layer.read)
        return None if found is None else found[:, layer.prefix :].unflatten(1, layer.grid)

    def answer(
        self, images: Tensor, columns: Tensor, regions: Tensor, image_at: int, *others: Tensor
    ) -> Tensor:
        """What is explained, (N,); a function for captum."""
        return answers(self.task, self.raw(images, image_at, others), columns, regions)

    def grad_cam(
        self, layer: MapLayer, inputs: Inputs, questions: Sequence[Question]
    ) -> np.ndarray:
        """Signed maps (N, h, w) of the features, float32."""
        from captum.attr import LayerGradCam

        more = self._more(inputs, questions)
        with layer.probed() as probe, torch.enable_grad():
            maps = LayerGradCam(self.answer, probe).attribute(
                inputs.images, additional_forward_args=more
            )
        found: np.ndarray = maps[:, 0].detach().float().cpu().numpy()
        return found

    def occlusion(self, inputs: Inputs, questions: Sequence[Question]) -> np.ndarray:
        """How much the answer falls when a part of the image gets its mean colour: signed maps
        (N, H, W), float32; where windows overlap, their mean."""
        from captum.attr import Occlusion

        images = inputs.images
        count, channels, height, width = images.shape
        step = max(1, -(-min(height, width) // (2 * WINDOWS)))
        window = min(2 * step, height, width)
        mean = images.mean(dim=(2, 3), keepdim=True).expand_as(images)
        with torch.no_grad():
            maps = Occlusion(self.answer).attribute(
                images,
                sliding_window_shapes=(channels, window, window),
                strides=(channels, step, step),
                baselines=mean,
                additional_forward_args=self._more(inputs, questions),
                perturbations_per_eval=max(1, AT_ONCE // count),
            )
        found: np.ndarray = maps[:, 0].detach().float().cpu().numpy()
        return found

    def _more(self, inputs: Inputs, questions: Sequence[Question]) -> tuple[Any, ...]:
        raw, _ = self.predict(inputs)
        columns = torch.tensor([q.column for q in questions], device=raw.device)
        regions = regions_of(self.task, raw, questions)
        return (columns, regions, inputs.image_at, *inputs.others)

    def answers(self, inputs: Inputs, questions: Sequence[Question]) -> np.ndarray:
        """What is explained of each image, (N,), float32."""
        with torch.no_grad():
            found = self.answer(inputs.images, *self._more(inputs, questions))
        return np.asarray(found.float().cpu().numpy())
