"""`comp submit --code`, `comp kernel` and `comp submissions`, as commands."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from bundled import Bundled, bundled
from kaggle_datasets import DataSet, Version
from kaggle_kernels import KernelResult
from kaggle_server import TOKEN, Contest, KaggleServer
from notebook_desk import RUN, NotebookDesk, Said, launch, rehearse

from comp.kaggle.client.deadline import Deadline
from comp.kaggle.submit_and_rank import SubmitResult
from comp.notebook.job import NotebookOptions
from comp.notebook.submit_run import submit_run
from comp.pipeline.grade import grade
from comp.workspace import Workspace

__all__ = ["bundled"]
NOTEBOOK = f"ada/comp-denoising-{RUN}"


def test_from_a_run_to_a_score(desk: NotebookDesk) -> None:
    done = desk.run("submit", "--code", "--yes", "--json", "--timeout", "300s", "-m", "first")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["state"], found["public"], found["private"]) == ("scored", "0.01234", "0.02345")
    assert (found["kind"], found["kernel"], found["kernel_version"]) == ("notebook", NOTEBOOK, 1)
    assert found["standing"]["rank"] == 2
    assert "rehears" not in done.stderr  # the bundle was ready
    listed = desk.run("submissions")
    assert "notebook v1" in listed.stdout
    assert "0.01234" in listed.stdout
    (line,) = json.loads(desk.run("submissions", "--json").stdout)["submissions"]
    assert (line["kind"], line["kernel_version"], line["state"]) == ("notebook", 1, "scored")
    none_left = desk.run("submit", "--code", "--yes")
    assert none_left.returncode == 2
    assert "every one was submitted" in none_left.stderr


def test_a_notebook_that_runs_is_seen_by_the_other_commands(
    desk: NotebookDesk, server: KaggleServer
) -> None:
    server.kernels.run = lambda _run: KernelResult("running", [("stdout", "reading\n")])
    pushed = desk.run("submit", RUN, "--code", "--yes", "--no-wait")
    assert pushed.returncode == 0, pushed.stderr
    server.sessions.made[7_000_001].running = 0
    assert "pushed" in desk.run("submissions").stdout
    shown = desk.run("kernel", "status")
    assert f"notebook    {NOTEBOOK}, version 1, of run {RUN}" in shown.stdout
    assert "session     running" in shown.stdout
    assert desk.run("kernel", "logs", RUN).stdout == "reading\n"
    stopped = json.loads(desk.run("kernel", "stop", "--json").stdout)
    assert stopped["state"] == "cancelled"
    refreshed = desk.run("submissions", "--refresh")
    assert refreshed.returncode == 0, refreshed.stderr
    assert "failed: it was stopped" in refreshed.stdout
    assert f"notebook of {RUN}, version 1: it was stopped" in refreshed.stdout
    assert desk.attempt.state == "failed"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--gpu", "none"), "--gpu without --code"),
        (("--model", "--no-run"), "--model, --no-run without --code"),
        (("--code", "--gpu", "a100"), "--gpu a100 does not exist"),
        (("--code", "--session", "20h"), "--session 20h is not between"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    desk: NotebookDesk, words: tuple[str, ...], told: str
) -> None:
    refused = desk.run("submit", RUN, "--yes", *words)
    assert refused.returncode == 2
    assert told in refused.stderr
    assert not desk.server.requests


def test_without_a_terminal_nothing_is_sent(desk: NotebookDesk) -> None:
    refused = desk.run("submit", RUN, "--code")
    assert refused.returncode == 2
    assert "without a terminal: give --yes" in refused.stderr
    assert desk.made() == (0, 0, 0)


class Real:
    """The workspace of a really trained run, as if its drawn data came from Kaggle."""

    def __init__(self, trained: Bundled, place: Path, slug: str, server: KaggleServer) -> None:
        self.place, self.run_id, self.server, self.slug = place, trained.run_id, server, slug
        for folder in ("runs", "submissions"):
            shutil.copytree(trained.workspace.out / folder, place / folder)
        (record,) = place.glob(f"runs/*/{self.run_id}/run.json")
        record.write_text(json.dumps(json.loads(record.read_text()) | {"synthetic": False}))
        self.bundle = place / "bundles" / self.run_id
        shutil.copytree(trained.folder, self.bundle)
        rehearse(self.bundle, json.loads((self.bundle / "manifest.json").read_text())["id"])
        root = trained.data
        self.files = {
            path.relative_to(root).as_posix(): path.read_bytes()
            for path in sorted(root.rglob("*"))
            if path.is_file()
        }
        server.kernels.run = launch

    def submit(self) -> tuple[SubmitResult, Said]:
        """Submit the run with a notebook that really runs."""
        said = Said()
        found = submit_run(
            self.run_id,
            Workspace.at(self.place),
            said,  # type: ignore[arg-type]
            Deadline(300),
            NotebookOptions(gpu="none"),
        )
        assert TOKEN not in said.text
        return found, said

    def own_submission(self) -> list[list[str]]:
        """What the run itself would have sent."""
        (path,) = self.place.glob(f"submissions/*/{self.run_id}.csv")
        return list(csv.reader(io.StringIO(path.read_text())))


def same(first: list[list[str]], second: list[list[str]]) -> bool:
    """Whether two submissions have the same rows, numbers to 1e-4."""

    def cell(text: str) -> float | str:
        try:
            return float(text)
        except ValueError:
            return text

    if [row[:1] for row in first] != [row[:1] for row in second]:
        return False
    cells = [
        (cell(a), cell(b))
        for one, other in zip(first, second, strict=True)
        for a, b in zip(one, other, strict=True)
    ]
    return all(
        abs(a - b) <= 1e-4 if isinstance(a, float) and isinstance(b, float) else a == b
        for a, b in cells
    )


@pytest.mark.parametrize(
    ("name", "slug"),
    [("pages", "denoising-dirty-documents"), ("masks", "tgs-salt-identification-challenge")],
)
def test_a_trained_run_is_scored_by_a_notebook_that_runs(
    desk: NotebookDesk,
    server: KaggleServer,
    bundled: Callable[[str], Bundled],
    tmp_path: Path,
    name: str,
    slug: str,
) -> None:
    real = Real(bundled(name), tmp_path / "real", slug, server)
    scored: list[bytes] = []
    server.contests[slug] = Contest(polls=0, files=real.files)
    server.contests[slug].score = lambda data: scored.append(data) or ("0.5", "")
    found, said = real.submit()
    assert (found.state, found.public) == ("scored", "0.5")
    assert "checked     " in said.text
    assert same(list(csv.reader(io.StringIO(scored[0].decode()))), real.own_submission())


def test_a_data_set_is_scored_here(
    desk: NotebookDesk, server: KaggleServer, bundled: Callable[[str], Bundled], tmp_path: Path
) -> None:
    owner, slug = "paultimothymooney", "chest-xray-pneumonia"
    real = Real(bundled("classes"), tmp_path / "real", slug, server)
    made = DataSet(owner, slug, {"isPrivate": False, "title": "Chest X-Ray Images"})
    made.versions.append(Version(1, "", real.files))
    server.data_sets.made[f"{owner}/{slug}"] = made
    found, said = real.submit()
    assert (found.state, found.ref) == ("graded", None)
    assert "is a data set, which takes no submissions" in said.text
    own = grade(real.run_id, Workspace.at(real.place)).value
    assert found.value is not None
    assert own is not None
    assert np.isclose(found.value, own, atol=1e-4)
    (kept,) = real.place.glob("notebooks/*/submission.csv")
    assert same(list(csv.reader(io.StringIO(kept.read_text()))), real.own_submission())
    assert server.count("CreateCodeSubmission") == server.count("GetSubmissionLimits") == 0
    assert real.server.kernels.pushes()[0].body["datasetDataSources"][1] == f"{owner}/{slug}"
