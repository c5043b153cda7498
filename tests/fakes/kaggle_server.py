"""A Kaggle of our own on 127.0.0.1, which speaks to the real client and fails as it is told to.

It stands where an HTTP proxy would: with `environment()` Kaggle's client sends everything here, in
absolute form (`POST http://localhost/api/v1/<service>/<Method>`), and nothing else can be reached,
since CONNECT is refused. Nothing of the client is patched.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import os
import signal
import socket
import threading
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, unquote, urlsplit

from kaggle_answers import Answer, error, now, page
from kaggle_code_submissions import CodeSubmissions
from kaggle_datasets import Blobs, DataSets
from kaggle_kernel_sessions import KernelSessions
from kaggle_kernels import Kernels
from kaggle_models import Models

TOKEN, USER, KEY = "KGAT_0123456789abcdef-secret", "ada", "0123456789abcdef0123456789abcdef"
BASE = "http://localhost"


@dataclass
class Fault:
    """Something that goes wrong with the next `times` requests that match.

    `on` is a method such as "CreateSubmission", or "GET" (a download from storage), "PUT" (an
    upload), "LogStream", "CONNECT". The kinds:

    status     answers `status` with `body` (a str, or a JSON object) and `headers`
    html       answers 200 with a page
    garbage    answers 200 with JSON that is none
    hang       never answers
    drop       closes the connection without an answer
    cut        sends `at` bytes of the body of a download, then closes the connection
    stall      sends `at` bytes of the body of a download, then nothing more
    kill       kills the client's process (`KaggleServer.victim`) as `kill -9` does

    With `done` the request takes effect first, and only its answer is lost.
    """

    on: str
    kind: Literal["status", "html", "garbage", "hang", "drop", "cut", "stall", "kill"]
    times: int = 1
    status: int = 500
    body: Any = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    at: int = 0
    done: bool = False


@dataclass
class Contest:
    """A competition: its files, who may do what, and how submissions are scored.

    `score` gives (public, private) of the bytes of a submission, or the words of an error. A
    submission is scored once it was asked for `polls` times.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    archive: bytes = b""
    allowed: int = 5
    entered: bool = True
    polls: int = 1
    score: Callable[[bytes], tuple[str, str] | str] = lambda _data: ("0.01234", "0.02345")
    leaderboard: list[tuple[str, str]] = field(default_factory=list)
    submissions: list[dict[str, Any]] = field(default_factory=list)
    status: str = ""
    """A status to answer instead of the true one, such as one that nobody knows."""
    record: dict[str, Any] = field(default_factory=dict)
    """What Kaggle says about it, such as {"evaluationMetric": "AUC"}."""
    hidden_files: dict[str, bytes] = field(default_factory=dict)
    """What a kernel that is submitted reads instead of `files`, if there is something: the hidden
    test, with the sample submission for it."""


@dataclass
class Seen:
    """One request: what it asked for, its JSON or None, and its headers."""

    name: str
    body: Any
    headers: Mapping[str, str]
    at: float


