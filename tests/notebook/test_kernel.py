"""The session of a notebook: its state, its log, its end."""

from __future__ import annotations

import pytest
from kaggle_kernels import KernelResult
from kaggle_server import KaggleServer
from notebook_desk import RUN, NotebookDesk

from comp.errors import RunError
from comp.notebook.kernel import kernel_log, kernel_status, stop_kernel
from comp.workspace import Workspace


def test_a_running_session_is_shown_and_stopped(desk: NotebookDesk, server: KaggleServer) -> None:
    lines = [("stdout", "reading\n"), ("stderr", "slowly\n")]
    server.kernels.run = lambda _run: KernelResult("running", lines)
    workspace = Workspace.at(desk.place)
    assert desk.here(wait=False).code == 0
    server.sessions.made[7_000_001].done.wait(60)
    server.sessions.made[7_000_001].running = 0
    view = kernel_status(None, workspace, 300)
    assert (view.state, view.version, view.run_id) == ("running", 1, RUN)
    assert view.url == f"https://www.kaggle.com/code/ada/comp-denoising-{RUN}"
    _, log = kernel_log(RUN[:12], workspace, 300)
    assert log.split() == ["reading", "slowly"]
    assert stop_kernel(RUN, workspace, 300).state == "cancelled"
    failed = desk.here()
    assert failed.code == 5
    assert "it was stopped" in str(failed.error)


def test_without_a_notebook_there_is_nothing_to_show(desk: NotebookDesk) -> None:
    with pytest.raises(RunError, match="comp submit RUN --code"):
        kernel_status(None, Workspace.at(desk.place), 300)
    assert desk.here().code == 0
    with pytest.raises(RunError, match="no notebook of run '2027'"):
        kernel_status("2027", Workspace.at(desk.place), 300)
    assert kernel_status(None, Workspace.at(desk.place), 300).state == "complete"
