"""`comp.submit`, the call in Python, for files and for notebooks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comp.errors import ConfigError
from comp.pipeline.ranked_call import in_rank_0
from comp.pipeline.run_view import Run
from comp.workspace import Workspace

if TYPE_CHECKING:
    from comp.kaggle.submit_and_rank import SubmitResult
    from comp.notebook.job import Gpu

PathLike = str | os.PathLike[str]
FILE_S, NOTEBOOK_S = 1800.0, 10 * 3600.0
"""The time limit of the call for a file and for a notebook, in seconds."""


@in_rank_0
def submit(
    what: Run | PathLike,
    *,
    message: str = "",
    wait: bool = True,
    competition: str | None = None,
    data: PathLike | None = None,
    force: bool = False,
    retry_unknown: bool = False,
    timeout_s: float | None = None,
    runs: PathLike | None = None,
    code: bool = False,
    gpu: Gpu = "t4x2",
    model: bool = False,
) -> SubmitResult:
    """Check a submission, send it to Kaggle, and wait for its score, without a question.

    The checks and the ledger are those of `comp submit`: the same file is not sent twice.

    Args:
        what: a run, its id, the beginning of its id, or the path of a CSV file.
        message: the description on Kaggle; with `wait`, the call waits for the score.
        competition: the competition of the file, if it is not clear.
        data: folder or zip file to check against; the run's data if None.
        force: send a file that was already sent.
        retry_unknown: send again if the result of an earlier attempt is unknown.
        timeout_s: time limit of the whole call, in seconds; 30 minutes, 10 hours with `code`.
        runs: the `out` of the run; the current folder if None.
        code: submit with a notebook, as `comp submit --code`; `what` may be the folder of a bundle.
        gpu: the machine of the notebook: "none", "p100" or "t4x2".
        model: bring the weights of the notebook as a Kaggle model, not as a data set.

    Raises:
        SubmissionError: Kaggle would not accept the file, or it was sent before.
        RefusedError: missing credentials, no submission left today, or Kaggle refused.
        NetworkError: Kaggle cannot be reached; UnknownOutcomeError if the answer was lost.
        ScoringError: Kaggle could not score the file, or the notebook failed; PendingError: no
            score within `timeout_s`.
    """
    from comp.kaggle.client.deadline import Deadline
    from comp.kaggle.submit import SubmitOptions
    from comp.kaggle.submit_and_rank import submit_and_rank
    from comp.notebook.job import NotebookOptions
    from comp.notebook.submit_run import submit_run
    from comp.report.submit import DeliveryReporter

    if not code and (gpu != "t4x2" or model):
        raise ConfigError("gpu and model are of a notebook: give code=True as well")
    place = Path(data).expanduser() if data is not None else None
    named = what.run_id if isinstance(what, Run) else os.fspath(what)
    out = Path(runs).expanduser().absolute() if runs else None
    workspace = what.workspace if isinstance(what, Run) else Workspace.at(Path.cwd(), out)
    limit = timeout_s if timeout_s is not None else NOTEBOOK_S if code else FILE_S
    deadline = Deadline(min(limit, 30 * 86_400.0))  # longer times overflow the clocks
    shared: dict[str, Any] = {
        "message": message,
        "force": force,
        "retry_unknown": retry_unknown,
        "wait": wait,
    }
    with DeliveryReporter(yes=True) as reporter:
        sending = (named, workspace, reporter, deadline)
        if code:
            options = NotebookOptions(**shared, gpu=gpu, model=model, data=place)
            return submit_run(*sending, options, competition=competition)
        plain = SubmitOptions(**shared)
        return submit_and_rank(*sending, plain, competition=competition, data=place)
