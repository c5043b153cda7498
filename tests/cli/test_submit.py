"""`comp submit` and `comp submissions` against a Kaggle of our own.

A run is laid out by hand: what it predicts does not matter here, its files do.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import forked_comp
import inline_comp
import pytest
from kaggle_server import KEY, TOKEN, Contest, KaggleServer, zipped
from on_terminal import run_on_terminal
from short_limits import LIMITS_S, in_time

from comp.submission.ledger import Ledger

SLUG = "denoising-dirty-documents"
RUN = "20260101-000000-aaaaaa"
AT_ONCE = {"Retry-After": "0"}
BUSY = {"status": 500, "times": 9, "headers": AT_ONCE}
SHORT_WAITS = {
    "comp.kaggle.submit.FIRST_WAIT_S": 0.2,
    "comp.kaggle.look_again.LOOK_S": 1.0,
    "comp.kaggle.look_again.EVERY_S": 0.2,
}
"""Seconds to the second question for a score, and of looks at what may have arrived."""


@pytest.fixture
def server() -> Iterator[KaggleServer]:
    with KaggleServer() as made:
        made.contests[SLUG] = Contest(polls=0, leaderboard=[("a", "0.01"), ("b", "0.5")])
        yield made


@pytest.fixture
def desk(server: KaggleServer, pages: Path, tmp_path: Path) -> Desk:
    desk = Desk(server, tmp_path, pages)
    desk.add_run(RUN, 0.25)
    return desk


class Desk:
    """A workspace with finished runs of the denoising competition on small pages."""

    def __init__(self, server: KaggleServer, place: Path, pages: Path) -> None:
        self.server, self.place, self.pages = server, place / "work", pages
        self.home = place / "home"
        for folder in (self.place, self.home):
            folder.mkdir()

    def add_run(
        self, run_id: str, score: float, synthetic: bool = False, value: str = "0.5"
    ) -> Path:
        """A finished run, whose submission holds one value everywhere."""
        run = self.place / "runs" / "denoising" / run_id
        run.mkdir(parents=True)
        record = {
            "run_id": run_id,
            "state": "finished",
            "competition": "denoising",
            "started": f"{run_id[:4]}-{run_id[4:6]}-{run_id[6:8]}T00:00:00+00:00",
            "synthetic": synthetic,
            "data": str(self.pages),
            "fold_hash": "f" * 64,
            "config": {"folds": 2, "weights": "/home/ada/w.safetensors", "optim": {"lr": score}},
        }
        scores = {"metric": "RMSE", "direction": "min", "cv_score": score, "std": 0.01}
        (run / "run.json").write_text(json.dumps(record))
        (run / "scores.json").write_text(json.dumps(scores))
        ids = (self.pages / "sampleSubmission.csv").read_text().splitlines()[1:]
        lines = ["id,value", *(line.split(",")[0] + "," + value for line in ids)]
        path = self.place / "submissions" / "denoising" / f"{run_id}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n")
        return path

    def ways(
        self,
        *words: str,
        credentials: Any = "token",
        skip_waits: bool = False,
        board_s: float = 60.0,
    ) -> dict[str, Any]:
        """How a command is run."""
        env = self.server.environment(self.home, credentials)
        board = {"comp.kaggle.submit_and_rank.BOARD_S": board_s}
        constants = SHORT_WAITS | board if words[0] == "submit" else {}
        return {"cwd": self.place, "env": env, "constants": constants, "skip_waits": skip_waits}

    def start(self, *words: str) -> forked_comp.ForkedProcess:
        """Begin a command in a process of its own."""
        return forked_comp.start(*words, **self.ways(*words))

    def run(self, *words: str, **how: Any) -> subprocess.CompletedProcess[str]:
        """Run a command in this process; no secret is ever in what it says or leaves."""
        done = inline_comp.run(*words, **self.ways(*words, **how))
        ledger = self.ledger.path.read_text() if self.ledger.path.exists() else ""
        held = done.stdout + done.stderr + ledger
        assert not [secret for secret in (TOKEN, KEY, "verysecret") if secret in held]
        assert "Traceback" not in done.stderr
        return done

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.place / "submissions" / "ledger.jsonl")

    @property
    def sent(self) -> list[dict[str, Any]]:
        """What Kaggle has."""
        return self.server.contests[SLUG].submissions

    def kill_when(self, process: forked_comp.ForkedProcess, ready: Callable[[], bool]) -> None:
        """Kill -9 a command as soon as something is so."""
        end = time.monotonic() + 600
        while not ready():
            assert time.monotonic() < end
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        process.kill()
        process.communicate()

    def states(self) -> list[str]:
        return [event["event"] for event in self.ledger.events()]


def test_the_best_run_is_sent_and_its_score_is_kept(desk: Desk) -> None:
    desk.add_run("20260102-000000-bbbbbb", 0.2, value="0.75")
    desk.add_run("20260103-000000-cccccc", 0.1, synthetic=True)
    done = desk.run("submit", "--yes", "--json", "-m", "first try")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["run_id"] == "20260102-000000-bbbbbb"
    assert (found["state"], found["public"], found["private"]) == ("scored", "0.01234", "0.02345")
    assert found["standing"]["rank"] == 2
    assert "20260102-000000-bbbbbb, OOF RMSE 0.20000" in done.stderr
    (made,) = desk.sent
    assert made["data"].startswith(b"id,value\n")
    tag, rest = made["description"].split(" | ", 1)
    assert tag == desk.ledger.attempts()[0].tag
    assert rest == "first try | 20260102-000000-bbbbbb | OOF 0.20000"
    assert desk.states() == ["intent", "uploaded", "creating", "created", "scored"]
    assert (desk.server.count("CreateSubmission"), desk.server.count("CONNECT")) == (1, 0)

    listed = desk.run("submissions", "--json")
    lines = json.loads(listed.stdout)["submissions"]
    assert [(line["run_id"], line["state"]) for line in lines] == [
        (RUN, ""),
        ("20260102-000000-bbbbbb", "scored"),
        ("20260103-000000-cccccc", ""),
    ]
    assert lines[1]["changes"] == {"optim.lr": 0.2}
    table = desk.run("submissions").stdout
    assert "0.01234" in table
    assert "synthetic" in table

    again = desk.run("submit", "--yes", "--json")
    assert json.loads(again.stdout)["run_id"] == RUN
    none_left = desk.run("submit", "--yes")
    assert none_left.returncode == 2
    assert "every one was submitted" in none_left.stderr
    assert len(desk.sent) == 2


def test_runs_with_another_metric_are_left_out_with_a_note(desk: Desk) -> None:
    desk.add_run("20260102-000000-bbbbbb", 0.5, value="0.75")
    path = desk.place / "runs" / "denoising" / RUN / "scores.json"
    path.write_text(path.read_text().replace("RMSE", "MAE"))
    done = desk.run("submit", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["run_id"] == "20260102-000000-bbbbbb"
    assert "note        1 finished run with another metric than RMSE is left out" in done.stderr


def test_a_run_over_some_folds_is_announced(desk: Desk) -> None:
    path = desk.place / "runs" / "denoising" / RUN / "run.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps(record | {"folds": [1]}))
    done = desk.run("submit", "--yes")
    assert done.returncode == 0, done.stderr
    lines = [line.split(None, 1) for line in done.stdout.splitlines()]
    note = lines.index(["note", "the run covers 1 of 2 folds"])
    assert note < next(i for i, line in enumerate(lines) if line[:1] == ["uploaded"])
    path.write_text(json.dumps(record | {"folds": [0, 1]}))
    assert "covers" not in desk.run("submit", RUN, "--yes", "--force").stdout


def test_the_ledger_names_no_folder(desk: Desk) -> None:
    assert desk.run("submit", "--yes").returncode == 0
    text = desk.ledger.path.read_text()
    assert "/home" not in text
    assert str(desk.place) not in text
    assert '"weights": "w.safetensors"' in text


def test_the_same_file_is_not_sent_twice_unless_it_must_be(desk: Desk) -> None:
    assert desk.run("submit", RUN, "--yes").returncode == 0
    copy = desk.place / "copy.csv"
    copy.write_bytes((desk.place / f"submissions/denoising/{RUN}.csv").read_bytes())
    for what in (RUN, str(copy)):
        refused = desk.run("submit", what, "--yes")
        assert refused.returncode == 2
        assert "the same file was submitted at" in refused.stderr
        assert "--force" in refused.stderr
    assert len(desk.sent) == 1
    assert desk.run("submit", RUN, "--yes", "--force").returncode == 0
    assert len(desk.sent) == 2


def test_without_a_terminal_nothing_is_sent(desk: Desk) -> None:
    refused = desk.run("submit")
    assert refused.returncode == 2
    assert "without a terminal: give --yes" in refused.stderr
    assert desk.sent == []
    assert desk.states() == []


@pytest.mark.parametrize(
    ("typed", "variable", "code", "sent"),
    [
        (b"y\n", "", 0, 1),
        (b"n\n", "", 2, 0),
        (b"", "JPY_PARENT_PID", 2, 0),
        (b"y\n", "COLAB_RELEASE_TAG", 2, 0),
        (b"y\n", "CI", 2, 0),
    ],
)
def test_a_question_is_only_asked_where_a_user_can_answer(
    desk: Desk, typed: bytes, variable: str, code: int, sent: int
) -> None:
    env = desk.server.environment(desk.home) | ({variable: "1"} if variable else {})
    command = [sys.executable, "-m", "comp", "submit"]
    returned, shown = run_on_terminal(command, typed, cwd=desk.place, env=env)
    assert (returned, len(desk.sent)) == (code, sent), shown
    assert (f"send {RUN}.csv to {SLUG}? [y/N]" in shown) is not bool(variable)
    assert ("give --yes" in shown) is bool(variable)


def test_a_quota_that_is_used_up_is_a_refusal(desk: Desk) -> None:
    desk.server.contests[SLUG].allowed = 0
    refused = desk.run("submit", "--yes")
    assert refused.returncode == 3
    assert "no submission of denoising-dirty-documents left today" in refused.stderr
    assert "accept the rules" in refused.stderr
    assert desk.server.count("StartSubmissionUpload") == 0


@pytest.mark.parametrize(
    ("credentials", "fault", "code", "words"),
    [
        ("none", None, 3, "no Kaggle credentials found"),
        ("token", ("GetSubmissionLimits", "status", {"status": 401}), 3, "are not valid"),
        ("token", ("CreateSubmission", "status", {"status": 403}), 3, f"{SLUG}/rules"),
        ("token", ("GetSubmissionLimits", "status", {"status": 404}), 3, f"named '{SLUG}'"),
        ("token", ("CreateSubmission", "status", {"status": 400}), 3, "answered 400"),
        ("token", ("PUT", "status", {"status": 403}), 3, "upload of"),
        ("token", ("PUT", "status", BUSY), 4, "try again later"),
        ("token", ("GetSubmissionLimits", "garbage", {"times": 9}), 4, "not JSON"),
        ("token", ("StartSubmissionUpload", "hang", {"times": 9}), 4, "--timeout"),
    ],
)
def test_what_fails_before_kaggle_has_it_can_be_done_again(
    desk: Desk, credentials: Any, fault: Any, code: int, words: str
) -> None:
    if fault:
        desk.server.fail(fault[0], fault[1], **fault[2])

    def fails(limit_s: float) -> subprocess.CompletedProcess[str]:
        words = ("submit", "--yes", "--timeout", f"{limit_s:g}s")
        return desk.run(*words, credentials=credentials, skip_waits=True)

    hangs = bool(fault) and fault[1] == "hang"
    _, failed = in_time(
        fails,
        lambda: not hangs or desk.server.count(fault[0]) > 0,
        LIMITS_S if hangs else [300],
    )
    assert failed.returncode == code, failed.stderr
    assert words in failed.stderr
    assert len(failed.stderr.strip().splitlines()[-1].split("comp: ")) == 2
    assert desk.sent == []
    assert desk.server.count("CreateSubmission") == (1 if fault and "Create" in fault[0] else 0)
    desk.server.faults.clear()
    assert desk.run("submit", "--yes").returncode == 0
    assert len(desk.sent) == 1


def test_a_lost_answer_is_settled_by_the_tag(desk: Desk) -> None:
    desk.server.fail("CreateSubmission", "drop", done=True)
    lost = desk.run("submit", "--yes")
    assert lost.returncode == 4
    assert "unknown whether Kaggle did it" in lost.stderr
    assert desk.states()[-1] == "unknown"
    settled = desk.run("submit", "--yes", "--json")
    assert settled.returncode == 0, settled.stderr
    assert json.loads(settled.stdout)["public"] == "0.01234"
    assert (len(desk.sent), desk.server.count("CreateSubmission")) == (1, 1)


def test_what_never_arrived_is_sent_again_only_when_asked(desk: Desk) -> None:
    desk.server.fail("CreateSubmission", "drop")
    assert desk.run("submit", "--yes").returncode == 4
    for _ in range(2):
        waiting = desk.run("submit", RUN, "--yes")
        assert waiting.returncode == 4
        assert "--retry-unknown" in waiting.stderr
    assert desk.server.count("CreateSubmission") == 1
    assert desk.run("submit", RUN, "--yes", "--retry-unknown").returncode == 0
    assert len(desk.sent) == 1
    assert "absent" in desk.states()


@pytest.mark.parametrize("state", ["intent", "uploaded", "creating", "made", "created", "scored"])
def test_a_kill_at_any_state_ends_in_one_submission(desk: Desk, state: str) -> None:
    contest = desk.server.contests[SLUG]
    if state == "intent":
        desk.server.fail("StartSubmissionUpload", "hang")
    elif state in ("uploaded", "creating", "made"):
        desk.server.fail("CreateSubmission", "hang", done=state == "made")
    elif state == "created":
        contest.polls = 9999
    else:
        contest.score = lambda _data: ("0.5", "")
    process = desk.start("submit", "--yes")
    reached = "creating" if state in ("uploaded", "made") else state
    if state == "scored":
        process.communicate(timeout=600)
    else:
        method = {"intent": "StartSubmissionUpload", "created": "GetSubmission"}
        asked = method.get(state, "CreateSubmission")
        desk.kill_when(process, lambda: reached in desk.states() and desk.server.count(asked) > 0)
    if state == "uploaded":  # as if it had been killed between two lines
        lines = desk.ledger.path.read_text().splitlines(keepends=True)
        desk.ledger.path.write_text("".join(lines[:-1]))
    assert desk.states()[-1] == ("uploaded" if state == "uploaded" else reached)
    contest.polls = 0
    codes = [desk.run("submit", RUN, "--yes", "--retry-unknown").returncode for _ in range(3)]
    assert len(desk.sent) == 1
    assert codes == ([2, 2, 2] if state == "scored" else [0, 2, 2])
    (attempt,) = [a for a in desk.ledger.attempts() if a.state == "scored"]
    assert attempt.ref == desk.sent[0]["ref"]


def test_a_run_over_some_folds_comes_after_those_over_all(desk: Desk) -> None:
    path = desk.place / "runs" / "denoising" / "20260109-000000-cccccc"
    desk.add_run(path.name, 0.0001, value="0.25")
    record = json.loads((path / "run.json").read_text())
    (path / "run.json").write_text(json.dumps(record | {"folds": [0]}))
    assert json.loads(desk.run("submit", "--yes", "--json").stdout)["run_id"] == RUN
    assert json.loads(desk.run("submit", "--yes", "--json").stdout)["run_id"] == path.name


def test_two_at_once_send_one(desk: Desk) -> None:
    both = [desk.start("submit", "--yes") for _ in range(2)]
    codes = []
    for process in both:
        process.communicate(timeout=600)
        codes.append(process.returncode)
    assert len(desk.sent) == 1
    assert sorted(codes) in ([0, 2], [0, 0])  # it was refused, or came late enough to wait for it


def test_a_second_one_is_refused_while_the_first_is_sending(desk: Desk) -> None:
    desk.server.fail("CreateSubmission", "hang", done=True)
    first = desk.start("submit", "--yes")
    desk.kill_when(first, lambda: _is_refused(desk))
    assert desk.run("submit", RUN, "--yes").returncode == 0
    assert len(desk.sent) == 1


def _is_refused(desk: Desk) -> bool:
    if not desk.server.count("CreateSubmission"):
        return False
    second = desk.run("submit", "--yes")
    assert second.returncode == 2
    assert "another 'comp submit' is running" in second.stderr
    return True


def test_ctrl_c_leaves_what_the_next_call_understands(desk: Desk) -> None:
    desk.server.fail("CreateSubmission", "hang", done=True)
    process = desk.start("submit", "--yes")
    end = time.monotonic() + 600
    while not desk.server.count("CreateSubmission"):
        assert time.monotonic() < end
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=600)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert desk.run("submit", RUN, "--yes").returncode == 0
    assert len(desk.sent) == 1


def test_a_score_that_does_not_come_is_pending(desk: Desk) -> None:
    desk.server.contests[SLUG].polls = 9999
    pending = desk.run("submit", "--yes", "--timeout", "300s", skip_waits=True)
    assert pending.returncode == 6
    assert "no score after 300 s" in pending.stderr
    assert desk.states()[-1] == "created"
    desk.server.contests[SLUG].polls = 0
    refreshed = desk.run("submissions", "--refresh", "--json")
    assert refreshed.returncode == 0
    assert json.loads(refreshed.stdout)["submissions"][0]["public"] == "0.01234"
    assert desk.run("submissions", "--refresh").returncode == 0
    assert desk.states().count("scored") == 1


def test_no_wait_ends_once_kaggle_has_it(desk: Desk) -> None:
    desk.server.contests[SLUG].polls = 9999
    done = desk.run("submit", "--yes", "--no-wait", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["state"] == "created"
    assert desk.server.count("GetSubmission") == 0


def test_a_scoring_error_tells_its_reason(desk: Desk) -> None:
    desk.server.contests[SLUG].score = lambda _data: "Evaluation Exception: ids differ"
    failed = desk.run("submit", "--yes")
    assert failed.returncode == 5
    assert "Evaluation Exception: ids differ" in failed.stderr
    assert desk.states()[-1] == "error"


@pytest.mark.parametrize("status", ["QUEUED", "RUNNING_SOMEWHERE"])
def test_a_status_that_nobody_knows_means_wait(desk: Desk, status: str) -> None:
    desk.server.contests[SLUG].polls, desk.server.contests[SLUG].status = 1, status
    assert desk.run("submit", "--yes").returncode == 0
    assert desk.server.count("GetSubmission") == 2


def test_a_submission_that_is_not_everywhere_yet_is_waited_for(desk: Desk) -> None:
    desk.server.fail("GetSubmission", "status", status=404)
    assert desk.run("submit", "--yes").returncode == 0


def test_a_submission_of_sample_data_is_refused(desk: Desk) -> None:
    desk.add_run("20260103-000000-cccccc", 0.1, synthetic=True, value="0.1")
    refused = desk.run("submit", "20260103", "--yes")
    assert refused.returncode == 2
    assert "synthetic data" in refused.stderr
    assert desk.server.requests == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text.replace(",0.5\n", ",nan\n", 1), "not a finite number"),
        (lambda text: "", "empty"),
        (lambda text: text.rsplit("\n", 2)[0] + "\n", "1 id is missing"),
    ],
)
def test_a_broken_file_is_never_sent(desk: Desk, change: Callable[[str], str], words: str) -> None:
    path = desk.place / f"submissions/denoising/{RUN}.csv"
    path.write_text(change(path.read_text()))
    refused = desk.run("submit", "--yes")
    assert refused.returncode == 2
    assert words in refused.stderr
    assert desk.server.requests == []


def test_a_data_set_has_no_leaderboard(desk: Desk) -> None:
    run = desk.place / "runs" / "chest-xray" / "20260105-000000-dddddd"
    run.mkdir(parents=True)
    record = {"run_id": run.name, "competition": "chest-xray", "state": "finished"}
    (run / "run.json").write_text(json.dumps(record | {"synthetic": False, "started": "2026"}))
    (run / "scores.json").write_text("{}")
    csv = desk.place / "submissions" / "chest-xray" / f"{run.name}.csv"
    csv.parent.mkdir(parents=True)
    csv.write_text("id,probability,label\n")
    refused = desk.run("submit", run.name, "--yes")
    assert refused.returncode == 2
    assert f"comp grade {run.name}" in refused.stderr
    several = desk.run("submit", "--yes")
    assert several.returncode == 2
    assert "chest-xray, denoising exist here: name one with --competition" in several.stderr
    assert desk.run("submit", "--competition", "denoising", "--yes").returncode == 0


def test_a_large_file_goes_as_zip(desk: Desk) -> None:
    path = desk.place / f"submissions/denoising/{RUN}.csv"
    path.write_text(path.read_text().replace(",0.5\n", ",0.5" + "0" * 1400 + "\n"))
    assert path.stat().st_size > 5_000_000
    assert desk.run("submit", "--yes").returncode == 0
    (made,) = desk.sent
    assert made["data"][:2] == b"PK"
    assert len(made["data"]) < 1_000_000
    (request,) = [seen for seen in desk.server.requests if seen.name == "StartSubmissionUpload"]
    assert request.body["fileName"] == f"{RUN}.csv.zip"
    assert request.body["contentLength"] == len(made["data"])


def test_a_lost_answer_to_a_forced_one_is_settled_too(desk: Desk) -> None:
    assert desk.run("submit", RUN, "--yes").returncode == 0
    desk.server.fail("CreateSubmission", "drop", done=True)
    assert desk.run("submit", RUN, "--yes", "--force").returncode == 4
    assert desk.run("submit", RUN, "--yes", "--force").returncode == 0
    assert len(desk.sent) == 2
    listed = json.loads(desk.run("submissions", "--json").stdout)["submissions"]
    assert [line["ref"] for line in listed] == [made["ref"] for made in desk.sent]


def test_a_forced_one_that_failed_hides_no_submission(desk: Desk) -> None:
    assert desk.run("submit", RUN, "--yes").returncode == 0
    desk.server.fail("PUT", "status", status=403)
    assert desk.run("submit", RUN, "--yes", "--force").returncode == 3
    (line,) = json.loads(desk.run("submissions", "--json").stdout)["submissions"]
    assert line["state"] == "scored"
    assert desk.run("submit", "--yes").returncode == 2
    assert len(desk.sent) == 1


def test_a_competition_of_notebooks_gets_no_file(desk: Desk) -> None:
    desk.server.contests[SLUG].record["isKernelsSubmissionsOnly"] = True
    refused = desk.run("submit", RUN, "--yes")
    assert refused.returncode == 2
    assert f"takes notebooks and no files: submit with 'comp submit {RUN} --code'" in refused.stderr
    assert desk.server.count("StartSubmissionUpload") == 0
    assert desk.states() == []


def test_saying_no_to_sending_again_leaves_it_unknown(desk: Desk) -> None:
    desk.server.fail("CreateSubmission", "drop", done=True)
    assert desk.run("submit", RUN, "--yes").returncode == 4
    desk.server.fail("ListSubmissions", "status", status=200, body={"submissions": []}, times=99)
    assert desk.run("submit", RUN, "--retry-unknown").returncode == 2  # no terminal to ask on
    assert desk.states()[-1] == "unknown"
    desk.server.faults.clear()
    assert desk.run("submit", RUN, "--yes").returncode == 0
    assert len(desk.sent) == 1


def test_what_turns_up_late_is_noted(desk: Desk) -> None:
    desk.server.fail("CreateSubmission", "drop", done=True)
    assert desk.run("submit", RUN, "--yes").returncode == 4
    desk.server.fail("ListSubmissions", "status", status=200, body={"submissions": []})
    assert desk.run("submit", RUN, "--yes", "--retry-unknown").returncode == 0
    assert desk.run("submissions", "--refresh").returncode == 0
    assert sorted(a.ref or 0 for a in desk.ledger.attempts()) == [m["ref"] for m in desk.sent]


def test_a_run_with_the_bytes_of_a_sent_one_is_passed_over(desk: Desk) -> None:
    desk.add_run("20260102-000000-bbbbbb", 0.25)
    desk.add_run("20260103-000000-cccccc", 0.5, value="0.75")
    assert desk.run("submit", "--yes", "--no-wait").returncode == 0
    second = desk.run("submit", "--yes", "--json")
    assert json.loads(second.stdout)["run_id"] == "20260103-000000-cccccc"


def test_a_file_of_no_run_is_settled_and_never_mistaken_for_a_run(desk: Desk) -> None:
    path = desk.place / "mix.csv"
    source = desk.place / f"submissions/denoising/{RUN}.csv"
    path.write_text(source.read_text().replace(",0.5", ",0.125"))
    words = ["submit", "mix.csv", "--competition", "denoising", "--yes", "--data", str(desk.pages)]
    desk.server.fail("CreateSubmission", "drop", done=True)
    assert desk.run(*words).returncode == 4
    found = json.loads(desk.run("submit", "--yes", "--json").stdout)
    assert found["run_id"] == RUN
    assert len(desk.sent) == 2
    assert {a.state for a in desk.ledger.attempts()} == {"created", "scored"}


def test_scores_are_fetched_while_another_is_waited_for(desk: Desk) -> None:
    desk.server.contests[SLUG].polls = 9999
    waiting = desk.start("submit", "--yes")
    end = time.monotonic() + 600
    while "created" not in desk.states():
        assert time.monotonic() < end
        assert waiting.poll() is None, waiting.communicate()
        time.sleep(0.02)
    assert desk.run("submissions", "--refresh").returncode == 0
    waiting.send_signal(signal.SIGINT)
    waiting.communicate(timeout=600)
    assert waiting.returncode == 130


def test_a_submission_that_is_gone_ends_no_refresh(desk: Desk) -> None:
    desk.add_run("20260102-000000-bbbbbb", 0.5, value="0.75")
    for run in (RUN, "20260102-000000-bbbbbb"):
        assert desk.run("submit", run, "--yes", "--no-wait").returncode == 0
    first = desk.sent.pop(0)
    done = desk.run("submissions", "--refresh")
    assert done.returncode == 0
    assert f"{first['ref']}  no status" in done.stdout
    assert [a.state for a in desk.ledger.attempts()] == ["created", "scored"]


def test_a_leaderboard_that_hangs_withholds_no_score(desk: Desk) -> None:
    desk.server.fail("DownloadLeaderboard", "hang", times=9)
    desk.server.fail("GetLeaderboard", "hang", times=9)
    done = desk.run("submit", "--yes", "--json", "--timeout", "300s", board_s=0.5)
    assert done.returncode == 0
    found = json.loads(done.stdout)
    assert (found["public"], found["standing"]) == ("0.01234", None)


@pytest.mark.parametrize("public", ["", "None", "nan"])
def test_a_public_score_that_is_none_is_no_crash(desk: Desk, public: str) -> None:
    desk.server.contests[SLUG].score = lambda _data: (public, "")
    done = desk.run("submit", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["standing"] is None


def test_a_network_that_fails_for_a_while_ends_no_wait(desk: Desk) -> None:
    desk.server.fail("GetSubmission", "status", times=5, status=503, headers=AT_ONCE)
    assert desk.run("submit", "--yes").returncode == 0


def test_a_score_that_cannot_be_asked_for_is_a_network_error(desk: Desk) -> None:
    assert desk.run("submit", "--yes", "--no-wait").returncode == 0
    desk.server.fail("GetSubmission", "hang", times=9)
    _, failed = in_time(
        lambda limit_s: desk.run("submit", RUN, "--yes", "--timeout", f"{limit_s:g}s"),
        lambda: desk.server.count("GetSubmission") > 0,
    )
    assert failed.returncode == 4
    assert "exists, but its score cannot be fetched" in failed.stderr


def test_names_and_folders_that_are_none_are_mistakes(desk: Desk) -> None:
    unknown = desk.run("submissions", "--competition", "a**")
    assert unknown.returncode == 2
    assert "unknown competition" in unknown.stderr
    (desk.place / "file").touch()
    odd = desk.run("submissions", "--refresh", "--runs", "file")
    assert odd.returncode == 2
    assert "cannot read the ledger" in odd.stderr
    assert desk.run("submissions", "--timeout", "99999999999h", "--refresh").returncode == 0
    damaged = desk.place / "runs" / "denoising" / "20260109-000000-eeeeee"
    damaged.mkdir()
    for name in ("run.json", "scores.json"):
        (damaged / name).write_text("[]")
    assert desk.run("submissions").returncode == 0


def train(desk: Desk) -> dict[str, Any]:
    """Run the denoising competition on its downloaded data; returns the summary."""
    tiny = ["folds=2", "max_steps=2", "validations=1", "loader.batch_size=2", "options.crop=32"]
    tiny += ["predict.tta=none", "report.explain=0"]
    sets = [word for key in tiny for word in ("--set", key)]
    trained = desk.run("run", "denoising", "--device", "cpu", "--json", *sets)
    assert trained.returncode == 0, trained.stderr
    summary: dict[str, Any] = json.loads(trained.stdout.splitlines()[-1])
    assert summary["synthetic"] is False
    return summary


@pytest.mark.parametrize("credentials", ["token", "file", "json", "key"])
def test_from_download_to_score_with_any_credentials(
    server: KaggleServer, pages: Path, tmp_path: Path, credentials: Any
) -> None:
    """The whole way: fetch, train (which no credentials change), submit, score, list."""
    desk = Desk(server, tmp_path, pages)
    files = {
        str(path.relative_to(pages)): path.read_bytes()
        for path in sorted(pages.rglob("*"))
        if path.is_file()
    }
    inner = {
        f"{name}.zip": zipped({k: v for k, v in files.items() if k.startswith(f"{name}/")})
        for name in ("train", "train_cleaned", "test")
    }
    sample = {"sampleSubmission.csv": files["sampleSubmission.csv"]}
    server.contests[SLUG].files = inner | {"sampleSubmission.csv.zip": zipped(sample)}
    fetched = desk.run("download", "denoising", credentials=credentials)
    assert fetched.returncode == 0, fetched.stderr
    if credentials == "token":
        summary = train(desk)
    else:
        csv = desk.add_run(RUN, 0.25)
        summary = {"run_id": RUN, "submission": str(csv), "cv_score": 0.25}
    sent = desk.run("submit", "--yes", "--json", credentials=credentials)
    assert sent.returncode == 0, sent.stderr
    assert json.loads(sent.stdout)["run_id"] == summary["run_id"]
    (made,) = desk.sent
    assert made["data"] == Path(summary["submission"]).read_bytes()
    listed = json.loads(desk.run("submissions", "--json").stdout)["submissions"]
    assert [(line["run_id"], line["public"]) for line in listed] == [(summary["run_id"], "0.01234")]
    assert desk.ledger.attempts()[0].facts["cv_score"] == pytest.approx(summary["cv_score"])
    left = {path.name for path in desk.home.rglob("*") if path.is_file()}
    assert left <= {"access_token", "kaggle.json"}
