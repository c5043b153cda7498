"""A study: trials of other values, on the same folds, until their number or the budget is used."""

from __future__ import annotations

import time
import zlib
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from comp.config.parsing import read_toml
from comp.config.placement import Placement
from comp.config.schema import RunConfig, resolve
from comp.data.fingerprint import fingerprint
from comp.data.folds import write_folds
from comp.errors import ConfigError
from comp.files import write_text
from comp.pipeline.auto_values import auto_keys
from comp.pipeline.placed import run_engine
from comp.pipeline.request import RunRequest
from comp.pipeline.run_inputs import RunInputs, prepare_run
from comp.tuning.default_spaces import default_space
from comp.tuning.folder import StudyFolder, study_folder
from comp.tuning.length import study_length
from comp.tuning.loadable import check_backbones
from comp.tuning.optuna_study import (
    check_installed,
    check_names,
    make_pruner,
    make_sampler,
    open_study,
)
from comp.tuning.progress import StudyReporter
from comp.tuning.pruning import reports_of_fold
from comp.tuning.result import TuneResult
from comp.tuning.settings import OF_TRIALS, Settings, TuneOptions, check_same
from comp.tuning.space import Space, make_space
from comp.tuning.summary import summarize
from comp.tuning.targets import targets_of
from comp.tuning.toml import space_text
from comp.tuning.trials import Trials
from comp.tuning.unused import used_space
from comp.tuning.work import Clock, Work

if TYPE_CHECKING:
    from optuna import Study

LENGTH_KEYS = {"epochs", "max_steps"}


def tune(
    request: RunRequest,
    options: TuneOptions,
    reporter: StudyReporter,
    *,
    began: float,
    placement: Placement | None = None,
) -> TuneResult:
    """Run the trials of a study, those that are left if it exists.

    Args:
        began: `time.perf_counter()` when the command began; the budget counts from there.
        placement: where the trials train; None: as `Placement()` says.

    Raises:
        CompError: the data, the configuration or the space is wrong; or it is not a trial that
            failed, but the disk or the data.
        Stopped: a signal came; the study is saved.
    """
    check_installed()
    inputs, settings, reading_s = _prepare(request, options, reporter)
    options = settings.options
    budget = options.budget or inputs.config.budget
    clock = Clock.of(budget, began, reading_s)
    name = options.study or settings.name()
    folder = study_folder(request.workspace, settings.competition.name, name)
    with ExitStack() as stack:
        engine = stack.enter_context(run_engine(settings.config, placement, options.trials))
        slots = 1 if engine is None else engine.slots
        record = _open(folder, settings, inputs, clock, slots, reporter)
        worker = stack.enter_context(folder.worker())
        study = _optuna_study(folder, settings, worker)
        trials = Trials(folder=folder, study=study, settings=settings, worker=worker)
        work = Work(trials=trials, record=record, clock=clock, reporter=reporter)
        reporter.study_started(work.start(inputs, slots))
        if settings.config.track.to:
            reporter.note("track.to is for runs: the trials of a study are not tracked")
        work.run(engine)
        return summarize(trials, record, clock.reserve_s / 2, began)


def _optuna_study(folder: StudyFolder, settings: Settings, worker: str) -> Study:
    """The study, with the sampler and the pruner of this process."""
    options, config = settings.options, settings.config
    return open_study(
        folder,
        settings.metric.direction,
        make_sampler(options.sampler, options.trials, _seed(config, worker)),
        make_pruner(options.pruner, len(settings.folds), reports_of_fold(config)),
    )


