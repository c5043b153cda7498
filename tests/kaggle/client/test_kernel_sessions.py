"""Sessions of kernels by the real client: states, outputs over pages, and how one is stopped."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from kaggle_kernels import KernelResult, KernelRun
from kaggle_server import TOKEN, USER, Contest, KaggleServer
from kagglesdk.kernels.types.kernels_api_service import (
    ApiDownloadKernelOutputZipRequest,
    ApiGetKernelSessionStatusResponse,
    ApiKernelMetadata,
    ApiSaveKernelResponse,
)
from kagglesdk.kernels.types.kernels_enums import KernelWorkerStatus

from comp.errors import DataError, RefusedError
from comp.kaggle.client import kernel_sessions
from comp.kaggle.client.kernel_sessions import (
    SessionStatus,
    download_output,
    session_log,
    session_outputs,
    session_status,
    stop_session,
)
from comp.kaggle.client.kernels import KernelSpec, push_kernel
from comp.kaggle.client.session import Kaggle

SLUG = "comp-pages"
SPEC = KernelSpec(
    owner=USER, slug=SLUG, title="comp pages", text="print(1)", competitions=("pages",)
)


@pytest.fixture(autouse=True)
def contest(server: KaggleServer) -> None:
    server.contests["pages"] = Contest(files={"sample.csv": b"id,value\n"})


def ends(server: KaggleServer, **how: object) -> None:
    """Say how kernels end from now on."""
    server.kernels.run = lambda _run: KernelResult(**how)  # type: ignore[arg-type]


def run(kaggle: Kaggle, server: KaggleServer) -> int:
    """Push, and wait for the end of the session."""
    version = push_kernel(kaggle, SPEC).version
    for _ in range(2000):
        if session_status(kaggle, USER, SLUG, version).state not in ("queued", "running"):
            return version
        time.sleep(0.005)
    raise TimeoutError("the session has not ended")


def test_a_session_is_queued_then_running_then_complete(
    server: KaggleServer, kaggle: Kaggle
) -> None:
    server.sessions.queued, server.sessions.running = 1, 2
    version = push_kernel(kaggle, SPEC).version
    seen = [session_status(kaggle, USER, SLUG, version).state for _ in range(3)]
    assert seen == ["queued", "running", "running"]
    server.sessions.made[7_000_001].done.wait(60)
    assert session_status(kaggle, USER, SLUG, version) == SessionStatus("complete")
    assert session_status(kaggle, USER, SLUG, 0) == SessionStatus("complete")


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({"state": "error", "message": "Out of memory"}, SessionStatus("error", "Out of memory")),
        ({"state": "error"}, SessionStatus("error", "")),
        ({"state": "cancelled"}, SessionStatus("cancelled", "")),
    ],
)
def test_a_session_may_end_badly_with_a_reason_or_without(
    server: KaggleServer, kaggle: Kaggle, how: dict[str, str], expected: SessionStatus
) -> None:
    ends(server, **how)
    assert session_status(kaggle, USER, SLUG, run(kaggle, server)) == expected


def test_a_session_may_never_end(server: KaggleServer, kaggle: Kaggle) -> None:
    ends(server, state="running")
    version = push_kernel(kaggle, SPEC).version
    states = {session_status(kaggle, USER, SLUG, version).state for _ in range(20)}
    assert states == {"queued", "running"}


def test_each_version_has_its_own_session(server: KaggleServer, kaggle: Kaggle) -> None:
    run(kaggle, server)
    ends(server, state="error")
    run(kaggle, server)
    assert session_status(kaggle, USER, SLUG, 1).state == "complete"
    assert session_status(kaggle, USER, SLUG, 2).state == "error"


def test_what_is_not_known_is_unknown(server: KaggleServer, kaggle: Kaggle) -> None:
    version = push_kernel(kaggle, SPEC, run=False).version
    assert session_status(kaggle, USER, SLUG, version).state == "unknown"
    assert session_status(kaggle, USER, SLUG, 9).state == "unknown"
    server.sessions.status = "ON_HOLIDAY"
    pushed = push_kernel(kaggle, SPEC)
    expected = SessionStatus("unknown", "Kaggle calls it ON_HOLIDAY")
    assert session_status(kaggle, USER, SLUG, pushed.version) == expected


def test_the_states_are_those_of_the_sdk() -> None:
    """A canary: a new one would be unknown."""
    known = {state.name for state in KernelWorkerStatus}
    assert known == {*kernel_sessions._STATES, "NEW_SCRIPT"}


def test_a_kernel_that_is_not_there_is_refused_with_its_page(kaggle: Kaggle) -> None:
    with pytest.raises(RefusedError, match=r"look at https://www[.]kaggle[.]com/code/ada/nothing"):
        session_status(kaggle, USER, "nothing", 1)


def test_all_outputs_are_listed_over_pages(server: KaggleServer, kaggle: Kaggle) -> None:
    ends(server, outputs={f"out/{n}.png": b"x" for n in range(501)} | {"submission.csv": b"a"})
    found = session_outputs(kaggle, USER, SLUG, run(kaggle, server))
    assert len(found) == 502
    assert found[-1][0] == "submission.csv"


def test_an_output_is_downloaded_into_its_folder(
    server: KaggleServer, kaggle: Kaggle, tmp_path: Path
) -> None:
    ends(server, outputs={"out put/a.csv": b"id\n" * 50, "submission.csv": b"a"})
    version = run(kaggle, server)
    server.fail("GET", "cut", at=20)
    path = download_output(kaggle, USER, SLUG, version, "out put/a.csv", tmp_path / "x")
    assert path == tmp_path / "x" / "out put" / "a.csv"
    assert path.read_bytes() == b"id\n" * 50
    assert [one.name for one in path.parent.iterdir()] == ["a.csv"]
    assert server.count("GET") == 2


@pytest.mark.parametrize("name", ["../a.csv", "/etc/a.csv", "a/../../b", "..\\a.csv", ""])
def test_a_name_that_leads_out_of_the_folder_is_refused(
    server: KaggleServer, kaggle: Kaggle, tmp_path: Path, name: str
) -> None:
    ends(server, outputs={name: b"x"})
    version = run(kaggle, server)
    with pytest.raises(DataError, match="leads out of its folder"):
        download_output(kaggle, USER, SLUG, version, name, tmp_path / "x")
    assert server.count("GET") == 0


def test_an_output_that_is_missing_is_named_with_those_that_are_there(
    server: KaggleServer, kaggle: Kaggle, tmp_path: Path
) -> None:
    version = run(kaggle, server)
    with pytest.raises(RefusedError, match=r"has no such output, it has submission\.csv"):
        download_output(kaggle, USER, SLUG, version, "sub.csv", tmp_path)


def test_a_session_is_stopped_by_its_number(server: KaggleServer, kaggle: Kaggle) -> None:
    ends(server, state="running")
    version = push_kernel(kaggle, SPEC).version
    assert stop_session(kaggle, USER, SLUG, version).state == "cancelled"
    (request,) = [seen for seen in server.requests if seen.name == "CancelKernelSession"]
    assert request.body == {"kernelSessionId": 7_000_001}
    assert stop_session(kaggle, USER, SLUG, version).state == "cancelled"
    assert server.count("CancelKernelSession") == 1


def test_a_session_that_has_ended_is_not_stopped(server: KaggleServer, kaggle: Kaggle) -> None:
    assert stop_session(kaggle, USER, SLUG, run(kaggle, server)).state == "complete"
    assert server.count("CancelKernelSession") == server.count("DownloadKernelOutput") == 0


def test_a_session_without_a_number_is_left_to_the_user(
    server: KaggleServer, kaggle: Kaggle
) -> None:
    server.sessions.hides_numbers = True
    ends(server, state="running")
    version = push_kernel(kaggle, SPEC).version
    page = "stop it yourself at https://www.kaggle.com/code/ada/comp-pages"
    with pytest.raises(RefusedError, match=f"does not tell the number of its session: {page}"):
        stop_session(kaggle, USER, SLUG, version)
    server.fail("DownloadKernelOutput", "status", status=404)
    with pytest.raises(RefusedError, match="stop it yourself"):
        stop_session(kaggle, USER, SLUG, version)
    server.sessions.hides_numbers = False
    server.fail("CancelKernelSession", "status", status=200, body={"errorMessage": f"no {TOKEN}"})
    with pytest.raises(RefusedError, match=r"'no \*\*\*': stop it yourself"):
        stop_session(kaggle, USER, SLUG, version)


def test_the_number_of_a_session_is_in_an_address_of_the_sdk() -> None:
    """A canary: the SDK knows the address that Kaggle sends to, and no answer with the number."""
    request = ApiDownloadKernelOutputZipRequest()
    request.kernel_session_id = 77
    assert request.endpoint() == "/api/v1/kernels/output/download_zip/77"
    answers = (ApiSaveKernelResponse, ApiGetKernelSessionStatusResponse, ApiKernelMetadata)
    fields = {field.field_name for answer in answers for field in answer._fields}
    assert {name for name in fields if "session" in name} == set()


def test_a_kernel_can_really_run_on_what_it_mounts(
    server: KaggleServer, kaggle: Kaggle, tmp_path: Path
) -> None:
    """A canary of the fake: a kernel's code sees the files of the competition."""

    def really(run: KernelRun) -> KernelResult:
        mount = run.mount(tmp_path / "input")
        table = (mount / "pages" / "sample.csv").read_bytes()
        return KernelResult(log=[("stdout", run.text)], outputs={"submission.csv": table})

    server.kernels.run = really
    version = run(kaggle, server)
    assert session_log(kaggle, USER, SLUG, version) == "print(1)"
    path = download_output(kaggle, USER, SLUG, version, "submission.csv", tmp_path)
    assert path.read_bytes() == b"id,value\n"


def test_what_only_asks_is_asked_again(
    server: KaggleServer, kaggle: Kaggle, waits: list[float]
) -> None:
    version = run(kaggle, server)
    for method in ("GetKernelSessionStatus", "ListKernelSessionOutput"):
        server.fail(method, "status", status=503)
    assert session_status(kaggle, USER, SLUG, version).state == "complete"
    assert len(session_outputs(kaggle, USER, SLUG, version)) == 1
    assert len(waits) == 2
