"""The run of the winner of a race: an ordinary run in the rest of the budget."""

from __future__ import annotations

import time

from comp.config.schema import RunConfig
from comp.errors import CompError
from comp.pipeline.resume import resume
from comp.pipeline.run import run
from comp.racing.candidates import config_of
from comp.racing.heat import FOLD, Track
from comp.runs.race import RaceResult
from comp.runs.results import RunSummary
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
    origin = {"id": result.race_id, "tried": result.tried, "candidate": candidate.name}
    try:
        return run(
            winner,
            track.inputs.source,
            workspace,
            track.reporter,
            skip_bad=bool(track.folder.record()["skip_bad"]),
            origin={"race": origin},
            thaw_share=candidate.thaw_share,
        )
    except CompError as error:
        error.args = (f"the race is won by {candidate.name}, but its run stopped: {error}",)
        raise


def winner_text(result: RaceResult) -> str:
    """The winner, and how much its score says."""
    candidate = result.candidates[result.winner]
    if result.tried < 2:
        return f"{candidate.name} runs: {result.tried} candidates have a score"
    if result.winner != result.best:
        return (
            f"{candidate.name} runs: {result.candidates[result.best].name} has a better score, but "
            f"not clearly ({result.comparison})"
        )
    return (
        f"winner: {candidate.name}, the best of {result.tried} candidates, so its score on fold "
        f"{FOLD} is optimistic; the out-of-fold score of its run contains fold {FOLD}"
    )
