"""What the keys of a configuration mean for a competition: the values behind unset keys and "auto",
and the keys that do nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from comp.config.image_size import ImageSize
from comp.config.schema import RunConfig
from comp.config.section import Section
from comp.contract.competition import Competition
from comp.errors import CompError
from comp.pipeline.unused_by_model import unused_by_model
from comp.pipeline.used_keys import unread_keys

LOSSES = {
    "gamma": ("focal",),
    "gamma_positive": ("asymmetric",),
    "gamma_negative": ("asymmetric",),
    "clip": ("asymmetric",),
    "margin": ("arcface",),
    "alpha": ("tversky",),
    "beta": ("tversky",),
    "region_weight": ("bce_dice", "ce_dice", "bce_lovasz"),
    "delta": ("huber", "smooth_l1", "charbonnier"),
}
"""Key of the section `loss`: the losses that read it."""
SCHEDULES = {
    "min_lr": ("cosine", "plateau"),
    "decay": ("step", "plateau"),
    "every": ("step",),
    "plateau_patience": ("plateau",),
}
"""Key of the section `optim`: the schedules that read it."""
MODELS = {
    "gbdt": ("gbdt", "lightgbm", "xgboost", "catboost"),
    "linear": ("linear",),
    "knn": ("knn",),
    "mlp": ("mlp",),
    "tabm": ("tabm",),
}
"""Section: the models that read it."""


UNREAD = "this competition does not read it"
PRESET = "augment.preset"
"""It sets the other keys of its section."""


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What a key means: `value` is what a run uses in its place and `reason` where that comes from,
    or `unused` says why the key does nothing."""

    value: Any = None
    reason: str = ""
    unused: str = ""


def effects(competition: Competition, config: RunConfig) -> Mapping[str, Effect]:
    """The keys whose value is not what a run uses. A fault of the configuration, which the run
    reports, leaves its keys out."""
    unused = unused_keys(competition, config)
    found = {key: Effect(unused=reason) for key, reason in unused.items()}
    for values in (_input_values, _run_values, _loss, _tta, _betas):
        for key, effect in _tried(values, competition, config).items():
            found.setdefault(key, effect)
    return found


def unused_keys(
    competition: Competition, config: RunConfig, among: Collection[str] | None = None
) -> dict[str, str]:
    """The keys that do nothing, and why.

    Args:
        among: name only these keys, and build no network that others need; None: all.
    """
    found = dict([*_unused(competition, config), *unused_by_model(competition, config)])
    wanted = None if among is None else set(among) - found.keys()
    for key in unread_keys(competition, config, wanted):
        off = key.startswith("augment.") and not config.loader.augment
        found.setdefault(key, "loader.augment = false" if off else UNREAD)
    strengths = {f"augment.{key}" for key in type(config.augment).model_fields} - {PRESET}
    if strengths <= found.keys():
        found[PRESET] = UNREAD
    return {key: reason for key, reason in found.items() if among is None or key in among}


def _tried(
    values: Callable[[Competition, RunConfig], Mapping[str, Effect]],
    competition: Competition,
    config: RunConfig,
) -> Mapping[str, Effect]:
    try:
        return values(competition, config)
    except CompError:
        return {}


def _unused(competition: Competition, config: RunConfig) -> Iterator[tuple[str, str]]:
    """(key, why it does nothing), by the other keys and by what is predicted."""
    if config.max_steps or config.budget:
        yield "epochs", f"{'max_steps' if config.max_steps else 'budget'} sets the length"
    if config.folds_csv:
        keys = ("scheme",) if config.external_folds else ("scheme", "fold_seed")
        yield from ((key, "folds_csv is set") for key in keys)
    if config.scheme != "domain":
        yield "domain", f"scheme = {config.scheme}"
    if config.validation is None:
        yield "validation_groups", "validation is not set"
    if config.thaw.how != "staged":
        yield "thaw.every", f"thaw.how = {config.thaw.how}"
    if config.pseudo.run is None:
        others = [key for key in type(config.pseudo).model_fields if key != "run"]
        yield from ((f"pseudo.{key}", "pseudo.run is not set") for key in others)
    yield from _unused_by_trackers(config)
    if config.freeze in ("none", 0):
        yield from _section(config, "features", "freeze = none")
    if config.average.how == "none":
        yield from ((f"average.{key}", "average.how = none") for key in ("last", "count"))
    if config.thaw.how == "never":
        yield "thaw.after", "thaw.how = never"
    yield from _unused_by_task(competition, config)
    yield from _unused_by_names(competition, config)


def _unused_by_trackers(config: RunConfig) -> Iterator[tuple[str, str]]:
    """Keys of trackers that are not used."""
    if not config.track.to:
        others = [key for key in type(config.track).model_fields if key != "to"]
        yield from ((f"track.{key}", "track.to has no tracker") for key in others)
        return
    for key in ("wandb_mode", "mlflow_uri", "tensorboard_folder"):
        if key.partition("_")[0] not in config.track.to:
            yield f"track.{key}", f"track.to = {', '.join(config.track.to)}"


