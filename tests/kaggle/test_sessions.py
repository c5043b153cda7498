"""The ends of sessions, in the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from kaggle_kernels import KernelResult
from kaggle_server import Contest, KaggleServer
from notebook_desk import Said

from comp.kaggle.client.deadline import Deadline
from comp.kaggle.client.kernels import KernelSpec, push_kernel
from comp.kaggle.client.session import Kaggle, connect
from comp.kaggle.sessions import record_sessions
from comp.submission.ledger import Ledger

SLUG = "pages"


@pytest.fixture
def server() -> Iterator[KaggleServer]:
    with KaggleServer() as made:
        made.contests[SLUG] = Contest(polls=0)
        made.sessions.queued = made.sessions.running = 0
        yield made


@pytest.fixture
def kaggle(
    server: KaggleServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Kaggle]:
    for name, value in server.environment(tmp_path / "home").items():
        monkeypatch.setenv(name, value)
    with connect(Deadline(300), SLUG) as made:
        yield made


@pytest.mark.parametrize(
    ("result", "state", "words"),
    [
        (KernelResult("complete", [], {"submission.csv": b"id\n"}), "ran", "complete: submit it"),
        (KernelResult("complete", [], {"other.csv": b""}), "failed", "left no submission.csv"),
        (KernelResult("error", [], {}, "Memory"), "failed", "failed: Memory"),
        (KernelResult("running"), "pushed", "running"),
    ],
)
def test_what_has_ended_is_recorded(
    server: KaggleServer,
    kaggle: Kaggle,
    tmp_path: Path,
    result: KernelResult,
    state: str,
    words: str,
) -> None:
    server.kernels.run = lambda _run: result
    spec = KernelSpec(
        owner="ada", slug="a-kernel", title="A kernel", text="1", competitions=(SLUG,)
    )
    version = push_kernel(kaggle, spec).version
    server.sessions.made[7_000_001].done.wait(60)
    ledger, said = Ledger(tmp_path / "ledger.jsonl"), Said()
    ledger.append("intent", "comp:a", SLUG, kind="notebook", kernel="ada/a-kernel")
    ledger.append("pushed", "comp:a", SLUG, kernel_version=version)
    ledger.append("intent", "comp:b", SLUG, kind="notebook", kernel="ada/other")
    record_sessions(ledger.attempts(), kaggle, ledger, said)
    assert [attempt.state for attempt in ledger.attempts()] == [state, "intent"]
    (line,) = said.lines
    assert words in line
