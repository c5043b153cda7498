"""Attempts with a notebook: exactly one of everything, however often a command is killed."""

from __future__ import annotations

import pytest
from kaggle_kernels import KernelResult
from kaggle_server import KaggleServer
from notebook_desk import RUN, SLUG, NotebookDesk

STEPS = ["intent", "uploaded", "versioning", "versioned", "pushing", "pushed", "ran", "creating"]
ALL = [*STEPS, "created", "scored"]


def test_each_step_is_written_before_its_request(desk: NotebookDesk, server: KaggleServer) -> None:
    seen: dict[str, list[str]] = {}
    answer = server.answer

    def watched(method: str, *rest: object) -> object:
        seen.setdefault(method, desk.states())
        return answer(method, *rest)  # type: ignore[arg-type]

    server.answer = watched  # type: ignore[method-assign]
    done = desk.here(message="first")
    assert done.result is not None, done.error
    assert (done.result.state, done.result.public) == ("scored", "0.01234")
    assert done.result.standing is not None
    assert desk.states() == ALL
    assert seen["StartBlobUpload"] == ["intent"]
    assert seen["CreateDataset"] == STEPS[:3]
    assert seen["SaveKernel"] == STEPS[:5]
    assert seen["CreateCodeSubmission"] == STEPS
    assert desk.made() == (1, 1, 1)
    tag, rest = desk.sent[0]["description"].split(" | ", 1)
    assert tag == desk.attempt.tag
    assert rest == f"first | {RUN} | OOF 0.25000"
    assert (done.result.kind, done.result.kernel_version) == ("notebook", 1)
    assert len(done.said.questions) == 1


def test_the_whole_bundle_arrives_with_its_folders(
    desk: NotebookDesk, server: KaggleServer
) -> None:
    assert desk.here().code == 0
    (made,) = server.data_sets.made.values()
    here = {
        path.relative_to(desk.bundle).as_posix(): path.read_bytes()
        for path in desk.bundle.rglob("*")
        if path.is_file() and path.name != "rehearsal.json"
    }
    assert made.versions[0].files == here
    assert "weights/fold-1.safetensors" in here
    assert made.private


MAKES = ("CreateDataset", "SaveKernel", "CreateCodeSubmission")
ASKS = (
    *("GetSubmissionLimits", "StartBlobUpload", "PUT", "GetDatasetStatus"),
    *("GetKernelSessionStatus", "ListKernelSessionOutput", "GetSubmission", "DownloadLeaderboard"),
)


@pytest.mark.parametrize(
    ("request_name", "done"),
    [*((name, done) for name in MAKES for done in (False, True)), *((a, False) for a in ASKS)],
)
def test_a_kill_at_any_request_ends_in_one_of_each(
    desk: NotebookDesk, server: KaggleServer, request_name: str, done: bool
) -> None:
    server.fail(request_name, "kill", done=done)
    process = desk.start("submit", RUN, "--code", "--yes", "--timeout", "2m")
    server.victim = process.pid
    process.communicate(timeout=600)
    assert process.returncode == -9
    before = desk.states()
    codes = [desk.here(retry_unknown=True).code for _ in range(3)]
    scored = before[-1:] == ["scored"]
    assert codes == ([2, 2, 2] if scored else [0, 2, 2]), (before, desk.states())
    assert desk.made() == (1, 1, 1)
    (ended,) = [a for a in desk.ledger.attempts() if a.state == "scored"]
    assert ended.ref == desk.sent[0]["ref"]


@pytest.mark.parametrize("request_name", MAKES)
def test_a_lost_answer_is_settled_by_looking(
    desk: NotebookDesk, server: KaggleServer, request_name: str
) -> None:
    server.fail(request_name, "drop", done=True)
    lost = desk.here()
    assert lost.code == 4
    assert "repeat the command" in str(lost.error)
    again = desk.here()
    assert again.result is not None, again.error
    assert again.result.state == "scored"
    assert again.said.questions == []  # the same decision goes on
    assert desk.made() == (1, 1, 1)
    assert server.count(request_name) == 1


@pytest.mark.parametrize("request_name", MAKES)
def test_what_never_arrived_is_sent_again_only_when_asked(
    desk: NotebookDesk, server: KaggleServer, request_name: str
) -> None:
    server.fail(request_name, "drop")
    assert desk.here().code == 4
    for _ in range(2):
        waiting = desk.here()
        assert waiting.code == 4
        assert "--retry-unknown" in str(waiting.error)
    assert server.count(request_name) == 1
    assert desk.here(retry_unknown=True).code == 0
    assert server.count(request_name) == 2
    assert desk.made() == (1, 1, 1)


@pytest.mark.parametrize("request_name", MAKES)
def test_what_kaggle_refuses_can_be_done_again(
    desk: NotebookDesk, server: KaggleServer, request_name: str
) -> None:
    body = {"code": 400, "message": "Not today"}
    server.fail(request_name, "status", status=400, body=body)
    refused = desk.here()
    assert refused.code == 3
    assert "Not today" in str(refused.error)
    assert desk.attempt.state == "refused"
    assert desk.here().code == 0
    assert desk.made() == (1, 1, 1)  # a session that ran is not run again


def test_the_same_bundle_is_submitted_once_unless_forced(desk: NotebookDesk) -> None:
    assert desk.here().code == 0
    again = desk.here()
    assert again.code == 2
    assert "the same bundle was sent at" in str(again.error)
    assert "public score 0.01234" in str(again.error)
    forced = desk.here(force=True)
    assert forced.code == 0
    assert desk.made() == (1, 2, 2)  # the weights are there, and are not sent again


