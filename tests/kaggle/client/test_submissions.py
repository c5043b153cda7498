"""The steps of a submission, by the real client, at a Kaggle that fails as it is told to."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from kaggle_kernels import KernelResult, KernelRun
from kaggle_server import USER, Contest, KaggleServer
from short_limits import in_time

from comp.errors import AnswerError, NetworkError, RefusedError, UnknownOutcomeError
from comp.kaggle.client.deadline import Deadline
from comp.kaggle.client.kernels import KernelSpec, push_kernel
from comp.kaggle.client.session import Kaggle, connect
from comp.kaggle.client.submissions import (
    PAGE_SIZE,
    create_code_submission,
    create_submission,
    fetch_quota,
    fetch_status,
    find_by_tags,
    upload_file,
)

SLUG = "pages"


@pytest.fixture
def server() -> Iterator[KaggleServer]:
    with KaggleServer() as made:
        made.contests[SLUG] = Contest(polls=0)
        yield made


@pytest.fixture
def kaggle(
    server: KaggleServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Kaggle]:
    for name, value in server.environment(tmp_path / "home").items():
        monkeypatch.setenv(name, value)
    with connect(Deadline(300), SLUG) as made:
        yield made


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "mine.csv"
    path.write_text("id,value\na,1\n")
    return path


def test_the_quota_is_what_kaggle_counts(server: KaggleServer, kaggle: Kaggle, csv: Path) -> None:
    assert (fetch_quota(kaggle).today, fetch_quota(kaggle).left) == (0, 5)
    create_submission(kaggle, upload_file(kaggle, csv), "first")
    assert (fetch_quota(kaggle).today, fetch_quota(kaggle).left) == (1, 4)


def test_what_is_uploaded_is_what_is_submitted(
    server: KaggleServer, kaggle: Kaggle, csv: Path
) -> None:
    told: list[int] = []
    ref = create_submission(kaggle, upload_file(kaggle, csv, told.append), "words [comp:1]")
    (made,) = server.contests[SLUG].submissions
    assert made["ref"] == ref
    assert made["data"] == csv.read_bytes()
    assert made["description"] == "words [comp:1]"
    assert told[-1] == csv.stat().st_size
    assert server.count("StartSubmissionUpload") == server.count("PUT") == 1


@pytest.mark.parametrize(("kind", "how"), [("status", {"status": 503}), ("drop", {})])
def test_an_upload_is_tried_again(
    server: KaggleServer,
    kaggle: Kaggle,
    csv: Path,
    waits: list[float],
    kind: str,
    how: dict[str, int],
) -> None:
    server.fail("PUT", kind, times=2, **how)
    create_submission(kaggle, upload_file(kaggle, csv), "x")
    assert (server.count("PUT"), len(waits)) == (3, 2)
    assert len(server.contests[SLUG].submissions) == 1


def test_an_upload_that_is_refused_is_not_tried_again(
    server: KaggleServer, kaggle: Kaggle, csv: Path
) -> None:
    server.fail("PUT", "status", status=403, body="<Error>verysecret</Error>")
    with pytest.raises(RefusedError, match=r"upload of mine\.csv was refused \(403\)") as caught:
        upload_file(kaggle, csv)
    assert server.count("PUT") == 1
    assert "verysecret" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        ("drop", {"done": True}),
        ("drop", {}),
        ("status", {"status": 500, "body": {"code": 500, "message": "oops"}, "done": True}),
        ("garbage", {"done": True}),
        ("status", {"status": 200, "body": {"code": 500, "message": "oops"}, "done": True}),
        ("status", {"status": 408, "done": True}),
    ],
)
def test_the_request_that_counts_is_sent_once(
    server: KaggleServer, kaggle: Kaggle, csv: Path, kind: str, how: dict[str, object]
) -> None:
    token = upload_file(kaggle, csv)
    server.fail("CreateSubmission", kind, **how)
    with pytest.raises(UnknownOutcomeError, match="unknown whether Kaggle did it"):
        create_submission(kaggle, token, "x")
    assert server.count("CreateSubmission") == 1


def test_a_request_that_is_never_answered_has_an_unknown_outcome(
    server: KaggleServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, csv: Path
) -> None:
    for name, value in server.environment(tmp_path / "home").items():
        monkeypatch.setenv(name, value)
    server.fail("CreateSubmission", "hang", times=9)
    with connect(Deadline(300), SLUG) as kaggle:
        token = upload_file(kaggle, csv)

        def create(limit_s: float) -> NetworkError:
            with pytest.raises(NetworkError) as caught:
                create_submission(replace(kaggle, deadline=Deadline(limit_s)), token, "x")
            return caught.value

        limit_s, error = in_time(create, lambda: server.count("CreateSubmission") > 0)
    assert isinstance(error, UnknownOutcomeError)
    assert f"not done within {limit_s:g} s" in str(error)


@pytest.mark.parametrize(
    ("status", "words"),
    [(400, "correct that"), (403, "competitions/pages/rules"), (429, "too many requests")],
)
def test_a_refusal_is_a_known_outcome(
    server: KaggleServer, kaggle: Kaggle, csv: Path, status: int, words: str
) -> None:
    token = upload_file(kaggle, csv)
    server.fail("CreateSubmission", "status", status=status, body={"message": "no", "code": status})
    with pytest.raises(RefusedError, match=words):
        create_submission(kaggle, token, "x")
    assert server.count("CreateSubmission") == 1


def test_a_submission_without_a_number_is_none(
    server: KaggleServer, kaggle: Kaggle, csv: Path
) -> None:
    token = upload_file(kaggle, csv)
    body = {"message": "Could not submit to competition", "ref": 0}
    server.fail("CreateSubmission", "status", status=200, body=body)
    with pytest.raises(RefusedError, match="made no submission: 'Could not submit"):
        create_submission(kaggle, token, "x")


def test_no_connection_is_a_known_outcome(
    server: KaggleServer, kaggle: Kaggle, csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = upload_file(kaggle, csv)
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody listens there
    with pytest.raises(NetworkError, match="no connection to Kaggle") as caught:
        create_submission(kaggle, token, "x")
    assert not isinstance(caught.value, UnknownOutcomeError)


def test_a_submission_is_found_by_its_tag_over_pages(
    server: KaggleServer, kaggle: Kaggle, csv: Path
) -> None:
    server.contests[SLUG].allowed = 999
    refs = {
        n: create_submission(kaggle, upload_file(kaggle, csv), f"x [comp:{n:03}]") for n in (0, 1)
    }
    server.contests[SLUG].submissions += [
        dict(server.contests[SLUG].submissions[0], ref=n, description="other")
        for n in range(5000, 5000 + 2 * PAGE_SIZE)
    ]
    found = find_by_tags(kaggle, ["comp:001", "comp:000"])
    assert {tag: verdict.ref for tag, verdict in found.items()} == {
        "comp:000": refs[0],
        "comp:001": refs[1],
    }
    assert server.count("ListSubmissions") == 3
    assert find_by_tags(kaggle, ["comp:002"]) == {}
    assert find_by_tags(kaggle, []) == {}
    assert server.count("ListSubmissions") == 6


@pytest.mark.parametrize("listed", [[None], ["words"], {"a": 1}])
def test_a_list_of_something_else_is_no_crash(
    server: KaggleServer, kaggle: Kaggle, listed: object
) -> None:
    server.fail("ListSubmissions", "status", status=200, body={"submissions": listed})
    with pytest.raises(AnswerError, match="cannot be read"):
        find_by_tags(kaggle, ["comp:1"])


def test_a_status_that_nobody_knows_hides_no_submission(
    server: KaggleServer, kaggle: Kaggle, csv: Path
) -> None:
    ref = create_submission(kaggle, upload_file(kaggle, csv), "x [comp:1]")
    server.contests[SLUG].polls, server.contests[SLUG].status = 99, "QUEUED_ELSEWHERE"
    found = find_by_tags(kaggle, ["comp:1"])["comp:1"]
    assert (found.ref, found.state) == (ref, "pending")
    assert fetch_status(kaggle, ref).state == "pending"


def test_scores_are_told_as_kaggle_writes_them(
    server: KaggleServer, kaggle: Kaggle, csv: Path
) -> None:
    server.contests[SLUG].score = lambda _data: ("0.10", "")
    found = fetch_status(kaggle, create_submission(kaggle, upload_file(kaggle, csv), "x"))
    assert (found.state, found.public, found.private) == ("scored", "0.10", "")


def test_the_reason_of_an_error_is_told(server: KaggleServer, kaggle: Kaggle, csv: Path) -> None:
    server.contests[SLUG].score = lambda _data: "ids differ"
    found = fetch_status(kaggle, create_submission(kaggle, upload_file(kaggle, csv), "x"))
    assert (found.state, found.message) == ("error", "ids differ")


@pytest.mark.parametrize("body", [[], "words", {"ref": "seven", "status": 3}])
def test_an_answer_of_another_shape_is_no_crash(
    server: KaggleServer, kaggle: Kaggle, waits: list[float], body: object
) -> None:
    headers = {"Content-Type": "application/json"}
    server.fail("GetSubmission", "status", times=9, status=200, body=body, headers=headers)
    with pytest.raises((AnswerError, NetworkError)):
        fetch_status(kaggle, 7)


def test_an_empty_file_is_uploaded_as_it_is(
    server: KaggleServer, kaggle: Kaggle, tmp_path: Path
) -> None:
    (tmp_path / "empty.csv").touch()
    token = upload_file(kaggle, tmp_path / "empty.csv")
    assert server.uploads[token] == b""


def run_kernel(server: KaggleServer, kaggle: Kaggle, **changed: object) -> int:
    """Push a kernel and wait until it is complete; returns its version."""
    server.sessions.queued = server.sessions.running = 0
    fields = {"owner": USER, "slug": "comp-pages", "title": "comp pages", "text": "x"}
    spec = KernelSpec(**(fields | {"competitions": (SLUG,)} | changed))  # type: ignore[arg-type]
    version = push_kernel(kaggle, spec).version
    list(server.sessions.made.values())[-1].done.wait(60)
    return version


def submit_kernel(kaggle: Kaggle, version: int, name: str = "submission.csv") -> int:
    return create_code_submission(kaggle, USER, "comp-pages", version, name, "x [comp:1]")


def test_an_output_of_a_kernel_is_submitted_and_scored(
    server: KaggleServer, kaggle: Kaggle
) -> None:
    server.contests[SLUG].record["isKernelsSubmissionsOnly"] = True
    ref = submit_kernel(kaggle, run_kernel(server, kaggle))
    (seen,) = [seen for seen in server.requests if seen.name == "CreateCodeSubmission"]
    assert seen.body == {
        "competitionName": SLUG,
        "kernelOwner": USER,
        "kernelSlug": "comp-pages",
        "kernelVersion": 1,
        "fileName": "submission.csv",
        "submissionDescription": "x [comp:1]",
    }
    assert find_by_tags(kaggle, ["comp:1"])["comp:1"].ref == ref
    assert fetch_status(kaggle, ref).state == "scored"
    assert fetch_quota(kaggle).today == 1


def test_a_competition_of_kernels_takes_no_files(
    server: KaggleServer, kaggle: Kaggle, csv: Path
) -> None:
    server.contests[SLUG].record["isKernelsSubmissionsOnly"] = True
    token = upload_file(kaggle, csv)
    with pytest.raises(RefusedError, match="only accepts submissions from notebooks"):
        create_submission(kaggle, token, "x")


@pytest.mark.parametrize(
    ("kind", "how"), [("drop", {"done": True}), ("garbage", {"done": True}), ("drop", {})]
)
def test_a_kernel_is_submitted_once(
    server: KaggleServer, kaggle: Kaggle, kind: str, how: dict[str, object]
) -> None:
    version = run_kernel(server, kaggle)
    server.fail("CreateCodeSubmission", kind, **how)
    with pytest.raises(UnknownOutcomeError, match="unknown whether Kaggle did it"):
        submit_kernel(kaggle, version)
    assert server.count("CreateCodeSubmission") == 1
    assert ("comp:1" in find_by_tags(kaggle, ["comp:1"])) == bool(how.get("done"))


def test_a_kernel_that_is_not_complete_is_refused(server: KaggleServer, kaggle: Kaggle) -> None:
    server.kernels.run = lambda _run: KernelResult("error", outputs={"submission.csv": b""})
    with pytest.raises(RefusedError, match="must have completed successfully"):
        submit_kernel(kaggle, run_kernel(server, kaggle))


@pytest.mark.parametrize(
    ("version", "name", "words"),
    [
        (1, "sub.csv", "Submission file not found: sub.csv"),
        (7, "submission.csv", "no version 7 of https://www.kaggle.com/code/ada/comp-pages"),
    ],
)
def test_a_code_submission_of_something_else_is_refused(
    server: KaggleServer, kaggle: Kaggle, version: int, name: str, words: str
) -> None:
    run_kernel(server, kaggle)
    with pytest.raises(RefusedError) as caught:
        submit_kernel(kaggle, version, name)
    assert words in str(caught.value)


def test_a_kernel_with_internet_is_refused(server: KaggleServer, kaggle: Kaggle) -> None:
    with pytest.raises(RefusedError, match="cannot use internet"):
        submit_kernel(kaggle, run_kernel(server, kaggle, internet=True))


def test_kernels_and_files_share_one_quota(server: KaggleServer, kaggle: Kaggle) -> None:
    server.contests[SLUG].allowed = 1
    version = run_kernel(server, kaggle)
    submit_kernel(kaggle, version)
    with pytest.raises(RefusedError, match="Submission limit reached"):
        submit_kernel(kaggle, version)


def test_a_code_submission_without_a_number_is_none(server: KaggleServer, kaggle: Kaggle) -> None:
    version = run_kernel(server, kaggle)
    server.fail("CreateCodeSubmission", "status", status=200, body={"message": "no", "ref": 0})
    with pytest.raises(RefusedError, match="made no submission: 'no'"):
        submit_kernel(kaggle, version)


def wait_for_score(kaggle: Kaggle, ref: int) -> str:
    for _ in range(2000):
        if (state := fetch_status(kaggle, ref).state) != "pending":
            return state
        time.sleep(0.005)
    raise TimeoutError("the submission is still pending")


def test_a_kernel_is_scored_on_the_hidden_test(server: KaggleServer, kaggle: Kaggle) -> None:
    contest = server.contests[SLUG]
    contest.files, contest.hidden_files = {"s.csv": b"a\n"}, {"s.csv": b"a\nb\n"}
    contest.score = lambda data: (str(len(data)), "")
    server.kernels.run = lambda run: KernelResult(
        outputs={"submission.csv": run.competitions[SLUG]["s.csv"]}
    )
    ref = submit_kernel(kaggle, run_kernel(server, kaggle))
    assert wait_for_score(kaggle, ref) == "scored"
    assert fetch_status(kaggle, ref).public == "4"


def test_a_kernel_may_fail_on_the_hidden_test_without_a_reason(
    server: KaggleServer, kaggle: Kaggle
) -> None:
    contest = server.contests[SLUG]
    contest.files, contest.hidden_files = {"s.csv": b"a\n"}, {"s.csv": b"other"}

    def run(run: KernelRun) -> KernelResult:
        fine = run.competitions[SLUG]["s.csv"] == b"a\n"
        return KernelResult("complete" if fine else "error", outputs={"submission.csv": b"x"})

    server.kernels.run = run
    ref = submit_kernel(kaggle, run_kernel(server, kaggle))
    assert wait_for_score(kaggle, ref) == "error"
    assert fetch_status(kaggle, ref).message == ""
