"""A new competition: write the plugin of a draft, check its data, and run a few steps."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comp.config.schema import RunConfig
from comp.contract.competition import Competition
from comp.discovery.conclusion import Missing
from comp.discovery.draft import Draft
from comp.discovery.plugin_file import write_plugin
from comp.discovery.trial import (
    after_writing,
    check_data,
    refuse_errors,
    trial_request,
    trial_run,
)
from comp.errors import CompError, DataError
from comp.runs.folder import RunFolder
from comp.runs.progress import Reporter
from comp.workspace import Workspace

if TYPE_CHECKING:
    from comp.data.audit.audit import Audit
    from comp.pipeline.request import RunRequest
    from comp.runs.results import RunSummary


@dataclass(frozen=True, kw_only=True)
class NewCompetition:
    """A new competition: its plugin, and how the first try went.

    `audit` and `run` are None if they were not asked for. `agreement` says how the submission was
    checked. `next_steps` are commands and words.
    """

    name: str
    path: Path
    draft: Draft
    audit: Audit | None = None
    run: RunSummary | None = None
    agreement: str = ""
    next_steps: tuple[str, ...] = ()

    def values(self) -> dict[str, Any]:
        """The output of `--json`."""
        return {
            **draft_values(self.draft),
            "plugin": self.path,
            "check": None if self.audit is None else self.audit.values(),
            "run": None if self.run is None else asdict(self.run),
            "agreement": self.agreement or None,
            "next": self.next_steps,
        }


def draft_values(draft: Draft) -> dict[str, Any]:
    """What a draft says, for `--json`."""
    conclusion = draft.conclusion
    return {
        "name": draft.name,
        "title": draft.title,
        "kaggle": draft.kaggle or None,
        "form": conclusion.form or None,
        "factory": conclusion.factory or None,
        "task": conclusion.task or None,
        "metric": conclusion.metric or None,
        "arguments": dict(conclusion.arguments),
        "certainty": conclusion.certainty,
        "findings": [asdict(finding) for finding in draft.findings],
        "missing": [asdict(missing) for missing in draft.missing],
        "plugin": None,
    }


def refuse_missing(missing: tuple[Missing, ...]) -> None:
    """Refuse a draft that lacks something.

    Raises:
        DataError: naming all that is missing.
    """
    if missing:
        raise DataError(f"nothing is written: {'; '.join(map(missing_text, missing))}")


def missing_text(missing: Missing) -> str:
    """What is missing, what was found instead, and what to do, on one line."""
    found = f" Found {missing.found}" if missing.found else ""
    choices = f", one of {', '.join(missing.choices[:12])}" if missing.choices else ""
    answer = f"give --answer {missing.argument}=VALUE{choices}" if missing.argument else ""
    advice = missing.advice or answer
    return f"{missing.question}{found}" + (f": {advice}" if advice else "")


def write_and_try(
    draft: Draft,
    path: Path,
    workspace: Workspace,
    data: Path,
    reporter: Reporter,
    *,
    run: bool = True,
    show_audit: Callable[[Audit], None] | None = None,
) -> NewCompetition:
    """Write the plugin of a draft to `path`, check the data, and run a few steps.

    Args:
        data: a folder or a zip.
        show_audit: shows the findings of the check.

    Raises:
        CompError: the check or the run failed; the plugin stays.
    """
    shown = path.relative_to(workspace.root) if path.is_relative_to(workspace.root) else path
    with after_writing(shown, draft.name, "loading it"):
        competition = write_plugin(draft.name, path, draft.text)
    request = trial_request(competition, workspace, data)
    with after_writing(shown, draft.name, "'comp check'"):
        audit = check_data(request, reporter)
        if show_audit:
            show_audit(audit)
        if not run:
            refuse_errors(audit)
    summary = _run(request, audit, reporter, shown) if run else None
    return NewCompetition(
        name=draft.name,
        path=path,
        draft=draft,
        audit=audit,
        run=summary,
        agreement=agreement(competition, summary) if summary else "",
        next_steps=tuple(next_steps(draft, shown, _options(draft, data, workspace, summary))),
    )


def _run(request: RunRequest, audit: Audit, reporter: Reporter, plugin: Path) -> RunSummary:
    """The run of a few steps. It is tried even if the check found errors, because not all of them
    stop a run; if it fails, the first of them is the reason."""
    name = request.competition.name
    reporter.note(
        "a short run of one fold follows, to try the plugin: a few steps, without pretrained "
        "weights; its score says little"
    )
    try:
        with after_writing(plugin, name, "the short run"):
            return trial_run(request, reporter, audit.train, audit.test)
    except CompError:
        with after_writing(plugin, name, "'comp check'"):
            refuse_errors(audit)
        raise


def agreement(competition: Competition, summary: RunSummary) -> str:
    """What of the submission was compared with the sample submission."""
    with summary.submission.open(encoding="utf-8", errors="replace") as file:
        columns = file.readline().strip()
    if competition.sample_submission:
        return (
            f"the submission has the {summary.n_rows:,} ids and the columns ({columns}) of "
            f"{competition.sample_submission}, and values that {competition.metric.name} scores"
        )
    return (
        f"the data has no sample submission: nothing confirms the columns ({columns}) and the "
        f"{summary.n_rows:,} rows of the submission"
    )


def _options(draft: Draft, data: Path, workspace: Workspace, summary: RunSummary | None) -> str:
    """The options that a command for all folds needs: where the data is, and fewer folds if the
    usual number cannot be made."""
    of_workspace = data.resolve() == workspace.data(draft.name).resolve()
    given = "" if of_workspace else f" --data {shlex.quote(str(data))}"
    usual = int(draft.competition.defaults.get("folds", RunConfig.model_fields["folds"].default))
    used = usual
    if summary:
        used = int(RunFolder(summary.run_dir).record("config")["config"]["folds"])
    return f" --folds {used}{given}" if used < usual else given


def next_steps(draft: Draft, path: Path, options: str) -> Iterator[str]:
    """What to do after the first try: commands with what they do, and what to correct."""
    name = draft.name
    guesses = [finding.what for finding in draft.findings if finding.certainty == "guess"]
    if guesses:
        yield f"look at {path} and correct what was guessed: {'; '.join(guesses)}"
    if not draft.kaggle:
        yield f"write the competition's address into {path}: kaggle='competitions/<slug>'"
    yield f"comp check {name}{options}: check every image, not only the lists"
    defaults = draft.competition.defaults
    backbone = defaults.get("backbone") if defaults.get("pretrained") else None
    weights = f"; it fetches the weights of {backbone}, or takes --weights FILE" if backbone else ""
    yield f"comp run {name} --budget 1h{options}: train all folds in an hour{weights}"
    yield f"comp explain-config {name}: what can be set, for 'defaults' in {path} or for --set"
    yield "comp submit RUN_ID: send the submission of that run"