def _prepare(
    request: RunRequest, options: TuneOptions, reporter: StudyReporter
) -> tuple[RunInputs, Settings, float]:
    """The inputs of the default trial, what all trials have in common, and the seconds of reading
    the data.

    Raises:
        CompError: the data, the configuration or the space is wrong.
    """
    competition = request.competition
    if options.trials < 2:
        raise ConfigError(f"--trials {options.trials}: give 2 or more, the default is one of them")
    synthetic = request.synthetic
    config = request.config(synthetic)
    if auto_keys(config):
        key = auto_keys(config)[0]
        raise ConfigError(f"{key} = auto: a study compares numbers; leave auto out, or tune {key}")
    space = _space(options, request, config, synthetic)  # before any data is unpacked
    check_names(options.sampler, options.pruner, space)
    source, config = request.load()
    if source.synthetic != synthetic:
        space = _space(options, request, config, source.synthetic)
    inputs = prepare_run(
        config, source, request.workspace, request.folds, reporter, request.skip_bad
    )
    space = used_space(competition, config, space, options.space is not None)
    layers = request.layers(source.synthetic)
    started = time.perf_counter()
    default = resolve(competition.name, [*layers, OF_TRIALS], competition.options)
    trials = int(min(options.trials, max(2, space.count(default))))
    settings = Settings(
        competition=competition,
        request=request,
        config=default,
        layers=layers,
        space=space,
        source=source,
        folds=tuple(inputs.folds_to_train),
        fold_hash=_fold_hash(inputs),
        fingerprint=fingerprint([*inputs.train, *inputs.test], request.workspace.cache),
        options=replace(options, trials=trials),
        files=_files(inputs),
        targets=targets_of(inputs, space),
    )
    return inputs, settings, time.perf_counter() - started


def _space(options: TuneOptions, request: RunRequest, config: RunConfig, synthetic: bool) -> Space:
    competition, layers = request.competition, request.layers(synthetic)
    given = options.space
    if given is None:
        raw: Mapping[str, Any] = default_space(competition, config)
        return make_space(raw, competition.name, layers, competition.options)
    raw = given if isinstance(given, Mapping) else read_toml(given)
    source = "the space" if isinstance(given, Mapping) else str(given)
    return make_space(raw, competition.name, layers, competition.options, source)


def _files(inputs: RunInputs) -> dict[str, Any]:
    """SHA-256 of the files of the weights and of the samples that do not train, by key."""
    origin, dropped = inputs.weights_origin, inputs.dropped
    return {
        **({"weights": origin.sha256} if origin and origin.sha256 else {}),
        **({"drop": dropped.sha256} if dropped else {}),
    }


def _fold_hash(inputs: RunInputs) -> str:
    with TemporaryDirectory() as path:
        return write_folds(Path(path) / "folds.csv", inputs.train, inputs.folds)


def _seed(config: RunConfig, worker: str) -> int:
    """A seed of 31 bits for this process, from the random name of its worker: with the same seed, a
    process that continues a study would sample its values again."""
    return zlib.crc32(f"{config.seed} {worker}".encode()) >> 1


def _open(
    folder: StudyFolder,
    settings: Settings,
    inputs: RunInputs,
    clock: Clock,
    slots: int,
    reporter: StudyReporter,
) -> dict[str, Any]:
    """The study.json of the study, which is made if it does not exist.

    Raises:
        RunError: it is another study, or the budget is too small for a new one.
        ConfigError: the weights of a backbone of a new one cannot be loaded.
    """
    options, steps = settings.options, None
    if not folder.exists():
        check_backbones(settings, inputs)
        given = bool(LENGTH_KEYS & set(settings.request.keys))
        length = study_length(inputs, options, slots, clock.left, given, reporter)
        steps = length.steps
    with folder.locked():
        if folder.exists():
            record = check_same(folder, settings)
            if record["trials"] < options.trials:
                folder.update_record(trials=options.trials)
            return record | {"trials": options.trials}
        write_folds(folder.folds_csv, inputs.train, inputs.folds)
        write_text(folder.path / "space.toml", space_text(settings.space))
        record = settings.record(steps)
        study = open_study(folder, settings.metric.direction)
        Trials(folder=folder, study=study, settings=settings, worker="").enqueue_default()
        folder.update_record(**record)
        return record
