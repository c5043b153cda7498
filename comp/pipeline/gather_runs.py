"""The runs whose folds `comp gather` joins: found, read, and checked that they belong together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from comp.config.schema import SHORT, RunConfig, resolve
from comp.contract import registry
from comp.contract.competition import Competition
from comp.errors import CompError, ConfigError, DataError, FoldError, RunError
from comp.files import read_json, sha256
from comp.pipeline.auto_values import RATE
from comp.pipeline.dropped import RECORD as DROPPED
from comp.pipeline.members import read_result
from comp.pipeline.plugin_check import check_plugin
from comp.pipeline.pseudo_open import RECORD as PSEUDO
from comp.pipeline.resume_checks import CHANGEABLE_KEYS, NUMERIC_PACKAGES, PREDICT_BATCH_SIZE
from comp.runs.catalog import state_of
from comp.runs.folder import NEEDED_TO_RESUME, RunFolder
from comp.runs.lineage import check_has_models
from comp.runs.results import FoldResult
from comp.workspace import Workspace

PATHS = ("weights", "folds_csv", "external", "validation", "drop", "pseudo.run", "pseudo.data")
"""Keys with paths, or names of runs; what they name is compared by its content."""
IGNORED = {"device", *CHANGEABLE_KEYS, *PATHS}
"""Keys that may differ between runs whose folds are joined."""
_NAMES = ("path", "file", "name", "sentence")
CONTENTS = {
    "weights": "the pretrained weights",
    "embeddings": "the weights that embed the images",
    DROPPED: "the samples of drop",
    "validation": "the data of validation",
    PSEUDO: "the run of the pseudo-labels",
    "value_range": "the range of values of the images",
}
"""Keys of run.json that say what a run read beside its data, with words for messages."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FoldRun:
    """A run with the folds that are finished in it."""

    folder: RunFolder
    record: Mapping[str, Any]
    config: RunConfig
    competition: Competition
    finished: Mapping[int, FoldResult]

    @property
    def run_id(self) -> str:
        """The id of the run."""
        return self.folder.run_id

    @property
    def unfinished(self) -> list[int]:
        """The folds that the run began, or was to train, and that are not finished."""
        return [fold for fold in self.record["folds"] if fold not in self.finished]

    @cached_property
    def keys(self) -> Mapping[str, Any]:
        """The configuration by dotted key, without what may differ."""
        flat = _flat(self.config.model_dump(mode="json"))
        return {key: value for key, value in flat.items() if key not in IGNORED}

    @property
    def numerics(self) -> Mapping[str, str]:
        """What may change the last digits of a fold, for a note."""
        environment = self.record.get("environment") or {}
        packages = environment.get("packages") or {}
        return {
            "comp": str(environment.get("comp")),
            **{name: str(packages.get(name)) for name in NUMERIC_PACKAGES},
            "plugin": str((self.record.get("plugin") or {}).get("sha256"))[:8],
            "device": str(self.record.get("device")),
            "precision": str(self.record.get("precision")),
            PREDICT_BATCH_SIZE: str(self.config.predict.batch_size),
        }


def _flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = value
    return found


def read_fold_runs(names: Sequence[str], workspace: Workspace) -> list[FoldRun]:
    """Read runs by the paths of their folders, which may be copies from another machine, by the
    path of a folder that `comp run --out` wrote to, or by their ids; each run once.

    Raises:
        ConfigError: no name is given.
        RunError: there is no such run, it is a blend, or damaged.
    """
    return [_read(folder) for folder in find_runs(names, workspace)]


def find_runs(names: Sequence[str], workspace: Workspace) -> list[RunFolder]:
    """The folders of runs, each once; the arguments and errors are those of `read_fold_runs`."""
    folders = [folder for name in names for folder in _folders(name, workspace)]
    if not folders:
        raise ConfigError("no run is given: name the folders or the ids of runs")
    return list({folder.path.resolve(): folder for folder in folders}.values())


def _folders(name: str, workspace: Workspace) -> list[RunFolder]:
    path = Path(name).expanduser().absolute()
    if (path / "run.json").is_file():
        return [RunFolder(path)]
    if not path.is_dir():
        return [RunFolder(workspace.find_run(name))]
    found = sorted(file.parent for file in path.glob("runs/*/*/run.json"))
    if not found:
        raise RunError(f"{path} is not a run and contains no runs: give the folder of a run")
    return [RunFolder(folder) for folder in found]


def _read(folder: RunFolder) -> FoldRun:
    record = folder.record(*NEEDED_TO_RESUME)
    check_has_models(folder.run_id, record, "gather its runs")
    competition = registry.get(record["competition"])
    config = resolve(competition.name, [record["config"]], competition.options)
    results = {fold: read_result(folder.fold(fold), config) for fold in range(config.folds)}
    return FoldRun(
        folder=folder,
        record=record,
        config=config,
        competition=competition,
        finished={fold: result for fold, result in results.items() if result},
    )


