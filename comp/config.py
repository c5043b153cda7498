"""The configuration of a run: defaults < plugin < TOML file < `--set key=value`.

A frozen pydantic model. Every field's description is one line for a person to read. All faults of a
configuration are reported together, and an unknown key comes with the nearest known one.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializeAsAny,
    ValidationError,
    model_validator,
)

from comp.errors import ConfigError

Scheme = Literal["auto", "plain", "stratified", "grouped", "stratified-grouped"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]
_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}


def parse_duration(value: object) -> object:
    """Turn `90`, `90s`, `30m` or `1h30m` into seconds; leave anything else to the validator."""
    if not isinstance(value, str):
        return value
    text = value.strip().lower()
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    if not re.fullmatch(r"(\d+(\.\d+)?\s*[dhms]\s*)+", text):
        raise ValueError("write a duration such as 90s, 30m or 1h30m")
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*([dhms])", text)
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


Seconds = Annotated[float, BeforeValidator(parse_duration), Field(gt=0)]


class Section(BaseModel):
    """A part of the configuration: frozen, strict about types, closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class OptimConfig(Section):
    """How weights move."""

    name: str = Field("adamw", description="optimizer, any name of timm's optimizer factory")
    lr: float = Field(1e-3, gt=0, description="peak learning rate")
    weight_decay: float = Field(0.01, ge=0, description="weight decay (not on norms and biases)")
    schedule: Literal["cosine", "constant"] = Field(
        "cosine", description="learning rate after the warm-up"
    )
    warmup: float = Field(0.05, ge=0, lt=1, description="share of the steps that warm up")
    min_lr: float = Field(0.0, ge=0, description="learning rate at the end of the schedule")
    betas: list[float] | None = Field(
        None, min_length=2, max_length=3, description="decays of the moments of Adam and its kin"
    )
    clip_norm: float | None = Field(None, gt=0, description="largest norm of the gradient")
    accumulate: int = Field(1, ge=1, description="batches that make one optimizer step")
    ema: float | None = Field(
        None, gt=0, lt=1, description="decay of the moving average of the weights"
    )


class LoaderConfig(Section):
    """How samples become batches."""

    batch_size: int = Field(32, ge=1, description="samples in a training batch")
    repeats: int = Field(1, ge=1, description="draws of each sample in one epoch")
    workers: int | None = Field(
        None,
        ge=0,
        description="processes that load and augment data; unset: none beside the CPU, up to 8 "
        "beside a GPU",
    )
    augment: bool = Field(True, description="random augmentation of training samples")


class PredictConfig(Section):
    """How predictions are made."""

    tta: Annotated[Literal["none", "hflip", "flips"], BeforeValidator(lambda v: v or "none")] = (
        Field("none", description="test-time augmentation: average over flipped copies")
    )
    batch_size: int = Field(32, ge=1, description="samples in a prediction batch")
    tile: int = Field(
        1024, ge=64, description="larger pages are predicted in tiles of this many pixels a side"
    )
    overlap: int = Field(64, ge=0, description="pixels that neighbouring tiles share")


class NoOptions(Section):
    """The options of a competition that has none of its own."""


class RunConfig(Section):
    """Everything that decides what a run computes."""

    competition: str = Field(description="name of the competition")
    folds: int = Field(5, ge=2, description="number of folds of the cross-validation")
    scheme: Scheme = Field("auto", description="how samples are dealt to folds")
    seed: int = Field(0, ge=0, lt=2**32, description="seed of folds, weights and augmentation")
    epochs: int = Field(10, ge=1, description="passes over the training samples of a fold")
    max_steps: int | None = Field(
        None, ge=1, description="optimizer steps a fold (instead of epochs)"
    )
    budget: Seconds | None = Field(
        None, description="wall-clock time of the whole command (instead of epochs)"
    )
    validations: int = Field(5, ge=1, description="times that a fold is scored while it trains")
    patience: int | None = Field(
        None, ge=1, description="early stopping: validations without a better score"
    )
    device: str = Field("auto", description="auto, cpu, cuda, cuda:1, mps")
    precision: Precision = Field("auto", description="bf16 or fp16 on a GPU, fp32 on the CPU")
    backbone: str = Field("", description="timm backbone, or the competition's own small network")
    pretrained: bool = Field(False, description="start from the backbone's pretrained weights")
    weights: Path | None = Field(
        None, strict=False, description="local file of pretrained backbone weights"
    )
    channels_last: bool = Field(True, description="memory layout that convolutions like")
    compile: bool = Field(False, description="torch.compile the model (needs a C++ compiler)")
    optim: OptimConfig = OptimConfig()
    loader: LoaderConfig = LoaderConfig()
    predict: PredictConfig = PredictConfig()
    options: SerializeAsAny[Section] = Field(
        NoOptions(), description="what this competition alone needs"
    )

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if self.budget is not None and self.max_steps is not None:
            raise ValueError("budget and max_steps both fix the length of training: give one")
        return self


