"""The ledger: whole lines, one after another, whatever stops whom."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from comp.errors import RunError
from comp.submission.ledger import Ledger, new_tag, newest, number


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "submissions" / "ledger.jsonl")


def test_events_of_a_tag_become_one_attempt(ledger: Ledger) -> None:
    ledger.append("intent", "comp:a", "pages", run_id="r1", sha256="s1", cv_score=0.5)
    ledger.append("intent", "comp:b", "pages", run_id="r2", sha256="s2")
    ledger.append("creating", "comp:a", "pages")
    ledger.append("created", "comp:a", "pages", ref=7)
    ledger.append("scored", "comp:a", "pages", public="0.1", private="")
    ledger.append("intent", "comp:c", "others", sha256="s1")
    first, second = ledger.attempts("pages")
    assert (first.tag, first.state, first.ref, first.public) == ("comp:a", "scored", 7, "0.1")
    assert first.facts["cv_score"] == 0.5
    assert first.run_id == "r1"
    assert first.sent
    assert (second.tag, second.state, second.sent) == ("comp:b", "intent", False)
    assert len(ledger.attempts()) == 3


def test_an_attempt_with_a_notebook_knows_its_versions(ledger: Ledger) -> None:
    ledger.append("intent", "comp:a", "pages", kind="notebook", kernel="ada/pages", sha256="m")
    for event, facts in (
        ("versioning", {}),
        ("versioned", {"source_version": 3}),
        ("pushing", {}),
        ("pushed", {"kernel_version": 2}),
        ("failed", {"message": "out of memory"}),
    ):
        ledger.append(event, "comp:a", "pages", **facts)  # type: ignore[arg-type]
    (found,) = ledger.attempts()
    assert (found.kind, found.kernel) == ("notebook", "ada/pages")
    assert (found.source_version, found.kernel_version) == (3, 2)
    assert (found.state, found.message, found.sent) == ("failed", "out of memory", False)


def test_an_attempt_of_an_old_ledger_is_of_a_file(ledger: Ledger) -> None:
    ledger.append("intent", "comp:a", "pages", file="a.csv", sha256="s")
    (found,) = ledger.attempts()
    assert (found.kind, found.kernel, found.kernel_version) == ("file", "", None)


def test_a_version_that_is_no_number_is_no_event(ledger: Ledger) -> None:
    ledger.append("intent", "comp:a", "pages")
    ledger.append("pushed", "comp:a", "pages", kernel_version="two")
    assert [event["event"] for event in ledger.events()] == ["intent"]


def test_the_newest_attempt_with_the_same_bytes_counts(ledger: Ledger) -> None:
    for tag, digest in (("comp:a", "s1"), ("comp:b", "s2"), ("comp:c", "s1")):
        ledger.append("intent", tag, "pages", sha256=digest)
    found = newest(ledger.attempts("pages"), "s1")
    assert found is not None
    assert found.tag == "comp:c"
    assert newest(ledger.attempts("pages"), "s3") is None


def test_no_ledger_is_an_empty_one(ledger: Ledger) -> None:
    assert ledger.attempts() == []
    assert not ledger.path.exists()


def test_lines_are_json_with_a_time_in_utc(ledger: Ledger) -> None:
    ledger.append("intent", "comp:a", "pages", file="é.csv")
    (line,) = ledger.path.read_text(encoding="utf-8").splitlines()
    event = json.loads(line)
    assert event["at"].endswith("+00:00")
    assert event["file"] == "é.csv"
    assert "é" in line


@pytest.mark.parametrize(
    "rest",
    [
        *(b'{"at": "2026', b"\xff\xfe", b"{}", b"[1]", b"null"),
        b'{"at": "2026", "event": "scored", "competition": "pages", "tag": ["comp:a"]}',
        b'{"at": "2026", "event": "intent", "competition": "pages", "tag": "b", "run_id": [1]}',
    ],
)
def test_a_line_that_was_cut_short_harms_no_other(ledger: Ledger, rest: bytes) -> None:
    ledger.append("intent", "comp:a", "pages")
    with ledger.path.open("ab") as stream:
        stream.write(rest)
    ledger.append("created", "comp:a", "pages", ref=1)
    (attempt,) = ledger.attempts()
    assert attempt.state == "created"
    assert ledger.path.read_bytes().count(b"\n") == 3


def test_what_is_written_is_never_written_again(ledger: Ledger) -> None:
    ledger.append("intent", "comp:a", "pages")
    before = ledger.path.read_bytes()
    ledger.append("refused", "comp:a", "pages", message="no")
    assert ledger.path.read_bytes().startswith(before)


def test_processes_that_write_at_once_lose_no_line(ledger: Ledger) -> None:
    code = (
        "import sys; from pathlib import Path; from comp.submission.ledger import Ledger\n"
        "ledger = Ledger(Path(sys.argv[1]))\n"
        "for i in range(40):\n"
        "    ledger.append('intent', f'comp:{sys.argv[2]}-{i}', 'pages', file='y' * 9999)"
    )
    command = [sys.executable, "-c", code, str(ledger.path)]
    running = [subprocess.Popen([*command, str(who)]) for who in range(3)]
    assert [process.wait(600) for process in running] == [0, 0, 0]
    assert len(ledger.attempts()) == 120
    assert len(list(ledger.events())) == 120


def test_one_submits_and_the_other_is_told(ledger: Ledger) -> None:
    with ledger.submitting("pages"):
        other = Ledger(ledger.path).submitting("pages")
        with pytest.raises(RunError, match="another 'comp submit' is running"), other:
            pass
        with ledger.submitting("others"):
            ledger.append("intent", "comp:a", "others")
    with ledger.submitting("pages"):
        assert len(ledger.attempts()) == 1


def test_a_killed_one_keeps_nobody_out(ledger: Ledger) -> None:
    code = (
        "import sys, time; from pathlib import Path; from comp.submission.ledger import Ledger\n"
        "with Ledger(Path(sys.argv[1])).submitting('pages'):\n"
        "    print('in', flush=True); time.sleep(600)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(ledger.path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == "in\n"
        with pytest.raises(RunError), ledger.submitting("pages"):
            pass
        os.kill(process.pid, signal.SIGKILL)
        process.wait(600)
    with ledger.submitting("pages"):  # nobody waits for a lock
        pass


@pytest.mark.usefixtures("no_locks")
def test_a_disk_without_locks_is_one_warning(
    ledger: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    with ledger.submitting("pages"):
        ledger.append("intent", "comp:a", "pages")
        ledger.append("created", "comp:a", "pages", ref=1)
    assert [attempt.state for attempt in ledger.attempts()] == ["created"]
    (line,) = capsys.readouterr().err.splitlines()
    assert "has no file locks" in line


def test_a_ledger_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "submissions").write_text("a file")
    with pytest.raises(RunError, match=r"cannot write the ledger .*ledger\.jsonl"):
        Ledger(tmp_path / "submissions" / "ledger.jsonl").append("intent", "comp:a", "pages")


def test_tags_differ() -> None:
    assert len({new_tag() for _ in range(100)}) == 100


def test_an_attempt_that_failed_hides_none_that_was_sent(ledger: Ledger) -> None:
    for tag, states in (("a", ["intent", "created"]), ("b", ["intent", "refused"])):
        for state in states:
            ledger.append(state, tag, "pages", sha256="s")  # type: ignore[arg-type]
    assert newest(ledger.attempts(), "s") == ledger.attempts()[0]
    ledger.append("intent", "c", "pages", sha256="s")
    ledger.append("unknown", "c", "pages", message="lost")
    assert newest(ledger.attempts(), "s") == ledger.attempts()[2]
    ledger.append("created", "c", "pages", ref=3)
    assert ledger.attempts()[2].message == ""


@pytest.mark.parametrize("text", ["", "None", "nan", "inf"])
def test_scores_that_are_none_are_no_numbers(text: str) -> None:
    assert number(text) is None
    assert number("0.5") == 0.5
