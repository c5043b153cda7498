"""The picture of a study: its trials, their scores while they train, and the values that matter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from comp.config.explain import format_value
from comp.files import replacing
from comp.tuning.result import TuneResult
from comp.tuning.space import Space

SLICES = 4
"""Most keys whose values are drawn."""
_COLORS = {"complete": "C0", "pruned": "0.7", "failed": "C3"}


def draw_study(path: Path, result: TuneResult, space: Space) -> None:
    """Draw the study as a PNG: scores by trial with the best so far, scores by progress, and last
    scores by the values of the most important keys."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    keys = list(result.importances) or [parameter.key for parameter in space.parameters]
    shown = [p for key in keys[:SLICES] for p in space.parameters if p.key == key]
    figure = Figure(figsize=(12, 7), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    halves: Any = figure.subfigures(2, 1)
    top, bottom = halves
    history, curves = top.subplots(1, 2)
    _draw_history(history, result)
    _draw_curves(curves, result)
    for axes, parameter in zip(
        bottom.subplots(1, len(shown), squeeze=False)[0], shown, strict=True
    ):
        _draw_slice(axes, result, parameter)
    figure.suptitle(f"{result.study} of {result.competition}")
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png")


def _draw_history(axes: Any, result: TuneResult) -> None:
    best, line = None, []
    for row in result.trials:
        value = row.outcome.value
        if value is None:
            continue
        smaller = result.direction == "min"
        best = value if best is None else min(best, value) if smaller else max(best, value)
        line.append((row.number, best))
        axes.plot(row.number, value, "o", color="C1" if row.is_default else "C0")
    axes.xaxis.get_major_locator().set_params(integer=True)
    if line:
        axes.step(*zip(*line, strict=True), where="post", color="C2", label="best so far")
        axes.legend()
    axes.set(title="complete trials (orange: default)", xlabel="trial", ylabel=result.metric)


def _draw_curves(axes: Any, result: TuneResult) -> None:
    end = max((max(row.curve) for row in result.trials if row.curve), default=1)
    for row in result.trials:
        if row.curve:
            steps = sorted(row.curve)
            color = "C1" if row.is_default else _COLORS[row.outcome.state]
            scores = [row.curve[step] for step in steps]
            axes.plot([100 * step / end for step in steps], scores, ".-", color=color, lw=1)
    axes.set(title="while they train (grey: pruned)", xlabel="% of the training")


def _draw_slice(axes: Any, result: TuneResult, parameter: Any) -> None:
    labels = list(parameter.labels)
    for row in result.trials:
        value = row.values[parameter.key]
        if not row.curve or (value is None and parameter.kind != "choice"):
            continue
        x = labels.index(format_value(value)) if format_value(value) in labels else value
        if isinstance(x, int | float):
            color = "C1" if row.is_default else _COLORS[row.outcome.state]
            axes.plot(x, row.curve[max(row.curve)], "o", color=color)
    if parameter.kind == "choice":
        axes.set_xticks(range(len(labels)), labels, rotation=20)
    elif parameter.log:
        axes.set_xscale("log")
    share = result.importances.get(parameter.key)
    axes.set(title=parameter.key, xlabel="" if share is None else f"importance {share:.0%}")