def resolve(
    competition: str,
    layers: Iterable[Mapping[str, Any]],
    options: type[Section] = NoOptions,
) -> RunConfig:
    """Merge `layers` (the later wins) over the defaults and validate the result.

    Raises:
        ConfigError: naming every unknown key, wrong type and bad value at once.
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        merged = merge(merged, layer)
    merged.pop("competition", None)
    own = merged.pop("options", {})
    faults: list[str] = []
    config: RunConfig = _validate(RunConfig, merged | {"competition": competition}, "", faults)
    extras = _validate(options, own, "options.", faults)
    if faults:
        raise ConfigError(
            f"{len(faults)} fault{'s' * (len(faults) > 1)} in the configuration: "
            + "; ".join(faults)
        )
    return config.model_copy(update={"options": extras})


def _validate(model: type[Section], values: object, prefix: str, faults: list[str]) -> Any:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        faults += [_fault(model, prefix, dict(detail)) for detail in error.errors()]
        return None


def _fault(model: type[BaseModel], prefix: str, detail: dict[str, Any]) -> str:
    """Say one validation error in plain words."""
    path = [str(part) for part in detail["loc"]]
    key = (prefix + ".".join(path)).rstrip(".")
    if detail["type"] == "extra_forbidden":
        near = difflib.get_close_matches(key, [prefix + k for k in keys(model)], n=1)
        return f"unknown key '{key}'" + (f" (did you mean '{near[0]}'?)" if near else "")
    message = detail["msg"].removeprefix("Value error, ")
    if not key:
        return str(message)
    return f"{key} = {detail['input']!r}: {message[0].lower()}{message[1:]}"


def keys(model: type[BaseModel]) -> list[str]:
    """Return every key of a configuration, nested ones with dots."""
    found = []
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Section) and kind.model_fields:
            found += [f"{name}.{key}" for key in keys(kind)]
        found.append(name)
    return found


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with `over` laid on it, section by section; neither is changed."""
    result = dict(base)
    for key, value in over.items():
        old = result.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            value = merge(old, value)
        result[key] = value
    return result


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file of configuration keys.

    Raises:
        ConfigError: when there is no such file or it is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read the config file {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not a TOML file: {error}") from None


def parse_sets(assignments: Iterable[str]) -> dict[str, Any]:
    """Turn `["optim.lr=1e-3", "backbone=resnet34"]` into a nested dictionary.

    A value is read as TOML (`3`, `true`, `[1, 2]`, `"text"`); `none` means no value; anything else
    is taken as text.

    Raises:
        ConfigError: naming every assignment without a key or an equals sign.
    """
    result: dict[str, Any] = {}
    assignments = list(assignments)
    bad = [a for a in assignments if not re.match(r"^[A-Za-z_][\w.]*=", a)]
    if bad:
        raise ConfigError(f"--set wants key=value, found {', '.join(map(repr, bad))}")
    for assignment in assignments:
        key, _, text = assignment.partition("=")
        *sections, name = key.split(".")
        nested: dict[str, Any] = {name: _parse_value(text)}
        for section in reversed(sections):
            nested = {section: nested}
        result = merge(result, nested)
    return result


def _parse_value(text: str) -> Any:
    if text.strip().lower() in {"none", "null"}:
        return None
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
