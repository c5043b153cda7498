"""What other image sizes and backbones would cost: each is measured with a few steps.

The networks have random weights, which are as fast as pretrained ones.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import timm

from comp.config.image_size import ImageSize, height_and_width, setting_text
from comp.config.model import NETWORK
from comp.config.schema import RunConfig
from comp.contract.competition import Competition
from comp.errors import CompError, ConfigError
from comp.models.backbone import resolve_input
from comp.models.hub import find_weights
from comp.pipeline.fold_context import FoldContext, make_fold_context
from comp.pipeline.fold_plans import fold_plans, full_plan, images_per_second, seconds_of
from comp.pipeline.pace import quick_pace
from comp.pipeline.plan_images import PlanImages
from comp.pipeline.report_time import readings_after
from comp.pipeline.run_inputs import RunInputs, scratch_run
from comp.pipeline.timing import fold_cost
from comp.pipeline.used_keys import unread_keys
from comp.runs.plan import Alternative
from comp.training.budget import MIN_STEPS, FoldCost

SIDES = (0.5, 0.75, 1.5)
"""Other sizes, as shares of the present side."""
LEAST_SIDE = 16
BACKBONES = (
    "tf_mobilenetv3_small_100",
    "tf_efficientnet_lite0",
    "resnet18",
    "resnet34",
    "convnext_tiny",
)
"""Small and medium backbones; those with weights on this machine come first."""
MANY = 3
"""Backbones that are measured."""
TRIAL_S = 1.0
"""Seconds of training steps of each setting."""

OnMeasure = Callable[[int, int, str], None]
"""(settings measured, settings in all, the setting that is measured now) -> None."""


def measure_alternatives(
    inputs: RunInputs,
    images: PlanImages,
    cost: FoldCost,
    before_s: float,
    until: float,
    on_measure: OnMeasure,
) -> Sequence[Alternative]:
    """Measure other image sizes, then other backbones; none for networks of columns, and for
    networks that train on cached features.

    Args:
        cost: that of the present setting.
        before_s: seconds that the run needs before its first fold.
        until: `time.perf_counter()` after which nothing more is measured.
    """
    found: list[Alternative] = []
    if inputs.config.model != [NETWORK] or inputs.features.cache:
        return found
    settings = [*_sizes(inputs), *_backbones(inputs)]
    with scratch_run(inputs) as folder:
        root, fold = inputs.source.root, inputs.folds_to_train[0]
        context = make_fold_context(inputs.config, fold, root, folder.path)
        for done, (setting, config) in enumerate(settings):
            on_measure(done, len(settings), setting)
            if time.perf_counter() > until:
                problem = "not measured: no time left"
                found.append(Alternative(setting=setting, problem=problem))
                continue
            measured = partial(_measure, inputs, images, context, config, cost)
            found.append(_alternative(setting, inputs, config, measured, before_s))
    on_measure(len(settings), len(settings), "")
    return found


def _alternative(
    setting: str,
    inputs: RunInputs,
    config: RunConfig,
    measured: Callable[[], FoldCost],
    before_s: float,
) -> Alternative:
    try:
        cost = measured()
    except CompError as error:
        return Alternative(setting=setting, problem=str(error))
    plans = fold_plans(inputs, cost, before_s)
    too_long = config.budget and plans[0].steps < MIN_STEPS
    return Alternative(
        setting=setting,
        images_per_second=images_per_second(config, cost),
        epochs=0.0 if too_long else plans[0].epochs,
        seconds=seconds_of([*plans, *full_plan(inputs, plans)], cost, before_s),
    )


def _measure(
    inputs: RunInputs, images: PlanImages, context: FoldContext, config: RunConfig, cost: FoldCost
) -> FoldCost:
    """The cost of a fold with `config`; reading and the submission cost as much as now."""
    context = images.with_config(context, config)
    setup_s = cost.reserve_s / readings_after(context.config)
    changed = fold_cost(context, setup_s, partial(quick_pace, trial_s=TRIAL_S))
    changed = changed.repeated(config.seeds)
    return replace(changed, fixed_s=changed.fixed_s + inputs.submission_s)


def _random(config: RunConfig, **changes: object) -> RunConfig:
    return config.model_copy(update={"pretrained": False, "weights": None, **changes})


def _sizes(inputs: RunInputs) -> list[tuple[str, RunConfig]]:
    """Half, three quarters and one and a half of the present size, and that of the backbone; none
    if `image.size` does not decide it."""
    config, competition = inputs.config, inputs.competition
    present = input_size(competition, config)
    if present is None or "image.size" in unread_keys(competition, config):
        return []
    height, width = height_and_width(present)
    sizes = [_scaled(height, width, share) for share in SIDES]
    unset = input_size(competition, _with_size(config, None))
    sizes += [unset] if unset else []
    different = dict.fromkeys(size for size in sizes if size != present)
    return [
        (f"image.size={setting_text(size)}", _random(_with_size(config, size)))
        for size in different
        if min(height_and_width(size)) >= LEAST_SIDE
    ]


def _with_size(config: RunConfig, size: ImageSize | None) -> RunConfig:
    return config.model_copy(update={"image": config.image.model_copy(update={"size": size})})


def _scaled(height: int, width: int, share: float) -> ImageSize:
    height, width = (round(share * side / 8) * 8 for side in (height, width))
    return height if height == width else (height, width)


def input_size(competition: Competition, config: RunConfig) -> ImageSize | None:
    """The size of the network's input or of the training crops; None if only the competition knows
    it."""
    try:
        if competition.image_spec:
            return competition.image_spec(config).size
        return config.image.size or resolve_input(config).size
    except ConfigError:
        return None


def _backbones(inputs: RunInputs) -> list[tuple[str, RunConfig]]:
    """A few other backbones; none if the network has no timm backbone."""
    config = inputs.config
    if not timm.is_model(config.backbone):
        return []
    beside = config.weights.parent if config.weights else None
    present = config.backbone.partition(".")[0]
    others = [name for name in _candidates(beside) if name.partition(".")[0] != present]
    nearest = sorted(others, key=lambda name: not _is_local(name, beside))
    return [
        (f"backbone={name}", _random(config, backbone=name, backbone_args={}))
        for name in nearest[:MANY]
    ]


def _candidates(beside: Path | None) -> Sequence[str]:
    files = sorted(beside.glob("*.safetensors")) if beside else []
    names = [path.stem for path in files if timm.is_model(path.stem)]
    return list(dict.fromkeys([*names, *BACKBONES]))


def _is_local(name: str, beside: Path | None) -> bool:
    """Whether the pretrained weights are on this machine."""
    file = beside / f"{name}.safetensors" if beside else None
    return (file is not None and file.is_file()) or find_weights(name).cached is not None
