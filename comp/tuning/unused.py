"""Refuses keys of a space that do nothing."""

from __future__ import annotations

from collections.abc import Iterator

from comp.config.nesting import nested
from comp.config.schema import RunConfig, resolve
from comp.contract.competition import Competition
from comp.errors import CompError, ConfigError
from comp.pipeline.effective import effects
from comp.tuning.space import Space


def used_space(competition: Competition, config: RunConfig, space: Space, given: bool) -> Space:
    """The space without keys that do nothing, with the configuration and with each choice of the
    other keys of the space, such as `loss.gamma` without `loss.name = focal`.

    Args:
        given: whether a user gives the space, in which such a key is a mistake.

    Raises:
        ConfigError: naming each key that does nothing, with the reason.
    """
    keys = {parameter.key for parameter in space.parameters}
    unused = _unused(competition, config, keys)
    for other in _with_choices(competition, config, space) if unused else ():
        still = _unused(competition, other, set(unused))
        unused = {key: reason for key, reason in unused.items() if key in still}
        if not unused:
            break
    if unused and (given or unused.keys() == keys):
        named = "; ".join(f"{key}: it does nothing: {why}" for key, why in unused.items())
        raise ConfigError(f"the space tunes keys without an effect: {named}: leave them out")
    return Space(tuple(p for p in space.parameters if p.key not in unused))


def _unused(competition: Competition, config: RunConfig, keys: set[str]) -> dict[str, str]:
    found = effects(competition, config)
    return {key: effect.unused for key, effect in found.items() if key in keys and effect.unused}


def _with_choices(competition: Competition, config: RunConfig, space: Space) -> Iterator[RunConfig]:
    """The configuration with each choice of each key, one at a time."""
    values = config.model_dump(mode="json")
    del values["competition"]
    for parameter in space.parameters:
        for choice in parameter.choices:
            try:
                layers = [values, nested(parameter.key, choice)]
                yield resolve(competition.name, layers, competition.options)
            except CompError:
                continue
