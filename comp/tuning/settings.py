"""What a study is: what all of its trials have in common, and what its study.json records."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from comp.config.explain import format_value
from comp.config.schema import RunConfig, resolve
from comp.config.schema import keys as all_keys
from comp.contract import registry
from comp.contract.competition import Competition
from comp.contract.metric import Metric
from comp.data.location import DataSource
from comp.errors import RunError
from comp.pipeline.request import RunRequest
from comp.runs.folder import environment
from comp.tuning.folder import StudyFolder
from comp.tuning.space import Space

FREE = ("device", "budget", "checkpoint_every")
"""Keys that may differ between the processes of a study."""
CHANGED = {
    "data": "its data has changed",
    "plugin": "the code of its competition has changed",
    "files": "a file that its configuration names has changed",
    "fold_hash": "its folds are others",
}
"""What is no setting of a study, in words."""
FREE_IN_SECTIONS = {"loader": ("workers",), "gbdt": ("threads",)}


OF_TRIALS: Mapping[str, Any] = {
    "seeds": 1,
    "full": False,
    "budget": None,
    "predict": {"adapt": "none", "shares": "none"},
}
"""What every trial has: one seed, and nothing that only the predictions of the test need."""


@dataclass(frozen=True, kw_only=True)
class TuneOptions:
    """What a user asks of a study, beside the configuration and the data.

    `space` is a TOML file, nested keys, or None for the space of the task. `budget` are the seconds
    of the command. `study` is the name of the study; None: one that follows from its settings.
    """

    space: Path | Mapping[str, Any] | None = None
    trials: int = 20
    budget: float | None = None
    study: str | None = None
    sampler: str = "tpe"
    pruner: str = "asha"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What all trials of a study have in common."""

    competition: Competition
    request: RunRequest
    config: RunConfig
    """Of the default trial: one seed, without a budget."""
    layers: Sequence[Mapping[str, Any]]
    """The layers of `config`, over which a trial has its own values."""
    space: Space
    source: DataSource
    folds: Sequence[int]
    fold_hash: str
    fingerprint: str
    options: TuneOptions
    files: Mapping[str, Any] = field(default_factory=dict)
    """SHA-256 of files that the configuration names: of the weights, and of what does not train."""
    targets: str = ""
    """What `comp.tuning.targets.target_hash` returns of the default; "" if no trial changes it."""

    @property
    def metric(self) -> Metric:
        """The metric of the competition."""
        return self.competition.metric

    def with_values(self, layer: Mapping[str, Any]) -> RunConfig:
        """The configuration of a trial.

        Args:
            layer: the nested keys of its values.

        Raises:
            ConfigError: its values do not go together.
        """
        name, options = self.competition.name, self.competition.options
        return resolve(name, [*self.layers, layer, OF_TRIALS], options)

    def identity(self) -> dict[str, Any]:
        """What makes this study another one than others, as plain JSON."""
        config = self.config.model_dump(mode="json")
        config = {key: value for key, value in config.items() if key not in FREE}
        for section, names in FREE_IN_SECTIONS.items():
            config[section] = {k: v for k, v in config[section].items() if k not in names}
        found = {
            "competition": self.competition.name,
            "metric": self.metric.name,
            "space": self.space.record(),
            "configuration": config,
            "folds": list(self.folds),
            "fold_hash": self.fold_hash,
            "data": self.fingerprint,
            "plugin": registry.source_hash(self.competition.name),
            "files": self.files,
            "sampler": self.options.sampler,
            "pruner": self.options.pruner,
        }
        return dict(json.loads(json.dumps(found, default=str)))

    def name(self) -> str:
        """The name of the study, if the user gives none: equal settings have equal names."""
        text = json.dumps(self.identity(), sort_keys=True)
        return f"study-{hashlib.sha256(text.encode()).hexdigest()[:8]}"

    def record(self, steps: int | None) -> dict[str, Any]:
        """What study.json contains."""
        request = self.request
        return {
            "study": self.options.study or self.name(),
            "competition": self.competition.name,
            "identity": self.identity(),
            "steps": steps,
            "trials": self.options.trials,
            "environment": environment(),
            "request": {
                "keys": json.loads(json.dumps(request.keys, default=str)),
                "data": str(request.data.absolute()) if request.data else None,
                "synthetic": request.synthetic,
                "folds": list(request.folds),
                "skip_bad": request.skip_bad,
            },
        }


def check_same(folder: StudyFolder, settings: Settings) -> dict[str, Any]:
    """The study.json of a study, if its trials are those of these settings.

    Raises:
        RunError: they would have another space, configuration, data or folds.
    """
    record = folder.record()
    recorded, present = record.get("identity", {}), settings.identity()
    for key in {"plugin", "files"} - set(recorded):  # of an earlier version
        present.pop(key)
    different = [key for key, value in present.items() if recorded.get(key) != value]
    if different:
        what = _difference(different[0], recorded.get(different[0]), present[different[0]])
        other = (
            "restore it"
            if different[0] in CHANGED
            else f"continue it with 'comp tune {settings.competition.name} --study {folder.name} "
            "--resume'"
        )
        raise RunError(
            f"study {folder.name} is another one: {what}; give another name with --study, or "
            f"{other}"
        )
    return record


def _difference(key: str, recorded: Any, present: Any) -> str:
    """In words, what differs first."""
    if key in CHANGED:
        return CHANGED[key]
    if not isinstance(present, Mapping) or not isinstance(recorded, Mapping):
        return f"its {key} is {recorded}, not {present}"
    names = all_keys(RunConfig) if key == "configuration" else [*recorded, *present]
    for name in names:
        values = [_at(values, name) for values in (recorded, present)]
        if values[0] != values[1] and not isinstance(values[0], Mapping):
            one, other = (format_value(value) for value in values)
            return f"{name} is {one} in its {key}, not {other}"
    only = [name for name in {*recorded, *present} if recorded.get(name) != present.get(name)]
    return f"its {key} differs in {', '.join(sorted(only))}"


def _at(values: Any, key: str) -> Any:
    for name in key.split("."):
        values = values.get(name) if isinstance(values, Mapping) else None
    return values
