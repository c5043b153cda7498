"""A request to run: configuration in layers, data and folds.

The command line and `comp.api` both build it here. No heavy library is imported before `load`.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comp.config.nesting import merge, nested
from comp.config.parsing import read_toml
from comp.config.placement import Placement
from comp.config.schema import RunConfig, rename_keys, resolve
from comp.contract.competition import Competition
from comp.errors import ConfigError, RunError
from comp.pipeline.fold_numbers import check_fold_numbers
from comp.trackers.installed import check_installed
from comp.workspace import Workspace

if TYPE_CHECKING:
    from comp.data.location import DataSource
    from comp.runs.progress import Reporter
    from comp.runs.results import RunSummary

LENGTHS = ("budget", "max_steps")
"""Keys that exclude each other: a flag for one removes the configured value of the other."""
TRANSFER = {"backbone", "pretrained", "weights"}
"""Keys that keep the defaults for synthetic data away, because they choose the network."""


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """What a user asks for."""

    competition: Competition
    workspace: Workspace
    keys: Mapping[str, Any] = field(default_factory=dict)
    """Configuration keys of the user, nested."""
    recorded: Mapping[str, Any] = field(default_factory=dict)
    """Configuration of the run to repeat; empty for a new run."""
    data: Path | None = None
    """Folder or zip with the data; None for that of the workspace."""
    synthetic: bool = False
    folds: Sequence[int] = ()
    """The folds to train (0-based); all if empty."""
    repeats: Mapping[str, Any] = field(default_factory=dict)
    """run.json of the run to repeat; empty for a new run."""
    plan: Mapping[int, int] = field(default_factory=dict)
    """Optimizer steps of each fold, from the run to repeat."""
    skip_bad: bool = False
    placement: Placement = field(default_factory=Placement)
    """Where the folds train."""

    def config(self, synthetic: bool) -> RunConfig:
        """The configuration. On synthetic data the competition's `synthetic_defaults` apply, unless
        the user chooses a backbone or weights.

        Raises:
            ConfigError: naming every fault.
        """
        plugin = self.competition
        return resolve(plugin.name, self.layers(synthetic), plugin.options)

    def layers(self, synthetic: bool) -> list[Mapping[str, Any]]:
        """The layers of the configuration, nested; a later one wins."""
        plugin = self.competition
        own = plugin.synthetic_defaults if synthetic and not TRANSFER & set(self.keys) else {}
        return [plugin.defaults, self.recorded or own, self.keys]

    def check(self) -> None:
        """Validate the configuration and the numbers of the folds, before any data is unpacked.

        Raises:
            ConfigError: naming every fault, or trackers that are not installed.
            FoldError: there is no such fold.
        """
        config = self.config(self.synthetic)
        check_installed(config.track.to)
        if self.synthetic or "folds" not in self.competition.synthetic_defaults:
            check_fold_numbers(self.folds, config.folds)

    def load(self) -> tuple[DataSource, RunConfig]:
        """Find or draw the data; returns it with the configuration for it.

        Raises:
            ConfigError: naming every fault.
            DataError: when the data is missing or does not have the competition's layout.
        """
        from comp.data.location import locate_data

        source = locate_data(self.competition, self.workspace, self.data, self.synthetic)
        return source, self.config(source.synthetic)

    def run(self, reporter: Reporter, began: float) -> RunSummary:
        """Run it; see `comp.pipeline.run.run`.

        Args:
            began: `time.perf_counter()` at the start of the command, from which a budget counts.

        Raises:
            CompError: before anything is written, for any fault of the data or the configuration.
        """
        with _no_collection():
            from comp.pipeline.run import run
            from comp.pipeline.unused_keys import unused_note

        source, config = self.load()
        others = self.layers(source.synthetic)[:-1]
        note = unused_note(self.competition, config, self.keys, others)
        if note:
            reporter.note(note)
        return run(
            config,
            source,
            self.workspace,
            reporter,
            only=self.folds,
            plan=self.plan,
            began=began,
            skip_bad=self.skip_bad,
            repeats=self.repeats,
            placement=self.placement,
        )


@contextmanager
def _no_collection() -> Iterator[None]:
    """Import libraries without looking for cycles: they make a million objects that stay."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def new_request(
    competition: Competition,
    workspace: Workspace,
    keys: Mapping[str, Any],
    *,
    data: Path | None = None,
    synthetic: bool = False,
    folds: Sequence[int] = (),
    repeat: str | None = None,
    skip_bad: bool = False,
    placement: Placement | None = None,
) -> RunRequest:
    """The request for a run, or for a repeat of one.

    A repeat takes the configuration, data, folds and plan of the run, except those that the user
    gives. Another length of training drops the plan, another number of folds the folds.

    Args:
        keys: configuration keys of the user, nested; see `user_keys`.
        folds: the folds to train (0-based); all if empty.
        repeat: a run to repeat, or the beginning of its id.
        placement: where the folds train; None: as `Placement()` says.

    Raises:
        RunError: no such run, or it belongs to another competition.
    """
    record = _record(competition, workspace, repeat) if repeat is not None else {}
    if record and not data and not synthetic:
        data, synthetic = (None, True) if record["synthetic"] else (Path(record["data"]), False)
    return RunRequest(
        competition=competition,
        workspace=workspace,
        keys=keys,
        recorded=record.get("config", {}),
        repeats=record,
        data=data,
        synthetic=synthetic,
        folds=folds or (record.get("folds", ()) if "folds" not in keys else ()),
        plan=record.get("plan", {}) if not {"epochs", *LENGTHS} & set(keys) else {},
        skip_bad=skip_bad,
        placement=placement or Placement(),
    )