def test_no_means_that_nothing_is_sent(desk: NotebookDesk, server: KaggleServer) -> None:
    refused = desk.here(answer=False)
    assert refused.code == 2
    assert desk.made() == (0, 0, 0)
    assert not desk.ledger.attempts()
    (question,) = refused.said.questions
    assert f"submit it to {SLUG}" in question
    assert "two T4" in question
    assert server.count("StartBlobUpload") == 0


def test_nobody_waits_and_the_same_command_goes_on(
    desk: NotebookDesk, server: KaggleServer
) -> None:
    server.sessions.running = 3
    pushed = desk.here(wait=False)
    assert pushed.result is not None
    assert pushed.result.state == "pushed"
    assert desk.here(wait=False).result is not None
    assert desk.made() == (1, 1, 0)
    server.sessions.made[7_000_001].running = 0
    ended = desk.here(wait=False)
    assert ended.result is not None
    assert (ended.result.state, desk.made()) == ("created", (1, 1, 1))
    scored = desk.here()
    assert scored.result is not None
    assert (scored.result.state, desk.made()) == ("scored", (1, 1, 1))


def test_a_notebook_can_be_saved_without_a_run(desk: NotebookDesk, server: KaggleServer) -> None:
    saved = desk.here(run=False)
    assert saved.result is not None, saved.error
    assert saved.result.state == "saved"
    assert "without a run" in saved.said.questions[0]
    (version,) = server.kernels.pushes()
    assert version.session is None
    assert desk.sent == []
    assert desk.here(run=False).code == 2  # it is saved
    assert desk.here().code == 0
    assert desk.made() == (1, 2, 1)


def test_a_failed_session_is_not_submitted_and_can_be_begun_again(
    desk: NotebookDesk, server: KaggleServer
) -> None:
    good = server.kernels.run
    server.kernels.run = lambda _run: KernelResult("error", [("stderr", "no\n")])
    failed = desk.here()
    assert failed.code == 5
    assert desk.states()[-1] == "failed"
    assert desk.sent == []
    server.kernels.run = good
    assert desk.here().code == 0
    assert desk.made() == (1, 2, 1)


def test_an_attempt_goes_on_as_it_began(desk: NotebookDesk, server: KaggleServer) -> None:
    server.fail("SaveKernel", "drop", done=True)
    assert desk.here(gpu="none").code == 4
    other = desk.here(run=False)
    assert other.code == 2
    assert "begin again with --force" in str(other.error)
    again = desk.here()
    assert again.code == 0
    assert "--gpu none" in again.said.text
    assert [v.fields["enableGpu"] for v in server.kernels.pushes()] == [False]


def test_a_score_that_kaggle_cannot_make_is_exit_5(
    desk: NotebookDesk, server: KaggleServer
) -> None:
    server.contests[SLUG].score = lambda _data: "Evaluation failed"
    failed = desk.here()
    assert failed.code == 5
    assert "Evaluation failed" in str(failed.error)
    assert desk.attempt.state == "error"
    assert desk.here().code == 2


def test_the_hidden_test_is_run_after_the_public_one(
    desk: NotebookDesk, server: KaggleServer
) -> None:
    server.contests[SLUG].hidden_files = {"sampleSubmission.csv": b"id,value\nhidden,0\n"}
    runs: list[bytes] = []

    def run(what: object) -> KernelResult:
        runs.append(what.competitions[SLUG]["sampleSubmission.csv"])  # type: ignore[attr-defined]
        return desk.complete(what)  # type: ignore[arg-type]

    server.kernels.run = run
    assert desk.here().code == 0
    assert runs == [desk.submission, b"id,value\nhidden,0\n"]


HIDES = {
    "CreateDataset": ("GetDataset", {"code": 403, "message": "denied"}),
    "SaveKernel": ("GetKernel", {"code": 403, "message": "denied"}),
    "CreateCodeSubmission": ("ListSubmissions", {"submissions": []}),
}
"""A request that makes something -> what does not show it at first."""


@pytest.mark.parametrize("request_name", MAKES)
def test_what_arrives_late_is_not_made_twice(
    desk: NotebookDesk, server: KaggleServer, request_name: str
) -> None:
    server.fail(request_name, "drop", done=True)
    assert desk.here().code == 4
    asked, body = HIDES[request_name]
    status = 200 if "submissions" in body else 403
    if request_name == "CreateDataset":
        server.fail("GetDatasetStatus", "status", status=403, body=body, times=2)
    server.fail(asked, "status", status=status, body=body, times=2)
    late = desk.here(retry_unknown=True)
    assert late.code == 0, late.error
    assert "looking" in late.said.text
    assert desk.made() == (1, 1, 1)


def test_an_attempt_of_another_user_is_not_continued(
    desk: NotebookDesk, server: KaggleServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.fail("CreateCodeSubmission", "drop", done=True)
    assert desk.here().code == 4
    server.tokens["KGAT_of-bob"] = "bob"
    monkeypatch.setenv("KAGGLE_API_TOKEN", "KGAT_of-bob")
    server.fail("ListSubmissions", "status", status=200, body={"submissions": []}, times=9)
    other = desk.here(retry_unknown=True)
    assert other.code == 2
    assert "was begun by ada" in str(other.error)
    assert "credentials are of bob" in str(other.error)
    assert desk.made() == (1, 1, 1)
