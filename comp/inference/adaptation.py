"""Adapts the BatchNorm layers of a trained network to the images that it predicts.

BatchNorm normalises with trained statistics. If the test images look different from the training
images, for example because another scanner made them, the normalised values have another mean and
another variance than the layers above have learned. Statistics of the test images need no labels,
and often repair most of the loss (Schneider et al., Improving robustness against common corruptions
by covariate shift adaptation, NeurIPS 2020; Nado et al., Evaluating Prediction-Time Batch
Normalization for Robustness under Covariate Shift, 2020).

Those papers replace the trained statistics, which are those of the training images. A frozen layer
has the statistics of other images: those of the pretraining. So both are measured with the trained
network, those of training images (m, v) and those of the test images, and a layer with the trained
mean u and variance s gets

    variance = (s + e) r^2 - e,  mean = n - (m - u) r,  r^2 = (x + e) / (v + e),

where n and x are the mean and the variance of the test images, mixed with a weight w: n = (1 - w) m
+ w * (test mean), and so x (Schneider et al., section 2); e is the layer's epsilon. Then the test
images have, after the layer, the mean and the variance that training images have. If u = m and
s = v, this is Schneider's formula; if the images do not differ, nothing changes.

The weight is w = n / (n + N) for n test images. Schneider et al. think of the trained statistics as
those of N further images; with N = 16, w is 0.67 for 32 images, 0.93 for 208 and nearly 1 for
thousands: few images do not decide alone, and many do.

The statistics come from one pass over the images, as prediction sees them: the same size, tiles and
copies of test-time augmentation, no random augmentation. A batch of test images is normalised with
the statistics of all test images so far, so that each layer sees what the adapted layers below it
return. The images come in a fixed random order, because a folder often lists one class after the
other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from comp.contract.sample import Sample
from comp.errors import ConfigError, RunError
from comp.signals import stop_if_requested

LEAST = 32
"""Fewest images whose statistics are used: those of fewer describe these images alone."""
PSEUDO_IMAGES = 16
"""N, the number of images that the trained statistics count as."""
REFERENCE = 256, 1000
"""Training images that are measured: as many as test images, but at least and at most these."""

Predict = Callable[[Sequence[Sample]], Iterable[object]]
"""Samples -> their predictions, in order."""
OnImage = Callable[[int, int], None]
"""(images done, images in all) -> None."""


@dataclass(frozen=True, kw_only=True)
class Adaptation:
    """What was adapted: `layers` BatchNorm layers, to `images`, with this `weight` of them against
    `reference` training images.

    `shift` says how far the images are from the training images: the difference of the means, in
    standard deviations of the training images, averaged over the channels of each layer and then
    over the layers.
    """

    layers: int
    images: int
    reference: int
    weight: float
    shift: float


def batch_norms(model: nn.Module) -> list[_BatchNorm]:
    """The BatchNorm layers of a network that predict with trained statistics."""
    return [
        module
        for module in model.modules()
        if isinstance(module, _BatchNorm) and module.running_mean is not None
    ]


def check_batch_norms(model: nn.Module, name: str) -> None:
    """Check that a network has BatchNorm layers.

    Args:
        name: of the network, for the message.

    Raises:
        ConfigError: it has none.
    """
    if not batch_norms(model):
        raise ConfigError(
            f"predict.adapt = batchnorm, but {name} has no BatchNorm layers: other norms use no "
            "statistics of the training images, so set predict.adapt=none"
        )


def check_image_count(count: int) -> None:
    """Check that there are enough images.

    Raises:
        ConfigError: there are fewer than `LEAST`.
    """
    if count < LEAST:
        images = "1 image is" if count == 1 else f"{count} images are"
        raise ConfigError(
            f"predict.adapt = batchnorm needs {LEAST} or more images to predict, because their "
            f"statistics replace those of the training images, but {images} given: set "
            "predict.adapt=none"
        )


def adaptation_weight(given: float | None, count: int) -> float:
    """The weight of the statistics of `count` images, 0..1; `given` is `predict.adapt_weight`."""
    return count / (count + PSEUDO_IMAGES) if given is None else given


def reference_images(train: Sequence[Sample], count: int) -> list[Sample]:
    """The training images that are measured for `count` test images: a fixed random choice."""
    least, most = REFERENCE
    return in_fixed_order(train)[: min(max(count, least), most)]


def adapt_batch_norms(
    model: nn.Module,
    predict: Predict,
    samples: Sequence[Sample],
    reference: Sequence[Sample],
    weight: float,
    on_image: OnImage | None = None,
) -> Adaptation:
    """Replace the statistics of all BatchNorm layers, also of frozen ones, as the module describes.
    Weights do not change.

    Args:
        predict: predicts with `model`; the predictions are thrown away.
        samples: at least `LEAST`, in any order: the result does not depend on it.
        reference: training images of the model, as `reference_images` returns them.

    Raises:
        RunError: the statistics of the images are not finite, or no layer runs.
        Stopped: a signal came.
    """
    layers = [_Layer(layer, weight) for layer in batch_norms(model)]
    hooks = [each.layer.register_forward_pre_hook(each) for each in layers]
    ordered, total = in_fixed_order(samples), len(samples) + len(reference)
    try:
        for before, part in ((0, reference), (len(reference), ordered)):
            for done, _ in enumerate(predict(part), start=before + 1):
                stop_if_requested()
                if on_image:
                    on_image(done, total)
            for each in layers:
                each.adapting = True
    finally:
        for hook in hooks:
            hook.remove()
    used = [each for each in layers if each.test.count]
    if not used or not all(each.is_finite() for each in used):
        problem = "are not finite" if used else "are missing, because no layer runs"
        raise RunError(
            f"the BatchNorm statistics of the images {problem}: set predict.adapt=none, or "
            "precision=fp32"
        )
    return Adaptation(
        layers=len(used),
        images=len(samples),
        reference=len(reference),
        weight=weight,
        shift=float(np.mean([each.shift() for each in used])),
    )


def in_fixed_order(samples: Sequence[Sample]) -> list[Sample]:
    """The samples in a random order that depends on their ids alone."""
    ordered = sorted(samples, key=lambda sample: sample.id)
    order = np.random.default_rng(0).permutation(len(ordered))
    return [ordered[index] for index in order.tolist()]


class _Moments:
    """Mean and variance of each channel (C,) of all inputs so far, float32.

    Two parts are joined by the formula of Chan, Golub and LeVeque, Updating Formulae and a Pairwise
    Algorithm for Computing Sample Variances, 1979, section 2.
    """

    def __init__(self, like: Tensor) -> None:
        self.count = 0
        self.mean, self.squares = torch.zeros_like(like), torch.zeros_like(like)

    def add(self, values: Tensor) -> None:
        """Args: `values` is (N, C, ...)."""
        count = values.numel() // values.shape[1]
        total = self.count + count
        axes = [0, *range(2, values.ndim)]
        variance, mean = torch.var_mean(values.float(), dim=axes, correction=0)
        difference = mean - self.mean
        self.squares = self.squares + count * variance
        self.squares = self.squares + difference.square() * (self.count * count / total)
        self.mean, self.count = self.mean + difference * (count / total), total

    @property
    def variance(self) -> Tensor:
        return self.squares / max(1, self.count)


class _Layer:
    """A hook that runs before a BatchNorm layer: it measures the inputs, and while `adapting` gives
    the layer the statistics that the module describes."""

    def __init__(self, layer: _BatchNorm, weight: float) -> None:
        mean, variance = layer.running_mean, layer.running_var
        assert mean is not None
        assert variance is not None
        self.layer, self.weight, self.adapting = layer, weight, False
        self.buffers = mean, variance
        self.trained = mean.detach().clone(), variance.detach().clone()
        self.train, self.test = _Moments(mean), _Moments(mean)

    def __call__(self, _layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        """Args: `inputs` contains one tensor (N, C, ...)."""
        if not self.adapting:
            self.train.add(inputs[0].detach())
            return
        self.test.add(inputs[0].detach())
        (mean, variance), eps = self.trained, self.layer.eps
        mixed = torch.lerp(self.train.mean, self.test.mean, self.weight)
        spread = torch.lerp(self.train.variance, self.test.variance, self.weight)
        ratio = (spread + eps) / (self.train.variance + eps)  # r^2
        moved = (mixed - self.train.mean) - (self.train.mean - mean) * (ratio.sqrt() - 1)
        self.buffers[0].copy_(mean + moved)
        self.buffers[1].copy_(variance + (variance + eps) * (ratio - 1))

    def is_finite(self) -> bool:
        """Whether all statistics are finite."""
        parts = self.train.mean, self.train.squares, self.test.mean, self.test.squares
        return all(bool(torch.isfinite(part).all()) for part in parts)

    def shift(self) -> float:
        """The mean over the channels of |difference of the means| / deviation in training."""
        deviation = (self.train.variance + self.layer.eps).sqrt()
        return float(((self.test.mean - self.train.mean).abs() / deviation).mean())
