"""Kernels by the real client: what a push says, what Kaggle makes of it, and what it costs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import slugify
from kaggle_datasets import DataSet, Version
from kaggle_server import TOKEN, USER, Contest, KaggleServer
from kagglesdk.kernels.types.kernels_api_service import ApiSaveKernelRequest, ApiSaveKernelResponse
from kagglesdk.kernels.types.kernels_enums import KernelExecutionType

from comp.errors import AnswerError, RefusedError, UnknownOutcomeError
from comp.kaggle.client import kernels
from comp.kaggle.client.kernels import (
    GpuQuota,
    InvalidSourcesError,
    KernelSpec,
    find_kernel_version,
    gpu_quota,
    push_kernel,
    slug_of,
)
from comp.kaggle.client.session import Kaggle

REF = f"{USER}/comp-pages"


def spec(**changed: object) -> KernelSpec:
    """A kernel for a competition that is there."""
    fields: dict[str, object] = {
        "owner": USER,
        "slug": "comp-pages",
        "title": "comp pages",
        "text": "print('hello')  # [comp:1]",
        "datasets": (f"{USER}/comp-weights",),
        "competitions": ("pages",),
    }
    return KernelSpec(**(fields | changed))  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def sources(server: KaggleServer) -> DataSet:
    """The competition, and the data set in one version."""
    server.contests["pages"] = Contest(files={"sample.csv": b"id,value\n"})
    made = DataSet(USER, "comp-weights", {"isPrivate": True, "title": "comp weights"})
    made.versions.append(Version(1, "first", {"w.bin": b"old"}))
    server.data_sets.made[f"{USER}/comp-weights"] = made
    return made


def test_a_push_sets_every_field(server: KaggleServer, kaggle: Kaggle) -> None:
    pushed = push_kernel(kaggle, spec(timeout_s=1800, keywords=("vision",)))
    assert (pushed.ref, pushed.version, pushed.kernel_id) == (REF, 1, 900)
    assert pushed.url == f"https://www.kaggle.com/code/{REF}"
    (made,) = server.kernels.made[REF].versions
    assert made.body == {
        "slug": REF,
        "newTitle": "comp pages",
        "text": "print('hello')  # [comp:1]",
        "language": "python",
        "kernelType": "script",
        "datasetDataSources": [f"{USER}/comp-weights"],
        "competitionDataSources": ["pages"],
        "categoryIds": ["vision"],
        "isPrivate": True,
        "enableGpu": True,
        "enableTpu": False,
        "enableInternet": False,
        "dockerImagePinningType": "latest",
        "sessionTimeoutSeconds": 1800,
        "kernelExecutionType": "SAVE_AND_RUN_ALL",
        "machineShape": "NvidiaTeslaT4",
    }


def test_every_field_of_the_sdk_is_set_or_known_to_be_left_out() -> None:
    """A canary: a new field gets Kaggle's default, which may be a trap."""
    full = spec(kernels=("a/b",), models=("a/b/pyTorch/c/1",), keywords=("x",))
    sent = set(ApiSaveKernelRequest.to_dict(kernels._request(full, run=True)))
    known = {field.json_name for field in ApiSaveKernelRequest._fields}
    assert known - sent == {"id", "priority", "dockerImage"}
    answered = {field.json_name for field in ApiSaveKernelResponse._fields}
    assert set(kernels._INVALID) | {"invalidTags"} == {f for f in answered if "invalid" in f}


def test_internet_and_other_defaults_are_traps(server: KaggleServer, kaggles_client: str) -> None:
    """Canaries: what the fake and Kaggle's own client make of fields that are not set."""
    body = {"newTitle": "comp pages", "slug": REF, "enableGpu": True}
    status, answer = server.answer("SaveKernel", body)
    assert (status, answer["error"]) == (200, "")
    (made,) = server.kernels.pushes()
    assert made.fields["enableInternet"] is True
    assert made.fields["machineShape"] == "NvidiaTeslaP100"
    assert 'get_bool(meta_data, "enable_internet", True)' in kaggles_client


def test_without_an_accelerator_no_quota_is_spent(server: KaggleServer, kaggle: Kaggle) -> None:
    push_kernel(kaggle, spec(accelerator="none"))
    (made,) = server.kernels.pushes()
    assert made.body["enableGpu"] is False
    assert "machineShape" not in made.body
    assert gpu_quota(kaggle).used_h == 0


def test_a_version_can_be_saved_without_running(server: KaggleServer, kaggle: Kaggle) -> None:
    assert push_kernel(kaggle, spec(), run=False).version == 1
    (made,) = server.kernels.pushes()
    assert made.body["kernelExecutionType"] == KernelExecutionType.QUICK_SAVE.name
    assert made.session is None
    assert gpu_quota(kaggle).used_h == 0


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"title": "comp", "slug": "comp"}, "at least 5 characters, 'comp' has 4"),
        ({"title": "Comp: Pages!", "slug": "comp_pages"}, "becomes 'comp-pages', not 'comp_pages'"),
        ({"datasets": ("datasets/ada/comp-weights",)}, "leave out prefixes such as datasets/"),
        ({"competitions": ("competitions/pages",)}, "not the name of a competition"),
        ({"models": ("ada/net/pyTorch/default",)}, "not the name of a model"),
    ],
)
def test_what_kaggle_would_misread_is_refused_before_the_push(
    changed: dict[str, object], words: str
) -> None:
    with pytest.raises(RefusedError, match=words):
        spec(**changed)


