"""The text beside the bar of a fold that trains."""

from __future__ import annotations

from comp.report.clock import duration
from comp.report.parts import Part, Parts
from comp.runs.progress import Step


def bar_name(step: Step, several: bool) -> str:
    """The name of a bar; of several bars each has the name of its training."""
    name = f"fold {step.fold}"
    return f"{name}, {step.part}" if step.part and several else name


def step_parts(
    step: Step,
    metric: str,
    about: str,
    unit: str,
    left: tuple[float, float] | None,
    several: bool = False,
) -> Parts:
    """The parts of the text; the time left and the score are the most useful.

    Args:
        about: "~" before a score that is preliminary.
        left: seconds left for the fold and for the run.
        several: whether there are several bars, which have the name of their training.
    """
    parts = [
        Part(text=f"epoch {step.epoch}/{step.epochs}", rank=7),
        Part(text=f"step {step.step}/{step.steps}", rank=4),
        Part(text=f"loss {step.loss:.5f}", rank=5),
        Part(text=f"lr {step.lr:.1e}", rank=8),
        Part(text=f"{step.rate:.0f} {unit}/s", rank=6),
    ]
    if step.part and not several:
        parts.insert(0, Part(text=step.part, rank=3, short=_short(step.part)))
    if left:
        run = f"run {duration(left[1])} left"
        text = f"fold {duration(left[0])}, {run}"
        parts.append(Part(text=text, rank=0, short=run))
    if step.score is not None:
        score = f"{about}{step.score:.5f}"
        parts.append(Part(text=f"{metric} {score}", rank=1, short=score))
    return Parts(parts)


def _short(part: str) -> str:
    """The start of a name that is long, such as that of a backbone."""
    return part if len(part) <= 12 else f"{part[:10]}.."
