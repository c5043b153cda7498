"""The plan of a run as tables."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from comp.report.clock import duration
from comp.report.console import make_console
from comp.report.terminal import TerminalReporter
from comp.runs.plan import FoldPlan, RunPlan

PARTS = {
    "start": "start: read the data and check it",
    "images": "images: check and decode them once",
    "features": "features of the frozen backbone, once",
    "finding": "find the batch size or the learning rate",
    "measuring": "measure the speed",
    "folds": "build the folds",
    "training": "training",
    "validation": "validation",
    "prediction": "prediction of held-out and test samples",
    "submission": "submission and scores",
    "report": "the report",
}
"""The parts of a run's time, and what they are called."""


class PlanReporter(TerminalReporter):
    """Shows the progress of a plan."""

    def measuring(self, done: int, total: int, setting: str) -> None:
        """`done` of `total` other settings are measured; `setting` is next."""
        if done == total:
            self.remove_bar()
        elif self._has_bar:
            self.show_progress("measuring", done, total, setting)
        else:
            self.note(f"measuring {setting} ...")


def show_plan(plan: RunPlan, to_stderr: bool) -> None:
    """Print the plan: what the run does, its time by what takes it, memory and disk, and other
    settings."""
    console = make_console(to_stderr)
    if plan.synthetic:
        console.print("SYNTHETIC DATA: this plan is for synthetic data", style="bold yellow")
    console.print(
        f"plan of {plan.competition}: {plan.train:,} training and {plan.test:,} test samples in "
        f"{plan.data}, on {plan.device}, precision {plan.precision}"
    )
    console.print(_fold_table(plan))
    console.print(_time_table(plan))
    for line in _notes(plan):
        console.print(line)
    if plan.alternatives:
        console.print(_alternative_table(plan))


def _fold_table(plan: RunPlan) -> Table:
    table = Table(title=f"{len(plan.folds)} of {plan.of_folds} folds")
    for name in ("fold", "training samples", "steps", "epochs"):
        table.add_column(name, justify="right")
    for fold in plan.folds:
        table.add_row(str(fold.fold), *_cells(fold))
    if plan.full:
        table.add_row("full model", *_cells(plan.full))
    return table


def _cells(fold: FoldPlan) -> tuple[str, str, str]:
    return f"{fold.train:,}", f"{fold.steps:,}", f"{fold.epochs:.1f}"


def _time_table(plan: RunPlan) -> Table:
    title = f"about {duration(plan.seconds)} in all"
    if plan.budget:
        title += f", of a budget of {duration(plan.budget)}"
    table = Table(title=title)
    table.add_column("")
    table.add_column("time", justify="right")
    table.add_column("share", justify="right")
    for part, seconds in plan.parts.items():
        if seconds >= 0.05:
            share = f"{seconds / plan.seconds:.0%}"
            table.add_row(PARTS[part], duration(seconds), share)
    return table


def _notes(plan: RunPlan) -> Sequence[str]:
    """Speed, memory and disk, and what the plan assumes."""
    memory = ", ".join(f"{_size(size)} {kind}" for kind, size in plan.memory.items())
    lines = [f"speed   {plan.step_s:.3g} s a step, {plan.images_per_second:.0f} {plan.unit}/s"]
    if memory:
        lines.append(f"memory  {memory}: the most used while a few steps trained and predicted")
    disk = f"disk    at most {_size(plan.disk_bytes)} for checkpoints, predictions and submission"
    if plan.cache_bytes:
        disk += f", and {_size(plan.cache_bytes)} for the cache of images"
    lines.append(disk)
    if plan.seeds > 1:
        lines.append(f"seeds   each fold trains {plan.seeds} times with these steps")
    if plan.halved:
        lines.append("the GPU has memory for batches of half the size, so the run halves them")
    if plan.left_out:
        left_out = ", ".join(map(str, plan.left_out))
        lines.append(f"the budget has no room for the folds {left_out}")
    return lines


def _alternative_table(plan: RunPlan) -> Table:
    """Other settings; the first row is the present one."""
    table = Table(title="other settings, each measured with a few steps")
    table.add_column("--set")
    table.add_column("images/s", justify="right")
    table.add_column("epochs in the budget" if plan.budget else "whole run", justify="right")
    epochs = plan.folds[0].epochs
    now = f"{epochs:.1f}" if plan.budget else duration(plan.seconds)
    table.add_row("as planned", f"{plan.images_per_second:.0f}", now)
    for other in plan.alternatives:
        if other.images_per_second is None:
            table.add_row(other.setting, "", other.problem)
            continue
        length = f"{other.epochs:.1f}" if plan.budget else duration(other.seconds or 0.0)
        table.add_row(other.setting, f"{other.images_per_second:.0f}", length)
    return table


def _size(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"