@pytest.mark.parametrize(
    "title", ["comp pages", "Comp: Pages!", "  a--b  c", "Denoising 2.0 (v3)", "x_y z", "don't do"]
)
def test_slugs_are_those_of_kaggles_client(kaggles_client: str, title: str) -> None:
    """A canary: Kaggle's client makes slugs with this library."""
    assert slug_of(title) == slugify.slugify(title)
    assert "from slugify import slugify" in kaggles_client


def test_sources_that_are_not_there_are_only_in_the_answer_and_are_named(
    server: KaggleServer, kaggle: Kaggle
) -> None:
    wrong = spec(datasets=("ada/comp-wieghts",), competitions=("pages", "pagse"))
    with pytest.raises(InvalidSourcesError) as caught:
        push_kernel(kaggle, wrong)
    assert "know or show the data set ada/comp-wieghts, the competition pagse:" in str(caught.value)
    assert f"version 1 was saved all the same: stop it at https://www.kaggle.com/code/{REF}" in str(
        caught.value
    )
    assert caught.value.pushed.version == 1
    assert len(server.kernels.pushes()) == 1


def test_a_kernel_that_is_pushed_too_early_runs_on_the_old_data(
    server: KaggleServer, kaggle: Kaggle, sources: DataSet
) -> None:
    sources.versions.append(Version(2, "second", {"w.bin": b"new"}, pending=1))
    push_kernel(kaggle, spec())
    sources.versions[1].pending = 0
    push_kernel(kaggle, spec())
    saw = [version.datasets["comp-weights"] for version in server.kernels.pushes()]
    assert saw == [(1, {"w.bin": b"old"}), (2, {"w.bin": b"new"})]


def test_a_data_set_whose_first_version_is_not_ready_is_an_invalid_source(
    kaggle: Kaggle, sources: DataSet
) -> None:
    sources.versions[0].pending = 1
    with pytest.raises(InvalidSourcesError, match="whether it is ready"):
        push_kernel(kaggle, spec())


def test_another_name_in_the_answer_is_a_refusal(server: KaggleServer, kaggle: Kaggle) -> None:
    body = {"ref": "/code/ada/comp-pages-2", "url": "u", "versionNumber": 7, "kernelId": 5}
    server.fail("SaveKernel", "status", status=200, body=body)
    with pytest.raises(InvalidSourcesError, match="as ada/comp-pages-2 instead of") as caught:
        push_kernel(kaggle, spec())
    assert caught.value.pushed.version == 7


@pytest.mark.parametrize("ref", ["ada/comp-pages", "/code/ada/Comp-Pages", "77", "", None])
def test_kaggle_may_write_the_name_in_other_ways(
    server: KaggleServer, kaggle: Kaggle, ref: str | None
) -> None:
    body = {"ref": ref, "url": None, "versionNumber": 7, "kernelId": 5}
    server.fail("SaveKernel", "status", status=200, body=body)
    assert push_kernel(kaggle, spec()).version == 7


def test_the_kernel_has_the_name_of_its_title(server: KaggleServer) -> None:
    """The canary of the fake: the slug of the push is not what counts."""
    server.answer("SaveKernel", {"newTitle": "another title", "slug": REF})
    assert list(server.kernels.made) == [f"{USER}/another-title"]


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        ("Maximum weekly GPU quota of 30.00 hours reached.", "wait until your quota is filled"),
        ("Maximum batch GPU session count of 2 reached.", "wait until a session ends, or stop one"),
        ("Your account must be phone verified", "verify your phone number at https://www"),
        ('The title "comp pages" is taken', "choose another title"),
        ("Notebook not found", "the owner must be the user of these credentials"),
        ("Something else", "correct that"),
    ],
)
def test_an_error_in_an_answer_of_200_says_what_to_do(
    server: KaggleServer, kaggle: Kaggle, problem: str, words: str
) -> None:
    body = {"ref": None, "versionNumber": None, "error": problem, "invalidDatasetSources": None}
    server.fail("SaveKernel", "status", status=200, body=body)
    with pytest.raises(RefusedError) as caught:
        push_kernel(kaggle, spec())
    assert f"Kaggle refused, '{problem}': {words}" in str(caught.value)
    assert server.count("SaveKernel") == 1


