"""The configuration of a run: defaults < plugin < TOML file < `--set key=value`.

`RunConfig` is a frozen pydantic model. The description of every field is one line of help. All
faults of a configuration are reported together; an unknown key comes with the nearest known keys.
"""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, Field, SerializeAsAny, ValidationError, model_validator

from comp.config.augment import AugmentConfig, preset_layer
from comp.config.average import AverageConfig
from comp.config.column_networks import MlpConfig, TabmConfig
from comp.config.columns import ColumnsConfig
from comp.config.estimators import GbdtConfig, KnnConfig, LinearConfig
from comp.config.features import FeaturesConfig
from comp.config.head import HeadConfig
from comp.config.key_types import AbsolutePath, Arguments, Freeze, Full, Paths
from comp.config.model import Models
from comp.config.nearest import choice_message
from comp.config.nesting import merge, nested
from comp.config.prediction import PredictConfig
from comp.config.pseudo import PseudoConfig
from comp.config.report import ReportConfig
from comp.config.section import NoOptions, Section
from comp.config.sections import (
    Every,
    ImageConfig,
    LoaderConfig,
    LossConfig,
    OptimConfig,
    Seconds,
    ThawConfig,
)
from comp.config.shifted import Domain, ExternalFolds, Validation, ValidationGroups
from comp.config.track import TrackConfig
from comp.errors import ConfigError

Scheme = Literal[
    "auto", "plain", "stratified", "grouped", "stratified-grouped", "quantiles", "time", "domain"
]
Precision = Literal["auto", "fp32", "bf16", "fp16"]
RENAMED = {"optim.wait": "optim.plateau_patience"}
"""Old name of a key: its present name. Every layer of a configuration may use either."""
SUGGESTIONS = 3
"""Known keys that the message about an unknown key may name."""
SHORT = reprlib.Repr()
"""How a message shows a value."""
SHORT.maxstring = SHORT.maxother = 200


class RunConfig(Section):
    """Everything that decides what a run computes."""

    competition: str = Field(description="name of the competition")
    folds: int = Field(5, ge=2, description="number of folds of the cross-validation")
    scheme: Scheme = Field("auto", description="how folds are made; time: train on earlier samples")
    domain: Domain = "appearance"
    seed: int = Field(
        0, ge=0, lt=2**32, description="random seed of folds, weights and augmentation"
    )
    seeds: int = Field(
        1, ge=1, le=100, description="trainings of each fold with other seeds, which are averaged"
    )
    full: Full = Field(
        False, description="also train a model on all samples; it counts as one fold, or this many"
    )
    fold_seed: int | None = Field(
        None, ge=0, lt=2**32, description="random seed of the folds (instead of seed)"
    )
    folds_csv: AbsolutePath | None = Field(
        None,
        description="CSV file with the columns id and fold (instead of new folds), such as the "
        "folds.csv of a run",
    )
    external: Paths = Field(
        [],
        description="folders or zips in the layout of the competition, whose training samples "
        "train in every fold and are never scored",
    )
    external_folds: ExternalFolds = False
    validation: Validation = None
    validation_groups: ValidationGroups = "shared"
    drop: AbsolutePath | None = Field(
        None,
        description="CSV file with the column id, or a text file of ids: these samples do not "
        "train, and are scored like the others",
    )
    model: Models = Field(
        ["network"],
        description="what learns, several are blended: network (of images); mlp, tabm (networks of "
        "columns); gbdt, lightgbm, xgboost, catboost, linear, knn",
    )
    epochs: int = Field(10, ge=1, description="passes over the training samples of each fold")
    max_steps: int | None = Field(
        None, ge=1, description="optimizer steps per fold (instead of epochs)"
    )
    budget: Seconds | None = Field(
        None, description="wall-clock time of the whole command (instead of epochs)"
    )
    validations: int = Field(5, ge=1, description="validations per fold during training")
    patience: int | None = Field(
        None,
        ge=1,
        description="early stopping: stop after this many validations without a better score",
    )
    checkpoint_every: Every | None = Field(
        "60s",
        description="steps (100) or time (60s; longer if saving takes over 2 % of it) between two "
        "saved checkpoints",
    )
    device: str = Field("auto", description="auto, cpu, cuda, cuda:1 or mps")
    precision: Precision = Field(
        "auto", description="auto is bf16 or fp16 on a GPU, fp32 on the CPU"
    )
    backbone: str = Field(
        "", description="timm backbone, or a small network that the competition defines"
    )
    pretrained: bool = Field(False, description="start from the pretrained weights of the backbone")
    weights: Path | None = Field(
        None, strict=False, description="local file of pretrained backbone weights"
    )
    backbone_args: Arguments = Field(
        {}, description="more arguments of timm.create_model, such as {pad_type='same'}"
    )
    dropout: float = Field(
        0.0, ge=0, lt=1, description="dropout rate before the head of a classifier"
    )
    drop_path: float = Field(0.0, ge=0, lt=1, description="stochastic depth rate of the backbone")
    freeze: Freeze = Field(
        "none",
        description="stages of the backbone that do not train: none, all, their number counted "
        "from the input, or -2 for all but the last two",
    )
    channels_last: bool = Field(
        True, description="channels-last memory layout, which speeds up convolutions"
    )
    compile: bool = Field(
        False, description="run torch.compile on the model (needs a C++ compiler)"
    )
    image: ImageConfig = Field(default_factory=ImageConfig)
    augment: AugmentConfig = Field(default_factory=AugmentConfig)
    head: HeadConfig = Field(default_factory=HeadConfig)
    thaw: ThawConfig = Field(default_factory=ThawConfig)
    features: FeaturesConfig = Field(default_factory=FeaturesConfig)
    loss: LossConfig = Field(default_factory=LossConfig)
    optim: OptimConfig = Field(default_factory=OptimConfig)
    average: AverageConfig = Field(default_factory=AverageConfig)
    loader: LoaderConfig = Field(default_factory=LoaderConfig)
    predict: PredictConfig = Field(default_factory=PredictConfig)
    pseudo: PseudoConfig = Field(default_factory=PseudoConfig)
    columns: ColumnsConfig = Field(default_factory=ColumnsConfig)
    gbdt: GbdtConfig = Field(default_factory=GbdtConfig)
    linear: LinearConfig = Field(default_factory=LinearConfig)
    knn: KnnConfig = Field(default_factory=KnnConfig)
    mlp: MlpConfig = Field(default_factory=MlpConfig)
    tabm: TabmConfig = Field(default_factory=TabmConfig)
    report: ReportConfig = Field(default_factory=ReportConfig)
    track: TrackConfig = Field(default_factory=TrackConfig)
    options: SerializeAsAny[Section] = Field(
        default_factory=NoOptions, description="options that only this competition has"
    )

    @model_validator(mode="after")
    def _check_combinations(self) -> Self:
        if self.budget is not None and self.max_steps is not None:
            raise ValueError("budget and max_steps both set the length of training: give only one")
        if self.thaw.how != "never" and self.freeze in ("none", 0):
            raise ValueError(
                f"thaw.how = {self.thaw.how} has no frozen stages to thaw: set freeze too"
            )
        return self