def _unused_by_task(competition: Competition, config: RunConfig) -> Iterator[tuple[str, str]]:
    """Keys that do not fit the images, the predictions or the targets."""
    from comp.data.images.page_cache import reads_pages

    resize = config.image.resize
    if resize not in ("crop", "partial"):
        yield "image.crop_pct", f"image.resize = {resize}"
    if competition.image_spec and resize != "partial":
        yield "augment.area", f"image.resize = {resize}"
    resized = competition.image_spec and not competition.reader
    if not resized and (config.image.cache == "jpeg" or not reads_pages(competition)):
        yield "image.cache", "images keep their size"
    if not config.image.cache or not (resized or reads_pages(competition)):
        yield "image.cache_gb", "no images are cached"
    if competition.task.output == "numbers":
        yield from ((f"predict.{key}", "predictions are numbers") for key in ("tile", "overlap"))
    if competition.task.soften is None:
        targets = f"the targets of {competition.task.kind} cannot be mixed"
        yield from ((key, targets) for key in ("loader.mixup", "loader.cutmix", "loss.smoothing"))


def _unused_by_names(competition: Competition, config: RunConfig) -> Iterator[tuple[str, str]]:
    """Keys of other losses, schedules, optimizers and models than those that are chosen."""
    from comp.training.optim import moments_of

    loss, schedule = _loss_name(competition, config), config.optim.schedule
    for key, names in LOSSES.items():
        if loss and loss not in names:
            yield f"loss.{key}", f"loss.name = {loss}"
    if config.head.kind != "cosine":
        yield "loss.scale", f"head.kind = {config.head.kind}"
    for key, schedules in SCHEDULES.items():
        if schedule not in schedules:
            yield f"optim.{key}", f"optim.schedule = {schedule}"
    for key in {"momentum", "betas"}.difference(moments_of(config.optim.name)):
        yield f"optim.{key}", f"optim.name = {config.optim.name}"
    for name, models in MODELS.items():
        if not set(models) & set(config.model):
            yield from _section(config, name, f"model = {', '.join(config.model)}")
    if not competition.columns:
        yield from _section(config, "columns", "the samples have no columns")


def _section(config: RunConfig, name: str, reason: str) -> Iterator[tuple[str, str]]:
    section = getattr(config, name, None)
    fields = type(section).model_fields if isinstance(section, Section) else {}
    yield from ((f"{name}.{key}", reason) for key in fields)


def _loss_name(competition: Competition, config: RunConfig) -> str:
    from comp.training.losses import loss_name

    try:
        return loss_name(competition, config)
    except CompError:
        return ""


def _loss(competition: Competition, config: RunConfig) -> Mapping[str, Effect]:
    name = _loss_name(competition, config)
    if config.loss.name != "own" or name in ("", "own"):
        return {}
    return {"loss.name": Effect(value=name, reason="own")}


def _input_values(competition: Competition, config: RunConfig) -> Mapping[str, Effect]:
    """The input of the network, of the keys that are unset."""
    from comp.models.backbone import resolve_input

    network_input, image = resolve_input(config), config.image
    spec = competition.image_spec(config) if competition.image_spec else network_input
    values: dict[str, Any] = {
        "size": _plain_size(spec.size),
        "mean": [round(value, 4) for value in network_input.mean],
        "std": [round(value, 4) for value in network_input.std],
        "interpolation": spec.interpolation,
        "crop_pct": spec.crop_pct,
    }
    return {
        f"image.{key}": Effect(value=value, reason="the backbone's")
        for key, value in values.items()
        if getattr(image, key) is None
    }


def _plain_size(size: ImageSize) -> int | list[int]:
    return size if isinstance(size, int) else list(size)


def _run_values(_competition: Competition, config: RunConfig) -> Mapping[str, Effect]:
    """Device, precision, workers and the seed of the folds."""
    from comp.data.dataset import worker_count
    from comp.training.device import choose_device, choose_precision

    device = choose_device(config.device)
    found = {}
    if config.device == "auto":
        found["device"] = Effect(value=str(device), reason="auto")
    if config.precision == "auto":
        precision = choose_precision(config.precision, device)
        found["precision"] = Effect(value=precision, reason="auto")
    if config.loader.workers is None:
        workers = worker_count(None, device)
        found["loader.workers"] = Effect(value=workers, reason=f"on {device.type}")
    if config.fold_seed is None:
        found["fold_seed"] = Effect(value=config.seed, reason="seed")
    return found


def _tta(competition: Competition, config: RunConfig) -> Mapping[str, Effect]:
    from comp.inference.tta import resolve_tta

    if config.predict.tta != "auto":
        return {}
    return {"predict.tta": Effect(value=resolve_tta(competition, config), reason="auto")}


def _betas(_competition: Competition, config: RunConfig) -> Mapping[str, Effect]:
    from torch import nn

    from comp.training.optim import make_optimizer

    if config.optim.betas is not None:
        return {}
    optim = config.optim.model_copy(update={"layer_decay": None})
    betas = make_optimizer(nn.Linear(2, 2), optim).defaults.get("betas")
    name = config.optim.name
    return {"optim.betas": Effect(value=list(betas), reason=f"{name}'s")} if betas else {}
