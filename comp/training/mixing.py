"""Mixup and CutMix: two images become one, and so do their labels."""

from __future__ import annotations

from collections.abc import Callable

from timm.data.mixup import Mixup
from torch import Tensor

from comp.config.schema import RunConfig
from comp.errors import ConfigError

Mixer = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""(images, class indices) -> (mixed images, shares of the classes)."""


def make_mixer(config: RunConfig, classes: int) -> Mixer | None:
    """What mixes a batch with itself in reverse order, or None where `loader.mixup` and
    `loader.cutmix` are both 0.

    It takes float images (N, C, H, W), which it changes in place, and class indices float (N, 1);
    it gives the images and the shares of the classes, float (N, K), with the label smoothing in
    them. Where both alphas are set, each batch is mixed in one way or the other, as a coin falls.
    timm draws from numpy's global generator, which is seeded anew for each fold.

    Zhang et al., mixup: Beyond Empirical Risk Minimization, 2018; Yun et al., CutMix, 2019.

    Raises:
        ConfigError: where there are no classes to mix, or batches of an odd size.
    """
    loader = config.loader
    if loader.mixup == 0 and loader.cutmix == 0:
        return None
    asked = f"loader.mixup = {loader.mixup} and loader.cutmix = {loader.cutmix}"
    if classes < 2:
        raise ConfigError(f"{asked} mix labels, and {config.competition} has none: set both to 0")
    if loader.batch_size % 2:
        raise ConfigError(
            f"{asked} mix images in pairs: loader.batch_size must be even, not {loader.batch_size}"
        )
    mix = Mixup(
        mixup_alpha=loader.mixup,
        cutmix_alpha=loader.cutmix,
        label_smoothing=config.loss.smoothing,
        num_classes=classes,
    )

    def mixer(image: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        mixed, shares = mix(image, target)
        return mixed, shares

    return mixer