def chosen_folds(runs: Sequence[FoldRun]) -> dict[int, FoldRun]:
    """The run of each finished fold, in the order of the folds.

    Raises:
        RunError: a fold is finished in two runs, or a fold is unfinished and no other run has it.
    """
    chosen: dict[int, FoldRun] = {}
    for run in runs:
        for fold in run.finished:
            if fold in chosen:
                raise RunError(
                    f"fold {fold} is finished in two runs, {chosen[fold].folder.path} and "
                    f"{run.folder.path}: leave one of them out"
                )
            chosen[fold] = run
    for run in runs:
        missing = [fold for fold in run.unfinished if fold not in chosen]
        if missing:
            state, out = state_of(run.folder.path, run.record)[0], run.folder.path.parents[2]
            raise RunError(
                f"fold {missing[0]} of run {run.folder.path} is not finished (the run is {state}): "
                f"resume it where it is, with 'comp resume {run.run_id} --runs {out}', or leave "
                "the run out"
            )
    return dict(sorted(chosen.items()))


def check_together(runs: Sequence[FoldRun]) -> list[str]:
    """Check that the folds of runs can be those of one run; returns notes for the user.

    Raises:
        RunError: of other competitions, plugins, weights or metrics.
        ConfigError: the configurations differ; the message names the keys.
        FoldError: the folds differ.
        DataError: the data differs.
    """
    notes = [note for run in runs for note in check_plugin(run.run_id, run.record, run.competition)]
    for run in runs:
        now, before = run.competition.metric.name, _metric(run)
        if before not in (None, now):
            raise RunError(
                f"{run.folder.path} was scored with {before}, and {run.competition.name} is scored "
                f"with {now}: restore the plugin, or train the folds again"
            )
    for run in runs[1:]:
        problem = _problem(runs[0], run)
        if problem:
            raise problem
    return [*dict.fromkeys(notes), *_digits(runs)]


def _problem(first: FoldRun, other: FoldRun) -> CompError | None:
    """Why two runs do not belong together; None if they do."""
    names = f"{other.folder.path} and {first.folder.path}"
    if other.competition.name != first.competition.name:
        return RunError(
            f"{names} are of {other.competition.name} and {first.competition.name}: give runs of "
            "one competition"
        )
    if other.keys != first.keys:
        return _other_keys(first, other)
    if other.record["synthetic"] != first.record["synthetic"]:
        return DataError(f"one of {names} is on synthetic data: give runs on the same data")
    if other.record["data_fingerprint"] != first.record["data_fingerprint"]:
        return DataError(
            f"{names} have other data (the fingerprints of samples and files differ): give runs "
            "on the same data"
        )
    if sha256(other.folder.folds_csv) != sha256(first.folder.folds_csv):
        return FoldError(
            f"{names} have other folds (folds.csv differs), so that a fold of one trained on what "
            "a fold of the other holds out: give runs over the same folds"
        )
    for key, words in CONTENTS.items():
        if _content(other.record.get(key)) != _content(first.record.get(key)):
            return RunError(f"{words} differ between {names}: give runs with the same")
    return None


def _other_keys(first: FoldRun, other: FoldRun) -> ConfigError:
    keys = sorted(first.keys.keys() | other.keys.keys())
    shown = [
        f"{key} is {SHORT.repr(other.keys.get(key))} and {SHORT.repr(first.keys.get(key))}"
        for key in keys
        if other.keys.get(key) != first.keys.get(key)
    ]
    more = f" and {len(shown) - 3} more" if len(shown) > 3 else ""
    advice = "give runs of one configuration"
    found = {**(first.record.get("found") or {}), **(other.record.get("found") or {})}
    own = [key for key in keys if key in found and other.keys.get(key) != first.keys.get(key)]
    if own:
        value = (first.record.get("found") or {}).get(own[0], found[own[0]])["value"]
        advice = (
            f"with auto each run finds its own {own[0]}, so give all runs one number, such as "
            f"--set {own[0]}={value}"
        )
        if own[0] == RATE:
            advice += f" or that of 'comp lr-find {first.competition.name}'"
        advice += ", and train the others again"
    return ConfigError(
        f"{other.folder.path} and {first.folder.path} have other configurations: "
        f"{'; '.join(shown[:3])}{more}; {advice}"
    )


def _content(value: Any) -> Any:
    """What of a record says what was read: its hash if it has one, without paths and counts."""
    if not isinstance(value, Mapping):
        return value
    for key in ("sha256", "fingerprint", "run"):
        if value.get(key):
            return value[key]
    return {key: part for key, part in value.items() if key not in _NAMES}


def _metric(run: FoldRun) -> str | None:
    """The metric in scores.json; None if the run has no scores."""
    try:
        return str(read_json(run.folder.scores)["metric"])
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _digits(runs: Sequence[FoldRun]) -> list[str]:
    """A note on what differs between the runs and may change the last digits of their folds."""
    parts = []
    for name in runs[0].numerics:
        values = sorted({run.numerics[name] for run in runs})
        if len(values) > 1:
            parts.append(f"{name} {', '.join(values)}")
    if not parts:
        return []
    return [
        f"the runs differ in {'; '.join(parts)}: the folds are not exactly those of one run on one "
        "machine"
    ]
