"""The whole way of a notebook: find the run, bundle and rehearse it, send it, look up its rank."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comp.data.location import open_data
from comp.kaggle.client.credentials import active_credentials
from comp.kaggle.client.deadline import Deadline
from comp.kaggle.client.session import connect
from comp.kaggle.submit_and_rank import SubmitResult, announce, choose_run, result_of, standing_of
from comp.notebook.job import Job, NotebookOptions
from comp.notebook.ready_bundle import find_run_of, ready_bundle
from comp.notebook.submit import submit_notebook
from comp.submission.ledger import Ledger
from comp.workspace import Workspace

if TYPE_CHECKING:
    from comp.report.submit import DeliveryReporter


def submit_run(
    what: str | None,
    workspace: Workspace,
    reporter: DeliveryReporter,
    deadline: Deadline,
    options: NotebookOptions,
    *,
    competition: str | None = None,
) -> SubmitResult:
    """Bundle and rehearse a run where that is not done, submit it with a notebook, and wait.

    Args:
        what: a run, the beginning of its id, or the folder of a bundle; None for the best run that
            is not sent yet.
        competition: the name of the competition, if it is not clear.

    Raises:
        SubmissionError: the rehearsal failed, or the same bundle was sent before.
        CompError: see `comp.notebook.submit.submit_notebook`.
    """
    ledger = Ledger(workspace.ledger)
    if what is None:
        what = choose_run(competition, workspace, ledger, reporter, notebook=True)
    candidate = find_run_of(what, workspace, competition)
    announce(candidate, reporter)
    active_credentials()  # raises before the work of a bundle
    if options.data:
        open_data(candidate.competition, options.data, workspace)  # raises if it is not there
    bundle = ready_bundle(candidate, workspace, options.gpu, options.data, reporter.step)
    _, _, slug = candidate.competition.kaggle.partition("/")
    with connect(deadline, slug) as kaggle:
        job = Job(
            candidate=candidate,
            bundle=bundle,
            kaggle=kaggle,
            ledger=ledger,
            workspace=workspace,
            options=options,
            reporter=reporter,
        )
        attempt = submit_notebook(job)
        rank = standing_of(kaggle, candidate.competition, attempt, workspace)
    cv_score = candidate.scores.get("cv_score")
    reporter.table(candidate.competition, cv_score, attempt, rank)
    return result_of(candidate, attempt, rank)
