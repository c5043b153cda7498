"""A workspace with a run and its ready bundle, and a Kaggle that runs notebooks.

The bundle holds a predict.py of a few lines: what it predicts does not matter here.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import forked_comp
from kaggle_kernels import KernelResult, KernelRun
from kaggle_server import KEY, TOKEN, KaggleServer

from comp.bundle.manifest import REHEARSAL, write_manifest
from comp.errors import CompError
from comp.kaggle.client.deadline import Deadline
from comp.kaggle.submit_and_rank import SubmitResult
from comp.notebook.job import NotebookOptions
from comp.notebook.submit_run import submit_run
from comp.submission.ledger import Attempt, Ledger
from comp.workspace import Workspace

SLUG = "denoising-dirty-documents"
RUN = "20260101-000000-aaaaaa"
SHORT_WAITS = {
    "comp.kaggle.look_again.LOOK_S": 0.3,
    "comp.kaggle.look_again.EVERY_S": 0.1,
    "comp.kaggle.submit.FIRST_WAIT_S": 0.05,
    "comp.notebook.weights.FIRST_WAIT_S": 0.05,
    "comp.notebook.watch.FIRST_WAIT_S": 0.05,
}
SHORT_SILENCE = {"comp.kaggle.client.kernel_logs.SILENCE_S": 1.0}
"""Seconds without a new line after which the log of a running session counts as read."""
PREDICT = """\
import sys
from pathlib import Path

