"""The result of a study: its best trial, what that is worth, and which values mattered."""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from statistics import fmean
from typing import Any

from comp.config.explain import format_value
from comp.config.nesting import nested
from comp.config.schema import value_at
from comp.errors import CompError, ConfigError
from comp.files import replacing, write_json, write_text
from comp.pipeline.compare import difference_of
from comp.pipeline.compare_words import number, signed
from comp.pipeline.run_oof import read_run_oof
from comp.pipeline.run_samples import SampleSource
from comp.runs.comparison import PairedDifference
from comp.runs.folder import RunFolder
from comp.tuning.importance import importances
from comp.tuning.picture import draw_study
from comp.tuning.result import TrialRow, TuneResult
from comp.tuning.settings import Settings
from comp.tuning.toml import config_text
from comp.tuning.trials import DEFAULT, Trials


def summarize(
    trials: Trials,
    record: Mapping[str, Any],
    limit_s: float,
    began: float,
) -> TuneResult:
    """The result of a study so far; writes its table, its picture, and the best configuration.

    Args:
        record: study.json.
        limit_s: seconds for the draws of the comparison with the default.
        began: `time.perf_counter()` when the command began.
    """
    settings, folder = trials.settings, trials.folder
    rows = list(_rows(trials))
    best, default = best_row(rows, settings), next((r for r in rows if r.is_default), None)
    difference = None
    if best and default and best is not default and default.outcome.state == "complete":
        difference = _difference(trials, best, default, limit_s)
    better = bool(difference and difference.real and _gain(settings, difference.value) > 0)
    shares, of = importances(trials.study, rows, settings)
    compared = [row for row in rows if row.outcome.state in ("complete", "pruned")]
    steps, full = _steps(compared)
    result = TuneResult(
        competition=settings.competition.name,
        study=folder.name,
        folder=folder.path,
        metric=settings.metric.name,
        direction=settings.metric.direction,
        synthetic=settings.source.synthetic,
        trials=rows,
        unfinished=max(0, record["trials"] - len(rows)),
        best=best.number if best else None,
        best_score=best.outcome.value if best else None,
        best_values=best.values if best else {},
        default_score=default.outcome.value if default else None,
        difference=difference,
        better=better,
        words=_words(settings, rows, best, default, difference, better),
        left_out_score=left_out_score(rows, settings),
        warnings=_warnings(settings, best),
        importances=shares,
        importances_of=of,
        share=fmean(row.outcome.share for row in compared) if compared else 1.0,
        steps=steps,
        steps_of_full=full,
        fold_fits=sum(row.outcome.share for row in compared) * len(settings.folds),
        config=folder.best if best else None,
        picture=folder.picture if rows else None,
        seconds=time.perf_counter() - began,
    )
    _write(trials, result, best, record["steps"])
    return result


def _rows(trials: Trials) -> list[TrialRow]:
    space = trials.settings.space
    defaults = trials.settings.config.model_dump(mode="json")
    rows = []
    for trial, outcome in trials.outcomes():
        is_default = bool(trial.user_attrs.get(DEFAULT))
        values = {
            p.key: p.value(trial.params[p.key]) if p.key in trial.params else None
            for p in space.parameters
        }
        if is_default:
            values = {p.key: value_at(defaults, p.key) for p in space.parameters}
        rows.append(
            TrialRow(
                number=trial.number,
                is_default=is_default,
                values=values,
                outcome=outcome,
                curve=dict(trial.intermediate_values),
            )
        )
    return rows


def best_row(rows: Sequence[TrialRow], settings: Settings) -> TrialRow | None:
    """The complete trial with the best score; of equal ones the default, else the first."""
    complete = [row for row in rows if row.outcome.state == "complete"]
    return max(
        complete,
        key=lambda row: (_gain(settings, row.outcome.value or 0.0), row.is_default),
        default=None,
    )


def _gain(settings: Settings, value: float) -> float:
    return value if settings.metric.direction == "max" else -value


def left_out_score(rows: Sequence[TrialRow], settings: Settings) -> float | None:
    """The mean over the folds of the score of the trial that is the best on the other folds, which
    the fold itself has not chosen. None with fewer than two folds or complete trials, or if the
    score of a fold is not defined.

    Decisions of the other folds that choose are fitted on each fold itself: fitted on the rest,
    they would know the fold that is left out. Its own decisions are fitted on the other folds.

    The idea is that of nested cross-validation (Cawley and Talbot, JMLR 11, 2010), here for the
    choice alone: the trials were proposed by scores of all folds.
    """
    complete = [row.outcome for row in rows if row.outcome.state == "complete"]
    folds = settings.folds
    pairs = [(out.own_scores or out.fold_scores, out.fold_scores) for out in complete]
    defined = all(math.isfinite(s) for pair in pairs for of in pair for s in of.values())
    if len(folds) < 2 or len(pairs) < 2 or not defined:
        return None
    scores = []
    for left_out in folds:
        others = [fold for fold in folds if fold != left_out]
        chosen = max(pairs, key=lambda pair: _gain(settings, fmean(pair[0][f] for f in others)))
        scores.append(chosen[1][left_out])
    return fmean(scores)


