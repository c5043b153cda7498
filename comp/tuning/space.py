"""The space of a study: the keys that are tuned, from a TOML file, checked before anything runs.

[optim.lr]
low = 1e-4
high = 1e-2
log = true

[augment]
preset = ["none", "light", "medium"]
"""

from __future__ import annotations

import math
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from comp.config.explain import format_value
from comp.config.nesting import merge, nested
from comp.config.schema import RunConfig, keys, rename_keys, resolve, similar_keys, value_at
from comp.config.section import Section
from comp.errors import ConfigError
from comp.tuning.parameter import Parameter

WORDS = ("low", "high", "log", "step", "choices")
"""What a space file says of a key."""
_DATA = "it changes the data or the folds, and all trials of a study have the same"
_LENGTH = "it sets the length of the training, and all trials of a study have the same"
_NO_SCORE = "it changes no out-of-fold score"
FIXED: Mapping[str, str] = {
    **dict.fromkeys(("competition", "folds", "scheme", "domain", "seed", "fold_seed"), _DATA),
    **dict.fromkeys(("folds_csv", "external", "external_folds", "drop"), _DATA),
    **dict.fromkeys(("validation", "validation_groups", "image.range"), _DATA),
    **dict.fromkeys(("epochs", "max_steps", "budget", "validations", "loader.repeats"), _LENGTH),
    "seeds": "a trial trains one seed",
    **dict.fromkeys(("full", "device", "checkpoint_every"), _NO_SCORE),
    **dict.fromkeys(("image.cache", "image.cache_gb"), _NO_SCORE),
    **dict.fromkeys(("loader.workers", "gbdt.threads"), _NO_SCORE),
    **dict.fromkeys(("predict.adapt", "predict.adapt_weight", "predict.shares"), _NO_SCORE),
}
"""Key: why no study tunes it."""
FIXED_SECTIONS = {"pseudo": _DATA}
AUTO = ("optim.lr", "loader.batch_size")
"""Keys that a run can find by itself, which a trial does not."""
Layers = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Space:
    """The keys that a study tunes."""

    parameters: tuple[Parameter, ...]

    def record(self) -> dict[str, Any]:
        """The space by dotted key, in the words of a space file."""
        return {parameter.key: parameter.record() for parameter in self.parameters}

    def count(self, config: RunConfig) -> float:
        """How many different trials there are, with that of a configuration; may be infinite."""
        sizes = [len(parameter.values()) for parameter in self.parameters]
        return math.prod(sizes) + bool(self.outside(config)) if all(sizes) else math.inf

    def layer(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """The nested configuration keys of a trial, from the values that the study stores."""
        result: dict[str, Any] = {}
        for parameter in self.parameters:
            if parameter.key in stored:
                value = parameter.value(stored[parameter.key])
                result = merge(result, nested(parameter.key, value))
        return result

    def outside(self, config: RunConfig) -> list[str]:
        """The keys whose value in a configuration the space does not contain."""
        values = config.model_dump(mode="json")
        return [p.key for p in self.parameters if p.stored(value_at(values, p.key)) is None]

    def stored(self, config: RunConfig) -> dict[str, Any]:
        """The values of a configuration as the study stores them."""
        values = config.model_dump(mode="json")
        return {p.key: p.stored(value_at(values, p.key)) for p in self.parameters}


def make_space(
    raw: Mapping[str, Any],
    competition: str,
    layers: Layers,
    options: type[Section],
    source: str = "the space",
) -> Space:
    """Check a space.

    Args:
        raw: nested keys; the value of a key is a list of choices or has the words of `WORDS`.
        layers: the configuration of the default trial, which is valid.
        options: of the competition.
        source: the name of the file, for messages.

    Raises:
        ConfigError: naming every fault: unknown keys, keys that no study tunes, wrong words or
            types, a low that is not below its high, and values that the configuration refuses.
    """
    given = dict(_entries(rename_keys(raw)[0]))
    checker = _Checker(competition, layers, options)
    made, faults = [], []
    for key, entry in given.items():
        try:
            made.append(checker.parameter(key, entry))
        except ConfigError as error:
            faults.append(f"{key}: {error}")
    if not given:
        faults = ["it names no key: write [optim.lr] with low and high"]
    if faults:
        count = f"{len(faults)} fault{'s' * (len(faults) > 1)} in {source}"
        raise ConfigError(f"{count}: " + "; ".join(faults))
    return Space(tuple(made))


def _entries(raw: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted key, what the file says of it)."""
    for name, value in raw.items():
        key = f"{prefix}{name}"
        is_section = isinstance(value, Mapping) and not set(WORDS) & set(value)
        if is_section and value and all(isinstance(v, Mapping | list) for v in value.values()):
            yield from _entries(value, f"{key}.")
        else:
            yield key, value


class _Checker:
    """Checks one key after another against the configuration."""

    def __init__(self, competition: str, layers: Layers, options: type[Section]) -> None:
        self.competition, self.layers, self.options = competition, layers, options
        self.known = [*keys(RunConfig), *(f"options.{key}" for key in keys(options))]

    def parameter(self, key: str, entry: Any) -> Parameter:
        """The parameter of a key.

        Raises:
            ConfigError: the fault, without the key.
        """
        if key not in self.known:
            similar = " or ".join(f"'{name}'" for name in similar_keys(key, self.known))
            raise ConfigError("unknown key" + (f" (did you mean {similar}?)" if similar else ""))
        kind = _annotation(key, self.options)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            raise ConfigError("it is a section: name one of its keys")
        reason = FIXED.get(key) or FIXED_SECTIONS.get(key.partition(".")[0])
        if reason:
            raise ConfigError(f"{reason}: leave it out")
        if isinstance(entry, list):
            entry = {"choices": entry}
        if not isinstance(entry, Mapping):
            raise ConfigError(f"{entry!r:.60} is neither a range nor choices: {_EXAMPLE}")
        other = [word for word in entry if word not in WORDS]
        if other:
            raise ConfigError(f"'{other[0]}' is not one of {', '.join(WORDS)}: {_EXAMPLE}")
        if "choices" in entry:
            return self._choices(key, entry)
        return self._range(key, entry, kind)

    def _choices(self, key: str, entry: Mapping[str, Any]) -> Parameter:
        choices = entry["choices"]
        if len(entry) > 1:
            raise ConfigError("it has choices and a range: give one of them")
        if not isinstance(choices, list) or len(choices) < 2:
            raise ConfigError(f"choices = {choices!r:.60}: give a list of two or more values")
        values = tuple(self._accepted(key, choice) for choice in choices)
        labels = [format_value(value) for value in values]
        twice = [label for label in labels if labels.count(label) > 1]
        if twice:
            raise ConfigError(f"the choice {twice[0]} is given twice: leave one out")
        return Parameter(key=key, kind="choice", choices=values)

    def _range(self, key: str, entry: Mapping[str, Any], kind: Any) -> Parameter:
        numbers = _numbers(kind)
        if not numbers:
            raise ConfigError("its values are not numbers: give choices = [...]")
        missing = [word for word in ("low", "high") if word not in entry]
        if missing:
            raise ConfigError(f"{missing[0]} is missing: {_EXAMPLE}")
        low, high, log, step = (entry.get(word) for word in ("low", "high", "log", "step"))
        whole = float not in numbers
        for word, value in (("low", low), ("high", high), ("step", step)):
            if value is not None or word != "step":
                _check_number(word, value, whole)
        if log not in (None, True, False):
            raise ConfigError(f"log = {log!r:.60}: write true or false")
        low, high = (self._accepted(key, value) for value in (low, high))
        if not low < high:
            raise ConfigError(f"low = {low} is not below high = {high}: exchange them")
        if log and (low <= 0 or step is not None):
            why = "step" if step is not None else f"low = {low}"
            raise ConfigError(f"log = true does not go with {why}: leave out one of them")
        if step is not None and not 0 < step <= high - low:
            raise ConfigError(f"step = {step} is not above 0 and up to {high - low}: change it")
        name: Any = "whole" if whole else "number"
        low, high = float(low), float(high)
        return Parameter(key=key, kind=name, low=low, high=high, log=bool(log), step=step)

    def _accepted(self, key: str, value: Any) -> Any:
        """The value that the configuration makes of a value.

        Raises:
            ConfigError: it refuses it.
        """
        if key in AUTO and value == "auto":
            raise ConfigError("auto is found before the study: give numbers")
        layers = [*self.layers, nested(key, value)]
        try:
            config = resolve(self.competition, layers, self.options)
        except ConfigError as error:
            if value == "none":  # TOML has no null
                return self._accepted(key, None)
            message = str(error).partition(": ")[2] or str(error)
            raise ConfigError(message.removeprefix(f"{key} = ")) from None
        return value_at(config.model_dump(mode="json"), key)


_EXAMPLE = "write {low = 1, high = 9}, or a list of choices"


def _check_number(word: str, value: Any, whole: bool) -> None:
    wanted = (int,) if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, wanted):
        kind = "a whole number" if whole else "a number"
        raise ConfigError(f"{word} = {value!r:.60}: give {kind}")


def _annotation(key: str, options: type[BaseModel]) -> Any:
    """The type of a key."""
    model: Any = RunConfig
    for name in key.split("."):
        kind = options if model is RunConfig and name == "options" else None
        model = kind or model.model_fields[name].annotation
    return model


def _numbers(kind: Any) -> set[type]:
    """The types of numbers that a type contains: int, float, both or none."""
    parts = typing.get_args(kind)
    if typing.get_origin(kind) in (list, dict, tuple, typing.Literal):
        return set()
    if not parts:
        return {kind} & {int, float}
    return set().union(*(_numbers(part) for part in parts))
