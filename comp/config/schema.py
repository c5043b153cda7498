"""The configuration of a run: defaults < plugin < TOML file < `--set key=value`.

A frozen pydantic model. Every field's description is one line for a person to read. All faults of a
configuration are reported together, and an unknown key comes with the nearest known one.
"""

from __future__ import annotations

import difflib
import re
import reprlib
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    SerializeAsAny,
    ValidationError,
    model_validator,
)

from comp.config.sections import (
    AugmentConfig,
    Every,
    ImageConfig,
    LoaderConfig,
    LossConfig,
    NoOptions,
    OptimConfig,
    PredictConfig,
    Seconds,
    Section,
    ThawConfig,
)
from comp.errors import ConfigError

Scheme = Literal["auto", "plain", "stratified", "grouped", "stratified-grouped"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]
DEEPEST = 10
"""Levels of a key, and of the arguments of a backbone."""
SHORT = reprlib.Repr()
"""How a message shows a value."""
SHORT.maxstring = SHORT.maxother = 200


def _none_is_none(value: object) -> object:
    """`--set freeze=none` is read as no value."""
    return "none" if value is None else value


def _check_freeze(value: int | str) -> int | str:
    if value in ("none", "all") or (isinstance(value, int) and value >= 0):
        return value
    raise ValueError("write none, all, or a number of stages")


Freeze = Annotated[int | str, BeforeValidator(_none_is_none), AfterValidator(_check_freeze)]


def _check_depth(value: dict[str, Any]) -> dict[str, Any]:
    level: list[Any] = [value]
    for _ in range(DEEPEST):
        groups = [g for g in level if isinstance(g, dict | list)]
        level = [v for g in groups for v in (g.values() if isinstance(g, dict) else g)]
    if any(isinstance(v, dict | list) for v in level):
        raise ValueError(f"write no more than {DEEPEST} levels within each other")
    return value


Arguments = Annotated[dict[str, Any], AfterValidator(_check_depth)]


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
    checkpoint_every: Every | None = Field(
        "60s", description="steps (100) or time (60s) from one save of a fold's state to the next"
    )
    device: str = Field("auto", description="auto, cpu, cuda, cuda:1, mps")
    precision: Precision = Field("auto", description="bf16 or fp16 on a GPU, fp32 on the CPU")
    backbone: str = Field("", description="timm backbone, or the competition's own small network")
    pretrained: bool = Field(False, description="start from the backbone's pretrained weights")
    weights: Path | None = Field(
        None, strict=False, description="local file of pretrained backbone weights"
    )
    backbone_args: Arguments = Field(
        {}, description="further arguments of timm.create_model, such as {pad_type='same'}"
    )
    dropout: float = Field(0.0, ge=0, lt=1, description="dropout before the head of a classifier")
    drop_path: float = Field(0.0, ge=0, lt=1, description="stochastic depth of the backbone")
    freeze: Freeze = Field(
        "none",
        description="stages of the backbone that keep their weights: none, all, or how many from "
        "the input",
    )
    channels_last: bool = Field(True, description="memory layout that convolutions like")
    compile: bool = Field(False, description="torch.compile the model (needs a C++ compiler)")
    image: ImageConfig = ImageConfig()
    augment: AugmentConfig = AugmentConfig()
    thaw: ThawConfig = ThawConfig()
    loss: LossConfig = LossConfig()
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
        if self.thaw.how != "never" and self.freeze in ("none", 0):
            raise ValueError(f"thaw.how = {self.thaw.how} has nothing to thaw: set freeze too")
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
    return f"{key} = {SHORT.repr(detail['input'])}: {message[0].lower()}{message[1:]}"


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
    except (ValueError, RecursionError) as error:
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
    form = re.compile(rf"[A-Za-z_]\w*(\.\w*){{0,{DEEPEST}}}=")
    bad = [a for a in assignments if not form.match(a)]
    if bad:
        raise ConfigError(f"--set wants key=value, found {', '.join(map(SHORT.repr, bad))}")
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
        found = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return found["value"] if len(found) == 1 else text