words = dict(zip(sys.argv[1::2], sys.argv[2::2]))
(sample,) = Path(words["--input"]).glob("*/sampleSubmission.csv")
print("found", sample.name)
(Path(words["--output"]) / "submission.csv").write_text(sample.read_text())
"""


def make_bundle(folder: Path, run_id: str = RUN, predict: str = PREDICT) -> str:
    """Write a bundle that passed its rehearsal; returns the id of its manifest."""
    (folder / "weights").mkdir(parents=True)
    (folder / "predict.py").write_text(predict)
    (folder / "weights" / "fold-0.safetensors").write_bytes(b"weights" * 100)
    (folder / "weights" / "fold-1.safetensors").write_bytes(b"other weights" * 100)
    told = {"competition": {"name": "denoising"}, "run": {"id": run_id, "cv_score": 0.25}}
    (folder / "bundle.json").write_text(json.dumps(told))
    manifest = str(write_manifest(folder, run_id)["id"])
    rehearse(folder, manifest)
    return manifest


def rehearse(folder: Path, manifest: str, passed: bool = True) -> None:
    """Write the result of a rehearsal."""
    time = {"words": "at Kaggle about 41 minutes of 9 h on two T4"}
    record = {"passed": passed, "manifest": manifest, "time": time}
    (folder / REHEARSAL).write_text(json.dumps(record))


class Said:
    """Keeps what a user would see; `answer` is what the user says to a question."""

    def __init__(self, answer: bool = True) -> None:
        self.lines: list[str] = []
        self.questions: list[str] = []
        self.answer = answer

    def step(self, words: str) -> None:
        self.lines.append(words)

    def sent(self, done: int, total: int) -> None:
        assert done <= total or total == 0

    def session(self, state: str, seconds: float, limit_s: float) -> None:
        self.lines.append(f"watching {state}, at most {limit_s:g} s")

    def confirm(self, question: str) -> bool:
        self.questions.append(question)
        return self.answer

    def table(self, *_values: object) -> None:
        """Show no table."""

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@dataclass
class Here:
    """How a call in this process ended: exit code 0 and a result, or an error."""

    said: Said
    result: SubmitResult | None = None
    error: CompError | None = None

    @property
    def code(self) -> int:
        return self.error.exit_code if self.error else 0


class NotebookDesk:
    """A workspace with one run of the denoising competition on small pages."""

    def __init__(self, server: KaggleServer, place: Path, pages: Path) -> None:
        self.server, self.place, self.pages = server, place / "work", pages
        self.home = place / "home"
        for folder in (self.place, self.home):
            folder.mkdir(parents=True)
        self.add_run(RUN)
        self.bundle = self.place / "bundles" / RUN
        self.manifest = make_bundle(self.bundle)
        self.submission = (pages / "sampleSubmission.csv").read_bytes()
        contest = server.contests[SLUG]
        contest.files = {"sampleSubmission.csv": self.submission}
        server.kernels.run = self.complete

    def complete(self, _run: KernelRun) -> KernelResult:
        """A run that ends well, with a submission file that fits the pages."""
        return KernelResult(
            "complete", [("stdout", "wrote\n")], {"submission.csv": self.submission}
        )

    def add_run(self, run_id: str, score: float = 0.25, synthetic: bool = False) -> None:
        """A finished run."""
        run = self.place / "runs" / "denoising" / run_id
        run.mkdir(parents=True)
        record = {
            "run_id": run_id,
            "state": "finished",
            "competition": "denoising",
            "started": "2026-01-01T00:00:00+00:00",
            "synthetic": synthetic,
            "data": str(self.pages),
            "fold_hash": "f" * 64,
            "config": {"folds": 2, "weights": "/home/ada/w.safetensors"},
        }
        scores = {"metric": "RMSE", "direction": "min", "cv_score": score, "std": 0.01}
        (run / "run.json").write_text(json.dumps(record))
        (run / "scores.json").write_text(json.dumps(scores))

    def start(self, *words: str, **variables: str) -> forked_comp.ForkedProcess:
        """Begin a command."""
        env = self.server.environment(self.home) | variables
        constants = SHORT_WAITS if words[:1] == ("submit",) else SHORT_SILENCE
        return forked_comp.start(*words, cwd=self.place, env=env, constants=constants)

    def run(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; no secret is ever in what it says, sends or leaves."""
        process = self.start(*words, **variables)
        try:
            out, err = process.communicate(timeout=600)
        finally:
            process.kill()
        self.check_no_secret(out + err)
        assert "Traceback" not in err
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def here(
        self,
        what: str | None = RUN,
        *,
        timeout_s: float = 300,
        answer: bool = True,
        **options: Any,
    ) -> Here:
        """`comp submit RUN --code --yes` in this process, whose variables are those of a test."""
        ended = Here(Said(answer))
        try:
            ended.result = submit_run(
                what,
                Workspace.at(self.place),
                ended.said,  # type: ignore[arg-type]
                Deadline(timeout_s),
                NotebookOptions(**options),
            )
        except CompError as error:
            ended.error = error
        self.check_no_secret(f"{ended.said.text} {ended.said.questions} {ended.error}")
        return ended

    def check_no_secret(self, said: str = "") -> None:
        """No token is in what was said, in the workspace, or in what Kaggle holds."""
        texts = [said.encode(), *(p.read_bytes() for p in self.place.rglob("*") if p.is_file())]
        for data_set in self.server.data_sets.made.values():
            texts += [data for version in data_set.versions for data in version.files.values()]
        texts += [version.body["text"].encode() for version in self.server.kernels.pushes()]
        held = b"\n".join(texts)
        assert not [secret for secret in (TOKEN, KEY, "verysecret") if secret.encode() in held]

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.place / "submissions" / "ledger.jsonl")

    @property
    def attempt(self) -> Attempt:
        """The newest attempt."""
        return self.ledger.attempts()[-1]

    def states(self) -> list[str]:
        return [event["event"] for event in self.ledger.events()]

    @property
    def sent(self) -> list[dict[str, Any]]:
        """The submissions that Kaggle has."""
        return self.server.contests[SLUG].submissions

    def made(self) -> tuple[int, int, int]:
        """How many versions of data sets, versions of notebooks, and submissions Kaggle has."""
        versions = [v for one in self.server.data_sets.made.values() for v in one.versions]
        return len(versions), len(self.server.kernels.pushes()), len(self.sent)


def launch(run: KernelRun, more: Mapping[str, Mapping[str, bytes]] | None = None) -> KernelResult:
    """Really run the text of a notebook, on its data below a folder of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        mount, working = Path(scratch) / "input", Path(scratch) / "working"
        working.mkdir()
        run.mount(mount)
        KernelRun("", {}, {slug: dict(files) for slug, files in (more or {}).items()}, {}).mount(
            mount
        )
        script = Path(scratch) / "script.py"
        text = run.text.replace("/kaggle/input", str(mount)).replace(
            "/kaggle/working", str(working)
        )
        script.write_text(text)
        done = subprocess.run(
            [sys.executable, str(script)], capture_output=True, text=True, check=False
        )
        outputs = {
            path.relative_to(working).as_posix(): path.read_bytes()
            for path in working.rglob("*")
            if path.is_file()
        }
    log = [("stdout", done.stdout), ("stderr", done.stderr)]
    return KernelResult("error" if done.returncode else "complete", log, outputs)