def resolve(
    competition: str,
    layers: Iterable[Mapping[str, Any]],
    options: type[Section] = NoOptions,
) -> RunConfig:
    """Merge `layers` (a later one wins) over the defaults and validate the result.

    Keys of `RENAMED` may have their old names in any layer.

    Raises:
        ConfigError: naming every unknown key, wrong type and bad value at once.
    """
    merged: dict[str, Any] = {}
    renamed = [rename_keys(layer)[0] for layer in layers]
    position, preset = preset_layer(renamed)
    for layer in [*renamed[:position], preset, *renamed[position:]]:
        merged = merge(merged, layer)
    merged.pop("competition", None)
    option_values = merged.pop("options", {})
    known = [*keys(RunConfig), *(f"options.{key}" for key in keys(options))]
    faults: list[str] = []
    config: RunConfig = _validate(
        RunConfig, merged | {"competition": competition}, "", known, faults
    )
    validated = _validate(options, option_values, "options.", known, faults)
    if faults:
        raise ConfigError(
            f"{len(faults)} fault{'s' * (len(faults) > 1)} in the configuration: "
            + "; ".join(faults)
        )
    return config.model_copy(update={"options": validated})


def _validate(
    model: type[Section], values: object, prefix: str, known: Sequence[str], faults: list[str]
) -> Any:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        faults += [_fault(dict(detail), prefix, known) for detail in error.errors()]
        return None


def _fault(detail: Mapping[str, Any], prefix: str, known: Sequence[str]) -> str:
    """One validation error as a phrase."""
    path = [str(part) for part in detail["loc"]]
    key = (prefix + ".".join(path)).rstrip(".")
    if detail["type"] == "extra_forbidden":
        similar = " or ".join(f"'{name}'" for name in similar_keys(key, known))
        return f"unknown key '{key}'" + (f" (did you mean {similar}?)" if similar else "")
    message = choice_message(detail) or str(detail["msg"]).removeprefix("Value error, ")
    if detail["type"] == "bool_type":
        message = "write true or false"
    if not key:
        return message
    return f"{key} = {SHORT.repr(detail['input'])}: {message[0].lower()}{message[1:]}"


def similar_keys(key: str, known: Sequence[str]) -> list[str]:
    """Known keys whose last part is that of `key`, else the nearest by spelling, if one is near; in
    a known section the nearest of its keys."""
    section, _, last = key.rpartition(".")
    present = {name: name for name in known} | RENAMED
    same = [new for name, new in present.items() if name.rpartition(".")[2] == last]
    inside = {n.rpartition(".")[2]: n for n in known if n.startswith(f"{section}.")}
    names, typed = (inside, last) if inside else ({name: name for name in known}, key)
    near = [names[name] for name in difflib.get_close_matches(typed, names, n=1, cutoff=0.7)]
    return list(dict.fromkeys(same))[:SUGGESTIONS] or near


def rename_keys(layer: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return `layer` with the present names of its keys, and the old names that it uses.

    Raises:
        ConfigError: when the layer gives the same key by both names.
    """
    renamed, found = dict(layer), []
    for old, new in RENAMED.items():
        if not gives(renamed, old):
            continue
        if gives(renamed, new):
            raise ConfigError(f"{old} is now called {new}: give only {new}")
        renamed = merge(_without(renamed, old), nested(new, value_at(renamed, old)))
        found.append(old)
    return renamed, found


def gives(layer: Mapping[str, Any], key: str) -> bool:
    """Whether a layer has a value for the dotted `key`, None included."""
    try:
        value_at(layer, key)
    except (KeyError, TypeError):
        return False
    return True


def value_at(layer: Mapping[str, Any], key: str) -> Any:
    """The value that a layer has for the dotted `key`."""
    values: Any = layer
    for name in key.split("."):
        values = values[name]
    return values


def _without(layer: Mapping[str, Any], key: str) -> dict[str, Any]:
    name, _, rest = key.partition(".")
    if rest:
        return {**layer, name: _without(layer[name], rest)}
    return {other: value for other, value in layer.items() if other != name}


def keys(model: type[BaseModel]) -> list[str]:
    """Return every key of a configuration, nested ones with dots."""
    found = []
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Section) and kind.model_fields:
            found += [f"{name}.{key}" for key in keys(kind)]
        found.append(name)
    return found
