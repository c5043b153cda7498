"""`comp.explain`, the call in Python, and what `comp explain` does."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from comp.errors import ConfigError, RunError
from comp.pipeline.ranked_call import in_rank_0
from comp.pipeline.run_view import Run
from comp.report.libraries import quiet_libraries
from comp.runs.folder import RunFolder
from comp.signals import handle_signals
from comp.workspace import Workspace

if TYPE_CHECKING:
    from comp.explanations.explain import OnStage
    from comp.explanations.explained import Explained
    from comp.explanations.subjects import Subjects

PathLike = str | os.PathLike[str]
COUNT = 12
"""Samples that are explained if no ids are given."""


@in_rank_0
def explain(
    run: Run | str,
    ids: Sequence[str] | None = None,
    *,
    target: str | None = None,
    test: bool = False,
    surest: bool = False,
    count: int | None = None,
    occlusion: bool = True,
    device: str | None = None,
    runs: PathLike | None = None,
) -> Explained:
    """Show which parts of images speak for the answers of a run, as `comp explain` does.

    The result has `samples`, each with `overlay` (uint8 pixels), `heat` (the map in 0..1) and
    `agreement`, and `sanity`, `notes` and `sheet`, the PNG file that was written.

    Args:
        run: a run, its id, or the beginning of its id.
        ids: of training or test samples; None: those with the worst out-of-fold predictions.
        target: the class, label or mask to explain; None: what was decided.
        test: the ids are those of test samples, some of which training samples have, too.
        surest: without ids, the surest right samples of each class instead of the worst ones.
        count: how many samples are explained without ids, 12 if None.
        occlusion: also cover parts of the images, as a check, which takes most of the time.
        device: "auto", "cpu", "cuda", ...
        runs: the `out` of the run; the current folder if None.

    Raises:
        RunError: no such run, or one that cannot be explained.
        ConfigError: no such sample or target.
        DataError: the data is missing or has changed.
    """
    quiet_libraries()
    workspace = Workspace.at(Path.cwd(), Path(runs).expanduser().absolute() if runs else None)
    if isinstance(run, Run):
        workspace = run.workspace
    with handle_signals():
        return explain_run(
            run.run_id if isinstance(run, Run) else run,
            workspace,
            ids=ids,
            target=target,
            test=test,
            surest=surest,
            count=count,
            occlusion=occlusion,
            device=device,
        )


def explain_run(
    run_id: str,
    workspace: Workspace,
    *,
    ids: Sequence[str] | None = None,
    target: str | None = None,
    test: bool = False,
    surest: bool = False,
    count: int | None = None,
    occlusion: bool = True,
    device: str | None = None,
    on_stage: OnStage | None = None,
) -> Explained:
    """Explain samples of a run, and write the files; the arguments are those of `explain`.

    Raises:
        RunError: no such run, or one that cannot be explained.
        ConfigError: no such sample or target.
        DataError: the data is missing or has changed.
    """
    from comp.explanations.explain import explain_samples
    from comp.explanations.files import write_explanations
    from comp.explanations.networks import why_not
    from comp.explanations.subjects import Subjects
    from comp.pipeline.run_oof import read_run_oof

    _check_choice(ids, test, surest, count)
    stage = on_stage or (lambda _text: None)
    stage("reading the run")
    run = read_run_oof(RunFolder(workspace.find_run(run_id)), workspace)
    if reason := why_not(run):
        raise RunError(reason)
    subjects = Subjects(run)
    found = explain_samples(
        run,
        ids or _chosen(subjects, count or COUNT, surest),
        target=target,
        test=test,
        occlusion=occlusion,
        sanity=True,
        device=device or "auto",
        on_stage=stage,
    )
    if found.reason:
        raise RunError(found.reason)
    if not found.samples:
        raise RunError(f"no prediction of run {run.run_id} is finite: give ids, or train again")
    if ids and not test and (both := subjects.in_both(ids)):
        note = f"a test sample has the id {both[0]!r}, too: --test explains it"
        found = replace(found, notes=[note, *found.notes])
    stage("writing")
    return replace(found, sheet=write_explanations(found, run.folder))


def _check_choice(ids: Sequence[str] | None, test: bool, surest: bool, count: int | None) -> None:
    """Raises ConfigError: the arguments contradict each other."""
    if count is not None and count < 1:
        raise ConfigError(f"count = {count}: explain one sample or more")
    if ids and (surest or count is not None):
        what = "surest" if surest else f"count = {count}"
        raise ConfigError(f"{what} chooses samples, and {len(ids)} ids are given: leave one out")
    if test and not ids:
        raise ConfigError("samples are chosen by their labels: give the ids of test samples")


def _chosen(subjects: Subjects, count: int, surest: bool) -> list[str]:
    """The ids of the worst samples, or of the surest ones, as many of each class.

    Raises:
        ConfigError: the run predicts no classes, so that no sample is the surest of one.
    """
    if not surest:
        return subjects.worst(count)
    task = subjects.run.competition.task
    if task.exclusive is None:
        raise ConfigError(
            f"the surest samples are those of classes, and {subjects.run.competition.name} "
            f"predicts {task.kind}: give ids"
        )
    classes = min(len(task.labels), count)
    return subjects.surest(-(-count // classes), classes)[:count]
