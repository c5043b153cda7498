"""Where a network with frozen stages is cut, so that the frozen part runs once per image.

The lower part goes from the image to the output of one module, the border: the features. The upper
part runs the same backbone with the features in place of that output, and with NaN in place of the
outputs of all modules before it. A network that uses one of those otherwise, such as by a skip
connection over the border, returns NaN: `find_cut` sees it and tries an earlier border.

The border is found by running the network, not by names. It is the last module whose output depends
on no weight that trains and is the same in training and in evaluation mode. So pooling without
weights belongs to the lower part, and features are small.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from comp.config.image_size import height_and_width

ATTEMPTS = 8
"""Borders that are tried, from the head to the input."""
TOLERANCE = 1e-5
"""Largest relative difference between the outputs of a network and of its two parts."""


class _BorderReached(Exception):  # noqa: N818
    """Ends the forward pass of the lower part; carries the features."""

    def __init__(self, features: Tensor) -> None:
        super().__init__(features)
        self.features = features


@dataclass(frozen=True)
class Cut:
    """A cut of a backbone.

    `border` is the name of the module whose output, of shape (N, *shape), is cached. `skipped` maps
    the names of the modules before it, of which the upper part runs none, to the shapes of their
    outputs without N. `image` is (C, H, W) of the input.
    """

    border: str
    shape: tuple[int, ...]
    skipped: Mapping[str, tuple[int, ...]]
    image: tuple[int, int, int]

    def lower(self, backbone: nn.Module, images: Tensor) -> Tensor:
        """The features of normalised images (N, C, H, W): (N, *shape)."""
        hook = backbone.get_submodule(self.border).register_forward_hook(_stop)
        try:
            backbone(images)
        except _BorderReached as reached:
            return reached.features
        finally:
            hook.remove()
        raise ValueError(f"the network does not run its module {self.border}")

    def upper(self, backbone: nn.Module, features: Tensor) -> Tensor:
        """The raw outputs of the backbone for features (N, *shape).

        Raises:
            ValueError: the features have another shape.
        """
        if tuple(features.shape[1:]) != self.shape:
            raise ValueError(f"features of shape {tuple(features.shape[1:])}, not {self.shape}")
        blank = partial(_blank, features)
        outputs = {name: blank(shape) for name, shape in self.skipped.items()}
        with _returning(backbone, {**outputs, self.border: features}):
            out: Tensor = backbone(blank(self.image))
        return out

    def record(self) -> dict[str, Any]:
        """The cut as JSON."""
        skipped = {name: list(shape) for name, shape in self.skipped.items()}
        shapes = {"shape": list(self.shape), "image": list(self.image)}
        return {"border": self.border, "skipped": skipped, **shapes}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Cut:
        """The cut of `record`."""
        skipped = {name: tuple(shape) for name, shape in record["skipped"].items()}
        channels, height, width = record["image"]
        return cls(record["border"], tuple(record["shape"]), skipped, (channels, height, width))


def _stop(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
    raise _BorderReached(output)


def _blank(like: Tensor, shape: Sequence[int]) -> Tensor:
    """NaN (N, *shape) that occupies no memory."""
    return torch.full((1,), torch.nan, device=like.device).expand(len(like), *shape)


@contextmanager
def _returning(backbone: nn.Module, outputs: Mapping[str, Tensor]) -> Iterator[None]:
    """Inside the block, the named modules return these outputs and compute nothing."""
    with ExitStack() as stack:
        for name, output in outputs.items():
            module: Any = backbone.get_submodule(name)
            before = module.__dict__.get("forward")
            module.forward = partial(_constant, output)
            stack.callback(_restore, module, before)
        yield


def _constant(output: Tensor, *_inputs: Any, **_options: Any) -> Tensor:
    return output


def _restore(module: Any, forward: Any) -> None:
    if forward is None:
        del module.forward
    else:
        module.forward = forward


def find_cut(model: Any) -> Cut | None:
    """The last cut of a classifier below everything that trains; None if there is none.

    The model does not change, nor do the random generators.

    Args:
        model: a `Classifier`, with frozen stages.
    """
    trial = copy.deepcopy(model).cpu()
    backbone, state = trial.backbone, trial.backbone.state_dict()
    state = {name: tensor.clone() for name, tensor in state.items()}
    image = (model.input_spec.channels, *height_and_width(model.input_spec.size))
    images = torch.randn(2, *image, generator=torch.Generator().manual_seed(0))
    with torch.random.fork_rng(devices=[]):
        trial.train()
        training = [_outputs(backbone, images, seed) for seed in (1, 2)]
        backbone.load_state_dict(state)  # running statistics have changed
        trial.eval()
        evaluation = _outputs(backbone, images, 1)
        constant = {
            name: output
            for name, output in evaluation.items()
            if all(_same(outputs.get(name), output) for outputs in training)
        }
        for border in reversed([*constant][-ATTEMPTS:]):
            cut = _cut_at(border, constant, image)
            if _is_exact(cut, backbone, images):
                return cut
    return None


def _outputs(backbone: nn.Module, images: Tensor, seed: int) -> dict[str, Tensor]:
    """The outputs that depend on no weight that trains, by module that runs exactly once, in the
    order in which they are computed."""
    found: dict[str, Tensor] = {}
    runs: dict[str, int] = {}

    def record(name: str, _module: nn.Module, _inputs: Any, output: Any) -> None:
        runs[name] = runs.get(name, 0) + 1
        if isinstance(output, Tensor) and not output.requires_grad:
            found[name] = output.detach().clone()

    hooks = [
        module.register_forward_hook(partial(record, name))
        for name, module in backbone.named_modules()
        if name
    ]
    torch.manual_seed(seed)
    try:
        with torch.enable_grad():
            backbone(images)
    finally:
        for hook in hooks:
            hook.remove()
    return {name: output for name, output in found.items() if runs[name] == 1}


def _same(one: Tensor | None, other: Tensor) -> bool:
    return one is not None and torch.equal(one, other)


def _cut_at(border: str, outputs: Mapping[str, Tensor], image: tuple[int, int, int]) -> Cut:
    """The cut behind a module; modules inside of skipped ones are left out."""
    names = list(outputs)
    before = names[: names.index(border) + 1]
    outermost = [name for name in before if not any(_contains(other, name) for other in before)]
    shapes = {name: tuple(outputs[name].shape[1:]) for name in outermost if name != border}
    return Cut(border, tuple(outputs[border].shape[1:]), shapes, image)


def _contains(container: str, name: str) -> bool:
    return name.startswith(f"{container}.")


def _is_exact(cut: Cut, backbone: nn.Module, images: Tensor) -> bool:
    """Whether the two parts together return what the backbone returns, in evaluation mode."""
    with torch.no_grad():
        whole = backbone(images)
        try:
            parts = cut.upper(backbone, cut.lower(backbone, images))
        except (RuntimeError, ValueError, TypeError, IndexError, AttributeError):
            return False
    scale = float(whole.abs().max())
    return bool(whole.shape == parts.shape and (whole - parts).abs().max() <= TOLERANCE * scale)
