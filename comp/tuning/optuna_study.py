"""A study in Optuna: its storage, its samplers and its pruners."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from comp.errors import ConfigError, RunError
from comp.tuning.folder import StudyFolder
from comp.tuning.parameter import Parameter
from comp.tuning.space import Space

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler

Sampler = Literal["tpe", "gp", "random", "grid"]
Pruner = Literal["asha", "hyperband", "median", "folds", "none"]
SAMPLERS: tuple[str, ...] = get_args(Sampler)
PRUNERS: tuple[str, ...] = get_args(Pruner)
FACTOR = 3
"""ASHA and Hyperband continue with the best third (the eta of their papers)."""
GRACE_S = 10
"""Seconds after which the lock of a killed process on the journal is broken."""


def check_installed() -> None:
    """Check that Optuna is installed.

    Raises:
        ConfigError: it is not.
    """
    try:
        import optuna  # noqa: F401
    except ImportError:
        raise ConfigError(
            "comp tune needs the package optuna: install it with 'pip install optuna', or with the "
            "extra 'tune'"
        ) from None


def open_study(
    folder: StudyFolder,
    direction: Literal["min", "max"],
    sampler: BaseSampler | None = None,
    pruner: BasePruner | None = None,
) -> Study:
    """Open the study of a folder, or make it.

    Args:
        direction: which scores are better.
        sampler: None: a cheap one, for a process that only reports scores.
    """
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    lock = JournalFileOpenLock(str(folder.journal), grace_period=GRACE_S)
    if _is_cut(folder.journal):
        lock.acquire()
        try:
            _repair(folder.journal)
        finally:
            lock.release()
    with _quiet():
        try:
            storage = JournalStorage(JournalFileBackend(str(folder.journal), lock))
            return optuna.create_study(
                storage=storage,
                study_name=folder.name,
                direction={"min": "minimize", "max": "maximize"}[direction],
                sampler=sampler or optuna.samplers.RandomSampler(),
                pruner=pruner,
                load_if_exists=True,
            )
        except ValueError as error:
            raise RunError(
                f"{folder.journal} is damaged ({error}): delete {folder.path}, or give another name"
                " with --study"
            ) from None


def _is_cut(journal: Path) -> bool:
    """Whether the last line of the journal is not complete."""
    if not journal.is_file() or not journal.stat().st_size:
        return False
    with journal.open("rb") as stream:
        stream.seek(-1, os.SEEK_END)
        return stream.read(1) != b"\n"


def _repair(journal: Path) -> None:
    """Remove a last line that a full disk has cut, which no other process can read; the caller
    holds the lock of the journal."""
    with journal.open("rb+") as stream:
        stream.seek(0, os.SEEK_END)
        end = size = stream.tell()
        while end:
            start = max(0, end - 4096)
            stream.seek(start)
            cut = stream.read(end - start).rfind(b"\n")
            if cut >= 0:
                end = start + cut + 1
                break
            end = start
        if end < size:
            stream.truncate(end)


def make_sampler(name: str, trials: int, seed: int) -> BaseSampler:
    """The sampler of a study.

    Args:
        trials: of the study; a fifth of them, 5 to 10, are random before TPE or GP.
        seed: of this process; processes with one seed would sample the same values.
    """
    from optuna import samplers

    startup = min(10, max(5, trials // 5))
    with _quiet():
        if name == "tpe":
            return samplers.TPESampler(seed=seed, n_startup_trials=startup, constant_liar=True)
        if name == "gp":
            return samplers.GPSampler(seed=seed, n_startup_trials=startup)
        return samplers.RandomSampler(seed=seed)  # a grid enqueues its trials


def make_pruner(name: str, folds: int, validations: int) -> BasePruner:
    """The pruner of a study.

    Args:
        folds: of a full trial.
        validations: reports of a fold; a full trial has `folds * validations`.
    """
    from optuna import pruners

    from comp.tuning.halving import HalvingAt

    reports = folds * validations
    if name == "asha":
        if validations == 1:
            return HalvingAt(every=1, factor=FACTOR)
        return pruners.SuccessiveHalvingPruner(
            min_resource=first_rung(validations), reduction_factor=FACTOR
        )
    if name == "hyperband":
        least = first_rung(validations)
        return pruners.HyperbandPruner(
            min_resource=least, max_resource=max(reports, least), reduction_factor=FACTOR
        )
    if name == "median":
        return pruners.MedianPruner(n_startup_trials=3)
    if name == "folds":
        return HalvingAt(every=validations)
    return pruners.NopPruner()


def first_rung(validations: int) -> int:
    """The reports after which ASHA and Hyperband compare trials first: three fifths of a fold."""
    return max(1, round(0.6 * validations))


def distributions(space: Space) -> Mapping[str, BaseDistribution]:
    """The space in Optuna's words."""
    return {parameter.key: _distribution(parameter) for parameter in space.parameters}


def _distribution(parameter: Parameter) -> BaseDistribution:
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    low, high, log = parameter.low, parameter.high, parameter.log
    if parameter.kind == "choice":
        return CategoricalDistribution(parameter.labels)
    if parameter.kind == "whole":
        step = int(parameter.step or 1)
        high -= (high - low) % step
        return IntDistribution(int(low), int(high), log=log, step=step)
    if parameter.step:
        high = low + int((high - low) / parameter.step + 1e-9) * parameter.step
    return FloatDistribution(low, high, log=log, step=parameter.step)


def suggest(trial: Any, space: Space) -> dict[str, Any]:
    """The values of a trial, as the study stores them."""
    values: dict[str, Any] = {}
    with _quiet():
        for parameter in space.parameters:
            values[parameter.key] = _suggested(trial, parameter)
    return values


def _suggested(trial: Any, parameter: Parameter) -> Any:
    found, key = _distribution(parameter), parameter.key
    if parameter.kind == "choice":
        return trial.suggest_categorical(key, parameter.labels)
    suggest = trial.suggest_int if parameter.kind == "whole" else trial.suggest_float
    return suggest(key, found.low, found.high, log=found.log, step=_step(found))


def _step(distribution: Any) -> Any:
    return 1 if distribution.log and isinstance(distribution.step, int) else distribution.step


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Optuna's warnings of parts that may change in later versions."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def check_names(sampler: str, pruner: str, space: Space) -> None:
    """Check the names of the sampler and the pruner.

    Raises:
        ConfigError: one is unknown, or the space has no grid.
    """
    for option, value, known in (("sampler", sampler, SAMPLERS), ("pruner", pruner, PRUNERS)):
        if value not in known:
            raise ConfigError(f"--{option} {value}: use one of {', '.join(known)}")
    endless = [p.key for p in space.parameters if not p.values()]
    if sampler == "grid" and endless:
        raise ConfigError(
            f"--sampler grid: {endless[0]} is a range without steps, which no grid has: give it "
            "step or choices"
        )