def _record(competition: Competition, workspace: Workspace, run_id: str) -> dict[str, Any]:
    """The run.json of the run to repeat."""
    from comp.pipeline.replanned import RECORD as REPLANNED
    from comp.pipeline.replanned import points_of_run
    from comp.runs.folder import RunFolder
    from comp.runs.lineage import check_has_models

    folder = RunFolder(workspace.find_run(run_id))
    record = folder.record("competition", "config", "folds", "data", "synthetic", "plan")
    check_has_models(folder.run_id, record, "repeat one of its runs")
    if record["competition"] != competition.name:
        raise RunError(
            f"run {folder.run_id} is of {record['competition']}, not of {competition.name}: "
            "give another run, or the other competition"
        )
    return record | {REPLANNED: points_of_run(folder)}


def refuse_with_resume(what: str, given: Mapping[str, Any]) -> None:
    """Refuse arguments that a race or a study that resumes has of its own.

    Args:
        what: "race" or "study".
        given: by name; None and False are not given.

    Raises:
        ConfigError: naming those that are given.
    """
    names = [name for name, value in given.items() if value is not None and value is not False]
    if names:
        raise ConfigError(
            f"resume=True continues a {what} with its own settings: leave out {', '.join(names)}"
        )


def config_keys(
    config: Path | Mapping[str, Any] | None, sets: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The nested keys of `config`, a TOML file or nested keys, and of `sets`, which wins.

    Args:
        sets: values by dotted key, such as `{"optim.lr": 1e-3}`.

    Raises:
        ConfigError: when the TOML file cannot be read, `sets` is not a mapping, or a key is not
            text.
    """
    for name, value in (("config", config), ("set", sets)):
        if not isinstance(value, Mapping | Path | None):
            raise ConfigError(
                f'{name} = {value!r:.80}: give a dictionary such as {{"optim.lr": 1}}'
            )
    keys, _ = rename_keys(read_toml(config) if isinstance(config, Path) else config or {})
    assigned: dict[str, Any] = {}
    for key, value in (sets or {}).items():
        if not isinstance(key, str):
            raise ConfigError(f"configuration key {key!r} is not text: write 'optim.lr'")
        assigned = merge(assigned, nested(key, value))
    return merge(keys, rename_keys(assigned)[0])


def user_keys(
    keys: Mapping[str, Any],
    *,
    weights: Path | None = None,
    pretrained: bool | None = None,
    **flags: Any,
) -> dict[str, Any]:
    """Return `keys` with the values of the flags.

    The path of a weights file becomes absolute, so that the run can resume in any folder. A flag
    for one length of training removes the other length.

    Args:
        keys: nested configuration keys, with their present names.
        flags: top-level keys; None is no value.

    Raises:
        ConfigError: a weights file together with no pretrained weights.
    """
    keys = dict(keys)
    if isinstance(keys.get("weights"), str | Path):
        keys["weights"] = str(Path(keys["weights"]).absolute())
    given = {key: value for key, value in flags.items() if value is not None}
    lengths = [key for key in LENGTHS if key in given]
    removed = {key: None for key in LENGTHS if len(lengths) == 1 and key not in lengths}
    return merge(keys, removed | given | _transfer_keys(weights, pretrained))


def _transfer_keys(weights: Path | None, pretrained: bool | None) -> dict[str, Any]:
    if weights is not None and pretrained is False:
        raise ConfigError(
            f"a weights file ({weights}) and no pretrained weights exclude each other: give one"
        )
    if weights is not None:
        return {"weights": weights.absolute(), "pretrained": True}
    if pretrained is None:
        return {}
    return {"pretrained": pretrained} | ({} if pretrained else {"weights": None})
