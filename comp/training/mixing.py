"""What happens to a batch before the loss: augmentation on the device, label smoothing, mixup and
CutMix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from timm.data.mixup import Mixup
from torch import Tensor

from comp.config.schema import RunConfig
from comp.contract.competition import Competition
from comp.contract.pipeline import BatchPipeline
from comp.data.pipelines import pipeline_of
from comp.errors import ConfigError
from comp.training.losses import loss_name

Mixed = tuple[Tensor, Tensor, Tensor | None]
"""Images, targets of the loss, and weights of the samples (N,), if there are any."""


class Mixer(Protocol):
    """(images, encoded targets, weights of the samples) -> what the network and the loss get."""

    def __call__(self, image: Tensor, target: Tensor, weight: Tensor | None = None) -> Mixed: ...


@dataclass(frozen=True)
class AugmentingMixer:
    """Augments a batch on its device, if it has `draws`, and then mixes it."""

    augment: BatchPipeline
    mixer: Mixer

    def __call__(
        self,
        image: Tensor,
        target: Tensor,
        weight: Tensor | None = None,
        draws: Tensor | None = None,
    ) -> Mixed:
        """What the network and the loss get."""
        if draws is None:
            return self.mixer(image, target, weight)
        image, changed = self.augment(image, target, draws)
        return self.mixer(image, target if changed is None else changed, weight)


def make_mixer(competition: Competition, config: RunConfig) -> Mixer:
    """A function that turns a batch into what the network and the loss get; with `augment.on` =
    device it augments the images first.

    Raises:
        ConfigError: as `_mixer`.
    """
    mixer = _mixer(competition, config)
    on_batch = batch_pipeline(competition, config)
    return AugmentingMixer(on_batch, mixer) if on_batch else mixer


def batch_pipeline(competition: Competition, config: RunConfig) -> BatchPipeline | None:
    """What the pipeline of the training leaves to the device, if `augment.on` says so."""
    if config.augment.on == "cpu":
        return None
    return pipeline_of(competition, config, True).on_batch


def _mixer(competition: Competition, config: RunConfig) -> Mixer:
    """It takes float images (N, C, H, W) and the encoded targets. The task softens the targets, for
    example class indices (N, 1) into shares of the classes (N, K), with label smoothing. With
    `loader.mixup` or `loader.cutmix` each image is mixed with the one at the same place in the
    reversed batch, in place, and so are the softened targets and the weights of the samples; if
    both are above 0, each batch uses one of them with equal probability. timm draws from numpy's
    global generator, which each fold seeds.

    Zhang et al., mixup: Beyond Empirical Risk Minimization, 2018; Yun et al., CutMix, 2019.

    Raises:
        ConfigError: the task does not support it, or the batch size is odd.
    """
    loader, soften = config.loader, competition.task.soften
    smoothing = config.loss.smoothing
    own_loss = loss_name(competition, config) == "own"
    if loader.mixup == 0 and loader.cutmix == 0:
        if soften is None or own_loss:
            return unmixed
        return lambda image, target, weight=None: (image, soften(target, smoothing), weight)
    settings = f"loader.mixup = {loader.mixup} and loader.cutmix = {loader.cutmix}"
    if soften is None:
        raise ConfigError(
            f"{settings} mix targets, but those of {competition.name} ({competition.task.kind}) "
            "cannot be mixed: set both to 0"
        )
    if loader.batch_size % 2:
        raise ConfigError(
            f"{settings} mix images in pairs, but loader.batch_size = {loader.batch_size} is odd: "
            "use an even batch size"
        )
    mix = Mixup(mixup_alpha=loader.mixup, cutmix_alpha=loader.cutmix)

    def mixer(image: Tensor, target: Tensor, weight: Tensor | None = None) -> Mixed:
        share = float(mix._mix_batch(image))  # only the images, in place
        soft = soften(target, smoothing)
        if weight is not None:
            weight = weight * share + weight.flip(0) * (1 - share)
        return image, soft * share + soft.flip(0) * (1 - share), weight

    return mixer


def unmixed(image: Tensor, target: Tensor, weight: Tensor | None = None) -> Mixed:
    """The mixer of a competition whose targets need nothing: returns its arguments."""
    return image, target, weight