class KaggleServer:
    """A context manager; `contests` and `datasets` ("owner/slug" -> zip) are its state, as are the
    services `data_sets`, `models` and `kernels` for what its user makes."""

    def __init__(self) -> None:
        self.contests: dict[str, Contest] = {}
        self.datasets: dict[str, bytes] = {}
        self.faults: list[Fault] = []
        self.requests: list[Seen] = []
        self.tokens = {TOKEN: USER}
        self.keys = {(USER, KEY)}
        self.closing = threading.Event()
        self.lock = threading.RLock()
        self.uploads: dict[str, bytes] = {}
        self.storage: dict[str, bytes] = {}
        self.victim: int | None = None
        """The process that a fault of the kind "kill" kills, which may start after the fault."""
        self.caller = USER
        """Whom the request that is being answered comes from."""
        self.blobs = Blobs(self)
        self.data_sets = DataSets(self)
        self.models = Models(self)
        self.kernels = Kernels(self)
        self.sessions = KernelSessions(self)
        self.services = (
            self,
            self.blobs,
            self.data_sets,
            self.models,
            self.kernels,
            self.sessions,
            CodeSubmissions(self),
        )
        self._http = ThreadingHTTPServer(
            ("127.0.0.1", 0), type("Connected", (Handler,), {"kaggle": self})
        )
        self._http.daemon_threads = True

    @property
    def url(self) -> str:
        """Address of the server, to be used as a proxy."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> KaggleServer:
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()

    def environment(
        self, home: Path, credentials: Literal["token", "key", "file", "json", "none"] = "token"
    ) -> dict[str, str]:
        """Variables for a subprocess whose Kaggle is this one and whose home folder is `home`.

        `credentials` are the variable KAGGLE_API_TOKEN, the variables of a key, the file
        access_token, the file kaggle.json, or none.
        """
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.upper().startswith(("KAGGLE_", "XDG_")) and "PROXY" not in name.upper()
        }
        proxies = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy")
        made = (
            kept
            | dict.fromkeys(proxies, self.url)
            | {
                "HOME": str(home),
                "KAGGLE_API_ENVIRONMENT": "LOCALHOST",
                "OMP_NUM_THREADS": "1",
            }
        )
        folder = home / ".kaggle"
        if credentials == "token":
            made["KAGGLE_API_TOKEN"] = TOKEN
        elif credentials == "key":
            made |= {"KAGGLE_USERNAME": USER, "KAGGLE_KEY": KEY}
        elif credentials != "none":
            folder.mkdir(parents=True, exist_ok=True)
            if credentials == "file":
                (folder / "access_token").write_text(TOKEN + "\n")
            else:
                (folder / "kaggle.json").write_text(json.dumps({"username": USER, "key": KEY}))
        return made

    def count(self, name: str) -> int:
        """How many requests of a name came: a method, "GET", "PUT" or "CONNECT"."""
        return sum(seen.name == name for seen in self.requests)

    def fail(self, on: str, kind: Any, **how: Any) -> Fault:
        """Add a fault and return it."""
        self.faults.append(Fault(on, kind, **how))
        return self.faults[-1]

    def fault_for(self, name: str) -> Fault | None:
        """The fault that hits a request now, used up by it."""
        with self.lock:
            for fault in self.faults:
                if fault.on == name and fault.times:
                    fault.times -= 1
                    return fault
        return None

    def user_of(self, authorization: str) -> str | None:
        """Who a request comes from."""
        scheme, _, value = authorization.partition(" ")
        if scheme == "Bearer":
            return self.tokens.get(value)
        if scheme == "Basic":
            name, _, key = base64.b64decode(value).decode().partition(":")
            return name if (name, key) in self.keys else None
        return None

    def answer(self, method: str, body: Mapping[str, Any], caller: str = USER) -> Answer:
        """Do what a method of the API asks for; returns (status, JSON), or (302, address)."""
        with self.lock:
            self.caller = caller
            for service in self.services:
                if doing := getattr(service, f"do_{method}", None):
                    done: Answer = doing(body)
                    return done
            return 404, error(404, f"no method {method}")

    def kill_victim(self) -> None:
        """Kill the client's process, once it is known, and wait until nothing of it is left."""
        end = time.monotonic() + 120
        while self.victim is None and time.monotonic() < end:
            time.sleep(0.01)
        if self.victim is not None and self.victim != os.getpid():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.victim, signal.SIGKILL)

    def contest(self, body: Mapping[str, Any]) -> Contest | None:
        """The competition that a request names."""
        return self.contests.get(body.get("competitionName", ""))

    def store(self, name: str, data: bytes) -> tuple[int, str]:
        """Put bytes into storage and return a redirection to them."""
        return 302, self.url_of(name, data)

    def url_of(self, name: str, data: bytes) -> str:
        """Put bytes into storage and return their address."""
        self.storage[name] = data
        return f"{BASE}/storage/{quote(name)}?signature=verysecret"

    def do_IntrospectToken(self, body: Mapping[str, Any]) -> Answer:
        user = self.tokens.get(body.get("token", ""))
        return 200, {"active": bool(user), "username": user or ""}

    def do_ListCompetitions(self, _body: Mapping[str, Any]) -> Answer:
        known = [self.record_of(slug) for slug in self.contests]
        return 200, {"competitions": known, "nextPageToken": ""}

    def do_GetCompetition(self, body: Mapping[str, Any]) -> Answer:
        if self.contest(body) is None:
            return 404, error(404, "no such competition")
        return 200, self.record_of(body["competitionName"])

    def record_of(self, slug: str) -> dict[str, Any]:
        """What Kaggle says about a competition."""
        contest = self.contests[slug]
        return {
            "ref": f"https://www.kaggle.com/competitions/{slug}",
            "userHasEntered": contest.entered,
            "maxDailySubmissions": contest.allowed,
            **contest.record,
        }

    def do_DownloadDataFiles(self, body: Mapping[str, Any]) -> Answer:
        slug, contest = body.get("competitionName", ""), self.contest(body)
        if not contest:
            return 404, error(404, "Not Found")
        if not contest.entered:
            return 403, error(403, "You must accept this competition's rules")
        return self.store(f"{slug}.zip", contest.archive or zipped(contest.files))

    def do_DownloadDataFile(self, body: Mapping[str, Any]) -> Answer:
        contest, name = self.contest(body), body.get("fileName", "")
        if not contest or name not in contest.files:
            return 404, error(404, "Not Found")
        return self.store(name, contest.files[name])

    def do_ListDataFiles(self, body: Mapping[str, Any]) -> Answer:
        contest = self.contest(body)
        if not contest:
            return 404, error(404, "Not Found")
        created = now()
        files = [
            {"ref": name, "name": name, "totalBytes": len(data), "creationDate": created}
            for name, data in contest.files.items()
        ]
        return 200, page("files", files, body)

    def do_DownloadDataset(self, body: Mapping[str, Any]) -> Answer:
        slug = body.get("datasetSlug", "")
        ref = f"{body.get('ownerSlug')}/{slug}"
        data = self.datasets.get(ref) or self.data_sets.archive(ref)
        if data is None:
            return 404, error(404, "Not Found")
        if name := body.get("fileName"):
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                if name not in archive.namelist():
                    return 404, error(404, "Not Found")
                return self.store(name.rsplit("/", 1)[-1], archive.read(name))
        return self.store(f"{slug}.zip", data)

    def do_GetSubmissionLimits(self, body: Mapping[str, Any]) -> Answer:
        contest = self.contest(body)
        if not contest:
            return 404, error(404, "Not Found")
        count = len(contest.submissions)
        left = max(0, contest.allowed - count)
        return 200, {"numToday": count, "numTotal": count, "numAllowedNow": left}

    def do_StartSubmissionUpload(self, body: Mapping[str, Any]) -> Answer:
        if not self.contest(body):
            return 404, error(404, "Not Found")
        token = hashlib.sha256(f"{len(self.uploads)}{time.time_ns()}".encode()).hexdigest()[:16]
        self.uploads[token] = b""
        return 200, {"token": token, "createUrl": f"{BASE}/upload/{token}?signature=verysecret"}

    def do_CreateSubmission(self, body: Mapping[str, Any]) -> Answer:
        contest, token = self.contest(body), body.get("blobFileTokens", "")
        if not contest:
            return 404, error(404, "Not Found")
        if token not in self.uploads:
            return 400, error(400, "No such upload")
        if contest.record.get("isKernelsSubmissionsOnly"):
            return 400, error(400, "This competition only accepts submissions from notebooks")
        return self.submit(contest, body, "submission.csv", self.uploads[token])

    def submit(
        self, contest: Contest, body: Mapping[str, Any], name: str, data: bytes | None
    ) -> Answer:
        """Make a submission, if the user may; `data` of None is a kernel that still runs."""
        if not contest.entered:
            return 403, error(403, "You must accept this competition's rules")
        if len(contest.submissions) >= contest.allowed:
            return 400, error(400, "Submission limit reached")
        made = {
            "ref": 1000 + sum(len(c.submissions) for c in self.contests.values()),
            "date": now(),
            "description": body.get("submissionDescription", ""),
            "fileName": name,
            "data": data,
            "failed": False,
            "polls": 0,
        }
        contest.submissions.append(made)
        return 200, {"message": "Successfully submitted", "ref": made["ref"]}

    def do_ListSubmissions(self, body: Mapping[str, Any]) -> Answer:
        contest = self.contest(body)
        if not contest:
            return 404, error(404, "Not Found")
        newest = [_shown(contest, made) for made in reversed(contest.submissions)]
        return 200, page("submissions", newest, body)

    def do_GetSubmission(self, body: Mapping[str, Any]) -> Answer:
        for contest in self.contests.values():
            for made in contest.submissions:
                if made["ref"] == body.get("ref"):
                    return 200, _shown(contest, made)
        return 404, error(404, "Not Found")

    def do_GetLeaderboard(self, body: Mapping[str, Any]) -> Answer:
        contest = self.contest(body)
        if not contest:
            return 404, error(404, "Not Found")
        rows = [
            {"teamId": number, "teamName": name, "submissionDate": now(), "score": score}
            for number, (name, score) in enumerate(contest.leaderboard, 1)
        ]
        return 200, page("submissions", rows, body)

    def do_DownloadLeaderboard(self, body: Mapping[str, Any]) -> Answer:
        slug, contest = body.get("competitionName", ""), self.contest(body)
        if not contest:
            return 404, error(404, "Not Found")
        lines = [
            "Rank,TeamId,TeamName,LastSubmissionDate,Score,SubmissionCount,TeamMemberUserNames"
        ]
        lines += [
            f'{n},{n},"{name}",2026-01-01 00:00:00,{score},1,someone'
            for n, (name, score) in enumerate(contest.leaderboard, 1)
        ]
        table = {f"{slug}-publicleaderboard.csv": ("\n".join(lines) + "\n").encode()}
        return self.store(f"{slug}-leaderboard.zip", zipped(table))


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A zip of some files."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return held.getvalue()