def test_every_push_that_runs_spends_quota_until_none_is_left(
    server: KaggleServer, kaggle: Kaggle
) -> None:
    server.kernels.gpu_total_s, server.kernels.gpu_sessions = 2 * 3600.0, 9
    push_kernel(kaggle, spec())
    found = gpu_quota(kaggle)
    assert found == GpuQuota(1, 2, datetime(2026, 12, 5, tzinfo=UTC))
    push_kernel(kaggle, spec())
    assert gpu_quota(kaggle).left_h == 0
    with pytest.raises(RefusedError, match="weekly GPU quota"):
        push_kernel(kaggle, spec())
    assert len(server.kernels.pushes()) == 2


def test_an_unverified_phone_is_a_refusal(server: KaggleServer, kaggle: Kaggle) -> None:
    server.kernels.phone_verified = False
    with pytest.raises(RefusedError, match="verify your phone number"):
        push_kernel(kaggle, spec())
    push_kernel(kaggle, spec(accelerator="none"))


def test_sessions_at_once_are_limited(server: KaggleServer, kaggle: Kaggle) -> None:
    for _ in range(2):
        push_kernel(kaggle, spec())
    with pytest.raises(RefusedError, match="session count of 2 reached"):
        push_kernel(kaggle, spec())


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        ("drop", {"done": True}),
        ("drop", {}),
        ("status", {"status": 500, "done": True}),
        ("garbage", {"done": True}),
        ("status", {"status": 200, "body": {"error": ""}, "done": True}),
    ],
)
def test_a_push_is_sent_once_and_found_again(
    server: KaggleServer, kaggle: Kaggle, kind: str, how: dict[str, object]
) -> None:
    server.fail("SaveKernel", kind, **how)
    with pytest.raises(UnknownOutcomeError, match="unknown whether Kaggle did it"):
        push_kernel(kaggle, spec())
    assert server.count("SaveKernel") == 1
    assert find_kernel_version(kaggle, USER, "comp-pages", "comp:1") == (
        1 if how.get("done") else None
    )


def test_the_newest_version_with_a_tag_is_found(server: KaggleServer, kaggle: Kaggle) -> None:
    for tag in ("comp:1", "comp:2", "comp:2", "comp:3"):
        push_kernel(kaggle, spec(text=f"# {tag}"), run=False)
    found = [find_kernel_version(kaggle, USER, "comp-pages", f"comp:{n}") for n in (1, 2, 3, 4)]
    assert found == [1, 3, 4, None]
    assert find_kernel_version(kaggle, USER, "no-such-kernel", "comp:1") is None


def test_a_version_is_named_with_a_v(server: KaggleServer, kaggle: Kaggle) -> None:
    for n in (1, 2):
        push_kernel(kaggle, spec(text=f"# comp:{n}"), run=False)
    find_kernel_version(kaggle, USER, "comp-pages", "comp:1")
    assert server.requests[-1].body["versionLabel"] == "v1"
    asked = {"userName": USER, "kernelSlug": "comp-pages", "versionLabel": "1"}
    assert server.answer("GetKernel", asked)[0] == 404  # as at Kaggle


def test_a_version_that_kaggle_does_not_tell_is_no_missing_version(
    server: KaggleServer, kaggle: Kaggle
) -> None:
    server.fail("GetKernel", "status", status=200, body={"metadata": {"id": 1}, "blob": None})
    with pytest.raises(AnswerError, match="does not tell the version of the kernel"):
        find_kernel_version(kaggle, USER, "comp-pages", "comp:1")


@pytest.mark.parametrize("body", [{}, {"gpuQuota": None}, {"gpuQuota": {"timeUsed": "much"}}])
def test_a_quota_that_cannot_be_read_is_no_crash(
    server: KaggleServer, kaggle: Kaggle, body: dict[str, object]
) -> None:
    server.fail("GetAcceleratorQuotaStatistics", "status", status=200, body=body)
    with pytest.raises(AnswerError, match="cannot be read"):
        gpu_quota(kaggle)


def test_no_message_has_the_token(server: KaggleServer, kaggle: Kaggle) -> None:
    server.fail("SaveKernel", "status", status=200, body={"error": f"bad {TOKEN}"})
    with pytest.raises(RefusedError, match=r"'bad \*\*\*'") as caught:
        push_kernel(kaggle, spec())
    assert TOKEN not in str(caught.value)


PUSH = """
from comp.kaggle.client.deadline import Deadline
from comp.kaggle.client.kernels import KernelSpec, push_kernel
from comp.kaggle.client.session import connect
with connect(Deadline(300)) as kaggle:
    push_kernel(kaggle, KernelSpec(owner="ada", slug="comp-pages", title="comp pages", text=""))
"""


@pytest.mark.parametrize("done", [False, True])
def test_a_client_can_be_killed_before_and_after_its_request_takes_effect(
    server: KaggleServer, tmp_path: Path, done: bool
) -> None:
    """A canary of the fake, on which the tests of resumed submissions rest."""
    server.fail("SaveKernel", "kill", done=done)
    process = subprocess.Popen([sys.executable, "-c", PUSH], env=os.environ, cwd=tmp_path)
    server.victim = process.pid
    assert process.wait(600) == -signal.SIGKILL
    assert len(server.kernels.pushes()) == done