def _difference(
    trials: Trials, best: TrialRow, default: TrialRow, limit_s: float
) -> PairedDifference | None:
    """The scores of both trials on the samples that both hold out; None if a file is missing."""
    source = SampleSource(trials.settings.request.workspace)
    try:
        first, second = (
            read_run_oof(RunFolder(trials.folder.trial(row.number)), source.workspace, source)
            for row in (best, default)
        )
        return difference_of(first, second, limit_s=limit_s)
    except CompError:  # deleted, or of a plugin that has changed
        return None


def _words(
    settings: Settings,
    rows: Sequence[TrialRow],
    best: TrialRow | None,
    default: TrialRow | None,
    difference: PairedDifference | None,
    better: bool,
) -> str:
    """What the best trial is worth, in one sentence."""
    complete = sum(row.outcome.state == "complete" for row in rows)
    if best is None:
        return "no trial is complete: nothing can be said"
    if best is default:
        return f"no trial is better than the default ({complete} of {len(rows)} are complete)"
    name = f"trial {best.number}"
    if difference is None:
        return f"{name} is the best, and cannot be compared with the default"
    low, high = difference.low, difference.high
    between = "its interval is not known, because too few predictions differ"
    if low is not None and high is not None:
        between = f"95 % interval {signed(low, difference)} to {signed(high, difference)}"
    change = f"{settings.metric.name} {signed(difference.value, difference)}, {between}"
    if better:
        return f"{name} is better than the default by more than the noise: {change}"
    return f"{name} cannot be told from the default: {change}"


def _warnings(settings: Settings, best: TrialRow | None) -> list[str]:
    """The values of the best trial that are at an end of their range, if the configuration accepts
    values beyond it, and those that its TOML file cannot give."""
    found = []
    for parameter in settings.space.parameters if best and not best.is_default else ():
        value: Any = best.values[parameter.key] if best else None
        edge = "" if value is None else parameter.at_edge(value)
        if edge and _accepts(settings, parameter.key, parameter.beyond(edge)):
            found.append(
                f"{parameter.key} = {value:.4g} of the best trial is at the "
                f"{edge} end of its range ({parameter.text()}): a wider range may have better ones"
            )
    for key, value in _changed(best, settings) if best else ():
        if value is None:
            found.append(
                f"best.toml cannot say that {key} is none, because TOML has no null: give --set "
                f"{key}=none with it"
            )
    return found


def _accepts(settings: Settings, key: str, value: Any) -> bool:
    """Whether the configuration accepts a value of a key."""
    try:
        settings.with_values(nested(key, value))
    except ConfigError:
        return False
    return True


def _steps(rows: Sequence[TrialRow]) -> tuple[int, int]:
    """Steps that trials made, and those that they make in full."""
    outcomes = [row.outcome for row in rows if row.outcome.share]
    return sum(out.steps for out in outcomes), sum(round(o.steps / o.share) for o in outcomes)


def _write(trials: Trials, result: TuneResult, best: TrialRow | None, steps: int | None) -> None:
    """Write trials.csv, result.json, best.toml and study.png."""
    folder, settings = trials.folder, trials.settings
    keys = [parameter.key for parameter in settings.space.parameters]
    with replacing(folder.table) as path, path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(
            ["trial", "state", settings.metric.name, "share", "seconds", *keys, "reason"]
        )
        for row in result.trials:
            out = row.outcome
            values = [format_value(row.values[key]) for key in keys]
            score = "" if out.value is None else repr(out.value)
            shown = [row.number, out.state, score, f"{out.share:.3f}", f"{out.seconds:.1f}"]
            writer.writerow([*shown, *values, out.reason])
    write_json(folder.path / "result.json", asdict(result))
    if best:
        tuned: list[Mapping[str, Any]] = [nested(k, v) for k, v in _changed(best, settings)]
        comments = [
            f"trial {best.number} of {result.study}: {result.metric} "
            f"{number(result.best_score or 0.0)}",
            result.words,
            *([f"tuned with {steps} steps a fold"] if steps else []),
        ]
        keys_given = settings.record(None)["request"]["keys"]
        given = {key: value for key, value in keys_given.items() if key != "budget"}
        write_text(folder.best, config_text(comments, given, *tuned))
    if result.trials:
        draw_study(folder.picture, result, settings.space)


def _changed(best: TrialRow, settings: Settings) -> list[tuple[str, Any]]:
    """The values of the best trial that a configuration file must give; None is given only if the
    default is another value."""
    defaults = settings.config.model_dump(mode="json")
    return [
        (key, value)
        for key, value in best.values.items()
        if value is not None or value_at(defaults, key) is not None
    ]
