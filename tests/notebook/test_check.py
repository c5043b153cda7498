"""The submission file of a notebook is checked before it costs a submission."""

from __future__ import annotations

import shutil
from pathlib import Path

from kaggle_kernels import KernelResult
from kaggle_server import KaggleServer
from notebook_desk import RUN, NotebookDesk


def test_a_file_that_kaggle_would_refuse_is_not_submitted(
    desk: NotebookDesk, server: KaggleServer
) -> None:
    bad = desk.submission.splitlines(keepends=True)[:-3]
    outputs = {"submission.csv": b"".join(bad)}
    server.kernels.run = lambda _run: KernelResult("complete", [], outputs)
    refused = desk.here()
    assert refused.code == 2
    assert "submission.csv would be refused" in str(refused.error)
    assert (desk.attempt.state, desk.sent) == ("failed", [])


def test_what_was_checked_is_kept(desk: NotebookDesk) -> None:
    done = desk.here()
    assert "checked     " in done.said.text
    kept = desk.place / "notebooks" / f"comp-denoising-{RUN}-v1" / "submission.csv"
    assert kept.read_bytes() == desk.submission


def test_without_the_data_the_file_is_sent_as_it_is(desk: NotebookDesk, tmp_path: Path) -> None:
    shutil.rmtree(desk.place / "runs")
    done = desk.here(str(desk.bundle))  # a bundle from elsewhere
    assert done.code == 0, done.error
    assert "unchecked   the file is sent as it is: no data of denoising" in done.said.text
    assert desk.attempt.facts["cv_score"] == 0.25


def test_data_that_is_named_must_be_there(desk: NotebookDesk, server: KaggleServer) -> None:
    missing = desk.here(data=desk.place / "nowhere")
    assert missing.code == 2
    assert "nowhere" in str(missing.error)
    assert not server.requests
