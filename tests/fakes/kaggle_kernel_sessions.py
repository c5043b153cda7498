"""The sessions of the fake Kaggle: queued, running, ended, with logs and outputs."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from kaggle_answers import Answer, error, page
from kaggle_kernels import KernelResult, KernelRun, KernelVersion

if TYPE_CHECKING:
    from kaggle_server import KaggleServer

STREAM = "/api/v1/kernels/logs/stream/"
ENDED = {
    "complete": "COMPLETE",
    "error": "ERROR",
    "cancelled": "CANCEL_ACKNOWLEDGED",
    "running": "RUNNING",
}


@dataclass
class Session:
    """A run of a kernel version; `result` is there as soon as its code has ended."""

    id: int
    version: KernelVersion
    queued: int
    running: int
    result: KernelResult | None = None
    done: threading.Event = field(default_factory=threading.Event)

    @property
    def status(self) -> str:
        """The state as Kaggle writes it."""
        if self.queued > 0:
            return "QUEUED"
        if self.running > 0 or self.result is None:
            return "RUNNING"
        return ENDED[self.result.state]

    @property
    def active(self) -> bool:
        """Whether it is queued or running."""
        return self.status in ("QUEUED", "RUNNING")


class KernelSessions:
    """All sessions, by number. Questions about the status bring a session forward: it is queued
    for the first `queued` of them and running for the next `running`."""

    def __init__(self, server: KaggleServer) -> None:
        self.server = server
        self.made: dict[int, Session] = {}
        self.queued, self.running = 1, 1
        self.status = ""
        """A status to answer instead of the true one, such as one that nobody knows."""
        self.hides_numbers = False
        """Whether nothing tells the number of a session."""

    def start(self, version: KernelVersion) -> int:
        """Start a session on the data of now; its code runs in a thread of its own."""
        session = Session(7_000_001 + len(self.made), version, self.queued, self.running)
        self.made[session.id] = session
        run = self._run_of(version, hidden=False)
        threading.Thread(target=self._work, args=(session, run), daemon=True).start()
        return session.id

    def _run_of(self, version: KernelVersion, hidden: bool) -> KernelRun:
        contests = {
            name: self.server.contests[name]
            for name in version.body.get("competitionDataSources") or []
            if name in self.server.contests
        }
        return KernelRun(
            text=version.fields.get("text", ""),
            datasets={slug: dict(files) for slug, (_, files) in version.datasets.items()},
            competitions={
                name: dict(
                    contest.hidden_files if hidden and contest.hidden_files else contest.files
                )
                for name, contest in contests.items()
            },
            fields=dict(version.fields),
        )

    def _work(self, session: Session, run: KernelRun) -> None:
        ended = self.server.kernels.run(run)
        with self.server.lock:
            if session.result is None:  # else it was stopped meanwhile
                session.result = ended
        session.done.set()

    def rerun(self, version: KernelVersion) -> KernelResult:
        """Run a version once more, on the hidden test, as a submission does."""
        return self.server.kernels.run(self._run_of(version, hidden=True))

    def active_gpus(self) -> int:
        """How many sessions use a GPU now."""
        return sum(one.active and one.version.fields["enableGpu"] for one in self.made.values())

    def of(self, body: Mapping[str, Any]) -> Session | Answer:
        """The session of the version that a request names."""
        version = self.server.kernels.version(body)
        if not isinstance(version, KernelVersion):
            return version
        if version.session is None:
            return 404, error(404, "Not Found")
        return self.made[version.session]

    def do_GetKernelSessionStatus(self, body: Mapping[str, Any]) -> Answer:
        version = self.server.kernels.version(body)
        if not isinstance(version, KernelVersion):
            return version
        if version.session is None:
            return 200, {"status": "NEW_SCRIPT"}
        session = self.made[version.session]
        shown = self.status or session.status
        if session.queued > 0:
            session.queued -= 1
        elif session.running > 0:
            session.running -= 1
        ended = session.result if not session.active else None
        reason = {"failureMessage": ended.message} if ended and ended.message else {}
        return 200, {"status": shown, **reason}

    def do_ListKernelSessionOutput(self, body: Mapping[str, Any]) -> Answer:
        session = self.of(body)
        if not isinstance(session, Session):
            return session
        if session.active or session.result is None:
            return 200, {"files": [], "log": "", "nextPageToken": ""}
        files = [
            {
                "fileName": name,
                "url": self.server.url_of(f"outputs/{session.id}/{name}", data),
            }
            for name, data in session.result.outputs.items()
        ]
        return 200, {**page("files", files, body), "log": stored_log(session.result)}

    def do_DownloadKernelOutput(self, body: Mapping[str, Any]) -> Answer:
        """Sends to the zip of all outputs, whose address has the number of the session."""
        session = self.of(body)
        if not isinstance(session, Session):
            return session
        number = "" if self.hides_numbers else session.id
        return 302, f"http://localhost/api/v1/kernels/output/download_zip/{number}"

    def do_CancelKernelSession(self, body: Mapping[str, Any]) -> Answer:
        session = self.made.get(int(body.get("kernelSessionId") or 0))
        if session is None:
            return 403, error(403, "Permission 'kernelSessions.cancel' was denied")
        if not session.active:
            return 200, {"errorMessage": "The session is not running"}
        so_far = session.result or KernelResult()
        session.queued = session.running = 0
        session.result = KernelResult("cancelled", so_far.log, {}, "")
        return 200, {}

    def is_stream(self, path: str) -> bool:
        """Whether a GET asks for the log of a session."""
        return urlsplit(path).path.startswith(STREAM)

    def stream(self, path: str) -> tuple[int, str, str]:
        """The log of a session: (status, content type, body)."""
        parts = urlsplit(path)
        owner, slug = parts.path.removeprefix(STREAM).split("/")
        label = parse_qs(parts.query).get("versionLabel", [""])[0]
        with self.server.lock:
            session = self.of({"userName": owner, "kernelSlug": slug, "versionLabel": label})
            if not isinstance(session, Session):
                return session[0], "application/json", json.dumps(session[1])
            if not session.active and session.result:
                return 200, "application/json", stored_log(session.result)
            lines = events(session.result) if session.result else []
        text = "".join(f"data: {json.dumps(event)}\n\n" for event in lines)
        return 200, "text/event-stream", text


def events(result: KernelResult) -> list[dict[str, Any]]:
    """The lines of a log as the API gives them."""
    return [
        {"stream_name": stream, "time": 0.5 * number, "data": text}
        for number, (stream, text) in enumerate(result.log, 1)
    ]


def stored_log(result: KernelResult) -> str:
    """A log as Kaggle stores it: one JSON object in each line, and a list all together."""
    return "[" + "\n,".join(json.dumps(event) for event in events(result)) + "\n]"
