"""A learning rate range test as a table, a plot and a CSV file."""

from __future__ import annotations

import csv
from pathlib import Path

from rich.table import Table

from comp.errors import RunError
from comp.files import replacing
from comp.training.range_test import Curve

_ROWS = 12


def curve_table(curve: Curve) -> Table:
    """A dozen points of the curve, and the two points of the suggestions."""
    last = len(curve.rates) - 1
    words = {curve.lowest: "lowest"}
    if curve.steepest is not None:
        words[curve.steepest] = "steepest"
    shown = {round(i * last / (_ROWS - 1)) for i in range(_ROWS)} | set(words)
    table = Table()
    table.add_column("step", justify="right")
    table.add_column("learning rate", justify="right")
    table.add_column("loss", justify="right")
    table.add_column("smoothed", justify="right")
    table.add_column("")
    for i in sorted(shown):
        numbers = (f"{curve.rates[i]:.1e}", f"{curve.losses[i]:.5f}", f"{curve.smoothed[i]:.5f}")
        table.add_row(str(i + 1), *numbers, words.get(i, ""))
    return table


def advice(curve: Curve) -> str:
    """The result and the suggested learning rate as text."""
    ending = "the loss exploded" if curve.exploded else "the loss did not explode"
    ending += f" up to {curve.rates[-1]:.1e}"
    if curve.suggestion is None:
        return (
            f"{ending}, and it never fell by more than its noise: no suggestion; try more "
            "--steps or a larger loader.batch_size"
        )
    return (
        f"{ending}; try --set optim.lr={curve.suggestion:.1e} (steepest descent); a tenth of the "
        f"rate of lowest loss is {curve.tenth:.1e}"
    )


def make_folder(out: Path) -> Path:
    """Create the folder `lr-find` in `out`.

    Raises:
        RunError: when it cannot be created.
    """
    folder = out / "lr-find"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"cannot write to {folder}: {error.strerror}; use --out") from None
    return folder


def write_csv(path: Path, curve: Curve) -> None:
    """Write step (from 1), rate, loss and smoothed loss in full precision, one row per step."""
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["step", "rate", "loss", "smoothed"])
        columns = zip(curve.rates, curve.losses, curve.smoothed, strict=True)
        writer.writerows([step, *values] for step, values in enumerate(columns, 1))


def write_plot(path: Path, curve: Curve, title: str) -> None:
    """Plot the losses over the learning rate with the suggestions, as a PNG of 1200 x 750."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.plot(curve.rates, curve.losses, ".", color="0.7", label="loss of a step")
    axes.plot(curve.rates, curve.smoothed, color="C0", label="smoothed")
    if curve.suggestion is not None and curve.tenth is not None:
        steepest = f"steepest descent {curve.suggestion:.1e}"
        axes.axvline(curve.suggestion, color="C3", label=steepest)
        tenth = f"a tenth of the lowest {curve.tenth:.1e}"
        axes.axvline(curve.tenth, color="C2", linestyle="--", label=tenth)
    low, high = min(curve.smoothed), max(curve.smoothed)
    margin = 0.1 * (high - low) or 0.1
    axes.set_ylim(low - margin, high + margin)
    axes.set_xscale("log")
    axes.set(xlabel="learning rate", ylabel="training loss", title=title)
    axes.legend()
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png")
