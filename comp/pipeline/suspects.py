"""Ranks the samples of a run whose label is probably wrong, from its out-of-fold predictions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from comp.errors import RunError
from comp.inference.decisions import FittedDecisions
from comp.pipeline.run_oof import RunOof, fitted_decisions, read_run_oof
from comp.pipeline.suspect_rankings import RANKINGS, RankedLabel, Ranking
from comp.runs.folder import RunFolder
from comp.runs.suspects import LabelSwap, Suspect, SuspectGroup, SuspectList
from comp.workspace import Workspace

LEAST = 10
MOST = 100
SHARE = 0.01
"""Of a ranking that estimates no number of wrong labels, this share of the labels is listed, at
least 10 and at most 100."""
MANY = 0.2
"""If more than this share of the labels is estimated to be wrong, the model is named as the more
likely cause."""

OnStage = Callable[[str], None]


def find_suspects(
    run_id: str,
    workspace: Workspace,
    *,
    top: int | None = None,
    on_stage: OnStage | None = None,
) -> tuple[SuspectList, RunOof]:
    """The suspects of a run, and the run with its samples.

    Args:
        run_id: the id of a run, or the beginning of the id.
        top: how many suspects to list; None: all that are estimated to be wrong or, if the task
            only ranks errors, 1 % of the samples.
        on_stage: called with what happens now.

    Raises:
        RunError: there is no such run, no fold of it is finished, or no prediction is finite.
        DataError: the data is missing, or has changed since the run started.
    """
    stage = on_stage or (lambda _text: None)
    stage("reading the data of the run")
    run = read_run_oof(RunFolder(workspace.find_run(run_id)), workspace)
    stage("ranking the labels")
    return suspects_of(run, top), run


def suspects_of(run: RunOof, top: int | None = None) -> SuspectList:
    """The suspects of a run that is read.

    Args:
        top: as in `find_suspects`.

    Raises:
        RunError: no prediction is finite.
    """
    ranking = RANKINGS[run.competition.task.suspects](run, _decisions(run))
    if not ranking.labels:
        raise RunError(
            f"no prediction of run {run.run_id} is finite, so no label can be judged: train again"
        )
    return _listed(run, ranking, top)


def _decisions(run: RunOof) -> FittedDecisions | None:
    """The decisions that name the suggested value of a ranking by errors of numbers."""
    task = run.competition.task
    by_error = task.suspects == "errors" and task.output == "numbers"
    return fitted_decisions(run) if by_error else None


def _listed(run: RunOof, ranking: Ranking, top: int | None) -> SuspectList:
    ranked = sorted(ranking.labels, key=lambda one: (not one.wrong, one.order))
    wrong = [one for one in ranked if one.wrong] if ranking.estimates else None
    count = top or (_default_count(len(ranked)) if wrong is None else len(wrong))
    chosen = ranked[:count]
    names = _group_names(run)
    return SuspectList(
        run_id=run.run_id,
        competition=run.competition.name,
        synthetic=run.synthetic,
        group=run.competition.group or "group",
        samples=len(run.samples),
        labels=len(ranked),
        estimated_wrong=None if wrong is None else len(wrong),
        swaps=_swaps(wrong or []),
        score_meaning=ranking.score_meaning,
        suspects=[
            _suspect(rank, one, ranking.estimates, run.fold_of[one.id], names.get(one.id, ""))
            for rank, one in enumerate(chosen, 1)
        ],
        groups=_groups(names, chosen),
        words=_words(ranking, wrong, len(ranked)),
        notes=_notes(run, ranking, wrong),
    )


def _default_count(labels: int) -> int:
    return min(labels, MOST, max(LEAST, round(SHARE * labels)))


def _suspect(rank: int, one: RankedLabel, estimated: bool, fold: int, group: str) -> Suspect:
    return Suspect(
        rank=rank,
        id=one.id,
        label=one.label,
        given=one.given,
        suggested=one.suggested,
        p_given=one.p_given,
        p_suggested=one.p_suggested,
        score=one.score,
        estimated_wrong=one.wrong if estimated else None,
        fold=fold,
        group=group,
    )


def _group_names(run: RunOof) -> Mapping[str, str]:
    """The name of the group of each sample that has one."""
    keys = ((name, key.partition(" ")) for name, key in run.groups.items())
    return {name: parts[2] for name, parts in keys if parts[0] == "group"}


def _swaps(wrong: Sequence[RankedLabel]) -> list[LabelSwap]:
    counts = Counter((one.label, one.given, one.suggested) for one in wrong)
    return [
        LabelSwap(label=label, given=given, suggested=suggested, count=count)
        for (label, given, suggested), count in counts.most_common()
    ]


def _groups(names: Mapping[str, str], chosen: Sequence[RankedLabel]) -> list[SuspectGroup]:
    """The groups with at least two of the chosen samples.

    Args:
        names: the group of each sample that has one.
    """
    sizes = Counter(names.values())
    found = Counter(names[name] for name in {one.id for one in chosen} if name in names)
    several = [
        SuspectGroup(name=name, suspects=count, samples=sizes[name])
        for name, count in found.items()
        if count > 1
    ]
    return sorted(several, key=lambda group: (-group.suspects, group.name))


def _words(ranking: Ranking, wrong: Sequence[RankedLabel] | None, labels: int) -> str:
    if wrong is None:
        return (
            f"a ranking of {labels:,} {ranking.noun} by their error, not an estimate of wrong "
            "targets: hard samples have large errors too"
        )
    return (
        f"{len(wrong):,} of {labels:,} {ranking.noun} are estimated to be wrong "
        f"({len(wrong) / labels:.1%}), by confident learning from probabilities out of fold"
    )


def _notes(run: RunOof, ranking: Ranking, wrong: Sequence[RankedLabel] | None) -> list[str]:
    notes = list(run.notes)
    if not run.finished:
        notes.append(f"{run.run_id} is not finished: only the samples of its folds are ranked")
    if ranking.not_finite:
        notes.append(
            f"{ranking.not_finite:,} samples are not ranked: their predictions are not finite"
        )
    if wrong is not None and len(wrong) > MANY * len(ranking.labels):
        notes.append(
            "so many labels are more likely mistakes of the model than wrong labels: use a run "
            "with a better score, or look at the first ones only (--top 50)"
        )
    return notes
