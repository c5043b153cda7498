"""Sessions that end well, badly, without a reason, or not at all."""

from __future__ import annotations

import pytest
from kaggle_kernels import KernelResult
from kaggle_server import KaggleServer
from notebook_desk import NotebookDesk, Said
from short_limits import skip_waits

LOG = """\
Traceback (most recent call last):
  File "first.py", line 1
ValueError: an early one
device two T4
Traceback (most recent call last):
  File "predict.py", line 7
RuntimeError: CUDA out of memory
"""


def test_a_failure_shows_the_last_traceback(desk: NotebookDesk, server: KaggleServer) -> None:
    server.kernels.run = lambda _run: KernelResult("error", [("stderr", LOG)], {}, "Code failed")
    failed = desk.here()
    assert failed.code == 5
    assert "Code failed" in str(failed.error)
    shown = [line for line in failed.said.lines if line.startswith("log")]
    assert shown[-1] == "log         RuntimeError: CUDA out of memory"
    assert not [line for line in shown if "early" in line]
    assert desk.attempt.message == "Code failed"


def test_an_error_without_a_reason_says_so(desk: NotebookDesk, server: KaggleServer) -> None:
    server.kernels.run = lambda _run: KernelResult("error")
    failed = desk.here()
    assert failed.code == 5
    assert "Kaggle gives no reason" in str(failed.error)
    assert "its log is empty" in failed.said.text


def test_a_stopped_session_is_a_failure(desk: NotebookDesk, server: KaggleServer) -> None:
    server.kernels.run = lambda _run: KernelResult("cancelled")
    failed = desk.here()
    assert failed.code == 5
    assert "it was stopped" in str(failed.error)


def test_a_session_without_a_submission_file_is_a_failure(
    desk: NotebookDesk, server: KaggleServer
) -> None:
    many = {f"image-{number}.png": b"" for number in range(700)}
    server.kernels.run = lambda _run: KernelResult("complete", [], many)
    failed = desk.here()
    assert failed.code == 5
    assert "left no submission.csv (700 other files)" in str(failed.error)
    assert desk.sent == []


def test_a_file_after_the_first_500_is_found(desk: NotebookDesk, server: KaggleServer) -> None:
    many = {f"image-{number}.png": b"" for number in range(600)}
    outputs = many | {"submission.csv": desk.submission}
    server.kernels.run = lambda _run: KernelResult("complete", [], outputs)
    assert desk.here().code == 0


def test_a_session_without_end_ends_at_the_own_time_limit(
    desk: NotebookDesk, server: KaggleServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.kernels.run = lambda _run: KernelResult("running")
    skip_waits(monkeypatch)
    late = desk.here()
    assert late.code == 6
    assert "has not ended after 300 s" in str(late.error)
    assert "comp kernel stop" in str(late.error)
    assert desk.attempt.state == "pushed"
    assert desk.made() == (1, 1, 0)


@pytest.mark.parametrize("status", ["", "SOMETHING_NEW"])
def test_states_are_shown_and_unknown_ones_wait(
    desk: NotebookDesk, server: KaggleServer, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    server.sessions.queued, server.sessions.running = 2, 2
    server.sessions.status = status
    if status:
        skip_waits(monkeypatch)
    done = desk.here()
    assert done.code == (6 if status else 0)
    states = [line for line in done.said.lines if line.startswith("session")]
    expected = ["queued", "running", "complete, submission.csv is there"]
    assert states == ([] if status else [f"session     {state}" for state in expected])


def test_an_outage_in_between_is_waited_for(desk: NotebookDesk, server: KaggleServer) -> None:
    server.fail("GetKernelSessionStatus", "status", status=404, body={"code": 404}, times=2)
    server.fail("GetKernelSessionStatus", "garbage", times=1)
    assert desk.here().code == 0


def test_ctrl_c_says_that_the_session_goes_on(
    desk: NotebookDesk, server: KaggleServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.sessions.running = 10**6

    def interrupted(*_words: object) -> None:
        raise KeyboardInterrupt

    said = Said()
    monkeypatch.setattr(said, "session", interrupted)
    monkeypatch.setattr("notebook_desk.Said", lambda _answer: said)
    with pytest.raises(KeyboardInterrupt):
        desk.here()
    assert "goes on at Kaggle" in said.lines[-1]
    assert "'comp kernel stop'" in said.lines[-1]


def test_a_notebook_that_was_deleted_can_be_begun_again(
    desk: NotebookDesk, server: KaggleServer
) -> None:
    server.sessions.running = 10**6
    assert desk.here(wait=False).code == 0
    server.kernels.made.clear()
    gone = desk.here()
    assert gone.code == 3
    assert "begin again with --force" in str(gone.error)
    server.sessions.running = 1
    assert desk.here(force=True).code == 0
