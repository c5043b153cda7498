"""The candidates of a race: backbones, sizes of the images, and how they train."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import timm

from comp.config.image_size import height_and_width, setting_text
from comp.config.nesting import merge
from comp.config.schema import RunConfig, resolve
from comp.contract.competition import Competition
from comp.errors import ConfigError
from comp.models.backbone import pretrained_cfg
from comp.models.curated import architecture
from comp.pipeline.alternatives import input_size
from comp.pipeline.used_keys import unread_keys
from comp.runs.race import Candidate

SIDES = (0.7, 1.4)
"""Other sizes of the images, as shares of the present side."""
LEAST_SIDE = 32
GRID = 32
"""Sides are multiples of this: the strides of most backbones multiply to it."""
SLOWER = 0.25
"""Share of the learning rate with which all layers train."""
RATES = (3.0, 1 / 3)
"""Other learning rates, as multiples of the present one."""
MOST = 24
"""Candidates, at most."""
THAW_SHARE = 0.25
"""Share of the steps in which only the head trains, if it trains first."""


@dataclass(frozen=True, kw_only=True)
class _Choice:
    """One value of an axis: the keys that it changes; none is the value of the configuration."""

    how: str = ""
    keys: Mapping[str, Any] = field(default_factory=dict)
    thaw_share: float = 0.0


def make_candidates(
    competition: Competition, config: RunConfig, weights: Mapping[str, Path | None]
) -> list[Candidate]:
    """The first candidates: the default, then those that differ from it in one axis, in two, in
    all; within each, the axes take turns, backbones first.

    Args:
        weights: files of the backbones to try, the most promising first; None: the hub has them.
    """
    axes = [_backbones(config, weights), _sizes(competition, config), _recipes(config)]
    places = list(product(*(range(len(axis)) for axis in axes)))
    places.sort(key=_order)
    found: dict[str, Candidate] = {}
    for place in places:
        choices = [axis[n] for axis, n in zip(axes, place, strict=True)]
        made = _candidate(competition, config, choices)
        if made is not None:
            candidate, changed = made
            found.setdefault(f"{changed.model_dump_json()} {candidate.thaw_share}", candidate)
        if len(found) == MOST:
            break
    return list(found.values())


def _order(place: Sequence[int]) -> tuple[int, int, list[bool]]:
    """What the places on the axes are sorted by."""
    return sum(n > 0 for n in place), max(place), [n == 0 for n in place]


def config_of(competition: Competition, config: RunConfig, candidate: Candidate) -> RunConfig:
    """The configuration of the run that a candidate would make."""
    return _changed(competition, config, candidate.keys)


def _changed(competition: Competition, config: RunConfig, keys: Mapping[str, Any]) -> RunConfig:
    """The configuration with other values; another backbone does not have the arguments of the
    present one."""
    layer = config.model_dump(mode="json")
    if "backbone" in keys:
        del layer["backbone_args"]
    return resolve(competition.name, [layer, keys], competition.options)


def check_can_race(competition: Competition, config: RunConfig) -> None:
    """Check that there is something to compare.

    Raises:
        ConfigError: the competition has a network of its own, or learns from tables.
    """
    advice = ""
    if config.model != ["network"]:
        models = ", ".join(config.model)
        advice = (
            f"comp race compares backbones of images, but model = {models}: give several models, "
            "such as --set model=[gbdt,tabm], and 'comp run' weights them by their scores"
        )
    elif not timm.is_model(config.backbone):
        backbone = config.backbone or "its own"
        advice = (
            f"comp race compares backbones of timm, but the network of {competition.name} is "
            f"{backbone}: start 'comp run {competition.name}', or set backbone if it takes one"
        )
    elif config.pseudo.run:
        advice = "comp race does not train on pseudo-labels: race first, then 'comp pseudo' its run"
    if advice:
        raise ConfigError(advice)


def _candidate(
    competition: Competition, config: RunConfig, choices: Sequence[_Choice]
) -> tuple[Candidate, RunConfig] | None:
    """The candidate of a choice of each axis with its configuration; None if they exclude each
    other."""
    keys: dict[str, Any] = {}
    for choice in choices:
        keys = merge(keys, choice.keys)
    backbone = keys.get("backbone", config.backbone)
    if pretrained_cfg(backbone).fixed_input_size and backbone != config.backbone:
        if choices[1].keys:
            return None
        side = min(pretrained_cfg(backbone).input_size[1:])
        keys = merge(keys, {"image": {"size": side}})
    try:
        changed = _changed(competition, config, keys)
    except ConfigError:
        return None
    if not changed.pretrained and not changed.weights and changed.freeze != config.freeze:
        return None  # frozen random weights
    size = input_size(competition, changed)
    candidate = Candidate(
        backbone=backbone,
        size=setting_text(size) if size else "",
        how=choices[2].how or "as set",
        lr=changed.optim.lr,
        keys=keys,
        thaw_share=choices[2].thaw_share,
    )
    return candidate, changed


def _backbones(config: RunConfig, weights: Mapping[str, Path | None]) -> list[_Choice]:
    """The backbone of the configuration, whose weights may be in a file, and the others."""
    present = architecture(config.backbone)
    own = next((file for name, file in weights.items() if architecture(name) == present), None)
    default = _Choice()
    if own and config.pretrained and not config.weights:
        default = _Choice(keys={"weights": str(own)})
    others = [name for name in weights if architecture(name) != present]
    return [
        default,
        *(
            _Choice(
                keys={
                    "backbone": name,
                    "pretrained": True,
                    "weights": str(weights[name]) if weights[name] else None,
                }
            )
            for name in others
        ),
    ]


def _sizes(competition: Competition, config: RunConfig) -> list[_Choice]:
    """The present size, and a smaller and a larger one; the present one alone if `image.size` does
    not decide it."""
    present = input_size(competition, config)
    fixed = pretrained_cfg(config.backbone).fixed_input_size
    if present is None or fixed or "image.size" in unread_keys(competition, config):
        return [_Choice()]
    sides = height_and_width(present)
    found = []
    for share in SIDES:
        height, width = (max(GRID, round(share * side / GRID) * GRID) for side in sides)
        size = height if height == width else [height, width]
        if min(height, width) >= LEAST_SIDE and (height, width) != tuple(sides):
            found.append(_Choice(keys={"image": {"size": size}}))
    return [_Choice(), *found]


def _recipes(config: RunConfig) -> list[_Choice]:
    """As set, then what freezes otherwise, then other learning rates."""
    lr, never = config.optim.lr, {"how": "never"}
    frozen: dict[str, Any] = {"freeze": "all", "thaw": never}
    frozen |= {"features": {"cache": "auto", "views": 0}}
    thawing = {"freeze": "all", "thaw": {"how": "at-once"}, "optim": {"lr": SLOWER * lr}}
    whole = {"freeze": "none", "thaw": never, "optim": {"lr": SLOWER * lr}}
    uncached = {"features": {"cache": "auto"}}
    return [
        _Choice(),
        _Choice(how="frozen", keys=frozen),
        _Choice(how="all layers", keys=whole | uncached),
        _Choice(how="head first", keys=thawing | uncached, thaw_share=THAW_SHARE),
        *(
            _Choice(how=f"rate x {rate:.2g}", keys={"optim": {"lr": float(f"{rate * lr:.2g}")}})
            for rate in RATES
        ),
    ]
