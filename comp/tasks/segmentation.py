"""Segmentation: a mask for each class, of the size of the image."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comp.contract.metric import Pairs
from comp.contract.sample import Sample, Target
from comp.contract.task import Decision, Loss, Params, Task
from comp.errors import ConfigError
from comp.tasks.mask_decision import DEFAULT, NAMES, decide_exclusive, decide_masks, fit_masks
from comp.tasks.mask_values import encode_masks, mask_problem
from comp.tasks.pseudo_targets import mask_targets

if TYPE_CHECKING:
    import torch

    from comp.config.sections import LossConfig

LOSSES = ("bce_dice", "bce", "dice", "bce_lovasz", "lovasz", "tversky", "focal")
EXCLUSIVE_LOSSES = ("ce_dice", "ce", "dice", "lovasz")


def segmentation(
    classes: Sequence[str] = ("mask",),
    *,
    exclusive: bool = False,
    loss: str | None = None,
    threshold: float | None = None,
) -> Task:
    """Masks of one class, of several classes that may overlap, or of classes that exclude each
    other.

    The target is the path of a mask image. One class: 0 outside, and 1 or 255 inside. Several
    classes: one channel per class. Exclusive classes: each pixel is the index of its class, and the
    background is a class. A prediction is float32 (H, W, K), probabilities. The decision is 0 or 1
    per pixel: by a threshold, a least area and a least confidence of the mask for each class, which
    are fitted out of fold, or the most probable of exclusive classes.

    Args:
        loss: the default loss, one of `LOSSES`, for exclusive classes of `EXCLUSIVE_LOSSES`.
        threshold: mask pixels above it are inside; for masks saved as JPEG.

    Raises:
        ValueError: the arguments contradict each other.
    """
    names = (classes,) if isinstance(classes, str) else tuple(classes)
    fitting = EXCLUSIVE_LOSSES if exclusive else LOSSES
    _check_arguments(names, exclusive, loss, threshold)
    count = len(names)
    values: dict[str, Any] = {"classes": count, "exclusive": exclusive, "threshold": threshold}
    encode = partial(encode_masks, **values)
    return Task(
        kind="masks of exclusive classes" if exclusive else "masks",
        labels=names,
        output="image",
        outputs=count,
        losses=tuple(dict.fromkeys([loss, *fitting] if loss else fitting)),
        make_loss=partial(_make_loss, exclusive),
        check=_check,
        check_image=partial(mask_problem, **values),
        encode=encode,
        activation=activate_exclusive if exclusive else activate_masks,
        decision=_decision(names, exclusive),
        scores=partial(_scores, names, exclusive),
        pseudo=mask_targets(exclusive, count, encode),
        reports=("example",),
    )


def _check_arguments(
    names: tuple[str, ...], exclusive: bool, loss: str | None, threshold: float | None
) -> None:
    if len(names) < 1 + exclusive or len(set(names)) < len(names):
        raise ValueError(
            f"classes = {names}: give {'two or more' if exclusive else 'one or more'} different "
            f"names{', one of them for the background' if exclusive else ''}"
        )
    fitting = EXCLUSIVE_LOSSES if exclusive else LOSSES
    if loss is not None and loss not in fitting:
        raise ValueError(f"loss = {loss!r} does not fit masks: use one of {', '.join(fitting)}")
    if exclusive and threshold is not None:
        raise ValueError("threshold is for masks of 0 and 255, and exclusive classes have indices")


def _decision(names: tuple[str, ...], exclusive: bool) -> Decision:
    if exclusive:
        return Decision(default=(), apply=decide_exclusive)
    of = ("",) if len(names) == 1 else tuple(f" of {name}" for name in names)
    return Decision(
        default=DEFAULT * len(names),
        apply=decide_masks,
        fit=partial(fit_masks, classes=len(names)),
        names=tuple(f"{what}{whose}" for whose in of for what in NAMES),
    )


def _check(target: Target) -> str:
    return "" if isinstance(target, Path) else "is not the path of a mask"


def _make_loss(exclusive: bool, name: str, settings: LossConfig, _train: Sequence[Sample]) -> Loss:
    from comp.training.mask_losses import mask_loss

    if settings.weights != "none":
        raise ConfigError(
            f"loss.weights = '{settings.weights}' needs the share of each class, which masks do "
            "not have: set loss.weights=none, or use loss.name=tversky"
        )
    if settings.smoothing:
        raise ConfigError(
            f"loss.smoothing = {settings.smoothing} does not fit masks: set loss.smoothing=0"
        )
    return mask_loss(name, settings, exclusive)


def activate_masks(raw: torch.Tensor) -> torch.Tensor:
    """Raw outputs as the probabilities of masks that may overlap, float32."""
    return raw.float().sigmoid()


def activate_exclusive(raw: torch.Tensor) -> torch.Tensor:
    """Raw outputs as the probabilities of exclusive classes, float32."""
    return raw.float().softmax(dim=1)


def _scores(
    names: tuple[str, ...],
    exclusive: bool,
    pairs: Pairs,
    params: Params,
    seed: int,
) -> Sequence[Any]:
    """At the fitted parameters and, of one class, at the default ones if they differ."""
    from comp.tasks.mask_scores import mask_scores

    decide = decide_exclusive if exclusive else decide_masks
    tuned = len(names) == 1 and tuple(params) != DEFAULT
    tried = [DEFAULT, params] if tuned else [params]
    return mask_scores(names, pairs, decide, tried, seed)
