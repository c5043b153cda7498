"""What a notebook is pushed with, and what becomes of a source that Kaggle does not know."""

from __future__ import annotations

import pytest
from kaggle_server import KaggleServer
from notebook_desk import RUN, SLUG, NotebookDesk


def test_every_field_is_set(desk: NotebookDesk, server: KaggleServer) -> None:
    assert desk.here(session_s=3600).code == 0
    (pushed,) = server.kernels.pushes()
    told = pushed.body
    assert told["slug"] == f"ada/comp-denoising-{RUN}"
    assert told["newTitle"] == f"comp denoising {RUN}"
    assert (told["language"], told["kernelType"]) == ("python", "script")
    assert (told["isPrivate"], told["enableInternet"]) == (True, False)
    assert told["datasetDataSources"] == [told["slug"]]
    assert told["competitionDataSources"] == [SLUG]
    assert told["sessionTimeoutSeconds"] == 3600
    assert desk.attempt.tag in told["text"]
    assert desk.manifest in told["text"]


@pytest.mark.parametrize(
    ("gpu", "enabled", "shape"),
    [("none", False, None), ("p100", True, "NvidiaTeslaP100"), ("t4x2", True, "NvidiaTeslaT4")],
)
def test_the_machine_is_the_one_that_is_named(
    desk: NotebookDesk, server: KaggleServer, gpu: str, enabled: bool, shape: str | None
) -> None:
    assert desk.here(gpu=gpu).code == 0
    (pushed,) = server.kernels.pushes()
    assert pushed.fields["enableGpu"] is enabled
    if shape:
        assert pushed.fields["machineShape"] == shape


def test_a_source_that_kaggle_leaves_out_is_refused_and_the_session_stopped(
    desk: NotebookDesk, server: KaggleServer
) -> None:
    saving = server.kernels.do_SaveKernel

    def without_data(body: dict[str, object]) -> tuple[int, dict[str, object]]:
        status, answer = saving(body)
        return status, answer | {"invalidCompetitionSources": [SLUG]}

    server.kernels.do_SaveKernel = without_data  # type: ignore[method-assign]
    refused = desk.here()
    assert refused.code == 3
    assert SLUG in str(refused.error)
    assert desk.attempt.state == "refused"
    (session,) = server.sessions.made.values()
    assert not session.active
    assert desk.sent == []


def test_kaggle_says_no_to_a_push(desk: NotebookDesk, server: KaggleServer) -> None:
    server.kernels.phone_verified = False
    refused = desk.here()
    assert refused.code == 3
    assert "phone" in str(refused.error)
    assert desk.made() == (1, 0, 0)
    server.kernels.phone_verified = True
    assert desk.here().code == 0
    assert desk.made() == (1, 1, 1)
