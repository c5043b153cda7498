"""Which settings make a run fit into its budget, by the measured cost of a fold.

The costs of other settings are estimated: predictions cost as much as the copies of test-time
augmentation, and everything as much as the pixels of the images.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from comp.config.durations import duration_key
from comp.config.image_size import ImageSize, height_and_width, setting_text
from comp.config.schema import RunConfig
from comp.errors import ConfigError
from comp.inference.tta import SYMMETRIES, resolve_tta
from comp.pipeline.run_inputs import RunInputs
from comp.training.averages import scorings
from comp.training.budget import FoldCost, seconds_needed

LEAST_SIDE = 32
"""Smallest side of an image, in pixels, that is suggested."""
SHARES = (0.75, 0.5, 0.25)
"""Shares of the side of the images that are tried."""
MARGIN = 1.1
"""A suggested budget is this much larger than the measured need."""


def advice(inputs: RunInputs, cost: FoldCost, seconds: float, folds: int) -> str:
    """The settings with which `folds` folds fit into `seconds`, each alone or all together, smaller
    numbers of seeds and of folds that fit, and the budget that is needed without a change."""
    assert inputs.config.budget
    missing = MARGIN * seconds_needed(folds, cost) - seconds
    settings = [
        *_settings(inputs, cost, seconds, folds),
        *_fewer_seeds(inputs, cost, seconds, folds),
        *_fewer_folds(inputs, cost, seconds),
    ]
    return ", or ".join([*settings, f"budget={duration_key(inputs.config.budget + missing)}"])


def _settings(inputs: RunInputs, cost: FoldCost, seconds: float, folds: int) -> list[str]:
    def fits(changed: FoldCost) -> bool:
        return seconds_needed(folds, changed) <= seconds

    plain = list(_plain_changes(inputs, cost))
    sizes = next(([w] for w, changed in _sizes(inputs, cost) if fits(changed)), [])
    alone = [words for words, changed in plain if fits(changed)] + sizes
    if alone or not plain:
        return alone
    together, reduced = [], cost
    for index in range(len(plain)):
        words, reduced = list(_plain_changes(inputs, reduced))[index]
        together.append(words)
    if fits(reduced):
        return [" with ".join(together)]
    return next(
        ([" with ".join([*together, w])] for w, c in _sizes(inputs, reduced) if fits(c)), []
    )


def _plain_changes(inputs: RunInputs, cost: FoldCost) -> Iterator[tuple[str, FoldCost]]:
    """Settings that cost little of the score, with what a fold then costs."""
    config = inputs.config
    copies = len(SYMMETRIES[resolve_tta(inputs.competition, config)])
    if copies > 1:
        yield "predict.tta=none", without_copies(cost, copies)
    if config.validations > 1:
        yield "validations=1", with_one_validation(cost, config)


def _sizes(inputs: RunInputs, cost: FoldCost) -> Iterator[tuple[str, FoldCost]]:
    """Smaller images, the largest first, with what a fold then costs."""
    spec = inputs.competition.image_spec
    if spec is None:
        return
    sides = height_and_width(spec(inputs.config).size)
    for share in SHARES:
        height, width = (round(share * side / 8) * 8 for side in sides)
        size = height if height == width else (height, width)
        if min(height, width) >= LEAST_SIDE and _is_accepted(inputs, size):
            pixels = height * width / math.prod(sides)
            smaller = reduced_cost(cost, predict=pixels, validate=pixels)
            yield f"image.size={setting_text(size)}", replace(smaller, step_s=cost.step_s * pixels)


def _is_accepted(inputs: RunInputs, size: ImageSize) -> bool:
    """Whether `image.size` decides the size of the images."""
    spec, image = inputs.competition.image_spec, inputs.config.image
    changed = inputs.config.model_copy(update={"image": image.model_copy(update={"size": size})})
    try:
        return spec is not None and spec(changed).size == size
    except ConfigError:
        return False


def reduced_cost(cost: FoldCost, predict: float = 1.0, validate: float = 1.0) -> FoldCost:
    """The cost with these shares of predictions and validations."""
    predict_s, validate_s = cost.predict_s * predict, cost.validate_s * validate
    saved = cost.predict_s - predict_s + cost.validate_s - validate_s
    return replace(
        cost, fixed_s=max(0.0, cost.fixed_s - saved), predict_s=predict_s, validate_s=validate_s
    )


def without_copies(cost: FoldCost, copies: int) -> FoldCost:
    """The cost without the copies of test-time augmentation. An image is read once for all of them,
    which is supposed to take as long as one copy."""
    return reduced_cost(cost, predict=2 / (copies + 1))


def with_one_validation(cost: FoldCost, config: RunConfig) -> FoldCost:
    """The cost with one validation. Those of averaged weights stay, and so do the images of swa,
    which may be all of the rest."""
    if config.average.how == "swa":
        return cost
    after = scorings(config.average)
    return reduced_cost(cost, validate=(1 + after) / (config.validations + after))


def _fewer_seeds(inputs: RunInputs, cost: FoldCost, seconds: float, folds: int) -> list[str]:
    """The largest number of seeds that fits."""
    seeds = inputs.config.seeds
    for count in range(seeds - 1, 0, -1):
        if seconds_needed(folds, cost.repeated(count / seeds)) <= seconds:
            return [f"seeds={count}"]
    return []


def _fewer_folds(inputs: RunInputs, cost: FoldCost, seconds: float) -> list[str]:
    """The largest number of folds that fits, if all folds train; each then holds out more."""
    folds, config = len(inputs.folds_to_train), inputs.config
    if folds < config.folds or config.folds_csv or any(s.fold is not None for s in inputs.train):
        return []
    for count in range(folds - 1, 1, -1):
        train, test = len(inputs.train), len(inputs.test)
        predict = (train / count + test) / (train / folds + test)
        larger = reduced_cost(cost, predict, folds / count)
        if seconds_needed(count, larger) <= seconds:
            return [f"folds={count}"]
    return []
