"""The run of the winner of a race: an ordinary run in the rest of the budget."""

from __future__ import annotations

import time

from comp.config.schema import RunConfig
from comp.errors import CompError
from comp.pipeline.fold_context import epoch_steps
from comp.pipeline.resume import resume
from comp.pipeline.run import run
from comp.racing.candidates import config_of
from comp.racing.heat import FOLD, Track, with_thaw
from comp.runs.race import RaceResult
from comp.runs.results import RunSummary
from comp.training.budget import SAFETY
from comp.workspace import Workspace


def run_winner(
    track: Track, config: RunConfig, result: RaceResult, workspace: Workspace, began: float
) -> RunSummary | None:
    """Run the winner in the rest of the budget, or resume its run; None if it is finished."""
    existing = track.folder.run(workspace, config.competition)
    if existing is not None:
        if existing.record().get("state") == "finished":
            return None
        return resume(existing, workspace, track.reporter)
    left = max(1.0, (config.budget or 0.0) - (time.perf_counter() - began))
    candidate = result.candidates[result.winner]
    winner = config_of(track.inputs.competition, config, candidate)
    winner = winner.model_copy(update={"budget": round(left, 1)})
    if candidate.thaw_share:
        step_s = result.rounds[-1].results[result.winner].step_s
        trainings = (winner.folds + winner.full) * winner.seeds
        steps = max(1, int(left * SAFETY / trainings / step_s))
        epoch = epoch_steps(winner, len(track.train))
        winner = with_thaw(winner, candidate, steps, epoch)
    origin = {"id": result.race_id, "tried": result.tried, "candidate": candidate.name}
    try:
        return run(
            winner,
            track.inputs.source,
            workspace,
            track.reporter,
            skip_bad=bool(track.folder.record()["skip_bad"]),
            origin={"race": origin},
        )
    except CompError as error:
        error.args = (f"the race is won by {candidate.name}, but its run stopped: {error}",)
        raise


def winner_text(result: RaceResult) -> str:
    """The winner, and how much its score says."""
    candidate = result.candidates[result.winner]
    if result.tried < 2:
        return f"{candidate.name} runs: {result.tried} candidates have a score"
    return (
        f"winner: {candidate.name}, the best of {result.tried} candidates, so its score on fold "
        f"{FOLD} is optimistic; the out-of-fold score of its run contains fold {FOLD}"
    )
