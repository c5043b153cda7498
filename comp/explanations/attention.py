"""Maps of transformers whose head reads a class token: attention, weighted by gradients.

Such a network carries what it sees of one patch to others and to the class token, so that the last
features of a patch say little about its place, and Grad-CAM is hardly better than chance. Chefer et
al. (2021) follow the way through all layers: the attention of each, weighted by its positive
gradients, is multiplied with that of the layers before it. captum does not have it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn


def attention_maps(
    network: nn.Module, answer: Callable[[], Tensor], tokens: int, read: tuple[int, ...]
) -> Tensor | None:
    """How much of the answer comes from each token, (N, tokens), at least 0; None if the network
    does not show its attention.

    Args:
        answer: runs the network, with gradients: (N,).
        tokens: the tokens of a layer; attention of other sizes is left out.
        read: the tokens that the head reads.
    """
    with torch.enable_grad(), _attention(network) as found:
        total = answer().sum()
        layers = [each for each in found if each.shape[2:] == (tokens, tokens)]
        if not layers or not all(each.requires_grad for each in layers):
            return None
        gradients = torch.autograd.grad(total, layers)
    way = torch.eye(tokens, device=total.device).expand(len(layers[0]), tokens, tokens)
    for layer, gradient in zip(layers, gradients, strict=True):
        used = (layer.detach() * gradient).clamp(min=0).float().mean(dim=1)
        way = way + used @ way
    return way[:, list(read)].mean(dim=1)


@contextmanager
def _attention(network: nn.Module) -> Iterator[list[Tensor]]:
    """Inside the block, the attention (N, heads, L, L) of timm's attention layers is collected;
    they compute it step by step, which gives the same outputs."""
    found: list[Tensor] = []

    def keep(_module: nn.Module, _inputs: Any, out: Any) -> None:
        if isinstance(out, Tensor) and out.ndim == 4:
            found.append(out)

    with ExitStack() as stack:
        layer: Any
        for layer in network.modules():
            dropout = getattr(layer, "attn_drop", None)
            if isinstance(dropout, nn.Module) and hasattr(layer, "fused_attn"):
                stack.callback(setattr, layer, "fused_attn", layer.fused_attn)
                layer.fused_attn = False
                stack.callback(dropout.register_forward_hook(keep).remove)
        yield found
