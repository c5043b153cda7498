"""What is told and asked before anything is sent."""

from __future__ import annotations

from kaggle_server import KaggleServer
from notebook_desk import RUN, SLUG, NotebookDesk


def test_the_quotas_and_the_time_are_told_first(desk: NotebookDesk, server: KaggleServer) -> None:
    server.kernels.gpu_used_s = 18 * 3600
    done = desk.here()
    assert done.code == 0
    lines = [line for line in done.said.lines if line.startswith("quota")]
    assert lines[0] == "quota       5 left, 0 made today"
    assert lines[1].startswith("quota       12.0 of 30 GPU hours left, until 2026-12-05")
    assert "time        at Kaggle about 41 minutes of 9 h on two T4" in done.said.lines
    names = [seen.name for seen in server.requests]
    assert names.index("GetAcceleratorQuotaStatistics") < names.index("StartBlobUpload")


def test_without_a_submission_left_nothing_is_sent(
    desk: NotebookDesk, server: KaggleServer
) -> None:
    server.contests[SLUG].allowed = 0
    refused = desk.here()
    assert refused.code == 3
    assert f"no submission of {SLUG} left today" in str(refused.error)
    assert desk.made() == (0, 0, 0)
    assert refused.said.questions == []


def test_without_a_gpu_hour_left_a_gpu_is_refused(desk: NotebookDesk, server: KaggleServer) -> None:
    server.kernels.gpu_used_s = server.kernels.gpu_total_s
    refused = desk.here()
    assert refused.code == 3
    assert "--gpu none" in str(refused.error)
    assert desk.made() == (0, 0, 0)
    assert desk.here(gpu="none").code == 0


def test_a_kaggle_that_does_not_tell_the_gpu_hours_is_no_obstacle(
    desk: NotebookDesk, server: KaggleServer
) -> None:
    server.fail("GetAcceleratorQuotaStatistics", "status", status=404, body={"code": 404})
    done = desk.here()
    assert done.code == 0
    assert "Kaggle does not tell the GPU hours" in done.said.text


def test_the_ledger_holds_the_run_and_no_folder(desk: NotebookDesk) -> None:
    assert desk.here(gpu="p100", session_s=7200).code == 0
    facts = desk.attempt.facts
    assert (facts["kind"], facts["gpu"], facts["session_s"]) == ("notebook", "p100", 7200)
    assert (facts["sha256"], facts["run_id"]) == (desk.manifest, RUN)
    assert (facts["cv_score"], facts["metric"], facts["kaggle"]) == (0.25, "RMSE", SLUG)
    text = desk.ledger.path.read_text()
    assert "/home" not in text
    assert str(desk.place) not in text
