"""Mixup and CutMix: combine two images, and their labels."""

from __future__ import annotations

from collections.abc import Callable

from timm.data.mixup import Mixup
from torch import Tensor

from comp.config.schema import RunConfig
from comp.errors import ConfigError

Mixer = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""(images, class indices) -> (mixed images, shares of the classes)."""


def make_mixer(config: RunConfig, classes: int) -> Mixer | None:
    """A function that mixes a batch with the same batch in reverse order; None if `loader.mixup`
    and `loader.cutmix` are both 0.

    It takes float images (N, C, H, W), which it changes in place, and class indices, float (N, 1).
    It returns the images and the shares of the classes, float (N, K), with label smoothing
    included. If both alphas are above 0, each batch uses mixup or CutMix with equal probability.
    timm draws from numpy's global generator, which each fold seeds.

    Zhang et al., mixup: Beyond Empirical Risk Minimization, 2018; Yun et al., CutMix, 2019.

    Raises:
        ConfigError: the competition has no classes, or the batch size is odd.
    """
    loader = config.loader
    if loader.mixup == 0 and loader.cutmix == 0:
        return None
    settings = f"loader.mixup = {loader.mixup} and loader.cutmix = {loader.cutmix}"
    if classes < 2:
        raise ConfigError(
            f"{settings} mix classes, but {config.competition} has none: set both to 0"
        )
    if loader.batch_size % 2:
        raise ConfigError(
            f"{settings} mix images in pairs, but loader.batch_size = {loader.batch_size} is odd: "
            "use an even batch size"
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