def _shown(contest: Contest, made: dict[str, Any]) -> dict[str, Any]:
    """A submission as the API tells it; being asked brings its score nearer."""
    made["polls"] += 1
    shown = {key: made[key] for key in ("ref", "date", "description", "fileName")}
    if made.get("failed"):
        return shown | {"status": "ERROR"}  # and no word why
    if made["polls"] <= contest.polls or made["data"] is None:
        return shown | {
            "status": contest.status or "PENDING",
            "publicScore": "",
            "privateScore": "",
        }
    result = contest.score(made["data"])
    if isinstance(result, str):
        return shown | {"status": "ERROR", "errorDescription": result}
    return shown | {"status": "COMPLETE", "publicScore": result[0], "privateScore": result[1]}


class Handler(BaseHTTPRequestHandler):
    """One connection to `kaggle`."""

    kaggle: KaggleServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else headers and body are 40 ms apart
    disable_nagle_algorithm = True  # else each answer waits for 40 ms

    def log_message(self, *_words: object) -> None:
        """Say nothing."""

    def do_CONNECT(self) -> None:
        self._seen("CONNECT", self.path)
        self.send_error(403, "nothing leaves this machine")

    def body(self) -> bytes:
        """The body of the request. The client sends it when the headers are acknowledged, which
        Linux would do 40 ms later."""
        if hasattr(socket, "TCP_QUICKACK"):
            self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def do_POST(self) -> None:
        data = self.body()
        name = urlsplit(self.path).path.rsplit("/", 1)[-1]
        body = json.loads(data or b"{}")
        self._seen(name, body)
        fault = self.kaggle.fault_for(name)
        allowed = self.kaggle.user_of(self.headers.get("Authorization", ""))
        status, answer = 401, error(401, "Unauthenticated")
        if allowed and (fault is None or fault.done):
            status, answer = self.kaggle.answer(name, body, allowed)
        if fault and fault.kind not in ("cut", "stall"):
            return self._fail(fault)
        if status == 302:
            return self._send(302, b"", {"Location": answer})
        return self._json(status, answer)

    def do_PUT(self) -> None:
        data = self.body()
        self._seen("PUT", None)
        fault = self.kaggle.fault_for("PUT")
        if fault is None or fault.done:
            self.kaggle.uploads[urlsplit(self.path).path.rsplit("/", 1)[-1]] = data
        return self._fail(fault) if fault else self._send(200, b"")

    def do_GET(self) -> None:
        if self.kaggle.sessions.is_stream(self.path):
            return self._stream()
        self._seen("GET", None)
        fault = self.kaggle.fault_for("GET")
        data = self.kaggle.storage.get(unquote(urlsplit(self.path).path.removeprefix("/storage/")))
        if fault and fault.kind not in ("cut", "stall"):
            return self._fail(fault)
        if data is None:
            return self._json(404, error(404, "Not Found"))
        etag = f'"{hashlib.md5(data).hexdigest()}"'
        headers = {"ETag": etag, "Accept-Ranges": "bytes", "Content-Type": "application/zip"}
        status, span = 200, self.headers.get("Range")
        if span and self.headers.get("If-Range", etag) == etag:
            start = int(span.removeprefix("bytes=").split("-")[0])
            if start >= len(data):
                return self._send(416, b"", {"Content-Range": f"bytes */{len(data)}"})
            status = 206
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
            data = data[start:]
        return self._send(status, data, headers, fault)

    def _stream(self) -> None:
        """The log of a kernel: events while it runs, in the end the log as it was stored."""
        self._seen("LogStream", None)
        fault = self.kaggle.fault_for("LogStream")
        if fault:
            return self._fail(fault)
        if not self.kaggle.user_of(self.headers.get("Authorization", "")):
            return self._json(401, error(401, "Unauthenticated"))
        status, kind, text = self.kaggle.sessions.stream(self.path)
        if kind != "text/event-stream":
            return self._send(status, text.encode(), {"Content-Type": kind})
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(text.encode())
        self.wfile.flush()
        self.kaggle.closing.wait()  # the kernel says nothing more
        self.close_connection = True
        return None

    def _seen(self, name: str, body: Any) -> None:
        seen = Seen(name, body, dict(self.headers.items()), time.monotonic())
        with self.kaggle.lock:
            self.kaggle.requests.append(seen)

    def _fail(self, fault: Fault) -> None:
        if fault.kind == "hang":
            self.kaggle.closing.wait()
            self.close_connection = True
        elif fault.kind in ("drop", "kill"):
            if fault.kind == "kill":
                self.kaggle.kill_victim()
            self.close_connection = True
        elif fault.kind == "html":
            self._send(200, b"<html>Please sign in</html>", {"Content-Type": "text/html"})
        elif fault.kind == "garbage":
            self._send(200, b"{nonsense", {"Content-Type": "application/json"})
        elif isinstance(fault.body, str):
            page = {"Content-Type": "text/plain"} | dict(fault.headers)
            self._send(fault.status, fault.body.encode(), page)
        else:
            self._json(fault.status, fault.body, fault.headers)

    def _json(self, status: int, value: Any, more: Mapping[str, str] | None = None) -> None:
        headers = {"Content-Type": "application/json; charset=utf-8"} | dict(more or {})
        self._send(status, json.dumps(value).encode(), headers)

    def _send(
        self,
        status: int,
        data: bytes,
        headers: Mapping[str, str] | None = None,
        fault: Fault | None = None,
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if not fault:
            self.wfile.write(data)
            return
        self.wfile.write(data[: fault.at])
        self.wfile.flush()
        if fault.kind == "stall":
            self.kaggle.closing.wait()
        self.close_connection = True

    def handle(self) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionError):
            super().handle()
